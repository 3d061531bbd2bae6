"""What lies nearest to one item, in every space that there is.

Belongs here: exact neighbours among one user's own items. Search by words or by a picture is elsewhere.
"""

from dataclasses import dataclass

import numpy as np

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.method.neighbours import NO_NEIGHBOUR, Gallery, nearest_columns

SPACES = ("raw", "annotation", "adapted")
MODALITIES = ("text", "image")


@dataclass(frozen=True)
class Neighbour:
    """``similarity`` is the dot product of the unit vectors."""

    artefact_id: str
    similarity: float


def neighbours(snapshot: Snapshot, artefact_id: str, most: int) -> dict[str, dict[str, list[Neighbour]]]:
    """The ``most`` nearest posts and pins of an item, by space and modality, the nearest first.

    Ties go to the smaller id. A space without a vector of the item is left out.
    """
    found = {}
    for name in SPACES:
        table = f"{name}_embeddings"
        if snapshot.has(table) and artefact_id in snapshot.space(table).row:
            found[name] = _within(snapshot, table, artefact_id, most)
    return found


def _within(snapshot: Snapshot, table: str, artefact_id: str, most: int) -> dict[str, list[Neighbour]]:
    space = snapshot.space(table)
    own = space.row[artefact_id]
    similarity = Gallery.of(space.vectors).similarities(space.vectors[own : own + 1])
    similarity[0, own] = -np.inf
    found = {}
    for modality in MODALITIES:
        rows = np.flatnonzero(space.modality == modality)
        columns, values = nearest_columns(similarity[:, rows], most)
        found[modality] = [
            Neighbour(space.ids[rows[column]], float(value))
            for column, value in zip(columns[0], values[0], strict=True)
            if column != NO_NEIGHBOUR
        ]
    return found
