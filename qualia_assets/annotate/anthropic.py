"""Annotations by Claude, one message for each item: sent one by one, or submitted as batches.

A message is answered at once; in a batch it costs half, within a day. Belongs here: the request for an item,
and how it is sent. The prompt is in ``prompt``, the API in ``anthropic_client``, batches in progress in
``anthropic_batches``.
"""

import base64
import io
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from qualia_assets.annotate.anthropic_batches import Batches
from qualia_assets.annotate.anthropic_client import Client, parse_message
from qualia_assets.annotate.base import Annotation, Subject, annotation_key, decode
from qualia_assets.annotate.prompt import FELT, LONGEST_SIDE, PROMPT_VERSION, SCHEMA, SYSTEM, make_prompt
from qualia_assets.lake.blobs import load_rgb
from qualia_assets.net.base import BudgetSpent
from qualia_assets.progress import batched
from qualia_assets.providers.base import PartialAnswer
from qualia_assets.providers.budget import Account
from qualia_assets.providers.catalogue import Model, estimated_tokens, image_tokens
from qualia_assets.settings import Anthropic
from qualia_assets.state.database import State
from qualia_assets.state.usage import Usage

BATCH_FROM = 50
"""With `way = "auto"`, so many items or more go in a batch."""
MAX_TOKENS = 4_000
"""Of an answer, including any thinking that cannot be turned off."""
USUAL_OUTPUT_TOKENS = 600
"""Of an answer, for estimates."""
BATCH_BYTES = 64_000_000
"""Of one batch: less than the service accepts, as it is held in memory three times over while it is sent."""
JPEG_QUALITY = 90
_ENVELOPE = 100
"""Bytes around a message in a batch, at most."""
_NOTHING_TO_SEE = Annotation("failed", error="has no words, and its picture cannot be read")


@dataclass(frozen=True)
class _Request:
    """A message about one item, and what it may cost."""

    params: dict[str, Any]
    estimate: Usage


def in_batches(settings: Anthropic, items: int) -> bool:
    """Whether so many items go in a batch."""
    return settings.way == "batches" or (settings.way == "auto" and items >= BATCH_FROM)


class ClaudeAnnotator:
    """A model of Anthropic's.

    Args:
        model: of the catalogue.
        settings: key, address, way, requests per minute, timeout in seconds.
        longest_wait: seconds to retry a request for.
        account: pays for the calls.
        state: where batches and answers are stored, for the user.
    """

    embedded_fields: tuple[str, ...] = FELT
    prompt_version = PROMPT_VERSION

    def __init__(
        self, model: Model, settings: Anthropic, longest_wait: float, account: Account, state: State
    ) -> None:
        self._model, self._settings, self._account, self._state = model, settings, account, state
        self.name = model.full_name
        self.concurrency = settings.concurrency
        self._client = Client(model, settings, longest_wait)
        self._batches = Batches(self._client, state, self.name, account)
        self._lock = threading.Lock()
        self._thinking: dict[str, Any] | None = None

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        """First the items whose batch has ended; then those to request, in one list if they go in a batch,
        else one by one; last those in progress, in one list.

        Raises:
            Deferred, ProviderError: the service cannot be asked about a batch.
        """
        keys = {s.sha256: self._key(s) for s in subjects}
        self._batches.refresh(set(keys.values()))
        ended = self._batches.collected | self._batches.failed.keys()
        here = [s for s in subjects if keys[s.sha256] in ended]
        waiting = [s for s in subjects if keys[s.sha256] in self._batches.in_progress - ended]
        handled = {s.sha256 for s in (*here, *waiting)}
        to_request = [s for s in subjects if s.sha256 not in handled]
        yield from batched(here, BATCH_FROM)
        size = len(to_request) if in_batches(self._settings, len(to_request)) else 1
        yield from batched(to_request, max(size, 1))
        if waiting:
            yield waiting

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        """Return one annotation for each subject, in order.

        Answers of ended batches are used. Of the rest, a single subject is requested at once, unless the way
        is "batches"; several are submitted as a batch.

        Raises:
            PartialAnswer: the others are in a batch in progress, or the budget is spent.
            Deferred, BudgetSpent, FatalError: nothing was requested.
            RejectedInput: the service refuses the request.
        """
        keys = {s.sha256: self._key(s) for s in batch}
        self._batches.refresh(set(keys.values()))
        collected = self._state.answers(self._batches.collected & set(keys.values()))
        answers: dict[str, Annotation] = {
            sha: decode(collected[key]) if key in collected else self._batches.failed[key]
            for sha, key in keys.items()
            if key in collected or key in self._batches.failed
        }
        to_request = [
            s for s in batch if s.sha256 not in answers and keys[s.sha256] not in self._batches.in_progress
        ]
        spent: BudgetSpent | None = None
        if len(batch) == 1 and self._settings.way != "batches":
            answers |= {s.sha256: self._by_message(s) for s in to_request}
        elif to_request:
            failed, spent = self._submit(to_request)
            answers |= failed
        if len(answers) < len(keys):
            raise PartialAnswer([answers.get(s.sha256) for s in batch], spent or self._batches.deferral())
        return [answers[s.sha256] for s in batch]

    def check(self) -> str:
        """Ask the service for the model, which is free, and return a line that says it is there.

        Raises:
            ProviderError, Deferred: why it is not, in one line.
        """
        self._client.model()
        return f"{self.name} answers, and the key is good."

    def _by_message(self, subject: Subject) -> Annotation:
        request = self._request(subject)
        if request is None:
            return _NOTHING_TO_SEE
        message = self._client.message(request.params, lambda: self._account.reserve(request.estimate))
        annotation, usage = parse_message(message)
        self._account.settle(usage)
        return annotation

    def _submit(self, subjects: Sequence[Subject]) -> tuple[dict[str, Annotation], BudgetSpent | None]:
        """Submit subjects, in as many batches as it takes and the budget allows.

        Returns:
            The annotations of those with nothing to see; and why some were left out, if they were.
        """
        failed: dict[str, Annotation] = {}
        params: dict[str, Any] = {}
        estimate, size, submitted = Usage(), 0, False
        for subject in subjects:
            request = self._request(subject)
            if request is None:
                failed[subject.sha256] = _NOTHING_TO_SEE
                continue
            length = len(json.dumps(request.params)) + _ENVELOPE
            if params and (size + length > self._batch_bytes or len(params) == self._model.inputs_per_batch):
                self._batches.submit(params)
                params, estimate, size, submitted = {}, Usage(), 0, True
            try:
                self._account.reserve(estimate + request.estimate, batch=True)
            except BudgetSpent as spent:
                if params:
                    self._account.reserve(estimate, batch=True)
                    self._batches.submit(params)
                elif not submitted:
                    raise
                return failed, spent
            params[self._key(subject)] = request.params
            estimate, size = estimate + request.estimate, size + length
        if params:
            self._batches.submit(params)
        return failed, None

    @property
    def _batch_bytes(self) -> int:
        return min(BATCH_BYTES, self._model.bytes_per_batch)

    def _request(self, subject: Subject) -> _Request | None:
        """The message about a subject; None where there is nothing to see."""
        picture = _jpeg(subject.image) if subject.image is not None else None
        prompt = make_prompt(subject, picture is not None)
        if picture is None and not prompt.has_words:
            return None
        content: list[dict[str, Any]] = [{"type": "text", "text": prompt.text}]
        tokens = estimated_tokens(SYSTEM + prompt.text + json.dumps(SCHEMA))
        if picture is not None:
            data, width, height = picture
            source = {"type": "base64", "media_type": "image/jpeg", "data": base64.b64encode(data).decode()}
            content.insert(0, {"type": "image", "source": source})
            tokens += image_tokens(self._model, width, height)
        thinking = self._least_thinking()
        params = {
            "model": self._model.name,
            "max_tokens": MAX_TOKENS,
            "system": SYSTEM,
            "messages": [{"role": "user", "content": content}],
            **thinking,
            "output_config": {
                "format": {"type": "json_schema", "schema": SCHEMA},
                **thinking.get("output_config", {}),
            },
        }
        return _Request(params, Usage(1, 1, tokens, USUAL_OUTPUT_TOKENS))

    def _least_thinking(self) -> dict[str, Any]:
        """The parameters that make the model think least. Models differ in what they accept; the service is
        asked once."""
        with self._lock:
            if self._thinking is None:
                can = self._client.model().get("capabilities") or {}
                if _supports(can, "thinking", "types", "disabled"):
                    self._thinking = {"thinking": {"type": "disabled"}}
                elif _supports(can, "effort", "low"):
                    self._thinking = {"output_config": {"effort": "low"}}
                else:
                    self._thinking = {}
            return self._thinking

    def _key(self, subject: Subject) -> str:
        return annotation_key(self.name, self.prompt_version, subject)


def _supports(capabilities: Any, *path: str) -> bool:
    for name in (*path, "supported"):
        capabilities = capabilities.get(name) if isinstance(capabilities, dict) else None
    return capabilities is True


def _jpeg(path: Path) -> tuple[bytes, int, int] | None:
    """Return a picture as it is sent, its width and its height; None where it cannot be read. It is upright,
    still, on white, no larger than the model looks at, and without EXIF."""
    try:
        image = load_rgb(path, longest=LONGEST_SIDE)
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=JPEG_QUALITY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        # Decoders raise these for a damaged file.
        return None
    return encoded.getvalue(), image.width, image.height
