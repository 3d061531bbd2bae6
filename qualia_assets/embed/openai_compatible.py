"""Texts by a server of one's own that has ``/v1/embeddings`` as OpenAI has it: what people host themselves.

Texts only: the interface has no pictures, so pictures have no vectors here and no request is made for them.
Pins are still embedded by their annotations and captions. A model that sees pictures is asked through
sentence-transformers or Voyage.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import httpx2

from qualia_assets.embed.base import Content, Kind, in_chunks
from qualia_assets.embed.local import TASK_PREFIXES
from qualia_assets.embed.response import length_of, vectors_of
from qualia_assets.method.neighbours import Floats
from qualia_assets.net.base import Deferred
from qualia_assets.net.gate import retry_after
from qualia_assets.providers.base import FatalError, ProviderError, RejectedInput, TransientError
from qualia_assets.providers.budget import Account
from qualia_assets.providers.catalogue import estimated_tokens
from qualia_assets.providers.pace import RateLimiter, is_transient, with_retries
from qualia_assets.settings import OpenAICompatible
from qualia_assets.state.database import State, answer_key
from qualia_assets.state.usage import Usage

# It writes addresses, and one may hold a password.
logging.getLogger("httpx2").setLevel(logging.WARNING)

BATCH_SIZE = 32
"""Texts a request: what the strictest of the common servers takes by default."""
_WORD = "hello"


class OpenAICompatibleEmbedder:
    """A text model of a server of one's own. How many numbers its vectors have is asked of it once, by
    embedding one word, and remembered in the state: what is kept is found again without asking anybody.

    Args:
        model: as the server knows it.
        settings: address, key if there is one, timeout in seconds.
        longest_wait: seconds that a request is tried again for.
        account: writes down what was asked; nothing costs.
        state: where the dimensions are remembered.
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
        """Such a server tells no revision of its weights. Where it is stands for it: the same name may be
        another model, or another quantisation of it, elsewhere."""
        return f"{self.name}@{self._place}|{self.prefix}|unit"

    @property
    def dimensions(self) -> int:
        """As remembered, else asked.

        Raises:
            FatalError: it is not known, and the server does not say.
        """
        with self._lock:
            if not self._known_dimensions:
                key = answer_key("dimensions", self.name, self.version("text"), {}, "")
                kept = self._state.answers([key])
                self._known_dimensions = int(kept[key]) if kept else self._asked_for_dimensions()
                if not kept:
                    told = {key: str(self._known_dimensions).encode()}
                    self._state.keep_answers("dimensions", self.name, told)
        return self._known_dimensions

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return in_chunks(contents, BATCH_SIZE)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        """One request. None for a picture, an empty text, a vector that cannot be used.

        Raises:
            Deferred: ask later; nothing was asked.
            RejectedInput, FatalError: see ``providers.base``.
        """
        places = [i for i, content in enumerate(batch) if (content.text or "").strip()]
        if not places:
            return [None] * len(batch)
        dimensions = self.dimensions
        rows = self._patiently([self.prefix + (batch[i].text or "") for i in places])
        found = dict(zip(places, vectors_of(rows, len(places), dimensions, self.name), strict=True))
        return [found.get(i) for i in range(len(batch))]

    def check(self) -> str:
        """Embed one word, and say that it went well.

        Raises:
            ProviderError: why it did not, in one line.
        """
        try:
            length = self._length(self._asked([_WORD]))
        except TransientError as error:
            raise ProviderError(f"{self.name} cannot be asked just now: {error}.") from None
        return f"{self.name} at {self._place} answers with vectors of {length} numbers."

    def _asked_for_dimensions(self) -> int:
        try:
            return self._length(self._patiently([_WORD]))
        except Deferred as error:
            # Without them there is nothing yet that could go on later.
            raise FatalError(
                f"{error} Is the server running, and `url` in [openai] of qualia.toml right?"
            ) from None

    def _length(self, rows: Any) -> int:
        length = length_of(rows)
        if not length:
            raise FatalError(f"{self.name} at {self._place} answers a word with something that is no vector.")
        return length

    def _patiently(self, texts: list[str]) -> Any:
        return with_retries(lambda: self._asked(texts), self.name, self._pace, self._longest_wait)

    def _asked(self, texts: list[str]) -> Any:
        """One try of one request: the ``data`` of its answer."""
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
            raise FatalError("`url` in [openai] of qualia.toml is no address of a server.") from None
        except httpx2.TransportError:
            # Without its cause: that holds the request.
            raise TransientError(
                f"nothing answers in time at {self._place}, or the connection broke"
            ) from None
        if not reply.is_success:
            raise self._reason(reply.status_code, reply.headers.get("retry-after"))
        try:
            answer = reply.json()
        except ValueError:
            answer = None
        if not isinstance(answer, Mapping):
            raise RejectedInput(f"{self.name} at {self._place} answered with what is no JSON object.")
        return answer

    def _reason(self, status: int, asks_to_wait: str | None) -> ProviderError:
        if status in (401, 403):
            return FatalError(
                f"{self._place} wants another key for {self.name} ({status}). Set QUALIA_OPENAI__API_KEY, or "
                "`api_key` in [openai] of qualia.toml."
            )
        if status in (400, 413, 422):
            return RejectedInput(f"{self.name} at {self._place} could not use a request ({status}).")
        if is_transient(status):
            return TransientError(f"{self._place} answered with status {status}", retry_after(asks_to_wait))
        return FatalError(
            f"{self._place} has no embeddings of {self._model} (status {status}). Set `url` in [openai] "
            "of qualia.toml to its address, which often ends in /v1, and `embedder` to a model that it has."
        )

    def _headers(self) -> dict[str, str]:
        key = self._settings.api_key.get_secret_value().strip()
        if not key.isascii() or not (key.isprintable() and " " not in key):
            raise FatalError(f"The key for {self.name} holds characters that no key has.")
        return {"Authorization": f"Bearer {key}"} if key else {}

    @cached_property
    def _place(self) -> str:
        """The address without a name and a password that it may hold."""
        try:
            url = httpx2.URL(self._settings.url)
        except httpx2.InvalidURL:
            return "an address that is none"
        return str(url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")

    @cached_property
    def _client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self._settings.url, timeout=self._settings.timeout)
