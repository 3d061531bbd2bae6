"""The paper's InfoNCE against its formula written as a double loop, and slopes against autograd."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from qualia_assets.method.adapters import Recipe
from qualia_assets.method.losses import info_nce
from qualia_assets.method.training import LEAST_TEMPERATURE, Labels, batch_loss, loss_and_slope


def relations(match: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Positives share the anchor's match and are not the anchor; everything of another match is negative."""
    m = torch.tensor(match)
    same = m[:, None] == m[None, :]
    return same & ~torch.eye(len(match), dtype=torch.bool), ~same


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.2])
def test_the_loss_is_the_papers_double_sum(temperature: float) -> None:
    match = [0, 0, 1, 1, 1, 2, 2]
    similarity = torch.rand(7, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1

    loss = info_nce(similarity, *relations(match), temperature)

    terms = []
    for q in range(7):
        positive = negative = 0.0
        for x in range(7):
            if x != q and match[x] == match[q]:
                positive += math.exp(float(similarity[q, x]) / temperature)
            if match[x] != match[q]:
                negative += math.exp(float(similarity[q, x]) / temperature)
        terms.append(-math.log(positive) + math.log(negative))
    assert float(loss) == pytest.approx(sum(terms) / len(terms))


def test_the_positive_is_not_in_the_denominator() -> None:
    # One positive at 0.9 and one negative at -0.5 for each anchor that has both: with the positive in the
    # denominator the loss would be above 0; without it, it is (negative - positive) / temperature.
    similarity = torch.tensor([[1.0, 0.9, -0.5], [0.9, 1.0, -0.5], [-0.5, -0.5, 1.0]])

    loss = info_nce(similarity, *relations([0, 0, 1]), 0.1)

    assert float(loss) == pytest.approx((-0.5 - 0.9) / 0.1)


def test_the_gradient_pulls_positives_up_and_pushes_negatives_down() -> None:
    similarity = torch.zeros(4, 4, requires_grad=True)
    positive, negative = relations([0, 0, 1, 1])

    info_nce(similarity, positive, negative, 0.5).backward()

    # By hand: 4 anchors, tau 0.5: -1 / (4 tau) on the one positive, 1 / (4 tau) shared by two negatives.
    assert similarity.grad is not None
    assert similarity.grad[positive].tolist() == pytest.approx([-0.5] * 4)
    assert similarity.grad[negative].tolist() == pytest.approx([0.25] * 8)
    assert similarity.grad.diagonal().tolist() == [0.0] * 4


def test_an_anchor_without_a_positive_is_left_out() -> None:
    similarity = torch.rand(5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    loss = info_nce(similarity, *relations([0, 0, 1, 1, 2]), 0.2)

    # Anchor 4 is alone in its match; as a negative of the others it still counts.
    terms = []
    for q, mate, others in ((0, 1, (2, 3, 4)), (1, 0, (2, 3, 4)), (2, 3, (0, 1, 4)), (3, 2, (0, 1, 4))):
        push = sum(math.exp(float(similarity[q, x]) / 0.2) for x in others)
        terms.append(-float(similarity[q, mate]) / 0.2 + math.log(push))
    assert float(loss) == pytest.approx(sum(terms) / 4)


@pytest.mark.parametrize("match", [[0, 0, 0], [0, 1, 2], [0]])
def test_with_nothing_to_tell_apart_the_loss_is_zero_and_moves_nothing(match: list[int]) -> None:
    similarity = torch.ones(len(match), len(match), requires_grad=True)

    loss = info_nce(similarity, *relations(match), 0.1)
    loss.backward()

    assert loss.item() == 0.0
    assert similarity.grad is not None
    assert not similarity.grad.any()


def test_a_small_temperature_does_not_overflow() -> None:
    similarity = torch.tensor([[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])

    loss = info_nce(similarity, *relations([0, 0, 1]), 0.001)

    assert float(loss) == pytest.approx(-2000.0)


PLAIN = Recipe()
RATIO = Recipe(balance_weight=3.0, balance_term="ratio")
SHARE = Recipe(balance_weight=3.0, balance_term="share")
BATCHES = {
    "both modalities in every match": ([0, 0, 0, 1, 1, 1, 2, 2, 2, 2], "titittiiti"),
    "an item alone in its match": ([0, 0, 0, 1, 1, 1, 1, 2, 3, 3], "titittiiti"),
    "a match of one modality": ([0, 0, 0, 0, 1, 1, 1, 1], "ttttitit"),
    "one modality alone": ([0, 0, 1, 1, 1], "ttttt"),
    "nothing but positives": ([0, 0, 0, 0], "titi"),
    "nothing but negatives": ([0, 1, 2, 3], "titi"),
    "one item": ([0], "t"),
}


def labels_of(match: list[int], modalities: str, recipe: Recipe) -> Labels:
    modality = np.array([{"t": "text", "i": "image"}[m] for m in modalities])
    return Labels.of(modality, np.array(match), recipe)


def sphere(items: int, spread: float = 1.0) -> torch.Tensor:
    """Random unit vectors of 3 dimensions; with little spread all lie near one another."""
    drawn = torch.randn(items, 3, generator=torch.Generator().manual_seed(items))
    return torch.nn.functional.normalize(spread * drawn + torch.tensor([0.0, 0.0, 1.0 - spread]), dim=1)


@pytest.mark.parametrize("temperature", [LEAST_TEMPERATURE / 4, LEAST_TEMPERATURE, 0.05, 0.1, 0.2, 5.0])
@pytest.mark.parametrize("recipe", [PLAIN, RATIO, SHARE], ids=["plain", "ratio", "share"])
@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_the_slope_to_train_by_is_that_of_the_formula(
    batch: tuple[list[int], str], recipe: Recipe, temperature: float
) -> None:
    recipe = replace(recipe, temperature=temperature)
    labels = labels_of(*batch, recipe)
    z = sphere(len(batch[0]), spread=0.3)
    # In float64: sums of float32 are held against numbers that rounding did not touch.
    precise = z.double().requires_grad_()
    expected = batch_loss(precise @ precise.T, labels, recipe)
    expected.backward()

    loss, slope = loss_and_slope(z, labels, recipe)

    assert float(loss) == pytest.approx(expected.item(), rel=1e-4, abs=1e-4)
    assert precise.grad is not None
    off = (slope - precise.grad).abs().max() / max(precise.grad.abs().max().item(), 1.0)
    assert float(off) < 1e-4


@pytest.mark.parametrize("recipe", [PLAIN, RATIO, SHARE], ids=["plain", "ratio", "share"])
def test_a_batch_as_far_apart_as_it_can_be_has_a_finite_slope_at_the_least_temperature(
    recipe: Recipe,
) -> None:
    # Modalities at opposite poles: a match's other half is as dissimilar as can be, and all else is alike.
    recipe = replace(recipe, temperature=LEAST_TEMPERATURE)
    pole = torch.tensor([0.0, 0.0, 1.0])
    z = torch.stack([pole if i % 2 else -pole for i in range(256)])
    labels = labels_of([i // 2 for i in range(256)], "ti" * 128, recipe)

    loss, slope = loss_and_slope(z, labels, recipe)

    assert math.isfinite(loss)
    assert slope.isfinite().all()
