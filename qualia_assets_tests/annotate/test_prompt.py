"""A question that an item cannot change, and an answer that is read as if the item had written it."""

import hashlib
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qualia_assets.annotate import prompt
from qualia_assets.annotate.base import Subject
from qualia_assets.annotate.prompt import annotation_of, plain, question
from qualia_assets_tests.annotate.injections import INJECTIONS, Injection
from qualia_assets_tests.emulators.anthropic import annotation

TAG = re.compile(r"<(item_[0-9a-f]{16})>")
CARRIES_OUT = re.compile(
    r"https?:|//|javascript:|data:|[<>\[\]`\x00-\x1f]|evil\.|@|\d+\.\d+\.\d+\.\d+|&lt|SECRET\.|"
    r"[\u200b\u202a-\u202e\U000e0000-\U000e007f]",
    re.IGNORECASE,
)


def post(text: str | None, title: str | None = None, **changes: object) -> Subject:
    return Subject(**{"sha256": "a", "modality": "text", "title": title, "text": text, "tags": (), **changes})  # type: ignore[arg-type]


def in_block(text: str) -> tuple[str, str]:
    """What stands in the block of a question, and what stands around it."""
    names = TAG.findall(text)
    assert len(set(names)) == 1, "the question names one tag"
    opening, closing = f"\n<{names[0]}>\n", f"\n</{names[0]}>"
    before, _, rest = text.partition(opening)
    inside, end, after = rest.partition(closing)
    assert end, "the block is closed"
    assert not after, "nothing stands behind the block"
    return inside, before


def as_said(said: str | dict[str, object]) -> str:
    return said if isinstance(said, str) else json.dumps(said)


@pytest.mark.parametrize("attack", INJECTIONS, ids=lambda a: a.name)
def test_an_attack_stays_in_its_block(attack: Injection) -> None:
    inside, around = in_block(question(post(attack.text, attack.title), False).text)
    _, harmless = in_block(question(post("A text.", "A title"), False).text)
    assert TAG.sub("", around.replace("</", "<")) == TAG.sub("", harmless.replace("</", "<"))
    assert attack.text.split()[0] in inside
    assert not re.search(r"[\u200b\u202a-\u202e\U000e0000-\U000e007f\x1b]", inside)


@pytest.mark.parametrize("attack", INJECTIONS, ids=lambda a: a.name)
def test_an_answer_that_obeys_carries_nothing_out(attack: Injection) -> None:
    found = annotation_of(attack.stop_reason, as_said(attack.obeyed or ""))
    texts = [found.summary, found.aesthetic, *found.themes, found.mood, found.lifestyle, found.moment]
    if found.status == "ok":
        assert all(texts)
        assert 3 <= len(found.themes) <= 5
        for text in filter(None, texts):
            assert not CARRIES_OUT.search(text), text
            assert "Sea" in text
    else:
        assert found.status == "failed"
        assert not any(texts)
        assert found.error
        assert not re.search("PWNED|SECRET|evil|EvilBot", found.error)


def test_there_are_thirty_attacks_and_some_get_through_as_annotations() -> None:
    kinds = [annotation_of(a.stop_reason, as_said(a.obeyed or "")).status for a in INJECTIONS]
    assert len({a.name for a in INJECTIONS}) == 30
    assert (kinds.count("ok"), kinds.count("failed")) == (15, 15)


@given(st.text(max_size=300), st.text(max_size=80))
def test_no_text_and_no_title_leaves_the_block(text: str, title: str) -> None:
    asked = question(post(text, title), False).text
    inside, around = in_block(asked)
    again = question(post(text, title), False).text
    assert asked == again
    assert around.count("\n") == in_block(question(post("x"), False).text)[1].count("\n")
    assert TAG.findall(inside) == []


def test_a_tag_that_stands_in_the_text_is_not_used() -> None:
    block = "the sea"
    tag = prompt._tag(block)
    assert prompt._tag(block) == tag
    digits = tag.removeprefix("item_")

    class Foreseen(str):
        """A text that holds its own tag, as none can be written: what ``lower`` gives holds it."""

        def lower(self) -> str:
            return f"{super().lower()} {digits.upper().lower()}"

    assert prompt._tag(Foreseen(block)) != tag


@given(st.text(alphabet="<>[]()!`&;:/.@ahtpslgm#x\u200b ", max_size=60))
@example("//>")
@example("a://")
def test_nothing_that_a_page_could_use_is_left_of_any_text(text: str) -> None:
    left = plain(text, 200)
    assert not re.search(r"[<>\[\]`]|https?:\/\/|\w+:\/\/", left)
    assert plain(left, 200) == left


def test_prose_stays_as_it_is() -> None:
    text = "It isn't 3/4 of an essay, and/or one: \u201cthe sea\u201d, at 10:30, 5.5 % more; na\u00efve."
    assert plain(text, 300) == text
    assert plain("Node 4.2 vs 4.3, e.g. v1.2.3", 300) == "Node 4.2 vs 4.3, e.g. v1.2.3"


def test_markup_nested_without_end_is_no_prose() -> None:
    assert plain("&" + "amp;" * 100 + "lt;", 400) == ""


def test_the_six_fields_become_an_annotation() -> None:
    found = annotation_of("end_turn", json.dumps(annotation(mood="wistful.", themes=["a ", "b", "B", "c."])))
    assert (found.status, found.mood, found.themes) == ("ok", "wistful", ("a", "b", "c"))
    assert found.summary == "A quiet essay about the sea. It follows a harbour through one winter."
    assert found.error is None


def test_more_than_five_themes_are_cut_and_fewer_than_three_are_a_failure() -> None:
    six = annotation_of("end_turn", json.dumps(annotation(themes=list("abcdef"))))
    assert six.themes == tuple("abcde")
    two = annotation_of("end_turn", json.dumps(annotation(themes=["a", "A", "", "b"])))
    assert (two.status, two.error) == ("failed", "the answer is not as asked: fewer than 3 themes")


def test_long_fields_are_cut_behind_a_word_and_empty_ones_are_a_failure() -> None:
    long = annotation_of("end_turn", json.dumps(annotation(mood="wide and blue " * 100)))
    assert long.mood
    assert len(long.mood) <= 400
    assert long.mood.endswith(("wide", "and", "blue"))
    empty = annotation_of("end_turn", json.dumps(annotation(mood=" \x00<b></b> ")))
    assert (empty.status, empty.error) == ("failed", "the answer is not as asked: mood is empty")


def test_why_a_model_stopped_is_told() -> None:
    whole = json.dumps(annotation())
    refused = annotation_of("refusal", whole, "cyber")
    assert (refused.status, refused.error, refused.summary) == ("refused", "the model refused (cyber)", None)
    assert annotation_of("refusal", "", "a b <x>").error == "the model refused"
    cut = annotation_of("max_tokens", whole)
    assert (cut.status, cut.error) == ("failed", "the answer was cut off at max_tokens")
    for other in ("tool_use", "pause_turn", "model_context_window_exceeded"):
        assert annotation_of(other, whole).error == f"the model stopped for {other}"
    assert annotation_of(None, whole).error == "the model stopped for an unknown reason"


def test_of_a_long_text_whole_paragraphs_are_sent_and_that_more_follows_is_said() -> None:
    paragraph = "word " * 199 + "end.\n\n"
    asked = question(post(paragraph * 40, "T"), False).text
    inside, around = in_block(asked)
    assert inside.count("end.") == 24_000 // len(paragraph)
    assert inside.endswith("end.")
    assert "It is the beginning of a longer one." in around
    assert "longer one" not in question(post(paragraph * 2), False).text
    one_line, _ = in_block(question(post("word " * 10_000), False).text)
    assert len(one_line) <= 24_000
    assert one_line.endswith("word")
    no_word, _ = in_block(question(post("x" * 30_000), False).text)
    assert len(no_word) == 24_000


def test_title_tags_and_collection_stand_in_the_block_on_one_line_each() -> None:
    subject = post("Body", "A\ntitle " * 200, tags=("sea", "rope\nTITLE: no"), collection="Har\nbour")
    inside, _ = in_block(question(subject, False).text)
    first, second, third, *_ = inside.split("\n")
    assert first.startswith("TITLE: A title A title")
    assert len(first) == len("TITLE: ") + 500
    assert (second, third) == ("COLLECTION: Har bour", "TAGS: sea, rope TITLE: no")


def test_a_picture_is_asked_about_by_what_is_to_be_seen_and_a_post_by_its_argument() -> None:
    assert "its main topic, argument or narrative, in 5-6 sentences" in question(post("x"), False).text
    pin = question(post(None, "A boat"), True)
    assert "the objects and people" in pin.text
    assert "argument" not in pin.text
    for word in ("AESTHETIC", "THEMES: 3-5", "MOOD", "LIFESTYLE", "MOMENT"):
        assert word in pin.text
        assert word in question(post("x"), False).text


def test_an_item_without_words_says_so() -> None:
    assert not question(post(None), True).has_words
    assert not question(post(" \u200b\n", " ", collection="Board"), True).has_words
    assert question(post(None, "T"), True).has_words


def test_the_version_covers_every_word_that_is_sent() -> None:
    words = [part for part in prompt.COVERED if isinstance(part, str)]
    for length in (1, 30_000):
        for seen in (True, False):
            left = re.sub(r"item_[0-9a-f]{16}", "{tag}", question(post("x" * length), seen).text)
            for part in words:
                left = left.replace(part, "")
            assert re.fullmatch(r"\s*<\{tag\}>\nx+\n</\{tag\}>", left), left
    assert prompt.SYSTEM in words
    assert prompt.SCHEMA in prompt.COVERED
    digest = hashlib.sha256(repr(prompt.COVERED).encode()).hexdigest()[:8]
    assert re.fullmatch(rf"prompt-\d+-{digest}", prompt.PROMPT_VERSION)


def test_halves_of_pairs_can_be_sent() -> None:
    question(post("a\ud800b"), False).text.encode()
