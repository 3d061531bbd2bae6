"""The frame that every page stands in, and how pages and data are sent.

Belongs here: what a page may use, templates, answers. Which pages there are is in ``server``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from qualia_assets.lake.snapshot import Snapshot, Snapshots
from qualia_assets.lake.store import Lake
from qualia_assets.search.query import Questions
from qualia_assets.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
PAGES = ("map", "clusters", "search", "report")
"""Of every user, in the order of the frame's links."""


@dataclass(frozen=True)
class Face:
    """What every page may use."""

    settings: Settings
    lake: Lake
    snapshots: Snapshots
    questions: Questions


def face(request: Request) -> Face:
    found: Face = request.app.state.face
    return found


def snapshot_of(request: Request) -> Snapshot:
    """The tables of the user whom the address names.

    Raises:
        NotThere: there is no such user.
    """
    return face(request).snapshots.of(request.path_params["user"])


@cache
def templates() -> Environment:
    """The pages' templates. Everything put into one is escaped; a name that is not given is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["code"] = _with_code
    return made


def _with_code(text: str) -> Markup:
    """What stands between backticks as code; everything escaped."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))


def page(
    request: Request, template: str, given: Mapping[str, Any], *, status: int = 200, title: str = ""
) -> HTMLResponse:
    """A page made from its template, within the frame that all have.

    Where the address names a user, the frame links to the others of that user's pages, and says so where a
    run is replacing what is shown.
    """
    user = request.path_params.get("user", "")
    snapshots = face(request).snapshots
    frame = {
        "title": title,
        "user": user,
        "pages": PAGES,
        "here": request.url.path.rstrip("/").split("/")[-1] if user else "",
        "behind": bool(user) and snapshots.behind(user),
        "dagster": face(request).settings.app.dagster_url.rstrip("/"),
    }
    return HTMLResponse(templates().get_template(template).render({**frame, **given}), status)


def data(request: Request, body: bytes, media_type: str, tag: str) -> Response:
    """An answer to a script, which may be kept as long as its tag stays the same."""
    headers = {"etag": f'"{tag}"', "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def data_json(request: Request, value: Any, tag: str) -> Response:
    """The same for a value as JSON."""
    return data(request, json.dumps(value, ensure_ascii=False).encode(), "application/json", tag)
