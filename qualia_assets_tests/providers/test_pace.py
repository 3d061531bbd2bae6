"""Rate limits and retries, on a clock that only they advance."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from qualia_assets.net.base import Deferred
from qualia_assets.providers import pace
from qualia_assets.providers.base import FatalError, RejectedInput, TransientError
from qualia_assets.providers.pace import RateLimiter, is_transient, with_retries
from qualia_assets_tests.providers.fakes import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    return clock


def busy(times: int, retry_after: float | None = None) -> Mock:
    """A call that fails so many times, and then succeeds."""
    return Mock(side_effect=[TransientError("it answered with status 529", retry_after)] * times + ["answer"])


@pytest.mark.parametrize(("per_minute", "gap"), [(120, 0.5), (0, 0.0)], ids=["limited", "unlimited"])
def test_threads_take_turns_at_the_rate(clock: Clock, per_minute: float, gap: float) -> None:
    clock.frozen, limiter = True, RateLimiter(per_minute)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(limiter.acquire, [10.0] * 8))
    assert sorted(clock.sleeps) == pytest.approx([n * gap for n in range(8)])


def test_a_pause_holds_for_all_threads_and_one_longer_than_a_run_waits_defers(clock: Clock) -> None:
    clock.frozen, limiter = True, RateLimiter(0)
    limiter.pause(100)
    limiter.pause(1)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(limiter.acquire, [200.0] * 3))
    assert clock.sleeps == [100, 100, 100]
    with pytest.raises(Deferred) as deferred:
        limiter.acquire(longest_wait=99)
    assert abs(deferred.value.until - datetime.now(UTC) - timedelta(seconds=100)) < timedelta(seconds=2)


def test_a_pause_that_begins_while_a_thread_waits_for_its_turn_is_kept(clock: Clock) -> None:
    limiter = RateLimiter(60)
    limiter.acquire(10)

    def pause_once() -> None:
        clock.on_sleep = lambda: None
        limiter.pause(3)

    clock.on_sleep = pause_once
    limiter.acquire(10)
    assert clock.now == 1004, "a turn after one second, and then the pause"


def test_transient_errors_are_retried_after_growing_pauses(clock: Clock) -> None:
    assert with_retries(busy(9), "Claude", RateLimiter(0), longest_wait=1000) == "answer"
    pauses = [pause for pause in clock.sleeps if pause]
    assert len(pauses) == 9
    for pause, longest in zip(pauses, [0.5, 1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert longest / 2 <= pause <= longest


def test_each_attempt_waits_exactly_as_long_as_the_provider_says_and_for_its_turn(clock: Clock) -> None:
    assert with_retries(busy(8, 2.0), "Claude", RateLimiter(0), longest_wait=60) == "answer"
    assert clock.now == 1016
    with_retries(busy(2), "Claude", RateLimiter(1), longest_wait=500)
    assert clock.now == 1136


def test_a_wait_longer_than_a_run_waits_defers_every_thread(clock: Clock) -> None:
    limiter = RateLimiter(0)
    with pytest.raises(Deferred, match=r"^Claude: it answered with status 529\. It is asked no more before"):
        with_retries(busy(1, 3600), "Claude", limiter, longest_wait=5)
    with pytest.raises(Deferred):
        limiter.acquire(longest_wait=5)
    assert clock.now == 1000


@pytest.mark.parametrize(("retry_after", "until"), [(None, 600), (2.0, 30)])
def test_a_lasting_error_defers(clock: Clock, retry_after: float | None, until: int) -> None:
    with pytest.raises(Deferred) as deferred:
        with_retries(busy(1000, retry_after), "Claude", RateLimiter(0), longest_wait=30)
    assert 1020 - 10 * (retry_after is None) < clock.now <= 1030
    assert abs(deferred.value.until - datetime.now(UTC) - timedelta(seconds=until)) < timedelta(seconds=2)


@pytest.mark.parametrize("error", [RejectedInput("400"), FatalError("401"), KeyError("a bug")])
def test_other_errors_are_not_retried(clock: Clock, error: Exception) -> None:
    with pytest.raises(type(error)):
        with_retries(Mock(side_effect=[error, "answer"]), "Claude", RateLimiter(0), longest_wait=5)


def test_which_statuses_are_transient() -> None:
    statuses = (200, 400, 401, 403, 404, 408, 409, 413, 422, 425, 429, 500, 502, 503, 529)
    assert [s for s in statuses if is_transient(s)] == [408, 409, 425, 429, 500, 502, 503, 529]
