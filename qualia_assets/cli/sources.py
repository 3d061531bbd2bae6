"""Commands about users and where their items come from: import, consent, erase, schedule."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from qualia_assets.cli.console import USER, console, execute, must_exist, opened, print_rejects, with_bars
from qualia_assets.settings import Settings, load_settings

PATH = click.argument("path", type=click.Path(path_type=Path))
DRY_RUN = click.option(
    "--dry-run", is_flag=True, help="Say what would be imported and what not; write nothing."
)
LISTS = (".opml", ".xml", ".txt")


@click.group(name="import")
def import_() -> None:
    """Bring in a user's items from files: a folder, or what Substack or Pinterest gave you.

    This always works, asks nobody, and breaks no service's terms.
    """


@import_.command(name="folder")
@PATH
@USER
@DRY_RUN
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
    from qualia_assets.sources.folder import FolderSource
    from qualia_assets.users import check_user_key

    check_user_key(user)
    source = FolderSource(path)
    if dry_run:
        _describe(source, source.root)
        return
    _import(user, "folder", source.root)


@import_.command(name="substack")
@PATH
@USER
@DRY_RUN
def import_substack(path: Path, user: str, dry_run: bool) -> None:
    """Import your own posts from Substack's export, or a list of what you read.

    \b
    PATH is one of:
      export.zip    Substack > Settings > Exports > New export; the unpacked folder will do as well.
                    Drafts are left out; lists of e-mail addresses in it are never opened.
      *.opml        the publications that you read, as a feed reader exports them
      *.txt         addresses of publications or @handles, one a line

    A list is only noted: its publications are asked after `qualia user consent KEY substack`.
    """
    from qualia_assets.sources.substack.export import SubstackExport
    from qualia_assets.sources.substack.lists import read_list
    from qualia_assets.users import check_user_key

    check_user_key(user)
    if path.suffix.lower() in LISTS:
        _import_list("substack", list(read_list(path)), user, dry_run)
        return
    source = SubstackExport(path)
    if dry_run:
        _describe(source, path)
        return
    _import(user, "substack_export", path.resolve())


@import_.command(name="pinterest")
@PATH
@USER
@DRY_RUN
@click.option("--private", is_flag=True, help="With --dry-run: count private pins in, too.")
def import_pinterest(path: Path, user: str, dry_run: bool, private: bool) -> None:
    """Import your pins from Pinterest's data download.

    PATH is the HTML file, the zip or the folder that Pinterest sent (Settings > Privacy and data > Request
    your data). IP addresses in it are dropped. Private pins are left out, unless `private = true` stands
    under [pinterest] in qualia.toml. The download holds no pictures: they are fetched from i.pinimg.com
    after `qualia user consent KEY images`.

    PATH may also be a .txt of public boards, user/slug a line: the newest pins of each by Pinterest's widget,
    where `widgets = true` stands under [pinterest] and its robots.txt allows that.
    """
    from qualia_assets.sources.base import Reject
    from qualia_assets.sources.pinterest.export import PinterestExport
    from qualia_assets.sources.pinterest.lists import read_boards
    from qualia_assets.users import check_user_key

    check_user_key(user)
    if path.suffix.lower() == ".txt":
        boards = [b if isinstance(b, Reject) else ("board", b) for b in read_boards(path)]
        _import_list("pinterest", boards, user, dry_run)
        return
    source = PinterestExport(path, private=private or load_settings().pinterest.private)
    if dry_run:
        _describe(source, path)
        return
    if private:
        raise click.UsageError(
            "Set `private = true` under [pinterest] in qualia.toml: it holds for all runs."
        )
    _import(user, "pinterest_export", path.resolve())


def _import(user: str, name: str, path: Path) -> None:
    """Record the place, and make the raw tables and artefacts from it."""
    from qualia_assets.runs.execution import RunError
    from qualia_assets.runs.plan import plan_run

    settings = load_settings()
    with opened(settings) as state:
        before = state.source(user, name)
        state.set_source(user, name, str(path))
        first = ("sources", "artefacts")
        todo = plan_run(user, settings, state, offline=True).todo
        steps = [step for step in todo if step.group in first]
        try:
            execute(state, user, steps, force=False, offline=True)
        except RunError:
            if before is not None:
                state.set_source(user, name, before.location)
            raise
        _print_import(settings, user, name)


def _import_list(source: str, found: Sequence[Any], user: str, dry_run: bool) -> None:
    """Record what a list names; nothing is requested yet."""
    from qualia_assets.sources.base import Reject
    from qualia_assets.state.consent import consented
    from qualia_assets.state.crawl import Crawl, Row

    seeds = [f for f in found if not isinstance(f, Reject)]
    rejects = [f for f in found if isinstance(f, Reject)]
    what = "boards" if source == "pinterest" else "publications and handles"
    if dry_run:
        console.print(f"Would note {len(seeds):,} {what}. Nothing was written.", highlight=False)
    else:
        with opened(load_settings()) as state:
            state.add_user(user)
            rows = [Row("seed", f"{kind} {name}", {"kind": kind, "name": name}) for kind, name in seeds]
            Crawl(state, source, user).account(rows)
            agreed = source in consented(state, user)
        after = f"qualia run --user {user}" if agreed else f"qualia user consent {user} {source}"
        console.print(f"{user!r}: {len(seeds):,} {what} noted. Next: {after}", highlight=False)
    print_rejects([(r.record, r.reason, r.mend) for r in rejects])


def _describe(source: Any, path: Path) -> None:
    from qualia_assets.sources.base import Reject

    found = list(with_bars(lambda report: list(source.read(report))))
    rejects = [f for f in found if isinstance(f, Reject)]
    rows = [f if isinstance(f, dict) else vars(f) for f in found if not isinstance(f, Reject)]
    texts = sum(row["modality"] == "text" for row in rows)
    console.print(
        f"Would import {texts:,} posts and {len(rows) - texts:,} pins from {path}.", highlight=False
    )
    collections = {row["collection"] for row in rows if row["collection"]}
    console.print(
        f"They are in {len(collections):,} publications and boards. Nothing was written.", highlight=False
    )
    for note in source.notes() if hasattr(source, "notes") else ():
        console.print(note, highlight=False)
    print_rejects([(r.record, r.reason, r.mend) for r in rejects])


def _print_import(settings: Settings, user: str, name: str) -> None:
    from qualia_assets.lake.store import Lake

    lake = Lake(settings.lake)
    modalities = lake.read("artefacts", user, ["modality"])["modality"].to_pylist()
    waiting = lake.read("image_refs", user, ["status"])["status"].to_pylist().count("waiting")
    console.print(
        f"{user!r} now has {modalities.count('text'):,} posts and {modalities.count('image'):,} pins. "
        f"Next: qualia run --user {user}",
        highlight=False,
    )
    if waiting:
        console.print(
            f"Pictures that wait to be fetched from where they lie: {waiting:,}. "
            f"Agree to it with: qualia user consent {user} images",
            highlight=False,
        )
    items, rejected = ("folder_items", "folder_rejects") if name == "folder" else (name, f"{name}_rejects")
    bad = {
        r["sha256"]: r["status"] for r in lake.read("image_blobs", user).to_pylist() if r["status"] != "ok"
    }
    print_rejects(
        [(r["record"], r["reason"], r["mend"]) for r in lake.read(rejected, user).to_pylist()]
        + [
            (row["record"], f"picture: {bad[row['image_sha256']]}", "Save it as JPEG, PNG, WebP or GIF.")
            for row in lake.read(items, user).to_pylist()
            if row["image_sha256"] in bad
        ]
    )


@click.group()
def user() -> None:
    """See, add and erase users, and what each agreed to."""


@user.command(name="list")
def user_list() -> None:
    """All users, with how much there is of each."""
    from qualia_assets.lake.store import Lake
    from qualia_assets.state.consent import consented

    settings = load_settings()
    lake = Lake(settings.lake)
    table = Table()
    for name in ("user", "items", "last written", "agreed to"):
        table.add_column(name)
    with opened(settings) as state:
        for key in state.users():
            info = lake.info("artefacts", key)
            table.add_row(
                key,
                f"{info.rows:,}" if info else "–",
                f"{info.written_at:%Y-%m-%d %H:%M} UTC" if info else "–",
                ", ".join(sorted(consented(state, key))) or "–",
            )
    console.print(table)


@user.command(name="show")
@click.argument("key")
def user_show(key: str) -> None:
    """What KEY gave and agreed to, and how the last visit to each service ended."""
    from qualia_assets.state.consent import SOURCES, consented
    from qualia_assets.state.crawl import last_visit

    with opened(load_settings()) as state:
        must_exist(state, key)
        for name in ("demo", "folder", "substack_export", "pinterest_export"):
            noted = state.source(key, name)
            if noted is not None:
                console.print(f"{name}: {noted.location}", highlight=False, markup=False)
        agreed = consented(state, key)
        for name in SOURCES:
            visit = last_visit(state, key, name)
            if name not in agreed:
                console.print(f"{name}: not agreed to", highlight=False)
            elif visit is None:
                console.print(f"{name}: agreed {agreed[name]:%Y-%m-%d}; not visited yet", highlight=False)
            else:
                console.print(f"{name}: agreed {agreed[name]:%Y-%m-%d}; {_ended(visit)}", highlight=False)
                _print_notes(visit)


def print_visits(state: Any, user: str, since: datetime) -> None:
    """Print how the visits to services since a time ended."""
    from qualia_assets.state.consent import SOURCES
    from qualia_assets.state.crawl import last_visit

    for name in SOURCES:
        visit = last_visit(state, user, name)
        if visit is not None and visit.at >= since:
            console.print(f"{name}: {_ended(visit)}", highlight=False)
            _print_notes(visit)


def _ended(visit: Any) -> str:
    until = f", goes on from {visit.until:%Y-%m-%d %H:%M} UTC" if visit.until else ""
    goes_on = ", the next run goes on" if visit.waits and not visit.until else ""
    return (
        f"visited {visit.at:%Y-%m-%d %H:%M} UTC: {visit.status}, {visit.requests:,} requests{until}{goes_on}"
    )


def _print_notes(visit: Any) -> None:
    for note in visit.notes:
        console.print(f"  {escape(note)}", highlight=False)


@user.command(name="add")
@click.argument("key")
def user_add(key: str) -> None:
    """Add a user KEY: 1 to 63 of a-z, 0-9, - and _. Choose one that names nobody."""
    from qualia_assets.runs.execution import dagster_instance

    with opened(load_settings()) as state:
        new = state.add_user(key)
        with dagster_instance(state):
            pass
    console.print(f"User {key!r} {'added' if new else 'was there already'}.", highlight=False)


@user.command(name="consent")
@click.argument("key")
@click.argument("source", type=click.Choice(["substack", "pinterest", "images"]))
@click.option("--handle", metavar="NAME", help="Of substack: the handle of your public profile, without @.")
@click.option("--token-stdin", is_flag=True, help="Of pinterest: read the access token from the input.")
@click.option("--withdraw", is_flag=True, help="Take it back. What was fetched stays until it is erased.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def user_consent(
    key: str, source: str, handle: str | None, token_stdin: bool, withdraw: bool, yes: bool
) -> None:
    """Agree that SOURCE is asked for the items of KEY; without it nothing is fetched.

    \b
    substack    public pages, no sign-in: your public profile (--handle) or an imported list, the
                publications there, and what those recommend. Substack's terms forbid automated access
                unless it allows it, its robots.txt allows these pages; the export breaks no terms.
    pinterest   the official API with your own token (scopes boards:read pins:read user_accounts:read).
    images      pictures of posts and pins from i.pinimg.com and substackcdn.com.

    Each service sees the address of this machine and `contact` of qualia.toml, and which pages are asked.
    """
    from pydantic import SecretStr

    from qualia_assets.sources.substack.address import is_handle
    from qualia_assets.state import consent as consents

    settings = load_settings()
    with opened(settings) as state:
        if withdraw:
            must_exist(state, key)
            consents.withdraw(state, key, source)
            console.print(f"{source} is asked no more for {key!r}.", highlight=False)
            return
        if source != "substack" and handle:
            raise click.UsageError("--handle is of substack.")
        name = handle.removeprefix("@") if handle else None
        if name is not None and not is_handle(name):
            raise click.UsageError(
                f"{handle!r} is no Substack handle: it is the last part of substack.com/@name."
            )
        given = sys.stdin.readline().strip() if token_stdin and source == "pinterest" else ""
        if source == "pinterest" and not given and sys.stdin.isatty():
            given = click.prompt("Access token of your Pinterest app", hide_input=True)
        if source == "pinterest" and not given:
            raise click.UsageError(
                "Pinterest needs a token: `... consent KEY pinterest --token-stdin < file`."
            )
        if not yes and sys.stdin.isatty():
            click.confirm(f"Ask {source} for the items of {key!r}?", abort=True)
        state.add_user(key)
        if name is not None:
            state.set_source(key, "substack", name)
        if given:
            consents.keep_token(state, key, "pinterest", consents.Token(SecretStr(given)))
        consents.consent(state, key, source)
    console.print(f"Noted: {source} may be asked for {key!r}. Next: qualia run --user {key}", highlight=False)
    if not settings.crawling.contact:
        console.print("First set `contact` under [crawling] in qualia.toml.", markup=False, highlight=False)


@user.command(name="erase")
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do it.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def user_erase(key: str, yes: bool, dry_run: bool) -> None:
    """Erase KEY: every table, picture, answer and record of theirs, in the lake, the state and Dagster.

    What other users have, too (the same public post, say) stays for them. The files that you imported
    stay where they are. It cannot be undone.
    """
    from qualia_assets.erasure.erase import erase
    from qualia_assets.runs.execution import dagster_instance

    settings = load_settings()
    with opened(settings) as state:
        if not (yes or dry_run):
            raise click.UsageError("Give --dry-run to see what would go, or --yes to erase it.")
        with dagster_instance(state) as instance:
            receipt = erase(key, settings, state, instance, dry_run=dry_run)
    table = Table(title="Would go" if dry_run else "Gone", title_justify="left")
    for name in ("what", "how many", "bytes"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for line in (line for line in receipt.lines if line.count):
        table.add_row(line.what, f"{line.count:,}", f"{line.bytes:,}" if line.bytes else "")
    console.print(table)


@click.command()
@click.argument("what", type=click.Choice(["show", "on", "off"]), default="show")
def schedule(what: str) -> None:
    """Whether users' sources are asked again by themselves: show, on or off.

    On, and while `qualia ui` runs, a look is taken every hour: each user with a source that they agreed to
    and that is due (`due_hours` under [crawling] in qualia.toml) gets one run through every stage.
    """
    from qualia_assets.defs.crawls import next_due
    from qualia_assets.runs.execution import dagster_instance
    from qualia_assets.runs.schedules import is_on, switch

    settings = load_settings()
    with opened(settings) as state, dagster_instance(state) as instance:
        if what != "show":
            switch(instance, what == "on")
        console.print(f"The schedule is {'on' if is_on(instance) else 'off'}.", highlight=False)
        for key in state.users():
            for source, at in next_due(state, key, settings.crawling.due_hours).items():
                when = "now" if at <= datetime.now(UTC) else f"{at:%Y-%m-%d %H:%M} UTC"
                console.print(f"  {key}: {source} due {when}", highlight=False)
