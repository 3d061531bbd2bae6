"""The protocol of embedders, and embedding each content only once.

Which embedder the settings choose is in ``embed.providers``; caching, batches and retries that all kinds of
providers share are in the package ``providers``.
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
    """A text or a picture to embed, and its hash."""

    sha256: str
    text: str | None = None
    image: Path | None = None

    @property
    def kind(self) -> Kind:
        return "image" if self.text is None else "text"


def words_of(*parts: str | None) -> str:
    """The texts that describe an item, joined as sentences without repeats.

    Every stage joins them here, so that the same words have one hash and are embedded once.
    """
    return ". ".join(dict.fromkeys(part.rstrip(". ") for part in parts if part))


class Embedder(Protocol):
    """Maps texts and pictures to vectors of one space."""

    concurrency: int
    """Concurrent calls, in threads; 1 where the model runs on this machine."""

    @property
    def name(self) -> str:
        """Provider and model, as recorded with each vector."""
        ...

    def version(self, kind: Kind) -> str:
        """Version of the weights and of the preprocessing of ``kind``; part of the key of every vector."""
        ...

    @property
    def dimensions(self) -> int: ...

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        """Split contents, which are all texts or all pictures, into batches for ``embed``, in order."""
        ...

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        """Embed a batch of texts or of pictures.

        Returns:
            A float32 unit vector of shape (dimensions,) for each content; None where it cannot be embedded.

        Raises:
            ProviderError: see ``providers.base``; ``RejectedInput`` where the batch as a whole failed.
            Deferred, BudgetSpent: the rest is left to a later run.
        """
        ...


def embed_all(
    contents: Sequence[Content], embedder: Embedder, state: State, progress: Progress, what: str
) -> Outcome[Floats]:
    """Embed the contents that have no vector in ``state`` yet.

    Vectors are kept batch by batch, so a run that crashes loses only the batches in progress. A content that
    could not be embedded is missing from the result, and is tried again by the next run.

    Returns:
        Vectors by hash, float32 of shape (dimensions,), and how many were requested or left waiting.

    Raises:
        FatalError: the embedder cannot be used at all.
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
    # Texts of similar length share a batch, so that little of it is padding.
    in_order = sorted(contents, key=lambda c: (c.text is None, len(c.text or ""), c.sha256))
    return request_all(in_order, provider, state, progress, what)


def embedding_key(embedder: str, version: str, dimensions: int, content: Content) -> str:
    """Key of a content's vector in the state."""
    return answer_key("embedding", embedder, version, {"dimensions": dimensions}, content.sha256)


def _usable(vector: Floats | None, dimensions: int) -> Floats | None:
    if vector is None or vector.shape != (dimensions,) or not np.isfinite(vector).all():
        return None
    return np.asarray(vector, dtype=np.float32)
