"""A server of embeddings on this machine, and settings that point to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qualia_assets.embed.base import Content
from qualia_assets.embed.local import text_sha256
from qualia_assets.providers import pace
from qualia_assets.settings import Settings, load_settings
from qualia_assets_tests.emulators.voyage import KEY, EmbeddingServer

Choose = Callable[..., Settings]


def text(words: str) -> Content:
    return Content(text_sha256(words), text=words)


TEXTS = [text(words) for words in ("the grey sea", "the sea at night", "office chairs", "an invoice")]


@pytest.fixture(scope="session")
def _server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer() as running:
        yield running


@pytest.fixture
def server(_server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> EmbeddingServer:
    """A server without faults. Its clients wait only a moment before they retry."""
    monkeypatch.setattr(pace, "_FIRST_WAIT", 0.02)
    _server.recover()
    return _server


@pytest.fixture
def voyage(server: EmbeddingServer) -> Choose:
    """Makes settings that use the server as Voyage; keywords are those of ``[voyage]``, or ``max_usd``."""

    def settings(max_usd: float = 5.0, model: str = "voyage-multimodal-3", **given: Any) -> Settings:
        chosen = {"api_key": KEY, "url": server.url, "requests_per_minute": 600_000, "timeout": 10} | given
        return load_settings(
            embedder=f"voyage/{model}", max_usd=max_usd, voyage=chosen, crawling={"longest_wait": 5}
        )

    return settings


@pytest.fixture
def own(server: EmbeddingServer) -> Choose:
    """Makes settings that use the server as a self-hosted one; keywords are those of ``[openai]``."""

    def settings(model: str = "nomic-embed-text", longest_wait: float = 5, **given: Any) -> Settings:
        chosen = {"url": server.own_url, "timeout": 10} | given
        crawling = {"longest_wait": longest_wait}
        return load_settings(embedder=f"openai/{model}", openai=chosen, crawling=crawling)

    return settings
