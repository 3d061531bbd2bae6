"""The headline figures over runs, from the history that the lake keeps of them.

Belongs here: what of a run is drawn and told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report import charts
from qualia_assets.report.figures import Panel
from qualia_assets.report.sections import HEADLINE, NOTHING, Empty, Row, interval_of, number

MOST_RUNS = 24
"""Runs in the chart over runs: the last ones."""


@dataclass(frozen=True)
class Trend:
    """Figures over runs, and the runs as rows, the newest first."""

    panels: tuple[Panel, ...]
    legend: tuple[tuple[Markup, str], ...]
    runs: tuple[Mapping[str, str], ...]


def trend(snapshot: Snapshot) -> Trend:
    rows = snapshot.rows("metric_history")
    if not rows:
        raise Empty("No run has measured anything on held-out matches yet, so there is nothing to follow.")
    numbers = sorted({row["run"] for row in rows})[-MOST_RUNS:]
    of_run = {n: [r for r in rows if r["run"] == n] for n in numbers}
    runs = tuple(_told_of(n, of_run[n]) for n in reversed(numbers))
    if len(numbers) < 2:
        return Trend((), (), runs)
    panels = tuple(
        Panel(name, _runs_chart(list(of_run.values()), metric, name, [r["when"] for r in reversed(runs)]))
        for metric, name in (("coherence", "Coherence"), (HEADLINE, "Cross-modal R-precision"))
    )
    legend = (
        (charts.swatch("selected"), "what was selected"),
        (charts.swatch("nothing"), NOTHING),
        (charts.swatch("chance", line=True), "by chance"),
    )
    return Trend(panels, legend, runs)


def _told_of(number_: int, rows: Sequence[Row]) -> dict[str, str]:
    first = next((r for r in rows if (r["metric"], r["query_modality"]) == ("coherence", "all")), rows[0])
    chosen = next((r["config_id"] for r in rows if r["space"] == "adapted"), None)
    return {
        "run": str(number_),
        "when": f"{first['at']:%Y-%m-%d %H:%M}",
        "selected": NOTHING if chosen in (None, "identity") else str(chosen),
        "posts": f"{first['posts']:,}",
        "pins": f"{first['pins']:,}",
        "items": f"{first['n']:,}",
    }


def _runs_chart(runs: Sequence[Sequence[Row]], metric: str, name: str, ticks: Sequence[str]) -> Markup:
    def at(rows: Sequence[Row], space: str) -> Row | None:
        wanted = (space, metric, "all")
        return next((r for r in rows if (r["space"], r["metric"], r["query_modality"]) == wanted), None)

    lines = []
    for space, look in (("annotation", "nothing"), ("adapted", "selected")):
        found = [at(rows, space) for rows in runs]
        lines.append(
            charts.Line([r["value"] if r else None for r in found], [interval_of(r) for r in found], look)
        )
    chance = [r["chance"] if (r := at(rows, "annotation")) else None for rows in runs]
    said = ", ".join(number(value) for value in lines[1].values)
    label = f"{name} of what was selected over {len(runs)} runs: {said}."
    return charts.runs_chart(lines, [tick.split(" ")[0] for tick in ticks], label, chance)
