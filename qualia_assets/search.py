"""Search in one user's items by feeling: words, or an item of theirs, against their embeddings.

Belongs here: from a question to ranked items. The command line and the app print them.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from qualia_assets.embed.base import Content
from qualia_assets.embed.lexicon import lexicon
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.lake.weights import read_weights
from qualia_assets.method.adapters import apply, looks_up
from qualia_assets.method.corpus import NO_LEXICON
from qualia_assets.method.neighbours import Floats, similarities
from qualia_assets.method.retrieval import Calibration, fit_calibration
from qualia_assets.progress import silent
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
    *,
    item: str | None = None,
    space: Literal["annotation", "adapted"] | str = "annotation",
    modality: Literal["any", "text", "image"] | str = "any",
    limit: int = 10,
    csls: float | None = None,
) -> list[Hit]:
    """The user's items nearest to some words or to one of their items, the nearest first.

    Posts and pins are ranked together fairly (``method.retrieval``): from each similarity the mean of the
    ten highest of its modality is taken off, ``csls`` times (``retrieval.CSLS`` where not said), and pins
    are given an offset under which the user's own items find each modality as often as it is there. Else
    whichever modality lies nearer to the words would crowd out the other.

    Raises:
        SearchError: no words, or no such item.
        LakeError: the user has no embeddings yet.
    """
    lake = Lake(settings.lake)
    table = lake.read(f"{space}_embeddings", user)
    ids = table["artefact_id"].to_pylist()
    modalities = np.array(table["modality"].to_pylist(), dtype=np.str_)
    matrix = vectors(table)
    chosen = _adapter(lake, user, space)
    if item is not None:
        if item not in ids:
            raise SearchError(
                f"{user!r} has no item {item!r}. `qualia search WORDS --user {user}` prints ids."
            )
        query, asking = matrix[ids.index(item)], str(modalities[ids.index(item)])
    else:
        query, asking = _asked(settings, state, lake, user, words or "", chosen), "text"
    similarity = similarities(query[None], matrix)[0]
    if item is not None:
        similarity[ids.index(item)] = -np.inf
    fair = similarity
    if modality == "any":
        usual = (
            Calibration.of(chosen["offset_text"], chosen["offset_image"])
            if csls is None
            else fit_calibration(matrix, modalities, csls=csls)
        )
        fair = usual.ranked(similarity[None], asking, modalities)[0]
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


def _adapter(lake: Lake, user: str, space: str) -> dict[str, Any]:
    """The row of the adapter that makes the space: the selected one, or doing nothing."""
    rows = lake.read("adapters", user).to_pylist()
    return next(r for r in rows if (r["selected"] if space == "adapted" else r["recipe"] == "identity"))


def _asked(
    settings: Settings, state: State, lake: Lake, user: str, words: str, chosen: dict[str, Any]
) -> Floats:
    """The words as a vector of the space: embedded, then through the adapter, as one item more."""
    if not words.strip():
        raise SearchError(
            'There are no words to search for. Try `qualia search "a slow morning by the sea"`.'
        )
    # Not kept: what a person asks is not an item.
    embedder = make_embedder(settings, state)
    vector = embedder.embed([Content(text_sha256(words), text=words)])[0]
    if vector is None:
        raise SearchError("These words could not be embedded.")
    weights = read_weights(lake, chosen["weights"])
    if not weights:
        return vector
    items = lake.read("annotation_embeddings", user)
    adapted = apply(
        np.concatenate([vectors(items), vector[None]]),
        np.array([*items["modality"].to_pylist(), "text"], dtype=np.str_),
        weights,
        lexicon(embedder, state, silent) if looks_up(weights) else NO_LEXICON,
    )
    return np.asarray(adapted[-1])
