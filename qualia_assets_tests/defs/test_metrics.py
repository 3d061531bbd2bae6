"""The table of figures, and what the marts take from it: held against loops over the lake's own tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.method.calibration import CSLS_WEIGHT
from qualia_assets.method.metrics import Points
from qualia_assets_tests.method import by_loops
from qualia_assets_tests.places import USER, lake_of

PARITY = {
    "parity_coherence",
    "parity_modality_ratio",
    "parity_modality_bias",
    "parity_same_modality_share",
}


def held_out(lake: Lake, table: str) -> Points:
    """The items of test matches, with their vectors from a table."""
    match_of = {}
    for row in lake.read("cluster_matches", USER).to_pylist():
        if row["split"] == "test":
            match_of["text", row["cluster_a"]] = match_of["image", row["cluster_b"]] = row["match"]
    placed = [
        (number, row["modality"], match_of[row["modality"], row["cluster"]])
        for number, row in enumerate(lake.read("clusters", USER).to_pylist())
        if (row["modality"], row["cluster"]) in match_of
    ]
    rows, kinds, matches = (list(column) for column in zip(*placed, strict=True))
    return Points(vectors(lake.read(table, USER))[rows], np.array(kinds), np.array(matches))


def figures(lake: Lake, space: str, config: str | None, split: str = "test") -> dict[Any, dict[str, Any]]:
    """The rows of one space by metric, kind of query, gallery and calibration."""
    return {
        (row["metric"], row["query_modality"], row["gallery"], row["calibrated"]): row
        for row in lake.read("metrics", USER).to_pylist()
        if (row["space"], row["config_id"], row["split"]) == (space, config, split)
    }


def selected(lake: Lake) -> Mapping[str, Any]:
    rows: list[dict[str, Any]] = lake.read("adapters", USER).to_pylist()
    return next(row for row in rows if row["selected"])


def test_every_figure_is_there_with_its_chance_and_its_interval(finished: Path) -> None:
    lake = lake_of(finished)
    for split in ("val", "test"):
        rows = figures(lake, "annotation", None, split).values()

        assert {row["metric"] for row in rows} == PARITY | {
            "coherence",
            "modality_ratio",
            "modality_bias",
            "same_modality_share",
            "cross_modal_r_precision",
            "uniformity",
            "alignment",
            "modality_auc",
            "occurrence_skewness",
            "occurrence_gini",
            "occurrence_never",
        }
        assert all(row["value"] is not None for row in rows)
        for row in rows:
            if row["metric"] in PARITY | {"coherence", "modality_ratio", "cross_modal_r_precision"}:
                assert row["chance"] is not None
                assert row["ci_low"] <= row["value"] <= row["ci_high"]


def test_every_space_that_has_offsets_is_judged_under_them_and_no_other(finished: Path) -> None:
    rows = lake_of(finished).read("metrics", USER).to_pylist()
    configs = lake_of(finished).read("adapters", USER)["config_id"].to_pylist()

    judged = {(row["space"], row["config_id"]) for row in rows if row["metric"] in PARITY}

    assert judged == {("annotation", None)} | {("adapted", config) for config in configs}


@pytest.mark.parametrize("space", ["annotation", "adapted"])
def test_what_a_calibrated_search_finds_is_counted_under_the_offsets_of_the_adapters(
    space: str, finished: Path
) -> None:
    lake = lake_of(finished)
    rows: list[dict[str, Any]] = lake.read("adapters", USER).to_pylist()
    adapter = next(r for r in rows if (r["selected"] if space == "adapted" else r["recipe"] == "identity"))
    told = figures(lake, space, adapter["config_id"] if space == "adapted" else None)
    points = held_out(lake, f"{space}_embeddings")

    offsets = {"text": adapter["offset_text"], "image": adapter["offset_image"]}
    found = by_loops.search(points, range(len(points)), 10, CSLS_WEIGHT, offsets)

    of_matches = by_loops.coherence(points, [found], "all", 10)
    assert told["parity_coherence", "all", "full", True]["value"] == pytest.approx(by_loops.mean(of_matches))
    texts, images = (sum(points.modality == kind) for kind in ("text", "image"))
    for group, chance in (
        ("all", texts / images),
        ("text", (texts - 1) / images),
        ("image", texts / (images - 1)),
    ):
        by_kind = [by_loops.retrieved(points, [found], group, kind) for kind in ("text", "image")]
        ratio = told["parity_modality_ratio", group, "full", True]
        assert ratio["value"] == pytest.approx(by_kind[0] / by_kind[1])
        assert ratio["chance"] == pytest.approx(chance)


def test_the_headline_on_test_is_that_of_the_items_of_test_matches(finished: Path) -> None:
    lake = lake_of(finished)
    for space, config in (("annotation", None), ("adapted", selected(lake)["config_id"])):
        points = held_out(lake, f"{space}_embeddings")
        everything = [range(len(points))]

        both = [
            by_loops.r_precision(points, everything, a, b) for a, b in (("text", "image"), ("image", "text"))
        ]

        row = figures(lake, space, config)["cross_modal_r_precision", "all", "full", False]
        assert row["value"] == pytest.approx(by_loops.mean([by_loops.mean(one) for one in both]))


def test_of_every_pin_its_own_caption_is_looked_for_among_all_and_back(finished: Path) -> None:
    rows = [row for row in lake_of(finished).read("metrics", USER).to_pylist() if row["metric"] == "recall"]

    assert {(row["query_modality"], row["k"], row["chance"]) for row in rows} == {
        (direction, k, k / 84) for direction in ("image>text", "text>image") for k in (1, 5, 10)
    }
    assert {row["n"] for row in rows} == {84}


def test_our_recipes_stand_in_a_mart_with_what_each_gains_over_doing_nothing(finished: Path) -> None:
    lake = lake_of(finished)
    with duckdb.connect(str(lake.root / "qualia.duckdb"), read_only=True) as connection:
        mart = connection.execute("SELECT * FROM own_recipes").df().set_index("recipe", drop=False)
    nothing = figures(lake, "annotation", None)

    # Doing nothing is there twice: as the space itself, and among the adapters.
    ours = mart[mart["recipe"].notna() & (mart["recipe"] != "identity")]
    assert set(ours["recipe"]) == {"distilled", "lexicon", "lexicon+smoothing"}
    assert set(ours.loc[ours["selected"], "recipe"]) == {selected(lake)["recipe"]}
    for recipe, row in ours.iterrows():
        told = figures(lake, "adapted", str(recipe))
        for column, metric in (("coherence", "coherence"), ("cross_modal", "cross_modal_r_precision")):
            key = (metric, "all", "full", False)
            gain = told[key]["value"] - nothing[key]["value"]
            assert row[f"{column}_over_nothing"] == pytest.approx(gain)
            assert (row[f"{column}_low"], row[f"{column}_high"]) == pytest.approx(
                (told[key]["ci_low"], told[key]["ci_high"])
            )
        assert row["parity_coherence"] == told["parity_coherence", "all", "full", True]["value"]
        for kind in ("text", "image"):
            # Where there is as much of each, a ratio of 1 is parity.
            ratio = told["parity_modality_ratio", kind, "balanced", True]
            assert row[f"parity_ratio_{kind}_queries"] == ratio["value"]
