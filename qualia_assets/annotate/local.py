"""The local annotator: no language model, no key, deterministic.

It fills the six fields from an item's own words (title, body, caption, tags): an extractive summary, and for
the five felt fields the entries of curated vocabularies that it is surely near to, which may be none. It
compares words with words and understands neither. A picture without words of its own borrows them from the
captions of pictures like it, where a head was fitted on captions (``method.picture_head``), else from
ImageNet labels, and says so.

What is seen on a picture is kept in the state. The rest is chosen for all of a user's items at once, since an
entry that is near to all of them says nothing of any.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from qualia_assets.annotate.base import Annotation, Subject
from qualia_assets.annotate.pictures import TextReader, dominant_colours, light
from qualia_assets.embed import imagenet
from qualia_assets.embed.base import Content, embed_all, words_of
from qualia_assets.embed.imagenet import ImageNetClassifier
from qualia_assets.embed.lexicon import common_words
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.minilm import MiniLMText
from qualia_assets.lake.blobs import load_rgb
from qualia_assets.method import naming, profiles
from qualia_assets.method.borrowing import Borrowed
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import Progress, batched, silent
from qualia_assets.providers.requests import Provider, request_all
from qualia_assets.settings import Settings
from qualia_assets.state.database import State, answer_key

FIELDS = ("aesthetic", "themes", "mood", "lifestyle", "moment")
MOST_THEMES = 4
SUMMARY_CHARACTERS = 1100
"""About what the sentence embedder reads, 256 word pieces: a text that fits needs no summary."""
LABEL_FLOOR = 0.4
"""A less probable ImageNet label is a guess, and is left out."""
LEAST_WORDS = 2
"""Words of a language that a line on a picture must have; below, it is a sign or a shape."""
LEAST_SAID = 5
"""Words on a picture without a caption that make it a picture of words, a quotation say."""
_LANGUAGE_SHARE = 0.6
_FOLDER = Path(__file__).parent / "vocabularies"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(]?[A-Z0-9])")
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Vocabulary:
    """The entries of one field: terms, each with a one-line gloss."""

    terms: tuple[str, ...]
    glosses: tuple[str, ...]


@cache
def vocabulary(field: str) -> Vocabulary:
    """Load the curated vocabulary of a field."""
    entries = tomllib.loads((_FOLDER / f"{field}.toml").read_text(encoding="utf-8"))["entries"]
    return Vocabulary(tuple(e["term"] for e in entries), tuple(e["gloss"] for e in entries))


@dataclass(frozen=True)
class Bare:
    """What is known of the pictures that have no words of their own, by the hash of the picture.

    Args:
        vectors: in the local text model's space, less the mean of captions, unit; none without a head.
        borrowed: words of the captions of pictures like them.
    """

    vectors: Mapping[str, Floats] = field(default_factory=dict)
    borrowed: Mapping[str, Borrowed] = field(default_factory=dict)


class LocalAnnotator:
    """Vocabularies and a sentence embedder in place of a language model."""

    name = "local"
    batch_size = 128
    concurrency = 1
    # Embedding the looked-up terms would blur the item's own words: docs/decisions/0002.
    embedded_fields: tuple[str, ...] = ()

    def __init__(self, settings: Settings, state: State) -> None:
        self._state = state
        self._embedder = MiniLMText(settings.models, settings.cores)
        self._classifier = ImageNetClassifier(settings.models, settings.cores, state)
        self._reader = TextReader(settings.cores)

    @property
    def prompt_version(self) -> str:
        """Changes with every word of the vocabularies; raise its number when the rules below change."""
        words = "|".join(repr(vocabulary(field)) for field in FIELDS)
        return f"local-6-{text_sha256(words)[:8]}-{TextReader.version}"

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        return batched(subjects, self.batch_size)

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        """Annotate items as if there were no others, a query's picture for example."""
        return self.annotate_collection(batch, Bare(), silent)

    def annotate_collection(
        self, subjects: Sequence[Subject], bare: Bare, progress: Progress
    ) -> list[Annotation]:
        """Annotate all items of a user together, in order."""
        looks = self._looks(subjects, progress)
        of = [looks.get(subject.image_sha256 or "") for subject in subjects]
        texts = [item_text(subject, look) for subject, look in zip(subjects, of, strict=True)]
        vectors = self._vectors(texts, of, subjects, bare, progress)
        terms = self._terms(subjects, vectors)
        annotations = []
        for subject, look, text, chosen in zip(subjects, of, texts, terms, strict=True):
            lent = bare.borrowed.get(subject.image_sha256 or "", Borrowed())
            summary = summarise(subject, look) if text else look.line(lent.words) if look else None
            if summary is None:
                error = "has no words, and its picture cannot be read"
                annotations.append(Annotation("failed", error=error))
                continue
            first = {name: entries[0] if entries else None for name, entries in chosen.items()}
            annotations.append(
                Annotation(
                    status="ok",
                    summary=summary,
                    aesthetic=first["aesthetic"],
                    themes=tuple(chosen["themes"]),
                    mood=first["mood"],
                    lifestyle=first["lifestyle"],
                    moment=first["moment"],
                    confidence=None if text or subject.modality == "text" else lent.confidence,
                )
            )
        return annotations

    def _vectors(
        self,
        texts: Sequence[str],
        looks: Sequence["PictureLook | None"],
        subjects: Sequence[Subject],
        bare: Bare,
        progress: Progress,
    ) -> list[tuple[str, Floats] | None]:
        """The kind and the vector of each item: of its words, its picture, or what the picture looks like."""
        told = []
        for text, look, subject in zip(texts, looks, subjects, strict=True):
            sha = subject.image_sha256 or ""
            things = [*bare.borrowed.get(sha, Borrowed()).words, *(look.objects if look else ())]
            told.append(text or ("" if sha in bare.vectors else ", ".join(things)))
        contents = [Content(text_sha256(text), text) for text in {*told} if text]
        of_text = embed_all(contents, self._embedder, self._state, progress, "embedding own words").answers
        vectors: list[tuple[str, Floats] | None] = []
        for subject, text, line in zip(subjects, texts, told, strict=True):
            if line:
                kind = subject.modality if text else "labels"
                vectors.append((kind, of_text[text_sha256(line)]))
            else:
                own = bare.vectors.get(subject.image_sha256 or "")
                vectors.append(None if own is None else ("picture", own))
        return vectors

    def _terms(
        self, subjects: Sequence[Subject], vectors: Sequence[tuple[str, Floats] | None]
    ) -> list[dict[str, list[str]]]:
        """The entries of each field that each item is surely near to."""
        terms: list[dict[str, list[str]]] = [{name: [] for name in FIELDS} for _ in subjects]
        for kind in sorted({vector[0] for vector in vectors if vector}):
            rows = [i for i, vector in enumerate(vectors) if vector and vector[0] == kind]
            matrix = np.stack([vector[1] for vector in vectors if vector and vector[0] == kind])
            for name in FIELDS:
                entries, glosses = self._glosses[name]
                most = MOST_THEMES if name == "themes" else 1
                sure = profiles.sure(profiles.profile(matrix, glosses), most)
                for row, found in zip(rows, sure, strict=True):
                    terms[row][name] = [entries[i] for i in found]
        return terms

    @cached_property
    def _glosses(self) -> dict[str, tuple[tuple[str, ...], Floats]]:
        """The terms of each field, and the vectors of 'term: gloss'."""
        glosses = {}
        for name in FIELDS:
            entries = vocabulary(name)
            texts = [f"{t}: {g}" for t, g in zip(entries.terms, entries.glosses, strict=True)]
            contents = [Content(text_sha256(text), text) for text in texts]
            vectors = embed_all(contents, self._embedder, self._state.of(""), silent, "vocabularies").answers
            glosses[name] = (entries.terms, np.stack([vectors[c.sha256] for c in contents]))
        return glosses

    def _looks(self, subjects: Sequence[Subject], progress: Progress) -> dict[str, "PictureLook"]:
        """What is seen on each readable picture, by its hash; each is looked at once, ever."""
        pictures = {s.image_sha256: s.image for s in subjects if s.image is not None and s.image_sha256}
        version = f"1-{imagenet.NAME}-{imagenet.WEIGHTS_SHA256[:12]}-{TextReader.version}"
        provider = Provider(
            kind="look",
            name=self.name,
            key=lambda content: answer_key("look", self.name, version, {}, content.sha256),
            batches=lambda contents: batched(contents, 32),
            request=self._look,
            failed=lambda why: None,
            encode=lambda look: json.dumps(asdict(look)).encode(),
            decode=PictureLook.decode,
        )
        contents = [Content(sha, image=path) for sha, path in sorted(pictures.items())]
        return request_all(contents, provider, self._state, progress, "looking at pictures").answers

    def _look(self, batch: Sequence[Content]) -> list["PictureLook | None"]:
        labels = self._classifier.labels({c.sha256: c.image for c in batch if c.image}, silent)
        names = imagenet.label_names()
        looks: list[PictureLook | None] = []
        for content in batch:
            if content.image is None or content.sha256 not in labels:
                looks.append(None)
                continue
            image = load_rgb(content.image, longest=640)
            objects = tuple(names[i] for i, p in labels[content.sha256][:3] if p >= LABEL_FLOOR)
            colours, words = tuple(dominant_colours(image)), self._reader.read(image)
            looks.append(PictureLook(objects, colours, light(image), words))
        return looks


@dataclass(frozen=True)
class PictureLook:
    """What can be recognised on a picture."""

    objects: tuple[str, ...]
    colours: tuple[str, ...]
    light: str
    words: str

    @classmethod
    def decode(cls, answer: bytes) -> "PictureLook":
        """A look as it is kept."""
        kept = json.loads(answer)
        return cls(tuple(kept["objects"]), tuple(kept["colours"]), kept["light"], kept["words"])

    def line(self, borrowed: Sequence[str] = ()) -> str:
        """What the picture looks like, in one line that cannot be taken for words of its own."""
        things = ", ".join(dict.fromkeys([*borrowed, *self.objects]))
        return f"Looks like: {things or ', '.join(self.colours) + '; ' + self.light}."


@cache
def _dictionary() -> frozenset[str]:
    return frozenset(common_words(25_000))


def language_on(words: str) -> list[str]:
    """The words of a line if it is language: mostly words of a dictionary, and two of them at least."""
    tokens = [token for token in _LETTERS.findall(words) if len(token) > 2]
    known = [token for token in tokens if token.lower() in _dictionary() or len(token) == 3]
    is_language = len(known) >= max(LEAST_WORDS, _LANGUAGE_SHARE * len(tokens))
    return words.split() if is_language and any(len(token) > 3 for token in known) else []


def item_text(subject: Subject, look: PictureLook | None) -> str:
    """The words about an item, and those on its picture: of one without a caption only a whole sentence."""
    own = words_of(subject.title, subject.text, ", ".join(subject.tags), subject.collection)
    on_it = language_on(look.words) if look else []
    if look is None or len(on_it) < (LEAST_WORDS if own else LEAST_SAID):
        return own
    return words_of(own, look.words)


def summarise(subject: Subject, picture: PictureLook | None) -> str | None:
    """Return an item's own words where they fit, else their most representative sentences.

    Words on a picture come last; those of a picture without a caption are told as such.

    A sentence scores by the mean probability of its words in the text. The probabilities of a chosen
    sentence's words are squared, so that the next says something else (SumBasic, Nenkova & Vanderwende 2005,
    section 2). The title comes first; the sentences keep their order.
    """
    parts = [subject.title] if subject.title else []
    sentences = [
        s.strip() for s in _SENTENCE_END.split(subject.text or "") if s.strip() and s != subject.title
    ]
    parts += _sum_basic(sentences, SUMMARY_CHARACTERS - len(subject.title or ""))
    if subject.tags:
        parts.append(", ".join(subject.tags))
    if picture is not None and language_on(picture.words):
        parts.append(picture.words if parts else f"It says: {picture.words}")
    text = " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts)
    return _shortened(text) or None


def _sum_basic(sentences: list[str], room: int) -> list[str]:
    """Return sentences that fit in ``room`` characters, in their order: all, or the most representative."""
    if sum(len(s) + 1 for s in sentences) <= room:
        return sentences
    words = [set(naming.words(s)) for s in sentences]
    weight = {w: n / len(sentences) for w, n in Counter(w for ws in words for w in ws).items()}
    # A sentence with fewer than three content words is an aside.
    rest = [i for i in range(len(sentences)) if len(words[i]) >= 3] or list(range(len(sentences)))
    chosen: list[int] = []
    while rest:
        best = max(rest, key=lambda i: (sum(weight[w] for w in words[i]) / (len(words[i]) + 3), -i))
        rest.remove(best)
        if len(sentences[best]) + 1 <= room or not chosen:
            chosen.append(best)
            room -= len(sentences[best]) + 1
            for word in words[best]:
                weight[word] **= 2
    return [sentences[i] for i in sorted(chosen)]


def _shortened(text: str) -> str:
    if len(text) <= SUMMARY_CHARACTERS:
        return text
    return text[:SUMMARY_CHARACTERS].rsplit(" ", 1)[0] + " ..."
