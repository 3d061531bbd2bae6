"""Of several processes that claim a key one gets it, until it releases the key or its claim expires."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualia_assets.state.claims import claim, release, renew
from qualia_assets.state.database import State
from qualia_assets.state.tables import claims

KEYS = [f"key-{n:04d}" for n in range(1000)]
EXPIRED = -1.0
"""Seconds of a claim that has expired when it is made."""


def test_a_claimed_key_is_free_again_once_its_holder_releases_it(state: State) -> None:
    assert claim(state, ["a", "b"], "first", 60) == {"a", "b"}
    assert claim(state, ["a", "b", "c"], "second", 60) == {"c"}
    release(state, "first", ["a"])
    assert claim(state, ["a", "b", "c"], "second", 60) == {"a", "c"}
    release(state, "first")
    assert claim(state, ["b", "c"], "third", 60) == {"b"}


def test_a_claim_expires_unless_it_is_renewed(state: State) -> None:
    claim(state, ["a"], "killed", EXPIRED)
    claim(state, ["b"], "alive", EXPIRED)
    renew(state, "alive", 60)
    assert claim(state, ["a", "b"], "next", 60) == {"a"}


def test_renewing_an_expired_claim_does_not_extend_its_next_holders(state: State) -> None:
    claim(state, ["a"], "asleep", EXPIRED)
    claim(state, ["a"], "next", EXPIRED)
    renew(state, "asleep", 60)
    assert claim(state, ["a"], "third", 60) == {"a"}


def test_each_key_goes_to_one_of_the_threads_that_claim_it_at_once(state: State) -> None:
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
def test_a_key_has_one_holder_whatever_is_claimed_and_released(
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
            held = {key: who for key, who in held.items() if who != holder or key not in keys}
