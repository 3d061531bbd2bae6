"""The ``qualia`` command. Belongs here: arguments, bars and printing; the work is done elsewhere."""

import json
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

from qualia_assets.settings import Settings, load_settings

console = Console()


class _Group(click.Group):
    """A group whose commands answer what goes wrong in one line, not with a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if not _is_ours(error):
                raise
            raise click.ClickException(str(error)) from error


def _is_ours(error: Exception) -> bool:
    """Whether an error was raised by this project to be read by a person."""
    return type(error).__module__.startswith("qualia_assets.")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="qualia-assets")
def main() -> None:
    """Model one person's felt taste from what they read and save.

    \b
    Start with the bundled demo user:      qualia demo
    Then with your own files:              qualia import folder ~/my-stuff --user me
                                           qualia run --user me
    Look at it in Dagster:                 qualia ui
    Ask:                                   qualia search "a slow morning by the sea" --user me

    Settings are in qualia.toml and in the environment (QUALIA_LAKE, QUALIA_STATE, ...).
    Nothing leaves this machine.
    """


USER = click.option("--user", "-u", required=True, metavar="KEY", help="Whose: the key of a user.")


@main.command()
@click.option("--user", "-u", default="demo", type=click.Choice(["demo", "demo-2"]), help="Which demo user.")
def demo(user: str) -> None:
    """Make the demo user and take it through every stage.

    The demo user is imagined: its posts are the project's own prose, its pins are drawn by code.
    The first run takes a few minutes; a second has nothing to do and says so.
    """
    settings = load_settings()
    with _state(settings) as state:
        state.set_source(user, "demo", user)
        _run(settings, state, user, None, False)
        _print_paper_table(settings, user)
    map_file = settings.lake / "figures" / f"user={user}" / "map.png"
    console.print("\n[bold]Where to look next[/bold]")
    for what, how in (
        ("the map", _short(map_file)),
        ("every stage, in a browser", "make ui"),
        ("ask it something", f'qualia search "a slow morning by the sea" --user {user}'),
        ("any table", 'qualia sql "select * from cluster_pairs"'),
        ("your own files", "qualia import folder PATH --user me, then qualia run --user me"),
    ):
        console.print(f"  {what:<27}[cyan]{how}[/cyan]", highlight=False, soft_wrap=True)


@main.group(name="import")
def import_() -> None:
    """Bring in a user's items."""


@import_.command(name="folder")
@click.argument("path", type=click.Path(path_type=Path))
@USER
@click.option("--dry-run", is_flag=True, help="Say what would be imported and what not; write nothing.")
def import_folder(path: Path, user: str, dry_run: bool) -> None:
    """Import posts and pins from PATH, any directory of your own.

    \b
    Read, at any depth:
      posts.jsonl   one post a line: {"id": "essay-1", "title": "...", "body": "...", "publication": "..."}
      *.md          one post a file, with optional YAML front matter (title, publication, tags, url)
      pins.jsonl    one pin a line: {"id": "pin-1", "image": "images/1.jpg", "title": "...", "board": "..."}
      pictures      JPEG, PNG, WebP, GIF; their folder is the board; an optional captions.csv beside
                    them says more: file,title,description,tags,board,url

    The files stay where they are; pictures are copied into the lake once each. What cannot be used
    is listed with its reason and kept in the table quarantine. Import again after changing files.
    """
    from qualia_assets.lake.store import check_user_key
    from qualia_assets.sources.folder import FolderSource

    check_user_key(user)
    source = FolderSource(path)
    settings = load_settings()
    if dry_run:
        _describe(source)
        return
    with _state(settings) as state:
        state.set_source(user, "folder", str(source.root))
        from qualia_assets import pipeline

        first = ("sources", "artefacts")
        steps = [step for step in pipeline.plan(user, settings, state).todo if step.group in first]
        _execute(state, user, steps, force=False)
        _print_import(settings, user)


def _describe(source: Any) -> None:
    from qualia_assets.sources.base import Reject, SourceItem

    found = list(_with_bars(lambda report: list(source.read(report))))
    items = [f for f in found if isinstance(f, SourceItem)]
    rejects = [f for f in found if isinstance(f, Reject)]
    texts = sum(item.modality == "text" for item in items)
    console.print(
        f"Would import {texts:,} posts and {len(items) - texts:,} pins from {source.root}.", highlight=False
    )
    collections = {item.collection for item in items if item.collection}
    console.print(
        f"They are in {len(collections):,} publications and boards. Nothing was written.", highlight=False
    )
    _print_rejects([(r.record, r.reason, r.mend) for r in rejects])


def _print_import(settings: Settings, user: str) -> None:
    from qualia_assets.lake.store import Lake

    lake = Lake(settings.lake)
    modalities = lake.read("artefacts", user, ["modality"])["modality"].to_pylist()
    console.print(
        f"{user!r} now has {modalities.count('text'):,} posts and {modalities.count('image'):,} pins. "
        f"Next: qualia run --user {user}",
        highlight=False,
    )
    rejected = lake.read("folder_rejects", user).to_pylist()
    bad = [r for r in lake.read("image_blobs", user).to_pylist() if r["status"] != "ok"]
    records = {row["image_sha256"]: row["record"] for row in lake.read("folder_items", user).to_pylist()}
    _print_rejects(
        [(r["record"], r["reason"], r["mend"]) for r in rejected]
        + [
            (
                records.get(b["sha256"], b["sha256"][:12]),
                f"picture: {b['status']}",
                "Save it as JPEG, PNG, WebP or GIF.",
            )
            for b in bad
        ]
    )


def _print_rejects(rejects: list[tuple[str, str, str]]) -> None:
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


@main.command()
@USER
@click.option(
    "--from",
    "start",
    metavar="STAGE",
    help="Start at this stage or group (clusters, adapters, ...), and take what comes after it.",
)
@click.option("--force", is_flag=True, help="Make again what has not changed, too.")
@click.option(
    "--only",
    multiple=True,
    metavar="CONFIG",
    help="Fit only this configuration of the grid again (linear-t0.1-b0-s0, lexicon, ...; several times "
    "for several), the others staying.",
)
def run(user: str, start: str | None, force: bool, only: tuple[str, ...]) -> None:
    """Take a user through every stage that is not up to date.

    A stage is made again when its inputs, its settings or its code have changed; everything else is
    kept. Annotations and embeddings are asked for once per item, ever. Stopping it loses nothing:
    the next run goes on where this one was.
    """
    settings = load_settings()
    with _state(settings) as state:
        _must_exist(state, user)
        if only:
            _fit_again(settings, state, user, only)
        else:
            _run(settings, state, user, start, force)
        _print_paper_table(settings, user)


def _fit_again(settings: Settings, state: Any, user: str, only: tuple[str, ...]) -> None:
    """Fit some configurations alone, then make what depends on them."""
    from qualia_assets import pipeline

    steps = pipeline.plan(user, settings, state, "adapters", force=True).todo
    first = [step for step in steps if step.separable]
    _execute(state, user, first, force=False, only=only)
    console.print(f"Fitted again: {', '.join(only)}.", highlight=False)
    _run(settings, state, user, None, False)


@main.command()
@click.option(
    "--user", "-u", "users", required=True, multiple=True, metavar="KEY", help="Whose; may be given again."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a report here (Markdown)."
)
@click.option("--force", is_flag=True, help="Try everything again although nothing changed.")
def experiment(users: tuple[str, ...], out: Path | None, force: bool) -> None:
    """Try every recipe on many splits of a user's matches, against doing nothing.

    Three sources of labels: the pipeline's own matches; clusters made from the words alone, without the
    embedder; and what people called things (boards, publications), where items have that. Whole matches
    are held out; recipes that saw the vectors of the items they are judged on are listed apart.

    Takes a few minutes. How many splits, and the rest, is under [experiment] in qualia.toml.
    """
    settings = load_settings()
    from qualia_assets import pipeline
    from qualia_assets.lake.store import Lake
    from qualia_assets.views.results import experiment_table, report

    with _state(settings) as state:
        for user in users:
            _must_exist(state, user)
        for user in users:
            _run(settings, state, user, None, False)
            steps = pipeline.plan(user, settings, state, "experiments", force).todo
            if steps:
                _execute(state, user, steps, force)
    lake = Lake(settings.lake)
    for user in users:
        console.print()
        console.print(experiment_table(lake.read("experiment_results", user).to_pandas(), user))
    if out is not None:
        report(lake, users, settings.matching.threshold, out)
        console.print(f"Written: {_short(out)}", highlight=False)


@main.group()
def user() -> None:
    """See and add users."""


@user.command(name="list")
def user_list() -> None:
    """All users, with how much there is of each."""
    settings = load_settings()
    from qualia_assets.lake.store import Lake

    lake = Lake(settings.lake)
    table = Table()
    for name in ("user", "items", "last written"):
        table.add_column(name)
    with _state(settings) as state:
        for key in state.users():
            info = lake.info("artefacts", key)
            table.add_row(
                key,
                f"{info.rows:,}" if info else "–",
                f"{info.written_at:%Y-%m-%d %H:%M} UTC" if info else "–",
            )
    console.print(table)


@user.command(name="add")
@click.argument("key")
def user_add(key: str) -> None:
    """Add a user KEY: 1 to 63 of a-z, 0-9, - and _. Choose one that names nobody."""
    from qualia_assets import pipeline

    settings = load_settings()
    with _state(settings) as state:
        new = state.add_user(key)
        with pipeline.dagster_instance(state):
            pass
    console.print(f"User {key!r} {'added' if new else 'was there already'}.", highlight=False)


@main.command()
@click.argument("words", required=False)
@USER
@click.option("--item", metavar="ID", help="More like this item, in place of words.")
@click.option(
    "--space", type=click.Choice(["annotation", "adapted"]), default="annotation", show_default=True
)
@click.option("--modality", type=click.Choice(["any", "text", "image"]), default="any", show_default=True)
@click.option("--limit", "-n", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--csls",
    type=click.FloatRange(0, 2),
    help="How much of what is usual of posts and of pins is taken off before they are ranked together. "
    "[default: as the adapter's offsets were fitted]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for other programs.")
def search(
    words: str | None,
    user: str,
    item: str | None,
    space: str,
    modality: str,
    limit: int,
    csls: float | None,
    as_json: bool,
) -> None:
    """Find a user's items that feel like WORDS, or like one of their items (--item)."""
    from qualia_assets.search import search as find

    if (words is None) == (item is None):
        raise click.UsageError('Give words, as in `qualia search "a slow morning" --user me`, or --item ID.')
    settings = load_settings()
    with _state(settings) as state:
        hits = find(
            settings,
            state,
            user,
            words=words,
            item=item,
            space=space,
            modality=modality,
            limit=limit,
            csls=csls,
        )
    if as_json:
        for hit in hits:
            click.echo(json.dumps(hit.as_dict(), ensure_ascii=False))
        return
    table = Table(header_style="bold")
    for name in ("", "title", "mood", "cluster", "id"):
        table.add_column(name, overflow="fold", no_wrap=name in ("", "id"))
    for hit in hits:
        kind = "post" if hit.modality == "text" else "pin"
        table.add_row(
            kind, *(escape(c or "–") for c in (hit.title, hit.mood, hit.cluster_label)), hit.artefact_id
        )
    console.print(table)


@main.command()
@click.argument("query")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for other programs.")
@click.option("--limit", default=200, show_default=True, help="Print at most so many rows (not with --json).")
def sql(query: str, as_json: bool, limit: int) -> None:
    """Run one SELECT over the lake: every table is there, with a column user.

    \b
    qualia sql "select user, modality, count(*) from artefacts group by all"
    qualia sql "select * from cluster_pairs where accepted order by similarity desc"
    qualia sql "select distinct table_name from lake_files"
    """
    from qualia_assets.defs.catalogue import stages
    from qualia_assets.lake.sql import read_only
    from qualia_assets.lake.store import Lake

    specs = [spec for step in stages() for spec in step.specs]
    result = read_only(Lake(load_settings().lake), specs, query)
    names = [column[0] for column in result.description or []]
    if as_json:
        for row in result.fetchall():
            click.echo(json.dumps(dict(zip(names, row, strict=True)), default=str, ensure_ascii=False))
        return
    rows = result.fetchmany(limit + 1)
    table = Table(header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows[:limit]:
        table.add_row(*(escape(_cell(value)) for value in row))
    console.print(table)
    if len(rows) > limit:
        console.print(f"More than {limit} rows; --limit shows more.")


@main.command()
@click.option("--port", default=3000, show_default=True)
def ui(port: int) -> None:
    """Open Dagster's UI on 127.0.0.1, webserver and daemon together, until Ctrl-C."""
    from qualia_assets.serve import serve

    settings = load_settings()
    with _state(settings) as state:
        serve(state, port, lambda line: console.print(line, highlight=False))


@contextmanager
def _state(settings: Settings) -> Iterator[Any]:
    from qualia_assets.state.database import State

    state = State(settings.state_url)
    try:
        yield state
    finally:
        state.close()


def _must_exist(state: Any, user: str) -> None:
    if user not in state.users():
        known = ", ".join(state.users()) or "none yet"
        raise click.ClickException(
            f"There is no user {user!r} (users: {known}). "
            f"Make one with `qualia import folder PATH --user {user}`."
        )


def _run(settings: Settings, state: Any, user: str, start: str | None, force: bool) -> None:
    """Make what is stale, and say what was kept."""
    from qualia_assets import pipeline

    chosen = pipeline.plan(user, settings, state, start, force)
    if chosen.fresh:
        kept = ", ".join(step.name for step in chosen.fresh)
        console.print(
            f"[dim]Kept, nothing they are made from has changed ({len(chosen.fresh)}): {kept}[/dim]",
            highlight=False,
        )
    if chosen.todo:
        started = time.monotonic()
        made = _execute(state, user, chosen.todo, force)
        same = len(chosen.todo) - made
        told = f", {same} more looked at and kept: what they are made from came out the same" if same else ""
        seconds = time.monotonic() - started
        console.print(f"{made} stages made for {user!r} in {seconds:.0f} s{told}.", highlight=False)
    else:
        console.print(
            f"{user!r} is up to date: all {len(chosen.fresh)} stages skipped. --force makes them again.",
            highlight=False,
        )


def _execute(state: Any, user: str, steps: Any, force: bool, only: tuple[str, ...] = ()) -> int:
    from qualia_assets import pipeline

    if not steps:
        return 0
    with pipeline.dagster_instance(state) as instance:
        made: int = _with_bars(lambda report: pipeline.execute(user, steps, instance, force, only))
        return made


def _with_bars(work: Any) -> Any:
    """Do some work with a bar for each thing that it reports; plain lines where there is no terminal."""
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


def _print_paper_table(settings: Settings, user: str) -> None:
    from qualia_assets.lake.store import Lake
    from qualia_assets.views.tables import paper_table

    lake = Lake(settings.lake)
    if lake.exists("test_figures", user):
        console.print()
        console.print(paper_table(lake.read("test_figures", user).to_pylist(), user))


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
