"""What a run would request of providers and what that would cost, counted before anything is requested.

Counts from the lake and the cached answers; prices are in the catalogue. Models on this machine are free, and
their time is not estimated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from qualia_assets.annotate.anthropic import in_batches
from qualia_assets.annotate.base import annotation_key
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.defs.annotations import subject_of
from qualia_assets.defs.embeddings import caption_of, raw_of, said_of
from qualia_assets.defs.resources import Run
from qualia_assets.embed.base import Content, embedding_key
from qualia_assets.embed.lexicon import word_contents
from qualia_assets.embed.providers import make_embedder
from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.progress import silent
from qualia_assets.providers import catalogue
from qualia_assets.settings import Settings
from qualia_assets.state.database import State
from qualia_assets.state.usage import Usage

PROMPT_TOKENS, ANSWER_TOKENS = 700, 450
"""Tokens of an annotation's instructions and of an annotation: rough, on the large side."""


@dataclass(frozen=True)
class Line:
    """What one stage would request. ``seconds`` is the bound set by the configured requests per minute."""

    stage: str
    provider: str
    items: int
    cached: int
    to_ask: int
    input_tokens: int = 0
    output_tokens: int = 0
    pixels: int = 0
    usd: float = 0.0
    seconds: float = 0.0


def estimate(user: str, settings: Settings, state: State, lake: Lake) -> list[Line]:
    """Return what a run of a user would request of providers now.

    Items that are not in the lake yet (a visit that is due, a folder that has changed) are not counted.

    Raises:
        LakeError: the user has no artefacts yet.
        SettingsError: a provider is not known.
    """
    run = Run(user, settings, lake, state.of(user), silent, lambda line: None)
    items = lake.read("artefacts", user).to_pylist()
    first = _annotations(run, items)
    return [
        first,
        _embeddings(run, "raw_embeddings", [raw_of(run, item) for item in items]),
        _embeddings(run, "caption_embeddings", [c for c in map(caption_of, items) if c is not None]),
        _embeddings(run, "annotation_embeddings", _said(run), still_to_come=first.to_ask),
        *_common_words(run),
    ]


def _annotations(run: Run, items: Sequence[dict[str, Any]]) -> Line:
    annotator = make_annotator(run.settings, run.state)
    subjects = {s.sha256: s for s in (subject_of(run, item) for item in items)}
    if not annotator.name.startswith("anthropic/"):
        # The local annotator costs nothing, and chooses for all items at every run.
        return Line("annotations", annotator.name, len(subjects), len(subjects), 0)
    keys = {sha: annotation_key(annotator.name, annotator.prompt_version, s) for sha, s in subjects.items()}
    kept = run.state.answers(keys.values())
    missing = [subjects[sha] for sha, key in keys.items() if key not in kept]
    counted = (len(subjects), len(subjects) - len(missing), len(missing))
    model = catalogue.model(*annotator.name.split("/", 1))
    words = [" ".join(filter(None, (s.title, s.text, *s.tags))) for s in missing]
    pictures = [_size(run, s.image_sha256) for s in missing if s.image_sha256]
    usage = Usage(
        requests=len(missing),
        input_tokens=sum(PROMPT_TOKENS + catalogue.estimated_tokens(w) for w in words)
        + sum(catalogue.image_tokens(model, *_within(model.longest_side, size)) for size in pictures),
        output_tokens=ANSWER_TOKENS * len(missing),
        pixels=sum(width * height for width, height in pictures),
    )
    chosen = run.settings.anthropic
    batch = in_batches(chosen, len(missing))
    return _line("annotations", model, counted, usage, chosen.requests_per_minute, batch)


def _embeddings(run: Run, stage: str, contents: Sequence[Content], still_to_come: int = 0) -> Line:
    embedder = make_embedder(run.settings, run.state)
    distinct = {c.sha256: c for c in contents}
    if embedder.name.startswith("openai/"):
        # How long its vectors are only the server can say, so which there are cannot be told without it.
        every = len(distinct) + still_to_come
        return Line(stage, embedder.name, every, 0, every)
    keys = {
        sha: embedding_key(embedder.name, embedder.version(c.kind), embedder.dimensions, c)
        for sha, c in distinct.items()
    }
    kept = run.state.answers(keys.values())
    missing = [distinct[sha] for sha, key in keys.items() if key not in kept]
    to_ask = len(missing) + still_to_come
    counted = (len(distinct) + still_to_come, len(distinct) - len(missing), to_ask)
    if not embedder.name.startswith("voyage/"):
        return Line(stage, embedder.name, *counted)
    model = catalogue.model(*embedder.name.split("/", 1))
    pictures = [_size(run, c.sha256) for c in missing if c.text is None]
    usage = Usage(
        requests=-(-to_ask // model.inputs_per_request),
        input_tokens=sum(catalogue.estimated_tokens(c.text) for c in missing if c.text is not None)
        + ANSWER_TOKENS * still_to_come
        + sum(catalogue.image_tokens(model, *size) for size in pictures),
        pixels=sum(catalogue.counted_pixels(model, *size) for size in pictures),
    )
    return _line(stage, model, counted, usage, run.settings.voyage.requests_per_minute)


def _common_words(run: Run) -> list[Line]:
    """Return the words that our recipes look up: embedded once per space, for all users."""
    if not any("lexicon" in name for name in run.settings.adapters.recipes):
        return []
    contents = word_contents(run.settings.adapters.lexicon_words)
    return [_embeddings(replace(run, state=run.state.of("")), "adapters", contents)]


def _line(
    stage: str,
    model: catalogue.Model,
    counted: tuple[int, int, int],
    usage: Usage,
    requests_per_minute: int,
    batch: bool = False,
) -> Line:
    return Line(
        stage,
        model.full_name,
        *counted,
        usage.input_tokens,
        usage.output_tokens,
        usage.pixels,
        catalogue.usd(model, usage, batch),
        60 * usage.requests / requests_per_minute,
    )


def _said(run: Run) -> list[Content]:
    """Return what the chosen annotator has written so far."""
    try:
        rows = run.lake.read("annotations", run.user).to_pylist()
    except LakeError:
        return []
    name = make_annotator(run.settings, run.state).name
    said = (said_of(row) for row in rows if row["annotator"] == name)
    return [content for content in said if content is not None]


def _size(run: Run, sha256: str) -> tuple[int, int]:
    with Image.open(blob_path(run.lake, sha256)) as image:
        return image.size


def _within(longest: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of a picture after its longer side is limited to ``longest``."""
    scale = min(1.0, longest / max(size))
    return round(size[0] * scale), round(size[1] * scale)
