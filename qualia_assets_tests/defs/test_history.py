"""The history of figures: what each run measured is kept, once, whatever later runs do."""

from typing import Any

import pytest

from qualia_assets.defs.history import metric_history
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import ADAPTERS, CLUSTERS, METRIC_HISTORY, METRICS
from qualia_assets_tests.places import USER, in_a_run

ADAPTER = {"arch": "lookup", "input": "annotation_embeddings", "kind": "inductive", "seed": 0} | {
    "train_seconds": 1.0,
    "pareto": False,
}
POSTS = [("text", n) for n in range(5)]
PINS = [("image", n) for n in range(3)]
CLUSTERED = CLUSTERS.table(
    {"artefact_id": f"folder:{m}{n}", "modality": m, "cluster": 0, "probability": 1.0}
    for m, n in POSTS + PINS
)


def figure(value: float | None, **other: Any) -> dict[str, Any]:
    where = {"space": "annotation", "metric": "coherence", "split": "test", "gallery": "full"}
    how = {"query_modality": "all", "k": 10, "calibrated": False}
    return where | how | {"value": value, "ci_low": 0.1, "ci_high": 0.9, "n": 40, "chance": 0.2} | other


def adapted(config: str, value: float = 0.6) -> dict[str, Any]:
    return figure(value, space="adapted", config_id=config)


def remember(lake: Lake, *figures: dict[str, Any], selected: str = "smoothing") -> list[dict[str, Any]]:
    """Return the history after a run that measured these, as the lake has it."""
    measured = METRICS.conform(METRICS.table(figures))
    lake.write(METRICS, USER, measured)
    fitted = ADAPTERS.table(
        ADAPTER | {"config_id": name, "recipe": name, "selected": name == selected}
        for name in ("identity", "smoothing", "centring")
    )
    made = in_a_run(lambda run: metric_history.compute(run, measured, fitted, CLUSTERED))
    table = METRIC_HISTORY.conform(made.tables["metric_history"])
    assert METRIC_HISTORY.violations(table) == []
    lake.write(METRIC_HISTORY, USER, table)
    return lake.read("metric_history", USER).to_pylist()  # type: ignore[no-any-return]


def values(rows: list[dict[str, Any]]) -> list[tuple[int, float | None]]:
    return [(row["run"], row["value"]) for row in rows]


def test_a_run_adds_its_figures_to_those_of_earlier_runs_with_the_time_of_its_metrics(lake: Lake) -> None:
    assert remember(lake) == []
    remember(lake, figure(0.5))
    # A run without figures adds nothing.
    assert values(remember(lake)) == [(1, 0.5)]
    remember(lake, figure(0.6))
    # The first figures again are another run, as they come after others.
    rows = remember(lake, figure(0.5))
    assert values(rows) == [(1, 0.5), (2, 0.6), (3, 0.5)]
    info = lake.info("metrics", USER)
    assert info is not None
    assert rows[-1]["at"] == info.written_at


def test_a_run_that_measures_the_same_changes_no_byte(lake: Lake) -> None:
    same = (figure(0.5), figure(None, metric="modality_ratio", note="no image was retrieved"))
    remember(lake, *same)
    before = lake.path("metric_history", USER).read_bytes()

    # The metrics differ, but in none of the headline figures.
    remember(lake, *same, figure(0.7, metric="modality_auc", k=None))

    assert lake.path("metric_history", USER).read_bytes() == before


@pytest.mark.parametrize("changed", [{"ci_low": 0.2}, {"chance": 0.3}, {"n": 41}, {"k": 5}, {"value": None}])
def test_a_change_of_interval_chance_number_or_value_is_another_run(
    changed: dict[str, Any], lake: Lake
) -> None:
    remember(lake, figure(0.5))
    assert len(remember(lake, figure(0.5) | changed)) == 2


def test_only_doing_nothing_and_the_selected_adapter_are_kept(lake: Lake) -> None:
    others = [{"space": "raw"}, {"split": "val"}, {"gallery": "balanced"}, {"calibrated": True}]
    spaces = [adapted(name) for name in ("smoothing", "centring", "identity")]
    rows = remember(lake, figure(0.5), *spaces, *(figure(0.4, **other) for other in others))
    assert [(r["space"], r["config_id"]) for r in rows] == [("adapted", "smoothing"), ("annotation", None)]
    assert {(row["posts"], row["pins"]) for row in rows} == {(5, 3)}


def test_another_selection_with_the_same_figures_is_another_run(lake: Lake) -> None:
    both = [adapted(name) for name in ("smoothing", "centring")]
    remember(lake, *both)
    rows = remember(lake, *both, selected="centring")
    assert [(row["run"], row["config_id"]) for row in rows] == [(1, "smoothing"), (2, "centring")]


def test_a_damaged_history_is_set_aside_and_not_overwritten(lake: Lake) -> None:
    remember(lake, figure(0.5))
    path = lake.path("metric_history", USER)
    damaged = path.read_bytes()[:-20]
    path.write_bytes(damaged)

    assert values(remember(lake, figure(0.6))) == [(1, 0.6)]

    (aside,) = path.parent.glob("damaged-*.parquet")
    assert aside.read_bytes() == damaged
    assert lake.users("metric_history") == [USER]
