"""What a request comes to, whatever a service does."""

import gzip
import logging
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Response

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
from qualia_assets.state.tables import gates
from qualia_assets_tests.net.conftest import PAGE, Sent, Web

FEED = b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
GOOD: dict[Kind, bytes] = {"json": b'{"a": 1}', "feed": FEED, "image": PNG, "text": b"words"}
HTML = b"<!DOCTYPE html><html><body>Just a moment...</body></html>"
GZIP = {"Content-Encoding": "gzip"}


def gap(web: Web) -> float:
    with web.state.engine.connect() as connection:
        return float(connection.execute(sa.select(gates.c.gap)).scalar_one())


def to(location: str, status: int = 302) -> Response:
    return Sent(status=status, location=location)


# What comes


@pytest.mark.parametrize("kind", GOOD)
def test_an_answer_has_the_body_and_the_few_headers_that_are_kept(open_web: Web, kind: Kind) -> None:
    headers = {"ETag": '"1"', "Last-Modified": "yesterday", "Set-Cookie": "a=b", "X-Other": "x"}
    asked = open_web.play(Response(GOOD[kind], headers=headers, content_type="a/b"))
    client = open_web.client()
    answer = client.get(PAGE + "?b=2", kind, params={"q": "x y"})
    assert (answer.url, answer.status, answer.body) == (PAGE, 200, GOOD[kind])
    assert answer.headers == {"etag": '"1"', "last-modified": "yesterday", "content-type": "a/b"}
    assert client.requests == 2
    assert (asked[0].query_string, asked[0].host) == (b"b=2&q=x+y", "one.example")


def test_a_request_says_who_sends_it_and_sends_no_header_that_it_need_not(
    open_web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    asked = open_web.play(Response("{}"))
    open_web.client().get(PAGE, "json")
    assert set(asked[0].headers.keys()) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    agent = asked[0].headers["User-Agent"]
    assert agent.startswith("qualia-assets/")
    assert agent.endswith(" (personal archive; +me@example.org)")


@pytest.mark.parametrize("contact", ["", " ", "me@example.org\nX-Evil: 1", "mé"])
def test_nothing_is_fetched_without_a_contact(web: Web, contact: str) -> None:
    with pytest.raises(SettingsError, match="QUALIA_CRAWLING__CONTACT"):
        web.client(contact=contact)


def test_what_has_not_changed_is_not_sent_again(open_web: Web) -> None:
    asked = open_web.play(Response(status=304, headers={"ETag": '"2"'}))
    answer = open_web.client().get(PAGE, "feed", etag='"1"', last_modified="yesterday")
    assert (answer.unchanged, answer.body, answer.headers["etag"]) == (True, b"", '"2"')
    assert asked[0].headers["If-None-Match"] == '"1"'
    assert asked[0].headers["If-Modified-Since"] == "yesterday"
    with pytest.raises(Unusable, match="304"):
        open_web.client().get(PAGE, "feed")


def test_a_header_that_could_not_be_sent_back_is_not_kept(open_web: Web) -> None:
    open_web.play(Response("{}", headers={"ETag": '"é"', "Last-Modified": "x" * 300}))
    assert set(open_web.client().get(PAGE, "json").headers) == {"content-type"}


def test_cookies_are_neither_kept_nor_sent(open_web: Web) -> None:
    cookie = "session=planted; Path=/"
    open_web.play(Sent(b"{}", set_cookie=cookie))
    open_web.play(Sent(status=302, location="/a", set_cookie=cookie), path="/start")
    client = open_web.client()
    for url in ("https://one.example/start", PAGE) * 2:
        client.get(url, "json")
    assert len(open_web.server.log) == 7
    assert not any("Cookie" in request.headers for request, _ in open_web.server.log)


# What a status means

MEANINGS: dict[int, type[NoAnswer]] = {401: Unauthorised, 403: Blocked, 404: Gone, 410: Gone, 400: Rejected}
MEANINGS |= dict.fromkeys((402, 451, 204, 206, 300), Unusable)


@pytest.mark.parametrize(("status", "kind"), MEANINGS.items())
def test_a_final_status_is_requested_once(open_web: Web, status: int, kind: type[NoAnswer]) -> None:
    asked = open_web.play(Response("{}", status))
    with pytest.raises(NoAnswer, match=r"^one\.example/a") as caught:
        open_web.client().get(PAGE, "json")
    assert type(caught.value) is kind
    assert len(asked) == 1


CHALLENGE = {"cf-mitigated": "challenge", "Retry-After": "5"}


@pytest.mark.parametrize("answer", [Response(HTML, 403), Response(HTML, 503, headers=CHALLENGE)])
def test_a_challenge_is_blocked_and_its_message_names_the_export(open_web: Web, answer: Response) -> None:
    asked = open_web.play(answer)
    with pytest.raises(Blocked, match="`qualia import substack PATH`"):
        open_web.client().get(PAGE, "json")
    assert len(asked) == 1


CUT = Sent(b'{"a"', content_length="100")
CUT_GZIP = Response(gzip.compress(b'{"a": 1}' * 99)[:-12], headers=GZIP)
NO_GZIP = Response(b"{}", headers=GZIP)


def test_what_failed_is_requested_three_times(open_web: Web) -> None:
    for path, broken in {
        "/down": [Response(status=500), Response(status=502), Response(status=503)],
        "/cut": [CUT, CUT_GZIP, NO_GZIP],
    }.items():
        asked = open_web.play(*broken[:2], Response(GOOD["json"]), path=path)
        assert open_web.client().get(f"https://one.example{path}", "json").body == GOOD["json"]
        assert len(asked) == 3
        for number, answer in enumerate(broken):
            asked = open_web.play(answer, path=f"{path}-{number}")
            with pytest.raises(Unusable, match=rf"^one\.example{path}-{number}: .*, 3 times over\.$"):
                open_web.client().get(f"https://one.example{path}-{number}", "json")
            assert len(asked) == 3


def late() -> Response:
    time.sleep(0.4)
    return Response("{}")


def dripping() -> Response:
    def drip() -> Iterator[bytes]:
        for _ in range(80):
            time.sleep(0.02)
            yield b"1"

    return Response(drip())


@pytest.mark.parametrize(("answer", "why"), [(late, "it did not answer in time"), (dripping, ".*too slowly")])
def test_a_service_that_is_too_slow_is_given_up(web: Web, answer: Callable[[], Response], why: str) -> None:
    # A server of the test's own: what it has not answered when the test ends is nobody else's.
    with HTTPServer(threaded=True) as slow:
        slow.expect_request("/a").respond_with_handler(lambda _: answer())
        client = web.client(timeout=0.1, send_to={"*": slow.url_for("/")})
        with pytest.raises(Unusable, match=rf"^one\.example/a: {why}, 3 times over\.$"):
            client.get(PAGE, "json", robots=False)


# Budget and gate


def test_no_more_requests_are_made_than_the_budget_allows(open_web: Web) -> None:
    asked = open_web.play(Response("{}"))
    client = open_web.client(budget=3)
    for _ in range(2):
        client.get(PAGE, "json")
    with pytest.raises(BudgetSpent, match="3 requests"):
        client.get(PAGE, "json")
    assert client.requests == 3 == len(open_web.server.log)
    assert len(asked) == 2


@pytest.mark.parametrize("answer", [Response(status=500), to("/a")], ids=["retries", "redirects"])
def test_retries_and_redirects_count_against_the_budget(web: Web, answer: Response) -> None:
    web.play(answer)
    client = web.client(budget=2)
    with pytest.raises(BudgetSpent):
        client.get(PAGE, "json", robots=False)
    assert client.requests == 2 == len(web.server.log)


def too_many(after: str | None = None, status: int = 429) -> Response:
    return Response("no", status, headers={} if after is None else {"Retry-After": after})


def in_(seconds: float) -> str:
    """A time from now as HTTP writes it, rounded up."""
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds + 1)
    return format_datetime(at, usegmt=True)


@pytest.mark.parametrize(("status", "after"), [(429, "1"), (503, "1"), (429, in_)])
def test_a_named_wait_is_kept(open_web: Web, status: int, after: Any) -> None:
    asked = open_web.play(too_many(after if after == "1" else after(1), status), Response("{}"))
    began = time.monotonic()
    assert open_web.client().get(PAGE, "json").status == 200
    assert 1 <= time.monotonic() - began < 10
    assert len(asked) == 2


@pytest.mark.parametrize("after", ["0", None, "nonsense", "-5", "", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_a_refusal_that_names_no_wait_doubles_the_gap(web: Web, after: str | None) -> None:
    web.play(too_many(after), Response("{}"))
    began = time.monotonic()
    assert web.client(gap=0.05).get(PAGE, "json", robots=False).status == 200
    assert 0.1 <= time.monotonic() - began < 5
    assert gap(web) == pytest.approx(0.1 * 0.9)


@pytest.mark.parametrize("after", [str, in_], ids=["seconds", "date"])
def test_a_wait_of_an_hour_defers_everybody(web: Web, after: Callable[[int], str]) -> None:
    asked = web.play(too_many(after(3600)), Response("{}"))
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(Deferred) as deferred:
            web.client().get(PAGE, "json", robots=False)
        assert time.monotonic() - began < 5
        assert abs(deferred.value.until - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=60)
    assert len(asked) == 1
    assert web.client("pinterest").get(PAGE, "json", robots=False).status == 200


def test_a_service_that_always_has_too_much_is_deferred(open_web: Web) -> None:
    asked = open_web.play(too_many("0"))
    with pytest.raises(Deferred, match="too many requests") as deferred:
        open_web.client(longest_wait=30).get(PAGE, "json")
    assert deferred.value.until > datetime.now(UTC) + timedelta(seconds=20)
    began = time.monotonic()
    with pytest.raises(Deferred):
        open_web.client(longest_wait=1).get(PAGE, "json")
    assert time.monotonic() - began < 5
    assert len(asked) == 4


# Poison and lies

XHTML = b'<?xml version="1.0"?>\n<!-- a --><html xmlns="http://www.w3.org/1999/xhtml"/>'
SAID = (b"Too many requests", b'{"error": "Too Many Requests"}')
ABOUT = b'{"title": "Too many requests, and how to live with them", "body": "' + b"x" * 600 + b'"}'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *((kind, body) for kind in GOOD for body in SAID),
        *((kind, HTML) for kind in ("json", "feed", "image")),
        ("json", b"\xef\xbb\xbf  \n<html>"),
        ("feed", XHTML),
    ],
)
def test_poison_under_200_is_never_an_answer_and_counts_as_too_many_requests(
    web: Web, kind: Kind, body: bytes
) -> None:
    asked = web.play(Response(body))
    with pytest.raises(Unusable, match=r"^one\.example/a: ") as caught:
        web.client(gap=0.01).get(PAGE, kind, robots=False)
    assert len(asked) == 1
    assert gap(web) == pytest.approx(0.02)
    assert "error" not in str(caught.value)
    assert "moment" not in str(caught.value)


OTHER_KINDS: dict[Kind, list[bytes]] = {
    "json": [b"", b"OK", b"\x00{}"],
    "feed": [b"{}", b'<?xml version="1.0"?><opml/>'],
    "image": [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF", HTML],
}


@pytest.mark.parametrize(
    ("kind", "body"), [(k, body) for k, bodies in OTHER_KINDS.items() for body in bodies]
)
def test_a_body_of_another_kind_is_unusable_whatever_its_media_type(
    open_web: Web, kind: Kind, body: bytes
) -> None:
    lie = "image/png" if kind == "image" else "application/json"
    asked = open_web.play(Response(body, content_type=lie))
    with pytest.raises(Unusable) as caught:
        open_web.client().get(PAGE, kind)
    assert (caught.value.status, len(asked)) == ("bad_mime", 1)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("json", ABOUT),
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
def test_what_only_looks_like_poison_is_an_answer(open_web: Web, kind: Kind, body: bytes) -> None:
    open_web.play(Response(body))
    assert open_web.client().get(PAGE, kind).body == body


@pytest.mark.parametrize("kind", MOST_BYTES)
def test_a_bomb_is_read_no_further_than_the_cap(web: Web, kind: Kind) -> None:
    bomb = gzip.compress(bytes(10 * MOST_BYTES[kind] + 40_000_000), 9)
    assert len(bomb) < MOST_BYTES[kind] / 15
    asked = web.play(Response(bomb, headers=GZIP))
    client = web.client()
    tracemalloc.start()
    try:
        with pytest.raises(Unusable, match="longer than") as caught:
            client.get(PAGE, kind, robots=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (caught.value.status, len(asked)) == ("too_big", 1)
    # The cap, as much again while a growing buffer moves, and 10 MB that the test's own server may take.
    assert peak < 2.5 * MOST_BYTES[kind] + 13_000_000


@pytest.mark.parametrize("length", [None, "99999999999", "9" * 5000, "-1", "nonsense"])
def test_an_endless_body_is_read_no_further_than_the_cap(open_web: Web, length: str | None) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 65_536
            yield bytes(65_536)

    headers = {} if length is None else {"content_length": length}
    open_web.respond(lambda _: Sent(endless(), **headers))
    with pytest.raises(Unusable):
        open_web.client().get(PAGE, "text")
    assert sent < 40_000_000


def test_a_body_as_long_as_the_cap_is_an_answer(open_web: Web) -> None:
    full = b"x" * MOST_BYTES["text"]
    open_web.play(Response(full), Response(gzip.compress(full), headers=GZIP), Response(full + b"x"))
    client = open_web.client()
    for _ in range(2):
        assert client.get(PAGE, "text").body == full
    with pytest.raises(Unusable, match="1,000,000 bytes"):
        client.get(PAGE, "text")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_an_unrequested_coding_is_unusable(open_web: Web, coding: str) -> None:
    asked = open_web.play(Response(zlib.compress(b"{}"), headers={"Content-Encoding": coding}))
    with pytest.raises(Unusable, match="coded"):
        open_web.client().get(PAGE, "json")
    assert len(asked) == 1


class Pieces:
    """A response as far as a body's reader sees it."""

    def __init__(self, body: bytes, size: int, coding: str) -> None:
        self.headers = {"content-encoding": coding}
        self._pieces = [body[start : start + size] for start in range(0, len(body), size)]

    def iter_raw(self) -> Iterator[bytes]:
        return iter(self._pieces)


@given(
    st.lists(st.binary(max_size=200) | st.integers(0, 200_000).map(bytes), max_size=3), st.integers(1, 5000)
)
def test_gzip_is_decoded_in_pieces_of_any_size(members: list[bytes], size: int) -> None:
    packed: Any = Pieces(b"".join(map(gzip.compress, members)), size, "gzip")
    assert read(packed, 10_000_000, 60) == b"".join(members)


@given(st.binary(min_size=1, max_size=300_000), st.data())
def test_truncated_gzip_is_damaged(body: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(body)
    cut: Any = Pieces(packed[: data.draw(st.integers(1, len(packed) - 1))], 1000, "gzip")
    with pytest.raises(Damaged):
        read(cut, 10_000_000, 60)


# Redirects


def test_redirects_are_followed_and_the_answer_says_where_it_came_from(open_web: Web) -> None:
    open_web.play(to("//two.example/b?x=1#y", 301))
    asked = open_web.play(to("../c", 308), path="/b")
    open_web.play(Response("{}"), path="/c")
    client = open_web.client()
    assert client.get(PAGE, "json").url == "https://two.example/c"
    assert (asked[0].full_path, asked[0].host) == ("/b?x=1", "two.example")
    assert client.requests == 5  # with robots.txt of both


def test_five_redirects_are_followed_and_not_six(open_web: Web) -> None:
    for number in range(6):
        open_web.play(to(f"/{number + 1}"), path=f"/{number}")
    open_web.play(Response("{}"), path="/6")
    assert open_web.client().get("https://one.example/1", "json").status == 200
    client = open_web.client()
    with pytest.raises(Unusable, match="more than 5 redirects"):
        client.get("https://one.example/0", "json")
    assert client.requests == 6


FORBIDDEN = """
http://one.example/b       http://127.0.0.1/b         https://127.0.0.1/b      https://10.0.0.1/b
https://[::1]/b            https://2130706433/b       https://localhost/b      https://[::ffff:169.254.169.254]/b
https://one.example:8443/b https://me:planted@one.example/b  file:///etc/passwd  data:application/json,{}
https://one.example:99999999/  https://[/
"""


@pytest.mark.parametrize("location", FORBIDDEN.split())
def test_a_redirect_leads_nowhere_that_could_not_be_requested_directly(open_web: Web, location: str) -> None:
    open_web.play(to(location))
    client = open_web.client()
    with pytest.raises(Disallowed) as refused:
        client.get(PAGE, "json")
    assert "planted" not in str(refused.value)
    assert client.requests == 2


def test_a_redirect_to_nowhere_is_unusable(open_web: Web) -> None:
    asked = open_web.play(Response(status=302))
    with pytest.raises(Unusable, match="redirect to nowhere"):
        open_web.client().get(PAGE, "json")
    assert len(asked) == 1


def test_a_token_goes_to_its_own_host_and_to_no_other(open_web: Web) -> None:
    for path, location in (("/a", "/b"), ("/b", "https://two.example/c"), ("/c", "https://one.example/d")):
        open_web.play(to(location), path=path)
    open_web.play(Response("{}"), path="/d")
    open_web.client().get(PAGE, "json", bearer=SecretStr("planted"))
    seen = {request.path: request.headers.get("Authorization") for request, _ in open_web.server.log}
    # Not to /d either: whoever sent us back may have chosen where.
    assert seen == {"/robots.txt": None, "/c": None, "/d": None} | dict.fromkeys(
        ("/a", "/b"), "Bearer planted"
    )


# Tokens


def post(client: Client, path: str = "/a") -> Any:
    form = {"grant_type": "refresh_token", "refresh_token": "a b&c"}
    return client.post_form(f"https://one.example{path}", form, user="app", password=SecretStr("pass:word"))


def test_a_token_is_requested_with_a_form(web: Web) -> None:
    asked = web.play(Response('{"access_token": "x"}'))
    assert post(web.client()).body == b'{"access_token": "x"}'
    [request] = asked
    assert request.method == "POST"
    assert request.form.to_dict() == {"grant_type": "refresh_token", "refresh_token": "a b&c"}
    assert request.authorization is not None
    assert (request.authorization.username, request.authorization.password) == ("app", "pass:word")
    assert web.paths() == ["/a"]


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
def test_a_token_that_is_refused_is_requested_once(web: Web, answer: Response, kind: type[NoAnswer]) -> None:
    web.play(answer)
    with pytest.raises(NoAnswer) as caught:
        post(web.client())
    assert type(caught.value) is kind
    assert web.paths() == ["/a"]


# Secrets


def chain_of(error: BaseException | None) -> list[str]:
    """All that a traceback shows of an exception and of what led to it."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return texts


def test_no_token_query_cookie_or_body_is_logged_or_in_a_message(
    open_web: Web, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    planted = {"Set-Cookie": "session=planted", "X-Other": "planted"}
    locations = ("http://one.example/b?planted", "https://planted:planted@one.example/", f"{PAGE}?planted")
    answers = [
        Response('{"a": "planted"}', headers=planted),
        *(Response("planted", status, headers=planted) for status in (400, 401, 403, 404, 418, 500)),
        Response("planted", 429, headers=planted | {"Retry-After": "3600"}),
        *(Response("planted", 302, headers=planted | {"Location": location}) for location in locations),
        Sent(b"planted", content_length="100", set_cookie="planted"),
        *(Response(b"planted", headers=planted | {"Content-Encoding": c}) for c in ("gzip", "planted")),
        Response(b"<html>planted", headers=planted),
    ]
    secret = SecretStr("planted")
    texts = []
    for number, answer in enumerate(answers):
        open_web.play(answer, path=f"/{number}")
        client = open_web.client(platform=f"p{number}")
        url = f"https://one.example/{number}?secret=planted"
        try:
            got = client.get(url, "json", params={"q": "planted"}, bearer=secret, etag="planted")
            texts.append(repr(got))
        except NoAnswer as error:
            texts += chain_of(error)
        try:
            texts.append(repr(client.post_form(url, {"code": "planted"}, user="planted", password=secret)))
        except NoAnswer as error:
            texts += chain_of(error)
    for url in ("https://one.example:1/?planted", "https://planted@one.example/", "https://[planted"):
        with pytest.raises(Disallowed) as refused:
            open_web.client().get(url, "json")
        texts += chain_of(refused.value)
    assert len(texts) > 60
    assert "planted" not in "\n".join(texts)
    # What the test's own server says is not ours.
    logged = [
        f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name != "werkzeug"
    ]
    printed = "".join(capfd.readouterr()).splitlines()
    logged += [line for line in printed if not line.startswith("127.0.0.1 - - ")]
    assert "retry_scheduled" in "\n".join(logged)
    assert "planted" not in "\n".join(logged)
