"""The table of metrics, and the mart made from it: checked against the lake's other tables."""

from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.method.calibration import Calibration
from qualia_assets.method.metrics import Points
from qualia_assets.method.scorecard import Protocol, evaluate
from qualia_assets_tests.places import USER, lake_of


def held_out(lake: Lake, space: str) -> Points:
    """The items of test matches, with their vectors in a space."""
    match_of = {}
    for row in lake.read("cluster_matches", USER).to_pylist():
        if row["split"] == "test":
            match_of["text", row["cluster_a"]] = match_of["image", row["cluster_b"]] = row["match"]
    placed = lake.read("clusters", USER).to_pylist()
    match = np.array([match_of.get((row["modality"], row["cluster"]), -1) for row in placed])
    modality, test = np.array([row["modality"] for row in placed]), match >= 0
    return Points(vectors(lake.read(f"{space}_embeddings", USER))[test], modality[test], match[test])


def metrics(lake: Lake, space: str, config: str | None, split: str = "test") -> dict[Any, dict[str, Any]]:
    """The rows of one space by metric, query modality, gallery and calibration."""
    return {
        (row["metric"], row["query_modality"], row["gallery"], row["calibrated"]): row
        for row in lake.read("metrics", USER).to_pylist()
        if (row["space"], row["config_id"], row["split"]) == (space, config, split)
    }


def adapter_of(lake: Lake, space: str) -> dict[str, Any]:
    """The adapter that gives a space: the selected one, or identity."""
    rows: list[dict[str, Any]] = lake.read("adapters", USER).to_pylist()
    return next(r for r in rows if (r["selected"] if space == "adapted" else r["recipe"] == "identity"))


def test_every_space_is_evaluated_on_both_splits_and_under_its_offsets_where_it_has_any(
    finished: Path,
) -> None:
    rows = lake_of(finished).read("metrics", USER).to_pylist()
    configs = lake_of(finished).read("adapters", USER)["config_id"].to_pylist()
    calibrated = {("annotation", None), *(("adapted", config) for config in configs)}

    for metric, spaces in (
        ("coherence", calibrated | {("raw", None)}),
        ("parity_coherence", calibrated),
    ):
        mine = [row for row in rows if row["metric"] == metric]
        evaluated = {((row["space"], row["config_id"]), row["split"]) for row in mine}
        assert evaluated == set(product(spaces, ("val", "test")))
        assert all(row["ci_low"] <= row["value"] <= row["ci_high"] for row in mine)
        assert all(row["chance"] is not None for row in mine)


@pytest.mark.parametrize("space", ["annotation", "adapted"])
def test_metrics_on_test_matches_are_those_of_their_items_under_the_offsets_of_the_adapter(
    space: str, finished: Path
) -> None:
    lake = lake_of(finished)
    adapter = adapter_of(lake, space)
    rows = metrics(lake, space, adapter["config_id"] if space == "adapted" else None)
    calibration = Calibration.of(adapter["offset_text"], adapter["offset_image"])

    expected = evaluate(held_out(lake, space), Protocol(), calibration)

    assert len(expected) == len(rows)
    for metric in map(asdict, expected):
        key = metric["metric"], metric["query_modality"], metric["gallery"], metric["calibrated"]
        assert {name: rows[key][name] for name in metric} == pytest.approx(metric)


def test_every_pin_is_retrieved_by_its_caption_among_all_and_the_reverse(finished: Path) -> None:
    rows = [row for row in lake_of(finished).read("metrics", USER).to_pylist() if row["metric"] == "recall"]

    assert {(row["query_modality"], row["k"], row["chance"], row["n"]) for row in rows} == {
        (direction, k, k / 84, 84) for direction in ("image>text", "text>image") for k in (1, 5, 10)
    }


def test_the_mart_of_our_recipes_has_the_gain_of_each_over_doing_nothing(finished: Path) -> None:
    lake = lake_of(finished)
    with duckdb.connect(str(lake.root / "qualia.duckdb"), read_only=True) as connection:
        mart = connection.execute("SELECT * FROM own_recipes").df().set_index("recipe", drop=False)
    nothing = metrics(lake, "annotation", None)

    # Doing nothing is there twice: as the space itself, and among the adapters.
    ours = mart[mart["recipe"].notna() & (mart["recipe"] != "identity")]
    assert set(ours["recipe"]) == {"distilled", "lexicon", "lexicon+smoothing"}
    selected = adapter_of(lake, "adapted")["recipe"]
    assert set(ours.loc[ours["selected"], "recipe"]) == {selected} & set(ours["recipe"])
    for recipe, row in ours.iterrows():
        rows = metrics(lake, "adapted", str(recipe))
        for column, metric in (("coherence", "coherence"), ("cross_modal", "cross_modal_r_precision")):
            key = (metric, "all", "full", False)
            gain = rows[key]["value"] - nothing[key]["value"]
            assert row[f"{column}_over_nothing"] == pytest.approx(gain)
            assert (row[f"{column}_low"], row[f"{column}_high"]) == pytest.approx(
                (rows[key]["ci_low"], rows[key]["ci_high"])
            )
        assert row["parity_coherence"] == rows["parity_coherence", "all", "full", True]["value"]
        for kind in ("text", "image"):
            # With as much of each, a ratio of 1 is parity.
            ratio = rows["parity_modality_ratio", kind, "balanced", True]
            assert row[f"parity_ratio_{kind}_queries"] == ratio["value"]
