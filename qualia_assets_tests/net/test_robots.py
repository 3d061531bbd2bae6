"""What robots.txt allows, and that nothing is asked without its leave."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qualia_assets.net.base import BudgetSpent, Deferred, Disallowed
from qualia_assets.state.crawl import Crawl
from qualia_assets.state.database import State
from qualia_assets_tests.net.conftest import MakeClient

PAGE = "https://one.example/api/v1/archive"

# As the services had them, shortened.
SUBSTACK = """User-agent: GPTBot
Disallow: /

User-agent: *
Disallow: /action/
Disallow: /publish
Disallow: /sign-in
Disallow: /feed/private
Disallow: /subscribe
Disallow: /p/*/comment/*

User-agent: facebookexternalhit
Allow: /
Allow: /subscribe
"""
PINTEREST_2024 = """User-agent: *
Disallow: /v3/pidgets/log/
Disallow: /your-shop/
Allow: /resource/*/get/
"""
PINTEREST_2026 = """User-agent: GPTBot
Disallow: /

User-agent: facebookexternalhit
Allow: /

User-agent: *
Disallow: /
"""


def serve(server: HTTPServer, rules: str | Response) -> None:
    answer = rules if isinstance(rules, Response) else Response(rules, content_type="text/plain")
    server.expect_request("/robots.txt").respond_with_response(answer)
    server.expect_request("/").respond_with_json({})
    server.expect_request("/api/v1/archive").respond_with_json([])
    server.expect_request("/resource/BoardFeedResource/get/").respond_with_json({})
    server.expect_request("/p/a-post").respond_with_json({})


def paths(server: HTTPServer) -> list[str]:
    return [request.path for request, _ in server.log]


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        (SUBSTACK, "/api/v1/archive?sort=new"),
        (SUBSTACK, "/p/a-post"),
        (PINTEREST_2024, "/resource/BoardFeedResource/get/"),
        ("", "/api/v1/archive"),
        ("User-agent: *\nDisallow: /\n\nUser-agent: qualia-assets\nAllow: /\n", "/api/v1/archive"),
        ("\ufeffUser-agent: *\nDisallow: /x\n", "/api/v1/archive"),
    ],
)
def test_what_robots_txt_allows_is_asked(
    client: MakeClient, httpserver: HTTPServer, rules: str, path: str
) -> None:
    serve(httpserver, rules)
    assert client().get(f"https://one.example{path}", "json").status == 200
    assert paths(httpserver) == ["/robots.txt", path.partition("?")[0]]


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        (PINTEREST_2026, "/"),
        (PINTEREST_2026, "/resource/BoardFeedResource/get/"),
        (PINTEREST_2024, "/your-shop/x"),
        (SUBSTACK, "/publish/post/1"),
        (SUBSTACK, "/feed/private/abc"),
        (SUBSTACK, "/p/a-post/comment/7"),
        ("User-agent: *\nDisallow: /*?secret=\n", "/api/v1/archive?secret=1"),
        ("User-agent: *\nAllow: /\n\nUser-agent: qualia-assets\nDisallow: /\n", "/api/v1/archive"),
    ],
)
def test_what_robots_txt_denies_is_never_asked(
    client: MakeClient, httpserver: HTTPServer, rules: str, path: str
) -> None:
    serve(httpserver, rules)
    asking = client()
    for _ in range(3):
        with pytest.raises(Disallowed, match=r"one\.example.* is not asked: robots\.txt says no") as refused:
            asking.get(f"https://one.example{path}", "json")
        assert "secret" not in str(refused.value)
    assert paths(httpserver) == ["/robots.txt"]
    with pytest.raises(Disallowed):
        client().get(f"https://one.example{path}", "json")
    assert paths(httpserver) == ["/robots.txt"]


@pytest.mark.parametrize("status", [400, 404, 410, 418])
def test_an_origin_without_robots_txt_is_open(
    client: MakeClient, httpserver: HTTPServer, status: int
) -> None:
    serve(httpserver, Response("User-agent: *\nDisallow: /", status))
    assert client().get(PAGE, "json").status == 200


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=500),
        Response(status=503),
        Response(status=401),
        Response(status=403),
        Response(status=204),
        Response("Too many requests"),
        Response("#" * 1_000_001),
        Response(b"User-agent: *", headers={"Content-Encoding": "gzip"}),
        Response(status=302, headers={"Location": "http://one.example/elsewhere"}),
        Response(status=302, headers={"Location": "https://127.0.0.1/robots.txt"}),
        Response(status=302, headers={"Location": "/robots.txt"}),
    ],
    ids=["500", "503", "401", "403", "204", "poison", "endless", "damaged", "http", "inside", "circle"],
)
def test_robots_txt_that_cannot_be_read_is_a_no_until_another_run(
    client: MakeClient, httpserver: HTTPServer, answer: Response
) -> None:
    serve(httpserver, answer)
    asking = client()
    for _ in range(2):
        with pytest.raises(Disallowed, match="could not be read"):
            asking.get(PAGE, "json")
    assert set(paths(httpserver)) == {"/robots.txt"}
    assert asking.requests == len(paths(httpserver)) <= 6
    httpserver.clear()
    serve(httpserver, "")
    assert client().get(PAGE, "json").status == 200


def test_robots_txt_of_an_origin_that_is_not_there_is_a_no(client: MakeClient) -> None:
    with pytest.raises(Disallowed, match="could not be read"):
        client(send_to={"*": "http://127.0.0.1:9"}).get(PAGE, "json")


def test_robots_txt_is_asked_once_for_an_origin_and_some_days(
    client: MakeClient, httpserver: HTTPServer, state: State
) -> None:
    serve(httpserver, SUBSTACK)
    for _ in range(2):
        asking = client()
        asking.get(PAGE, "json")
        asking.get("https://one.example/p/a-post", "json")
    client().get("https://two.example/p/a-post", "json")
    assert paths(httpserver).count("/robots.txt") == 2

    kept = Crawl(state, "robots").cursor("https://one.example")
    assert kept is not None
    assert kept["body"] == SUBSTACK
    weeks_ago = (datetime.now(UTC) - timedelta(days=8)).isoformat()
    Crawl(state, "robots").account(cursors={"https://one.example": {**kept, "fetched_at": weeks_ago}})
    client().get(PAGE, "json")
    assert paths(httpserver).count("/robots.txt") == 3


def test_a_redirect_is_followed_only_where_robots_txt_of_its_end_allows_it(
    client: MakeClient, httpserver: HTTPServer
) -> None:
    asked = []

    def answer(request: Request) -> Response:
        asked.append(request.host + request.path)
        if request.path == "/robots.txt":
            return Response("User-agent: *\nDisallow: /closed" if request.host == "two.example" else "")
        return Response(status=302, headers={"Location": "https://two.example/closed"})

    httpserver.expect_request("/robots.txt").respond_with_handler(answer)
    httpserver.expect_request("/go").respond_with_handler(answer)
    with pytest.raises(Disallowed, match=r"two\.example/closed is not asked"):
        client().get("https://one.example/go", "json")
    assert asked == ["one.example/robots.txt", "one.example/go", "two.example/robots.txt"]


def test_robots_txt_may_lie_behind_a_redirect(client: MakeClient, httpserver: HTTPServer) -> None:
    serve(httpserver, Response(status=301, headers={"Location": "https://www.one.example/rules"}))
    httpserver.expect_request("/rules").respond_with_data("User-agent: *\nDisallow: /api")
    with pytest.raises(Disallowed, match="says no"):
        client().get(PAGE, "json")


def test_an_official_interface_is_asked_without_robots_txt(
    client: MakeClient, httpserver: HTTPServer
) -> None:
    serve(httpserver, PINTEREST_2026)
    assert client().get(PAGE, "json", robots=False).status == 200
    assert paths(httpserver) == ["/api/v1/archive"]


def test_asking_for_robots_txt_heeds_the_budget_and_the_gate(
    client: MakeClient, httpserver: HTTPServer
) -> None:
    serve(httpserver, Response(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(Deferred):
        client().get(PAGE, "json")
    with pytest.raises(BudgetSpent):
        client(budget=0).get(PAGE, "json")
    assert paths(httpserver) == ["/robots.txt"]
