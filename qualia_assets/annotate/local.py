"""The annotator that runs here: no language model, no key, the same answer every time.

From an item's own words (title, body, caption, tags), for pictures also ImageNet labels, colours,
light and words read off them, it fills the six fields: an extractive summary, and for the five felt
fields the nearest entries of curated vocabularies. It finds words near words; it does not
understand, and of a picture without a caption it knows objects and colours only.
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
from qualia_assets.embed.base import Content, embed_all, in_chunks, words_of
from qualia_assets.embed.imagenet import ImageNetLabels, Labels, label_names
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.minilm import MiniLMText
from qualia_assets.lake.blobs import load_rgb
from qualia_assets.method import naming
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import silent
from qualia_assets.settings import Settings
from qualia_assets.state.database import State

FIELDS = ("aesthetic", "themes", "mood", "lifestyle", "moment")
SUMMARY_CHARACTERS = 1100
"""About what the sentence embedder reads, 256 word pieces: what fits is its own best summary."""
LABEL_FLOOR = 0.2
"""An ImageNet label less probable than this is a guess, and is not said."""
LOOK_WEIGHT = 0.2
"""What a picture looks like counts this much beside what people said of it."""
TERM_FLOOR = 0.15
"""A vocabulary entry with a lower cosine to the item says nothing of it, and the field stays empty."""
_FOLDER = Path(__file__).parent / "vocabularies"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(]?[A-Z0-9])")


@dataclass(frozen=True)
class Vocabulary:
    """The entries of one field: terms, and a one-line gloss of each."""

    terms: tuple[str, ...]
    glosses: tuple[str, ...]


@cache
def vocabulary(field: str) -> Vocabulary:
    """The curated vocabulary of a field, from its data file."""
    entries = tomllib.loads((_FOLDER / f"{field}.toml").read_text(encoding="utf-8"))["entries"]
    return Vocabulary(tuple(e["term"] for e in entries), tuple(e["gloss"] for e in entries))


class LocalAnnotator:
    """Vocabularies and a sentence embedder in place of a language model."""

    name = "local"
    batch_size = 128
    concurrency = 1
    # Looked up from words, the felt fields blur what the words themselves say: docs/decisions/0002.
    embedded_fields: tuple[str, ...] = ()

    def __init__(self, settings: Settings, state: State) -> None:
        self._state = state
        self._embedder = MiniLMText(settings.models, settings.cores)
        self._labels = ImageNetLabels(settings.models, settings.cores, state)
        self._reader = TextReader(settings.cores)

    @property
    def prompt_version(self) -> str:
        """Changes with the rules below and with every word of the vocabularies."""
        words = "|".join(repr(vocabulary(field)) for field in FIELDS)
        return f"local-5-{text_sha256(words)[:8]}-{TextReader.version}"

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        return in_chunks(subjects, self.batch_size)

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        seen = self._looked_at(batch)
        said = [own_words(s, seen.get(s.sha256)) for s in batch]
        looks = [seen[s.sha256].in_words() if s.sha256 in seen else "" for s in batch]
        contents = [Content(text_sha256(text), text) for text in {*said, *looks} if text]
        vectors = embed_all(contents, self._embedder, self._state, silent, "own words").found
        out = []
        for subject, words, look in zip(batch, said, looks, strict=True):
            parts = [w * vectors[text_sha256(t)] for t, w in ((words, 1.0), (look, LOOK_WEIGHT)) if t]
            if parts:
                vector = unit(np.sum(parts, axis=0)[None])[0]
                out.append(self._annotation(subject, seen.get(subject.sha256), vector))
            else:
                out.append(Annotation("failed", error="has no words, and its picture cannot be read"))
        return out

    def _annotation(self, subject: Subject, seen: "Seen | None", vector: Floats) -> Annotation:
        terms = {field: self._glosses[field][0] for field in FIELDS}
        found = {field: nearest_terms(vector, self._glosses[field][1]) for field in FIELDS}

        def one(field: str) -> str | None:
            best, cosine = found[field][0]
            return terms[field][best] if cosine >= TERM_FLOOR else None

        return Annotation(
            status="ok",
            summary=summarise(subject, seen),
            aesthetic=one("aesthetic"),
            themes=tuple(terms["themes"][i] for i, _ in found["themes"]),
            mood=one("mood"),
            lifestyle=one("lifestyle"),
            moment=one("moment"),
        )

    @cached_property
    def _glosses(self) -> dict[str, tuple[tuple[str, ...], Floats]]:
        """Terms of each field, and the vectors of 'term: gloss'."""
        out = {}
        for field in FIELDS:
            entries = vocabulary(field)
            texts = [f"{t}: {g}" for t, g in zip(entries.terms, entries.glosses, strict=True)]
            contents = [Content(text_sha256(text), text) for text in texts]
            vectors = embed_all(contents, self._embedder, self._state.of(""), silent, "vocabularies").found
            out[field] = (entries.terms, np.stack([vectors[c.sha256] for c in contents]))
        return out

    def _looked_at(self, batch: Sequence[Subject]) -> "dict[str, Seen]":
        pictures = {s.image_sha256: s.image for s in batch if s.image is not None and s.image_sha256}
        labels = self._labels.of_all(pictures, silent)
        names = label_names() if pictures else []
        seen = {}
        for subject in batch:
            if subject.image is None or subject.image_sha256 not in labels:
                continue
            image = load_rgb(subject.image, longest=640)
            seen[subject.sha256] = Seen.of(image, labels[subject.image_sha256], names, self._reader)
        return seen


@dataclass(frozen=True)
class Seen:
    """What was seen on a picture."""

    objects: tuple[str, ...]
    colours: tuple[str, ...]
    light: str
    words: str

    @classmethod
    def of(cls, image: Image.Image, labels: Labels, names: Sequence[str], reader: TextReader) -> "Seen":
        return cls(
            objects=tuple(names[i] for i, p in labels[:3] if p >= LABEL_FLOOR),
            colours=tuple(dominant_colours(image)),
            light=light(image),
            words=reader.read(image),
        )

    def in_words(self) -> str:
        """Objects, colours and light as one line."""
        return ". ".join(filter(None, [", ".join(self.objects), f"{', '.join(self.colours)}; {self.light}"]))


def own_words(subject: Subject, seen: Seen | None) -> str:
    """What people said of an item, and what is written on it."""
    written = seen.words if seen else None
    return words_of(subject.title, subject.text, ", ".join(subject.tags), subject.collection, written)


def nearest_terms(vector: Floats, glosses: Floats) -> list[tuple[int, float]]:
    """The entries nearest to an item, the nearest first: three, and a fourth if as near as the third.

    Ranked by what sets each entry apart from the mean of its field.

    Args:
        vector: shape (d,), unit.
        glosses: shape (entries, d), unit.

    Returns:
        Entry and its cosine to the item, the latter with nothing taken off.
    """
    own = unit(glosses - glosses.mean(axis=0)) @ vector
    order = np.argsort(-own, kind="stable")
    near = [i for i in order[3:4] if own[i] >= 0.95 * own[order[2]]]
    return [(int(i), float(glosses[i] @ vector)) for i in [*order[:3], *near]]


def summarise(subject: Subject, seen: Seen | None) -> str | None:
    """An item's own words as far as they fit, of longer ones the sentences that say most of it.

    A sentence scores by how common its words are in the whole text; the words of a chosen sentence
    count less from then on, so that the next says something else (SumBasic, Nenkova & Vanderwende
    2005). The title comes first, the sentences in their order.
    """
    parts = [subject.title] if subject.title else []
    sentences = [
        s.strip() for s in _SENTENCE_END.split(subject.text or "") if s.strip() and s != subject.title
    ]
    parts += _sum_basic(sentences, SUMMARY_CHARACTERS - len(subject.title or ""))
    if subject.tags:
        parts.append(", ".join(subject.tags))
    if seen is not None and seen.words:
        parts.append(seen.words)
    if seen is not None and not parts:
        # Only where nobody said anything: objects guessed and colours make all pictures alike.
        parts.append(seen.in_words())
    text = " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts)
    return _shortened(text) or None


def _sum_basic(sentences: list[str], room: int) -> list[str]:
    """Sentences that fit in ``room`` characters, in their order: all of them, or those that say most."""
    if sum(len(s) + 1 for s in sentences) <= room:
        return sentences
    words = [set(naming.words(s)) for s in sentences]
    weight = {w: n / len(sentences) for w, n in Counter(w for ws in words for w in ws).items()}
    # A sentence of one or two words that say anything is an aside.
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
