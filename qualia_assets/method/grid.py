"""A grid of adapters: each trained on the training matches, judged on the validation matches."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.adapters import Candidate, Recipe, Weights, apply, train
from qualia_assets.method.metrics import Points
from qualia_assets.method.neighbours import Floats, Ints
from qualia_assets.method.scorecard import Protocol, headline


@dataclass(frozen=True)
class Matched:
    """The items of accepted matches, in order of item id, each with its match's split."""

    vectors: Floats
    modality: NDArray[np.str_]
    match: Ints
    split: NDArray[np.str_]

    def points(self, split: str, weights: Weights | None = None) -> Points:
        """The items of one split, through an adapter where one is given."""
        mine = self.split == split
        return Points(apply(self.vectors[mine], weights or {}), self.modality[mine], self.match[mine])


@dataclass(frozen=True)
class Trained:
    """What came of one configuration."""

    recipe: Recipe
    weights: Weights
    candidate: Candidate
    seconds: float


def train_grid(
    items: Matched, recipes: Sequence[Recipe], protocol: Protocol, threads: int
) -> Iterator[Trained]:
    """Train every configuration, one after the other.

    Where fewer than two training matches are there, there are no negatives: only ``identity`` is
    given back. Where fewer than two validation matches are, nothing is judged.
    """
    training = items.points("train")
    trainable = len(training.matches) >= 2
    judged = len(items.points("val").matches) >= 2
    for recipe in recipes:
        if recipe.arch != "identity" and not trainable:
            continue
        started = time.perf_counter()
        weights = train(training.vectors, training.match, recipe, threads)
        seconds = time.perf_counter() - started
        figures = headline(items.points("val", weights), protocol) if judged else (None, None, None)
        yield Trained(recipe, weights, Candidate(recipe.config_id, *figures), seconds)
