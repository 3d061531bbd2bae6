"""The accepted matches as rows; cluster names and titles only in a report with names."""

from collections import Counter
from dataclasses import dataclass

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report.figure_data import accepted_matches
from qualia_assets.report.numbers import number
from qualia_assets.report.sections import HUES, EmptySection, rows_of
from qualia_assets.views.clusters import SPLITS
from qualia_assets.views.items import items_of

MOST_TITLES = 3


@dataclass(frozen=True)
class Side:
    """One cluster of a match. Its name and typical titles are empty in a report without names."""

    size: int
    name: str
    titles: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """An accepted match. ``hue``: its colour on the map."""

    match: int
    hue: int
    posts: Side
    pins: Side
    similarity: str
    split: str


def matches(snapshot: Snapshot, with_names: bool) -> tuple[Match, ...]:
    """The accepted matches, the most similar first."""
    accepted = accepted_matches(snapshot.table("cluster_matches"))
    if not accepted:
        raise EmptySection(
            "No clusters are matched. A match takes a cluster of posts and a similar cluster of pins: a "
            "lower `matching.threshold` in qualia.toml accepts more, and more items of both kinds yield "
            "more."
        )
    sizes = Counter((row["modality"], row["cluster"]) for row in snapshot.rows("clusters"))
    cards = (
        {(r["modality"], r["cluster"]): r for r in rows_of(snapshot, "cluster_cards")} if with_names else {}
    )
    titles = items_of(snapshot).titles() if with_names else {}

    def side(modality: str, cluster: int) -> Side:
        card = cards.get((modality, cluster))
        typical = [titles[item] for item in card["exemplars"] if item in titles] if card else []
        return Side(sizes[modality, cluster], card["label"] if card else "", tuple(typical[:MOST_TITLES]))

    return tuple(
        Match(
            match=row["match"],
            hue=i % HUES,
            posts=side(row["modality_a"], row["cluster_a"]),
            pins=side(row["modality_b"], row["cluster_b"]),
            similarity=number(row["similarity"], 2),
            split=SPLITS[row["split"]],
        )
        for i, row in enumerate(accepted)
    )
