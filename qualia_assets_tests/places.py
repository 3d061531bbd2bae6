"""A place of its own for a user: lake, state and Dagster instance in one folder, and running there."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from qualia_assets.cli.main import main
from qualia_assets.defs.partitions import sync_users
from qualia_assets.defs.resources import Run
from qualia_assets.lake.store import Lake
from qualia_assets.progress import silent
from qualia_assets.runs.execution import dagster_instance, run_stages
from qualia_assets.runs.plan import Plan, plan_run
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State, answers

PROJECT_ROOT = Path(__file__).resolve().parents[1]
USER = "u-1"

PICTURES = {
    "map",
    "map_page",
    "svd_text",
    "svd_image",
    "gap",
    "query_histograms",
    "pareto",
    "ratio_by_temperature",
}

SETTINGS = """\
# Themes have 14 items each, and there are six: two matches for each of training, validation and test.
[clustering]
neighbours = 10
min_cluster_size = 5
largest_share = 0.2
[matching]
train_share = 0.4
val_share = 0.3

# A part of the grid, so that it is quick.
[adapters]
temperatures = [0.1]
balance_weights = [0.0, 0.3]
recipes = ["distilled", "lexicon", "lexicon+smoothing"]
hidden = 64
epochs = 5
[measuring]
stability_seeds = 2
[experiment]
splits = 2
balanced_draws = 2
"""


def settle(patch: pytest.MonkeyPatch, place: Path) -> None:
    """Point the settings at a place."""
    for name, where in (("LAKE", "lake"), ("STATE", "state.sqlite"), ("CONFIG", "qualia.toml")):
        patch.setenv(f"QUALIA_{name}", str(place / where))
    patch.setenv("DAGSTER_HOME", str(place / "dagster"))
    # Another process may be reading it, where a place is made by two.
    if not (place / "qualia.toml").exists():
        (place / "qualia.toml").write_text(SETTINGS, encoding="utf-8")


@contextmanager
def made_once(
    factory: pytest.TempPathFactory, worker_id: str, name: str, part: str = "all"
) -> Iterator[tuple[Path, bool]]:
    """A place of one name for all processes that run tests, and whether a part of it is still to be made.

    The first makes it within the ``with``, the settings pointed at it; the others wait until it is made.
    """
    own = factory.getbasetemp()
    place = (own if worker_id == "master" else own.parent) / name
    place.mkdir(exist_ok=True)
    with (place / f"{part}.lock").open("w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = place / f"{part}.made"
        if not made.exists():
            patch.setenv("QUALIA_MODELS", str(own.parent / "models"))
            settle(patch, place)
        yield place, not made.exists()
        made.touch()


def with_state(work: Any) -> Any:
    """What ``work`` makes of the state database."""
    state = State(load_settings().state_url)
    try:
        return work(state)
    finally:
        state.close()


def plan_of(user: str = USER, force: bool = False) -> Plan:
    """What a run would do."""
    plan: Plan = with_state(lambda s: plan_run(user, load_settings(), s, force=force))
    return plan


def run(source: Path | None = None, user: str = USER, force: bool = False, *, recorded: bool = False) -> None:
    """What ``qualia run`` does: plan, and execute what is stale.

    Dagster keeps its records in memory, which spares a third of the time of a small collection, but where
    they are asked for.
    """

    def work(state: State) -> None:
        if source is not None:
            state.set_source(user, "folder", str(source))
        plan = plan_run(user, load_settings(), state, force=force)
        with dagster_instance(state) if recorded else dg.DagsterInstance.ephemeral() as instance:
            sync_users(instance, state)
            run_stages(user, plan.todo, instance, force)

    with_state(work)


def in_a_run(work: Callable[[Run], Any], said: list[str] | None = None) -> Any:
    """What ``work`` makes of a user's run outside Dagster; what the run logs is put into ``said``."""
    settings = load_settings()

    def with_run(state: State) -> Any:
        return work(
            Run(USER, settings, Lake(settings.lake), state, silent, ([] if said is None else said).append)
        )

    return with_state(with_run)


def answers_kept() -> int:
    """How many answers of providers the state database holds."""

    def count(state: State) -> int:
        with state.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(answers)) or 0

    return int(with_state(count))


def lake_of(place: Path) -> Lake:
    return Lake(place / "lake")


def qualia(*arguments: str) -> Result:
    """What the command line answers."""
    return CliRunner().invoke(main, list(arguments))
