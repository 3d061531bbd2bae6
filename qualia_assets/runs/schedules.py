"""Turning the schedule of visits on and off from outside Dagster's UI."""

import subprocess
import sys

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorType

from qualia_assets.errors import QualiaError
from qualia_assets.paths import dagster_target

NAME = "due_users"


def is_on(instance: dg.DagsterInstance) -> bool:
    """Return whether the schedule is on; it runs while Dagster's daemon does."""
    states = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    return any(state.instigator_name == NAME and state.is_running for state in states)


def switch(instance: dg.DagsterInstance, on: bool) -> None:
    """Turn the schedule on or off.

    Raises:
        QualiaError: Dagster did not do it.
    """
    if is_on(instance) == on:
        return
    # By Dagster's command, as the state it keeps depends on how the definitions are loaded.
    verb = "start" if on else "stop"
    command = [sys.executable, "-m", "dagster", "schedule", verb, NAME, *dagster_target()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or is_on(instance) != on:
        raise QualiaError(f"Dagster did not switch the schedule: {done.stderr.strip()[-500:]}")
