"""The loop around every provider: no item requested twice, answers stored, whatever goes wrong."""

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qualia_assets.net.base import BudgetSpent, Deferred
from qualia_assets.progress import silent
from qualia_assets.providers.base import FatalError, PartialAnswer, RejectedInput
from qualia_assets.providers.requests import Outcome, request_all
from qualia_assets.state import claims
from qualia_assets.state.database import State
from qualia_assets.state.tables import answers as stored
from qualia_assets.state.tables import claims as claimed
from qualia_assets_tests.providers.fakes import Number, Request, number_provider, squares, until

LATER = Deferred("The provider is busy.", datetime.now(UTC) + timedelta(hours=1))
one_or_four_at_once = pytest.mark.parametrize("concurrency", [1, 4])


class Recorded:
    """Answers as ``request`` does, and records each batch."""

    def __init__(self, request: Request = squares) -> None:
        self.request = request
        self.batches: list[list[str]] = []

    def __call__(self, batch: list[Number]) -> Sequence[int | None]:
        self.batches.append([number.sha256 for number in batch])
        return self.request(batch)

    @property
    def items(self) -> list[int]:
        return [int(number) for batch in self.batches for number in batch]


def numbers(start: int, stop: int) -> list[Number]:
    return [Number(str(n)) for n in range(start, stop)]


def run(state: State, count: int, request: Request = squares, **provider: Any) -> Outcome[int]:
    return request_all(numbers(0, count), number_provider(request, **provider), state, silent, "numbers")


def squared(start: int, stop: int) -> dict[str, int]:
    return {str(n): n * n for n in range(start, stop)}


def rows(state: State, table: sa.Table) -> int:
    with state.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def failing(error: BaseException, items: Container[int]) -> Request:
    """Answers batches without the items, and raises an error for the others."""

    def request(batch: list[Number]) -> list[int | None]:
        if any(int(number.sha256) in items for number in batch):
            raise error
        return squares(batch)

    return request


def rejecting(items: Container[int]) -> Request:
    return failing(RejectedInput("The provider refused a request (400)."), items)


@one_or_four_at_once
def test_each_item_is_requested_once_for_all_users(state: State, concurrency: int) -> None:
    request = Recorded()
    provider = number_provider(request, concurrency=concurrency)
    first = request_all(numbers(0, 95) + numbers(0, 5), provider, state, silent, "numbers")
    again = request_all(numbers(0, 100), provider, state.of("somebody else"), silent, "numbers")
    assert (first.answers, again.answers) == (squared(0, 95), squared(0, 100))
    assert (first.requested, first.waiting, again.requested, again.waiting) == (95, 0, 5, 0)
    assert sorted(request.items) == list(range(100))
    assert rows(state, claimed) == 0


def test_progress_counts_stored_answers_and_is_silent_without_requests(state: State) -> None:
    run(state, 10)
    reports: list[tuple[str, int, int]] = []
    for count in (10, 30):
        request_all(numbers(0, count), number_provider(), state, lambda *r: reports.append(r), "squares")
    assert (reports[0], reports[-1]) == (("squares", 10, 30), ("squares", 30, 30))
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)


def test_as_many_batches_are_made_as_may_be_in_progress(state: State) -> None:
    """Batches hold pictures: those that are made and have not ended are what takes memory."""
    four = threading.Barrier(4)
    plain = number_provider(lambda batch: (four.wait(60), squares(batch))[1], size=1, concurrency=4)
    finished, unfinished = [0], []

    def batches(missing: Sequence[Number]) -> Iterator[list[Number]]:
        for made, batch in enumerate(plain.batches(missing), start=1):
            unfinished.append(made - finished[-1])
            yield batch

    watched = replace(plain, batches=batches)
    request_all(numbers(0, 300), watched, state, lambda what, done, total: finished.append(done), "")
    assert (len(unfinished), max(unfinished)) == (300, 4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 60), st.sets(st.integers(0, 59), max_size=10), st.integers(1, 40), st.sampled_from([1, 3])
)
@example(1000, {0}, 1000, 3)
@example(1000, {500}, 1000, 1)
@example(1000, {999}, 1000, 3)
def test_rejected_items_are_found_by_halving_and_all_others_are_answered_once(
    state: State, count: int, rejected: set[int], size: int, concurrency: int
) -> None:
    with state.engine.begin() as connection:
        connection.execute(stored.delete())
    request = Recorded(rejecting(rejected))
    outcome = run(state, count, request, size=size, concurrency=concurrency)
    assert outcome.answers == {str(n): -1 if n in rejected else n * n for n in range(count)}
    assert (outcome.requested, outcome.waiting) == (count, 0)
    assert rows(state, stored) == len(set(range(count)) - rejected)
    good = [n for batch in request.batches if not rejected & set(map(int, batch)) for n in batch]
    assert len(good) == len(set(good))
    halvings = len(rejected) * 2 * math.ceil(math.log2(size))
    assert len(request.batches) <= math.ceil(count / size) + halvings


def test_a_batch_with_too_few_answers_counts_as_rejected(state: State) -> None:
    outcome = run(state, 20, lambda batch: squares(batch)[1:] if Number("7") in batch else squares(batch))
    assert outcome.answers == squared(0, 20) | {"7": -1}


def test_an_item_without_an_answer_is_requested_again_by_the_next_run(state: State) -> None:
    request = Recorded(lambda batch: [None if n.sha256 == "3" else int(n.sha256) for n in batch])
    first, again = (run(state, 10, request) for _ in range(2))
    assert "3" not in first.answers
    assert (first.requested, first.waiting, again.requested) == (10, 0, 1)
    assert request.items.count(3) == 2


def test_a_provider_that_rejects_everything_is_given_up_if_it_never_answered(state: State) -> None:
    request = Recorded(rejecting(range(1000)))
    with pytest.raises(FatalError, match=r"squares could use none of the first 20 items.*refused a request"):
        run(state, 1000, request, size=1000)
    assert len(request.batches) < 60
    assert rows(state, claimed) == 0
    run(state, 5)
    outcome = run(state, 40, rejecting(range(5, 40)))
    assert (outcome.requested, outcome.waiting) == (35, 0)


@pytest.mark.parametrize("ours", [True, False], ids=["then claimed by us", "still claimed by others"])
def test_answers_of_others_are_used(state: State, monkeypatch: pytest.MonkeyPatch, ours: bool) -> None:
    claim, reports = claims.claim, []

    def claim_late(*args: Any) -> set[str]:
        monkeypatch.setattr(claims, "claim", claim)
        run(state, 10)
        return claim(*args) if ours else set()

    monkeypatch.setattr(claims, "claim", claim_late)
    outcome = request_all(
        numbers(0, 20), number_provider(), state, lambda _, done, total: reports.append(done), ""
    )
    assert outcome == Outcome(squared(0, 20), requested=10)
    assert reports == ([0, 20] if ours else [0, 10, 20])


@one_or_four_at_once
@pytest.mark.parametrize("reason", [LATER, BudgetSpent("This run has spent all.")])
def test_a_deferral_or_a_spent_budget_ends_the_run_and_the_next_continues(
    state: State, concurrency: int, reason: Deferred | BudgetSpent
) -> None:
    request = Recorded(failing(reason, range(30, 100)))
    outcome = run(state, 100, request, concurrency=concurrency)
    assert outcome == Outcome(squared(0, 30), 30, 70, reason)
    assert len(request.batches) <= 3 + concurrency
    assert rows(state, claimed) == 0
    assert run(state, 100).requested == 70


def test_what_is_answered_before_a_deferral_is_stored(state: State) -> None:
    def request(batch: list[Number]) -> list[int | None]:
        raise PartialAnswer([n if n % 2 else None for n in (int(number.sha256) for number in batch)], LATER)

    def batches(missing: Sequence[Number]) -> Iterator[list[Number]]:
        yield list(missing[:10])
        raise LATER

    assert run(state, 10, request) == Outcome({str(n): n for n in (1, 3, 5, 7, 9)}, 5, 5, LATER)
    assert rows(state, stored) == 5
    assert run(state.of("b"), 25, batches=batches).waiting == 10


@one_or_four_at_once
@pytest.mark.parametrize("error", [FatalError("The key is wrong."), KeyboardInterrupt(), ValueError("a bug")])
def test_after_an_exception_all_answers_are_stored(
    state: State, concurrency: int, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        run(state, 100, failing(error, range(30, 100)), concurrency=concurrency)
    assert (rows(state, stored), rows(state, claimed)) == (30, 0)


def test_requests_in_progress_are_waited_for_when_another_fails(state: State) -> None:
    failed = threading.Event()

    def request(batch: list[Number]) -> list[int | None]:
        if batch[0].sha256 == "0":
            failed.set()
            raise FatalError("The key is wrong.")
        failed.wait(10)
        time.sleep(0.05)
        return squares(batch)

    with pytest.raises(FatalError):
        run(state, 100, request, concurrency=3)
    assert rows(state, stored) == 20


def test_items_missing_from_the_batches_are_an_error(state: State) -> None:
    with pytest.raises(RuntimeError, match="leaves items out"):
        run(state, 10, batches=lambda missing: [list(missing[1:])])


class Processes:
    """Processes of their own on the same state; see ``fakes.main``."""

    def __init__(self, state: State, folder: Path) -> None:
        self.url, self.folder = str(state.engine.url), folder
        self.started: list[subprocess.Popen[str]] = []

    def start(self, count: int, claim_seconds: float = 60.0, how: str = "answer") -> None:
        arguments = (self.url, self.folder, count, claim_seconds, how, f"user-{len(self.started)}")
        command = [sys.executable, "-m", "qualia_assets_tests.providers.fakes", *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    def go(self) -> None:
        (self.folder / "go").touch()

    @property
    def requested(self) -> list[int]:
        log = self.folder / "requested"
        return [int(number) for number in log.read_text().split()] if log.exists() else []


@pytest.fixture
def processes(state: State, tmp_path: Path) -> Iterator[Processes]:
    running = Processes(state, tmp_path)
    yield running
    for process in running.started:
        process.kill()
        process.communicate()


def test_two_processes_request_the_same_items_once(processes: Processes) -> None:
    processes.start(100)
    processes.start(100)
    processes.go()
    outcomes = [json.loads(process.communicate(timeout=60)[0]) for process in processes.started]
    assert [outcome["answers"] for outcome in outcomes] == [squared(0, 100)] * 2
    assert sorted(processes.requested) == list(range(100))
    assert sum(outcome["requested"] for outcome in outcomes) == 100


def test_a_killed_process_loses_its_claims(state: State, processes: Processes) -> None:
    def good_until() -> float:
        with state.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.max(claimed.c.until))) or 0.0

    processes.start(20, claim_seconds=1.0, how="hang")
    processes.go()
    until(lambda: len(processes.requested) == 10)
    claimed_until = good_until()
    until(lambda: good_until() > claimed_until)
    assert claims.claim(state, [number_provider().key(Number("15"))], "another", 60) == set()
    request, killed_at = Recorded(), []

    def kill_when_the_rest_is_done(what: str, done: int, total: int) -> None:
        if done == 30 and not killed_at:
            processes.started[0].kill()
            killed_at.append(time.monotonic())

    provider = number_provider(request)
    outcome = request_all(numbers(0, 50), provider, state, kill_when_the_rest_is_done, "numbers")
    assert outcome.answers == squared(0, 50)
    assert sorted(request.items[:30]) == list(range(20, 50))
    assert sorted(request.items) == list(range(50))
    assert 0.2 < time.monotonic() - killed_at[0] < 5
