"""Keywords and labels for clusters: terms frequent in one and rare in the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.naming import distinct_labels, exemplars, keywords, words

SEA = [["sea", "salt", "light"], ["sea", "wind", "light"], ["sea", "salt", "light", "light"]]
CITY = [["neon", "rain", "light"], ["neon", "light", "tram"], ["tram", "neon", "light"]]


def test_words_are_lower_case_and_without_function_words_numbers_and_crumbs() -> None:
    said = "The Sea's light, and an ox: 1948's neon-lit RAIN is of us"

    assert words(said) == ["sea", "light", "neon-lit", "rain"]
    assert words("Café près de l'été, море") == ["café", "près", "l'été", "море"]


def test_keywords_are_the_terms_that_tell_most_of_a_cluster_from_all_items() -> None:
    # Sea and neon are in three of three, salt and tram in two of three, and all in half as many of both.
    # Light is in every item of both, so it tells neither apart; wind and rain are in one item each.
    cluster = np.array([0, 0, 0, 1, 1, 1])

    assert keywords([*SEA, *CITY], cluster) == {0: ["sea", "salt"], 1: ["neon", "tram"]}
    assert keywords([*SEA, *CITY], cluster, most=1) == {0: ["sea"], 1: ["neon"]}


def test_noise_has_no_keywords() -> None:
    assert keywords([*SEA, *CITY], np.array([-1] * 6)) == {}
    assert list(keywords([*SEA, *CITY], np.array([5, 5, 5, -1, -1, -1]))) == [5]


@pytest.mark.parametrize(
    ("phrases", "keywords", "labels"),
    [
        ({0: ["calm", "tender"]}, {0: ["sea", "salt", "light"]}, {0: "calm: sea, salt"}),
        # Words that begin like an earlier one are left out.
        ({0: ["calm"]}, {0: ["painting", "painted", "paint", "boat"]}, {0: "calm: painting, boat"}),
        # A label grows where another cluster has it already.
        (
            {0: ["calm"], 1: ["calm"]},
            {0: ["sea", "salt"], 1: ["sea", "salt", "wind"]},
            {0: "calm: sea, salt", 1: "calm: sea, salt, wind"},
        ),
        # It is made of what there is, and the number tells apart what nothing else does.
        ({0: ["calm"], 1: [], 2: []}, {0: [], 1: ["sea"], 2: []}, {0: "calm", 1: "sea", 2: "2"}),
    ],
)
def test_a_label_is_a_phrase_and_as_many_keywords_as_make_it_distinct(
    phrases: dict[int, list[str]], keywords: dict[int, list[str]], labels: dict[int, str]
) -> None:
    assert distinct_labels(phrases, keywords) == labels


phrases = st.lists(st.sampled_from(["calm", "tender", "restless"]), max_size=2)
nouns = st.lists(st.sampled_from(["sea", "salt", "light", "wind", "rain"]), max_size=4)


@budget(max_examples=30, deadline=None)
@given(st.lists(st.tuples(phrases, nouns), max_size=8))
def test_every_cluster_has_a_label_and_no_two_the_same(candidates: list[tuple[list[str], list[str]]]) -> None:
    labels = distinct_labels(*({c: pair[side] for c, pair in enumerate(candidates)} for side in (0, 1)))

    assert sorted(labels) == list(range(len(candidates)))
    assert len(set(labels.values()) - {""}) == len(labels)


def test_exemplars_are_the_members_nearest_to_the_mean_of_their_cluster() -> None:
    degrees = np.radians([0, 10, 20, 90, 33, 180])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)

    # The mean of 0, 10, 20 and 33 degrees points to a little below 16.
    assert exemplars(vectors, np.array([0, 0, 0, 1, 0, -1]), most=3) == {0: [2, 1, 0], 1: [3]}
    # Of identical items the first ones.
    same = np.ones((6, 4), dtype=np.float32) / 2
    assert exemplars(same, np.zeros(6, dtype=np.int64), most=3) == {0: [0, 1, 2]}
