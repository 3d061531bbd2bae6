"""Every figure of the design's section 4, in every gallery, against loops over its definition."""

import math
from functools import cache

import numpy as np
import pytest

from qualia_assets.method.matching import unit
from qualia_assets.method.metrics import Points, balanced_subset
from qualia_assets.method.retrieval import Calibration, fit_calibration
from qualia_assets.method.scorecard import Figure, Protocol, headline, recall_figures, score
from qualia_assets_tests.method import by_loops
from qualia_assets_tests.method.by_loops import Found, Gallery, felt_points, mean, spread

K = 10
PROTOCOL = Protocol(k=K, bootstrap_draws=200, balanced_draws=4, seed=7)
POINTS = felt_points(0, [(7, 5), (4, 9), (6, 6), (3, 8)])
GROUPS = ("all", "image", "text")
EVERY_WAY = [(gallery, calibrated) for gallery in ("full", "balanced") for calibrated in (False, True)]


@cache
def galleries(name: str) -> list[Gallery]:
    """The full gallery once, or the balanced ones as the protocol's seed draws them."""
    if name == "full":
        return [range(len(POINTS))]
    rng = np.random.default_rng(PROTOCOL.seed)
    return [balanced_subset(POINTS, rng).tolist() for _ in range(PROTOCOL.balanced_draws)]


@cache
def draws(gallery: str, calibrated: bool) -> list[Found]:
    return [by_loops.search(POINTS, items, K, calibrated) for items in galleries(gallery)]


@cache
def table() -> dict[tuple[str, str, str, bool], Figure]:
    return {(f.metric, f.gallery, f.query_modality, f.calibrated): f for f in score(POINTS, PROTOCOL)}


def test_every_metric_is_there_in_every_way_it_is_taken() -> None:
    mixing = ("coherence", "modality_ratio", "modality_bias", "same_modality_share")
    expected = {(metric, gallery, g, c) for metric in mixing for gallery, c in EVERY_WAY for g in GROUPS}
    directions = ("all", "image>text", "text>image")
    expected |= {("cross_modal_r_precision", w, d, False) for w in ("full", "balanced") for d in directions}
    shape = ("occurrence_skewness", "occurrence_gini", "occurrence_never", "uniformity")
    expected |= {(metric, "full", g, False) for metric in shape for g in GROUPS}
    expected |= {("alignment", "full", "text>image", False), ("modality_auc", "full", "all", False)}

    assert set(table()) == expected
    assert len(table()) == len(score(POINTS, PROTOCOL))


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("gallery", "calibrated"), EVERY_WAY)
def test_coherence(gallery: str, calibrated: bool, group: str) -> None:
    figure = table()["coherence", gallery, group, calibrated]

    per_match = by_loops.coherence(POINTS, draws(gallery, calibrated), group, K)

    assert figure.value == pytest.approx(mean(per_match))
    assert figure.std == pytest.approx(spread(per_match))
    assert figure.k == K


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("gallery", "calibrated"), EVERY_WAY)
def test_modality_ratio(gallery: str, calibrated: bool, group: str) -> None:
    found = draws(gallery, calibrated)
    texts, images = (by_loops.retrieved(POINTS, found, group, kind) for kind in ("text", "image"))

    figure = table()["modality_ratio", gallery, group, calibrated]

    assert figure.value == pytest.approx(texts / images)
    # A query is not in its own gallery.
    texts_there = by_loops.available(POINTS, found, "text") - (group == "text")
    images_there = by_loops.available(POINTS, found, "image") - (group == "image")
    assert figure.chance == pytest.approx(texts_there / images_there)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("gallery", "calibrated"), EVERY_WAY)
def test_modality_bias(gallery: str, calibrated: bool, group: str) -> None:
    found = draws(gallery, calibrated)
    texts, images = (by_loops.retrieved(POINTS, found, group, kind) for kind in ("text", "image"))
    there = by_loops.available(POINTS, found, "text") / by_loops.available(POINTS, found, "image")

    figure = table()["modality_bias", gallery, group, calibrated]

    assert figure.value == pytest.approx(math.log((texts + 0.5) / (images + 0.5)) - math.log(there))
    assert figure.chance == 0.0


@pytest.mark.parametrize(("gallery", "calibrated"), EVERY_WAY)
def test_same_modality_share(gallery: str, calibrated: bool) -> None:
    found = draws(gallery, calibrated)
    own = {kind: by_loops.retrieved(POINTS, found, kind, kind) for kind in ("text", "image")}
    whole = {
        kind: sum(by_loops.retrieved(POINTS, found, kind, other) for other in ("text", "image"))
        for kind in ("text", "image")
    }

    shares = {group: table()["same_modality_share", gallery, group, calibrated].value for group in GROUPS}

    assert shares["text"] == pytest.approx(own["text"] / whole["text"])
    assert shares["image"] == pytest.approx(own["image"] / whole["image"])
    assert shares["all"] == pytest.approx(sum(own.values()) / sum(whole.values()))


@pytest.mark.parametrize("gallery", ["full", "balanced"])
def test_cross_modal_r_precision(gallery: str) -> None:
    one = by_loops.r_precision(POINTS, galleries(gallery), "text", "image")
    other = by_loops.r_precision(POINTS, galleries(gallery), "image", "text")
    both = [(a + b) / 2 for a, b in zip(one, other, strict=True)]

    for name, per_match in (("text>image", one), ("image>text", other), ("all", both)):
        figure = table()["cross_modal_r_precision", gallery, name, False]
        assert figure.value == pytest.approx(mean(per_match))
        assert figure.std == pytest.approx(spread(per_match))


@pytest.mark.parametrize("group", GROUPS)
def test_uniformity_pooled_and_of_each_modality(group: str) -> None:
    items = [x for x in range(len(POINTS)) if by_loops.of_group(POINTS, x, group)]

    figure = table()["uniformity", "full", group, False]

    assert figure.value == pytest.approx(by_loops.uniformity(POINTS, items), abs=1e-6)
    assert figure.n == len(items) * (len(items) - 1) / 2


def test_alignment() -> None:
    figure = table()["alignment", "full", "text>image", False]

    assert figure.value == pytest.approx(by_loops.alignment(POINTS), abs=1e-6)
    assert figure.n == 7 * 5 + 4 * 9 + 6 * 6 + 3 * 8


@pytest.mark.parametrize("group", GROUPS)
def test_occurrence_statistics(group: str) -> None:
    found = draws("full", False)[0]
    items = [x for x in range(len(POINTS)) if by_loops.of_group(POINTS, x, group)]
    times = [sum(x in neighbours for neighbours in found.values()) for x in items]
    n, sigma = len(times), spread(times)

    values = {
        s: table()[f"occurrence_{s}", "full", group, False].value for s in ("skewness", "gini", "never")
    }

    assert values["skewness"] == pytest.approx(mean([((t - mean(times)) / sigma) ** 3 for t in times]))
    assert values["gini"] == pytest.approx(
        sum(abs(a - b) for a in times for b in times) / (2 * n * n * mean(times))
    )
    assert values["never"] == pytest.approx(times.count(0) / n)


def test_modality_auc_tells_a_gap_from_none() -> None:
    def area(gap: float) -> Figure:
        figures = score(felt_points(3, [(12, 12)] * 4, gap=gap), PROTOCOL)
        return next(f for f in figures if f.metric == "modality_auc")

    assert (area(20).value, area(20).std) == (1.0, 0.0)
    mixed = area(0)
    assert mixed.value == pytest.approx(0.5, abs=0.15)
    assert mixed.chance == 0.5
    # The spread over folds, which hold two or three texts and images of each match.
    assert mixed.std is not None
    assert 0.02 < mixed.std < 0.2


@pytest.mark.parametrize("gallery", ["full", "balanced"])
def test_chance_is_what_guessing_finds(gallery: str) -> None:
    items = list(galleries(gallery)[0])
    texts = [x for x in items if POINTS.modality[x] == "text"]
    rng = np.random.default_rng(0)
    names = ("coherence", "share", "share_text", "ratio", "crossing")
    guesses: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(150):
        found = {q: rng.permutation([x for x in items if x != q])[:K].tolist() for q in items}
        text, image = (by_loops.retrieved(POINTS, [found], "all", kind) for kind in ("text", "image"))
        own = by_loops.retrieved(POINTS, [found], "text", "text")
        own_image = by_loops.retrieved(POINTS, [found], "image", "image")
        guesses["coherence"].append(mean(by_loops.coherence(POINTS, [found], "all", K)))
        guesses["share"].append((own + own_image) / (len(items) * K))
        guesses["share_text"].append(own / (len(texts) * K))
        guesses["ratio"].append(text / image)
        # Texts query the images: a random order of them, cut at as many as there are to find.
        per_match = []
        for match in sorted(set(POINTS.match.tolist())):
            shelf = rng.permutation([x for x in items if POINTS.modality[x] == "image"])
            wanted = sum(POINTS.match[x] == match for x in shelf)
            per_match.append(sum(POINTS.match[x] == match for x in shelf[:wanted]) / wanted)
        guesses["crossing"].append(mean(per_match))

    def chance(metric: str, group: str) -> float | None:
        return table()[metric, gallery, group, False].chance

    assert chance("coherence", "all") == pytest.approx(mean(guesses["coherence"]), abs=0.01)
    assert chance("same_modality_share", "all") == pytest.approx(mean(guesses["share"]), abs=0.01)
    assert chance("same_modality_share", "text") == pytest.approx(mean(guesses["share_text"]), abs=0.015)
    assert chance("modality_ratio", "all") == pytest.approx(mean(guesses["ratio"]), rel=0.03)
    assert chance("cross_modal_r_precision", "text>image") == pytest.approx(
        mean(guesses["crossing"]), abs=0.03
    )


@pytest.mark.parametrize("gallery", ["full", "balanced"])
def test_chance_is_what_its_formula_says(gallery: str) -> None:
    matches = sorted(set(POINTS.match.tolist()))
    coherence, crossing = [], []
    for items in galleries(gallery):
        sizes = [sum(POINTS.match[x] == match for x in items) for match in matches]
        coherence.append(mean([(size - 1) / (len(items) - 1) for size in sizes]))
        images = [POINTS.match[x] for x in items if POINTS.modality[x] == "image"]
        crossing.append(mean([images.count(match) / len(images) for match in matches]))

    figures = table()
    assert figures["coherence", gallery, "all", True].chance == pytest.approx(mean(coherence))
    assert figures["cross_modal_r_precision", gallery, "text>image", False].chance == pytest.approx(
        mean(crossing)
    )


def test_the_chance_of_crossing_is_that_of_matches_that_can_be_crossed() -> None:
    figures = score(ODD["one match of three with both modalities"], PROTOCOL)

    chance = {
        f.query_modality: f.chance
        for f in figures
        if (f.metric, f.gallery) == ("cross_modal_r_precision", "full")
    }
    assert chance["text>image"] == pytest.approx(7 / 16)
    assert chance["image>text"] == pytest.approx(4 / 12)
    assert chance["all"] == pytest.approx((7 / 16 + 4 / 12) / 2)


@pytest.mark.parametrize("seed", range(4))
def test_every_interval_holds_its_figure(seed: int) -> None:
    points = felt_points(seed, [(6, 5), (5, 8), (7, 7), (5, 6), (9, 5), (6, 6)])

    figures = [f for f in score(points, PROTOCOL) if f.ci_low is not None]

    assert len(figures) > 40
    for f in figures:
        assert f.value is not None
        assert f.ci_low is not None
        assert f.ci_high is not None
        assert f.ci_low - 1e-9 <= f.value <= f.ci_high + 1e-9, f


def test_matches_that_agree_have_a_narrower_interval_than_matches_that_differ() -> None:
    # On axes of their own, tight matches are all coherent; then every second one is scattered.
    rng = np.random.default_rng(0)
    tight = np.repeat(np.eye(8, 16), 12, axis=0)
    noise = rng.normal(size=tight.shape)
    uneven = np.where((np.repeat(np.arange(8), 12) % 2 == 0)[:, None], 0.6, 0.02)
    kinds, match = np.array(["text", "image"] * 48), np.repeat(np.arange(8), 12)

    def width(scatter: float | np.ndarray) -> float:
        figures = score(Points(unit(tight + scatter * noise), kinds, match), PROTOCOL)
        coherence = next(f for f in figures if f.metric == "coherence")
        assert coherence.ci_low is not None
        assert coherence.ci_high is not None
        return coherence.ci_high - coherence.ci_low

    assert width(0.02) == 0.0
    assert width(uneven) > 0.1


def test_scoring_twice_gives_the_same_figures() -> None:
    assert score(POINTS, PROTOCOL) == score(POINTS, PROTOCOL)


def test_calibration_brings_the_mixing_of_modalities_nearer_to_parity() -> None:
    apart = felt_points(5, [(15, 12)] * 4, gap=20)
    share = {
        f.calibrated: f.value
        for f in score(apart, PROTOCOL)
        if (f.metric, f.gallery, f.query_modality) == ("same_modality_share", "full", "all")
    }

    # Of the others 59 and 47 of 107 have the query's modality: parity is about a half.
    assert share[False] is not None
    assert share[False] > 0.9
    assert share[True] is not None
    assert share[True] < 0.7


CALIBRATION = Calibration(csls=0.5, offset={"text": 0.2, "image": -0.05})


@cache
def parity() -> dict[tuple[str, str], Figure]:
    figures = score(POINTS, PROTOCOL, CALIBRATION)
    return {
        (f.metric, f.query_modality): f
        for f in figures
        if f.metric.startswith("parity_") and f.gallery == "full"
    }


@cache
def found_at_parity() -> Found:
    everything = range(len(POINTS))
    return by_loops.search_with_offsets(POINTS, everything, K, CALIBRATION.csls, CALIBRATION.offset)


def test_with_offsets_from_elsewhere_coherence_and_mixing_are_taken_once_more() -> None:
    mixing = ("coherence", "modality_ratio", "modality_bias", "same_modality_share")

    assert set(parity()) == {(f"parity_{metric}", group) for metric in mixing for group in GROUPS}
    assert {(f.gallery, f.calibrated, f.k) for f in parity().values()} == {("full", True, K)}
    figures = score(POINTS, PROTOCOL, CALIBRATION)
    balanced = [f for f in figures if f.metric.startswith("parity_") and f.gallery == "balanced"]
    assert {(f.metric, f.query_modality) for f in balanced} == set(parity())
    others = [f for f in figures if not f.metric.startswith("parity_")]
    assert others == score(POINTS, PROTOCOL)


@pytest.mark.parametrize("group", GROUPS)
def test_parity_figures_are_those_of_what_is_found_with_the_offsets(group: str) -> None:
    found = found_at_parity()
    texts, images = (by_loops.retrieved(POINTS, [found], group, m) for m in ("text", "image"))
    own = sum(by_loops.retrieved(POINTS, [found], m, m) for m in ("text", "image") if group in ("all", m))
    per_match = by_loops.coherence(POINTS, [found], group, K)

    figures = {metric: f for (metric, asked), f in parity().items() if asked == group}

    assert figures["parity_coherence"].value == pytest.approx(mean(per_match))
    assert figures["parity_coherence"].std == pytest.approx(spread(per_match))
    assert figures["parity_modality_ratio"].value == pytest.approx(texts / images)
    assert figures["parity_modality_bias"].value == pytest.approx(
        math.log((texts + 0.5) / (images + 0.5)) - math.log(20 / 28)
    )
    assert figures["parity_same_modality_share"].value == pytest.approx(own / (texts + images))


def test_parity_figures_have_intervals_and_the_chance_of_the_others() -> None:
    for (metric, group), f in parity().items():
        assert f.chance == table()[metric.removeprefix("parity_"), "full", group, True].chance
        assert f.value is not None
        assert f.ci_low is not None
        assert f.ci_high is not None
        assert f.ci_low <= f.value <= f.ci_high


def test_offsets_fitted_on_other_items_bring_a_wide_gap_to_parity() -> None:
    apart = felt_points(5, [(15, 12)] * 4, gap=4)
    half = np.arange(len(apart)) % 2 == 0
    others = apart.subset(half)

    figures = score(apart.subset(~half), PROTOCOL, fit_calibration(others.vectors, others.modality))

    for asking in ("text", "image"):
        before, after = (
            next(f.value for f in figures if (f.metric, f.query_modality) == (metric, asking))
            for metric in ("modality_bias", "parity_modality_bias")
        )
        assert before is not None
        assert after is not None
        assert abs(before) > 0.6
        assert abs(after) < 0.2


def test_the_headline_is_what_the_scorecard_says() -> None:
    coherence, bias, crossing = headline(POINTS, PROTOCOL)

    figures = table()
    assert coherence == figures["coherence", "full", "all", False].value
    assert bias == pytest.approx(abs(figures["modality_bias", "full", "all", False].value or 0))
    assert crossing == figures["cross_modal_r_precision", "full", "all", False].value


def test_a_headline_counts_a_leaning_to_images_as_much_as_one_to_texts() -> None:
    leaning = felt_points(2, [(5, 9), (6, 6)])
    signed = next(f.value for f in score(leaning, PROTOCOL) if f.metric == "modality_bias")

    assert signed is not None
    assert signed < -0.1
    assert headline(leaning, PROTOCOL)[1] == pytest.approx(-signed)


def test_recall_of_pins_to_their_captions_and_back() -> None:
    rng = np.random.default_rng(1)
    pictures = unit(rng.normal(size=(25, 6)))
    captions = unit(pictures + 0.7 * rng.normal(size=(25, 6)))

    figures = {(f.query_modality, f.k): f for f in recall_figures(pictures, captions, PROTOCOL)}

    for direction, queries, shelf in (("image>text", pictures, captions), ("text>image", captions, pictures)):
        for k in (1, 5, 10):
            found = 0
            for q in range(25):
                level = [by_loops.dot(queries[q], other) for other in shelf]
                found += sum(other > level[q] for other in level) < k
            assert figures[direction, k].value == pytest.approx(found / 25)
            assert figures[direction, k].chance == pytest.approx(k / 25)
            assert figures[direction, k].n == 25


@pytest.mark.parametrize("n", [0, 1])
def test_recall_of_fewer_than_two_pins_says_so(n: int) -> None:
    nothing = np.ones((n, 4), dtype=np.float32)

    figures = recall_figures(nothing, nothing, PROTOCOL)

    assert len(figures) == 6
    assert all(f.value is None and f.note == "needs two pins with a caption" for f in figures)


def test_recall_of_two_pins_cannot_miss_among_five() -> None:
    pictures = np.eye(2, dtype=np.float32)

    figures = recall_figures(pictures, pictures[::-1], PROTOCOL)

    assert [(f.k, f.value, f.chance) for f in figures[:3]] == [(1, 0.0, 0.5), (5, 1.0, 1), (10, 1.0, 1)]


SAME = Points(np.tile(POINTS.vectors[:1], (len(POINTS), 1)), POINTS.modality, POINTS.match)
ODD = {
    "no point": POINTS.subset(np.arange(0)),
    "one point": POINTS.subset(np.arange(1)),
    "a text and an image of one match": felt_points(0, [(1, 1)]),
    "a text and an image of two matches": felt_points(0, [(1, 0), (0, 1)]),
    "five points": felt_points(0, [(2, 1), (1, 1)]),
    "one modality": POINTS.subset(POINTS.modality == "image"),
    "one match": felt_points(0, [(12, 9)]),
    "no match with both modalities": felt_points(0, [(8, 0), (0, 9), (7, 0)]),
    "one match of three with both modalities": felt_points(0, [(8, 0), (0, 9), (4, 7)]),
    "two matches of one item each": felt_points(0, [(1, 0), (1, 0)]),
    "identical vectors": SAME,
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("k", [1, 10, 1000])
def test_every_figure_of_an_odd_collection_is_a_number_or_a_reason(case: str, k: int) -> None:
    figures = score(ODD[case], Protocol(k=k, bootstrap_draws=20, balanced_draws=2), CALIBRATION)

    assert {f.metric for f in figures} == {metric for metric, *_ in table()} | {m for m, _ in parity()}
    for f in figures:
        assert (f.value is None) == bool(f.note), f
        numbers = [x for x in (f.value, f.std, f.ci_low, f.ci_high, f.chance) if x is not None]
        assert all(math.isfinite(x) for x in numbers), f
        assert (f.ci_low is None) == (f.ci_high is None), f


@pytest.mark.parametrize("case", ODD)
def test_the_headline_of_an_odd_collection_is_numbers_or_nothing(case: str) -> None:
    for value in headline(ODD[case], PROTOCOL):
        assert value is None or math.isfinite(value)


def test_what_cannot_be_said_has_the_reason_why() -> None:
    def note(case: str, metric: str, group: str = "all") -> str | None:
        figures = score(ODD[case], Protocol(bootstrap_draws=20, balanced_draws=2))
        return next(f.note for f in figures if (f.metric, f.query_modality) == (metric, group))

    assert note("one match", "coherence") == "needs two matches"
    assert note("one modality", "modality_bias") == "needs both modalities"
    assert note("one modality", "cross_modal_r_precision") == "needs both modalities"
    assert note("one point", "uniformity") == "needs two items"
    assert note("five points", "modality_auc") == "needs five items of either modality"
    assert note("no match with both modalities", "alignment", "text>image") == "no match has both modalities"
    assert note("no match with both modalities", "cross_modal_r_precision") == "no match has both sides"


def test_with_a_k_beyond_the_gallery_everything_is_found_and_coherence_is_chance() -> None:
    figures = score(POINTS, Protocol(k=1000, bootstrap_draws=20, balanced_draws=2))

    coherence = next(f for f in figures if f.metric == "coherence")
    assert coherence.value == pytest.approx(coherence.chance)


def test_identical_vectors_are_neither_apart_nor_spread() -> None:
    figures = {(f.metric, f.query_modality): f.value for f in score(SAME, PROTOCOL) if f.gallery == "full"}

    assert figures["modality_auc", "all"] == 0.5
    assert figures["uniformity", "all"] == pytest.approx(0, abs=1e-6)
    assert figures["alignment", "text>image"] == pytest.approx(0, abs=1e-6)


def test_vectors_that_are_not_numbers_are_refused_by_name() -> None:
    points = felt_points(0, [(2, 2), (2, 2)])
    points.vectors[0, 0] = np.nan

    with pytest.raises(ValueError, match="uniformity came out as nan"):
        score(points, PROTOCOL)
