"""A user's clusters, which clusters of posts match which of pins, and how well held-out matches hold.

Belongs here: the data of the clusters page, from a snapshot. Items are in ``items``.
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
"""Neighbours that held-out coherence is computed over."""
SPACES = ("annotation", "adapted")
SPLITS = {"train": "training", "val": "validation", "test": "held out"}
"""The names of the splits on pages."""

Key = tuple[str, int]
"""Modality and number of a cluster."""


@dataclass(frozen=True)
class Cluster:
    """A cluster, or the noise of a modality; ``members`` lists exemplars first, then items by probability."""

    modality: str
    number: int
    size: int
    label: str
    keywords: tuple[str, ...]
    members: tuple[str, ...]
    text: str = field(repr=False)
    """What the page's filter searches: label, keywords and titles, casefolded."""

    @property
    def key(self) -> Key:
        return self.modality, self.number

    @property
    def address(self) -> str:
        """How an address names it."""
        return f"{self.modality}:{self.number}"


@dataclass(frozen=True)
class Coherence:
    """Of the items of a held-out match, the share of their nearest items that belong to the match."""

    by_space: Mapping[str, float]
    chance: float
    k: int
    """Neighbours looked at: :data:`NEAREST`, or all others where there are fewer."""


@dataclass(frozen=True)
class Match:
    """A cluster of posts and one of pins, matched. ``coherence`` is None unless the match was held out."""

    number: int
    posts: Cluster
    pins: Cluster
    similarity: float
    mutual_best: bool
    accepted: bool
    split: str | None
    coherence: Coherence | None

    @property
    def size(self) -> int:
        return self.posts.size + self.pins.size


@dataclass(frozen=True)
class Clusters:
    """All clusters of a user. ``noise`` is by modality; ``unmatched`` clusters come largest first."""

    by_key: Mapping[Key, Cluster]
    matches: tuple[Match, ...]
    unmatched: tuple[Cluster, ...]
    noise: Mapping[str, Cluster]

    @property
    def accepted(self) -> tuple[Match, ...]:
        return tuple(match for match in self.matches if match.accepted)

    @property
    def rejected(self) -> tuple[Match, ...]:
        """Pairs that one-to-one matching had to make and that are not similar enough to be used."""
        return tuple(match for match in self.matches if not match.accepted)

    def match_of(self, key: Key) -> Match | None:
        return next((match for match in self.matches if key in (match.posts.key, match.pins.key)), None)


def clusters_of(snapshot: Snapshot) -> Clusters:
    """The clusters of a snapshot, computed once; none where their tables are missing."""
    return snapshot.once(_clusters_of)


def _clusters_of(snapshot: Snapshot) -> Clusters:
    cards = {(row["modality"], row["cluster"]): row for row in snapshot.rows("cluster_cards")}
    members: dict[Key, list[tuple[float, str]]] = defaultdict(list)
    for row in snapshot.rows("clusters"):
        members[row["modality"], row["cluster"]].append((-row["probability"], row["artefact_id"]))
    titles = items_of(snapshot).titles()
    by_key: dict[Key, Cluster] = {}
    for key in sorted({*cards, *members}):
        card = cards.get(key, {})
        own = [item for _, item in sorted(members[key])]
        ordered = tuple(dict.fromkeys((*card.get("exemplars", []), *own)))
        label = card.get("label") or _default_label(key)
        keywords = tuple(card.get("keywords", ()))
        text = "\n".join((label, *keywords, *(titles.get(item, "") for item in ordered)))
        size = len(own) or card.get("size", 0)
        by_key[key] = Cluster(*key, size, label, keywords, ordered, text.casefold())
    coherence = _coherences(snapshot, by_key)
    matches = [
        Match(
            row["match"],
            by_key[a],
            by_key[b],
            row["similarity"],
            row["mutual_best"],
            row["accepted"],
            row["split"],
            coherence.get(row["match"]),
        )
        for row in snapshot.rows("cluster_matches")
        if (a := (row["modality_a"], row["cluster_a"])) in by_key
        and (b := (row["modality_b"], row["cluster_b"])) in by_key
    ]
    matched = {key for match in matches for key in (match.posts.key, match.pins.key)}
    unmatched = [c for key, c in by_key.items() if key not in matched and c.number != NOISE]
    return Clusters(
        by_key=by_key,
        matches=tuple(sorted(matches, key=lambda match: (-match.similarity, match.number))),
        unmatched=tuple(sorted(unmatched, key=lambda c: (-c.size, c.key))),
        noise={c.modality: c for c in by_key.values() if c.number == NOISE},
    )


def _default_label(key: Key) -> str:
    modality, number = key
    kind = "Pins" if modality == "image" else "Posts"
    return f"{kind} in no cluster" if number == NOISE else f"{kind}, cluster {number}"


def _coherences(snapshot: Snapshot, clusters: Mapping[Key, Cluster]) -> dict[int, Coherence]:
    """By test match; the gallery is the items of all test matches, as in the table ``metrics``."""
    match_of: dict[str, int] = {}
    for row in snapshot.rows("cluster_matches"):
        if row["accepted"] and row["split"] == "test":
            for side in ("a", "b"):
                cluster = clusters.get((row[f"modality_{side}"], row[f"cluster_{side}"]))
                match_of.update(dict.fromkeys(cluster.members if cluster else (), row["match"]))
    by_match: dict[int, dict[str, float]] = defaultdict(dict)
    counts: dict[int, int] = {}
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
            counts[int(match)] = int(count)
        items = len(points)
    return {
        match: Coherence(spaces, (counts[match] - 1) / (items - 1), min(NEAREST, items - 1))
        for match, spaces in by_match.items()
    }


def _points(snapshot: Snapshot, table: str, match_of: Mapping[str, int]) -> Points:
    space = snapshot.space(table)
    rows = [row for row, item in enumerate(space.ids) if item in match_of]
    match = np.array([match_of[space.ids[row]] for row in rows], dtype=np.int64)
    return Points(np.asarray(space.vectors[rows]), space.modality[rows], match)


def matches_containing(matches: Iterable[Match], words: str) -> list[Match]:
    """The matches in which every word occurs on either side: in a label, a keyword or a title."""
    wanted = words.casefold().split()
    return [match for match in matches if all(w in match.posts.text or w in match.pins.text for w in wanted)]


def clusters_containing(clusters: Iterable[Cluster], words: str) -> list[Cluster]:
    """The clusters in which every word occurs."""
    wanted = words.casefold().split()
    return [cluster for cluster in clusters if all(w in cluster.text for w in wanted)]
