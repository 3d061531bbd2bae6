"""Search: by words, by a picture, or by an item of one's own."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.views.app.frame import page, snapshot_of


def show(request: Request) -> Response:
    snapshot = snapshot_of(request)
    return page(request, "search.html", {"snapshot": snapshot}, title="Search")


ROUTES = [Route("/u/{user}/search", show)]
