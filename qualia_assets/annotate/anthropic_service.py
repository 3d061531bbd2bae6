"""Anthropic's service, as far as it is asked: messages, batches of them, and what it knows of a model.

Belongs here: its client, and what its errors mean. Answers come as the JSON that was sent, for they are to be
read with care. What is asked is in ``prompt``; which batches are whose in ``anthropic_batches``.
"""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from qualia_assets.annotate.base import Annotation
from qualia_assets.annotate.prompt import annotation_of
from qualia_assets.errors import QualiaError
from qualia_assets.net.gate import retry_after
from qualia_assets.providers.base import Fatal, Poison, ProviderError, TryAgain, Usage
from qualia_assets.providers.catalogue import Model
from qualia_assets.providers.pace import Pace, passes, patiently
from qualia_assets.settings import Anthropic

Json = dict[str, Any]
R = TypeVar("R")

_SET_KEY = "Set QUALIA_ANTHROPIC__API_KEY, or `api_key` in [anthropic] of qualia.toml, to a key of theirs."
_NOT_TAKEN = (429, 529)
"""Of these it is certain that the service did nothing."""
_PAGE = 100
_TYPE = re.compile(r"[a-z_]{1,40}")


class Unclear(QualiaError):
    """Whether a batch was taken is not known: the connection broke before the answer came."""


class Service:
    """One model of Anthropic's, for several threads.

    Args:
        model: of the catalogue.
        settings: key, address, requests per minute, timeout in seconds.
        longest_wait: seconds that a request is tried again for.

    All methods raise ``Deferred``, ``Fatal`` or ``Poison`` as ``providers.base`` tells them.
    """

    def __init__(self, model: Model, settings: Anthropic, longest_wait: float) -> None:
        self._name, self._settings, self._longest_wait = model, settings, longest_wait
        self._pace = Pace(settings.requests_per_minute)
        self._made: Any = None
        self._lock = threading.Lock()

    def model(self) -> Json:
        """What the service knows of the model. A free call."""
        name = self._name.name
        return self._known(lambda: self._client.models.with_raw_response.retrieve(name))

    def message(self, params: Json, before: Callable[[], None]) -> Json:
        """One message, asked for until it comes. ``before`` is called before each try."""

        def ask() -> Json:
            before()
            return _parsed(self._client.messages.with_raw_response.create(**params))

        return self._patiently(ask)

    def hand_in(self, requests: Sequence[Json]) -> str:
        """Submit a batch, and return its id. Tried again only where it is certain that it was not taken.

        Raises:
            Unclear: it may have been taken, or not.
        """

        def submit() -> str:
            try:
                raw = self._batches.with_raw_response.create(requests=requests)
                return str(_parsed(raw)["id"])
            except (KeyError, Poison):
                raise Unclear from None

        return self._patiently(submit, unclear=True)

    def batch(self, batch_id: str) -> Json | None:
        """A batch's record; None where the service has none of that id, or no longer its results."""
        record = self._known(lambda: self._batches.with_raw_response.retrieve(batch_id), gone=(400, 404))
        if not record or (record.get("processing_status") == "ended" and not record.get("results_url")):
            return None
        return record

    def batches(self) -> Iterator[Json]:
        """Records of all batches, the newest first."""
        after: Json = {}
        while True:
            list_page = partial(self._batches.with_raw_response.list, limit=_PAGE, **after)
            page = self._known(list_page)
            yield from page.get("data") or []
            if not page.get("has_more") or not page.get("last_id"):
                return
            after = {"after_id": page["last_id"]}

    def results(self, batch_id: str, read: Callable[[Iterator[Json]], R]) -> R:
        """What ``read`` makes of a batch's results, which come in no order, one after the other.

        Where the connection breaks, ``read`` begins anew. A line that is no JSON object is left out.
        """

        def stream() -> R:
            with self._batches.with_streaming_response.results(batch_id) as response:
                return read(_lines(response.iter_bytes()))

        return self._patiently(stream)

    def _known(self, ask: Callable[[], Any], gone: tuple[int, ...] = ()) -> Json:
        """A record of the service's, nothing of which is made for us: what is no JSON will pass. Empty where
        the status is one of ``gone``."""

        def call() -> Json:
            try:
                return _parsed(ask())
            except Poison as error:
                raise TryAgain(str(error)) from None
            except _library().APIStatusError as error:
                if error.status_code in gone:
                    return {}
                raise

        try:
            return self._patiently(call)
        except Poison as error:
            raise Fatal(f"{error}, which holds nothing of an item.") from None

    def _patiently(self, call: Callable[[], R], unclear: bool = False) -> R:
        import httpx2

        anthropic = _library()

        def once() -> R:
            try:
                return call()
            except anthropic.APIStatusError as error:
                if unclear and passes(error.status_code) and error.status_code not in _NOT_TAKEN:
                    raise Unclear from None
                # Without its cause: that holds the request, and its words may hold the key or an item.
                raise self._reason(error.status_code, error.response.headers, error.api_message) from None
            except (anthropic.AnthropicError, httpx2.HTTPError, json.JSONDecodeError):
                if unclear:
                    raise Unclear from None
                raise TryAgain("no answer in time, or the connection broke") from None

        return patiently(once, self._name.full_name, self._pace, self._longest_wait)

    @property
    def _batches(self) -> Any:
        return self._client.messages.batches

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                anthropic = _library()
                # It writes whole requests, and so what people saved, where a log takes everything.
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
            raise Fatal(f"There is no key for {self._name.full_name}. {_SET_KEY}")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise Fatal(f"The key for {self._name.full_name} holds characters that no key has. {_SET_KEY}")
        return key

    def _reason(self, status: int, headers: Mapping[str, str], said: str | None) -> ProviderError:
        name = self._name.full_name
        match status:
            case 401:
                return Fatal(f"Anthropic does not accept the key for {name}. {_SET_KEY}")
            case 403:
                return Fatal(f"The key may not be used for {name} (403): see its workspace on the console.")
            case 402:
                return _no_credit(name)
            case 400 if "credit balance" in (said or ""):
                return _no_credit(name)
            case 404:
                return Fatal(
                    f"Anthropic does not know the model {self._name.name}, or not for this key. Set "
                    "`annotator` in qualia.toml to another one; `anthropic.url` is where it is asked."
                )
            case 400 | 413 | 422:
                return Poison(f"{name} could not use the request ({status})")
            case _ if passes(status):
                return TryAgain(f"it answered with status {status}", retry_after(headers.get("retry-after")))
            case _:
                return Fatal(
                    f"{name} cannot be asked at {self._settings.url}: it answered with status {status}. "
                    "`anthropic.url` in qualia.toml is where Anthropic is."
                )


def _library() -> Any:
    """Anthropic's own client, which is loaded only where it is used."""
    try:
        import anthropic
    except ImportError:
        raise Fatal("Claude needs Anthropic's client: `pip install 'anthropic>=2.12,<3'`.") from None
    return anthropic


def read_message(message: Any) -> tuple[Annotation, Usage]:
    """What a message comes to, and the tokens that it took, those of a cache too."""
    if not isinstance(message, dict):
        return Annotation("failed", error="the answer is no message"), Usage()
    content = message.get("content")
    blocks = [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []
    text = "".join(str(b.get("text", "")) for b in blocks if b.get("type") == "text")
    details = message.get("stop_details")
    category = details.get("category") if isinstance(details, dict) else None
    found = annotation_of(_word(message.get("stop_reason")), text, _word(category))
    used = message.get("usage")
    counted = used if isinstance(used, dict) else {}
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    tokens = sum(_number(counted.get(name)) for name in names)
    return found, Usage(1, 1, tokens, _number(counted.get("output_tokens")))


def read_result(result: Any) -> tuple[Annotation, Usage]:
    """What became of one request of a batch; only one that succeeded is paid for."""
    kind = result.get("type") if isinstance(result, dict) else None
    if kind == "succeeded":
        return read_message(result.get("message"))
    if kind == "errored":
        error = result.get("error")
        inner = error.get("error") if isinstance(error, dict) else None
        why = _word(inner.get("type")) if isinstance(inner, dict) else None
        return Annotation("failed", error=f"an error of the service ({why or 'unknown'})"), Usage()
    what = {"canceled": "it was canceled", "expired": "it expired before it was its turn"}
    return Annotation("failed", error=what.get(str(kind), "no result came")), Usage()


def _no_credit(name: str) -> Fatal:
    return Fatal(f"There is no credit left for {name}: add some on Anthropic's console.")


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and _TYPE.fullmatch(value) else None


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _parsed(raw: Any) -> Json:
    try:
        value = json.loads(raw.http_response.content)
    except (ValueError, RecursionError):
        raise Poison("the answer is no JSON") from None
    if not isinstance(value, dict):
        raise Poison("the answer is no JSON object")
    return value


def _lines(chunks: Iterator[bytes]) -> Iterator[Json]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, map(_object, whole))
    if last := _object(rest):
        yield last


def _object(line: bytes) -> Json | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
