"""Training: what it does to the losses, what it leaves alone, and when it stops."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from qualia_assets.method.adapters import Recipe, Weights, apply
from qualia_assets.method.losses import info_nce
from qualia_assets.method.matching import unit
from qualia_assets.method.metrics import Points
from qualia_assets.method.training import PATIENCE, fit_residual_mlp, train, train_residual
from qualia_assets_tests.method.by_loops import dot, felt_points

LINEAR = Recipe(hidden=12, epochs=25, batch_size=16, learning_rate=0.01)
MLP = replace(LINEAR, arch="mlp")
POINTS = felt_points(0, [(8, 8)] * 4)


def trained(recipe: Recipe, points: Points = POINTS) -> Weights:
    return train(points.vectors, points.modality, points.match, recipe)


def loss_of(weights: Weights) -> float:
    """The paper's loss over all items at once, after an adapter."""
    z = torch.from_numpy(apply(POINTS.vectors, POINTS.modality, weights))
    c = torch.from_numpy(POINTS.match)
    same = c[:, None] == c[None, :]
    return float(info_nce(z @ z.T, same & ~torch.eye(len(c), dtype=torch.bool), ~same, 0.1))


def as_bytes(weights: Weights) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in weights.items()}


@pytest.mark.parametrize("recipe", [LINEAR, MLP])
def test_training_twice_with_one_seed_gives_the_same_bytes(recipe: Recipe) -> None:
    assert as_bytes(trained(recipe)) == as_bytes(trained(recipe))


def test_another_seed_trains_another_adapter() -> None:
    first, second = trained(LINEAR), trained(replace(LINEAR, seed=1))

    assert not np.allclose(first["map.weight"], second["map.weight"])


@pytest.mark.parametrize("recipe", [LINEAR, MLP])
def test_training_lowers_the_loss(recipe: Recipe) -> None:
    untrained = trained(replace(recipe, epochs=0))

    assert loss_of(trained(recipe)) < loss_of(untrained) - 1


def test_training_leaves_the_random_numbers_of_the_caller_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3).tolist()

    torch.manual_seed(5)
    trained(replace(LINEAR, epochs=1))

    assert torch.rand(3).tolist() == expected


def test_an_item_is_not_its_own_positive() -> None:
    # Everything is alone in its match: there is nothing to draw nearer, so nothing moves.
    recipe = replace(LINEAR, weight_decay=0.0)
    alone = Points(POINTS.vectors, POINTS.modality, np.arange(len(POINTS)))

    untrained = trained(replace(recipe, epochs=0), alone)

    assert as_bytes(trained(recipe, alone)) == as_bytes(untrained)


def test_without_a_balance_weight_training_does_not_look_at_modalities() -> None:
    mixed = Points(POINTS.vectors, POINTS.modality[::-1], POINTS.match)

    for name, weight in trained(LINEAR).items():
        assert trained(LINEAR, mixed)[name] == pytest.approx(weight, abs=1e-4)


def test_a_batch_with_nothing_to_tell_apart_does_not_spoil_the_weights() -> None:
    # 5 items in batches of 4 leave a batch of one, which has neither positives nor negatives.
    weights = trained(replace(LINEAR, batch_size=4, balance_weight=1.0), POINTS.subset(np.arange(5)))

    assert np.isfinite(weights["map.weight"]).all()


@pytest.mark.parametrize("term", ["ratio", "share"])
def test_identical_vectors_train_to_finite_weights(term: str) -> None:
    same = Points(np.tile(POINTS.vectors[:1], (12, 1)), np.array(["text", "image"] * 6), np.repeat([0, 1], 6))

    weights = trained(replace(MLP, balance_weight=1.0, balance_term=term), same)  # type: ignore[arg-type]

    assert all(np.isfinite(w).all() for w in weights.values())


@pytest.mark.parametrize("term", ["ratio", "share"])
def test_one_modality_alone_is_trained_as_if_nothing_had_to_be_balanced(term: str) -> None:
    texts = POINTS.subset(POINTS.modality == "text")
    recipe = replace(LINEAR, epochs=3)

    balanced = trained(replace(recipe, balance_weight=3.0, balance_term=term), texts)  # type: ignore[arg-type]

    for name, weight in trained(recipe, texts).items():
        assert balanced[name] == pytest.approx(weight, abs=1e-4)


@pytest.mark.parametrize("recipe", [LINEAR, MLP])
def test_applying_is_what_was_trained(recipe: Recipe) -> None:
    weights = trained(recipe)
    layers = torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.ReLU(), torch.nn.Linear(12, 6))
    model = torch.nn.Linear(6, 6) if recipe.arch == "linear" else layers
    model.load_state_dict({n.removeprefix("map."): torch.from_numpy(w) for n, w in weights.items()})

    with torch.no_grad():
        expected = torch.nn.functional.normalize(model(torch.from_numpy(POINTS.vectors)), dim=1)

    assert apply(POINTS.vectors, POINTS.modality, weights) == pytest.approx(expected.numpy(), abs=1e-5)


def found_of_its_own(points: Points, weights: Weights) -> float:
    """The share of its own modality in what an item finds, each other item found by exp(cosine / 0.1)."""
    z = apply(points.vectors, points.modality, weights)
    shares = []
    for q in range(len(z)):
        weight = {x: math.exp(dot(z[q], z[x]) / 0.1) for x in range(len(z)) if x != q}
        own = sum(w for x, w in weight.items() if points.modality[x] == points.modality[q])
        shares.append(own / sum(weight.values()))
    return sum(shares) / len(shares)


# Of one match there is nothing to tell apart: the balance term trains alone. 19 of 39 others are one's own.
TOGETHER = felt_points(1, [(20, 20)], gap=1.0)
LONG = Recipe(
    arch="mlp", hidden=64, epochs=150, batch_size=40, learning_rate=0.01, weight_decay=0.0, balance_weight=1.0
)


def test_a_share_term_brings_what_is_found_to_what_is_there_and_stops() -> None:
    balanced = trained(replace(LONG, balance_term="share"), TOGETHER)

    assert found_of_its_own(TOGETHER, {}) > 0.6
    assert found_of_its_own(TOGETHER, balanced) == pytest.approx(19 / 39, abs=0.01)


def test_the_papers_ratio_goes_on_past_that_to_the_other_modality_alone() -> None:
    balanced = trained(replace(LONG, balance_term="ratio"), TOGETHER)

    assert found_of_its_own(TOGETHER, balanced) < 0.1


def residual(judged: Iterator[float | None], seen: list[Weights] | None = None, **hyper: float) -> Weights:
    """Train a residual map that is told these figures, one after each epoch, and keep what was judged."""

    def judge(weights: Weights) -> float | None:
        if seen is not None:
            seen.append(weights)
        return next(judged)

    recipe = replace(LINEAR, **hyper)  # type: ignore[arg-type]
    return train_residual(POINTS.vectors, POINTS.modality, POINTS.match, recipe, judge)


def test_a_residual_map_begins_as_doing_nothing_and_stays_that_where_nothing_is_better() -> None:
    for figures in ([0.5] * 9, [None] * 9):
        kept = residual(iter(figures))

        assert not kept["map.weight"].any()
        adapted = apply(POINTS.vectors, POINTS.modality, kept)
        assert adapted == pytest.approx(POINTS.vectors, abs=1e-6)


def test_of_a_residual_map_the_epoch_that_did_best_is_kept() -> None:
    seen: list[Weights] = []

    kept = residual(iter([0.1, 0.4, 0.9, 0.3, 0.9, 0.2]), seen, epochs=5)

    assert as_bytes(kept) == as_bytes(seen[2])
    assert as_bytes(kept) != as_bytes(seen[-1])


def test_a_residual_map_stops_when_some_epochs_brought_nothing_better() -> None:
    seen: list[Weights] = []

    residual(iter([0.1, 0.2, 0.3] + [0.3] * 30), seen, epochs=30)

    assert len(seen) == 3 + PATIENCE


def test_training_a_residual_map_lowers_the_loss() -> None:
    rising = iter(float(i) for i in range(99))

    assert loss_of(residual(rising)) < loss_of({}) - 0.5


def test_a_residual_map_of_one_seed_is_the_same_again() -> None:
    def once(seed: int) -> dict[str, bytes]:
        return as_bytes(residual(iter(float(i) for i in range(99)), seed=seed, epochs=3))

    assert once(0) == once(0) != once(1)


def test_a_residual_of_two_layers_begins_as_doing_nothing_and_learns_where_each_should_go() -> None:
    rng = np.random.default_rng(0)
    targets = unit(POINTS.vectors + 0.5 * np.tanh(POINTS.vectors @ rng.normal(size=(6, 6))))
    recipe = replace(MLP, hidden=32, epochs=80)

    def misses(weights: Weights) -> float:
        moved = apply(POINTS.vectors, POINTS.modality, weights)
        return math.fsum(((moved - targets) ** 2).ravel().tolist())

    untrained = fit_residual_mlp(POINTS.vectors, targets, replace(recipe, epochs=0))
    learnt = fit_residual_mlp(POINTS.vectors, targets, recipe)

    assert apply(POINTS.vectors, POINTS.modality, untrained) == pytest.approx(POINTS.vectors, abs=1e-6)
    assert misses(learnt) < misses(untrained) / 4
