"""What every annotator does, and asking about each thing only once.

Belongs here: the protocol, the six fields and how they become one text, and the answers' cache
around it. Which provider is chosen is in ``providers``.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

from qualia_assets.progress import Progress, chunks
from qualia_assets.state.database import State, answer_key

Status = Literal["ok", "refused", "failed"]


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
    batch_size: int
    embedded_fields: tuple[str, ...]
    """Which of its fields are good enough to be embedded with the summary."""

    @property
    def prompt_version(self) -> str:
        """Of the prompt or of the rules; part of the key of every answer."""
        ...

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        """One annotation for each subject, in order. A subject that goes wrong is ``failed``, not raised."""
        ...


def annotate_all(
    subjects: Sequence[Subject], annotator: Annotator, state: State, progress: Progress
) -> tuple[dict[str, Annotation], int]:
    """The annotation of each subject by its hash, asking only about those never answered.

    Answers, refusals too, are kept a batch at a time, so a run that dies loses at most one batch.
    Failures are not kept: the next run asks again.

    Returns:
        Annotations by content hash; and how many were asked for now.
    """
    unique = {s.sha256: s for s in subjects}
    keys = {
        sha: answer_key("annotation", annotator.name, annotator.prompt_version, {}, sha) for sha in unique
    }
    kept = state.answers(keys.values())
    done = {sha: _decoded(kept[key]) for sha, key in keys.items() if key in kept}
    missing = [s for sha, s in sorted(unique.items()) if sha not in done]
    for batch in (
        chunks(missing, annotator.batch_size, progress, "annotating", len(unique)) if missing else ()
    ):
        answered = {s.sha256: a for s, a in zip(batch, annotator.annotate(batch), strict=True)}
        lasting = {
            keys[sha]: json.dumps(asdict(a)).encode() for sha, a in answered.items() if a.status != "failed"
        }
        state.keep_answers("annotation", annotator.name, lasting)
        done.update(answered)
    return done, len(missing)


def _decoded(payload: bytes) -> Annotation:
    fields = json.loads(payload)
    return Annotation(**{**fields, "themes": tuple(fields["themes"])})
