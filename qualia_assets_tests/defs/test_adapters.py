"""The grid of adapters in the lake: what is in it, which one is chosen, and making one again alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from qualia_assets.defs.adapters import adapted_embeddings
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.tables import ADAPTERS
from qualia_assets_tests.places import USER, in_a_run, lake_of, plan_of, qualia

PAPER = [
    f"{arch}-t0.1-{balance}-s0" for arch in ("linear", "mlp") for balance in ("b0", "b0.3ratio", "b0.3share")
]
OWN = ["distilled", "lexicon", "lexicon+smoothing"]
GRID = ["identity", *PAPER, *OWN]

JUDGED = "val_cross_modal_r_precision"


def rows(place: Path) -> dict[str, dict[str, Any]]:
    """The table of adapters by configuration."""
    return {row["config_id"]: row for row in lake_of(place).read("adapters", USER).to_pylist()}


def test_the_grid_is_doing_nothing_the_papers_configurations_and_ours(finished: Path) -> None:
    grid = rows(finished)

    assert set(grid) == set(GRID)
    assert {name for name in grid if grid[name]["recipe"] == "paper"} == set(PAPER)
    assert {name for name in grid if grid[name]["kind"] == "transductive"} == {"lexicon+smoothing"}


def test_a_row_says_with_what_it_was_trained_and_nothing_that_played_no_part(finished: Path) -> None:
    grid = rows(finished)
    told = ("temperature", "balance_weight", "balance_term", "hidden", "epochs")

    def of(name: str) -> list[Any]:
        return [grid[name][column] for column in told]

    assert of("linear-t0.1-b0-s0") == [0.1, 0.0, None, None, 5]
    assert of("mlp-t0.1-b0.3share-s0") == [0.1, 0.3, "share", 64, 5]
    assert of("mlp-t0.1-b0.3ratio-s0") == [0.1, 0.3, "ratio", 64, 5]
    for name in ("identity", *OWN):
        assert of(name) == [None] * 5


def test_the_selected_one_is_the_best_on_validation_and_never_below_doing_nothing(finished: Path) -> None:
    grid = rows(finished)

    (selected,) = (name for name in grid if grid[name]["selected"])

    assert all(row[JUDGED] is not None for row in grid.values())
    assert grid[selected][JUDGED] == max(row[JUDGED] for row in grid.values())
    assert grid[selected][JUDGED] >= grid["identity"][JUDGED]


def test_the_pareto_frontier_is_what_no_other_beats_on_both_coherence_and_bias(finished: Path) -> None:
    grid = rows(finished)

    beaten = set()
    for name, row in grid.items():
        for other in grid.values():
            no_worse = (
                other["val_coherence"] >= row["val_coherence"]
                and other["val_abs_bias"] <= row["val_abs_bias"]
            )
            better = (
                other["val_coherence"] > row["val_coherence"] or other["val_abs_bias"] < row["val_abs_bias"]
            )
            if no_worse and better:
                beaten.add(name)

    assert {name for name in grid if not grid[name]["pareto"]} == beaten
    assert beaten


def test_the_weights_that_are_named_lie_in_the_lake_and_no_others(finished: Path) -> None:
    grid, lake = rows(finished), lake_of(finished)

    named = {name: row["weights"] for name, row in grid.items()}

    assert named.pop("identity") is None
    lying = (lake.folder("adapters", USER) / "weights").iterdir()
    assert {lake.root / path for path in named.values()} == set(lying)


@pytest.mark.parametrize(
    "config", ["identity", "mlp-t0.1-b0-s0", "distilled", "lexicon", "lexicon+smoothing"]
)
def test_the_selected_adapter_sends_every_item_to_a_unit_vector(config: str, place: Path) -> None:
    lake = lake_of(place)
    items = lake.read("annotation_embeddings", USER)
    table = lake.read("adapters", USER)
    selected = pa.array([name == config for name in table["config_id"].to_pylist()])
    table = table.set_column(table.column_names.index("selected"), "selected", selected)

    adapted = in_a_run(lambda run: adapted_embeddings.compute(run, items, table))

    before, after = vectors(items), vectors(adapted)
    assert adapted["artefact_id"].to_pylist() == items["artefact_id"].to_pylist()
    assert set(adapted["config_id"].to_pylist()) == {config}
    assert after.shape == (168, 384)
    assert np.allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
    moved = (np.abs(after - before).max(axis=1) > 1e-3).mean()
    assert moved == (0 if config == "identity" else 1)


def test_one_configuration_is_fitted_again_alone_and_the_others_stay_as_they_are(place: Path) -> None:
    lake, before = lake_of(place), rows(place)
    info = lake.info("adapters", USER)
    assert info is not None
    # Two rows that cannot have come from the data; only one of them is fitted again.
    odd = [row | ({"offset_text": 9.0} if row["config_id"] in OWN[:2] else {}) for row in before.values()]
    lake.write(ADAPTERS, USER, ADAPTERS.table(odd), info.fingerprint)

    done = qualia("run", "--user", USER, "--only", "distilled")

    assert done.exit_code == 0, done.output
    assert "Fitted again: distilled." in done.output
    after = rows(place)
    assert after["lexicon"] == before["lexicon"] | {"offset_text": 9.0}
    again, first = after.pop("distilled"), before.pop("distilled")
    assert again.pop("train_seconds") != first.pop("train_seconds")
    assert again == first
    assert {name: after[name] for name in after if name != "lexicon"} == {
        name: before[name] for name in before if name != "lexicon"
    }
    assert all((lake.root / row["weights"]).exists() for row in after.values() if row["weights"])
    assert plan_of().todo == ()


def test_an_unknown_configuration_is_answered_with_the_names_there_are(place: Path) -> None:
    path = lake_of(place).path("adapters", USER)
    before = path.read_bytes()

    refused = qualia("run", "--user", USER, "--only", "lexicon", "--only", "linear-t9")

    assert refused.exit_code == 1
    assert "There is no configuration linear-t9 in the grid" in refused.output
    assert f"There are: {', '.join(GRID)}." in refused.output
    assert path.read_bytes() == before


def test_one_configuration_is_not_mixed_with_others_that_were_made_from_something_else(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lake_of(place).path("adapters", USER)
    before = path.read_bytes()
    monkeypatch.setenv("QUALIA_ADAPTERS__EPOCHS", "6")

    refused = qualia("run", "--user", USER, "--only", "linear-t0.1-b0-s0")

    assert refused.exit_code == 1
    assert "What adapters is made from has changed" in refused.output
    assert "without `only`" in refused.output
    assert path.read_bytes() == before
