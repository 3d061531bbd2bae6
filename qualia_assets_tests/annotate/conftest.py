"""Claude on this machine, for the tests of this folder that ask for it."""

from collections.abc import Iterator

import pytest

from qualia_assets.providers import pace
from qualia_assets_tests.emulators.anthropic import Server, World, serving


@pytest.fixture(scope="session")
def anthropic_server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def claude(anthropic_server: Server, monkeypatch: pytest.MonkeyPatch) -> World:
    """A service in which nothing has happened yet; trying again takes no time."""
    monkeypatch.setattr(pace, "_FIRST_WAIT", 0.01)
    return anthropic_server.begin()
