"""The data behind the paper's Figs. 1 to 5, from the lake's tables.

Belongs here: what is drawn, for PNG and SVG alike. Looks and captions are in ``png_figures``, ``png_map`` and
``svg_figures``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qualia_assets.report.paper_tables import LAYERS, paper_tables

Row = dict[str, Any]
Bin = tuple[float, float, float]
"""From, to, and the share of all that lies between."""

MODALITIES = {"text": "posts", "image": "pins"}
DIRECTIONS = ("text>text", "text>image", "image>image", "image>text")
"""Modality of the query, and of what it retrieves."""
FAMILIES = ("one-layer", "two-layers", "inductive", "transductive", "nothing")
"""Kinds of configuration that are told apart in Fig. 5: the paper's, ours, and doing nothing."""


@dataclass(frozen=True)
class Scatter:
    """Items in a plane, in the table's order.

    Attributes:
        x, y: coordinates of shape (n,), in arbitrary units, float32 as in the table.
        modality: shape (n,).
        items: their ids.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    modality: NDArray[np.object_]
    items: list[str]

    def __len__(self) -> int:
        return len(self.items)

    def only(self, modality: str) -> "Scatter":
        mine = self.modality == modality
        return Scatter(
            self.x[mine], self.y[mine], self.modality[mine], [self.items[i] for i in np.flatnonzero(mine)]
        )


def scatter(projections: pa.Table, view: str, method: str) -> Scatter:
    """Figs. 1 to 3: the items of one projection."""
    table = projections.filter(
        pc.and_(pc.equal(projections["view"], view), pc.equal(projections["method"], method))
    )
    return Scatter(
        table["x"].to_numpy(),
        table["y"].to_numpy(),
        np.array(table["modality"].to_pylist(), dtype=object),
        table["artefact_id"].to_pylist(),
    )


def cluster_numbers(items: Sequence[str], clusters: pa.Table) -> NDArray[np.int64]:
    """Fig. 3: each item's cluster, -1 for noise and for items without one."""
    of = dict(zip(clusters["artefact_id"].to_pylist(), clusters["cluster"].to_pylist(), strict=True))
    return np.array([of.get(item, -1) for item in items], dtype=np.int64)


def accepted_matches(matches: pa.Table) -> list[Row]:
    """The accepted rows of ``cluster_matches``, the most similar first."""
    rows = [row for row in matches.to_pylist() if row["accepted"]]
    return sorted(rows, key=lambda row: (-row["similarity"], row["match"]))


def compared_adapter(adapters: Sequence[Row]) -> tuple[str | None, bool]:
    """The adapter that is drawn beside doing nothing, and whether it is the selected one.

    Where doing nothing was selected it is the trained adapter with the best cross-modal R-precision on
    validation matches, or None where none was trained.
    """
    trained = [row for row in adapters if row["arch"] != "identity"]
    selected = next((row for row in trained if row["selected"]), None)
    if selected is not None:
        return selected["config_id"], True
    best = max(
        trained, key=lambda row: (row["val_cross_modal_r_precision"] or 0, row["config_id"]), default=None
    )
    return (best["config_id"] if best else None), False


@dataclass(frozen=True)
class CosineHistograms:
    """Fig. 4: cosines of held-out queries to what they retrieve, by direction.

    Attributes:
        nothing: shares by direction, without an adapter.
        adapted: the same with the compared adapter; empty where there is none.
        low, high: the range of both.
        count: cosines without an adapter.
    """

    nothing: Mapping[str, list[Bin]]
    adapted: Mapping[str, list[Bin]]
    low: float
    high: float
    count: int


def cosine_histograms(histograms: pa.Table, config_id: str | None) -> CosineHistograms:
    """Arrange ``query_histograms``; ``config_id`` names the adapter of the second panel, if any."""
    rows = [row for row in histograms.to_pylist() if row["kind"] == "cosine"]
    nothing = [row for row in rows if row["space"] == "annotation" and row["config_id"] is None]
    adapted = [row for row in rows if row["space"] == "adapted" and row["config_id"] == config_id]
    shown = nothing + adapted
    return CosineHistograms(
        _shares(nothing),
        _shares(adapted),
        min((row["bin_low"] for row in shown), default=0.0),
        max((row["bin_high"] for row in shown), default=1.0),
        sum(row["count"] for row in nothing),
    )


def _shares(rows: Sequence[Row]) -> dict[str, list[Bin]]:
    shares = {}
    for direction in DIRECTIONS:
        bins = sorted(
            (row["bin_low"], row["bin_high"], row["count"])
            for row in rows
            if row["query_modality"] == direction
        )
        total = sum(count for _, _, count in bins)
        if total:
            shares[direction] = [(low, high, count / total) for low, high, count in bins]
    return shares


@dataclass(frozen=True)
class Point:
    """Fig. 5: one configuration on the validation matches. ``bias`` is absolute; ``on_front``: of all."""

    config_id: str
    family: str
    bias: float
    coherence: float
    on_front: bool
    selected: bool


def pareto_points(adapters: pa.Table) -> list[Point]:
    """Fig. 5: every configuration of ``adapters`` that could be measured."""
    return [
        Point(
            row["config_id"], _family(row), row["val_abs_bias"], row["val_coherence"], bool(row["pareto"]),
            bool(row["selected"]),
        )
        for row in adapters.to_pylist()
        if row["val_coherence"] is not None and row["val_abs_bias"] is not None
    ]  # fmt: skip


def paper_front(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Corners of the Pareto front of the paper's grid and doing nothing, as (bias, coherence) by bias."""
    corners: list[tuple[float, float]] = []
    ours = ("inductive", "transductive")
    for bias, coherence in sorted((p.bias, p.coherence) for p in points if p.family not in ours):
        if coherence > (corners[-1][1] if corners else 0.0):
            corners.append((bias, coherence))
    return corners


def _family(row: Row) -> str:
    if row["recipe"] == "paper":
        return "one-layer" if row["arch"] == "linear" else "two-layers"
    return "nothing" if row["recipe"] == "identity" else str(row["kind"])


@dataclass(frozen=True)
class TemperatureRatios:
    """Posts by pins retrieved on held-out matches, of the paper's adapters without a balance term.

    Attributes:
        temperatures: in order.
        lines: (temperature, ratio) by the query's modality and the architecture.
        nothing: the ratio without an adapter, by the query's modality.
    """

    temperatures: list[float]
    lines: Mapping[tuple[str, str], list[tuple[float, float]]]
    nothing: Mapping[str, float | None]


def temperature_ratios(test_figures: pa.Table) -> TemperatureRatios:
    tables = paper_tables(test_figures.to_pylist())
    lines = {}
    for place, modality in enumerate(MODALITIES):
        for arch in LAYERS:
            found = [(c.row["temperature"], c.ratio_by_query[place]) for c in tables.unbalanced(arch)]
            lines[modality, arch] = sorted((temperature, ratio) for temperature, ratio in found if ratio)
    base = tables.nothing
    return TemperatureRatios(
        sorted({c.row["temperature"] for arch in LAYERS for c in tables.unbalanced(arch)}),
        lines,
        {modality: base.ratio_by_query[i] if base else None for i, modality in enumerate(MODALITIES)},
    )
