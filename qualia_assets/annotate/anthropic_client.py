"""Anthropic's API as far as it is used: messages, batches of them, and a model's capabilities.

Belongs here: calling its client, the meaning of its errors, and parsing its answers, which are taken as the
JSON that was sent and trusted in nothing. Prompts are in ``prompt``, whose batch is whose in
``anthropic_batches``.
"""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from qualia_assets.annotate.base import Annotation
from qualia_assets.annotate.prompt import parse_answer
from qualia_assets.net.gate import retry_after
from qualia_assets.providers.base import FatalError, ProviderError, RejectedInput, TransientError
from qualia_assets.providers.catalogue import Model
from qualia_assets.providers.pace import RateLimiter, is_transient, with_retries
from qualia_assets.settings import Anthropic
from qualia_assets.state.usage import Usage

Json = dict[str, Any]
R = TypeVar("R")

_SET_KEY = "Set QUALIA_ANTHROPIC__API_KEY, or `api_key` in [anthropic] of qualia.toml, to a key of theirs."
_NOT_ACCEPTED = (429, 529)
"""After these statuses it is certain that the service did nothing."""
_PAGE = 100
_IDENTIFIER = re.compile(r"[a-z_]{1,40}")


class SubmissionUnknown(Exception):
    """Whether a batch was accepted is unknown: the connection broke before the answer came."""


class Client:
    """One model of Anthropic's. Safe to use from several threads.

    Args:
        model: of the catalogue.
        settings: key, address, requests per minute, timeout in seconds.
        longest_wait: seconds to retry a request for.

    All methods raise ``Deferred``, ``FatalError`` or ``RejectedInput``; see ``providers.base``.
    """

    def __init__(self, model: Model, settings: Anthropic, longest_wait: float) -> None:
        self._model, self._settings, self._longest_wait = model, settings, longest_wait
        self._limiter = RateLimiter(settings.requests_per_minute)
        self._made: Any = None
        self._lock = threading.Lock()

    def model(self) -> Json:
        """The service's record of the model. A free call."""
        return self._record(lambda: self._client.models.with_raw_response.retrieve(self._model.name))

    def message(self, params: Json, before: Callable[[], None]) -> Json:
        """Return one message, with retries. ``before`` is called before each attempt."""

        def create() -> Json:
            before()
            return _parsed(self._client.messages.with_raw_response.create(**params))

        return self._call(create)

    def submit_batch(self, requests: Sequence[Json]) -> str:
        """Submit a batch and return its id. Retried only where it was certainly not accepted.

        Raises:
            SubmissionUnknown: it may have been accepted.
        """

        def submit() -> str:
            try:
                raw = self._batches.with_raw_response.create(requests=requests)
                return str(_parsed(raw)["id"])
            except (KeyError, RejectedInput):
                raise SubmissionUnknown from None

        return self._call(submit, submits=True)

    def batch(self, batch_id: str) -> Json | None:
        """Return a batch's record; None where the service has no such batch, or its results no longer."""
        record = self._record(lambda: self._batches.with_raw_response.retrieve(batch_id), gone=(400, 404))
        if not record or (record.get("processing_status") == "ended" and not record.get("results_url")):
            return None
        return record

    def batches(self) -> Iterator[Json]:
        """Yield the records of all batches, the newest first."""
        after: Json = {}
        while True:
            page = self._record(partial(self._batches.with_raw_response.list, limit=_PAGE, **after))
            yield from page.get("data") or []
            if not page.get("has_more") or not page.get("last_id"):
                return
            after = {"after_id": page["last_id"]}

    def results(self, batch_id: str, read: Callable[[Iterator[Json]], R]) -> R:
        """Return what ``read`` makes of a batch's results, which come one by one, in no order.

        If the connection breaks, ``read`` starts again. A line that is no JSON object is skipped.
        """

        def stream() -> R:
            with self._batches.with_streaming_response.results(batch_id) as response:
                return read(_lines(response.iter_bytes()))

        return self._call(stream)

    def _record(self, ask: Callable[[], Any], gone: tuple[int, ...] = ()) -> Json:
        """Return a record of the service's; empty where the status is one of ``gone``. As no item can be at
        fault, a record that is no JSON is requested again."""

        def call() -> Json:
            try:
                return _parsed(ask())
            except RejectedInput as error:
                raise TransientError(str(error)) from None
            except _library().APIStatusError as error:
                if error.status_code in gone:
                    return {}
                raise

        try:
            return self._call(call)
        except RejectedInput as error:
            raise FatalError(f"{error}, which holds nothing of an item.") from None

    def _call(self, call: Callable[[], R], submits: bool = False) -> R:
        import httpx2

        anthropic = _library()

        def attempt() -> R:
            try:
                return call()
            except anthropic.APIStatusError as error:
                status = error.status_code
                if submits and is_transient(status) and status not in _NOT_ACCEPTED:
                    raise SubmissionUnknown from None
                # Without its cause, which holds the request: the key and the item's text.
                raise self._error(status, error.response.headers, error.api_message) from None
            except (anthropic.AnthropicError, httpx2.HTTPError, json.JSONDecodeError):
                if submits:
                    raise SubmissionUnknown from None
                raise TransientError("no answer in time, or the connection broke") from None

        return with_retries(attempt, self._model.full_name, self._limiter, self._longest_wait)

    @property
    def _batches(self) -> Any:
        return self._client.messages.batches

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                anthropic = _library()
                # At DEBUG it logs whole requests, and so the user's items.
                logging.getLogger("anthropic").setLevel(logging.WARNING)
                self._made = anthropic.Anthropic(
                    api_key=self._key(),
                    base_url=self._settings.url,
                    timeout=self._settings.timeout,
                    max_retries=0,
                    open_telemetry=False,
                )
            return self._made

    def _key(self) -> str:
        key = self._settings.api_key.get_secret_value().strip()
        if not key:
            raise FatalError(f"There is no key for {self._model.full_name}. {_SET_KEY}")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise FatalError(
                f"The key for {self._model.full_name} holds characters that no key has. {_SET_KEY}"
            )
        return key

    def _error(self, status: int, headers: Mapping[str, str], message: str | None) -> ProviderError:
        name = self._model.full_name
        no_credit = FatalError(f"There is no credit left for {name}: add some on Anthropic's console.")
        match status:
            case 401:
                return FatalError(f"Anthropic does not accept the key for {name}. {_SET_KEY}")
            case 403:
                return FatalError(
                    f"The key may not be used for {name} (403): see its workspace on the console."
                )
            case 402:
                return no_credit
            case 400 if "credit balance" in (message or ""):
                return no_credit
            case 404:
                return FatalError(
                    f"Anthropic does not know the model {self._model.name}, or this key may not use it. Set "
                    "`annotator` in qualia.toml to another one; `anthropic.url` is the service's address."
                )
            case 400 | 413 | 422:
                return RejectedInput(f"{name} could not use the request ({status})")
            case _ if is_transient(status):
                wait = retry_after(headers.get("retry-after"))
                return TransientError(f"it answered with status {status}", wait)
            case _:
                return FatalError(
                    f"{name} cannot be used at {self._settings.url}: it answered with status {status}. "
                    "Set `anthropic.url` in qualia.toml to Anthropic's address."
                )


def _library() -> Any:
    """Anthropic's own client, loaded on first use."""
    try:
        import anthropic
    except ImportError:
        raise FatalError("Claude needs Anthropic's client: `pip install 'anthropic>=2.12,<3'`.") from None
    return anthropic


def parse_message(message: Any) -> tuple[Annotation, Usage]:
    """Return the annotation in a message, and the tokens it took, cached ones included."""
    if not isinstance(message, dict):
        return Annotation("failed", error="the answer is no message"), Usage()
    content = message.get("content")
    blocks = [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []
    text = "".join(str(b.get("text", "")) for b in blocks if b.get("type") == "text")
    details = message.get("stop_details")
    category = details.get("category") if isinstance(details, dict) else None
    annotation = parse_answer(_identifier(message.get("stop_reason")), text, _identifier(category))
    usage = message.get("usage")
    counted = usage if isinstance(usage, dict) else {}
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    tokens = sum(_count(counted.get(name)) for name in names)
    return annotation, Usage(1, 1, tokens, _count(counted.get("output_tokens")))


def parse_result(result: Any) -> tuple[Annotation, Usage]:
    """Return the annotation in one result of a batch, and its usage: only a success is charged."""
    kind = result.get("type") if isinstance(result, dict) else None
    if kind == "succeeded":
        return parse_message(result.get("message"))
    if kind == "errored":
        error = result.get("error")
        inner = error.get("error") if isinstance(error, dict) else None
        name = _identifier(inner.get("type")) if isinstance(inner, dict) else None
        return Annotation("failed", error=f"an error of the service ({name or 'unknown'})"), Usage()
    errors = {"canceled": "it was canceled", "expired": "it expired before it was its turn"}
    return Annotation("failed", error=errors.get(str(kind), "no result came")), Usage()


def _identifier(value: Any) -> str | None:
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _parsed(raw: Any) -> Json:
    try:
        value = json.loads(raw.http_response.content)
    except (ValueError, RecursionError):
        raise RejectedInput("the answer is no JSON") from None
    if not isinstance(value, dict):
        raise RejectedInput("the answer is no JSON object")
    return value


def _lines(chunks: Iterator[bytes]) -> Iterator[Json]:
    rest = b""
    for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        yield from filter(None, map(_object, complete))
    if last := _object(rest):
        yield last


def _object(line: bytes) -> Json | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
