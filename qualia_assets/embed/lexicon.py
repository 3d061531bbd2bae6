"""Common words and their vectors: anchors that texts and pictures of any user share.

The words are those of the bundled text model's own vocabulary; they belong to nobody, are embedded once
for all users, and are kept like any answer of a provider.
"""

import json
import re
from functools import cache

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
def common_words() -> tuple[str, ...]:
    """Whole lower-case words of four letters and more, in the order of the vocabulary."""
    tokenizer = json.loads((minilm.folder() / "tokenizer.json").read_text(encoding="utf-8"))
    known: dict[str, int] = tokenizer["model"]["vocab"]
    return tuple(word for word in sorted(known, key=lambda w: known[w]) if _WORD.fullmatch(word))


def word_contents() -> list[Content]:
    """The common words, as what is embedded."""
    return [Content(text_sha256(word), word) for word in common_words()]


def lexicon(embedder: Embedder, state: State, progress: Progress) -> Floats:
    """Unit vectors of the common words, their mean taken off, shape (words, d); without those that failed.

    Raises:
        NoAnswer: some of them have to wait, and half a lexicon would be another one.
    """
    contents = word_contents()
    asked = embed_all(contents, embedder, state.of(""), progress, "embedding common words")
    if asked.reason is not None:
        raise asked.reason
    vectors = asked.answers
    if not vectors:
        return np.zeros((0, embedder.dimensions), dtype=np.float32)
    found = np.stack([vectors[c.sha256] for c in contents if c.sha256 in vectors])
    return unit(found - found.mean(axis=0))
