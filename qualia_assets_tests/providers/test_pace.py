"""How fast a provider is asked, and what is tried again."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from qualia_assets.net.base import Deferred
from qualia_assets.providers import pace
from qualia_assets.providers.base import Fatal, Poison, TryAgain
from qualia_assets.providers.pace import Pace, passes, patiently


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_FIRST_WAIT", 0.01)


class Failing:
    """Raises what it is given, one after another, and then answers; notes when it was called."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls: list[float] = []

    def __call__(self) -> str:
        self.calls.append(time.monotonic())
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_threads_that_share_a_pace_are_as_far_apart_as_it_says() -> None:
    shared = Pace(60 / 0.03)

    def turn() -> float:
        shared.take(longest_wait=10)
        return time.monotonic()

    with ThreadPoolExecutor(4) as pool:
        turns = sorted(future.result() for future in [pool.submit(turn) for _ in range(8)])

    # Turns are given out exactly; a thread may wake up a little after its own.
    assert turns[-1] - turns[0] >= 7 * 0.03 - 0.02
    assert min(b - a for a, b in pairwise(turns)) > 0.005


def test_without_a_pace_nobody_waits() -> None:
    free, began = Pace(0), time.monotonic()
    for _ in range(1000):
        free.take(longest_wait=0)
    assert time.monotonic() - began < 1


def test_a_rest_that_the_provider_asked_for_holds_for_all_who_share_the_pace() -> None:
    shared, began = Pace(0), time.monotonic()
    shared.rest(0.15)

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(shared.take, 1.0) for _ in range(3)]:
            future.result()

    assert time.monotonic() - began >= 0.15


def test_a_rest_that_is_declared_while_one_waits_for_its_turn_is_kept_too() -> None:
    shared, began = Pace(60 / 0.1), time.monotonic()
    shared.take(1.0)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(shared.take, 1.0)
        time.sleep(0.03)
        shared.rest(0.3)
        waiting.result()

    assert time.monotonic() - began >= 0.33


def test_who_would_have_to_rest_for_too_long_is_deferred_until_then() -> None:
    shared = Pace(0)
    shared.rest(100)

    with pytest.raises(Deferred) as deferred:
        shared.take(longest_wait=5)

    assert abs(deferred.value.until - datetime.now(UTC) - timedelta(seconds=100)) < timedelta(seconds=2)


def test_what_will_pass_is_tried_again_with_ever_longer_pauses() -> None:
    call = Failing(*(TryAgain("it answered with status 529") for _ in range(4)))

    assert patiently(call, "Claude", Pace(0), longest_wait=5) == "answer"

    pauses = [b - a for a, b in pairwise(call.calls)]
    assert len(pauses) == 4
    assert all(pause >= 0.5 * 0.01 * 2**n for n, pause in enumerate(pauses))


def test_a_provider_that_says_how_long_to_wait_is_waited_for_as_long() -> None:
    call = Failing(TryAgain("it answered with status 429", after=0.2))

    assert patiently(call, "Claude", Pace(0), longest_wait=5) == "answer"

    assert 0.2 <= call.calls[1] - call.calls[0] < 1


def test_a_provider_that_says_how_long_to_wait_is_not_waited_for_longer_each_time() -> None:
    call = Failing(*(TryAgain("it answered with status 429", after=0.05) for _ in range(8)))
    began = time.monotonic()

    assert patiently(call, "Claude", Pace(0), longest_wait=5) == "answer"

    assert 8 * 0.05 <= time.monotonic() - began < 1


def test_a_provider_that_wants_more_than_a_run_waits_is_left_alone_until_then() -> None:
    call = Failing(TryAgain("it answered with status 429", after=3600))

    with pytest.raises(Deferred, match=r"Claude: it answered with status 429\. It is asked no more before"):
        patiently(call, "Claude", (shared := Pace(0)), longest_wait=5)

    assert len(call.calls) == 1
    # And nobody else goes and gets the same answer.
    with pytest.raises(Deferred):
        shared.take(longest_wait=5)


def test_what_does_not_pass_in_time_is_deferred() -> None:
    call = Failing(*(TryAgain("the connection broke") for _ in range(1000)))
    began = time.monotonic()

    with pytest.raises(Deferred) as deferred:
        patiently(call, "Claude", Pace(0), longest_wait=0.3)

    assert time.monotonic() - began < 1
    assert len(call.calls) > 3
    assert deferred.value.until > datetime.now(UTC) + timedelta(minutes=5)


def test_a_provider_that_always_says_to_wait_a_little_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "_LONGEST_PAUSE", 0.05)
    call = Failing(*(TryAgain("it answered with status 429", after=0.05) for _ in range(100)))
    began = time.monotonic()

    with pytest.raises(Deferred):
        patiently(call, "Claude", Pace(0), longest_wait=0.3)

    assert time.monotonic() - began < 2


@pytest.mark.parametrize("error", [Poison("400"), Fatal("401"), KeyError("a bug")])
def test_what_will_not_pass_is_not_tried_again(error: Exception) -> None:
    call = Failing(error)

    with pytest.raises(type(error)):
        patiently(call, "Claude", Pace(0), longest_wait=5)

    assert len(call.calls) == 1


def test_each_try_waits_for_its_turn() -> None:
    call = Failing(TryAgain("busy"), TryAgain("busy"))

    patiently(call, "Claude", Pace(60 / 0.1), longest_wait=5)

    assert all(b - a >= 0.09 for a, b in pairwise(call.calls))


def test_which_statuses_pass() -> None:
    asked = (200, 400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529)
    assert [status for status in asked if passes(status)] == [408, 429, 500, 502, 503, 529]
