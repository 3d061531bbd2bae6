"""All embedded items of one user with their labels: what adapters are fitted to and judged on."""

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
    """Items in order of id, shape (n,) each.

    ``match`` is :data:`UNMATCHED` and ``split`` empty for an item of no accepted match; ``cluster`` is
    the item's cluster among those of its modality, or noise. ``lexicon`` holds the vectors of common
    words, shape (words, d), which belong to nobody.
    """

    vectors: Floats
    modality: NDArray[np.str_]
    cluster: Ints
    match: Ints
    split: NDArray[np.str_]
    lexicon: Floats = field(default_factory=lambda: NO_LEXICON)

    @cached_property
    def seen(self) -> Mask:
        """Items that an inductive adapter may be fitted on: all but those of validation and test matches."""
        return np.asarray((self.split != "val") & (self.split != "test"))

    @cached_property
    def modalities(self) -> list[str]:
        return sorted(set(self.modality.tolist()))

    def points(self, split: str | tuple[str, ...], vectors: Floats | None = None) -> Points:
        """The matched items of one split or more, in another space where its ``vectors`` (n, e) are given."""
        mine = np.isin(self.split, (split,) if isinstance(split, str) else split)
        return Points(
            (self.vectors if vectors is None else vectors)[mine], self.modality[mine], self.match[mine]
        )

    def resplit(self, splits: dict[int, str]) -> "Corpus":
        """The same items with their matches dealt to other splits."""
        dealt = np.array([splits.get(int(m), "") for m in self.match], dtype=np.str_)
        return replace(self, split=dealt)
