"""Bootstrap intervals: whole matches are resampled."""

from statistics import fmean

import numpy as np
import pytest

from qualia_assets.method.intervals import bootstrap_weights, interval
from qualia_assets.method.metrics import mean_over_matches, ratio_of_sums


def test_every_draw_draws_as_many_matches_as_there_are() -> None:
    weights = bootstrap_weights(7, draws=500, seed=0)

    assert weights.shape == (500, 7)
    assert weights.sum(axis=1).tolist() == [7.0] * 500
    assert weights.mean(axis=0) == pytest.approx(np.ones(7), abs=0.15)


def test_the_interval_is_that_of_means_of_redrawn_matches() -> None:
    values = [0.1, 0.4, 0.4, 0.9, 0.2]

    low, high = interval(mean_over_matches(np.array(values)), 5, draws=200, seed=3)

    draws = bootstrap_weights(5, draws=200, seed=3).astype(int).tolist()
    means = [fmean(np.repeat(values, times).tolist()) for times in draws]
    assert (low, high) == pytest.approx(np.quantile(means, [0.025, 0.975]))


@pytest.mark.parametrize("units", [0, 1])
def test_fewer_than_two_matches_have_no_interval(units: int) -> None:
    assert interval(mean_over_matches(np.ones(units)), units, draws=100, seed=0) == (None, None)


def test_draws_without_a_value_are_dropped() -> None:
    # Where only the second match is drawn there is nothing to divide by.
    low, high = interval(ratio_of_sums(np.array([3.0, 5.0]), np.array([1.0, 0.0])), 2, draws=200, seed=0)

    assert [low, high] == pytest.approx([3.0, 8.0])
    assert interval(ratio_of_sums(np.ones(3), np.zeros(3)), 3, draws=50, seed=0) == (None, None)
