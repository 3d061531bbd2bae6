"""Two-dimensional layouts of each space."""

import numpy as np
import pyarrow as pa

from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import stage
from qualia_assets.lake.specs import row_numbers, vectors
from qualia_assets.lake.tables import PROJECTIONS
from qualia_assets.method.neighbours import Floats, nearest
from qualia_assets.method.projection import procrustes_align, svd_2d, umap_project


@stage(
    PROJECTIONS,
    group="projections",
    kinds=["umap"],
    code_version="3",
    depends_on=lambda s: [s.clustering.neighbours, s.clustering.epochs, s.seed],
)
def projections(
    run: Run,
    raw_embeddings: pa.Table,
    annotation_embeddings: pa.Table,
    adapted_embeddings: pa.Table,
) -> pa.Table:
    views = {"raw": raw_embeddings, "annotation": annotation_embeddings, "adapted": adapted_embeddings}
    chosen = run.settings.clustering
    parts = [_placed(table, view, "svd", svd_2d(vectors(table))) for view, table in views.items()]
    flat: dict[str, Floats] = {}
    for done, (view, table) in enumerate(views.items()):
        run.progress("drawing the maps with UMAP", done, len(views))
        matrix = vectors(table)
        flat[view] = umap_project(
            matrix, nearest(matrix, chosen.neighbours), 2, chosen.epochs, run.settings.seed
        )
    run.progress("drawing the maps with UMAP", len(views), len(views))
    place = row_numbers(adapted_embeddings)
    for view, table in views.items():
        # Items that could not be annotated have no adapted vector, and do not count in the alignment.
        onto = np.array([place.get(item, -1) for item in table["artefact_id"].to_pylist()], dtype=np.int64)
        both = np.flatnonzero(onto >= 0)
        turned = procrustes_align(flat[view], both, flat["adapted"][onto[both]])
        parts.append(_placed(table, view, "umap", turned))
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
