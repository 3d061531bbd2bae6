"""Adapters: small maps on top of frozen embeddings, trained on matched clusters.

Belongs here: the shapes of adapters, training, applying, and choosing between trained ones.
Losses are in ``losses``, how well an adapter does is for ``metrics``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from qualia_assets.method.losses import info_nce
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, Ints

if TYPE_CHECKING:
    from torch import nn

Architecture = Literal["identity", "linear", "mlp"]
Weights = dict[str, Floats]


@dataclass(frozen=True)
class Recipe:
    """Everything that, with the data, decides what an adapter becomes."""

    arch: Architecture
    temperature: float
    seed: int
    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    balance_weight: float = 0.0

    @property
    def config_id(self) -> str:
        """A readable name that no other configuration of one grid has."""
        if self.arch == "identity":
            return "identity"
        return f"{self.arch}-t{self.temperature:g}-b{self.balance_weight:g}-s{self.seed}"


def train(vectors: Floats, match: Ints, recipe: Recipe, threads: int = 1) -> Weights:
    """Train an adapter with the paper's InfoNCE; positives share the anchor's match.

    Args:
        vectors: shape (n, d), unit, of the training matches only.
        match: shape (n,), the match of each; both modalities of a match are positives of each other.
        recipe: what to train and how. ``identity`` has nothing to train.
        threads: of torch; the result does not depend on the machine being busy, only on this.

    Returns:
        The weights by name, as float32 arrays; empty for ``identity``.
    """
    if recipe.arch == "identity":
        return {}
    import torch

    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = _module(recipe.arch, vectors.shape[1], recipe.hidden)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    x, c = torch.from_numpy(vectors), torch.from_numpy(match)
    for _ in range(recipe.epochs):
        order = torch.randperm(len(x), generator=generator)
        for batch in order.split(recipe.batch_size):
            z = torch.nn.functional.normalize(model(x[batch]), dim=1)
            same = c[batch, None] == c[None, batch]
            others = ~torch.eye(len(batch), dtype=torch.bool)
            loss = info_nce(z @ z.T, same & others, ~same, recipe.temperature)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def apply(vectors: Floats, weights: Weights) -> Floats:
    """Send unit vectors, shape (n, d), through an adapter; what comes back has unit length.

    Empty weights are the identity: the vectors come back as they are.
    """
    if not weights:
        return vectors
    # Rounded once, at the end: an item comes out the same whatever other items go through with it.
    x = vectors.astype(np.float64)
    if "0.weight" in weights:
        hidden = np.maximum(x @ weights["0.weight"].T + weights["0.bias"], 0)
        return unit(hidden @ weights["2.weight"].T + weights["2.bias"])
    return unit(x @ weights["weight"].T + weights["bias"])


def _module(arch: Architecture, dimensions: int, hidden: int) -> "nn.Module":
    from torch import nn

    if arch == "linear":
        return nn.Linear(dimensions, dimensions)
    return nn.Sequential(nn.Linear(dimensions, hidden), nn.ReLU(), nn.Linear(hidden, dimensions))


@dataclass(frozen=True)
class Candidate:
    """How an adapter did on the validation matches; None where there were none to judge it on."""

    config_id: str
    coherence: float | None
    abs_bias: float | None
    cross_modal_r_precision: float | None


def select(candidates: Sequence[Candidate]) -> str:
    """The configuration with the best cross-modal R-precision on validation.

    Identity wins ties and wins where nothing could be judged, so what is selected is never worse
    on the validation matches than doing nothing.

    Args:
        candidates: ``identity`` must be among them.
    """
    best = next(c for c in candidates if c.config_id == "identity")
    for candidate in candidates:
        if (candidate.cross_modal_r_precision or 0.0) > (best.cross_modal_r_precision or 0.0):
            best = candidate
    return best.config_id


def pareto_front(candidates: Sequence[Candidate]) -> set[str]:
    """Configurations that none beats on both coherence (higher) and |bias| (lower): the paper's Fig. 5."""
    judged = [
        (c.config_id, c.coherence, c.abs_bias)
        for c in candidates
        if c.coherence is not None and c.abs_bias is not None
    ]
    return {
        name
        for name, coherence, bias in judged
        if not any(
            better >= coherence and less <= bias and (better, less) != (coherence, bias)
            for _, better, less in judged
        )
    }
