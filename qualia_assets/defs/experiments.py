"""The experiment as assets: every recipe on many splits and label sources, against doing nothing.

Not part of a user's run: ``qualia experiment`` or the job ``experiment`` materialises them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from qualia_assets.defs.adapters import paper_recipe
from qualia_assets.defs.clusters import MODALITIES
from qualia_assets.defs.corpora import corpus, protocol, words
from qualia_assets.defs.metadata import markdown_table
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.tables import CLUSTER_AGREEMENT, EXPERIMENT_RESULTS, EXPERIMENT_TRIALS
from qualia_assets.method.adapters import IDENTITY, Balance, Recipe
from qualia_assets.method.corpus import UNMATCHED, Corpus
from qualia_assets.method.experiment import (
    Design,
    FixedLabels,
    LabelSource,
    SplitShares,
    Trial,
    ViewLabels,
    run_trials,
    summarise,
)
from qualia_assets.method.labelling import (
    Labelling,
    agreement,
    cluster_all,
    lexical_view,
    match_all,
    recovered_themes,
)
from qualia_assets.method.recipes import own_recipes
from qualia_assets.settings import Settings
from qualia_assets.sources.demo import ground_truth

BALANCED: tuple[tuple[float, Balance], ...] = ((0.3, "ratio"), (1.0, "share"))
"""Of the balance terms one weight each is tried on many splits; all of them are in the user's own grid."""
BALANCED_TEMPERATURE = 0.1
_FIGURE = ("metric", "gallery", "query_modality", "k", "calibrated")


def recipes_to_try(settings: Settings) -> list[Recipe]:
    """Doing nothing, the paper's six, two balance terms, and all of ours."""
    grid = settings.adapters
    seed = grid.seeds[0]
    paper = [
        paper_recipe(grid, a, t, 0.0, "ratio", seed) for a in grid.architectures for t in grid.temperatures
    ]
    balanced = [
        paper_recipe(grid, a, BALANCED_TEMPERATURE, weight, term, seed)
        for a in grid.architectures
        for weight, term in BALANCED
    ]
    return [IDENTITY, *paper, *balanced, *own_recipes(grid.recipes)]


def labelling(settings: Settings) -> Labelling:
    """How labels are made, from the settings."""
    c = settings.clustering
    return Labelling(
        c.neighbours,
        c.dimensions,
        c.epochs,
        c.min_cluster_size,
        c.min_samples,
        c.largest_share,
        settings.matching.threshold,
    )


@stage(
    EXPERIMENT_TRIALS,
    EXPERIMENT_RESULTS,
    group="experiments",
    kinds=["pytorch"],
    code_version="4",
    on_demand=True,
    depends_on=lambda s: [
        s.adapters.model_dump(),
        s.clustering.model_dump(),
        s.matching.model_dump(),
        s.measuring.k,
        s.experiment.model_dump(),
        s.embedder,
        s.seed,
    ],
)
def experiment_trials(
    run: Run,
    artefacts: pa.Table,
    annotations: pa.Table,
    annotation_embeddings: pa.Table,
    clusters: pa.Table,
    cluster_matches: pa.Table,
) -> Made:
    items = corpus(annotation_embeddings, clusters, cluster_matches, words(run))
    of_people = _of_people(run.settings, items, annotation_embeddings, artefacts)
    sources: dict[str, LabelSource] = {
        "matches": FixedLabels(items),
        "view": _from_another_view(run.settings, items, annotation_embeddings, annotations),
        **{name: FixedLabels(labelled) for name, labelled in of_people.items()},
    }
    trials: list[dict[str, Any]] = []
    for labels, seed, trial in _run_trials(run, sources):
        where = {"labels": labels, "split_seed": seed, "config_id": trial.config_id, "kind": trial.kind}
        for metric in trial.metrics:
            named = asdict(metric)
            kept = {name: named[name] for name in (*_FIGURE, "value", "chance", "n")}
            trials.append({**where, **kept})
    results = list(_results(trials, run.settings))
    shown = [
        (r["labels"], r["config_id"], r["mean"], r["difference"], f"{r['wins']} of {r['splits']}")
        for r in results
        if r["metric"] == "cross_modal_r_precision"
        and (r["gallery"], r["query_modality"]) == ("full", "all")
        and r["config_id"].startswith(("identity", "selected"))
    ]
    return Made(
        {
            "experiment_trials": EXPERIMENT_TRIALS.table(trials),
            "experiment_results": EXPERIMENT_RESULTS.table(results),
        },
        {
            "threshold": str(run.settings.matching.threshold),
            "cross_modal_r_precision": markdown_table(
                ("labels", "config", "mean", "over doing nothing", "wins"), shown
            ),
        },
    )


def _from_another_view(
    settings: Settings, items: Corpus, embeddings: pa.Table, annotations: pa.Table
) -> ViewLabels:
    """The words of the items alone, no network in between."""
    said = dict(zip(annotations["artefact_id"].to_pylist(), annotations["text"].to_pylist(), strict=True))
    view = lexical_view([said.get(item) or "" for item in embeddings["artefact_id"].to_pylist()])
    return ViewLabels(items, view, labelling(settings))


def _of_people(
    settings: Settings, items: Corpus, embeddings: pa.Table, artefacts: pa.Table
) -> dict[str, Corpus]:
    """One modality at a time, its collections (boards, publications) in the place of matches."""
    named = dict(zip(artefacts["artefact_id"].to_pylist(), artefacts["collection"].to_pylist(), strict=True))
    collection = np.array([named.get(i) or "" for i in embeddings["artefact_id"].to_pylist()], dtype=np.str_)
    found = {}
    for modality in MODALITIES:
        mine = np.flatnonzero(items.modality == modality)
        names, number, counts = np.unique(collection[mine], return_inverse=True, return_counts=True)
        usable = (counts >= settings.experiment.least_collection) & (names != "")
        if usable.sum() >= 3:
            found[f"people:{modality}"] = replace(
                items,
                vectors=items.vectors[mine],
                modality=items.modality[mine],
                cluster=items.cluster[mine],
                match=np.where(usable[number], number, UNMATCHED).astype(np.int64),
                split=np.full(len(mine), "", dtype=np.str_),
            )
    return found


def _run_trials(run: Run, sources: Mapping[str, LabelSource]) -> Iterator[tuple[str, int, Trial]]:
    """Run all splits of all label sources, in a fixed order, as many at once as there are cores."""
    settings = run.settings
    design = Design(
        tuple(recipes_to_try(settings)),
        replace(protocol(settings), balanced_draws=settings.experiment.balanced_draws),
        SplitShares(settings.matching.train_share, settings.matching.val_share),
    )
    splits = settings.experiment.splits
    trials = run_trials(
        sources, design, splits, settings.cores, partial(run.progress, "trying recipes on splits")
    )
    for labels in sources:
        empty = sum(not trials[labels, seed] for seed in range(splits))
        if empty:
            run.log(
                f"Labels from {labels}: fewer than three matches, so there is nothing to split "
                f"(on {empty} of {splits})."
            )
    for (labels, seed), tried in trials.items():
        for trial in tried:
            yield labels, seed, trial


def _results(trials: Sequence[Mapping[str, Any]], settings: Settings) -> Iterator[dict[str, Any]]:
    shares = settings.matching
    test_by_train = (1 - shares.train_share - shares.val_share) / shares.train_share
    by_figure: dict[tuple[Any, ...], dict[str, list[Mapping[str, Any]]]] = {}
    for row in trials:
        if row["value"] is not None:
            figure = (row["labels"], *(row[name] for name in _FIGURE))
            by_figure.setdefault(figure, {}).setdefault(row["config_id"], []).append(row)
    for figure, configs in by_figure.items():
        nothing = {row["split_seed"]: row["value"] for row in configs.get("identity", [])}
        for config_id, rows in configs.items():
            values = {row["split_seed"]: row["value"] for row in rows}
            if not set(values) & set(nothing):
                continue
            chance = [row["chance"] for row in rows if row["chance"] is not None]
            summary = summarise(values, nothing, chance, test_by_train)
            yield {
                **dict(zip(("labels", *_FIGURE), figure, strict=True)),
                "config_id": config_id,
                "kind": rows[0]["kind"],
                "mean": summary.mean,
                "std": summary.std,
                "difference": summary.difference,
                "difference_low": summary.low,
                "difference_high": summary.high,
                "wins": summary.wins,
                "splits": summary.splits,
                "chance": summary.chance,
            }


@stage(
    CLUSTER_AGREEMENT,
    group="experiments",
    kinds=["umap", "hdbscan"],
    on_demand=True,
    depends_on=lambda s: [s.clustering.model_dump(), s.matching.threshold, s.seed],
)
def cluster_agreement(
    run: Run,
    artefacts: pa.Table,
    annotation_embeddings: pa.Table,
    adapted_embeddings: pa.Table,
    clusters: pa.Table,
    cluster_matches: pa.Table,
) -> Made:
    before = corpus(annotation_embeddings, clusters, cluster_matches)
    how = labelling(run.settings)
    run.progress("clustering the adapted space", 0, 1)
    moved = vectors(adapted_embeddings)
    cluster = cluster_all(moved, before.modality, how, run.settings.seed)
    after = replace(before, cluster=cluster, match=match_all(moved, before.modality, cluster, how.threshold))
    run.progress("clustering the adapted space", 1, 1)
    ids: list[str] = annotation_embeddings["artefact_id"].to_pylist()
    named = dict(zip(artefacts["artefact_id"].to_pylist(), artefacts["collection"].to_pylist(), strict=True))
    planted = _planted(ids)
    rows: list[dict[str, Any]] = []
    for space, items in (("annotation", before), ("adapted", after)):
        rows += _agreeing("people", space, items, [named.get(i) for i in ids])
        if planted:
            rows += _agreeing("planted", space, items, planted)
            themes = set(planted)
            found = recovered_themes(items.match, items.modality, planted)
            rows.append(
                _agreed("planted", space, "pairs", "themes_matched", len(found) / len(themes), len(themes))
            )
    shown = [(r["labels"], r["space"], r["modality"], r["metric"], r["value"]) for r in rows]
    return Made(
        {"cluster_agreement": CLUSTER_AGREEMENT.table(rows)},
        {"agreement": markdown_table(("labels", "clusters of", "of", "figure", "value"), shown)},
    )


def _planted(ids: Sequence[str]) -> list[str]:
    """The theme of every item of a demo user; nothing for anyone else."""
    truth = ground_truth()
    themes = [truth.get(item.rpartition(":")[2]) for item in ids]
    return [theme for theme in themes if theme] if themes and all(themes) else []


def _agreeing(
    labels: str, space: str, items: Corpus, named: Sequence[str | None]
) -> Iterator[dict[str, Any]]:
    for modality in MODALITIES:
        mine = np.flatnonzero(items.modality == modality)
        for suffix, with_noise in (("", True), ("_without_noise", False)):
            found = agreement(items.cluster[mine], [named[i] for i in mine.tolist()], with_noise)
            for metric in ("ari", "ami"):
                value = getattr(found, metric) if found else None
                yield _agreed(labels, space, modality, metric + suffix, value, found.n if found else 0, 0.0)


def _agreed(
    labels: str,
    space: str,
    modality: str,
    metric: str,
    value: float | None,
    n: int,
    chance: float | None = None,
) -> dict[str, Any]:
    where = {"labels": labels, "space": space, "modality": modality, "metric": metric}
    return {**where, "value": value, "n": n, "chance": chance}
