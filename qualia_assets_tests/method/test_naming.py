"""Words for clusters: what is frequent in one and rare in the others."""

import math

import numpy as np
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.naming import distinct_labels, exemplars, keywords, words

SEA = [["sea", "salt", "light"], ["sea", "wind", "light"], ["sea", "salt", "light", "light"]]
CITY = [["neon", "rain", "light"], ["neon", "light", "tram"], ["tram", "neon", "light"]]


def test_words_are_lower_case_and_without_function_words_numbers_and_crumbs() -> None:
    said = "The Sea's light, and an ox: 1948's neon-lit RAIN is of us"

    assert words(said) == ["sea", "light", "neon-lit", "rain"]


def test_words_of_other_alphabets_are_words() -> None:
    assert words("Café près de l'été, море") == ["café", "près", "l'été", "море"]


def test_keywords_are_the_terms_that_tell_most_of_a_cluster_from_all_items() -> None:
    cluster = [0, 0, 0, 1, 1, 1]
    terms = [*SEA, *CITY]

    chosen = keywords(terms, np.array(cluster))

    for c in (0, 1):
        members = [set(t) for t, its in zip(terms, cluster, strict=True) if its == c]
        part = {}
        for term in {t for m in members for t in m}:
            here = sum(term in m for m in members)
            share, overall = here / len(members), sum(term in t for t in terms) / len(terms)
            if here > 1 and share > overall:
                part[term] = share * math.log(share / overall)
        assert chosen[c] == sorted(part, key=lambda t: (-part[t], t))
    # Light is in every item of both, so it tells neither apart; wind and rain are in one item each.
    assert chosen == {0: ["sea", "salt"], 1: ["neon", "tram"]}


def test_a_word_of_a_single_item_is_no_keyword() -> None:
    assert "wind" not in keywords([*SEA, *CITY], np.array([0, 0, 0, 1, 1, 1]))[0]


def test_keywords_are_cut_to_the_most_telling() -> None:
    assert keywords([*SEA, *CITY], np.array([0, 0, 0, 1, 1, 1]), most=1) == {0: ["sea"], 1: ["neon"]}


def test_noise_has_no_keywords() -> None:
    assert keywords([*SEA, *CITY], np.array([-1] * 6)) == {}
    assert list(keywords([*SEA, *CITY], np.array([5, 5, 5, -1, -1, -1]))) == [5]


def test_a_label_is_what_a_cluster_feels_like_and_what_it_speaks_of() -> None:
    assert distinct_labels({0: ["calm", "tender"]}, {0: ["sea", "salt", "light"]}) == {0: "calm: sea, salt"}


def test_a_word_that_begins_like_one_before_it_is_left_out_of_the_label() -> None:
    said = ["painting", "painted", "paint", "boat", "river"]

    assert distinct_labels({0: ["calm"]}, {0: said}) == {0: "calm: painting, boat"}


def test_a_label_grows_where_another_cluster_has_it_already() -> None:
    labels = distinct_labels({0: ["calm"], 1: ["calm"]}, {0: ["sea", "salt"], 1: ["sea", "salt", "wind"]})

    assert labels == {0: "calm: sea, salt", 1: "calm: sea, salt, wind"}


def test_a_label_is_made_of_what_there_is() -> None:
    labels = distinct_labels({0: ["calm"], 1: [], 2: []}, {0: [], 1: ["sea"], 2: []})

    assert (labels[0], labels[1]) == ("calm", "sea")
    assert "2" in labels[2]


phrases = st.lists(st.sampled_from(["calm", "tender", "restless"]), max_size=2)
nouns = st.lists(st.sampled_from(["sea", "salt", "light", "wind", "rain"]), max_size=4)


@budget(max_examples=60, deadline=None)
@given(st.lists(st.tuples(phrases, nouns), max_size=8))
def test_every_cluster_has_a_label_and_no_two_the_same(candidates: list[tuple[list[str], list[str]]]) -> None:
    labels = distinct_labels(
        {c: felt for c, (felt, _) in enumerate(candidates)},
        {c: said for c, (_, said) in enumerate(candidates)},
    )

    assert sorted(labels) == list(range(len(candidates)))
    assert len(set(labels.values())) == len(labels)
    assert all(labels.values())


def test_exemplars_are_the_members_nearest_to_the_mean_of_their_cluster() -> None:
    degrees = np.radians([0, 10, 20, 90, 33, 180])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)

    # The mean of 0, 10, 20 and 33 degrees points to a little below 16.
    assert exemplars(vectors, np.array([0, 0, 0, 1, 0, -1]), most=3) == {0: [2, 1, 0], 1: [3]}


def test_of_identical_items_the_first_ones_are_the_exemplars() -> None:
    assert exemplars(np.ones((6, 4), dtype=np.float32) / 2, np.zeros(6, dtype=np.int64), most=3) == {
        0: [0, 1, 2]
    }
