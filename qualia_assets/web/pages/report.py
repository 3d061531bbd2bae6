"""The report: the paper's tables and figures for this user, as a page and as a file to share."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.web.layout import page, snapshot_of
from qualia_assets.web.report_file import file_with_names, file_without_names, with_names


def show(request: Request) -> Response:
    report = snapshot_of(request).once(with_names)
    return page(request, "report.html", {"report": report}, title="Report")


def download(request: Request) -> Response:
    """The file, without names unless the query has ``names=1``."""
    with_names = request.query_params.get("names") == "1"
    body = snapshot_of(request).once(file_with_names if with_names else file_without_names)
    # The file name does not reveal the user.
    headers = {"content-disposition": 'attachment; filename="qualia-report.html"'}
    return Response(body, media_type="text/html", headers=headers)


ROUTES = [Route("/u/{user}/report", show), Route("/u/{user}/report.html", download)]
