"""What the command line prints of a user's results."""

from typing import Any

import pytest
from rich.console import Console

from qualia_assets.method.recipes import OWN
from qualia_assets.report.printed import paper_table


def row(name: str, **other: Any) -> dict[str, Any]:
    return {
        "space": "adapted", "config_id": name, "recipe": name, "arch": "lookup", "kind": "transductive",
        "temperature": None, "balance_weight": None, "seed": 0, "selected": True, "items": 133,
        "uniformity": -3.321, "modality_ratio": 2.36, "modality_ratio_text_queries": 34.24,
        "modality_ratio_image_queries": 0.57, "coherence": 0.736, "coherence_low": 0.65,
        "coherence_high": 0.82, "coherence_chance": 0.19, "cross_modal_r_precision": 0.544,
        "cross_modal_low": 0.46, "cross_modal_high": 0.68, "cross_modal_chance": 0.2, **other,
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(OWN))
def test_all_of_the_table_is_seen_on_a_terminal_of_eighty_columns(name: str) -> None:
    nothing = row("identity", space="annotation", arch="identity", selected=False)
    console = Console(width=80)

    with console.capture() as said:
        console.print(paper_table([nothing, row(name)], "demo"))

    assert "…" not in said.get()
    assert said.get().count("0.544 [.46,.68]") == 2
