"""What a question finds among a user's items, in each space, and why.

Belongs here: a snapshot made ready for questions, and what is told of each item found. How items are ranked
is in ``qualia_assets.search.search``, how all this is laid out in the page's template.
"""

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qualia_assets.lake.rows import Rows
from qualia_assets.lake.snapshot import NotThere, Snapshot
from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.method.adapters import QueryAdapter
from qualia_assets.method.calibration import Calibration
from qualia_assets.method.clustering import NOISE
from qualia_assets.method.neighbours import Floats
from qualia_assets.search.query import QuestionError, Questions
from qualia_assets.search.search import (
    SPACES,
    Index,
    Near,
    adapter_of,
    calibration_of,
    question_adapter,
    together,
)
from qualia_assets.views.items import Item, items_of

MODALITIES = ("text", "image")
SHOWN = 8
"""Of each modality, in each space."""
PLACES = 2 * SHOWN
"""So many of both modalities together are told their place."""
MOST_THEMES = 2
FACETS = ("mood", "aesthetic", "lifestyle", "moment")
_TOLD = ("artefact_id", "modality", "title", "summary", "themes", *FACETS, "cluster", "match")
# More questions at once than processors would only take them from each other.
_TURNS = threading.BoundedSemaphore(os.cpu_count() or 1)
_WORD = re.compile(r"[^\W_]{3,}")
# Words of three letters and more that say nothing of what is looked for.
_EMPTY = frozenset(
    _WORD.findall(
        "about after all and any are but can for from had has have her him his how into its like more most "
        "not off one our out over she some such than that the their them then there these they this those "
        "too under very was were what when where which who whose why will with without you your"
    )
)


@dataclass(frozen=True)
class Question:
    """What is asked.

    Args:
        modality: that it counts as; words are text.
        vector: in the annotation space; None where one of the user's items asks.
        item: that item.
        facets: what is said of it, by the names of columns of ``item_overview``.
        words: that what is found may say, too.
    """

    modality: str
    vector: Floats | None = None
    item: str | None = None
    facets: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """An item that was found. ``place`` is that among both modalities, None beyond the first."""

    item: Item
    similarity: float
    place: int | None
    why: tuple[str, ...]


@dataclass(frozen=True)
class InSpace:
    """What was found in one space, by modality; or ``why_not``, and what to do."""

    space: str
    found: Mapping[str, Sequence[Found]] = field(default_factory=dict)
    why_not: str = ""


class Finder:
    """A snapshot made ready for questions. Safe to use from several threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._adapters = snapshot.rows("adapters")
        overview = snapshot.part("item_overview", _TOLD) if snapshot.has("item_overview") else None
        self._overview = Rows(overview)
        self._indexes = {s: self._index(s) for s in SPACES if snapshot.has(f"{s}_embeddings")}
        makers = snapshot.part("annotation_embeddings", ["embedder"])["embedder"]
        self.made_by: str | None = makers[0].as_py() if len(makers) else None
        """Which embedder made the items' vectors; None where there are none."""
        self._place: QueryAdapter | None = None
        self._lock = threading.Lock()

    @property
    def nothing_is_done(self) -> bool:
        """Whether doing nothing was the best adapter, so that both spaces are one."""
        return any(row["selected"] and row["recipe"] == "identity" for row in self._adapters)

    def like(self, item: Item) -> Question:
        """One of the user's items as a question."""
        facets = self._overview.one(item.artefact_id) or {}
        return Question(item.modality, facets=facets, item=item.artefact_id)

    def find(
        self, question: Question, spaces: Sequence[str], lake: Lake, questions: Questions
    ) -> list[InSpace]:
        """What lies nearest to a question, in each of some spaces."""
        why_not: dict[str, str] = {}
        for space in spaces:
            try:
                self._prepare(space, question, lake, questions)
            except (NotThere, LakeError, QuestionError) as error:
                why_not[space] = str(error)
        with _TURNS:
            return self._find(question, spaces, why_not)

    def _find(self, question: Question, spaces: Sequence[str], why_not: Mapping[str, str]) -> list[InSpace]:
        near = {space: {} if space in why_not else self._near(space, question) for space in spaces}
        # Looked up once for all spaces.
        rows = {s: {one.row for some in kinds.values() for one in some[:SHOWN]} for s, kinds in near.items()}
        ids = {self._indexes[space].ids[row] for space, some in rows.items() for row in some}
        items = {item.artefact_id: item for item in items_of(self._snapshot).brief(ids)}
        overview = {row["artefact_id"]: row for row in self._overview.of(ids)}
        return [
            InSpace(space, why_not=why_not[space])
            if space in why_not
            else InSpace(space, self._told(self._indexes[space], kinds, question, items, overview))
            for space, kinds in near.items()
        ]

    def _prepare(self, space: str, question: Question, lake: Lake, questions: Questions) -> None:
        """Make a space ready for a question, which takes seconds the first time.

        Raises:
            NotThere: there is no such space, or the item that asks is not in it.
            LakeError, QuestionError: what is needed to place the question there cannot be had.
        """
        if space not in self._indexes:
            raise NotThere(" ".join(self._snapshot.why_not(f"{space}_embeddings")))
        self._indexes[space].prepare()
        if question.vector is not None and space != "annotation":
            with self._lock:
                if self._place is None:
                    items = self._snapshot.space("annotation_embeddings")
                    adapter = adapter_of(self._adapters, space)
                    self._place = question_adapter(lake, adapter, items.vectors, items.modality, questions)
            self._place.prepare(question.modality)
        if question.item is not None and question.item not in self._indexes[space].row:
            raise NotThere("This item has no vector there: nothing could be said of it.")

    def _near(self, space: str, question: Question) -> dict[str, list[Near]]:
        index, vector = self._indexes[space], question.vector
        if question.item is not None:
            own = index.row[question.item]
            return index.nearest(index.vectors[own], question.modality, PLACES, own)
        assert vector is not None
        if space != "annotation":
            assert self._place is not None
            vector = self._place(vector, question.modality)
        return index.nearest(vector, question.modality, PLACES)

    def _told(
        self,
        index: Index,
        near: Mapping[str, list[Near]],
        question: Question,
        items: Mapping[str, Item],
        overview: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, list[Found]]:
        order = together(near, PLACES)
        place = {one.row: i for i, one in enumerate(order, 1)}
        first = index.ids[order[0].row] if order else ""

        def told(one: Near) -> Found:
            name = index.ids[one.row]
            row = overview.get(name, {})
            why = [*_shared(question, row)]
            if question.item is not None:
                why += _beside(question.facets, row, "")
            elif name != first:
                why += _beside(overview.get(first, {}), row, " as the first")
            return Found(items[name], one.similarity, place.get(one.row), tuple(why))

        return {
            modality: [told(one) for one in near.get(modality, [])[:SHOWN] if index.ids[one.row] in items]
            for modality in MODALITIES
        }

    def _index(self, space: str) -> Index:
        items = self._snapshot.space(f"{space}_embeddings")
        known = calibration_of(adapter_of(self._adapters, space)) if self._adapters else Calibration()
        return Index(items.ids, items.modality, items.vectors, known)


def finder_of(snapshot: Snapshot) -> Finder:
    """The snapshot made ready for questions, once; it must have artefacts and annotation embeddings."""
    return snapshot.once(Finder)


def words_of_question(words: str) -> tuple[str, ...]:
    """The words of a question that what is found may say, too."""
    return tuple(dict.fromkeys(w for w in _WORD.findall(words.casefold()) if w not in _EMPTY))


def _shared(question: Question, row: Mapping[str, Any]) -> Iterator[str]:
    """What a question and an item have in common, in a few words each."""
    said = _said(question.words, row)
    if said:
        yield "says " + ", ".join(f"“{w}”" for w in said[:4])
    same = [facet for facet in FACETS if row.get(facet) and row[facet] == question.facets.get(facet)]
    if same:
        yield "same " + (f"{', '.join(same[:-1])} and {same[-1]}" if len(same) > 1 else same[0])
    themes = [theme for theme in row.get("themes") or () if theme in (question.facets.get("themes") or ())]
    if themes:
        yield f"in common: {', '.join(themes[:MOST_THEMES])}"


def _said(words: Sequence[str], row: Mapping[str, Any]) -> list[str]:
    """Those of the words that stand in an item's title or annotation."""
    if not words:
        return []
    fields = [row.get(name) or "" for name in ("title", "summary", *FACETS)]
    text = " ".join([*fields, *(row.get("themes") or ())]).casefold()
    return [word for word in words if word in text and re.search(rf"\b{word}\b", text)]


def _beside(one: Mapping[str, Any], row: Mapping[str, Any], which: str) -> Iterator[str]:
    """Whether an item is in the cluster of another, or in the one that this is matched with."""
    cluster = row.get("cluster")
    if cluster is None or cluster == NOISE:
        return
    if row["modality"] == one.get("modality"):
        if cluster == one.get("cluster"):
            yield f"same cluster{which}"
    elif row["match"] is not None and row["match"] == one.get("match"):
        yield f"cluster matched with {'the first’s' if which else 'its own'}"
