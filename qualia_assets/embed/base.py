"""What every embedder does, and asking each thing only once.

Belongs here: the protocol, and how an answer is kept. Which provider is chosen is in ``providers``, how it is
asked once in the package ``providers``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import numpy as np

from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import Progress
from qualia_assets.providers.requests import Outcome, Provider, request_all
from qualia_assets.state.database import State, answer_key

Kind = Literal["text", "image"]
T = TypeVar("T")


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

    concurrency: int
    """Calls at once, in threads; 1 for one that uses this machine itself."""

    @property
    def name(self) -> str:
        """Provider and model, as recorded with each vector."""
        ...

    def version(self, kind: Kind) -> str:
        """Of the weights and the preprocessing of that kind; part of the key of every answer."""
        ...

    @property
    def dimensions(self) -> int: ...

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        """All contents, in order, in as many calls as it takes. Asked for texts only or pictures only."""
        ...

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        """A unit vector for each content, None for one that could not be embedded.

        Batches hold texts only or pictures only.

        Raises:
            ProviderError: see ``providers.base``; ``RejectedInput`` where the whole call failed.
            Deferred, BudgetSpent: the rest is for a later run.
        """
        ...


def in_chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Batches of so many items."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def embed_all(
    contents: Sequence[Content], embedder: Embedder, state: State, progress: Progress, what: str
) -> Outcome[Floats]:
    """The vector of each content by its hash, asking only for those never asked before.

    Answers are kept a batch at a time, so a run that dies loses what was under way. What could not be
    embedded is left out, and asked for again by the next run.

    Raises:
        FatalError: the embedder cannot be asked at all.
    """
    version, dimensions = cache(embedder.version), embedder.dimensions

    def batches(missing: Sequence[Content]) -> Iterator[list[Content]]:
        yield from embedder.batches([c for c in missing if c.kind == "text"])
        yield from embedder.batches([c for c in missing if c.kind == "image"])

    def ask(batch: list[Content]) -> list[Floats | None]:
        return [_usable(vector, dimensions) for vector in embedder.embed(batch)]

    provider = Provider(
        kind="embedding",
        name=embedder.name,
        key=lambda content: embedding_key(embedder.name, version(content.kind), dimensions, content),
        batches=batches,
        request=ask,
        failed=lambda why: None,
        encode=lambda vector: vector.tobytes(),
        decode=lambda payload: np.frombuffer(payload, dtype=np.float32),
        concurrency=embedder.concurrency,
    )
    # Neighbours in length share a batch, so that little of it is padding.
    in_order = sorted(contents, key=lambda c: (c.text is None, len(c.text or ""), c.sha256))
    return request_all(in_order, provider, state, progress, what)


def embedding_key(embedder: str, version: str, dimensions: int, content: Content) -> str:
    """The key of the vector of a content."""
    return answer_key("embedding", embedder, version, {"dimensions": dimensions}, content.sha256)


def _usable(vector: Floats | None, dimensions: int) -> Floats | None:
    if vector is None or vector.shape != (dimensions,) or not np.isfinite(vector).all():
        return None
    return np.asarray(vector, dtype=np.float32)
