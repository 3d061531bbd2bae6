"""What each measure means, what it came to in each space, and what could not be measured.

Belongs here: measures beside one another. The configurations beside one another are in ``tables``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from qualia_assets.views.app.snapshot import Snapshot
from qualia_assets.views.report.parts import (
    ASKING,
    HEADLINE,
    KINDS,
    NO_MATCHES,
    SPACES,
    Empty,
    Measured,
    Row,
    many,
    number,
    span,
)
from qualia_assets.views.report.tables import Estimate


@dataclass(frozen=True)
class MeasureRow:
    """One measure for one kind of query, in each space."""

    asked: str
    raw: Estimate
    nothing: Estimate
    selected: Estimate
    chance: str


@dataclass(frozen=True)
class Measure:
    """What a measure means, and what it came to."""

    name: str
    meaning: str
    rows: tuple[MeasureRow, ...]


_MEANINGS: tuple[tuple[str, str, str, tuple[tuple[str, dict[str, Any]], ...]], ...] = (
    (
        "coherence", "Coherence",
        "Of the items nearest to one, the share that is of its own match. More is better.",
        tuple((q, {}) for q in ("all", "text", "image")),
    ),
    (
        HEADLINE, "Cross-modal R-precision",
        "Asked for the other kind alone: how much of what belongs to the match comes first. More is better, "
        "and mixing posts with pins cannot buy it. An adapter is chosen by it, on validation matches.",
        tuple((q, {}) for q in ("all", "text>image", "image>text")),
    ),
    (
        "modality_ratio", "Posts by pins retrieved",
        "Posts found for each pin found. Fair is what is there, the chance level. A fair ratio over all "
        "queries can hide posts that find posts only and pins that find pins only.",
        tuple((q, {}) for q in ("all", "text", "image")),
    ),
    (
        "modality_bias", "Modality bias",
        "The logarithm of that ratio, less that of what is there: 0 is parity, above it posts are favoured.",
        tuple((q, {}) for q in ("all", "text", "image")),
    ),
    (
        "same_modality_share", "Share of the same kind",
        "Of the items nearest to one, the share that is of its own kind, whatever the match.",
        (("all", {}),),
    ),
    (
        "parity_modality_ratio", "Posts by pins in a calibrated search",
        "What the app's search finds, on a gallery with as many posts as pins: 1 is parity.",
        tuple((q, {"gallery": "balanced", "calibrated": True}) for q in ("text", "image")),
    ),
    (
        "parity_coherence", "Coherence of a calibrated search",
        "What calibration leaves of coherence, on all held-out items.",
        (("all", {"calibrated": True}),),
    ),
    (
        "modality_auc", "Modality gap",
        "How surely a simple classifier tells posts from pins by their vectors alone: 0.5 is no gap, 1 a "
        "whole one.",
        (("all", {}),),
    ),
    (
        "uniformity", "Uniformity",
        "How evenly items fill the space: about −4 at best, 0 where all are alike. Reported, never aimed at.",
        tuple((q, {}) for q in ("all", "text", "image")),
    ),
    (
        "alignment", "Alignment",
        "Mean squared distance of posts to pins of their match: 2 is unrelated. Less is nearer, which means "
        "little where everything is near.",
        (("text>image", {}),),
    ),
    (
        "occurrence_never", "Never found",
        "The share of items that are among the nearest of no other.",
        (("all", {}),),
    ),
)  # fmt: skip


def measures(snapshot: Snapshot) -> tuple[Measure, ...]:
    measured = snapshot.once(Measured)
    found = [
        Measure(name, meaning, rows)
        for metric, name, meaning, asked in _MEANINGS
        if (rows := tuple(_measure_rows(measured, metric, asked)))
    ]
    recalled = tuple(_recall(measured))
    if recalled:
        told = (
            "Items as they are, all of them: how often the caption of a pin finds that pin among the first, "
            "and the pin its caption."
        )
        found.append(Measure("Recall of pins and their captions", told, recalled))
    if not found:
        raise Empty(NO_MATCHES)
    return tuple(found)


def _measure_rows(
    measured: Measured, metric: str, asked: Iterable[tuple[str, dict[str, Any]]]
) -> Iterator[MeasureRow]:
    for query, other in asked:
        in_each = measured.in_each(metric, query, **other)
        there = [row for row in in_each if row]
        if there:
            name = KINDS.get(query, ASKING[query]) if metric == "uniformity" else ASKING[query]
            raw, nothing, selected = (_plain(row) for row in in_each)
            yield MeasureRow(name, raw, nothing, selected, number(there[-1]["chance"]))


def _recall(measured: Measured) -> Iterator[MeasureRow]:
    for query in ("text>image", "image>text"):
        for k in (1, 5, 10):
            row = measured.of("raw", "recall", query, split="all", k=k)
            if row:
                who = "caption finds its pin" if query == "text>image" else "pin finds its caption"
                yield MeasureRow(
                    f"{who} among {k}", _plain(row), Estimate(""), Estimate(""), number(row["chance"])
                )


def _plain(row: Row | None) -> Estimate:
    if row is None:
        return Estimate("–")
    return Estimate(number(row["value"]), span(row["ci_low"], row["ci_high"], 2))


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
