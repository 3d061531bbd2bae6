"""Turning the schedule of re-scrapes on and off from outside Dagster's UI."""

import subprocess
import sys

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorType

from qualia_assets.errors import QualiaError
from qualia_assets.paths import dagster_target

NAME = "due_users"


class ScheduleError(QualiaError):
    """The schedule could not be switched; the message is Dagster's own."""


def is_on(instance: dg.DagsterInstance) -> bool:
    """Whether Dagster's daemon, where it runs, takes a look every hour."""
    states = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    return any(state.instigator_name == NAME and state.is_running for state in states)


def switch(instance: dg.DagsterInstance, on: bool) -> None:
    """Turn it on or off; nothing where it is so already.

    Raises:
        ScheduleError: Dagster did not do it.
    """
    if is_on(instance) == on:
        return
    # By Dagster's command: what it notes depends on how it loads the definitions from the workspace.
    verb = "start" if on else "stop"
    command = [sys.executable, "-m", "dagster", "schedule", verb, NAME, *dagster_target()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or is_on(instance) != on:
        raise ScheduleError(f"Dagster did not switch the schedule: {done.stderr.strip()[-500:]}")
