"""The headline figures of earlier runs: each run replaces the metrics, and this table keeps them."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake.specs import rows_of
from qualia_assets.lake.tables import METRIC_HISTORY

KEPT = ("coherence", "cross_modal_r_precision", "modality_bias", "modality_ratio", "uniformity")
_NAMES = ("space", "config_id", "metric", "query_modality", "k", "value", "ci_low", "ci_high", "chance", "n")


@stage(METRIC_HISTORY, group="metrics")
def metric_history(run: Run, metrics: pa.Table, adapters: pa.Table, clusters: pa.Table) -> Made:
    earlier = _earlier(run)
    now = _headlines(metrics, adapters, clusters)
    runs = sorted({row["run"] for row in earlier})
    last = [_figures(row) for row in earlier if row["run"] == runs[-1]] if runs else []
    if now and sorted(now, key=_place) != sorted(last, key=_place):
        info = run.lake.info("metrics", run.user)
        # When they were computed: the same after a run that was stopped before this stage.
        seen = {"run": (runs[-1] if runs else 0) + 1, "at": info.written_at if info else datetime.now(UTC)}
        earlier += [seen | row for row in now]
        runs.append(seen["run"])
    return Made({"metric_history": METRIC_HISTORY.table(earlier)}, {"runs": len(runs)})


def _earlier(run: Run) -> list[dict[str, Any]]:
    """Return the rows so far. They exist nowhere else, so a damaged file is set aside, not replaced."""
    path = run.lake.path("metric_history", run.user)
    found = run.previous("metric_history")
    if found is None and path.exists():
        aside = path.with_name(f"damaged-{int(path.stat().st_mtime)}.parquet")
        path.rename(aside)
        run.log(f"The history of figures is damaged. It was set aside as {aside.name}; a new one begins.")
    return rows_of(found) if found else []


def _headlines(metrics: pa.Table, adapters: pa.Table, clusters: pa.Table) -> list[dict[str, Any]]:
    """Return the figures of doing nothing and of the selected adapter, as rows without their run."""
    selected = {row["config_id"] for row in adapters.to_pylist() if row["selected"]}
    counted = {
        name: int(pc.sum(pc.equal(clusters["modality"], modality)).as_py() or 0)
        for name, modality in (("posts", "text"), ("pins", "image"))
    }
    return [
        {name: row[name] for name in _NAMES} | counted
        for row in metrics.to_pylist()
        if row["metric"] in KEPT
        and (row["split"], row["gallery"], row["calibrated"]) == ("test", "full", False)
        and (row["space"] == "annotation" or (row["space"] == "adapted" and row["config_id"] in selected))
    ]


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("run", "at")}


def _place(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("space", "config_id", "metric", "query_modality"))
