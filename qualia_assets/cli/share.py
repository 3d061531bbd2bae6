"""Commands that write one file to keep or to send."""

from collections.abc import Callable
from pathlib import Path

import click

from qualia_assets.cli.console import USER, console, short
from qualia_assets.settings import load_settings


def _out(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    path = click.Path(path_type=Path, dir_okay=False)
    return click.option(
        "--out", type=path, default=default, show_default=True, help="The HTML file to write."
    )


def _write(out: Path, body: bytes, contents: str) -> None:
    from qualia_assets.lake.store import replacing

    with replacing(out) as temporary:
        temporary.write_bytes(body)
    console.print(f"Written: {short(out)} ({len(body) / 1000:,.0f} kB, {contents})", highlight=False)


@click.command()
@USER
@_out("report.html")
@click.option(
    "--with-names",
    is_flag=True,
    help="Put in the user's key, names of clusters and titles, too: words that the person read and saved.",
)
def report(user: str, out: Path, with_names: bool) -> None:
    """Write a user's report as one HTML file to send to a friend.

    The paper's tables and figures for this user, doing nothing always beside them. The file opens anywhere,
    runs no script and asks for nothing. Without --with-names it does not say whose it is.
    """
    from qualia_assets.lake.snapshot import Snapshots
    from qualia_assets.lake.store import Lake
    from qualia_assets.users import check_user_key
    from qualia_assets.web.report_file import file_with_names, file_without_names

    snapshot = Snapshots(Lake(load_settings().lake)).of(check_user_key(user))
    body = snapshot.once(file_with_names if with_names else file_without_names)
    _write(out, body, "with names" if with_names else "without names; --with-names puts them in")


@click.command("map")
@USER
@_out("map.html")
@click.option(
    "--with-items",
    is_flag=True,
    help="Put in titles, sources, annotations and small pictures of the items, too.",
)
def map_(user: str, out: Path, with_items: bool) -> None:
    """Write a user's map as one HTML file: to pan and zoom, without the app and without a network.

    Names of clusters are in it, which are made of the person's words. Of the items there are only their
    places, unless --with-items is given.
    """
    from qualia_assets.lake.blobs import thumbnail
    from qualia_assets.lake.snapshot import Snapshots
    from qualia_assets.lake.store import Lake, LakeError
    from qualia_assets.users import check_user_key
    from qualia_assets.views.points import tables_of
    from qualia_assets.web.map_file import map_page

    lake = Lake(load_settings().lake)
    snapshot = Snapshots(lake).of(check_user_key(user))

    def small(sha256: str) -> bytes | None:
        try:
            return thumbnail(lake, sha256, 64).read_bytes()
        except LakeError:
            return None

    annotations = snapshot.table("annotations") if with_items and snapshot.has("annotations") else None
    body = map_page(
        tables_of(snapshot), annotations, titles=with_items, thumbnail=small if with_items else None
    )
    _write(out, body, "with its items" if with_items else "without its items; --with-items puts them in")
