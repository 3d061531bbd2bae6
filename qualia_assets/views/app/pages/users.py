"""Everyone in the lake: how fresh, how many, what they cost."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.views.app.frame import page


def show(request: Request) -> Response:
    return page(request, "users.html", {}, title="Users")


ROUTES = [Route("/", show)]
