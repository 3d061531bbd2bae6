"""The app: its routes and its error page.

Each page is in ``pages``; what holds for every response is in ``security``.
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
from qualia_assets.search.query import QueryEncoder
from qualia_assets.settings import Settings
from qualia_assets.web import security, served
from qualia_assets.web.layout import AppContext, context_of, page
from qualia_assets.web.pages import clusters, item, pictures, report, search, users
from qualia_assets.web.pages import map as map_page

STATIC = Path(__file__).parent / "static"
_PAGES = (users, map_page, clusters, search, report, item, pictures)


def _error(request: Request, error: Exception) -> Response:
    if isinstance(error, Damaged) and request.method == "GET":
        # The next request is answered without the table, and says so.
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(request.url.path + query, 303)
    status = error.status_code if isinstance(error, HTTPException) else 404
    message = error.detail if isinstance(error, HTTPException) else str(error)
    headers = error.headers if isinstance(error, HTTPException) else None
    if isinstance(error, HTTPException) and status == 404:
        message = "There is no page at this address."
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(message, status, headers)
    request.scope["path_params"] = {}
    response = page(request, "error.html", {"message": message}, status=status, title="Not found")
    response.headers.update(headers or {})
    return response


async def _alive(request: Request) -> Response:
    return PlainTextResponse(served(context_of(request).lake.root))


def make_app(settings: Settings, host: str = "127.0.0.1", token: str = "") -> Starlette:
    """The app over the lake of the settings.

    Args:
        settings: name the lake.
        host: that the app listens on.
        token: that every request must show, unless it is empty.
    """
    lake = Lake(settings.lake)
    app = Starlette(
        routes=[
            Route("/alive", _alive),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
            *(route for module in _PAGES for route in module.ROUTES),
        ],
        middleware=list(security.middleware(host, token)),
        exception_handlers={NotThere: _error, HTTPException: _error},
    )
    app.state.context = AppContext(settings, lake, Snapshots(lake), QueryEncoder(settings))
    return app
