"""Training maps by gradient: the paper's adapters, and residual maps of ours.

Losses are in ``losses``; which recipe trains what on which items is in ``recipes``. Gradients are written
out: the matrix products are then all there is to pay for, where autograd keeps and masks copies of the
matrix of similarities. Tests hold them against autograd on the formulas.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.adapters import Recipe, Weights
from qualia_assets.method.losses import (
    info_nce,
    info_nce_slopes,
    ratio_balance,
    ratio_balance_slopes,
    share_balance,
    share_balance_slopes,
)
from qualia_assets.method.neighbours import Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

PATIENCE = 5
LEAST_TEMPERATURE = 0.04
"""Above it sums of exp(cosine / tau), their inverses and products fit in float32: e^(3 / 0.04) < e^88."""


def train(
    vectors: Floats,
    modality: NDArray[np.str_],
    match: Ints,
    recipe: Recipe,
    threads: int = 1,
    told: "Callable[[Tensor, Tensor, Tensor], None] | None" = None,
) -> Weights:
    """Train one of the paper's adapters: InfoNCE over matched clusters, and a weighted balance term.

    Args:
        vectors: shape (n, d), unit, of the training matches only.
        modality: shape (n,).
        match: shape (n,), the match of each; both modalities of a match are positives of each other.
        recipe: what to train and how.
        threads: of torch; the result does not depend on the machine being busy, only on this.
        told: is given the items of every batch, where they are, shape (n, d), and the loss there.

    Returns:
        The weights by name, as float32 arrays.
    """
    import torch

    torch.set_num_threads(threads)
    descent = _Descent.of(_module(recipe, vectors.shape[1]), recipe)
    x, labels = torch.from_numpy(vectors), Labels.of(modality, match, recipe)

    def slope(z: "Tensor", batch: "Tensor") -> "Tensor":
        loss, down = loss_and_slope(z, labels[batch], recipe)
        if told:
            told(batch, z, loss)
        return down

    for batches in _epochs(len(x), recipe):
        for batch in batches:
            descent.step(x, batch, slope)
    return descent.weights()


@dataclass(frozen=True)
class Labels:
    """Modality and match of n items, and who is whose kin.

    A group is one modality of one match. ``member``, shape (n, groups), is 1 where the item is of the
    group; ``kin``, shape (n, 4, groups), is 1 where the group is, to the item, of the same match and
    modality, of its match only, of its modality only, of neither.
    """

    is_text: "Tensor"
    match: "Tensor"
    member: "Tensor"
    kin: "Tensor"

    @classmethod
    def of(cls, modality: NDArray[np.str_], match: Ints, recipe: Recipe) -> "Labels":
        """Modalities are told apart only where the recipe has something to balance."""
        import torch

        is_text = torch.from_numpy((modality == "text") & bool(recipe.balance_weight))
        c = torch.from_numpy(match)
        groups = torch.unique(2 * c + is_text)
        same, alike = c[:, None] == groups // 2, is_text[:, None] == groups % 2
        kin = torch.stack([same & alike, same & ~alike, ~same & alike, ~same & ~alike], dim=1).float()
        return cls(is_text, c, kin[:, 0].contiguous(), kin)

    def __getitem__(self, items: "Tensor") -> "Labels":
        parts = (self.is_text, self.match, self.member, self.kin)
        return Labels(*(part.index_select(0, items) for part in parts))


def loss_and_slope(z: "Tensor", labels: Labels, recipe: Recipe) -> "tuple[Tensor, Tensor]":
    """The loss of a batch of unit vectors, shape (n, d), and its derivative by them, of that shape.

    What of a loss depends on similarities are four sums an anchor, one for each kind of kin. The sums are
    products of the matrix of exponentials with one-hot columns, and so is the way back.
    """
    import torch

    tau = recipe.temperature
    if tau < LEAST_TEMPERATURE:
        return _by_autograd(z, labels, recipe)
    e = _cosines(z).mul_(1 / tau).exp_().fill_diagonal_(0)
    in_groups = e @ labels.member
    both, match_only, modality_only, neither = torch.bmm(labels.kin, in_groups[:, :, None])[:, :, 0].unbind(1)
    loss, pull, push = info_nce_slopes(both + match_only, modality_only + neither)
    slopes = torch.stack([pull, pull, push, push], dim=1)
    if weight := recipe.balance_weight:
        if recipe.balance_term == "ratio":
            term, same, other = ratio_balance_slopes(both + modality_only, match_only + neither)
            slopes += weight * torch.stack([same, other, same, other], dim=1)
        else:
            items = labels.kin @ labels.member.sum(dim=0)
            mine, theirs = items[:, 0] - 1, items[:, 1]
            term, same, other = share_balance_slopes(both, match_only, mine / (mine + theirs).clamp_min(1))
            slopes[:, :2] += weight * torch.stack([same, other], dim=1)
        loss = loss + weight * term
    to_groups = (labels.kin * slopes[:, :, None]).sum(dim=1) / tau
    # A similarity is its two items' alike: slopes and their transpose are added within one product.
    joined = torch.cat([to_groups, labels.member], dim=1) @ torch.cat([labels.member, to_groups], dim=1).T
    return loss, e.mul_(joined) @ z


def _cosines(z: "Tensor") -> "Tensor":
    """``z @ z.T``, a quarter of it copied from the other side of the diagonal."""
    import torch

    half = len(z) // 2
    out = z.new_empty(len(z), len(z))
    torch.mm(z[:half], z.T, out=out[:half])
    torch.mm(z[half:], z[half:].T, out=out[half:, half:])
    out[half:, :half] = out[:half, half:].T
    return out


def _by_autograd(z: "Tensor", labels: Labels, recipe: Recipe) -> "tuple[Tensor, Tensor]":
    import torch

    with torch.enable_grad():
        z = z.detach().requires_grad_()
        loss = batch_loss(z @ z.T, labels, recipe)
        return loss.detach(), torch.autograd.grad(loss, z)[0]


def batch_loss(similarity: "Tensor", labels: Labels, recipe: Recipe) -> "Tensor":
    """The loss of a batch by the formulas of ``losses``; ``similarity`` has shape (n, n)."""
    import torch

    same = labels.match[:, None] == labels.match
    others = ~torch.eye(len(similarity), dtype=torch.bool)
    loss = info_nce(similarity, same & others, ~same, recipe.temperature)
    if recipe.balance_weight:
        alike = labels.is_text[:, None] == labels.is_text
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
    dimensions = vectors.shape[1]
    model = torch.nn.Linear(dimensions, dimensions, bias=False)
    torch.nn.init.zeros_(model.weight)
    descent = _Descent.of(model, recipe, residual=True)
    x, labels = torch.from_numpy(vectors), Labels.of(modality, match, recipe)
    kept = descent.weights()
    best, waited = judged(kept) or 0.0, 0
    for batches in _epochs(len(x), recipe):
        for batch in batches:
            descent.step(x, batch, lambda z, batch: loss_and_slope(z, labels[batch], recipe)[1])
        figure = judged(descent.weights()) or 0.0
        if figure > best:
            kept, best, waited = descent.weights(), figure, 0
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
    model = _module(recipe, vectors.shape[1])
    torch.nn.init.zeros_(model[2].weight)
    torch.nn.init.zeros_(model[2].bias)
    descent = _Descent.of(model, recipe, residual=True)
    x, y = torch.from_numpy(vectors), torch.from_numpy(targets)
    for batches in _epochs(len(x), recipe):
        for batch in batches:
            # On the sphere half a squared error is 1 - z . y, of which -y is the slope.
            descent.step(x, batch, lambda z, batch: y.index_select(0, batch) / -len(z))
    return descent.weights()


def _epochs(items: int, recipe: Recipe) -> "Iterator[tuple[Tensor, ...]]":
    """The items of each batch, epoch after epoch; the same for every recipe of one seed."""
    import torch

    generator = torch.Generator().manual_seed(recipe.seed)
    for _ in range(recipe.epochs):
        yield torch.randperm(items, generator=generator).split(recipe.batch_size)


@dataclass(frozen=True)
class _Descent:
    """Linear layers with ReLU between them, which send items to the sphere, and their optimiser.

    ``residual``: what comes out is added to what went in.
    """

    module: "nn.Module"
    layers: "list[nn.Linear]"
    optimiser: "Optimizer"
    residual: bool

    @classmethod
    def of(cls, module: "nn.Module", recipe: Recipe, residual: bool = False) -> "_Descent":
        import torch

        for parameter in module.parameters():
            parameter.grad = torch.zeros_like(parameter)
        layers = [layer for layer in module.modules() if isinstance(layer, torch.nn.Linear)]
        optimiser = torch.optim.AdamW(
            module.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        return cls(module, layers, optimiser, residual)

    def step(self, x: "Tensor", batch: "Tensor", slope_at: "Callable[[Tensor, Tensor], Tensor]") -> None:
        """Take one step by the items of a batch.

        Args:
            x: all items, shape (n, d).
            batch: which of them.
            slope_at: given where they are sent, unit vectors, and ``batch``, the slope of the loss there.
        """
        import torch
        from torch.nn.functional import linear

        with torch.no_grad():
            # index_select and not x[batch], which takes four times as long.
            inputs = [x.index_select(0, batch)]
            for layer in self.layers[:-1]:
                inputs.append(linear(inputs[-1], layer.weight, layer.bias).clamp_min_(0))
            out = linear(inputs[-1], self.layers[-1].weight, self.layers[-1].bias)
            if self.residual:
                out += inputs[0]
            length = torch.linalg.vector_norm(out, dim=1, keepdim=True).clamp_min_(1e-12)
            z = out.div_(length)
            slope = slope_at(z, batch)
            # The part of it along z would change the length alone.
            slope = slope.addcmul_(z, (z * slope).sum(dim=1, keepdim=True), value=-1).div_(length)
            for layer, entered in zip(self.layers[::-1], inputs[::-1], strict=True):
                torch.mm(slope.T, entered, out=layer.weight.grad)
                if layer.bias is not None:
                    torch.sum(slope, dim=0, out=layer.bias.grad)
                if layer is not self.layers[0]:
                    # What ReLU let through is above 0, so that its sign is ReLU's slope.
                    slope = (slope @ layer.weight).mul_(entered.sign_())
            self.optimiser.step()

    def weights(self) -> Weights:
        weights = {f"map.{name}": value.numpy().copy() for name, value in self.module.state_dict().items()}
        return {**weights, "map.residual": np.ones(1, dtype=np.float32)} if self.residual else weights


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
