"""Ten thousand items asked of Claude and of Voyage: time, memory, and that nothing is asked twice.

Both services are the tests' own, each in a process of its own, over a real socket, asked by the real clients.
Every answer takes half a second, and a bucket is the rate limit: it refills evenly, and what it does not hold
is a 429 that says when to come back. Claude counts requests, Voyage tokens. The bound that a rate limit sets
is the time in which a full bucket lets everything through, and one answer's. Each asking is a process of its
own; its time goes from before its client is loaded until the last answer is kept.

Belongs here: items on their way through ``providers.requests``. How they come from their sources: ``soak``.
"""

import math
import multiprocessing
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.responses import JSONResponse, Response

from benchmarks.report import Line, Report
from benchmarks.timing import cpu_seconds
from qualia_assets.annotate.base import Subject, annotate_all
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.embed.base import Content, embed_all
from qualia_assets.embed.providers import make_embedder
from qualia_assets.progress import silent
from qualia_assets.settings import Settings
from qualia_assets.state.database import State
from qualia_assets_tests.emulators import anthropic as anthropic_server
from qualia_assets_tests.emulators import voyage as voyage_server
from qualia_assets_tests.emulators.anthropic import World, annotation, said, serving, words_of
from qualia_assets_tests.emulators.base import Asked
from qualia_assets_tests.emulators.voyage import MOST_TOKENS, EmbeddingServer, Refused, tokens_of

LATENCY = 0.5
REQUESTS_A_SECOND, AT_ONCE = 120, 80
"""Of Claude; its bucket holds a second's. So many at once keep the pace, each half a second on its way. A
request takes about 5 ms of CPU, half of it in Anthropic's client, and threads of Python share one core: 120 a
second are more than half of what can be asked."""
TOKENS_A_SECOND = 200_000
"""Of Voyage; its bucket holds no more than the largest request."""
WORDS = 850
"""Of an item: 6,000 characters, a post of a usual length."""
TOO_FAST = 1.5
MOST_OF_BOUND = 1.3
MOST_GROWTH = {"Claude": 4.0, "Voyage": 6.0}
"""KiB for each item more: for its key and its answer, a vector being 4 KiB, and not for the request."""
_BEGINNING = 100
_NUMBER = re.compile(r"Number (\d+):")


@dataclass(frozen=True)
class Asking:
    """What one asking came to in its process. Wall and CPU time in seconds; ``grown``: KiB at the peak, more
    than when the items were there and nothing was asked."""

    items: int
    wall: float
    cpu: float
    answered: int
    grown: int


@dataclass(frozen=True)
class Tally:
    """What the service saw of it: the numbers of items in requests that it let in, how many requests those
    were, what they took of its limit, the bytes of their bodies; and how many it did not let in."""

    numbers: list[int]
    requests: int
    units: float
    size: int
    refused: int


class Limit:
    """A bucket in front of a service, and a count of what came through it.

    Args:
        per_second: units that it refills.
        capacity: units that it holds; it is full at first.
    """

    def __init__(self, per_second: float, capacity: float) -> None:
        self._per_second, self._capacity = per_second, capacity
        self._begin()

    def _begin(self) -> None:
        self._left, self._at = self._capacity, time.monotonic()
        self._numbers: list[int] = []
        self._requests = self._size = self._refused = 0
        self._units = 0.0

    def retry_after(self, units: float, size: int, numbers: Iterable[int]) -> int | None:
        """Let a request in, or say after how many seconds there is room for it."""
        now = time.monotonic()
        self._left = min(self._capacity, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < units:
            self._refused += 1
            return math.ceil((units - self._left) / self._per_second)
        self._left -= units
        self._requests += 1
        self._units += units
        self._size += size
        self._numbers.extend(numbers)
        return None

    def told(self) -> Tally:
        """What was counted. It counts anew from now on, and the bucket is full."""
        tally = Tally(self._numbers, self._requests, self._units, self._size, self._refused)
        self._begin()
        return tally

    def bound(self, units: float) -> float:
        """Seconds that so many units take at least, the last answer's too."""
        return max(0.0, units - self._capacity) / self._per_second + LATENCY


@dataclass(frozen=True)
class Service:
    """A service and how it is asked.

    ``serve`` runs it, says where it is, and then what it was asked. ``ask`` takes where it is, where the
    state is, for whom, the numbers of the items, and how many times as fast as the limit to go.
    """

    name: str
    limit: Limit
    serve: Callable[[Connection, Limit], None]
    ask: Callable[[str, str, str, list[int], float], Asking]
    knows_its_pace: bool
    """Whether the client can be told the limit, and so also to go too fast."""


Measured = tuple[Asking, Tally]
Ask = Callable[[Path, str, list[int], float], Measured]


def run(quick: bool) -> Report:
    items, fewer = (600, 300) if quick else (10_000, 2_000)
    claude = Limit(REQUESTS_A_SECOND, REQUESTS_A_SECOND)
    voyage = Limit(TOKENS_A_SECOND, MOST_TOKENS)
    lines, notes = [], []
    for service in (
        Service("Claude", claude, _serve_claude, _ask_claude, knows_its_pace=True),
        Service("Voyage", voyage, _serve_voyage, _ask_voyage, knows_its_pace=False),
    ):
        with TemporaryDirectory() as folder, _running(service) as ask:
            more, note = _measured(service, ask, Path(folder), items, fewer)
        lines += more
        notes.append(note)
    notes.append(
        f"Claude lets in {REQUESTS_A_SECOND} requests a second, Voyage {TOKENS_A_SECOND:,} tokens; an answer "
        f"takes {LATENCY} s. CPU is the asking process's alone."
    )
    return Report(f"providers: {items:,} posts of {WORDS} words, asked about over a socket", lines, notes)


def _measured(service: Service, ask: Ask, folder: Path, items: int, fewer: int) -> tuple[list[Line], str]:
    first = list(range(items))
    others = list(range(items, items + items * 4 // 10))
    new = list(range(2 * items, 2 * items + items // 100))
    state = folder / "many.sqlite"
    few = ask(folder / "few.sqlite", "ann", first[:fewer], 1.0)
    many = ask(state, "ann", first, 1.0)
    other = ask(state, "ben", first[len(others) :] + others, 1.0)
    again = ask(state, "ann", first + new, 1.0)
    askings = [few, many, other, again]
    lines = [_in_time(service, f"{service.name}: {items:,} items of one user", many)]
    if service.knows_its_pace:
        fast = ask(folder / "fast.sqlite", "ann", first[: 2 * fewer], TOO_FAST)
        lines.append(_in_time(service, f"  {2 * fewer:,} items, asked {TOO_FAST} times too fast", fast))
        askings.append(fast)
    without = sum(asking.items - asking.answered for asking, _ in askings)
    grown = (many[0].grown - few[0].grown) / (items - fewer)
    most = MOST_GROWTH[service.name]
    asking, tally = many
    lines += [
        Line(
            "  peak memory, for each item more",
            ratio=f"{grown:.1f} KiB",
            claim=f"under {most:.0f} KiB",
            holds=grown < most,
        ),
        _only("  another user, 60 % the same: asked about", other, others),
        _only("  the first again, 1 % new: asked about", again, new),
        Line("  items without an answer", ratio=f"{without:,}", claim="none", holds=without == 0),
    ]
    note = (
        f"{service.name}: {tally.requests:,} requests in {asking.wall:.1f} s, {tally.refused:,} refused; "
        f"{asking.cpu / asking.wall:.0%} of a core busy; memory grew by {few[0].grown / 1024:.0f} MiB at "
        f"{fewer:,} items, by {asking.grown / 1024:.0f} MiB at {items:,}. "
        f"Of an item {tally.size / 1024 / items:.1f} KiB are sent."
    )
    return lines, note


def _in_time(service: Service, what: str, measured: Measured) -> Line:
    asking, tally = measured
    bound = service.limit.bound(tally.units)
    of_bound = asking.wall / bound
    return Line(
        what,
        (asking.cpu,),
        f"{asking.wall:.1f} s / {bound:.1f} s = {of_bound:.2f}",
        f"at most {MOST_OF_BOUND} of the bound",
        of_bound <= MOST_OF_BOUND,
    )


def _only(what: str, measured: Measured, numbers: list[int]) -> Line:
    asking, tally = measured
    return Line(
        what,
        (asking.cpu,),
        f"{len(tally.numbers):,} of {asking.items:,}",
        f"the {len(numbers):,} others, once each",
        sorted(tally.numbers) == numbers,
    )


@contextmanager
def _running(service: Service) -> Iterator[Ask]:
    """A service in a process; and asking it, each time in another one."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=service.serve, args=(there, service.limit), daemon=True)
    process.start()
    # Here too it would stay open, and whoever waits for a process that has died would wait for ever.
    there.close()
    url = here.recv()

    def tally() -> Tally:
        here.send(True)
        told: Tally = here.recv()
        return told

    def ask(state: Path, user: str, numbers: list[int], pace: float) -> Measured:
        tally()
        with ProcessPoolExecutor(1, context) as pool:
            asking = pool.submit(service.ask, url, f"sqlite:///{state}", user, numbers, pace).result()
        return asking, tally()

    try:
        yield ask
    finally:
        here.send(False)
        process.join(10)


# The services.


@dataclass
class _Claude(World):
    limit: Limit = field(kw_only=True)

    def answer(self, asked: Asked) -> Response:
        self.log.clear()
        if asked.method == "POST":
            wait = self.limit.retry_after(1, len(asked.raw), _numbers([words_of(asked.body)]))
            if wait is not None:
                error = {"type": "rate_limit_error", "message": "too many requests"}
                return JSONResponse({"type": "error", "error": error}, 429, {"retry-after": str(wait)})
        return super().answer(asked)


def _say(params: dict[str, Any]) -> dict[str, Any]:
    """An annotation of a usual length, another one for each item."""
    return said(annotation(summary=_words(_numbers([words_of(params)])[0], 90)))


def _serve_claude(pipe: Connection, limit: Limit) -> None:
    with serving() as served:
        served.world = _Claude(url=served.url, slow=LATENCY, say=_say, limit=limit)
        _tell(pipe, served.url, limit)


class _Voyage(EmbeddingServer):
    def __init__(self, limit: Limit) -> None:
        super().__init__()
        self.latency = LATENCY
        self._limit = limit

    def _answer(self, asked: voyage_server.Asked, own: bool) -> voyage_server.Answer:
        self.asked.clear()
        tokens = sum(map(tokens_of, asked.inputs))
        wait = self._limit.retry_after(tokens, asked.size, _numbers(asked.inputs))
        if wait is not None:
            raise Refused(429, "Too many tokens.", {"Retry-After": str(wait)})
        # Vectors of whole texts would keep it busier than its limit lets it be.
        inputs = [{"content": [{"type": "text", "text": text[:_BEGINNING]}]} for text in asked.inputs]
        asked.body = asked.body | {"inputs": inputs}
        return super()._answer(asked, own)


def _serve_voyage(pipe: Connection, limit: Limit) -> None:
    with _Voyage(limit) as server:
        _tell(pipe, server.url, limit)


def _tell(pipe: Connection, url: str, limit: Limit) -> None:
    pipe.send(url)
    while pipe.recv():
        pipe.send(limit.told())


def _numbers(texts: Iterable[str]) -> list[int]:
    return [int(number) for number in chain.from_iterable(map(_NUMBER.findall, texts))]


# The askings.


def _ask_claude(url: str, where: str, user: str, numbers: list[int], pace: float) -> Asking:
    service: dict[str, Any] = {
        "api_key": anthropic_server.KEY,
        "url": url,
        "way": "messages",
        "concurrency": AT_ONCE,
        "requests_per_minute": round(60 * REQUESTS_A_SECOND * pace),
    }
    name = f"anthropic/{anthropic_server.MODEL}"
    settings = Settings(state=where, annotator=name, anthropic=service, max_usd=1_000)  # type: ignore[arg-type]
    subjects = [Subject(f"{n:064x}", "text", f"Post {n}", _text(n), ()) for n in numbers]

    def answered(state: State) -> int:
        found = annotate_all(subjects, make_annotator(settings, state), state, silent).answers
        return sum(one.status == "ok" for one in found.values())

    return _asking(len(subjects), answered, where, user)


def _ask_voyage(url: str, where: str, user: str, numbers: list[int], pace: float) -> Asking:
    """At the pace of the defaults: tokens a minute cannot be set, and are found out by being refused."""
    service: dict[str, Any] = {"api_key": voyage_server.KEY, "url": url}
    name = f"voyage/{voyage_server.MULTIMODAL[0]}"
    settings = Settings(state=where, embedder=name, voyage=service, max_usd=1_000)  # type: ignore[arg-type]
    contents = [Content(f"{n:064x}", text=_text(n)) for n in numbers]

    def answered(state: State) -> int:
        return len(embed_all(contents, make_embedder(settings, state), state, silent, "embedding").answers)

    return _asking(len(contents), answered, where, user)


def _asking(items: int, answered: Callable[[State], int], where: str, user: str) -> Asking:
    state = State(where)
    state.add_user(user)
    peak, cpu, started = _peak(), cpu_seconds(), time.perf_counter()
    found = answered(state.of(user))
    wall, cpu = time.perf_counter() - started, cpu_seconds() - cpu
    grown = _peak() - peak
    state.close()
    return Asking(items, wall, cpu, found, grown)


def _peak() -> int:
    """KiB of this process at its peak. Not by getrusage: there it is at least that of the parent, whatever
    other benchmarks have held."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def _text(number: int) -> str:
    return f"Number {number}: {_words(number, WORDS)}"


def _words(seed: int, count: int) -> str:
    return " ".join(random.Random(seed).choices(_VOCABULARY, k=count))


def _vocabulary() -> list[str]:
    chance, letters = random.Random(0), "abcdefghijklmnopqrstuvwxyz"
    return ["".join(chance.choices(letters, k=chance.randint(3, 9))) for _ in range(2_000)]


_VOCABULARY = _vocabulary()
