"""Search among one user's items for the browser app: results in each space, and the reasons for each.

Belongs here: a snapshot made ready for queries, and what a page shows of a result. How items are ranked is in
``index``.
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
from qualia_assets.method.clustering import NOISE
from qualia_assets.method.neighbours import Floats
from qualia_assets.search.index import Neighbour, adapter_of, fused, index_of
from qualia_assets.search.query import QueryEncoder, QueryError, query_adapter
from qualia_assets.views.items import Item, items_of

SPACES = ("adapted", "annotation")
MODALITIES = ("text", "image")
RESULTS = 8
"""Shown of each modality in each space."""
FUSED_RANKS = 2 * RESULTS
"""Ranks among both modalities that are shown."""
MAX_THEMES = 2
FACETS = ("mood", "aesthetic", "lifestyle", "moment")
_COLUMNS = ("artefact_id", "modality", "title", "summary", "themes", *FACETS, "cluster", "match")
# More queries at once than processors would only slow one another down.
_running = threading.BoundedSemaphore(os.cpu_count() or 1)
_WORD = re.compile(r"[^\W_]{3,}")
_STOP_WORDS = frozenset(
    _WORD.findall(
        "about after all and any are but can for from had has have her him his how into its like more most "
        "not off one our out over she some such than that the their them then there these they this those "
        "too under very was were what when where which who whose why will with without you your"
    )
)


@dataclass(frozen=True)
class Query:
    """What is searched for.

    Args:
        modality: words count as text.
        vector: in the annotation space; None where the query is one of the user's items.
        item: that item's id.
        facets: its annotation, by column of ``item_overview``.
        words: that results are checked for.
    """

    modality: str
    vector: Floats | None = None
    item: str | None = None
    facets: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """An item found. ``rank`` is that among both modalities, None beyond the first :data:`FUSED_RANKS`."""

    item: Item
    similarity: float
    rank: int | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SpaceResults:
    """The results in one space, by modality; or ``error``: why there are none, and what to do."""

    space: str
    results: Mapping[str, Sequence[Result]] = field(default_factory=dict)
    error: str = ""


class Finder:
    """A snapshot ready for queries. Safe to use from several threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._adapters = snapshot.rows("adapters")
        overview = snapshot.part("item_overview", _COLUMNS) if snapshot.has("item_overview") else None
        self._overview = Rows(overview)
        self._indexes = {s: index_of(snapshot, s) for s in SPACES if snapshot.has(f"{s}_embeddings")}
        embedders = snapshot.part("annotation_embeddings", ["embedder"])["embedder"]
        self.embedder: str | None = embedders[0].as_py() if len(embedders) else None
        """The embedder of the items' vectors; None where there are none."""
        self._adapter: QueryAdapter | None = None
        self._lock = threading.Lock()

    @property
    def is_unadapted(self) -> bool:
        """Whether the identity is the selected adapter, so that both spaces are the same."""
        return any(row["selected"] and row["recipe"] == "identity" for row in self._adapters)

    def query_by_item(self, item: Item) -> Query:
        """One of the user's items as a query."""
        facets = self._overview.one(item.artefact_id) or {}
        return Query(item.modality, facets=facets, item=item.artefact_id)

    def find(
        self, query: Query, spaces: Sequence[str], lake: Lake, encoder: QueryEncoder
    ) -> list[SpaceResults]:
        """The items nearest to a query, in each of some spaces."""
        errors: dict[str, str] = {}
        for space in spaces:
            try:
                self._prepare(space, query, lake, encoder)
            except (NotThere, LakeError, QueryError) as error:
                errors[space] = str(error)
        with _running:
            return self._find(query, spaces, errors)

    def _find(self, query: Query, spaces: Sequence[str], errors: Mapping[str, str]) -> list[SpaceResults]:
        nearest = {space: self._nearest(space, query) for space in spaces if space not in errors}
        # Looked up once for all spaces.
        ids = {
            self._indexes[space].ids[neighbour.row]
            for space, by_modality in nearest.items()
            for neighbours in by_modality.values()
            for neighbour in neighbours[:RESULTS]
        }
        items = {item.artefact_id: item for item in items_of(self._snapshot).brief(ids)}
        overview = {row["artefact_id"]: row for row in self._overview.of(ids)}
        return [
            SpaceResults(space, error=errors[space])
            if space in errors
            else SpaceResults(
                space, self._results(self._indexes[space].ids, nearest[space], query, items, overview)
            )
            for space in spaces
        ]

    def _prepare(self, space: str, query: Query, lake: Lake, encoder: QueryEncoder) -> None:
        """Make a space ready for a query, which takes seconds the first time.

        Raises:
            NotThere: there is no such space, or the queried item is not in it.
            LakeError, QueryError: what adapts the query to the space cannot be had.
        """
        if space not in self._indexes:
            raise NotThere(" ".join(self._snapshot.why_not(f"{space}_embeddings")))
        self._indexes[space].prepare()
        if query.vector is not None and space != "annotation":
            with self._lock:
                if self._adapter is None:
                    items = self._snapshot.space("annotation_embeddings")
                    row = adapter_of(self._adapters, space)
                    self._adapter = query_adapter(lake, row, items.vectors, items.modality, encoder)
            self._adapter.prepare(query.modality)
        if query.item is not None and query.item not in self._indexes[space].row:
            raise NotThere("This item has no vector in this space: it has no annotation.")

    def _nearest(self, space: str, query: Query) -> dict[str, list[Neighbour]]:
        index, vector = self._indexes[space], query.vector
        if query.item is not None:
            return index.nearest_to_item(query.item, FUSED_RANKS)
        assert vector is not None
        if space != "annotation":
            assert self._adapter is not None
            vector = self._adapter(vector, query.modality)
        return index.nearest(vector, query.modality, FUSED_RANKS)

    def _results(
        self,
        ids: Sequence[str],
        nearest: Mapping[str, list[Neighbour]],
        query: Query,
        items: Mapping[str, Item],
        overview: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, list[Result]]:
        order = fused(nearest, FUSED_RANKS)
        rank = {neighbour.row: i for i, neighbour in enumerate(order, 1)}
        first = ids[order[0].row] if order else ""

        def result(neighbour: Neighbour) -> Result:
            item = ids[neighbour.row]
            row = overview.get(item, {})
            reasons = [*_in_common(query, row)]
            if query.item is not None:
                reasons += _cluster_reason(query.facets, row, "")
            elif item != first:
                reasons += _cluster_reason(overview.get(first, {}), row, " as the first")
            return Result(items[item], neighbour.similarity, rank.get(neighbour.row), tuple(reasons))

        return {
            modality: [result(n) for n in nearest.get(modality, [])[:RESULTS] if ids[n.row] in items]
            for modality in MODALITIES
        }


def finder_of(snapshot: Snapshot) -> Finder:
    """The finder of a snapshot, made once; the snapshot must have artefacts and annotation embeddings."""
    return snapshot.once(Finder)


def query_terms(words: str) -> tuple[str, ...]:
    """The words of a query, without stop words, that an item may contain."""
    return tuple(dict.fromkeys(w for w in _WORD.findall(words.casefold()) if w not in _STOP_WORDS))


def _in_common(query: Query, row: Mapping[str, Any]) -> Iterator[str]:
    """What a query and an item share, in a few words each."""
    said = _terms_in(query.words, row)
    if said:
        yield "says " + ", ".join(f"“{w}”" for w in said[:4])
    same = [facet for facet in FACETS if row.get(facet) and row[facet] == query.facets.get(facet)]
    if same:
        yield "same " + (f"{', '.join(same[:-1])} and {same[-1]}" if len(same) > 1 else same[0])
    themes = [theme for theme in row.get("themes") or () if theme in (query.facets.get("themes") or ())]
    if themes:
        yield f"in common: {', '.join(themes[:MAX_THEMES])}"


def _terms_in(terms: Sequence[str], row: Mapping[str, Any]) -> list[str]:
    """The terms that occur in an item's title or annotation."""
    if not terms:
        return []
    fields = [row.get(name) or "" for name in ("title", "summary", *FACETS)]
    text = " ".join([*fields, *(row.get("themes") or ())]).casefold()
    return [term for term in terms if term in text and re.search(rf"\b{term}\b", text)]


def _cluster_reason(other: Mapping[str, Any], row: Mapping[str, Any], which: str) -> Iterator[str]:
    """Whether an item is in the cluster of another, or in the one matched with it."""
    cluster = row.get("cluster")
    if cluster is None or cluster == NOISE:
        return
    if row["modality"] == other.get("modality"):
        if cluster == other.get("cluster"):
            yield f"same cluster{which}"
    elif row["match"] is not None and row["match"] == other.get("match"):
        yield f"cluster matched with {'the first’s' if which else 'its own'}"
