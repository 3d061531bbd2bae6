"""Soft labels by Claude, one message for each item: asked for one by one, or handed in as batches.

A message is answered at once; in a batch it costs half, within a day. Belongs here: a request about an item,
and which way it goes. The words of it are in ``prompt``, the service in ``anthropic_service``, what is under
way in ``anthropic_batches``.
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
from qualia_assets.annotate.anthropic_service import Service, read_message
from qualia_assets.annotate.base import Annotation, Subject, annotation_key, read
from qualia_assets.annotate.prompt import FELT, LONGEST_SIDE, PROMPT_VERSION, SCHEMA, SYSTEM, question
from qualia_assets.lake.blobs import load_rgb
from qualia_assets.net.base import BudgetSpent, Deferred
from qualia_assets.providers.base import Partly, Usage
from qualia_assets.providers.budget import Account
from qualia_assets.providers.catalogue import Model, estimated_tokens, image_tokens
from qualia_assets.settings import Anthropic
from qualia_assets.state.database import State

FROM_HERE_IN_BATCHES = 50
"""By way "auto", so many items that are to be asked about go in a batch."""
MAX_TOKENS = 4_000
"""Of an answer, with what the model thinks before it where it cannot be told not to."""
USUAL_OUTPUT_TOKENS = 600
"""Of an answer, for estimates."""
BATCH_BYTES = 64_000_000
"""Of one batch: less than the service takes, for it is held in memory, three times over while it is sent."""
JPEG_QUALITY = 90
_ENVELOPE = 100
"""Bytes around a message in a batch, at most."""


@dataclass(frozen=True)
class _Request:
    """A message about one item, and what it may cost."""

    params: dict[str, Any]
    estimate: Usage


def in_batches(settings: Anthropic, items: int) -> bool:
    """Whether so many items go in a batch."""
    return settings.way == "batches" or (settings.way == "auto" and items >= FROM_HERE_IN_BATCHES)


class ClaudeAnnotator:
    """A model of Anthropic's.

    Args:
        model: of the catalogue.
        settings: key, address, way, pace, timeout in seconds.
        longest_wait: seconds that a request is tried again for.
        account: pays for the calls.
        state: where batches and answers are, for the user.
    """

    embedded_fields: tuple[str, ...] = FELT
    prompt_version = PROMPT_VERSION

    def __init__(
        self, model: Model, settings: Anthropic, longest_wait: float, account: Account, state: State
    ) -> None:
        self._model, self._settings, self._account, self._state = model, settings, account, state
        self.name = model.full_name
        self.concurrency = settings.concurrency
        self._service = Service(model, settings, longest_wait)
        self._batches = Batches(self._service, state, self.name, account)
        self._lock = threading.Lock()
        self._quick: dict[str, Any] | None = None
        self._put_off: Deferred | None = None

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        """What was brought home, in lists; then what is to be asked about, all in one list where it goes in
        batches, one by one where not; last what is under way, in one list.

        Raises:
            Deferred, ProviderError: the service cannot be asked what became of a batch.
        """
        keys = {s.sha256: self._key(s) for s in subjects}
        self._batches.settle(set(keys.values()))
        done = self._batches.home | self._batches.failed.keys()
        here = [s for s in subjects if keys[s.sha256] in done]
        waiting = [s for s in subjects if keys[s.sha256] in self._batches.under_way - done]
        elsewhere = {s.sha256 for s in (*here, *waiting)}
        to_ask = [s for s in subjects if s.sha256 not in elsewhere]
        for start in range(0, len(here), FROM_HERE_IN_BATCHES):
            yield here[start : start + FROM_HERE_IN_BATCHES]
        if in_batches(self._settings, len(to_ask)):
            yield from [to_ask] if to_ask else []
        else:
            yield from ([s] for s in to_ask)
        if waiting:
            yield waiting

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        """One annotation for each subject, in order.

        What is in a batch that has ended comes from there. Of the rest, one subject alone is asked about at
        once, unless the way is "batches"; several are handed in.

        Raises:
            Partly: the others are in a batch that is under way, or the budget is spent.
            Deferred, BudgetSpent, Fatal: nothing was asked.
            Poison: the service refuses the request.
        """
        if self._put_off is not None:
            raise self._put_off
        keys = {s.sha256: self._key(s) for s in batch}
        self._batches.settle(set(keys.values()))
        at_home = self._state.answers(self._batches.home & set(keys.values()))
        found: dict[str, Annotation] = {
            sha: read(at_home[key]) if key in at_home else self._batches.failed[key]
            for sha, key in keys.items()
            if key in at_home or key in self._batches.failed
        }
        to_ask = [s for s in batch if s.sha256 not in found and keys[s.sha256] not in self._batches.under_way]
        why: Deferred | BudgetSpent | None = None
        if len(batch) == 1 and self._settings.way != "batches":
            found |= {s.sha256: self._by_message(s) for s in to_ask}
        elif to_ask:
            unaskable, why = self._hand_in(to_ask)
            found |= unaskable
        if len(found) < len(keys):
            raise Partly([found.get(s.sha256) for s in batch], why or self._batches.waits())
        return [found[s.sha256] for s in batch]

    def check(self) -> str:
        """Ask the service for the model, which is free, and say that it is there.

        Raises:
            ProviderError, Deferred: why it is not, in one line.
        """
        self._service.model()
        return f"{self.name} can be asked, and the key is good."

    def _by_message(self, subject: Subject) -> Annotation:
        request = self._request(subject)
        if request is None:
            return _NOTHING_THERE
        message = self._service.message(request.params, lambda: self._account.before(request.estimate))
        annotation, usage = read_message(message)
        self._account.after(usage)
        return annotation

    def _hand_in(self, subjects: Sequence[Subject]) -> tuple[dict[str, Annotation], BudgetSpent | None]:
        """Hand subjects in, in as many batches as it takes and the budget allows.

        Returns:
            Those that cannot be asked about; and why some were left out, if they were.
        """
        unaskable: dict[str, Annotation] = {}
        params: dict[str, Any] = {}
        estimate, size, submitted = Usage(), 0, False
        for subject in subjects:
            request = self._request(subject)
            if request is None:
                unaskable[subject.sha256] = _NOTHING_THERE
                continue
            length = len(json.dumps(request.params)) + _ENVELOPE
            if params and (size + length > self._batch_bytes or len(params) == self._model.inputs_per_batch):
                self._batches.hand_in(params)
                params, estimate, size, submitted = {}, Usage(), 0, True
            try:
                self._account.before(estimate + request.estimate, batch=True)
            except BudgetSpent as spent:
                if params:
                    self._account.before(estimate, batch=True)
                    self._batches.hand_in(params)
                elif not submitted:
                    raise
                return unaskable, spent
            params[self._key(subject)] = request.params
            estimate, size = estimate + request.estimate, size + length
        if params:
            self._batches.hand_in(params)
        return unaskable, None

    @property
    def _batch_bytes(self) -> int:
        return min(BATCH_BYTES, self._model.bytes_per_batch)

    def _request(self, subject: Subject) -> _Request | None:
        """The message about a subject; None where there is nothing to be seen of it."""
        picture = _jpeg(subject.image) if subject.image is not None else None
        asked = question(subject, picture is not None)
        if picture is None and not asked.has_words:
            return None
        content: list[dict[str, Any]] = [{"type": "text", "text": asked.text}]
        tokens = estimated_tokens(SYSTEM + asked.text + json.dumps(SCHEMA))
        if picture is not None:
            data, width, height = picture
            source = {"type": "base64", "media_type": "image/jpeg", "data": base64.b64encode(data).decode()}
            content.insert(0, {"type": "image", "source": source})
            tokens += image_tokens(self._model, width, height)
        quick = self._without_thinking()
        params = {
            "model": self._model.name,
            "max_tokens": MAX_TOKENS,
            "system": SYSTEM,
            "messages": [{"role": "user", "content": content}],
            **quick,
            "output_config": {
                "format": {"type": "json_schema", "schema": SCHEMA},
                **quick.get("output_config", {}),
            },
        }
        return _Request(params, Usage(1, 1, tokens, USUAL_OUTPUT_TOKENS))

    def _without_thinking(self) -> dict[str, Any]:
        """How the model is told not to think, or to think little: models differ in what they take, and the
        service says which takes what. Asked once."""
        with self._lock:
            if self._quick is None:
                can = self._service.model().get("capabilities") or {}
                if _supports(can, "thinking", "types", "disabled"):
                    self._quick = {"thinking": {"type": "disabled"}}
                elif _supports(can, "effort", "low"):
                    self._quick = {"output_config": {"effort": "low"}}
                else:
                    self._quick = {}
            return self._quick

    def _key(self, subject: Subject) -> str:
        return annotation_key(self.name, self.prompt_version, subject)


_NOTHING_THERE = Annotation("failed", error="has no words, and its picture cannot be read")


def _supports(capabilities: Any, *path: str) -> bool:
    for name in (*path, "supported"):
        capabilities = capabilities.get(name) if isinstance(capabilities, dict) else None
    return capabilities is True


def _jpeg(path: Path) -> tuple[bytes, int, int] | None:
    """A picture as it is sent, and its width and height: upright, still, on white, no larger than is looked
    at, and without what its camera noted. None where it cannot be read."""
    try:
        image = load_rgb(path, longest=LONGEST_SIDE)
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=JPEG_QUALITY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        # What a decoder raises at a damaged file.
        return None
    return encoded.getvalue(), image.width, image.height
