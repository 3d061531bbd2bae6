"""Anthropic's API on this machine: messages, batches of them and the list of models.

It enforces what the service documents: what it refuses, how it counts, and that the results of a batch come
in no order. Tests set ``say``, which makes a message from the request, and inject faults.
"""

import asyncio
import base64
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from PIL import Image
from starlette.responses import JSONResponse, Response

from qualia_assets_tests.emulators import base
from qualia_assets_tests.emulators.base import Asked, Json, Worlds

KEY = "sk-ant-right-key"
MODEL = "claude-haiku-5-5"
MOST_REQUESTS, MOST_BYTES = 100_000, 256_000_000
MOST_REQUEST_BYTES = 32_000_000
MOST_IMAGE_BYTES, MOST_IMAGE_PIXELS = 5_000_000, 8_000
FIELDS = ("summary", "aesthetic", "themes", "mood", "lifestyle", "moment")
_CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KNOWN = re.compile(
    "model|max_tokens|messages|system|metadata|output_config|thinking|stop_sequences|stream|tools|tool_choice"
    "|service_tier"
)
_NOT_IN_SCHEMAS = re.compile(
    "minLength|maxLength|minimum|maximum|multipleOf|maxItems|uniqueItems|patternProperties"
)


def annotation(**changes: Any) -> Json:
    """The six fields as a model that follows its instructions returns them."""
    return {
        "summary": "A quiet essay about the sea. It follows a harbour through one winter.",
        "aesthetic": "Weathered and austere",
        "themes": ["solitude", "craft", "memory"],
        "mood": "wistful",
        "lifestyle": "A slow life close to the water.",
        "moment": "The turn away from the city.",
        **changes,
    }


def said(text: str | Json, stop_reason: str = "end_turn", **changes: Any) -> Json:
    """A message as the service sends it: a block of thinking, then one of text."""
    body = text if isinstance(text, str) else json.dumps(text)
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [
            # No block of this type has a text today; it has one here, as only the type should count.
            {"type": "thinking", "thinking": "hm", "text": "not to be read", "signature": "s"},
            {"type": "text", "text": body},
        ],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 100,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 3,
            "output_tokens": 50,
        },
        **changes,
    }


def words_of(params: Json) -> str:
    """The text blocks of a request's only message."""
    content = params["messages"][0]["content"]
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if block["type"] == "text")


@dataclass
class Fault:
    """What comes in place of an answer: a status, or with ``how`` something worse.

    ``cut``: half of a body. ``cut_after``: the request is carried out, and then half of a body comes.
    ``broken``: a body that is not JSON. ``slow``: nothing for ``seconds``, and then the answer. ``held``: the
    request is carried out, and the answer comes after ``seconds``.
    """

    status: int = 200
    how: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 5.0
    type: str = "api_error"
    message: str = "unwell"


@dataclass
class Batch:
    """A submitted batch, and once it has ended the result of each request."""

    id: str
    requests: list[Json]
    created_at: datetime
    results: list[Json | str] | None = None
    archived: bool = False

    def record(self, url: str) -> Json:
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        if self.results is None:
            counts["processing"] = len(self.requests)
        for line in self.results or []:
            # Tests put lines among the results that are not JSON.
            if isinstance(line, dict) and "result" in line:
                counts[line["result"]["type"]] += 1
        ended = self.results is not None
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts,
            "created_at": self.created_at.isoformat(),
            "expires_at": (self.created_at + timedelta(hours=24)).isoformat(),
            "ended_at": self.created_at.isoformat() if ended else None,
            "archived_at": self.created_at.isoformat() if self.archived else None,
            "cancel_initiated_at": None,
            "results_url": f"{url}/v1/messages/batches/{self.id}/results"
            if ended and not self.archived
            else None,
        }


@dataclass
class World:
    """What the service knows, and how it behaves."""

    url: str = ""
    keys: set[str] = field(default_factory=lambda: {KEY})
    models: set[str] = field(default_factory=lambda: {MODEL, "claude-opus-4-5", "claude-haiku-4-5"})
    thinking: set[str] = field(default_factory=lambda: {"adaptive", "disabled", "enabled"})
    """The values of ``thinking.type`` that the models accept."""
    efforts: set[str] = field(default_factory=lambda: {"low", "medium", "high"})
    say: Callable[[Json], Json] = lambda params: said(annotation())
    """The message that answers a request's parameters."""
    faults: base.Faults[Fault] = field(default_factory=base.Faults)
    always: dict[str, Fault] = field(default_factory=dict)
    """By method and path: what comes where no other fault is left."""
    slow: float = 0.0
    """Seconds before each message."""
    batches: dict[str, Batch] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    def unwell(self, what: str, *faults: Fault) -> None:
        """Answer the next requests of a method and path, such as ``POST /v1/messages``, with faults."""
        self.faults += [base.Fault(f, matches=lambda asked: _what(asked) == what) for f in faults]

    def asked(self, what: str) -> list[Asked]:
        """The requests of a method and a path."""
        return [a for a in self.log if _what(a) == what]

    def messages(self) -> list[Json]:
        """The parameters of all messages that were requested one by one."""
        return [a.body for a in self.asked("POST /v1/messages")]

    def end(self, batch: Batch | None = None, fate: Callable[[int, Json], str] | None = None) -> None:
        """End a batch, or all of them.

        Args:
            batch: None for all that are in progress.
            fate: the result of a request from its index and parameters: ``succeeded`` (as without it),
                ``errored``, ``canceled`` or ``expired``. What the service refuses is ``errored`` anyhow.
        """
        for one in [batch] if batch else [b for b in self.batches.values() if b.results is None]:
            lines: list[Json | str] = []
            for place, request in enumerate(one.requests):
                kind = fate(place, request["params"]) if fate else "succeeded"
                wrong = self._wrong(request["params"])
                if kind == "errored" or wrong:
                    error = wrong or (500, "api_error", "something went wrong")
                    result: Json = {"type": "errored", "error": _error_body(*error[1:])}
                elif kind == "succeeded":
                    result = {"type": "succeeded", "message": self.say(request["params"])}
                else:
                    result = {"type": kind}
                lines.append({"custom_id": request["custom_id"], "result": result})
            random.Random(len(lines)).shuffle(lines)
            one.results = lines

    async def respond(self, asked: Asked) -> Response:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self._respond(asked)
        finally:
            self.under_way -= 1

    async def _respond(self, asked: Asked) -> Response:
        self.log.append(asked)
        fault = self.faults.take(asked) or self.always.get(_what(asked)) or Fault()
        if fault.status != 200:
            return _error(fault.status, fault.type, fault.message, fault.headers)
        if fault.how == "slow":
            await asyncio.sleep(fault.seconds)
        if self.slow and _what(asked) == "POST /v1/messages":
            await asyncio.sleep(self.slow)
        if fault.how in ("cut", "broken"):
            begun = b'{"id": "msg_01", "content": ['
            return base.cut(begun) if fault.how == "cut" else Response(begun, media_type="application/json")
        answer = self.answer(asked)
        if fault.how == "held":
            await asyncio.sleep(fault.seconds)
        return base.cut(bytes(answer.body)) if fault.how == "cut_after" else answer

    def answer(self, asked: Asked) -> Response:
        """What a healthy service answers."""
        # The client sends the key as a bearer's token, older ones in a header of its own.
        key = asked.headers.get("x-api-key") or asked.bearer or None
        body = asked.raw
        if key not in self.keys:
            return _error(401, "authentication_error", f"invalid x-api-key {key}")
        match [asked.method, *asked.path.strip("/").split("/")[1:]]:
            case ["GET", "models"]:
                data = [self._model(name) for name in sorted(self.models)]
                return JSONResponse({"data": data, "has_more": False, "first_id": None, "last_id": None})
            case ["GET", "models", name]:
                if name not in self.models:
                    return _error(404, "not_found_error", f"model: {name}")
                return JSONResponse(self._model(name))
            case ["POST", "messages"]:
                return self._message(body)
            case ["POST", "messages", "batches"]:
                return self._submit(body)
            case ["GET", "messages", "batches"]:
                return self._list(dict(parse_qsl(asked.query)))
            case ["GET", "messages", "batches", batch_id, *rest]:
                batch = self.batches.get(batch_id)
                if batch is None or (rest and batch.results is None):
                    return _error(404, "not_found_error", f"batch {batch_id}")
                if not rest:
                    return JSONResponse(batch.record(self.url))
                lines = "".join(
                    (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n"
                    for line in batch.results or []
                )
                return Response(lines.encode(), media_type="application/x-jsonl")
        return _error(404, "not_found_error", "no such path")

    def _message(self, body: bytes) -> Response:
        if len(body) > MOST_REQUEST_BYTES:
            return _error(413, "request_too_large", "too large")
        params = json.loads(body)
        wrong = self._wrong(params)
        return _error(*wrong) if wrong else JSONResponse(self.say(params))

    def _submit(self, body: bytes) -> Response:
        if len(body) > MOST_BYTES:
            return _error(413, "request_too_large", "too large")
        requests = json.loads(body)["requests"]
        ids = [request["custom_id"] for request in requests]
        if not 0 < len(requests) <= MOST_REQUESTS:
            return _error(400, "invalid_request_error", "requests: wrong number")
        if not all(_CUSTOM_ID.fullmatch(i) for i in ids) or len(set(ids)) < len(ids):
            return _error(400, "invalid_request_error", "custom_id: wrong or twice")
        if any(set(request) != {"custom_id", "params"} for request in requests):
            return _error(400, "invalid_request_error", "requests: extra inputs are not permitted")
        batch = Batch(f"msgbatch_{len(self.batches):04}", requests, datetime.now(UTC))
        self.batches[batch.id] = batch
        return JSONResponse(batch.record(self.url))

    def _list(self, query: Json) -> Response:
        newest = list(reversed(self.batches.values()))
        ids = [b.id for b in newest]
        start = ids.index(query["after_id"]) + 1 if "after_id" in query else 0
        page = newest[start : start + int(query.get("limit", 20))]
        return JSONResponse(
            {
                "data": [b.record(self.url) for b in page],
                "has_more": start + len(page) < len(newest),
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
            }
        )

    def _model(self, name: str) -> Json:
        def can(known: set[str], *names: str) -> Json:
            return {n: {"supported": n in known} for n in names}

        thinking = can(self.thinking, "adaptive", "between_tools", "disabled", "enabled")
        return {
            "id": name,
            "type": "model",
            "display_name": name,
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": 200_000,
            "max_tokens": 64_000,
            "capabilities": {
                "batch": {"supported": True},
                "image_input": {"supported": True},
                "structured_outputs": {"supported": True},
                "thinking": {"supported": True, "types": thinking},
                "effort": {
                    "supported": bool(self.efforts),
                    **can(self.efforts, "low", "medium", "high", "xhigh", "max"),
                },
            },
        }

    def _wrong(self, params: Json) -> tuple[int, str, str] | None:
        """Why a request is refused, None where it is not."""
        bad = "invalid_request_error"
        for name in ("temperature", "top_p", "top_k"):
            if name in params:
                return 400, bad, f"`{name}` is deprecated for this model."
        for name in sorted(params):
            if not _KNOWN.fullmatch(name):
                return 400, bad, f"{name}: Extra inputs are not permitted"
        if params.get("model") not in self.models:
            return 404, "not_found_error", f"model: {params.get('model')}"
        if not isinstance(params.get("max_tokens"), int) or not params.get("messages"):
            return 400, bad, "max_tokens, messages: Field required"
        if params["messages"][-1]["role"] != "user":
            return 400, bad, "This model does not support assistant message prefill."
        if params.get("thinking", {}).get("type", "disabled") not in self.thinking and "thinking" in params:
            return 400, bad, "thinking.type: not supported for this model"
        config = params.get("output_config", {})
        if set(config) - {"effort", "format"} or config.get("effort", "low") not in (
            self.efforts if "effort" in config else {"low"}
        ):
            return 400, bad, "output_config: not supported"
        kind = config.get("format", {"type": "json_schema", "schema": {}})
        if set(kind) != {"type", "schema"} or kind["type"] != "json_schema":
            return 400, bad, "output_config.format: Input should be json_schema with a schema"
        wrong = _schema_wrong(kind["schema"])
        if wrong:
            return 400, bad, f"output_config.format.schema: {wrong}"
        for message in params["messages"]:
            for block in message["content"] if isinstance(message["content"], list) else []:
                wrong = _block_wrong(block)
                if wrong:
                    return 400, bad, f"messages.0.content: {wrong}"
        return None


def _schema_wrong(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "not a schema"
    unknown = sorted(filter(_NOT_IN_SCHEMAS.fullmatch, schema))
    if unknown or schema.get("minItems", 0) > 1:
        return f"{unknown or 'minItems'} is not supported"
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return "additionalProperties must be explicitly set to false"
    parts = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return next(filter(None, map(_schema_wrong, parts)), "")


def _block_wrong(block: Json) -> str:
    if block["type"] == "text":
        return "" if block["text"].strip() else "text content blocks must be non-empty"
    source = block["source"]
    try:
        data = base64.b64decode(source["data"], validate=True)
        with Image.open(BytesIO(data)) as image:
            mime, size = Image.MIME[image.format or ""], image.size
    except (ValueError, OSError):
        return "image: could not be read"
    if len(source["data"]) > MOST_IMAGE_BYTES or max(size) > MOST_IMAGE_PIXELS:
        return "image: too large"
    return "" if mime == source["media_type"] else "image: other media type"


def _error_body(kind: str, message: str) -> Json:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_01"}


def _error(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(_error_body(kind, message), status, headers)


def _what(asked: Asked) -> str:
    return f"{asked.method} {asked.path}"


class Server(Worlds[World]):
    """The service at an address of its own."""

    def __init__(self) -> None:
        super().__init__(World)


serving = Server
