"""What Dagster itself costs: a user through the whole graph with it, and the same stages without.

With it: ``pipeline.execute`` in this process. Without: the same stages called one after the other, which
read their tables from the lake and check and write what they give, as a plain script would. Dagster's
own cost is the difference, as a share of what the stages cost without it.

The user is a folder of 2,000 posts and 2,000 pins (pictures of 32 x 32 pixels, which are quick to look
at: the stages come out cheap and Dagster dear). No provider is called: the state database is filled
beforehand with an answer to every question of the stages, themes planted in them (``planted``), by
stand-ins that have the providers' names. That no other answer came in is checked. Both sides are warmed
by a small user, each run has an empty lake, and the sides take turns.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
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
from qualia_assets.defs.stage import Made, Run, Stage
from qualia_assets.embed.base import Content, Embedder, embed_all, words_of
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.lake.store import Lake
from qualia_assets.pipeline import dagster_instance, execute
from qualia_assets.progress import silent
from qualia_assets.settings import Settings, load_settings
from qualia_assets.state.database import State, answers

MOST = 0.10
WORDS_OF_A_POST = 120
WARM, USER = "warm", "planted"
LAKE = "reading, checking and writing their tables"
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
                _with_dagster(folder, WARM, instance)
                _without(folder, WARM, state, Stopwatch())
                through: list[float] = []
                plain: list[Stopwatch] = []
                for repetition in range(repetitions):
                    for with_dagster in (True, False) if repetition % 2 == 0 else (False, True):
                        if with_dagster:
                            through.append(_with_dagster(folder, USER, instance))
                        else:
                            plain.append(Stopwatch())
                            _without(folder, USER, state, plain[-1])
            new = _kept(state) - before
        finally:
            state.close()
    # The least of either: what else the machine does only ever adds.
    with_it, least = min(through), min(plain, key=lambda watch: watch.total)
    without, compute = least.total, least.total - least.stages[LAKE]
    computed = [(name, seconds) for name, seconds in least.stages.items() if name != LAKE]
    dearest = sorted(computed, key=lambda pair: -pair[1])
    own, number = with_it - without, len(stages())
    return Report(
        f"dagster_overhead: {items:,} + {items:,} items, {number} stages, least of {repetitions}",
        [
            Line(f"through Dagster ({_each(through)})", (with_it,)),
            Line(f"the stages without it ({_each([w.total for w in plain])})", (without,)),
            Line("  the stages' own functions", (compute,), f"{compute / without:.0%}"),
            Line(f"  {LAKE}", (without - compute,), f"{1 - compute / without:.0%}"),
            Line(
                f"Dagster's own, {own / number * 1000:.0f} ms a stage",
                (own,),
                f"{own / without:.1%}",
                f"under {MOST:.0%} of the stages",
                own / without < MOST,
            ),
            Line(
                "all but the stages' own functions",
                (with_it - compute,),
                f"{(with_it - compute) / compute:.1%}",
            ),
            Line(f"new answers of providers: {new}", claim="no provider call", holds=new == 0),
        ],
        [f"Of the stages' own: {', '.join(f'{name} {seconds:.2f} s' for name, seconds in dearest[:8])}."],
    )


def _each(seconds: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in seconds)


def _with_dagster(folder: Path, user: str, instance: dg.DagsterInstance) -> float:
    _empty_lake(folder)
    started = cpu_seconds()
    execute(user, stages(), instance)
    return cpu_seconds() - started


def _without(folder: Path, user: str, state: State, watch: Stopwatch) -> None:
    settings = _empty_lake(folder)
    for step in stages():
        _make(step, user, settings, state, watch)


def _make(step: Stage, user: str, settings: Settings, state: State, watch: Stopwatch) -> None:
    """Make one stage's tables; the CPU of its own function goes under its name."""
    with watch.time(LAKE):
        run = _run_of(step, user, settings, state)
        inputs = {table: run.lake.read(table, run.user or None) for table in step.inputs}
    with watch.time(step.name):
        made = step.compute(run, **inputs)
    with watch.time(LAKE):
        _keep(step, run, made)


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
        _make(step, user, settings, state, Stopwatch())
    placed, lake = _Placed(data), Lake(settings.lake)
    artefacts = lake.read("artefacts", user).to_pylist()
    answering = _Annotations(make_annotator(settings, state), placed)
    annotate_all([_subject(item) for item in artefacts], answering, state, silent)
    for step in steps["annotations"]:
        _make(step, user, settings, state, Stopwatch())
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

    batch_size = 500

    def __init__(self, real: Annotator, placed: _Placed) -> None:
        self.name = real.name
        self.prompt_version = real.prompt_version
        self.embedded_fields = real.embedded_fields
        self._placed = placed

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        return [_annotation(self._placed.theme(s.title or ""), s.title or "") for s in batch]


class _Embeddings:
    """Vectors in the place of an embedder, under its name."""

    batch_size = 500

    def __init__(self, real: Embedder, vectors: dict[str, Floats]) -> None:
        self.name = real.name
        self.dimensions = real.dimensions
        self.version = real.version
        self._vectors = vectors

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
