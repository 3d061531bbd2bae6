"""The headline metrics over a user's runs, from ``metric_history``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report import svg
from qualia_assets.report.numbers import number
from qualia_assets.report.sections import HEADLINE, NOTHING, EmptySection, Row, interval_of
from qualia_assets.report.svg_figures import Panel

MOST_RUNS = 24
"""Only the last so many runs are shown."""


@dataclass(frozen=True)
class Trend:
    """Charts over runs, empty for a single run, and the runs as rows, the newest first."""

    panels: tuple[Panel, ...]
    legend: tuple[tuple[Markup, str], ...]
    runs: tuple[Mapping[str, str], ...]


def trend(snapshot: Snapshot) -> Trend:
    rows = snapshot.rows("metric_history")
    if not rows:
        raise EmptySection("No run has measured anything on held-out matches yet.")
    numbers = sorted({row["run"] for row in rows})[-MOST_RUNS:]
    of_run = {n: [r for r in rows if r["run"] == n] for n in numbers}
    runs = tuple(_described(n, of_run[n]) for n in reversed(numbers))
    if len(numbers) < 2:
        return Trend((), (), runs)
    panels = tuple(
        Panel(name, _runs_chart(list(of_run.values()), metric, name, [r["when"] for r in reversed(runs)]))
        for metric, name in (("coherence", "Coherence"), (HEADLINE, "Cross-modal R-precision"))
    )
    legend = (
        (svg.swatch("selected"), "selected"),
        (svg.swatch("nothing"), NOTHING),
        (svg.swatch("chance", line=True), "chance"),
    )
    return Trend(panels, legend, runs)


def _described(run: int, rows: Sequence[Row]) -> dict[str, str]:
    first = next((r for r in rows if (r["metric"], r["query_modality"]) == ("coherence", "all")), rows[0])
    selected = next((r["config_id"] for r in rows if r["space"] == "adapted"), None)
    return {
        "run": str(run),
        "when": f"{first['at']:%Y-%m-%d %H:%M}",
        "selected": NOTHING if selected in (None, "identity") else str(selected),
        "posts": f"{first['posts']:,}",
        "pins": f"{first['pins']:,}",
        "items": f"{first['n']:,}",
    }


def _runs_chart(runs: Sequence[Sequence[Row]], metric: str, name: str, ticks: Sequence[str]) -> Markup:
    def at(rows: Sequence[Row], space: str) -> Row | None:
        key = (space, metric, "all")
        return next((r for r in rows if (r["space"], r["metric"], r["query_modality"]) == key), None)

    lines = []
    for space, kind in (("annotation", "nothing"), ("adapted", "selected")):
        found = [at(rows, space) for rows in runs]
        values = [r["value"] if r else None for r in found]
        lines.append(svg.Line(values, [interval_of(r) for r in found], kind))
    chance = [r["chance"] if (r := at(rows, "annotation")) else None for rows in runs]
    shown = ", ".join(number(value) for value in lines[1].values)
    label = f"{name} of the selected configuration over {len(runs)} runs: {shown}."
    return svg.runs_chart(lines, [tick.split(" ")[0] for tick in ticks], label, chance)
