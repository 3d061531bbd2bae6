"""Search in one user's items by feeling: words, or an item of theirs, against their embeddings.

Belongs here: from a question to ranked items. The command line and the app print them.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from qualia_assets.embed.base import Content
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.lake.weights import read_weights
from qualia_assets.method.adapters import apply
from qualia_assets.method.metrics import calibrate
from qualia_assets.method.neighbours import Floats, similarities
from qualia_assets.settings import Settings
from qualia_assets.state.database import State


class SearchError(Exception):
    """A search that cannot be made; the message says why and how to mend it."""


@dataclass(frozen=True)
class Hit:
    """One item found. ``similarity`` is the cosine; ranks are by it less what is usual of its modality."""

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
    item: str | None = None,
    space: Literal["annotation", "adapted"] | str = "annotation",
    modality: Literal["any", "text", "image"] | str = "any",
    limit: int = 10,
) -> list[Hit]:
    """The user's items nearest to some words or to one of their items, the nearest first.

    Posts and pins are ranked together fairly: from each similarity the mean of the ten highest of its
    modality is taken off, else whichever modality lies nearer to the words would crowd out the other.

    Raises:
        SearchError: no words, or no such item.
        LakeError: the user has no embeddings yet.
    """
    lake = Lake(settings.lake)
    table = lake.read(f"{space}_embeddings", user)
    ids = table["artefact_id"].to_pylist()
    modalities = np.array(table["modality"].to_pylist(), dtype=np.str_)
    matrix = vectors(table)
    if item is not None:
        if item not in ids:
            raise SearchError(
                f"{user!r} has no item {item!r}. `qualia search WORDS --user {user}` prints ids."
            )
        query = matrix[ids.index(item)]
    else:
        query = _asked(settings, state, lake, user, words or "", space)
    similarity = similarities(query[None], matrix)[0]
    if item is not None:
        similarity[ids.index(item)] = -np.inf
    fair = calibrate(similarity[None, :], modalities)[0] if modality == "any" else similarity
    allowed = np.isfinite(similarity) & (True if modality == "any" else modalities == modality)
    order = [int(i) for i in np.argsort(-fair, kind="stable") if allowed[i]][:limit]
    told = {row["artefact_id"]: row for row in lake.read("item_overview", user).to_pylist()}
    return [
        Hit(
            artefact_id=ids[i],
            modality=str(modalities[i]),
            similarity=round(float(similarity[i]), 4),
            **{key: told.get(ids[i], {}).get(key) for key in ("title", "mood", "cluster_label", "url")},
        )
        for i in order
    ]


def _asked(settings: Settings, state: State, lake: Lake, user: str, words: str, space: str) -> Floats:
    """The words as a vector of the space: embedded, then through the selected adapter where that is asked."""
    if not words.strip():
        raise SearchError(
            'There are no words to search for. Try `qualia search "a slow morning by the sea"`.'
        )
    # Not kept: what a person asks is not an item.
    vector = make_embedder(settings, state).embed([Content(text_sha256(words), text=words)])[0]
    if vector is None:
        raise SearchError("These words could not be embedded.")
    if space == "annotation":
        return vector
    chosen = next(row for row in lake.read("adapters", user).to_pylist() if row["selected"])
    adapted: Floats = apply(vector[None], read_weights(lake, chosen["weights"]))[0]
    return adapted
