"""What all sections of the HTML report share: their type, access to the metrics, and common words.

Belongs here: nothing that only one section needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from qualia_assets.lake.snapshot import NotThere, Snapshot
from qualia_assets.report.figure_data import compared_adapter

T = TypeVar("T")
Row = dict[str, Any]

NOTHING = "doing nothing"
HEADLINE = "cross_modal_r_precision"
QUERIES = {
    "all": "all queries",
    "text": "post queries",
    "image": "pin queries",
    "text>image": "pins for post queries",
    "image>text": "posts for pin queries",
}
HUES = 8
"""Colours of matches on the map; the style sheet has as many."""
NO_MATCHES = (
    "There are no held-out matches, so nothing was measured on them. A match takes a cluster of posts and a "
    "similar cluster of pins. More items of both kinds would yield some, or, in qualia.toml, a smaller "
    "`clustering.min_cluster_size` or `matching.threshold`."
)


@dataclass(frozen=True)
class Section(Generic[T]):
    """One section of a report: its content, or sentences that say why there is none and what to do."""

    content: T | None
    why_not: tuple[str, ...] = ()


class EmptySection(Exception):
    """A section has nothing to show although its tables exist; the message says why."""


def section_of(
    snapshot: Snapshot, with_names: bool, make: Callable[[Snapshot], T], *tables: str
) -> Section[T]:
    """Return ``make(snapshot)`` as a section, or why it cannot be made: a table is missing, or empty."""
    missing = snapshot.why_not(*tables)
    if not missing:
        try:
            return Section(make(snapshot))
        except (NotThere, EmptySection) as error:
            missing = [str(error)]
    return Section(None, tuple(without_key(snapshot, line, with_names) for line in missing))


def without_key(snapshot: Snapshot, line: str, with_names: bool) -> str:
    """The line with the user's key replaced, unless names may be shown."""
    return line if with_names else line.replace(f"--user {snapshot.user}", "--user KEY")


def rows_of(snapshot: Snapshot, table: str) -> list[Row]:
    """The rows of a table; none where it is missing or damaged, which the section that needs it reports."""
    try:
        return snapshot.rows(table)
    except NotThere:
        return []


def column_of(snapshot: Snapshot, table: str, column: str) -> list[Any]:
    """One column of a table; empty where the table is missing or damaged."""
    try:
        return list(snapshot.table(table)[column].to_pylist())
    except NotThere:
        return []


class MetricIndex:
    """The rows of ``metrics`` by what they measure, and the adapters that were fitted.

    Attributes:
        selected: the selected row of ``adapters``; None where there is none.
        trained: the rows of ``adapters`` but the identity's.
        adapter: the selected adapter's id; None where that is the identity.
        k: the number of neighbours of coherence.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.rows = {_key(row): row for row in rows_of(snapshot, "metrics")}
        fitted = rows_of(snapshot, "adapters")
        self.selected: Row | None = next((row for row in fitted if row["selected"]), None)
        self.trained = [row for row in fitted if row["arch"] != "identity"]
        compared, is_selected = compared_adapter(fitted)
        self.adapter: str | None = compared if is_selected else None
        self.k = next((r["k"] for r in self.rows.values() if r["metric"] == "coherence"), 10)

    def row(
        self, space: str, metric: str, query: str = "all", *, split: str = "test", config: str | None = None,
        gallery: str = "full", calibrated: bool = False, k: int | None = None,
    ) -> Row | None:  # fmt: skip
        return self.rows.get((space, config, metric, split, gallery, query, calibrated, k))

    def by_space(self, metric: str, query: str = "all", **other: Any) -> tuple[Row | None, ...]:
        """One metric of raw items, of doing nothing and of the selected adapter."""
        selected = self.row("adapted", metric, query, config=self.adapter, **other) if self.adapter else None
        return (
            self.row("raw", metric, query, **other),
            self.row("annotation", metric, query, **other),
            selected,
        )


def _key(row: Row) -> tuple[Any, ...]:
    """The row's key. Only recall is measured at more than one k, so others are found without it."""
    names = ("space", "config_id", "metric", "split", "gallery", "query_modality", "calibrated")
    return (*(row[name] for name in names), row["k"] if row["metric"] == "recall" else None)


def interval_of(row: Row | None) -> tuple[float, float] | None:
    """The 95 % interval of a metric, where it has one."""
    if row is None or row["ci_low"] is None or row["ci_high"] is None:
        return None
    return row["ci_low"], row["ci_high"]
