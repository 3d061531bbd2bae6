"""The paper's Figs. 1, 2, 4 and 5 for one user, as PNG bytes that a stranger can read.

Belongs here: drawing, save for the map (Fig. 3, in map_picture.py). What is drawn comes in as Arrow
tables. DejaVu fonts come with matplotlib, so a picture looks the same everywhere.
"""

import io
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, PAPER = "#22252b", "#8b8f98", "#fbfaf7"
TEXT_COLOUR, IMAGE_COLOUR = "#2f6f8f", "#c8643c"
COLOURS = {"text": TEXT_COLOUR, "image": IMAGE_COLOUR}
NAMES = {"text": "posts", "image": "pins"}


def svd_figure(projections: pa.Table, modality: str) -> bytes:
    """Figs. 1 and 2: one modality's raw embeddings on the first two axes of both, the other faint behind."""
    figure, axes = _canvas(7.2, 6.0)
    raw = _view(projections, "raw", "svd")
    for other in (m for m in NAMES if m != modality):
        x, y = _xy(raw, other)
        axes.scatter(x, y, s=7, color=QUIET, alpha=0.25, linewidths=0, label=f"{NAMES[other]} ({len(x):,})")
    x, y = _xy(raw, modality)
    axes.scatter(
        x, y, s=11, color=COLOURS[modality], alpha=0.65, linewidths=0, label=f"{NAMES[modality]} ({len(x):,})"
    )
    _titled(
        axes,
        f"Raw {NAMES[modality]} in the plane of the two strongest axes",
        "SVD of all items' raw embeddings together. Where posts and pins lie apart is the modality gap.",
    )
    axes.set_xlabel("first axis (arbitrary units)", color=QUIET)
    axes.set_ylabel("second axis (arbitrary units)", color=QUIET)
    _legend(axes)
    return png(figure)


def gap_figure(projections: pa.Table, selected: str) -> bytes:
    """The two modalities in the raw, annotation and adapted space, side by side."""
    figure, panels = _panels(3, 11.5, 4.4)
    titles = ("raw", "annotation", "adapted")
    told = ("items as they are", "their annotations", f"selected adapter: {selected}")
    for axes, view, say in zip(panels, titles, told, strict=True):
        part = _view(projections, view, "svd")
        for modality, colour in COLOURS.items():
            x, y = _xy(part, modality)
            axes.scatter(x, y, s=6, color=colour, alpha=0.5, linewidths=0, label=NAMES[modality])
        axes.set_title(f"{view}\n", loc="left", fontsize=11, color=INK, fontweight="bold")
        axes.text(0, 1.02, say, transform=axes.transAxes, fontsize=8.5, color=QUIET)
        _bare(axes)
    _legend(panels[0])
    figure.suptitle(
        "Do posts and pins share one space? First two SVD axes of each",
        x=0.02,
        ha="left",
        fontsize=13,
        color=INK,
    )
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    return png(figure)


def histogram_figure(histograms: pa.Table, config_id: str, told: str) -> bytes:
    """Fig. 4: cosines of test queries to what they find, without and with one adapter."""
    figure, panels = _panels(2, 11.5, 4.6)
    rows = [
        r
        for r in histograms.to_pylist()
        if r["kind"] == "cosine"
        and (r["space"], r["config_id"]) in (("annotation", None), ("adapted", config_id))
    ]
    directions = {
        "text>text": TEXT_COLOUR,
        "text>image": "#7fb0c6",
        "image>image": IMAGE_COLOUR,
        "image>text": "#e5a88d",
    }
    spaces = (("annotation", None, "without adapter"), ("adapted", config_id, told))
    for axes, (space, config, say) in zip(panels, spaces, strict=True):
        for direction, colour in directions.items():
            mine = [
                r
                for r in rows
                if (r["space"], r["config_id"], r["query_modality"]) == (space, config, direction)
            ]
            total = sum(r["count"] for r in mine)
            if total:
                a, b = direction.split(">")
                name = f"{NAMES[a]} asking {NAMES[b]}"
                low, high = mine[0]["bin_low"], mine[-1]["bin_high"]
                edges = np.linspace(low, high, round((high - low) / 0.025) + 1)
                counts = np.zeros(len(edges) - 1)
                for r in mine:
                    counts[round((r["bin_low"] - low) / 0.025)] = r["count"] / total
                axes.stairs(counts, edges, color=colour, linewidth=2.0, label=name)
        axes.set_title(say, loc="left", fontsize=11, color=INK, fontweight="bold")
        axes.set_xlabel("cosine to the nearest 10 of that kind", color=INK)
        axes.set_xlim(*_reach(rows))
        _framed(axes)
    panels[0].set_ylabel("share of what is retrieved", color=INK)
    _legend(panels[0])
    figure.suptitle(
        "How near are queries to what they find? Held-out matches", x=0.02, ha="left", fontsize=13, color=INK
    )
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    return png(figure)


def pareto_figure(adapters: pa.Table, selected: str) -> bytes:
    """Fig. 5: coherence against |modality bias| on validation, and the front of the paper's grid."""
    rows = [r for r in adapters.to_pylist() if r["val_coherence"] is not None]
    figure, axes = _canvas(8.6, 5.6)
    looks = {
        "one layer": (TEXT_COLOUR, "o"),
        "two layers": (IMAGE_COLOUR, "s"),
        "ours, for new items too": ("#5b8c5a", "^"),
        "ours, items seen": ("#5d5a9c", "D"),
        "doing nothing": (INK, "*"),
    }
    for name, (colour, marker) in looks.items():
        mine = [r for r in rows if _family(r) == name]
        axes.scatter(
            [r["val_abs_bias"] for r in mine],
            [r["val_coherence"] for r in mine],
            c=colour,
            marker=marker,
            s=170 if marker == "*" else 34,
            alpha=0.85,
            linewidths=0,
            label=name,
        )
    front = sorted(
        (r["val_abs_bias"], r["val_coherence"]) for r in rows if r["recipe"] in ("paper", "identity")
    )
    best = 0.0
    steps = []
    for bias, coherence in front:
        if coherence > best:
            steps.append((bias, coherence))
            best = coherence
    if steps:
        reach = max(r["val_abs_bias"] for r in rows)
        xs, ys = [b for b, _ in steps] + [reach], [c for _, c in steps] + [steps[-1][1]]
        axes.step(
            xs, ys, where="post", color=QUIET, linewidth=1.2, zorder=0, label="front of the paper's grid"
        )
    chosen = next((r for r in rows if r["config_id"] == selected), None)
    if chosen is not None:
        at = (chosen["val_abs_bias"], chosen["val_coherence"])
        axes.scatter(*at, s=170, facecolors="none", edgecolors=INK, linewidths=1.4)
        axes.annotate(f"selected: {selected}", at, (9, 9), textcoords="offset points", fontsize=9, color=INK)
    axes.set_xlabel("|modality bias|, 0 is parity with what is there", color=INK)
    axes.set_ylabel("coherence@10", color=INK)
    axes.set_title("Coherence against balance, validation matches", loc="left", fontsize=13, color=INK)
    _legend(axes, markers=1)
    figure.tight_layout()
    return png(figure)


def _family(row: dict[str, Any]) -> str:
    if row["recipe"] == "paper":
        return "one layer" if row["arch"] == "linear" else "two layers"
    if row["recipe"] == "identity":
        return "doing nothing"
    return "ours, for new items too" if row["kind"] == "inductive" else "ours, items seen"


def ratio_figure(figures: pa.Table) -> bytes:
    """Texts by images retrieved against temperature, for text and for image queries, InfoNCE alone."""
    rows = figures.to_pylist()
    nothing = next((r for r in rows if r["space"] == "annotation"), None)
    columns = ("modality_ratio_text_queries", "modality_ratio_image_queries")
    paper = [r for r in rows if r["recipe"] == "paper" and not r["balance_weight"]]
    temperatures = sorted({r["temperature"] for r in paper})
    values = [r[c] for r in (*paper, *([nothing] if nothing else [])) for c in columns if r[c]]
    low, high = min([1, *values]), max([1, *values])
    # One scale for both sides, in powers of four about parity: three of one are as far as one of three.
    ticks = [t for e in range(-6, 7) if low / 1.3 <= (t := 4.0**e) <= high * 1.3]
    figure, panels = _panels(2, 11.5, 4.4)
    for axes, (side, name) in zip(panels, (("text", "posts asking"), ("image", "pins asking")), strict=True):
        column = f"modality_ratio_{side}_queries"
        for arch, told, colour in (("linear", "1 layer", TEXT_COLOUR), ("mlp", "2 layers", IMAGE_COLOUR)):
            mine = sorted((r["temperature"], r[column]) for r in paper if r["arch"] == arch and r[column])
            axes.plot(
                [t for t, _ in mine], [v for _, v in mine], marker="o", color=colour, linewidth=2, label=told
            )
        if nothing is not None and nothing[column]:
            axes.axhline(nothing[column], color=INK, linewidth=1.2, linestyle="--", label="doing nothing")
        axes.axhline(1, color=QUIET, linewidth=0.8)
        axes.set_yscale("log")
        axes.set_ylim(low / 1.3, high * 1.3)
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
        axes.set_xlabel("temperature", color=INK)
        axes.set_title(name, loc="left", fontsize=11, color=INK, fontweight="bold")
    panels[0].set_ylabel("texts / images retrieved", color=INK)
    _legend(panels[0], markers=1)
    figure.suptitle("What is found, by who asks: held-out matches", x=0.02, ha="left", fontsize=13, color=INK)
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    return png(figure)


def _reach(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """From the lowest to the highest cosine of any panel, so that panels can be compared."""
    lows, highs = [r["bin_low"] for r in rows], [r["bin_high"] for r in rows]
    return (min(lows), max(highs)) if rows else (0.0, 1.0)


def _view(projections: pa.Table, view: str, method: str) -> pa.Table:
    return projections.filter(
        pc.and_(pc.equal(projections["view"], view), pc.equal(projections["method"], method))
    )


def _xy(items: pa.Table, modality: str) -> tuple[np.ndarray, np.ndarray]:
    mine = items.filter(pc.equal(items["modality"], modality))
    return mine["x"].to_numpy(), mine["y"].to_numpy()


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


def png(figure: "Figure") -> bytes:
    """A figure as a small PNG, the same bytes for the same figure."""
    from PIL import Image

    buffer = io.BytesIO()
    # Without the software's version in it.
    figure.savefig(buffer, format="png", facecolor=PAPER, bbox_inches="tight", metadata={"Software": None})
    small = io.BytesIO()
    with Image.open(buffer) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()
