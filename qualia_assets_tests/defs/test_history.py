"""The history of figures: what each run measured stays, once, whatever becomes of the runs after it."""

from typing import Any

import pyarrow as pa
import pytest

from qualia_assets.defs.catalogue import stages
from qualia_assets.defs.history import metric_history
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import ADAPTERS, CLUSTERS, METRIC_HISTORY, METRICS
from qualia_assets_tests.places import USER, in_a_run

CLUSTERED = CLUSTERS.table(
    [
        {"artefact_id": f"folder:{m}{i}", "modality": m, "cluster": 0, "probability": 1.0}
        for m, n in (("text", 5), ("image", 3))
        for i in range(n)
    ]
)


def fitted(selected: str = "smoothing") -> pa.Table:
    common = {"arch": "lookup", "input": "annotation_embeddings", "kind": "inductive", "seed": 0}
    return ADAPTERS.table(
        {"config_id": name, "recipe": name, "train_seconds": 1.0, "pareto": False, **common}
        | {"selected": name == selected}
        for name in ("identity", "smoothing", "centring")
    )


def figure(value: float | None, **other: Any) -> dict[str, Any]:
    return {
        "space": "annotation",
        "metric": "coherence",
        "split": "test",
        "gallery": "full",
        "query_modality": "all",
        "k": 10,
        "calibrated": False,
        "value": value,
        "ci_low": 0.1,
        "ci_high": 0.9,
        "n": 40,
        "chance": 0.2,
        **other,
    }


def measured(lake: Lake, *figures: dict[str, Any]) -> pa.Table:
    """The metrics of a run, as they lie in the lake when the history is made."""
    table = METRICS.conform(METRICS.table(figures))
    lake.write(METRICS, USER, table)
    return table


def remember(lake: Lake, *figures: dict[str, Any], selected: str = "smoothing") -> list[dict[str, Any]]:
    """The history after a run that measured these, read back from the lake."""
    now = measured(lake, *figures)
    made = in_a_run(lambda run: metric_history.compute(run, now, fitted(selected), CLUSTERED))
    table = METRIC_HISTORY.conform(made.tables["metric_history"])
    assert METRIC_HISTORY.violations(table) == []
    lake.write(METRIC_HISTORY, USER, table)
    return lake.read("metric_history", USER).to_pylist()  # type: ignore[no-any-return]


def values(rows: list[dict[str, Any]]) -> list[tuple[int, float | None]]:
    return [(row["run"], row["value"]) for row in rows]


def test_a_run_adds_its_figures_to_those_of_the_runs_before(lake: Lake) -> None:
    remember(lake, figure(0.5))
    remember(lake, figure(0.6))
    # As they were at first: a run of its own, since it comes after another.
    assert values(remember(lake, figure(0.5))) == [(1, 0.5), (2, 0.6), (3, 0.5)]


def test_a_run_that_measures_the_same_adds_nothing_and_changes_no_byte(lake: Lake) -> None:
    remember(lake, figure(0.5), figure(None, metric="modality_ratio", note="no image was retrieved"))
    before = lake.path("metric_history", USER).read_bytes()

    # A figure that is no headline is another, so that the metrics are not the same table.
    rows = remember(
        lake,
        figure(0.5),
        figure(None, metric="modality_ratio", note="no image was retrieved"),
        figure(0.7, metric="modality_auc", k=None),
    )

    assert {row["run"] for row in rows} == {1}
    assert lake.path("metric_history", USER).read_bytes() == before


@pytest.mark.parametrize("changed", [{"ci_low": 0.2}, {"chance": 0.3}, {"n": 41}, {"k": 5}, {"value": None}])
def test_another_interval_or_chance_is_another_run(changed: dict[str, Any], lake: Lake) -> None:
    remember(lake, figure(0.5))
    assert len(remember(lake, figure(0.5) | changed)) == 2


def test_doing_nothing_and_what_was_selected_are_kept_and_no_other(lake: Lake) -> None:
    rows = remember(
        lake,
        figure(0.5),
        figure(0.6, space="adapted", config_id="smoothing"),
        figure(0.7, space="adapted", config_id="centring"),
        figure(0.5, space="adapted", config_id="identity"),
        figure(0.3, space="raw"),
        figure(0.4, split="val"),
        figure(0.4, gallery="balanced"),
        figure(0.4, calibrated=True),
    )
    assert [(r["space"], r["config_id"]) for r in rows] == [("adapted", "smoothing"), ("annotation", None)]
    assert {(row["posts"], row["pins"]) for row in rows} == {(5, 3)}


def test_another_choice_with_the_same_figures_is_another_run(lake: Lake) -> None:
    both = [figure(0.6, space="adapted", config_id=name) for name in ("smoothing", "centring")]
    remember(lake, *both)
    rows = remember(lake, *both, selected="centring")
    assert [(row["run"], row["config_id"]) for row in rows] == [(1, "smoothing"), (2, "centring")]


def test_a_run_is_told_when_its_metrics_were_made_though_the_history_came_later(lake: Lake) -> None:
    rows = remember(lake, figure(0.5))
    info = lake.info("metrics", USER)
    assert info is not None
    assert rows[0]["at"] == info.written_at


def test_where_nothing_was_measured_the_history_stays_as_it_was(lake: Lake) -> None:
    assert remember(lake) == []
    remember(lake, figure(0.5))
    assert values(remember(lake)) == [(1, 0.5)]


def test_a_damaged_history_is_put_aside_and_not_written_over(lake: Lake) -> None:
    remember(lake, figure(0.5))
    path = lake.path("metric_history", USER)
    damaged = path.read_bytes()[:-20]
    path.write_bytes(damaged)

    assert values(remember(lake, figure(0.6))) == [(1, 0.6)]

    (aside,) = path.parent.glob("damaged-*.parquet")
    assert aside.read_bytes() == damaged
    assert lake.users("metric_history") == [USER]


def test_the_history_is_made_in_a_users_run_after_the_metrics() -> None:
    names = [step.name for step in stages() if not step.on_demand]
    assert names.index("metric_history") > names.index("metrics")
