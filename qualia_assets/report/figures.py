"""The paper's Figs. 1 to 5 for one user, drawn from the lake's tables.

Belongs here: what is in each figure and what is said below it. How marks are drawn is in ``report.charts``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report import charts
from qualia_assets.report.sections import (
    HUES,
    KINDS,
    NO_MATCHES,
    NOTHING,
    Empty,
    Measured,
    Row,
    accepted_matches,
    interval_of,
    many,
    part_of,
)


@dataclass(frozen=True)
class Panel:
    """One chart, and what stands above it."""

    title: str
    drawn: Markup


@dataclass(frozen=True)
class Figure:
    """One of the paper's figures. ``legend``: what is drawn, and what it stands for."""

    number: int
    title: str
    caption: str = ""
    panels: tuple[Panel, ...] = ()
    legend: tuple[tuple[Markup, str], ...] = ()
    why_not: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Drawn:
    """A figure without its number and title."""

    caption: str
    panels: tuple[Panel, ...]
    legend: tuple[tuple[Markup, str], ...] = ()


def figures(snapshot: Snapshot, named: bool) -> Iterator[Figure]:
    """All five; one that cannot be drawn says why."""
    wanted: tuple[tuple[str, Callable[[Snapshot], _Drawn], tuple[str, ...]], ...] = (
        ("Raw posts", partial(_svd, modality="text"), ("projections",)),
        ("Raw pins", partial(_svd, modality="image"), ("projections",)),
        ("The clustered map", _map, ("projections", "clusters", "cluster_matches")),
        ("How near queries are to what they find", _histograms, ("query_histograms", "adapters")),
        ("Coherence against balance", _pareto, ("adapters",)),
    )
    for place, (title, draw, tables) in enumerate(wanted, start=1):
        part = part_of(snapshot, named, draw, *tables)
        if part.content is None:
            yield Figure(place, title, why_not=part.why_not)
        else:
            drawn = part.content
            yield Figure(place, title, drawn.caption, drawn.panels, drawn.legend)


def _view(snapshot: Snapshot, view: str, method: str) -> pa.Table:
    table = snapshot.table("projections")
    return table.filter(pc.and_(pc.equal(table["view"], view), pc.equal(table["method"], method)))


def _of(table: pa.Table, modality: str) -> pa.Table:
    return table.filter(pc.equal(table["modality"], modality))


def _cloud(items: pa.Table, kind: str) -> charts.Cloud:
    x, y = (items[axis].to_numpy().astype(np.float64) for axis in ("x", "y"))
    return charts.Cloud(x, y, kind)


def _svd(snapshot: Snapshot, modality: str) -> _Drawn:
    raw = _view(snapshot, "raw", "svd")
    other = next(m for m in KINDS if m != modality)
    mine, theirs = _of(raw, modality), _of(raw, other)
    if not mine.num_rows:
        raise Empty(f"There are no {KINDS[modality]}. `qualia import --help` says where they can come from.")
    drawn = charts.cloud_chart(
        [_cloud(theirs, "faint"), _cloud(mine, f"of-{modality}")],
        f"{mine.num_rows:,} raw {KINDS[modality]} among {theirs.num_rows:,} {KINDS[other]} in the plane of "
        "two axes; how far they lie apart is the modality gap.",
        axes=("first axis", "second axis"),
    )
    return _Drawn(
        f"{many(mine.num_rows, KINDS[modality][:-1])} embedded as they are, and "
        f"{many(theirs.num_rows, KINDS[other][:-1])} faint behind them, in the plane of the two strongest "
        "axes of all (SVD; arbitrary units)." + _sampled(raw.num_rows),
        (Panel("", drawn),),
    )


def _sampled(items: int) -> str:
    if items <= charts.MOST_DOTS:
        return ""
    return f" There are too many to draw them all: about {charts.MOST_DOTS:,} of {items:,} are there."


def _map(snapshot: Snapshot) -> _Drawn:
    placed = _view(snapshot, "annotation", "umap")
    clusters = snapshot.table("clusters")
    cluster_of = dict(zip(clusters["artefact_id"].to_pylist(), clusters["cluster"].to_pylist(), strict=True))
    if not any(cluster >= 0 for cluster in cluster_of.values()):
        raise Empty(
            "There are no clusters. More items would find some, or a smaller `clustering.min_cluster_size` "
            "in qualia.toml."
        )
    accepted = accepted_matches(snapshot)
    panels = tuple(
        _map_panel(items, KINDS[modality], cluster_of, [(row[side], row["match"]) for row in accepted])
        for modality, side in (("text", "cluster_a"), ("image", "cluster_b"))
        if (items := _of(placed, modality)).num_rows
    )
    return _Drawn(
        "UMAP of the annotations, in clusters by HDBSCAN. A number is a match: the same number and colour "
        "on both sides is one pair. Grey clusters have no match; the faint dots are in no cluster. How far "
        "islands lie apart means little." + _sampled(placed.num_rows),
        panels,
    )


def _map_panel(
    items: pa.Table, kind: str, cluster_of: Mapping[str, int], matched: Sequence[tuple[int, int]]
) -> Panel:
    """The items of one modality; ``matched``: its clusters that have a match, and its number."""
    x, y = (items[axis].to_numpy().astype(np.float64) for axis in ("x", "y"))
    cluster = np.array([cluster_of.get(item, -1) for item in items["artefact_id"].to_pylist()], dtype=int)
    # Grey and behind: what is in no cluster, and what has no match.
    look = np.where(cluster < 0, "faint", "alone").astype(object)
    names = []
    for place, (number, match) in enumerate(matched):
        mine = cluster == number
        look[mine] = f"hue-{place % HUES}"
        if mine.any():
            names.append(charts.Name(float(np.median(x[mine])), float(np.median(y[mine])), str(match)))
    looks = ["faint", "alone", *(f"hue-{hue}" for hue in range(HUES))]
    clouds = [charts.Cloud(x[look == one], y[look == one], one) for one in looks if (look == one).any()]
    title = f"{many(len(x), kind[:-1])}, {many(len(set(cluster[cluster >= 0].tolist())), 'cluster')}"
    label = f"Map of {title}; {len(names)} of them carry the number of their match."
    return Panel(title, charts.cloud_chart(clouds, label, names))


_DIRECTIONS = {
    "text>text": ("posts asking for posts", "of-text"),
    "text>image": ("posts asking for pins", "of-text dashed"),
    "image>image": ("pins asking for pins", "of-image"),
    "image>text": ("pins asking for posts", "of-image dashed"),
}


def _histograms(snapshot: Snapshot) -> _Drawn:
    rows = [r for r in snapshot.rows("query_histograms") if r["kind"] == "cosine"]
    contrast, told = _contrast(snapshot.once(Measured))
    wanted = [("annotation", None, "doing nothing")] + ([("adapted", contrast, told)] if contrast else [])
    sides = [[r for r in rows if (r["space"], r["config_id"]) == (s, c)] for s, c, _ in wanted]
    every = [row for side in sides for row in side]
    if not every:
        raise Empty(NO_MATCHES)
    reach = (min(r["bin_low"] for r in every), max(r["bin_high"] for r in every))
    outlines = [[_outline(side, direction) for direction in _DIRECTIONS] for side in sides]
    highest = max(share for side in outlines for o in side for _, _, share in o.bins) * 1.05
    panels = tuple(
        Panel(
            title,
            charts.steps_chart(
                side,
                f"Histograms of cosines, {title}: posts and pins, each asking for posts and for pins.",
                reach,
                highest,
                "cosine to the nearest of that kind",
            ),
        )
        for (_, _, title), side in zip(wanted, outlines, strict=True)
    )
    legend = tuple((charts.swatch(kind, line=True), name) for name, kind in _DIRECTIONS.values())
    pairs = sum(row["count"] for row in sides[0])
    return _Drawn(
        f"{pairs:,} cosines of held-out items to the nearest of either kind, as shares of each direction. "
        "How far the solid and the dashed line of a colour lie apart is the gap that a search over both "
        "falls into.",
        panels,
        legend,
    )


def _outline(side: list[Row], direction: str) -> charts.Steps:
    mine = sorted((r for r in side if r["query_modality"] == direction), key=lambda r: r["bin_low"])
    total = sum(r["count"] for r in mine)
    return charts.Steps(
        [(r["bin_low"], r["bin_high"], r["count"] / total) for r in mine], _DIRECTIONS[direction][1]
    )


def _contrast(measured: Measured) -> tuple[str | None, str]:
    """What to draw beside doing nothing: the selected adapter, or else the best of the trained."""
    if measured.chosen:
        return measured.chosen, f"{measured.chosen}, selected"
    if not measured.trained:
        return None, ""
    best = max(measured.trained, key=lambda r: (r["val_cross_modal_r_precision"] or 0, r["config_id"]))
    return best["config_id"], f"{best['config_id']}, the best trained, not selected"


_FAMILIES = {
    "one-layer": "one layer",
    "two-layers": "two layers",
    "for-new": "ours, for new items",
    "for-seen": "ours, for items that are there",
    "nothing": NOTHING,
}


def _family(row: Row) -> str:
    if row["recipe"] == "paper":
        return "one-layer" if row["arch"] == "linear" else "two-layers"
    if row["recipe"] == "identity":
        return "nothing"
    return "for-new" if row["kind"] == "inductive" else "for-seen"


def _pareto(snapshot: Snapshot) -> _Drawn:
    measured = snapshot.once(Measured)
    rows = [
        r
        for r in snapshot.rows("adapters")
        if r["val_coherence"] is not None and r["val_abs_bias"] is not None
    ]
    if not rows:
        raise Empty(
            "Nothing was measured on validation matches. More items of both kinds would make more matches."
        )
    # What is told apart by a word and an interval comes last, on top.
    ordered = sorted(rows, key=lambda r: (r["selected"], _family(r) == "nothing", r["pareto"]))
    front = sorted((r["val_abs_bias"], r["val_coherence"]) for r in rows if r["pareto"])
    level = measured.of("annotation", "coherence", split="val")
    marks = [_mark(measured, row) for row in ordered]
    drawn = charts.plane_chart(
        marks,
        f"{len(rows)} configurations by coherence and absolute modality bias on validation matches.",
        ("|modality bias|: 0 is parity", f"coherence@{measured.k}"),
        front,
        level["chance"] if level else None,
    )
    items = f" ({level['n']:,} items)" if level else ""
    there = {_family(r) for r in rows}
    return _Drawn(
        f"{many(len(rows), 'configuration')} on the validation matches{items}, by which one is chosen: up "
        "is more coherent, left is more balanced. On the line are those that no other beats on both. "
        "Whiskers are 95 % intervals of doing nothing and of what was selected (ringed).",
        (Panel("", drawn),),
        tuple((charts.swatch(f), name) for f, name in _FAMILIES.items() if f in there),
    )


def _mark(measured: Measured, row: Row) -> charts.Mark:
    word = "selected: " * bool(row["selected"]) + (NOTHING if _family(row) == "nothing" else row["config_id"])
    told = row["selected"] or _family(row) == "nothing"
    across, up = None, None
    if told:
        space, config = ("annotation", None) if _family(row) == "nothing" else ("adapted", row["config_id"])
        across = _absolute(measured.of(space, "modality_bias", split="val", config=config))
        up = interval_of(measured.of(space, "coherence", split="val", config=config))
    return charts.Mark(
        row["val_abs_bias"], row["val_coherence"], _family(row), across, up, word if told else "",
        bool(row["selected"]),
    )  # fmt: skip


def _absolute(row: Row | None) -> tuple[float, float] | None:
    """The interval of a bias as one of its absolute value."""
    found = interval_of(row)
    if found is None:
        return None
    low, high = found
    ends = sorted((abs(low), abs(high)))
    return (0.0 if low <= 0 <= high else ends[0]), ends[1]
