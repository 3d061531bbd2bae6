"""The app cannot be hurt from outside: hosts, origins, tokens, addresses, and what an answer may do.

All over real sockets. Which words a page escapes is tested with each page.
"""

import http.client
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount, Route

from qualia_assets import web
from qualia_assets.lake.store import Lake
from qualia_assets.settings import load_settings
from qualia_assets.web.__main__ import bound, server_of
from qualia_assets.web.security import POLICY
from qualia_assets.web.server import make_app
from qualia_assets_tests.web.lakes import item_id, write_user
from qualia_assets_tests.web.running import APP, Process, ask, environment, free_port, listens, running

HTML = {"accept": "text/html"}
OWN_WORDS = ("Bobs orchard letter", "Bobs orchard picture")
TOKEN = "schlüssel-κλειδί-1"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with the users ann and bob."""
    place = tmp_path_factory.mktemp("two")
    lake = Lake(place / "lake")
    write_user(lake, "ann", items=24)
    write_user(lake, "bob", items=24, titles=OWN_WORDS, seed=7)
    return place


@pytest.fixture(scope="module")
def served(two: Path) -> Iterator[tuple[int, Process]]:
    """The port of the app over both, and its process."""
    port = free_port()
    with running((*APP, "--port", str(port)), two / "printed", **environment(two)) as process:
        process.wait_until(lambda: listens(port))
        yield port, process


@pytest.fixture(scope="module")
def port(served: tuple[int, Process]) -> int:
    return served[0]


@pytest.fixture(scope="module")
def guarded(two: Path) -> Iterator[int]:
    """The port of the app as other machines would reach it, with a token."""
    port = free_port()
    command = (*APP, "--host", "0.0.0.0", "--port", str(port))
    with running(command, two / "guarded", QUALIA_APP_TOKEN=TOKEN, **environment(two)) as process:
        process.wait_until(lambda: listens(port))
        yield port


def _is_safe(headers: Any) -> bool:
    return (
        headers["content-security-policy"] == POLICY
        and headers["x-content-type-options"] == "nosniff"
        and headers["referrer-policy"] == "no-referrer"
        and headers["cross-origin-resource-policy"] == "same-origin"
        and headers["cross-origin-opener-policy"] == "same-origin"
        and "cache-control" in headers
        and "server" not in headers
    )


def test_the_policy_lets_nothing_in_but_what_is_the_apps_own() -> None:
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert "*" not in POLICY


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:{port}", "", "10.0.0.1"]
)
def test_a_host_of_another_name_is_refused(port: int, host: str) -> None:
    answer = ask(port, "/", headers={"host": host.format(port=port)})
    assert answer.status == 400
    assert b"ann" not in answer.body
    assert _is_safe(answer.headers)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST", "[::1]:{port}"])
def test_the_names_of_this_machine_are_let_in(port: int, host: str) -> None:
    assert ask(port, "/", headers={"host": host.format(port=port)}).status == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:1", "null", "http://localhost", "junk"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_a_page_of_another_origin_sends_is_refused(port: int, origin: str, method: str) -> None:
    answer = ask(port, "/u/ann/search", method, {"origin": origin}, b"x")
    assert answer.status == 403
    assert _is_safe(answer.headers)


def test_what_a_page_of_its_own_sends_is_let_in(port: int) -> None:
    answer = ask(port, "/u/ann/search", "POST", {"origin": f"http://127.0.0.1:{port}"}, b"")
    assert answer.status != 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/alive", 200),
        ("GET", "/u/ann/clusters", 200),
        ("GET", "/u/nobody/map", 404),
        ("GET", "/none", 404),
        ("GET", "/static/frame.css", 200),
        ("GET", "/static/none.css", 404),
        ("GET", "/u/ann/map/", 307),
        ("POST", "/", 405),
        ("DELETE", "/static/frame.css", 405),
        ("GET", "/" + "a" * 5000, 404),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_every_answer_is_held_to_the_policy(
    port: int, method: str, path: str, status: int, accept: str
) -> None:
    answer = ask(port, path, method, {"accept": accept})
    assert answer.status == status
    assert _is_safe(answer.headers)
    if status == 405:
        assert "GET" in answer.headers["allow"]


def test_an_unchanged_file_is_held_to_the_policy_too(port: int) -> None:
    tag = ask(port, "/static/frame.css").headers["etag"]
    answer = ask(port, "/static/frame.css", headers={"if-none-match": tag})
    assert answer.status == 304
    assert _is_safe(answer.headers)


def test_another_host_without_a_token_does_not_start(two: Path) -> None:
    for host in ("0.0.0.0", ""):
        command = (*APP, "--host", host, "--port", str(free_port()))
        with running(command, two / "refused", QUALIA_APP_TOKEN="", **environment(two)) as process:
            assert process.ends() == 2
            assert process.output.splitlines() == [
                "The app is shown to other machines only with a token: set QUALIA_APP_TOKEN."
            ]


def test_without_the_token_nothing_is_shown(guarded: int) -> None:
    tried: list[tuple[str, dict[str, str]]] = [
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
        ("/static/frame.css", {}),
        ("/u/ann/map", {}),
        ("/alive", {}),
    ]
    for path, headers in tried:
        answer = ask(guarded, path, headers=headers)
        assert answer.status == 401, (path, headers)
        assert b"ann" not in answer.body
        assert "set-cookie" not in answer.headers
        assert _is_safe(answer.headers)


def test_the_token_leaves_the_address_for_a_cookie_that_no_script_sees(guarded: int) -> None:
    quoted = "schl%C3%BCssel-%CE%BA%CE%BB%CE%B5%CE%B9%CE%B4%CE%AF-1"
    answer = ask(guarded, f"/u/ann/map?view=raw&token={quoted}")
    assert answer.status == 303
    assert answer.headers["location"] == "/u/ann/map?view=raw"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "schl" not in cookie
    assert _is_safe(answer.headers)
    shown = ask(
        guarded, "/u/ann/map", headers={"cookie": cookie.partition(";")[0], "host": "machine.example"}
    )
    assert shown.status == 200
    bearer = f"Bearer {TOKEN}".encode().decode("latin-1")
    assert ask(guarded, "/alive", headers={"authorization": bearer}).status == 200


@pytest.mark.parametrize(
    "path", ["//evil.example/", "///evil.example/", "/\\evil.example", "/%5Cevil.example", "/%2Fevil.example"]
)
def test_taking_the_token_out_of_an_address_leads_nowhere_else(guarded: int, path: str) -> None:
    quoted = "schl%C3%BCssel-%CE%BA%CE%BB%CE%B5%CE%B9%CE%B4%CE%AF-1"
    answer = ask(guarded, f"{path}?token={quoted}")
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
    "/static/frame.css%00.png",
    "/static/" + "a" * 300,
    "/static/",
    "/static",
    "//etc/passwd",
    "/../../etc/passwd",
]


@pytest.fixture(scope="module")
def opened() -> Iterator[list[str]]:
    """The paths that this process opens or lists, while somebody looks."""
    seen: list[str] = []
    looking = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if looking and event in ("open", "os.listdir", "os.scandir", "glob.glob"):
            seen.append(str(arguments[0]))

    sys.addaudithook(hook)  # for good: there is no taking it off
    yield seen
    looking = False


@pytest.fixture(scope="module")
def inside(two: Path) -> Iterator[int]:
    """The port of the app in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(two).items():
            patch.setenv(name, value)
        server = server_of(make_app(load_settings()))
    port = free_port()
    thread = threading.Thread(target=server.run, args=[[bound("127.0.0.1", port)]])
    thread.start()
    while not listens(port):
        time.sleep(0.05)
    yield port
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("path", STRANGE)
def test_no_strange_address_reaches_the_file_system(
    inside: int, two: Path, opened: list[str], path: str
) -> None:
    opened.clear()
    answer = ask(inside, path, headers=HTML)
    assert answer.status in (307, 404)
    if answer.status == 307:  # to the same with a slash
        assert answer.headers["location"].startswith(f"http://127.0.0.1:{inside}/")
    assert _is_safe(answer.headers)
    assert b"root:" not in answer.body
    assert b"class Settings" not in answer.body
    allowed = (str(two / "lake"), "/proc", str(Path(make_app.__code__.co_filename).parent))
    strangers = [name for name in opened if name.startswith("/") and not name.startswith(allowed)]
    assert not [name for name in opened if ".." in name or "\0" in name or "etc" in Path(name).parts]
    assert strangers == []
    assert not [
        name for name in opened if "user=" in name and "user=ann" not in name and "user=bob" not in name
    ]


@pytest.mark.parametrize(
    "raw", [b"GET /\0 HTTP/1.1", b"GET / HTTP/9", b"\x16\x03\x01\x02", b"GET " + b"a" * 70000]
)
def test_what_is_no_request_is_refused_and_the_app_stays(port: int, two: Path, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw + b"\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 400 " in connection.recv(1000)
    assert ask(port, "/alive").text == web.served(two / "lake")


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


@pytest.fixture(scope="module")
def failing(two: Path) -> Iterator[tuple[int, Process]]:
    """The app with two pages more, which fail."""
    port = free_port()
    with running(("-c", FAILING, str(port)), two / "failing", **environment(two)) as process:
        process.wait_until(lambda: listens(port))
        yield port, process


def test_a_failure_shows_no_trace_and_prints_no_words(failing: tuple[int, Process]) -> None:
    port, process = failing
    answer = ask(port, "/broken?words=longing-for-moss", headers=HTML)
    assert answer.status == 500
    assert answer.text == (
        "Something went wrong in making this page; the terminal that the app runs in says where."
    )
    assert _is_safe(answer.headers)
    process.wait_until(lambda: "ValueError" in process.output and "in broken" in process.output)
    assert "longing" not in process.output


def test_an_answer_that_fails_half_way_is_cut_off_and_prints_no_words(failing: tuple[int, Process]) -> None:
    port, process = failing
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        ask(port, "/breaks-off?words=longing-for-moss")
    process.wait_until(lambda: "in parts" in process.output)
    assert ask(port, "/alive").status == 200
    assert "longing" not in process.output


def _filled(route: Route, values: dict[str, list[str]]) -> list[str]:
    """The addresses of a route with these values in it."""
    names = re.findall(r"{(\w+)(?::\w+)?}", route.path)
    unknown = set(names) - set(values)
    assert not unknown, f"say in this test what {route.path} is given for {unknown}"
    plain = re.sub(r":\w+}", "}", route.path)
    return [
        plain.format(**dict(zip(names, chosen, strict=True)))
        for chosen in product(*(values[name] for name in names))
    ]


def test_no_address_of_one_user_shows_an_item_or_picture_of_another(port: int, two: Path) -> None:
    """Every route that there is, given everything of bob's within ann's addresses."""
    lake = Lake(two / "lake")
    artefacts = lake.read("artefacts", "bob").to_pylist()
    pictures = sorted({row["image_sha256"] for row in artefacts if row["image_sha256"]})
    mine = {row["image_sha256"] for row in lake.read("artefacts", "ann").to_pylist()}
    assert not mine & set(pictures)
    bob = {
        "user": ["ann"],
        "item": [item_id("bob", n, seed=7) for n in range(2)],
        "sha256": pictures[:2],
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(two).items():
            patch.setenv(name, value)
        routes = make_app(load_settings()).routes
    asked = 0
    for route in routes:
        if isinstance(route, Mount) or not isinstance(route, Route) or "{user}" not in route.path:
            continue
        for path in _filled(route, bob):
            for query in ("", f"?item={bob['item'][0]}&like={bob['item'][0]}&id={bob['item'][0]}"):
                answer = ask(port, path + query, headers=HTML)
                asked += 1
                assert answer.status in (200, 400, 404, 405), path
                shown = answer.body.replace(bob["item"][0].encode(), b"").replace(
                    bob["item"][1].encode(), b""
                )
                for word in ("orchard", "bob.example", *pictures):
                    assert word.encode() not in shown, (path, word)
                if "{item" in route.path or "{sha256" in route.path:
                    assert answer.status == 404, path
    assert asked > 10


def test_nothing_that_was_searched_for_is_printed(served: tuple[int, Process]) -> None:
    port, process = served
    for path in ("/u/ann/search?q=longing-for-moss", "/u/longing-for-moss/map", "/longing-for-moss"):
        ask(port, path, headers=HTML)
    assert "longing" not in process.output
    assert "ann" not in process.output
