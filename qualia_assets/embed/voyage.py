"""Texts and pictures in one space by Voyage's multimodal models, over the network.

Only the request itself is made by Voyage's client: its ``multimodal_embed`` drops the indices of vectors, its
retries ignore Retry-After, and its tokenizer and usage counters download from a model hub.
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
from qualia_assets.embed.response import parse_embeddings
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
"""Version of how contents are prepared, which vectors depend on."""
CHARGED_PIXELS = (50_000, 2_000_000)
"""Bounds to which Voyage scales a picture before it embeds and charges it, so that scaling larger ones down
here loses nothing."""
JPEG_QUALITY = 90
CHARACTERS_PER_TOKEN = 4
"""Characters sent per token of the model's context; Voyage truncates the rest."""
_UNCHANGED = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_ORIENTATION = 0x0112
_BYTES_PER_PIXEL = 0.6
"""Estimate for a re-encoded picture, which few exceed."""
_ENVELOPE = 100
"""Upper bound of an input's JSON overhead, in bytes."""
_SET_KEY = "Set QUALIA_VOYAGE__API_KEY, or `api_key` in [voyage] of qualia.toml, to your key."
_UNKNOWN = re.compile(r"Model \S+ is not supported")


class VoyageEmbedder:
    """A multimodal model of Voyage.

    Args:
        model: an entry of the catalogue.
        settings: key, address, pace, timeout in seconds.
        longest_wait: seconds for which a request is retried.
        account: pays for requests.
    """

    def __init__(self, model: Model, settings: Voyage, longest_wait: float, account: Account) -> None:
        self._model, self._settings, self._account = model, settings, account
        self._longest_wait = longest_wait
        self._pace = RateLimiter(settings.requests_per_minute)
        self.name = model.full_name
        self.dimensions = model.dimensions
        self.concurrency = settings.concurrency

    def version(self, kind: Kind) -> str:
        """Voyage publishes no revision of its weights, so the model's name stands for it."""
        return f"{self.name}|{kind}-{PREPROCESSING}|input_type=None|{self.dimensions}d|unit"

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        """Fill requests up to the model's limits of inputs, tokens and bytes, without decoding pictures."""
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
        """Embed a batch by one request; None for an empty text, an unreadable picture or an unusable vector.

        Raises:
            Deferred, BudgetSpent: try later; nothing was embedded.
            RejectedInput, FatalError: see ``providers.base``.
        """
        prepared = [self._input(content) for content in batch]
        inputs = [one for one in prepared if one is not None]
        if not inputs:
            return [None] * len(batch)
        if len(inputs) > 1 and sum(one.weight.bytes for one in inputs) > self._model.bytes_per_request:
            raise RejectedInput(f"A request to {self.name} would exceed its limit of bytes.")
        vectors = iter(with_retries(lambda: self._request(inputs), self.name, self._pace, self._longest_wait))
        return [next(vectors) if one is not None else None for one in prepared]

    def check(self) -> str:
        """Embed one word, for less than a millionth of a dollar, and report success.

        Raises:
            ProviderError: why it failed, in one line.
            BudgetSpent: the budget is zero.
        """
        word = "hello"
        try:
            self._request([_Input({"type": "text", "text": word}, _Weight(estimated_tokens(word)))])
        except TransientError as error:
            raise ProviderError(f"{self.name} is not available just now: {error}.") from None
        return f"{self.name} answers, and the key is valid."

    def _input(self, content: Content) -> "_Input | None":
        if content.image is not None:
            return self._picture(content.image)
        text = self._truncated(content.text or "")
        if not text.strip():
            return None
        return _Input({"type": "text", "text": text}, self._weight(content))

    def _picture(self, path: Path) -> "_Input | None":
        try:
            with Image.open(path, formats=FORMATS) as image:
                width, height = image.size
                mime = _UNCHANGED.get(image.format or "") if self._sent_unchanged(image) else None
            if mime is not None:
                data = path.read_bytes()
            else:
                mime, data = "image/jpeg", self._jpeg(path, width, height)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            # Raised by decoders for damaged files.
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

    def _sent_unchanged(self, image: Image.Image) -> bool:
        """Whether the file's own bytes can be sent: upright, opaque, still, RGB or grey, not too large."""
        return (
            image.format in _UNCHANGED
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

    def _truncated(self, text: str) -> str:
        return text[: CHARACTERS_PER_TOKEN * self._model.context_tokens]

    def _weight(self, content: Content) -> "_Weight":
        """Estimate without decoding a picture; the size of one to be re-encoded is a guess."""
        if content.image is not None:
            return self._weight_of_picture(content.image)
        text = self._truncated(content.text or "")
        tokens = min(estimated_tokens(text), self._model.context_tokens)
        return _Weight(tokens, tokens, 0, len(json.dumps(text)) + _ENVELOPE)

    def _weight_of_picture(self, path: Path) -> "_Weight":
        try:
            with Image.open(path, formats=FORMATS) as image:
                pixels = self._charged(*image.size)
                unchanged = self._sent_unchanged(image)
                size = path.stat().st_size if unchanged else int(pixels * _BYTES_PER_PIXEL)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return _Weight()
        return _Weight(0, image_tokens(self._model, pixels, 1), pixels, size * 4 // 3 + _ENVELOPE)

    def _request(self, inputs: "Sequence[_Input]") -> list[Floats | None]:
        """Make and pay one attempt at a request."""
        weights = [one.weight for one in inputs]
        tokens, pixels = sum(w.text_tokens for w in weights), sum(w.pixels for w in weights)
        estimate = Usage(1, len(inputs), tokens, 0, pixels)
        self._account.reserve(estimate)
        answer = self._answer([{"content": [one.content]} for one in inputs])
        self._account.settle(self._used(answer, estimate))
        return parse_embeddings(answer["data"], len(inputs), self.dimensions, self.name)

    def _answer(self, inputs: list[dict[str, Any]]) -> Mapping[str, Any]:
        try:
            # The package first: while another thread imports it, its submodules exist but do not work yet.
            import voyageai
            from voyageai.api_resources import MultimodalEmbedding
        except ImportError:
            raise FatalError(
                f"{self.name} needs Voyage's client: `pip install 'voyageai>=0.5,<0.6'`."
            ) from None
        # At lower levels it logs complete requests, which hold what people saved.
        logging.getLogger("voyage").setLevel(logging.WARNING)
        try:
            answer = MultimodalEmbedding.create(  # type: ignore[no-untyped-call]
                api_key=self._key(),
                base_url=self._settings.url.rstrip("/"),
                request_timeout=self._settings.timeout,
                # Explicit, because by default the client decodes vectors to lists of Python floats.
                encoding_format="base64",
                inputs=inputs,
                model=self._model.name,
                input_type=None,
                truncation=True,
            )
        except voyageai.error.VoyageError as error:
            # Without its cause, which holds the request, and without the body, which may quote it.
            raise self._error(error.http_status, error.user_message, error.headers) from None
        except ValueError:
            raise RejectedInput(f"{self.name} answered with something other than text.") from None
        if not isinstance(answer, Mapping) or "data" not in answer:
            # The client returns the body of a 529, and of any unknown status from 500 on, as an answer.
            raise TransientError("it answered without embeddings")
        return answer

    def _used(self, answer: Mapping[str, Any], estimate: Usage) -> Usage:
        """Usage as reported, else as estimated. Pictures are charged by pixels, not by their share of
        ``total_tokens``."""
        match answer.get("usage"):
            case {"text_tokens": int(tokens), "image_pixels": int(pixels)} if tokens >= 0 and pixels >= 0:
                return replace(estimate, input_tokens=tokens, pixels=pixels)
        return estimate

    def _key(self) -> str:
        key = self._settings.api_key.get_secret_value().strip()
        if not key:
            raise FatalError(f"There is no key for {self.name}. {_SET_KEY}")
        if not key.isascii() or not key.isprintable() or " " in key:
            # The client's error would print it.
            raise FatalError(f"The key for {self.name} holds characters that no key has. {_SET_KEY}")
        return key

    def _error(self, status: int | None, message: str | None, headers: Mapping[str, str]) -> ProviderError:
        match status:
            case None:
                return TransientError("no answer in time, or the connection broke")
            case 401 | 403:
                return FatalError(f"Voyage does not accept the key for {self.name} ({status}). {_SET_KEY}")
            case 400 if _UNKNOWN.match(message or ""):
                return FatalError(f"Voyage does not know the model {self._model.name}, or not for this key.")
            case 200 | 400 | 413 | 422:
                return RejectedInput(
                    f"{self.name} could not use a request, or its answer is not JSON ({status})."
                )
            case _ if is_transient(status):
                return TransientError(
                    f"it answered with status {status}", retry_after(headers.get("retry-after"))
                )
            case _:
                return FatalError(
                    f"{self.name} is not available at {self._settings.url} (status {status}). "
                    "Check `voyage.url` in qualia.toml."
                )


@dataclass(frozen=True)
class _Weight:
    """A content's share of a request's limits; texts are charged by tokens, pictures by pixels."""

    text_tokens: int = 0
    tokens: int = 0
    pixels: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class _Input:
    """A content as sent."""

    content: dict[str, str]
    weight: _Weight
