"""The matches that are used, as rows; by name in a report with names only.

Belongs here: what is told of a match.
"""

from collections import Counter
from dataclasses import dataclass

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report.sections import HUES, Empty, accepted_matches, number, rows_of
from qualia_assets.views.clusters import SPLITS
from qualia_assets.views.items import items_of

MOST_TITLES = 3


@dataclass(frozen=True)
class Side:
    """One cluster of a match. Its name, and titles of what stands for it, in a report with names only."""

    size: int
    name: str
    titles: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """An accepted match. ``hue``: its colour on the map."""

    match: int
    hue: int
    posts: Side
    pins: Side
    similarity: str
    split: str


def pairs(snapshot: Snapshot, named: bool) -> tuple[Pair, ...]:
    """The accepted matches, the closest first."""
    accepted = accepted_matches(snapshot)
    if not accepted:
        raise Empty(
            "No clusters are matched. Matches take clusters of posts and clusters of pins that are alike: a "
            "lower `matching.threshold` in qualia.toml accepts more, and more items of both kinds find more."
        )
    sizes = Counter((row["modality"], row["cluster"]) for row in snapshot.rows("clusters"))
    cards = {(r["modality"], r["cluster"]): r for r in rows_of(snapshot, "cluster_cards")} if named else {}
    titles = items_of(snapshot).titles() if named else {}

    def side(modality: str, cluster: int) -> Side:
        card = cards.get((modality, cluster))
        typical = [titles[item] for item in card["exemplars"] if item in titles] if card else []
        return Side(sizes[modality, cluster], card["label"] if card else "", tuple(typical[:MOST_TITLES]))

    return tuple(
        Pair(
            match=row["match"],
            hue=i % HUES,
            posts=side(row["modality_a"], row["cluster_a"]),
            pins=side(row["modality_b"], row["cluster_b"]),
            similarity=number(row["similarity"], 2),
            split=SPLITS[row["split"]],
        )
        for i, row in enumerate(accepted)
    )
