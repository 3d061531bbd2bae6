"""Numbers as people read them: digits, signs, intervals and plurals.

Pages use the typographic minus; ``plain`` and ``brackets`` are for terminals and Markdown.
"""

import math

MISSING = "–"


def number(value: float | None, digits: int = 3) -> str:
    return MISSING if value is None else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def ratio(value: float | None) -> str:
    """A ratio, with decimals below 100 only."""
    return number(value, 2 if value is None or value < 100 else 0)


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    return "" if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"


def signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}".replace("-", "−")


def percent(value: float) -> str:
    return f"{value:.0%}".replace("%", " %")


def plural(n: int, one: str, many: str = "") -> str:
    """A count and its noun; ``many`` is the plural where that is not ``one`` with an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def plain(value: float | None, digits: int = 3) -> str:
    return MISSING if is_missing(value) else f"{value:.{digits}f}"


def brackets(low: float | None, high: float | None, form: str) -> str:
    """An interval in brackets after a space, each end in the format ``form``; empty where there is none."""
    return "" if is_missing(low) else f" [{low:{form}}, {high:{form}}]"


def is_missing(value: float | None) -> bool:
    """Whether there is no value; pandas has NaN for None."""
    return value is None or math.isnan(value)
