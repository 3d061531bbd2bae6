"""Claims: of several who ask, one gets a key, until it gives it back or is no longer there."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualia_assets.state.claims import claim, release, renew
from qualia_assets.state.database import State
from qualia_assets.state.tables import claims

KEYS = [f"key-{n:04d}" for n in range(1000)]


@pytest.fixture(autouse=True)
def _empty(state: State) -> None:
    with state.engine.begin() as connection:
        connection.execute(claims.delete())


def test_a_key_is_one_holders_until_it_is_given_back(state: State) -> None:
    assert claim(state, ["a", "b"], "first", 60) == {"a", "b"}
    assert claim(state, ["a", "b", "c"], "second", 60) == {"c"}

    release(state, "first", ["a"])

    assert claim(state, ["a", "b", "c"], "second", 60) == {"a", "c"}
    release(state, "first")
    assert claim(state, ["b"], "second", 60) == {"b"}


def test_nobody_gives_back_what_another_holds(state: State) -> None:
    claim(state, ["a"], "first", 60)

    release(state, "second", ["a"])
    release(state, "second")

    assert claim(state, ["a"], "second", 60) == set()


def test_a_claim_runs_out_unless_it_is_renewed(state: State) -> None:
    claim(state, ["a"], "killed", 0.05)
    claim(state, ["b"], "alive", 0.05)
    renew(state, "alive", 60)
    time.sleep(0.1)

    assert claim(state, ["a", "b"], "next", 60) == {"a"}


def test_who_lost_a_claim_does_not_renew_it_for_the_next(state: State) -> None:
    claim(state, ["a"], "asleep", 0.05)
    time.sleep(0.1)
    claim(state, ["a"], "next", 0.05)

    renew(state, "asleep", 60)
    time.sleep(0.1)

    assert claim(state, ["a"], "third", 60) == {"a"}


def test_of_threads_that_claim_the_same_keys_at_once_each_key_goes_to_one(state: State) -> None:
    together = Barrier(6)

    def mine(holder: int) -> set[str]:
        together.wait(10)
        return claim(state, KEYS, f"holder {holder}", 60)

    with ThreadPoolExecutor(6) as pool:
        gained = [future.result() for future in [pool.submit(mine, n) for n in range(6)]]

    assert sum(len(part) for part in gained) == len(KEYS)
    assert set().union(*gained) == set(KEYS)


holders = st.sampled_from(["x", "y", "z"])
some_keys = st.sets(st.sampled_from("abcde"))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), holders, some_keys), max_size=12))
def test_whatever_the_order_a_key_has_one_holder(
    state: State, steps: list[tuple[bool, str, set[str]]]
) -> None:
    with state.engine.begin() as connection:
        connection.execute(claims.delete())
    held: dict[str, str] = {}
    for claiming, holder, keys in steps:
        if claiming:
            gained = claim(state, keys, holder, 60)
            assert gained == {key for key in keys if held.get(key, holder) == holder}
            held |= dict.fromkeys(gained, holder)
        else:
            release(state, holder, keys)
            held = {key: who for key, who in held.items() if not (who == holder and key in keys)}
