"""Text embeddings from a self-hosted server with OpenAI's ``/v1/embeddings`` interface.

The interface has no pictures, so pictures get no vectors here and are never sent; pins are still embedded by
their annotations and captions. For a model that takes pictures, use sentence-transformers or Voyage.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import httpx2

from qualia_assets.embed.base import Content, Kind
from qualia_assets.embed.local import TASK_PREFIXES
from qualia_assets.embed.response import parse_dimensions, parse_embeddings
from qualia_assets.method.neighbours import Floats
from qualia_assets.net.base import Deferred
from qualia_assets.net.gate import retry_after
from qualia_assets.progress import batched
from qualia_assets.providers.base import FatalError, ProviderError, RejectedInput, TransientError
from qualia_assets.providers.budget import Account
from qualia_assets.providers.catalogue import estimated_tokens
from qualia_assets.providers.pace import RateLimiter, is_transient, with_retries
from qualia_assets.settings import OpenAICompatible
from qualia_assets.state.database import State, answer_key
from qualia_assets.state.usage import Usage

# It logs addresses, which may hold a password.
logging.getLogger("httpx2").setLevel(logging.WARNING)

BATCH_SIZE = 32
"""Texts per request: the default limit of the strictest common servers."""
_WORD = "hello"
_SET_KEY = "Set QUALIA_OPENAI__API_KEY, or `api_key` in [openai] of qualia.toml, to the server's key."


class OpenAICompatibleEmbedder:
    """A text model on a self-hosted server.

    Its dimensions are found by embedding one word, and remembered in the state, so that kept vectors can be
    used without the server.

    Args:
        model: its name on the server.
        settings: address, optional key, timeout in seconds.
        longest_wait: seconds for which a request is retried.
        account: records usage; requests cost nothing.
        state: where the dimensions are kept.
    """

    def __init__(
        self, model: str, settings: OpenAICompatible, longest_wait: float, account: Account, state: State
    ) -> None:
        self.name = f"openai/{model}"
        self.concurrency = settings.concurrency
        self.prefix = next((p for known, p in TASK_PREFIXES.items() if known in model), "")
        self._model, self._settings, self._longest_wait = model, settings, longest_wait
        self._account, self._state = account, state.of("")
        self._pace = RateLimiter(0)
        self._lock = threading.Lock()
        self._known_dimensions = 0

    def version(self, kind: Kind) -> str:
        """Includes the address, because the interface reports no revision of the weights: elsewhere, the same
        name may be another model or quantisation."""
        return f"{self.name}@{self._place}|{self.prefix}|unit"

    @property
    def dimensions(self) -> int:
        """Length of the vectors, requested once.

        Raises:
            FatalError: it is unknown, and the server does not answer with a vector.
        """
        with self._lock:
            if not self._known_dimensions:
                key = answer_key("dimensions", self.name, self.version("text"), {}, "")
                kept = self._state.answers([key])
                self._known_dimensions = int(kept[key]) if kept else self._request_dimensions()
                if not kept:
                    answer = {key: str(self._known_dimensions).encode()}
                    self._state.keep_answers("dimensions", self.name, answer)
        return self._known_dimensions

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return batched(contents, BATCH_SIZE)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        """Embed a batch by one request; None for a picture, an empty text or an unusable vector.

        Raises:
            Deferred: try later; nothing was embedded.
            RejectedInput, FatalError: see ``providers.base``.
        """
        places = [i for i, content in enumerate(batch) if (content.text or "").strip()]
        if not places:
            return [None] * len(batch)
        dimensions = self.dimensions
        rows = self._patiently([self.prefix + (batch[i].text or "") for i in places])
        vectors = parse_embeddings(rows, len(places), dimensions, self.name)
        by_place = dict(zip(places, vectors, strict=True))
        return [by_place.get(i) for i in range(len(batch))]

    def check(self) -> str:
        """Embed one word, and report success.

        Raises:
            ProviderError: why it failed, in one line.
        """
        try:
            length = self._length(self._request([_WORD]))
        except TransientError as error:
            raise ProviderError(f"{self.name} is not available just now: {error}.") from None
        return f"{self.name} at {self._place} answers with vectors of {length} numbers."

    def _request_dimensions(self) -> int:
        try:
            return self._length(self._patiently([_WORD]))
        except Deferred as error:
            # Without dimensions nothing can be resumed later.
            raise FatalError(
                f"{error} Is the server running, and `url` in [openai] of qualia.toml right?"
            ) from None

    def _length(self, rows: Any) -> int:
        length = parse_dimensions(rows)
        if not length:
            raise FatalError(f"{self.name} at {self._place} answers with something that is no vector.")
        return length

    def _patiently(self, texts: list[str]) -> Any:
        return with_retries(lambda: self._request(texts), self.name, self._pace, self._longest_wait)

    def _request(self, texts: list[str]) -> Any:
        """Make one attempt at a request; return the ``data`` of its answer."""
        estimate = Usage(1, len(texts), sum(estimated_tokens(text) for text in texts))
        self._account.reserve(estimate)
        answer = self._answer({"model": self._model, "input": texts, "encoding_format": "float"})
        match answer.get("usage"):
            case {"prompt_tokens": int(tokens)} if tokens >= 0:
                self._account.settle(Usage(1, len(texts), tokens))
            case _:
                self._account.settle(estimate)
        return answer.get("data")

    def _answer(self, request: dict[str, Any]) -> Mapping[str, Any]:
        try:
            reply = self._client.post("/embeddings", json=request, headers=self._headers())
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL):
            raise FatalError("`url` in [openai] of qualia.toml is not an address of a server.") from None
        except httpx2.TransportError:
            # Without its cause, which holds the request.
            raise TransientError(
                f"nothing answers in time at {self._place}, or the connection broke"
            ) from None
        if not reply.is_success:
            raise self._error(reply.status_code, reply.headers.get("retry-after"))
        try:
            answer = reply.json()
        except ValueError:
            answer = None
        if not isinstance(answer, Mapping):
            raise RejectedInput(
                f"{self.name} at {self._place} answered with something other than a JSON object."
            )
        return answer

    def _error(self, status: int, wait: str | None) -> ProviderError:
        if status in (401, 403):
            return FatalError(f"{self._place} does not accept the key for {self.name} ({status}). {_SET_KEY}")
        if status in (400, 413, 422):
            return RejectedInput(f"{self.name} at {self._place} could not use a request ({status}).")
        if is_transient(status):
            return TransientError(f"{self._place} answered with status {status}", retry_after(wait))
        return FatalError(
            f"{self._place} has no embeddings of {self._model} (status {status}). Set `url` in [openai] of "
            "qualia.toml to its address, which often ends in /v1, and `embedder` to one of its models."
        )

    def _headers(self) -> dict[str, str]:
        key = self._settings.api_key.get_secret_value().strip()
        if not key.isascii() or not (key.isprintable() and " " not in key):
            raise FatalError(f"The key for {self.name} holds characters that no key has. {_SET_KEY}")
        return {"Authorization": f"Bearer {key}"} if key else {}

    @cached_property
    def _place(self) -> str:
        """The address without user name and password."""
        try:
            url = httpx2.URL(self._settings.url)
        except httpx2.InvalidURL:
            return "an invalid address"
        return str(url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")

    @cached_property
    def _client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self._settings.url, timeout=self._settings.timeout)
