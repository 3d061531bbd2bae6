"""The clusters of a user, matched side by side, and the items of one cluster."""

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
    Match,
    clusters_containing,
    clusters_of,
    matches_containing,
)
from qualia_assets.views.items import Item, items_of
from qualia_assets.web.layout import page, snapshot_of
from qualia_assets.web.paging import Page

TABLES = ("artefacts", "annotations", "clusters", "cluster_cards", "cluster_matches")
MATCHES_PER_PAGE = 20
ITEMS_PER_PAGE = 120
PREVIEW = {"text": 6, "image": 12}
"""Items of a cluster that are shown beside its match."""


def _coherence(match: Match) -> float:
    spaces = match.coherence.by_space if match.coherence else {}
    return spaces.get("adapted", spaces.get("annotation", -1.0))


SORTS: dict[str, tuple[str, Callable[[Match], Any]]] = {
    "similarity": ("most similar first", lambda match: -match.similarity),
    "size": ("largest first", lambda match: -match.size),
    "coherence": ("most coherent first", lambda match: -_coherence(match)),
    "name": ("by name", lambda match: match.posts.label.casefold()),
}
FILTERS: dict[str, tuple[str, Callable[[Match], bool]]] = {
    "accepted": ("all matches", lambda match: match.accepted),
    "test": (SPLITS["test"], lambda match: match.split == "test"),
    "val": (SPLITS["val"], lambda match: match.split == "val"),
    "train": (SPLITS["train"], lambda match: match.split == "train"),
    "forced": ("too dissimilar", lambda match: not match.accepted),
}


def show(request: Request) -> Response:
    """All matches, or with ``cluster=text:12`` the items of one cluster.

    Raises:
        NotThere: there is no such cluster.
    """
    snapshot = snapshot_of(request)
    clusters = clusters_of(snapshot)
    address = request.query_params.get("cluster")
    if address is not None:
        return _one(request, snapshot, clusters, address)
    sort, show = _option(request, "sort", SORTS), _option(request, "show", FILTERS)
    words = request.query_params.get("words", "").strip()[:200]
    matches = matches_containing(filter(FILTERS[show][1], clusters.matches), words)
    matches.sort(key=SORTS[sort][1])
    part = Page.of(len(matches), request.query_params.get("page", ""), MATCHES_PER_PAGE)
    rest = show == "accepted"
    noise = [clusters.noise[m] for m in ("text", "image") if m in clusters.noise]
    values = {
        "missing": snapshot.why_not(*TABLES),
        "without_adapted": snapshot.why_not("adapted_embeddings"),
        "clusters": clusters,
        "matches": matches[part.indices],
        "preview": lambda cluster: _preview(snapshot, cluster),
        "part": part,
        "sort": sort,
        "sorts": {name: label for name, (label, _) in SORTS.items()},
        "show": show,
        "filters": {name: label for name, (label, _) in FILTERS.items()},
        "counts": {name: sum(map(keep, clusters.matches)) for name, (_, keep) in FILTERS.items()},
        "words": words,
        "splits": SPLITS,
        "rejected": matches_containing(clusters.rejected, words) if rest else [],
        "unmatched": clusters_containing(clusters.unmatched, words) if rest else [],
        "noise": noise if rest and not words else [],
    }
    return page(request, "clusters.html", values, title="Clusters")


def _one(request: Request, snapshot: Snapshot, clusters: Clusters, address: str) -> Response:
    cluster = next((c for c in clusters.by_key.values() if c.address == address), None)
    if cluster is None:
        why = " ".join(snapshot.why_not("clusters", "cluster_cards"))
        raise NotThere(
            why or f"{snapshot.user} has no cluster {address[:40]!r}. The page Clusters lists all of them."
        )
    match = clusters.match_of(cluster.key)
    part = Page.of(len(cluster.members), request.query_params.get("page", ""), ITEMS_PER_PAGE)
    values = {
        "cluster": cluster,
        "match": match,
        "other": match and (match.pins if match.posts is cluster else match.posts),
        "items": items_of(snapshot).brief(cluster.members[part.indices]),
        "part": part,
        "splits": SPLITS,
    }
    return page(request, "cluster.html", values, title=cluster.label)


def _preview(snapshot: Snapshot, cluster: Cluster) -> list[Item]:
    """The items of a cluster that are shown beside its match."""
    return items_of(snapshot).brief(cluster.members[: PREVIEW[cluster.modality]])


def _option(request: Request, name: str, options: dict[str, Any]) -> str:
    """The requested option, or the first where there is no such option."""
    requested = request.query_params.get(name, "")
    return requested if requested in options else next(iter(options))


ROUTES = [Route("/u/{user}/clusters", show)]
