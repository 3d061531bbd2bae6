"""Experiments: what is run on one split, what is selected there, and what many splits say together."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from qualia_assets.method.adapters import IDENTITY, Recipe, apply
from qualia_assets.method.corpus import UNMATCHED, Corpus
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
from qualia_assets.method.metrics import Points
from qualia_assets.method.recipes import OWN, fit, mean_cross_modal_r_precision
from qualia_assets.method.scorecard import Protocol
from qualia_assets_tests.method.by_loops import felt_points
from qualia_assets_tests.method.corpora import ODD, felt_corpus, only

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


def trials(
    corpus: Corpus, recipes: Sequence[Recipe] = RECIPES, seed: int = 0, protocol: Protocol = PROTOCOL
) -> dict[str, Trial]:
    return {t.config_id: t for t in run_split(corpus, Design(recipes, protocol, SHARES), seed)}


@cache
def of_corpus(seed: int) -> dict[str, Trial]:
    return trials(CORPUS, seed=seed)


def metric(one: Trial, name: str, query: str = "all", gallery: str = "full") -> float | None:
    return next(
        m.value for m in one.metrics if (m.metric, m.gallery, m.query_modality) == (name, gallery, query)
    )


def sides(seed: int) -> dict[str, np.ndarray]:
    """Which items of the corpus are in which split."""
    split = split_matches(range(10), 0.5, 0.2, seed)
    side = np.array([split.get(int(m), "") for m in CORPUS.match])
    return {name: side == name for name in ("train", "val", "test")}


def test_there_is_a_trial_of_every_recipe_and_every_selection() -> None:
    assert list(of_corpus(0)) == [*(recipe.config_id for recipe in RECIPES), *SELECTIONS]


def test_whole_matches_are_held_out() -> None:
    # The sizes of matches are such that a sum of them says whose they are; a quarter are for testing.
    points = felt_points(0, [(1, 2), (3, 3), (6, 6), (12, 12), (24, 24), (48, 48)])
    corpus = Corpus(points.vectors, points.modality, points.match, points.match, np.full(len(points), ""))
    protocol, shares = Protocol(k=5, balanced_draws=1), SplitShares(0.5, 0.17)

    held_out = []
    for seed in range(3):
        one = next(run_split(corpus, Design([IDENTITY], protocol, shares), seed))
        n = next(m.n for m in one.metrics if m.metric == "coherence")
        held_out.append(n)
        assert n % 3 == 0
        assert (n // 3).bit_count() == 2
    assert len(set(held_out)) > 1


def test_metrics_are_those_of_items_after_the_fitted_adapter() -> None:
    side = sides(seed=1)
    split = CORPUS.resplit(dict(split_matches(range(10), 0.5, 0.2, 1)))

    for recipe in RECIPES:
        adapted = apply(CORPUS.vectors, CORPUS.modality, fit(split, recipe) or {}, CORPUS.lexicon)
        val, test = (
            mean_cross_modal_r_precision(
                Points(adapted[side[name]], CORPUS.modality[side[name]], CORPUS.match[side[name]])
            )
            for name in ("val", "test")
        )
        trial = of_corpus(1)[recipe.config_id]
        assert trial.val_cross_modal == pytest.approx(val)
        assert metric(trial, "cross_modal_r_precision") == pytest.approx(test)


@pytest.mark.parametrize("seed", [1, 5])
def test_test_items_change_neither_what_is_fitted_nor_what_is_selected(seed: int) -> None:
    test = sides(seed)["test"]
    shuffled = CORPUS.vectors.copy()
    shuffled[test] = np.random.default_rng(seed).permutation(CORPUS.vectors[test])
    inductive = [recipe for recipe in RECIPES if recipe.kind == "inductive"]

    after = trials(replace(CORPUS, vectors=shuffled), inductive, seed)

    before = of_corpus(seed)
    for name in ("identity", *SELECTIONS["selected:inductive"], "selected:inductive"):
        assert after[name].val_cross_modal == before[name].val_cross_modal
    assert metric(before["identity"], "coherence") != metric(after["identity"], "coherence")


@pytest.mark.parametrize("seed", [1, 4, 5, 6])
def test_a_selection_is_the_best_of_its_kind_on_validation_with_doing_nothing_among_them(seed: int) -> None:
    rows = of_corpus(seed)

    for selection, names in SELECTIONS.items():
        values = {name: rows[name].val_cross_modal or 0.0 for name in ("identity", *names)}
        best = [name for name, value in values.items() if value == max(values.values())]
        assert any(replace(rows[name], config_id=selection) == rows[selection] for name in best)


def test_a_transductive_recipe_is_never_the_inductive_selection() -> None:
    rows = trials(CORPUS, [IDENTITY, OWN["smoothing"].recipe], seed=5)

    assert (rows["smoothing"].val_cross_modal or 0.0) > (rows["identity"].val_cross_modal or 1.0)
    assert replace(rows["selected:transductive"], config_id="smoothing") == rows["smoothing"]
    for selection in ("selected:paper", "selected:inductive"):
        assert replace(rows[selection], config_id="identity") == rows["identity"]


def test_offsets_come_from_training_and_validation_matches() -> None:
    # The texts and images of test lie elsewhere, which no offset fitted on others makes up for.
    side = sides(seed=0)
    pushed = CORPUS.vectors + 3 * (side["test"] & (CORPUS.modality == "image"))[:, None]
    away = replace(CORPUS, vectors=(pushed / np.linalg.norm(pushed, axis=1)[:, None]).astype(np.float32))

    fair, unfair = (
        abs(metric(one, "parity_modality_bias", "image", "balanced") or 0.0)
        for one in (of_corpus(0)["identity"], trials(away, [IDENTITY])["identity"])
    )

    assert fair < 0.5
    assert unfair > 2 * fair


def test_the_same_seed_gives_the_same_trials_and_another_splits_otherwise() -> None:
    assert trials(CORPUS, seed=5) == of_corpus(5)
    assert of_corpus(5)["identity"] != of_corpus(6)["identity"]


@pytest.mark.parametrize("case", ODD)
def test_of_an_odd_corpus_every_metric_is_a_number_or_a_reason(case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = trials(ODD[case], protocol=Protocol(k=1000, balanced_draws=1))

    assert {"identity", *SELECTIONS} <= set(rows)
    for row in rows.values():
        assert row.val_cross_modal is None or math.isfinite(row.val_cross_modal)
        for m in row.metrics:
            assert (m.value is None) == bool(m.note), m
            assert all(math.isfinite(x) for x in (m.value, m.std, m.chance) if x is not None), m
        if case in ("nothing", "one match"):
            assert row.metrics == []
            assert row.val_cross_modal is None


def test_items_without_a_match_are_not_evaluated() -> None:
    matched = only(CORPUS, CORPUS.match != UNMATCHED)

    assert trials(matched, [IDENTITY])["identity"] == of_corpus(0)["identity"]


SOURCES = {"matches": FixedLabels(CORPUS), "too few": FixedLabels(felt_corpus("train", "train"))}


@pytest.mark.parametrize("processes", [1, 2])
def test_trials_of_every_source_and_split_come_in_order_from_any_number_of_processes(processes: int) -> None:
    design = Design([IDENTITY], PROTOCOL, SHARES)
    reported: list[tuple[int, int]] = []

    done = run_trials(SOURCES, design, 2, processes, lambda *progress: reported.append(progress))

    assert list(done) == [(name, seed) for name in SOURCES for seed in (0, 1)]
    assert [done["matches", seed] for seed in (0, 1)] == [[*run_split(CORPUS, design, s)] for s in (0, 1)]
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
    assert len(pairs) == len({match for _, match in pairs}) > 6


def test_the_interval_of_a_difference_is_the_corrected_resampled_one() -> None:
    summary = summarise(
        {0: 0.60, 1: 0.70, 2: 0.50}, {0: 0.50, 1: 0.55, 2: 0.45}, chance=[0.1, 0.3], test_by_train=0.25 / 0.6
    )

    # By hand: differences .10, .15, .05 have mean .10 and variance .0025; t of 2 degrees at .975 is 4.302653.
    half_width = 4.302653 * math.sqrt((1 / 3 + 0.25 / 0.6) * 0.0025)
    assert summary.mean == pytest.approx(0.6)
    assert summary.std == pytest.approx(math.sqrt(0.02 / 3))
    assert summary.difference == pytest.approx(0.10)
    assert summary.low == pytest.approx(0.10 - half_width, abs=1e-6)
    assert summary.high == pytest.approx(0.10 + half_width, abs=1e-6)
    assert (summary.wins, summary.splits) == (3, 3)
    assert summary.chance == pytest.approx(0.2)


def test_only_splits_that_have_both_values_are_compared() -> None:
    summary = summarise({0: 0.9, 1: 0.4, 3: 0.2}, {1: 0.5, 2: 0.1, 3: 0.1}, [], 0.4)

    assert summary.mean == pytest.approx(0.3)
    assert summary.difference == pytest.approx(0.0)
    assert (summary.wins, summary.splits) == (1, 2)
    assert summary.chance is None
    # A tie is no win.
    assert summarise({0: 0.5, 1: 0.6}, {0: 0.5, 1: 0.5}, [], 0.4).wins == 1


def test_one_split_has_no_interval_and_splits_that_agree_leave_no_width() -> None:
    one = summarise({7: 0.75}, {7: 0.5}, [], 0.4)
    two = summarise({0: 0.75, 1: 0.5}, {0: 0.5, 1: 0.25}, [], 0.4)

    assert (one.difference, one.low, one.high) == (0.25, None, None)
    assert (two.low, two.high) == (0.25, 0.25)
