"""Embeddings with themes planted in them: clusters of unlike size that lie near one another in families,
the same themes in both modalities, a modality gap between the two, and items that belong nowhere.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

MODALITIES = ("text", "image")
NOWHERE = -1
DIMENSIONS = 384
_NOWHERE_SHARE = 0.1
_MEANING = 24
_FAMILY, _OWN, _SPREAD, _GAP, _FUZZ = 0.6, 0.8, 0.95, 0.7, 0.3


@dataclass(frozen=True)
class Planted:
    """Unit vectors by modality, shape (items, 384), and the theme of each item (-1: of none)."""

    vectors: dict[str, Floats]
    theme: dict[str, Ints]


def planted(items: int, themes: int, seed: int) -> Planted:
    """Plant ``themes`` clusters in ``items`` items of either modality.

    All meaning lies in 24 of the 384 dimensions, as embeddings' effective dimensions are few: there a
    theme's centre is its family's direction and its own (four themes a family), and an item is its
    theme's centre with noise around it. One item in ten lies between two themes and is of none. To all
    come the modality's own direction and a little noise in every dimension.
    """
    rng = np.random.default_rng(seed)
    meaning = np.linalg.qr(rng.normal(size=(DIMENSIONS, _MEANING)))[0].T
    families = _directions(rng, -(-themes // 4), _MEANING)
    own = _directions(rng, themes, _MEANING)
    centres = _unit(_FAMILY * families[np.arange(themes) // 4] + _OWN * own)
    gap = dict(zip(MODALITIES, _directions(rng, 2, DIMENSIONS), strict=True))
    vectors, theme = {}, {}
    for modality in MODALITIES:
        placed = round(items * (1 - _NOWHERE_SHARE))
        weights = rng.lognormal(0, 0.4, themes)
        # Every theme has at least 15 items, so that a cluster of 8 is there to be found.
        sizes = 15 + rng.multinomial(placed - 15 * themes, weights / weights.sum())
        of = np.concatenate([np.repeat(np.arange(themes), sizes), np.full(items - placed, NOWHERE)])
        rng.shuffle(of)
        pairs = rng.integers(0, themes, (items, 2))
        middle = np.where((of == NOWHERE)[:, None], centres[pairs].mean(axis=1), centres[of])
        meant = middle + _SPREAD * rng.normal(size=(items, _MEANING)) / np.sqrt(_MEANING)
        fuzz = _FUZZ * rng.normal(size=(items, DIMENSIONS)) / np.sqrt(DIMENSIONS)
        vectors[modality] = _unit(meant @ meaning + _GAP * gap[modality] + fuzz).astype(np.float32)
        theme[modality] = of.astype(np.int64)
    return Planted(vectors, theme)


def _directions(rng: np.random.Generator, number: int, dimensions: int) -> NDArray[np.float64]:
    return _unit(rng.normal(size=(number, dimensions)))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
