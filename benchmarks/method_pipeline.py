"""The method from embeddings to metrics: ours against the plain notebook way, by CPU and by quality.

2,000 + 2,000 planted items (``planted``), three seeds, both sides on one thread in this process, each
warmed by a small run of its own, taken in turns. Both do the same: 10 dimensions to cluster in and 2 to
look at for either modality, clusters, matches, split, the paper's six adapters, judged on validation,
every figure of the design on test with its interval. Ours: ``qualia_assets.method`` with the settings'
defaults, which also fits the calibration of queries. The other: ``notebook``. Quality is the adjusted
Rand index against the planted themes over the items that have one, items called noise counted as one
cluster more. That both take the same figures is checked, outside the timing, on the same vectors.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import adjusted_rand_score

from benchmarks import notebook
from benchmarks.notebook import Judging, Training
from benchmarks.planted import MODALITIES, NOWHERE, Floats, Ints, Planted, planted
from benchmarks.report import Line, Report
from benchmarks.timing import Stopwatch
from qualia_assets.method import scorecard
from qualia_assets.method.adapters import Recipe, apply
from qualia_assets.method.clustering import NOISE, default_min_cluster_size, hdbscan_clusters
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.grid import train_grid
from qualia_assets.method.matching import centroids, hungarian, split_matches
from qualia_assets.method.metrics import Points
from qualia_assets.method.neighbours import nearest
from qualia_assets.method.projection import umap_project
from qualia_assets.settings import Settings

SEEDS = (0, 1, 2)
LEAST_RATIO = 2.0
MOST_BELOW = 0.05
CLUSTERING, MAP = "UMAP to cluster in", "UMAP to look at"
STAGES = ("neighbours", CLUSTERING, MAP, "HDBSCAN", "matching and split", "training", "metrics")


@dataclass(frozen=True)
class Settled:
    """The settings' defaults, whatever lies in this machine's qualia.toml."""

    clustering = Settings.model_fields["clustering"].default
    matching = Settings.model_fields["matching"].default
    adapters = Settings.model_fields["adapters"].default
    measuring = Settings.model_fields["measuring"].default


def run(quick: bool) -> Report:
    torch.set_num_threads(1)
    items, themes = (500, 12) if quick else (2000, 28)
    warm = planted(300, 10, seed=99)
    ours(warm, 0, Stopwatch())
    theirs(warm, 0, Stopwatch())
    watches = {ours: Stopwatch(), theirs: Stopwatch()}
    quality: dict[object, list[float]] = {ours: [], theirs: []}
    for seed in SEEDS:
        data = planted(items, themes, seed)
        for side in (ours, theirs) if seed % 2 == 0 else (theirs, ours):
            labels = side(data, seed, watches[side])
            quality[side] += [_agreement(data.theme[m], labels[m]) for m in MODALITIES]
    mine, other = watches[ours], watches[theirs]
    ratio = other.total / mine.total
    ari_mine, ari_other = float(np.mean(quality[ours])), float(np.mean(quality[theirs]))
    lines = [
        Line(
            "ours / the plain notebook way",
            (mine.total, other.total),
            f"{ratio:.2f}x less",
            f"at least {LEAST_RATIO:.0f}x less",
            ratio >= LEAST_RATIO,
        ),
        Line(
            f"ARI against the planted themes: ours {ari_mine:.3f}, notebook {ari_other:.3f}",
            ratio=f"{ari_mine - ari_other:+.3f}",
            claim=f"no more than {MOST_BELOW} below",
            holds=ari_mine >= ari_other - MOST_BELOW,
        ),
    ]
    for stage in STAGES:
        seconds, other_s = mine.stages.get(stage, 0.0), other.stages.get(stage, 0.0)
        times = f"{other_s / seconds:.2f}x" if seconds and other_s else ""
        lines.append(Line(f"  {stage} ({seconds / mine.total:.0%} of ours)", (seconds, other_s), times))
    rest = _ratio_without("metrics", mine, other)
    lines.append(Line("  all but the metrics", ratio=f"{rest:.2f}x"))
    figures, apart = _same_figures(warm)
    lines.append(
        Line(
            f"{figures} figures of one space: the largest difference",
            ratio=f"{apart:.1e}",
            claim="the same figures, within 1e-3",
            holds=apart < 1e-3,
        )
    )
    return Report(
        f"method_pipeline: {items:,} + {items:,} items, seeds {', '.join(map(str, SEEDS))}",
        lines,
        [
            "CPU is the sum over the seeds. The notebook's neighbours are part of its UMAP.",
            "ARI by seed and modality: ours "
            + ", ".join(f"{a:.3f}" for a in quality[ours])
            + "; notebook "
            + ", ".join(f"{a:.3f}" for a in quality[theirs]),
        ],
    )


def _ratio_without(stage: str, mine: Stopwatch, other: Stopwatch) -> float:
    return (other.total - other.stages[stage]) / (mine.total - mine.stages[stage])


def _agreement(theme: Ints, labels: Ints) -> float:
    real = theme != NOWHERE
    return float(adjusted_rand_score(theme[real], labels[real]))


def ours(data: Planted, seed: int, watch: Stopwatch) -> dict[str, Ints]:
    """Our pure functions, as the stages call them; the cluster of each item by modality."""
    chosen = Settled.clustering
    with watch.time("neighbours"):
        graphs = {m: nearest(data.vectors[m], chosen.neighbours) for m in MODALITIES}
    with watch.time(CLUSTERING):
        projected = {
            m: umap_project(data.vectors[m], graphs[m], chosen.dimensions, chosen.epochs, seed)
            for m in MODALITIES
        }
    with watch.time(MAP):
        for m in MODALITIES:
            umap_project(data.vectors[m], graphs[m], 2, chosen.epochs, seed)
    with watch.time("HDBSCAN"):
        labels = {
            m: hdbscan_clusters(
                projected[m], chosen.min_cluster_size, chosen.min_samples, chosen.largest_share
            ).cluster
            for m in MODALITIES
        }
    with watch.time("matching and split"):
        items = _matched(data.vectors, labels, seed)
    protocol = _protocol(seed)
    with watch.time("training"):
        trained = list(train_grid(items, _recipes(seed), protocol, threads=1))
    with watch.time("metrics"):
        test = items.points("test")
        for one in trained:
            z = apply(test.vectors, test.modality, one.weights)
            scorecard.evaluate(Points(z, test.modality, test.match), protocol)
    return labels


def theirs(data: Planted, seed: int, watch: Stopwatch) -> dict[str, Ints]:
    """The plain notebook way; the cluster of each item by modality."""
    chosen, grid = Settled.clustering, Settled.adapters
    with watch.time(CLUSTERING):
        projected = {m: notebook.project(data.vectors[m], chosen.dimensions, seed) for m in MODALITIES}
    with watch.time(MAP):
        for m in MODALITIES:
            notebook.project(data.vectors[m], 2, seed)
    with watch.time("HDBSCAN"):
        labels = {
            m: notebook.cluster(
                projected[m],
                chosen.min_cluster_size or default_min_cluster_size(len(projected[m])),
                chosen.min_samples,
            )
            for m in MODALITIES
        }
    with watch.time("matching and split"):
        items = _matched(data.vectors, labels, seed)
    training, val, test = (items.split == side for side in ("train", "val", "test"))
    how = Training(grid.hidden, grid.epochs, grid.batch_size, grid.learning_rate, grid.weight_decay)
    judging = _judging(seed)
    with watch.time("training"):
        models = []
        for recipe in _recipes(seed):
            x, c = items.vectors[training], items.match[training]
            model = notebook.train(x, c, recipe.arch, recipe.temperature, seed, how)
            z = notebook.adapt(model, items.vectors[val])
            notebook.headline(z, items.modality[val], items.match[val], judging)
            models.append(model)
    with watch.time("metrics"):
        for model in models:
            z = notebook.adapt(model, items.vectors[test])
            notebook.figures(z, items.modality[test], items.match[test], judging)
    return labels


def _matched(vectors: dict[str, Floats], labels: dict[str, Ints], seed: int) -> Corpus:
    """The items of accepted matches, texts and images in turns as their ids might have it."""
    chosen = Settled.matching
    sides = [centroids(vectors[m], labels[m]) for m in MODALITIES]
    accepted = [pair for pair in hungarian(sides[0], sides[1], chosen.threshold) if pair.accepted]
    splits = split_matches(range(len(accepted)), chosen.train_share, chosen.val_share, seed)
    clusters = {"text": [p.cluster_a for p in accepted], "image": [p.cluster_b for p in accepted]}
    match = {m: np.full(len(labels[m]), NOISE, dtype=np.int64) for m in MODALITIES}
    for m in MODALITIES:
        for number, name in enumerate(clusters[m]):
            match[m][labels[m] == name] = number
    stacked = np.concatenate([match[m] for m in MODALITIES])
    position = np.concatenate([np.arange(len(match[m])) for m in MODALITIES])
    order = np.argsort(position, kind="stable")
    order = order[stacked[order] != NOISE]
    modality = np.concatenate([np.full(len(match[m]), m) for m in MODALITIES])
    side = np.array([splits[int(c)] for c in stacked[order]], dtype=np.str_)
    both = np.concatenate([vectors[m] for m in MODALITIES])
    cluster = np.concatenate([labels[m] for m in MODALITIES])
    return Corpus(both[order], modality[order], cluster[order], stacked[order], side)


def _recipes(seed: int) -> list[Recipe]:
    grid = Settled.adapters
    return [
        Recipe(
            arch=arch,
            temperature=temperature,
            seed=seed,
            hidden=grid.hidden,
            epochs=grid.epochs,
            batch_size=grid.batch_size,
            learning_rate=grid.learning_rate,
            weight_decay=grid.weight_decay,
        )
        for arch in grid.architectures
        for temperature in grid.temperatures
    ]


def _protocol(seed: int) -> scorecard.Protocol:
    m = Settled.measuring
    return scorecard.Protocol(m.k, m.bootstrap_draws, m.balanced_draws, seed)


def _judging(seed: int) -> Judging:
    m = Settled.measuring
    return Judging(m.k, m.bootstrap_draws, m.balanced_draws, seed)


def _same_figures(data: Planted) -> tuple[int, float]:
    """How many figures both sides take of one space, and the largest difference between them.

    Intervals are drawn at random by either, so of them only their being there is compared.
    """
    items = _matched(data.vectors, data.theme, seed=0)
    test = items.split == "test"
    z, modality, match = items.vectors[test], items.modality[test], items.match[test]
    mine = pd.DataFrame([vars(f) for f in scorecard.evaluate(Points(z, modality, match), _protocol(0))])
    other = notebook.figures(z, modality, match, _judging(0))
    both = mine.merge(other, on=notebook.KEY, how="outer", suffixes=("", "_other"))
    lacking = both["value"].isna() | both["value_other"].isna()
    if lacking.any() or (both["ci_low"].isna() != both["ci_low_other"].isna()).any():
        raise RuntimeError(f"The two sides do not take the same figures:\n{both[lacking][notebook.KEY]}")
    return len(both), float((both["value"] - both["value_other"]).abs().max())
