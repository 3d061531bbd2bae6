"""The local annotator: no language model, no key, deterministic.

It fills the six fields from an item's own words (title, body, caption, tags), and for pictures also from
ImageNet labels, colours, light and OCR: an extractive summary, and for the five felt fields the nearest
entries of curated vocabularies. It compares words with words and understands neither; of a picture without a
caption it knows objects and colours only.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from qualia_assets.annotate.base import Annotation, Subject
from qualia_assets.annotate.pictures import TextReader, dominant_colours, light
from qualia_assets.embed.base import Content, embed_all, words_of
from qualia_assets.embed.imagenet import ImageNetClassifier, Labels, label_names
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.minilm import MiniLMText
from qualia_assets.lake.blobs import load_rgb
from qualia_assets.method import naming
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import batched, silent
from qualia_assets.settings import Settings
from qualia_assets.state.database import State

FIELDS = ("aesthetic", "themes", "mood", "lifestyle", "moment")
SUMMARY_CHARACTERS = 1100
"""About what the sentence embedder reads, 256 word pieces: a text that fits needs no summary."""
LABEL_FLOOR = 0.2
"""A less probable ImageNet label is a guess, and is left out."""
LOOK_WEIGHT = 0.2
"""Of a picture's look, beside the words about it, which count 1."""
TERM_FLOOR = 0.15
"""Where the nearest entry has a lower cosine to the item, the field stays empty."""
_FOLDER = Path(__file__).parent / "vocabularies"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(]?[A-Z0-9])")


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
        return f"local-5-{text_sha256(words)[:8]}-{TextReader.version}"

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        return batched(subjects, self.batch_size)

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        pictures = self._features(batch)
        texts = [item_text(s, pictures.get(s.sha256)) for s in batch]
        looks = [pictures[s.sha256].look() if s.sha256 in pictures else "" for s in batch]
        contents = [Content(text_sha256(text), text) for text in {*texts, *looks} if text]
        vectors = embed_all(contents, self._embedder, self._state, silent, "own words").answers
        annotations = []
        for subject, text, look in zip(batch, texts, looks, strict=True):
            weighted = [w * vectors[text_sha256(t)] for t, w in ((text, 1.0), (look, LOOK_WEIGHT)) if t]
            if weighted:
                vector = unit(np.sum(weighted, axis=0)[None])[0]
                annotations.append(self._annotation(subject, pictures.get(subject.sha256), vector))
            else:
                annotations.append(Annotation("failed", error="has no words, and its picture cannot be read"))
        return annotations

    def _annotation(self, subject: Subject, picture: "PictureFeatures | None", vector: Floats) -> Annotation:
        terms = {field: self._glosses[field][0] for field in FIELDS}
        nearest = {field: nearest_terms(vector, self._glosses[field][1]) for field in FIELDS}

        def one(field: str) -> str | None:
            best, cosine = nearest[field][0]
            return terms[field][best] if cosine >= TERM_FLOOR else None

        return Annotation(
            status="ok",
            summary=summarise(subject, picture),
            aesthetic=one("aesthetic"),
            themes=tuple(terms["themes"][i] for i, _ in nearest["themes"]),
            mood=one("mood"),
            lifestyle=one("lifestyle"),
            moment=one("moment"),
        )

    @cached_property
    def _glosses(self) -> dict[str, tuple[tuple[str, ...], Floats]]:
        """The terms of each field, and the vectors of 'term: gloss'."""
        glosses = {}
        for field in FIELDS:
            entries = vocabulary(field)
            texts = [f"{t}: {g}" for t, g in zip(entries.terms, entries.glosses, strict=True)]
            contents = [Content(text_sha256(text), text) for text in texts]
            vectors = embed_all(contents, self._embedder, self._state.of(""), silent, "vocabularies").answers
            glosses[field] = (entries.terms, np.stack([vectors[c.sha256] for c in contents]))
        return glosses

    def _features(self, batch: Sequence[Subject]) -> "dict[str, PictureFeatures]":
        pictures = {s.image_sha256: s.image for s in batch if s.image is not None and s.image_sha256}
        labels = self._classifier.labels(pictures, silent)
        names = label_names() if pictures else []
        features = {}
        for subject in batch:
            if subject.image is None or subject.image_sha256 not in labels:
                continue
            image = load_rgb(subject.image, longest=640)
            features[subject.sha256] = PictureFeatures.of(
                image, labels[subject.image_sha256], names, self._reader
            )
        return features


@dataclass(frozen=True)
class PictureFeatures:
    """What can be recognised on a picture."""

    objects: tuple[str, ...]
    colours: tuple[str, ...]
    light: str
    words: str

    @classmethod
    def of(
        cls, image: Image.Image, labels: Labels, names: Sequence[str], reader: TextReader
    ) -> "PictureFeatures":
        return cls(
            objects=tuple(names[i] for i, p in labels[:3] if p >= LABEL_FLOOR),
            colours=tuple(dominant_colours(image)),
            light=light(image),
            words=reader.read(image),
        )

    def look(self) -> str:
        """Objects, colours and light as one line."""
        return ". ".join(filter(None, [", ".join(self.objects), f"{', '.join(self.colours)}; {self.light}"]))


def item_text(subject: Subject, picture: PictureFeatures | None) -> str:
    """The words about an item, and those on its picture."""
    on_it = picture.words if picture else None
    return words_of(subject.title, subject.text, ", ".join(subject.tags), subject.collection, on_it)


def nearest_terms(vector: Floats, glosses: Floats) -> list[tuple[int, float]]:
    """Return the three entries nearest to an item, and a fourth if it is about as near as the third.

    They are ranked by the difference of each entry from the mean of its field.

    Args:
        vector: of the item, shape (d,), unit length.
        glosses: vectors of the entries, shape (entries, d), unit length.

    Returns:
        Each entry's index and its cosine to the item, without the mean taken off; the nearest first.
    """
    own = unit(glosses - glosses.mean(axis=0)) @ vector
    order = np.argsort(-own, kind="stable")
    near = [i for i in order[3:4] if own[i] >= 0.95 * own[order[2]]]
    return [(int(i), float(glosses[i] @ vector)) for i in [*order[:3], *near]]


def summarise(subject: Subject, picture: PictureFeatures | None) -> str | None:
    """Return an item's own words where they fit, else their most representative sentences.

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
    if picture is not None and picture.words:
        parts.append(picture.words)
    if picture is not None and not parts:
        # Only where there are no words: guessed objects and colours make all pictures alike.
        parts.append(picture.look())
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
