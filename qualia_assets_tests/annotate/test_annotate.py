"""The local annotator, and the text of an annotation."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from qualia_assets.annotate.base import Annotation, Subject
from qualia_assets.annotate.local import (
    FIELDS,
    Bare,
    LocalAnnotator,
    PictureLook,
    item_text,
    summarise,
    vocabulary,
)
from qualia_assets.annotate.pictures import COLOURS, dominant_colours, light
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.method.borrowing import Borrowed
from qualia_assets.progress import silent
from qualia_assets.settings import SettingsError, load_settings
from qualia_assets.state.database import State

SEA = "The harbour smelled of salt and rope. Gulls sat on the fishing boats, and the tide was turning."


def post(sha256: str, title: str | None, text: str | None) -> Subject:
    return Subject(sha256, "text", title, text, ())


def pin(path: Path) -> Subject:
    return Subject(path.name, "image", None, None, (), image_sha256=path.name, image=path)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAnnotator]:
    state = State("sqlite://")
    yield LocalAnnotator(load_settings(models=tmp_path_factory.getbasetemp().parent / "models"), state)
    state.close()


def test_the_embedded_text_is_the_summary_and_the_chosen_fields() -> None:
    annotation = Annotation("ok", "A walk.", "salt-worn", ("solitude", "time"), "calm", None, "slow living")
    assert annotation.as_text(["mood", "lifestyle"]) == "A walk.\nMood: calm."
    assert annotation.as_text(["themes", "moment"]) == "A walk.\nThemes: solitude, time. Moment: slow living."
    assert annotation.as_text([]) == "A walk."
    assert Annotation("refused", summary="A walk.").as_text(["mood"]) is None


def test_items_are_annotated_in_order_and_one_that_cannot_be_read_is_failed(
    local: LocalAnnotator, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    subjects = [pin(tmp_path / "broken.png"), post("1", "Low tide", SEA), post("2", "Bread", "A long table.")]
    failed, sea, _ = local.annotate(subjects)
    assert failed == Annotation("failed", error="has no words, and its picture cannot be read")
    assert (sea.status, sea.summary, sea.aesthetic) == ("ok", f"Low tide. {SEA}", "salt-worn maritime")
    assert len(sea.themes) <= 4
    assert sea.confidence is None
    for field in FIELDS:
        terms = getattr(sea, field) if field == "themes" else (getattr(sea, field),)
        assert {*terms} - {None} <= {*vocabulary(field).terms}


def test_a_pin_without_a_caption_says_that_it_only_looks_like_something(
    local: LocalAnnotator, tmp_path: Path
) -> None:
    Image.new("RGB", (120, 90), COLOURS["navy"]).save(tmp_path / "navy.png")
    card = Image.new("RGB", (360, 140), "white")
    quotation = "The quiet mornings are\nmine and nobody calls"
    ImageDraw.Draw(card).text((14, 30), quotation, font=ImageFont.load_default(28), fill="black")
    card.save(tmp_path / "card.png")
    subjects = [pin(tmp_path / "navy.png"), pin(tmp_path / "card.png")]
    navy, words = local.annotate(subjects)
    assert navy.summary == "Looks like: navy; dark, soft and cold light."
    assert {navy.mood, navy.aesthetic, navy.themes} == {None, ()}, "a colour feels like nothing"
    assert navy.confidence == 0
    assert (words.summary or "").startswith("It says: ")
    assert "quiet" in (words.summary or "")
    lent = Bare({}, {"navy.png": Borrowed(("harbour", "rope"), 0.4)})
    navy, _ = local.annotate_collection(subjects, lent, silent)
    assert (navy.summary, navy.confidence) == ("Looks like: harbour, rope.", 0.4)


@pytest.mark.parametrize("field", FIELDS)
def test_a_vocabulary_has_a_few_dozen_entries_each_with_one_line_of_gloss(field: str) -> None:
    entries = vocabulary(field)
    assert 24 <= len(set(entries.terms)) == len(entries.terms) <= 60
    assert all(gloss and "\n" not in gloss for gloss in entries.glosses)


def test_a_summary_is_the_words_themselves_else_the_sentences_that_say_most_in_their_order() -> None:
    assert summarise(post("1", "Low tide", "Yes. It sleeps. Hm."), None) == "Low tide. Yes. It sleeps. Hm."
    tide = [
        f"The tide and the harbour {verb} {'and rest ' * 15}." for verb in ("wake", "turn", "hold", "sing")
    ]
    text = " ".join([*tide[:2], "Yes.", *tide[2:], f"A bicycle was seen {'elsewhere ' * 60}."])
    assert summarise(post("1", None, text), None) == " ".join(tide)
    long = summarise(post("1", None, "tide " * 1000), None) or ""
    assert long.endswith("tide ...")
    assert len(long) < 1150


@pytest.mark.parametrize(
    ("title", "on_it", "text"),
    [
        ("Pier", "closed for winter", "Pier. closed for winter"),
        ("Pier", "XKRV bnq", "Pier"),
        ("Pier", "closed", "Pier"),
        (None, "closed for winter", ""),
        (None, "closed for the whole winter season", "closed for the whole winter season"),
        (None, "zxq wvb kjh trw pqz lmn", ""),
    ],
    ids=["language", "no language", "one word", "a sign", "a sentence", "shapes"],
)
def test_words_on_a_picture_count_where_they_are_language(title: str | None, on_it: str, text: str) -> None:
    look = PictureLook(("pier",), ("grey",), "dim light", on_it)
    subject = Subject("1", "image", title, None, ())
    assert item_text(subject, look) == text


def test_colours_and_light_have_everyday_names() -> None:
    half = Image.new("RGB", (64, 64), COLOURS["navy"])
    half.paste(COLOURS["cream"], (0, 0, 64, 24))
    assert dominant_colours(half) == ["navy", "cream"]
    assert light(Image.new("RGB", (8, 8), (10, 10, 14))).startswith("dark, soft")
    assert light(Image.new("RGB", (8, 8), (250, 220, 150))) == "bright, soft and warm light"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("oracle", r"no annotator 'oracle'.*local"),
        ("anthropic/", "anthropic/MODEL"),
        ("anthropic/claude-9", "claude-haiku-5-5"),
    ],
)
def test_an_unknown_annotator_is_an_error_that_lists_the_known(state: State, name: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        make_annotator(load_settings(annotator=name), state)
