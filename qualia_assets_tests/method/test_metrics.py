"""The formulas of the metrics, each on a case that can be worked out by hand or by loops."""

import math

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
    alignment,
    balanced_subset,
    calibrate,
    coherence_per_match,
    cross_modal_r_precision_per_match,
    modality_auc,
    occurrence,
    recall_at,
    retrieve,
    uniformity,
)
from qualia_assets_tests.method.by_loops import dot, felt_points, search, squared_distance

POINTS = felt_points(0, [(7, 5), (4, 9), (6, 6), (3, 8)])


def once(points: Points) -> np.ndarray:
    """The weights that count every match once: with them a statistic is the figure itself."""
    return np.ones((1, len(points.matches)))


def points_of(vectors: list[list[float]], modality: str, match: list[int]) -> Points:
    """Points whose modalities are spelled ``ti``: t for text, i for image."""
    kinds = np.array([{"t": "text", "i": "image"}[letter] for letter in modality])
    return Points(np.array(vectors, dtype=np.float32), kinds, np.array(match))


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("k", [1, 4, 10, 100])
def test_every_item_finds_what_a_loop_over_all_others_finds(k: int, calibrated: bool) -> None:
    expected = search(POINTS, range(len(POINTS)), k, calibrated)

    found = retrieve(POINTS, k, calibrated)

    for q, neighbours in expected.items():
        kinds = [POINTS.modality[x] for x in neighbours]
        assert found.found[q] == len(neighbours)
        assert found.same_match[q] == sum(POINTS.match[x] == POINTS.match[q] for x in neighbours)
        assert found.by_modality["text"][q] == kinds.count("text")
        assert found.by_modality["image"][q] == kinds.count("image")
        assert found.times_found[q] == sum(q in others for others in expected.values())


def test_a_query_never_finds_itself() -> None:
    # Each item is alone in its match, so that finding one's own match would be finding oneself.
    alone = Points(POINTS.vectors, POINTS.modality, np.arange(len(POINTS)))

    assert not retrieve(alone, 10).same_match.any()


@pytest.mark.parametrize("calibrated", [False, True])
def test_ties_go_to_the_smaller_id(calibrated: bool) -> None:
    same = points_of([[0.6, 0.8]] * 6, "tttttt", [0] * 6)

    # Everybody finds the first two others: 0 and 1 are found by five, 2 by those two.
    assert retrieve(same, 2, calibrated).times_found.tolist() == [5, 5, 2, 0, 0, 0]


def test_copies_far_apart_in_a_long_list_tie_too() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(9, 64)))[np.arange(333) % 9]
    copies = Points(vectors, np.array(["text"] * 333), np.arange(333) % 9)

    # Items 0 to 8 are the first copies: they are found by all the others of their kind.
    for item, times in enumerate(retrieve(copies, 1).times_found.tolist()):
        kind = len(range(item % 9, 333, 9))
        assert times == (kind - 1 if item < 9 else 1 if item < 18 else 0)


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_gallery_of_hundreds_is_searched_as_exactly_as_one_of_few(calibrated: bool) -> None:
    # Coordinates in eighths: every dot product is exact, and very many of them tie.
    rng = np.random.default_rng(0)
    vectors = (rng.integers(-2, 3, (400, 5)) / 8).astype(np.float32)
    many = Points(vectors, rng.choice(["text", "image"], 400), rng.integers(0, 9, 400))
    some = range(0, 400, 7)

    hits = retrieve(many, 3, calibrated)

    times = [0] * 400
    for q, neighbours in search(many, range(400), 3, calibrated).items():
        for x in neighbours:
            times[x] += 1
        if q in some:
            assert hits.same_match[q] == sum(many.match[x] == many.match[q] for x in neighbours)
    assert hits.times_found.tolist() == times


def test_calibration_takes_the_mean_of_the_ten_highest_of_each_modality() -> None:
    texts, images = [0.9 - 0.05 * i for i in range(12)], [0.3, 0.5]
    similarity = np.array([[*texts, *images]], dtype=np.float32)

    fair = calibrate(similarity, np.array(["text"] * 12 + ["image"] * 2))

    usual_text = sum(texts[:10]) / 10
    assert fair[0, :12].tolist() == pytest.approx([s - usual_text for s in texts], abs=1e-6)
    assert fair[0, 12:].tolist() == pytest.approx([-0.1, 0.1], abs=1e-6)


def test_the_query_itself_is_not_among_the_ten_highest() -> None:
    similarity = np.array([[-np.inf, 0.4, 0.2]], dtype=np.float32)

    fair = calibrate(similarity, np.array(["text"] * 3))

    assert fair[0].tolist() == pytest.approx([-np.inf, 0.1, -0.1])


def test_coherence_is_averaged_over_a_matchs_queries_and_has_none_where_nobody_asks() -> None:
    # Two tight pairs in the plane; the fourth text of match 0 lies with match 1.
    points = points_of([[1, 0], [1, 0.01], [0, 1], [0.01, 1], [0.02, 1]], "tittt", [0, 0, 1, 1, 0])
    hits = retrieve(points, 2)

    # Of k = 2: items 0 and 1 find each other and item 4 (match 0): 2/2 each. Item 4 finds 3 and 2: 0/2.
    # Items 2 and 3 find each other and 4: 1/2 each.
    assert coherence_per_match(points, hits, None, 2).tolist() == pytest.approx([2 / 3, 1 / 2])
    assert coherence_per_match(points, hits, "text", 2).tolist() == pytest.approx([1 / 2, 1 / 2])
    assert coherence_per_match(points, hits, "image", 2).tolist() == pytest.approx(
        [1.0, math.nan], nan_ok=True
    )


def test_with_fewer_others_than_k_coherence_is_the_share_of_those() -> None:
    points = points_of([[1, 0], [1, 0.01], [0, 1], [0.01, 1]], "titi", [0, 0, 1, 1])

    # Three others, one of them of the same match.
    assert coherence_per_match(points, retrieve(points, 10), None, 10).tolist() == pytest.approx(
        [1 / 3, 1 / 3]
    )


def test_cross_modal_r_precision_looks_at_as_many_as_there_are_to_find() -> None:
    # The text of match 0 has two images to find; of its two nearest images one is of match 1.
    points = points_of([[1, 0], [0.99, 0.1], [0.5, 0.87], [0.9, 0.44], [0, 1]], "tiiit", [0, 0, 0, 1, 2])

    per_match = cross_modal_r_precision_per_match(points, "text", "image").tolist()

    # Match 1 has no text to ask with, match 2 no image to find.
    assert per_match == pytest.approx([1 / 2, math.nan, math.nan], nan_ok=True)


def test_uniformity_of_identical_points_is_zero_and_of_orthogonal_ones_minus_four() -> None:
    same = points_of([[0.6, 0.8]] * 4, "titi", [0, 0, 1, 1])
    apart = Points(np.eye(4, dtype=np.float32), same.modality, same.match)

    assert uniformity(same)(once(same))[0] == pytest.approx(0, abs=1e-6)
    assert uniformity(apart)(once(apart))[0] == pytest.approx(-4)


def test_alignment_only_looks_across_modalities_and_within_matches() -> None:
    # Match 0: a text and two images, at squared distances 0 and 2. Match 1: an image opposite two texts.
    points = points_of([[1, 0], [1, 0], [0, 1], [1, 0], [-1, 0], [1, 0]], "tiitit", [0, 0, 0, 1, 1, 1])

    assert alignment(points, "text", "image")(once(points))[0] == pytest.approx((0 + 2 + 4 + 4) / 4)


def test_a_redrawn_figure_over_pairs_never_compares_a_match_with_its_copy() -> None:
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


@pytest.mark.parametrize("matches", [2, 3, 6, 10])
def test_the_interval_of_uniformity_holds_it_also_where_all_matches_are_alike(matches: int) -> None:
    # Tight matches, each at right angles to all others: a plain bootstrap puts every draw above the figure,
    # since a match drawn twice looks like one that is twice as dense.
    vectors = np.repeat(np.eye(matches, dtype=np.float32), 8, axis=0)
    points = Points(vectors, np.array(["text", "image"] * 4 * matches), np.repeat(np.arange(matches), 8))

    low, high = interval(uniformity(points), matches, draws=400, seed=0)

    assert low is not None
    assert high is not None
    assert low - 1e-6 <= uniformity(points)(once(points))[0] <= high + 1e-6


def test_modalities_that_lie_apart_are_told_apart_every_time() -> None:
    separable = felt_points(1, [(10, 10), (10, 10)], gap=20)

    probe = modality_auc(separable, "text", "image", seed=0)

    assert probe is not None
    assert probe[0](once(separable))[0] == 1.0
    assert probe[1] == 0.0


def test_modalities_that_are_mixed_cannot_be_told_apart() -> None:
    areas = []
    for seed in range(6):
        mixed = felt_points(seed, [(25, 25), (25, 25)], gap=0)
        probe = modality_auc(mixed, "text", "image", seed=0)
        assert probe is not None
        areas.append(probe[0](once(mixed))[0])

    assert sum(areas) / len(areas) == pytest.approx(0.5, abs=0.05)


def test_the_area_is_that_of_a_five_fold_logistic_probe() -> None:
    some = felt_points(2, [(10, 12), (15, 13)], gap=0.3)
    is_text = some.modality == "text"
    folds = StratifiedKFold(5, shuffle=True, random_state=4)
    areas = cross_val_score(
        LogisticRegression(max_iter=200), some.vectors, is_text, cv=folds, scoring="roc_auc"
    )

    probe = modality_auc(some, "text", "image", seed=4)

    assert probe is not None
    assert 0.55 < areas.mean() < 0.95
    assert probe[0](once(some))[0] == pytest.approx(areas.mean())
    assert probe[1] == pytest.approx(areas.std())


def test_identical_vectors_are_no_gap() -> None:
    same = Points(np.tile(POINTS.vectors[:1], (48, 1)), POINTS.modality, POINTS.match)

    probe = modality_auc(same, "text", "image", seed=0)

    assert probe is not None
    assert probe[0](once(same))[0] == 0.5


def test_the_probe_needs_five_of_either_modality() -> None:
    assert modality_auc(felt_points(0, [(4, 20)]), "text", "image", seed=0) is None
    assert modality_auc(felt_points(0, [(5, 5)]), "text", "image", seed=0) is not None


def test_recall_is_whether_ones_own_partner_is_among_the_nearest() -> None:
    rng = np.random.default_rng(0)
    pictures = unit(rng.normal(size=(30, 5)))
    captions = unit(pictures + 0.6 * rng.normal(size=(30, 5)))

    hits = recall_at(pictures, captions, (1, 5, 10))

    for q in range(30):
        level = [dot(pictures[q], caption) for caption in captions]
        order = sorted(range(30), key=lambda x: (-level[x], x))
        assert [bool(hits[k][q]) for k in (1, 5, 10)] == [q in order[:k] for k in (1, 5, 10)]


def test_of_captions_that_are_the_same_the_first_is_found_first() -> None:
    same = np.tile(unit(np.ones((1, 64))), (7, 1))

    assert np.flatnonzero(recall_at(same, same, (3,))[3]).tolist() == [0, 1, 2]


@budget(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=30).filter(any))
def test_occurrence_statistics_are_those_of_their_definitions(times: list[int]) -> None:
    n, average = len(times), sum(times) / len(times)
    variance = sum((t - average) ** 2 for t in times) / n
    third = sum((t - average) ** 3 for t in times) / n
    difference = sum(abs(a - b) for a in times for b in times) / n**2

    shape = occurrence(np.array(times, dtype=np.float64))

    assert shape is not None
    assert shape.skewness == pytest.approx(third / variance**1.5 if variance else 0.0, abs=1e-9)
    assert shape.gini == pytest.approx(difference / (2 * average))
    assert shape.never == times.count(0) / n


def test_one_item_that_everybody_finds_is_nearly_all_the_inequality_there_can_be() -> None:
    shape = occurrence(np.array([9.0] + [0.0] * 9))

    assert shape is not None
    assert (shape.gini, shape.never) == pytest.approx((0.9, 0.9))
    assert shape.skewness == pytest.approx(8 / 3)


@pytest.mark.parametrize("times", [[], [3.0], [0.0, 0.0]])
def test_where_nothing_was_found_there_is_no_shape(times: list[float]) -> None:
    assert occurrence(np.array(times)) is None


sizes = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=5)


@budget(max_examples=40, deadline=None)
@given(sizes.filter(lambda s: any(t for t, _ in s) and any(i for _, i in s)), st.integers(0, 99))
def test_a_balanced_gallery_has_as_many_of_each_modality_in_every_match(
    counts: list[tuple[int, int]], seed: int
) -> None:
    points = felt_points(seed, counts)

    kept = balanced_subset(points, np.random.default_rng(seed)).tolist()

    assert kept == sorted(set(kept))
    for number, (texts, images) in enumerate(counts):
        for kind in ("text", "image"):
            own = [x for x in kept if points.match[x] == 10 * number + 3 and points.modality[x] == kind]
            assert len(own) == min(texts, images)


def test_sampling_down_can_take_any_item_of_the_larger_side() -> None:
    points = felt_points(0, [(2, 6)])
    rng = np.random.default_rng(0)

    drawn = [balanced_subset(points, rng).tolist() for _ in range(300)]

    for x in range(8):
        share = sum(x in draw for draw in drawn) / 300
        assert share == pytest.approx(1.0 if points.modality[x] == "text" else 2 / 6, abs=0.1)


def test_no_points_have_no_balanced_gallery() -> None:
    assert balanced_subset(POINTS.subset(np.arange(0)), np.random.default_rng(0)).tolist() == []
