"""Places: a folder with a user's own lake, state and Dagster instance, and runs there."""

import fcntl
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

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
T = TypeVar("T")

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

PICTURES_IN_WORDS = ("raw_embeddings", "caption_embeddings", "picture_features", "picture_vectors")
"""What annotations are made from beside the items themselves."""

SETTINGS = """\
# Six themes of 14 items each: two matches for each of training, validation and test.
[clustering]
neighbours = 10
min_cluster_size = 5
largest_share = 0.2
[matching]
train_share = 0.4
val_share = 0.3

# Only part of the grid, to be quick.
[adapters]
temperatures = [0.1]
balance_weights = [0.0, 0.3]
recipes = ["distilled", "lexicon", "lexicon+smoothing"]
hidden = 64
lexicon_words = 1000
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
    # Another process may be reading the file of a shared place.
    if not (place / "qualia.toml").exists():
        (place / "qualia.toml").write_text(SETTINGS, encoding="utf-8")


@contextmanager
def made_once(
    factory: pytest.TempPathFactory, worker_id: str, name: str, part: str = "all"
) -> Iterator[tuple[Path, bool]]:
    """Yield a place shared by all test processes, and whether a part of it is still to be made.

    The first process makes it within the ``with``, under settings that point there; the others wait.
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


def with_state(work: Callable[[State], T]) -> T:
    """Return what ``work`` returns of the state database."""
    state = State(load_settings().state_url)
    try:
        return work(state)
    finally:
        state.close()


def plan_of(user: str = USER, force: bool = False, start: str | None = None, offline: bool = False) -> Plan:
    """Plan a run."""
    return with_state(lambda state: plan_run(user, load_settings(), state, start, force, offline))


def stale(*only: str, **planned: Any) -> list[str]:
    """Return the names of the stages that a run would make: all, or only some stages and groups."""
    return [step.name for step in plan_of(**planned).todo if not only or {step.name, step.group} & {*only}]


def run(
    source: Path | None = None,
    user: str = USER,
    force: bool = False,
    *,
    only: Collection[str] = (),
    offline: bool = False,
    recorded: bool = False,
    instance: dg.DagsterInstance | None = None,
) -> None:
    """Do what ``qualia run`` does, or make only some stages and groups.

    Without ``recorded`` or an instance Dagster's records are kept in memory for the run: that saves a third
    of the time of a small collection.
    """

    def work(state: State) -> None:
        if source is not None:
            state.set_source(user, "folder", str(source))
        todo = plan_run(user, load_settings(), state, force=force, offline=offline).todo
        named = {*only, *(PICTURES_IN_WORDS if "annotations" in only else ())}
        steps = [step for step in todo if not only or {step.name, step.group} & named]
        assert steps or not only
        temporary = nullcontext(instance) if instance else dg.DagsterInstance.ephemeral()
        with dagster_instance(state) if recorded else temporary as opened:
            sync_users(opened, state)
            run_stages(user, steps, opened, force, offline=offline)

    with_state(work)


def in_a_run(work: Callable[[Run], T], log: list[str] | None = None) -> T:
    """Return what ``work`` returns of a user's run outside Dagster; the run's log goes to ``log``."""
    settings = load_settings()
    write = ([] if log is None else log).append
    return with_state(lambda state: work(Run(USER, settings, Lake(settings.lake), state, silent, write)))


def metadata_of(table: str, instance: dg.DagsterInstance) -> dict[str, Any]:
    """Return what Dagster shows of a table's latest materialisation."""
    event = instance.get_latest_materialization_event(dg.AssetKey(table))
    assert event is not None
    assert event.asset_materialization is not None
    return {name: entry.value for name, entry in event.asset_materialization.metadata.items()}


def answers_kept() -> int:
    """Return the number of provider answers in the state database."""

    def count(state: State) -> int:
        with state.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(answers)) or 0

    return with_state(count)


def lake_of(place: Path) -> Lake:
    return Lake(place / "lake")


def qualia(*arguments: str, stdin: str | None = None) -> Result:
    """Run the command line."""
    return CliRunner().invoke(main, list(arguments), input=stdin)
