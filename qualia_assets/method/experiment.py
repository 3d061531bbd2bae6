"""Experiments: every recipe on many splits of the same matches, compared with doing nothing.

Belongs here: what is run on one split, running many splits in parallel, and summarising them. The caller
decides on label sources, recipes and splits.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from math import sqrt

import numpy as np

from qualia_assets.method.adapters import IDENTITY, Candidate, Kind, Recipe, Weights, apply, select
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.labelling import Labelling, cluster_all, match_all
from qualia_assets.method.matching import split_matches
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.recipes import fit, mean_cross_modal_r_precision
from qualia_assets.method.retrieval import fit_on_matches
from qualia_assets.method.scorecard import MetricValue, Protocol, evaluate

MIN_MATCHES = 3


@dataclass(frozen=True)
class Trial:
    """The metrics of one configuration on the test matches of one split."""

    config_id: str
    kind: Kind
    metrics: list[MetricValue]
    val_cross_modal: float | None


@dataclass(frozen=True)
class SplitShares:
    """The shares of matches for training and validation; the rest are for testing."""

    train: float = 0.6
    val: float = 0.15


@dataclass(frozen=True)
class Design:
    """What is run on every split."""

    recipes: Sequence[Recipe]
    protocol: Protocol
    shares: SplitShares = field(default_factory=SplitShares)


def run_split(corpus: Corpus, design: Design, seed: int, threads: int = 1) -> Iterator[Trial]:
    """Fit every recipe on one split and evaluate it on the test matches.

    Args:
        corpus: the items and their matches; its splits are replaced.
        design: recipes, ``identity`` among them, protocol and split shares.
        seed: of the split.
        threads: of torch.

    Yields:
        A trial of each recipe that the corpus suffices for, then the selections ``selected:paper``,
        ``selected:inductive`` and ``selected:transductive``, made on validation with ``identity`` among the
        candidates.
    """
    matches = sorted({int(m) for m in corpus.match if m >= 0})
    shares = design.shares
    split = corpus.resplit(dict(split_matches(matches, shares.train, shares.val, seed)))
    protocol = replace(design.protocol, bootstrap_draws=0)
    done: list[tuple[Recipe, Trial]] = []
    for recipe in design.recipes:
        weights = fit(split, recipe, threads)
        if weights is None:
            continue
        trial = _evaluate(split, recipe, weights, protocol)
        done.append((recipe, trial))
        yield trial
    identity = next(t for r, t in done if r == IDENTITY)
    for name, allowed in _selections(done).items():
        trials = [identity, *allowed]
        best = select([Candidate(t.config_id, None, None, t.val_cross_modal) for t in trials])
        yield replace(next(t for t in trials if t.config_id == best), config_id=f"selected:{name}")


def _selections(done: Sequence[tuple[Recipe, Trial]]) -> Mapping[str, list[Trial]]:
    return {
        "paper": [t for r, t in done if r.recipe == "paper"],
        "inductive": [t for r, t in done if r.kind == "inductive" and r != IDENTITY],
        "transductive": [t for r, t in done if r.kind == "transductive"],
    }


def _evaluate(corpus: Corpus, recipe: Recipe, weights: Weights, protocol: Protocol) -> Trial:
    adapted = apply(corpus.vectors, corpus.modality, weights, corpus.lexicon)
    calibration = fit_on_matches(corpus.points(("train", "val"), adapted), protocol.k)
    test = corpus.points("test", adapted)
    metrics = evaluate(test, protocol, calibration) if len(test) else []
    on_validation = mean_cross_modal_r_precision(corpus.points("val", adapted))
    return Trial(recipe.config_id, recipe.kind, metrics, on_validation)


@dataclass(frozen=True)
class FixedLabels:
    """The same labels for every split."""

    items: Corpus

    def corpus(self, seed: int) -> Corpus:
        """Return the labelled items, whatever the seed."""
        return self.items


@dataclass(frozen=True)
class ViewLabels:
    """Clusters and matches from another view of the items, shape (n, d), recomputed for every split.

    Clusterings of one view vary more between seeds than splits of one clustering do.
    """

    items: Corpus
    view: Floats
    how: Labelling

    def corpus(self, seed: int) -> Corpus:
        """Return the items with labels computed with a seed."""
        cluster = cluster_all(self.view, self.items.modality, self.how, seed)
        match = match_all(self.view, self.items.modality, cluster, self.how.threshold)
        return replace(self.items, cluster=cluster, match=match)


LabelSource = FixedLabels | ViewLabels


def run_trials(
    sources: Mapping[str, LabelSource],
    design: Design,
    splits: int,
    processes: int,
    progress: Callable[[int, int], None],
) -> dict[tuple[str, int], list[Trial]]:
    """Run all splits of all label sources, in a pool of processes.

    Args:
        sources: of labels, by name.
        design: what is run on each split.
        splits: per source, with seeds from 0.
        processes: to run at once, with one torch thread each; 1 runs all in this process.
        progress: called with the number of splits done and their total.

    Returns:
        The trials by source and seed, in that order; none for labels with fewer than :data:`MIN_MATCHES`
        matches.
    """
    tasks = [(name, seed) for name in sources for seed in range(splits)]
    progress(0, len(tasks))
    done: dict[tuple[str, int], list[Trial]] = {}
    if processes == 1 or len(tasks) < 2:
        for number, (name, seed) in enumerate(tasks, 1):
            done[name, seed] = _run_labels(sources[name], design, seed)
            progress(number, len(tasks))
        return done
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start_worker, (dict(sources), design)) as pool:
        futures = {pool.submit(_run_in_worker, *task): task for task in tasks}
        for number, future in enumerate(as_completed(futures), 1):
            done[futures[future]] = future.result()
            progress(number, len(tasks))
    return {task: done[task] for task in tasks}


def _run_labels(labels: LabelSource, design: Design, seed: int) -> list[Trial]:
    corpus = labels.corpus(seed)
    if len(set(corpus.match[corpus.match >= 0].tolist())) < MIN_MATCHES:
        return []
    return list(run_split(corpus, design, seed))


_worker: list[tuple[Mapping[str, LabelSource], Design]] = []


def _start_worker(sources: Mapping[str, LabelSource], design: Design) -> None:
    # Corpora are too large to send with every task.
    _worker[:] = [(sources, design)]


def _run_in_worker(name: str, seed: int) -> list[Trial]:
    [(sources, design)] = _worker
    return _run_labels(sources[name], design, seed)


@dataclass(frozen=True)
class Summary:
    """A metric over splits, and its difference from doing nothing on them, with a 95 % interval."""

    mean: float
    std: float
    difference: float
    low: float | None
    high: float | None
    wins: int
    splits: int
    chance: float | None


def summarise(
    values: Mapping[int, float],
    baseline: Mapping[int, float],
    chance: Sequence[float],
    test_by_train: float,
) -> Summary:
    """Summarise a metric over splits, with the paired difference from doing nothing.

    Splits of the same matches overlap, so a plain t interval would be too narrow: the variance is scaled by
    ``1/n + test/train`` instead of ``1/n`` (corrected resampled t-test, Nadeau & Bengio 2003).

    Args:
        values: by split.
        baseline: of doing nothing, by split.
        chance: the metric's value by chance on each split, where it has one.
        test_by_train: the ratio of test to training matches.

    Returns:
        Over the splits that have both; no interval with fewer than two.
    """
    both = sorted(set(values) & set(baseline))
    metric = np.array([values[s] for s in both])
    differences = metric - np.array([baseline[s] for s in both])
    low = high = None
    n = len(both)
    if n >= 2:
        from scipy.stats import t

        half_width = t.ppf(0.975, n - 1) * sqrt((1 / n + test_by_train) * differences.var(ddof=1))
        low, high = float(differences.mean() - half_width), float(differences.mean() + half_width)
    return Summary(
        mean=float(metric.mean()),
        std=float(metric.std()),
        difference=float(differences.mean()),
        low=low,
        high=high,
        wins=int((differences > 0).sum()),
        splits=n,
        chance=float(np.mean(chance)) if len(chance) else None,
    )
