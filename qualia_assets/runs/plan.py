"""What a run for one user has to make: the stages that are stale, and those downstream of them."""

from dataclasses import dataclass

import dagster as dg

from qualia_assets.defs.catalogue import stages
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Stage
from qualia_assets.errors import QualiaError
from qualia_assets.lake.provenance import downstream
from qualia_assets.lake.store import Lake
from qualia_assets.settings import Settings
from qualia_assets.state.database import State


@dataclass(frozen=True)
class Plan:
    """The stages that a run makes and those that it keeps, both in order of the graph."""

    todo: tuple[Stage, ...]
    fresh: tuple[Stage, ...]


def plan_run(
    user: str,
    settings: Settings,
    state: State,
    start: str | None = None,
    force: bool = False,
    offline: bool = False,
) -> Plan:
    """Find the stages that are stale, and those downstream of them.

    Args:
        user: key of the user.
        settings: current settings.
        state: the state database.
        start: a stage or a group; only it and what is downstream of it is considered.
        force: make all of those, stale or not.
        offline: treat no service as due.

    Raises:
        QualiaError: no stage or group is called ``start``.
    """
    lake = Lake(settings.lake)
    of_user = Run(user, settings, lake, state, offline=offline)
    of_all = Run("", settings, lake, state)
    steps = _considered(start)
    stale = {s.name for s in steps if force or not s.is_fresh(of_user if s.per_user else of_all)}
    makes = {table: step.name for step in steps for table in step.tables}
    upstream = {step.name: [makes[table] for table in step.upstream if table in makes] for step in steps}
    stale |= downstream(stale, upstream).keys()
    return Plan(
        todo=tuple(step for step in steps if step.name in stale),
        fresh=tuple(step for step in steps if step.name not in stale),
    )


def _considered(start: str | None) -> list[Stage]:
    """Return the stages of a user's run, or ``start`` and what is downstream of it."""
    if start is None:
        return [step for step in stages() if not step.on_demand]
    named = [step for step in stages() if start == step.group or start in step.tables]
    if not named:
        groups = ", ".join(dict.fromkeys(step.group for step in stages()))
        names = ", ".join(step.name for step in stages())
        raise QualiaError(f"There is no stage {start!r}. Groups: {groups}. Stages: {names}.")
    # Loaded where it is needed only: a plan from the beginning has no use for it.
    from qualia_assets.definitions import defs

    tables = [table for step in named for table in step.tables]
    downstream = dg.AssetSelection.assets(*tables).downstream().resolve(defs.resolve_asset_graph())
    reached = {key.to_user_string() for key in downstream}
    return [
        step
        for step in stages()
        if step in named or (not step.on_demand and not reached.isdisjoint(step.tables))
    ]
