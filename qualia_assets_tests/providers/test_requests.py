"""The loop around every provider: each thing asked once, what is done kept, whatever goes wrong."""

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualia_assets.net.base import BudgetSpent, Deferred
from qualia_assets.progress import silent
from qualia_assets.providers.base import Fatal, Partly, Poison
from qualia_assets.providers.requests import Asked, Provider, ask_all
from qualia_assets.state import claims
from qualia_assets.state.database import State
from qualia_assets.state.tables import answers as kept_answers
from qualia_assets.state.tables import claims as claimed
from qualia_assets_tests.providers.squares import Ask, Number, number_provider, squares

LATER = Deferred("The provider is busy.", datetime.now(UTC) + timedelta(hours=1))


class Recorded:
    """Asks as ``ask`` does, and notes each batch and how many are under way at once."""

    def __init__(self, ask: Ask = squares) -> None:
        self.ask = ask
        self.batches: list[list[str]] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, batch: list[Number]) -> list[int | None]:
        with self._lock:
            self.batches.append([number.sha256 for number in batch])
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return list(self.ask(batch))
        finally:
            with self._lock:
                self._now -= 1

    @property
    def asked(self) -> list[str]:
        return [number for batch in self.batches for number in batch]


def numbers(count: int) -> list[Number]:
    return [Number(str(n)) for n in range(count)]


def asked_for(count: int, state: State, provider: Provider[Number, int]) -> Asked[int]:
    return ask_all(numbers(count), provider, state, silent, "numbers")


def in_table(state: State, table: sa.Table) -> int:
    with state.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.mark.parametrize("concurrency", [1, 4])
def test_each_thing_is_asked_for_once_however_often_it_comes(state: State, concurrency: int) -> None:
    ask = Recorded()
    provider = number_provider(ask, concurrency=concurrency)

    first = ask_all([*numbers(95), *numbers(5)], provider, state, silent, "numbers")
    again = asked_for(100, state.of("somebody else"), provider)

    assert first.found == {str(n): n * n for n in range(95)}
    assert again.found == {str(n): n * n for n in range(100)}
    assert (first.asked, first.waiting, again.asked, again.waiting) == (95, 0, 5, 0)
    assert sorted(ask.asked, key=int) == [str(n) for n in range(100)]
    assert in_table(state, claimed) == 0


def test_nothing_is_told_where_all_is_known(state: State) -> None:
    asked_for(10, state, number_provider())
    told: list[int] = []

    known = ask_all(numbers(10), number_provider(), state, lambda what, done, total: told.append(done), "")

    assert (known.asked, len(known.found), told) == (0, 10, [])


def test_progress_goes_from_what_was_known_to_all_of_it(state: State) -> None:
    asked_for(10, state, number_provider())
    told: list[tuple[str, int, int]] = []

    ask_all(numbers(30), number_provider(), state, lambda *said: told.append(said), "squares")

    assert told[0] == ("squares", 10, 30)
    assert told[-1] == ("squares", 30, 30)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_so_many_requests_are_under_way_as_may_be_and_no_more_are_made_than_that(state: State) -> None:
    """What makes memory grow is what was made and has not ended: batches hold pictures."""
    ask = Recorded(lambda batch: (time.sleep(0.002), squares(batch))[1])
    plain = number_provider(ask, size=1, concurrency=4)
    finished, unfinished = [0], []

    def batches(missing: list[Number]) -> Iterator[list[Number]]:
        for made, batch in enumerate(plain.batches(missing), start=1):
            unfinished.append(made - finished[-1])
            yield batch

    def progress(what: str, done: int, total: int) -> None:
        finished.append(done)

    watched = Provider(**{**vars(plain), "batches": batches})
    ask_all(numbers(300), watched, state, progress, "numbers")

    assert ask.most == 4
    assert len(unfinished) == 300
    assert max(unfinished) <= 4


def refusing(*poison: str) -> Ask:
    def ask(batch: list[Number]) -> list[int | None]:
        if any(number.sha256 in poison for number in batch):
            raise Poison("The provider refused a request (400).")
        return squares(batch)

    return ask


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("place", [0, 500, 999])
def test_one_poison_item_in_a_thousand_is_found_and_the_others_are_kept(
    state: State, concurrency: int, place: int
) -> None:
    ask = Recorded(refusing(str(place)))

    asked = asked_for(1000, state, number_provider(ask, size=1000, concurrency=concurrency))

    assert {number for number, square in asked.found.items() if square == -1} == {str(place)}
    assert in_table(state, kept_answers) == 999
    assert (asked.asked, asked.waiting) == (1000, 0)
    assert len(ask.batches) <= 1 + 2 * math.ceil(math.log2(1000))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 60), st.sets(st.integers(0, 59), max_size=10), st.integers(1, 40), st.sampled_from([1, 3])
)
def test_wherever_poison_is_all_else_is_answered_once_and_kept(
    state: State, count: int, poison: set[int], size: int, concurrency: int
) -> None:
    with state.engine.begin() as connection:
        connection.execute(kept_answers.delete())
    ask = Recorded(refusing(*map(str, poison)))

    asked = asked_for(count, state, number_provider(ask, size=size, concurrency=concurrency))

    assert asked.found == {str(n): -1 if n in poison else n * n for n in range(count)}
    assert in_table(state, kept_answers) == len(set(range(count)) - poison)
    good = [n for batch in ask.batches if not poison & set(map(int, batch)) for n in batch]
    assert len(good) == len(set(good))


def test_fewer_answers_than_items_are_nobodys_until_asked_in_parts(state: State) -> None:
    def ask(batch: list[Number]) -> list[int | None]:
        return squares(batch)[1:] if Number("7") in batch else squares(batch)

    asked = asked_for(20, state, number_provider(ask))

    assert asked.found == {str(n): -1 if n == 7 else n * n for n in range(20)}


def test_what_failed_is_told_not_kept_and_asked_for_again(state: State) -> None:
    ask = Recorded(lambda batch: [None if n.sha256 == "3" else int(n.sha256) for n in batch])

    first, again = (asked_for(10, state, number_provider(ask)) for _ in range(2))

    assert "3" not in first.found
    assert (first.asked, first.waiting, again.asked) == (10, 0, 1)
    assert ask.asked.count("3") == 2


def test_a_provider_that_can_use_nothing_is_not_asked_about_everything(state: State) -> None:
    ask = Recorded(refusing(*map(str, range(1000))))

    with pytest.raises(Fatal, match=r"squares could use none of the first 20 items.*refused a request"):
        asked_for(1000, state, number_provider(ask, size=1000))

    assert len(ask.batches) < 60
    assert in_table(state, claimed) == 0


def test_twenty_items_that_fail_beside_others_known_before_end_nothing(state: State) -> None:
    asked_for(5, state, number_provider())

    asked = asked_for(40, state, number_provider(refusing(*map(str, range(5, 40)))))

    assert (asked.asked, asked.waiting) == (35, 0)


def ending(at: int, error: Exception) -> Ask:
    """Answers what is below ``at``."""

    def ask(batch: list[Number]) -> list[int | None]:
        if any(int(number.sha256) >= at for number in batch):
            raise error
        return squares(batch)

    return ask


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("why", [LATER, BudgetSpent("This run has spent all.")])
def test_deferral_and_budget_end_the_asking_with_what_is_done_kept(
    state: State, concurrency: int, why: Deferred | BudgetSpent
) -> None:
    ask = Recorded(ending(30, why))

    asked = asked_for(100, state, number_provider(ask, concurrency=concurrency))

    assert asked.why is why
    assert asked.found == {str(n): n * n for n in range(30)}
    assert (asked.asked, asked.waiting) == (30, 70)
    assert len(ask.batches) <= 3 + concurrency
    assert in_table(state, claimed) == 0
    # The next run goes on where this one stopped.
    assert asked_for(100, state, number_provider()).asked == 70


def test_a_batch_that_is_answered_in_part_keeps_that_part(state: State) -> None:
    def ask(batch: list[Number]) -> list[int | None]:
        raise Partly([n if n % 2 else None for n in (int(number.sha256) for number in batch)], LATER)

    asked = asked_for(10, state, number_provider(ask))

    assert asked.found == {str(n): n for n in (1, 3, 5, 7, 9)}
    assert (asked.asked, asked.waiting, asked.why) == (5, 5, LATER)
    assert in_table(state, kept_answers) == 5


def test_a_deferral_while_batches_are_made_ends_the_asking_too(state: State) -> None:
    plain = number_provider()

    def batches(missing: list[Number]) -> Iterator[list[Number]]:
        yield list(missing[:10])
        raise LATER

    asked = asked_for(30, state, Provider(**{**vars(plain), "batches": batches}))

    assert (asked.asked, asked.waiting, asked.why) == (10, 20, LATER)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("error", [Fatal("The key is wrong."), KeyboardInterrupt(), ValueError("a bug")])
def test_an_exception_ends_the_asking_and_what_is_done_is_kept_and_nothing_stays_claimed(
    state: State, concurrency: int, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        asked_for(100, state, number_provider(ending(30, error), concurrency=concurrency))  # type: ignore[arg-type]

    assert in_table(state, kept_answers) == 30
    assert in_table(state, claimed) == 0


def test_what_is_under_way_when_another_request_goes_wrong_is_waited_for_and_kept(state: State) -> None:
    failed = threading.Event()

    def ask(batch: list[Number]) -> list[int | None]:
        if batch[0].sha256 == "0":
            failed.set()
            raise Fatal("The key is wrong.")
        failed.wait(10)
        time.sleep(0.05)
        return squares(batch)

    with pytest.raises(Fatal):
        asked_for(100, state, number_provider(ask, concurrency=3))

    assert in_table(state, kept_answers) == 20


def test_items_that_a_provider_makes_no_batch_of_are_not_tried_for_ever(state: State) -> None:
    def batches(missing: list[Number]) -> Iterator[list[Number]]:
        yield list(missing[1:])

    with pytest.raises(RuntimeError, match="leaves items out"):
        asked_for(10, state, Provider(**{**vars(number_provider()), "batches": batches}))


def test_threads_that_ask_for_the_same_items_ask_once_in_all(state: State) -> None:
    ask = Recorded(lambda batch: (time.sleep(0.005), squares(batch))[1])
    together = threading.Barrier(3)

    def one(user: str) -> Asked[int]:
        together.wait(10)
        return asked_for(60, state.of(user), number_provider(ask, size=5))

    with ThreadPoolExecutor(3) as pool:
        came = [future.result() for future in [pool.submit(one, user) for user in "abc"]]

    assert all(asked.found == {str(n): n * n for n in range(60)} for asked in came)
    assert sorted(ask.asked, key=int) == [str(n) for n in range(60)]
    assert sum(asked.asked for asked in came) == 60


class Others:
    """Processes of their own on the same state."""

    def __init__(self, state: State, folder: Path) -> None:
        self.url, self.folder = str(state.engine.url), folder
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, count: int, claim_seconds: float = 60.0, how: str = "answer") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "qualia_assets_tests.providers.asking_process"]
        given = [
            self.url,
            str(self.folder),
            str(count),
            str(claim_seconds),
            how,
            f"user-{len(self.processes)}",
        ]
        process = subprocess.Popen([*command, *given], stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def go(self) -> None:
        (self.folder / "go").touch()

    @property
    def asked(self) -> list[str]:
        log = self.folder / "asked"
        return log.read_text().split() if log.exists() else []


@pytest.fixture
def others(state: State, tmp_path: Path) -> Iterator[Others]:
    started = Others(state, tmp_path)
    yield started
    for process in started.processes:
        process.kill()
        process.communicate()


def test_two_processes_that_ask_for_the_same_items_at_once_ask_once_in_all(others: Others) -> None:
    processes = [others.start(100), others.start(100)]
    others.go()

    said = [json.loads(process.communicate(timeout=30)[0]) for process in processes]

    assert all(one["found"] == {str(n): n * n for n in range(100)} for one in said)
    assert sorted(others.asked, key=int) == [str(n) for n in range(100)]
    assert sum(one["asked"] for one in said) == 100


def test_what_a_killed_process_was_asking_for_is_asked_for_when_its_claim_has_run_out(
    state: State, others: Others
) -> None:
    killed = others.start(20, claim_seconds=1.0, how="hang")
    others.go()
    while len(others.asked) < 10:
        time.sleep(0.005)
    # It lives: its claim is renewed, and nobody else asks.
    time.sleep(1.2)
    assert claims.claim(state, [number_provider().key(Number("15"))], "another", 60) == set()
    killed.kill()
    ask, began = Recorded(), time.monotonic()

    asked = asked_for(20, state, number_provider(ask))

    assert asked.found == {str(n): n * n for n in range(20)}
    assert sorted(ask.asked, key=int) == [str(n) for n in range(20)]
    assert 0.2 < time.monotonic() - began < 5


def test_a_process_asks_for_its_own_before_it_waits_for_another(state: State, others: Others) -> None:
    others.start(20, claim_seconds=1.0, how="hang")
    others.go()
    while not others.asked:
        time.sleep(0.005)
    ask = Recorded()

    def until_mine_are_done(what: str, done: int, total: int) -> None:
        if done == 30:
            others.processes[0].kill()

    asked = ask_all(numbers(50), number_provider(ask), state, until_mine_are_done, "numbers")

    assert len(asked.found) == 50
    assert {int(n) for n in ask.asked[:30]} == set(range(20, 50))
