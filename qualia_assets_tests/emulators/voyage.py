"""Embedding servers on this machine: Voyage's two endpoints as its client uses them, and below ``own_url`` a
server of the user's own that is compatible with OpenAI's.

Vectors depend on what is sent: texts of similar words are near one another, as are pictures of similar
colours. The server enforces Voyage's limits and counts usage in its own way. Faults can be injected.
"""

import asyncio
import base64
import binascii
import hashlib
import io
import json
import math
import re
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from starlette.responses import JSONResponse, Response

from qualia_assets_tests.emulators import base
from qualia_assets_tests.emulators.base import Emulator, Fault, Faults, retrying

KEY = "pa-right-key"
MULTIMODAL = ("voyage-multimodal-3", "voyage-multimodal-3.5")
TEXT = ("voyage-3.5",)
OWN = {"nomic-embed-text": 768}
"""Models of the user's own server, and the dimensions of their vectors, which are not of unit length."""
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
"""What a fault makes of a healthy answer."""


class Asked(base.Asked):
    """One request, and the status of its answer: None while there is none."""

    @property
    def size(self) -> int:
        return len(self.raw)

    @property
    def inputs(self) -> list[str]:
        """The texts and data URLs that were sent, one an input."""
        sent = self.body.get("inputs") or self.body["input"]
        sent = [sent] if isinstance(sent, str) else sent
        return [i if isinstance(i, str) else _input(i) for i in sent]


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
    headers = retrying(retry_after)
    if form == "html":
        return lambda _: Response(f"<html>{detail}</html>", status, headers, media_type="text/html")
    return lambda _: JSONResponse({"detail": detail}, status, headers)


def cut(answer: Answer) -> Response:
    """A fault: the connection ends in the middle of the answer."""
    return base.cut(json.dumps(answer).encode())


def malformed(answer: Answer) -> Response:
    """A fault: half of an answer with the headers of a complete one."""
    text = json.dumps(answer)
    return Response(text[: len(text) // 2], 200, media_type="application/json")


def of_vector(place: int | None, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Change:
    """A fault: the vector at ``place``, or with None all of them, are changed."""

    def changed(answer: Answer) -> Answer:
        for row in answer["data"]:
            if place in (None, row["index"]):
                is_text = isinstance(row["embedding"], str)
                vector = change(_decoded(row["embedding"]))
                row["embedding"] = _encoded(vector) if is_text else [float(x) for x in vector]
        return answer

    return changed


class EmbeddingServer(Emulator):
    """Both servers: ``url`` is Voyage's base URL, ``own_url`` that of the user's own."""

    asked_as = Asked

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.recover()

    def recover(self) -> None:
        """Be healthy again, as if nothing had been requested."""
        self.key: str | None = KEY
        """The one key that is accepted; None accepts all, as the user's own server always does."""
        self.latency = 0.0
        """Seconds that every answer takes."""
        self.per_second: float | None = None
        """Requests accepted a second, evenly spread, after a first ``burst``; the others are 429s."""
        self.burst = 1
        self.refuses: Callable[[str], bool] = lambda _: False
        """Texts and data URLs that make a request a 400."""
        self.faults: Faults[tuple[Change, float]] = Faults()
        self.asked: list[Asked] = []
        self._free_at = 0.0

    def fail(self, change: Change, times: int | None = 1, delay: float = 0.0) -> None:
        """Make the next ``times`` requests, those that other faults are waiting for apart, go wrong."""
        self.faults.append(Fault((change, delay), times))

    def stall(self, seconds: float, times: int | None = 1) -> None:
        """Answer the next requests only after a while."""
        self.fail(lambda answer: answer, times, seconds)

    @property
    def inputs(self) -> list[str]:
        """All inputs that were answered, in order."""
        return [one for asked in self.asked if asked.status == 200 for one in asked.inputs]

    def __enter__(self) -> Self:
        super().__enter__()
        self.url, self.own_url = f"{self.url}/v1", f"{self.url}/own/v1"
        return self

    async def respond(self, asked: base.Asked) -> Response:
        assert isinstance(asked, Asked)
        with self._lock:
            self.asked.append(asked)
        own = asked.path.startswith("/own/")
        try:
            self._let_in(asked, own)
            answer = self._answer(asked, own)
        except Refused as refused:
            detail = {"error": {"message": str(refused)}} if own else {"detail": str(refused)}
            return JSONResponse(detail, refused.status, refused.headers)
        with self._lock:
            change, delay = self.faults.take(asked) or (lambda answer: answer, 0.0)
        await asyncio.sleep(self.latency + delay)
        changed = change(answer)
        return changed if isinstance(changed, Response) else _json(changed)

    def _let_in(self, asked: Asked, own: bool) -> None:
        if self.key is not None and not own and asked.bearer != self.key:
            raise Refused(401, f"Provided API key {asked.bearer} is invalid.")
        if self.per_second is not None:
            gap = 1 / self.per_second
            with self._lock:
                self._free_at = max(self._free_at, asked.at - (self.burst - 1) * gap)
                wait = self._free_at - asked.at
                if wait > 0:
                    raise Refused(429, "Too many requests.", retrying(str(math.ceil(wait))))
                self._free_at += gap

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
    """As this server counts: words and punctuation marks."""
    return len(_WORD.findall(text))


def charged_pixels(data_url: str) -> int:
    """As Voyage charges: bounded below and above."""
    width, height = picture_in(data_url).size
    least, most = CHARGED_PIXELS
    return max(least, min(most, width * height))


def picture_in(data_url: str) -> Image.Image:
    """The picture in a data URL, whose media type must be right."""
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


def _input(sent: dict[str, Any]) -> str:
    match sent:
        case {"content": [{"type": "text", "text": str(text)}]}:
            return text
        case {"content": [{"type": "image_base64", "image_base64": str(data)}]}:
            return data
    raise Refused(400, "An input is neither a text nor a picture.")


def _json(answer: Answer) -> Response:
    # NaN as Python writes it is not JSON, but servers written in Python send it.
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


def _decoded(sent: str | list[float]) -> NDArray[np.float32]:
    if isinstance(sent, str):
        return np.frombuffer(base64.b64decode(sent), dtype="<f4")
    return np.asarray(sent, dtype=np.float32)
