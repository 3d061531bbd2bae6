"""Questions of a person as vectors of the annotation space: words as they are, a picture as a pin is.

Nothing of a question is kept: not in the state database, not on disk, in no log. Belongs here: who is asked
about it, and with what. What is found is for ``search``.
"""

import io
import unicodedata
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import cast

from qualia_assets.annotate.base import Annotation, Annotator, Subject
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.embed.base import Content, Embedder
from qualia_assets.embed.lexicon import lexicon
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.embed.weights import WeightsError
from qualia_assets.errors import QualiaError
from qualia_assets.lake.blobs import THUMBNAIL, inspect_bytes, load_rgb
from qualia_assets.method.neighbours import Floats
from qualia_assets.net.base import NoAnswer
from qualia_assets.progress import silent
from qualia_assets.providers.base import ProviderError
from qualia_assets.providers.budget import Budget
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State, StateError

MOST_CHARACTERS = 1_000
"""Of a question in words: about what the installed text model reads."""
LONGEST_WAIT = 5.0
"""Seconds that a provider which cannot be reached is tried again for: a person waits."""
_UNUSABLE = {
    "too_big": "The file is larger than 20 MB.",
    "bomb": "The picture has more than 50 million pixels.",
    "bad_mime": "The file is no picture that can be read. JPEG, PNG, WebP and GIF can.",
}
_NO_ANSWER = (ProviderError, NoAnswer, SettingsError, WeightsError, StateError)


class QuestionError(QualiaError):
    """A question that cannot be asked; the message says why and what to do, and nothing of the question."""


@dataclass(frozen=True)
class Seen:
    """A picture that somebody asks with: what is said of it, where it lies, and a small WebP of it."""

    annotation: Annotation
    vector: Floats
    small: bytes


def checked_words(words: str) -> str:
    """The words on one line.

    Raises:
        QuestionError: there are none, too many, or characters that no one reads.
    """
    if not words.strip():
        raise QuestionError("There are no words to search for.")
    if len(words) > MOST_CHARACTERS:
        raise QuestionError(
            f"A question has at most {MOST_CHARACTERS:,} characters, and this one has {len(words):,}. "
            "Its first sentences say most of it."
        )
    line = " ".join(words.split())
    if readable(line) != line:
        raise QuestionError("There are control characters among these words. Type them anew.")
    return line


def readable(words: str) -> str:
    """The words without control characters, and without halves of characters."""
    return "".join(c for c in words if unicodedata.category(c) not in ("Cc", "Cs"))


class Questions:
    """Asks the embedder and the annotator of the settings about questions. Safe to use from several threads.

    Args:
        settings: name both, and hold the keys.
        state: where a service's costs are written down, and where common words are; opened when one of the
            two is needed, if it is not given.
    """

    def __init__(self, settings: Settings, state: State | None = None) -> None:
        wait = settings.crawling.model_copy(update={"longest_wait": LONGEST_WAIT})
        # Of a question there is one, and it is waited for.
        at_once = settings.anthropic.model_copy(update={"way": "messages"})
        self._settings = settings.model_copy(update={"crawling": wait, "anthropic": at_once})
        self._given = state
        # One picture at a time: decoded, one takes hundreds of megabytes.
        self._pictures = ThreadPoolExecutor(1, thread_name_prefix="picture")

    def words(self, words: str) -> Floats:
        """The vector of some words.

        Raises:
            QuestionError: the embedder does not give one.
        """
        content = Content(text_sha256(words), words)
        try:
            vector = self._embedder.embed([content])[0]
        except _NO_ANSWER as error:
            raise QuestionError(str(error)) from None
        if vector is None:
            raise QuestionError("These words could not be embedded.")
        return vector

    def picture(self, data: bytes) -> Seen:
        """A picture, annotated and embedded as one without a caption.

        Raises:
            QuestionError: it is none that can be used, or one of the two providers gives nothing.
        """
        return self._pictures.submit(self._picture, data).result()

    def of_embedder(self, made_by: str) -> None:
        """Make sure that vectors made by that embedder can be compared with those of questions.

        Raises:
            QuestionError: they cannot.
        """
        try:
            name = self._embedder.name
        except SettingsError as error:
            raise QuestionError(str(error)) from None
        if name != made_by:
            raise QuestionError(
                f"The items were embedded by {made_by}, and the settings name {name}: "
                "`qualia run` embeds them anew."
            )

    def common_words(self) -> Floats:
        """The vectors of common words, among which some adapters look things up: kept since one was fitted.

        Raises:
            QuestionError: they are not there and cannot be had.
        """
        try:
            return lexicon(self._embedder, self._lasting, silent)
        except _NO_ANSWER as error:
            raise QuestionError(str(error)) from None

    def _picture(self, data: bytes) -> Seen:
        seen = inspect_bytes(data)
        if seen.status != "ok":
            raise QuestionError(_UNUSABLE[seen.status])
        sha = sha256(data).hexdigest()
        # What opens a picture takes a file in memory in a path's place.
        image = cast(Path, io.BytesIO(data))
        subject = Subject(sha, "image", None, None, (), image_sha256=sha, image=image)
        small = io.BytesIO()
        try:
            load_rgb(image, longest=THUMBNAIL).save(small, "WEBP", quality=80)
            annotation = self._annotator.annotate([subject])[0]
        except _NO_ANSWER as error:
            raise QuestionError(str(error)) from None
        except (OSError, ValueError, SyntaxError):
            # What a decoder raises at a damaged file; its words may hold some of the file.
            raise QuestionError(_UNUSABLE["bad_mime"]) from None
        text = annotation.as_text(self._annotator.embedded_fields)
        if text is None:
            raise QuestionError("Nothing could be said of this picture.")
        return Seen(annotation, self.words(text), small.getvalue())

    @cached_property
    def _embedder(self) -> Embedder:
        # One that runs here keeps nothing of texts, so that nothing has to be opened for it.
        state = self._lasting if leaves_the_machine(self._settings.embedder) else _Forgetful("sqlite://")
        return make_embedder(self._settings, state)

    @cached_property
    def _annotator(self) -> Annotator:
        # Made and used in the one thread of pictures, to which such a database belongs.
        state, budget = _Forgetful("sqlite://"), None
        if leaves_the_machine(self._settings.annotator):
            budget = Budget(self._lasting, "annotations", self._settings.max_usd)
        return make_annotator(self._settings, state, budget)

    @cached_property
    def _lasting(self) -> State:
        return self._given or State(self._settings.state_url)


def leaves_the_machine(provider: str) -> bool:
    """Whether what that annotator or embedder is asked about is sent to a service."""
    return provider != "local" and not provider.startswith("sentence-transformers/")


class _Forgetful(State):
    """A database in memory that keeps no answer."""

    def keep_answers(self, kind: str, provider: str, payloads: Mapping[str, bytes]) -> None: ...
