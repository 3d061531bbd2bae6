"""Adapters: what applying one gives, to items and to queries, and which of several is selected."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.adapters import (
    IDENTITY,
    Candidate,
    QueryAdapter,
    Recipe,
    Weights,
    apply,
    ensemble,
    hypervolume,
    lexicon_words,
    pareto_front,
    select,
)
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.smoothing import same_modality_smoothing, smooth_towards
from qualia_assets_tests.method.by_loops import KINDS, felt_points, scaled, step_towards

POINTS = felt_points(0, [(8, 8)] * 4)
TEXTS = POINTS.modality == "text"
WORDS = unit(np.random.default_rng(1).normal(size=(30, 6)))


def random(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def number(value: float) -> Floats:
    return np.array([value], dtype=np.float32)


CENTRES: Weights = {"centre.text": random(6) / 4, "centre.image": random(6, seed=1) / 4}
LEXICON: Weights = {"lexicon.k": number(5), "lexicon.share": number(0.4), "lexicon.words": number(40)}
MEMORY: Weights = {
    "memory.of.text": unit(random(12, 6, seed=2)),
    "memory.of.image": unit(random(9, 6, seed=3)),
    "memory.k": number(3),
    "memory.share": number(0.3),
}
LINEAR: Weights = {"map.weight": random(6, 6), "map.bias": random(6, seed=4)}
MLP: Weights = {
    "map.0.weight": random(12, 6),
    "map.0.bias": random(12, seed=5),
    "map.2.weight": random(6, 12, seed=6),
    "map.2.bias": random(6, seed=7),
}
SMOOTHING: Weights = {"smoothing.k": number(4), "smoothing.share": number(0.5), "smoothing.passes": number(2)}
STEPS = {"centring": CENTRES, "lexicon": LEXICON, "memory": MEMORY, "linear": LINEAR, "mlp": MLP}


def applied(weights: Weights) -> Floats:
    return apply(POINTS.vectors, POINTS.modality, weights, WORDS)


def one_step(name: str, z: Floats, m: str, residual: bool) -> list[float]:
    """What one step makes of an item, by its formula."""
    if name == "centring":
        return scaled(z - CENTRES[f"centre.{m}"])
    if name == "lexicon":
        return step_towards(z, WORDS, 5, 0.4)
    if name == "memory":
        return step_towards(z, MEMORY["memory.of.image" if m == "text" else "memory.of.text"], 3, 0.3)
    x, w = z.astype(np.float64), STEPS[name]
    if name == "linear":
        out = w["map.weight"] @ x + w["map.bias"]
    else:
        out = w["map.2.weight"] @ np.maximum(w["map.0.weight"] @ x + w["map.0.bias"], 0) + w["map.2.bias"]
    return scaled(x + out if residual else out)


@pytest.mark.parametrize(
    ("name", "residual"), [*((name, False) for name in STEPS), ("linear", True), ("mlp", True)]
)
def test_a_step_is_its_formula(name: str, residual: bool) -> None:
    out = applied({**STEPS[name], **({"map.residual": number(1)} if residual else {})})

    assert out.dtype == np.float32
    assert apply(POINTS.vectors[:0], POINTS.modality[:0], STEPS[name], WORDS).shape == (0, 6)
    for z, m, result in zip(POINTS.vectors, POINTS.modality.tolist(), out, strict=True):
        assert result.tolist() == pytest.approx(one_step(name, z, m, residual), abs=1e-6)


def test_smoothing_moves_items_towards_their_own_modality_and_centres_it_again() -> None:
    moved = same_modality_smoothing(POINTS.vectors, POINTS.modality, 4, 0.5, 2)

    out = applied(SMOOTHING)

    for mine in (TEXTS, ~TEXTS):
        assert out[mine] == pytest.approx(unit(moved[mine] - moved[mine].mean(axis=0)), abs=1e-6)


def test_a_modality_without_a_centre_is_unchanged() -> None:
    out = applied({"centre.image": CENTRES["centre.image"]})

    assert out[TEXTS].tobytes() == POINTS.vectors[TEXTS].tobytes()
    assert out[~TEXTS].tolist() == applied(CENTRES)[~TEXTS].tolist()


@pytest.mark.parametrize("smooth", [False, True])
def test_an_item_equal_to_the_mean_is_unchanged(smooth: bool) -> None:
    same = np.tile(POINTS.vectors[:1], (9, 1))
    centres = {"centre.text": same[0], "centre.image": same[0] * np.float32(1 + 1e-7)}

    out = apply(same, np.array(["text", "text", "image"] * 3), SMOOTHING if smooth else centres)

    assert out == pytest.approx(same, abs=1e-6)


def test_steps_are_taken_in_the_order_centring_lexicon_memory_map_smoothing() -> None:
    for chosen in combinations([CENTRES, LEXICON, MEMORY, MLP, SMOOTHING], 3):
        one_by_one = POINTS.vectors
        for step in chosen:
            one_by_one = apply(one_by_one, POINTS.modality, step, WORDS)
        assert applied({k: v for s in chosen for k, v in s.items()}).tolist() == one_by_one.tolist()


@pytest.mark.parametrize("shapes", [{"map": (64, 64)}, {"map.0": (32, 64), "map.2": (64, 32)}])
def test_the_result_of_a_map_does_not_depend_on_the_other_items(shapes: dict[str, tuple[int, int]]) -> None:
    weights = {f"{name}.weight": random(*shape) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": random(shape[0], seed=1) for name, shape in shapes.items()}
    vectors, kinds = unit(random(101, 64, seed=2)), np.array(["text"] * 101)

    together = apply(vectors, kinds, weights)

    # Float64 sums may differ in their last digits, which float32 drops but for a rare tie in rounding.
    assert (apply(vectors[3:], kinds[3:], weights) == together[3:]).mean() > 0.999
    assert (apply(vectors[[0] * 9], kinds[:9], weights) == together[0]).mean() > 0.99


MEMBERS = [CENTRES, LEXICON, LINEAR, MLP, {**CENTRES, **MEMORY}]


# Twelve members: their names do not sort as numbers do.
@pytest.mark.parametrize("chosen", [[0], [1, 4], [2, 2, 3], [*range(5), *range(5), 1, 2]])
def test_a_cosine_of_an_ensemble_is_the_mean_of_its_members_cosines(chosen: list[int]) -> None:
    members = [MEMBERS[i] for i in chosen]

    z = applied(ensemble(*members))

    assert z @ z.T == pytest.approx(np.mean([x @ x.T for x in map(applied, members)], axis=0), abs=1e-5)


def test_an_adapter_uses_the_lexicon_if_any_member_does() -> None:
    assert lexicon_words(LEXICON) == lexicon_words(ensemble(LINEAR, LEXICON)) == 40
    assert lexicon_words(ensemble(LINEAR, MEMORY)) == 0
    earlier = {name: value for name, value in LEXICON.items() if name != "lexicon.words"}
    assert lexicon_words(earlier) > 20_362, "all words, where the number is not recorded"


def test_names_of_configurations_in_a_grid_differ() -> None:
    names = {
        Recipe(arch=arch, temperature=t, seed=seed, balance_weight=weight, balance_term=term).config_id
        for arch, t, seed in product(("linear", "mlp"), (0.05, 0.1, 0.2), (0, 1))
        for weight, term in product((0.0, 0.1, 3.0), ("ratio", "share"))
    }

    # Without a weight the balance term does not matter.
    assert len(names) == 2 * 3 * 2 * (1 + 2 * 2)
    assert [IDENTITY.config_id, Recipe(recipe="distilled").config_id] == ["identity", "distilled"]


figures = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    """Identity somewhere among others; few distinct values, so that ties are common."""
    names = draw(st.permutations(["identity", *(f"c{i}" for i in range(draw(st.integers(0, 6))))]))
    return [Candidate(name, draw(figures), draw(figures), draw(figures)) for name in names]


@budget(max_examples=40, deadline=None)
@given(candidates())
def test_the_best_on_validation_is_selected_and_identity_wins_ties(given_: list[Candidate]) -> None:
    precision = {c.config_id: c.cross_modal_r_precision or 0.0 for c in given_}

    chosen = select(given_)

    assert precision[chosen] == max(precision.values())
    if precision["identity"] == max(precision.values()):
        assert chosen == "identity"


@budget(max_examples=40, deadline=None)
@given(candidates())
def test_the_front_is_every_evaluated_configuration_that_none_dominates(given_: list[Candidate]) -> None:
    evaluated = [c for c in given_ if c.coherence is not None and c.abs_bias is not None]

    def dominated(c: Candidate) -> bool:
        as_good = [o for o in evaluated if o.coherence >= c.coherence and o.abs_bias <= c.abs_bias]
        return any(o.coherence > c.coherence or o.abs_bias < c.abs_bias for o in as_good)

    assert pareto_front(given_) == {c.config_id for c in evaluated if not dominated(c)}


tenths = st.integers(0, 10)


@budget(max_examples=50, deadline=None)
@given(st.lists(st.tuples(tenths, st.integers(0, 15)), min_size=1, max_size=8), tenths)
def test_the_hypervolume_is_the_number_of_squares_that_something_dominates(
    corners: list[tuple[int, int]], worst: int
) -> None:
    area = hypervolume([Candidate("", c / 10, b / 10, None) for c, b in corners], worst / 10)

    # Squares of a tenth by a tenth between coherence 0 and 1 and bias 0 and the worst.
    squares = sum(any(c > i and b <= j for c, b in corners) for i in range(10) for j in range(worst))
    assert area == pytest.approx(squares / 100)


def test_there_is_no_hypervolume_where_nothing_was_evaluated() -> None:
    assert hypervolume([Candidate("a", 0.4, None, None), Candidate("b", None, 0.1, None)], 1.0) is None


APART: dict[str, Weights] = {
    "identity": {},
    "centring": CENTRES,
    "lexicon": {**CENTRES, **LEXICON},
    "memory": {**CENTRES, **MEMORY},
    "mlp": {**CENTRES, **LEXICON, **MEMORY, **MLP},
    "ensemble": ensemble({**CENTRES, **LEXICON}, {**CENTRES, **MEMORY}, {**CENTRES, **LINEAR}),
}


@pytest.mark.parametrize("weights", APART.values(), ids=APART)
def test_a_query_comes_out_like_an_item_among_the_others(weights: Weights) -> None:
    among = applied(weights)
    adapter = QueryAdapter(POINTS.vectors[:10], POINTS.modality[:10], weights, WORDS)

    for i in range(10, len(POINTS)):
        assert adapter(POINTS.vectors[i], str(POINTS.modality[i])) == pytest.approx(among[i], abs=1e-6)


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("m", KINDS)
def test_a_query_is_smoothed_towards_the_items_of_its_modality_and_centred_with_them(
    m: str, prepared: bool
) -> None:
    before: Weights = {**CENTRES, **LEXICON}
    # An ensemble of one: what is prepared are its members.
    adapter = QueryAdapter(POINTS.vectors, POINTS.modality, ensemble({**before, **SMOOTHING}), WORDS)
    if prepared:
        adapter.prepare(m)
    query = unit(random(1, 6, seed=8))
    both = np.concatenate([POINTS.vectors[POINTS.modality == m], query])
    kinds = np.full(len(both), m)
    *items, z = apply(both, kinds, before, WORDS)
    for _ in range(2):
        z = smooth_towards(z[None], np.array(items), 4, 0.5)[0]
        items = same_modality_smoothing(np.array(items), kinds[1:], 4, 0.5, 1)

    assert adapter(query[0], m) == pytest.approx(unit(z[None] - items.mean(axis=0))[0], abs=1e-5)


def test_a_query_of_a_modality_without_items_is_not_smoothed() -> None:
    adapter = QueryAdapter(POINTS.vectors[TEXTS], POINTS.modality[TEXTS], {**CENTRES, **SMOOTHING})
    alone = apply(POINTS.vectors[:1], np.array(["image"]), CENTRES)[0]

    assert adapter(POINTS.vectors[0], "image") == pytest.approx(alone, abs=1e-6)


def test_beside_a_single_item_a_query_is_smoothed_and_not_centred() -> None:
    adapter = QueryAdapter(POINTS.vectors[:1], POINTS.modality[:1], SMOOTHING)
    query = POINTS.vectors[1]
    expected = query[None]
    for _ in range(2):
        expected = smooth_towards(expected, POINTS.vectors[:1], 4, 0.5)

    assert adapter(query, str(POINTS.modality[0])) == pytest.approx(expected[0], abs=1e-6)
