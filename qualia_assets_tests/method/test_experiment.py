"""Experiments: what is tried on one split, what is picked there, and what many splits say together."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from qualia_assets.method.adapters import IDENTITY, Recipe, apply
from qualia_assets.method.corpus import UNMATCHED, Corpus
from qualia_assets.method.experiment import Shares, Tried, summarise, try_split
from qualia_assets.method.matching import split_matches
from qualia_assets.method.metrics import Points
from qualia_assets.method.recipes import OWN, cross_modal, fit
from qualia_assets.method.scorecard import Protocol
from qualia_assets_tests.method import by_loops
from qualia_assets_tests.method.by_loops import felt_points
from qualia_assets_tests.method.corpora import felt_corpus

PROTOCOL = Protocol(k=5, balanced_draws=2)
RECIPES = [
    IDENTITY,
    Recipe(hidden=8, epochs=2, batch_size=32, learning_rate=0.01),
    OWN["centring"].recipe,
    OWN["distilled"].recipe,
    OWN["smoothing"].recipe,
]
PICKS = ["selected:paper", "selected:inductive", "selected:transductive"]
# Splits are dealt anew by each trial; two clusters have no match.
CORPUS = felt_corpus(*["train"] * 10, "", "")
SHARES = Shares(train=0.5, val=0.2)


def tried(
    corpus: Corpus = CORPUS, recipes: list[Recipe] = RECIPES, seed: int = 0, protocol: Protocol = PROTOCOL
) -> dict[str, Tried]:
    return {t.config_id: t for t in try_split(corpus, recipes, seed, protocol, SHARES)}


def figure(one: Tried, metric: str, asked: str = "all", gallery: str = "full") -> float | None:
    return next(
        f.value for f in one.figures if (f.metric, f.gallery, f.query_modality) == (metric, gallery, asked)
    )


def sides(seed: int) -> dict[str, np.ndarray]:
    """Which items of the corpus are on which side of a split."""
    dealt = split_matches(range(10), 0.5, 0.2, seed)
    side = np.array([dealt.get(int(m), "") for m in CORPUS.match])
    return {name: side == name for name in ("train", "val", "test")}


def test_there_is_a_row_for_every_recipe_doing_nothing_among_them_and_one_for_every_pick() -> None:
    assert list(tried()) == [*(recipe.config_id for recipe in RECIPES), *PICKS]


def test_doing_nothing_is_judged_on_the_test_matches_as_they_are() -> None:
    test = sides(seed=3)["test"]
    points = Points(CORPUS.vectors[test], CORPUS.modality[test], CORPUS.match[test])

    nothing = tried(seed=3)["identity"]

    found = by_loops.search(points, range(len(points)), 5, calibrated=False)
    expected = by_loops.mean(by_loops.coherence(points, [found], "all", 5))
    assert figure(nothing, "coherence") == pytest.approx(expected)
    assert figure(nothing, "cross_modal_r_precision", "text>image") == pytest.approx(
        by_loops.mean(by_loops.r_precision(points, [range(len(points))], "text", "image"))
    )


def test_whole_matches_are_held_out() -> None:
    # So many items in each match that a sum of them says whose they are; a quarter are to be tested.
    sizes = [(1, 2), (3, 3), (6, 6), (12, 12), (24, 24), (48, 48)]
    points = felt_points(0, sizes)
    corpus = Corpus(points.vectors, points.modality, points.match, points.match, np.full(len(points), ""))

    held_out = []
    for seed in range(4):
        one = next(iter(try_split(corpus, [IDENTITY], seed, PROTOCOL, Shares(0.5, 0.17))))
        n = next(f.n for f in one.figures if f.metric == "coherence")
        held_out.append(n)
        assert n % 3 == 0
        assert (n // 3).bit_count() == 2
    assert len(set(held_out)) > 1


def test_the_figures_are_those_of_items_sent_through_what_was_fitted() -> None:
    side = sides(seed=1)
    dealt = CORPUS.resplit(dict(split_matches(range(10), 0.5, 0.2, 1)))

    rows = tried(seed=1)

    for recipe in RECIPES:
        adapted = apply(CORPUS.vectors, CORPUS.modality, fit(dealt, recipe) or {}, CORPUS.lexicon)
        val, test = (
            Points(adapted[side[name]], CORPUS.modality[side[name]], CORPUS.match[side[name]])
            for name in ("val", "test")
        )
        assert rows[recipe.config_id].val_cross_modal == pytest.approx(cross_modal(val))
        assert figure(rows[recipe.config_id], "cross_modal_r_precision") == pytest.approx(cross_modal(test))


@pytest.mark.parametrize("seed", range(3))
def test_what_lies_in_test_changes_neither_what_is_fitted_nor_what_is_picked(seed: int) -> None:
    rng = np.random.default_rng(seed)
    test = sides(seed)["test"]
    shuffled = CORPUS.vectors.copy()
    shuffled[test] = rng.permutation(CORPUS.vectors[test])
    inductive = [recipe for recipe in RECIPES if recipe.kind == "inductive"]

    before = tried(CORPUS, inductive, seed)
    after = tried(replace(CORPUS, vectors=shuffled), inductive, seed)

    assert {n: t.val_cross_modal for n, t in before.items()} == {
        n: t.val_cross_modal for n, t in after.items()
    }
    assert figure(before["identity"], "coherence") != figure(after["identity"], "coherence")


@pytest.mark.parametrize("seed", [1, 4, 5, 6])
def test_a_pick_is_the_best_of_its_kind_on_validation_and_never_worse_than_doing_nothing(seed: int) -> None:
    rows = tried(seed=seed)

    nothing = rows["identity"].val_cross_modal
    assert nothing is not None
    for pick, names in (
        ("selected:paper", ["linear-t0.1-b0-s0"]),
        ("selected:inductive", ["linear-t0.1-b0-s0", "centring", "distilled"]),
        ("selected:transductive", ["smoothing"]),
    ):
        figures = [rows[name].val_cross_modal or 0.0 for name in names]
        assert rows[pick].val_cross_modal == max(nothing, *figures)
        chosen = [rows[n] for n in ("identity", *names) if rows[n].val_cross_modal == max(nothing, *figures)]
        assert any(replace(one, config_id=pick) == rows[pick] for one in chosen)


def test_what_saw_the_items_it_is_judged_on_is_never_the_inductive_pick() -> None:
    rows = tried(recipes=[IDENTITY, OWN["smoothing"].recipe], seed=5)

    smoothing, nothing = rows["smoothing"].val_cross_modal, rows["identity"].val_cross_modal
    assert smoothing is not None
    assert nothing is not None
    assert smoothing > nothing
    assert replace(rows["selected:transductive"], config_id="smoothing") == rows["smoothing"]
    assert replace(rows["selected:inductive"], config_id="identity") == rows["identity"]


def test_where_only_doing_nothing_is_tried_it_is_every_pick() -> None:
    rows = tried(recipes=[IDENTITY])

    for pick in PICKS:
        assert replace(rows[pick], config_id="identity") == rows["identity"]


def test_offsets_come_from_training_and_validation_matches() -> None:
    # The texts and images of test lie elsewhere, and no offset fitted on others makes up for it.
    side = sides(seed=0)
    pushed = CORPUS.vectors + 3 * (side["test"] & (CORPUS.modality == "image"))[:, None]
    away = replace(CORPUS, vectors=(pushed / np.linalg.norm(pushed, axis=1)[:, None]).astype(np.float32))

    fair, unfair = (tried(corpus, [IDENTITY])["identity"] for corpus in (CORPUS, away))

    def off(one: Tried) -> float:
        return abs(figure(one, "parity_modality_bias", "image", "balanced") or 0.0)

    assert off(fair) < 0.5
    assert off(unfair) > 2 * off(fair)


def test_the_same_seed_gives_the_same_rows_and_another_splits_otherwise() -> None:
    assert tried(seed=5) == tried(seed=5)
    assert tried(seed=5)["identity"] != tried(seed=6)["identity"]


ONE_EACH = felt_corpus(*["train"] * 8, size=(1, 1))
ODD = {
    "nothing": felt_corpus(),
    "no match": felt_corpus("", ""),
    "one match": felt_corpus("train"),
    "two matches": felt_corpus("train", "train"),
    "three matches": felt_corpus("train", "train", "train"),
    "texts alone": felt_corpus(*["train"] * 8, size=(4, 0)),
    "images of one match": replace(CORPUS, modality=np.where(CORPUS.match == 0, CORPUS.modality, "text")),
    "one item per cluster": ONE_EACH,
    "identical vectors": replace(CORPUS, vectors=np.tile(CORPUS.vectors[:1], (len(CORPUS.match), 1))),
}


@pytest.mark.parametrize("k", [5, 1000])
@pytest.mark.parametrize("case", ODD)
def test_of_an_odd_corpus_every_figure_is_a_number_or_a_reason(case: str, k: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = tried(ODD[case], protocol=replace(PROTOCOL, k=k))

    assert {"identity", *PICKS} <= set(rows)
    for row in rows.values():
        assert row.val_cross_modal is None or math.isfinite(row.val_cross_modal)
        for f in row.figures:
            assert (f.value is None) == bool(f.note), f
            assert all(math.isfinite(x) for x in (f.value, f.std, f.chance) if x is not None), f


@pytest.mark.parametrize("case", ["nothing", "no match", "one match"])
def test_where_nothing_is_held_out_nothing_is_judged(case: str) -> None:
    assert all(row.figures == [] and row.val_cross_modal is None for row in tried(ODD[case]).values())


def test_the_items_of_no_match_are_not_judged() -> None:
    without = CORPUS.match != UNMATCHED
    matched = replace(
        CORPUS,
        **{f: getattr(CORPUS, f)[without] for f in ("vectors", "modality", "cluster", "match", "split")},
    )

    assert tried(matched, [IDENTITY]) == tried(CORPUS, [IDENTITY])


def test_the_interval_of_a_difference_is_the_corrected_resampled_one() -> None:
    values, nothing = {0: 0.60, 1: 0.70, 2: 0.50}, {0: 0.50, 1: 0.55, 2: 0.45}

    told = summarise(values, nothing, chance=[0.1, 0.3], test_by_train=0.25 / 0.6)

    # By hand: differences .10, .15, .05 have mean .10 and variance .0025; t of 2 degrees at .975 is 4.302653.
    reach = 4.302653 * math.sqrt((1 / 3 + 0.25 / 0.6) * 0.0025)
    assert told.mean == pytest.approx(0.6)
    assert told.std == pytest.approx(math.sqrt(0.02 / 3))
    assert told.difference == pytest.approx(0.10)
    assert told.low == pytest.approx(0.10 - reach, abs=1e-6)
    assert told.high == pytest.approx(0.10 + reach, abs=1e-6)
    assert (told.wins, told.splits) == (3, 3)
    assert told.chance == pytest.approx(0.2)


def test_the_more_of_the_matches_are_tested_the_less_the_splits_say() -> None:
    values, nothing = {0: 0.6, 1: 0.7, 2: 0.5}, {0: 0.5, 1: 0.5, 2: 0.5}

    reaches = []
    for test_by_train in (0.0, 0.5, 2.0):
        told = summarise(values, nothing, [], test_by_train)
        assert told.low is not None
        assert told.high is not None
        reaches.append(told.high - told.low)

    # Without overlap it is the plain t interval: (1/n + r) goes from 1/3 to 5/6 to 7/3.
    assert reaches[1] / reaches[0] == pytest.approx(math.sqrt(2.5))
    assert reaches[2] / reaches[0] == pytest.approx(math.sqrt(7))


def test_only_splits_that_have_both_figures_are_compared() -> None:
    told = summarise({0: 0.9, 1: 0.4, 3: 0.2}, {1: 0.5, 2: 0.1, 3: 0.1}, [], 0.4)

    assert told.mean == pytest.approx(0.3)
    assert told.difference == pytest.approx(0.0)
    assert (told.wins, told.splits) == (1, 2)
    assert told.chance is None


def test_a_draw_is_no_win() -> None:
    assert summarise({0: 0.5, 1: 0.6}, {0: 0.5, 1: 0.5}, [], 0.4).wins == 1


def test_one_split_has_a_difference_and_no_interval() -> None:
    told = summarise({7: 0.75}, {7: 0.5}, [], 0.4)

    assert told.difference == 0.25
    assert (told.low, told.high) == (None, None)


def test_splits_that_agree_leave_no_width() -> None:
    told = summarise({0: 0.75, 1: 0.5}, {0: 0.5, 1: 0.25}, [], 0.4)

    assert (told.low, told.high) == (0.25, 0.25)
