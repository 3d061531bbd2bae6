"""Embedders that run on this machine: any sentence-transformers model, and ConSE for pictures.

ConSE (Norouzi et al. 2014, "Zero-shot learning by convex combination of semantic embeddings", eq. 5) puts a
picture into a text model's space: the mean of the vectors of its most probable labels, weighted by
probability. It captures objects, not mood. The bundled text model is in ``minilm``.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from qualia_assets.embed.base import Content, Kind, embed_all
from qualia_assets.embed.imagenet import TOP, ImageNetClassifier, Labels, label_names
from qualia_assets.embed.minilm import MiniLMText
from qualia_assets.embed.revisions import revision_of_folder, revision_on_hub
from qualia_assets.lake.blobs import load_rgb
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import batched, silent
from qualia_assets.settings import Settings
from qualia_assets.state.database import State

# Prefixes that a model's documentation asks for on texts to be clustered.
TASK_PREFIXES = {"nomic-embed-text": "clustering: "}


class SentenceTransformerText:
    """A model of sentence-transformers for texts, and for pictures where it takes them (a CLIP).

    Args:
        model: a name on the model hub, or a folder.
        threads: of torch.
        name: recorded with each vector; derived from ``model`` by default.
    """

    batch_size = 256
    concurrency = 1

    def __init__(self, model: str, threads: int, name: str | None = None) -> None:
        self.model = model
        self.name = name or f"sentence-transformers/{Path(model).name if Path(model).exists() else model}"
        self.prefix = next((p for known, p in TASK_PREFIXES.items() if known in model), "")
        self._threads = threads

    def version(self, kind: Kind) -> str:
        return f"{self.name}@{self.revision}|{self.prefix}|unit"

    @cached_property
    def revision(self) -> str:
        """The commit of a model on the hub, or the hash of a folder's files."""
        folder = Path(self.model)
        return revision_of_folder(folder) if folder.exists() else revision_on_hub(self.model)

    @cached_property
    def dimensions(self) -> int:
        return int(self._model.get_embedding_dimension())

    @cached_property
    def sees_pictures(self) -> bool:
        return "image" in self._model.modalities

    @property
    def _model(self):  # type: ignore[no-untyped-def]
        revision = None if Path(self.model).exists() else self.revision
        return _loaded(self.model, self._threads, revision)

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return batched(contents, self.batch_size)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        if batch and batch[0].text is None:
            pictures = [_readable(c.image) for c in batch]
            read = [picture for picture in pictures if picture is not None]
            vectors = iter(self._encode(read) if read else ())
            return [None if picture is None else next(vectors) for picture in pictures]
        return list(self._encode([self.prefix + (c.text or "") for c in batch]))

    def _encode(self, inputs: list) -> Floats:  # type: ignore[type-arg]
        import torch

        # On every call: UMAP in the same process resets the number of OpenMP threads to all cores.
        torch.set_num_threads(self._threads)
        vectors = self._model.encode(
            inputs, batch_size=32, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


def _readable(path: Path | None) -> Image.Image | None:
    """Return the picture, or None where it is damaged or missing."""
    try:
        return None if path is None else load_rgb(path, longest=1024)
    except (OSError, ValueError, SyntaxError):
        return None


@cache
def _loaded(model: str, threads: int, revision: str | None = None):  # type: ignore[no-untyped-def]
    """Load the model once per process, although every stage makes its own embedder."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(threads)
    loaded = SentenceTransformer(
        model, device="cpu", revision=revision, local_files_only=Path(model).exists()
    )
    _pad_as_trained(loaded)
    return loaded


def _pad_as_trained(model) -> None:  # type: ignore[no-untyped-def]
    """Pad a SigLIP's texts to full length, as in its training.

    It takes a text's vector from the last position: padded to the longest text of a batch, the vector would
    depend on the batch.
    """
    first = model[0]
    config = getattr(first, "config", None)
    if config is not None and config.model_type.startswith("siglip"):
        places = config.text_config.max_position_embeddings
        padded = {"padding": "max_length", "max_length": places, "truncation": True}
        first.processing_kwargs = {**first.processing_kwargs, "text": padded}


class LocalEmbedder:
    """Texts by a local model; pictures by the same model if it takes them, else by ConSE."""

    concurrency = 1

    def __init__(self, text: MiniLMText | SentenceTransformerText, settings: Settings, state: State) -> None:
        self.text = text
        self._state = state
        self._classifier = ImageNetClassifier(settings.models, settings.cores, state)

    @property
    def name(self) -> str:
        return self.text.name

    def version(self, kind: Kind) -> str:
        own = self.text.version(kind)
        return own if kind == "text" or self.text.sees_pictures else f"{own}|conse-{TOP}"

    @property
    def dimensions(self) -> int:
        return self.text.dimensions

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return self.text.batches(contents)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        if not batch or batch[0].text is not None or self.text.sees_pictures:
            return self.text.embed(batch)
        pictures = {c.sha256: c.image for c in batch if c.image is not None}
        labels = self._classifier.labels(pictures, silent)
        return [conse(labels[c.sha256], self._label_vectors) if c.sha256 in labels else None for c in batch]

    @cached_property
    def _label_vectors(self) -> Floats:
        """Centred vectors of the 1,000 label names, shape (1000, dimensions)."""
        texts = [f"a photo of a {name}" for name in label_names()]
        contents = [Content(text_sha256(text), text) for text in texts]
        vectors = embed_all(contents, self.text, self._state.of(""), silent, "label names").answers
        stacked = np.stack([vectors[c.sha256] for c in contents])
        return np.asarray(stacked - stacked.mean(axis=0), dtype=np.float32)


def is_conse(version: str) -> bool:
    """Whether a picture's vector of this version was put together from its labels."""
    return version.endswith(f"|conse-{TOP}")


def conse(labels: Labels, label_vectors: Floats) -> Floats:
    """Mean of the label vectors weighted by probability, normalised (Norouzi et al. 2014, eq. 5).

    Args:
        labels: class numbers and probabilities.
        label_vectors: shape (classes, dimensions).

    Returns:
        A unit vector of shape (dimensions,).
    """
    classes, weights = [i for i, _ in labels], np.array([p for _, p in labels], dtype=np.float32)
    mean = (weights / weights.sum()) @ label_vectors[classes]
    return np.asarray(unit(mean[None])[0])


def text_sha256(text: str) -> str:
    """Hash of a text, as in ``Content``."""
    return hashlib.sha256(text.encode()).hexdigest()
