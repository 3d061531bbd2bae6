"""What every embedder does, and asking each thing only once.

Belongs here: the protocol, and the answers' cache around it. Which provider is chosen is in ``providers``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import Progress, chunks
from qualia_assets.state.database import State, answer_key

Kind = Literal["text", "image"]


@dataclass(frozen=True)
class Content:
    """What an embedder sees: a text or a picture, and the hash of it."""

    sha256: str
    text: str | None = None
    image: Path | None = None

    @property
    def kind(self) -> Kind:
        return "image" if self.text is None else "text"


def words_of(*parts: str | None) -> str:
    """What people said of an item, as one text: each thing said once, the parts as sentences.

    One way of saying it, so that the same words are embedded once whoever asks.
    """
    return ". ".join(dict.fromkeys(part.rstrip(". ") for part in parts if part))


class Embedder(Protocol):
    """A provider of vectors in one space."""

    batch_size: int

    @property
    def name(self) -> str:
        """Provider and model, as recorded with each vector."""
        ...

    def version(self, kind: Kind) -> str:
        """Of the weights and the preprocessing of that kind; part of the key of every answer."""
        ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        """A unit vector for each content, None for one that could not be embedded.

        Batches hold texts only or pictures only.
        """
        ...


def embed_all(
    contents: Sequence[Content], embedder: Embedder, state: State, progress: Progress, what: str
) -> tuple[dict[str, Floats], int]:
    """The vector of each content by its hash, asking only for those never asked before.

    Answers are kept a batch at a time, so a run that dies loses at most one batch.

    Returns:
        Vectors by content hash, without those that failed; and how many were asked for now.
    """
    unique = {c.sha256: c for c in contents}
    size = {"dimensions": embedder.dimensions}
    keys = {
        sha: answer_key("embedding", embedder.name, embedder.version(content.kind), size, sha)
        for sha, content in unique.items()
    }
    kept = state.answers(keys.values())
    vectors = {sha: np.frombuffer(kept[key], dtype=np.float32) for sha, key in keys.items() if key in kept}
    # Neighbours in length share a batch, so that little of it is padding.
    missing = sorted(
        (c for sha, c in unique.items() if sha not in vectors),
        key=lambda c: (c.text is None, len(c.text or ""), c.sha256),
    )
    texts, pictures = [c for c in missing if c.text is not None], [c for c in missing if c.text is None]
    for pending in (texts, pictures):
        done_before = len(unique) - len(missing) + (len(texts) if pending is pictures else 0)
        total = done_before + len(pending)
        for batch in chunks(pending, embedder.batch_size, progress, what, total) if pending else ():
            answered = {
                c.sha256: np.asarray(vector, dtype=np.float32)
                for c, vector in zip(batch, embedder.embed(batch), strict=True)
                if vector is not None and np.isfinite(vector).all() and vector.shape == (embedder.dimensions,)
            }
            state.keep_answers(
                "embedding", embedder.name, {keys[s]: v.tobytes() for s, v in answered.items()}
            )
            vectors.update(answered)
    return vectors, len(missing)
