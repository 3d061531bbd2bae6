"""The base layout that every page stands in, and how pages and data are sent.

Belongs here: what all pages share, templates, responses. Which pages there are is in ``server``.
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
from qualia_assets.search.query import QueryEncoder
from qualia_assets.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
PAGES = ("map", "clusters", "search", "report")
"""Of every user, in the order of the navigation."""


@dataclass(frozen=True)
class AppContext:
    """What every page may use."""

    settings: Settings
    lake: Lake
    snapshots: Snapshots
    encoder: QueryEncoder


def context_of(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


def snapshot_of(request: Request) -> Snapshot:
    """The tables of the user whom the address names.

    Raises:
        NotThere: there is no such user.
    """
    return context_of(request).snapshots.of(request.path_params["user"])


@cache
def templates() -> Environment:
    """The pages' templates: every value is escaped, and an undefined name is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _with_code
    return environment


def _with_code(text: str) -> Markup:
    """Text with what stands between backticks as code; everything is escaped."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))


def page(
    request: Request, template: str, values: Mapping[str, Any], *, status: int = 200, title: str = ""
) -> HTMLResponse:
    """A page rendered within the base layout.

    Where the address names a user, the layout links to that user's other pages, and says so while a run is
    replacing the tables shown.
    """
    user = request.path_params.get("user", "")
    context = context_of(request)
    base = {
        "title": title,
        "user": user,
        "pages": PAGES,
        "current": request.url.path.rstrip("/").split("/")[-1] if user else "",
        "behind": bool(user) and context.snapshots.behind(user),
        "dagster": context.settings.app.dagster_url.rstrip("/"),
    }
    return HTMLResponse(templates().get_template(template).render({**base, **values}), status)


def data(request: Request, body: bytes, media_type: str, tag: str) -> Response:
    """Data for a script, which a browser may reuse while its tag stays the same."""
    headers = {"etag": f'"{tag}"', "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def data_json(request: Request, value: Any, tag: str) -> Response:
    """The same for a value as JSON."""
    return data(request, json.dumps(value, ensure_ascii=False).encode(), "application/json", tag)
