"""Pictures in the space of texts, as stages: what goes in, and what a finished user has."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from qualia_assets.defs.picture_heads import picture_features, picture_vectors, pictures_of
from qualia_assets.lake.specs import vector_array, vectors
from qualia_assets.lake.tables import ARTEFACTS
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.picture_head import candidates
from qualia_assets_tests.places import USER, in_a_run, lake_of


def embeddings(
    rows: dict[str, Floats], version: str = "clip@1", words: dict[str, str] | None = None
) -> pa.Table:
    """An embedding table of pictures; ``words`` are the hashes of what was embedded."""
    return pa.table(
        {
            "artefact_id": [*rows],
            "modality": ["image"] * len(rows),
            "vector": vector_array(np.stack([*rows.values()])),
            "embedder": ["sentence-transformers/clip"] * len(rows),
            "version": [version] * len(rows),
            "content_sha256": [(words or {}).get(item, item) for item in rows],
        }
    )


@pytest.fixture
def some() -> dict[str, Floats]:
    """Unit vectors of six pictures."""
    return dict(zip("abcdef", unit(np.random.default_rng(0).normal(size=(6, 8))), strict=True))


def test_an_embedder_that_sees_pictures_gives_the_features_itself(some: dict[str, Floats]) -> None:
    nothing = ARTEFACTS.schema().empty_table()
    made = in_a_run(
        lambda run: picture_features.make(run, {"artefacts": nothing, "raw_embeddings": embeddings(some)})
    )
    table = made.tables["picture_features"]
    assert (vectors(table) == np.stack([*some.values()])).all()
    assert set(table["encoder"].to_pylist()) == {"sentence-transformers/clip"}


def test_captions_in_the_same_words_are_one_group_and_pictures_without_a_vector_are_left_out(
    some: dict[str, Floats],
) -> None:
    seen = {item: vector for item, vector in some.items() if item != "c"}
    captions = {item: some[item] for item in "eab"}
    words = {"e": "one", "a": "two", "b": "one"}
    ids, pictures = pictures_of(embeddings(some), embeddings(seen), embeddings(captions, words=words))
    assert ids == ["a", "b", "d", "e", "f"]
    a, b, d, e, f = pictures.group.tolist()
    assert (b == e, a == b, d, f) == (True, False, -1, -1)
    assert (pictures.captions[pictures.captioned] == np.stack([some[i] for i in "abe"])).all()
    own = np.stack([*seen.values()])
    assert pictures.untouched is not None
    assert np.allclose(pictures.untouched, unit(own - own.mean(axis=0)), atol=1e-6)


def test_without_captions_and_vectors_of_its_own_no_picture_has_a_place(some: dict[str, Floats]) -> None:
    few = embeddings({"a": some["a"]})
    tables = {
        "picture_features": embeddings(some),
        "raw_embeddings": embeddings(some).slice(0, 0),
        "caption_embeddings": few,
    }
    log: list[str] = []
    made = in_a_run(lambda run: picture_vectors.make(run, tables), log)
    assert [table.num_rows for table in made.tables.values()] == [0, 0]
    assert log == ["No head is fitted on the pictures: it needs 25 different captions; there are 1."]


def test_a_finished_users_pictures_are_placed_and_every_head_is_judged(finished: Path) -> None:
    lake = lake_of(finished)
    placed, features = (lake.read(table, USER) for table in ("picture_vectors", "picture_features"))
    assert placed["artefact_id"].equals(features["artefact_id"])
    assert placed.num_rows == 84
    figures = lake.read("picture_head_figures", USER).to_pylist()
    assert {(row["head"], row["split"]) for row in figures} == {
        (recipe.name, split) for recipe in candidates(True) for split in ("val", "test")
    }
    assert {row["head"] for row in figures if row["selected"]} == set(placed["head"].to_pylist())
    held_out = {row["n"] for row in figures if row["split"] == "test"}
    assert {row["learnt_from"] for row in figures} == {84 - held_out.pop()}
