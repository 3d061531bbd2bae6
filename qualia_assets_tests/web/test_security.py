"""The app's defences over real sockets: hosts, origins, tokens, addresses, and what a response reveals.

That pages escape what they show is tested with each page.
"""

import http.client
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from qualia_assets import web
from qualia_assets.lake.store import Lake
from qualia_assets.settings import load_settings
from qualia_assets.web.__main__ import bound, server_of
from qualia_assets.web.security import POLICY
from qualia_assets.web.server import make_app
from qualia_assets_tests.web.lakes import item_id, write_user
from qualia_assets_tests.web.running import (
    APP,
    Answer,
    Process,
    ask,
    environment,
    free_port,
    listens,
    running,
)

HTML = {"accept": "text/html"}
TOKEN = "schlüssel-κλειδί-1"
QUOTED = "schl%C3%BCssel-%CE%BA%CE%BB%CE%B5%CE%B9%CE%B4%CE%AF-1"


@pytest.fixture(scope="module")
def bob(lake: Lake) -> dict[str, list[str]]:
    """Values of another user's addresses."""
    write_user(lake, "bob", items=24, titles=("Bobs orchard letter", "Bobs orchard picture"), seed=7)
    pictures = {row["image_sha256"] for row in lake.read("artefacts", "bob").to_pylist()} - {None}
    assert not pictures & set(lake.read("artefacts", "ann")["image_sha256"].to_pylist())
    return {
        "user": ["ann"],
        "item": [item_id("bob", n, seed=7) for n in range(2)],
        "sha256": sorted(pictures),
    }


def app_of(site: Path, **how: str) -> Starlette:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(site).items():
            patch.setenv(name, value)
        return make_app(load_settings(), **how)


@contextmanager
def threaded(app: Starlette, host: str = "127.0.0.1") -> Iterator[int]:
    """The port of an app that is served by this process."""
    listener = bound(host, 0)
    server = server_of(app)
    thread = threading.Thread(target=server.run, args=[[listener]])
    thread.start()
    port: int = listener.getsockname()[1]
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def guarded(site: Path) -> Iterator[int]:
    """The port of the app as other machines reach it, with a token."""
    with threaded(app_of(site, host="0.0.0.0", token=TOKEN), "0.0.0.0") as port:
        yield port


def check_headers(answer: Answer) -> None:
    headers = answer.headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "cache-control" in headers
    assert "server" not in headers


def test_the_policy_admits_nothing_but_the_apps_own() -> None:
    assert "default-src 'none'" in POLICY
    assert not [word for word in ("unsafe", "http", "*") if word in POLICY]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(
            (h, 400)
            for h in ("evil.example", "127.0.0.1.evil.example", "evil.example:{port}", "", "10.0.0.1")
        ),
        *((h, 200) for h in ("127.0.0.1:{port}", "localhost:{port}", "LOCALHOST", "[::1]:{port}")),
    ],
)
def test_only_names_of_this_machine_are_allowed_hosts(port: int, host: str, status: int) -> None:
    answer = ask(port, "/", headers={"host": host.format(port=port)})
    assert answer.status == status
    assert (b"ann" in answer.body) == (status == 200)
    check_headers(answer)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:1", "null", "http://localhost", "junk"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_a_page_of_another_origin_submits_is_refused(port: int, origin: str, method: str) -> None:
    answer = ask(port, "/u/ann/search", method, {"origin": origin}, b"x")
    assert answer.status == 403
    check_headers(answer)
    assert ask(port, "/u/ann/search", "POST", {"origin": f"http://127.0.0.1:{port}"}, b"").status == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/alive", 200),
        ("GET", "/u/ann/clusters", 200),
        ("GET", "/u/nobody/map", 404),
        ("GET", "/none", 404),
        ("GET", "/static/base.css", 200),
        ("GET", "/static/none.css", 404),
        ("GET", "/u/ann/map/", 307),
        ("POST", "/", 405),
        ("DELETE", "/static/base.css", 405),
        ("GET", "/" + "a" * 5000, 404),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_every_response_has_the_security_headers(
    port: int, method: str, path: str, status: int, accept: str
) -> None:
    answer = ask(port, path, method, {"accept": accept})
    assert answer.status == status
    check_headers(answer)
    if status == 405:
        assert "GET" in answer.headers["allow"]
    if path.endswith("base.css") and method == "GET":
        unchanged = ask(port, path, headers={"if-none-match": answer.headers["etag"]})
        assert unchanged.status == 304
        check_headers(unchanged)


@pytest.mark.parametrize("host", ["0.0.0.0", ""])
def test_another_host_without_a_token_does_not_start(tmp_path: Path, host: str) -> None:
    command = (*APP, "--host", host, "--port", str(free_port()))
    with running(command, tmp_path / "refused", QUALIA_APP_TOKEN="", **environment(tmp_path)) as process:
        assert process.ends() == 2
        message = "Listening on other hosts requires a token: set QUALIA_APP_TOKEN."
        assert process.output.splitlines() == [message]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/?token=", {}),
        ("/?token=wrong", {}),
        ("/?token=%FF%FE", {}),
        ("/?token=schl%C3%BCssel", {}),
        ("/", {"cookie": "qualia_token="}),
        ("/", {"cookie": "qualia_token=schl\u00fcssel"}),
        ("/", {"authorization": "Bearer "}),
        ("/", {"authorization": "Bearer sch\u00fc"}),
        ("/", {"authorization": "Basic eDp5"}),
        ("/static/base.css", {}),
        ("/u/ann/map", {}),
        ("/alive", {}),
    ],
)
def test_without_the_token_nothing_is_shown(guarded: int, path: str, headers: dict[str, str]) -> None:
    answer = ask(guarded, path, headers=headers)
    assert answer.status == 401
    assert b"ann" not in answer.body
    assert "set-cookie" not in answer.headers
    check_headers(answer)


def test_the_token_moves_from_the_address_into_a_cookie_that_scripts_cannot_read(guarded: int) -> None:
    answer = ask(guarded, f"/u/ann/map?view=raw&token={QUOTED}")
    assert answer.status == 303
    assert answer.headers["location"] == "/u/ann/map?view=raw"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "schl" not in cookie
    check_headers(answer)
    with_cookie = {"cookie": cookie.partition(";")[0], "host": "machine.example"}
    assert ask(guarded, "/u/ann/map", headers=with_cookie).status == 200
    bearer = f"Bearer {TOKEN}".encode().decode("latin-1")
    assert ask(guarded, "/alive", headers={"authorization": bearer}).status == 200


@pytest.mark.parametrize(
    "path", ["//evil.example/", "///evil.example/", "/\\evil.example", "/%5Cevil.example", "/%2Fevil.example"]
)
def test_removing_the_token_from_an_address_redirects_nowhere_else(guarded: int, path: str) -> None:
    answer = ask(guarded, f"{path}?token={QUOTED}")
    assert answer.status == 303
    assert re.match(r"/[^/\\]", answer.headers["location"])


STRANGE = [
    "/u/..%2f..%2fetc/map",
    "/u/%2e%2e/map",
    "/u/../../etc/passwd",
    "/u/..%5c..%5cetc/map",
    "/u/%2fetc%2fpasswd/map",
    "/u/ann%00/map",
    "/u/ann%0a/map",
    "/u/ANN/map",
    "/u/*/map",
    "/u/a%20b/map",
    "/u/" + "a" * 64 + "/map",
    "/u/user=ann/map",
    "/u/%ff%fe/map",
    "/static/../../settings.py",
    "/static/%2e%2e/%2e%2e/settings.py",
    "/static/..%2f..%2fsettings.py",
    "/static/..%5csettings.py",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/base.css%00.png",
    "/static/" + "a" * 300,
    "/static/",
    "/static",
    "//etc/passwd",
    "/../../etc/passwd",
]


@pytest.fixture(scope="module")
def accessed() -> Iterator[list[str]]:
    """The paths that this process opens or lists while a test looks."""
    seen: list[str] = []
    looking = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if looking and event in ("open", "os.listdir", "os.scandir", "glob.glob"):
            seen.append(str(arguments[0]))

    sys.addaudithook(hook)  # cannot be removed
    yield seen
    looking = False


@pytest.fixture(scope="module")
def inside(site: Path) -> Iterator[int]:
    """The port of the app in this process."""
    with threaded(app_of(site)) as port:
        ask(port, "/")
        yield port


@pytest.mark.parametrize("path", STRANGE)
def test_no_strange_address_reaches_the_file_system(
    inside: int, site: Path, accessed: list[str], path: str
) -> None:
    accessed.clear()
    answer = ask(inside, path, headers=HTML)
    assert answer.status in (307, 404)
    if answer.status == 307:  # to the same with a slash
        assert answer.headers["location"].startswith(f"http://127.0.0.1:{inside}/")
    check_headers(answer)
    assert b"root:" not in answer.body
    assert b"class Settings" not in answer.body
    allowed = (str(site / "lake"), "/proc", str(Path(make_app.__code__.co_filename).parent))
    users = {f"user={folder.name.removeprefix('user=')}" for folder in (site / "lake").glob("*/user=*")}
    for name in accessed:
        assert not name.startswith("/") or name.startswith(allowed)
        assert ".." not in name
        assert "\0" not in name
        assert "etc" not in Path(name).parts
        assert {part for part in Path(name).parts if "user=" in part} <= users


@pytest.mark.parametrize(
    "raw", [b"GET /\0 HTTP/1.1", b"GET / HTTP/9", b"\x16\x03\x01\x02", b"GET " + b"a" * 70000]
)
def test_a_malformed_request_is_refused_and_the_app_keeps_running(port: int, site: Path, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw + b"\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 400 " in connection.recv(1000)
    assert ask(port, "/alive").text == web.served(site / "lake")


FAILING = """
import sys
from starlette.responses import StreamingResponse
from starlette.routing import Route
from qualia_assets.settings import load_settings
from qualia_assets.web.__main__ import bound, server_of
from qualia_assets.web.server import make_app

def broken(request):
    raise ValueError("nothing like " + request.query_params["words"])

def parts(words):
    yield b"the beginning"
    raise ValueError(words)

def breaks_off(request):
    return StreamingResponse(parts(request.query_params["words"]))

app = make_app(load_settings())
app.router.routes += [Route("/broken", broken), Route("/breaks-off", breaks_off)]
server_of(app).run(sockets=[bound("127.0.0.1", int(sys.argv[1]))])
"""


def test_a_failure_shows_no_traceback_and_logs_no_words(tmp_path: Path) -> None:
    port = free_port()
    with running(("-c", FAILING, str(port)), tmp_path / "failing", **environment(tmp_path)) as process:
        process.wait_until(lambda: listens(port))
        answer = ask(port, "/broken?words=longing-for-moss", headers=HTML)
        assert answer.status == 500
        assert answer.text == "Something went wrong while making this page; the app's terminal says where."
        check_headers(answer)
        process.wait_until(lambda: "ValueError" in process.output and "in broken" in process.output)

        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            ask(port, "/breaks-off?words=longing-for-moss")
        process.wait_until(lambda: "in parts" in process.output)
        assert ask(port, "/alive").status == 200
        assert "longing" not in process.output


def addresses(route: Route, values: dict[str, list[str]]) -> list[str]:
    """The addresses of a route with these values."""
    names = re.findall(r"{(\w+)(?::\w+)?}", route.path)
    plain = re.sub(r":\w+}", "}", route.path)
    choices = product(*(values[name] for name in names))
    return [plain.format(**dict(zip(names, chosen, strict=True))) for chosen in choices]


def test_no_address_of_one_user_shows_an_item_or_picture_of_another(
    inside: int, site: Path, bob: dict[str, list[str]]
) -> None:
    """Every route, with bob's items and pictures in ann's addresses."""
    routes = [r for r in app_of(site).routes if isinstance(r, Route) and "{user}" in r.path]
    assert len(routes) > 8
    item = bob["item"][0]
    for route in routes:
        for path in addresses(route, {**bob, "sha256": bob["sha256"][:2]}):
            for query in ("", f"?item={item}&like={item}&id={item}"):
                answer = ask(inside, path + query, headers=HTML)
                assert answer.status in (200, 400, 404, 405), path
                # A page may repeat the id that its address names.
                shown = (
                    answer.text if answer.headers["content-type"].startswith("text/") else str(answer.body)
                )
                shown = shown.replace(bob["item"][0], "").replace(bob["item"][1], "")
                assert [w for w in ("orchard", "bob.example", *bob["sha256"]) if w in shown] == [], path
                if "{item" in route.path or "{sha256" in route.path:
                    assert answer.status == 404, path


def test_nothing_that_was_searched_for_is_logged(process: tuple[int, Process]) -> None:
    port, app = process
    for path in ("/u/ann/search?q=longing-for-moss", "/u/longing-for-moss/map", "/longing-for-moss"):
        ask(port, path, headers=HTML)
    assert "longing" not in app.output
    assert "ann" not in app.output
