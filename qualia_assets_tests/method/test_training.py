"""Training: what it does to the losses, what it does not touch, and when it stops."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
import torch

from qualia_assets.method.adapters import Recipe, Weights, apply
from qualia_assets.method.losses import info_nce
from qualia_assets.method.matching import unit
from qualia_assets.method.metrics import Points
from qualia_assets.method.training import PATIENCE, fit_residual_mlp, train, train_residual
from qualia_assets_tests.method.by_loops import felt_points
from qualia_assets_tests.method.corpora import as_bytes

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


@pytest.mark.parametrize("recipe", [LINEAR, MLP], ids=["linear", "mlp"])
def test_training_lowers_the_loss_and_depends_on_the_seed_alone(recipe: Recipe) -> None:
    weights, again, other = trained(recipe), trained(recipe), trained(replace(recipe, seed=1))

    assert loss_of(weights) < loss_of(trained(replace(recipe, epochs=0))) - 1
    assert as_bytes(weights) == as_bytes(again)
    assert not any(np.allclose(weights[name], other[name]) for name in weights if name.endswith("weight"))


def test_training_leaves_the_random_numbers_of_the_caller_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3).tolist()

    torch.manual_seed(5)
    trained(replace(LINEAR, epochs=1))

    assert torch.rand(3).tolist() == expected


def test_without_a_balance_weight_training_does_not_look_at_modalities() -> None:
    recipe = replace(LINEAR, epochs=5)
    mixed = trained(recipe, Points(POINTS.vectors, POINTS.modality[::-1], POINTS.match))

    assert all(mixed[name] == pytest.approx(weight, abs=1e-4) for name, weight in trained(recipe).items())


def test_every_batch_is_reported_with_its_outputs_and_loss() -> None:
    batches: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
    recipe = replace(LINEAR, epochs=2, batch_size=40)

    train(POINTS.vectors, POINTS.modality, POINTS.match, recipe, on_batch=lambda *b: batches.append(b))

    assert [(len(items), z.shape) for items, z, _ in batches] == [(40, (40, 6)), (24, (24, 6))] * 2
    assert sorted([*batches[0][0].tolist(), *batches[1][0].tolist()]) == list(range(64))
    assert all(loss.isfinite() for *_, loss in batches)


def own_share(points: Points, weights: Weights) -> float:
    """The mean share of an item's own modality among the others, weighted by exp(cosine / 0.1)."""
    z = apply(points.vectors, points.modality, weights).astype(np.float64)
    weight = np.exp(z @ z.T / 0.1) * (1 - np.eye(len(z)))
    own = points.modality[:, None] == points.modality
    return float(np.mean((weight * own).sum(axis=1) / weight.sum(axis=1)))


# One match has no negatives: the balance term trains alone. 19 of 39 others have an item's own modality.
TOGETHER = felt_points(1, [(20, 20)], gap=1.0)
LONG = replace(MLP, hidden=64, epochs=100, batch_size=40, weight_decay=0.0, balance_weight=1.0)


def test_the_share_term_trains_to_parity_and_the_papers_ratio_past_it() -> None:
    share, ratio = (trained(replace(LONG, balance_term=term), TOGETHER) for term in ("share", "ratio"))

    assert own_share(TOGETHER, {}) > 0.6
    assert own_share(TOGETHER, share) == pytest.approx(19 / 39, abs=0.01)
    assert own_share(TOGETHER, ratio) < 0.1


def residual(values: Iterable[float | None], **hyper: float) -> tuple[Weights, list[Weights]]:
    """Train a residual map that evaluates to these values, one after each epoch; all weights evaluated."""
    given, seen = iter(values), []

    def evaluate(weights: Weights) -> float | None:
        seen.append(weights)
        return next(given)

    recipe = replace(LINEAR, **hyper)
    return train_residual(POINTS.vectors, POINTS.modality, POINTS.match, recipe, evaluate), seen


@pytest.mark.parametrize("value", [0.5, None])
def test_a_residual_map_stays_the_identity_where_nothing_is_better(value: float | None) -> None:
    kept, _ = residual([value] * 9)

    assert not kept["map.weight"].any()
    assert apply(POINTS.vectors, POINTS.modality, kept) == pytest.approx(POINTS.vectors, abs=1e-6)


def test_the_best_epoch_of_a_residual_map_is_kept() -> None:
    kept, seen = residual([0.1, 0.4, 0.9, 0.3, 0.9, 0.2], epochs=5)

    assert as_bytes(kept) == as_bytes(seen[2]) != as_bytes(seen[-1])


def test_a_residual_map_stops_after_some_epochs_without_improvement() -> None:
    _, seen = residual([0.1, 0.2, 0.3] + [0.3] * 30, epochs=30)

    assert len(seen) == 3 + PATIENCE


def test_training_a_residual_map_lowers_the_loss_and_depends_on_the_seed_alone() -> None:
    first, again, other = (residual(range(99), seed=seed)[0] for seed in (0, 0, 1))

    assert loss_of(first) < loss_of({}) - 0.5
    assert as_bytes(first) == as_bytes(again) != as_bytes(other)


def test_a_residual_of_two_layers_starts_as_the_identity_and_learns_its_targets() -> None:
    rng = np.random.default_rng(0)
    targets = unit(POINTS.vectors + 0.5 * np.tanh(POINTS.vectors @ rng.normal(size=(6, 6))))

    maps = [
        fit_residual_mlp(POINTS.vectors, targets, replace(MLP, hidden=32, epochs=epochs))
        for epochs in (0, 80)
    ]

    untrained, learnt = (apply(POINTS.vectors, POINTS.modality, weights) for weights in maps)
    assert untrained == pytest.approx(POINTS.vectors, abs=1e-6)
    assert ((learnt - targets) ** 2).sum() < ((untrained - targets) ** 2).sum() / 4
