"""What a request comes to, whatever a service does."""

import gzip
import logging
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import chain, repeat
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.datastructures import Headers

from qualia_assets.net.base import (
    Blocked,
    BudgetSpent,
    Deferred,
    Disallowed,
    Gone,
    Kind,
    NoAnswer,
    Rejected,
    Unauthorised,
    Unusable,
)
from qualia_assets.net.body import MOST_BYTES, Damaged, read
from qualia_assets.net.client import Client
from qualia_assets.settings import SettingsError
from qualia_assets.state.database import State
from qualia_assets.state.tables import gates
from qualia_assets_tests.net.conftest import MakeClient

PAGE = "https://one.example/a"
FEED = b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
GOOD: dict[Kind, bytes] = {"json": b'{"a": 1}', "feed": FEED, "image": PNG, "text": b"words"}
HTML = b"<!DOCTYPE html><html><body>Just a moment...</body></html>"

pytestmark = pytest.mark.usefixtures("open_to_robots")


class Sent(Response):
    """A response that is sent with the headers it was given, lies among them."""

    def __init__(self, body: bytes | Iterator[bytes] = b"", status: int = 200, **headers: str) -> None:
        super().__init__(body, status)
        for name, value in headers.items():
            self.headers[name.replace("_", "-")] = value

    def get_wsgi_headers(self, _: Any) -> Headers:
        return Headers(self.headers)


def play(server: HTTPServer, *answers: Response, path: str = "/a") -> list[Request]:
    """Give these answers one after the other, the last one for ever. Returns what is asked, as it comes."""
    asked: list[Request] = []
    left = chain(answers, repeat(answers[-1]))

    def answer(request: Request) -> Response:
        asked.append(request)
        return next(left)

    server.expect_request(path).respond_with_handler(answer)
    return asked


def gap(state: State) -> float:
    with state.engine.connect() as connection:
        return float(connection.execute(sa.select(gates.c.gap)).scalar_one())


def to(location: str, status: int = 302) -> Response:
    return Sent(status=status, location=location)


# What comes


@pytest.mark.parametrize("kind", GOOD)
def test_an_answer_is_what_was_sent_with_the_few_headers_that_are_kept(
    client: MakeClient, httpserver: HTTPServer, kind: Kind
) -> None:
    headers = {"ETag": '"1"', "Last-Modified": "yesterday", "Set-Cookie": "a=b", "X-Other": "x"}
    asked = play(httpserver, Response(GOOD[kind], headers=headers, content_type="a/b"))
    asking = client()
    answer = asking.get(PAGE + "?b=2", kind, params={"q": "x y"})
    assert (answer.url, answer.status, answer.body) == (PAGE, 200, GOOD[kind])
    assert answer.headers == {"etag": '"1"', "last-modified": "yesterday", "content-type": "a/b"}
    assert asking.requests == 2
    assert asked[0].query_string == b"b=2&q=x+y"
    assert asked[0].host == "one.example"


def test_a_request_says_who_asks_and_sends_no_header_that_it_need_not(
    client: MakeClient, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    asked = play(httpserver, Response("{}"))
    client().get(PAGE, "json")
    assert set(asked[0].headers.keys()) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    agent = asked[0].headers["User-Agent"]
    assert agent.startswith("qualia-assets/")
    assert agent.endswith(" (personal archive; +me@example.org)")


@pytest.mark.parametrize("contact", ["", " ", "me@example.org\nX-Evil: 1", "mé"])
def test_nothing_is_fetched_for_who_cannot_be_reached(client: MakeClient, contact: str) -> None:
    with pytest.raises(SettingsError, match="QUALIA_CRAWLING__CONTACT"):
        client(contact=contact)


def test_what_has_not_changed_is_not_sent_again(client: MakeClient, httpserver: HTTPServer) -> None:
    asked = play(httpserver, Response(status=304, headers={"ETag": '"2"'}))
    answer = client().get(PAGE, "feed", etag='"1"', last_modified="yesterday")
    assert answer.unchanged
    assert answer.body == b""
    assert answer.headers["etag"] == '"2"'
    assert asked[0].headers["If-None-Match"] == '"1"'
    assert asked[0].headers["If-Modified-Since"] == "yesterday"
    with pytest.raises(Unusable, match="304"):
        client().get(PAGE, "feed")


def test_a_header_that_could_not_be_sent_back_is_not_kept(client: MakeClient, httpserver: HTTPServer) -> None:
    play(httpserver, Response("{}", headers={"ETag": '"é"', "Last-Modified": "x" * 300}))
    assert set(client().get(PAGE, "json").headers) == {"content-type"}


def test_cookies_are_neither_kept_nor_sent(client: MakeClient, httpserver: HTTPServer) -> None:
    cookie = "session=planted; Path=/"
    play(httpserver, Sent(b"{}", set_cookie=cookie))
    play(httpserver, Sent(status=302, location="/a", set_cookie=cookie), path="/start")
    asking = client()
    for _ in range(2):
        asking.get("https://one.example/start", "json")
        asking.get(PAGE, "json")
    assert len(httpserver.log) == 7
    assert not any("Cookie" in request.headers for request, _ in httpserver.log)


# What a status means


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Unauthorised),
        (403, Blocked),
        (404, Gone),
        (410, Gone),
        (400, Rejected),
        (402, Unusable),
        (451, Unusable),
        (204, Unusable),
        (206, Unusable),
        (300, Unusable),
    ],
)
def test_a_status_that_will_not_change_is_asked_for_once(
    client: MakeClient, httpserver: HTTPServer, status: int, kind: type[NoAnswer]
) -> None:
    asked = play(httpserver, Response("{}", status))
    with pytest.raises(NoAnswer, match=r"^one\.example/a") as told:
        client().get(PAGE, "json")
    assert type(told.value) is kind
    assert len(asked) == 1


def test_a_challenge_is_blocked_and_the_user_told_to_use_the_export(
    client: MakeClient, httpserver: HTTPServer
) -> None:
    challenge = Response(HTML, 503, headers={"cf-mitigated": "challenge", "Retry-After": "5"})
    for answer in (Response(HTML, 403), challenge):
        httpserver.clear()
        httpserver.expect_request("/robots.txt").respond_with_data("")
        asked = play(httpserver, answer)
        with pytest.raises(Blocked, match="`qualia import substack PATH`"):
            client().get(PAGE, "json")
        assert len(asked) == 1


def test_a_service_that_fails_is_asked_three_times(client: MakeClient, httpserver: HTTPServer) -> None:
    asked = play(httpserver, Response(status=500), Response(status=502), Response("{}"))
    assert client().get(PAGE, "json").status == 200
    assert len(asked) == 3
    down = play(httpserver, Response(status=503), path="/down")
    with pytest.raises(Unusable, match=r"^one\.example/down: status 503, 3 times over\.$"):
        client().get("https://one.example/down", "json")
    assert len(down) == 3


def test_a_body_that_broke_off_is_asked_for_again(client: MakeClient, httpserver: HTTPServer) -> None:
    cut = Sent(b'{"a"', content_length="100")
    cut_gzip = Response(gzip.compress(b'{"a": 1}' * 99)[:-12], headers={"Content-Encoding": "gzip"})
    no_gzip = Response(b"{}", headers={"Content-Encoding": "gzip"})
    asked = play(httpserver, cut, cut_gzip, Response(GOOD["json"]))
    assert client().get(PAGE, "json").body == GOOD["json"]
    assert len(asked) == 3
    for number, broken in enumerate((cut, cut_gzip, no_gzip)):
        again = play(httpserver, broken, path=f"/{number}")
        with pytest.raises(Unusable, match="3 times over"):
            client().get(f"https://one.example/{number}", "json")
        assert len(again) == 3


@pytest.fixture
def slow_server() -> Iterator[HTTPServer]:
    """One of the test's own: what it has not answered when the test ends is nobody else's."""
    with HTTPServer(threaded=True) as server:
        yield server


def test_a_service_that_does_not_answer_in_time_is_given_up(
    client: MakeClient, slow_server: HTTPServer
) -> None:
    def answer(_: Request) -> Response:
        time.sleep(0.4)
        return Response("{}")

    slow_server.expect_request("/a").respond_with_handler(answer)
    asking = client(timeout=0.1, send_to={"*": slow_server.url_for("/")})
    with pytest.raises(Unusable, match=r"^one\.example/a: it did not answer in time, 3 times over\.$"):
        asking.get(PAGE, "json", robots=False)


def test_a_body_that_drips_is_given_up(client: MakeClient, slow_server: HTTPServer) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(80):
            time.sleep(0.02)
            yield b"1"

    slow_server.expect_request("/a").respond_with_handler(lambda _: Response(drip()))
    asking = client(timeout=0.1, send_to={"*": slow_server.url_for("/")})
    with pytest.raises(Unusable, match="too slowly"):
        asking.get(PAGE, "json", robots=False)


# Budget and gate


def test_no_more_requests_are_made_than_the_budget_allows(client: MakeClient, httpserver: HTTPServer) -> None:
    asked = play(httpserver, Response("{}"))
    asking = client(budget=3)
    asking.get(PAGE, "json")
    asking.get(PAGE, "json")
    with pytest.raises(BudgetSpent, match="3 requests"):
        asking.get(PAGE, "json")
    assert asking.requests == 3 == len(httpserver.log)
    assert len(asked) == 2
    assert client(budget=0).requests == 0


def test_tries_and_redirects_count_against_the_budget(client: MakeClient, httpserver: HTTPServer) -> None:
    play(httpserver, Response(status=500))
    play(httpserver, to("/b"), path="/b")
    for path in "ab":
        asking = client(budget=2)
        with pytest.raises(BudgetSpent):
            asking.get(f"https://one.example/{path}", "json", robots=False)
        assert asking.requests == 2
    assert len(httpserver.log) == 4


def too_many(after: str | None = None, status: int = 429) -> Response:
    return Response("no", status, headers={} if after is None else {"Retry-After": after})


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_names_seconds_is_left_alone_for_so_long(
    client: MakeClient, httpserver: HTTPServer, status: int
) -> None:
    asked = play(httpserver, too_many("1", status), Response("{}"))
    began = time.monotonic()
    assert client().get(PAGE, "json").status == 200
    assert 1 <= time.monotonic() - began < 10
    assert len(asked) == 2


def test_a_service_that_names_a_time_is_left_alone_until_then(
    client: MakeClient, httpserver: HTTPServer
) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    play(httpserver, too_many(format_datetime(at, usegmt=True)), Response("{}"))
    assert client().get(PAGE, "json").status == 200
    assert datetime.now(UTC) >= at


@pytest.mark.parametrize("after", ["0", None, "nonsense", "-5", "", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_a_service_that_names_no_wait_doubles_the_gap(
    client: MakeClient, httpserver: HTTPServer, state: State, after: str | None
) -> None:
    play(httpserver, too_many(after), Response("{}"))
    began = time.monotonic()
    assert client(gap=0.05).get(PAGE, "json", robots=False).status == 200
    assert 0.1 <= time.monotonic() - began < 5
    assert gap(state) == pytest.approx(0.1 * 0.9)


@pytest.mark.parametrize(
    "after", ["3600", format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)], ids=["s", "date"]
)
def test_a_wait_of_an_hour_ends_as_deferred_for_everybody(
    client: MakeClient, httpserver: HTTPServer, after: str
) -> None:
    asked = play(httpserver, too_many(after), Response("{}"))
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(Deferred) as deferred:
            client().get(PAGE, "json", robots=False)
        assert time.monotonic() - began < 5
        assert abs(deferred.value.until - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=60)
    assert len(asked) == 1
    assert client("pinterest").get(PAGE, "json", robots=False).status == 200


def test_a_service_that_always_has_too_much_is_deferred(client: MakeClient, httpserver: HTTPServer) -> None:
    asked = play(httpserver, too_many("0"))
    with pytest.raises(Deferred, match="too many requests") as deferred:
        client(longest_wait=30).get(PAGE, "json")
    assert deferred.value.until > datetime.now(UTC) + timedelta(seconds=20)
    assert len(asked) == 4
    began = time.monotonic()
    with pytest.raises(Deferred):
        client(longest_wait=1).get(PAGE, "json")
    assert time.monotonic() - began < 5
    assert len(asked) == 4


# Poison and lies


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *((kind, b"Too many requests") for kind in GOOD),
        *((kind, b'{"error": "Too Many Requests"}') for kind in GOOD),
        *((kind, HTML) for kind in ("json", "feed", "image")),
        ("json", b"\xef\xbb\xbf  \n<html>"),
        ("feed", b'<?xml version="1.0"?>\n<!-- a --><html xmlns="http://www.w3.org/1999/xhtml"/>'),
    ],
)
def test_poison_under_200_is_never_an_answer_and_counts_as_too_many_requests(
    client: MakeClient, httpserver: HTTPServer, state: State, kind: Kind, body: bytes
) -> None:
    asked = play(httpserver, Response(body))
    with pytest.raises(Unusable, match=r"^one\.example/a: ") as told:
        client(gap=0.01).get(PAGE, kind, robots=False)
    assert len(asked) == 1
    assert gap(state) == pytest.approx(0.02)
    assert "error" not in str(told.value)
    assert "moment" not in str(told.value)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("json", b"", "bad_mime"),
        ("json", b"OK", "bad_mime"),
        ("json", b"\x00{}", "bad_mime"),
        ("feed", b"{}", "bad_mime"),
        ("feed", b'<?xml version="1.0"?><opml/>', "bad_mime"),
        ("image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "bad_mime"),
        ("image", b"GIF", "bad_mime"),
        ("image", HTML, "bad_mime"),
    ],
)
def test_what_is_of_another_kind_is_unusable_whatever_it_calls_itself(
    client: MakeClient, httpserver: HTTPServer, kind: Kind, body: bytes, status: str
) -> None:
    lie = "image/png" if kind == "image" else "application/json"
    asked = play(httpserver, Response(body, content_type=lie))
    with pytest.raises(Unusable) as told:
        client().get(PAGE, kind)
    assert told.value.status == status
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("json", b'{"title": "Too many requests, and how to live with them", "body": "' + b"x" * 600 + b'"}'),
        ("json", b'{"body_html": "<html><body>a post</body></html>"}'),
        ("json", b"\xef\xbb\xbf\n [1]"),
        ("feed", b"<rss><channel><description><![CDATA[<html>]]></description></channel></rss>"),
        ("feed", b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"/>'),
        ("image", b"\xff\xd8\xff\xe0 too many requests"[:9]),
        ("image", b"RIFF\x01\x02\x03\x04WEBPVP8 "),
        ("image", b"GIF89a"),
        ("text", HTML),
    ],
)
def test_what_only_looks_like_poison_is_an_answer(
    client: MakeClient, httpserver: HTTPServer, kind: Kind, body: bytes
) -> None:
    play(httpserver, Response(body))
    assert client().get(PAGE, kind).body == body


@pytest.mark.parametrize("kind", MOST_BYTES)
def test_a_bomb_goes_off_at_the_cap(client: MakeClient, httpserver: HTTPServer, kind: Kind) -> None:
    bomb = gzip.compress(bytes(10 * MOST_BYTES[kind] + 40_000_000), 9)
    assert len(bomb) < MOST_BYTES[kind] / 15
    asked = play(httpserver, Response(bomb, headers={"Content-Encoding": "gzip"}))
    asking = client()
    tracemalloc.start()
    try:
        with pytest.raises(Unusable, match="longer than") as told:
            asking.get(PAGE, kind, robots=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told.value.status == "too_big"
    assert len(asked) == 1
    # The cap, as much again while a growing buffer moves, and 10 MB that the test's own server may take.
    assert peak < 2.5 * MOST_BYTES[kind] + 13_000_000


@pytest.mark.parametrize("length", [None, "99999999999", "9" * 5000, "-1", "nonsense"])
def test_a_body_without_an_end_is_left_at_the_cap(
    client: MakeClient, httpserver: HTTPServer, length: str | None
) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 65_536
            yield bytes(65_536)

    httpserver.expect_request("/a").respond_with_handler(
        lambda _: Sent(endless(), **({} if length is None else {"content_length": length}))
    )
    with pytest.raises(Unusable):
        client().get(PAGE, "text")
    assert sent < 40_000_000


def test_a_body_as_long_as_the_cap_is_an_answer(client: MakeClient, httpserver: HTTPServer) -> None:
    full = b"x" * MOST_BYTES["text"]
    packed = Response(gzip.compress(full), headers={"Content-Encoding": "gzip"})
    play(httpserver, Response(full), packed, Response(full + b"x"))
    asking = client()
    assert asking.get(PAGE, "text").body == full
    assert asking.get(PAGE, "text").body == full
    with pytest.raises(Unusable, match="1,000,000 bytes"):
        asking.get(PAGE, "text")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_a_coding_that_was_not_asked_for_is_unusable(
    client: MakeClient, httpserver: HTTPServer, coding: str
) -> None:
    asked = play(httpserver, Response(zlib.compress(b"{}"), headers={"Content-Encoding": coding}))
    with pytest.raises(Unusable, match="coded"):
        client().get(PAGE, "json")
    assert len(asked) == 1


class Pieces:
    """A response as far as a body's reader sees it."""

    def __init__(self, body: bytes, size: int, coding: str) -> None:
        self.headers = {"content-encoding": coding}
        self._pieces = [body[start : start + size] for start in range(0, len(body), size)]

    def iter_raw(self) -> Iterator[bytes]:
        return iter(self._pieces)


@given(
    st.lists(st.binary(max_size=200) | st.integers(0, 200_000).map(bytes), max_size=3),
    st.integers(1, 5000),
)
def test_gzip_is_undone_in_pieces_of_any_size(members: list[bytes], size: int) -> None:
    packed: Any = Pieces(b"".join(map(gzip.compress, members)), size, "gzip")
    assert read(packed, 10_000_000, 60) == b"".join(members)


@given(st.binary(min_size=1, max_size=300_000), st.data())
def test_gzip_that_breaks_off_is_damaged(body: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(body)
    cut: Any = Pieces(packed[: data.draw(st.integers(1, len(packed) - 1))], 1000, "gzip")
    with pytest.raises(Damaged):
        read(cut, 10_000_000, 60)


# Redirects


def test_redirects_are_followed_and_the_answer_says_where_it_came_from(
    client: MakeClient, httpserver: HTTPServer
) -> None:
    play(httpserver, to("//two.example/b?x=1#y", 301))
    asked = play(httpserver, to("../c", 308), path="/b")
    play(httpserver, Response("{}"), path="/c")
    asking = client()
    assert asking.get(PAGE, "json").url == "https://two.example/c"
    assert asked[0].full_path == "/b?x=1"
    assert asked[0].host == "two.example"
    assert asking.requests == 5  # with robots.txt of both


def test_five_redirects_are_followed_and_not_six(client: MakeClient, httpserver: HTTPServer) -> None:
    for number in range(6):
        play(httpserver, to(f"/{number + 1}"), path=f"/{number}")
    play(httpserver, Response("{}"), path="/6")
    assert client().get("https://one.example/1", "json").status == 200
    asking = client()
    with pytest.raises(Unusable, match="more than 5 redirects"):
        asking.get("https://one.example/0", "json")
    assert asking.requests == 6


@pytest.mark.parametrize(
    "location",
    [
        "http://one.example/b",
        "http://127.0.0.1/b",
        "https://127.0.0.1/b",
        "https://10.0.0.1/b",
        "https://[::1]/b",
        "https://[::ffff:169.254.169.254]/b",
        "https://2130706433/b",
        "https://localhost/b",
        "https://one.example:8443/b",
        "https://me:planted@one.example/b",
        "file:///etc/passwd",
        "data:application/json,{}",
        "https://one.example:99999999/",
        "https://[/",
    ],
)
def test_a_redirect_leads_nowhere_that_could_not_be_asked_directly(
    client: MakeClient, httpserver: HTTPServer, location: str
) -> None:
    play(httpserver, to(location))
    asking = client()
    with pytest.raises(Disallowed) as refused:
        asking.get(PAGE, "json")
    assert "planted" not in str(refused.value)
    assert asking.requests == 2


def test_a_redirect_to_nowhere_is_unusable(client: MakeClient, httpserver: HTTPServer) -> None:
    asked = play(httpserver, Response(status=302))
    with pytest.raises(Unusable, match="redirect to nowhere"):
        client().get(PAGE, "json")
    assert len(asked) == 1


def test_a_token_goes_to_the_host_that_it_is_for_and_to_no_other(
    client: MakeClient, httpserver: HTTPServer
) -> None:
    play(httpserver, to("/b"))
    play(httpserver, to("https://two.example/c"), path="/b")
    play(httpserver, to("https://one.example/d"), path="/c")
    play(httpserver, Response("{}"), path="/d")
    client().get(PAGE, "json", bearer=SecretStr("planted"))
    seen = {request.path: request.headers.get("Authorization") for request, _ in httpserver.log}
    assert seen["/robots.txt"] is None
    assert seen["/a"] == seen["/b"] == "Bearer planted"
    assert seen["/c"] is None
    assert seen["/d"] is None  # whoever sent us back may have chosen where


# Tokens


def post(asking: Client, path: str = "/a") -> Any:
    form = {"grant_type": "refresh_token", "refresh_token": "a b&c"}
    return asking.post_form(f"https://one.example{path}", form, user="app", password=SecretStr("pass:word"))


def test_a_token_is_asked_for_with_a_form(client: MakeClient, httpserver: HTTPServer) -> None:
    asked = play(httpserver, Response('{"access_token": "x"}'))
    assert post(client()).body == b'{"access_token": "x"}'
    [request] = asked
    assert request.method == "POST"
    assert request.form.to_dict() == {"grant_type": "refresh_token", "refresh_token": "a b&c"}
    assert request.authorization is not None
    assert (request.authorization.username, request.authorization.password) == ("app", "pass:word")
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response('{"error": "invalid_grant"}', 400), Unauthorised),
        (Response(status=401), Unauthorised),
        (Response(status=403), Blocked),
        (Response(status=500), Unusable),
        (Response(HTML), Unusable),
        (to("https://two.example/a", 307), Unusable),
    ],
    ids=["400", "401", "403", "500", "page", "redirect"],
)
def test_a_token_that_is_refused_is_asked_for_once(
    client: MakeClient, httpserver: HTTPServer, answer: Response, kind: type[NoAnswer]
) -> None:
    play(httpserver, answer)
    with pytest.raises(kind) as told:
        post(client())
    assert type(told.value) is kind
    assert len(httpserver.log) == 1


# Secrets


def chain_of(error: BaseException | None) -> list[str]:
    """All that a traceback tells of an exception and of what led to it."""
    told = []
    while error is not None:
        told += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return told


def test_no_token_query_cookie_or_body_is_logged_or_told(
    client: MakeClient,
    httpserver: HTTPServer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    planted = {"Set-Cookie": "session=planted", "X-Other": "planted"}
    answers = [
        Response('{"a": "planted"}', headers=planted),
        Response("planted", 500, headers=planted),
        *(Response("planted", status, headers=planted) for status in (400, 401, 403, 404, 418)),
        Response("planted", 429, headers=planted | {"Retry-After": "3600"}),
        Response("planted", 302, headers=planted | {"Location": "http://one.example/b?planted"}),
        Response("planted", 302, headers=planted | {"Location": "https://planted:planted@one.example/"}),
        Response("planted", 302, headers=planted | {"Location": "https://one.example/b?planted"}),
        Sent(b"planted", content_length="100", set_cookie="planted"),
        Response(b"planted", headers=planted | {"Content-Encoding": "gzip"}),
        Response(b"planted", headers=planted | {"Content-Encoding": "planted"}),
        Response(b"<html>planted", headers=planted),
    ]
    told = []
    for number, answer in enumerate(answers):
        play(httpserver, answer, path=f"/{number}")
        asking = client(platform=f"p{number}")
        url = f"https://one.example/{number}?secret=planted"
        for ask in (
            lambda asking=asking, url=url: asking.get(
                url, "json", params={"q": "planted"}, bearer=SecretStr("planted"), etag="planted"
            ),
            lambda asking=asking, url=url: asking.post_form(
                url, {"code": "planted"}, user="planted", password=SecretStr("planted")
            ),
        ):
            try:
                told.append(repr(ask()))
            except NoAnswer as error:
                told += chain_of(error)
    for url in ("https://one.example:1/?planted", "https://planted@one.example/", "https://[planted"):
        with pytest.raises(Disallowed) as refused:
            client().get(url, "json")
        told += chain_of(refused.value)
    assert len(told) > 60
    assert "planted" not in "\n".join(told)
    # What the test's own server says is not ours.
    logged = [
        f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name != "werkzeug"
    ]
    printed = "".join(capfd.readouterr()).splitlines()
    logged += [line for line in printed if not line.startswith("127.0.0.1 - - ")]
    assert "retry_scheduled" in "\n".join(logged)
    assert "planted" not in "\n".join(logged)
