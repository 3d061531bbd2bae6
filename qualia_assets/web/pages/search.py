"""Search by words, by a picture or by an item."""

import base64
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.lake.blobs import MAX_BYTES
from qualia_assets.lake.snapshot import NotThere, Snapshot
from qualia_assets.search.finder import FACETS, SPACES, Finder, Query, finder_of, query_terms
from qualia_assets.search.query import MAX_CHARACTERS, QueryError, checked_words, is_remote, printable
from qualia_assets.settings import Settings
from qualia_assets.views.items import items_of, shortened
from qualia_assets.web.layout import context_of, page, snapshot_of
from qualia_assets.web.pages.item import no_item
from qualia_assets.web.upload import UploadError, picture_of

EXAMPLES = ("a slow morning by the sea", "machines that dream at night", "what hands remember")
"""Queries that are suggested beside those from the user's own clusters."""
SUGGESTED_PINS = 6
_REQUIRED = ("artefacts", "annotation_embeddings")
_NO_QUERY: dict[str, Any] = {
    "words": "",
    "item": None,
    "picture": None,
    "summary": None,
    "facets": [],
    "spaces": [],
    "same": False,
    "error": "",
}


def show(request: Request) -> Response:
    """The page for a query by words or by an item, or without a query.

    Raises:
        NotThere: there is no such user, or no such item.
    """
    snapshot = snapshot_of(request)
    if not snapshot.has(*_REQUIRED):
        return _page(request, snapshot)
    finder = finder_of(snapshot)
    words, item = request.query_params.get("q"), request.query_params.get("item")
    if item:
        return _results(request, snapshot, finder, *_by_item(snapshot, finder, item))
    if words is None:
        return _page(request, snapshot)
    try:
        query, values = _by_words(request, finder, words)
    except QueryError as error:
        values = {"words": printable(words)[:MAX_CHARACTERS], "error": str(error)}
        return _page(request, snapshot, values, status=400)
    return _results(request, snapshot, finder, query, values)


async def show_by_picture(request: Request) -> Response:
    """The page for an uploaded picture. It has no address, since the picture is not kept."""
    try:
        data = await picture_of(request)
    except UploadError as error:
        return await run_in_threadpool(_upload_error, request, error)
    return await run_in_threadpool(_by_picture, request, data)


def _by_item(snapshot: Snapshot, finder: Finder, artefact_id: str) -> tuple[Query, dict[str, Any]]:
    items = items_of(snapshot)
    if artefact_id not in items:
        raise NotThere(no_item(snapshot.user, artefact_id))
    item = items.brief([artefact_id])[0]
    query = finder.query_by_item(item)
    return query, {"item": item, "facets": _facets(query.facets)}


def _by_words(request: Request, finder: Finder, words: str) -> tuple[Query, dict[str, Any]]:
    line = checked_words(words)
    _check_embedder(request, finder)
    vector = context_of(request).encoder.encode_words(line)
    return Query("text", vector, words=query_terms(line)), {"words": line}


def _by_picture(request: Request, data: bytes) -> Response:
    snapshot = snapshot_of(request)
    if not snapshot.has(*_REQUIRED):
        return _page(request, snapshot)
    finder = finder_of(snapshot)
    try:
        _check_embedder(request, finder)
        picture = context_of(request).encoder.encode_picture(data)
    except QueryError as error:
        return _page(request, snapshot, {"error": str(error)}, status=400)
    facets = asdict(picture.annotation)
    values = {
        "picture": f"data:image/webp;base64,{base64.b64encode(picture.thumbnail).decode()}",
        "facets": _facets(facets),
        "summary": picture.annotation.summary,
    }
    return _results(request, snapshot, finder, Query("image", picture.vector, facets=facets), values)


def _upload_error(request: Request, error: UploadError) -> Response:
    return _page(request, snapshot_of(request), {"error": str(error)}, status=error.status)


def _check_embedder(request: Request, finder: Finder) -> None:
    """Check that queries and the user's items are embedded by the same model."""
    if finder.embedder is not None:
        context_of(request).encoder.check_embedder(finder.embedder)


def _results(
    request: Request, snapshot: Snapshot, finder: Finder, query: Query, values: dict[str, Any]
) -> Response:
    only = request.query_params.get("space")
    spaces = (only,) if only in SPACES else SPACES
    # The two spaces would show the same results twice.
    same = finder.is_unadapted and len(spaces) > 1
    context = context_of(request)
    found = finder.find(query, spaces[:1] if same else spaces, context.lake, context.encoder)
    return _page(request, snapshot, {**values, "spaces": found, "same": same})


def _page(
    request: Request, snapshot: Snapshot, values: dict[str, Any] | None = None, status: int = 200
) -> Response:
    query = {**_NO_QUERY, **(values or {})}
    empty = not query["spaces"]
    form = {
        "missing": snapshot.why_not(*_REQUIRED),
        "only": request.query_params.get("space"),
        "max_characters": MAX_CHARACTERS,
        "max_bytes": MAX_BYTES,
        "examples": snapshot.once(_examples) if empty else (),
        "suggested_pins": items_of(snapshot).brief(snapshot.once(_suggested_pins)) if empty else (),
        "count": snapshot.infos["artefacts"].rows if snapshot.has("artefacts") else 0,
        **_privacy(context_of(request).settings),
    }
    return page(request, "search.html", {**form, **query}, status=status, title=_title(query))


def _title(query: dict[str, Any]) -> str:
    if query["item"] is not None:
        return f"Like {shortened(query['item'].title, 60)}"
    return shortened(query["words"], 60) or "Search"


def _privacy(settings: Settings) -> dict[str, str]:
    """What leaves the machine with a query, as sentences."""
    embedder, annotator = settings.embedder, settings.annotator
    words = "Your words stay on this machine, and the app does not keep them."
    if is_remote(embedder):
        words = f"Your words are sent to {embedder}, as set in qualia.toml, and the app does not keep them."
    if is_remote(annotator):
        picture = f"The picture is sent to {annotator}, as set in qualia.toml, which describes it"
        picture += f"; the description is sent to {embedder}." if is_remote(embedder) else "."
    elif is_remote(embedder):
        picture = f"The picture stays on this machine; its description is sent to {embedder}."
    else:
        picture = "The picture stays on this machine."
    return {"words_privacy": words, "picture_privacy": f"{picture} The app does not keep it."}


def _facets(facets: Any) -> list[tuple[str, str]]:
    """The annotation of a query, as names and values."""
    found = [(name, facets.get(name)) for name in ("mood", "aesthetic", "themes", *FACETS[2:])]
    return [(name, ", ".join(v) if isinstance(v, list | tuple) else v) for name, v in found if v]


def _examples(snapshot: Snapshot) -> tuple[str, ...]:
    """Three queries that the user's largest matched clusters would answer."""
    by_mood: dict[str, str] = {}
    items = items_of(snapshot)
    for exemplar in _exemplars(snapshot, "text"):
        annotation = items.annotation(exemplar) or {}
        mood, themes = annotation.get("mood"), annotation.get("themes")
        if mood and themes:
            by_mood.setdefault(mood, f"{mood}, {themes[0]}")
    return (*by_mood.values(), *EXAMPLES)[:3]


def _suggested_pins(snapshot: Snapshot) -> tuple[str, ...]:
    """Exemplars of the largest clusters of pins."""
    return tuple(_exemplars(snapshot, "image"))[:SUGGESTED_PINS]


def _exemplars(snapshot: Snapshot, modality: str) -> list[str]:
    """One item of each cluster of a modality, matched ones first, then the larger."""
    side = "cluster_a" if modality == "text" else "cluster_b"
    matched = {row[side] for row in snapshot.rows("cluster_matches") if row["accepted"]}
    cards = [c for c in snapshot.rows("cluster_cards") if c["modality"] == modality and c["exemplars"]]
    cards.sort(key=lambda card: (card["cluster"] not in matched, -card["size"], card["cluster"]))
    return [card["exemplars"][0] for card in cards]


ROUTES = [
    Route("/u/{user}/search", show, methods=["GET"]),
    Route("/u/{user}/search", show_by_picture, methods=["POST"]),
]
