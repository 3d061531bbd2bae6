"""Incomplete and damaged lakes: every address answers, and pages say what is missing and what to do.

Every address of a user is requested over copies of one small user, each with one fault (a damaged table, an
outdated one, a run that stopped early), and over unusual collections.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.store import Lake
from qualia_assets_tests.web.conftest import Client, Tab, check_accessible, client_over
from qualia_assets_tests.web.lakes import ORDER, item_id, write_user

READ = ("artefacts", "annotations", "annotation_embeddings", "clusters", "cluster_cards", "cluster_matches")
READ += ("adapters", "projections", "image_blobs", "item_overview")
Write = Callable[[Lake, str], None]


def _without_footer(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _with_bad_pages(path: Path) -> None:
    """The footer is intact, so that the damage shows only when the table is read."""
    body = bytearray(path.read_bytes())
    metadata = pq.read_metadata(path)
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            body[start : start + 30] = b"\xff" * 30
    path.write_bytes(bytes(body))


def _without_a_column(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(table.column_names[-1:]), path)


def _copy(lake: Lake, user: str, tables: Sequence[str] = ORDER) -> None:
    for name in tables:
        lake.folder(name, user).mkdir(parents=True)
        shutil.copyfile(lake.path(name, "complete"), lake.path(name, user))


def _damaged(table: str, damage: Callable[[Path], None]) -> Write:
    def write(lake: Lake, user: str) -> None:
        _copy(lake, user)
        damage(lake.path(table, user))

    return write


def _outdated(lake: Lake, user: str) -> None:
    _copy(lake, user)
    write_user(lake, user, items=24, seed=1, tables=["annotations"])


def _bad_pictures(lake: Lake, user: str) -> None:
    write_user(lake, user, items=24, pictures=3)
    pictures = lake.read("image_blobs", user)["sha256"].to_pylist()
    blob_path(lake, pictures[0]).write_bytes(b"no picture")
    blob_path(lake, pictures[1]).unlink()


def _small(**how: Any) -> Write:
    return lambda lake, user: write_user(lake, user, **how)


def _stopped(after: int) -> Write:
    return lambda lake, user: _copy(lake, user, ORDER[:after])


LAKES: dict[str, Write] = {
    "complete": _small(items=24),
    "new": _stopped(2),
    "nothing": _small(items=0),
    "one": _small(items=1),
    "two": _small(items=2),
    "words-only": _small(items=12, modalities=["text"]),
    "pictures-only": _small(items=12, modalities=["image"]),
    "bad-pictures": _bad_pictures,
    "outdated": _outdated,
    **{f"stopped-{n}": _stopped(n) for n in range(1, len(ORDER))},
    **{f"torn-{table}": _damaged(table, _without_footer) for table in READ},
    **{f"rotten-{table}": _damaged(table, _with_bad_pages) for table in READ},
    **{f"version-{t}": _damaged(t, _without_a_column) for t in ("artefacts", "projections", "adapters")},
}
OWN_ITEMS = ("nothing", "one", "two", "words-only", "pictures-only", "bad-pictures")


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The app over a lake with a user for each fault."""
    place = tmp_path_factory.mktemp("bad")
    for user, write in LAKES.items():
        write(Lake(place / "lake"), user)
    return Client(client_over(place))


def _item(user: str) -> str:
    return item_id(user if user in OWN_ITEMS else "complete", 0)


def _addresses(client: TestClient, user: str) -> Iterator[str]:
    """Every address of a user, with an item that may exist and one that does not."""
    item = _item(user)
    for route in client.app.routes:  # type: ignore[attr-defined]
        if isinstance(route, Route) and "{user}" in route.path and "GET" in (route.methods or ()):
            yield re.sub(r":\w+}", "}", route.path).format(user=user, item=item, sha256="0" * 64)
    yield from (
        f"/u/{user}/search?item={item}",
        f"/u/{user}/search?q=",
        f"/u/{user}/item/folder:none",
        f"/u/{user}/clusters?cluster=text-0",
        f"/u/{user}/clusters?page=9&words=salt&show=test&sort=name",
        f"/u/{user}/clusters?page=%00&show=%22&sort=x&cluster=text:99999999999999999999",
        f"/u/{user}/map/cards?item={item}&item=folder:none",
    )


@pytest.mark.parametrize("user", LAKES)
def test_every_address_answers_and_missing_pages_say_why(bad: Client, user: str) -> None:
    for path in _addresses(bad.http, user):
        response = bad.http.get(path)
        assert response.status_code in (200, 400, 404), (
            f"{path}: {response.status_code} {response.text[:300]}"
        )
        if response.status_code == 404 and "<h1>" in response.text:
            notice = re.search(r"<article class=\"notice\">(.*?)</article>", response.text, re.DOTALL)
            assert notice, path
            assert len(notice[1]) > 60, f"{path} says why: {notice[1]}"


@pytest.mark.parametrize("page", ["map", "clusters", "search", "report"])
def test_each_page_of_a_user_with_nothing_but_items_says_what_makes_the_rest(bad: Client, page: str) -> None:
    html = bad.get(f"/u/new/{page}")
    assert "was not made yet" in html.text()
    assert "qualia run --user new" in html.texts("main code")


def test_a_map_without_items_says_how_to_add_some(bad: Client) -> None:
    html = bad.get("/u/nothing/map")
    assert "qualia import folder PATH --user nothing" in html.texts("main code")
    assert html.all("script") == []


@pytest.mark.parametrize("fault", ["torn", "rotten", "version"])
def test_a_damaged_table_is_named_with_the_command_that_replaces_it(bad: Client, fault: str) -> None:
    text = bad.get(f"/u/{fault}-projections/map").text()
    assert f"qualia run --user {fault}-projections --from projections --force" in text
    assert ("is of another version of this project" in text) == (fault == "version")


def test_the_list_of_users_has_all_of_them(bad: Client) -> None:
    pages = [bad.get(f"/?page={n}") for n in range(1, 4)]
    assert {name for page in pages for name in page.texts("article h2")} == set(LAKES)


def test_incomplete_users_are_clean_and_accessible_in_a_browser(tab: Tab, lake: Lake) -> None:
    for user, write in (("new-1", ORDER[:2]), ("nothing-1", ORDER), ("stopped-early", ORDER[:7])):
        write_user(lake, user, items=0 if user == "nothing-1" else 12, tables=write)
        for name in ("map", "clusters", "search", "report"):
            check_accessible(tab.go(f"/u/{user}/{name}"))


def test_a_lake_that_is_replaced_while_the_app_runs_is_shown_at_the_next_request(tmp_path: Path) -> None:
    lake, other = Lake(tmp_path / "lake"), Lake(tmp_path / "other")
    write_user(lake, "ann", items=4, titles=["The old first title"])
    write_user(other, "ann", items=4, titles=["The new first title"])
    client = Client(client_over(tmp_path))
    path = f"/u/ann/item/{item_id('ann', 0)}"
    assert client.get(path).text("h1") == "The old first title"
    lake.root.rename(tmp_path / "gone")
    other.root.rename(lake.root)
    assert client.get(path).text("h1") == "The new first title"
    shutil.rmtree(lake.root)
    assert "There is no user 'ann' in this lake" in client.get("/u/ann/map", 404).text()


def test_a_page_that_meets_a_damaged_table_is_made_again_without_it(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    write_user(lake, "ann", items=4)
    _with_bad_pages(lake.path("projections", "ann"))
    client = client_over(tmp_path)
    first = client.get("/u/ann/map?space=raw", follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/u/ann/map?space=raw")
    assert client.get("/u/ann/map?space=raw").status_code == 200
