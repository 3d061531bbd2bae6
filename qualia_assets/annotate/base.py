"""What every annotator does, and asking about each thing only once.

Belongs here: the protocol, the six fields and how they become one text, and how an answer is kept. Which
provider is chosen is in ``providers``, how it is asked once in the package ``providers``.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

from qualia_assets.progress import Progress
from qualia_assets.providers.requests import Asked, Provider, ask_all
from qualia_assets.state.database import State, answer_key

Status = Literal["ok", "refused", "failed", "waiting"]
"""``waiting``: not asked for yet."""


@dataclass(frozen=True)
class Subject:
    """What an annotator sees of an item, and the hash of it."""

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
    """The six fields of the paper, or why there are none."""

    status: Status
    summary: str | None = None
    aesthetic: str | None = None
    themes: tuple[str, ...] = ()
    mood: str | None = None
    lifestyle: str | None = None
    moment: str | None = None
    error: str | None = None

    def as_text(self, fields: Sequence[str]) -> str | None:
        """The summary and some of the felt fields as one text, what is embedded; None where there is none.

        The summary comes first: it carries most of what sets an item apart.
        """
        if self.status != "ok":
            return None
        values = {field: getattr(self, field) for field in fields}
        said = [
            f"{field.capitalize()}: {', '.join(value) if isinstance(value, tuple) else value}."
            for field, value in values.items()
            if value
        ]
        return "\n".join(filter(None, [self.summary, " ".join(said)])) or None


class Annotator(Protocol):
    """A provider of annotations."""

    name: str
    concurrency: int
    """Calls at once, in threads; 1 for one that uses this machine itself."""
    embedded_fields: tuple[str, ...]
    """Which of its fields are good enough to be embedded with the summary."""

    @property
    def prompt_version(self) -> str:
        """Of the prompt or of the rules; part of the key of every answer."""
        ...

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        """All subjects in as many calls as it takes. Made one by one, as they are asked."""
        ...

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        """One annotation for each subject, in order. A subject that goes wrong is ``failed``, not raised.

        Raises:
            ProviderError: as ``providers.base`` says; ``Poison`` where the call as a whole came to nothing.
            Deferred, BudgetSpent: the rest is for a later run.
        """
        ...


def annotate_all(
    subjects: Sequence[Subject], annotator: Annotator, state: State, progress: Progress
) -> Asked[Annotation]:
    """The annotation of each subject by its hash, asking only about those never answered.

    Answers, refusals too, are kept a batch at a time, so a run that dies loses what was under way. Failures
    are told but not kept: the next run asks again.

    Raises:
        Fatal: the annotator cannot be asked at all.
    """
    version = annotator.prompt_version
    provider = Provider(
        kind="annotation",
        name=annotator.name,
        key=lambda subject: annotation_key(annotator.name, version, subject),
        batches=annotator.batches,
        ask=annotator.annotate,
        failed=_failed,
        written=written,
        read=read,
        concurrency=annotator.concurrency,
    )
    return ask_all(sorted(subjects, key=lambda s: s.sha256), provider, state, progress, "annotating")


def annotation_key(annotator: str, prompt_version: str, subject: Subject) -> str:
    """The key of the answer about a subject."""
    return answer_key("annotation", annotator, prompt_version, {}, subject.sha256)


def _failed(why: str) -> Annotation:
    return Annotation("failed", error=why)


def written(annotation: Annotation) -> bytes | None:
    """An annotation as it is kept; None for one that failed, which is not."""
    return json.dumps(asdict(annotation)).encode() if annotation.status != "failed" else None


def read(payload: bytes) -> Annotation:
    """An annotation that was kept."""
    fields = json.loads(payload)
    return Annotation(**{**fields, "themes": tuple(fields["themes"])})
