"""Bootstrap intervals over matches: a match is the unit that was sampled, not an item."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@lru_cache(maxsize=16)
def bootstrap_weights(units: int, draws: int, seed: int) -> Doubles:
    """How often each unit comes up in each draw with replacement, shape (draws, units)."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(units, np.full(units, 1 / units), size=draws).astype(np.float64)
    weights.setflags(write=False)
    return weights


def interval(
    statistic: Callable[[Doubles], Doubles], units: int, draws: int, seed: int
) -> tuple[float | None, float | None]:
    """The 95 % percentile interval of a statistic over matches (Efron 1979).

    Args:
        statistic: takes weights of shape (draws, units), gives one figure a draw; NaN where a draw
            has none, which is left out.
        units: how many matches there are; with fewer than two there is no interval.
        draws: resamples.
        seed: of the resampling.
    """
    if units < 2:
        return None, None
    with np.errstate(divide="ignore", invalid="ignore"):
        values = statistic(bootstrap_weights(units, draws, seed))
    values = values[np.isfinite(values)]
    if not len(values):
        return None, None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
