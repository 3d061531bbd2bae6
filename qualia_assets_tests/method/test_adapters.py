"""Adapters: what applying one gives, and which of several is chosen."""

import math
from dataclasses import replace
from itertools import combinations

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
    looks_up,
    member,
    pareto_front,
    select,
)
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.smoothing import same_modality_smoothing, smooth_towards
from qualia_assets_tests.method.by_loops import dot, felt_points

POINTS = felt_points(0, [(8, 8)] * 4)
WORDS = unit(np.random.default_rng(1).normal(size=(30, 6)))


def random(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def number(value: float) -> Floats:
    return np.array([value], dtype=np.float32)


CENTRES: Weights = {"centre.text": random(6) / 4, "centre.image": random(6, seed=1) / 4}
LEXICON: Weights = {"lexicon.k": number(5), "lexicon.share": number(0.4)}
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


def test_identity_changes_nothing() -> None:
    assert apply(POINTS.vectors, POINTS.modality, {}).tobytes() == POINTS.vectors.tobytes()


def test_centring_takes_the_middle_of_its_modality_off_each_item() -> None:
    out = apply(POINTS.vectors, POINTS.modality, CENTRES)

    for z, m, came in zip(POINTS.vectors.tolist(), POINTS.modality.tolist(), out, strict=True):
        moved = [a - b for a, b in zip(z, CENTRES[f"centre.{m}"].tolist(), strict=True)]
        length = math.sqrt(sum(a * a for a in moved))
        assert came.tolist() == pytest.approx([a / length for a in moved], abs=1e-6)


def test_a_modality_without_a_middle_stays_where_it_is() -> None:
    only_images = {"centre.image": CENTRES["centre.image"]}

    out = apply(POINTS.vectors, POINTS.modality, only_images)

    texts = POINTS.modality == "text"
    assert out[texts].tobytes() == POINTS.vectors[texts].tobytes()
    assert out[~texts].tolist() == apply(POINTS.vectors, POINTS.modality, CENTRES)[~texts].tolist()


def test_an_item_that_is_the_middle_itself_stays_where_it_is() -> None:
    same = np.tile(POINTS.vectors[:1], (9, 1))
    kinds = np.array(["text", "text", "image"] * 3)

    for weights in ({"centre.text": same[0], "centre.image": same[0] * np.float32(1 + 1e-7)}, SMOOTHING):
        out = apply(same, kinds, weights)
        assert out == pytest.approx(same, abs=1e-6)


def towards(z: Floats, bank: Floats, k: int, share: float) -> list[float]:
    """(1 - share) z + share unit(sum of the k nearest by their cosines), scaled to length 1; in loops."""
    cosine = sorted(((dot(z, b), i) for i, b in enumerate(bank)), reverse=True)[:k]
    pull = [sum(max(c, 0) * float(bank[i][d]) for c, i in cosine) for d in range(len(z))]
    length = math.sqrt(sum(p * p for p in pull))
    moved = [(1 - share) * float(a) + share * p / length for a, p in zip(z, pull, strict=True)]
    length = math.sqrt(sum(a * a for a in moved))
    return [a / length for a in moved]


def test_the_lexicon_draws_each_item_towards_its_nearest_words() -> None:
    out = apply(POINTS.vectors, POINTS.modality, LEXICON, WORDS)

    for z, came in zip(POINTS.vectors, out, strict=True):
        assert came.tolist() == pytest.approx(towards(z, WORDS, 5, 0.4), abs=1e-6)


def test_the_memory_draws_each_item_towards_what_is_held_of_the_other_modality() -> None:
    out = apply(POINTS.vectors, POINTS.modality, MEMORY)

    for z, m, came in zip(POINTS.vectors, POINTS.modality, out, strict=True):
        held = MEMORY["memory.of.image" if m == "text" else "memory.of.text"]
        assert came.tolist() == pytest.approx(towards(z, held, 3, 0.3), abs=1e-6)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("weights", [LINEAR, MLP])
def test_a_map_is_its_layers_and_a_residual_one_adds_them_to_the_item(
    weights: Weights, residual: bool
) -> None:
    out = apply(
        POINTS.vectors, POINTS.modality, {**weights, **({"map.residual": number(1)} if residual else {})}
    )

    def layer(name: str, x: list[float]) -> list[float]:
        rows, bias = weights[f"{name}.weight"].tolist(), weights[f"{name}.bias"].tolist()
        return [
            sum(w * a for w, a in zip(row, x, strict=True)) + b for row, b in zip(rows, bias, strict=True)
        ]

    for z, came in zip(POINTS.vectors.tolist(), out, strict=True):
        if "map.weight" in weights:
            moved = layer("map", z)
        else:
            moved = layer("map.2", [max(a, 0.0) for a in layer("map.0", z)])
        if residual:
            moved = [a + b for a, b in zip(z, moved, strict=True)]
        length = math.sqrt(sum(a * a for a in moved))
        assert came.tolist() == pytest.approx([a / length for a in moved], abs=1e-6)


def test_smoothing_draws_items_towards_their_own_kind_and_centres_each_kind_again() -> None:
    once = {**SMOOTHING, "smoothing.passes": number(1)}

    out = apply(POINTS.vectors, POINTS.modality, once)

    for m in ("text", "image"):
        mine = np.flatnonzero(POINTS.modality == m)
        drawn = np.array([towards(POINTS.vectors[i], POINTS.vectors[mine[mine != i]], 4, 0.5) for i in mine])
        middle = drawn.mean(axis=0)
        for position, i in enumerate(mine):
            moved = drawn[position] - middle
            assert out[i].tolist() == pytest.approx((moved / np.linalg.norm(moved)).tolist(), abs=1e-5)


def test_steps_are_taken_in_the_order_centring_lexicon_memory_map_smoothing() -> None:
    steps: list[Weights] = [CENTRES, LEXICON, MEMORY, MLP, SMOOTHING]

    for chosen in combinations(steps, 3):
        one_by_one = POINTS.vectors
        for step in chosen:
            one_by_one = apply(one_by_one, POINTS.modality, step, WORDS)
        at_once = apply(POINTS.vectors, POINTS.modality, {k: v for s in chosen for k, v in s.items()}, WORDS)
        assert at_once.tolist() == one_by_one.tolist()


@pytest.mark.parametrize("weights", [CENTRES, LEXICON, MEMORY, LINEAR, MLP, SMOOTHING])
def test_what_an_adapter_gives_has_unit_length(weights: Weights) -> None:
    adapted = apply(POINTS.vectors, POINTS.modality, weights, WORDS)

    assert adapted.dtype == np.float32
    assert np.linalg.norm(adapted, axis=1) == pytest.approx(np.ones(len(POINTS)), abs=1e-6)


@pytest.mark.parametrize("weights", [CENTRES, LEXICON, MEMORY, LINEAR, MLP, SMOOTHING])
def test_nothing_goes_through_an_adapter_as_nothing(weights: Weights) -> None:
    assert apply(POINTS.vectors[:0], POINTS.modality[:0], weights, WORDS).shape == (0, 6)


@pytest.mark.parametrize("shapes", [{"map": (64, 64)}, {"map.0": (32, 64), "map.2": (64, 32)}])
def test_an_item_comes_out_of_a_map_the_same_whatever_goes_through_with_it(
    shapes: dict[str, tuple[int, int]],
) -> None:
    weights = {f"{name}.weight": random(*shape) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": random(shape[0], seed=1) for name, shape in shapes.items()}
    vectors, kinds = unit(random(101, 64, seed=2)), np.array(["text"] * 101)

    together = apply(vectors, kinds, weights)

    assert apply(vectors[3:], kinds[3:], weights).tobytes() == together[3:].tobytes()
    copies = apply(np.tile(vectors[:1], (9, 1)), kinds[:9], weights)
    assert {row.tobytes() for row in copies} == {together[0].tobytes()}


MEMBERS = [CENTRES, LEXICON, LINEAR, MLP, {**CENTRES, **MEMORY}]


@budget(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, len(MEMBERS) - 1), min_size=1, max_size=12))
def test_a_cosine_of_an_ensemble_is_the_mean_of_its_members_cosines(chosen: list[int]) -> None:
    members = [MEMBERS[i] for i in chosen]

    z = apply(POINTS.vectors, POINTS.modality, ensemble(*members), WORDS)

    apart = [apply(POINTS.vectors, POINTS.modality, m, WORDS) for m in members]
    for i, j in ((0, 1), (2, 30), (5, 17), (9, 9)):
        cosines = [dot(each[i], each[j]) for each in apart]
        assert dot(z[i], z[j]) == pytest.approx(sum(cosines) / len(cosines), abs=1e-5)


def test_a_member_comes_back_out_of_its_ensemble() -> None:
    both = ensemble(LINEAR, MLP)

    assert member(both, "0").keys() == LINEAR.keys()
    assert {n: w.tobytes() for n, w in member(both, "1").items()} == {n: w.tobytes() for n, w in MLP.items()}


def test_an_adapter_looks_words_up_if_any_member_does() -> None:
    assert looks_up(LEXICON)
    assert looks_up(ensemble(LINEAR, LEXICON))
    assert not looks_up(ensemble(LINEAR, MEMORY))


def test_names_of_configurations_in_a_grid_differ() -> None:
    grid = [
        Recipe(arch=arch, temperature=t, seed=s, balance_weight=b, balance_term=term)  # type: ignore[arg-type]
        for arch in ("linear", "mlp")
        for t in (0.05, 0.1, 0.2)
        for s in (0, 1)
        for b, term in ((0.0, "ratio"), (0.1, "ratio"), (3.0, "ratio"), (0.1, "share"), (3.0, "share"))
    ]

    assert len({recipe.config_id for recipe in grid}) == len(grid)


def test_without_a_weight_it_does_not_matter_which_term_is_not_weighed() -> None:
    ratio = Recipe(balance_weight=0.0, balance_term="ratio")

    assert replace(ratio, balance_term="share").config_id == ratio.config_id


def test_what_is_not_the_papers_goes_by_its_own_name() -> None:
    assert IDENTITY.config_id == "identity"
    assert Recipe(recipe="distilled", arch="lookup").config_id == "distilled"


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


tenths = st.integers(0, 10)


@budget(max_examples=100, deadline=None)
@given(st.lists(st.tuples(tenths, st.integers(0, 15)), min_size=1, max_size=8), tenths)
def test_the_hypervolume_is_the_number_of_squares_that_something_dominates(
    corners: list[tuple[int, int]], worst: int
) -> None:
    judged = [Candidate(str(i), c / 10, b / 10, None) for i, (c, b) in enumerate(corners)]

    area = hypervolume(judged, worst / 10)

    # Squares of a tenth by a tenth between coherence 0 and 1 and bias 0 and the worst.
    squares = sum(any(c > i and b <= j for c, b in corners) for i in range(10) for j in range(worst))
    assert area == pytest.approx(squares / 100)


def test_there_is_no_hypervolume_where_nothing_was_judged() -> None:
    assert (
        hypervolume([Candidate("identity", None, None, None), Candidate("a", 0.4, None, None)], 1.0) is None
    )


APART: dict[str, Weights] = {
    "identity": {},
    "centring": CENTRES,
    "lexicon": {**CENTRES, **LEXICON},
    "memory": {**CENTRES, **MEMORY},
    "linear": {**CENTRES, **LINEAR},
    "mlp": {**CENTRES, **LEXICON, **MEMORY, **MLP},
    "ensemble": ensemble({**CENTRES, **LEXICON}, {**CENTRES, **MEMORY}, {**CENTRES, **LINEAR}),
}


@pytest.mark.parametrize("name", APART)
def test_one_item_more_comes_out_as_among_the_others(name: str) -> None:
    among = apply(POINTS.vectors, POINTS.modality, APART[name], WORDS)
    one = QueryAdapter(POINTS.vectors[:10], POINTS.modality[:10], APART[name], WORDS)

    for i in range(10, len(POINTS)):
        assert one(POINTS.vectors[i], str(POINTS.modality[i])) == pytest.approx(among[i], abs=1e-6)


def test_one_item_more_is_smoothed_towards_the_others_of_its_modality_and_centred_with_them() -> None:
    weights = {**CENTRES, **LEXICON, **SMOOTHING}
    one = QueryAdapter(POINTS.vectors, POINTS.modality, weights, WORDS)
    for m in ("text", "image"):
        mine = POINTS.modality == m
        question = unit(random(1, 6, seed=8))
        both = np.concatenate([POINTS.vectors[mine], question])
        before = apply(both, np.full(len(both), m), {**CENTRES, **LEXICON}, WORDS)
        items, z = before[:-1], before[-1:]
        for _ in range(2):
            z = smooth_towards(z, items, 4, 0.5)
            items = same_modality_smoothing(items, np.full(len(items), m), 4, 0.5, 1)

        expected = unit(z - items.mean(axis=0))[0]
        assert one(question[0], m) == pytest.approx(expected, abs=1e-5)


def test_one_item_more_of_a_modality_that_has_no_others_is_not_moved_by_smoothing() -> None:
    texts = POINTS.modality == "text"
    one = QueryAdapter(POINTS.vectors[texts], POINTS.modality[texts], {**CENTRES, **SMOOTHING})
    alone = apply(POINTS.vectors[:1], np.array(["image"]), CENTRES)[0]

    assert one(POINTS.vectors[0], "image") == pytest.approx(alone, abs=1e-6)


def test_one_item_more_sees_a_memory_of_the_other_modality_alone() -> None:
    one = QueryAdapter(POINTS.vectors, POINTS.modality, {**MEMORY, "memory.share": number(1)})
    near = MEMORY["memory.of.image"][0]

    for modality, other in (("text", "image"), ("image", "text")):
        expected = smooth_towards(near[None], MEMORY[f"memory.of.{other}"], 3, 1.0)[0]
        assert one(near, modality) == pytest.approx(expected, abs=1e-6)
