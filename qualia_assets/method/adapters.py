"""Adapters: small maps on frozen embeddings, stored as named arrays, and how they are applied.

Belongs here: an adapter's configuration (:class:`Recipe`), applying one, and selecting among fitted ones.
``recipes`` and ``training`` fit them, ``metrics`` measures them.
"""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.corpus import NO_LEXICON
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.quantized import QuantizedIndex
from qualia_assets.method.smoothing import (
    SmoothedGallery,
    same_modality_smoothing,
    smooth_query_towards,
    smooth_towards,
)

Architecture = Literal["identity", "linear", "mlp", "lookup"]
Kind = Literal["inductive", "transductive"]
Balance = Literal["ratio", "share"]
Weights = dict[str, Floats]

_SEPARATOR = "/"
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Recipe:
    """Everything that, with the data, determines an adapter.

    ``recipe`` is ``paper`` or a name of ours. ``balance_term`` is the loss that ``balance_weight`` scales.
    """

    recipe: str = "paper"
    arch: Architecture = "linear"
    kind: Kind = "inductive"
    temperature: float = 0.1
    balance_weight: float = 0.0
    balance_term: Balance = "ratio"
    seed: int = 0
    hidden: int = 512
    epochs: int = 20
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2

    @property
    def config_id(self) -> str:
        """A readable name, unique within a grid."""
        if self.recipe != "paper":
            return self.recipe
        term = self.balance_term if self.balance_weight else ""
        return f"{self.arch}-t{self.temperature:g}-b{self.balance_weight:g}{term}-s{self.seed}"


IDENTITY = Recipe(recipe="identity", arch="identity")


def apply(
    vectors: Floats, modality: NDArray[np.str_], weights: Weights, lexicon: Floats = NO_LEXICON
) -> Floats:
    """Apply an adapter to all items of a user.

    The names of an adapter's arrays determine its steps, which are taken in this order: centring by modality,
    lexicon, memory, a map (the paper's, or a residual one of ours), smoothing over the items given. The
    members of an ensemble are concatenated, so a cosine is the mean of theirs. Empty weights are the
    identity.

    Args:
        vectors: shape (n, d), unit; all of the user's items, since smoothing searches them for neighbours.
        modality: shape (n,).
        weights: from ``recipes.fit``.
        lexicon: shape (words, d), unit, for adapters with a lexicon step.

    Returns:
        Shape (n, e), unit; e is d except for ensembles.
    """
    if not weights:
        return vectors
    names = _member_names(weights)
    if names:
        members = [apply(vectors, modality, member(weights, name), lexicon) for name in names]
        return unit(np.concatenate(members, axis=1))
    z = _per_item_steps(vectors, modality, weights, _Banks(weights, lexicon))
    if "smoothing.k" in weights:
        z = _recentred(same_modality_smoothing(z, modality, *_smoothing(weights)), modality)
    return z


class QueryAdapter:
    """An adapter for queries against a user's items.

    Smoothing looks for a query's neighbours among the items and subtracts their mean. The items go through
    the adapter once, when their modality is first needed; after that a query costs one product with them per
    pass.

    The result is what :func:`apply` gives an item among the others, except that the query does not influence
    them. Without smoothing the two are equal up to rounding; with it their cosine is mostly above .99, and
    lower for a query far from all items.

    Safe to use from several threads.

    Args:
        vectors, modality, weights, lexicon: as for :func:`apply`.
    """

    def __init__(
        self, vectors: Floats, modality: NDArray[np.str_], weights: Weights, lexicon: Floats = NO_LEXICON
    ) -> None:
        self._vectors, self._modality, self._weights = vectors, modality, weights
        self._members = [
            QueryAdapter(vectors, modality, member(weights, name), lexicon) for name in _member_names(weights)
        ]
        self._banks, self._indexed_banks = _Banks(weights, lexicon), _IndexedBanks(weights, lexicon)
        self._smoothed: dict[str, SmoothedGallery | None] = {}
        self._lock = threading.Lock()

    def prepare(self, modality: str) -> None:
        """Smooth the items of a modality now, where the adapter smooths and has not done so."""
        for each in self._members:
            each.prepare(modality)
        if "smoothing.k" in self._weights:
            self._gallery(modality)

    def __call__(self, vector: Floats, modality: str) -> Floats:
        """Apply the adapter to one query.

        Args:
            vector: shape (d,), unit.
            modality: of the query.

        Returns:
            Shape (e,), unit, like a row from :func:`apply`.
        """
        if self._members:
            members = np.concatenate([each(vector, modality) for each in self._members])
            return np.asarray(unit(members[None])[0])
        if not self._weights:
            return vector
        z = _per_item_steps(vector[None], np.array([modality]), self._weights, self._indexed_banks)[0]
        gallery = self._gallery(modality) if "smoothing.k" in self._weights else None
        if gallery is not None:
            z = gallery.smooth_query(z)
            if gallery.items > 1:
                z = _subtract(z[None], gallery.mean)[0]
        return np.asarray(z)

    def _gallery(self, modality: str) -> SmoothedGallery | None:
        """Return the user's smoothed items of a modality, None where there are none."""
        with self._lock:
            if modality not in self._smoothed:
                mine = self._modality == modality
                z = _per_item_steps(self._vectors[mine], self._modality[mine], self._weights, self._banks)
                gallery = SmoothedGallery.of(z, *_smoothing(self._weights)) if len(z) else None
                self._smoothed[modality] = gallery
            return self._smoothed[modality]


class _Banks:
    """The steps that move items towards fixed vectors: words of the lexicon, and remembered items."""

    def __init__(self, weights: Weights, lexicon: Floats) -> None:
        self._weights, self._lexicon = weights, lexicon

    def towards_words(self, z: Floats) -> Floats:
        return _cached_lexicon_step(_ArrayKey(z), _ArrayKey(self._lexicon), *_step(self._weights, "lexicon"))

    def towards_memory(self, z: Floats, modality: str) -> Floats:
        return smooth_towards(z, _memory(self._weights, modality), *_step(self._weights, "memory"))


class _IndexedBanks(_Banks):
    """The same for one item at a time, with an index over each bank."""

    def __init__(self, weights: Weights, lexicon: Floats) -> None:
        super().__init__(weights, lexicon)
        self._words = QuantizedIndex.of(lexicon) if "lexicon.k" in weights else None
        self._memories = cache(lambda modality: QuantizedIndex.of(_memory(weights, modality)))

    def towards_words(self, z: Floats) -> Floats:
        assert self._words is not None
        return smooth_query_towards(z[0], self._words, *_step(self._weights, "lexicon"))[None]

    def towards_memory(self, z: Floats, modality: str) -> Floats:
        return smooth_query_towards(z[0], self._memories(modality), *_step(self._weights, "memory"))[None]


def _per_item_steps(z: Floats, modality: NDArray[np.str_], weights: Weights, banks: _Banks) -> Floats:
    """Take all steps in which items do not depend on one another: all but smoothing."""
    if any(name.startswith("centre.") for name in weights):
        z = _centred(z, modality, weights)
    if "lexicon.k" in weights:
        z = banks.towards_words(z)
    if "memory.k" in weights:
        z = _towards_other_modality(z, modality, banks)
    if "map.weight" in weights or "map.0.weight" in weights:
        z = _mapped(z, weights)
    return z


def _member_names(weights: Weights) -> list[str]:
    """Return the names of an ensemble's members, none for another adapter."""
    return sorted({name.split(_SEPARATOR)[0] for name in weights if _SEPARATOR in name})


def _step(weights: Weights, name: str) -> tuple[int, float]:
    """Return a step's number of neighbours and its size."""
    return int(weights[f"{name}.k"][0]), float(weights[f"{name}.share"][0])


def _smoothing(weights: Weights) -> tuple[int, float, int]:
    return *_step(weights, "smoothing"), int(weights["smoothing.passes"][0])


class _ArrayKey:
    """An array as a cache key, compared by content."""

    def __init__(self, array: Floats) -> None:
        self.array = np.ascontiguousarray(array)
        self._digest = hashlib.blake2b(self.array.data, digest_size=16).digest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ArrayKey) and self._digest == other._digest


# The lexicon step is the most expensive one, and half a dozen recipes start with the same one.
@lru_cache(maxsize=4)
def _cached_lexicon_step(z: _ArrayKey, lexicon: _ArrayKey, k: int, share: float) -> Floats:
    moved = smooth_towards(z.array, lexicon.array, k, share)
    moved.setflags(write=False)
    return moved


_ALL_WORDS = 25_000
"""More than there are."""


def lexicon_words(weights: Weights) -> int:
    """Return how many common words an adapter, or a member of an ensemble, was fitted with; 0 without any.

    Adapters fitted before the number was recorded used all words.
    """
    users = [name.removesuffix("k") for name in weights if name.endswith("lexicon.k")]
    numbers = [int(weights[f"{user}words"][0]) for user in users if f"{user}words" in weights]
    return max(numbers, default=_ALL_WORDS if users else 0)


def ensemble(*members: Weights) -> Weights:
    """Combine adapters into one that concatenates their outputs; see :func:`apply`."""
    return {f"{i}{_SEPARATOR}{name}": value for i, w in enumerate(members) for name, value in w.items()}


def member(weights: Weights, name: str) -> Weights:
    """Return one adapter of an ensemble."""
    prefix = f"{name}{_SEPARATOR}"
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}


def _centred(z: Floats, modality: NDArray[np.str_], weights: Weights) -> Floats:
    out = z.copy()
    for m in set(modality.tolist()):
        if f"centre.{m}" in weights:
            mine = modality == m
            out[mine] = _subtract(z[mine], weights[f"centre.{m}"])
    return out


def _recentred(z: Floats, modality: NDArray[np.str_]) -> Floats:
    """Centre each modality again, on all items: smoothing pulls each towards its own mean."""
    out = z.copy()
    for m in set(modality.tolist()):
        mine = modality == m
        if mine.sum() > 1:
            out[mine] = _subtract(z[mine], z[mine].mean(axis=0))
    return out


def _subtract(z: Floats, mean: Floats) -> Floats:
    """Subtract a mean and rescale to unit length; an item equal to the mean is unchanged."""
    moved = z - mean
    apart = np.linalg.norm(moved, axis=1, keepdims=True) > _ROUNDING
    return np.where(apart, unit(moved), z)


def _towards_other_modality(z: Floats, modality: NDArray[np.str_], banks: _Banks) -> Floats:
    out = z.copy()
    for m in set(modality.tolist()):
        mine = modality == m
        out[mine] = banks.towards_memory(z[mine], m)
    return out


def _memory(weights: Weights, modality: str) -> Floats:
    """Return the remembered items of all other modalities, shape (m, d)."""
    prefix = "memory.of."
    others = [w for name, w in weights.items() if name.startswith(prefix) and name != prefix + modality]
    return np.concatenate(others) if others else NO_LEXICON


def _mapped(z: Floats, weights: Weights) -> Floats:
    # Rounded only at the end, so that an item's result does not depend on the items mapped with it.
    x = z.astype(np.float64)
    if "map.0.weight" in weights:
        hidden = np.maximum(x @ weights["map.0.weight"].T + weights["map.0.bias"], 0)
        moved = hidden @ weights["map.2.weight"].T + weights["map.2.bias"]
    else:
        moved = x @ weights["map.weight"].T + weights.get("map.bias", np.float64(0))
    return unit(x + moved if "map.residual" in weights else moved)


@dataclass(frozen=True)
class Candidate:
    """A configuration's metrics on the validation matches, None where they could not be computed."""

    config_id: str
    coherence: float | None
    abs_bias: float | None
    cross_modal_r_precision: float | None


def select(candidates: Sequence[Candidate]) -> str:
    """Return the configuration with the best cross-modal R-precision on validation.

    Identity wins ties and wins where nothing was evaluated, so the selection is never worse on the validation
    matches than doing nothing.

    Args:
        candidates: ``identity`` must be among them.

    Raises:
        StopIteration: ``identity`` is not among them.
    """
    best = next(c for c in candidates if c.config_id == "identity")
    for candidate in candidates:
        if (candidate.cross_modal_r_precision or 0.0) > (best.cross_modal_r_precision or 0.0):
            best = candidate
    return best.config_id


def pareto_front(candidates: Sequence[Candidate]) -> set[str]:
    """Return the configurations not dominated in coherence and |bias|, as in the paper's Fig. 5."""
    evaluated = _evaluated(candidates)
    return {
        name
        for name, coherence, bias in evaluated
        if not any(
            better >= coherence and less <= bias and (better, less) != (coherence, bias)
            for _, better, less in evaluated
        )
    }


def hypervolume(candidates: Sequence[Candidate], worst_bias: float) -> float | None:
    """Compute the area that configurations dominate, coherence by |bias| (Zitzler & Thiele 1998).

    Args:
        candidates: of which only the Pareto front counts.
        worst_bias: the reference point is coherence 0 at this |bias|; configurations beyond it add nothing.

    Returns:
        From 0 to ``worst_bias``, larger is better; None where nothing was evaluated.
    """
    evaluated = sorted((bias, coherence) for _, coherence, bias in _evaluated(candidates))
    if not evaluated:
        return None
    area, best = 0.0, 0.0
    for bias, coherence in evaluated:
        if coherence > best and bias < worst_bias:
            area += (coherence - best) * (worst_bias - bias)
            best = coherence
    return area


def _evaluated(candidates: Sequence[Candidate]) -> list[tuple[str, float, float]]:
    return [
        (c.config_id, c.coherence, c.abs_bias)
        for c in candidates
        if c.coherence is not None and c.abs_bias is not None
    ]
