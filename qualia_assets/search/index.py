"""Exact nearest items of one user in one space: the only place where items are ranked against a query.

Belongs here: an index of vectors, and the ranking of posts and pins together. Encoding is in ``query``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.method.calibration import CSLS_NEIGHBOURS, Calibration, query_level
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, Ints
from qualia_assets.method.picture_head import prepared
from qualia_assets.method.quantized import QuantizedIndex

SPACES = ("raw", "annotation", "adapted")


@dataclass(frozen=True)
class Neighbour:
    """An item near a query, by its row in the index.

    ``similarity`` is the cosine; ``score`` is the cosine calibrated so that modalities can be compared (fused
    rankings use it).
    """

    row: int
    similarity: float
    score: float


@dataclass(frozen=True)
class Index:
    """A user's items in one space, prepared once for any number of queries.

    Args:
        ids: of the items, in order.
        modality: shape (n,).
        vectors: shape (n, d), unit.
        calibration: makes the modalities comparable.
    """

    ids: Sequence[str]
    modality: NDArray[np.str_]
    vectors: Floats
    calibration: Calibration

    def nearest(
        self, vector: Floats, query_modality: str, k: int, exclude: int | None = None
    ) -> dict[str, list[Neighbour]]:
        """The ``k`` nearest items of each modality, exactly, nearest first; ties go to the smaller row.

        Args:
            vector: shape (d,), unit.
            query_modality: words count as text.
            k: neighbours wanted of each modality.
            exclude: a row that is not returned: that of the item whose neighbours these are.

        Returns:
            Neighbours by modality, for each modality that the index has.
        """
        if not len(self.vectors):
            return {}
        approximate = self._quantized.approximate_scores(vector)
        if exclude is not None:
            approximate[exclude] = -np.inf
        # The level of a modality is the mean of its nearest few, so no more than these are needed for it.
        wanted = max(k, CSLS_NEIGHBOURS)
        found: dict[str, list[Neighbour]] = {}
        for modality, members in self._rows_of.items():
            rows, cosines = self._quantized.nearest(vector, wanted, approximate, members)
            scores = self.calibration.adjust(cosines, query_modality, modality, query_level(cosines))
            each = zip(rows[:k].tolist(), cosines.tolist(), scores.tolist(), strict=False)
            found[modality] = [Neighbour(*one) for one in each]
        return found

    def nearest_to_item(self, artefact_id: str, k: int) -> dict[str, list[Neighbour]]:
        """The same for an item of the index, which is left out of its own neighbours.

        Raises:
            KeyError: the index has no such item.
        """
        own = self.row[artefact_id]
        return self.nearest(self.vectors[own], str(self.modality[own]), k, exclude=own)

    def prepare(self) -> None:
        """Build the search structures now rather than at the first query."""
        _ = self._quantized, self._rows_of

    @cached_property
    def row(self) -> dict[str, int]:
        """The row of each item."""
        return {name: i for i, name in enumerate(self.ids)}

    @cached_property
    def _quantized(self) -> QuantizedIndex:
        return QuantizedIndex.of(self.vectors)

    @cached_property
    def _rows_of(self) -> dict[str, Ints]:
        return {str(m): np.flatnonzero(self.modality == m) for m in np.unique(self.modality)}


def fused(neighbours: Mapping[str, Iterable[Neighbour]], k: int) -> list[Neighbour]:
    """The ``k`` best of all modalities in one ranking, by calibrated score; ties go to the smaller row."""
    return sorted((n for some in neighbours.values() for n in some), key=lambda n: (-n.score, n.row))[:k]


def index_of(snapshot: Snapshot, space: str) -> Index:
    """The index of a snapshot's space, built once.

    Raises:
        NotThere: the snapshot has no vectors of the space.
    """
    return snapshot.once(_builder(space))


def look_index(snapshot: Snapshot) -> Index:
    """The index of what an encoder sees in a snapshot's pictures, whatever is said of them; built once.

    Raises:
        NotThere: the snapshot has no features of pictures.
    """
    return snapshot.once(_by_look)


def _by_look(snapshot: Snapshot) -> Index:
    pictures = snapshot.space("picture_features")
    return Index(pictures.ids, pictures.modality, unit(prepared(pictures.vectors)), Calibration())


def adapter_of(adapters: Iterable[Mapping[str, Any]], space: str) -> Mapping[str, Any]:
    """The row of the adapter that makes a space: the selected one for ``adapted``, else the identity."""
    return next(a for a in adapters if (a["selected"] if space == "adapted" else a["recipe"] == "identity"))


def calibration_of(adapter: Mapping[str, Any]) -> Calibration:
    """The calibration fitted for the space that an adapter makes."""
    return Calibration.of(adapter["offset_text"], adapter["offset_image"])


@cache
def _builder(space: str) -> Callable[[Snapshot], Index]:
    """The same function for the same space, since a snapshot keeps its result under the function."""

    def build(snapshot: Snapshot) -> Index:
        items = snapshot.space(f"{space}_embeddings")
        # No calibration is fitted for the raw space, which no adapter makes.
        adapters = snapshot.rows("adapters") if space != "raw" else []
        calibration = calibration_of(adapter_of(adapters, space)) if adapters else Calibration()
        return Index(items.ids, items.modality, items.vectors, calibration)

    return build
