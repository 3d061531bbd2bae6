"""A server of embeddings on this machine, and settings that lead there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qualia_assets.providers import pace
from qualia_assets.settings import Settings, load_settings
from qualia_assets_tests.emulators.voyage import KEY, EmbeddingServer

Choose = Callable[..., Settings]


@pytest.fixture(scope="session")
def _server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer() as running:
        yield running


@pytest.fixture
def server(_server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> EmbeddingServer:
    """A server that is well. Those who ask it wait for a moment only before they ask again."""
    monkeypatch.setattr(pace, "_FIRST_WAIT", 0.02)
    _server.recover()
    return _server


@pytest.fixture
def voyage(server: EmbeddingServer) -> Choose:
    """Makes settings that ask the server as Voyage; keywords are those of ``[voyage]``, or ``max_usd``."""

    def settings(max_usd: float = 5.0, model: str = "voyage-multimodal-3", **given: Any) -> Settings:
        chosen = {"api_key": KEY, "url": server.url, "requests_per_minute": 600_000, "timeout": 10} | given
        return load_settings(
            embedder=f"voyage/{model}", max_usd=max_usd, voyage=chosen, crawling={"longest_wait": 5}
        )

    return settings


@pytest.fixture
def own(server: EmbeddingServer) -> Choose:
    """Makes settings that ask the server as one of one's own; keywords are those of ``[openai]``."""

    def settings(model: str = "nomic-embed-text", **given: Any) -> Settings:
        chosen = {"url": server.own_url, "timeout": 10} | given
        return load_settings(embedder=f"openai/{model}", openai=chosen, crawling={"longest_wait": 5})

    return settings
