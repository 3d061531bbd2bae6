"""Search: by words, by a picture, or by an item of one's own."""

import base64
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.lake.blobs import MAX_BYTES
from qualia_assets.lake.snapshot import NotThere, Snapshot
from qualia_assets.search.finder import FACETS, Finder, Question, finder_of, words_of_question
from qualia_assets.search.query import (
    MOST_CHARACTERS,
    QuestionError,
    checked_words,
    leaves_the_machine,
    readable,
)
from qualia_assets.search.search import SPACES
from qualia_assets.settings import Settings
from qualia_assets.views.items import items_of, shortened
from qualia_assets.web.layout import face, page, snapshot_of
from qualia_assets.web.upload import Refused, picture_of

EXAMPLES = ("a slow morning by the sea", "machines that dream at night", "what hands remember")
"""Questions that are suggested where nothing is known of a user's own."""
BEGINNINGS = 6
"""Pins that are offered to begin with."""
_NEEDED = ("artefacts", "annotation_embeddings")
_NO_QUESTION: dict[str, Any] = {
    "words": "",
    "item": None,
    "picture": None,
    "seen": None,
    "facets": [],
    "spaces": [],
    "same": False,
    "said": "",
}


def show(request: Request) -> Response:
    """The page for a question in words or by an item, or without one.

    Raises:
        NotThere: there is no such user, or no such item.
    """
    snapshot = snapshot_of(request)
    if not snapshot.has(*_NEEDED):
        return _page(request, snapshot)
    finder = finder_of(snapshot)
    words, item = request.query_params.get("q"), request.query_params.get("item")
    if item:
        return _answer(request, snapshot, finder, *_by_item(snapshot, finder, item))
    if words is None:
        return _page(request, snapshot)
    try:
        asked = _by_words(request, finder, words)
    except QuestionError as error:
        given = {"words": readable(words)[:MOST_CHARACTERS], "said": str(error)}
        return _page(request, snapshot, given, status=400)
    return _answer(request, snapshot, finder, *asked)


async def show_by_picture(request: Request) -> Response:
    """The page for a picture that was sent. It has no address, for nothing of the picture is kept."""
    try:
        data = await picture_of(request)
    except Refused as refused:
        return await run_in_threadpool(_refused, request, str(refused), refused.status)
    return await run_in_threadpool(_by_picture, request, data)


def _by_item(snapshot: Snapshot, finder: Finder, artefact_id: str) -> tuple[Question, dict[str, Any]]:
    items = items_of(snapshot)
    if artefact_id not in items:
        raise NotThere(
            f"{snapshot.user} has no item {artefact_id[:120]!r}. It may be gone since a run; "
            "words find others."
        )
    item = items.brief([artefact_id])[0]
    question = finder.like(item)
    return question, {"item": item, "facets": _told(question.facets)}


def _by_words(request: Request, finder: Finder, words: str) -> tuple[Question, dict[str, Any]]:
    said = checked_words(words)
    _compare(request, finder)
    vector = face(request).questions.words(said)
    return Question("text", vector, words=words_of_question(said)), {"words": said}


def _by_picture(request: Request, data: bytes) -> Response:
    snapshot = snapshot_of(request)
    if not snapshot.has(*_NEEDED):
        return _page(request, snapshot)
    finder = finder_of(snapshot)
    try:
        _compare(request, finder)
        seen = face(request).questions.picture(data)
    except QuestionError as error:
        return _page(request, snapshot, {"said": str(error)}, status=400)
    facets = asdict(seen.annotation)
    given = {
        "picture": f"data:image/webp;base64,{base64.b64encode(seen.small).decode()}",
        "facets": _told(facets),
        "seen": seen.annotation.summary,
    }
    return _answer(request, snapshot, finder, Question("image", seen.vector, facets=facets), given)


def _refused(request: Request, said: str, status: int) -> Response:
    return _page(request, snapshot_of(request), {"said": said}, status=status)


def _compare(request: Request, finder: Finder) -> None:
    """Make sure that a question can be compared with what the user has."""
    made_by = finder.made_by
    if made_by is not None:
        face(request).questions.of_embedder(made_by)


def _answer(
    request: Request, snapshot: Snapshot, finder: Finder, question: Question, given: dict[str, Any]
) -> Response:
    only = request.query_params.get("space")
    spaces = (only,) if only in SPACES else SPACES
    # Side by side they would be the same twice.
    same = finder.nothing_is_done and len(spaces) > 1
    found = finder.find(question, spaces[:1] if same else spaces, face(request).lake, face(request).questions)
    return _page(request, snapshot, {**given, "spaces": found, "same": same})


def _page(
    request: Request, snapshot: Snapshot, given: dict[str, Any] | None = None, status: int = 200
) -> Response:
    asked = {**_NO_QUESTION, **(given or {})}
    empty = not asked["spaces"]
    frame = {
        "missing": snapshot.why_not(*_NEEDED),
        "only": request.query_params.get("space"),
        "most_characters": MOST_CHARACTERS,
        "most_bytes": MAX_BYTES,
        "examples": snapshot.once(_examples) if empty else (),
        "beginnings": items_of(snapshot).brief(snapshot.once(_beginnings)) if empty else (),
        "count": snapshot.infos["artefacts"].rows if snapshot.has("artefacts") else 0,
        **_where_it_goes(face(request).settings),
    }
    return page(request, "search.html", {**frame, **asked}, status=status, title=_title(asked))


def _title(asked: dict[str, Any]) -> str:
    if asked["item"] is not None:
        return f"Like {shortened(asked['item'].title, 60)}"
    return shortened(asked["words"], 60) or "Search"


def _where_it_goes(settings: Settings) -> dict[str, str]:
    """What leaves the machine with a question, as sentences."""
    embedder, annotator = settings.embedder, settings.annotator
    words = "Your words stay on this machine, and the app does not keep them."
    if leaves_the_machine(embedder):
        words = f"Your words are sent to {embedder}, as qualia.toml says, and are not kept here."
    if leaves_the_machine(annotator):
        picture = f"The picture is sent to {annotator}, as qualia.toml says, which puts it into words"
        picture += f"; these go to {embedder}." if leaves_the_machine(embedder) else "."
    elif leaves_the_machine(embedder):
        picture = f"The picture stays on this machine; what is seen on it, in words, is sent to {embedder}."
    else:
        picture = "The picture stays on this machine."
    return {"words_go": words, "picture_goes": f"{picture} It is looked at once, and not kept."}


def _told(facets: Any) -> list[tuple[str, str]]:
    """What is said of a question, as names and words."""
    found = [(name, facets.get(name)) for name in ("mood", "aesthetic", "themes", *FACETS[2:])]
    return [(name, ", ".join(v) if isinstance(v, list | tuple) else v) for name, v in found if v]


def _examples(snapshot: Snapshot) -> tuple[str, ...]:
    """Three questions that this user's largest matched clusters would answer."""
    by_mood: dict[str, str] = {}
    items = items_of(snapshot)
    for exemplar in _exemplars(snapshot, "text"):
        said = items.annotation(exemplar) or {}
        if said.get("mood") and said.get("themes"):
            by_mood.setdefault(said["mood"], f"{said['mood']}, {said['themes'][0]}")
    return (*by_mood.values(), *EXAMPLES)[:3]


def _beginnings(snapshot: Snapshot) -> tuple[str, ...]:
    """Pins to begin with: what stands for the largest clusters of them."""
    return tuple(_exemplars(snapshot, "image"))[:BEGINNINGS]


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
