"""The local annotator, and the text of an annotation."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from qualia_assets.annotate.base import Annotation, Annotator, Subject
from qualia_assets.annotate.local import (
    FIELDS,
    PictureFeatures,
    item_text,
    nearest_terms,
    summarise,
    vocabulary,
)
from qualia_assets.annotate.pictures import COLOURS, dominant_colours, light
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.settings import SettingsError, load_settings
from qualia_assets.state.database import State

SEA = "The harbour smelled of salt and rope. Gulls sat on the fishing boats, and the tide was turning."


def post(sha256: str, title: str | None, text: str | None) -> Subject:
    return Subject(sha256, "text", title, text, ())


def pin(path: Path) -> Subject:
    return Subject(path.name, "image", None, None, (), image_sha256=path.name, image=path)


class Forgetful(State):
    """Keeps no answer, so that everything is computed each time."""

    def keep_answers(self, kind: str, provider: str, payloads: Mapping[str, bytes]) -> None: ...


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Annotator]:
    state = Forgetful("sqlite://")
    yield make_annotator(load_settings(models=tmp_path_factory.getbasetemp().parent / "models"), state)
    state.close()


def test_the_embedded_text_is_the_summary_and_the_chosen_fields() -> None:
    annotation = Annotation("ok", "A walk.", "salt-worn", ("solitude", "time"), "calm", None, "slow living")
    assert annotation.as_text(["mood", "lifestyle"]) == "A walk.\nMood: calm."
    assert annotation.as_text(["themes", "moment"]) == "A walk.\nThemes: solitude, time. Moment: slow living."
    assert annotation.as_text([]) == "A walk."
    assert Annotation("refused", summary="A walk.").as_text(["mood"]) is None


def test_an_item_is_annotated_alike_in_any_company(local: Annotator, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    subjects = [pin(tmp_path / "broken.png"), post("1", "Low tide", SEA), post("2", "Bread", "A long table.")]
    failed, sea, _ = local.annotate(subjects)
    assert failed == Annotation("failed", error="has no words, and its picture cannot be read")
    assert (sea.status, sea.summary, sea.aesthetic) == ("ok", f"Low tide. {SEA}", "salt-worn maritime")
    assert 3 <= len(sea.themes) <= 5
    for field in FIELDS:
        terms = getattr(sea, field) if field == "themes" else (getattr(sea, field),)
        assert {*terms} - {None} <= {*vocabulary(field).terms}
    assert local.annotate(subjects[1:2]) == [sea]


def test_a_pin_without_a_caption_is_described_by_its_look(local: Annotator, tmp_path: Path) -> None:
    Image.new("RGB", (120, 90), COLOURS["navy"]).save(tmp_path / "navy.png")
    card = Image.new("RGB", (360, 140), "white")
    ImageDraw.Draw(card).text((24, 48), "slow mornings", font=ImageFont.load_default(36), fill="black")
    card.save(tmp_path / "card.png")
    navy, words = local.annotate([pin(tmp_path / "navy.png"), pin(tmp_path / "card.png")])
    assert (navy.status, words.status) == ("ok", "ok")
    assert (navy.summary or "").endswith("navy; dark, soft and cold light.")
    assert (words.summary or "").lower() == "slow mornings."


@pytest.mark.parametrize("field", FIELDS)
def test_a_vocabulary_has_a_few_dozen_entries_each_with_one_line_of_gloss(field: str) -> None:
    entries = vocabulary(field)
    assert 24 <= len(set(entries.terms)) == len(entries.terms) <= 60
    assert all(gloss and "\n" not in gloss for gloss in entries.glosses)


def test_terms_are_ranked_by_their_difference_from_the_mean_of_the_field() -> None:
    glosses = np.array([[3, 1, 0], [3, 0, 1], [3, -1, -1]], dtype=np.float32)
    glosses /= np.linalg.norm(glosses, axis=1, keepdims=True)
    ranked = nearest_terms(np.array([0.6, 0.1, 0.8], dtype=np.float32), glosses)
    assert [entry for entry, _ in ranked] == [1, 0, 2]
    assert ranked[0][1] == pytest.approx((3 * 0.6 + 0.8) / np.sqrt(10))


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


def test_words_on_a_picture_count_among_its_words() -> None:
    features = PictureFeatures(("pier",), ("grey",), "dim light", words="closed for winter")
    subject = Subject("1", "image", "Pier", "Pier", ("sea",))
    assert item_text(subject, features) == "Pier. sea. closed for winter"


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
