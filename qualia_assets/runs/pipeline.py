"""Taking one user through the graph from outside Dagster's UI: what is stale, and one run of it.

Belongs here: the plan and the run behind ``qualia run`` and ``qualia demo``. The stages are in ``defs``.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from qualia_assets.defs.catalogue import stages
from qualia_assets.defs.partitions import sync_users
from qualia_assets.defs.stage import Run, Stage
from qualia_assets.errors import QualiaError
from qualia_assets.lake.store import Lake, replacing
from qualia_assets.progress import silent
from qualia_assets.settings import PROJECT_ROOT, Settings
from qualia_assets.state.database import State


class PipelineError(QualiaError):
    """A run that cannot start, or a stage that failed; the message says which and how to mend it."""


@dataclass(frozen=True)
class Plan:
    """Which stages a run takes in hand, in order, and which it leaves because nothing changed."""

    todo: tuple[Stage, ...]
    fresh: tuple[Stage, ...]


def plan(
    user: str,
    settings: Settings,
    state: State,
    start: str | None = None,
    force: bool = False,
    offline: bool = False,
) -> Plan:
    """Find the stages that are stale, and those after them.

    Args:
        user: whose.
        settings: of now.
        state: of now.
        start: a stage or a group: it and what comes after it, whatever the state of what is before.
        force: all of those, stale or not.
        offline: nothing is due to be asked of a service.

    Raises:
        PipelineError: there is no stage or group ``start``.
    """
    chosen = _from(start)
    per_user = Run(user, settings, Lake(settings.lake), state, silent, lambda line: None, offline=offline)
    over_all = Run("", settings, Lake(settings.lake), state, silent, lambda line: None)
    stale: set[str] = set()
    todo, fresh = [], []
    for step in chosen:
        behind_stale = any(table in stale for table in step.upstream)
        if force or behind_stale or not step.is_fresh(per_user if step.per_user else over_all):
            stale |= {spec.name for spec in step.specs}
            todo.append(step)
        else:
            fresh.append(step)
    return Plan(tuple(todo), tuple(fresh))


def _from(start: str | None) -> list[Stage]:
    if start is None:
        return [step for step in stages() if not step.on_demand]
    everything = list(stages())
    named = [s for s in everything if start == s.group or start in {spec.name for spec in s.specs}]
    if not named:
        groups = list(dict.fromkeys(s.group for s in everything))
        names = ", ".join(s.name for s in everything)
        raise PipelineError(f"There is no stage {start!r}. Groups: {', '.join(groups)}. Stages: {names}.")
    reached = {spec.name for s in named for spec in s.specs}
    chosen = []
    for step in everything:
        reaches = any(table in reached for table in step.upstream) and not step.on_demand
        if step in named or reaches:
            reached |= {spec.name for spec in step.specs}
            chosen.append(step)
    return chosen


def dagster_home() -> Path:
    """``DAGSTER_HOME``, by default the project's own, made where it is missing, with our ``dagster.yaml``."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(PROJECT_ROOT / ".dagster")))
    home.mkdir(parents=True, exist_ok=True)
    chosen = home / "dagster.yaml"
    if not chosen.exists():
        # Without it Dagster would turn its telemetry on.
        with replacing(chosen) as temporary:
            shutil.copyfile(PROJECT_ROOT / ".dagster" / "dagster.yaml", temporary)
    return home


@contextmanager
def dagster_instance(state: State) -> Iterator[dg.DagsterInstance]:
    """The project's Dagster instance, with a partition for every user."""
    dagster_home()
    with dg.DagsterInstance.get() as instance:
        sync_users(instance, state)
        yield instance


def execute(
    user: str,
    steps: Sequence[Stage],
    instance: dg.DagsterInstance,
    force: bool = False,
    only: Sequence[str] = (),
    offline: bool = False,
) -> int:
    """Run stages for one user in this process, recorded in Dagster like any run.

    Args:
        user: whose.
        steps: which, all of a user's run or all on demand.
        instance: where the run is recorded.
        force: make them although nothing changed.
        only: configurations of the grid to fit again, the others staying.
        offline: ask no service.

    Returns:
        How many were made; the others found that what they are made from came out the same.

    Raises:
        PipelineError: a stage failed.
    """
    from qualia_assets.definitions import defs

    job = defs.resolve_job_def("experiment" if any(step.on_demand for step in steps) else "user_graph")
    config: dict[str, Any] = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "resources": {"qualia": {"config": {"force": force, "only": list(only), "offline": offline}}},
    }
    result = job.execute_in_process(
        run_config=config,
        instance=instance,
        partition_key=user,
        asset_selection=[dg.AssetKey(spec.name) for step in steps for spec in step.specs],
        raise_on_error=False,
    )
    if not result.success:
        raise PipelineError(_failure(result))
    kept = {
        event.step_key
        for event in result.all_events
        if event.is_step_materialization
        and "kept" in event.step_materialization_data.materialization.metadata
    }
    return len(steps) - len(kept)


def _failure(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            said = data.user_failure_data.description if data.user_failure_data else None
            cause = data.error.cause or data.error if data.error else None
            return f"{event.step_key}: {said or (cause.message.strip() if cause else 'failed')}"
    return "The run failed before its first stage; see it in `make ui`."
