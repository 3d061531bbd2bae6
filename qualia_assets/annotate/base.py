"""The annotator protocol, the six fields, and annotating each item only once.

Belongs here: how the fields become one text, and how an answer is stored. ``annotate.providers`` makes the
annotator that the settings name; the request loop is ``providers.requests``.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

from qualia_assets.progress import Progress
from qualia_assets.providers.requests import Outcome, Provider, request_all
from qualia_assets.state.database import State, answer_key

Status = Literal["ok", "refused", "failed", "waiting"]
"""``waiting``: not requested yet."""


@dataclass(frozen=True)
class Subject:
    """What an annotator sees of an item, and the hash of that."""

    sha256: str
    modality: str
    title: str | None
    text: str | None
    tags: tuple[str, ...]
    collection: str | None = None
    image_sha256: str | None = None
    image: Path | None = None


@dataclass(frozen=True)
class Annotation:
    """The six fields of the paper, or why there are none.

    ``confidence``: of a summary in words borrowed from items like it, 0 to 1; None where they are its own.
    """

    status: Status
    summary: str | None = None
    aesthetic: str | None = None
    themes: tuple[str, ...] = ()
    mood: str | None = None
    lifestyle: str | None = None
    moment: str | None = None
    confidence: float | None = None
    error: str | None = None

    def as_text(self, fields: Sequence[str]) -> str | None:
        """Return the summary and some felt fields as one text, to be embedded; None where there is none.

        The summary comes first: it carries most of what sets an item apart.
        """
        if self.status != "ok":
            return None
        values = {field: getattr(self, field) for field in fields}
        sentences = [
            f"{field.capitalize()}: {', '.join(value) if isinstance(value, tuple) else value}."
            for field, value in values.items()
            if value
        ]
        return "\n".join(filter(None, [self.summary, " ".join(sentences)])) or None


class Annotator(Protocol):
    """A provider of annotations."""

    name: str
    concurrency: int
    """Calls at once, in threads; 1 for an annotator that uses this machine itself."""
    embedded_fields: tuple[str, ...]
    """The fields that are good enough to be embedded with the summary."""

    @property
    def prompt_version(self) -> str:
        """Version of the prompt or of the rules; part of each answer's key."""
        ...

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        """All subjects, one list for each call. Consumed lazily."""
        ...

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        """Return one annotation for each subject, in order. A subject that goes wrong is ``failed``.

        Raises:
            ProviderError: see ``providers.base``; ``RejectedInput`` where the whole call failed.
            Deferred, BudgetSpent: the rest is for a later run.
        """
        ...


def annotate_all(
    subjects: Sequence[Subject], annotator: Annotator, state: State, progress: Progress
) -> Outcome[Annotation]:
    """Return the annotation of each subject by its hash, requesting only those never requested before.

    Answers, refusals included, are stored after each batch, so a killed run loses only the batches in
    progress. Failures are returned but not stored: the next run requests them again.

    Raises:
        FatalError: the annotator cannot be used at all.
    """
    version = annotator.prompt_version
    provider = Provider(
        kind="annotation",
        name=annotator.name,
        key=lambda subject: annotation_key(annotator.name, version, subject),
        batches=annotator.batches,
        request=annotator.annotate,
        failed=lambda reason: Annotation("failed", error=reason),
        encode=encode,
        decode=decode,
        concurrency=annotator.concurrency,
    )
    return request_all(sorted(subjects, key=lambda s: s.sha256), provider, state, progress, "annotating")


def annotation_key(annotator: str, prompt_version: str, subject: Subject) -> str:
    """The key of a subject's answer."""
    return answer_key("annotation", annotator, prompt_version, {}, subject.sha256)


def encode(annotation: Annotation) -> bytes | None:
    """An annotation as it is stored; None for a failed one, which is not."""
    return json.dumps(asdict(annotation)).encode() if annotation.status != "failed" else None


def decode(payload: bytes) -> Annotation:
    """A stored annotation."""
    fields = json.loads(payload)
    return Annotation(**{**fields, "themes": tuple(fields["themes"])})
