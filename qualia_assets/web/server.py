"""The app put together: which addresses there are, and what is said where something is not there.

Belongs here: that alone. Each page is in ``pages``, what all answers are held to in ``security``.
"""

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from qualia_assets.lake.snapshot import Damaged, NotThere, Snapshots
from qualia_assets.lake.store import Lake
from qualia_assets.search.query import Questions
from qualia_assets.settings import Settings
from qualia_assets.web import security, served
from qualia_assets.web.layout import Face, face, page
from qualia_assets.web.pages import clusters, item, pictures, report, search, users
from qualia_assets.web.pages import map as map_page

STATIC = Path(__file__).parent / "static"
_PAGES = (users, map_page, clusters, search, report, item, pictures)


def _not_there(request: Request, error: Exception) -> Response:
    if isinstance(error, Damaged) and request.method == "GET":
        # Asked again, it is answered without the table, and says so.
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(request.url.path + query, 303)
    status = error.status_code if isinstance(error, HTTPException) else 404
    said = error.detail if isinstance(error, HTTPException) else str(error)
    headers = error.headers if isinstance(error, HTTPException) else None
    if isinstance(error, HTTPException) and status == 404:
        said = "There is no page at this address."
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(said, status, headers)
    request.scope["path_params"] = {}
    answer = page(request, "not_there.html", {"said": said}, status=status, title="Not there")
    answer.headers.update(headers or {})
    return answer


async def _alive(request: Request) -> Response:
    return PlainTextResponse(served(face(request).lake.root))


def make_app(settings: Settings, host: str = "127.0.0.1", token: str = "") -> Starlette:
    """The app on the lake of the settings."""
    lake = Lake(settings.lake)
    app = Starlette(
        routes=[
            Route("/alive", _alive),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
            *(route for module in _PAGES for route in module.ROUTES),
        ],
        middleware=list(security.middleware(host, token)),
        exception_handlers={NotThere: _not_there, HTTPException: _not_there},
    )
    app.state.face = Face(settings, lake, Snapshots(lake), Questions(settings))
    return app
