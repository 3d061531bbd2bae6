"""The gate of a platform: how far apart requests are, whoever makes them."""

import multiprocessing
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from threading import Lock

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qualia_assets.net.base import Deferred
from qualia_assets.net.client import Client
from qualia_assets.net.gate import Gate, retry_after
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State
from qualia_assets.state.tables import gates

GAP = 0.15
DOMAINS = ("one.example", "two.example", "three.example", "four.example", "five.example")


def gate(state: State, gap: float = GAP, longest_wait: float = 60.0, hold: float = 30.0) -> Gate:
    return Gate("substack", state, gap=gap, longest_wait=longest_wait, hold=hold)


def row(state: State) -> sa.Row[tuple[str, float, float, float]]:
    with state.engine.connect() as connection:
        return connection.execute(sa.select(gates).where(gates.c.platform == "substack")).one()


def reopen(state: State) -> None:
    """Let the next one through at once."""
    with state.engine.begin() as connection:
        connection.execute(sa.update(gates).values(free_at=0.0))


def test_the_gap_begins_where_a_request_ends_and_is_up_to_half_as_long_again(state: State) -> None:
    mine, gaps = gate(state, gap=50), []
    for _ in range(20):
        reopen(state)
        mine.take()
        ended = time.time()
        mine.release(healthy=True)
        gaps.append(row(state).free_at - ended)
    assert min(gaps) >= 50
    assert max(gaps) <= 76
    assert max(gaps) - min(gaps) > 5


def test_a_request_that_never_ended_is_waited_for_no_longer_than_its_hold(state: State) -> None:
    gate(state, hold=0.3).take()
    began = time.monotonic()
    gate(state).take()
    assert 0.25 < time.monotonic() - began < 3


def test_a_request_that_outlasts_its_hold_does_not_open_the_gate_for_others(state: State) -> None:
    slow, next_one = gate(state, gap=0.01, hold=0.05), gate(state, gap=0.01)
    slow.take()
    next_one.take()
    held = row(state).held_until
    slow.release(healthy=True)
    assert row(state).held_until == held > time.time()


def test_a_gap_doubles_up_to_a_minute_and_recovers_slowly(state: State) -> None:
    mine = gate(state, gap=2.0)
    gaps = []
    for _ in range(7):
        mine.penalise()
        gaps.append(row(state).gap)
    assert gaps == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert time.time() + 58 < row(state).free_at < time.time() + 61

    def answered(healthy: bool) -> float:
        reopen(state)
        mine.take()
        mine.release(healthy)
        return row(state).gap

    assert answered(healthy=False) == 60.0
    recovered = [answered(healthy=True) for _ in range(40)]
    assert recovered[:2] == pytest.approx([54.0, 48.6])
    assert recovered[30] > 2.0
    assert recovered[-1] == 2.0


def test_a_wait_that_is_too_long_is_deferred_and_takes_nothing(state: State) -> None:
    mine = gate(state, longest_wait=60)
    mine.penalise(3600)
    before = row(state)
    began = time.monotonic()
    with pytest.raises(Deferred, match="substack must not be requested before") as deferred:
        gate(state, longest_wait=60).take()
    assert time.monotonic() - began < 1
    assert abs(deferred.value.until - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=5)
    assert row(state) == before


def test_a_longer_wait_is_never_cut_short_by_a_shorter_one(state: State) -> None:
    mine = gate(state)
    mine.penalise(50)
    mine.penalise(1)
    assert row(state).free_at > time.time() + 45


def test_waiting_for_a_held_gate_ends_as_deferred_too(state: State) -> None:
    gate(state).take()
    with pytest.raises(Deferred):
        gate(state, longest_wait=0.1).take()
    # Another platform's gate is free.
    Gate("pinterest", state, gap=2.0, longest_wait=0.1, hold=30).take()


def test_without_a_gap_nothing_is_written_and_a_penalty_still_holds(state: State) -> None:
    mine = gate(state, gap=0)
    before = row(state)
    for _ in range(3):
        mine.take()
        mine.release(healthy=True)
    assert row(state) == before
    mine.penalise(3600)
    with pytest.raises(Deferred):
        mine.take()


# Retry-After


NOTHING = ["", "nonsense", "-5", "nan", "inf", "1e999", "Sun, 99 Nov 2026 99:99:99 GMT"]


def date(**ahead: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(**ahead), usegmt=True)


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    assert (retry_after("120"), retry_after("0"), retry_after(date(hours=-1))) == (120.0, 0.0, 0.0)
    assert retry_after(date(hours=1)) == pytest.approx(3600, abs=3)
    assert retry_after(date(days=400)) == retry_after("99999999999999999999") == 86_400.0
    assert [retry_after(value) for value in (None, *NOTHING)] == [None] * (1 + len(NOTHING))


@given(st.text() | st.integers().map(str) | st.datetimes().map(format_datetime))
def test_no_retry_after_is_longer_than_a_day(value: str) -> None:
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds <= 86_400


# Several processes


def fetch_pages(server: str, start: int, pages: int) -> None:
    """Fetch pages of several domains, and their robots.txt, as one of several processes."""
    settings = load_settings(crawling={"contact": "me@example.org", "gap": GAP, "send_to": {"*": server}})
    state = State(settings.state_url)
    with Client("substack", state, settings, budget=50) as client:
        for page in range(pages):
            client.get(f"https://{DOMAINS[(start + page) % len(DOMAINS)]}/feed", "json")
    state.close()


def test_one_gap_holds_by_the_servers_clock_for_three_processes_and_five_domains() -> None:
    arrivals: list[tuple[float, str]] = []
    lock = Lock()

    def answer(request: Request) -> Response:
        with lock:
            arrivals.append((time.monotonic(), request.host))
        # One takes longer than the gap: the next request must not come before its answer.
        time.sleep(2 * GAP if len(arrivals) % 5 == 0 else 0)
        return Response("{}", content_type="application/json")

    spawn = multiprocessing.get_context("spawn")
    with HTTPServer(threaded=True) as server:
        server.expect_request("/feed").respond_with_handler(answer)
        server.expect_request("/robots.txt").respond_with_handler(answer)
        url = server.url_for("/")
        users = [spawn.Process(target=fetch_pages, args=(url, 2 * user, 2)) for user in range(3)]
        for user in users:
            user.start()
        for user in users:
            user.join(60)
    assert [user.exitcode for user in users] == [0, 0, 0]
    assert {host for _, host in arrivals} == set(DOMAINS)
    assert 11 <= len(arrivals) <= 12  # six pages, robots.txt of five domains, one of them perhaps twice
    times = [at for at, _ in arrivals]
    assert min(b - a for a, b in pairwise(times)) >= GAP


def test_a_process_obeys_what_another_one_was_told(state: State, httpserver: HTTPServer) -> None:
    gate(state).penalise(3600)
    spawn = multiprocessing.get_context("spawn")
    other = spawn.Process(target=fetch_pages, args=(httpserver.url_for("/"), 0, 1))
    other.start()
    other.join(60)
    assert other.exitcode == 1  # Deferred
    assert httpserver.log == []
