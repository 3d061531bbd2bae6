"""The words that all who ask a provider share: what an asking used, and why it came to nothing.

Belongs here: values and exceptions. Prices are in ``catalogue``, waiting in ``pace``, the budget in
``budget``, the loop around every provider in ``asking``. That a service is to be asked later, or that the
budget is spent, is said in the words of ``net``: ``Deferred``, ``BudgetSpent``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qualia_assets.errors import QualiaError
from qualia_assets.net.base import BudgetSpent, Deferred


@dataclass(frozen=True)
class Usage:
    """What some calls used, as the provider counts it."""

    requests: int = 0
    items: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    pixels: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.requests + other.requests,
            self.items + other.items,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.pixels + other.pixels,
        )


class ProviderError(QualiaError):
    """A provider gave nothing that can be used. Its message is one line for the user, and names no secret and
    nothing of what was asked about."""


class Poison(ProviderError):
    """This request as a whole was refused, or answered with what cannot be used, because of what is in it: a
    400, an answer that does not parse, too few results. Asked in smaller parts, all but one item may go well.
    """


class Fatal(ProviderError):
    """No request can go well: the key is wrong, the model unknown. The stage ends, what is done is kept."""


class Partly(ProviderError):
    """Some of a batch is answered now, the rest waits; ``why`` says for what.

    ``answers``: in the order of the batch, None for what waits.
    """

    def __init__(self, answers: Sequence[Any], why: Deferred | BudgetSpent) -> None:
        super().__init__(str(why))
        self.answers, self.why = answers, why


class TryAgain(ProviderError):
    """The same request may go well later: 429, 5xx, a timeout, a connection that broke.

    The message tells what happened as the end of a sentence ("it answered with status 529"). ``after``:
    seconds, where the provider said how long to wait.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after
