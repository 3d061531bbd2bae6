"""One item: its annotation, its neighbours, its origin."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.lake.snapshot import NotThere, Snapshot
from qualia_assets.method.clustering import NOISE
from qualia_assets.search.index import SPACES, index_of, look_index
from qualia_assets.views.clusters import SPLITS, clusters_of
from qualia_assets.views.items import items_of, shortened
from qualia_assets.web.layout import page, snapshot_of

NEIGHBOURS = 6
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
        raise NotThere(" ".join(snapshot.why_not("artefacts")) or no_item(snapshot.user, artefact_id))
    annotation = items.annotation(artefact_id)
    number = snapshot.once(_cluster_numbers).get(artefact_id)
    clusters = clusters_of(snapshot)
    cluster = clusters.by_key.get((row["modality"], number)) if number is not None else None
    match = clusters.match_of(cluster.key) if cluster else None
    brief = items.brief([artefact_id])[0]
    values = {
        "item": brief,
        "row": row,
        "source_url": _web_url(row["url"]),
        "body": _paragraphs(row["text"]),
        "annotation": annotation,
        "annotated": annotation is not None and annotation["status"] == "ok",
        "fields": {name: _field(annotation, name) for name in FIELDS},
        "unannotated": snapshot.why_not("annotations"),
        "cluster": cluster,
        "noise": number == NOISE,
        "unclustered": snapshot.why_not("clusters"),
        "match": match,
        "other": cluster and match and (match.pins if match.posts is cluster else match.posts),
        "splits": SPLITS,
        "spaces": {space: _space(snapshot, space, artefact_id) for space in SPACES},
        "look": _look(snapshot, artefact_id) if row["modality"] == "image" else None,
        "providers": _providers(snapshot, artefact_id, annotation),
        "stages": {name: snapshot.infos[name] for name in STAGES if name in snapshot.infos},
        "stages_missing": snapshot.why_not(*STAGES),
    }
    return page(request, "item.html", values, title=shortened(brief.title, 80))


def no_item(user: str, artefact_id: str) -> str:
    """The message where a user has no such item."""
    return (
        f"{user} has no item {artefact_id[:120]!r}. A run may have removed it; the pages Search and Map show "
        "the items that there are."
    )


def _cluster_numbers(snapshot: Snapshot) -> dict[str, int]:
    """The number of every item's cluster."""
    return {row["artefact_id"]: row["cluster"] for row in snapshot.rows("clusters")}


def _web_url(url: str | None) -> str | None:
    """The address if it is one of the web; others, as of scripts, must not become links."""
    try:
        return url if url and urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


def _paragraphs(text: str | None) -> list[str]:
    """The beginning of a body, by paragraph."""
    paragraphs: list[str] = []
    left = BODY
    for paragraph in (text or "").split("\n"):
        if left <= 0:
            break
        if short := shortened(paragraph, left):
            paragraphs.append(short)
            left -= len(short)
    return paragraphs


def _field(annotation: Mapping[str, Any] | None, name: str) -> str | None:
    value = annotation[name] if annotation else None
    return ", ".join(value) if isinstance(value, list) else value


def _space(snapshot: Snapshot, space: str, artefact_id: str) -> dict[str, Any]:
    """The nearest posts and pins in a space, each with its similarity; or why there are none."""
    table = f"{space}_embeddings"
    if why := snapshot.why_not(table):
        return {"neighbours": {}, "why_not": why[0]}
    index = index_of(snapshot, space)
    if artefact_id not in index.row:
        return {"neighbours": {}, "why_not": "This item has no vector in this space."}
    nearest = index.nearest_to_item(artefact_id, NEIGHBOURS)
    neighbours = {}
    for modality in ("text", "image"):
        similarity = {index.ids[n.row]: n.similarity for n in nearest.get(modality, [])}
        brief = items_of(snapshot).brief(similarity)
        neighbours[modality] = [(item, similarity[item.artefact_id]) for item in brief]
    return {"neighbours": neighbours, "why_not": ""}


def _look(snapshot: Snapshot, artefact_id: str) -> dict[str, Any]:
    """The pictures that look most like this one, each with its similarity; or why there are none."""
    if why := snapshot.why_not("picture_features"):
        return {"neighbours": [], "why_not": why[0]}
    index = look_index(snapshot)
    if artefact_id not in index.row:
        return {"neighbours": [], "why_not": "This picture could not be read."}
    found = index.nearest_to_item(artefact_id, NEIGHBOURS).get("image", [])
    similarity = {index.ids[n.row]: n.similarity for n in found}
    brief = items_of(snapshot).brief(similarity)
    return {"neighbours": [(item, similarity[item.artefact_id]) for item in brief], "why_not": ""}


def _providers(
    snapshot: Snapshot, artefact_id: str, annotation: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    """Which provider made the item's annotation and its vectors, and in which version."""
    providers = []
    if annotation:
        providers.append(
            {"what": "Annotation", "by": annotation["annotator"], "version": annotation["prompt_version"]}
        )
    for space in SPACES:
        table = f"{space}_embeddings"
        if not snapshot.has(table) or artefact_id not in snapshot.space(table).row:
            continue
        columns = snapshot.table(table)
        row = snapshot.space(table).row[artefact_id]
        values = {c: columns[c][row].as_py() for c in columns.column_names if c != "vector"}
        providers.append(
            {
                "what": f"Vector, {space}",
                "by": values.get("embedder") or f"adapter {values.get('config_id', '')}",
                "version": values.get("version", ""),
            }
        )
    return providers


ROUTES = [Route("/u/{user}/item/{item:path}", show)]
