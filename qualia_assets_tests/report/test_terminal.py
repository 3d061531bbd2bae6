"""The paper's Tables 1 to 3 in a terminal."""

from typing import Any

import pytest
from rich.console import Console

from qualia_assets.method.recipes import OWN
from qualia_assets.report.terminal import paper_table


def row(name: str, **other: Any) -> dict[str, Any]:
    return {
        "space": "adapted", "config_id": name, "recipe": name, "arch": "lookup", "kind": "transductive",
        "temperature": None, "balance_weight": None, "balance_term": None, "seed": 0, "selected": False,
        "items": 133, "uniformity": -3.321, "modality_ratio": 2.36, "modality_ratio_text_queries": 34.24,
        "modality_ratio_image_queries": 0.57, "coherence": 0.736, "coherence_low": 0.65,
        "coherence_high": 0.82, "coherence_chance": 0.19, "cross_modal_r_precision": 0.544,
        "cross_modal_low": 0.46, "cross_modal_high": 0.68, "cross_modal_chance": 0.2, **other,
    }  # fmt: skip


NOTHING = row("identity", space="annotation", arch="identity", kind="inductive")
PAPER = row("l", recipe="paper", arch="linear", kind="inductive", temperature=0.1, balance_weight=0.0)


def printed(*rows: dict[str, Any]) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(paper_table(rows, "demo"))
    return capture.get()


def test_every_recipe_fits_into_eighty_columns_even_when_selected() -> None:
    shown = printed(NOTHING, *(row(name, selected=True) for name in OWN))
    assert "…" not in shown
    assert shown.count("0.544 [.46,.68]") == 1 + len(OWN)


def test_the_papers_adapters_are_listed_by_layers_and_a_balanced_one_only_if_selected() -> None:
    balanced = {**PAPER, "config_id": "balanced", "balance_weight": 0.3, "balance_term": "ratio"}
    mlp = {**PAPER, "arch": "mlp", "seed": 1, "coherence": None}
    lines = [line.split("  ")[0] for line in printed(mlp, balanced, PAPER, NOTHING).splitlines()[3:8]]
    shown = [line for line in lines if line.strip()]
    assert shown == ["without adapter", "1 layer, 0.1", "2 layers, 0.1, seed 1"]
    assert "balanced *" in printed(NOTHING, {**balanced, "selected": True})


@pytest.mark.parametrize("rows", [(), (PAPER,), ({**NOTHING, "coherence": None},)])
def test_without_a_baseline_the_table_says_that_matches_are_too_few(rows: tuple[dict[str, Any], ...]) -> None:
    assert "too few held-out matches" in printed(*rows)
