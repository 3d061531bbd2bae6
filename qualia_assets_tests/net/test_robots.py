"""What robots.txt allows, and that nothing is requested without its permission."""

from datetime import UTC, datetime, timedelta

import pytest
from werkzeug import Request, Response

from qualia_assets.net.base import BudgetSpent, Deferred, Disallowed
from qualia_assets.state.crawl import Crawl
from qualia_assets.state.database import State
from qualia_assets_tests.net.conftest import Web

ARCHIVE = "/api/v1/archive"
PAGE = f"https://one.example{ARCHIVE}"
BOARD = "/resource/BoardFeedResource/get/"

# As the services had them, shortened.
SUBSTACK = """User-agent: GPTBot
Disallow: /

User-agent: *
Disallow: /publish
Disallow: /feed/private
Disallow: /subscribe
Disallow: /p/*/comment/*

User-agent: facebookexternalhit
Allow: /
Allow: /subscribe
"""
PINTEREST_2024 = "User-agent: *\nDisallow: /v3/pidgets/log/\nDisallow: /your-shop/\nAllow: /resource/*/get/\n"
PINTEREST_2026 = "User-agent: GPTBot\nDisallow: /\n\nUser-agent: facebookexternalhit\nAllow: /\n\n"
PINTEREST_2026 += "User-agent: *\nDisallow: /\n"
ONLY_US = "User-agent: *\nDisallow: /\n\nUser-agent: qualia-assets\nAllow: /\n"
NOT_US = "User-agent: *\nAllow: /\n\nUser-agent: qualia-assets\nDisallow: /\n"


def serve(web: Web, rules: str | Response) -> None:
    web.play(rules if isinstance(rules, Response) else Response(rules), path="/robots.txt")
    for path in ("/", ARCHIVE, BOARD, "/p/a-post"):
        web.play(Response("{}"), path=path)


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        (SUBSTACK, f"{ARCHIVE}?sort=new"),
        (SUBSTACK, "/p/a-post"),
        (PINTEREST_2024, BOARD),
        ("", ARCHIVE),
        (ONLY_US, ARCHIVE),
        ("\ufeffUser-agent: *\nDisallow: /x\n", ARCHIVE),
    ],
)
def test_what_robots_txt_allows_is_requested(web: Web, rules: str, path: str) -> None:
    serve(web, rules)
    assert web.client().get(f"https://one.example{path}", "json").status == 200
    assert web.paths() == ["/robots.txt", path.partition("?")[0]]


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        (PINTEREST_2026, "/"),
        (PINTEREST_2026, BOARD),
        (PINTEREST_2024, "/your-shop/x"),
        (SUBSTACK, "/publish/post/1"),
        (SUBSTACK, "/feed/private/abc"),
        (SUBSTACK, "/p/a-post/comment/7"),
        ("User-agent: *\nDisallow: /*?secret=\n", f"{ARCHIVE}?secret=1"),
        (NOT_US, ARCHIVE),
    ],
)
def test_what_robots_txt_denies_is_never_requested(web: Web, rules: str, path: str) -> None:
    serve(web, rules)
    first = web.client()
    for client in (first, first, web.client()):
        with pytest.raises(
            Disallowed, match=r"one\.example.* is not requested: robots\.txt disallows it"
        ) as refused:
            client.get(f"https://one.example{path}", "json")
        assert "secret" not in str(refused.value)
    assert web.paths() == ["/robots.txt"]


@pytest.mark.parametrize("status", [400, 404, 410, 418])
def test_an_origin_without_robots_txt_is_open(web: Web, status: int) -> None:
    serve(web, Response("User-agent: *\nDisallow: /", status))
    assert web.client().get(PAGE, "json").status == 200


UNREADABLE = {str(status): Response(status=status) for status in (500, 503, 401, 403, 204)} | {
    "poison": Response("Too many requests"),
    "endless": Response("#" * 1_000_001),
    "damaged": Response(b"User-agent: *", headers={"Content-Encoding": "gzip"}),
    "http": Response(status=302, headers={"Location": "http://one.example/elsewhere"}),
    "inside": Response(status=302, headers={"Location": "https://127.0.0.1/robots.txt"}),
    "circle": Response(status=302, headers={"Location": "/robots.txt"}),
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
def test_robots_txt_that_cannot_be_read_is_a_no_until_another_run(web: Web, answer: Response) -> None:
    serve(web, answer)
    client = web.client()
    for _ in range(2):
        with pytest.raises(Disallowed, match="could not be read"):
            client.get(PAGE, "json")
    assert set(web.paths()) == {"/robots.txt"}
    assert client.requests == len(web.paths()) <= 6
    web.server.clear()
    serve(web, "")
    assert web.client().get(PAGE, "json").status == 200


def test_an_origin_that_does_not_answer_is_a_no(web: Web) -> None:
    with pytest.raises(Disallowed, match="could not be read"):
        web.client(send_to={"*": "http://127.0.0.1:9"}).get(PAGE, "json")


def test_robots_txt_is_requested_once_for_an_origin_and_some_days(web: Web, state: State) -> None:
    serve(web, SUBSTACK)
    for _ in range(2):
        client = web.client()
        client.get(PAGE, "json")
        client.get("https://one.example/p/a-post", "json")
    web.client().get("https://two.example/p/a-post", "json")
    assert web.paths().count("/robots.txt") == 2

    kept = Crawl(state, "robots").cursor("https://one.example")
    assert kept is not None
    assert kept["body"] == SUBSTACK
    weeks_ago = (datetime.now(UTC) - timedelta(days=8)).isoformat()
    Crawl(state, "robots").account(cursors={"https://one.example": {**kept, "fetched_at": weeks_ago}})
    web.client().get(PAGE, "json")
    assert web.paths().count("/robots.txt") == 3


def test_a_redirect_is_followed_only_where_robots_txt_of_its_target_allows_it(web: Web) -> None:
    requests = []

    def answer(request: Request) -> Response:
        requests.append(request.host + request.path)
        if request.path == "/robots.txt":
            return Response("User-agent: *\nDisallow: /closed" if request.host == "two.example" else "")
        return Response(status=302, headers={"Location": "https://two.example/closed"})

    for path in ("/robots.txt", "/go"):
        web.respond(answer, path)
    with pytest.raises(Disallowed, match=r"two\.example/closed is not requested"):
        web.client().get("https://one.example/go", "json")
    assert requests == ["one.example/robots.txt", "one.example/go", "two.example/robots.txt"]


def test_robots_txt_may_lie_behind_a_redirect(web: Web) -> None:
    serve(web, Response(status=301, headers={"Location": "https://www.one.example/rules"}))
    web.play(Response("User-agent: *\nDisallow: /api"), path="/rules")
    with pytest.raises(Disallowed, match="disallows it"):
        web.client().get(PAGE, "json")


def test_an_official_api_is_requested_without_robots_txt(web: Web) -> None:
    serve(web, PINTEREST_2026)
    assert web.client().get(PAGE, "json", robots=False).status == 200
    assert web.paths() == [ARCHIVE]


def test_requests_for_robots_txt_obey_the_budget_and_the_gate(web: Web) -> None:
    serve(web, Response(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(Deferred):
        web.client().get(PAGE, "json")
    with pytest.raises(BudgetSpent):
        web.client(budget=0).get(PAGE, "json")
    assert web.paths() == ["/robots.txt"]
