"""One item: what is said of it, what lies near it, where it came from."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.lake.snapshot import NotThere, Snapshot
from qualia_assets.method.clustering import NOISE
from qualia_assets.search.neighbours import SPACES, neighbours
from qualia_assets.views.clusters import SPLITS, clusters_of
from qualia_assets.views.items import items_of, shortened
from qualia_assets.web.layout import page, snapshot_of

NEAREST = 6
BODY = 1_200
"""Characters shown of a post."""
FIELDS = ("aesthetic", "themes", "mood", "lifestyle", "moment")
STAGES = (
    "artefacts",
    "annotations",
    "raw_embeddings",
    "annotation_embeddings",
    "clusters",
    "cluster_cards",
    "cluster_matches",
    "adapters",
    "adapted_embeddings",
)
"""The tables that this page is made of, in the order in which a run makes them."""


def show(request: Request) -> Response:
    """The page of one item.

    Raises:
        NotThere: the user has no such item.
    """
    snapshot = snapshot_of(request)
    artefact_id = request.path_params["item"]
    items = items_of(snapshot)
    row = items.artefact(artefact_id)
    if row is None:
        raise NotThere(" ".join(snapshot.why_not("artefacts")) or _no_item(snapshot.user, artefact_id))
    annotation = items.annotation(artefact_id)
    placed = snapshot.once(_cluster_of).get(artefact_id)
    made = clusters_of(snapshot)
    cluster = made.by_key.get((row["modality"], placed)) if placed is not None else None
    pair = made.pair_of(cluster.key) if cluster else None
    brief = items.brief([artefact_id])[0]
    given = {
        "item": brief,
        "row": row,
        "source_url": _web(row["url"]),
        "body": _paragraphs(row["text"]),
        "annotation": annotation,
        "annotated": annotation is not None and annotation["status"] == "ok",
        "fields": {name: _said(annotation, name) for name in FIELDS},
        "unannotated": snapshot.why_not("annotations"),
        "cluster": cluster,
        "noise": placed == NOISE,
        "unclustered": snapshot.why_not("clusters"),
        "pair": pair,
        "other": cluster and pair and (pair.b if pair.a is cluster else pair.a),
        "splits": SPLITS,
        "spaces": _spaces(snapshot, artefact_id),
        "makers": _makers(snapshot, artefact_id, annotation),
        "stages": {name: snapshot.infos[name] for name in STAGES if name in snapshot.infos},
        "stages_missing": snapshot.why_not(*STAGES),
    }
    return page(request, "item.html", given, title=shortened(brief.title, 80))


def _no_item(user: str, artefact_id: str) -> str:
    return (
        f"{user} has no item {artefact_id[:120]!r}. It may be gone since a run; the pages Search and Map "
        "find those that there are."
    )


def _cluster_of(snapshot: Snapshot) -> dict[str, int]:
    """The number of every item's cluster."""
    return {row["artefact_id"]: row["cluster"] for row in snapshot.rows("clusters")}


def _web(url: str | None) -> str | None:
    """The address where it leads to the web; anything else may run in the page that it is shown in."""
    try:
        return url if url and urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


def _paragraphs(text: str | None) -> list[str]:
    """The beginning of a body, by paragraph."""
    found: list[str] = []
    left = BODY
    for paragraph in (text or "").split("\n"):
        if left <= 0:
            break
        if said := shortened(paragraph, left):
            found.append(said)
            left -= len(said)
    return found


def _said(annotation: dict[str, Any] | None, field: str) -> str | None:
    value = annotation[field] if annotation else None
    return ", ".join(value) if isinstance(value, list) else value


def _spaces(snapshot: Snapshot, artefact_id: str) -> dict[str, dict[str, Any]]:
    """By space, why it cannot be shown, or the nearest posts and pins, each with its similarity."""
    found = neighbours(snapshot, artefact_id, NEAREST)
    items = items_of(snapshot)
    spaces: dict[str, dict[str, Any]] = {}
    for name in SPACES:
        near = found.get(name, {})
        lists = {
            modality: list(zip(items.brief(n.artefact_id for n in some), some, strict=True))
            for modality, some in near.items()
        }
        why = snapshot.why_not(f"{name}_embeddings") or ["This item has no vector there."]
        spaces[name] = {"near": lists, "why": why[0] if not lists else ""}
    return spaces


def _makers(snapshot: Snapshot, artefact_id: str, annotation: dict[str, Any] | None) -> list[dict[str, str]]:
    """Which provider made what of the item, and by which version."""
    made = []
    if annotation:
        made.append(
            {"what": "Annotation", "by": annotation["annotator"], "version": annotation["prompt_version"]}
        )
    for name in SPACES:
        table = f"{name}_embeddings"
        if not snapshot.has(table) or artefact_id not in snapshot.space(table).row:
            continue
        columns = snapshot.table(table)
        row = snapshot.space(table).row[artefact_id]
        told = {c: columns[c][row].as_py() for c in columns.column_names if c not in ("vector",)}
        made.append(
            {
                "what": f"Vector, {name}",
                "by": told.get("embedder") or f"adapter {told.get('config_id', '')}",
                "version": told.get("version", ""),
            }
        )
    return made


ROUTES = [Route("/u/{user}/item/{item:path}", show)]
