"""The data of the figures, worked out by hand from small tables."""

from typing import Any

import pyarrow as pa
import pytest

from qualia_assets.report import figure_data
from qualia_assets.report.figure_data import Point, compared_adapter, cosine_histograms


def adapter(config_id: str, value: float | None, selected: bool = False, **other: Any) -> dict[str, Any]:
    return {
        "config_id": config_id, "arch": "identity" if config_id == "identity" else "linear",
        "recipe": config_id, "kind": "inductive", "val_cross_modal_r_precision": value, "selected": selected,
        "val_abs_bias": 0.2, "val_coherence": 0.5, "pareto": False, **other,
    }  # fmt: skip


IDENTITY, A, B = adapter("identity", 0.9), adapter("a", 0.3), adapter("b", 0.8)


def selected(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "selected": True}


@pytest.mark.parametrize(
    ("adapters", "expected"),
    [
        ([IDENTITY, selected(A), B], ("a", True)),
        ([selected(IDENTITY), A, B, adapter("c", None)], ("b", False)),
        ([selected(IDENTITY)], (None, False)),
    ],
)
def test_the_selected_adapter_is_compared_or_else_the_best_trained_one(
    adapters: list[dict[str, Any]], expected: tuple[str | None, bool]
) -> None:
    assert compared_adapter(adapters) == expected


def cosines(space: str, config: str | None, query: str, low: float, count: int, kind: str = "cosine") -> Any:
    return {
        "space": space, "config_id": config, "kind": kind, "query_modality": query, "bin_low": low,
        "bin_high": low + 0.25, "count": count,
    }  # fmt: skip


def test_histograms_are_shares_by_direction_in_the_order_of_bins() -> None:
    rows = [
        cosines("annotation", None, "text>image", 0.5, 3),
        cosines("annotation", None, "text>image", 0.25, 1),
        cosines("annotation", None, "text>text", 0.25, 2),
        cosines("annotation", None, "text", -9, 5, kind="occurrence"),
        cosines("adapted", "a", "image>text", 0.75, 2),
        cosines("adapted", "b", "image>text", -0.5, 2),
    ]
    found = cosine_histograms(pa.Table.from_pylist(rows), "a")
    assert found.nothing == {
        "text>text": [(0.25, 0.5, 1.0)], "text>image": [(0.25, 0.5, 0.25), (0.5, 0.75, 0.75)],
    }  # fmt: skip
    assert found.adapted == {"image>text": [(0.75, 1.0, 1.0)]}
    assert (found.low, found.high, found.count) == (0.25, 1.0, 6)


def test_configurations_without_a_value_are_left_out_and_the_others_have_families() -> None:
    rows = [
        adapter("identity", 0.5),
        adapter("x", 0.5, recipe="paper"),
        adapter("y", 0.5, recipe="paper", arch="mlp"),
        adapter("z", 0.5, True, kind="transductive", pareto=True),
        adapter("none", None, val_coherence=None),
    ]
    points = figure_data.pareto_points(pa.Table.from_pylist(rows))
    assert [p.family for p in points] == ["nothing", "one-layer", "two-layers", "transductive"]
    assert [p.config_id for p in points if p.on_front and p.selected] == ["z"]


def test_the_papers_front_rises_with_bias_and_leaves_our_recipes_out() -> None:
    one, nothing = ("one-layer", 0.3, 0.6), ("nothing", 0.1, 0.4)
    values = [one, nothing, ("two-layers", 0.2, 0.3), ("inductive", 0.0, 0.9)]
    points = [Point("c", family, bias, coherence, False, False) for family, bias, coherence in values]
    assert figure_data.paper_front(points) == [(0.1, 0.4), (0.3, 0.6)]
