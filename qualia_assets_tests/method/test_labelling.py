"""Labels from vectors, from words and from people, and how far two of them agree."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, permutations
from statistics import fmean

import numpy as np
import pytest

from qualia_assets.method.clustering import NOISE
from qualia_assets.method.corpus import UNMATCHED
from qualia_assets.method.labelling import (
    Agreement,
    agreement,
    lexical_view,
    match_all,
    recovered_themes,
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
    n, of_a, of_b = len(a), Counter(a), Counter(b)
    together = Counter(zip(a, b, strict=True))
    return sum(c / n * math.log(n * c / (of_a[x] * of_b[y])) for (x, y), c in together.items())


def adjusted_information(a: Sequence[object], b: Sequence[object]) -> float:
    """Vinh et al.'s, with the mean over all orders of b for what chance shares."""
    chance = fmean(mutual(a, order) for order in permutations(b))
    return (mutual(a, b) - chance) / ((mutual(a, a) + mutual(b, b)) / 2 - chance)


def test_each_item_has_the_match_of_its_modalitys_cluster_unless_below_the_threshold() -> None:
    # Text cluster 0 and image cluster 1 point one way, text cluster 1 and image cluster 0 the other.
    kinds = np.array(["text", "text", "image", "image", "text", "image", "text"])
    cluster = np.array([0, 0, 0, 1, 1, 1, NOISE])
    vectors = unit(np.array([[1, 0.1], [1, -0.1], [0.1, 1], [1, 0], [0, 1], [1, 0.2], [1, 1]]))
    apart = vectors * np.array([1, 1, -1, 1, 1, 1, 1])[:, None]

    assert match_all(vectors, kinds, cluster, threshold=0.5).tolist() == [0, 0, 1, 0, 1, 0, UNMATCHED]
    assert match_all(apart, kinds, cluster, threshold=0.5).tolist() == [0, 0, -1, 0, -1, 0, UNMATCHED]
    for kind in ("text", "image"):
        assert set(match_all(vectors, np.array([kind] * 7), cluster, 0.0).tolist()) == {UNMATCHED}


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

    woods, city, across = z[:3] @ z[:3].T, z[3:6] @ z[3:6].T, z[:3] @ z[3:6].T
    assert min(woods.min(), city.min()) > across.max() + 0.2
    assert z.dtype == np.float32
    assert z.tobytes() == lexical_view(SAID).tobytes()


def test_the_lexical_view_tells_texts_without_common_words_apart() -> None:
    z = lexical_view(["moss moss", "moss", "rain", "rain rain", "neon", "neon", "night", "night"])

    assert z @ z.T == pytest.approx(np.kron(np.eye(4), np.ones((2, 2))), abs=1e-4)


@pytest.mark.parametrize(
    ("texts", "dimensions", "lengths"),
    [
        (SAID, 100, [1] * 6 + [0] * 2),
        (SAID, 3, [1] * 6 + [0] * 2),
        # The third word lies in none of the two dimensions that are kept.
        (["moss"] * 4 + ["rain"] * 3 + ["neon"] * 2, 2, [1] * 7 + [0] * 2),
        *((texts, 100, [0] * len(texts)) for texts in ([], [""], ["moss"], ["", ""], ["the", "and"])),
        # No word is shared, or only one.
        (["moss", "rain"], 100, [0, 0]),
        (["moss", "moss"], 100, [0, 0]),
    ],
)
def test_rows_of_the_lexical_view_have_length_one_or_none(
    texts: list[str], dimensions: int, lengths: list[int]
) -> None:
    z = lexical_view(texts, dimensions)

    assert z.shape[1] <= dimensions
    assert np.linalg.norm(z, axis=1) == pytest.approx(lengths, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_stability_is_the_mean_over_all_pairs_of_runs_noise_as_a_cluster(seed: int) -> None:
    rng = np.random.default_rng(seed)
    runs = rng.integers(-1, 4, size=(rng.integers(2, 5), rng.integers(2, 10)))

    expected = fmean(rand_index(a, b) for a, b in combinations(runs.tolist(), 2))

    assert stability(list(runs)) == pytest.approx(expected)


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
        ([0, 0, 1, 1, NOISE, NOISE], ["sea", "sea", "city", "city", "sea", "city"]),
        ([2, 2, 0, 0, 1], ["sea", "sea", "city", "city", "woods"]),
    ],
)
def test_agreement_is_that_of_pairs_and_of_information_less_chance(
    cluster: list[int], people: list[str]
) -> None:
    found = agreement(np.array(cluster), people)

    expected = rand_index(people, cluster), adjusted_information(people, cluster), len(people)
    assert (found.ari, found.ami, found.n) == pytest.approx(expected)


def test_unlabelled_items_are_left_out_and_noise_on_request() -> None:
    cluster = np.array([0, 5, 0, 1, 7, 1, NOISE, NOISE])
    people = ["sea", None, "sea", "city", None, "city", "sea", "city"]

    assert agreement(cluster, people, with_noise=False) == Agreement(1.0, 1.0, 4)
    assert agreement(cluster, people) == agreement(cluster[[0, 2, 3, 5, 6, 7]], [p for p in people if p])


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


@pytest.mark.parametrize(
    ("match", "kinds", "truth", "themes"),
    [
        # Match 0: sea on both sides. Match 1: sea by city. The last two have no match.
        (
            [0, 0, 0, 0, 0, 1, 1, 1, 1, UNMATCHED, UNMATCHED],
            "tttiittiiti",
            ["sea", "city", "sea", "sea", "sea", "sea", "sea", "city", "city", "woods", "woods"],
            {"sea"},
        ),
        # A theme that two matches recover is one theme.
        ([0, 0, 1, 1], "titi", ["sea"] * 4, {"sea"}),
        # A match of one modality recovers nothing.
        ([0, 0], "tt", ["sea", "sea"], set()),
        ([], "", [], set()),
    ],
)
def test_a_theme_is_recovered_where_both_sides_of_a_match_are_mostly_its_own(
    match: list[int], kinds: str, truth: list[str], themes: set[str]
) -> None:
    modality = np.array([{"t": "text", "i": "image"}[kind] for kind in kinds], dtype=np.str_)

    assert recovered_themes(np.array(match, dtype=np.int64), modality, truth) == themes
