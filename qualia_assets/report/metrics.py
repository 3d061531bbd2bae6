"""What each metric means, its value in each space, and which values could not be measured.

Belongs here: metrics by space. Configurations side by side are in ``html_tables``.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report import svg
from qualia_assets.report.html_tables import Cell
from qualia_assets.report.numbers import MISSING, interval, number, plural, ratio
from qualia_assets.report.sections import (
    HEADLINE,
    NO_MATCHES,
    NOTHING,
    QUERIES,
    EmptySection,
    MetricIndex,
    Row,
    interval_of,
)


@dataclass(frozen=True)
class MetricRow:
    """One metric for one kind of query, in each space; ``chart``: all three on the metric's own scale."""

    query: str
    raw: Cell
    nothing: Cell
    selected: Cell
    chance: str
    chart: Markup


@dataclass(frozen=True)
class Metric:
    """A metric's name and meaning, and its values."""

    name: str
    meaning: str
    rows: tuple[MetricRow, ...]


@dataclass(frozen=True)
class _Wanted:
    """A metric to show. ``queries``: kinds of query and their names; ``where``: other parts of its key."""

    metric: str
    name: str
    meaning: str
    queries: Mapping[str, str]
    is_ratio: bool = False
    where: Mapping[str, Any] = field(default_factory=dict)


_ALL = {"all": QUERIES["all"]}
_BY_MODALITY = {query: QUERIES[query] for query in ("text", "image")}
_ITEMS = {"all": "all items"}
_METRICS = (
    _Wanted(
        "coherence",
        "Coherence",
        "The share of an item's nearest neighbours that belong to its own match. More is better.",
        {**_ALL, **_BY_MODALITY},
    ),
    _Wanted(
        HEADLINE,
        "Cross-modal R-precision",
        "Among items of the other kind alone: how much of what belongs to the match is ranked first. More "
        "is better, and mixing posts with pins cannot buy it. The adapter is selected by it, on validation "
        "matches.",
        {query: QUERIES[query] for query in ("all", "text>image", "image>text")},
    ),
    _Wanted(
        "modality_ratio",
        "Posts by pins retrieved",
        "Posts retrieved for each pin. Parity is the ratio of posts to pins that exist, the chance level. A "
        "ratio at parity over all queries can hide posts that retrieve only posts and pins that retrieve "
        "only pins.",
        {**_ALL, **_BY_MODALITY},
        is_ratio=True,
    ),
    _Wanted(
        "modality_bias",
        "Modality bias",
        "The logarithm of that ratio, minus the logarithm of the ratio that exists: 0 is parity, above it "
        "posts are favoured.",
        {**_ALL, **_BY_MODALITY},
    ),
    _Wanted(
        "same_modality_share",
        "Share of the same kind",
        "The share of an item's nearest neighbours that are of its own kind, whatever their match.",
        _ALL,
    ),
    _Wanted(
        "parity_modality_ratio",
        "Posts by pins in a calibrated search",
        "With scores calibrated as in the app's search, among as many posts as pins: 1 is parity.",
        _BY_MODALITY,
        is_ratio=True,
        where={"gallery": "balanced", "calibrated": True},
    ),
    _Wanted(
        "parity_coherence",
        "Coherence of a calibrated search",
        "Coherence once scores are calibrated.",
        _ALL,
        where={"calibrated": True},
    ),
    _Wanted(
        "modality_auc",
        "Modality gap",
        "How well a simple classifier tells posts from pins by their vectors alone: 0.5 is no gap, 1 is a "
        "complete one.",
        _ITEMS,
    ),
    _Wanted(
        "uniformity",
        "Uniformity",
        "How evenly items fill the space: about −4 at best, 0 if all are alike. Reported, never a target.",
        {**_ITEMS, "text": "posts", "image": "pins"},
    ),
    _Wanted(
        "alignment",
        "Alignment",
        "Mean squared distance between the posts and the pins of a match: 2 is unrelated. Less is closer, "
        "which means little where everything is close.",
        {"text>image": "posts to pins"},
    ),
    _Wanted(
        "occurrence_never",
        "Never retrieved",
        "The share of items that are among the nearest neighbours of no other.",
        _ITEMS,
    ),
)
_RECALL = _Wanted(
    "recall",
    "Recall of pins and their captions",
    "All raw items: how often a pin is among the top results for its caption, and the caption among those "
    "for its pin.",
    {"text>image": "pin by its caption", "image>text": "caption by its pin"},
)


def metrics(snapshot: Snapshot) -> tuple[Metric, ...]:
    """Every metric that has a value or a note in ``metrics``, on the test matches."""
    index = snapshot.once(MetricIndex)
    found = []
    for wanted in _METRICS:
        rows = {name: index.by_space(wanted.metric, q, **wanted.where) for q, name in wanted.queries.items()}
        found.append((wanted, {name: spaces for name, spaces in rows.items() if any(spaces)}))
    found.append((_RECALL, _recall(index)))
    made = tuple(Metric(wanted.name, wanted.meaning, _rows(wanted, rows)) for wanted, rows in found if rows)
    if not made:
        raise EmptySection(NO_MATCHES)
    return made


def _recall(index: MetricIndex) -> dict[str, tuple[Row | None, ...]]:
    found = {
        f"{name}, top {k}": index.row("raw", "recall", query, split="all", k=k)
        for query, name in _RECALL.queries.items()
        for k in (1, 5, 10)
    }
    return {name: (row, None, None) for name, row in found.items() if row}


def _rows(wanted: _Wanted, rows: Mapping[str, tuple[Row | None, ...]]) -> tuple[MetricRow, ...]:
    there = [row for spaces in rows.values() for row in spaces if row]
    values = [row[name] for row in there for name in ("value", "ci_low", "ci_high", "chance")]
    scaled = [_scaled(value, wanted) for value in values if value is not None]
    extent = (min(scaled, default=0.0), max(scaled, default=1.0))
    made = []
    for name, spaces in rows.items():
        chance = next((row["chance"] for row in reversed(spaces) if row), None)
        strips = [
            _strip(kind, row, wanted)
            for kind, row in zip(("raw", "nothing", "selected"), spaces, strict=True)
        ]
        level = None if chance is None else _scaled(chance, wanted)
        raw, nothing, selected = (_cell(row, wanted) for row in spaces)
        written = ratio(chance) if wanted.is_ratio else number(chance)
        made.append(MetricRow(name, raw, nothing, selected, written, svg.strip(strips, level, extent)))
    return tuple(made)


def _strip(kind: str, row: Row | None, wanted: _Wanted) -> svg.Strip | None:
    if row is None or row["value"] is None:
        return None
    ends = interval_of(row)
    scaled = (_scaled(ends[0], wanted), _scaled(ends[1], wanted)) if ends else None
    return svg.Strip(_scaled(row["value"], wanted), scaled, kind)


def _scaled(value: float, wanted: _Wanted) -> float:
    """Ratios on a logarithmic scale, where 1 to 2 is as far from parity as 2 to 1."""
    return math.log(max(value, 0.01)) if wanted.is_ratio else value


def _cell(row: Row | None, wanted: _Wanted) -> Cell:
    if row is None:
        return Cell(MISSING)
    if not wanted.is_ratio:
        return Cell(number(row["value"]), interval(row["ci_low"], row["ci_high"], 2))
    ends = interval_of(row)
    return Cell(ratio(row["value"]), f"{ratio(ends[0])} to {ratio(ends[1])}" if ends else "")


_SPLITS = {"val": "validation matches", "test": "held-out matches", "all": "all pins"}
_SPACES = {"raw": "raw items", "annotation": NOTHING, "adapted": "the selected adapter"}


def unmeasured(snapshot: Snapshot) -> Iterator[str]:
    """Why values are missing: raw items, doing nothing and the selected adapter by name, others counted."""
    index = snapshot.once(MetricIndex)
    named: dict[str, list[str]] = {}
    others: Counter[str] = Counter()
    for row in index.rows.values():
        if not row["note"]:
            continue
        if row["space"] == "adapted" and row["config_id"] != index.adapter:
            others[row["note"]] += 1
            continue
        query = QUERIES.get(row["query_modality"], row["query_modality"])
        gallery = f"{row['gallery']} gallery" + (", calibrated" if row["calibrated"] else "")
        what = f"{row['metric'].replace('_', ' ')} of {_SPACES[row['space']]}"
        named.setdefault(row["note"], []).append(f"{what} ({query}, {_SPLITS[row['split']]}, {gallery})")
    for note in sorted({*named, *others}):
        these = list(dict.fromkeys(named.get(note, [])))
        shown = these[:6]
        if len(these) > 6:
            shown.append(f"and {len(these) - 6} more")
        if others[note]:
            shown.append(f"{plural(others[note], 'value')} of other configurations")
        yield f"{note[:1].upper()}{note[1:]}: {'; '.join(shown)}."
