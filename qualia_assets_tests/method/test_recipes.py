"""Recipes: what each may see, what it fits, and that its result can be used."""

from dataclasses import replace
from functools import cache
from statistics import fmean

import numpy as np
import pytest

from qualia_assets.method.adapters import IDENTITY, Recipe, Weights, apply
from qualia_assets.method.clustering import NOISE
from qualia_assets.method.corpus import NO_LEXICON, UNMATCHED, Corpus
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, Mask
from qualia_assets.method.recipes import (
    DISTILLED_NEIGHBOURS,
    DISTILLED_SHARE,
    OWN,
    RIDGE,
    fit,
    mean_cross_modal_r_precision,
    own_recipes,
)
from qualia_assets_tests.method import by_loops
from qualia_assets_tests.method.by_loops import KINDS, felt_points
from qualia_assets_tests.method.corpora import as_bytes, felt_corpus, identical, only

SHORT = Recipe(hidden=12, epochs=2, batch_size=32, learning_rate=0.01)
PAPER = {
    "one layer": SHORT,
    "two layers": replace(SHORT, arch="mlp"),
    "Eq. 3": replace(SHORT, balance_weight=1.0, balance_term="ratio"),
    "its share": replace(SHORT, balance_weight=1.0, balance_term="share"),
}
OURS = {name: replace(own.recipe, epochs=min(own.recipe.epochs, 3)) for name, own in OWN.items()}
RECIPES = {**PAPER, **OURS}
INDUCTIVE = {name: recipe for name, recipe in RECIPES.items() if recipe.kind == "inductive"}
TRANSDUCTIVE = {name: recipe for name, recipe in RECIPES.items() if recipe.kind == "transductive"}
CORPUS = felt_corpus(*["train"] * 5, "val", "val", "test", "test", "", "")
N = len(CORPUS.match)
UNSEEN = np.isin(CORPUS.split, ("val", "test"))


@cache
def of_corpus(name: str) -> Weights:
    return fit(CORPUS, RECIPES[name])


def elsewhere(which: Mask) -> Corpus:
    """The corpus with some of its vectors replaced by random ones."""
    others = unit(np.random.default_rng(9).normal(size=CORPUS.vectors.shape))
    return replace(CORPUS, vectors=np.where(which[:, None], others, CORPUS.vectors))


ANY_NUMBER = np.random.default_rng(3).integers(0, 11, N)
# Among the numbers of the relabelled items are those of training items.
UNSEEN_CHANGED = {
    "moved": elsewhere(UNSEEN),
    "relabelled": replace(
        CORPUS,
        match=np.where(UNSEEN, ANY_NUMBER, CORPUS.match),
        cluster=np.where(UNSEEN, ANY_NUMBER, CORPUS.cluster),
    ),
    "removed": only(CORPUS, ~UNSEEN),
}


@pytest.mark.parametrize("change", UNSEEN_CHANGED)
@pytest.mark.parametrize("name", INDUCTIVE)
def test_an_inductive_recipe_sees_nothing_of_the_items_that_it_is_evaluated_on(
    name: str, change: str
) -> None:
    assert as_bytes(fit(UNSEEN_CHANGED[change], INDUCTIVE[name])) == as_bytes(of_corpus(name))


@pytest.mark.parametrize("name", INDUCTIVE)
def test_an_inductive_recipe_is_fitted_to_what_it_may_see(name: str) -> None:
    moved = elsewhere(CORPUS.split == "train")

    assert as_bytes(fit(moved, INDUCTIVE[name])) != as_bytes(of_corpus(name))


@pytest.mark.parametrize("name", TRANSDUCTIVE)
def test_a_transductive_recipe_sees_all_vectors_and_no_label(name: str) -> None:
    rng = np.random.default_rng(4)
    relabelled = replace(
        CORPUS,
        match=rng.integers(0, 8, N),
        cluster=rng.integers(-1, 8, N),
        split=rng.choice(["train", "val", "test", ""], N),
    )

    assert as_bytes(fit(relabelled, TRANSDUCTIVE[name])) == as_bytes(of_corpus(name))
    assert as_bytes(fit(UNSEEN_CHANGED["moved"], TRANSDUCTIVE[name])) != as_bytes(of_corpus(name))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gives_finite_unit_vectors_and_the_same_weights_again(name: str) -> None:
    adapted = apply(CORPUS.vectors, CORPUS.modality, of_corpus(name), CORPUS.lexicon)

    assert adapted.dtype == np.float32
    assert np.linalg.norm(adapted, axis=1) == pytest.approx(np.ones(N), abs=1e-5)
    assert np.abs(adapted - adapted[0]).max() > 0.1
    assert as_bytes(fit(CORPUS, RECIPES[name])) == as_bytes(of_corpus(name))


@pytest.mark.parametrize("name", RECIPES)
def test_only_a_transductive_recipe_has_the_step_in_which_items_move_one_another(name: str) -> None:
    smooths = any(part.endswith("smoothing.k") for part in of_corpus(name))

    assert smooths == (RECIPES[name].kind == "transductive")


def test_identity_is_empty_and_returns_the_vectors() -> None:
    assert fit(CORPUS, IDENTITY) == fit(felt_corpus(), IDENTITY) == {}
    assert apply(CORPUS.vectors, CORPUS.modality, {}).tobytes() == CORPUS.vectors.tobytes()


def centred(corpus: Corpus) -> Floats:
    return apply(corpus.vectors, corpus.modality, fit(corpus, OURS["centring"]))


@pytest.mark.parametrize("m", KINDS)
def test_centring_keeps_the_mean_and_the_memory_the_items_of_each_modality_seen(m: str) -> None:
    mine = (CORPUS.modality == m) & ~UNSEEN

    mean = [fmean(coordinates) for coordinates in CORPUS.vectors[mine].T.tolist()]
    assert of_corpus("centring")[f"centre.{m}"].tolist() == pytest.approx(mean, abs=1e-6)
    assert of_corpus("memory")[f"memory.of.{m}"].tolist() == centred(CORPUS)[mine].tolist()


def smoothed(z: Floats, kinds: np.ndarray) -> Floats:
    """Where the distilled maps are to move items: towards the nearest of their modality."""
    others = [[x for x in np.flatnonzero(kinds == kinds[i]) if x != i] for i in range(len(z))]
    near = zip(z, others, strict=True)
    return np.array([by_loops.step_towards(a, z[b], DISTILLED_NEIGHBOURS, DISTILLED_SHARE) for a, b in near])


def test_the_distilled_map_is_the_best_of_all_residual_maps_towards_the_smoothed_items() -> None:
    corpus = felt_corpus(*["train"] * 4)
    z = centred(corpus).astype(np.float64)
    targets = smoothed(z, corpus.modality)
    ridge = RIDGE * (z**2).sum() / 6

    def misses(w: np.ndarray) -> float:
        return float(((z + z @ w.T - targets) ** 2).sum() + ridge * (w**2).sum())

    best = fit(corpus, OURS["distilled"])["map.weight"].astype(np.float64)

    rng = np.random.default_rng(0)
    assert misses(best) < min(misses(0.98 * best), misses(1.02 * best))
    assert all(misses(best) < misses(best + 0.01 * rng.normal(size=(6, 6))) for _ in range(20))


def test_two_layers_learn_to_move_items_towards_the_smoothed_ones() -> None:
    corpus = only(CORPUS, ~UNSEEN)
    z = centred(corpus)
    targets = smoothed(z, corpus.modality)

    smoother = fit(CORPUS, replace(OWN["distilled-mlp"].recipe, hidden=32, epochs=60, learning_rate=0.01))

    moved = apply(corpus.vectors, corpus.modality, smoother)
    assert ((moved - targets) ** 2).sum() < 0.5 * ((z - targets) ** 2).sum()


def test_the_spectral_map_is_the_fourth_root_of_the_covariance() -> None:
    z = centred(CORPUS)[~UNSEEN].astype(np.float64)
    covariance = sum(np.outer(row, row) for row in z) / len(z)

    power = of_corpus("spectral")["map.weight"].astype(np.float64)

    assert np.linalg.matrix_power(power, 4) == pytest.approx(covariance, abs=1e-5)


def test_within_shrinks_the_direction_in_which_items_of_a_cluster_differ() -> None:
    # Two clusters of each modality, apart along one axis and spread out along another.
    rng = np.random.default_rng(0)
    n = 120
    cluster, kinds = np.arange(n) // 2 % 2, np.array(["text", "image"] * (n // 2))
    vectors = 0.01 * rng.normal(size=(n, 6))
    vectors[:, 0] += np.where(cluster == 0, 0.6, -0.6)
    vectors[:, 1] += 0.6 * rng.normal(size=n)
    corpus = Corpus(unit(vectors), kinds, cluster, np.full(n, UNMATCHED), np.full(n, ""))

    power = fit(corpus, OURS["within"])["map.weight"]

    assert power[1, 1] < 0.75 * power[0, 0]
    assert abs(power[0, 1]) < 0.1


NO_WORDS = replace(CORPUS, lexicon=NO_LEXICON)
ONE_KIND = replace(CORPUS, modality=np.full(N, "image"))
LACKING = [
    *((name, NO_WORDS) for name in OURS if "lexicon" in name or name == "ensemble"),
    *((name, ONE_KIND) for name in OURS if "memory" in name or name == "ensemble"),
    *((name, felt_corpus("train", "val", "test")) for name in PAPER),
    *((name, felt_corpus("train", "train", "train", "test")) for name in OURS if "residual" in name),
    ("within", replace(CORPUS, cluster=np.full(N, NOISE))),
    ("centring", felt_corpus("train", size=(1, 1))),
    *((name, felt_corpus("val", "val", "test")) for name in INDUCTIVE),
    *((name, felt_corpus()) for name in RECIPES),
]


@pytest.mark.parametrize(("name", "corpus"), LACKING)
def test_a_corpus_that_lacks_what_a_recipe_needs_gives_none(name: str, corpus: Corpus) -> None:
    assert fit(corpus, RECIPES[name]) is None


@pytest.mark.parametrize("name", RECIPES)
def test_identical_vectors_stay_one_unit_vector_for_each_modality(name: str) -> None:
    same = identical(CORPUS)

    adapted = apply(same.vectors, same.modality, fit(same, RECIPES[name]), same.lexicon)

    assert np.linalg.norm(adapted, axis=1) == pytest.approx(np.ones(N), abs=1e-5)
    for m in KINDS:
        mine = adapted[same.modality == m]
        assert np.abs(mine - mine[0]).max() < 1e-5


def test_mean_cross_modal_r_precision_is_that_of_both_directions_over_matches() -> None:
    points = felt_points(1, [(4, 5), (6, 3), (5, 5)])

    there = by_loops.r_precision(points, [range(len(points))], "text", "image")
    back = by_loops.r_precision(points, [range(len(points))], "image", "text")

    assert mean_cross_modal_r_precision(points) == pytest.approx(fmean(there + back))


@pytest.mark.parametrize("sizes", [[], [(5, 5)], [(5, 0), (4, 0)], [(5, 0), (0, 4)]])
def test_there_is_no_mean_cross_modal_r_precision_where_there_is_nothing_to_find(
    sizes: list[tuple[int, int]],
) -> None:
    assert mean_cross_modal_r_precision(felt_points(0, sizes)) is None


def test_our_recipes_are_known_by_name() -> None:
    assert [r.config_id for r in own_recipes(["memory", "centring"])] == ["memory", "centring"]
    assert all(own.recipe.recipe == name and own.idea for name, own in OWN.items())
