"""A user's whole report: the paper's Tables 1 to 3 and Figs. 1 to 5, and what to make of them.

Belongs here: which parts a report has. Nothing is measured here. What cannot be shown says why and what to
do. A report without names holds no word of the user's: no key, no title, no name of a cluster.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report.figures import Figure, figures
from qualia_assets.report.matches import Pair, pairs
from qualia_assets.report.measures import Measure, measures, unmeasured
from qualia_assets.report.sections import Part, part_of
from qualia_assets.report.summary import caveats, summary
from qualia_assets.report.tables import Table, tables
from qualia_assets.report.trend import Trend, trend


@dataclass(frozen=True)
class Report:
    """A whole report. ``user`` is empty in one without names."""

    user: str
    named: bool
    made_at: datetime | None
    summary: tuple[str, ...]
    caveats: tuple[str, ...]
    tables: Part[tuple[Table, ...]]
    measures: Part[tuple[Measure, ...]]
    figures: tuple[Figure, ...]
    pairs: Part[tuple[Pair, ...]]
    trend: Part[Trend]
    unmeasured: tuple[str, ...]


def report_of(snapshot: Snapshot, named: bool) -> Report:
    """The report of a user.

    Args:
        snapshot: the user's tables; whatever is not among them is left out with a word why.
        named: whether the names of clusters, titles of items and the user's key may be in it.
    """
    part = partial(part_of, snapshot, named)
    return Report(
        user=snapshot.user if named else "",
        named=named,
        made_at=snapshot.made_at,
        summary=summary(snapshot, named),
        caveats=tuple(caveats(snapshot)),
        tables=part(tables, "test_figures"),
        measures=part(measures, "metrics", "adapters"),
        figures=tuple(figures(snapshot, named)),
        pairs=part(partial(pairs, named=named), "cluster_matches", "clusters"),
        trend=part(trend, "metric_history"),
        unmeasured=tuple(unmeasured(snapshot)),
    )
