"""Entries of vocabularies: given where they are sure, and none to everything."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qualia_assets.method.matching import unit
from qualia_assets.method.profiles import LARGEST_SHARE, LEAST_SIMILARITY, profile, sure


def planted(items: int, seed: int = 0, noise: float = 0.08) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items, the entries of a field, and the entry that each item is of; all share a direction."""
    rng = np.random.default_rng(seed)
    entries = unit(rng.normal(size=(30, 64)) + 1)
    own = np.arange(items) % 30
    return unit(entries[own] + noise * rng.normal(size=(items, 64))), entries, own


def test_items_get_the_entry_that_they_were_made_of() -> None:
    items, entries, own = planted(300)
    given_ = sure(profile(items, entries))
    assert np.mean([bool(found) for found in given_]) > 0.8
    assert all(found == [own[i]] for i, found in enumerate(given_) if found)


def test_noise_gets_nearly_nothing() -> None:
    rng = np.random.default_rng(1)
    _, entries, _ = planted(1)
    noise = unit(rng.normal(size=(300, 64)))
    wide = unit(rng.normal(size=(300, 384))), unit(rng.normal(size=(44, 384)))
    assert np.mean([bool(found) for found in sure(profile(*wide))]) < 0.1
    assert max(map(len, sure(profile(noise, entries)))) <= 1


@given(st.integers(0, 1000), st.integers(1, 200), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_no_entry_is_given_to_more_than_its_share(seed: int, items: int, most: int) -> None:
    # All items are alike: one entry is the nearest to each of them.
    rng = np.random.default_rng(seed)
    vectors = unit(1 + 0.1 * rng.normal(size=(items, 16)))
    entries = unit(rng.normal(size=(8, 16)))
    profiles = profile(vectors, entries)
    found = sure(profiles, most)
    counts = np.bincount([entry for entries_ in found for entry in entries_], minlength=8)
    assert counts.max() <= max(3, int(most * LARGEST_SHARE * items))
    assert all(
        profiles[i, entry] >= LEAST_SIMILARITY for i, entries_ in enumerate(found) for entry in entries_
    )


def test_a_single_item_is_compared_as_it_is() -> None:
    items, entries, own = planted(1, noise=0.0)
    assert sure(profile(items, entries)) == [[own[0]]]
    assert sure(profile(items[:0], entries)) == []
