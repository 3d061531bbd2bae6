"""What Dagster itself costs: a user through the whole graph with it, and the same stages without.

With it: ``run_stages`` in this process. Without: the same stages called one after the other, which
read their tables from the lake and check and write what they give, as a plain script would. On either
side the stages' own functions are timed where they are called, so that what they cost one time more or
less than another does not count; Dagster's own cost is all that is left with it, less all that is left
without it, as a share of what the stages and their tables cost.

The user is a folder of 2,000 posts and 2,000 pins (pictures of 32 x 32 pixels, which are quick to look
at: the stages come out cheap and Dagster dear). No provider is called: the state database is filled
beforehand with an answer to every question of the stages, themes planted in them (``planted``), by
stand-ins that have the providers' names. That no other answer came in is checked. Both sides are warmed
by a small user, each run has an empty lake, and the sides take turns.
"""

import functools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from PIL import Image

from benchmarks.planted import MODALITIES, NOWHERE, Floats, Planted, planted
from benchmarks.report import Line, Report
from benchmarks.timing import Stopwatch, cpu_seconds
from benchmarks.workspace import workspace
from qualia_assets.annotate.base import Annotation, Annotator, Subject, annotate_all
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.defs.catalogue import stages
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Compute, Made, Stage
from qualia_assets.embed.base import Content, Embedder, embed_all, words_of
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.lake.store import Lake
from qualia_assets.progress import batched, silent
from qualia_assets.runs.execution import dagster_instance, run_stages
from qualia_assets.settings import Settings, load_settings
from qualia_assets.state.database import State, answers

MOST = 0.10
WORDS_OF_A_POST = 120
WARM, USER = "warm", "planted"
DAGSTER, SCRIPT = "with Dagster", "without"
GROUPS = ("sources", "artefacts", "annotations")


def run(quick: bool) -> Report:
    items, themes, repetitions = (300, 10, 1) if quick else (2000, 28, 3)
    with workspace() as (folder, environment):
        os.environ.update(environment)
        settings = load_settings()
        state = State(settings.state_url)
        try:
            _make_user(folder, WARM, 150, 6, state)
            _make_user(folder, USER, items, themes, state)
            before = _kept(state)
            with dagster_instance(state) as instance:
                sides: dict[str, Callable[[str], object]] = {
                    DAGSTER: lambda user: run_stages(user, stages(), instance),
                    SCRIPT: lambda user: _make_all(user, state),
                }
                measured: dict[str, list[Measured]] = {side: [] for side in sides}
                for side in sides.values():
                    _measured(folder, WARM, side)
                for repetition in range(repetitions):
                    for name in sorted(sides, reverse=repetition % 2 == 1):
                        measured[name].append(_measured(folder, USER, sides[name]))
            new = _kept(state) - before
        finally:
            state.close()
    # The least of several: what else the machine does only ever adds.
    through, script = measured[DAGSTER], measured[SCRIPT]
    compute = min(m.compute for m in (*through, *script))
    tables = min(m.rest for m in script)
    own = min(m.rest for m in through) - tables
    best = min(script, key=lambda m: m.compute)
    dearest = sorted(best.stages.items(), key=lambda pair: -pair[1])[:8]
    number = len(stages())
    return Report(
        f"dagster_overhead: {items:,} + {items:,} items, {number} stages, least of {repetitions}",
        [
            Line(f"the whole graph through Dagster ({_each(m.total for m in through)})", (_least(through),)),
            Line(f"the same without it ({_each(m.total for m in script)})", (_least(script),)),
            Line("the stages' own functions", (compute,)),
            Line(f"all else through Dagster ({_each(m.rest for m in through)})", (own + tables,)),
            Line(
                f"all else without it: reading, checking, writing tables ({_each(m.rest for m in script)})",
                (tables,),
            ),
            Line(
                f"Dagster's own, {own / number * 1000:.0f} ms a stage",
                (own,),
                f"{own / (compute + tables):.1%}",
                f"under {MOST:.0%} of the stages with their tables",
                own / (compute + tables) < MOST,
            ),
            Line(f"new answers of providers: {new}", claim="no provider call", holds=new == 0),
        ],
        [f"The dearest of the stages' own: {', '.join(f'{name} {cpu:.2f} s' for name, cpu in dearest)}."],
    )


def _each(seconds: Iterable[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in seconds)


def _least(runs: Iterable["Measured"]) -> float:
    return min(m.total for m in runs)


@dataclass(frozen=True)
class Measured:
    """CPU of one run of the whole graph: all of it, and of each stage's own function."""

    total: float
    stages: dict[str, float]

    @property
    def compute(self) -> float:
        return sum(self.stages.values())

    @property
    def rest(self) -> float:
        return self.total - self.compute


def _measured(folder: Path, user: str, side: Callable[[str], object]) -> Measured:
    """Take a user through the graph into an empty lake."""
    _empty_lake(folder)
    watch = Stopwatch()
    with _watched(watch):
        started = cpu_seconds()
        side(user)
        return Measured(cpu_seconds() - started, watch.stages)


@contextmanager
def _watched(watch: Stopwatch) -> Iterator[None]:
    """Time the stages' own functions in their place, on either side alike."""
    functions = {step.name: step.compute for step in stages()}

    def timed(step: Stage) -> Compute:
        function = step.compute

        @functools.wraps(function)
        def compute(*args: Any, **kwargs: Any) -> Made | pa.Table:
            with watch.time(step.name):
                return function(*args, **kwargs)

        return compute

    # Stages are frozen, and the assets hold these very objects: nothing less reaches both sides.
    for step in stages():
        object.__setattr__(step, "compute", timed(step))
    try:
        yield
    finally:
        for step in stages():
            object.__setattr__(step, "compute", functions[step.name])


def _make_all(user: str, state: State) -> None:
    settings = load_settings()
    for step in stages():
        _make(step, user, settings, state)


def _make(step: Stage, user: str, settings: Settings, state: State) -> None:
    """What there is to a stage without Dagster: read its tables, make, check and write what it gives."""
    run = _run_of(step, user, settings, state)
    inputs = {table: run.lake.read(table, run.user or None) for table in step.inputs}
    _keep(step, run, step.compute(run, **inputs))


def _run_of(step: Stage, user: str, settings: Settings, state: State) -> Run:
    lake = Lake(settings.lake)
    return Run(user if step.per_user else "", settings, lake, state, silent, lambda line: None)


def _keep(step: Stage, run: Run, made: Made | pa.Table) -> None:
    tables = made.tables if isinstance(made, Made) else {step.name: made}
    fingerprint = step.fingerprint(run)
    for spec in step.specs:
        table = spec.conform(tables[spec.name])
        if faults := spec.violations(table):
            raise RuntimeError(f"{spec.name}: {'; '.join(faults)}")
        run.lake.write(spec, run.user or None, table, fingerprint)


def _empty_lake(folder: Path) -> Settings:
    """The settings with a lake in which nothing lies yet, also for the stages within Dagster."""
    number = len(list(folder.glob("lake-*")))
    lake = folder / f"lake-{number}"
    lake.mkdir()
    os.environ["QUALIA_LAKE"] = str(lake)
    return load_settings()


def _kept(state: State) -> int:
    with state.engine.connect() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(answers)) or 0)


def _make_user(folder: Path, user: str, items: int, themes: int, state: State) -> None:
    """A folder of posts and pins, and the answers to all that providers would be asked about them."""
    data, raw = planted(items, themes, seed=0), planted(items, themes, seed=1)
    source = folder / user
    _write_items(source, data.theme, np.random.default_rng(0))
    state.set_source(user, "folder", str(source))
    settings = _empty_lake(folder)
    # Made by the stages themselves as far as an answer is asked for, so that the questions are theirs.
    steps = {group: [step for step in stages() if step.group == group] for group in GROUPS}
    for step in (*steps["sources"], *steps["artefacts"]):
        _make(step, user, settings, state)
    placed, lake = _Placed(data), Lake(settings.lake)
    artefacts = lake.read("artefacts", user).to_pylist()
    answering = _Annotations(make_annotator(settings, state), placed)
    annotate_all([_subject(item) for item in artefacts], answering, state, silent)
    for step in steps["annotations"]:
        _make(step, user, settings, state)
    said = {row["artefact_id"]: row["text"] for row in lake.read("annotations", user).to_pylist()}
    vectors: dict[str, Floats] = {}
    contents: list[Content] = []

    def wanted(content: Content, vector: Floats) -> None:
        vectors[content.sha256] = vector
        contents.append(content)

    for item in artefacts:
        modality, number = placed.of(item["artefact_id"])
        text = said[item["artefact_id"]]
        wanted(Content(text_sha256(text), text), data.vectors[modality][number])
        words = words_of(item["title"], item["text"], ", ".join(item["tags"]))
        wanted(Content(text_sha256(words), words), raw.vectors["text"][number])
        if modality == "image":
            wanted(Content(item["image_sha256"], image=folder), raw.vectors["image"][number])
    embed_all(contents, _Embeddings(make_embedder(settings, state), vectors), state, silent, "planting")


@dataclass(frozen=True)
class _Placed:
    """Where an item stands in the planted data, by its id."""

    data: Planted

    def of(self, artefact_id: str) -> tuple[str, int]:
        item = artefact_id.rpartition(":")[2]
        return {"t": "text", "i": "image"}[item[0]], int(item[1:])

    def theme(self, artefact_id: str) -> int:
        modality, number = self.of(artefact_id)
        return int(self.data.theme[modality][number])


def _subject(item: dict[str, Any]) -> Subject:
    # The id in the title's place: it is all that the planted annotations need.
    return Subject(item["content_sha256"], item["modality"], item["artefact_id"], None, ())


class _Annotations:
    """Answers in the place of an annotator, under its name."""

    concurrency = 1

    def __init__(self, real: Annotator, placed: _Placed) -> None:
        self.name = real.name
        self.prompt_version = real.prompt_version
        self.embedded_fields = real.embedded_fields
        self._placed = placed

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        return batched(subjects, 500)

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        return [_annotation(self._placed.theme(s.title or ""), s.title or "") for s in batch]


class _Embeddings:
    """Vectors in the place of an embedder, under its name."""

    concurrency = 1

    def __init__(self, real: Embedder, vectors: dict[str, Floats]) -> None:
        self.name = real.name
        self.dimensions = real.dimensions
        self.version = real.version
        self._vectors = vectors

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return batched(contents, 500)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        return [self._vectors[content.sha256] for content in batch]


def _annotation(theme: int, title: str) -> Annotation:
    said = f"of theme {theme}" if theme != NOWHERE else "of no theme"
    return Annotation(
        status="ok",
        summary=f"{title}, in a few words.",
        aesthetic=f"aesthetic {said}",
        themes=(f"first idea {said}", f"second idea {said}"),
        mood=f"mood {said}",
        lifestyle=f"life {said}",
        moment=f"moment {said}",
    )


def _write_items(folder: Path, theme: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    (folder / "pictures").mkdir(parents=True)
    records: dict[str, list[str]] = {modality: [] for modality in MODALITIES}
    for number, of in enumerate(theme["text"].tolist()):
        body = " ".join(_words(of, WORDS_OF_A_POST, rng))
        post = {"id": f"t{number:05}", "title": f"Post {number}", "body": body, "publication": f"of {of}"}
        records["text"].append(json.dumps(post))
    for number, of in enumerate(theme["image"].tolist()):
        name = f"pictures/{number:05}.png"
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / name)
        said = " ".join(_words(of, 12, rng))
        pin = {"id": f"i{number:05}", "image": name, "title": f"Pin {number}", "description": said}
        records["image"].append(json.dumps(pin))
    (folder / "posts.jsonl").write_text("\n".join(records["text"]))
    (folder / "pins.jsonl").write_text("\n".join(records["image"]))


def _words(theme: int, number: int, rng: np.random.Generator) -> Iterator[str]:
    """Words, one in four of the theme's own, the rest anybody's."""
    for own, word in zip(rng.random(number) < 0.25, rng.integers(0, 400, number), strict=True):
        yield f"own{_letters(theme + 1)}{_letters(word % 30)}" if own else f"word{_letters(word)}"


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))
