"""All embedded items of one user with their labels: what adapters are fitted to and evaluated on."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.metrics import Points
from qualia_assets.method.neighbours import Floats, Ints, Mask

UNMATCHED = -1
NO_LEXICON: Floats = np.zeros((0, 0), dtype=np.float32)


@dataclass(frozen=True)
class Corpus:
    """Items in order of id: vectors (n, d), unit, and labels of shape (n,) each.

    ``cluster`` is the item's cluster within its modality, or noise. ``match`` is :data:`UNMATCHED` and
    ``split`` empty for an item without an accepted match. ``lexicon`` holds the vectors of common words,
    (words, d), which are not a user's data.
    """

    vectors: Floats
    modality: NDArray[np.str_]
    cluster: Ints
    match: Ints
    split: NDArray[np.str_]
    lexicon: Floats = field(default_factory=lambda: NO_LEXICON)

    @cached_property
    def seen(self) -> Mask:
        """The items that an inductive adapter may be fitted on: all but validation and test matches."""
        return np.asarray((self.split != "val") & (self.split != "test"))

    @cached_property
    def modalities(self) -> list[str]:
        """The distinct modalities, sorted."""
        return sorted(set(self.modality.tolist()))

    def points(self, split: str | tuple[str, ...], vectors: Floats | None = None) -> Points:
        """Return the matched items of one or more splits, in the space of ``vectors``, (n, e), if given."""
        mine = np.isin(self.split, (split,) if isinstance(split, str) else split)
        return Points(
            (self.vectors if vectors is None else vectors)[mine], self.modality[mine], self.match[mine]
        )

    def resplit(self, splits: dict[int, str]) -> "Corpus":
        """Return the same items with other splits, by match; a match that is not given is in none."""
        split = np.array([splits.get(int(m), "") for m in self.match], dtype=np.str_)
        return replace(self, split=split)
