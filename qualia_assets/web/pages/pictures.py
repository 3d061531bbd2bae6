"""Thumbnails of the pictures of a user's items.

Belongs here: which pictures an address may name, and the placeholder for broken ones. Thumbnails are made by
``lake.blobs``.
"""

import threading

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.lake import blobs
from qualia_assets.lake.snapshot import NotThere, Snapshot
from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.web.layout import context_of, snapshot_of

SIDES: dict[str, blobs.Side] = {"64": 64, "256": 256, "1024": 1024}
# Presentation attributes only, since the policy refuses styles; the grey suits light and dark pages.
_PLACEHOLDER = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120" width="256" height="256">
<rect width="120" height="120" fill="#8a8f99" fill-opacity=".16"/>
<g fill="none" stroke="#8a8f99" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">
<rect x="38" y="42" width="44" height="36" rx="4"/><path d="M38 72l14-14 9 9 7-6 14 12M36 84L84 36"/>
</g></svg>
"""
# One at a time: a picture of 50 million pixels takes 200 MB while it is scaled down.
_scaling = threading.Lock()


def _pictures_of(snapshot: Snapshot) -> frozenset[str]:
    """The hashes of all pictures of the user's items."""
    return frozenset(snapshot.table("artefacts")["image_sha256"].to_pylist()) - {None}


def show(request: Request) -> Response:
    """A thumbnail, its longer side 64, 256 or 1024 pixels; a placeholder where the picture is broken.

    Raises:
        NotThere: no item of the user has the picture, or there is no such size.
    """
    sha256 = request.path_params["sha256"]
    if sha256 not in snapshot_of(request).once(_pictures_of):
        raise NotThere("None of this user's items has this picture.")
    side = SIDES.get(request.query_params.get("side", "256"))
    if side is None:
        raise NotThere(f"There are no thumbnails of this size; side is one of {', '.join(SIDES)}.")
    try:
        body = _thumbnail(context_of(request).lake, sha256, side)
    except (LakeError, OSError):
        # Not an error status, which browsers write to the console; the file may come back.
        return Response(_PLACEHOLDER, media_type="image/svg+xml")
    headers = {"cache-control": "private, max-age=31536000, immutable"}
    return Response(body, media_type="image/webp", headers=headers)


def _thumbnail(lake: Lake, sha256: str, side: blobs.Side) -> bytes:
    path = blobs.thumbnail_path(lake, sha256, side)
    if not path.exists():
        with _scaling:
            blobs.thumbnail(lake, sha256, side)
    return path.read_bytes()


ROUTES = [Route("/u/{user}/thumb/{sha256}", show)]
