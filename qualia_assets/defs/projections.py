"""Two dimensions to look at."""

import numpy as np
import pyarrow as pa

from qualia_assets.defs.clusters import MODALITIES, graph, of_modality
from qualia_assets.defs.stage import Run, stage
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.tables import PROJECTIONS
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.projection import svd_2d, umap_project


@stage(PROJECTIONS, group="projections", kinds=["umap"], depends_on=lambda s: [s.clustering.epochs, s.seed])
def projections(
    run: Run,
    raw_embeddings: pa.Table,
    annotation_embeddings: pa.Table,
    adapted_embeddings: pa.Table,
    neighbours: pa.Table,
) -> pa.Table:
    views = {"raw": raw_embeddings, "annotation": annotation_embeddings, "adapted": adapted_embeddings}
    parts = [_placed(table, view, "svd", svd_2d(vectors(table))) for view, table in views.items()]
    for done, modality in enumerate(MODALITIES):
        run.progress("drawing the map with UMAP", done, len(MODALITIES))
        items = of_modality(annotation_embeddings, modality)
        flat = umap_project(
            vectors(items), graph(neighbours, modality), 2, run.settings.clustering.epochs, run.settings.seed
        )
        parts.append(_placed(items, "annotation", "umap", flat))
    run.progress("drawing the map with UMAP", len(MODALITIES), len(MODALITIES))
    return pa.concat_tables(parts)


def _placed(items: pa.Table, view: str, method: str, xy: Floats) -> pa.Table:
    n = items.num_rows
    return pa.table(
        {
            "artefact_id": items["artefact_id"],
            "modality": items["modality"],
            "view": pa.array([view] * n, pa.string()),
            "method": pa.array([method] * n, pa.string()),
            "x": pa.array(np.ascontiguousarray(xy[:, 0])),
            "y": pa.array(np.ascontiguousarray(xy[:, 1])),
        }
    )
