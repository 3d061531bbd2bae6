"""Which clusters a user has, which essays go with which pictures, and how well that holds.

Belongs here: the clusters page's matter, from a snapshot. How it is laid out is in its template, what an item
is in ``items``.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.method.clustering import NOISE
from qualia_assets.method.metrics import Points, coherence_per_match, retrieve
from qualia_assets.views.items import items_of

NEAREST = 10
"""Neighbours that held-out coherence looks at."""
SPACES = ("annotation", "adapted")
SPLITS = {"train": "learned from", "val": "chosen by", "test": "held out"}
"""What a split means, in words: of the adapter."""

Key = tuple[str, int]
"""Modality and number of a cluster."""


@dataclass(frozen=True)
class Cluster:
    """A cluster, or the noise of a modality; ``members`` are its items, those that stand for it first."""

    modality: str
    number: int
    size: int
    label: str
    keywords: tuple[str, ...]
    members: tuple[str, ...]
    words: str = field(repr=False)
    """All that a search looks through: names, keywords and titles."""

    @property
    def key(self) -> Key:
        return self.modality, self.number

    @property
    def address(self) -> str:
        """Its name in an address."""
        return f"{self.modality}:{self.number}"


@dataclass(frozen=True)
class Coherence:
    """Of the items of one held-out match: the share of their nearest that is of the match."""

    by_space: Mapping[str, float]
    chance: float
    nearest: int
    """How many were looked at: :data:`NEAREST`, or all others where there are fewer."""


@dataclass(frozen=True)
class Pair:
    """Two clusters that were matched. ``coherence`` is None where the match was not held out."""

    match: int
    a: Cluster
    b: Cluster
    similarity: float
    mutual_best: bool
    accepted: bool
    split: str | None
    coherence: Coherence | None

    @property
    def size(self) -> int:
        return self.a.size + self.b.size


@dataclass(frozen=True)
class Clusters:
    """All clusters of a user. ``noise`` by modality; ``alone`` are those of no pair, the largest first."""

    by_key: Mapping[Key, Cluster]
    pairs: tuple[Pair, ...]
    alone: tuple[Cluster, ...]
    noise: Mapping[str, Cluster]

    @property
    def accepted(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.accepted)

    @property
    def forced(self) -> tuple[Pair, ...]:
        """Pairs that the matching made and that were not similar enough to be used."""
        return tuple(pair for pair in self.pairs if not pair.accepted)

    def pair_of(self, key: Key) -> Pair | None:
        return next((pair for pair in self.pairs if key in (pair.a.key, pair.b.key)), None)


def clusters_of(snapshot: Snapshot) -> Clusters:
    """The clusters of a snapshot, worked out once; none where there are no tables of them."""
    return snapshot.once(_clusters_of)


def _clusters_of(snapshot: Snapshot) -> Clusters:
    cards = {(row["modality"], row["cluster"]): row for row in snapshot.rows("cluster_cards")}
    members: dict[Key, list[tuple[float, str]]] = defaultdict(list)
    for row in snapshot.rows("clusters"):
        members[row["modality"], row["cluster"]].append((-row["probability"], row["artefact_id"]))
    titles = items_of(snapshot).titles()
    found: dict[Key, Cluster] = {}
    for key in sorted({*cards, *members}):
        card = cards.get(key, {})
        inside = [item for _, item in sorted(members[key])]
        first = card.get("exemplars", [])
        ordered = tuple(dict.fromkeys((*first, *inside)))
        label = card.get("label") or _unnamed(key)
        keywords = tuple(card.get("keywords", ()))
        words = "\n".join((label, *keywords, *(titles.get(item, "") for item in ordered)))
        size = len(inside) or card.get("size", 0)
        found[key] = Cluster(*key, size, label, keywords, ordered, words.casefold())
    coherence = _coherences(snapshot, found)
    pairs = [
        Pair(
            row["match"],
            found[a],
            found[b],
            row["similarity"],
            row["mutual_best"],
            row["accepted"],
            row["split"],
            coherence.get(row["match"]),
        )
        for row in snapshot.rows("cluster_matches")
        if (a := (row["modality_a"], row["cluster_a"])) in found
        and (b := (row["modality_b"], row["cluster_b"])) in found
    ]
    taken = {key for pair in pairs for key in (pair.a.key, pair.b.key)}
    alone = [c for key, c in found.items() if key not in taken and c.number != NOISE]
    return Clusters(
        by_key=found,
        pairs=tuple(sorted(pairs, key=lambda pair: (-pair.similarity, pair.match))),
        alone=tuple(sorted(alone, key=lambda c: (-c.size, c.key))),
        noise={c.modality: c for c in found.values() if c.number == NOISE},
    )


def _unnamed(key: Key) -> str:
    modality, number = key
    kind = "Pins" if modality == "image" else "Posts"
    return f"{kind} in no cluster" if number == NOISE else f"{kind}, cluster {number}"


def _coherences(snapshot: Snapshot, found: Mapping[Key, Cluster]) -> dict[int, Coherence]:
    """By test match; the gallery is the items of all test matches, as in the table of metrics."""
    match_of: dict[str, int] = {}
    for row in snapshot.rows("cluster_matches"):
        if row["accepted"] and row["split"] == "test":
            for side in ("a", "b"):
                cluster = found.get((row[f"modality_{side}"], row[f"cluster_{side}"]))
                match_of.update(dict.fromkeys(cluster.members if cluster else (), row["match"]))
    by_match: dict[int, dict[str, float]] = defaultdict(dict)
    counted: dict[int, int] = {}
    items = 0
    for space in SPACES:
        if not match_of or not snapshot.has(f"{space}_embeddings"):
            continue
        points = _points(snapshot, f"{space}_embeddings", match_of)
        if len(points) < 2:
            continue
        shares = coherence_per_match(points, retrieve(points, NEAREST), None, NEAREST)
        for match, share, count in zip(points.matches, shares, points.counts(), strict=True):
            by_match[int(match)][space] = float(share)
            counted[int(match)] = int(count)
        items = len(points)
    return {
        match: Coherence(spaces, (counted[match] - 1) / (items - 1), min(NEAREST, items - 1))
        for match, spaces in by_match.items()
    }


def _points(snapshot: Snapshot, table: str, match_of: Mapping[str, int]) -> Points:
    space = snapshot.space(table)
    rows = [row for row, item in enumerate(space.ids) if item in match_of]
    match = np.array([match_of[space.ids[row]] for row in rows], dtype=np.int64)
    return Points(np.asarray(space.vectors[rows]), space.modality[rows], match)


def saying(pairs: Iterable[Pair], words: str) -> list[Pair]:
    """The pairs in which every one of the words stands somewhere: in a name, a keyword or a title."""
    wanted = words.casefold().split()
    return [pair for pair in pairs if all(w in pair.a.words or w in pair.b.words for w in wanted)]


def clusters_saying(clusters: Iterable[Cluster], words: str) -> list[Cluster]:
    """The same of clusters."""
    wanted = words.casefold().split()
    return [cluster for cluster in clusters if all(w in cluster.words for w in wanted)]
