"""A user's report: the paper's Tables 1 to 3 and Figs. 1 to 5, and what follows from them.

Belongs here: which sections a report has. Nothing is measured here. A section that cannot be shown says why
and what to do. A report without names holds none of the user's words: no key, no title, no cluster name.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report.html_tables import Table, tables
from qualia_assets.report.matches import Match, matches
from qualia_assets.report.metrics import Metric, metrics, unmeasured
from qualia_assets.report.sections import Section, section_of
from qualia_assets.report.summary import caveats, summary
from qualia_assets.report.svg_figures import Figure, figures
from qualia_assets.report.trend import Trend, trend


@dataclass(frozen=True)
class Report:
    """All sections of a report. ``user`` is empty in one without names."""

    user: str
    with_names: bool
    made_at: datetime | None
    summary: tuple[str, ...]
    caveats: tuple[str, ...]
    tables: Section[tuple[Table, ...]]
    metrics: Section[tuple[Metric, ...]]
    figures: tuple[Figure, ...]
    matches: Section[tuple[Match, ...]]
    trend: Section[Trend]
    unmeasured: tuple[str, ...]


def report_of(snapshot: Snapshot, with_names: bool) -> Report:
    """Make the report of a user.

    Args:
        snapshot: the user's tables; a section whose tables are missing says so.
        with_names: whether cluster names, item titles and the user's key may be in it.
    """
    section = partial(section_of, snapshot, with_names)
    return Report(
        user=snapshot.user if with_names else "",
        with_names=with_names,
        made_at=snapshot.made_at,
        summary=summary(snapshot, with_names),
        caveats=tuple(caveats(snapshot)),
        tables=section(tables, "test_figures"),
        metrics=section(metrics, "metrics", "adapters"),
        figures=tuple(figures(snapshot, with_names)),
        matches=section(partial(matches, with_names=with_names), "cluster_matches", "clusters"),
        trend=section(trend, "metric_history"),
        unmeasured=tuple(unmeasured(snapshot)),
    )
