"""Search among one user's items by words or by an item, for the command line."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.method.calibration import Calibration
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.retrieval import fit_calibration
from qualia_assets.search.index import Index, adapter_of, calibration_of, fused
from qualia_assets.search.query import QueryEncoder, QueryError, query_adapter
from qualia_assets.settings import Settings
from qualia_assets.state.database import State


@dataclass(frozen=True)
class Hit:
    """One result. ``similarity`` is the cosine; hits are ranked by the calibrated score."""

    artefact_id: str
    modality: str
    similarity: float
    title: str | None
    mood: str | None
    cluster_label: str | None
    url: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def search(
    settings: Settings,
    state: State,
    user: str,
    words: str | None = None,
    *,
    item: str | None = None,
    space: Literal["annotation", "adapted"] | str = "annotation",
    modality: Literal["any", "text", "image"] | str = "any",
    limit: int = 10,
    csls: float | None = None,
) -> list[Hit]:
    """The user's items nearest to some words or to one of their items, nearest first.

    Posts and pins are ranked together by calibrated scores (``method.retrieval``), since otherwise the
    modality that lies nearer to the query would crowd out the other.

    Args:
        settings: name the lake and the embedder.
        state: records what a remote embedder costs.
        user: the user's key.
        words: to search for, unless ``item`` is given.
        item: id of an item, which is left out of its own results.
        space: to search in.
        modality: to return; ``any`` for both.
        limit: results wanted.
        csls: weight of the query's level in the score; that of the kept calibration where it is None.

    Raises:
        QueryError: there are no words, or no such item.
        LakeError: the user has no embeddings yet.
    """
    lake = Lake(settings.lake)
    table = lake.read(f"{space}_embeddings", user)
    adapter = adapter_of(lake.read("adapters", user).to_pylist(), space)
    index = _index(table, calibration_of(adapter))
    if csls is not None:
        index = replace(index, calibration=fit_calibration(index.vectors, index.modality, csls=csls))
    if item is None:
        annotated = table if space == "annotation" else lake.read("annotation_embeddings", user)
        vector = _encoded(lake, adapter, annotated, words or "", QueryEncoder(settings, state))
        nearest = index.nearest(vector, "text", limit)
    elif item in index.row:
        nearest = index.nearest_to_item(item, limit)
    else:
        raise QueryError(f"{user!r} has no item {item!r}. `qualia search WORDS --user {user}` prints ids.")
    hits = fused(nearest if modality == "any" else {modality: nearest.get(modality, [])}, limit)
    overview = {row["artefact_id"]: row for row in lake.read("item_overview", user).to_pylist()}
    return [
        Hit(
            artefact_id=index.ids[hit.row],
            modality=str(index.modality[hit.row]),
            similarity=round(hit.similarity, 4),
            **{
                key: overview.get(index.ids[hit.row], {}).get(key)
                for key in ("title", "mood", "cluster_label", "url")
            },
        )
        for hit in hits
    ]


def _index(table: pa.Table, calibration: Calibration) -> Index:
    modality = np.array(table["modality"].to_pylist(), dtype=np.str_)
    return Index(table["artefact_id"].to_pylist(), modality, vectors(table), calibration)


def _encoded(
    lake: Lake, adapter: Mapping[str, Any], annotated: pa.Table, words: str, encoder: QueryEncoder
) -> Floats:
    """The words as a vector of the space: embedded, then adapted."""
    if not words.strip():
        raise QueryError('There are no words to search for. Try `qualia search "a slow morning by the sea"`.')
    if annotated.num_rows:
        encoder.check_embedder(annotated["embedder"][0].as_py())
    modality = np.array(annotated["modality"].to_pylist(), dtype=np.str_)
    adapt = query_adapter(lake, adapter, vectors(annotated), modality, encoder)
    return adapt(encoder.encode_words(words), "text")
