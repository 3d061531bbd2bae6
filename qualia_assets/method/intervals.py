"""Bootstrap intervals over matches: the resampled unit is a match, not an item."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@lru_cache(maxsize=16)
def bootstrap_weights(units: int, draws: int, seed: int) -> Doubles:
    """Draw units with replacement and count how often each comes up, shape (draws, units)."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(units, np.full(units, 1 / units), size=draws).astype(np.float64)
    weights.setflags(write=False)
    return weights


def interval(
    statistic: Callable[[Doubles], Doubles], units: int, draws: int, seed: int
) -> tuple[float | None, float | None]:
    """Compute the 95 % percentile bootstrap interval of a statistic over matches (Efron 1979).

    Args:
        statistic: maps weights, shape (draws, units), to one value per draw; draws that give NaN are dropped.
        units: the number of matches.
        draws: resamples.
        seed: of the resampling.

    Returns:
        The lower and upper bound, None for both with fewer than two matches or where no draw gives a value.
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
