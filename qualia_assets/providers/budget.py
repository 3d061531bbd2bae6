"""The budget of one run: what was spent, what is being spent, and that it stops before it is too much.

Several threads and stages of one run share one budget. Belongs here: adding up.
Prices are in ``catalogue``; what was spent is written down by ``state.ledger``.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from qualia_assets.net.base import BudgetSpent
from qualia_assets.providers.base import Usage
from qualia_assets.providers.catalogue import Model, usd
from qualia_assets.state import ledger
from qualia_assets.state.database import State


@dataclass
class _Run:
    """What all stages of a run have in common. US dollars."""

    max_usd: float
    spent: float = 0.0
    submitted: float = 0.0
    reserved: dict[int, float] = field(default_factory=dict)
    """By thread: what the call that it is making may cost."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def bound(self) -> float:
        """What is spent once all calls that are under way have been paid."""
        # A thread that died in the middle of a call asks no more.
        alive = {thread.ident for thread in threading.enumerate()}
        self.reserved = {i: held for i, held in self.reserved.items() if i in alive}
        return self.spent + self.submitted + sum(self.reserved.values())


class Budget:
    """What one stage may spend, and has spent: ``usage``, and ``usd`` by the list prices.

    Args:
        state: where the ledger is; its user is whose run it is.
        stage: that pays.
        max_usd: the budget of the whole run.
    """

    def __init__(self, state: State, stage: str, max_usd: float) -> None:
        self._state, self._stage = state, stage
        self._run = _Run(max_usd)
        self._usage, self._usd = Usage(), 0.0

    def at(self, state: State, stage: str) -> "Budget":
        """The same budget, for another stage, or another user's part, of the same run."""
        other = Budget(state, stage, self._run.max_usd)
        other._run = self._run
        return other

    def of(self, model: Model) -> "Account":
        """The budget, to pay for calls of one model."""
        return Account(model, self._before, self._after, self._hand_in)

    @property
    def usage(self) -> Usage:
        """What this stage has used so far."""
        return self._usage

    @property
    def usd(self) -> float:
        """What this stage has spent so far."""
        return self._usd

    def _before(self, estimate: float) -> None:
        run = self._run
        with run.lock:
            # A call of this thread that came to nothing is not paid for.
            run.reserved.pop(threading.get_ident(), None)
            bound = run.bound()
            if estimate and bound + estimate > run.max_usd:
                raise BudgetSpent(
                    f"Of its {run.max_usd:.2f} US dollars this run has spent {bound:.4f}, and the next call "
                    f"may cost {estimate:.4f}. The next run goes on; `max_usd` in qualia.toml is the budget."
                )
            run.reserved[threading.get_ident()] = estimate

    def _after(self, model: Model, usage: Usage, cost: float) -> None:
        run = self._run
        with run.lock:
            run.reserved.pop(threading.get_ident(), None)
            run.spent += cost
            self._usage += usage
            self._usd += cost
            ledger.note(self._state, self._stage, model.full_name, usage, cost)

    def _hand_in(self) -> None:
        run = self._run
        with run.lock:
            run.submitted += run.reserved.pop(threading.get_ident(), 0.0)


@dataclass(frozen=True)
class Account:
    """A budget for calls of one model. A thread makes one call at a time: ``before`` it, then ``after`` it.

    A call that came to nothing needs no ``after``: the next ``before`` of its thread takes its place.
    """

    model: Model
    _before: Callable[[float], None]
    _after: Callable[[Model, Usage, float], None]
    _hand_in: Callable[[], None]

    def before(self, estimate: Usage, batch: bool = False) -> None:
        """Put aside what the next call may cost.

        Raises:
            BudgetSpent: the call would pass the budget of the run. It is not to be made.
        """
        self._before(usd(self.model, estimate, batch))

    def after(self, usage: Usage, batch: bool = False) -> None:
        """Pay for a call that was made, and write it down."""
        self._after(self.model, usage, usd(self.model, usage, batch))

    def submitted(self) -> None:
        """In place of ``after``: the call handed in a batch, which is paid for by the run that collects it.
        What was put aside stays so until this run ends."""
        self._hand_in()
