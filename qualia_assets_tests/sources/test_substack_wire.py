"""How records that Substack sends are read, without a server."""

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from qualia_assets.net.base import Unusable
from qualia_assets.sources.substack import posts
from qualia_assets.sources.substack.feed import FeedPost, body_of, read_feed
from qualia_assets.sources.substack.wire import (
    Post,
    Profile,
    Publication,
    Reader,
    Recommendation,
    crawler_choices,
    load,
    rows_of,
)

SENT: dict[str, Any] = {
    "id": 7,
    "publication_id": 3,
    "title": "On &amp; on",
    "type": "newsletter",
    "slug": "on-and-on",
    "post_date": "2026-01-02T03:04:05.678Z",
    "audience": "everyone",
    "subtitle": "A subtitle",
    "cover_image": None,
    "body_html": "<p>Body.</p>",
    "reaction_count": 184,
    "stripe_user_id": "planted",
}
PUBLICATION = {
    "id": 3,
    "subdomain": "alpha",
    "custom_domain": None,
    "name": "Alpha",
    "stripe_user_id": "planted",
}
ITEM = (
    "<item><title><![CDATA[{title}]]></title><description><![CDATA[Sub]]></description><link>{link}</link>"
    "<pubDate>Sun, 02 Aug 2026 13:01:40 GMT</pubDate>"
    "<content:encoded><![CDATA[{body}]]></content:encoded></item>"
)
CHANNEL = (
    '<?xml version="1.0" encoding="UTF-8"?>{before}<rss version="2.0" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Alpha</title>{items}</channel></rss>'
)


def read(model: type[Any], sent: Any) -> tuple[Any, Reader]:
    reader = Reader()
    return reader.validated(model, sent, "here"), reader


def feed(*items: str, before: str = "") -> bytes:
    return CHANNEL.format(before=before, items="".join(items)).encode()


def item(slug: str = "a-post", body: str = "<p>All.</p>", title: str = "Title") -> str:
    return ITEM.format(link=f"https://alpha.example/p/{slug}", body=body, title=title)


def in_feed(**more: Any) -> FeedPost:
    """SENT as a feed has it."""
    as_is = {
        "slug": "on-and-on",
        "title": "On & on",
        "subtitle": "A subtitle",
        "author": None,
        "date": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "body": "Body.",
        "body_status": "full",
        "image_url": None,
        "pictured": None,
    }
    return FeedPost(**{**as_is, **more})


def from_archive(sent: Mapping[str, Any], old: posts.Payload | None = None) -> posts.Payload:
    post, reader = read(Post, {**sent, "body_html": None})
    assert post is not None
    return posts.from_archive(post, old, reader)


def digest(known: posts.Payload) -> str:
    return posts.row_of(known).digest


def test_only_listed_fields_are_kept() -> None:
    post, _ = read(Post, SENT)
    publication, _ = read(Publication, PUBLICATION)
    assert "planted" not in repr(post) + repr(publication)
    assert "planted" not in json.dumps(publication.payload("https://{subdomain}.substack.com"))
    assert "184" not in json.dumps(posts.row_of(from_archive(SENT)).payload)


REQUIRED = ("id", "publication_id", "title", "type", "slug", "post_date", "audience")
BAD: dict[str, list[Any]] = {
    "id": ["7", True, 0, 10**30],
    "publication_id": [3.5],
    "title": ["half a \ud800 surrogate", "x" * 20_000],
    "post_date": ["yesterday", "2026-01-02T03:04:05", None],
    "body_html": ["x" * 6_000_000, ["<p>"]],
    "postTags": ["essays"],
    "audience": [None],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, ...) for name in REQUIRED),
        *((name, value) for name, values in BAD.items() for value in values),
    ],
)
def test_a_post_that_lacks_a_field_or_has_a_bad_value_is_a_reject_that_names_the_field_only(
    field: str, value: Any
) -> None:
    sent = {key: v for key, v in {**SENT, field: value}.items() if v is not ...}
    post, reader = read(Post, sent)
    assert post is None
    ((record, reject),) = reader.rejects.items()
    assert (record, reject.record) == ("here", "here")
    assert reject.reason.startswith(f"{field}: Field required" if value is ... else f"{field}: ")
    assert len(reject.reason) < 200


@pytest.mark.parametrize("sent", [None, 7, "text", [], {}])
@pytest.mark.parametrize("model", [Post, Publication, Profile, Recommendation])
def test_what_is_no_record_is_a_reject(model: type[Any], sent: Any) -> None:
    post, reader = read(model, sent)
    assert (post, len(reader.rejects)) == (None, 1)


@tries(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=40), st.text("./%\\?#:@-_aB1", max_size=12), st.just("a" * 251)))
def test_a_slug_is_refused_or_stays_within_its_place_in_an_address(slug: str) -> None:
    post, reader = read(Post, {**SENT, "slug": slug})
    if post is None:
        assert len(reader.rejects) == 1
        assert len(slug) < 3 or slug not in repr(reader.rejects)
    else:
        parts = urlsplit(f"https://alpha.example/p/{post.slug}?q")
        assert (parts.netloc, parts.path, parts.query) == ("alpha.example", f"/p/{slug}", "q")
        assert ".." not in parts.path


@tries(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=40), st.text("./%\\?#:@-[]aB1", max_size=14), st.ip_addresses().map(str)))
def test_a_domain_is_refused_or_is_the_whole_name_of_a_host(domain: str) -> None:
    publication, _ = read(Publication, {**PUBLICATION, "custom_domain": domain})
    if publication is not None:
        base = publication.base("https://{subdomain}.substack.com")
        host = domain.lower() if domain else "alpha.substack.com"
        assert urlsplit(base).hostname == host == urlsplit(base).netloc
        assert re.search("[a-z]", host.rpartition(".")[2])


@tries(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=40), st.text("./%\\?#:@-_aB1", max_size=12)))
def test_a_link_in_a_feed_gives_a_slug_that_is_valid_or_a_reject(slug: str) -> None:
    link = "https://alpha.example/p/" + slug.replace("<", "&lt;").replace("&", "&amp;")
    reader = Reader()
    try:
        found = read_feed(feed(ITEM.format(link=link, body="<p>x</p>", title="t")), "here", reader)
    except Unusable:
        return
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,249}", post.slug) for post in found.posts)
    assert len(found.posts) + len(reader.rejects) == 1


@pytest.mark.parametrize("key", ["recommendedPublication", "recommended_publication"])
def test_a_recommendation_is_read_under_either_name(key: str) -> None:
    found, _ = read(Recommendation, {"id": 1, key: PUBLICATION})
    assert found.publication.id == 3


def test_a_list_comes_bare_or_in_rows() -> None:
    assert rows_of([1], "here") == rows_of({"rows": [1], "total": 9}, "here") == [1]
    for wrong in ({}, {"rows": None}, "text", None):
        with pytest.raises(Unusable, match="not a list"):
            rows_of(wrong, "here")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"\xff\xfe", b"[" * 200_000, b"9" * 10_000], ids=range(6)
)
def test_what_is_not_json_is_unusable(body: bytes) -> None:
    with pytest.raises(Unusable, match="is not JSON") as caught:
        load(body, "here")
    assert "<html>" not in str(caught.value)


NO, YES, UNCLEAR = ({"block_ai_crawlers": value} for value in (True, False, "?"))


@pytest.mark.parametrize(
    ("sent", "choices"),
    [
        ({"post": SENT, "publication": PUBLICATION, "publicationSettings": NO}, {"3": True}),
        ({"publication": PUBLICATION, "publicationSettings": YES}, {"3": False}),
        ({"publication": PUBLICATION, "publicationSettings": UNCLEAR}, {}),
        ([{**SENT, "publishedBylines": [{"publication": {**PUBLICATION, **NO}}]}], {"3": True}),
        ([{**PUBLICATION, **NO}, {**PUBLICATION, **YES}], {"3": True}),
    ],
)
def test_a_publication_declines_crawlers_wherever_it_says_so(sent: Any, choices: dict[str, bool]) -> None:
    assert crawler_choices(sent) == choices


def test_a_feed_has_title_subtitle_body_picture_and_time() -> None:
    proxied = (
        "https://substackcdn.com/image/fetch/w_9/https%3A%2F%2Fsubstack-post-media.s3.amazonaws.com%2Fa.png"
    )
    whole = item(body=f'<p>One &amp; two.</p><img src="{proxied}">').replace(
        "</item>", f'<enclosure url="{proxied}?x=1" length="0" type="image/png"/></item>'
    )
    (post,) = read_feed(feed(whole), "here", Reader()).posts
    assert (post.slug, post.title, post.subtitle) == ("a-post", "Title", "Sub")
    assert (post.body, post.body_status) == ("One & two.", "full")
    assert post.image_url == post.pictured == "https://substack-post-media.s3.amazonaws.com/a.png"
    assert post.date == datetime(2026, 8, 2, 13, 1, 40, tzinfo=UTC)


def test_a_recording_is_no_picture_and_a_missing_description_no_subtitle() -> None:
    recording = '<enclosure url="https://api.substack.com/a.mp3" length="0" type="audio/mpeg"/></item>'
    sent = item().replace("<description><![CDATA[Sub]]></description>", "").replace("</item>", recording)
    (post,) = read_feed(feed(sent), "here", Reader()).posts
    assert (post.image_url, post.subtitle, post.body) == (None, None, "All.")


READ_MORE = '<p>\n <a href="https://alpha.example/p/{}">\n Read more\n </a>\n</p>\n'


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>Some.</p>" + READ_MORE.format("a-post"), ("Some.", "preview")),
        (READ_MORE.format("a-post"), (None, "none")),
        ("<p>Some.</p>" + READ_MORE.format("a-post?utm=1"), ("Some.", "preview")),
        ("<p>Some.</p>" + READ_MORE.format("another"), ("Some.\n\nRead more", "full")),
        (
            "<p>Some.</p>" + READ_MORE.format("a-post") + "<p>More.</p>",
            ("Some.\n\nRead more\n\nMore.", "full"),
        ),
        ('<p>See <a href="https://alpha.example/p/a-post">this</a></p>', ("See this", "full")),
        ("<p>Some.</p>", ("Some.", "full")),
        ("", (None, "none")),
        ("<script>x</script>", (None, "none")),
    ],
)
def test_a_body_is_a_preview_where_it_ends_in_a_link_to_the_post_itself(
    markup: str, expected: tuple[str | None, str]
) -> None:
    assert body_of(markup, "a-post") == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Too many requests",
        b"<html><body>Just a moment</body></html>",
        feed(item())[:-20],
        b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>x</title></feed>',
    ],
    ids=["nothing", "refusal", "page", "cut short", "another kind"],
)
def test_an_incomplete_feed_is_unusable(body: bytes) -> None:
    with pytest.raises(Unusable, match="not a complete feed"):
        read_feed(body, "here", Reader())


HOSTILE = ["&#55296;", "&#0;", "&#xFFFFFFFFFF;", "\x00", "]]>", "<![CDATA[", "<item>", "</item>", "<link/>"]
HOSTILE += [
    "<enclosure/>",
    "<enclosure type='image/png'/>",
    "<link>https://[::1/p/x</link>",
    "xml:base='//['",
]
HOSTILE += ["<title type='xhtml'>", "<content:encoded/>", "<dc:creator><a/></dc:creator>"]
HOSTILE += ["<pubDate>Sun, 99 Foo 99999 99:99:99</pubDate>"]


@tries(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(HOSTILE) | st.binary(max_size=6)), max_size=6)
)
def test_a_feed_with_anything_in_it_is_read_or_unusable(damage: list[tuple[int, str | bytes]]) -> None:
    sent = bytearray(feed(item(), item("another", "<p>x</p>" + READ_MORE.format("another"))))
    for place, what in damage:
        sent[place % len(sent) : place % len(sent)] = what if isinstance(what, bytes) else what.encode()
    try:
        found = read_feed(bytes(sent), "here", Reader())
    except Unusable:
        return
    for post in found.posts:
        payload = posts.row_of(posts.from_feed(post, "3", None)).payload
        assert json.dumps(payload, ensure_ascii=False).encode()


def test_entities_that_grow_do_not_and_files_are_not_read(tmp_path: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("planted-in-a-file")
    layers = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    bomb = f'<!DOCTYPE rss [<!ENTITY a0 "aaaaaaaaaa">{layers}<!ENTITY f SYSTEM "file://{secret}">]>'
    sent = feed(item().replace("<![CDATA[Title]]>", "&a9;&f;"), before=bomb)
    began = time.process_time()
    try:
        found = repr(read_feed(sent, "here", Reader()))
    except Unusable:
        found = ""
    assert time.process_time() - began < 2
    assert len(found) < 10_000
    assert "planted-in-a-file" not in found


def test_a_feed_is_never_taken_for_the_name_of_a_file(tmp_path: Any) -> None:
    (tmp_path / "feed.xml").write_bytes(feed(item()))

    with pytest.raises(Unusable):
        read_feed(str(tmp_path / "feed.xml").encode(), "here", Reader())


def test_an_item_that_comes_twice_counts_once_and_one_without_a_link_is_a_reject() -> None:
    reader = Reader()
    found = read_feed(feed(item(), item(title="Again"), item().replace("/p/", "/x/")), "here", reader)
    assert [post.title for post in found.posts] == ["Title"]
    assert list(reader.rejects) == ["here#2"]


def test_the_id_of_a_post_is_fixed_at_first_sight() -> None:
    by_feed = posts.from_feed(in_feed(), "3", None)
    assert (by_feed["item_id"], by_feed["post_id"]) == ("3-on-and-on", None)
    later = from_archive(SENT, by_feed)
    assert (later["item_id"], later["post_id"]) == ("3-on-and-on", "7")
    assert from_archive(SENT)["item_id"] == "7"


def test_archive_and_feed_make_one_post_and_reading_them_again_changes_nothing() -> None:
    known = posts.from_feed(in_feed(title="As the feed has it", subtitle="Made up"), "3", from_archive(SENT))
    assert (known["title"], known["subtitle"], known["body"]) == ("On & on", "A subtitle", "Body.")
    again = posts.from_feed(in_feed(title="As the feed has it", subtitle="Made up"), "3", known)
    assert digest(again) == digest(known) == digest(from_archive({**SENT, "reaction_count": 999}, again))


@pytest.mark.parametrize(
    "edit",
    [{"title": "Other"}, {"subtitle": None}, {"body": "Other."}, {"image_url": "https://a.example/b.png"}],
)
def test_a_change_in_the_feed_is_an_edit(edit: dict[str, Any]) -> None:
    known = posts.from_feed(in_feed(), "3", from_archive(SENT))
    edited = posts.from_feed(in_feed(**edit), "3", known)

    before, after = posts.row_of(known).payload, posts.row_of(edited).payload
    assert before["editorial_sha256"] != after["editorial_sha256"]
    (field,) = edit
    assert after[field] == edit[field]


def test_what_a_free_post_said_goes_when_it_becomes_paid() -> None:
    known = posts.from_feed(in_feed(), "3", from_archive(SENT))
    by_archive = from_archive({**SENT, "audience": "only_paid"}, known)
    assert (by_archive["body"], by_archive["body_status"]) == (None, "none")
    by_feed = posts.from_feed(in_feed(body="Bo", body_status="preview"), "3", known)
    assert (by_feed["body"], by_feed["body_status"]) == ("Bo", "preview")


def test_what_the_feed_gives_of_a_paid_post_is_public_and_is_a_preview() -> None:
    by_feed = posts.from_feed(in_feed(), "3", None)
    known = from_archive({**SENT, "audience": "only_paid"}, by_feed)
    assert (known["body"], known["body_status"]) == ("Body.", "preview")
    edited = posts.from_feed(in_feed(body="Better."), "3", known)
    assert (edited["body"], edited["body_status"]) == ("Better.", "preview")


def test_a_feed_that_always_cuts_short_does_not_cut_a_body_that_is_there() -> None:
    cut = in_feed(body="Bo", body_status="preview")
    post, reader = read(Post, SENT)
    known = posts.from_own_page(post, posts.from_feed(cut, "3", from_archive(SENT)), reader)
    assert (known["body"], known["body_status"], known["asked"]) == ("Body.", "full", True)

    edited = posts.from_feed(in_feed(body="Bo", body_status="preview", title="Other"), "3", known)
    assert (edited["body"], edited["title"]) == ("Body.", "Other")
