"""Labels from vectors, from words and from people, and how far two of them agree."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.clustering import NOISE
from qualia_assets.method.corpus import UNMATCHED
from qualia_assets.method.labelling import (
    Labelling,
    agreement,
    cluster_all,
    lexical_view,
    match_all,
    recovered,
    stability,
)
from qualia_assets.method.matching import unit


def rand_index(a: Sequence[object], b: Sequence[object]) -> float:
    """Hubert & Arabie's adjusted Rand index: pairs that are together in both, less what chance puts there."""
    pairs = list(combinations(range(len(a)), 2))
    together_a = sum(a[i] == a[j] for i, j in pairs)
    together_b = sum(b[i] == b[j] for i, j in pairs)
    both = sum(a[i] == a[j] and b[i] == b[j] for i, j in pairs)
    chance = together_a * together_b / len(pairs)
    most = (together_a + together_b) / 2
    return 1.0 if most == chance else (both - chance) / (most - chance)


def mutual(a: Sequence[object], b: Sequence[object]) -> float:
    n, together = len(a), Counter(zip(a, b, strict=True))
    of_a, of_b = Counter(a), Counter(b)
    return sum(c / n * math.log(n * c / (of_a[x] * of_b[y])) for (x, y), c in together.items())


def adjusted_information(a: Sequence[object], b: Sequence[object]) -> float:
    """Vinh et al.'s, with the mean over all orders of b for what chance shares."""
    orders = [mutual(a, order) for order in permutations(b)]
    chance = sum(orders) / len(orders)
    return (mutual(a, b) - chance) / ((mutual(a, a) + mutual(b, b)) / 2 - chance)


def test_themes_that_are_there_are_found_and_matched_to_themselves() -> None:
    rng = np.random.default_rng(0)
    theme = np.tile(np.repeat(np.arange(12), 9), 2)
    kinds = np.repeat(["text", "image"], 108)
    order = rng.permutation(216)
    theme, kinds = theme[order], kinds[order]
    vectors = unit(rng.normal(size=(12, 16))[theme] + 0.25 * rng.normal(size=(216, 16)))

    how = replace(Labelling(), neighbours=8, epochs=60)
    cluster = cluster_all(vectors, kinds, how, seed=0)
    match = match_all(vectors, kinds, cluster, how.threshold)

    for m in ("text", "image"):
        mine = kinds == m
        assert rand_index(theme[mine].tolist(), cluster[mine].tolist()) > 0.8
    assert rand_index(theme.tolist(), match.tolist()) > 0.7
    assert len(recovered(cluster, match, kinds, [f"theme {t}" for t in theme])) >= 10


def test_of_nothing_there_are_no_clusters() -> None:
    assert (
        cluster_all(np.zeros((0, 4), dtype=np.float32), np.zeros(0, dtype=np.str_), Labelling(), 0).size == 0
    )


KINDS = np.array(["text", "text", "image", "image", "text", "image", "text"])
CLUSTER = np.array([0, 0, 0, 1, 1, 1, NOISE])
SIDE = unit(np.array([[1, 0.1], [1, -0.1], [0.1, 1], [1, 0], [0, 1], [1, 0.2], [1, 1]]))


def test_each_item_has_the_match_of_its_modalitys_cluster() -> None:
    # Text cluster 0 and image cluster 1 point one way, text cluster 1 and image cluster 0 the other.
    match = match_all(SIDE, KINDS, CLUSTER, threshold=0.5)

    assert match[0] == match[1] == match[3] == match[5]
    assert match[2] == match[4] != match[0]
    assert match[6] == UNMATCHED


def test_a_pair_below_the_threshold_is_no_match() -> None:
    apart = SIDE.copy()
    apart[2] = -apart[2]

    match = match_all(apart, KINDS, CLUSTER, threshold=0.5)

    assert match.tolist() == [0, 0, UNMATCHED, 0, UNMATCHED, 0, UNMATCHED]


@pytest.mark.parametrize("kinds", [["text"] * 7, ["image"] * 7])
def test_one_modality_alone_has_no_matches(kinds: list[str]) -> None:
    assert set(match_all(SIDE, np.array(kinds), CLUSTER, 0.0).tolist()) == {UNMATCHED}


SAID = [
    "slow rivers and wet moss under old trees",
    "moss and rivers in the rain",
    "old trees, moss, rain",
    "neon city lights in the night",
    "night trains through the city, neon",
    "city lights, night trains",
    "unheard words only",
    "",
]


def test_texts_that_share_words_lie_near_in_the_lexical_view() -> None:
    z = lexical_view(SAID)

    woods, city = z[:3] @ z[:3].T, z[3:6] @ z[3:6].T
    across = z[:3] @ z[3:6].T
    assert min(woods.min(), city.min()) > across.max() + 0.2


def test_the_lexical_view_has_unit_vectors_and_zeros_where_no_word_is_shared() -> None:
    z = lexical_view(SAID)

    assert z.dtype == np.float32
    assert np.linalg.norm(z, axis=1) == pytest.approx([1] * 6 + [0] * 2, abs=1e-6)


def test_the_lexical_view_is_no_wider_than_asked_and_its_rows_no_shorter_for_it() -> None:
    z = lexical_view(SAID, dimensions=3)

    assert z.shape == (8, 3)
    assert np.linalg.norm(z[:6], axis=1) == pytest.approx(np.ones(6), abs=1e-6)


def test_what_lies_in_none_of_the_dimensions_kept_has_no_direction() -> None:
    z = lexical_view(["moss"] * 4 + ["rain"] * 3 + ["neon"] * 2, dimensions=2)

    assert np.linalg.norm(z, axis=1) == pytest.approx([1] * 7 + [0] * 2, abs=1e-6)


def test_the_lexical_view_is_the_same_every_time() -> None:
    assert lexical_view(SAID).tobytes() == lexical_view(SAID).tobytes()


@pytest.mark.parametrize("said", [[], [""], ["moss"], ["", ""], ["the", "and"], ["moss", "rain"]])
def test_of_no_shared_word_the_lexical_view_is_nothing(said: list[str]) -> None:
    z = lexical_view(said)

    assert len(z) == len(said)
    assert not z.any()


@budget(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["moss", "rain", "neon", "night"]), max_size=3), max_size=8))
def test_each_row_of_the_lexical_view_has_length_one_or_none(said: list[list[str]]) -> None:
    lengths = np.linalg.norm(lexical_view([" ".join(words) for words in said]), axis=1)

    assert all(length == pytest.approx(1, abs=1e-5) or length < 1e-12 for length in lengths)


@budget(max_examples=40, deadline=None)
@given(st.permutations(range(4)))
def test_the_lexical_view_of_texts_with_nothing_in_common_tells_them_apart(order: list[int]) -> None:
    pairs = [["moss moss", "moss"], ["rain", "rain rain"], ["neon", "neon"], ["night", "night"]]
    said = [text for i in order for text in pairs[i]]

    z = lexical_view(said)

    for i in range(0, 8, 2):
        for j in range(i + 2, 8, 2):
            assert abs(float(z[i] @ z[j])) < 1e-4


labels = st.lists(st.integers(-1, 3), min_size=2, max_size=12)


@budget(max_examples=40, deadline=None)
@given(labels, st.permutations(range(4)))
def test_clusters_that_only_change_their_numbers_are_fully_stable(
    one: list[int], names: Sequence[int]
) -> None:
    other = [NOISE if c == NOISE else names[c] for c in one]

    found = stability([np.array(one), np.array(other), np.array(one)])

    assert found == (None if set(one) == {NOISE} else pytest.approx(1.0))


@budget(max_examples=40, deadline=None)
@given(st.data())
def test_stability_is_the_mean_over_all_pairs_of_runs(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 9))
    runs = data.draw(st.lists(st.lists(st.integers(0, 3), min_size=n, max_size=n), min_size=2, max_size=4))

    expected = [rand_index(a, b) for a, b in combinations(runs, 2)]

    assert stability([np.array(run) for run in runs]) == pytest.approx(sum(expected) / len(expected))


def test_noise_counts_as_one_cluster_more() -> None:
    one, other = [0, 0, 0, NOISE, NOISE], [0, 0, NOISE, NOISE, NOISE]

    assert stability([np.array(one), np.array(other)]) == pytest.approx(rand_index(one, other))


def test_there_is_no_stability_of_one_run_or_of_noise_alone() -> None:
    noise = np.full(5, NOISE)

    assert stability([np.arange(5)]) is None
    assert stability([noise, noise, noise]) is None
    assert stability([np.zeros(0, dtype=np.int64)] * 2) is None
    assert stability([noise, np.array([0, 0, 1, 1, 1])]) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("cluster", "people"),
    [
        ([0, 0, 1, 1, 1], ["sea", "sea", "city", "city", "sea"]),
        ([0, 1, 0, 1, 2, 2], ["sea", "sea", "city", "city", "woods", "woods"]),
        ([0, 0, 0, 1], ["sea", "city", "sea", "city"]),
    ],
)
def test_agreement_is_that_of_pairs_and_of_information_less_chance(
    cluster: list[int], people: list[str]
) -> None:
    found = agreement(np.array(cluster), people)

    assert found is not None
    assert found.ari == pytest.approx(rand_index(people, cluster))
    assert found.ami == pytest.approx(adjusted_information(people, cluster))
    assert found.n == len(people)


def test_the_same_labels_agree_in_full_whatever_their_names() -> None:
    found = agreement(np.array([2, 2, 0, 0, 1]), ["sea", "sea", "city", "city", "woods"])

    assert found is not None
    assert (found.ari, found.ami) == (pytest.approx(1), pytest.approx(1))


def test_what_nobody_labelled_is_left_out() -> None:
    with_gaps = agreement(np.array([0, 5, 0, 1, 7, 1]), ["sea", None, "sea", "city", None, "city"])
    without = agreement(np.array([0, 0, 1, 1]), ["sea", "sea", "city", "city"])

    assert with_gaps == without
    assert with_gaps is not None
    assert with_gaps.n == 4


def test_noise_is_a_cluster_more_or_left_out() -> None:
    cluster, people = np.array([0, 0, 1, 1, NOISE, NOISE]), ["sea", "sea", "city", "city", "sea", "city"]

    counted, left_out = agreement(cluster, people), agreement(cluster, people, with_noise=False)

    assert counted is not None
    assert left_out is not None
    assert counted.ari == pytest.approx(rand_index(people, cluster.tolist()))
    assert (counted.n, left_out.n) == (6, 4)
    assert left_out.ari == pytest.approx(1)


@pytest.mark.parametrize(
    ("cluster", "people", "with_noise"),
    [
        ([], [], True),
        ([0], ["sea"], True),
        ([0, 1, 2], [None, None, "sea"], True),
        ([0, 1, 0], ["sea", "sea", "sea"], True),
        ([NOISE, NOISE, 0], ["sea", "city", "sea"], False),
    ],
)
def test_with_nothing_to_compare_there_is_no_agreement(
    cluster: list[int], people: list[str | None], with_noise: bool
) -> None:
    assert agreement(np.array(cluster, dtype=np.int64), people, with_noise) is None


def test_a_theme_is_recovered_where_both_sides_of_a_match_are_mostly_its_own() -> None:
    #      match 0: sea on both sides     match 1: sea by city       unmatched
    match = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, UNMATCHED, UNMATCHED])
    kinds = np.array(["text"] * 3 + ["image"] * 2 + ["text"] * 2 + ["image"] * 2 + ["text", "image"])
    truth = ["sea", "city", "sea", "sea", "sea", "sea", "sea", "city", "city", "woods", "woods"]

    assert recovered(match, match, kinds, truth) == {"sea"}


def test_a_theme_that_two_matches_recover_is_one_theme() -> None:
    match = np.array([0, 0, 1, 1])
    kinds = np.array(["text", "image"] * 2)

    assert recovered(match, match, kinds, ["sea"] * 4) == {"sea"}


def test_a_match_of_one_modality_recovers_nothing() -> None:
    assert recovered(np.zeros(2), np.zeros(2), np.array(["text", "text"]), ["sea", "sea"]) == set()
    assert recovered(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.str_), []) == set()
