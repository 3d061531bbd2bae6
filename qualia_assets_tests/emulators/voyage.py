"""Embeddings over a real socket on this machine: Voyage's two endpoints as its client sends and expects them,
and below ``own_url`` a server of one's own that is compatible with OpenAI's.

Vectors depend on what is sent: texts of like words are near one another, as are pictures of like colours.
It keeps to Voyage's limits, counts usage in its own way, notes every request, and can be made unwell.
"""

import asyncio
import base64
import binascii
import hashlib
import io
import json
import math
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import uvicorn
from numpy.typing import NDArray
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEY = "pa-right-key"
MULTIMODAL = ("voyage-multimodal-3", "voyage-multimodal-3.5")
TEXT = ("voyage-3.5",)
OWN = {"nomic-embed-text": 768}
"""Models of the server of one's own, and the length of their vectors, which are not of unit length."""
DIMENSIONS = 1024
MOST_INPUTS = 1_000
MOST_TOKENS = 320_000
MOST_BYTES = 20_000_000
MOST_PIXELS = 16_000_000
CHARGED_PIXELS = (50_000, 2_000_000)
PIXELS_A_TOKEN = 560
_WORD = re.compile(r"\w+|[^\w\s]")
_DATA_URL = re.compile(r"data:(image/(?:png|jpeg|webp|gif));base64,(.*)", re.DOTALL)

Answer = dict[str, Any]
Change = Callable[[Answer], Answer | Response]
"""What a fault makes of the answer that would have been given."""


@dataclass
class Asked:
    """One request, and the status that it was answered with: None while it waits."""

    at: float
    path: str
    headers: dict[str, str] = field(repr=False)
    size: int
    body: dict[str, Any] = field(repr=False)
    status: int | None = None

    @property
    def inputs(self) -> list[str]:
        """The texts and data URLs that were sent, one an input."""
        given = self.body.get("inputs") or self.body["input"]
        given = [given] if isinstance(given, str) else given
        return [i if isinstance(i, str) else _said(i) for i in given]


@dataclass
class Fault:
    """Something that goes wrong with the next requests, ``times`` of them; None for all."""

    change: Change
    times: int | None = 1
    delay: float = 0.0


class Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers or {}


def refusal(
    status: int,
    detail: str = "It was not possible.",
    retry_after: str | None = None,
    form: str = "json",
) -> Change:
    """A fault: a status in place of the answer, as JSON or as a page."""
    headers = {"Retry-After": retry_after} if retry_after is not None else {}
    if form == "html":
        return lambda _: Response(f"<html>{detail}</html>", status, headers, media_type="text/html")
    return lambda _: JSONResponse({"detail": detail}, status, headers)


def cut(answer: Answer) -> Response:
    """A fault: the connection ends in the middle of the answer."""
    whole = json.dumps(answer).encode()
    return Response(whole[: len(whole) // 2], 200, {"Content-Length": str(len(whole))}, "application/json")


def malformed(answer: Answer) -> Response:
    """A fault: half of an answer that says it is a whole one."""
    whole = json.dumps(answer)
    return Response(whole[: len(whole) // 2], 200, media_type="application/json")


def of_vector(place: int | None, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Change:
    """A fault: one vector, or with None all of them, other than it should be."""

    def changed(answer: Answer) -> Answer:
        for row in answer["data"]:
            if place in (None, row["index"]):
                is_text = isinstance(row["embedding"], str)
                vector = change(_decoded(row["embedding"]))
                row["embedding"] = _encoded(vector) if is_text else [float(x) for x in vector]
        return answer

    return changed


class EmbeddingServer:
    """The server. Use it as a context; ``url`` is Voyage's base URL, ``own_url`` that of one's own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.recover()

    def recover(self) -> None:
        """Be well again, and as if nothing had been asked."""
        self.key: str | None = KEY
        """The one key that is let in; None lets everybody in, as a server of one's own does anyhow."""
        self.latency = 0.0
        """Seconds that every answer takes."""
        self.per_second: float | None = None
        """Requests that are let in a second, evenly spread, after a first ``burst``; the others are 429s."""
        self.burst = 1
        self.refuses: Callable[[str], bool] = lambda _: False
        """Texts and data URLs that make a whole request a 400."""
        self.faults: deque[Fault] = deque()
        self.asked: list[Asked] = []
        self._free_at = 0.0

    def fail(self, change: Change, times: int | None = 1, delay: float = 0.0) -> None:
        """The next ``times`` requests go wrong in this way; after those that were told before."""
        self.faults.append(Fault(change, times, delay))

    def stall(self, seconds: float, times: int | None = 1) -> None:
        """The next requests are answered only after a while."""
        self.fail(lambda answer: answer, times, seconds)

    @property
    def inputs(self) -> list[str]:
        """All texts and data URLs that were answered, in order."""
        return [one for asked in self.asked if asked.status == 200 for one in asked.inputs]

    def __enter__(self) -> "EmbeddingServer":
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        root = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.url, self.own_url = f"{root}/v1", f"{root}/own/v1"
        app = Starlette(routes=[Route("/{path:path}", self._serve, methods=["GET", "POST"])])
        config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", http="h11")
        self._server = uvicorn.Server(config)
        self._server.force_exit = True
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(5)

    async def _serve(self, request: Request) -> Response:
        raw = await request.body()
        asked = Asked(time.monotonic(), request.url.path, dict(request.headers), len(raw), {})
        with self._lock:
            self.asked.append(asked)
        own = asked.path.startswith("/own/")
        try:
            self._let_in(asked, own)
            asked.body = json.loads(raw)
            answer = self._answer(asked, own)
        except Refused as refused:
            said = {"error": {"message": str(refused)}} if own else {"detail": str(refused)}
            response: Response = JSONResponse(said, refused.status, refused.headers)
        else:
            fault = self._fault()
            await asyncio.sleep(self.latency + (fault.delay if fault else 0))
            changed = fault.change(answer) if fault else answer
            response = changed if isinstance(changed, Response) else _json(changed)
        asked.status = response.status_code
        return response

    def _let_in(self, asked: Asked, own: bool) -> None:
        given = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self.key is not None and not own and given != self.key:
            raise Refused(401, f"Provided API key {given} is invalid.")
        if self.per_second is not None:
            gap = 1 / self.per_second
            with self._lock:
                self._free_at = max(self._free_at, asked.at - (self.burst - 1) * gap)
                wait = self._free_at - asked.at
                if wait > 0:
                    raise Refused(429, "Too many requests.", {"Retry-After": str(math.ceil(wait))})
                self._free_at += gap

    def _fault(self) -> Fault | None:
        with self._lock:
            while self.faults:
                fault = self.faults[0]
                if fault.times != 0:
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
                self.faults.popleft()
        return None

    def _answer(self, asked: Asked, own: bool) -> Answer:
        path = asked.path.removeprefix("/own")
        served: dict[tuple[bool, str], tuple[str, ...]] = {
            (False, "/v1/multimodalembeddings"): MULTIMODAL,
            (False, "/v1/embeddings"): TEXT,
            (True, "/v1/embeddings"): tuple(OWN),
        }
        if (own, path) not in served:
            raise Refused(404, "Not Found")
        model, inputs = asked.body.get("model"), asked.inputs
        if model not in served[own, path]:
            raise Refused(400, f"Model {model} is not supported.")
        if not own:
            _within_limits(asked, inputs)
        if any(self.refuses(one) for one in inputs):
            raise Refused(400, f"One of the inputs cannot be used: {inputs[0][:40]}")
        dimensions = OWN[str(model)] if own else DIMENSIONS
        vectors = [_vector(one, dimensions) * (3 if own else 1) for one in inputs]
        as_text = asked.body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "embedding": _encoded(v) if as_text else v.tolist(), "index": i}
            for i, v in enumerate(vectors)
        ]
        return {"object": "list", "data": data, "model": model, "usage": _usage(inputs, path, own)}


def tokens_of(text: str) -> int:
    """As this server counts: words and signs."""
    return len(_WORD.findall(text))


def charged_pixels(data_url: str) -> int:
    """As Voyage charges: small pictures are made larger, large ones smaller."""
    width, height = picture_in(data_url).size
    least, most = CHARGED_PIXELS
    return max(least, min(most, width * height))


def picture_in(data_url: str) -> Image.Image:
    """The picture of a data URL, which must be what it says."""
    match = _DATA_URL.fullmatch(data_url)
    if match is None:
        raise Refused(400, "An image must be a base64 data URL.")
    try:
        image = Image.open(io.BytesIO(base64.b64decode(match[2], validate=True)))
    except (OSError, binascii.Error):
        raise Refused(400, "An image cannot be read.") from None
    if image.get_format_mimetype() != match[1]:
        raise Refused(400, "An image is of another type than it says.")
    return image


def _within_limits(asked: Asked, inputs: list[str]) -> None:
    if asked.body.get("truncation") is not True or asked.body.get("input_type") is not None:
        raise Refused(400, "This server expects truncation, and no input type.")
    if not 0 < len(inputs) <= MOST_INPUTS:
        raise Refused(400, f"The number of inputs must be between 1 and {MOST_INPUTS}.")
    if asked.size > MOST_BYTES:
        raise Refused(413, "The request is too large.")
    if any(not one.strip() for one in inputs):
        raise Refused(400, "Input cannot contain empty strings or empty lists.")
    pictures = [picture_in(one) for one in inputs if one.startswith("data:")]
    if any(p.width * p.height > MOST_PIXELS for p in pictures):
        raise Refused(400, f"An image has more than {MOST_PIXELS} pixels.")
    total = _usage(inputs, asked.path, False)["total_tokens"]
    if total > MOST_TOKENS:
        raise Refused(400, f"The batch has {total} tokens, at most {MOST_TOKENS} are allowed.")


def _usage(inputs: list[str], path: str, own: bool) -> dict[str, int]:
    texts = sum(tokens_of(one) for one in inputs if not one.startswith("data:"))
    if own:
        return {"prompt_tokens": texts, "total_tokens": texts}
    if path == "/v1/embeddings":
        return {"total_tokens": texts}
    pixels = [charged_pixels(one) for one in inputs if one.startswith("data:")]
    total = texts + sum(p // PIXELS_A_TOKEN for p in pixels)
    return {"text_tokens": texts, "image_pixels": sum(pixels), "video_pixels": 0, "total_tokens": total}


def _said(given: dict[str, Any]) -> str:
    match given:
        case {"content": [{"type": "text", "text": str(text)}]}:
            return text
        case {"content": [{"type": "image_base64", "image_base64": str(data)}]}:
            return data
    raise Refused(400, "An input is neither a text nor a picture.")


def _json(answer: Answer) -> Response:
    # NaN as Python writes it: no JSON, but sent by servers that are written in Python.
    return Response(json.dumps(answer), media_type="application/json")


def _vector(one: str, dimensions: int) -> NDArray[np.float32]:
    if one.startswith("data:"):
        small = picture_in(one).convert("RGB").resize((4, 4), Image.Resampling.BOX)
        seen = np.asarray(small, dtype=np.float32).ravel() / 255 - 0.5
        vector = seen @ np.stack([_direction(f"pixel {i}", dimensions) for i in range(seen.size)])
    else:
        vector = np.sum([_direction(word.lower(), dimensions) for word in _WORD.findall(one)], axis=0)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


@lru_cache(maxsize=50_000)
def _direction(word: str, dimensions: int) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
    return np.random.default_rng(seed).standard_normal(dimensions, dtype=np.float32)


def _encoded(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _decoded(given: str | list[float]) -> NDArray[np.float32]:
    if isinstance(given, str):
        return np.frombuffer(base64.b64decode(given), dtype="<f4")
    return np.asarray(given, dtype=np.float32)
