"""Small corpora whose matches can be felt, for tests of what is fitted to them."""

import numpy as np

from qualia_assets.method.corpus import UNMATCHED, Corpus
from qualia_assets.method.matching import unit
from qualia_assets_tests.method.by_loops import felt_points


def felt_corpus(*splits: str, size: tuple[int, int] = (6, 5), gap: float = 1.0) -> Corpus:
    """A match of so many texts and images for each split named; of ``""`` two clusters that nothing matched.

    Beside them stand the vectors of 80 words, so that there is a lexicon.
    """
    points = felt_points(0, [size] * len(splits), gap=gap)
    number = points.match // 10
    split = np.array(splits, dtype=np.str_)[number]
    return Corpus(
        points.vectors,
        points.modality,
        cluster=number,
        match=np.where(split == "", UNMATCHED, number),
        split=split,
        lexicon=unit(np.random.default_rng(1).normal(size=(80, points.vectors.shape[1]))),
    )
