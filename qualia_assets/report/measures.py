"""What each measure means, what it came to in each space, and what could not be measured.

Belongs here: measures beside one another. The configurations beside one another are in ``tables``.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from markupsafe import Markup

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report import charts
from qualia_assets.report.sections import (
    ASKING,
    HEADLINE,
    NO_MATCHES,
    SPACES,
    Empty,
    Measured,
    Row,
    interval_of,
    many,
    number,
    ratio,
)
from qualia_assets.report.tables import Estimate


@dataclass(frozen=True)
class MeasureRow:
    """One measure for one kind of query, in each space; ``drawn``: all three on the measure's own scale."""

    asked: str
    raw: Estimate
    nothing: Estimate
    selected: Estimate
    chance: str
    drawn: Markup


@dataclass(frozen=True)
class Measure:
    """What a measure means, and what it came to."""

    name: str
    meaning: str
    rows: tuple[MeasureRow, ...]


@dataclass(frozen=True)
class _Asked:
    """A measure as it is asked for. ``queries``: kinds of query, with how each is called."""

    metric: str
    name: str
    meaning: str
    queries: Mapping[str, str]
    is_ratio: bool = False
    where: Mapping[str, Any] = field(default_factory=dict)


_BY_QUERY = {"all": "all queries", "text": "posts asking", "image": "pins asking"}
_ALL = {"all": "all queries"}
_ITEMS = {"all": "all items"}
_ASKED = (
    _Asked(
        "coherence",
        "Coherence",
        "Of the items nearest to one, the share that is of its own match. More is better.",
        _BY_QUERY,
    ),
    _Asked(
        HEADLINE,
        "Cross-modal R-precision",
        "Asked for the other kind alone: how much of what belongs to the match comes first. More is better, "
        "and mixing posts with pins cannot buy it. An adapter is chosen by it, on validation matches.",
        {**_ALL, "text>image": "posts asking for pins", "image>text": "pins asking for posts"},
    ),
    _Asked(
        "modality_ratio",
        "Posts by pins retrieved",
        "Posts found for each pin found. Fair is what is there, the chance level. A fair ratio over all "
        "queries can hide posts that find posts only and pins that find pins only.",
        _BY_QUERY,
        is_ratio=True,
    ),
    _Asked(
        "modality_bias",
        "Modality bias",
        "The logarithm of that ratio, less that of what is there: 0 is parity, above it posts are favoured.",
        _BY_QUERY,
    ),
    _Asked(
        "same_modality_share",
        "Share of the same kind",
        "Of the items nearest to one, the share that is of its own kind, whatever the match.",
        _ALL,
    ),
    _Asked(
        "parity_modality_ratio",
        "Posts by pins in a calibrated search",
        "With levels taken off as the app's search does, among as many posts as pins: 1 is parity.",
        {"text": "posts asking", "image": "pins asking"},
        is_ratio=True,
        where={"gallery": "balanced", "calibrated": True},
    ),
    _Asked(
        "parity_coherence",
        "Coherence of a calibrated search",
        "What calibration leaves of coherence.",
        _ALL,
        where={"calibrated": True},
    ),
    _Asked(
        "modality_auc",
        "Modality gap",
        "How surely a simple classifier tells posts from pins by their vectors alone: 0.5 is no gap, 1 a "
        "whole one.",
        _ITEMS,
    ),
    _Asked(
        "uniformity",
        "Uniformity",
        "How evenly items fill the space: about −4 at best, 0 where all are alike. Reported, never aimed at.",
        {**_ITEMS, "text": "posts", "image": "pins"},
    ),
    _Asked(
        "alignment",
        "Alignment",
        "Mean squared distance of the posts and pins of a match: 2 is unrelated. Less is nearer, which means "
        "little where everything is near.",
        {"text>image": "posts to pins"},
    ),
    _Asked(
        "occurrence_never",
        "Never found",
        "The share of items that are among the nearest of no other.",
        _ITEMS,
    ),
)


def measures(snapshot: Snapshot) -> tuple[Measure, ...]:
    """Every measure that has a row in ``metrics``, on the test matches."""
    measured = snapshot.once(Measured)
    found = []
    for asked in _ASKED:
        rows = {q: measured.in_each(asked.metric, q, **asked.where) for q in asked.queries}
        found.append((asked, {asked.queries[q]: in_each for q, in_each in rows.items() if any(in_each)}))
    found.append((_RECALL, _recalled(measured)))
    made = tuple(Measure(asked.name, asked.meaning, _drawn(asked, rows)) for asked, rows in found if rows)
    if not made:
        raise Empty(NO_MATCHES)
    return made


_RECALL = _Asked(
    "recall",
    "Recall of pins and their captions",
    "Items as they are, all of them: how often the caption of a pin finds that pin among the first, and the "
    "pin its caption.",
    {"text>image": "caption finds its pin", "image>text": "pin finds its caption"},
)


def _recalled(measured: Measured) -> dict[str, tuple[Row | None, ...]]:
    found = {
        f"{name} among {k}": measured.of("raw", "recall", query, split="all", k=k)
        for query, name in _RECALL.queries.items()
        for k in (1, 5, 10)
    }
    return {name: (row, None, None) for name, row in found.items() if row}


def _drawn(asked: _Asked, rows: Mapping[str, tuple[Row | None, ...]]) -> tuple[MeasureRow, ...]:
    there = [row for in_each in rows.values() for row in in_each if row]
    values = [row[name] for row in there for name in ("value", "ci_low", "ci_high", "chance")]
    scaled = [_scaled(value, asked) for value in values if value is not None]
    reach = (min(scaled, default=0.0), max(scaled, default=1.0))
    written = ratio if asked.is_ratio else number
    made = []
    for name, in_each in rows.items():
        chance = next((row["chance"] for row in reversed(in_each) if row), None)
        strips = [_strip(look, row, asked) for look, row in zip(_LOOKS, in_each, strict=True)]
        level = None if chance is None else _scaled(chance, asked)
        raw, nothing, selected = (_plain(row, asked) for row in in_each)
        strip = charts.strip(strips, level, reach)
        made.append(MeasureRow(name, raw, nothing, selected, written(chance), strip))
    return tuple(made)


_LOOKS = ("raw", "nothing", "selected")


def _strip(look: str, row: Row | None, asked: _Asked) -> charts.Strip | None:
    if row is None or row["value"] is None:
        return None
    interval = interval_of(row)
    ends = (_scaled(interval[0], asked), _scaled(interval[1], asked)) if interval else None
    return charts.Strip(_scaled(row["value"], asked), ends, look)


def _scaled(value: float, asked: _Asked) -> float:
    """On a scale where as much too many is as far as as much too few."""
    return math.log(max(value, 0.01)) if asked.is_ratio else value


def _plain(row: Row | None, asked: _Asked) -> Estimate:
    if row is None:
        return Estimate("–")
    interval = interval_of(row)
    written = ratio if asked.is_ratio else partial(number, digits=2)
    told = f"{written(interval[0])} to {written(interval[1])}" if interval else ""
    return Estimate(ratio(row["value"]) if asked.is_ratio else number(row["value"]), told)


def unmeasured(snapshot: Snapshot) -> Iterator[str]:
    """What has no figure, and why: raw items, doing nothing and the selected one by name, others counted."""
    measured = snapshot.once(Measured)
    said: dict[str, list[str]] = {}
    others: Counter[str] = Counter()
    for row in measured.rows.values():
        if not row["note"]:
            continue
        if row["space"] == "adapted" and row["config_id"] != measured.chosen:
            others[row["note"]] += 1
            continue
        asked = ASKING.get(row["query_modality"], row["query_modality"])
        where = {"val": "validation matches", "test": "held-out matches", "all": "all pins"}[row["split"]]
        how = f"{row['gallery']}, calibrated" if row["calibrated"] else row["gallery"]
        what = f"{row['metric'].replace('_', ' ')} of {SPACES[row['space']]}"
        said.setdefault(row["note"], []).append(f"{what} ({asked}, {where}, {how})")
    for note in sorted({*said, *others}):
        these = list(dict.fromkeys(said.get(note, [])))
        shown = "; ".join(these[:6]) + (f"; and {len(these) - 6} more" if len(these) > 6 else "")
        rest = f"{many(others[note], 'figure')} of other configurations" if others[note] else ""
        yield f"{note[:1].upper()}{note[1:]}: {'; '.join(part for part in (shown, rest) if part)}."
