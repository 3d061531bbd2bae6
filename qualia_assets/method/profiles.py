"""Which entries of a vocabulary an item is near to, and which of them may be printed.

An item's profile is its similarity to every entry of a field. The nearest entry is printed only where it is
sure: an entry that is near to everything fits nothing.
"""

import numpy as np

from qualia_assets.method.calibration import csls
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, Ints, Mask

LEAST_SIMILARITY = 0.16
"""Vectors of noise are at most as near as .14 to their nearest entry in nine of ten cases."""
LEAST_MARGIN = 0.03
"""To the second nearest entry, levelled: half of what noise has in nine of ten cases."""
LARGEST_SHARE = 0.05
"""Of the items that one entry may be given to."""
_FEW = 20
"""Items whose mean is trusted by half."""


def profile(vectors: Floats, entries: Floats) -> Floats:
    """Compute the similarity of items to all entries, each less what it shares with its like.

    Args:
        vectors: of items of one kind (posts, captioned pictures, ...), shape (n, d), unit.
        entries: of one field, shape (entries, d), unit.

    Returns:
        Cosines, shape (n, entries). The mean of few items is subtracted only in part.
    """
    if not len(vectors):
        return np.zeros((0, len(entries)), dtype=np.float32)
    shared = vectors.mean(axis=0) * (len(vectors) / (len(vectors) + _FEW))
    return unit(vectors - shared) @ unit(entries - entries.mean(axis=0)).T


def sure(profiles: Floats, most: int = 1) -> list[list[int]]:
    """Choose the entries that may be printed.

    An entry is sure where the item is near to it, is among those nearest to it (at most a twentieth of the
    items, times ``most``), and where the first that is left out is clearly farther. Similarities are levelled
    by those that items and entries usually have (CSLS).

    Args:
        profiles: shape (n, entries), from :func:`profile`.
        most: entries of one item.

    Returns:
        Entries of each item, the nearest first; often none.
    """
    if not profiles.size:
        return [[] for _ in profiles]
    levelled = csls(profiles)
    order: Ints = np.argsort(-levelled, axis=1, kind="stable")
    among = _among_the_nearest(profiles, max(3, int(most * LARGEST_SHARE * len(profiles))))
    chosen = []
    for item, entries in enumerate(order):
        ranked = levelled[item, entries]
        near = [
            int(entry)
            for place, entry in enumerate(entries[:most])
            if among[item, entry]
            and profiles[item, entry] >= LEAST_SIMILARITY
            and (place + 1 == len(entries) or ranked[0] - ranked[place + 1] >= LEAST_MARGIN)
        ]
        chosen.append(near)
    return chosen


def _among_the_nearest(profiles: Floats, most: int) -> Mask:
    """Whether an item is one of the ``most`` nearest to an entry, shape (n, entries)."""
    nearest = np.argsort(-profiles, axis=0, kind="stable")[:most]
    among = np.zeros(profiles.shape, dtype=bool)
    np.put_along_axis(among, nearest, True, axis=0)
    return among
