"""The annotator that needs no language model, and asking any annotator only once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from qualia_assets.annotate.base import Annotation, Subject, annotate_all
from qualia_assets.annotate.local import (
    FIELDS,
    LocalAnnotator,
    Seen,
    nearest_terms,
    own_words,
    summarise,
    vocabulary,
)
from qualia_assets.annotate.pictures import COLOURS, TextReader, dominant_colours, light
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.embed.base import in_chunks
from qualia_assets.progress import silent
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State

SEA = "The harbour smelled of salt and rope. Gulls sat on the fishing boats, and the tide was turning."


def post(sha256: str, title: str | None, text: str | None) -> Subject:
    return Subject(sha256, "text", title, text, ())


class Stubborn:
    """Refuses one subject, fails another, and notes what it was asked."""

    name = "stubborn"
    prompt_version = "1"
    embedded_fields = ("mood",)
    concurrency = 1

    def __init__(self) -> None:
        self.asked: list[str] = []

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        return in_chunks(subjects, 2)

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        self.asked += [s.sha256 for s in batch]
        outcome = {"r": Annotation("refused", error="no"), "f": Annotation("failed", error="cut off")}
        return [outcome.get(s.sha256, Annotation("ok", summary="s", themes=("t",))) for s in batch]


def test_answers_and_refusals_are_kept_and_failures_asked_again(state: State) -> None:
    annotator = Stubborn()
    subjects = [post(sha, None, sha) for sha in ("a", "r", "f", "a")]
    first = annotate_all(subjects, annotator, state, silent)
    again = annotate_all(subjects, annotator, state, silent)
    assert (first.asked, again.asked) == (3, 1)
    assert sorted(annotator.asked) == ["a", "f", "f", "r"]
    assert first.found == again.found
    assert {sha: a.status for sha, a in first.found.items()} == {"a": "ok", "r": "refused", "f": "failed"}


def test_what_is_embedded_is_the_summary_and_the_chosen_fields_and_nothing_of_a_refusal() -> None:
    whole = Annotation("ok", "A walk.", "salt-worn", ("solitude", "time"), "calm", None, "slow living")
    assert whole.as_text(["mood", "lifestyle"]) == "A walk.\nMood: calm."
    assert whole.as_text(["themes", "moment"]) == "A walk.\nThemes: solitude, time. Moment: slow living."
    assert whole.as_text([]) == "A walk."
    assert Annotation("refused", summary="A walk.").as_text(["mood"]) is None


def test_an_essay_by_the_sea_gets_the_words_of_the_sea(settings: Settings, state: State) -> None:
    annotator = make_annotator(settings, state)
    (annotation,) = annotator.annotate([post("1", "Low tide", SEA)])
    assert annotation.status == "ok"
    assert annotation.summary == f"Low tide. {SEA}"
    assert annotation.aesthetic == "salt-worn maritime"
    assert 3 <= len(annotation.themes) <= 5
    for field in FIELDS:
        given = getattr(annotation, field)
        terms = given if isinstance(given, tuple) else (given,) if given else ()
        assert set(terms) <= set(vocabulary(field).terms)


def test_the_same_item_gets_the_same_annotation_in_any_company(
    settings: Settings, state: State, tmp_path: Path
) -> None:
    other = State(f"sqlite:///{tmp_path / 'other.sqlite'}")
    alone = LocalAnnotator(settings, other).annotate([post("1", "Low tide", SEA)])[0]
    crowd = [
        post("2", "Bread", "Twelve at the table."),
        post("1", "Low tide", SEA),
        post("3", None, "Neon rain."),
    ]
    assert LocalAnnotator(settings, state).annotate(crowd)[1] == alone
    other.close()


def test_a_picture_without_a_word_is_known_by_its_colours_and_objects(
    settings: Settings, state: State, tmp_path: Path
) -> None:
    Image.new("RGB", (120, 90), COLOURS["navy"]).save(tmp_path / "p.png")
    subject = Subject("1", "image", None, None, (), image_sha256="1", image=tmp_path / "p.png")
    (annotation,) = make_annotator(settings, state).annotate([subject])
    assert annotation.status == "ok"
    assert "navy" in (annotation.summary or "")


def test_an_item_with_neither_words_nor_a_readable_picture_fails_alone(
    settings: Settings, state: State, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    broken = Subject("1", "image", None, None, (), image_sha256="1", image=tmp_path / "broken.png")
    failed, fine = make_annotator(settings, state).annotate([broken, post("2", "Low tide", SEA)])
    assert failed.status == "failed"
    assert "has no words" in (failed.error or "")
    assert fine.status == "ok"


@pytest.mark.parametrize("field", FIELDS)
def test_a_vocabulary_has_a_few_dozen_entries_each_with_one_line_of_gloss(field: str) -> None:
    entries = vocabulary(field)
    assert 24 <= len(entries.terms) <= 60
    assert len(set(entries.terms)) == len(entries.terms)
    assert all(gloss and "\n" not in gloss for gloss in entries.glosses)


def test_terms_are_ranked_by_what_sets_them_apart_from_their_field() -> None:
    glosses = np.array([[3, 1, 0], [3, 0, 1], [3, -1, -1]], dtype=np.float32)
    glosses /= np.linalg.norm(glosses, axis=1, keepdims=True)
    ranked = nearest_terms(np.array([0.6, 0.1, 0.8], dtype=np.float32), glosses)
    assert [entry for entry, _ in ranked] == [1, 0, 2]
    assert ranked[0][1] == pytest.approx((3 * 0.6 + 0.8) / np.sqrt(10))


def test_a_summary_of_what_does_not_fit_keeps_the_order_and_drops_what_says_least() -> None:
    said = [
        f"The tide and the harbour {word} {'and rest ' * 15}." for word in ("wake", "turn", "hold", "sing")
    ]
    text = " ".join([*said[:2], "Yes.", *said[2:], f"A bicycle was seen {'elsewhere ' * 60}."])
    assert summarise(post("1", None, text), None) == " ".join(said)


def test_words_that_fit_are_their_own_summary() -> None:
    assert summarise(post("1", "Low tide", "Yes. The harbour sleeps. Hm."), None) == (
        "Low tide. Yes. The harbour sleeps. Hm."
    )


def test_a_very_long_summary_is_cut_at_a_word() -> None:
    summary = summarise(post("1", None, "tide " * 1000), None)
    assert summary is not None
    assert summary.endswith("tide ...")
    assert len(summary) < 1150


def test_what_is_written_on_a_picture_counts_among_its_words() -> None:
    seen = Seen(objects=("pier",), colours=("grey",), light="dim light", words="closed for winter")
    subject = Subject("1", "image", "Pier", "Pier", ("sea",))
    assert own_words(subject, seen) == "Pier. sea. closed for winter"


def test_colours_and_light_are_named_as_people_name_them() -> None:
    half = Image.new("RGB", (64, 64), COLOURS["navy"])
    half.paste(COLOURS["cream"], (0, 0, 64, 24))
    assert dominant_colours(half) == ["navy", "cream"]
    assert light(Image.new("RGB", (8, 8), (10, 10, 14))).startswith("dark, soft")
    assert light(Image.new("RGB", (8, 8), (250, 220, 150))) == "bright, soft and warm light"


def test_a_line_of_type_is_read_and_an_empty_picture_gives_no_words() -> None:
    card = Image.new("RGB", (360, 140), "white")
    ImageDraw.Draw(card).text((24, 48), "slow mornings", font_size=36, fill="black")
    reader = TextReader(threads=1)
    assert reader.read(card).lower() == "slow mornings"
    assert reader.read(Image.new("RGB", (360, 140), "white")) == ""


def test_an_unknown_annotator_is_named_with_what_there_is(settings: Settings, state: State) -> None:
    with pytest.raises(SettingsError, match=r"no annotator 'oracle'.*local"):
        make_annotator(settings.model_copy(update={"annotator": "oracle"}), state)
