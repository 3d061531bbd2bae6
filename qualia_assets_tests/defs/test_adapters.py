"""The grid of adapters in the lake: its rows and weights, the selection, and fitting one again alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from qualia_assets.defs.adapters import adapted_embeddings
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.tables import ADAPTERS
from qualia_assets_tests.places import USER, in_a_run, lake_of, qualia

PAPER = [
    f"{arch}-t0.1-{balance}-s0" for arch in ("linear", "mlp") for balance in ("b0", "b0.3ratio", "b0.3share")
]
OWN = ["distilled", "lexicon", "lexicon+smoothing"]
GRID = ["identity", *PAPER, *OWN]


def rows(place: Path) -> dict[str, dict[str, Any]]:
    """The table of adapters by configuration."""
    return {row["config_id"]: row for row in lake_of(place).read("adapters", USER).to_pylist()}


def test_a_row_holds_what_a_configuration_was_trained_with_and_nothing_else(finished: Path) -> None:
    grid = rows(finished)
    columns = ("recipe", "kind", "temperature", "balance_weight", "balance_term", "hidden", "epochs")

    assert {name: tuple(row[column] for column in columns) for name, row in grid.items()} == {
        "identity": ("identity", "inductive", None, None, None, None, None),
        "linear-t0.1-b0-s0": ("paper", "inductive", 0.1, 0.0, None, None, 5),
        "linear-t0.1-b0.3ratio-s0": ("paper", "inductive", 0.1, 0.3, "ratio", None, 5),
        "linear-t0.1-b0.3share-s0": ("paper", "inductive", 0.1, 0.3, "share", None, 5),
        "mlp-t0.1-b0-s0": ("paper", "inductive", 0.1, 0.0, None, 64, 5),
        "mlp-t0.1-b0.3ratio-s0": ("paper", "inductive", 0.1, 0.3, "ratio", 64, 5),
        "mlp-t0.1-b0.3share-s0": ("paper", "inductive", 0.1, 0.3, "share", 64, 5),
        "distilled": ("distilled", "inductive", None, None, None, None, None),
        "lexicon": ("lexicon", "inductive", None, None, None, None, None),
        "lexicon+smoothing": ("lexicon+smoothing", "transductive", None, None, None, None, None),
    }


def test_the_best_on_validation_is_selected_and_the_frontier_is_what_none_beats(finished: Path) -> None:
    grid = rows(finished)
    beaten = {
        name
        for name, row in grid.items()
        for other in grid.values()
        if other["val_coherence"] >= row["val_coherence"]
        and other["val_abs_bias"] <= row["val_abs_bias"]
        and (other["val_coherence"], other["val_abs_bias"]) != (row["val_coherence"], row["val_abs_bias"])
    }

    assert beaten
    assert {name for name in grid if not grid[name]["pareto"]} == beaten
    (selected,) = (row for row in grid.values() if row["selected"])
    headline = "val_cross_modal_r_precision"
    assert selected[headline] == max(row[headline] for row in grid.values())


def test_the_lake_holds_the_weights_that_rows_name_and_no_others(finished: Path) -> None:
    lake = lake_of(finished)
    named = {name: row["weights"] for name, row in rows(finished).items()}

    assert named.pop("identity") is None
    files = (lake.folder("adapters", USER) / "weights").iterdir()
    assert {lake.root / path for path in named.values()} == set(files)


@pytest.mark.parametrize(
    "config", ["identity", "mlp-t0.1-b0-s0", "distilled", "lexicon", "lexicon+smoothing"]
)
def test_the_selected_adapter_moves_every_item_to_a_unit_vector(config: str, place: Path) -> None:
    items = lake_of(place).read("annotation_embeddings", USER)
    table = ADAPTERS.table(row | {"selected": name == config} for name, row in rows(place).items())

    adapted: pa.Table = in_a_run(lambda run: adapted_embeddings.compute(run, items, table))

    before, after = vectors(items), vectors(adapted)
    assert adapted["artefact_id"].to_pylist() == items["artefact_id"].to_pylist()
    assert set(adapted["config_id"].to_pylist()) == {config}
    assert np.allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
    moved = (np.abs(after - before).max(axis=1) > 1e-3).mean()
    assert moved == (0 if config == "identity" else 1)


def test_one_configuration_is_fitted_again_alone_and_the_others_stay(place: Path) -> None:
    lake, before = lake_of(place), rows(place)
    info = lake.info("adapters", USER)
    assert info is not None
    # A row that cannot have come from the data.
    odd = before | {"distilled": before["distilled"] | {"offset_text": 9.0}}
    lake.write(ADAPTERS, USER, ADAPTERS.table(odd.values()), info.fingerprint)

    done = qualia("run", "--user", USER, "--only", "distilled")

    assert done.exit_code == 0, done.output
    assert "Fitted again: distilled." in done.output
    after = rows(place)
    # Fitting others again would have taken another time.
    assert after["distilled"].pop("train_seconds") != before["distilled"].pop("train_seconds")
    assert after == before
    assert all((lake.root / row["weights"]).exists() for row in after.values() if row["weights"])


@pytest.mark.parametrize(
    ("epochs", "only", "error"),
    [
        ("5", "linear-t9", f"no configuration linear-t9. It has: {', '.join(GRID)}."),
        ("6", "linear-t0.1-b0-s0", "The inputs of adapters have changed"),
    ],
    ids=["unknown", "the others were made from something else"],
)
def test_a_configuration_that_cannot_be_fitted_alone_is_an_error_and_changes_nothing(
    epochs: str, only: str, error: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lake_of(place).path("adapters", USER)
    before = path.read_bytes()
    monkeypatch.setenv("QUALIA_ADAPTERS__EPOCHS", epochs)

    refused = qualia("run", "--user", USER, "--only", "lexicon", "--only", only)

    assert refused.exit_code == 1
    assert error in refused.output
    assert path.read_bytes() == before
