"""The grid of adapters: what is trained on what, and what is judged."""

from dataclasses import replace

import numpy as np
import pytest

from qualia_assets.method.adapters import Recipe, apply, select, train
from qualia_assets.method.grid import Matched, Trained, train_grid
from qualia_assets.method.scorecard import Protocol, headline
from qualia_assets_tests.method.by_loops import felt_points

IDENTITY = Recipe("identity", 1.0, 0, 0, 0, 0, 0.0, 0.0)
LINEAR = Recipe("linear", 0.1, 0, hidden=8, epochs=3, batch_size=32, learning_rate=0.01, weight_decay=0.01)
GRID = [IDENTITY, LINEAR, replace(LINEAR, arch="mlp", temperature=0.2)]
PROTOCOL = Protocol(k=5)


def matched(*splits: str) -> Matched:
    """Items of one match for each split named."""
    points = felt_points(0, [(6, 5)] * len(splits), gap=1.0)
    of_match = dict(zip(points.matches.tolist(), splits, strict=True))
    return Matched(
        points.vectors,
        points.modality,
        points.match,
        np.array([of_match[m] for m in points.match.tolist()], dtype=np.str_),
    )


def trained(items: Matched) -> list[Trained]:
    return list(train_grid(items, GRID, PROTOCOL, threads=1))


def test_every_configuration_is_trained_on_train_and_judged_on_val() -> None:
    items = matched("train", "train", "train", "val", "val", "test", "test")

    results = trained(items)

    assert [r.recipe for r in results] == GRID
    for result in results:
        mine = items.split == "train"
        expected = train(items.vectors[mine], items.match[mine], result.recipe)
        assert {n: w.tobytes() for n, w in result.weights.items()} == {
            n: w.tobytes() for n, w in expected.items()
        }
        judged = result.candidate
        assert (judged.coherence, judged.abs_bias, judged.cross_modal_r_precision) == headline(
            items.points("val", result.weights), PROTOCOL
        )


def test_what_lies_in_test_changes_nothing_that_is_chosen() -> None:
    items = matched("train", "train", "val", "val", "test")
    elsewhere = np.where((items.split == "test")[:, None], -items.vectors, items.vectors)

    before, after = trained(items), trained(replace(items, vectors=elsewhere))

    assert [r.candidate for r in before] == [r.candidate for r in after]
    assert before[1].weights["weight"].tobytes() == after[1].weights["weight"].tobytes()


@pytest.mark.parametrize("splits", [[], ["train"], ["train", "test"], ["val", "val", "test"]])
def test_with_fewer_than_two_training_matches_only_identity_is_there(splits: list[str]) -> None:
    results = trained(matched(*splits))

    assert [r.recipe for r in results] == [IDENTITY]
    assert select([r.candidate for r in results]) == "identity"


@pytest.mark.parametrize("splits", [["train", "train", "test"], ["train", "train", "val", "test"]])
def test_with_fewer_than_two_validation_matches_nothing_is_judged_and_identity_is_chosen(
    splits: list[str],
) -> None:
    candidates = [r.candidate for r in trained(matched(*splits))]

    assert len(candidates) == len(GRID)
    for c in candidates:
        assert (c.coherence, c.abs_bias, c.cross_modal_r_precision) == (None, None, None)
    assert select(candidates) == "identity"


def test_what_is_chosen_is_no_worse_on_validation_than_doing_nothing() -> None:
    candidates = [r.candidate for r in trained(matched("train", "train", "train", "val", "val", "val"))]
    precision = {c.config_id: c.cross_modal_r_precision for c in candidates}

    chosen = precision[select(candidates)]

    assert chosen is not None
    assert precision["identity"] is not None
    assert chosen >= precision["identity"]


def test_the_points_of_a_split_are_its_items_through_the_adapter() -> None:
    items = matched("train", "train", "test")
    weights = trained(items)[1].weights

    points = items.points("test", weights)

    mine = np.flatnonzero(items.split == "test")
    assert points.vectors.tobytes() == apply(items.vectors[mine], weights).tobytes()
    assert points.match.tolist() == items.match[mine].tolist()
    assert points.modality.tolist() == items.modality[mine].tolist()
    assert items.points("test").vectors.tobytes() == items.vectors[mine].tobytes()
