"""The paper's Fig. 4, counted by hand."""

import math
from collections import Counter

import numpy as np
import pytest

from qualia_assets.method.histograms import COSINE_BINS, cosine_histogram, occurrence_histogram
from qualia_assets.method.metrics import Points
from qualia_assets_tests.method.by_loops import KINDS, dot, felt_points, search

POINTS = felt_points(0, [(5, 7), (4, 3), (6, 2)])


def test_cosines_are_counted_by_the_direction_of_the_search() -> None:
    counted: Counter[tuple[str, int]] = Counter()
    for q in range(len(POINTS)):
        for kind in KINDS:
            shelf = [x for x in range(len(POINTS)) if x != q and POINTS.modality[x] == kind]
            cosines = sorted((dot(POINTS.vectors[q], POINTS.vectors[x]) for x in shelf), reverse=True)[:4]
            # 80 bins of 0.025 from -1 on.
            counted.update((f"{POINTS.modality[q]}>{kind}", math.floor((c + 1) / 0.025)) for c in cosines)

    bins = list(cosine_histogram(POINTS, k=4))

    assert {(b.query_modality, round((b.low + 1) / 0.025)): b.count for b in bins} == counted
    assert all(b.high == pytest.approx(b.low + 0.025) and b.kind == "cosine" for b in bins)


def test_cosines_at_either_end_fall_into_the_outermost_bins() -> None:
    # A unit vector in float32 may be a little longer than 1.
    vectors = np.array([[1.0000001, 0], [1.0000001, 0], [-1.0000001, 0]], dtype=np.float32)
    points = Points(vectors, np.array(["text", "text", "image"]), np.array([0, 0, 0]))

    bins = {(b.query_modality, b.low): b.count for b in cosine_histogram(points, k=5)}

    assert bins == {("text>text", COSINE_BINS[-2]): 2, ("text>image", -1.0): 2, ("image>text", -1.0): 2}


def test_occurrences_count_how_often_each_item_is_retrieved() -> None:
    times = Counter(x for found in search(POINTS, range(len(POINTS)), 4).values() for x in found)
    counted: Counter[tuple[str, float]] = Counter()
    for x in range(len(POINTS)):
        counted.update([("all", times[x]), (str(POINTS.modality[x]), times[x])])

    bins = list(occurrence_histogram(POINTS, k=4))

    assert {(b.query_modality, b.low): b.count for b in bins} == counted
    assert all(b.high == b.low + 1 and b.kind == "occurrence" for b in bins)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_items_retrieve_nothing(n: int) -> None:
    few = POINTS.subset(np.arange(n))

    assert [*cosine_histogram(few, 10), *occurrence_histogram(few, 10)] == []


def test_one_modality_has_one_direction() -> None:
    texts = POINTS.subset(POINTS.modality == "text")

    assert {b.query_modality for b in cosine_histogram(texts, 10)} == {"text>text"}
    assert {b.query_modality for b in occurrence_histogram(texts, 10)} == {"all", "text"}
