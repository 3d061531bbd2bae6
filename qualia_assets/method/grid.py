"""A grid of adapters: each fitted on the items it may see and evaluated on the validation matches."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qualia_assets.method.adapters import Candidate, Recipe, Weights, apply
from qualia_assets.method.calibration import Calibration
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.metrics import Points
from qualia_assets.method.neighbours import Floats, Mask
from qualia_assets.method.recipes import fit
from qualia_assets.method.retrieval import fit_on_matches
from qualia_assets.method.scorecard import Protocol, selection_metrics


@dataclass(frozen=True)
class TrainedAdapter:
    """A fitted configuration, its validation metrics and calibration; fitting took ``seconds``."""

    recipe: Recipe
    weights: Weights
    candidate: Candidate
    calibration: Calibration
    seconds: float


def train_grid(
    corpus: Corpus, recipes: Sequence[Recipe], protocol: Protocol, threads: int
) -> Iterator[TrainedAdapter]:
    """Fit every configuration in turn.

    Calibration offsets are fitted on the items of training and validation matches.

    Args:
        corpus: the items and their splits.
        recipes: the configurations.
        protocol: how metrics are computed.
        threads: of torch.

    Yields:
        Each configuration that the corpus suffices for, ``identity`` always; without metrics where there are
        fewer than two validation matches.
    """
    evaluable = len(corpus.points("val").matches) >= 2
    rows = np.isin(corpus.split, ("train", "val"))
    modality, match, split = corpus.modality[rows], corpus.match[rows], corpus.split[rows]
    for recipe in recipes:
        started = time.perf_counter()
        weights = fit(corpus, recipe, threads)
        seconds = time.perf_counter() - started
        if weights is None:
            continue
        adapted = Points(_adapt(corpus, recipe, weights, rows), modality, match)
        values = (
            selection_metrics(adapted.subset(split == "val"), protocol) if evaluable else (None, None, None)
        )
        calibration = fit_on_matches(adapted, protocol.k)
        yield TrainedAdapter(recipe, weights, Candidate(recipe.config_id, *values), calibration, seconds)


def _adapt(corpus: Corpus, recipe: Recipe, weights: Weights, rows: Mask) -> Floats:
    """Apply an adapter to some of the items; a transductive one must see the others too."""
    if recipe.kind == "transductive":
        return apply(corpus.vectors, corpus.modality, weights, corpus.lexicon)[rows]
    return apply(corpus.vectors[rows], corpus.modality[rows], weights, corpus.lexicon)
