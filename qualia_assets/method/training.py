"""Training maps by gradient: the paper's adapters, and residual maps of ours.

Losses are in ``losses``; which recipe trains what on which items is in ``recipes``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.adapters import Recipe, Weights
from qualia_assets.method.losses import info_nce, ratio_balance, share_balance
from qualia_assets.method.neighbours import Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor, nn

PATIENCE = 5


def train(
    vectors: Floats, modality: NDArray[np.str_], match: Ints, recipe: Recipe, threads: int = 1
) -> Weights:
    """Train one of the paper's adapters: InfoNCE over matched clusters, and a weighted balance term.

    Args:
        vectors: shape (n, d), unit, of the training matches only.
        modality: shape (n,).
        match: shape (n,), the match of each; both modalities of a match are positives of each other.
        recipe: what to train and how.
        threads: of torch; the result does not depend on the machine being busy, only on this.

    Returns:
        The weights by name, as float32 arrays.
    """
    import torch

    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(recipe.seed)
    model = _module(recipe, vectors.shape[1])
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    x, c = torch.from_numpy(vectors), torch.from_numpy(match)
    is_text = torch.from_numpy(modality == "text")
    for _ in range(recipe.epochs):
        order = torch.randperm(len(x), generator=generator)
        for batch in order.split(recipe.batch_size):
            z = torch.nn.functional.normalize(model(x[batch]), dim=1)
            loss = _loss(z, c[batch], is_text[batch], recipe)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
    return _weights(model)


def _loss(z: "Tensor", match: "Tensor", is_text: "Tensor", recipe: Recipe) -> "Tensor":
    import torch

    similarity = z @ z.T
    same = match[:, None] == match
    others = ~torch.eye(len(z), dtype=torch.bool)
    loss = info_nce(similarity, same & others, ~same, recipe.temperature)
    if recipe.balance_weight:
        alike = is_text[:, None] == is_text
        term = (
            ratio_balance(similarity, alike, others, recipe.temperature)
            if recipe.balance_term == "ratio"
            else share_balance(similarity, alike, same & others, recipe.temperature)
        )
        loss = loss + recipe.balance_weight * term
    return loss


def train_residual(
    vectors: Floats,
    modality: NDArray[np.str_],
    match: Ints,
    recipe: Recipe,
    judged: Callable[[Weights], float | None],
    threads: int = 1,
) -> Weights:
    """Train a residual map ``z + W z`` from nothing, and keep the epoch that does best by ``judged``.

    W begins at zero, so that the first candidate is doing nothing. It stops when ``PATIENCE``
    epochs brought nothing better.

    Args:
        vectors: shape (n, d), unit, to train on.
        modality: shape (n,).
        match: shape (n,).
        recipe: temperature, epochs, batches and optimiser.
        judged: a figure of weights, higher is better, on items that are not trained on.
        threads: of torch.
    """
    import torch

    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(recipe.seed)
    dimensions = vectors.shape[1]
    model = torch.nn.Linear(dimensions, dimensions, bias=False)
    torch.nn.init.zeros_(model.weight)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    x, c = torch.from_numpy(vectors), torch.from_numpy(match)
    is_text = torch.from_numpy(modality == "text")
    kept = _residual(model)
    best, waited = judged(kept) or 0.0, 0
    for _ in range(recipe.epochs):
        for batch in torch.randperm(len(x), generator=generator).split(recipe.batch_size):
            z = torch.nn.functional.normalize(x[batch] + model(x[batch]), dim=1)
            loss = _loss(z, c[batch], is_text[batch], recipe)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        figure = judged(_residual(model)) or 0.0
        if figure > best:
            kept, best, waited = _residual(model), figure, 0
        elif (waited := waited + 1) >= PATIENCE:
            break
    return kept


def fit_residual_mlp(vectors: Floats, targets: Floats, recipe: Recipe, threads: int = 1) -> Weights:
    """Fit ``z + f(z)`` to targets by squared error, f two layers that begin at nothing.

    Args:
        vectors: shape (n, d), unit.
        targets: shape (n, d), unit: where each should go.
        recipe: width, epochs, batches and optimiser.
        threads: of torch.
    """
    import torch

    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(recipe.seed)
    model = _module(recipe, vectors.shape[1])
    torch.nn.init.zeros_(model[2].weight)
    torch.nn.init.zeros_(model[2].bias)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    x, y = torch.from_numpy(vectors), torch.from_numpy(targets)
    for _ in range(recipe.epochs):
        for batch in torch.randperm(len(x), generator=generator).split(recipe.batch_size):
            z = torch.nn.functional.normalize(x[batch] + model(x[batch]), dim=1)
            loss = (1 - (z * y[batch]).sum(dim=1)).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
    return {**_weights(model), "map.residual": np.ones(1, dtype=np.float32)}


def _module(recipe: Recipe, dimensions: int) -> "nn.Module":
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        if recipe.arch == "linear":
            return nn.Linear(dimensions, dimensions)
        return nn.Sequential(
            nn.Linear(dimensions, recipe.hidden), nn.ReLU(), nn.Linear(recipe.hidden, dimensions)
        )


def _weights(model: "nn.Module") -> Weights:
    return {f"map.{name}": value.numpy().copy() for name, value in model.state_dict().items()}


def _residual(model: "nn.Module") -> Weights:
    return {**_weights(model), "map.residual": np.ones(1, dtype=np.float32)}
