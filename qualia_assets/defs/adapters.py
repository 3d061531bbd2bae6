"""Adapters on the frozen annotation embeddings: the grid, the selection, and the selected one applied.

A single configuration is fitted again with ``only`` of the ``qualia`` resource; the others stay.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from qualia_assets.defs.corpora import corpus, protocol, words
from qualia_assets.defs.metadata import markdown_table
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, lake_files, stage
from qualia_assets.lake.specs import vector_array, vectors
from qualia_assets.lake.tables import ADAPTED_EMBEDDINGS, ADAPTERS
from qualia_assets.lake.weights import forget_weights, read_weights, write_weights
from qualia_assets.method.adapters import (
    IDENTITY,
    Architecture,
    Balance,
    Candidate,
    Recipe,
    apply,
    hypervolume,
    lexicon_words,
    pareto_front,
    select,
)
from qualia_assets.method.corpus import NO_LEXICON
from qualia_assets.method.grid import TrainedAdapter, train_grid
from qualia_assets.method.recipes import own_recipes
from qualia_assets.settings import AdapterGrid, Settings, SettingsError

WORST_BIAS = 3.0
"""|bias| of the hypervolume's reference point: a twentyfold imbalance."""


def recipes(settings: Settings) -> list[Recipe]:
    """Return doing nothing, the paper's grid, then recipes of our own."""
    grid = settings.adapters
    balances: list[tuple[float, Balance]] = [
        (weight, term)
        for weight in grid.balance_weights
        for term in (grid.balance_terms if weight else ("ratio",))
    ]
    paper = [
        paper_recipe(grid, arch, temperature, weight, term, seed)
        for arch in grid.architectures
        for temperature in grid.temperatures
        for weight, term in balances
        for seed in grid.seeds
    ]
    return [IDENTITY, *paper, *own_recipes(grid.recipes)]


def paper_recipe(
    grid: AdapterGrid, arch: Architecture, temperature: float, weight: float, term: Balance, seed: int
) -> Recipe:
    """Return one of the paper's configurations, with what the paper leaves open from the settings."""
    return Recipe(
        arch=arch,
        temperature=temperature,
        balance_weight=weight,
        balance_term=term,
        seed=seed,
        hidden=grid.hidden,
        epochs=grid.epochs,
        batch_size=grid.batch_size,
        learning_rate=grid.learning_rate,
        weight_decay=grid.weight_decay,
    )


@stage(
    ADAPTERS,
    group="adapters",
    kinds=["pytorch"],
    code_version="5",
    depends_on=lambda s: [s.adapters.model_dump(), s.measuring.k, s.embedder],
    files=lake_files("adapters", "weights"),
    supports_only=True,
)
def adapters(
    run: Run, annotation_embeddings: pa.Table, clusters: pa.Table, cluster_matches: pa.Table
) -> Made:
    items = corpus(annotation_embeddings, clusters, cluster_matches, words(run))
    grid = recipes(run.settings)
    to_fit = _to_fit(run, grid)
    trained: list[TrainedAdapter] = []
    run.progress("fitting adapters", 0, len(to_fit))
    for one in train_grid(items, to_fit, protocol(run.settings), run.settings.cores):
        trained.append(one)
        run.progress("fitting adapters", len(trained), len(to_fit))
    rows = _in_order(grid, [*_kept(run, to_fit, grid), *(_row(run, t) for t in trained)])
    candidates = [_candidate(row) for row in rows]
    selected, front = select(candidates), pareto_front(candidates)
    for row in rows:
        row |= {"pareto": row["config_id"] in front, "selected": row["config_id"] == selected}
    forget_weights(run.lake, run.user, keep={row["weights"] for row in rows if row["weights"]})
    if not any(row["recipe"] == "paper" for row in rows):
        run.log("Fewer than two training matches: there is nothing to tell apart, so nothing was trained.")
    shown = [
        (r["config_id"], r["kind"], r["val_coherence"], r["val_abs_bias"], r["val_cross_modal_r_precision"])
        for r in rows
    ]
    best = next(c.cross_modal_r_precision for c in candidates if c.config_id == selected)
    area = hypervolume([c for c, r in zip(candidates, rows, strict=True) if _of_paper(r)], WORST_BIAS)
    figures = {"val_cross_modal_r_precision": best, "val_hypervolume_of_the_paper": area}
    return Made(
        {"adapters": ADAPTERS.table(rows)},
        {
            **{name: value for name, value in figures.items() if value is not None},
            "selected": selected,
            "on_validation": markdown_table(
                ("config", "kind", "coherence", "|bias|", "cross-modal R-precision"), shown
            ),
        },
    )


def _to_fit(run: Run, grid: list[Recipe]) -> list[Recipe]:
    """Return the configurations to fit now: all, or those that the run names."""
    if not run.only:
        return grid
    names = [recipe.config_id for recipe in grid]
    unknown = sorted(set(run.only) - set(names))
    if unknown:
        raise SettingsError(
            f"The grid of qualia.toml has no configuration {', '.join(unknown)}. It has: {', '.join(names)}."
        )
    return [recipe for recipe in grid if recipe.config_id in run.only]


def _kept(run: Run, fitted: list[Recipe], grid: list[Recipe]) -> list[dict[str, Any]]:
    """Return the last run's rows of the configurations that are not fitted now."""
    rest = {recipe.config_id for recipe in grid} - {recipe.config_id for recipe in fitted}
    before = run.previous("adapters") if rest else None
    return [row for row in before.to_pylist() if row["config_id"] in rest] if before else []


def _in_order(grid: list[Recipe], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    place = {recipe.config_id: i for i, recipe in enumerate(grid)}
    return sorted(rows, key=lambda row: place[row["config_id"]])


def _candidate(row: dict[str, Any]) -> Candidate:
    return Candidate(
        row["config_id"], row["val_coherence"], row["val_abs_bias"], row["val_cross_modal_r_precision"]
    )


def _of_paper(row: dict[str, Any]) -> bool:
    return row["recipe"] in ("paper", "identity")


def _row(run: Run, trained: TrainedAdapter) -> dict[str, Any]:
    recipe, candidate = trained.recipe, trained.candidate
    learnt = recipe.arch in ("linear", "mlp")
    contrastive = learnt and recipe.recipe != "distilled-mlp"
    balanced = contrastive and recipe.balance_weight > 0
    return {
        "config_id": recipe.config_id,
        "arch": recipe.arch,
        "input": "annotation_embeddings",
        "recipe": recipe.recipe,
        "kind": recipe.kind,
        "temperature": recipe.temperature if contrastive else None,
        "balance_weight": recipe.balance_weight if contrastive else None,
        "balance_term": recipe.balance_term if balanced else None,
        "seed": recipe.seed,
        "hidden": recipe.hidden if recipe.arch == "mlp" else None,
        "batch_size": recipe.batch_size if learnt else None,
        "learning_rate": recipe.learning_rate if learnt else None,
        "weight_decay": recipe.weight_decay if learnt else None,
        "epochs": recipe.epochs if learnt else None,
        "train_seconds": trained.seconds,
        "val_coherence": candidate.coherence,
        "val_abs_bias": candidate.abs_bias,
        "val_cross_modal_r_precision": candidate.cross_modal_r_precision,
        "offset_text": trained.calibration.offset.get("text"),
        "offset_image": trained.calibration.offset.get("image"),
        "weights": write_weights(run.lake, run.user, trained.weights) if trained.weights else None,
    }


@stage(ADAPTED_EMBEDDINGS, group="adapters")
def adapted_embeddings(run: Run, annotation_embeddings: pa.Table, adapters: pa.Table) -> pa.Table:
    chosen = next(row for row in adapters.to_pylist() if row["selected"])
    weights = read_weights(run.lake, chosen["weights"])
    modality = np.array(annotation_embeddings["modality"].to_pylist(), dtype=np.str_)
    known = words(run) if lexicon_words(weights) else NO_LEXICON
    adapted = apply(vectors(annotation_embeddings), modality, weights, known)
    return (
        annotation_embeddings.select(["artefact_id", "modality"])
        .append_column("vector", vector_array(adapted))
        .append_column("config_id", pa.array([chosen["config_id"]] * len(adapted), pa.string()))
    )
