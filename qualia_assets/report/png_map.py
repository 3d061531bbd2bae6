"""Fig. 3 as PNG bytes: posts and pins on one map, clusters labelled, matched ones joined.

Belongs here: the map's layout and drawing, in pixels. The interactive map is a page of the app. The fonts
come with matplotlib, so pictures look the same on every machine.
"""

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from qualia_assets.report.figure_data import MODALITIES, accepted_matches, cluster_numbers, scatter
from qualia_assets.report.label_placement import Ink, Label, leader_end, place
from qualia_assets.report.png_figures import INK, PAPER, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Cluster = tuple[str, int]

QUIET, GREY = "#666b75", "#b4b4ae"
# A colour wheel, each colour dark enough for text on PAPER.
WHEEL = (
    "#b5442e", "#c8643c", "#b87a18", "#8a8418", "#578836", "#2a8558",
    "#1f807b", "#2a7399", "#3f5fa8", "#6a4fa3", "#97428c", "#b03a63",
)  # fmt: skip
WIDTH, HEIGHT, DPI = 1640, 1290, 110
# Left, bottom, right, top: where marks may lie, and where labels may.
FIELD = np.array([120.0, 105.0, WIDTH - 120.0, HEIGHT - 190.0])
PAGE = np.array([16.0, 62.0, WIDTH - 16.0, HEIGHT - 142.0])
MOST_LABELS, LONGEST = 44, 34
MARKS = {"text": "o", "image": "s"}
SERIF, SANS = ["STIXGeneral", "DejaVu Serif"], ["DejaVu Sans"]
THEME = {"family": SANS, "fontsize": 10.6, "fontweight": "bold"}
WORDS = {"family": SANS, "fontsize": 8.8}
# Pixels: from a label's left edge to its text, and from one line to the next.
INDENT, LINE = 18, 19


def map_figure(projections: pa.Table, clusters: pa.Table, cards: pa.Table, matches: pa.Table) -> bytes:
    """Draw all items on the UMAP map of the adapted space; the same tables give the same bytes.

    Gaps between islands are narrowed and marks are moved until none overlap: neighbours stay neighbours, and
    distances between islands mean little in UMAP anyway. The two clusters of an accepted match share a colour
    and are joined by an arc. They are labelled first; a label that finds no room is left out.
    """
    items = scatter(projections, "adapted", "umap")
    modality, number = items.modality, cluster_numbers(items.items, clusters)
    radius = float(np.clip(np.sqrt(WIDTH * HEIGHT * 0.025 / max(len(items), 1) / np.pi), 1.3, 6.0))
    xy = _apart(_on_field(items.x, items.y), 2.25 * radius)
    members = {
        (kind, int(c)): np.flatnonzero((modality == kind) & (number == c))
        for kind in MARKS
        for c in np.unique(number[(modality == kind) & (number >= 0)])
    }
    pairs = [
        (a, b)
        for m in sorted(accepted_matches(matches), key=lambda match: match["match"])
        if (a := (m["modality_a"], m["cluster_a"])) in members
        and (b := (m["modality_b"], m["cluster_b"])) in members
    ]
    middles = {c: _middle(xy[rows]) for c, rows in members.items()}
    colours = _colours(middles, pairs)
    arcs = [_arc(middles[a], middles[b]) for a, b in pairs]

    figure, axes = _sheet()
    for (a, _), arc in zip(pairs, arcs, strict=True):
        axes.plot(*arc.T, color=_tint(colours[a], 0.5), linewidth=1.4, zorder=2)
    _draw_marks(axes, xy, modality, number < 0, members, colours, radius)
    ink = Ink(WIDTH, HEIGHT)
    ink.add(xy, 1.0)
    for arc in arcs:
        ink.add(arc, 0.2)
    labels = {(card["modality"], card["cluster"]): card["label"] for card in cards.to_pylist()}
    order = [c for c in _by_weight(members, pairs) if c in labels][:MOST_LABELS]
    written = _write_labels(axes, [(c, labels[c], middles[c], colours[c]) for c in order], ink, radius)
    _write_head(axes, modality, number, len(pairs), f"{written} of {len(members)} clusters are named")
    _write_key(axes)
    return png(figure)


def _on_field(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> Floats:
    """Coordinates with gaps narrowed, scaled to FIELD."""
    left, bottom, right, top = FIELD
    return np.column_stack([_between(_closed_up(x), left, right), _between(_closed_up(y), bottom, top)])


def _closed_up(values: npt.NDArray[Any], most: float = 0.015) -> Floats:
    """Coordinates in which no gap is wider than ``most`` of the range."""
    if not len(values):
        return np.zeros(0)
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order].astype(float))
    out = np.empty(len(values))
    out[order] = np.concatenate([[0], np.cumsum(np.minimum(gaps, most * np.ptp(values)))])
    return out


def _between(values: Floats, low: float, high: float) -> Floats:
    spread = np.ptp(values) if len(values) else 0
    return low + values / spread * (high - low) if spread else np.full(len(values), (low + high) / 2)


def _apart(xy: Floats, least: float, rounds: int = 80) -> Floats:
    """Push points of shape (n, 2) apart until (nearly) all are at least ``least`` pixels from each other."""
    from scipy.spatial import cKDTree

    xy = xy.copy()
    for _ in range(rounds):
        near = cKDTree(xy).query_pairs(least, output_type="ndarray")
        if not len(near):
            break
        a, b = near[:, 0], near[:, 1]
        way = xy[b] - xy[a]
        far = np.linalg.norm(way, axis=1)
        # Coincident points part in a direction given by their indices.
        turn = 2.4 * (a + b)
        way[far == 0] = np.column_stack([np.cos(turn), np.sin(turn)])[far == 0]
        push = way / np.where(far == 0, 1, far)[:, None] * ((least - far) / 2)[:, None]
        for axis in (0, 1):
            xy[:, axis] += np.bincount(b, push[:, axis], len(xy)) - np.bincount(a, push[:, axis], len(xy))
    return xy


def _middle(places: Floats) -> Floats:
    """The member nearest to the median, so that a cluster in two parts is labelled at one of them."""
    return np.asarray(places[np.linalg.norm(places - np.median(places, axis=0), axis=1).argmin()])


def _by_weight(
    members: dict[Cluster, npt.NDArray[Any]], pairs: list[tuple[Cluster, Cluster]]
) -> list[Cluster]:
    """Clusters in the order of labelling: matched ones first, pair by pair, then the rest, each by size."""
    largest = sorted(pairs, key=lambda pair: (-sum(len(members[c]) for c in pair), pair))
    matched = [c for pair in largest for c in pair]
    return matched + sorted(members.keys() - set(matched), key=lambda c: (-len(members[c]), c))


def _colours(middles: dict[Cluster, Floats], pairs: list[tuple[Cluster, Cluster]]) -> dict[Cluster, str]:
    """One colour for each pair and each unmatched cluster, in the order of their angles about the centre."""
    in_pairs = {c for pair in pairs for c in pair}
    shared: list[tuple[Cluster, ...]] = [*pairs, *((c,) for c in middles if c not in in_pairs)]
    if not shared:
        return {}
    places = np.array([np.mean([middles[c] for c in group], axis=0) for group in shared])
    angle = np.arctan2(*(places - places.mean(axis=0)).T[::-1])
    turn = np.argsort(np.argsort(angle, kind="stable")) / len(shared)
    return {c: _on_wheel(float(t)) for group, t in zip(shared, turn, strict=True) for c in group}


def _on_wheel(turn: float) -> str:
    wheel = np.array([_rgb(colour) for colour in (*WHEEL, WHEEL[0])])
    at = np.linspace(0, 1, len(wheel))
    return _hex([float(np.interp(turn, at, channel)) for channel in wheel.T])


def _tint(colour: str, share: float) -> str:
    """A colour mixed with PAPER, opaque, so that overlapping shapes stay even."""
    return _hex([share * c + (1 - share) * paper for c, paper in zip(_rgb(colour), _rgb(PAPER), strict=True)])


def _rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _hex(rgb: list[float]) -> str:
    return "#" + "".join(f"{round(channel):02x}" for channel in rgb)


def _arc(a: Floats, b: Floats) -> Floats:
    """A flat curve between two points, shape (48, 2)."""
    along = np.linspace(0, 1, 48)[:, None]
    across = np.array([a[1] - b[1], b[0] - a[0]]) * 0.12
    return np.asarray(a + (b - a) * along + 4 * along * (1 - along) * across)


def _sheet() -> "tuple[Figure, Axes]":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), facecolor=PAPER)
    axes.set(xlim=(0, WIDTH), ylim=(0, HEIGHT), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return figure, axes


def _draw_marks(
    axes: "Axes",
    xy: Floats,
    modality: npt.NDArray[Any],
    noise: npt.NDArray[np.bool_],
    members: dict[Cluster, npt.NDArray[Any]],
    colours: dict[Cluster, str],
    radius: float,
) -> None:
    for c, rows in members.items():
        _marks(axes, xy[rows], "o", 7.5 * radius, _tint(colours[c], 0.14), 1)
    for kind, mark in MARKS.items():
        # A square looks larger than a circle of the same width.
        wide = (2.0 if mark == "o" else 1.75) * radius
        _marks(axes, xy[noise & (modality == kind)], mark, 0.8 * wide, GREY, 3)
        for c, rows in members.items():
            if c[0] == kind:
                _marks(axes, xy[rows], mark, wide, colours[c], 4)


def _marks(axes: "Axes", xy: Floats, mark: str, wide: float, colour: str, layer: int) -> None:
    """Draw marks ``wide`` pixels across."""
    axes.scatter(
        xy[:, 0], xy[:, 1], marker=mark, s=(wide * 72 / DPI) ** 2, color=colour, linewidths=0, zorder=layer
    )


def _write_labels(
    axes: "Axes", labels: list[tuple[Cluster, str, Floats, str]], ink: Ink, radius: float
) -> int:
    """Write each cluster's theme and words where there is room. Return how many were written."""
    lines = [[_short(part) for part in label.partition(":")[::2]] for _, label, _, _ in labels]
    sizes = []
    for (theme, words), (_, _, at, _) in zip(lines, labels, strict=True):
        width = max(_width(axes, theme, THEME), _width(axes, words, WORDS))
        sizes.append(Label(at, INDENT + width + 3, LINE * (2 if words else 1) + 3))
    boxes = place(sizes, ink, PAGE, clear=1.6 * radius)
    for (theme, words), (cluster, _, at, colour), box in zip(lines, labels, boxes, strict=True):
        if box is None:
            continue
        end = leader_end(at, box)
        axes.plot(*np.column_stack([at, end]), color=colour, linewidth=0.9, zorder=3.5)
        x, y = box[0], box[3] - LINE / 2 - 1.5
        _marks(axes, np.array([[x + 7, y]]), MARKS[cluster[0]], 9 if cluster[0] == "text" else 8, colour, 7)
        _text(axes, x + INDENT, y, theme, color=colour, **THEME)
        _text(axes, x + INDENT, y - LINE, words, color=QUIET, **WORDS)
    return sum(box is not None for box in boxes)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _width(axes: "Axes", text: str, how: dict[str, Any]) -> float:
    written = axes.text(0, 0, text, parse_math=False, **how)
    box = written.get_window_extent()
    written.remove()
    return float(box.width)


def _text(axes: "Axes", x: float, y: float, text: str, **how: Any) -> None:
    """Write a line of text with an outline of PAPER; dollar signs stay dollar signs, not mathematics."""
    from matplotlib.patheffects import withStroke

    written = axes.text(x, y, text, parse_math=False, va="center_baseline", zorder=7, **how)
    written.set_path_effects([withStroke(linewidth=3, foreground=PAPER)])


def _write_head(
    axes: "Axes", modality: npt.NDArray[Any], number: npt.NDArray[Any], pairs: int, named: str
) -> None:
    title = "What you read and what you save, by how it feels"
    _text(axes, 40, HEIGHT - 50, title, family=SERIF, fontsize=27, color=INK)
    posts, pins = (f"{(modality == kind).sum():,} {MODALITIES[kind]}" for kind in MARKS)
    grey = f"{(number < 0).mean() if len(number) else 0:.0%}"
    summary = (
        f"{posts} and {pins} on one map; what lies together feels alike. {pairs} clusters of posts are "
        f"matched with one of pins each: the two share a colour and an arc joins them. UMAP of the adapted "
        f"annotations, HDBSCAN; {named}, {grey} of the items are in none."
    )
    for row, line in enumerate(textwrap.wrap(summary, 165)):
        _text(axes, 40, HEIGHT - 92 - 22 * row, line, family=SANS, fontsize=10.5, color=QUIET)


def _write_key(axes: "Axes") -> None:
    """Write the legend along the foot of the sheet."""
    entries = (("o", 12, INK, "a post"), ("s", 10.5, INK, "a pin"), ("o", 9, GREY, "in no cluster"))
    x = 46.0
    for mark, wide, colour, meaning in entries:
        _marks(axes, np.array([[x, 34]]), mark, wide, colour, 7)
        _text(axes, x + 14, 34, meaning, family=SANS, fontsize=10.5, color=INK)
        x += 52 + _width(axes, meaning, {"family": SANS, "fontsize": 10.5})
    arc = _arc(np.array([x - 6, 40.0]), np.array([x + 34, 40.0])) - [0, 4]
    axes.plot(*arc.T, color=_tint(WHEEL[7], 0.5), linewidth=1.6)
    _text(axes, x + 44, 34, "matched clusters, in one colour", family=SANS, fontsize=10.5, color=INK)
