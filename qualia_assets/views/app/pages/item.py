"""One item: what is said of it, what lies near it, where it came from."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.views.app.frame import page, snapshot_of


def show(request: Request) -> Response:
    snapshot = snapshot_of(request)
    return page(request, "item.html", {"snapshot": snapshot}, title="Item")


ROUTES = [Route("/u/{user}/item/{item:path}", show)]
