"""The paper's InfoNCE against its formula as a double loop, and gradients against autograd."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from qualia_assets.method.adapters import Recipe
from qualia_assets.method.losses import info_nce
from qualia_assets.method.training import MIN_TEMPERATURE, BatchLabels, batch_loss, loss_and_gradient


def relations(match: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Positives share the anchor's match and are not the anchor; everything of another match is negative."""
    m = torch.tensor(match)
    same = m[:, None] == m[None, :]
    return same & ~torch.eye(len(match), dtype=torch.bool), ~same


# In the last batch item 4 is alone in its match: no anchor, but a negative of the others.
@pytest.mark.parametrize("match", [[0, 0, 1, 1, 1, 2, 2], [0, 0, 1, 1, 2]])
@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.2])
def test_the_loss_is_the_papers_double_sum(match: list[int], temperature: float) -> None:
    n = len(match)
    similarity = torch.rand(n, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1

    loss = info_nce(similarity, *relations(match), temperature)

    terms = []
    for q in range(n):
        weight = [math.exp(value / temperature) for value in similarity[q].tolist()]
        positive = sum(weight[x] for x in range(n) if x != q and match[x] == match[q])
        negative = sum(weight[x] for x in range(n) if match[x] != match[q])
        if positive:
            terms.append(math.log(negative / positive))
    assert float(loss) == pytest.approx(sum(terms) / len(terms))


@pytest.mark.parametrize("match", [[0, 0, 0], [0, 1, 2], [0]])
def test_without_positives_or_negatives_loss_and_gradient_are_zero(match: list[int]) -> None:
    similarity = torch.ones(len(match), len(match), requires_grad=True)

    loss = info_nce(similarity, *relations(match), 0.1)
    loss.backward()

    assert loss.item() == 0.0
    assert not similarity.grad.any()


def test_a_small_temperature_does_not_overflow() -> None:
    opposite = torch.tensor([[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])

    assert float(info_nce(opposite, *relations([0, 0, 1]), 0.001)) == pytest.approx(-2000.0)


RECIPES = {
    "plain": Recipe(),
    "ratio": Recipe(balance_weight=3.0, balance_term="ratio"),
    "share": Recipe(balance_weight=3.0, balance_term="share"),
}
BATCHES = {
    "both modalities in every match": ([0, 0, 0, 1, 1, 1, 2, 2, 2, 2], "titittiiti"),
    "an item alone in its match": ([0, 0, 0, 1, 1, 1, 1, 2, 3, 3], "titittiiti"),
    "a match of one modality": ([0, 0, 0, 0, 1, 1, 1, 1], "ttttitit"),
    "one modality alone": ([0, 0, 1, 1, 1], "ttttt"),
    "nothing but positives": ([0, 0, 0, 0], "titi"),
    "nothing but negatives": ([0, 1, 2, 3], "titi"),
    "one item": ([0], "t"),
}


def labels_of(match: list[int], modalities: str, recipe: Recipe) -> BatchLabels:
    """Labels of items whose modalities are spelled ``ti``: t for text, i for image."""
    modality = np.array([{"t": "text", "i": "image"}[m] for m in modalities])
    return BatchLabels.of(modality, np.array(match), recipe)


@pytest.mark.parametrize("temperature", [MIN_TEMPERATURE / 4, MIN_TEMPERATURE, 0.1, 5.0])
@pytest.mark.parametrize("loss", RECIPES)
@pytest.mark.parametrize("batch", BATCHES)
def test_the_gradient_for_training_is_that_of_the_formula(batch: str, loss: str, temperature: float) -> None:
    recipe = replace(RECIPES[loss], temperature=temperature)
    labels = labels_of(*BATCHES[batch], recipe)
    near_a_pole = torch.randn(len(labels.match), 3, generator=torch.Generator().manual_seed(0)) * 0.3
    z = torch.nn.functional.normalize(near_a_pole + torch.tensor([0.0, 0.0, 0.7]), dim=1)
    # In float64, so that rounding does not touch the expected values.
    precise = z.double().requires_grad_()
    expected = batch_loss(precise @ precise.T, labels, recipe)
    expected.backward()

    value, gradient = loss_and_gradient(z, labels, recipe)

    assert float(value) == pytest.approx(expected.item(), rel=1e-4, abs=1e-4)
    off = (gradient - precise.grad).abs().max() / max(precise.grad.abs().max().item(), 1.0)
    assert float(off) < 1e-4


@pytest.mark.parametrize("loss", RECIPES)
def test_the_most_dissimilar_batch_has_a_finite_gradient_at_the_least_temperature(loss: str) -> None:
    # Modalities at opposite poles: positives are as dissimilar as can be, and half of the negatives equal.
    recipe = replace(RECIPES[loss], temperature=MIN_TEMPERATURE)
    z = torch.tensor([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]).repeat(128, 1)

    value, gradient = loss_and_gradient(
        z, labels_of([i // 2 for i in range(256)], "ti" * 128, recipe), recipe
    )

    assert math.isfinite(value)
    assert gradient.isfinite().all()
