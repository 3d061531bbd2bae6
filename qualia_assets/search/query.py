"""A person's query as a vector of the annotation space: a picture is treated as a pin without a caption.

A query is kept nowhere: not in the state database, on disk or in a log. Searching is in ``index``.
"""

import io
import unicodedata
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qualia_assets.annotate.base import Annotation, Annotator, Subject
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.embed.base import Content, Embedder
from qualia_assets.embed.lexicon import lexicon
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.embed.weights import WeightsError
from qualia_assets.errors import QualiaError
from qualia_assets.lake.blobs import THUMBNAIL, inspect_bytes, load_rgb
from qualia_assets.lake.store import Lake
from qualia_assets.lake.weights import read_weights
from qualia_assets.method.adapters import QueryAdapter, lexicon_words
from qualia_assets.method.corpus import NO_LEXICON
from qualia_assets.method.neighbours import Floats
from qualia_assets.net.base import NoAnswer
from qualia_assets.progress import silent
from qualia_assets.providers.base import ProviderError
from qualia_assets.providers.budget import Budget
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State, StateError

MAX_CHARACTERS = 1_000
"""Of a query in words: about what the local text model reads."""
MAX_WAIT = 5.0
"""Seconds for which a provider that cannot be reached is retried, since a person is waiting."""
_UNUSABLE = {
    "too_big": "The file is larger than 20 MB.",
    "bomb": "The picture has more than 50 million pixels.",
    "bad_mime": "The file is not a readable picture. JPEG, PNG, WebP and GIF are supported.",
}
_PROVIDER_ERRORS = (ProviderError, NoAnswer, SettingsError, WeightsError, StateError)


class QueryError(QualiaError):
    """A query that cannot be answered; the message says why and what to do, and never quotes the query."""


@dataclass(frozen=True)
class EncodedPicture:
    """A picture as a query: its annotation, its vector, and a thumbnail of it (WebP)."""

    annotation: Annotation
    vector: Floats
    thumbnail: bytes


def checked_words(words: str) -> str:
    """The words on one line.

    Raises:
        QueryError: there are none, too many, or control characters among them.
    """
    if not words.strip():
        raise QueryError("There are no words to search for.")
    if len(words) > MAX_CHARACTERS:
        raise QueryError(
            f"A query has at most {MAX_CHARACTERS:,} characters, and this one has {len(words):,}. "
            "Its first sentences usually say enough."
        )
    line = " ".join(words.split())
    if printable(line) != line:
        raise QueryError("There are control characters among these words. Type them again.")
    return line


def printable(words: str) -> str:
    """The words without control characters and lone surrogates."""
    return "".join(c for c in words if unicodedata.category(c) not in ("Cc", "Cs"))


class QueryEncoder:
    """Encodes queries with the embedder and the annotator of the settings. Safe to use from several threads.

    Args:
        settings: name both, and hold the API keys.
        state: records what a remote provider costs, and holds the embedded lexicon; opened when it is first
            needed if it is not given.
    """

    def __init__(self, settings: Settings, state: State | None = None) -> None:
        wait = settings.crawling.model_copy(update={"longest_wait": MAX_WAIT})
        # A batch could take hours.
        at_once = settings.anthropic.model_copy(update={"way": "messages"})
        self._settings = settings.model_copy(update={"crawling": wait, "anthropic": at_once})
        self._given = state
        # One picture at a time: decoded, one takes hundreds of megabytes.
        self._pictures = ThreadPoolExecutor(1, thread_name_prefix="picture")

    def encode_words(self, words: str) -> Floats:
        """The vector of some words, shape (d,), unit.

        Raises:
            QueryError: the embedder returns none.
        """
        content = Content(text_sha256(words), words)
        try:
            vector = self._embedder.embed([content])[0]
        except _PROVIDER_ERRORS as error:
            raise QueryError(str(error)) from None
        if vector is None:
            raise QueryError("These words could not be embedded.")
        return vector

    def encode_picture(self, data: bytes) -> EncodedPicture:
        """A picture, annotated and embedded like a pin without a caption.

        Raises:
            QueryError: the picture is unusable, or a provider returns nothing.
        """
        return self._pictures.submit(self._encode_picture, data).result()

    def check_embedder(self, name: str) -> None:
        """Check that vectors of the named embedder can be compared with those of queries.

        Raises:
            QueryError: they cannot.
        """
        try:
            own = self._embedder.name
        except SettingsError as error:
            raise QueryError(str(error)) from None
        if own != name:
            raise QueryError(
                f"The items were embedded by {name}, and the settings name {own}: "
                "`qualia run` embeds them again."
            )

    def common_words(self, number: int) -> Floats:
        """The vectors of the lexicon that some adapters look words up in, kept since one was fitted.

        Args:
            number: of words, as the adapter was fitted with.

        Raises:
            QueryError: they are missing and cannot be made.
        """
        try:
            return lexicon(self._embedder, number, self._lasting, silent)
        except _PROVIDER_ERRORS as error:
            raise QueryError(str(error)) from None

    def _encode_picture(self, data: bytes) -> EncodedPicture:
        seen = inspect_bytes(data)
        if seen.status != "ok":
            raise QueryError(_UNUSABLE[seen.status])
        sha = sha256(data).hexdigest()
        # Whatever opens a picture accepts a file in memory in place of a path.
        image = cast(Path, io.BytesIO(data))
        subject = Subject(sha, "image", None, None, (), image_sha256=sha, image=image)
        thumbnail = io.BytesIO()
        try:
            load_rgb(image, longest=THUMBNAIL).save(thumbnail, "WEBP", quality=80)
            annotation = self._annotator.annotate([subject])[0]
        except _PROVIDER_ERRORS as error:
            raise QueryError(str(error)) from None
        except (OSError, ValueError, SyntaxError):
            # What decoders raise on a damaged file; their messages may quote the file.
            raise QueryError(_UNUSABLE["bad_mime"]) from None
        text = annotation.as_text(self._annotator.embedded_fields)
        if text is None:
            raise QueryError("This picture could not be annotated.")
        return EncodedPicture(annotation, self.encode_words(text), thumbnail.getvalue())

    @cached_property
    def _embedder(self) -> Embedder:
        # A local one keeps no answers for texts, so that no database is needed.
        state = self._lasting if is_remote(self._settings.embedder) else _Forgetful("sqlite://")
        return make_embedder(self._settings, state)

    @cached_property
    def _annotator(self) -> Annotator:
        # Made and used in the picture thread alone, to which an SQLite database in memory belongs.
        state, budget = _Forgetful("sqlite://"), None
        if is_remote(self._settings.annotator):
            budget = Budget(self._lasting, "annotations", self._settings.max_usd)
        return make_annotator(self._settings, state, budget)

    @cached_property
    def _lasting(self) -> State:
        return self._given or State(self._settings.state_url)


def query_adapter(
    lake: Lake,
    adapter: Mapping[str, Any],
    annotated: Floats,
    modality: NDArray[np.str_],
    encoder: QueryEncoder,
) -> QueryAdapter:
    """An adapter ready for queries.

    Args:
        lake: holds its weights.
        adapter: its row in ``adapters``.
        annotated: the user's items in the annotation space, shape (n, d), unit.
        modality: of these, shape (n,).
        encoder: embeds the lexicon, where the adapter uses it.

    Raises:
        LakeError: there are no weights.
        QueryError: there is no lexicon.
    """
    weights = read_weights(lake, adapter["weights"])
    number = lexicon_words(weights)
    words = encoder.common_words(number) if number else NO_LEXICON
    return QueryAdapter(annotated, modality, weights, words)


def is_remote(provider: str) -> bool:
    """Whether the annotator or embedder of that name sends what it is given to a service."""
    return provider != "local" and not provider.startswith("sentence-transformers/")


class _Forgetful(State):
    """A database in memory that keeps no answers."""

    def keep_answers(self, kind: str, provider: str, payloads: Mapping[str, bytes]) -> None: ...
