"""Adapters: what training does, what applying gives, and which of several is chosen."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.adapters import Candidate, Recipe, Weights, apply, pareto_front, select, train
from qualia_assets.method.losses import info_nce
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, Ints
from qualia_assets_tests.method.by_loops import felt_points

LINEAR = Recipe("linear", 0.1, 0, hidden=12, epochs=25, batch_size=16, learning_rate=0.01, weight_decay=0.01)
MLP = replace(LINEAR, arch="mlp")
POINTS = felt_points(0, [(8, 8)] * 4)


def loss_of(vectors: Floats, match: Ints, weights: Weights) -> float:
    """The paper's loss over all items at once, after an adapter."""
    z, c = torch.from_numpy(apply(vectors, weights)), torch.from_numpy(match)
    same = c[:, None] == c[None, :]
    return float(info_nce(z @ z.T, same & ~torch.eye(len(c), dtype=torch.bool), ~same, 0.1))


@pytest.mark.parametrize("recipe", [LINEAR, MLP])
def test_training_twice_with_one_seed_gives_the_same_bytes(recipe: Recipe) -> None:
    first = train(POINTS.vectors, POINTS.match, recipe)
    second = train(POINTS.vectors, POINTS.match, recipe)

    assert {name: w.tobytes() for name, w in first.items()} == {n: w.tobytes() for n, w in second.items()}


def test_another_seed_trains_another_adapter() -> None:
    first = train(POINTS.vectors, POINTS.match, LINEAR)
    second = train(POINTS.vectors, POINTS.match, replace(LINEAR, seed=1))

    assert not np.allclose(first["weight"], second["weight"])


@pytest.mark.parametrize("recipe", [LINEAR, MLP])
def test_training_lowers_the_loss(recipe: Recipe) -> None:
    untrained = train(POINTS.vectors, POINTS.match, replace(recipe, epochs=0))
    trained = train(POINTS.vectors, POINTS.match, recipe)

    before = loss_of(POINTS.vectors, POINTS.match, untrained)
    assert loss_of(POINTS.vectors, POINTS.match, trained) < before - 1


def test_training_leaves_the_random_numbers_of_the_caller_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3).tolist()

    torch.manual_seed(5)
    train(POINTS.vectors, POINTS.match, replace(LINEAR, epochs=1))

    assert torch.rand(3).tolist() == expected


def test_identity_trains_nothing_and_changes_nothing() -> None:
    weights = train(POINTS.vectors, POINTS.match, replace(LINEAR, arch="identity"))

    assert weights == {}
    assert apply(POINTS.vectors, weights).tobytes() == POINTS.vectors.tobytes()


def test_an_item_is_not_its_own_positive() -> None:
    # Everything is alone in its match: there is nothing to draw nearer, so nothing moves.
    recipe = replace(LINEAR, weight_decay=0.0)
    alone = np.arange(len(POINTS))

    untrained = train(POINTS.vectors, alone, replace(recipe, epochs=0))
    trained = train(POINTS.vectors, alone, recipe)

    assert trained["weight"].tobytes() == untrained["weight"].tobytes()


def test_a_batch_with_nothing_to_tell_apart_does_not_spoil_the_weights() -> None:
    # 5 items in batches of 4 leave a batch of one, which has neither positives nor negatives.
    weights = train(POINTS.vectors[:5], POINTS.match[:5], replace(LINEAR, batch_size=4))

    assert np.isfinite(weights["weight"]).all()


def test_identical_vectors_train_to_finite_weights() -> None:
    same = np.tile(POINTS.vectors[:1], (12, 1))

    weights = train(same, np.repeat([0, 1], 6), MLP)

    assert all(np.isfinite(w).all() for w in weights.values())


@pytest.mark.parametrize("recipe", [LINEAR, MLP])
def test_what_an_adapter_gives_has_unit_length(recipe: Recipe) -> None:
    adapted = apply(POINTS.vectors, train(POINTS.vectors, POINTS.match, recipe))

    assert adapted.dtype == np.float32
    assert np.linalg.norm(adapted, axis=1) == pytest.approx(np.ones(len(POINTS)), abs=1e-6)


@pytest.mark.parametrize("recipe", [LINEAR, MLP])
def test_applying_is_what_was_trained(recipe: Recipe) -> None:
    weights = train(POINTS.vectors, POINTS.match, recipe)
    six = torch.nn.Linear(6, 6)
    layers = torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.ReLU(), torch.nn.Linear(12, 6))
    model = six if recipe.arch == "linear" else layers
    model.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})

    with torch.no_grad():
        expected = torch.nn.functional.normalize(model(torch.from_numpy(POINTS.vectors)), dim=1)

    assert apply(POINTS.vectors, weights) == pytest.approx(expected.numpy(), abs=1e-5)


@pytest.mark.parametrize("shapes", [{"weight": (64, 64)}, {"0.weight": (32, 64), "2.weight": (64, 32)}])
def test_an_item_comes_out_the_same_whatever_goes_through_with_it(shapes: dict[str, tuple[int, int]]) -> None:
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    weights |= {name.replace("weight", "bias"): w[:, 0] for name, w in weights.items()}
    vectors = unit(rng.normal(size=(101, 64)))

    together = apply(vectors, weights)

    assert apply(vectors[3:], weights).tobytes() == together[3:].tobytes()
    copies = apply(np.tile(vectors[:1], (9, 1)), weights)
    assert {row.tobytes() for row in copies} == {together[0].tobytes()}


def test_nothing_goes_through_an_adapter_as_nothing() -> None:
    weights = train(POINTS.vectors, POINTS.match, MLP)

    assert apply(POINTS.vectors[:0], weights).shape == (0, 6)


def test_names_of_configurations_in_a_grid_differ() -> None:
    grid = [
        replace(LINEAR, arch=arch, temperature=t, seed=s, balance_weight=b)  # type: ignore[arg-type]
        for arch in ("linear", "mlp")
        for t in (0.05, 0.1, 0.2)
        for s in (0, 1)
        for b in (0.0, 0.5)
    ]

    assert len({recipe.config_id for recipe in grid}) == len(grid)
    assert replace(LINEAR, arch="identity").config_id == "identity"


figures = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    """Identity somewhere among others; few distinct figures, so that ties are common."""
    others = [
        Candidate(f"c{i}", draw(figures), draw(figures), draw(figures))
        for i in range(draw(st.integers(0, 6)))
    ]
    others.insert(
        draw(st.integers(0, len(others))), Candidate("identity", draw(figures), draw(figures), draw(figures))
    )
    return others


@budget(max_examples=100, deadline=None)
@given(candidates())
def test_what_is_selected_is_the_best_on_validation_and_identity_wins_ties(given_: list[Candidate]) -> None:
    precision = {c.config_id: c.cross_modal_r_precision or 0.0 for c in given_}

    chosen = select(given_)

    assert precision[chosen] == max(precision.values())
    if precision["identity"] == max(precision.values()):
        assert chosen == "identity"


def test_identity_is_selected_where_nothing_could_be_judged() -> None:
    assert select([Candidate(name, None, None, None) for name in ("a", "identity", "b")]) == "identity"


@budget(max_examples=100, deadline=None)
@given(candidates())
def test_the_front_is_everything_that_nothing_beats_on_both_sides(given_: list[Candidate]) -> None:
    front = pareto_front(given_)

    for c in given_:
        if c.coherence is None or c.abs_bias is None:
            assert c.config_id not in front
            continue
        beaten = False
        for o in given_:
            if o.coherence is None or o.abs_bias is None:
                continue
            as_good = o.coherence >= c.coherence and o.abs_bias <= c.abs_bias
            better = o.coherence > c.coherence or o.abs_bias < c.abs_bias
            beaten = beaten or (as_good and better)
        assert (c.config_id in front) == (not beaten)


def test_two_configurations_with_the_same_figures_are_both_on_the_front() -> None:
    same = [Candidate("a", 0.5, 0.2, None), Candidate("b", 0.5, 0.2, None), Candidate("c", 0.4, 0.2, None)]

    assert pareto_front(same) == {"a", "b"}
