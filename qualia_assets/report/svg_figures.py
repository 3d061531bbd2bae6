"""The paper's Figs. 1 to 5 for one user as SVG, with captions, for the HTML report.

Belongs here: looks, legends and captions. What is drawn comes from ``figure_data``, marks from ``svg``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from markupsafe import Markup

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report import svg
from qualia_assets.report.figure_data import (
    DIRECTIONS,
    FAMILIES,
    MODALITIES,
    Bin,
    Point,
    Scatter,
    accepted_matches,
    cluster_numbers,
    compared_adapter,
    cosine_histograms,
    pareto_points,
    scatter,
)
from qualia_assets.report.numbers import plural
from qualia_assets.report.sections import (
    HUES,
    NO_MATCHES,
    NOTHING,
    EmptySection,
    MetricIndex,
    Row,
    interval_of,
    section_of,
)


@dataclass(frozen=True)
class Panel:
    """One chart and its title."""

    title: str
    chart: Markup


@dataclass(frozen=True)
class Drawing:
    """A figure's panels and caption. ``legend``: swatches and what they stand for."""

    caption: str
    panels: tuple[Panel, ...]
    legend: tuple[tuple[Markup, str], ...] = ()


@dataclass(frozen=True)
class Figure:
    """One of the paper's figures: its drawing, or why there is none."""

    number: int
    title: str
    drawing: Drawing | None
    why_not: tuple[str, ...]


def figures(snapshot: Snapshot, with_names: bool) -> Iterator[Figure]:
    """All five; one that cannot be drawn says why."""
    wanted: tuple[tuple[str, Callable[[Snapshot], Drawing], tuple[str, ...]], ...] = (
        ("Raw posts", partial(_svd, modality="text"), ("projections",)),
        ("Raw pins", partial(_svd, modality="image"), ("projections",)),
        ("The clustered map", _map, ("projections", "clusters", "cluster_matches")),
        ("Similarity of queries to what they retrieve", _histograms, ("query_histograms", "adapters")),
        ("Coherence against balance", _pareto, ("adapters",)),
    )
    for number, (title, draw, tables) in enumerate(wanted, start=1):
        section = section_of(snapshot, with_names, draw, *tables)
        yield Figure(number, title, section.content, section.why_not)


def _cloud(items: Scatter, kind: str) -> svg.Cloud:
    return svg.Cloud(items.x.astype(np.float64), items.y.astype(np.float64), kind)


def _svd(snapshot: Snapshot, modality: str) -> Drawing:
    raw = scatter(snapshot.table("projections"), "raw", "svd")
    (other,) = MODALITIES.keys() - {modality}
    shown, behind = raw.only(modality), raw.only(other)
    name, other_name = MODALITIES[modality], MODALITIES[other]
    if not len(shown):
        raise EmptySection(
            f"There are no {name}. `qualia import --help` lists the sources they can come from."
        )
    chart = svg.cloud_chart(
        [_cloud(behind, "faint"), _cloud(shown, f"of-{modality}")],
        f"{len(shown):,} raw {name} among {len(behind):,} {other_name} in the plane of two axes; the "
        "distance between them is the modality gap.",
        axes=("first axis", "second axis"),
    )
    caption = (
        f"{plural(len(shown), name[:-1])}, embedded without annotations, and "
        f"{plural(len(behind), other_name[:-1])} faint behind them, in the plane of the two strongest axes "
        "of all items (SVD; arbitrary units)."
    )
    return Drawing(caption + _sampled(len(raw)), (Panel("", chart),))


def _sampled(items: int) -> str:
    if items <= svg.MOST_DOTS:
        return ""
    return f" Only about {svg.MOST_DOTS:,} of {items:,} are drawn."


def _map(snapshot: Snapshot) -> Drawing:
    clusters = snapshot.table("clusters")
    items = scatter(snapshot.table("projections"), "annotation", "umap")
    if not any(cluster >= 0 for cluster in clusters["cluster"].to_pylist()):
        raise EmptySection(
            "There are no clusters. More items would yield some, or a smaller `clustering.min_cluster_size` "
            "in qualia.toml."
        )
    matches = accepted_matches(snapshot.table("cluster_matches"))
    panels = []
    for modality, side in (("text", "cluster_a"), ("image", "cluster_b")):
        if len(mine := items.only(modality)):
            matched = [(row[side], row["match"]) for row in matches]
            numbers = cluster_numbers(mine.items, clusters)
            panels.append(_map_panel(mine, MODALITIES[modality], numbers, matched))
    return Drawing(
        "UMAP of the annotations, clustered by HDBSCAN. A number names a match: its two clusters have the "
        "same number and colour on both sides. Grey clusters have no match; faint dots are in no cluster. "
        "Distances between islands mean little." + _sampled(len(items)),
        tuple(panels),
    )


def _map_panel(items: Scatter, kind: str, cluster: np.ndarray, matched: Sequence[tuple[int, int]]) -> Panel:
    """The items of one modality; ``matched``: clusters that have a match, and its number."""
    look = np.where(cluster < 0, "faint", "alone").astype(object)
    labels = []
    for place, (number, match) in enumerate(matched):
        mine = cluster == number
        look[mine] = f"hue-{place % HUES}"
        if mine.any():
            x, y = (float(np.median(axis[mine].astype(np.float64))) for axis in (items.x, items.y))
            labels.append(svg.Label(x, y, str(match)))
    # Grey dots lie behind.
    looks = ["faint", "alone", *(f"hue-{hue}" for hue in range(HUES))]
    clouds = [
        svg.Cloud(items.x[look == one].astype(np.float64), items.y[look == one].astype(np.float64), one)
        for one in looks
        if (look == one).any()
    ]
    title = f"{plural(len(items), kind[:-1])}, {plural(len(np.unique(cluster[cluster >= 0])), 'cluster')}"
    label = f"Map of {title}; {len(labels)} of them are labelled with the number of their match."
    return Panel(title, svg.cloud_chart(clouds, label, labels))


_DIRECTION_LOOKS = {
    "text>text": ("post queries, posts retrieved", "of-text"),
    "text>image": ("post queries, pins retrieved", "of-text dashed"),
    "image>image": ("pin queries, pins retrieved", "of-image"),
    "image>text": ("pin queries, posts retrieved", "of-image dashed"),
}


def _histograms(snapshot: Snapshot) -> Drawing:
    compared, selected = compared_adapter(snapshot.rows("adapters"))
    found = cosine_histograms(snapshot.table("query_histograms"), compared)
    if not found.nothing and not found.adapted:
        raise EmptySection(NO_MATCHES)
    sides = {NOTHING: found.nothing}
    if compared:
        sides[f"{compared}, {'selected' if selected else 'the best trained, not selected'}"] = found.adapted
    highest = max(share for side in sides.values() for bins in side.values() for _, _, share in bins) * 1.05
    panels = tuple(
        Panel(
            title,
            svg.steps_chart(
                [_steps(side[direction], direction) for direction in DIRECTIONS if direction in side],
                f"Histograms of cosines, {title}: post and pin queries, each with posts and pins retrieved.",
                (found.low, found.high),
                highest,
                "cosine to the nearest of that kind",
            ),
        )
        for title, side in sides.items()
    )
    legend = tuple((svg.swatch(kind, line=True), name) for name, kind in _DIRECTION_LOOKS.values())
    return Drawing(
        f"{found.count:,} cosines of held-out items to the nearest of either kind, as shares of each "
        "direction. The distance between the solid and the dashed line of one colour is the gap that a "
        "search over both kinds falls into.",
        panels,
        legend,
    )


def _steps(bins: Sequence[Bin], direction: str) -> svg.Steps:
    return svg.Steps(bins, _DIRECTION_LOOKS[direction][1])


_FAMILY_NAMES = {
    "one-layer": "one layer",
    "two-layers": "two layers",
    "inductive": "ours, for new items",
    "transductive": "ours, for existing items",
    "nothing": NOTHING,
}


def _pareto(snapshot: Snapshot) -> Drawing:
    index = snapshot.once(MetricIndex)
    points = pareto_points(snapshot.table("adapters"))
    if not points:
        raise EmptySection(
            "Nothing was measured on validation matches. More items of both kinds would yield more matches."
        )
    # Labelled points come last, on top.
    ordered = sorted(points, key=lambda p: (p.selected, p.family == "nothing", p.on_front))
    level = index.row("annotation", "coherence", split="val")
    chart = svg.plane_chart(
        [_mark(index, point) for point in ordered],
        f"{len(points)} configurations by coherence and absolute modality bias on validation matches.",
        ("|modality bias|: 0 is parity", f"coherence@{index.k}"),
        sorted((p.bias, p.coherence) for p in points if p.on_front),
        level["chance"] if level else None,
    )
    items = f" ({level['n']:,} items)" if level else ""
    present = {p.family for p in points}
    return Drawing(
        f"{plural(len(points), 'configuration')} on the validation matches{items}, on which the selection is "
        "made: higher is more coherent, further left is more balanced. No other configuration beats those "
        "on the line on both. Whiskers are the 95 % intervals of doing nothing and of the selected one "
        "(ringed).",
        (Panel("", chart),),
        tuple((svg.swatch(f), _FAMILY_NAMES[f]) for f in FAMILIES if f in present),
    )


def _mark(index: MetricIndex, point: Point) -> svg.Mark:
    nothing = point.family == "nothing"
    if not nothing and not point.selected:
        return svg.Mark(point.bias, point.coherence, point.family)
    space, config = ("annotation", None) if nothing else ("adapted", point.config_id)
    return svg.Mark(
        point.bias,
        point.coherence,
        point.family,
        _absolute(index.row(space, "modality_bias", split="val", config=config)),
        interval_of(index.row(space, "coherence", split="val", config=config)),
        ("selected: " if point.selected else "") + (NOTHING if nothing else point.config_id),
        point.selected,
    )


def _absolute(row: Row | None) -> tuple[float, float] | None:
    """The interval of a bias as one of its absolute value."""
    found = interval_of(row)
    if found is None:
        return None
    low, high = found
    ends = sorted((abs(low), abs(high)))
    return (0.0 if low <= 0 <= high else ends[0]), ends[1]
