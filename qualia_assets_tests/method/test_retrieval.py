"""Ranking both modalities together: what a calibration does to scores, and offsets that make it fair."""

import numpy as np
import pytest

from qualia_assets.method.calibration import Calibration, query_level
from qualia_assets.method.matching import unit
from qualia_assets.method.metrics import Points, balanced_subset
from qualia_assets.method.retrieval import fit_calibration, fit_on_matches, retrieve_calibrated
from qualia_assets_tests.method.by_loops import KINDS, assert_retrieved, felt_points, search

POINTS = felt_points(0, [(7, 5), (4, 9), (6, 6), (3, 8)])


def shapeless(texts: int, images: int, gap: float) -> Points:
    """Items without themes, the images shifted away from the texts."""
    rng = np.random.default_rng(0)
    kinds = rng.permutation(["text"] * texts + ["image"] * images)
    vectors = rng.normal(size=(len(kinds), 12)) + gap * (kinds == "image")[:, None]
    return Points(unit(vectors), kinds, np.zeros(len(kinds), dtype=np.int64))


def texts_by_images(points: Points, calibration: Calibration, k: int) -> dict[str, float]:
    """The ratio of texts to images that the queries of each modality retrieve."""
    hits = retrieve_calibrated(points, k, calibration)
    texts, images = ([hits.by_modality[kind][points.modality == q].sum() for q in KINDS] for kind in KINDS)
    return {query: t / i for query, t, i in zip(KINDS, texts, images, strict=True)}


@pytest.mark.parametrize(
    ("highest", "level"),
    [
        ([0.9 - 0.05 * i for i in range(12)], 0.675),
        ([0.5, 0.3], 0.4),
        ([0.4, 0.2, -np.inf, -np.inf], 0.3),
        ([-np.inf] * 4, 0.0),
        ([], 0.0),
    ],
)
def test_the_level_of_a_query_is_the_mean_of_its_ten_highest(highest: list[float], level: float) -> None:
    row = np.array(highest, dtype=np.float32)

    assert query_level(row).tolist() == [pytest.approx(level, abs=1e-6)]
    assert query_level(np.stack([row, row])).tolist() == [query_level(row).tolist()] * 2


def test_the_querys_level_is_subtracted_its_offset_added_for_images_and_what_is_not_there_stays_away() -> (
    None
):
    similarity = np.array([[-np.inf, 0.4, 0.25, -np.inf]])
    kinds = np.array(["text", "text", "image", "image"])
    before = similarity.tolist()

    adjusted = Calibration(0.5, {"text": 0.25, "image": 9.0}).adjust_mixed(similarity, "text", kinds)

    assert adjusted.tolist() == [pytest.approx([-np.inf, 0.4 - 0.2, 0.25 - 0.125 + 0.25, -np.inf])]
    assert similarity.tolist() == before


def test_an_offset_that_could_not_be_fitted_is_none() -> None:
    assert Calibration.of(0.25, None) == Calibration(offset={"text": 0.25})
    assert Calibration.of(None, -0.5) == Calibration(offset={"image": -0.5})
    assert Calibration.of(None, None) == Calibration()


@pytest.mark.parametrize(("k", "csls"), [(1, 0.0), (7, 0.25), (7, 1.0), (1000, 0.25)])
def test_what_is_retrieved_is_what_loops_find(k: int, csls: float) -> None:
    calibration = Calibration(csls, {"text": 0.15, "image": -0.1})

    found = search(POINTS, range(len(POINTS)), k, csls, calibration.offset)

    assert_retrieved(retrieve_calibrated(POINTS, k, calibration), POINTS, found)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_items_retrieve_nothing(n: int) -> None:
    hits = retrieve_calibrated(POINTS.subset(np.arange(n)), 10, Calibration())

    assert hits.count.tolist() == [0.0] * n


@pytest.mark.parametrize("csls", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("k", [10, 20])
@pytest.mark.parametrize(("texts", "images", "gap"), [(40, 120, -2.0), (77, 60, 0.5), (120, 40, 2.0)])
def test_items_retrieve_images_as_often_as_images_occur(
    texts: int, images: int, gap: float, k: int, csls: float
) -> None:
    points = shapeless(texts, images, gap)

    found = texts_by_images(points, fit_calibration(points.vectors, points.modality, k, csls), k)

    # A query is not in its own gallery.
    there = {"text": (texts - 1) / images, "image": texts / (images - 1)}
    assert found == pytest.approx(there, rel=0.02)


@pytest.mark.parametrize(("texts", "images"), [(0, 0), (40, 0), (0, 40), (10, 40), (40, 10), (11, 11)])
def test_offsets_are_fitted_where_there_are_more_than_k_texts_and_images(texts: int, images: int) -> None:
    points = shapeless(texts, images, gap=0.5)

    offset = fit_calibration(points.vectors, points.modality, k=10).offset

    assert set(offset) == ({"text", "image"} if min(texts, images) > 10 else set())


def test_identical_vectors_need_no_offset() -> None:
    points = shapeless(20, 30, gap=0.0)

    calibration = fit_calibration(points.vectors[[0] * 50], points.modality, k=10)

    assert calibration.offset == pytest.approx({"text": 0.0, "image": 0.0}, abs=1e-6)


def test_offsets_fitted_on_matches_do_not_carry_over_their_make_up() -> None:
    # Texts abound in the matches that offsets are fitted on, images in those where they are used.
    many_texts = felt_points(1, [(24, 8)] * 6, gap=1)
    many_images = felt_points(2, [(8, 24)] * 6, gap=1)
    even = many_images.subset(balanced_subset(many_images, np.random.default_rng(0)))

    on_matches = texts_by_images(even, fit_on_matches(many_texts, k=10), 10)
    on_all = texts_by_images(even, fit_calibration(many_texts.vectors, many_texts.modality, k=10), 10)

    for query in KINDS:
        assert abs(np.log(on_matches[query])) < min(0.15, abs(np.log(on_all[query])))


@pytest.mark.parametrize("keep", [POINTS.modality == "text", np.zeros(len(POINTS), dtype=bool)])
def test_of_one_modality_or_of_nothing_no_offset_is_fitted_on_matches(keep: np.ndarray) -> None:
    assert fit_on_matches(POINTS.subset(keep)) == Calibration()
