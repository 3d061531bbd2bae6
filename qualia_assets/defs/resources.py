"""What stages work with: the Dagster resource that opens it, and the part of it that one stage is given."""

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg
import pyarrow as pa
from pydantic import Field, PrivateAttr

from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.progress import Progress, silent
from qualia_assets.providers.budget import Budget
from qualia_assets.settings import Settings, load_settings
from qualia_assets.state.database import State


@dataclass(frozen=True)
class Run:
    """What a stage may use beside its input tables.

    Args:
        user: key of the user; empty for tables over all users.
        settings: current settings.
        lake: where tables lie.
        state: the state database.
        progress: told how far the stage is.
        log: takes a line for Dagster's log: no words of the user's.
        only: configurations to fit again alone (``Stage.supports_only``).
        offline: ask no service.
        budget: what all stages of the run spend from; a stage takes its part by :meth:`budget_for`.
    """

    user: str
    settings: Settings
    lake: Lake
    state: State
    progress: Progress = silent
    log: Callable[[str], None] = lambda line: None
    only: tuple[str, ...] = ()
    offline: bool = False
    budget: Budget | None = None

    def budget_for(self, stage: str) -> Budget:
        """Return the run's budget as one stage spends it; outside a Dagster run, a budget of its own."""
        budget = self.budget or Budget(self.state, stage, self.settings.max_usd)
        return budget.for_stage(self.state, stage)

    def previous(self, table: str) -> pa.Table | None:
        """Return the user's table as the last run left it, or None where none can be read."""
        try:
            return self.lake.read(table, self.user)
        except LakeError:
            return None


class Qualia(dg.ConfigurableResource[None]):
    """The settings, the lake and the state that every stage works with."""

    force: bool = False
    """Make stages again although nothing that they are made from has changed."""

    only: list[str] = Field(default_factory=list)
    """Fit only these configurations of the grid again (see the table adapters); the others stay."""

    offline: bool = False
    """Ask no service, whatever is due; what was fetched before is used."""

    _settings: Settings | None = PrivateAttr(default=None)
    _state: State | None = PrivateAttr(default=None)
    _budget: Budget | None = PrivateAttr(default=None)

    @property
    def settings(self) -> Settings:
        if self._settings is None:
            self._settings = load_settings()
        return self._settings

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake)

    @property
    def state(self) -> State:
        if self._state is None:
            self._state = State(self.settings.state_url)
        return self._state

    @property
    def budget(self) -> Budget:
        """The one budget of a run: all its stages together stay within ``max_usd``."""
        if self._budget is None:
            self._budget = Budget(self.state, "", self.settings.max_usd)
        return self._budget

    def run(
        self, user: str, progress: Progress = silent, log: Callable[[str], None] = lambda line: None
    ) -> Run:
        """Return what a stage of this user's run may use; ``user`` is empty for tables over all users."""
        return Run(
            user=user,
            settings=self.settings,
            lake=self.lake,
            state=self.state.of(user),
            progress=progress,
            log=log,
            only=tuple(self.only),
            offline=self.offline,
            budget=self.budget,
        )

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        if self._state is not None:
            self._state.close()
            self._state = self._budget = None
