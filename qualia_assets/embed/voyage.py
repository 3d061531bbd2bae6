"""Texts and pictures in one space by Voyage's multimodal models, over the network.

The client of Voyage makes the request, and nothing more of it is used: its own ``multimodal_embed`` drops the
numbers that say which vector is whose, its retries ignore Retry-After, its tokenizer and its usage counters
fetch from a model hub.
"""

import base64
import io
import json
import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from qualia_assets.embed.base import Content, Kind
from qualia_assets.embed.response import vectors_of
from qualia_assets.lake.blobs import FORMATS, load_rgb
from qualia_assets.method.neighbours import Floats
from qualia_assets.net.gate import retry_after
from qualia_assets.providers.base import FatalError, ProviderError, RejectedInput, TransientError
from qualia_assets.providers.budget import Account
from qualia_assets.providers.catalogue import Model, estimated_tokens, image_tokens
from qualia_assets.providers.pace import RateLimiter, is_transient, with_retries
from qualia_assets.settings import Voyage
from qualia_assets.state.usage import Usage

PREPROCESSING = "1"
"""Of what is sent for a content; another one makes other vectors, and so another version."""
CHARGED_PIXELS = (50_000, 2_000_000)
"""What Voyage itself makes of a picture before it looks at it, and charges: it enlarges to the first and
shrinks to the second. A larger one is therefore made smaller here, and nothing is lost but the bytes."""
JPEG_QUALITY = 90
CHARACTERS_PER_TOKEN = 4
"""Of a text, so many characters for each token of the model's context are sent; Voyage cuts off the rest."""
_AS_THEY_ARE = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_ORIENTATION = 0x0112
_BYTES_PER_PIXEL = 0.6
"""Of a picture that is encoded anew: more than nearly all of them take."""
_ENVELOPE = 100
"""Bytes around an input in the request's JSON, at most."""
_SET_KEY = "Set QUALIA_VOYAGE__API_KEY, or `api_key` in [voyage] of qualia.toml, to a key of Voyage's."
_UNKNOWN = re.compile(r"Model \S+ is not supported")


class VoyageEmbedder:
    """A multimodal model of Voyage.

    Args:
        model: of the catalogue.
        settings: key, address, pace, timeout in seconds.
        longest_wait: seconds that a request is tried again for.
        account: pays for the calls.
    """

    def __init__(self, model: Model, settings: Voyage, longest_wait: float, account: Account) -> None:
        self._model, self._settings, self._account = model, settings, account
        self._longest_wait = longest_wait
        self._pace = RateLimiter(settings.requests_per_minute)
        self.name = model.full_name
        self.dimensions = model.dimensions
        self.concurrency = settings.concurrency

    def version(self, kind: Kind) -> str:
        """Voyage tells no revision of its weights: a model's name is all that there is of one."""
        return f"{self.name}|{kind}-{PREPROCESSING}|input_type=None|{self.dimensions}d|unit"

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        """Requests filled up to the inputs, tokens and bytes that the model allows; no picture is decoded."""
        batch: list[Content] = []
        tokens = size = 0
        for content in contents:
            weight = self._weight(content)
            full = (
                len(batch) == self._model.inputs_per_request
                or tokens + weight.tokens > self._model.tokens_per_request
                or size + weight.bytes > self._model.bytes_per_request
            )
            if batch and full:
                yield batch
                batch, tokens, size = [], 0, 0
            batch.append(content)
            tokens, size = tokens + weight.tokens, size + weight.bytes
        if batch:
            yield batch

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        """One request. None for an empty text, a picture that cannot be read, a vector that cannot be used.

        Raises:
            Deferred, BudgetSpent: ask later; nothing was asked.
            RejectedInput, FatalError: see ``providers.base``.
        """
        given = [self._input(content) for content in batch]
        inputs = [one for one in given if one is not None]
        if not inputs:
            return [None] * len(batch)
        if len(inputs) > 1 and sum(one.weight.bytes for one in inputs) > self._model.bytes_per_request:
            raise RejectedInput(f"A request to {self.name} would be larger than it may be.")
        vectors = iter(with_retries(lambda: self._asked(inputs), self.name, self._pace, self._longest_wait))
        return [next(vectors) if one is not None else None for one in given]

    def check(self) -> str:
        """Embed one word, which costs less than a millionth of a dollar, and say that it went well.

        Raises:
            ProviderError: why it did not, in one line.
            BudgetSpent: nothing at all may be spent.
        """
        word = "hello"
        try:
            self._asked([_Input({"type": "text", "text": word}, _Weight(estimated_tokens(word)))])
        except TransientError as error:
            raise ProviderError(f"{self.name} cannot be asked just now: {error}.") from None
        return f"{self.name} answers, and the key is good."

    def _input(self, content: Content) -> "_Input | None":
        if content.image is not None:
            return self._picture(content.image)
        text = self._cut(content.text or "")
        if not text.strip():
            return None
        return _Input({"type": "text", "text": text}, self._weight(content))

    def _picture(self, path: Path) -> "_Input | None":
        try:
            with Image.open(path, formats=FORMATS) as image:
                width, height = image.size
                mime = _AS_THEY_ARE.get(image.format or "") if self._goes_as_it_is(image) else None
            if mime is not None:
                data = path.read_bytes()
            else:
                mime, data = "image/jpeg", self._jpeg(path, width, height)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            # What a decoder raises at a damaged file.
            return None
        encoded = base64.b64encode(data).decode()
        pixels = self._charged(width, height)
        weight = _Weight(0, image_tokens(self._model, pixels, 1), pixels, len(encoded) + _ENVELOPE)
        return _Input({"type": "image_base64", "image_base64": f"data:{mime};base64,{encoded}"}, weight)

    def _jpeg(self, path: Path, width: int, height: int) -> bytes:
        scale = min(1.0, math.sqrt(self._most_pixels / (width * height)))
        image = load_rgb(path, longest=math.floor(max(width, height) * scale))
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=JPEG_QUALITY)
        return encoded.getvalue()

    def _goes_as_it_is(self, image: Image.Image) -> bool:
        """Whether the file says the same to everybody: upright, without transparency, not moving, in RGB or
        grey, and no larger than is looked at. Its bytes are sent, and nothing is lost."""
        return (
            image.format in _AS_THEY_ARE
            and image.mode in ("RGB", "L")
            and not image.has_transparency_data
            and not getattr(image, "is_animated", False)
            and image.getexif().get(_ORIENTATION, 1) == 1
            and image.width * image.height <= self._most_pixels
        )

    @property
    def _most_pixels(self) -> int:
        return min(self._model.pixels_per_image, CHARGED_PIXELS[1])

    def _charged(self, width: int, height: int) -> int:
        return max(CHARGED_PIXELS[0], min(self._most_pixels, width * height))

    def _cut(self, text: str) -> str:
        return text[: CHARACTERS_PER_TOKEN * self._model.context_tokens]

    def _weight(self, content: Content) -> "_Weight":
        """Without decoding a picture: its bytes are guessed where it is encoded anew."""
        if content.image is not None:
            return self._weight_of_picture(content.image)
        text = self._cut(content.text or "")
        tokens = min(estimated_tokens(text), self._model.context_tokens)
        return _Weight(tokens, tokens, 0, len(json.dumps(text)) + _ENVELOPE)

    def _weight_of_picture(self, path: Path) -> "_Weight":
        try:
            with Image.open(path, formats=FORMATS) as image:
                pixels = self._charged(*image.size)
                as_it_is = self._goes_as_it_is(image)
                size = path.stat().st_size if as_it_is else int(pixels * _BYTES_PER_PIXEL)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return _Weight()
        return _Weight(0, image_tokens(self._model, pixels, 1), pixels, size * 4 // 3 + _ENVELOPE)

    def _asked(self, inputs: "Sequence[_Input]") -> list[Floats | None]:
        """One try of one request, paid for."""
        weights = [one.weight for one in inputs]
        tokens, pixels = sum(w.text_tokens for w in weights), sum(w.pixels for w in weights)
        estimate = Usage(1, len(inputs), tokens, 0, pixels)
        self._account.reserve(estimate)
        answer = self._answer([{"content": [one.content]} for one in inputs])
        self._account.settle(self._used(answer, estimate))
        return vectors_of(answer["data"], len(inputs), self.dimensions, self.name)

    def _answer(self, inputs: list[dict[str, Any]]) -> Mapping[str, Any]:
        try:
            # As a whole: while one thread loads it, its parts can be had already, and do not work yet.
            import voyageai
            from voyageai.api_resources import MultimodalEmbedding
        except ImportError:
            raise FatalError(
                f"{self.name} needs Voyage's client: `pip install 'voyageai>=0.5,<0.6'`."
            ) from None
        # It writes whole requests, and so what people saved, where a log takes everything.
        logging.getLogger("voyage").setLevel(logging.WARNING)
        try:
            answer = MultimodalEmbedding.create(  # type: ignore[no-untyped-call]
                api_key=self._key(),
                base_url=self._settings.url.rstrip("/"),
                request_timeout=self._settings.timeout,
                # The client's own default, but it would turn every number into an object of Python.
                encoding_format="base64",
                inputs=inputs,
                model=self._model.name,
                input_type=None,
                truncation=True,
            )
        except voyageai.error.VoyageError as error:
            # Without its cause: that holds the request, and what the service said may hold parts of it.
            raise self._reason(error.http_status, error.user_message, error.headers) from None
        except ValueError:
            raise RejectedInput(f"{self.name} answered with what is no text.") from None
        if not isinstance(answer, Mapping) or "data" not in answer:
            # The client takes a 529 for an answer, like each status from 500 on that it does not know.
            raise TransientError("it answered without embeddings")
        return answer

    def _used(self, answer: Mapping[str, Any], estimate: Usage) -> Usage:
        """What the answer says was used: pictures are paid for by their pixels, not by the tokens that they
        are counted as in ``total_tokens``. The estimate where it does not say."""
        match answer.get("usage"):
            case {"text_tokens": int(tokens), "image_pixels": int(pixels)} if tokens >= 0 and pixels >= 0:
                return replace(estimate, input_tokens=tokens, pixels=pixels)
        return estimate

    def _key(self) -> str:
        key = self._settings.api_key.get_secret_value().strip()
        if not key:
            raise FatalError(f"There is no key for {self.name}. {_SET_KEY}")
        if not key.isascii() or not key.isprintable() or " " in key:
            # The client would print it.
            raise FatalError(f"The key for {self.name} holds characters that no key has. {_SET_KEY}")
        return key

    def _reason(self, status: int | None, said: str | None, headers: Mapping[str, str]) -> ProviderError:
        match status:
            case None:
                return TransientError("no answer in time, or the connection broke")
            case 401 | 403:
                return FatalError(f"Voyage does not accept the key for {self.name} ({status}). {_SET_KEY}")
            case 400 if _UNKNOWN.match(said or ""):
                return FatalError(f"Voyage does not know the model {self._model.name}, or not for this key.")
            case 200 | 400 | 413 | 422:
                return RejectedInput(
                    f"{self.name} could not use a request, or answered with what is no JSON ({status})."
                )
            case _ if is_transient(status):
                return TransientError(
                    f"it answered with status {status}", retry_after(headers.get("retry-after"))
                )
            case _:
                return FatalError(
                    f"{self.name} cannot be asked at {self._settings.url}: it answered with status {status}. "
                    "`voyage.url` in qualia.toml is where Voyage is."
                )


@dataclass(frozen=True)
class _Weight:
    """What a content takes of a request's limits. Tokens of text are paid for as such, pictures by pixels."""

    text_tokens: int = 0
    tokens: int = 0
    pixels: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class _Input:
    """A content as it is sent."""

    content: dict[str, str]
    weight: _Weight
