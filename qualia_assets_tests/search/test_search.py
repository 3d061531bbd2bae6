"""Search by feeling: fair between posts and pins, in either space, by words or by an item."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qualia_assets.embed.base import Content
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.tables import ADAPTERS
from qualia_assets.lake.weights import read_weights
from qualia_assets.method.adapters import QueryAdapter, apply, uses_lexicon
from qualia_assets.method.calibration import CSLS_WEIGHT, Calibration
from qualia_assets.method.corpus import NO_LEXICON
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, similarities
from qualia_assets.search.query import Questions
from qualia_assets.search.search import Hit, Index, SearchError, search, together
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State
from qualia_assets_tests.places import USER, answers_kept, lake_of, qualia, with_state

SEA = "alone by the cold grey sea"
# Themes by name, 14 posts and 14 pins of each: sea-solitude is the last of six.
OF_THE_SEA = {f"folder:{kind}{i}" for kind in ("post", "pin") for i in range(70, 84)}


def find(words: str | None = None, **how: Any) -> list[Hit]:
    hits: list[Hit] = with_state(lambda state: search(load_settings(), state, USER, words, **how))
    return hits


def test_items_are_ranked_by_cosine_less_what_is_usual_of_their_modality_and_the_offset(place: Path) -> None:
    lake = lake_of(place)
    items = lake.read("annotation_embeddings", USER)
    ids, kinds = items["artefact_id"].to_pylist(), items["modality"].to_pylist()
    nothing = next(r for r in lake.read("adapters", USER).to_pylist() if r["config_id"] == "identity")
    content = Content(text_sha256(SEA), text=SEA)
    asked = with_state(lambda state: make_embedder(load_settings(), state).embed([content])[0])

    cosine = [float(np.dot(asked, vector)) for vector in vectors(items)]
    fair = {}
    for kind, offset in (("text", 0.0), ("image", nothing["offset_text"])):
        highest = sorted((c for c, k in zip(cosine, kinds, strict=True) if k == kind), reverse=True)[:10]
        for item, k, c in zip(ids, kinds, cosine, strict=True):
            if k == kind:
                fair[item] = c - CSLS_WEIGHT * sum(highest) / 10 + offset
    expected = sorted(fair, key=lambda item: -fair[item])[:20]

    hits = find(SEA, limit=20)

    assert [hit.artefact_id for hit in hits] == expected
    assert [hit.similarity for hit in hits] == [
        pytest.approx(cosine[ids.index(item)], abs=1e-4) for item in expected
    ]


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("space", ["annotation", "adapted"])
def test_words_find_posts_and_pins_of_what_they_feel_like(space: str) -> None:
    hits = find(SEA, space=space)

    assert {hit.modality for hit in hits} == {"text", "image"}
    assert len({hit.artefact_id for hit in hits} & OF_THE_SEA) >= 8
    assert all(hit.title for hit in hits)


@pytest.mark.usefixtures("place")
def test_one_modality_alone_can_be_asked_for_and_is_ranked_by_cosine() -> None:
    for modality in ("text", "image"):
        hits = find(SEA, modality=modality, limit=84)

        assert len(hits) == 84
        assert {hit.modality for hit in hits} == {modality}
        assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("space", ["annotation", "adapted"])
def test_an_item_finds_others_like_it_and_never_itself(space: str) -> None:
    for item in ("folder:post72", "folder:pin72"):
        hits = find(item=item, space=space, limit=200)

        assert len(hits) == 167
        assert item not in {hit.artefact_id for hit in hits}
        # By chance 28 of 168 are, less than two of ten.
        assert len({hit.artefact_id for hit in hits[:10]} & OF_THE_SEA) >= 4


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("csls", [0.0, 0.25, 2.0])
def test_another_part_of_csls_mixes_the_two_kinds_anew_and_keeps_the_order_within_each(csls: float) -> None:
    plain, mixed = find(SEA, limit=168), find(SEA, limit=168, csls=csls)

    for modality in ("text", "image"):
        assert [h for h in mixed if h.modality == modality] == [h for h in plain if h.modality == modality]
    assert mixed != plain


@pytest.mark.usefixtures("place")
def test_no_part_of_csls_is_asked_for_on_the_command_line_with_a_nought() -> None:
    answer = qualia("search", SEA, "--user", USER, "--csls", "0", "--json", "-n", "12")

    assert answer.exit_code == 0, answer.output
    hits = [json.loads(line) for line in answer.output.splitlines()]
    assert [hit["artefact_id"] for hit in hits] == [h.artefact_id for h in find(SEA, csls=0.0, limit=12)]
    assert {hit["modality"] for hit in hits} == {"text", "image"}


@pytest.mark.usefixtures("place")
def test_on_the_command_line_more_like_an_item_of_one_kind_can_be_asked_for() -> None:
    answer = qualia("search", "--item", "folder:post72", "--user", USER, "--modality", "image", "--json")

    hits = [json.loads(line) for line in answer.output.splitlines()]
    assert hits == [hit.as_dict() for hit in find(item="folder:post72", modality="image")]
    assert "has no item" in qualia("search", "--item", "folder:none", "--user", USER).output


@pytest.mark.usefixtures("place")
def test_posts_and_pins_are_found_as_often_as_they_are_there() -> None:
    for kind in ("post", "pin"):
        found = [hit.modality for i in range(84) for hit in find(item=f"folder:{kind}{i}")]

        assert 0.4 < found.count("text") / len(found) < 0.6


def test_without_offsets_it_ranks_by_the_level_of_each_modality_alone(place: Path) -> None:
    lake = lake_of(place)
    rows = [
        row | {"offset_text": None, "offset_image": None} for row in lake.read("adapters", USER).to_pylist()
    ]
    with_offsets = find(SEA, limit=168)

    lake.write(ADAPTERS, USER, ADAPTERS.table(rows))

    hits = find(SEA, limit=168)
    assert {hit.artefact_id for hit in hits} == {hit.artefact_id for hit in with_offsets}
    for space in ("annotation", "adapted"):
        assert {hit.modality for hit in find(SEA, space=space)} == {"text", "image"}
        assert len(find(item="folder:pin3", space=space)) == 10


@pytest.mark.usefixtures("place")
def test_what_is_searched_for_must_be_there() -> None:
    with pytest.raises(SearchError, match="There are no words to search for"):
        find("  ")
    with pytest.raises(SearchError, match="'u-1' has no item 'folder:none'"):
        find(item="folder:none")


@pytest.mark.usefixtures("place")
def test_what_a_person_asks_is_not_kept() -> None:
    kept = answers_kept()

    find("something that nobody has said before")
    find("something that nobody has said before", space="adapted")

    assert answers_kept() == kept


@pytest.mark.parametrize("space", ["annotation", "adapted"])
def test_the_words_of_an_item_lie_where_the_item_lies(space: str, place: Path) -> None:
    said = {row["artefact_id"]: row["text"] for row in lake_of(place).read("annotations", USER).to_pylist()}

    for item in ("folder:post3", "folder:post40", "folder:post80"):
        (nearest,) = (hit for hit in find(said[item], space=space, limit=168) if hit.artefact_id == item)

        # Embedded and not adapted, they would lie about 0.5 from it.
        assert nearest.similarity > 0.9


def test_a_question_lies_where_one_item_more_would_but_for_its_own_influence(place: Path) -> None:
    lake = lake_of(place)
    items = lake.read("annotation_embeddings", USER)
    kinds = np.array(items["modality"].to_pylist())
    chosen = next(r for r in lake.read("adapters", USER).to_pylist() if r["selected"])
    weights = read_weights(lake, chosen["weights"])
    asked = (
        SEA,
        "the smell of old books",
        "neon and rain",
        "bread at dawn",
        "a debt that was forgiven",
        "rust",
    )

    def places(state: State) -> list[tuple[Floats, Floats]]:
        questions = Questions(load_settings(), state)
        words = questions.common_words() if uses_lexicon(weights) else NO_LEXICON
        one = QueryAdapter(vectors(items), kinds, weights, words)
        found = []
        for vector in map(questions.words, asked):
            among = np.concatenate([vectors(items), vector[None]])
            moved = apply(among, np.array([*kinds, "text"]), weights, words)
            found.append((one(vector, "text"), moved[-1]))
        return found

    cosines = sorted(float(here @ there) for here, there in with_state(places))

    assert chosen["recipe"] != "identity"
    assert np.median(cosines) > 0.99
    assert cosines[0] > 0.9


def test_the_nearest_of_each_modality_are_exact_and_ties_go_to_the_smaller_id() -> None:
    rng = np.random.default_rng(0)
    found = unit(rng.normal(size=(300, 8)).astype(np.float32))
    found[[50, 70, 90]] = found[10]
    kinds = np.array(["text", "image", "text"] * 100)
    index = Index([f"{n:03d}" for n in range(300)], kinds, found, Calibration.of(0.1, None))

    near = index.nearest(found[10], "text", 12, leave_out=70)

    cosine = similarities(found[10:11], found)[0]
    cosine[70] = -2
    for kind in ("text", "image"):
        first = [i for i in np.argsort(-cosine, kind="stable") if kinds[i] == kind][:12]
        assert [one.row for one in near[kind]] == first
    # Pins were given an offset; what is usual of each modality was taken off.
    usual = {k: np.sort(cosine[(kinds == k) & (cosine > -2)])[-10:].mean() for k in ("text", "image")}
    for one in together(near, 24):
        kind = str(kinds[one.row])
        fair = one.similarity - CSLS_WEIGHT * usual[kind] + (0.1 if kind == "image" else 0)
        assert one.fair == pytest.approx(fair, abs=1e-5)


def test_nothing_is_found_where_there_is_nothing() -> None:
    empty = Index([], np.array([], dtype=np.str_), np.zeros((0, 4), dtype=np.float32), Calibration())
    assert empty.nearest(np.ones(4, dtype=np.float32), "text", 5) == {}
    one = Index(["a"], np.array(["text"]), np.eye(1, 4, dtype=np.float32), Calibration())
    assert one.nearest(np.eye(1, 4, dtype=np.float32)[0], "text", 5, leave_out=0) == {"text": []}
