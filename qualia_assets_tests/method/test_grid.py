"""The grid of adapters: each is fitted on what it may see and evaluated on the validation matches."""

import math
import warnings
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from qualia_assets.method.adapters import IDENTITY, Recipe, apply
from qualia_assets.method.calibration import Calibration
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.grid import TrainedAdapter, train_grid
from qualia_assets.method.recipes import OWN
from qualia_assets.method.scorecard import Protocol
from qualia_assets_tests.method import by_loops
from qualia_assets_tests.method.by_loops import KINDS
from qualia_assets_tests.method.corpora import ODD, felt_corpus

LINEAR = Recipe(hidden=8, epochs=2, batch_size=32, learning_rate=0.01)
PAPER = [IDENTITY, LINEAR, replace(LINEAR, arch="mlp")]
GRID = [*PAPER, OWN["distilled"].recipe, OWN["smoothing"].recipe]
K = 5


def trained(corpus: Corpus, recipes: list[Recipe] | None = None, k: int = K) -> list[TrainedAdapter]:
    return list(train_grid(corpus, recipes or GRID, Protocol(k=k), threads=1))


def metrics(one: TrainedAdapter) -> tuple[float | None, ...]:
    c = one.candidate
    return c.coherence, c.abs_bias, c.cross_modal_r_precision


def test_every_configuration_is_evaluated_on_the_validation_matches() -> None:
    corpus = felt_corpus("train", "train", "train", "val", "val", "val", "test", "test", "")

    results = trained(corpus)

    assert [r.recipe for r in results] == GRID
    for result in results:
        adapted = apply(corpus.vectors, corpus.modality, result.weights, corpus.lexicon)
        val = corpus.points("val", adapted)
        everything = range(len(val))
        found = by_loops.search(val, everything, K)
        texts, images = (by_loops.retrieved(val, [found], "all", kind) for kind in KINDS)
        there = by_loops.r_precision(val, [everything], "text", "image")
        back = by_loops.r_precision(val, [everything], "image", "text")
        bias = math.log((texts + 0.5) / (images + 0.5)) - math.log(18 / 15)
        coherence = fmean(by_loops.coherence(val, [found], "all", K))
        assert result.candidate.config_id == result.recipe.config_id
        assert metrics(result) == pytest.approx((coherence, abs(bias), fmean(there + back)))


def test_offsets_are_fitted_on_training_and_validation_matches_together_and_no_others() -> None:
    # Six texts and five images in each: only in two together are there more than nine.
    both, one = felt_corpus("train", "val", "", ""), felt_corpus("train", "test", "test", "")

    assert set(trained(both, [IDENTITY], k=9)[0].calibration.offset) == {"text", "image"}
    assert trained(one, [IDENTITY], k=9)[0].calibration == Calibration()


@pytest.mark.parametrize("splits", [(), ("train", "test"), ("val", "val", "test")])
def test_with_fewer_than_two_training_matches_there_are_none_of_the_papers(splits: tuple[str, ...]) -> None:
    results = trained(felt_corpus(*splits), PAPER)

    assert [r.recipe for r in results] == [IDENTITY]


@pytest.mark.parametrize("splits", [("train", "train", "test"), ("train", "train", "val", "test")])
def test_with_fewer_than_two_validation_matches_nothing_is_evaluated(splits: tuple[str, ...]) -> None:
    results = trained(felt_corpus(*splits))

    assert [metrics(r) for r in results] == [(None, None, None)] * len(GRID)


EVERY = [*GRID, *(replace(own.recipe, epochs=1) for own in OWN.values())]


@pytest.mark.parametrize("case", ODD)
def test_an_odd_corpus_gives_finite_metrics_or_none(case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = trained(ODD[case], EVERY)

    assert results[0].recipe == IDENTITY
    for result in results:
        assert all(f is None or math.isfinite(f) for f in metrics(result))
        assert all(np.isfinite(value).all() for value in result.weights.values())
        assert all(math.isfinite(offset) for offset in result.calibration.offset.values())
