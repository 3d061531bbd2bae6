"""Ranking both modalities together: what a calibration does to a ranking, and offsets that make it fair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.matching import unit
from qualia_assets.method.metrics import Points, Retrieved, balanced_subset, retrieve
from qualia_assets.method.retrieval import (
    Calibration,
    fit_calibration,
    fit_on_matches,
    level,
    retrieve_calibrated,
)
from qualia_assets_tests.method.by_loops import Found, felt_points, search_with_offsets

POINTS = felt_points(0, [(7, 5), (4, 9), (6, 6), (3, 8)])


def shapeless(texts: int, images: int, gap: float, seed: int = 0) -> Points:
    """Items that belong to nothing, the images pushed away from the texts."""
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(["text"] * texts + ["image"] * images)
    vectors = rng.normal(size=(len(kinds), 12)) + gap * (kinds == "image")[:, None]
    return Points(unit(vectors), kinds, np.zeros(len(kinds), dtype=np.int64))


def by_modality(points: Points, hits: Retrieved, asking: str) -> tuple[float, float]:
    """Texts and images that the queries of one modality found."""
    mine = points.modality == asking
    return float(hits.by_modality["text"][mine].sum()), float(hits.by_modality["image"][mine].sum())


def test_from_each_similarity_goes_the_querys_level_and_to_images_comes_the_offset() -> None:
    rng = np.random.default_rng(2)
    similarity = rng.uniform(-1, 1, size=(3, 30)).astype(np.float32)
    kinds = rng.permutation(["text"] * 14 + ["image"] * 16)
    calibration = Calibration(csls=0.25, offset={"text": 0.1, "image": -0.2})

    ranked = calibration.ranked(similarity, "text", kinds)

    for q in range(3):
        for m, offset in (("text", 0.0), ("image", 0.1)):
            shelf = [x for x in range(30) if kinds[x] == m]
            highest = sorted((float(similarity[q, x]) for x in shelf), reverse=True)[:10]
            for x in shelf:
                expected = float(similarity[q, x]) - 0.25 * sum(highest) / 10 + offset
                assert ranked[q, x] == pytest.approx(expected, abs=1e-6)


def test_ranking_leaves_the_similarities_themselves_alone() -> None:
    similarity = np.array([[0.5, 0.1]], dtype=np.float32)

    Calibration(offset={"text": 0.3}).ranked(similarity, "text", np.array(["text", "image"]))

    assert similarity.tolist() == np.array([[0.5, 0.1]], dtype=np.float32).tolist()


def test_what_is_not_in_a_gallery_does_not_come_in_by_calibration() -> None:
    similarity = np.array([[-np.inf, 0.4, 0.2, -np.inf]], dtype=np.float32)
    kinds = np.array(["text", "text", "image", "image"])

    ranked = Calibration(1.0, {"text": 0.5}).ranked(similarity, "text", kinds)

    assert ranked.tolist() == [[-np.inf, 0.0, 0.5, -np.inf]]


def test_the_level_of_a_query_with_nothing_to_find_is_zero() -> None:
    nothing = np.full((1, 4), -np.inf, dtype=np.float32)

    assert level(nothing).tolist() == [0.0]
    assert level(nothing[:, :0]).tolist() == [0.0]


def test_an_offset_that_could_not_be_fitted_is_none() -> None:
    assert Calibration.of(0.25, None) == Calibration(offset={"text": 0.25})
    assert Calibration.of(None, -0.5) == Calibration(offset={"image": -0.5})
    assert Calibration.of(None, None) == Calibration()


@pytest.mark.parametrize("k", [1, 7, 1000])
@pytest.mark.parametrize("csls", [0.0, 0.25, 1.0])
def test_what_is_retrieved_is_what_loops_find(k: int, csls: float) -> None:
    calibration = Calibration(csls, {"text": 0.15, "image": -0.1})

    hits = retrieve_calibrated(POINTS, k, calibration)

    found: Found = search_with_offsets(POINTS, range(len(POINTS)), k, csls, calibration.offset)
    for q, neighbours in found.items():
        assert hits.found[q] == len(neighbours)
        assert hits.same_match[q] == sum(POINTS.match[x] == POINTS.match[q] for x in neighbours)
        for m in ("text", "image"):
            assert hits.by_modality[m][q] == sum(POINTS.modality[x] == m for x in neighbours)
        assert hits.times_found[q] == sum(q in others for others in found.values())


def test_with_all_of_csls_and_no_offsets_it_is_the_calibration_of_the_metrics() -> None:
    ours, theirs = retrieve_calibrated(POINTS, 10, Calibration(1.0)), retrieve(POINTS, 10, calibrated=True)

    assert ours.same_match.tolist() == theirs.same_match.tolist()
    assert ours.times_found.tolist() == theirs.times_found.tolist()


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_items_find_nothing(n: int) -> None:
    hits = retrieve_calibrated(POINTS.subset(np.arange(n)), 10, Calibration())

    assert hits.found.tolist() == [0.0] * n


@budget(max_examples=12, deadline=None)
@given(
    texts=st.integers(40, 120),
    images=st.integers(40, 120),
    gap=st.floats(-2.0, 2.0),
    csls=st.sampled_from([0.0, 0.25, 1.0]),
    seed=st.integers(0, 99),
)
def test_items_find_images_as_often_as_images_are_there(
    texts: int, images: int, gap: float, csls: float, seed: int
) -> None:
    points = shapeless(texts, images, gap, seed)

    calibration = fit_calibration(points.vectors, points.modality, k=10, csls=csls)
    hits = retrieve_calibrated(points, 10, calibration)

    # A query is not in its own gallery.
    for asking, texts_there, images_there in (("text", texts - 1, images), ("image", texts, images - 1)):
        found_texts, found_images = by_modality(points, hits, asking)
        assert found_texts / found_images == pytest.approx(texts_there / images_there, rel=0.02)


def test_without_it_a_gap_between_the_modalities_makes_them_find_their_own() -> None:
    points = shapeless(80, 60, gap=4.0)

    hits = retrieve(points, 10)

    assert by_modality(points, hits, "image") == (0.0, 600.0)
    found_texts, found_images = by_modality(points, hits, "text")
    assert found_texts > 9 * found_images


@pytest.mark.parametrize("asking", ["text", "image"])
@pytest.mark.parametrize(("k", "csls"), [(10, 1.0), (5, 0.25)])
def test_the_offset_is_where_bisection_ends(asking: str, k: int, csls: float) -> None:
    points = shapeless(70, 50, gap=0.3)
    wanted = (50 - (asking == "image")) / 119

    offset = fit_calibration(points.vectors, points.modality, k, csls).offset[asking]

    low, high = -3.0, 3.0
    for _ in range(40):
        middle = (low + high) / 2
        hits = retrieve_calibrated(points, k, Calibration(csls, {asking: middle}))
        found_texts, found_images = by_modality(points, hits, asking)
        if found_images < wanted * (found_texts + found_images):
            low = middle
        else:
            high = middle
    # The share of images goes up in steps; a quantile lies between two of them.
    assert offset == pytest.approx(high, abs=0.005)


@pytest.mark.parametrize(("texts", "images"), [(0, 0), (40, 0), (0, 40), (10, 40), (40, 10)])
def test_of_no_more_than_k_texts_or_images_nothing_is_fitted(texts: int, images: int) -> None:
    points = shapeless(texts, images, gap=0.5)

    assert fit_calibration(points.vectors, points.modality, k=10) == Calibration()


def test_of_one_more_than_k_offsets_are_fitted_for_both_kinds_of_query() -> None:
    points = shapeless(11, 11, gap=0.5)

    assert set(fit_calibration(points.vectors, points.modality, k=10).offset) == {"text", "image"}


def test_identical_vectors_need_no_offset() -> None:
    points = shapeless(20, 30, gap=0.0)
    same = np.tile(points.vectors[:1], (50, 1))

    calibration = fit_calibration(same, points.modality, k=10)

    assert calibration.offset == pytest.approx({"text": 0.0, "image": 0.0}, abs=1e-6)


def test_offsets_fitted_on_matches_do_not_carry_over_how_those_are_made_up() -> None:
    # Texts abound in the matches that offsets are fitted on, images in those where they are used.
    many_texts = felt_points(1, [(24, 8)] * 6, gap=1)
    many_images = felt_points(2, [(8, 24)] * 6, gap=1)
    even = many_images.subset(balanced_subset(many_images, np.random.default_rng(0)))

    def texts_by_images(calibration: Calibration) -> list[float]:
        hits = retrieve_calibrated(even, 10, calibration)
        found = [by_modality(even, hits, asking) for asking in ("text", "image")]
        return [texts / images for texts, images in found]

    on_matches = texts_by_images(fit_on_matches(many_texts, k=10))
    on_all = texts_by_images(fit_calibration(many_texts.vectors, many_texts.modality, k=10))

    for mine, other in zip(on_matches, on_all, strict=True):
        assert abs(np.log(mine)) < 0.15
        assert abs(np.log(mine)) < abs(np.log(other))


def test_of_one_modality_or_of_nothing_no_offset_is_fitted_on_matches() -> None:
    texts = POINTS.subset(POINTS.modality == "text")

    assert fit_on_matches(texts) == Calibration()
    assert fit_on_matches(POINTS.subset(np.zeros(len(POINTS), dtype=bool))) == Calibration()
