"""Heads on picture features, against scikit-learn and planted captions; nothing held out is fitted."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from qualia_assets.method.calibration import csls
from qualia_assets.method.matching import unit
from qualia_assets.method.picture_head import (
    FOLDS,
    LEAST_CAPTIONS,
    Chosen,
    HeadRecipe,
    Pictures,
    apply,
    candidates,
    choose,
    fit,
    out_of_fold,
    prepared,
    split_groups,
)

RIDGE, KERNEL = HeadRecipe("ridge", None, 0.0), HeadRecipe("kernel", 2.0, 0.3)


def planted(pictures: int = 120, captioned: int = 120, noise: float = 0.3, seed: int = 0) -> Pictures:
    """Captions that are a map of the features, and untouched vectors that say little of them."""
    rng = np.random.default_rng(seed)
    features = prepared(rng.gamma(0.5, size=(pictures, 30)).astype(np.float32))
    clean = features @ rng.normal(size=(30, 16))
    captions = unit(clean / clean.std() + noise * rng.normal(size=clean.shape) + 1)
    untouched = unit(clean / clean.std() + 4 * rng.normal(size=clean.shape))
    group = np.where(np.arange(pictures) < captioned, np.arange(pictures), -1)
    return Pictures(features, untouched, captions, group)


def value(chosen: Chosen, name: str, split: str = "test") -> float:
    figures = [f for f in chosen.figures if f.recipe.name == name and f.split == split]
    return float(np.mean([f.value for f in figures if f.metric == "recall" and f.k == 10 and f.calibrated]))


def test_features_are_centred_signed_roots_of_unit_length() -> None:
    features = np.array([[9.0, -16.0], [1.0, 0.0]], dtype=np.float32)
    rooted = np.array([[3 / 5, -4 / 5], [1, 0]])
    assert np.allclose(prepared(features), rooted - rooted.mean(axis=0), atol=1e-6)
    assert prepared(np.zeros((0, 4), dtype=np.float32)).shape == (0, 4)


@pytest.mark.parametrize("form", ["ridge", "kernel"])
def test_predictions_are_those_of_scikit_learn(form: str) -> None:
    p = planted()
    rows, x = np.arange(100), p.features.astype(np.float64)
    mean = p.captions[rows].mean(axis=0)
    if form == "ridge":
        recipe, model = RIDGE, Ridge(alpha=1.0, fit_intercept=False)
    else:
        recipe, model = HeadRecipe("kernel", 2.0, 0.0), KernelRidge(alpha=0.3, kernel="rbf", gamma=2.0)
    expected = unit(model.fit(x[rows], p.captions[rows] - mean).predict(x))
    assert np.allclose(apply(fit(recipe, p, rows, 0), p.features, p.untouched), expected, atol=1e-4)


def test_the_untouched_vector_is_added_by_its_weight_and_the_residual_starts_from_it() -> None:
    p, rows = planted(), np.arange(100)
    alone = apply(fit(HeadRecipe("kernel", 2.0, 0.0), p, rows, 0), p.features, p.untouched)
    both = apply(fit(KERNEL, p, rows, 0), p.features, p.untouched)
    assert p.untouched is not None
    assert np.allclose(both, unit(alone + 0.3 * p.untouched), atol=1e-5)
    nothing_lacks = replace(p, untouched=unit(p.captions - p.captions[rows].mean(axis=0)))
    residual = apply(
        fit(HeadRecipe("residual", 2.0), nothing_lacks, rows, 0), p.features, nothing_lacks.untouched
    )
    assert np.allclose(residual, nothing_lacks.untouched, atol=1e-5)


def test_a_head_is_chosen_where_it_finds_captions_better_and_doing_nothing_otherwise() -> None:
    learnt = choose(planted(), seed=0, draws=50)
    assert learnt.recipe.form in ("ridge", "kernel")
    assert value(learnt, learnt.recipe.name) > value(learnt, "untouched") + 0.2
    told = {(f.recipe.name, f.split) for f in learnt.figures}
    assert told == {(recipe.name, split) for recipe in candidates(True) for split in ("val", "test")}

    p = planted()
    shuffled = replace(p, features=np.random.default_rng(1).permutation(p.features))
    assert p.untouched is not None
    good = unit(p.captions - p.captions.mean(axis=0))
    assert choose(replace(shuffled, untouched=good), seed=0, draws=50).recipe.form == "untouched"


def test_figures_have_chance_and_an_interval_and_hard_negatives_are_harder() -> None:
    figures = choose(planted(), seed=0, draws=200).figures
    for f in figures:
        assert f.ci_low is not None
        assert f.ci_high is not None
        assert f.ci_low <= f.value <= f.ci_high
    assert {round(f.chance, 6) for f in figures if f.metric.startswith("alignment")} == {0.1}
    (of_mrr,) = {f.chance for f in figures if f.metric == "mrr" and f.split == "test"}
    assert of_mrr == pytest.approx(sum(1 / rank for rank in range(1, 25)) / 24)
    # 24 test captions; of the other 96 one fold has twenty and four have nineteen.
    assert {f.chance for f in figures if f.k == 10 and f.split == "test"} == {10 / 24}
    assert {round(f.chance, 4) for f in figures if f.k == 10 and f.split == "val"} == {round(50 / 96, 4)}

    def mean(metric: str) -> float:
        return float(np.mean([f.value for f in figures if f.metric == metric]))

    assert mean("alignment_hard") < mean("alignment_easy")


def test_few_captions_leave_the_encoder_untouched_and_say_why() -> None:
    chosen = choose(planted(captioned=LEAST_CAPTIONS - 1), seed=0, draws=50)
    assert (chosen.recipe.form, chosen.figures) == ("untouched", ())
    assert chosen.learnt_from == 0
    assert chosen.note == "needs 25 different captions; there are 24"


def test_pictures_with_one_caption_are_never_divided() -> None:
    group = np.repeat(np.arange(40), 3)
    group[::7] = -1
    parts = split_groups(group, seed=3)
    assert sum(map(len, parts.values())) == (group >= 0).sum()
    held = [set(group[rows]) for rows in parts.values()]
    assert sum(map(len, held)) == len(set.union(*held)) == 40
    assert {split: len(set(group[rows])) for split, rows in parts.items()} == {
        "test": 8,
        "val": 32,
    }


@pytest.mark.parametrize("recipe", [RIDGE, KERNEL], ids=lambda r: r.form)
def test_no_captioned_picture_is_mapped_by_a_head_that_saw_its_caption(recipe: HeadRecipe) -> None:
    p = planted(captioned=60)
    before = out_of_fold(recipe, p, seed=0)
    for fold in range(FOLDS):
        # Another caption for one picture changes the vectors of the other folds, and not its own.
        captions = p.captions.copy()
        captions[fold] = -captions[fold]
        after = out_of_fold(recipe, replace(p, captions=captions), seed=0)
        assert np.allclose(after[fold], before[fold], atol=1e-6)
        assert not np.allclose(after[60:], before[60:], atol=1e-4)
    assert np.allclose(np.linalg.norm(before, axis=1), 1, atol=1e-5)


def test_without_untouched_vectors_heads_work_alone() -> None:
    p = replace(planted(), untouched=None)
    chosen = choose(p, seed=0, draws=50)
    assert not chosen.recipe.weight
    assert out_of_fold(chosen.recipe, p, seed=0).shape == (120, 16)


def test_levelling_takes_hubs_down() -> None:
    rng = np.random.default_rng(0)
    similarity = rng.normal(size=(50, 60)).astype(np.float32)
    similarity[:, 7] += 2
    levelled = csls(similarity)
    row, column = (np.sort(part)[-10:].mean() for part in (similarity[3], similarity[:, 5]))
    assert levelled[3, 5] == pytest.approx(2 * similarity[3, 5] - row - column, abs=1e-5)
    assert (levelled.argmax(axis=1) == 7).mean() < 0.5 * (similarity.argmax(axis=1) == 7).mean()
