"""The clusters: which essays go with which pictures, and all that is in one of them."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.lake.snapshot import NotThere, Snapshot
from qualia_assets.views.clusters import (
    SPLITS,
    Cluster,
    Clusters,
    Pair,
    clusters_of,
    clusters_saying,
    saying,
)
from qualia_assets.views.items import Item, items_of
from qualia_assets.web.layout import page, snapshot_of
from qualia_assets.web.paging import Leaf

TABLES = ("artefacts", "annotations", "clusters", "cluster_cards", "cluster_matches")
PAIRS_A_PAGE = 20
ITEMS_A_PAGE = 120
FIRST = {"text": 6, "image": 12}
"""Items of a cluster that stand for it beside its match."""


def _coherence(pair: Pair) -> float:
    spaces = pair.coherence.by_space if pair.coherence else {}
    return spaces.get("adapted", spaces.get("annotation", -1.0))


_Order = Callable[[Pair], Any]
SORTS: dict[str, tuple[str, _Order]] = {
    "similarity": ("most alike first", lambda pair: -pair.similarity),
    "size": ("largest first", lambda pair: -pair.size),
    "coherence": ("held out best first", lambda pair: -_coherence(pair)),
    "name": ("by name", lambda pair: pair.a.label.casefold()),
}
SHOWS: dict[str, tuple[str, Callable[[Pair], bool]]] = {
    "accepted": ("all matches", lambda pair: pair.accepted),
    "test": (SPLITS["test"], lambda pair: pair.split == "test"),
    "val": (SPLITS["val"], lambda pair: pair.split == "val"),
    "train": (SPLITS["train"], lambda pair: pair.split == "train"),
    "forced": ("too far apart", lambda pair: not pair.accepted),
}


def show(request: Request) -> Response:
    """All pairs, or with ``cluster=text:12`` all of one cluster.

    Raises:
        NotThere: there is no such cluster.
    """
    snapshot = snapshot_of(request)
    made = clusters_of(snapshot)
    asked = request.query_params.get("cluster")
    if asked is not None:
        return _one(request, snapshot, made, asked)
    sort, shown = _chosen(request, "sort", SORTS), _chosen(request, "show", SHOWS)
    words = request.query_params.get("words", "").strip()[:200]
    pairs = saying(filter(SHOWS[shown][1], made.pairs), words)
    pairs.sort(key=SORTS[sort][1])
    leaf = Leaf.of(len(pairs), request.query_params.get("page", ""), PAIRS_A_PAGE)
    rest = shown == "accepted"
    given = {
        "missing": snapshot.why_not(*TABLES),
        "without_adapted": snapshot.why_not("adapted_embeddings"),
        "made": made,
        "pairs": pairs[leaf.part],
        "first": lambda cluster: _first(snapshot, cluster),
        "leaf": leaf,
        "sort": sort,
        "sorts": {name: said for name, (said, _) in SORTS.items()},
        "show": shown,
        "shows": {name: said for name, (said, _) in SHOWS.items()},
        "counts": {name: sum(map(chosen, made.pairs)) for name, (_, chosen) in SHOWS.items()},
        "words": words,
        "splits": SPLITS,
        "forced": saying(made.forced, words) if rest else [],
        "alone": clusters_saying(made.alone, words) if rest else [],
        "noise": [made.noise[m] for m in ("text", "image") if m in made.noise] if rest and not words else [],
    }
    return page(request, "clusters.html", given, title="Clusters")


def _one(request: Request, snapshot: Snapshot, made: Clusters, asked: str) -> Response:
    cluster = next((c for c in made.by_key.values() if c.address == asked), None)
    if cluster is None:
        why = " ".join(snapshot.why_not("clusters", "cluster_cards"))
        raise NotThere(
            why or f"There is no cluster {asked[:40]!r} of {snapshot.user}. The page Clusters lists all."
        )
    pair = made.pair_of(cluster.key)
    leaf = Leaf.of(len(cluster.members), request.query_params.get("page", ""), ITEMS_A_PAGE)
    given = {
        "cluster": cluster,
        "pair": pair,
        "other": pair and (pair.b if pair.a is cluster else pair.a),
        "items": items_of(snapshot).brief(cluster.members[leaf.part]),
        "leaf": leaf,
        "splits": SPLITS,
    }
    return page(request, "cluster.html", given, title=cluster.label)


def _first(snapshot: Snapshot, cluster: Cluster) -> list[Item]:
    """What is shown of a cluster beside its match."""
    return items_of(snapshot).brief(cluster.members[: FIRST.get(cluster.modality, 12)])


def _chosen(request: Request, name: str, known: dict[str, Any]) -> str:
    """What the address asks for, or the first where that is nothing known."""
    asked = request.query_params.get(name, "")
    return asked if asked in known else next(iter(known))


ROUTES = [Route("/u/{user}/clusters", show)]
