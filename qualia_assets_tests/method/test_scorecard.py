"""Every metric of the design's section 4, in every gallery, against loops over its definition."""

import math
from functools import cache
from statistics import fmean, pstdev

import numpy as np
import pytest

from qualia_assets.method.calibration import Calibration
from qualia_assets.method.matching import unit
from qualia_assets.method.metrics import Points, balanced_subset, modality_auc, occurrence_stats
from qualia_assets.method.scorecard import MetricValue, Protocol, evaluate, recall_metrics, selection_metrics
from qualia_assets_tests.method import by_loops
from qualia_assets_tests.method.by_loops import KINDS, Found, Gallery, felt_points
from qualia_assets_tests.method.corpora import assert_numbers_or_reasons

K = 10
PROTOCOL = Protocol(k=K, bootstrap_draws=200, balanced_draws=4, seed=7)
QUICK = Protocol(bootstrap_draws=20, balanced_draws=2)
# Two matches have one modality only.
POINTS = felt_points(0, [(7, 5), (4, 9), (6, 6), (3, 8), (5, 0), (0, 4)])
CALIBRATION = Calibration(csls=0.5, offset={"text": 0.2, "image": -0.05})
GROUPS = ("all", *KINDS)
DIRECTIONS = ("all", "image>text", "text>image")
MIXING = ("coherence", "modality_ratio", "modality_bias", "same_modality_share")
GALLERIES = ("full", "balanced")


@cache
def galleries(name: str) -> list[Gallery]:
    """The full gallery once, or the balanced ones as the protocol's seed draws them."""
    if name == "full":
        return [range(len(POINTS))]
    rng = np.random.default_rng(PROTOCOL.seed)
    return [balanced_subset(POINTS, rng).tolist() for _ in range(PROTOCOL.balanced_draws)]


@cache
def table() -> dict[tuple[str, str, str, bool], MetricValue]:
    values = evaluate(POINTS, PROTOCOL, CALIBRATION)
    by_name = {(f.metric, f.gallery, f.query_modality, f.calibrated): f for f in values}
    assert len(by_name) == len(values)
    return by_name


def value(points: Points, metric: str, query: str = "all", protocol: Protocol = QUICK) -> MetricValue:
    """A metric on the full gallery, uncalibrated."""
    return next(f for f in evaluate(points, protocol) if (f.metric, f.query_modality) == (metric, query))


def test_every_metric_is_there_in_every_gallery_and_calibration() -> None:
    expected = {(m, g, q, c) for m in MIXING for g in GALLERIES for q in GROUPS for c in (False, True)}
    expected |= {(f"parity_{m}", g, q, True) for m in MIXING for g in GALLERIES for q in GROUPS}
    expected |= {("cross_modal_r_precision", g, d, False) for g in GALLERIES for d in DIRECTIONS}
    shape = ("occurrence_skewness", "occurrence_gini", "occurrence_never", "uniformity")
    expected |= {(m, "full", q, False) for m in shape for q in GROUPS}
    expected |= {("alignment", "full", "text>image", False), ("modality_auc", "full", "all", False)}

    assert set(table()) == expected
    # A calibration adds its own rows and changes no other; a second run gives the same.
    others = {key: f for key, f in table().items() if not key[0].startswith("parity_")}
    assert list(others.values()) == evaluate(POINTS, PROTOCOL)


def counted(draws: list[Found], group: str) -> tuple[float, float, float]:
    """How many texts, how many images and how many of their own modality the queries of a group retrieve."""
    texts, images = (by_loops.retrieved(POINTS, draws, group, kind) for kind in KINDS)
    own = sum(by_loops.retrieved(POINTS, draws, kind, kind) for kind in KINDS if group in ("all", kind))
    return texts, images, own


@pytest.mark.parametrize(
    ("prefix", "csls", "offset"), [("", 0.0, {}), ("", 1.0, {}), ("parity_", 0.5, CALIBRATION.offset)]
)
@pytest.mark.parametrize("gallery", GALLERIES)
def test_coherence_and_the_mixing_of_modalities(
    gallery: str, prefix: str, csls: float, offset: dict[str, float]
) -> None:
    draws = [by_loops.search(POINTS, items, K, csls, offset) for items in galleries(gallery)]
    # Guessing retrieves all others alike.
    guesses = [{q: [x for x in items if x != q] for q in items} for items in galleries(gallery)]
    texts_there, images_there = (by_loops.available(POINTS, draws, kind) for kind in KINDS)

    for group in GROUPS:
        coherence, ratio, bias, share = (table()[prefix + m, gallery, group, csls > 0] for m in MIXING)
        per_match = by_loops.coherence(POINTS, draws, group, K)
        texts, images, own = counted(draws, group)
        assert (coherence.value, coherence.std) == pytest.approx((fmean(per_match), pstdev(per_match)))
        assert coherence.k == K
        assert ratio.value == pytest.approx(texts / images)
        even = math.log(texts_there / images_there)
        assert bias.value == pytest.approx(math.log((texts + 0.5) / (images + 0.5)) - even)
        assert share.value == pytest.approx(own / (texts + images))
        guessed = by_loops.coherence(POINTS, guesses, "all", len(guesses[0]) - 1)
        texts, images, own = counted(guesses, group)
        assert (coherence.chance, ratio.chance) == pytest.approx((fmean(guessed), texts / images))
        assert (bias.chance, share.chance) == (0.0, pytest.approx(own / (texts + images)))


@pytest.mark.parametrize("gallery", GALLERIES)
def test_cross_modal_r_precision_of_the_matches_that_have_both_modalities(gallery: str) -> None:
    one = by_loops.r_precision(POINTS, galleries(gallery), "text", "image")
    other = by_loops.r_precision(POINTS, galleries(gallery), "image", "text")
    both = [(a + b) / 2 for a, b in zip(one, other, strict=True)]
    # By chance each of the four is found as often as its items occur: 28 of 32 images, and 20 of 25 texts.
    there, back = (28 / 32 / 4, 20 / 25 / 4) if gallery == "full" else (1 / 4, 1 / 4)

    for direction, per_match, chance in (
        ("text>image", one, there),
        ("image>text", other, back),
        ("all", both, (there + back) / 2),
    ):
        f = table()["cross_modal_r_precision", gallery, direction, False]
        assert (f.value, f.std) == pytest.approx((fmean(per_match), pstdev(per_match)))
        assert f.chance == pytest.approx(chance)


@pytest.mark.parametrize("group", GROUPS)
def test_uniformity_and_occurrence_of_all_items_and_of_each_modality(group: str) -> None:
    items = [x for x in range(len(POINTS)) if by_loops.of_group(POINTS, x, group)]
    found = by_loops.search(POINTS, range(len(POINTS)), K)
    times = occurrence_stats(np.array([sum(x in near for near in found.values()) for x in items]))

    uniformity = table()["uniformity", "full", group, False]

    assert uniformity.value == pytest.approx(by_loops.uniformity(POINTS, items), abs=1e-6)
    assert uniformity.n == len(items) * (len(items) - 1) / 2
    for name in ("skewness", "gini", "never"):
        assert table()[f"occurrence_{name}", "full", group, False].value == getattr(times, name)


def test_alignment_and_the_modality_probe() -> None:
    alignment = table()["alignment", "full", "text>image", False]
    probe = table()["modality_auc", "full", "all", False]
    statistic, std = modality_auc(POINTS, "text", "image", PROTOCOL.seed)

    assert alignment.value == pytest.approx(by_loops.alignment(POINTS), abs=1e-6)
    assert alignment.n == 7 * 5 + 4 * 9 + 6 * 6 + 3 * 8
    assert (probe.value, probe.std) == (statistic(np.ones((1, 6)))[0], std)
    assert (probe.chance, probe.n) == (0.5, len(POINTS))


@pytest.mark.parametrize("seed", range(2))
def test_every_interval_holds_its_value(seed: int) -> None:
    points = felt_points(seed, [(6, 5), (5, 8), (7, 7), (5, 6), (9, 5), (6, 6)])

    bounded = [f for f in evaluate(points, PROTOCOL, CALIBRATION) if f.ci_low is not None]

    assert len({f.metric for f in bounded}) == len({key[0] for key in table()}) - 3
    for f in bounded:
        assert f.ci_low - 1e-9 <= f.value <= f.ci_high + 1e-9, f


def test_recall_of_pins_to_their_captions_and_back() -> None:
    rng = np.random.default_rng(1)
    pictures = unit(rng.normal(size=(25, 6)))
    captions = unit(pictures + 0.7 * rng.normal(size=(25, 6)))

    values = {(f.query_modality, f.k): f for f in recall_metrics(pictures, captions, PROTOCOL)}

    for direction, cosine in (("image>text", pictures @ captions.T), ("text>image", captions @ pictures.T)):
        rank = (cosine > np.diag(cosine)[:, None]).sum(axis=1)
        for k in (1, 5, 10):
            f = values[direction, k]
            assert (f.value, f.chance, f.n) == pytest.approx((np.mean(rank < k), k / 25, 25))


def test_recall_of_few_pins() -> None:
    pictures = np.eye(2, dtype=np.float32)

    two = recall_metrics(pictures, pictures[::-1], PROTOCOL)

    assert [(f.k, f.value, f.chance) for f in two[:3]] == [(1, 0.0, 0.5), (5, 1.0, 1), (10, 1.0, 1)]
    for n in (0, 1):
        few = recall_metrics(pictures[:n], pictures[:n], PROTOCOL)
        assert [(f.value, f.note) for f in few] == [(None, "needs two pins with a caption")] * 6


ODD = {
    "no point": POINTS.subset(np.arange(0)),
    "one point": POINTS.subset(np.arange(1)),
    "a text and an image of one match": felt_points(0, [(1, 1)]),
    "a text and an image of two matches": felt_points(0, [(1, 0), (0, 1)]),
    "five points": felt_points(0, [(2, 1), (1, 1)]),
    "one modality": POINTS.subset(POINTS.modality == "image"),
    "one match": felt_points(0, [(12, 9)]),
    "no match with both modalities": felt_points(0, [(8, 0), (0, 9), (7, 0)]),
    "two matches of one item each": felt_points(0, [(1, 0), (1, 0)]),
    "identical vectors": Points(POINTS.vectors[[0] * len(POINTS)], POINTS.modality, POINTS.match),
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("k", [1, 1000])
def test_every_metric_of_an_odd_collection_is_a_number_or_a_reason(case: str, k: int) -> None:
    protocol = Protocol(k=k, bootstrap_draws=20, balanced_draws=2)

    values = evaluate(ODD[case], protocol, CALIBRATION)

    assert {f.metric for f in values} == {metric for metric, *_ in table()}
    assert_numbers_or_reasons(values)
    assert all(x is None or math.isfinite(x) for x in selection_metrics(ODD[case], protocol))


@pytest.mark.parametrize(
    ("case", "metric", "query", "note"),
    [
        ("one match", "coherence", "all", "needs two matches"),
        ("one modality", "modality_bias", "all", "needs both modalities"),
        ("one modality", "cross_modal_r_precision", "all", "needs both modalities"),
        ("one point", "uniformity", "all", "needs two items"),
        ("five points", "modality_auc", "all", "needs five items of either modality"),
        ("no match with both modalities", "alignment", "text>image", "no match has both modalities"),
        ("no match with both modalities", "cross_modal_r_precision", "all", "no match has both sides"),
    ],
)
def test_a_metric_that_is_undefined_says_why(case: str, metric: str, query: str, note: str) -> None:
    assert value(ODD[case], metric, query).note == note


def test_with_a_k_beyond_the_gallery_coherence_is_chance() -> None:
    coherence = value(POINTS, "coherence", protocol=Protocol(k=1000, bootstrap_draws=20, balanced_draws=2))

    assert coherence.value == pytest.approx(coherence.chance)


def test_identical_vectors_are_neither_apart_nor_spread() -> None:
    same = ODD["identical vectors"]

    assert value(same, "modality_auc").value == 0.5
    for metric, query in (("uniformity", "all"), ("alignment", "text>image")):
        assert value(same, metric, query).value == pytest.approx(0, abs=1e-6)


def test_vectors_that_are_not_finite_are_refused() -> None:
    points = felt_points(0, [(2, 2), (2, 2)])
    points.vectors[0, 0] = np.nan

    with pytest.raises(ValueError, match="uniformity came out as nan"):
        evaluate(points, PROTOCOL)
