"""Why a request to a provider failed.

Belongs here: exceptions. Prices are in ``catalogue``, rate limits and retries in ``pace``, the budget in
``budget``, the loop around every provider in ``requests``. Two more reasons are those of ``net.base``: the
service wants to be asked later (``Deferred``), the budget is spent (``BudgetSpent``).
"""

from collections.abc import Sequence
from typing import Any

from qualia_assets.errors import QualiaError
from qualia_assets.net.base import BudgetSpent, Deferred


class ProviderError(QualiaError):
    """A provider returned nothing usable. The message is one line for the user, without secrets and without
    anything from the items."""


class RejectedInput(ProviderError):
    """The whole request was refused, or its answer is unusable, because of its content: a 400, an answer that
    does not parse, too few results. Split into smaller requests, all but one item may succeed."""


class FatalError(ProviderError):
    """No request can succeed: wrong key, unknown model. The stage ends; finished answers are kept."""


class PartialAnswer(ProviderError):
    """Part of a batch is answered; the rest waits.

    Args:
        answers: in the order of the batch, None for items that wait.
        reason: why they wait.
    """

    def __init__(self, answers: Sequence[Any], reason: Deferred | BudgetSpent) -> None:
        super().__init__(str(reason))
        self.answers, self.reason = answers, reason


class TransientError(ProviderError):
    """The same request may succeed later: 429, 5xx, a timeout, a broken connection.

    Args:
        message: what happened, as the end of a sentence ("it answered with status 529").
        retry_after: seconds, where the provider gave them.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
