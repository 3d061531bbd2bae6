"""The words of a body are taken out of its HTML, and nothing else is."""

import time

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.sources.substack.html import WIDGETS, editorial_sha256, first_image, plain_text

ORIGIN = "https://substack-post-media.s3.amazonaws.com/public/images/abc.jpeg"
FETCHED = "https://substackcdn.com/image/fetch/w_1456,c_limit/https%3A%2F%2Fsubstack-post-media.s3.amazonaws.com%2Fpublic%2Fimages%2Fabc.jpeg"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One.</p><p>Two.</p>", "One.\n\nTwo."),
        ("<h1>Head</h1><p>Body <em>with</em> a <a href='x'>li</a>nk.</p>", "Head\n\nBody with a link."),
        ("<p>First<br>second<br/>third</p>", "First\nsecond\nthird"),
        ("<p>\n  Many\n   spaces&nbsp;&nbsp;here </p>", "Many spaces here"),
        ("<blockquote><p>Said she.</p><p>And he.</p></blockquote>", "Said she.\n\nAnd he."),
        ("<p>A</p><ul><li><p>one</p></li><li>two</li></ul><p>B</p>", "A\n\n- one\n- two\n\nB"),
        ("<ol><li><p>one</p></li><li><p>two</p><p>more</p></li></ol>", "1. one\n2. two\n\nmore"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>", "- a\n1. b\n- c"),
        ("<p>See</p><pre>a\n  b\n\n  c</pre>", "See\n\na\n  b\n\n  c"),
        ("<figure><img src='x'><figcaption>A cat.</figcaption></figure>", "A cat."),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
        ("<section>a<article>b</article>c</section>", "a\n\nb\n\nc"),
        ("loose words", "loose words"),
        ("<p>1 &lt; 2 &amp; 3</p>", "1 < 2 & 3"),
        ("<p>half \ud83d a smile</p>", "half ? a smile"),
        ("<p>bell\x07</p>", "bell"),
        ("<p></p><div> </div><hr>", ""),
        ("", ""),
    ],
)
def test_words_are_kept_by_block(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize("widget", sorted(WIDGETS))
def test_widgets_are_left_out_with_all_that_is_in_them(widget: str) -> None:
    html = (
        f'<p>Before</p><div class="x {widget} y" data-attrs="{{&quot;a&quot;:1}}">'
        f'<div><ul><li>Subscribe</li></ul><img src="{FETCHED}"></div><p>now</p></div><p>After</p>'
    )
    assert plain_text(html) == "Before\n\nAfter"
    assert first_image(html) is None


@pytest.mark.parametrize(
    "html",
    [
        "<script>secret()</script>",
        "<style>secret</style>",
        "<!-- secret -->",
        "<form><input value='secret'>secret</form>",
        "<iframe src='https://secret.example'>secret</iframe>",
        "<svg><text>secret</text></svg>",
        "<template>secret</template>",
        "<a href='javascript:secret()' onclick='secret()' title='secret'></a>",
    ],
)
def test_what_is_not_writing_is_left_out(html: str) -> None:
    assert plain_text(f"<p>Before</p>{html}<p>After</p>") == "Before\n\nAfter"


@pytest.mark.parametrize(
    ("html", "image"),
    [
        (f"<p>x</p><img src='{FETCHED}'><img src='https://host.example/2.png'>", ORIGIN),
        (
            f"<img src='data:image/png,A'><img><img src='http://a.example/a.png'><img src='{ORIGIN}?w=1'>",
            ORIGIN,
        ),
        ("<img src='/a.png'>", None),
        ("<p>none</p>", None),
    ],
)
def test_the_first_picture_is_the_first_that_has_an_address(html: str, image: str | None) -> None:
    assert first_image(html) == image


MARKUP = ["<p>", "</p>", "<ul>", "</ul>", "<li>", "<ol>", "</div>", "<div class='button-wrapper'>", "<pre>"]
MARKUP += ["<br>", "<img src=x>", "<!--", "<table>", "<td>", "\ud800", "<svg>", "<![CDATA["]


@budget(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*"ab <>/='\"&;", *MARKUP])).map("".join))
def test_any_html_gives_words_that_any_table_can_hold(html: str) -> None:
    text = plain_text(html)
    text.encode()
    assert text == text.strip()
    assert "\n\n\n" not in text or "<pre>" in html


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 1_000_000,
        "<div>" * 10_000 + "</p>" * 500_000,
        "<table><a>" * 400_000,
        "<p " + " ".join(f"a{i}" for i in range(200_000)) + ">",
        "<!--" * 1_000_000,
        "<" * 2_000_000,
        "<a data-attrs='" * 200_000,
        '<a data-attrs="' * 200_000,
        "<p>words</p>" * 200_000,
    ],
    ids=lambda html: html[:12],
)
def test_a_hostile_body_takes_seconds_not_hours(html: str) -> None:
    began = time.process_time()
    plain_text(html)
    assert time.process_time() - began < 10


def test_a_body_of_too_many_tags_keeps_its_words() -> None:
    text = plain_text("<b>word</b> " * 30_000)
    assert text.split() == ["word"] * 30_000


def test_attributes_of_embedded_components_count_for_no_bound() -> None:
    filling = "x" * 100_000
    html = "".join(
        f'<p data-attrs="{{&quot;{filling}&quot;}}">{i}<img srcset="{filling}"></p>' for i in range(30)
    )
    assert plain_text(html).split() == [str(i) for i in range(30)]


def test_the_hash_changes_with_an_edit_and_with_the_field_of_a_word() -> None:
    post = ("Title", "Subtitle", "Body", "everyone", ORIGIN)
    edits = {editorial_sha256(*(None if j == i else part for j, part in enumerate(post))) for i in range(5)}
    assert editorial_sha256(*post) == editorial_sha256(*post)
    assert len(edits | {editorial_sha256(*post)}) == 6
    assert editorial_sha256("a", "b", None, None, None) != editorial_sha256("ab", None, None, None, None)
    assert editorial_sha256("a", None, None, None, None) != editorial_sha256(None, "a", None, None, None)
