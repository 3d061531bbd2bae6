"""Adapters: small maps on top of frozen embeddings, as arrays that can be kept, and how they are applied.

Belongs here: what decides an adapter (:class:`Recipe`), applying one, and choosing between fitted ones.
How one is fitted is in ``recipes`` and ``training``, how well it does is for ``metrics``.
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
from qualia_assets.method.sieve import Sieve
from qualia_assets.method.smoothing import Smoothed, same_modality_smoothing, smooth_towards, step_towards

Architecture = Literal["identity", "linear", "mlp", "lookup"]
Kind = Literal["inductive", "transductive"]
Balance = Literal["ratio", "share"]
Weights = dict[str, Floats]

_PART = "/"
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Recipe:
    """Everything that, with the data, decides what an adapter becomes.

    ``recipe`` is ``paper`` or a name of ours. ``balance_term`` is the loss that ``balance_weight`` weighs.
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
        """A readable name that no other configuration of one grid has."""
        if self.recipe != "paper":
            return self.recipe
        term = self.balance_term if self.balance_weight else ""
        return f"{self.arch}-t{self.temperature:g}-b{self.balance_weight:g}{term}-s{self.seed}"


IDENTITY = Recipe(recipe="identity", arch="identity")


def apply(
    vectors: Floats, modality: NDArray[np.str_], weights: Weights, lexicon: Floats = NO_LEXICON
) -> Floats:
    """Send all items of a user through an adapter; what comes back has unit length.

    The steps that an adapter has are known by the names of its arrays, and are taken in this order:
    centring by modality, the lexicon, the memory, a map (the paper's or a residual one of ours),
    smoothing over the items given. Parts of an ensemble stand side by side, so that a cosine is the
    mean of theirs. Empty weights are the identity: the vectors come back as they are.

    Args:
        vectors: shape (n, d), unit. All of the user's items, as smoothing looks for neighbours among
            them; a question is one item more.
        modality: shape (n,).
        weights: as from ``recipes.fit``.
        lexicon: shape (words, d), for adapters that look words up.

    Returns:
        Shape (n, e); e is d but for ensembles.
    """
    if not weights:
        return vectors
    parts = _parts(weights)
    if parts:
        taken = [apply(vectors, modality, member(weights, part), lexicon) for part in parts]
        return unit(np.concatenate(taken, axis=1))
    z = _each_alone(vectors, modality, weights, _Banks(weights, lexicon))
    if "smoothing.k" in weights:
        z = _recentred(same_modality_smoothing(z, modality, *_smoothing(weights)), modality)
    return z


class QueryAdapter:
    """An adapter for one item more beside a user's own: a question, say.

    What an adapter makes of an item may depend on the others: smoothing looks for its neighbours among them
    and takes their middle off. They go through the adapter once, when an item of their modality first comes;
    from then on each costs a product with them for every pass, however often one is asked.

    What comes out is what :func:`apply` gives to an item that is one among the others, but for its own
    influence on them, which is left out: there those near it are drawn towards it, here they lie where they
    lie without it. The two mostly have a cosine of more than .99, less for what lies apart from all items; an
    adapter without smoothing gives the same but for rounding.

    Safe to use from several threads.

    Args:
        vectors, modality, weights, lexicon: as for :func:`apply`.
    """

    def __init__(
        self, vectors: Floats, modality: NDArray[np.str_], weights: Weights, lexicon: Floats = NO_LEXICON
    ) -> None:
        self._vectors, self._modality, self._weights = vectors, modality, weights
        self._parts = [QueryAdapter(vectors, modality, member(weights, p), lexicon) for p in _parts(weights)]
        self._banks, self._sieves = _Banks(weights, lexicon), _Sieves(weights, lexicon)
        self._smoothed: dict[str, Smoothed | None] = {}
        self._lock = threading.Lock()

    def prepare(self, modality: str) -> None:
        """Send the items of a modality through the adapter now, where it needs them and has not yet."""
        for part in self._parts:
            part.prepare(modality)
        if "smoothing.k" in self._weights:
            self._prepared(modality)

    def __call__(self, vector: Floats, modality: str) -> Floats:
        """Send one vector more through the adapter.

        Args:
            vector: shape (d,), unit.
            modality: of what it stands for.

        Returns:
            Shape (e,), unit, as the rows that :func:`apply` gives.
        """
        if self._parts:
            beside = np.concatenate([part(vector, modality) for part in self._parts])
            return np.asarray(unit(beside[None])[0])
        if not self._weights:
            return vector
        z = _each_alone(vector[None], np.array([modality]), self._weights, self._sieves)[0]
        smoothed = self._prepared(modality) if "smoothing.k" in self._weights else None
        if smoothed is not None:
            z = smoothed.take_along(z)
            if smoothed.items > 1:
                z = _less(z[None], smoothed.middle)[0]
        return np.asarray(z)

    def _prepared(self, modality: str) -> Smoothed | None:
        """The user's items of a modality on their way; None where there are none."""
        with self._lock:
            if modality not in self._smoothed:
                mine = self._modality == modality
                items = _each_alone(self._vectors[mine], self._modality[mine], self._weights, self._banks)
                there = len(items) > 0
                self._smoothed[modality] = Smoothed.of(items, *_smoothing(self._weights)) if there else None
            return self._smoothed[modality]


class _Banks:
    """What items are drawn to, each alone: common words, and items that an adapter remembers."""

    def __init__(self, weights: Weights, lexicon: Floats) -> None:
        self._weights, self._lexicon = weights, lexicon

    def towards_words(self, z: Floats) -> Floats:
        return _looked_up(_Held(z), _Held(self._lexicon), *_step(self._weights, "lexicon"))

    def towards_memory(self, z: Floats, modality: str) -> Floats:
        return smooth_towards(z, _memory(self._weights, modality), *_step(self._weights, "memory"))


class _Sieves(_Banks):
    """The same, looked over once, for one item at a time."""

    def __init__(self, weights: Weights, lexicon: Floats) -> None:
        super().__init__(weights, lexicon)
        self._words = Sieve.of(lexicon) if "lexicon.k" in weights else None
        self._memories = cache(lambda modality: Sieve.of(_memory(weights, modality)))

    def towards_words(self, z: Floats) -> Floats:
        assert self._words is not None
        return step_towards(z[0], self._words, *_step(self._weights, "lexicon"))[None]

    def towards_memory(self, z: Floats, modality: str) -> Floats:
        return step_towards(z[0], self._memories(modality), *_step(self._weights, "memory"))[None]


def _each_alone(z: Floats, modality: NDArray[np.str_], weights: Weights, banks: _Banks) -> Floats:
    """The steps in which no item given looks at another: all but smoothing."""
    if any(name.startswith("centre.") for name in weights):
        z = _centred(z, modality, weights)
    if "lexicon.k" in weights:
        z = banks.towards_words(z)
    if "memory.k" in weights:
        z = _remembered(z, modality, banks)
    if "map.weight" in weights or "map.0.weight" in weights:
        z = _mapped(z, weights)
    return z


def _parts(weights: Weights) -> list[str]:
    """The names of an ensemble's parts; none of an adapter that is not one."""
    return sorted({name.split(_PART)[0] for name in weights if _PART in name})


def _step(weights: Weights, name: str) -> tuple[int, float]:
    """How many neighbours a step looks at, and how far it goes."""
    return int(weights[f"{name}.k"][0]), float(weights[f"{name}.share"][0])


def _smoothing(weights: Weights) -> tuple[int, float, int]:
    return *_step(weights, "smoothing"), int(weights["smoothing.passes"][0])


class _Held:
    """An array as a key: two with the same contents are the same."""

    def __init__(self, array: Floats) -> None:
        self.array = np.ascontiguousarray(array)
        self._digest = hashlib.blake2b(self.array.data, digest_size=16).digest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self._digest == other._digest


# Looking up words is the dearest step there is, and half a dozen recipes begin with the same one.
@lru_cache(maxsize=4)
def _looked_up(z: _Held, lexicon: _Held, k: int, share: float) -> Floats:
    moved = smooth_towards(z.array, lexicon.array, k, share)
    moved.setflags(write=False)
    return moved


def looks_up(weights: Weights) -> bool:
    """Whether an adapter needs the lexicon."""
    return any(name.endswith("lexicon.k") for name in weights)


def ensemble(*members: Weights) -> Weights:
    """One adapter that is the others side by side; see :func:`apply`."""
    return {f"{i}{_PART}{name}": value for i, w in enumerate(members) for name, value in w.items()}


def member(weights: Weights, part: str) -> Weights:
    """One adapter out of an ensemble."""
    return {
        name.removeprefix(f"{part}{_PART}"): value
        for name, value in weights.items()
        if name.startswith(f"{part}{_PART}")
    }


def _centred(z: Floats, modality: NDArray[np.str_], weights: Weights) -> Floats:
    out = z.copy()
    for m in set(modality.tolist()):
        if f"centre.{m}" in weights:
            mine = modality == m
            out[mine] = _less(z[mine], weights[f"centre.{m}"])
    return out


def _recentred(z: Floats, modality: NDArray[np.str_]) -> Floats:
    """Centred once more, by all items: smoothing pulls each modality towards its own middle."""
    out = z.copy()
    for m in set(modality.tolist()):
        mine = modality == m
        if mine.sum() > 1:
            out[mine] = _less(z[mine], z[mine].mean(axis=0))
    return out


def _less(z: Floats, middle: Floats) -> Floats:
    """Items seen from a middle, unit; one that lies in it has no direction from there and stays as it is."""
    moved = z - middle
    apart = np.linalg.norm(moved, axis=1, keepdims=True) > _ROUNDING
    return np.where(apart, unit(moved), z)


def _remembered(z: Floats, modality: NDArray[np.str_], banks: _Banks) -> Floats:
    """Towards the nearest remembered items of the other modality."""
    out = z.copy()
    for m in set(modality.tolist()):
        mine = modality == m
        out[mine] = banks.towards_memory(z[mine], m)
    return out


def _memory(weights: Weights, modality: str) -> Floats:
    """What is remembered for items of a modality: those of all the others, shape (m, d)."""
    prefix = "memory.of."
    others = [w for name, w in weights.items() if name.startswith(prefix) and name != prefix + modality]
    return np.concatenate(others) if others else NO_LEXICON


def _mapped(z: Floats, weights: Weights) -> Floats:
    # Rounded once, at the end: an item comes out the same whatever other items go through with it.
    x = z.astype(np.float64)
    if "map.0.weight" in weights:
        hidden = np.maximum(x @ weights["map.0.weight"].T + weights["map.0.bias"], 0)
        moved = hidden @ weights["map.2.weight"].T + weights["map.2.bias"]
    else:
        moved = x @ weights["map.weight"].T + weights.get("map.bias", np.float64(0))
    return unit(x + moved if "map.residual" in weights else moved)


@dataclass(frozen=True)
class Candidate:
    """How an adapter did on the validation matches; None where there were none to judge it on."""

    config_id: str
    coherence: float | None
    abs_bias: float | None
    cross_modal_r_precision: float | None


def select(candidates: Sequence[Candidate]) -> str:
    """The configuration with the best cross-modal R-precision on validation.

    Identity wins ties and wins where nothing could be judged, so what is selected is never worse
    on the validation matches than doing nothing.

    Args:
        candidates: ``identity`` must be among them.
    """
    best = next(c for c in candidates if c.config_id == "identity")
    for candidate in candidates:
        if (candidate.cross_modal_r_precision or 0.0) > (best.cross_modal_r_precision or 0.0):
            best = candidate
    return best.config_id


def pareto_front(candidates: Sequence[Candidate]) -> set[str]:
    """Configurations that none beats on both coherence (higher) and |bias| (lower): the paper's Fig. 5."""
    judged = _judged(candidates)
    return {
        name
        for name, coherence, bias in judged
        if not any(
            better >= coherence and less <= bias and (better, less) != (coherence, bias)
            for _, better, less in judged
        )
    }


def hypervolume(candidates: Sequence[Candidate], worst_bias: float) -> float | None:
    """The area that a set of configurations dominates, coherence by |bias| (Zitzler & Thiele 1998).

    Args:
        candidates: of which only the front counts.
        worst_bias: the reference point is coherence 0 at this |bias|; worse ones add nothing.

    Returns:
        Between 0 and ``worst_bias``, larger is better; None where nothing was judged.
    """
    judged = sorted((bias, coherence) for _, coherence, bias in _judged(candidates))
    if not judged:
        return None
    area, best = 0.0, 0.0
    for bias, coherence in judged:
        if coherence > best and bias < worst_bias:
            area += (coherence - best) * (worst_bias - bias)
            best = coherence
    return area


def _judged(candidates: Sequence[Candidate]) -> list[tuple[str, float, float]]:
    return [
        (c.config_id, c.coherence, c.abs_bias)
        for c in candidates
        if c.coherence is not None and c.abs_bias is not None
    ]
