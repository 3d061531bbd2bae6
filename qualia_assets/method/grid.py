"""A grid of adapters: each fitted on what it may see, judged on the validation matches."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qualia_assets.method.adapters import Candidate, Recipe, Weights, apply
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.metrics import Points
from qualia_assets.method.neighbours import Floats, Mask
from qualia_assets.method.recipes import fit
from qualia_assets.method.retrieval import Calibration, fit_on_matches
from qualia_assets.method.scorecard import Protocol, headline


@dataclass(frozen=True)
class Trained:
    """What came of one configuration."""

    recipe: Recipe
    weights: Weights
    candidate: Candidate
    calibration: Calibration
    seconds: float


def train_grid(
    corpus: Corpus, recipes: Sequence[Recipe], protocol: Protocol, threads: int
) -> Iterator[Trained]:
    """Fit every configuration, one after the other.

    A configuration that the corpus has too little for is left out; ``identity`` never is. Where fewer
    than two validation matches are, nothing is judged. Offsets of the calibration are fitted on the
    items of training and validation matches.
    """
    judged = len(corpus.points("val").matches) >= 2
    rows = np.isin(corpus.split, ("train", "val"))
    modality, match, split = corpus.modality[rows], corpus.match[rows], corpus.split[rows]
    for recipe in recipes:
        started = time.perf_counter()
        weights = fit(corpus, recipe, threads)
        seconds = time.perf_counter() - started
        if weights is None:
            continue
        adapted = Points(_moved(corpus, recipe, weights, rows), modality, match)
        figures = headline(adapted.subset(split == "val"), protocol) if judged else (None, None, None)
        calibration = fit_on_matches(adapted, protocol.k)
        yield Trained(recipe, weights, Candidate(recipe.config_id, *figures), calibration, seconds)


def _moved(corpus: Corpus, recipe: Recipe, weights: Weights, rows: Mask) -> Floats:
    """Where an adapter sends some of the items; a transductive one must be shown the others too."""
    if recipe.kind == "transductive":
        return apply(corpus.vectors, corpus.modality, weights, corpus.lexicon)[rows]
    return apply(corpus.vectors[rows], corpus.modality[rows], weights, corpus.lexicon)
