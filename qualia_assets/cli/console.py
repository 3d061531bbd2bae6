"""What commands share: the console, opening the state, running stale stages under progress bars."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from qualia_assets.settings import Settings

console = Console()
USER = click.option("--user", "-u", required=True, metavar="KEY", help="Whose: the key of a user.")


@contextmanager
def opened(settings: Settings) -> Iterator[Any]:
    from qualia_assets.state.database import State

    state = State(settings.state_url)
    try:
        yield state
    finally:
        state.close()


def must_exist(state: Any, user: str) -> None:
    if user not in state.users():
        known = ", ".join(state.users()) or "none yet"
        raise click.ClickException(
            f"There is no user {user!r} (users: {known}). "
            f"Make one with `qualia import folder PATH --user {user}`."
        )


def run_stale(
    settings: Settings, state: Any, user: str, start: str | None, force: bool, offline: bool = False
) -> None:
    """Run the stale stages, and print what was kept."""
    from qualia_assets.runs.plan import plan_run

    chosen = plan_run(user, settings, state, start, force, offline)
    if chosen.fresh:
        kept = ", ".join(step.name for step in chosen.fresh)
        console.print(
            f"[dim]Kept, as their inputs have not changed ({len(chosen.fresh)}): {kept}[/dim]",
            highlight=False,
        )
    if chosen.todo:
        started = time.monotonic()
        made = execute(state, user, chosen.todo, force, offline=offline)
        same = len(chosen.todo) - made
        unchanged = f", {same} more kept, as their inputs came out the same" if same else ""
        seconds = time.monotonic() - started
        console.print(f"{made} stages made for {user!r} in {seconds:.0f} s{unchanged}.", highlight=False)
    else:
        console.print(
            f"{user!r} is up to date: all {len(chosen.fresh)} stages skipped. --force makes them again.",
            highlight=False,
        )


def execute(
    state: Any, user: str, steps: Any, force: bool, only: tuple[str, ...] = (), offline: bool = False
) -> int:
    from qualia_assets.runs.execution import dagster_instance, run_stages

    if not steps:
        return 0
    with dagster_instance(state) as instance:
        made: int = with_bars(lambda report: run_stages(user, steps, instance, force, only, offline))
        return made


def with_bars(work: Any) -> Any:
    """Do some work with a progress bar for each thing that it reports; lines where there is no terminal."""
    from qualia_assets.progress import logged, watcher

    if not console.is_terminal:
        token = watcher.set(report := logged(lambda line: print(f"  {line}", file=sys.stderr), every=0.5))
        try:
            return work(report)
        finally:
            watcher.reset(token)
    columns = (TextColumn("{task.description:<40}"), BarColumn(28), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        token = watcher.set(report)
        try:
            return work(report)
        finally:
            watcher.reset(token)


def print_rejects(rejects: list[tuple[str, str, str]]) -> None:
    if not rejects:
        return
    table = Table(title=f"{len(rejects):,} could not be used", title_justify="left")
    for name in ("where", "what is wrong", "how to mend it"):
        table.add_column(name, overflow="fold")
    for row in rejects[:20]:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
    if len(rejects) > 20:
        console.print(f"... and {len(rejects) - 20:,} more, in the table quarantine.")


def short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
