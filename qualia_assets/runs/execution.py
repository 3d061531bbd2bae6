"""Running stages for one user in this process, recorded in Dagster like any other run."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from qualia_assets import paths
from qualia_assets.defs.partitions import sync_users
from qualia_assets.defs.stage import Stage
from qualia_assets.errors import QualiaError
from qualia_assets.lake.store import replacing
from qualia_assets.state.database import State


class RunError(QualiaError):
    """A stage failed."""


def prepare_home() -> Path:
    """Make the folder of the settings and Dagster's where they are missing, and set ``DAGSTER_HOME``.

    Returns:
        Dagster's folder.
    """
    if not paths.home().exists():
        paths.home().mkdir(parents=True, mode=0o700)
    home = paths.dagster_home()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["DAGSTER_HOME"] = str(home)
    # Without its file Dagster would turn its telemetry on; qualia.toml explains every setting.
    _copy_if_missing(paths.dagster_yaml(), home / "dagster.yaml")
    if not paths.checkout():
        _copy_if_missing(paths.settings_example(), paths.home() / "qualia.toml")
    return home


def _copy_if_missing(source: Path, target: Path) -> None:
    if not target.exists():
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)


@contextmanager
def dagster_instance(state: State) -> Iterator[dg.DagsterInstance]:
    """Open the project's Dagster instance, with a partition for every user."""
    prepare_home()
    with dg.DagsterInstance.get() as instance:
        sync_users(instance, state)
        yield instance


def run_stages(
    user: str,
    steps: Sequence[Stage],
    instance: dg.DagsterInstance,
    force: bool = False,
    only: Sequence[str] = (),
    offline: bool = False,
) -> int:
    """Run stages for one user.

    Args:
        user: key of the user.
        steps: which stages; all of a user's run, or all on demand.
        instance: where the run is recorded.
        force: make them although nothing has changed.
        only: configurations of the grid to fit again; the others stay.
        offline: ask no service.

    Returns:
        How many stages were made; the others were kept, as their inputs came out the same.

    Raises:
        RunError: a stage failed.
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
        asset_selection=[dg.AssetKey(table) for step in steps for table in step.tables],
        raise_on_error=False,
    )
    if not result.success:
        raise RunError(_failure(result))
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
            message = data.user_failure_data.description if data.user_failure_data else None
            cause = data.error.cause or data.error if data.error else None
            return f"{event.step_key}: {message or (cause.message.strip() if cause else 'failed')}"
    return "The run failed before its first stage; `qualia ui` shows why."
