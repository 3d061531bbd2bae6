"""Experiments: what is run on one split, what is selected there, and what many splits say together."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from qualia_assets.method.adapters import IDENTITY, Recipe, apply
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.experiment import (
    Design,
    FixedLabels,
    SplitShares,
    Trial,
    ViewLabels,
    run_split,
    run_trials,
    summarise,
)
from qualia_assets.method.labelling import Labelling
from qualia_assets.method.matching import split_matches, unit
from qualia_assets.method.recipes import OWN, fit, mean_cross_modal_r_precision
from qualia_assets.method.retrieval import fit_on_matches
from qualia_assets.method.scorecard import Protocol, evaluate
from qualia_assets_tests.method.corpora import ODD, assert_numbers_or_reasons, felt_corpus

PROTOCOL = Protocol(k=5, balanced_draws=2)
RECIPES = (
    IDENTITY,
    Recipe(hidden=8, epochs=2, batch_size=32, learning_rate=0.01),
    OWN["centring"].recipe,
    OWN["distilled"].recipe,
    OWN["smoothing"].recipe,
)
SELECTIONS = {
    "selected:paper": ["linear-t0.1-b0-s0"],
    "selected:inductive": ["linear-t0.1-b0-s0", "centring", "distilled"],
    "selected:transductive": ["smoothing"],
}
# Trials replace the splits; two clusters have no match.
CORPUS = felt_corpus(*["train"] * 10, "", "")
SHARES = SplitShares(train=0.5, val=0.2)
SEED = 5
SPLIT = CORPUS.resplit(dict(split_matches(range(10), 0.5, 0.2, SEED)))


def trials(corpus: Corpus, recipes: Sequence[Recipe] = RECIPES, seed: int = SEED) -> dict[str, Trial]:
    return {t.config_id: t for t in run_split(corpus, Design(recipes, PROTOCOL, SHARES), seed)}


@cache
def of_corpus(seed: int = SEED) -> dict[str, Trial]:
    return trials(CORPUS, seed=seed)


def test_there_is_a_trial_of_every_recipe_and_every_selection() -> None:
    assert list(of_corpus()) == [*(recipe.config_id for recipe in RECIPES), *SELECTIONS]


def test_metrics_are_those_of_items_after_the_fitted_adapter() -> None:
    for recipe in RECIPES:
        adapted = apply(CORPUS.vectors, CORPUS.modality, fit(SPLIT, recipe) or {}, CORPUS.lexicon)
        val, test = (mean_cross_modal_r_precision(SPLIT.points(side, adapted)) for side in ("val", "test"))
        trial = of_corpus()[recipe.config_id]
        assert trial.val_cross_modal == pytest.approx(val)
        metrics = {(m.metric, m.gallery, m.query_modality): m.value for m in trial.metrics}
        assert metrics["cross_modal_r_precision", "full", "all"] == pytest.approx(test)


def test_test_items_change_neither_what_is_fitted_nor_what_is_selected() -> None:
    test = SPLIT.split == "test"
    shuffled = CORPUS.vectors.copy()
    shuffled[test] = np.random.default_rng(0).permutation(CORPUS.vectors[test])

    after = trials(
        replace(CORPUS, vectors=shuffled), [recipe for recipe in RECIPES if recipe.kind == "inductive"]
    )

    before = of_corpus()
    for name in ("identity", *SELECTIONS["selected:inductive"], "selected:inductive"):
        assert after[name].val_cross_modal == before[name].val_cross_modal
    assert before["identity"].metrics != after["identity"].metrics


@pytest.mark.parametrize(("seed", "best_of_all"), [(SEED, "smoothing"), (6, "identity")])
def test_a_selection_is_the_best_of_its_kind_on_validation_with_doing_nothing_among_them(
    seed: int, best_of_all: str
) -> None:
    rows = of_corpus(seed)

    assert max(rows, key=lambda name: rows[name].val_cross_modal) == best_of_all
    for selection, names in SELECTIONS.items():
        values = {name: rows[name].val_cross_modal or 0.0 for name in ("identity", *names)}
        best = [name for name, value in values.items() if value == max(values.values())]
        assert any(replace(rows[name], config_id=selection) == rows[selection] for name in best)


def test_offsets_come_from_training_and_validation_matches() -> None:
    calibration = fit_on_matches(SPLIT.points(("train", "val")), PROTOCOL.k)

    expected = evaluate(SPLIT.points("test"), replace(PROTOCOL, bootstrap_draws=0), calibration)

    assert of_corpus()["identity"].metrics == expected
    assert calibration != fit_on_matches(SPLIT.points(("train", "val", "test")), PROTOCOL.k)


def test_the_same_seed_gives_the_same_trials_and_another_splits_otherwise() -> None:
    again = trials(CORPUS, RECIPES[:2])

    assert [again[recipe.config_id] for recipe in RECIPES[:2]] == list(of_corpus().values())[:2]
    assert of_corpus()["identity"] != of_corpus(6)["identity"]


@pytest.mark.parametrize("case", ODD)
def test_of_an_odd_corpus_every_metric_is_a_number_or_a_reason(case: str) -> None:
    design = Design(
        [IDENTITY, RECIPES[1], OWN["smoothing"].recipe], Protocol(k=1000, balanced_draws=1), SHARES
    )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = {t.config_id: t for t in run_split(ODD[case], design, 0)}

    assert {"identity", *SELECTIONS} <= set(rows)
    for row in rows.values():
        assert row.val_cross_modal is None or math.isfinite(row.val_cross_modal)
        assert_numbers_or_reasons(row.metrics)
        if case in ("nothing", "one match"):
            assert (row.metrics, row.val_cross_modal) == ([], None)


# Too few items for the probe of modalities, so that no process imports sklearn.
FEW = felt_corpus(*["train"] * 5, size=(3, 2))
SOURCES = {"matches": FixedLabels(FEW), "too few": FixedLabels(felt_corpus("train", "train"))}


@pytest.mark.parametrize("processes", [1, 2])
def test_trials_of_every_source_and_split_come_in_order_from_any_number_of_processes(processes: int) -> None:
    design = Design([IDENTITY], PROTOCOL, SHARES)
    reported: list[tuple[int, int]] = []

    done = run_trials(SOURCES, design, 2, processes, lambda *progress: reported.append(progress))

    assert list(done) == [(name, seed) for name in SOURCES for seed in (0, 1)]
    assert [done["matches", seed] for seed in (0, 1)] == [[*run_split(FEW, design, s)] for s in (0, 1)]
    assert done["too few", 0] == done["too few", 1] == []
    assert reported == [(number, 4) for number in range(5)]


def test_labels_from_a_view_are_clusters_and_matches_of_it() -> None:
    # In the view every theme is a point of its own, in either modality.
    themes = CORPUS.cluster
    view = unit(np.eye(12, 16)[themes] + 0.01 * np.random.default_rng(0).normal(size=(len(themes), 16)))
    source = ViewLabels(CORPUS, view, Labelling(neighbours=5, epochs=50, dimensions=4, min_cluster_size=4))

    labelled = source.corpus(seed=1)

    assert labelled.vectors is CORPUS.vectors
    assert labelled.match.tolist() == source.corpus(seed=1).match.tolist()
    pairs = {(theme, match) for theme, match in zip(themes, labelled.match, strict=True) if match >= 0}
    assert len(pairs) == len({theme for theme, _ in pairs}) == len({match for _, match in pairs}) > 6


def test_the_interval_of_a_difference_is_the_corrected_resampled_one() -> None:
    summary = summarise(
        {0: 0.60, 1: 0.70, 2: 0.50}, {0: 0.50, 1: 0.55, 2: 0.45}, chance=[0.1, 0.3], test_by_train=0.25 / 0.6
    )

    # By hand: differences .10, .15, .05 have mean .10 and variance .0025; t of 2 degrees at .975 is 4.302653.
    half_width = 4.302653 * math.sqrt((1 / 3 + 0.25 / 0.6) * 0.0025)
    assert (summary.mean, summary.std) == pytest.approx((0.6, math.sqrt(0.02 / 3)))
    assert (summary.difference, summary.chance) == pytest.approx((0.1, 0.2))
    assert (summary.low, summary.high) == pytest.approx((0.1 - half_width, 0.1 + half_width), abs=1e-6)
    assert (summary.wins, summary.splits) == (3, 3)


def test_only_splits_that_have_both_values_are_compared_and_a_tie_is_no_win() -> None:
    summary = summarise({0: 0.9, 1: 0.5, 3: 0.3}, {1: 0.5, 2: 0.1, 3: 0.1}, [], 0.4)

    assert (summary.mean, summary.difference) == pytest.approx((0.4, 0.1))
    assert (summary.wins, summary.splits, summary.chance) == (1, 2, None)


def test_one_split_has_no_interval_and_splits_that_agree_leave_no_width() -> None:
    one = summarise({7: 0.75}, {7: 0.5}, [], 0.4)
    two = summarise({0: 0.75, 1: 0.5}, {0: 0.5, 1: 0.25}, [], 0.4)

    assert (one.difference, one.low, one.high) == (0.25, None, None)
    assert (two.low, two.high) == (0.25, 0.25)
