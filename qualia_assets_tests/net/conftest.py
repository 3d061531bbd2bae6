"""One web server that stands for all hosts, and clients whose every request goes there."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain, repeat
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.datastructures import Headers

from qualia_assets.net.client import Client
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State

PAGE = "https://one.example/a"


class Sent(Response):
    """A response that is sent with the headers it was given, lies among them."""

    def __init__(self, body: bytes | Iterator[bytes] = b"", status: int = 200, **headers: str) -> None:
        super().__init__(body, status)
        for name, value in headers.items():
            self.headers[name.replace("_", "-")] = value

    def get_wsgi_headers(self, _: Any) -> Headers:
        return Headers(self.headers)


class Web:
    """The server, and what was requested of it."""

    def __init__(self, server: HTTPServer, state: State, stack: ExitStack) -> None:
        self.server, self.state, self._stack = server, state, stack

    def client(self, platform: str = "substack", budget: int = 100, **options: Any) -> Client:
        """A client; options are its ``transport``, and those of the settings' ``crawling``."""
        transport = options.pop("transport", None)
        usual = {"contact": "me@example.org", "gap": 0, "send_to": {"*": self.server.url_for("/")}}
        settings = load_settings(crawling=usual | options)
        made = Client(platform, self.state, settings, budget=budget, transport=transport)
        return self._stack.enter_context(made)

    def play(self, *answers: Response, path: str = "/a") -> list[Request]:
        """Give these answers in turn, the last one for ever. Returns the requests, as they come."""
        requests: list[Request] = []
        left = chain(answers, repeat(answers[-1]))

        def answer(request: Request) -> Response:
            requests.append(request)
            return next(left)

        self.respond(answer, path)
        return requests

    def respond(self, answer: Callable[[Request], Response], path: str = "/a") -> None:
        self.server.expect_request(path).respond_with_handler(answer)

    def paths(self) -> list[str]:
        """What was requested, in order."""
        return [request.path for request, _ in self.server.log]


@pytest.fixture
def web(state: State, httpserver: HTTPServer) -> Iterator[Web]:
    with ExitStack() as stack:
        yield Web(httpserver, state, stack)


@pytest.fixture
def open_web(web: Web) -> Web:
    """A web without robots.txt."""
    web.play(Response(status=404), path="/robots.txt")
    return web
