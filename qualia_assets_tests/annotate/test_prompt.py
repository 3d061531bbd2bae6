"""A prompt that an item cannot change, and an answer that is parsed as if the item had written it."""

import hashlib
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qualia_assets.annotate import prompt
from qualia_assets.annotate.base import Annotation, Subject
from qualia_assets.annotate.prompt import make_prompt, parse_answer, plain_text
from qualia_assets_tests.annotate.injections import INJECTIONS, Injection
from qualia_assets_tests.emulators.anthropic import annotation

TAG = re.compile(r"<(item_[0-9a-f]{16})>")
HARMFUL = re.compile(
    r"https?:|//|javascript:|data:|[<>\[\]`\x00-\x1f]|evil\.|@|\d+\.\d+\.\d+\.\d+|&lt|SECRET\.|"
    r"[\u200b\u202a-\u202e\U000e0000-\U000e007f]",
    re.IGNORECASE,
)


def post(text: str | None, title: str | None = None, **changes: object) -> Subject:
    return Subject(**{"sha256": "a", "modality": "text", "title": title, "text": text, "tags": (), **changes})  # type: ignore[arg-type]


def prompt_of(text: str | None, title: str | None = None) -> str:
    return make_prompt(post(text, title), with_picture=False).text


def split(text: str) -> tuple[str, str]:
    """The block of a prompt, and what stands before it."""
    names = TAG.findall(text)
    assert len(set(names)) == 1, "the prompt names one tag"
    before, _, rest = text.partition(f"\n<{names[0]}>\n")
    inside, end, after = rest.partition(f"\n</{names[0]}>")
    assert end, "the block is closed"
    assert not after, "nothing follows the block"
    return inside, before


def parsed(**changes: object) -> Annotation:
    return parse_answer("end_turn", json.dumps(annotation(**changes)))


INSTRUCTIONS = split(prompt_of("A text.", "A title"))[1]


def test_thirty_attacks_are_told_apart_by_what_obeying_them_gives() -> None:
    results = [parse_answer(attack.stop_reason, attack.answer).status for attack in INJECTIONS]
    assert len({attack.name for attack in INJECTIONS}) == 30
    assert (results.count("ok"), results.count("failed")) == (15, 15)


@pytest.mark.parametrize("attack", INJECTIONS, ids=lambda attack: attack.name)
def test_an_attack_stays_in_its_block_and_obeying_it_does_no_harm(attack: Injection) -> None:
    inside, before = split(prompt_of(attack.text, attack.title))
    assert TAG.sub("", before.replace("</", "<")) == TAG.sub("", INSTRUCTIONS.replace("</", "<"))
    assert attack.text.split()[0] in inside
    assert not re.search(r"[\u200b\u202a-\u202e\U000e0000-\U000e007f\x1b]", inside)

    answer = parse_answer(attack.stop_reason, attack.answer)
    texts = [answer.summary, answer.aesthetic, *answer.themes, answer.mood, answer.lifestyle, answer.moment]
    if answer.status == "ok":
        assert 3 <= len(answer.themes) <= 5
        for text in texts:
            assert text
            assert not HARMFUL.search(text), text
            assert "Sea" in text
    else:
        assert (answer.status, any(texts)) == ("failed", False)
        assert answer.error
        assert not re.search("PWNED|SECRET|evil|EvilBot", answer.error)


@given(st.text(max_size=300), st.text(max_size=80))
def test_no_text_and_no_title_closes_the_block(text: str, title: str) -> None:
    prompt_text = prompt_of(text, title)
    inside, before = split(prompt_text)
    assert prompt_text == prompt_of(text, title)
    assert before.count("\n") == INSTRUCTIONS.count("\n")
    assert TAG.findall(inside) == []


def test_a_tag_that_occurs_in_the_text_is_not_used() -> None:
    tag = prompt._tag("the sea")
    assert prompt._tag("the sea") == tag

    class Foreseen(str):
        """A text that holds its own tag, as no author can write it: what ``lower`` returns holds it."""

        def lower(self) -> str:
            return f"{super().lower()} {tag.removeprefix('item_')}"

    assert prompt._tag(Foreseen("the sea")) != tag


@given(st.text(alphabet="<>[]()!`&;:/.@ahtpslgm#x\u200b ", max_size=60))
@example("//>")
@example("a://")
def test_plain_text_holds_no_markup_and_no_address(text: str) -> None:
    plain = plain_text(text, 200)
    assert not re.search(r"[<>\[\]`]|https?:\/\/|\w+:\/\/", plain)
    assert plain_text(plain, 200) == plain


def test_prose_is_plain_text_and_endlessly_nested_markup_is_none() -> None:
    prose = "It isn't 3/4 of an essay, and/or one: \u201cthe sea\u201d, at 10:30, 5.5 % more; na\u00efve."
    for text in (prose, "Node 4.2 vs 4.3, e.g. v1.2.3"):
        assert plain_text(text, 300) == text
    assert plain_text("&" + "amp;" * 100 + "lt;", 400) == ""


def test_an_answer_becomes_an_annotation_of_six_cleaned_fields() -> None:
    assert parsed(mood="wistful.", themes=["a ", "b", "B", "c."]) == Annotation(
        "ok",
        "A quiet essay about the sea. It follows a harbour through one winter.",
        "Weathered and austere",
        ("a", "b", "c"),
        "wistful",
        "A slow life close to the water",
        "The turn away from the city",
    )
    assert parsed(themes=list("abcdef")).themes == tuple("abcde")
    long = parsed(mood="wide and blue " * 100).mood or ""
    assert len(long) <= 400
    assert long.endswith(("wide", "and", "blue"))


def test_an_answer_out_of_bounds_is_a_failure() -> None:
    few, empty = parsed(themes=["a", "A", "", "b"]), parsed(mood=" \x00<b></b> ")
    assert few == Annotation("failed", error="the answer is not as asked: fewer than 3 themes")
    assert empty == Annotation("failed", error="the answer is not as asked: mood is empty")


@pytest.mark.parametrize(
    ("stop_reason", "category", "status", "error"),
    [
        ("refusal", "cyber", "refused", "the model refused (cyber)"),
        ("refusal", "a b <x>", "refused", "the model refused"),
        ("max_tokens", None, "failed", "the answer was cut off at max_tokens"),
        ("tool_use", None, "failed", "the model stopped for tool_use"),
        ("pause_turn", None, "failed", "the model stopped for pause_turn"),
        ("a <b>", None, "failed", "the model stopped for an unknown reason"),
        (None, None, "failed", "the model stopped for an unknown reason"),
    ],
)
def test_any_other_end_of_an_answer_is_named(
    stop_reason: str | None, category: str | None, status: str, error: str
) -> None:
    answer = parse_answer(stop_reason, json.dumps(annotation()), category)
    assert answer == Annotation(status, error=error)  # type: ignore[arg-type]


def test_a_long_text_is_cut_after_a_paragraph_else_a_word_and_the_prompt_says_so() -> None:
    paragraph = "word " * 199 + "end.\n\n"
    inside, before = split(prompt_of(paragraph * 40, "T"))
    assert inside.count("end.") == 24_000 // len(paragraph)
    assert inside.endswith("end.")
    assert "It is the beginning of a longer one." in before
    assert "longer one" not in prompt_of(paragraph * 2)
    one_line, _ = split(prompt_of("word " * 10_000))
    assert len(one_line) <= 24_000
    assert one_line.endswith("word")
    assert len(split(prompt_of("x" * 30_000))[0]) == 24_000


def test_title_collection_and_tags_take_one_line_each_in_the_block() -> None:
    subject = post("Body", "A\ntitle " * 200, tags=("sea", "rope\nTITLE: no"), collection="Har\nbour")
    first, second, third, *_ = split(make_prompt(subject, False).text)[0].split("\n")
    assert first.startswith("TITLE: A title A title")
    assert len(first) == len("TITLE: ") + 500
    assert (second, third) == ("COLLECTION: Har bour", "TAGS: sea, rope TITLE: no")


def test_a_collection_and_invisible_characters_are_no_words() -> None:
    assert prompt_of("a\ud800b").encode()
    assert not make_prompt(post(None), True).has_words
    assert not make_prompt(post(" \u200b\n", " ", collection="Board"), True).has_words
    assert make_prompt(post(None, "T"), True).has_words


def test_the_version_covers_every_word_that_is_sent() -> None:
    words = [part for part in prompt.COVERED if isinstance(part, str)]
    for length in (1, 30_000):
        for with_picture in (True, False):
            left = TAG.sub("<{tag}>", make_prompt(post("x" * length), with_picture).text)
            left = re.sub(r"</item_[0-9a-f]{16}>", "</{tag}>", left)
            for part in words:
                left = left.replace(part, "")
            assert re.fullmatch(r"\s*<\{tag\}>\nx+\n</\{tag\}>", left), left
    assert prompt.SYSTEM in words
    assert prompt.SCHEMA in prompt.COVERED
    digest = hashlib.sha256(repr(prompt.COVERED).encode()).hexdigest()[:8]
    assert re.fullmatch(rf"prompt-\d+-{digest}", prompt.PROMPT_VERSION)
