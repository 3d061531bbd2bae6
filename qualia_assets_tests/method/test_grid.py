"""The grid of adapters: each is fitted on what it may see and judged on the validation matches."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from qualia_assets.method.adapters import IDENTITY, Recipe, apply, select
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.grid import Trained, train_grid
from qualia_assets.method.metrics import Points
from qualia_assets.method.recipes import OWN
from qualia_assets.method.retrieval import Calibration
from qualia_assets.method.scorecard import Protocol
from qualia_assets.method.training import train
from qualia_assets_tests.method import by_loops
from qualia_assets_tests.method.corpora import felt_corpus

LINEAR = Recipe(hidden=8, epochs=2, batch_size=32, learning_rate=0.01)
GRID = [IDENTITY, LINEAR, replace(LINEAR, arch="mlp"), OWN["distilled"].recipe, OWN["smoothing"].recipe]
K = 5


def trained(corpus: Corpus, recipes: list[Recipe] | None = None, k: int = K) -> list[Trained]:
    return list(train_grid(corpus, recipes or GRID, Protocol(k=k), threads=1))


def as_bytes(one: Trained) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in one.weights.items()}


def test_the_papers_are_trained_on_the_training_matches() -> None:
    corpus = felt_corpus("train", "train", "train", "val", "val", "test", "")

    results = trained(corpus)

    assert [r.recipe for r in results] == GRID
    mine = corpus.split == "train"
    expected = train(corpus.vectors[mine], corpus.modality[mine], corpus.match[mine], LINEAR)
    assert as_bytes(results[1]) == {name: value.tobytes() for name, value in expected.items()}


def test_every_configuration_is_judged_on_the_validation_matches() -> None:
    corpus = felt_corpus("train", "train", "train", "val", "val", "val", "test", "test", "")

    for result in trained(corpus):
        adapted = apply(corpus.vectors, corpus.modality, result.weights, corpus.lexicon)
        mine = corpus.split == "val"
        val = Points(adapted[mine], corpus.modality[mine], corpus.match[mine])
        everything = range(len(val))
        found = by_loops.search(val, everything, K, calibrated=False)
        texts, images = (by_loops.retrieved(val, [found], "all", m) for m in ("text", "image"))
        there, back = (
            by_loops.mean(by_loops.r_precision(val, [everything], a, b))
            for a, b in (("text", "image"), ("image", "text"))
        )
        judged = result.candidate
        assert judged.config_id == result.recipe.config_id
        assert judged.coherence == pytest.approx(by_loops.mean(by_loops.coherence(val, [found], "all", K)))
        bias = math.log((texts + 0.5) / (images + 0.5)) - math.log(18 / 15)
        assert judged.abs_bias == pytest.approx(abs(bias))
        assert judged.cross_modal_r_precision == pytest.approx((there + back) / 2)


def test_what_lies_in_test_changes_nothing_that_is_chosen() -> None:
    corpus = felt_corpus("train", "train", "val", "val", "test")
    inductive = [recipe for recipe in GRID if recipe.kind == "inductive"]
    elsewhere = np.where((corpus.split == "test")[:, None], -corpus.vectors, corpus.vectors)

    before = trained(corpus, inductive)
    after = trained(replace(corpus, vectors=elsewhere), inductive)

    assert [r.candidate for r in before] == [r.candidate for r in after]
    assert [as_bytes(r) for r in before] == [as_bytes(r) for r in after]
    assert [r.calibration for r in before] == [r.calibration for r in after]


def test_offsets_are_fitted_on_training_and_validation_matches_together() -> None:
    # Six texts and five images in either: only together are there more than ten.
    both, one = felt_corpus("train", "val", "", ""), felt_corpus("train", "", "", "")

    assert set(trained(both, [IDENTITY], k=9)[0].calibration.offset) == {"text", "image"}
    assert trained(one, [IDENTITY], k=9)[0].calibration == Calibration()


@pytest.mark.parametrize("splits", [(), ("train",), ("train", "test"), ("val", "val", "test")])
def test_with_fewer_than_two_training_matches_there_are_none_of_the_papers(splits: tuple[str, ...]) -> None:
    results = trained(felt_corpus(*splits), [IDENTITY, LINEAR, replace(LINEAR, arch="mlp")])

    assert [r.recipe for r in results] == [IDENTITY]
    assert select([r.candidate for r in results]) == "identity"


@pytest.mark.parametrize("splits", [("train", "train", "test"), ("train", "train", "val", "test")])
def test_with_fewer_than_two_validation_matches_nothing_is_judged_and_identity_is_chosen(
    splits: tuple[str, ...],
) -> None:
    candidates = [r.candidate for r in trained(felt_corpus(*splits))]

    assert len(candidates) == len(GRID)
    for c in candidates:
        assert (c.coherence, c.abs_bias, c.cross_modal_r_precision) == (None, None, None)
    assert select(candidates) == "identity"


@pytest.mark.parametrize("gap", [0.0, 1.0, 4.0])
def test_what_is_chosen_is_no_worse_on_validation_than_doing_nothing(gap: float) -> None:
    corpus = felt_corpus("train", "train", "train", "val", "val", "val", gap=gap)
    candidates = [r.candidate for r in trained(corpus)]
    precision = {c.config_id: c.cross_modal_r_precision for c in candidates}

    chosen = precision[select(candidates)]

    assert chosen is not None
    assert precision["identity"] is not None
    assert chosen >= precision["identity"]


PLAIN = ("train", "train", "train", "train", "val", "val", "test", "test")
FELT = felt_corpus(*PLAIN)
ODD = {
    "nothing": felt_corpus(),
    "one match": felt_corpus("train"),
    "two matches": felt_corpus("train", "test"),
    "nothing to train on": felt_corpus("val", "val", "test"),
    "texts alone": felt_corpus(*PLAIN, size=(5, 0)),
    "images alone": felt_corpus(*PLAIN, size=(0, 5)),
    "one text": replace(FELT, modality=np.where(np.arange(len(FELT.match)) == 0, "text", "image")),
    "validation without images": replace(FELT, modality=np.where(FELT.split == "val", "text", FELT.modality)),
    "one item per cluster": felt_corpus(*PLAIN, size=(1, 1)),
    "identical vectors": replace(FELT, vectors=np.tile(FELT.vectors[:1], (len(FELT.match), 1))),
}
EVERY = [*GRID, *(replace(own.recipe, epochs=1) for own in OWN.values())]


@pytest.mark.parametrize("k", [5, 1000])
@pytest.mark.parametrize("case", ODD)
def test_an_odd_corpus_gives_figures_or_none_and_never_what_is_no_number(case: str, k: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = trained(ODD[case], EVERY, k)

    assert results[0].recipe == IDENTITY
    for result in results:
        judged = result.candidate
        figures = (judged.coherence, judged.abs_bias, judged.cross_modal_r_precision)
        assert all(f is None or math.isfinite(f) for f in figures)
        assert all(np.isfinite(value).all() for value in result.weights.values())
        assert all(math.isfinite(offset) for offset in result.calibration.offset.values())
