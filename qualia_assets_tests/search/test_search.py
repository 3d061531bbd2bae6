"""Search: balanced between posts and pins, in either space, by words or by an item."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import ADAPTERS
from qualia_assets.lake.weights import read_weights
from qualia_assets.method.adapters import QueryAdapter, apply, lexicon_words
from qualia_assets.method.calibration import CSLS_WEIGHT, Calibration
from qualia_assets.method.corpus import NO_LEXICON
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.search.index import Index, fused
from qualia_assets.search.query import QueryEncoder, QueryError
from qualia_assets.search.search import Hit, search
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State
from qualia_assets_tests.places import USER, answers_kept, lake_of, qualia, settle, with_state

SEA = "alone by the cold grey sea"
# Themes by name, 14 posts and 14 pins of each: sea-solitude is the last of six.
OF_THE_SEA = {f"folder:{kind}{i}" for kind in ("post", "pin") for i in range(70, 84)}
SPACES = pytest.mark.parametrize("space", ["annotation", "adapted"])


@pytest.fixture(autouse=True)
def ready(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The finished lake, which these tests only read."""
    settle(monkeypatch, finished)
    return lake_of(finished)


def find(words: str | None = None, **how: Any) -> list[Hit]:
    hits: list[Hit] = with_state(lambda state: search(load_settings(), state, USER, words, **how))
    return hits


def of_modality(hits: list[Hit], modality: str) -> list[Hit]:
    return [hit for hit in hits if hit.modality == modality]


def encoded(words: str) -> Floats:
    vector: Floats = with_state(lambda state: QueryEncoder(load_settings(), state).encode_words(words))
    return vector


def test_items_are_ranked_by_cosine_less_the_level_of_their_modality_plus_the_offset(ready: Lake) -> None:
    items = ready.read("annotation_embeddings", USER)
    ids, kinds = items["artefact_id"].to_pylist(), np.array(items["modality"].to_pylist())
    identity = next(r for r in ready.read("adapters", USER).to_pylist() if r["config_id"] == "identity")
    cosine = vectors(items) @ encoded(SEA)
    score = cosine.copy()
    for kind, offset in (("text", 0.0), ("image", identity["offset_text"])):
        score[kinds == kind] += offset - CSLS_WEIGHT * np.sort(cosine[kinds == kind])[-10:].mean()

    hits = find(SEA, limit=20)

    rows = [ids.index(hit.artefact_id) for hit in hits]
    assert score[rows] == pytest.approx(np.sort(score)[::-1][:20], abs=1e-5)
    assert [hit.similarity for hit in hits] == pytest.approx(cosine[rows], abs=1e-4)


@SPACES
def test_words_find_posts_and_pins_that_feel_like_them(space: str) -> None:
    hits = find(SEA, space=space)

    assert {hit.modality for hit in hits} == {"text", "image"}
    assert len({hit.artefact_id for hit in hits} & OF_THE_SEA) >= 8
    assert all(hit.title for hit in hits)


@pytest.mark.parametrize("modality", ["text", "image"])
def test_one_modality_alone_is_ranked_by_cosine(modality: str) -> None:
    hits = find(SEA, modality=modality, limit=84)

    assert len(hits) == 84
    assert {hit.modality for hit in hits} == {modality}
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)


@SPACES
@pytest.mark.parametrize("item", ["folder:post72", "folder:pin72"])
def test_an_item_finds_others_like_it_and_never_itself(space: str, item: str) -> None:
    hits = find(item=item, space=space, limit=200)

    assert len(hits) == 167
    assert item not in {hit.artefact_id for hit in hits}
    # By chance 28 of 168 are, fewer than two of ten.
    assert len({hit.artefact_id for hit in hits[:10]} & OF_THE_SEA) >= 4


@pytest.mark.parametrize("csls", [0.0, 0.25, 2.0])
def test_the_weight_of_csls_mixes_the_modalities_and_keeps_the_order_within_each(
    csls: float,
) -> None:
    default, mixed = find(SEA, limit=168), find(SEA, limit=168, csls=csls)

    for modality in ("text", "image"):
        assert of_modality(mixed, modality) == of_modality(default, modality)
    assert mixed != default


@pytest.mark.parametrize(
    ("arguments", "how"),
    [
        ((SEA, "--csls", "0", "-n", "12"), {"words": SEA, "csls": 0.0, "limit": 12}),
        (("--item", "folder:post72", "--modality", "image"), {"item": "folder:post72", "modality": "image"}),
    ],
)
def test_the_command_line_prints_the_same_hits(arguments: tuple[str, ...], how: dict[str, Any]) -> None:
    answer = qualia("search", *arguments, "--user", USER, "--json")

    assert answer.exit_code == 0, answer.output
    assert [json.loads(line) for line in answer.output.splitlines()] == [hit.as_dict() for hit in find(**how)]


def test_posts_and_pins_are_found_as_often_as_they_exist() -> None:
    for kind in ("post", "pin"):
        found = [hit.modality for i in range(0, 84, 3) for hit in find(item=f"folder:{kind}{i}")]

        assert 0.4 < found.count("text") / len(found) < 0.6


def test_without_fitted_offsets_the_levels_alone_balance_the_modalities(place: Path) -> None:
    lake = lake_of(place)
    rows = lake.read("adapters", USER).to_pylist()
    lake.write(ADAPTERS, USER, ADAPTERS.table(r | {"offset_text": None, "offset_image": None} for r in rows))

    for how in ({"words": SEA}, {"item": "folder:pin3"}):
        hits = find(**how, space="adapted", limit=20)
        assert len(hits) == 20
        assert {hit.modality for hit in hits} == {"text", "image"}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"words": "  "}, "There are no words to search for"),
        ({"item": "folder:none"}, "'u-1' has no item 'folder:none'"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(how: dict[str, str], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        find(**how)


def test_queries_are_not_kept() -> None:
    kept = answers_kept()

    find("something that nobody has said before")
    find("something that nobody has said before", space="adapted")

    assert answers_kept() == kept


@SPACES
@pytest.mark.parametrize("item", ["folder:post3", "folder:post40", "folder:post80"])
def test_the_words_of_an_item_lie_where_the_item_lies(space: str, item: str, ready: Lake) -> None:
    rows = ready.read("annotations", USER).to_pylist()
    text = next(row["text"] for row in rows if row["artefact_id"] == item)

    (itself,) = (hit for hit in find(text, space=space, limit=168) if hit.artefact_id == item)

    # Embedded and not adapted, they would lie about 0.5 from it.
    assert itself.similarity > 0.9


def test_a_query_lies_where_one_more_item_would_but_for_its_own_influence(ready: Lake) -> None:
    items = ready.read("annotation_embeddings", USER)
    kinds = np.array(items["modality"].to_pylist())
    selected = next(r for r in ready.read("adapters", USER).to_pylist() if r["selected"])
    weights = read_weights(ready, selected["weights"])
    lines = (
        SEA,
        "the smell of old books",
        "neon and rain",
        "bread at dawn",
        "a debt that was forgiven",
        "rust",
    )

    def compare(state: State) -> list[float]:
        encoder = QueryEncoder(load_settings(), state)
        number = lexicon_words(weights)
        words = encoder.common_words(number) if number else NO_LEXICON
        adapt = QueryAdapter(vectors(items), kinds, weights, words)
        cosines = []
        for vector in map(encoder.encode_words, lines):
            among = np.concatenate([vectors(items), vector[None]])
            moved = apply(among, np.array([*kinds, "text"]), weights, words)
            cosines.append(float(adapt(vector, "text") @ moved[-1]))
        return sorted(cosines)

    cosines = with_state(compare)

    assert selected["recipe"] != "identity"
    assert np.median(cosines) > 0.99
    assert cosines[0] > 0.9


def test_the_nearest_of_each_modality_are_exact_and_ties_go_to_the_smaller_row() -> None:
    rng = np.random.default_rng(0)
    items = unit(rng.normal(size=(300, 8)).astype(np.float32))
    items[[50, 70, 90]] = items[10]
    kinds = np.array(["text", "image", "text"] * 100)
    index = Index([f"{n:03d}" for n in range(300)], kinds, items, Calibration.of(0.1, None))

    nearest = index.nearest(items[10], "text", 12, exclude=70)

    # One by one, as products of whole matrices round copies of a vector differently.
    cosine = np.vecdot(items, items[10])
    cosine[70] = -2
    for kind in ("text", "image"):
        expected = [i for i in np.argsort(-cosine, kind="stable") if kinds[i] == kind][:12]
        assert [n.row for n in nearest[kind]] == expected
    level = {k: np.sort(cosine[(kinds == k) & (cosine > -2)])[-10:].mean() for k in ("text", "image")}
    ranking = fused(nearest, 24)
    assert [n.score for n in ranking] == sorted((n.score for n in ranking), reverse=True)
    for n in ranking:
        kind = str(kinds[n.row])
        score = n.similarity - CSLS_WEIGHT * level[kind] + (0.1 if kind == "image" else 0)
        assert n.score == pytest.approx(score, abs=1e-5)
    own = index.nearest_to_item("070", 12)
    assert own["image"][0].row == 10
    assert [n.row for n in own["text"][:2]] == [50, 90]


def test_an_index_may_be_empty_or_hold_nothing_but_the_query() -> None:
    empty = Index([], np.array([], dtype=np.str_), np.zeros((0, 4), dtype=np.float32), Calibration())
    assert empty.nearest(np.ones(4, dtype=np.float32), "text", 5) == {}
    one = Index(["a"], np.array(["text"]), np.eye(1, 4, dtype=np.float32), Calibration())
    assert one.nearest_to_item("a", 5) == {"text": []}
