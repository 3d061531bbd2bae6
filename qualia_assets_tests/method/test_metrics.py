"""The formulas of the metrics, each on a case that is worked out by hand or by loops."""

import math
from collections import Counter
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score

from qualia_assets.method.intervals import interval
from qualia_assets.method.matching import unit
from qualia_assets.method.metrics import (
    Points,
    balanced_subset,
    modality_auc,
    occurrence_stats,
    recall_at,
    retrieve,
    uniformity,
)
from qualia_assets_tests.method.by_loops import KINDS, assert_retrieved, felt_points, search, squared_distance

POINTS = felt_points(0, [(7, 5), (4, 9), (6, 6), (3, 8)])


def once(points: Points) -> np.ndarray:
    """The weights that count every match once: with them a statistic is the figure itself."""
    return np.ones((1, len(points.matches)))


# Coordinates in eighths: every dot product is exact, and very many of them tie.
TIES = Points(
    (np.random.default_rng(0).integers(-2, 3, (120, 4)) / 8).astype(np.float32),
    np.random.default_rng(1).choice(["text", "image"], 120),
    np.random.default_rng(2).integers(0, 9, 120),
)


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize(("points", "k"), [(POINTS, 1), (POINTS, 4), (POINTS, 100), (TIES, 3)])
def test_every_item_retrieves_what_a_loop_over_all_others_does(
    points: Points, k: int, calibrated: bool
) -> None:
    expected = search(points, range(len(points)), k, float(calibrated))

    assert_retrieved(retrieve(points, k, calibrated), points, expected)


def test_distant_copies_tie_and_the_first_is_retrieved() -> None:
    kind = np.arange(333) % 9
    vectors = unit(np.random.default_rng(0).normal(size=(9, 64)))[kind]

    hits = retrieve(Points(vectors, np.array(["text"] * 333), kind), 1)

    # The first of a kind by its 36 copies, and the second by the first.
    assert hits.occurrences.tolist() == [36] * 9 + [1] * 9 + [0] * 315


def test_a_resampled_statistic_over_pairs_never_compares_a_match_with_its_copy() -> None:
    # Matches are drawn 2, 0, 1 and 1 times. Pairs within a match count as often as it was drawn, pairs across
    # as often as both were, weighted up to as many as with every match drawn once.
    times = {3: 2.0, 13: 0.0, 23: 1.0, 33: 1.0}
    apart = sum(times[a] * times[b] for a in times for b in times if a != b)

    redrawn = uniformity(POINTS)(np.array([list(times.values())]))[0]

    total = weight = 0.0
    for i in range(len(POINTS)):
        for j in range(i):
            a, b = int(POINTS.match[i]), int(POINTS.match[j])
            counts = times[a] if a == b else times[a] * times[b] * (4 * 3) / apart
            total += counts * math.exp(-2 * squared_distance(POINTS.vectors[i], POINTS.vectors[j]))
            weight += counts
    assert redrawn == pytest.approx(math.log(total / weight), abs=1e-6)


@pytest.mark.parametrize("matches", [2, 3, 10])
def test_the_interval_of_uniformity_holds_it_also_where_all_matches_are_alike(matches: int) -> None:
    # Tight matches, each at right angles to all others: a plain bootstrap puts every draw above the value,
    # since a match drawn twice looks twice as dense.
    vectors = np.repeat(np.eye(matches, dtype=np.float32), 8, axis=0)
    points = Points(vectors, np.array(["text", "image"] * 4 * matches), np.repeat(np.arange(matches), 8))

    low, high = interval(uniformity(points), matches, draws=400, seed=0)

    assert low - 1e-6 <= uniformity(points)(once(points))[0] <= high + 1e-6


@pytest.mark.parametrize(("gap", "area"), [(20, pytest.approx(1.0)), (0, pytest.approx(0.5, abs=0.1))])
def test_the_probe_separates_modalities_that_lie_apart_and_no_others(gap: float, area: float) -> None:
    points = felt_points(4, [(25, 25), (25, 25)], gap)

    statistic, _ = modality_auc(points, "text", "image", seed=0)

    assert statistic(once(points))[0] == area


def test_the_probe_needs_five_of_either_modality() -> None:
    assert modality_auc(felt_points(0, [(4, 20)]), "text", "image", seed=0) is None
    assert modality_auc(felt_points(0, [(5, 5)]), "text", "image", seed=0) is not None


def test_the_area_is_that_of_a_five_fold_logistic_probe() -> None:
    some = felt_points(2, [(10, 12), (15, 13)], gap=0.3)
    folds = StratifiedKFold(5, shuffle=True, random_state=4)
    probe = LogisticRegression(max_iter=200)
    areas = cross_val_score(probe, some.vectors, some.modality == "text", cv=folds, scoring="roc_auc")

    statistic, std = modality_auc(some, "text", "image", seed=4)

    assert 0.55 < areas.mean() < 0.95
    assert (statistic(once(some))[0], std) == pytest.approx((areas.mean(), areas.std()))


def test_of_equal_captions_the_first_is_found_first() -> None:
    same = np.tile(unit(np.ones((1, 64))), (7, 1))

    assert np.flatnonzero(recall_at(same, same, (3,))[3]).tolist() == [0, 1, 2]


@budget(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=30).filter(any))
def test_occurrence_statistics_are_those_of_their_definitions(times: list[int]) -> None:
    average, spread = fmean(times), pstdev(times)
    difference = fmean(abs(a - b) for a in times for b in times)

    stats = occurrence_stats(np.array(times, dtype=np.float64))

    third = fmean(((t - average) / spread) ** 3 for t in times) if spread else 0.0
    assert stats.skewness == pytest.approx(third, abs=1e-9)
    assert stats.gini == pytest.approx(difference / (2 * average))
    assert stats.never == times.count(0) / len(times)


@pytest.mark.parametrize("times", [[], [3.0], [0.0, 0.0]])
def test_where_nothing_was_retrieved_there_are_no_occurrence_statistics(times: list[float]) -> None:
    assert occurrence_stats(np.array(times)) is None


sizes = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=5)


@budget(max_examples=25, deadline=None)
@given(sizes.filter(lambda s: any(t for t, _ in s) and any(i for _, i in s)), st.integers(0, 99))
def test_a_balanced_gallery_has_as_many_of_each_modality_in_every_match(
    counts: list[tuple[int, int]], seed: int
) -> None:
    points = felt_points(seed, counts)

    kept = balanced_subset(points, np.random.default_rng(seed)).tolist()

    assert kept == sorted(set(kept))
    found = Counter((points.match[x], points.modality[x]) for x in kept)
    for number, pair in enumerate(counts):
        assert [found[10 * number + 3, kind] for kind in KINDS] == [min(pair)] * 2


def test_sampling_down_can_take_any_item_of_the_larger_side() -> None:
    points = felt_points(0, [(2, 6)])
    rng = np.random.default_rng(0)

    drawn = [balanced_subset(points, rng).tolist() for _ in range(300)]

    for x in range(8):
        share = sum(x in draw for draw in drawn) / 300
        assert share == pytest.approx(1.0 if points.modality[x] == "text" else 2 / 6, abs=0.1)
