"""Lakes that are not as one would wish: every page says what is there, what is not, and what to do.

Every address that there is of a user is asked for over each of these lakes; a browser looks at some.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.routing import Route

from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.store import Lake
from qualia_assets.settings import Settings
from qualia_assets.web.server import make_app
from qualia_assets_tests.web.conftest import Visit, serious_findings, serving
from qualia_assets_tests.web.lakes import ORDER, item_id, write_user
from qualia_assets_tests.web.running import ask

PAGES = ("map", "clusters", "search", "report")
TORN = ("artefacts", "annotations", "annotation_embeddings", "clusters", "cluster_cards", "cluster_matches")
TORN += ("adapters", "projections", "image_blobs", "item_overview")


def _torn(path: Path) -> None:
    """Its footer is gone."""
    path.write_bytes(path.read_bytes()[:200])


def _rotten(path: Path) -> None:
    """Its footer is whole, what it tells of is not."""
    body = bytearray(path.read_bytes())
    for group in range(pq.read_metadata(path).num_row_groups):
        for column in range(pq.read_metadata(path).num_columns):
            told = pq.read_metadata(path).row_group(group).column(column)
            start = told.dictionary_page_offset or told.data_page_offset
            body[start : start + 30] = b"\xff" * 30
    path.write_bytes(bytes(body))


def _of_another_version(path: Path) -> None:
    """A column of today's is not there yet."""
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(table.column_names[-1:]), path)


def _copied(lake: Lake, user: str, tables: Sequence[str] = ORDER) -> None:
    """The user ``whole`` under another name: sooner than writing one."""
    for name in tables:
        lake.folder(name, user).mkdir(parents=True)
        shutil.copyfile(lake.path(name, "whole"), lake.path(name, user))


def _broken(table: str, hurt: Callable[[Path], None]) -> Callable[[Lake, str], None]:
    def write(lake: Lake, user: str) -> None:
        _copied(lake, user)
        hurt(lake.path(table, user))

    return write


def _stale(table: str) -> Callable[[Lake, str], None]:
    def write(lake: Lake, user: str) -> None:
        _copied(lake, user)
        write_user(lake, user, seed=1, tables=[table])

    return write


def _half(number: int) -> Callable[[Lake, str], None]:
    return lambda lake, user: _copied(lake, user, ORDER[:number])


def _with_bad_pictures(lake: Lake, user: str) -> None:
    write_user(lake, user)
    pictures = lake.read("image_blobs", user)["sha256"].to_pylist()
    blob_path(lake, pictures[0]).write_bytes(b"no picture")
    blob_path(lake, pictures[1]).unlink()


LAKES: dict[str, Callable[[Lake, str], None]] = {
    "whole": write_user,
    "new": _half(2),
    "nothing": lambda lake, user: write_user(lake, user, items=0),
    "one": lambda lake, user: write_user(lake, user, items=1),
    "two": lambda lake, user: write_user(lake, user, items=2),
    "words-only": lambda lake, user: write_user(lake, user, modalities=["text"]),
    "pictures-only": lambda lake, user: write_user(lake, user, modalities=["image"]),
    "bad-pictures": _with_bad_pictures,
    **{f"half-{n}": _half(n) for n in range(1, len(ORDER))},
    **{f"torn-{t}": _broken(t, _torn) for t in TORN},
    **{f"rotten-{t}": _broken(t, _rotten) for t in TORN},
    **{f"version-{t}": _broken(t, _of_another_version) for t in TORN if t != "item_overview"},
    **{f"stale-{t}": _stale(t) for t in ("artefacts", "annotations", "clusters", "adapters")},
}
SEEN = ("new", "nothing", "one", "pictures-only", "half-7", "bad-pictures", "rotten-annotations")


def _item(user: str) -> str:
    """An item that the user has, or had."""
    own = user in ("nothing", "one", "two", "words-only", "pictures-only", "bad-pictures")
    return item_id(user if own else "whole", 0)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with a user for each of these."""
    place = tmp_path_factory.mktemp("bad")
    for user, write in LAKES.items():
        write(Lake(place / "lake"), user)
    return place


@pytest.fixture(scope="module")
def url(bad: Path) -> Iterator[str]:
    with serving(bad) as url:
        yield url


def _addresses(user: str, picture: str) -> list[str]:
    """Every address of a user's that can be asked for, with an item that there is and one that is not."""
    values = {"item": _item(user), "sha256": picture}
    routes = make_app(Settings()).routes
    found = [
        re.sub(r":\w+}", "}", route.path).format(user=user, **values)
        for route in routes
        if isinstance(route, Route) and "{user}" in route.path and "GET" in (route.methods or ())
    ]
    item = _item(user)
    return [
        *found,
        f"/u/{user}/search?item={item}",
        f"/u/{user}/search?q=",
        f"/u/{user}/item/folder:none",
        f"/u/{user}/clusters?cluster=text-0",
        f"/u/{user}/clusters?page=9&words=salt&show=test&sort=name",
        f"/u/{user}/clusters?page=%00&show=%22&sort=x&cluster=text:99999999999999999999",
        f"/u/{user}/map/cards?item={item}&item=folder:none",
    ]


def _asked(url: str, path: str, times: int = 4) -> tuple[int, str]:
    """Status and text of an answer, redirects followed as a browser does."""
    answer = ask(int(url.rpartition(":")[2]), path, headers={"accept": "text/html"})
    if answer.status == 303 and times:
        return _asked(url, answer.headers["location"], times - 1)
    return answer.status, answer.body.decode("utf-8", "replace")


@pytest.mark.parametrize("user", LAKES)
def test_every_address_is_answered_whatever_the_lake_is_like(url: str, user: str) -> None:
    for path in _addresses(user, "0" * 64):
        status, text = _asked(url, path)
        assert status in (200, 400, 404), f"{path}: {status} {text[:300]}"
        if status == 404 and "<h1>" in text:
            said = re.search(r"<article class=\"notice\">(.*?)</article>", text, re.DOTALL)
            assert said, path
            assert len(said[1]) > 60, f"{path} says what is not there: {said[1]}"


def test_each_page_of_a_user_with_nothing_but_items_says_what_makes_the_rest(url: str) -> None:
    for name in PAGES:
        status, text = _asked(url, f"/u/new/{name}")
        assert status == 200
        assert "was not made yet" in text
        assert "<code>qualia run --user new</code>" in text


def test_a_map_of_nothing_says_what_brings_items(url: str) -> None:
    status, text = _asked(url, "/u/nothing/map")
    assert status == 200
    assert "qualia import folder PATH --user nothing" in text
    assert "map.js" not in text


def test_a_damaged_table_is_named_with_what_mends_it(url: str) -> None:
    for how in ("torn", "rotten", "version"):
        status, text = _asked(url, f"/u/{how}-projections/map")
        assert status == 200, how
        assert f"qualia run --user {how}-projections --from projections --force" in text
    assert "is of another version of this project" in text


def test_the_page_of_everyone_tells_of_all_of_them(url: str) -> None:
    told = "".join(_asked(url, f"/?page={n}")[1] for n in range(1, 6))
    assert all(f'id="user-{user}"' in told for user in LAKES)


@pytest.fixture
def tab(chromium: Any, url: str) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1000, "height": 800})
    tab = Visit(context.new_page(), url)
    yield tab
    context.close()
    tab.is_clean()


def _whatever(tab: Visit, path: str) -> Any:
    """Open a page that may be a 404, which Chromium writes to the console; it is no fault then."""
    page = tab.go(path)
    tab.errors[:] = [said for said in tab.errors if "status of 404" not in said]
    return page


@pytest.mark.parametrize("user", SEEN)
def test_in_a_browser_no_page_breaks(tab: Visit, user: str) -> None:
    for name in (*PAGES, f"item/{_item(user)}"):
        page = _whatever(tab, f"/u/{user}/{name}")
        assert page.locator("h1").count() == 1, name
        assert len(page.inner_text("main")) > 40, name
        if user in ("new", "nothing"):  # where pages say most of what is missing
            assert serious_findings(page) == [], name


def test_a_lake_that_is_replaced_while_the_app_runs_is_shown_at_the_next_request(
    tmp_path: Path, chromium: Any
) -> None:
    lake, other = Lake(tmp_path / "lake"), Lake(tmp_path / "other")
    write_user(lake, "ann", titles=["The old first title"] * 60)
    write_user(other, "ann", titles=["The new first title"] * 60)
    with serving(tmp_path) as url:
        context = chromium.new_context()
        tab = Visit(context.new_page(), url)
        path = f"/u/ann/item/{item_id('ann', 0)}"
        assert "The old first title" in tab.go(path).inner_text("main")
        lake.root.rename(tmp_path / "gone")
        other.root.rename(lake.root)
        page = tab.go(path)
        assert "The new first title" in page.inner_text("main")
        assert "The old first title" not in page.content()
        shutil.rmtree(lake.root)
        said = _whatever(tab, "/u/ann/map").inner_text("main")
        assert "There is no user 'ann' in this lake" in said
        context.close()
        tab.is_clean()
