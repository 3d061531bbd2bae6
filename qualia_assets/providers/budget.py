"""The budget of one run: spent, reserved, and never exceeded.

Several threads and stages of one run share one budget. Belongs here: adding up. Prices are in ``catalogue``;
``state.ledger`` records what was spent.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from qualia_assets.net.base import BudgetSpent
from qualia_assets.providers.catalogue import Model, usd
from qualia_assets.state import ledger
from qualia_assets.state.database import State
from qualia_assets.state.usage import Usage


@dataclass
class _Run:
    """What all stages of a run share. US dollars."""

    max_usd: float
    spent: float = 0.0
    held: float = 0.0
    """For batches that were submitted and are paid by a later run."""
    reserved: dict[int, float] = field(default_factory=dict)
    """By thread: the highest cost of the call that it is making."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def committed(self) -> float:
        """What is spent, and at most will be once all calls in progress have been paid."""
        # A thread that died during a call makes no more of them.
        alive = {thread.ident for thread in threading.enumerate()}
        self.reserved = {i: amount for i, amount in self.reserved.items() if i in alive}
        return self.spent + self.held + sum(self.reserved.values())


class Budget:
    """What one stage may spend and has spent: ``usage``, and ``usd`` by list prices.

    Args:
        state: with the ledger, for the user whose run it is.
        stage: that pays.
        max_usd: the budget of the whole run.
    """

    def __init__(self, state: State, stage: str, max_usd: float) -> None:
        self._state, self._stage = state, stage
        self._run = _Run(max_usd)
        self._usage, self._usd = Usage(), 0.0

    def for_stage(self, state: State, stage: str) -> "Budget":
        """The same run's budget, for another stage or user."""
        other = Budget(state, stage, self._run.max_usd)
        other._run = self._run
        return other

    def account(self, model: Model) -> "Account":
        """The budget, to pay for calls of one model."""
        return Account(model, self._reserve, self._settle, self._hold)

    @property
    def usage(self) -> Usage:
        """What this stage has used so far."""
        return self._usage

    @property
    def usd(self) -> float:
        """What this stage has spent so far."""
        return self._usd

    def _reserve(self, estimate: float) -> None:
        run = self._run
        with run.lock:
            # This thread's last call failed if its reservation is still here: a failed call costs nothing.
            run.reserved.pop(threading.get_ident(), None)
            committed = run.committed()
            if estimate and committed + estimate > run.max_usd:
                # Kept in the state database with the run's visit.
                raise BudgetSpent(
                    f"Of its {run.max_usd:.2f} US dollars this run has spent {committed:.4f}, and the next "
                    f"call may cost {estimate:.4f}. The next run goes on; "
                    "`max_usd` in qualia.toml is the budget."
                )
            run.reserved[threading.get_ident()] = estimate

    def _settle(self, model: Model, usage: Usage, cost: float) -> None:
        run = self._run
        with run.lock:
            run.reserved.pop(threading.get_ident(), None)
            run.spent += cost
            self._usage += usage
            self._usd += cost
            ledger.note(self._state, self._stage, model.full_name, usage, cost)

    def _hold(self) -> None:
        run = self._run
        with run.lock:
            run.held += run.reserved.pop(threading.get_ident(), 0.0)


@dataclass(frozen=True)
class Account:
    """A budget for calls of one model. A thread makes one call at a time: ``reserve``, call, ``settle``.

    A failed call needs no ``settle``: the thread's next ``reserve`` replaces its reservation.
    """

    model: Model
    _reserve: Callable[[float], None]
    _settle: Callable[[Model, Usage, float], None]
    _hold: Callable[[], None]

    def reserve(self, estimate: Usage, batch: bool = False) -> None:
        """Set aside what the next call may cost.

        Raises:
            BudgetSpent: the call would exceed the run's budget and must not be made.
        """
        self._reserve(usd(self.model, estimate, batch))

    def settle(self, usage: Usage, batch: bool = False) -> None:
        """Pay for a finished call, and record it in the ledger."""
        self._settle(self.model, usage, usd(self.model, usage, batch))

    def hold(self) -> None:
        """Keep the reservation until this run ends: the run that collects the submitted batch pays."""
        self._hold()
