"""The clusters: which essays go with which pictures."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.views.app.frame import page, snapshot_of


def show(request: Request) -> Response:
    snapshot = snapshot_of(request)
    return page(request, "clusters.html", {"snapshot": snapshot}, title="Clusters")


ROUTES = [Route("/u/{user}/clusters", show)]
