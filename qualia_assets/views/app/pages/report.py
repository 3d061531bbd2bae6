"""The report: the paper's tables and figures for this user."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.views.app.frame import page, snapshot_of


def show(request: Request) -> Response:
    snapshot = snapshot_of(request)
    return page(request, "report.html", {"snapshot": snapshot}, title="Report")


ROUTES = [Route("/u/{user}/report", show)]
