"""Vectors of common words: anchors shared by the texts and pictures of all users.

The words are those of the bundled text model's vocabulary. They belong to no user, so they are embedded once
for all, and kept in the state like other vectors.
"""

import json
import re
from functools import cache
from itertools import islice

import numpy as np

from qualia_assets.embed import minilm
from qualia_assets.embed.base import Content, Embedder, embed_all
from qualia_assets.embed.local import text_sha256
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import Progress
from qualia_assets.state.database import State

_WORD = re.compile(r"[a-z]{4,}")


@cache
def common_words(most: int) -> tuple[str, ...]:
    """The first complete lower-case words of at least four letters in the vocabulary, in its order."""
    tokenizer = json.loads((minilm.folder() / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    words = (word for word in sorted(vocabulary, key=vocabulary.__getitem__) if _WORD.fullmatch(word))
    return tuple(islice(words, most))


def word_contents(most: int) -> list[Content]:
    """The common words as contents to embed."""
    return [Content(text_sha256(word), word) for word in common_words(most)]


def lexicon(embedder: Embedder, most: int, state: State, progress: Progress) -> Floats:
    """Vectors of the common words, centred and normalised.

    Args:
        embedder: of the items that are compared with them.
        most: words that are used.
        state: where vectors are kept.
        progress: told how many are embedded.

    Returns:
        Unit vectors of shape (words, dimensions), without the words that could not be embedded.

    Raises:
        NoAnswer: some words have to wait for a later run; an incomplete lexicon would be a different one.
    """
    contents = word_contents(most)
    asked = embed_all(contents, embedder, state.of(""), progress, "embedding common words")
    if asked.reason is not None:
        raise asked.reason
    vectors = asked.answers
    if not vectors:
        return np.zeros((0, embedder.dimensions), dtype=np.float32)
    stacked = np.stack([vectors[c.sha256] for c in contents if c.sha256 in vectors])
    return unit(stacked - stacked.mean(axis=0))
