"""The paper's Figs. 1, 2, 4 and 5 and two of our own as PNG bytes.

Belongs here: drawing with matplotlib, save for the map (Fig. 3, in ``png_map``). What is drawn comes from
``figure_data``. DejaVu fonts come with matplotlib, so pictures look the same on every machine.
"""

import io
import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from qualia_assets.report.figure_data import (
    MODALITIES,
    Bin,
    cosine_histograms,
    paper_front,
    pareto_points,
    scatter,
    temperature_ratios,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, PAPER = "#22252b", "#8b8f98", "#fbfaf7"
TEXT_COLOUR, IMAGE_COLOUR = "#2f6f8f", "#c8643c"
COLOURS = {"text": TEXT_COLOUR, "image": IMAGE_COLOUR}
DIRECTION_COLOURS = {
    "text>text": TEXT_COLOUR,
    "text>image": "#7fb0c6",
    "image>image": IMAGE_COLOUR,
    "image>text": "#e5a88d",
}
FAMILY_STYLES = {
    "one-layer": ("one layer", TEXT_COLOUR, "o"),
    "two-layers": ("two layers", IMAGE_COLOUR, "s"),
    "inductive": ("ours, for new items too", "#5b8c5a", "^"),
    "transductive": ("ours, items seen", "#5d5a9c", "D"),
    "nothing": ("doing nothing", INK, "*"),
}
BIN_WIDTH = 0.025


def svd_figure(projections: pa.Table, modality: str) -> bytes:
    """Figs. 1 and 2: one modality's raw embeddings on the first two SVD axes of both, the other faint."""
    figure, axes = _canvas(7.2, 6.0)
    raw = scatter(projections, "raw", "svd")
    (other,) = MODALITIES.keys() - {modality}
    styles = ((other, 7, QUIET, 0.25), (modality, 11, COLOURS[modality], 0.65))
    for kind, size, colour, alpha in styles:
        items = raw.only(kind)
        label = f"{MODALITIES[kind]} ({len(items):,})"
        axes.scatter(items.x, items.y, s=size, color=colour, alpha=alpha, linewidths=0, label=label)
    _titled(
        axes,
        f"Raw {MODALITIES[modality]} in the plane of the two strongest axes",
        "SVD of all items' raw embeddings together. Where posts and pins lie apart is the modality gap.",
    )
    axes.set_xlabel("first axis (arbitrary units)", color=QUIET)
    axes.set_ylabel("second axis (arbitrary units)", color=QUIET)
    _legend(axes)
    return png(figure)


def gap_figure(projections: pa.Table, selected: str) -> bytes:
    """The two modalities in the raw, annotation and adapted space, side by side."""
    figure, panels = _panels(3, 11.5, 4.4)
    subtitles = {
        "raw": "items as they are",
        "annotation": "their annotations",
        "adapted": f"selected adapter: {selected}",
    }
    for axes, (view, subtitle) in zip(panels, subtitles.items(), strict=True):
        part = scatter(projections, view, "svd")
        for modality, name in MODALITIES.items():
            items = part.only(modality)
            axes.scatter(items.x, items.y, s=6, color=COLOURS[modality], alpha=0.5, linewidths=0, label=name)
        axes.set_title(f"{view}\n", loc="left", fontsize=11, color=INK, fontweight="bold")
        axes.text(0, 1.02, subtitle, transform=axes.transAxes, fontsize=8.5, color=QUIET)
        _bare(axes)
    _legend(panels[0])
    return _with_title(figure, "Do posts and pins share one space? First two SVD axes of each")


def histogram_figure(histograms: pa.Table, config_id: str, title: str) -> bytes:
    """Fig. 4: cosines of held-out queries to what they retrieve, without and with one adapter."""
    figure, panels = _panels(2, 11.5, 4.6)
    found = cosine_histograms(histograms, config_id)
    sides = (("without adapter", found.nothing), (title, found.adapted))
    for axes, (name, shares) in zip(panels, sides, strict=True):
        for direction, bins in shares.items():
            query, retrieved = (MODALITIES[modality] for modality in direction.split(">"))
            axes.stairs(
                *_filled(bins),
                color=DIRECTION_COLOURS[direction],
                linewidth=2.0,
                label=f"{query} asking {retrieved}",
            )
        axes.set_title(name, loc="left", fontsize=11, color=INK, fontweight="bold")
        axes.set_xlabel("cosine to the nearest 10 of that kind", color=INK)
        axes.set_xlim(found.low, found.high)
        _framed(axes)
    panels[0].set_ylabel("share of what is retrieved", color=INK)
    _legend(panels[0])
    return _with_title(figure, "How near are queries to what they find? Held-out matches")


def _filled(bins: list[Bin]) -> tuple[np.ndarray, np.ndarray]:
    """Shares of all bins from the first to the last, empty ones included, and their edges."""
    low, high = bins[0][0], bins[-1][1]
    edges = np.linspace(low, high, round((high - low) / BIN_WIDTH) + 1)
    shares = np.zeros(len(edges) - 1)
    for start, _, share in bins:
        shares[round((start - low) / BIN_WIDTH)] = share
    return shares, edges


def pareto_figure(adapters: pa.Table, selected: str) -> bytes:
    """Fig. 5: coherence against |modality bias| on validation, and the front of the paper's grid."""
    points = pareto_points(adapters)
    figure, axes = _canvas(8.6, 5.6)
    for family, (name, colour, marker) in FAMILY_STYLES.items():
        mine = [p for p in points if p.family == family]
        axes.scatter(
            [p.bias for p in mine],
            [p.coherence for p in mine],
            c=colour,
            marker=marker,
            s=170 if marker == "*" else 34,
            alpha=0.85,
            linewidths=0,
            label=name,
        )
    if front := paper_front(points):
        x, y = zip(*front, (max(p.bias for p in points), front[-1][1]), strict=True)
        axes.step(x, y, where="post", color=QUIET, linewidth=1.2, zorder=0, label="front of the paper's grid")
    chosen = next((p for p in points if p.config_id == selected), None)
    if chosen is not None:
        at = (chosen.bias, chosen.coherence)
        axes.scatter(*at, s=170, facecolors="none", edgecolors=INK, linewidths=1.4)
        axes.annotate(f"selected: {selected}", at, (9, 9), textcoords="offset points", fontsize=9, color=INK)
    axes.set_xlabel("|modality bias|, 0 is parity with what is there", color=INK)
    axes.set_ylabel("coherence@10", color=INK)
    axes.set_title("Coherence against balance, validation matches", loc="left", fontsize=13, color=INK)
    _legend(axes, markers=1)
    figure.tight_layout()
    return png(figure)


def ratio_figure(test_figures: pa.Table) -> bytes:
    """Texts by images retrieved against temperature, for text and for image queries, InfoNCE alone."""
    ratios = temperature_ratios(test_figures)
    values = [ratio for line in ratios.lines.values() for _, ratio in line]
    values += [ratio for ratio in ratios.nothing.values() if ratio]
    low, high = min([1, *values]), max([1, *values])
    # One scale for both sides, in powers of four about parity: 3 to 1 is as far from it as 1 to 3.
    ticks = [t for e in range(-6, 7) if low / 1.3 <= (t := 4.0**e) <= high * 1.3]
    figure, panels = _panels(2, 11.5, 4.4)
    for axes, (modality, name) in zip(panels, MODALITIES.items(), strict=True):
        for arch, label, colour in (("linear", "1 layer", TEXT_COLOUR), ("mlp", "2 layers", IMAGE_COLOUR)):
            line = ratios.lines[modality, arch]
            axes.plot(
                [t for t, _ in line], [r for _, r in line], marker="o", color=colour, linewidth=2, label=label
            )
        if nothing := ratios.nothing[modality]:
            axes.axhline(nothing, color=INK, linewidth=1.2, linestyle="--", label="doing nothing")
        axes.axhline(1, color=QUIET, linewidth=0.8)
        axes.set_yscale("log")
        axes.set_ylim(low / 1.3, high * 1.3)
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xticks(ratios.temperatures, [f"{t:g}" for t in ratios.temperatures])
        axes.set_xlabel("temperature", color=INK)
        axes.set_title(f"{name} asking", loc="left", fontsize=11, color=INK, fontweight="bold")
    panels[0].set_ylabel("texts / images retrieved", color=INK)
    _legend(panels[0], markers=1)
    return _with_title(figure, "What is found, by who asks: held-out matches")


def _canvas(width: float, height: float) -> "tuple[Figure, Axes]":
    figure, panels = _panels(1, width, height)
    return figure, panels[0]


def _panels(number: int, width: float, height: float) -> "tuple[Figure, list[Axes]]":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, facecolor=PAPER)
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, number, squeeze=False)[0]
    for axes in panels:
        axes.set_facecolor(PAPER)
        _framed(axes)
    return figure, list(panels)


def _titled(axes: "Axes", title: str, subtitle: str) -> None:
    axes.set_title(title, loc="left", fontsize=13, color=INK, fontweight="bold", pad=34)
    axes.text(0, 1.015, textwrap.fill(subtitle, 88), transform=axes.transAxes, fontsize=8.5, color=QUIET)
    _bare(axes)


def _framed(axes: "Axes") -> None:
    axes.tick_params(colors=QUIET, labelsize=8.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#d4d2cb")


def _bare(axes: "Axes") -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", adjustable="datalim")


def _legend(axes: "Axes", markers: float = 2) -> None:
    handles, _ = axes.get_legend_handles_labels()
    if handles:
        axes.legend(frameon=False, fontsize=9, labelcolor=INK, markerscale=markers, loc="best")


def _with_title(figure: "Figure", title: str) -> bytes:
    figure.suptitle(title, x=0.02, ha="left", fontsize=13, color=INK)
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    return png(figure)


def png(figure: "Figure") -> bytes:
    """The figure as a small PNG; the same figure gives the same bytes."""
    from PIL import Image

    buffer = io.BytesIO()
    # Matplotlib's version is left out: it would change the bytes.
    figure.savefig(buffer, format="png", facecolor=PAPER, bbox_inches="tight", metadata={"Software": None})
    small = io.BytesIO()
    with Image.open(buffer) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()
