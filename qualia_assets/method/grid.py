"""A grid of adapters: each fitted on what it may see, judged on the validation matches."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qualia_assets.method.adapters import Candidate, Recipe, Weights, apply
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.recipes import fit
from qualia_assets.method.retrieval import Calibration, fit_calibration
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
    for recipe in recipes:
        started = time.perf_counter()
        weights = fit(corpus, recipe, threads)
        seconds = time.perf_counter() - started
        if weights is None:
            continue
        adapted = apply(corpus.vectors, corpus.modality, weights, corpus.lexicon)
        figures = headline(corpus.points("val", adapted), protocol) if judged else (None, None, None)
        fitted_on = corpus.points(("train", "val"), adapted)
        calibration = fit_calibration(fitted_on.vectors, fitted_on.modality, protocol.k)
        yield Trained(recipe, weights, Candidate(recipe.config_id, *figures), calibration, seconds)
