"""Search in one user's items by feeling: words, a picture, or an item of theirs, against their embeddings.

Belongs here: from a question to ranked items, for the command line and the app. A question as a vector is
for ``questions``; how what is found is told is theirs who print it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qualia_assets.errors import QualiaError
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.lake.weights import read_weights
from qualia_assets.method.adapters import QueryAdapter, uses_lexicon
from qualia_assets.method.calibration import CSLS_NEIGHBOURS, Calibration, query_level
from qualia_assets.method.corpus import NO_LEXICON
from qualia_assets.method.neighbours import Floats, Ints
from qualia_assets.method.quantized import QuantizedIndex
from qualia_assets.method.retrieval import fit_calibration
from qualia_assets.search.query import QuestionError, Questions
from qualia_assets.settings import Settings
from qualia_assets.state.database import State

SPACES = ("adapted", "annotation")


class SearchError(QualiaError):
    """A search that cannot be made; the message says why and how to mend it."""


@dataclass(frozen=True)
class Near:
    """An item of a space that lies near to a question.

    ``similarity`` is the cosine, ``fair`` the same made comparable between modalities: ranks are by it.
    """

    row: int
    similarity: float
    fair: float


@dataclass(frozen=True)
class Index:
    """A user's items in one space, looked over once for any number of questions.

    Args:
        ids: of the items, in order.
        modality: shape (n,).
        vectors: shape (n, d), unit.
        calibration: by which modalities are ranked together.
    """

    ids: Sequence[str]
    modality: NDArray[np.str_]
    vectors: Floats
    calibration: Calibration

    def nearest(
        self, vector: Floats, asking: str, most: int, leave_out: int | None = None
    ) -> dict[str, list[Near]]:
        """The ``most`` items of each modality nearest to a question, the nearest first, by modality. Exact.

        Args:
            vector: shape (d,), unit.
            asking: the modality of the question; words are text.
            most: of each modality.
            leave_out: the row of the item that asks, if one does.
        """
        if not len(self.vectors):
            return {}
        scores = self._quantized.approximate_scores(vector)
        if leave_out is not None:
            scores[leave_out] = -np.inf
        # The level of a modality is that of its nearest, so more than these need not be looked at.
        wanted = max(most, CSLS_NEIGHBOURS)
        found: dict[str, list[Near]] = {}
        for modality, shelf in self._shelves.items():
            rows, cosines = self._quantized.nearest(vector, wanted, scores, shelf)
            fair = self.calibration.adjust(cosines, asking, modality, query_level(cosines))
            each = zip(rows[:most].tolist(), cosines.tolist(), fair.tolist(), strict=False)
            found[modality] = [Near(*one) for one in each]
        return found

    def prepare(self) -> None:
        """Look the vectors over now rather than at the first question."""
        _ = self._quantized, self._shelves

    @cached_property
    def row(self) -> dict[str, int]:
        """Where each item is."""
        return {name: i for i, name in enumerate(self.ids)}

    @cached_property
    def _quantized(self) -> QuantizedIndex:
        return QuantizedIndex.of(self.vectors)

    @cached_property
    def _shelves(self) -> dict[str, Ints]:
        return {str(m): np.flatnonzero(self.modality == m) for m in np.unique(self.modality)}


def together(found: Mapping[str, Iterable[Near]], most: int) -> list[Near]:
    """What was found of all modalities in one order, as it is fair."""
    return sorted((near for some in found.values() for near in some), key=lambda n: (-n.fair, n.row))[:most]


def adapter_of(rows: Iterable[Mapping[str, Any]], space: str) -> Mapping[str, Any]:
    """Of the rows of adapters, that of the one which makes the space: the selected one, or doing nothing."""
    return next(r for r in rows if (r["selected"] if space == "adapted" else r["recipe"] == "identity"))


def calibration_of(adapter: Mapping[str, Any]) -> Calibration:
    """How modalities are ranked together in the space that an adapter makes."""
    return Calibration.of(adapter["offset_text"], adapter["offset_image"])


def question_adapter(
    lake: Lake,
    adapter: Mapping[str, Any],
    annotated: Floats,
    modality: NDArray[np.str_],
    questions: Questions,
) -> QueryAdapter:
    """The adapter made ready for questions.

    Args:
        lake: where its weights are.
        adapter: its row.
        annotated: the user's items in the annotation space, shape (n, d), unit.
        modality: of these, shape (n,).
        questions: asked for common words, where the adapter looks some up.

    Raises:
        LakeError: the weights are not there.
        QuestionError: the words are not.
    """
    weights = read_weights(lake, adapter["weights"])
    known = questions.common_words() if uses_lexicon(weights) else NO_LEXICON
    return QueryAdapter(annotated, modality, weights, known)


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

    Posts and pins are ranked together fairly (``method.calibration``): from each similarity the mean of the
    ten highest of its modality is taken off, ``csls`` times (``CSLS_WEIGHT`` where not said), and pins
    are given an offset under which the user's own items find each modality as often as it is there. Else
    whichever modality lies nearer to the words would crowd out the other.

    Raises:
        SearchError: no words, or no such item.
        LakeError: the user has no embeddings yet.
    """
    lake = Lake(settings.lake)
    table = lake.read(f"{space}_embeddings", user)
    adapter = adapter_of(lake.read("adapters", user).to_pylist(), space)
    index = _index(table, calibration_of(adapter))
    if csls is not None:
        index = replace(index, calibration=fit_calibration(index.vectors, index.modality, csls=csls))
    if item is not None:
        own = index.row.get(item)
        if own is None:
            raise SearchError(
                f"{user!r} has no item {item!r}. `qualia search WORDS --user {user}` prints ids."
            )
        found = index.nearest(index.vectors[own], str(index.modality[own]), limit, own)
    else:
        annotated = table if space == "annotation" else lake.read("annotation_embeddings", user)
        asked = _asked(lake, adapter, annotated, words or "", Questions(settings, state))
        found = index.nearest(asked, "text", limit)
    shown = together(found if modality == "any" else {modality: found.get(modality, [])}, limit)
    told = {row["artefact_id"]: row for row in lake.read("item_overview", user).to_pylist()}
    return [
        Hit(
            artefact_id=index.ids[near.row],
            modality=str(index.modality[near.row]),
            similarity=round(near.similarity, 4),
            **{
                key: told.get(index.ids[near.row], {}).get(key)
                for key in ("title", "mood", "cluster_label", "url")
            },
        )
        for near in shown
    ]


def _index(table: pa.Table, calibration: Calibration) -> Index:
    modality = np.array(table["modality"].to_pylist(), dtype=np.str_)
    return Index(table["artefact_id"].to_pylist(), modality, vectors(table), calibration)


def _asked(
    lake: Lake, adapter: Mapping[str, Any], annotated: pa.Table, words: str, questions: Questions
) -> Floats:
    """The words as a vector of the space: embedded, then through the adapter."""
    if not words.strip():
        raise SearchError(
            'There are no words to search for. Try `qualia search "a slow morning by the sea"`.'
        )
    try:
        if annotated.num_rows:
            questions.of_embedder(annotated["embedder"][0].as_py())
        modality = np.array(annotated["modality"].to_pylist(), dtype=np.str_)
        place = question_adapter(lake, adapter, vectors(annotated), modality, questions)
        return place(questions.words(words), "text")
    except QuestionError as error:
        raise SearchError(str(error)) from None
