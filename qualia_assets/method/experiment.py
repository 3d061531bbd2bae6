"""An experiment that can be believed: every recipe on many splits of the same matches, against doing nothing.

Belongs here: what is tried on one split, and what many splits say together. Which labels, recipes and
splits there are is for who asks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from qualia_assets.method.adapters import Candidate, Kind, Recipe, Weights, apply, select
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.matching import split_matches
from qualia_assets.method.recipes import cross_modal, fit
from qualia_assets.method.retrieval import fit_on_matches
from qualia_assets.method.scorecard import Figure, Protocol, score

IDENTITY = "identity"


@dataclass(frozen=True)
class Tried:
    """What one configuration did on the test matches of one split."""

    config_id: str
    kind: Kind
    figures: list[Figure]
    val_cross_modal: float | None


@dataclass(frozen=True)
class Shares:
    """How matches are dealt."""

    train: float = 0.6
    val: float = 0.15


def try_split(
    corpus: Corpus,
    recipes: Sequence[Recipe],
    seed: int,
    protocol: Protocol,
    shares: Shares = Shares(),
    threads: int = 1,
) -> Iterator[Tried]:
    """Fit every recipe on one split and take every figure of the design on its test matches.

    After the recipes come the picks, each judged by what it was on validation only:
    ``selected:paper``, ``selected:inductive`` and ``selected:transductive``, doing nothing always among
    the candidates.
    """
    matches = sorted({int(m) for m in corpus.match if m >= 0})
    dealt = corpus.resplit(dict(split_matches(matches, shares.train, shares.val, seed)))
    quick = replace(protocol, bootstrap_draws=0)
    done: list[tuple[Recipe, Tried]] = []
    for recipe in recipes:
        weights = fit(dealt, recipe, threads)
        if weights is None:
            continue
        tried = _judged(dealt, recipe, weights, quick)
        done.append((recipe, tried))
        yield tried
    nothing = next(t for r, t in done if r.recipe == IDENTITY)
    for pick, allowed in _picks(done).items():
        candidates = [Candidate(t.config_id, None, None, t.val_cross_modal) for t in (nothing, *allowed)]
        best = select(candidates)
        chosen = next(t for t in (nothing, *allowed) if t.config_id == best)
        yield replace(chosen, config_id=f"selected:{pick}")


def _picks(done: Sequence[tuple[Recipe, Tried]]) -> Mapping[str, list[Tried]]:
    return {
        "paper": [t for r, t in done if r.recipe == "paper"],
        "inductive": [t for r, t in done if r.kind == "inductive" and r.recipe != IDENTITY],
        "transductive": [t for r, t in done if r.kind == "transductive"],
    }


def _judged(corpus: Corpus, recipe: Recipe, weights: Weights, protocol: Protocol) -> Tried:
    adapted = apply(corpus.vectors, corpus.modality, weights, corpus.lexicon)
    calibration = fit_on_matches(corpus.points(("train", "val"), adapted), protocol.k)
    test = corpus.points("test", adapted)
    figures = score(test, protocol, calibration) if len(test) else []
    return Tried(recipe.config_id, recipe.kind, figures, cross_modal(corpus.points("val", adapted)))


@dataclass(frozen=True)
class Summary:
    """One figure over splits, and by how much it differs from doing nothing on the same splits."""

    mean: float
    std: float
    difference: float
    low: float | None
    high: float | None
    wins: int
    splits: int
    chance: float | None


def summarise(
    values: Mapping[int, float], nothing: Mapping[int, float], chance: Sequence[float], test_by_train: float
) -> Summary:
    """Mean over splits, and the paired difference to doing nothing with a 95 % interval.

    Splits of the same matches overlap, so that a plain t interval would be too narrow: the variance is
    raised by the share of test to training matches (corrected resampled t, Nadeau & Bengio 2003).

    Args:
        values: by split.
        nothing: of doing nothing, by split.
        chance: of the figure on each split, where there is one.
        test_by_train: test matches by training matches.

    Returns:
        Over the splits that have both figures; no interval with fewer than two.
    """
    both = sorted(set(values) & set(nothing))
    figures = np.array([values[s] for s in both])
    differences = figures - np.array([nothing[s] for s in both])
    low = high = None
    n = len(both)
    if n >= 2:
        from scipy.stats import t

        reach = t.ppf(0.975, n - 1) * sqrt((1 / n + test_by_train) * differences.var(ddof=1))
        low, high = float(differences.mean() - reach), float(differences.mean() + reach)
    return Summary(
        mean=float(figures.mean()),
        std=float(figures.std()),
        difference=float(differences.mean()),
        low=low,
        high=high,
        wins=int((differences > 0).sum()),
        splits=n,
        chance=float(np.mean(chance)) if len(chance) else None,
    )
