"""Clients whose every request goes to the test's own server, whatever host it is meant for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from qualia_assets.net.client import Client
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State

MakeClient = Callable[..., Client]


@pytest.fixture
def client(state: State, httpserver: HTTPServer) -> Iterator[MakeClient]:
    """Makes clients; keywords are those of the client, or of the settings' ``crawling``."""
    with ExitStack() as stack:

        def make(
            platform: str = "substack", budget: int = 100, transport: Any = None, **crawling: Any
        ) -> Client:
            given = {"contact": "me@example.org", "gap": 0, "send_to": {"*": httpserver.url_for("/")}}
            settings = load_settings(crawling=given | crawling)
            return stack.enter_context(Client(platform, state, settings, budget=budget, transport=transport))

        yield make


@pytest.fixture
def open_to_robots(httpserver: HTTPServer) -> None:
    """Every host lets every robot in."""
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
