"""Words for pictures that nobody described, borrowed from the captions of pictures like them."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qualia_assets.method.neighbours import Floats

NEIGHBOURS = 10
LOOK_WEIGHT = 0.5
"""Of a caption whose picture looks alike, beside one that the picture's vector is near to."""
LEAST_SUPPORT = 0.2
"""Share of the captions asked, by weight, that must have a word."""


@dataclass(frozen=True)
class Borrowed:
    """Words, the best supported first, and the mean share of the captions asked that have them: 0 to 1."""

    words: tuple[str, ...] = ()
    confidence: float = 0.0


def borrow(near: Floats, alike: Floats, captions: Sequence[frozenset[str]], most: int = 6) -> list[Borrowed]:
    """Borrow the words that the captions nearest to a picture share, and few others have.

    A word is ranked by the share of the captions asked that have it, times its inverse document frequency
    (Spärck Jones 1972) among all.

    Args:
        near: of pictures to captions, shape (n, captions): what the predicted vector says, hubs levelled.
        alike: shape (n, captions): how much each picture looks like the captions' own.
        captions: the content words of each.
        most: words of a picture.

    Returns:
        For each picture; no words where too few captions agree.
    """
    if not len(captions):
        return [Borrowed() for _ in near]
    times = Counter(word for caption in captions for word in caption)
    asked = min(NEIGHBOURS, len(captions))
    nearest = np.argsort(-near, axis=1, kind="stable")[:, :asked].tolist()
    lookalikes = np.argsort(-alike, axis=1, kind="stable")[:, :asked].tolist()
    result = []
    for by_vector, by_look in zip(nearest, lookalikes, strict=True):
        support: Counter[str] = Counter()
        for rows, weight in ((by_vector, 1.0), (by_look, LOOK_WEIGHT)):
            for row in rows:
                for word in captions[row]:
                    support[word] += weight / (asked * (1 + LOOK_WEIGHT))  # type: ignore[assignment]
        rank = {
            word: share * math.log(len(captions) / times[word])
            for word, share in support.items()
            if share >= LEAST_SUPPORT and times[word] > 1
        }
        words = sorted((w for w in rank if rank[w] > 0), key=lambda w: (-rank[w], w))[:most]
        confidence = sum(support[w] for w in words) / len(words) if words else 0.0
        result.append(Borrowed(tuple(words), confidence))
    return result
