"""Bootstrap intervals: whole matches are drawn, and their agreement is what the width says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.intervals import bootstrap_weights, interval
from qualia_assets.method.metrics import mean_over_matches, ratio_of_sums

values = st.lists(st.floats(-10, 10), min_size=2, max_size=12)


def test_every_draw_draws_as_many_matches_as_there_are() -> None:
    weights = bootstrap_weights(7, draws=500, seed=0)

    assert weights.shape == (500, 7)
    assert weights.sum(axis=1).tolist() == [7.0] * 500
    assert weights.mean(axis=0) == pytest.approx(np.ones(7), abs=0.15)


def test_the_interval_is_that_of_means_of_redrawn_matches() -> None:
    figures = [0.1, 0.4, 0.4, 0.9, 0.2]

    low, high = interval(mean_over_matches(np.array(figures)), 5, draws=200, seed=3)

    means = []
    for times in bootstrap_weights(5, draws=200, seed=3):
        redrawn = [figure for figure, t in zip(figures, times, strict=True) for _ in range(int(t))]
        means.append(sum(redrawn) / len(redrawn))
    assert [low, high] == pytest.approx([np.quantile(means, 0.025), np.quantile(means, 0.975)])


@budget(max_examples=60, deadline=None)
@given(values)
def test_the_interval_of_a_mean_holds_the_mean_and_lies_among_the_values(figures: list[float]) -> None:
    low, high = interval(mean_over_matches(np.array(figures)), len(figures), draws=300, seed=0)

    assert low is not None
    assert high is not None
    assert min(figures) - 1e-9 <= low <= sum(figures) / len(figures) + 1e-9
    assert sum(figures) / len(figures) - 1e-9 <= high <= max(figures) + 1e-9


@budget(max_examples=40, deadline=None)
@given(values, st.floats(0.0, 0.9))
def test_the_interval_narrows_as_the_matches_agree(figures: list[float], closer: float) -> None:
    middle = sum(figures) / len(figures)
    agreeing = [middle + closer * (figure - middle) for figure in figures]

    wide = interval(mean_over_matches(np.array(figures)), len(figures), draws=100, seed=0)
    narrow = interval(mean_over_matches(np.array(agreeing)), len(figures), draws=100, seed=0)

    assert narrow[1] - narrow[0] == pytest.approx(closer * (wide[1] - wide[0]), abs=1e-9)  # type: ignore[operator]


def test_matches_in_full_agreement_leave_no_width() -> None:
    assert interval(mean_over_matches(np.full(6, 0.25)), 6, draws=100, seed=0) == pytest.approx((0.25, 0.25))


def test_more_matches_make_a_narrower_interval() -> None:
    widths = []
    for times in (1, 4, 16):
        figures = np.array([0.0, 0.2, 0.5, 1.0] * times)
        low, high = interval(mean_over_matches(figures), len(figures), draws=1000, seed=0)
        widths.append(high - low)  # type: ignore[operator]

    # Four times as many: half as wide.
    assert widths == sorted(widths, reverse=True)
    assert widths[0] / widths[2] == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize("units", [0, 1])
def test_fewer_than_two_matches_have_no_interval(units: int) -> None:
    assert interval(mean_over_matches(np.ones(units)), units, draws=100, seed=0) == (None, None)


def test_draws_without_a_figure_are_left_out() -> None:
    # Where only the second match is drawn there is nothing to divide by.
    statistic = ratio_of_sums(np.array([3.0, 5.0]), np.array([1.0, 0.0]))

    low, high = interval(statistic, 2, draws=200, seed=0)

    assert [low, high] == pytest.approx([3.0, 8.0])


def test_no_draw_with_a_figure_is_no_interval() -> None:
    assert interval(ratio_of_sums(np.ones(3), np.zeros(3)), 3, draws=50, seed=0) == (None, None)
