"""The map: where every item lies, in three spaces."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.views.app.frame import page, snapshot_of


def show(request: Request) -> Response:
    snapshot = snapshot_of(request)
    return page(request, "map.html", {"snapshot": snapshot}, title="Map")


ROUTES = [Route("/u/{user}/map", show)]
