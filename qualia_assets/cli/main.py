"""The ``qualia`` command: arguments and printing; the work is done elsewhere."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from qualia_assets.cli.console import USER, console, execute, must_exist, opened, run_stale, short
from qualia_assets.cli.share import map_, report
from qualia_assets.cli.sources import import_, print_visits, schedule, user
from qualia_assets.errors import QualiaError
from qualia_assets.settings import Settings, load_settings


class _Group(click.Group):
    """A group whose commands report errors in one line, without a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except QualiaError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="qualia-assets")
def main() -> None:
    """Model one person's felt taste from what they read and save.

    \b
    Start with the bundled demo user:      qualia demo
    Then with your own files:              qualia import folder ~/my-stuff --user me
                                           qualia run --user me
    Wander in it, in a browser:            qualia open --user me
    A file to send to a friend:            qualia report --user me, qualia map --user me
    Look at every stage in Dagster:        qualia ui
    Ask:                                   qualia search "a slow morning by the sea" --user me

    Settings are in qualia.toml and in the environment (QUALIA_LAKE, QUALIA_STATE, ...).
    Nothing leaves this machine but what you agree to: see `qualia user consent --help`.
    """


for _commands in (import_, user, schedule, report, map_):
    main.add_command(_commands)


@main.command()
@click.option("--user", "-u", default="demo", type=click.Choice(["demo", "demo-2"]), help="Which demo user.")
def demo(user: str) -> None:
    """Make the demo user and take it through every stage.

    The demo user is imagined: its posts are the project's own prose, its pins are drawn by code.
    The first run takes a few minutes; a second has nothing to do and says so.
    """
    settings = load_settings()
    with opened(settings) as state:
        state.set_source(user, "demo", user)
        run_stale(settings, state, user, None, False)
        _print_paper_table(settings, user)
    map_file = settings.lake / "figures" / f"user={user}" / "map.png"
    console.print("\n[bold]Where to look next[/bold]")
    for what, how in (
        ("the map", short(map_file)),
        ("every stage, in a browser", "make ui"),
        ("ask it something", f'qualia search "a slow morning by the sea" --user {user}'),
        ("any table", 'qualia sql "select * from cluster_pairs"'),
        ("your own files", "qualia import folder PATH --user me, then qualia run --user me"),
    ):
        console.print(f"  {what:<27}[cyan]{how}[/cyan]", highlight=False, soft_wrap=True)


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
@click.option("--offline", is_flag=True, help="Ask no service, whatever is due.")
@click.option(
    "--estimate", is_flag=True, help="Only say what providers would be asked, and what it would cost."
)
def run(
    user: str, start: str | None, force: bool, only: tuple[str, ...], offline: bool, estimate: bool
) -> None:
    """Take a user through every stage that is not up to date.

    A stage is made again when its inputs, its settings or its code have changed; everything else is
    kept. Annotations and embeddings are asked for once per item, ever. Stopping it loses nothing:
    the next run goes on where this one was.
    """
    settings = load_settings()
    with opened(settings) as state:
        must_exist(state, user)
        if estimate:
            _print_estimate(settings, state, user)
            return
        if only:
            _fit_again(settings, state, user, only)
        else:
            before = datetime.now(UTC)
            run_stale(settings, state, user, start, force, offline)
            print_visits(state, user, before)
        _print_paper_table(settings, user)


def _print_estimate(settings: Settings, state: Any, user: str) -> None:
    from qualia_assets.cli.estimate import estimate
    from qualia_assets.lake.store import Lake

    lines = estimate(user, settings, state, Lake(settings.lake))
    table = Table(header_style="bold", box=box.SIMPLE, pad_edge=False)
    table.add_column("stage", no_wrap=True)
    for name in ("items", "to ask", "k tokens", "k out", "Mpx", "USD", "min"):
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(
            line.stage,
            f"{line.items:,}",
            f"{line.to_ask:,}",
            f"{line.input_tokens / 1e3:,.0f}",
            f"{line.output_tokens / 1e3:,.0f}",
            f"{line.pixels / 1e6:,.0f}",
            f"{line.usd:,.3f}",
            f"{line.seconds / 60:,.0f}",
        )
    console.print(table)
    total = sum(line.usd for line in lines)
    providers = dict.fromkeys(line.provider for line in lines)
    console.print(
        f"Of {' and '.join(providers)}. (adapters: the words that recipes look up.)", highlight=False
    )
    console.print(
        f"{total:,.2f} US dollars by list prices; a run stops before it passes {settings.max_usd:,.2f} "
        "(`max_usd` in qualia.toml). Nothing was asked.",
        highlight=False,
    )


def _fit_again(settings: Settings, state: Any, user: str, only: tuple[str, ...]) -> None:
    """Fit some configurations alone, then make what depends on them."""
    from qualia_assets.runs.plan import plan_run

    steps = plan_run(user, settings, state, "adapters", force=True).todo
    first = [step for step in steps if step.supports_only]
    execute(state, user, first, force=False, only=only)
    console.print(f"Fitted again: {', '.join(only)}.", highlight=False)
    run_stale(settings, state, user, None, False)


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
    from qualia_assets.lake.store import Lake
    from qualia_assets.report.experiments import experiment_table, report
    from qualia_assets.runs.plan import plan_run

    with opened(settings) as state:
        for user in users:
            must_exist(state, user)
        for user in users:
            run_stale(settings, state, user, None, False)
            steps = plan_run(user, settings, state, "experiments", force).todo
            if steps:
                execute(state, user, steps, force)
    lake = Lake(settings.lake)
    for user in users:
        console.print()
        console.print(experiment_table(lake.read("experiment_results", user).to_pandas(), user))
    if out is not None:
        report(lake, users, settings.matching.threshold, out)
        console.print(f"Written: {short(out)}", highlight=False)


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
    from qualia_assets.search.search import search as find

    if (words is None) == (item is None):
        raise click.UsageError('Give words, as in `qualia search "a slow morning" --user me`, or --item ID.')
    settings = load_settings()
    with opened(settings) as state:
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
def doctor() -> None:
    """Look whether everything is there that a run needs, and say what to do about what is not.

    Settings, folders, disk, packages, models, keys (a free call, only where a provider over the network is
    chosen), and tables that are damaged. Ends with 1 where something is wrong.
    """
    from qualia_assets.cli.doctor import examine

    findings = examine(load_settings())
    table = Table(header_style="bold", show_edge=False)
    table.add_column("")
    for name in ("what", "found", "what to do"):
        table.add_column(name, overflow="fold")
    signs = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "[dim]·[/dim]"}
    for finding in findings:
        table.add_row(signs[finding.ok], escape(finding.what), escape(finding.said), escape(finding.mend))
    console.print(table)
    if any(finding.ok is False for finding in findings):
        raise SystemExit(1)


@main.command()
@click.option("--port", default=3000, show_default=True, help="Of Dagster; the app's is in qualia.toml.")
def ui(port: int) -> None:
    """Serve Dagster's UI and the browser app on 127.0.0.1, until Ctrl-C."""
    from qualia_assets.cli.servers import serve

    settings = load_settings()
    with opened(settings) as state:
        serve(state, settings.lake, port, settings.app.port, _say)


@main.command("open")
@click.argument("what", type=click.Choice(["map", "clusters", "search", "report"]), default="map")
@click.option("--user", "-u", metavar="KEY", help="Whose; without it, everyone in the lake.")
@click.option("--port", type=click.IntRange(1, 65535), help="As in qualia.toml where not given (3001).")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Another lets other machines in, with a token."
)
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser, too.")
def open_(what: str, user: str | None, port: int | None, host: str, browser: bool) -> None:
    """Wander in someone's taste, in a browser: the map, clusters, search, report.

    The app reads the lake and nothing else, and shows what a run has made as soon as it is whole. It runs
    until Ctrl-C; where it runs already, only the page is opened.
    """
    from qualia_assets.cli.servers import show
    from qualia_assets.users import check_user_key

    settings = load_settings()
    path = f"/u/{check_user_key(user)}/{what}" if user else "/"
    show(settings.lake, host, port or settings.app.port, path, browser, _say)


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _print_paper_table(settings: Settings, user: str) -> None:
    from qualia_assets.lake.store import Lake
    from qualia_assets.report.terminal import paper_table

    lake = Lake(settings.lake)
    if lake.exists("test_figures", user):
        console.print()
        console.print(paper_table(lake.read("test_figures", user).to_pylist(), user))


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
