"""Adapters on the frozen annotation embeddings: the grid, the choice, and the chosen one applied."""

from typing import Any

import pyarrow as pa

from qualia_assets.defs.judged import matched_items, protocol
from qualia_assets.defs.stage import Made, Run, below_lake, markdown_table, stage
from qualia_assets.lake.specs import vector_array, vectors
from qualia_assets.lake.tables import ADAPTED_EMBEDDINGS, ADAPTERS
from qualia_assets.lake.weights import forget_weights, read_weights, write_weights
from qualia_assets.method.adapters import Recipe, apply, pareto_front, select
from qualia_assets.method.grid import Trained, train_grid
from qualia_assets.settings import Settings

IDENTITY = Recipe("identity", 1.0, 0, 0, 0, 0, 0.0, 0.0)


def recipes(settings: Settings) -> list[Recipe]:
    """Doing nothing, then every architecture at every temperature and seed."""
    grid = settings.adapters
    return [
        IDENTITY,
        *(
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
            for seed in grid.seeds
        ),
    ]


@stage(
    ADAPTERS,
    group="adapters",
    kinds=["pytorch"],
    depends_on=lambda s: [s.adapters.model_dump(), s.measuring.k],
    leaves=below_lake("adapters", "weights"),
)
def adapters(
    run: Run, annotation_embeddings: pa.Table, clusters: pa.Table, cluster_matches: pa.Table
) -> Made:
    items = matched_items(annotation_embeddings, clusters, cluster_matches)
    grid = recipes(run.settings)
    trained: list[Trained] = []
    run.progress("training adapters", 0, len(grid))
    for one in train_grid(items, grid, protocol(run.settings), run.settings.cores):
        trained.append(one)
        run.progress("training adapters", len(trained), len(grid))
    candidates = [t.candidate for t in trained]
    selected, front = select(candidates), pareto_front(candidates)
    rows = [_row(run, t, selected, front) for t in trained]
    forget_weights(run.lake, run.user, keep={row["weights"] for row in rows if row["weights"]})
    if len(trained) < len(grid):
        run.log("Fewer than two training matches: there is nothing to tell apart, so only identity is there.")
    shown = [
        (t.recipe.config_id, t.candidate.coherence, t.candidate.cross_modal_r_precision) for t in trained
    ]
    best = next(c.cross_modal_r_precision for c in candidates if c.config_id == selected)
    higher_is_better = {"val_cross_modal_r_precision": best} if best is not None else {}
    return Made(
        {"adapters": ADAPTERS.table(rows)},
        {
            **higher_is_better,
            "selected": selected,
            "on_validation": markdown_table(("config", "coherence", "cross-modal R-precision"), shown),
        },
    )


def _row(run: Run, trained: Trained, selected: str, front: set[str]) -> dict[str, Any]:
    recipe, candidate = trained.recipe, trained.candidate
    learnt = recipe.arch != "identity"
    return {
        "config_id": recipe.config_id,
        "arch": recipe.arch,
        "input": "annotation_embeddings",
        "recipe": "paper",
        "kind": "inductive",
        "temperature": recipe.temperature if learnt else None,
        "balance_weight": recipe.balance_weight if learnt else None,
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
        "pareto": recipe.config_id in front,
        "selected": recipe.config_id == selected,
        "weights": write_weights(run.lake, run.user, trained.weights) if trained.weights else None,
    }


@stage(ADAPTED_EMBEDDINGS, group="adapters")
def adapted_embeddings(run: Run, annotation_embeddings: pa.Table, adapters: pa.Table) -> pa.Table:
    chosen = next(row for row in adapters.to_pylist() if row["selected"])
    adapted = apply(vectors(annotation_embeddings), read_weights(run.lake, chosen["weights"]))
    return (
        annotation_embeddings.select(["artefact_id", "modality"])
        .append_column("vector", vector_array(adapted))
        .append_column("config_id", pa.array([chosen["config_id"]] * len(adapted), pa.string()))
    )
