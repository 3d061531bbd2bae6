"""Training maps by gradient descent: the paper's adapters, and our residual maps.

Losses are in ``losses``; ``recipes`` decides what is trained on which items. Gradients are derived by hand,
since autograd would keep and mask copies of the similarity matrix; tests compare them with autograd on the
formulas.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.adapters import Recipe, Weights
from qualia_assets.method.losses import (
    info_nce,
    info_nce_gradients,
    ratio_balance,
    ratio_balance_gradients,
    share_balance,
    share_balance_gradients,
)
from qualia_assets.method.neighbours import Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

PATIENCE = 5
MIN_TEMPERATURE = 0.04
"""From here on sums of exp(cosine / tau), their inverses and products fit in float32: e^(3 / 0.04) < e^88."""


def train(
    vectors: Floats,
    modality: NDArray[np.str_],
    match: Ints,
    recipe: Recipe,
    threads: int = 1,
    on_batch: "Callable[[Tensor, Tensor, Tensor], None] | None" = None,
) -> Weights:
    """Train one of the paper's adapters: InfoNCE over matched clusters, and a weighted balance term.

    Args:
        vectors: shape (n, d), unit, of training matches only.
        modality: shape (n,).
        match: shape (n,); all items of a match, of either modality, are positives of one another.
        recipe: the architecture, loss and optimiser.
        threads: of torch, on which the last digits of the result depend.
        on_batch: called with the items of every batch, their outputs, shape (batch, d), and the loss.

    Returns:
        The weights by name, float32.
    """
    import torch

    torch.set_num_threads(threads)
    trainer = _Trainer.of(_module(recipe, vectors.shape[1]), recipe)
    x, labels = torch.from_numpy(vectors), BatchLabels.of(modality, match, recipe)

    def gradient_at(z: "Tensor", batch: "Tensor") -> "Tensor":
        loss, gradient = loss_and_gradient(z, labels[batch], recipe)
        if on_batch:
            on_batch(batch, z, loss)
        return gradient

    for batches in _epochs(len(x), recipe):
        for batch in batches:
            trainer.step(x, batch, gradient_at)
    return trainer.weights()


@dataclass(frozen=True)
class BatchLabels:
    """Modality and match of n items, and the relation of each item to each group.

    A group is one modality of one match. ``member``, shape (n, groups), is 1 where the item is in the group.
    ``relation``, shape (n, 4, groups), is 1 where the group has the item's match and modality, its match
    only, its modality only, or neither.
    """

    is_text: "Tensor"
    match: "Tensor"
    member: "Tensor"
    relation: "Tensor"

    @classmethod
    def of(cls, modality: NDArray[np.str_], match: Ints, recipe: Recipe) -> "BatchLabels":
        """Build labels from shape (n,) each; modalities are distinguished only for a balance term."""
        import torch

        is_text = torch.from_numpy((modality == "text") & bool(recipe.balance_weight))
        c = torch.from_numpy(match)
        groups = torch.unique(2 * c + is_text)
        same, alike = c[:, None] == groups // 2, is_text[:, None] == groups % 2
        relation = torch.stack([same & alike, same & ~alike, ~same & alike, ~same & ~alike], dim=1).float()
        return cls(is_text, c, relation[:, 0].contiguous(), relation)

    def __getitem__(self, items: "Tensor") -> "BatchLabels":
        tensors = (self.is_text, self.match, self.member, self.relation)
        return BatchLabels(*(tensor.index_select(0, items) for tensor in tensors))


def loss_and_gradient(z: "Tensor", labels: BatchLabels, recipe: Recipe) -> "tuple[Tensor, Tensor]":
    """Compute the loss of a batch and its gradient by the vectors.

    The losses depend on similarities through four sums per anchor, one for each relation. Forward and
    backward, the sums are products of the matrix of exponentials with one-hot columns.

    Args:
        z: shape (n, d), unit.
        labels: of the n items.
        recipe: temperature and balance term.

    Returns:
        The loss, a scalar, and its gradient, shape (n, d).
    """
    import torch

    tau = recipe.temperature
    if tau < MIN_TEMPERATURE:
        return _by_autograd(z, labels, recipe)
    e = _cosines(z).mul_(1 / tau).exp_().fill_diagonal_(0)
    in_groups = e @ labels.member
    sums = torch.bmm(labels.relation, in_groups[:, :, None])[:, :, 0]
    both, match_only, modality_only, neither = sums.unbind(1)
    loss, pull, push = info_nce_gradients(both + match_only, modality_only + neither)
    gradients = torch.stack([pull, pull, push, push], dim=1)
    if weight := recipe.balance_weight:
        if recipe.balance_term == "ratio":
            term, same, other = ratio_balance_gradients(both + modality_only, match_only + neither)
            gradients += weight * torch.stack([same, other, same, other], dim=1)
        else:
            items = labels.relation @ labels.member.sum(dim=0)
            mine, theirs = items[:, 0] - 1, items[:, 1]
            term, same, other = share_balance_gradients(both, match_only, mine / (mine + theirs).clamp_min(1))
            gradients[:, :2] += weight * torch.stack([same, other], dim=1)
        loss = loss + weight * term
    to_groups = (labels.relation * gradients[:, :, None]).sum(dim=1) / tau
    # Similarities are symmetric: the gradients and their transpose are added within one product.
    joined = torch.cat([to_groups, labels.member], dim=1) @ torch.cat([labels.member, to_groups], dim=1).T
    return loss, e.mul_(joined) @ z


def _cosines(z: "Tensor") -> "Tensor":
    """Compute ``z @ z.T``, a quarter of it copied from across the diagonal."""
    import torch

    half = len(z) // 2
    out = z.new_empty(len(z), len(z))
    torch.mm(z[:half], z.T, out=out[:half])
    torch.mm(z[half:], z[half:].T, out=out[half:, half:])
    out[half:, :half] = out[:half, half:].T
    return out


def _by_autograd(z: "Tensor", labels: BatchLabels, recipe: Recipe) -> "tuple[Tensor, Tensor]":
    import torch

    with torch.enable_grad():
        z = z.detach().requires_grad_()
        loss = batch_loss(z @ z.T, labels, recipe)
        return loss.detach(), torch.autograd.grad(loss, z)[0]


def batch_loss(similarity: "Tensor", labels: BatchLabels, recipe: Recipe) -> "Tensor":
    """Compute the loss of a batch by the formulas of ``losses``.

    Args:
        similarity: shape (n, n), cosines.
        labels: of the n items.
        recipe: temperature and balance term.

    Returns:
        A scalar.
    """
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
    evaluate: Callable[[Weights], float | None],
    threads: int = 1,
) -> Weights:
    """Train a residual map ``z + W z`` by InfoNCE, and keep the best epoch.

    W starts at zero, so the first candidate is the identity. Training stops after ``PATIENCE`` epochs without
    improvement.

    Args:
        vectors: shape (n, d), unit, of training matches only.
        modality: shape (n,).
        match: shape (n,).
        recipe: temperature, epochs, batches and optimiser.
        evaluate: a metric of weights on items that are not trained on, higher is better.
        threads: of torch.

    Returns:
        The weights by name, float32.
    """
    import torch

    torch.set_num_threads(threads)
    dimensions = vectors.shape[1]
    model = torch.nn.Linear(dimensions, dimensions, bias=False)
    torch.nn.init.zeros_(model.weight)
    trainer = _Trainer.of(model, recipe, residual=True)
    x, labels = torch.from_numpy(vectors), BatchLabels.of(modality, match, recipe)
    kept = trainer.weights()
    best, waited = evaluate(kept) or 0.0, 0
    for batches in _epochs(len(x), recipe):
        for batch in batches:
            trainer.step(x, batch, lambda z, batch: loss_and_gradient(z, labels[batch], recipe)[1])
        value = evaluate(trainer.weights()) or 0.0
        if value > best:
            kept, best, waited = trainer.weights(), value, 0
        elif (waited := waited + 1) >= PATIENCE:
            break
    return kept


def fit_residual_mlp(vectors: Floats, targets: Floats, recipe: Recipe, threads: int = 1) -> Weights:
    """Fit ``z + f(z)`` to targets by squared error, f two layers that start at zero output.

    Args:
        vectors: shape (n, d), unit.
        targets: shape (n, d), unit.
        recipe: width, epochs, batches and optimiser.
        threads: of torch.

    Returns:
        The weights by name, float32.
    """
    import torch

    torch.set_num_threads(threads)
    model = _module(recipe, vectors.shape[1])
    torch.nn.init.zeros_(model[2].weight)
    torch.nn.init.zeros_(model[2].bias)
    trainer = _Trainer.of(model, recipe, residual=True)
    x, y = torch.from_numpy(vectors), torch.from_numpy(targets)
    for batches in _epochs(len(x), recipe):
        for batch in batches:
            # On the sphere half the squared error is 1 - z . y, whose gradient is -y.
            trainer.step(x, batch, lambda z, batch: y.index_select(0, batch) / -len(z))
    return trainer.weights()


def _epochs(items: int, recipe: Recipe) -> "Iterator[tuple[Tensor, ...]]":
    """Yield the batches of each epoch, as positions of items; the same for all recipes with one seed."""
    import torch

    generator = torch.Generator().manual_seed(recipe.seed)
    for _ in range(recipe.epochs):
        yield torch.randperm(items, generator=generator).split(recipe.batch_size)


@dataclass(frozen=True)
class _Trainer:
    """Linear layers with ReLU in between, whose output is scaled to unit length, and their optimiser.

    ``residual``: the output is added to the input first.
    """

    module: "nn.Module"
    layers: "list[nn.Linear]"
    optimiser: "Optimizer"
    residual: bool

    @classmethod
    def of(cls, module: "nn.Module", recipe: Recipe, residual: bool = False) -> "_Trainer":
        import torch

        for parameter in module.parameters():
            parameter.grad = torch.zeros_like(parameter)
        layers = [layer for layer in module.modules() if isinstance(layer, torch.nn.Linear)]
        optimiser = torch.optim.AdamW(
            module.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        return cls(module, layers, optimiser, residual)

    def step(self, x: "Tensor", batch: "Tensor", gradient_at: "Callable[[Tensor, Tensor], Tensor]") -> None:
        """Take one optimiser step on a batch.

        Args:
            x: shape (n, d), all items.
            batch: the positions of its items.
            gradient_at: maps their outputs, unit, and ``batch`` to the gradient of the loss by the outputs.
        """
        import torch
        from torch.nn.functional import linear

        with torch.no_grad():
            # index_select takes a quarter of the time of x[batch].
            inputs = [x.index_select(0, batch)]
            for layer in self.layers[:-1]:
                inputs.append(linear(inputs[-1], layer.weight, layer.bias).clamp_min_(0))
            out = linear(inputs[-1], self.layers[-1].weight, self.layers[-1].bias)
            if self.residual:
                out += inputs[0]
            length = torch.linalg.vector_norm(out, dim=1, keepdim=True).clamp_min_(1e-12)
            z = out.div_(length)
            gradient = gradient_at(z, batch)
            # The component along z would only change the length.
            gradient = gradient.addcmul_(z, (z * gradient).sum(dim=1, keepdim=True), value=-1).div_(length)
            for layer, given in zip(self.layers[::-1], inputs[::-1], strict=True):
                torch.mm(gradient.T, given, out=layer.weight.grad)
                if layer.bias is not None:
                    torch.sum(gradient, dim=0, out=layer.bias.grad)
                if layer is not self.layers[0]:
                    # The sign of ReLU's output is its derivative.
                    gradient = (gradient @ layer.weight).mul_(given.sign_())
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
