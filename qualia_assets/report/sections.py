"""What all parts of a report share: what a part is, where its figures are looked up, how they are written.

Belongs here: nothing of one part alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from qualia_assets.errors import QualiaError
from qualia_assets.lake.snapshot import NotThere, Snapshot

T = TypeVar("T")
Row = dict[str, Any]

NOTHING = "doing nothing"
HEADLINE = "cross_modal_r_precision"
KINDS = {"text": "posts", "image": "pins"}
SPACES = {"raw": "items as they are", "annotation": NOTHING, "adapted": "selected"}
ASKING = {
    "all": "all queries",
    "text": "posts asking",
    "image": "pins asking",
    "text>image": "posts asking for pins",
    "image>text": "pins asking for posts",
}
HUES = 8
"""Colours of matches on the map; the style sheet has as many."""
NO_MATCHES = (
    "Nothing was measured on held-out matches: there are none. They take clusters of posts and clusters of "
    "pins that are alike. More items of both kinds would find some, or, in qualia.toml, a smaller "
    "`clustering.min_cluster_size` or `matching.threshold`."
)


@dataclass(frozen=True)
class Part(Generic[T]):
    """One part of a report: its content, or the sentences that say why there is none and what to do."""

    content: T | None
    why_not: tuple[str, ...] = ()


class Empty(QualiaError):
    """A part that has nothing to show although its tables are there; the message says why."""


def part_of(snapshot: Snapshot, named: bool, make: Callable[[Snapshot], T], *tables: str) -> Part[T]:
    """What ``make`` makes of the snapshot, or why it cannot: one of the tables is not there, or empty."""
    missing = snapshot.why_not(*tables)
    if not missing:
        try:
            return Part(make(snapshot))
        except (NotThere, Empty) as error:
            missing = [str(error)]
    return Part(None, tuple(without_key(snapshot, line, named) for line in missing))


def without_key(snapshot: Snapshot, line: str, named: bool) -> str:
    """A sentence about what to do, without the user's key where that is not to be told."""
    return line if named else line.replace(f"--user {snapshot.user}", "--user KEY")


def rows_of(snapshot: Snapshot, table: str) -> list[Row]:
    """The rows of a table; none where it is not there or damaged: the part that needs it says so."""
    try:
        return snapshot.rows(table)
    except NotThere:
        return []


def column_of(snapshot: Snapshot, table: str, column: str) -> list[Any]:
    """One column of a table; empty where it is not there or damaged."""
    try:
        return list(snapshot.table(table)[column].to_pylist())
    except NotThere:
        return []


class Measured:
    """The metrics of doing nothing, the raw space and every configuration, to be looked up."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.rows = {_key(row): row for row in rows_of(snapshot, "metrics")}
        fitted = rows_of(snapshot, "adapters")
        self.selected: Row | None = next((row for row in fitted if row["selected"]), None)
        self.trained = [row for row in fitted if row["arch"] != "identity"]
        self.k = next((r["k"] for r in self.rows.values() if r["metric"] == "coherence"), 10)

    @property
    def chosen(self) -> str | None:
        """The selected adapter's name; None where that is doing nothing, or nothing was selected."""
        return self.selected["config_id"] if self.selected and self.selected["arch"] != "identity" else None

    def of(
        self, space: str, metric: str, query: str = "all", *, split: str = "test", config: str | None = None,
        gallery: str = "full", calibrated: bool = False, k: int | None = None,
    ) -> Row | None:  # fmt: skip
        """One figure, its row whole; None where there is none."""
        return self.rows.get((space, config, metric, split, gallery, query, calibrated, k))

    def in_each(self, metric: str, query: str = "all", **other: Any) -> tuple[Row | None, ...]:
        """The figure of items as they are, of doing nothing and of the selected adapter."""
        chosen = self.of("adapted", metric, query, config=self.chosen, **other) if self.chosen else None
        return (
            self.of("raw", metric, query, **other),
            self.of("annotation", metric, query, **other),
            chosen,
        )


def _key(row: Row) -> tuple[Any, ...]:
    """What names a figure. All but recall are taken at one k, whatever it was."""
    names = ("space", "config_id", "metric", "split", "gallery", "query_modality", "calibrated")
    return (*(row[name] for name in names), row["k"] if row["metric"] == "recall" else None)


def number(value: float | None, digits: int = 3) -> str:
    """A figure as it is written; a dash where there is none."""
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def ratio(value: float | None) -> str:
    """Posts by pins as it is written: past a hundred nobody needs its hundredths."""
    return number(value, 2 if value is None or value < 100 else 0)


def span(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval as it is written; nothing where there is none."""
    return "" if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"


def signed(value: float) -> str:
    """A difference as it is written."""
    return f"{round(value, 3) + 0.0:+.3f}".replace("-", "−")


def many(n: int, one: str, more: str = "") -> str:
    """A number of things; ``more`` is their plural where that is not ``one`` with an s."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"


def accepted_matches(snapshot: Snapshot) -> list[Row]:
    """The matches that are used, the closest first."""
    rows = [row for row in snapshot.rows("cluster_matches") if row["accepted"]]
    return sorted(rows, key=lambda row: (-row["similarity"], row["match"]))


def interval_of(row: Row | None) -> tuple[float, float] | None:
    """The 95 % interval of a row of figures, where it has one."""
    if row is None or row["ci_low"] is None or row["ci_high"] is None:
        return None
    return row["ci_low"], row["ci_high"]
