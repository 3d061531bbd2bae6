"""The walk through a user's Pinterest, against a server on this machine that answers as the API does."""

import logging
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from qualia_assets.lake.tables import PINTEREST_BOARDS, PINTEREST_PINS
from qualia_assets.net.client import Client
from qualia_assets.progress import silent
from qualia_assets.settings import Pinterest, Settings, load_settings
from qualia_assets.sources.base import Reject
from qualia_assets.sources.crawling import Report
from qualia_assets.sources.pinterest import wire
from qualia_assets.sources.pinterest.crawl import board_rows, crawl, pin_rows
from qualia_assets.sources.pinterest.widgets import widgets
from qualia_assets.state.consent import Token, consent, keep_token, token, withdraw
from qualia_assets.state.database import State
from qualia_assets.state.quota import spend
from qualia_assets.state.tables import crawl_cursors, metadata
from qualia_assets_tests.emulators.pinterest import DENY, PLANTED, Account, Board, Server, World, pin, serving

ANN = "ann"
LISTS = ["/boards", "/user_account/following/boards"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as served:
        yield served


@pytest.fixture
def world(server: Server) -> World:
    return server.begin()


@pytest.fixture
def ann(world: World, state: State) -> Account:
    """An account of a user who has consented and signed in."""
    return join(world, state, ANN)


def join(world: World, state: State, user: str) -> Account:
    account, access, refresh = world.sign_in(user)
    state.add_user(user)
    consent(state, user, "pinterest")
    keep_token(state, user, "pinterest", Token(SecretStr(access), SecretStr(refresh)))
    return account


def choose(world: World, **pinterest: Any) -> Settings:
    app = {"client_id": "app", "client_secret": f"{PLANTED}-client"}
    crawling = {"contact": "me@example.org", "gap": 0, "send_to": {"*": world.url}}
    return load_settings(crawling=crawling, pinterest=app | pinterest)


def go(
    world: World,
    state: State,
    user: str = ANN,
    due_hours: float = 0,
    budget: int = 1000,
    **pinterest: Any,
) -> Report:
    settings = choose(world, **pinterest)
    with Client("pinterest", state, settings, budget=budget) as client:
        return crawl(user, state, client, settings.pinterest, due_hours, silent)


def pins_of(state: State, **chosen: Any) -> dict[str, dict[str, Any]]:
    """Rows by id, as the table would hold them."""
    rows = pin_rows(state, ANN, Pinterest(**chosen))
    assert PINTEREST_PINS.violations(PINTEREST_PINS.conform(PINTEREST_PINS.table(rows))) == []
    return {row["item_id"]: row for row in rows}


def boards_of(state: State, **chosen: Any) -> dict[str, dict[str, Any]]:
    rows = board_rows(state, ANN, Pinterest(**chosen))
    assert PINTEREST_BOARDS.violations(PINTEREST_BOARDS.conform(PINTEREST_BOARDS.table(rows))) == []
    return {row["board_id"]: row for row in rows}


def gone(state: State) -> set[str]:
    return {key for key, row in pins_of(state).items() if row["gone_at"]}


def test_boards_and_pins_become_rows(world: World, ann: Account, state: State) -> None:
    ann.board(1, pins=2, description="Of things", owner={"username": "ann_he"})
    ann.boards["1"].pins[0] |= {"link": None, "alt_text": "A chair", "note": "for the hall"}

    report = go(world, state)

    assert (report.status, report.requests, report.notes, report.rejects) == ("complete", 4, (), ())
    assert boards_of(state) == {
        "1": {
            "board_id": "1",
            "hop": 0,
            "name": "Board 1",
            "description": "Of things",
            "owner": "ann_he",
            "privacy": "public",
            "url": None,
            "status": "ok",
            "pins": 2,
            "modified_at": datetime(2021, 10, 25, 11, 17, 0, 715000, UTC),
        }
    }
    pins = pins_of(state)
    assert list(pins) == ["1000", "1001"]
    assert pins["1000"] == {
        "item_id": "1000",
        "modality": "image",
        "hop": 0,
        "title": "Pin 1000",
        "text": "What 1000 shows",
        "tags": [],
        "url": "http://example.org/1000",
        "author": None,
        "collection": "Board 1",
        "image_sha256": None,
        "created_at": datetime(2021, 6, 8, 9, 37, 30, tzinfo=UTC),
        "record": "/boards/1/pins",
        "board_id": "1",
        "image_url": f"https://i.pinimg.com/1200x/c6/b6/0d/{1000:032x}.jpg",
        "parent_pin_id": None,
        "gone_at": None,
    }
    assert pins["1001"]["url"] == "https://www.pinterest.com/pin/1001/"
    assert pins["1001"]["text"] == "What 1001 shows\n\nA chair\n\nfor the hall"
    assert world.paths() == ["/boards", "/boards/1/sections", "/boards/1/pins", LISTS[1]]
    assert {asked.query.get("page_size") for asked in world.log} == {"250"}


@pytest.mark.parametrize(
    ("media", "size"),
    [
        ({"media_type": "image", "images": {"600x": {}, "originals": {}, "400x300": {}}}, "600x"),
        ({"media_type": "image", "images": {"originals": {}, "150x150": {}}}, "originals"),
        (
            {"media_type": "multiple_images", "items": [{"title": "no picture"}, {"images": {"600x": {}}}]},
            "600x",
        ),
        ({"media_type": "video", "cover_image_url": "https://i.pinimg.com/cover/a.jpg"}, "cover"),
        (
            {"media_type": "multiple_videos", "items": [{"cover_image_url": "https://i.pinimg.com/c/a.jpg"}]},
            "c",
        ),
        (
            {"media_type": "image", "images": {"1200x": None, "600x": {"url": "http://i.pinimg.com/a.jpg"}}},
            None,
        ),
        ({"media_type": "image", "images": None}, None),
        (None, None),
    ],
)
def test_of_a_pins_media_the_first_picture_of_a_good_size_is_taken(media: Any, size: str | None) -> None:
    for part in [media, *media.get("items", [])] if media else []:
        for name, copy in (part.get("images") or {}).items():
            if copy == {}:
                copy |= {"width": 1, "height": 1, "url": f"https://i.pinimg.com/{name}/a.jpg?x=1"}

    read = wire.Pin.model_validate(pin(1, media=media)).payload("here", "1")

    assert read["image_url"] == (f"https://i.pinimg.com/{size}/a.jpg" if size else None)


def test_pins_of_sections_are_walked_too_and_counted_once(world: World, ann: Account, state: State) -> None:
    board = ann.board(1, pins=2)
    board.sections = {"71": [board.pins[0], pin(55, board_section_id="71")], "72": [pin(56)]}

    first, second = go(world, state), go(world, state)

    assert set(pins_of(state)) == {"1000", "1001", "55", "56"}
    assert {row["board_id"] for row in pins_of(state).values()} == {"1"}
    assert (first.new, first.changed) == (5, 0)
    assert (second.new, second.changed) == (0, 0)


@pytest.mark.parametrize("end", [None, "", ...], ids=["null", "empty", "missing"])
def test_a_list_ends_where_no_bookmark_comes(world: World, ann: Account, state: State, end: Any) -> None:
    world.page, world.end = 3, end
    ann.board(1, pins=7)

    report = go(world, state)

    assert report.status == "complete"
    assert len(pins_of(state)) == 7
    assert Counter(world.paths())["/boards/1/pins"] == 3


@pytest.mark.parametrize("fault", ["same_bookmark", "same_page"])
def test_what_comes_again_stops_the_walk_and_nothing_is_marked_gone(
    world: World, ann: Account, state: State, fault: str
) -> None:
    world.page = 2
    board = ann.board(1, pins=6)
    ann.board(2, pins=1)
    go(world, state)
    world.forget()
    board.save(pin(77))
    board.remove(1000)
    getattr(world, fault).add("/boards/1/pins")

    report = go(world, state)

    assert report.status == "complete"
    assert any("/boards/1/pins: a" in note and "came twice" in note for note in report.notes)
    assert Counter(world.paths())["/boards/1/pins"] <= 3
    assert gone(state) == set()
    assert "77" in pins_of(state)

    getattr(world, fault).clear()
    assert go(world, state).notes == ()
    assert gone(state) == {"1000"}


def test_a_bookmark_that_is_refused_begins_the_walk_anew_once(
    world: World, ann: Account, state: State
) -> None:
    world.page = 2
    board = ann.board(1, pins=5)
    go(world, state)
    board.remove(1000)
    world.forget()
    world.refuse_bookmarks["/boards/1/pins"] = 1

    report = go(world, state)

    assert report.status == "complete"
    assert [note for note in report.notes if "anew" in note]
    assert Counter(world.paths())["/boards/1/pins"] == 4  # the first page, refused, both pages
    assert gone(state) == {"1000"}


def test_a_bookmark_that_is_refused_again_stops_the_walk(world: World, ann: Account, state: State) -> None:
    world.page = 2
    board = ann.board(1, pins=5)
    ann.board(2, pins=1)
    go(world, state)
    board.remove(1000)
    world.forget()
    world.refuse_bookmarks["/boards/1/pins"] = 9

    report = go(world, state)

    assert report.status == "complete"
    assert Counter(world.paths())["/boards/1/pins"] == 4
    assert gone(state) == set()


def test_boards_whose_pins_have_not_changed_are_passed_over(world: World, ann: Account, state: State) -> None:
    for number in range(1, 6):
        ann.board(number, pins=3)
    go(world, state)
    world.forget()
    ann.boards["4"].save(pin(77))

    report = go(world, state)

    assert world.paths() == ["/boards", "/boards/4/sections", "/boards/4/pins", LISTS[1]]
    assert (report.requests, report.new, report.changed) == (4, 1, 1)
    assert "77" in pins_of(state)

    world.forget()
    unchanged = go(world, state)
    assert world.paths() == LISTS
    assert (unchanged.new, unchanged.changed) == (0, 0)


def test_a_board_without_a_time_of_change_is_walked_each_round(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=1, board_pins_modified_at=None)
    go(world, state)
    world.forget()

    go(world, state)

    assert "/boards/1/pins" in world.paths()


def test_before_it_is_due_again_nothing_is_asked(world: World, ann: Account, state: State) -> None:
    ann.board(1, pins=1)
    go(world, state)
    world.forget()

    report = go(world, state, due_hours=24)

    assert (report.status, report.requests, world.log) == ("complete", 0, [])


def test_a_removed_pin_is_marked_gone_and_comes_back(world: World, ann: Account, state: State) -> None:
    board = ann.board(1, pins=3)
    go(world, state)
    board.remove(1001)
    before = datetime.now(UTC)

    go(world, state)

    assert gone(state) == {"1001"}
    when = pins_of(state)["1001"]["gone_at"]
    assert before <= when <= datetime.now(UTC)
    go(world, state)
    assert pins_of(state)["1001"]["gone_at"] == when

    board.save(pin(1001))
    go(world, state)
    assert gone(state) == set()


def test_a_board_that_vanished_takes_its_pins_along_and_brings_them_back(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=2)
    lost = ann.board(2, pins=2)
    go(world, state)
    del ann.boards["2"]

    go(world, state)

    assert gone(state) == {"2000", "2001"}
    assert boards_of(state)["2"]["status"] == "gone"
    assert boards_of(state)["1"]["status"] == "ok"

    ann.boards["2"] = lost
    go(world, state)
    assert gone(state) == set()
    assert boards_of(state)["2"]["status"] == "ok"


@pytest.mark.parametrize("newer", ["1", "2"])
def test_a_pin_that_was_moved_to_another_board_is_not_gone(
    world: World, ann: Account, state: State, newer: str
) -> None:
    old, new = ann.board(1, pins=3), ann.board(2, pins=1)
    go(world, state)
    moved = old.pins[0]
    old.remove(int(moved["id"]))
    new.save({**moved, "board_id": "2"})
    ann.boards[newer].moved += 5  # the board that changed last is walked first

    go(world, state)

    assert gone(state) == set()
    assert pins_of(state)[moved["id"]]["board_id"] == "2"


def test_secret_boards_and_their_pins_are_left_out_unless_they_are_wanted(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=1)
    ann.board(2, pins=1, privacy="SECRET")
    ann.board(3, pins=1, follow=True, privacy="SECRET")

    go(world, state)

    assert set(pins_of(state)) == {"1000"}
    assert set(boards_of(state)) == {"1"}
    assert not any(path.startswith(("/boards/2", "/boards/3")) for path in world.paths())

    go(world, state, private=True)
    assert set(pins_of(state, private=True)) == {"1000", "2000", "3000"}
    assert boards_of(state, private=True)["2"]["privacy"] == "secret"
    assert set(pins_of(state)) == {"1000"}
    assert set(boards_of(state)) == {"1"}

    go(world, state)
    assert set(pins_of(state, private=True)) == {"1000"}
    go(world, state, private=True)
    assert set(pins_of(state, private=True)) == {"1000", "2000", "3000"}


def test_a_secret_board_is_asked_no_further_once_it_is_unwanted(
    world: World, ann: Account, state: State
) -> None:
    world.page = 1
    ann.board(1, pins=3, privacy="SECRET")
    assert go(world, state, private=True, budget=3).status == "budget"
    world.forget()

    assert go(world, state).status == "complete"

    assert world.paths() == [LISTS[1]]


def test_a_board_that_is_made_secret_is_shown_no_more(world: World, ann: Account, state: State) -> None:
    board = ann.board(1, pins=1)
    ann.board(2, pins=1)
    go(world, state)
    board.changes["privacy"] = "SECRET"

    go(world, state)

    assert set(pins_of(state)) == {"2000"}
    assert set(boards_of(state)) == {"2"}


def test_of_followed_boards_the_newest_pins_of_the_nearest_boards_are_taken(
    world: World, ann: Account, state: State
) -> None:
    mine = ann.board(1, pins=4)
    for number in range(10, 16):
        ann.board(number, pins=9, follow=True).moved = number
    # Two of the user's pins came from board 12, though it is the third oldest.
    for own, origin in ((0, 12001), (1, 12002), (2, 999)):
        mine.pins[own]["parent_pin_id"] = str(origin)
    world.pins |= {str(n): pin(n, board_id="12") for n in (12001, 12002)} | {"999": pin(999, board_id="900")}

    report = go(world, state, boards=3, pins=5)

    boards = boards_of(state)
    assert {key for key, row in boards.items() if row["hop"] == 1} == {"12", "15", "14"}
    assert {boards[key]["pins"] for key in ("14", "15")} == {5}
    assert any("6 boards; 3 of them" in note for note in report.notes)
    hops = {key: row["hop"] for key, row in pins_of(state).items()}
    assert {key for key, hop in hops.items() if hop == 0} == {"1000", "1001", "1002", "1003"}
    newest = {str(board * 1000 + n) for board in (12, 14, 15) for n in range(4, 9)}
    assert {key for key, hop in hops.items() if hop == 1} == newest | {"12001", "12002", "999"}
    assert "/boards/12/sections" not in world.paths()

    world.forget()
    ann.follows["15"].save(pin(77))
    go(world, state, boards=3, pins=5)
    assert world.paths() == ["/boards", LISTS[1], "/boards/15/pins"]
    assert "77" in pins_of(state)
    assert "15004" not in pins_of(state)  # pushed out by a newer one
    assert boards_of(state)["15"]["pins"] == 5


def test_other_caps_take_in_more_or_fewer(world: World, ann: Account, state: State) -> None:
    for number in range(10, 13):
        ann.board(number, pins=6, follow=True)

    go(world, state, boards=1, pins=2)
    assert len(pins_of(state)) == 2
    go(world, state, boards=2, pins=4)
    assert len(pins_of(state)) == 8
    go(world, state, boards=2, pins=1)
    assert len(pins_of(state)) == 2
    world.forget()
    go(world, state, boards=0)
    assert world.paths() == ["/boards"]
    assert (pins_of(state), boards_of(state)) == ({}, {})


def test_a_board_that_is_followed_no_longer_takes_its_pins_along(
    world: World, ann: Account, state: State
) -> None:
    ann.board(10, pins=2, follow=True)
    go(world, state)
    assert len(pins_of(state)) == 2
    board = ann.follows.pop("10")

    go(world, state)

    assert (pins_of(state), boards_of(state)) == ({}, {})

    ann.boards["10"] = board  # shared with the user now
    go(world, state)
    assert {row["hop"] for row in pins_of(state).values()} == {0}


def test_where_pins_came_from_is_asked_once_most_pointed_to_first(
    world: World, ann: Account, state: State
) -> None:
    mine = ann.board(1, pins=8)
    parents = ["501", "501", "501", "502", "502", "503", "504", "1000"]
    for own, parent in zip(mine.pins, parents, strict=True):
        own["parent_pin_id"] = parent
    world.pins |= {key: pin(int(key), board_id="9") for key in ("502", "503")}
    world.refuse["/pins/501"] = [403, -1]

    go(world, state, pins=3)

    asked = [path for path in world.paths() if path.startswith("/pins/")]
    assert asked == ["/pins/501", "/pins/502", "/pins/503"]
    assert {key for key, row in pins_of(state).items() if row["hop"] == 1} == {"502", "503"}

    world.forget()
    go(world, state, pins=3)
    go(world, state, pins=3)
    assert [path for path in world.paths() if path.startswith("/pins/")] == ["/pins/504"]

    world.forget()
    mine.pins = [own for own in mine.pins if own["parent_pin_id"] != "503"]
    mine.moved += 1
    go(world, state, pins=3)
    assert {key for key, row in pins_of(state).items() if row["hop"] == 1} == {"502"}
    assert not [path for path in world.paths() if path.startswith("/pins/")]


def test_followed_boards_that_are_not_open_are_left_out_for_good(
    world: World, ann: Account, state: State
) -> None:
    closed = ann.board(10, pins=2, follow=True)
    ann.board(11, pins=2, follow=True)
    world.refuse["/boards/10/pins"] = [403, -1]

    report = go(world, state)
    assert (report.status, boards_of(state)["10"]["status"]) == ("complete", "blocked")
    closed.save(pin(77))
    world.forget()
    go(world, state, boards=1)

    assert "/boards/10/pins" not in world.paths()
    assert {row["board_id"] for row in pins_of(state).values()} == {"11"}


def test_without_leave_to_see_what_is_followed_the_rest_goes_on(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=1)
    world.refuse[LISTS[1]] = [403, -1]

    report = go(world, state)

    assert report.status == "complete"
    assert any("boards that you follow" in note for note in report.notes)
    assert set(pins_of(state)) == {"1000"}


def test_without_consent_or_token_nothing_is_asked(world: World, state: State) -> None:
    account, access, _ = world.sign_in(ANN)
    account.board(1, pins=1)
    state.add_user(ANN)

    keep_token(state, ANN, "pinterest", Token(SecretStr(access)))
    no_consent = go(world, state)
    withdraw(state, ANN, "pinterest")
    consent(state, ANN, "pinterest")
    no_token = go(world, state)

    assert (no_consent.status, no_token.status, world.log) == ("blocked", "blocked", [])
    assert "qualia import pinterest" in no_token.notes[0]


def access_of(state: State) -> str:
    kept = token(state, ANN, "pinterest")
    assert kept is not None
    return kept.access.get_secret_value()


@pytest.mark.parametrize("rotates", [True, False])
def test_a_token_that_expires_on_the_way_is_renewed_once_and_the_question_put_again(
    world: World, ann: Account, state: State, rotates: bool
) -> None:
    world.page, world.rotates = 2, rotates
    ann.board(1, pins=6)
    assert go(world, state, budget=4).status == "budget"
    world.forget()
    old = access_of(state)
    world.expire(old)
    before = datetime.now(UTC)

    report = go(world, state)

    assert report.status == "complete"
    assert world.paths()[:3] == ["/boards/1/pins", "/oauth/token", "/boards/1/pins"]
    assert world.log[0].query == world.log[2].query
    assert Counter(world.paths())["/oauth/token"] == 1
    assert len(pins_of(state)) == 6
    kept = token(state, ANN, "pinterest")
    assert kept is not None
    assert kept.access.get_secret_value() == f"{old}+"
    assert kept.refresh is not None
    assert kept.refresh.get_secret_value() in world.refreshes
    assert kept.expires_at is not None
    assert 29 < (kept.expires_at - before).days < 31


def test_a_renewed_token_that_is_not_accepted_ends_the_crawl(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=1)
    world.refuse["/boards"] = [401, -1]

    report = go(world, state)

    assert world.paths() == ["/boards", "/oauth/token", "/boards"]
    assert report.status == "blocked"
    assert "qualia user consent" in report.notes[-1]


def test_a_token_is_renewed_no_second_time_in_a_crawl(world: World, ann: Account, state: State) -> None:
    ann.board(1, pins=1)
    world.refuse |= {"/boards": [401], "/boards/1/pins": [401, 401]}

    report = go(world, state)

    assert (report.status, Counter(world.paths())["/oauth/token"]) == ("blocked", 1)


@pytest.mark.parametrize("why", ["no app", "no refresh token", "refused", "expired secret"])
def test_a_token_that_cannot_be_renewed_ends_the_crawl(
    world: World, ann: Account, state: State, why: str
) -> None:
    ann.board(1, pins=1)
    old = access_of(state)
    world.expire(old)
    app: dict[str, Any] = {}
    if why == "no app":
        app = {"client_id": ""}
    elif why == "no refresh token":
        keep_token(state, ANN, "pinterest", Token(SecretStr(old)))
    elif why == "refused":
        world.refreshes.clear()
    else:
        app = {"client_secret": "another"}

    report = go(world, state, **app)

    assert report.status == "blocked"
    assert "qualia import pinterest" in report.notes[-1]
    assert access_of(state) == old
    assert PLANTED not in repr(report)


def test_where_the_token_endpoint_is_out_of_order_the_crawl_fails_and_goes_on_later(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=1)
    world.expire(access_of(state))
    world.refuse["/oauth/token"] = [500]

    first, second = go(world, state), go(world, state)

    assert (first.status, second.status) == ("failed", "complete")


def test_the_days_requests_are_counted_for_all_users_together(
    world: World, ann: Account, state: State
) -> None:
    ben = join(world, state, "ben")
    for account in (ann, ben):
        for number in range(1, 4):
            account.board(number, pins=1)

    first = go(world, state, requests_per_day=10)
    second = go(world, state, "ben", requests_per_day=10)

    assert (first.status, first.requests) == ("complete", 8)
    assert (second.status, second.requests, len(world.log)) == ("budget", 2, 10)
    assert second.until is not None
    left = second.until - datetime.now(UTC)
    assert 0 < left.total_seconds() <= 24 * 3600
    assert (second.until.hour, second.until.minute, second.until.second) == (0, 0, 0)
    assert go(world, state, "ben", requests_per_day=10).requests == 0

    with state.engine.begin() as connection:  # yesterday's
        connection.execute(
            sa.update(crawl_cursors)
            .where(crawl_cursors.c.name.startswith("day:"))
            .values(name="day:2020-01-01")
        )
    third = go(world, state, "ben", requests_per_day=10)
    assert (third.status, third.requests) == ("complete", 6)
    with state.engine.connect() as connection:
        days = connection.scalars(
            sa.select(crawl_cursors.c.name).where(crawl_cursors.c.name.startswith("day:"))
        ).all()
    assert len(days) == 1
    assert days[0] > "day:2020-01-01"


def test_further_tries_count_for_the_day_too(world: World, ann: Account, state: State) -> None:
    world.refuse["/boards"] = [500, 500]

    report = go(world, state)

    with state.engine.connect() as connection:
        spent = connection.scalar(
            sa.select(crawl_cursors.c.value).where(crawl_cursors.c.name.startswith("day:"))
        )
    assert spent == {"requests": report.requests} == {"requests": 4}


def test_the_last_request_of_a_day_is_made_by_one_only(state: State) -> None:
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: spend(state, "pinterest", 25), range(60)))

    assert given.count(True) == 25


def collection(account: Account, world: World) -> None:
    """Boards of several pages, sections, followed boards, and pins that others were saved from."""
    world.page = 2
    for number in range(1, 4):
        board = account.board(number, pins=5)
        board.sections = {f"{number}1": [pin(number * 1000 + 500), board.pins[0]]}
        board.pins[0]["parent_pin_id"] = str(80 + number)
        board.pins[1]["parent_pin_id"] = str(90 + number)
    # A round of three asks for 81, and for 82 and 83, which are not there.
    world.pins |= {key: pin(int(key), board_id="10") for key in ("81", "91", "93")}
    for number in range(10, 14):
        account.board(number, pins=5, follow=True)


def everything(state: State) -> Any:
    return board_rows(state, ANN, Pinterest(widgets=True)), pin_rows(state, ANN, Pinterest(widgets=True))


def undisturbed(world: World, tmp_path: Path) -> tuple[Any, Counter[str]]:
    """What a run without trouble gives, and what it asks for."""
    state = State(f"sqlite:///{tmp_path}/undisturbed.sqlite")
    access, account = next(iter(world.accounts.items()))
    state.add_user(ANN)
    consent(state, ANN, "pinterest")
    keep_token(state, ANN, "pinterest", Token(SecretStr(access)))
    collection(account, world)
    assert go(world, state, boards=3, pins=3).status == "complete"
    found, asked = everything(state), Counter(request.what for request in world.log)
    assert len(found[1]) == 3 * 6 + 1 + 3 * 3
    state.close()
    world.forget()
    return found, asked


def test_a_crawl_cut_off_after_each_request_asks_for_nothing_twice_and_ends_the_same(
    world: World, ann: Account, state: State, tmp_path: Path
) -> None:
    wanted, asked = undisturbed(world, tmp_path)

    statuses = [go(world, state, budget=1, boards=3, pins=3).status for _ in range(asked.total())]
    statuses.append(go(world, state, boards=3, pins=3, due_hours=1).status)

    assert statuses[0] == "budget"
    assert statuses[-1] == "complete"
    assert Counter(request.what for request in world.log) == asked
    assert everything(state) == wanted


CRAWL = """
import json, sys
from qualia_assets.net.client import Client
from qualia_assets.progress import silent
from qualia_assets.settings import load_settings
from qualia_assets.sources.pinterest.crawl import crawl
from qualia_assets.state.database import State
settings = load_settings(**json.loads(sys.argv[1]))
state = State(settings.state_url)
with Client("pinterest", state, settings, budget=1000) as client:
    crawl("ann", state, client, settings.pinterest, 0, silent)
"""


def test_a_crawl_killed_on_its_way_goes_on_where_it_was_and_ends_the_same(
    world: World, ann: Account, state: State, tmp_path: Path
) -> None:
    wanted, asked = undisturbed(world, tmp_path)
    chosen = choose(world, boards=3, pins=3)
    given = chosen.model_dump_json(
        include={"crawling", "pinterest"}, exclude={"pinterest": {"client_secret"}}
    )
    world.slow = 0.03
    kills = 0

    for stop_at, later in ((4, 0.0), (10, 0.03), (15, 0.06), (20, 0.09)):
        process = subprocess.Popen([sys.executable, "-c", CRAWL, given], stderr=subprocess.PIPE)
        while len(world.log) < stop_at and process.poll() is None:
            time.sleep(0.002)
        time.sleep(later)  # while it waits for an answer, or writes one down
        process.kill()
        assert process.wait() == -signal.SIGKILL, process.stderr.read() if process.stderr else ""
        kills += 1
        assert len(world.log) < asked.total()
    world.slow = 0
    report = go(world, state, boards=3, pins=3)

    assert report.status == "complete"
    assert everything(state) == wanted
    twice = Counter(request.what for request in world.log) - asked
    # Only what was on its way when the crawl was killed: its answer never came.
    assert twice.total() <= kills


def test_a_refusal_of_the_list_of_boards_is_said_with_what_to_do(
    world: World, ann: Account, state: State
) -> None:
    world.refuse["/boards"] = [403, -1]

    report = go(world, state)

    assert (report.status, world.paths()) == ("blocked", ["/boards"])
    assert "qualia import pinterest" in report.notes[-1]
    assert "boards:read" in report.notes[-1]


def test_a_service_that_wants_to_be_left_alone_is_and_the_crawl_says_until_when(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=1)
    world.refuse["/boards/1/pins"] = [429]

    report = go(world, state)

    assert (report.status, report.requests) == ("deferred", 3)
    assert report.until is not None
    assert 3500 < (report.until - datetime.now(UTC)).total_seconds() <= 3600
    assert go(world, state).requests == 0


def test_a_board_that_gives_nothing_leaves_the_others_alone_and_is_tried_again(
    world: World, ann: Account, state: State
) -> None:
    for number in (1, 2, 3):
        ann.board(number, pins=1)
    world.refuse["/boards/2/pins"] = [500] * 3

    report = go(world, state)

    assert report.status == "complete"
    assert any("/boards/2/pins" in note for note in report.notes)
    assert set(pins_of(state)) == {"1000", "3000"}
    assert boards_of(state)["2"]["status"] == "waiting"

    go(world, state)
    assert set(pins_of(state)) == {"1000", "2000", "3000"}


def test_a_walk_that_another_round_left_in_the_middle_begins_anew(
    world: World, ann: Account, state: State
) -> None:
    world.page = 2
    board = ann.board(1, pins=5)
    world.refuse["/boards/1/pins"] = [200, 500, 500, 500]
    assert go(world, state).status == "complete"
    assert len(pins_of(state)) == 2
    board.save(pin(77))
    world.forget()

    go(world, state)

    # A bookmark of then leads past what was saved since.
    assert Counter(world.paths())["/boards/1/pins"] == 3
    assert set(pins_of(state)) == {"77", *(str(1000 + n) for n in range(5))}


def test_where_the_list_of_boards_is_cut_short_no_board_is_taken_for_gone(
    world: World, ann: Account, state: State
) -> None:
    world.page = 1
    for number in (1, 2, 3):
        ann.board(number, pins=1)
    go(world, state)
    world.same_page.add("/boards")

    report = go(world, state)

    assert any("/boards: a page came twice" in note for note in report.notes)
    assert gone(state) == set()
    assert {row["status"] for row in boards_of(state).values()} == {"ok"}


def test_a_service_out_of_order_is_left_alone(world: World, ann: Account, state: State) -> None:
    for number in range(1, 9):
        ann.board(number, pins=1)
        world.refuse[f"/boards/{number}/sections"] = [418, -1]

    first, second, third = go(world, state), go(world, state), go(world, state)

    assert [report.status for report in (first, second, third)] == ["failed", "failed", "complete"]
    # The list, then three boards at a time; no board is asked twice in a round.
    assert [report.requests for report in (first, second, third)] == [4, 3, 3]
    assert Counter(path for path in world.paths() if "sections" in path).most_common(1)[0][1] == 1


def test_a_board_of_ones_own_that_is_not_open_is_asked_again_in_each_round(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=1)
    world.refuse["/boards/1/sections"] = [403]

    assert any("of yours is not open to this app (1 times)" in note for note in go(world, state).notes)
    assert boards_of(state)["1"]["status"] == "blocked"
    go(world, state)
    assert set(pins_of(state)) == {"1000"}


def test_fields_of_a_new_kind_are_taken_as_other_and_counted(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=3, privacy="FRIENDS")
    for own in ann.boards["1"].pins[:2]:
        own["media"]["media_type"] = "hologram"

    report = go(world, state)

    assert boards_of(state)["1"]["privacy"] == "other"
    assert len(pins_of(state)) == 3
    assert any("kind of a pin's media, taken as `other` (2 times)" in note for note in report.notes)
    assert any("privacy of a board, taken as `other` (1 times)" in note for note in report.notes)
    assert "hologram" not in repr(report)


def test_records_without_what_is_needed_are_rejects_and_none_is_taken_for_gone(
    world: World, ann: Account, state: State
) -> None:
    ann.board(1, pins=3)
    ann.board(2, pins=1)
    go(world, state)
    ann.boards["1"].save()
    ann.boards["1"].pins[0]["title"] = {"text": PLANTED}
    ann.boards["1"].pins[1]["created_at"] = "yesterday"
    ann.boards["2"].changes["name"] = None

    report = go(world, state)

    assert report.status == "complete"
    assert [reject.record for reject in report.rejects] == [
        "/boards/1/pins: 1001",
        "/boards/1/pins: 1002",
        "/boards: 2",
    ]
    assert "title" in report.rejects[1].reason
    assert PLANTED not in repr(report.rejects)
    assert gone(state) == set()
    assert go(world, state).rejects == report.rejects

    ann.boards["1"].pins[0]["title"] = "Mended"
    ann.boards["1"].save()
    assert "/boards/1/pins: 1002" not in [reject.record for reject in go(world, state).rejects]


def test_where_an_id_cannot_be_read_nothing_is_taken_for_gone(
    world: World, ann: Account, state: State
) -> None:
    board = ann.board(1, pins=3)
    go(world, state)
    board.remove(1000)
    del board.pins[0]["id"]
    board.pins[0]["id"] = "../../1"

    report = go(world, state)

    assert gone(state) == set()
    assert [reject.record for reject in report.rejects] == ["/boards/1/pins: number 1"]
    assert any("not all of a page could be read" in note for note in report.notes)


@pytest.mark.parametrize("body", [{"items": None}, {"rows": []}, {"items": [], "bookmark": 7}])
def test_a_page_of_another_shape_is_no_empty_list(
    world: World, ann: Account, state: State, body: dict[str, Any]
) -> None:
    ann.board(1, pins=2)
    go(world, state)
    world.instead["/boards"] = body

    report = go(world, state)

    assert report.status == "failed"
    assert gone(state) == set()
    assert boards_of(state)["1"]["status"] == "ok"


@given(st.text() | st.integers() | st.none() | st.from_regex(r"[0-9]{1,30}", fullmatch=True))
def test_no_id_but_digits_is_ever_taken(hostile: Any) -> None:
    ((key, found),) = wire.read(wire.Section, [{"id": hostile}], "here")

    digits = isinstance(hostile, str) and hostile.isascii() and hostile.isdigit() and len(hostile) <= 25
    assert (key == hostile) == digits or hostile is None
    assert isinstance(found, wire.Section) == digits


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_whatever_comes_as_a_pin_is_a_pin_or_a_reject(value: Any) -> None:
    hostile = [
        value,
        {"id": "1", "title": value},
        {"id": "1", "media": value},
        {"id": "1", "created_at": value},
    ]

    for _, found in wire.read(wire.Pin, hostile, "here"):
        if isinstance(found, Reject):
            assert found.reason
        else:
            PINTEREST_PINS.table([{"item_id": "1", "title": found.title}])
            assert found.payload("here", "1")["record"] == "here"


def test_no_token_and_nothing_that_is_not_needed_is_kept_or_told(
    world: World, ann: Account, state: State, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.page = 2
    ann.board(1, pins=3)
    ann.board(10, pins=1, follow=True)
    ann.boards["1"].pins[0]["parent_pin_id"] = "91"
    world.pins["91"] = pin(91)
    world.refuse |= {"/boards": [500], "/boards/10/pins": [400, -1]}
    reports = [go(world, state, budget=4)]
    world.expire(access_of(state))

    reports += [go(world, state), go(world, state, user="nobody")]
    world.refreshes.clear()
    world.accounts.clear()
    reports.append(go(world, state))

    assert [report.status for report in reports] == ["budget", "complete", "blocked", "blocked"]
    assert {asked.cookie for asked in world.log} == {None}
    told = [repr(reports), repr(everything(state)), caplog.text, *(r.getMessage() for r in caplog.records)]
    with state.engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table.name != "tokens":
                told += [repr(row) for row in connection.execute(sa.select(table))]
        assert any(PLANTED in repr(row) for row in connection.execute(sa.select(metadata.tables["tokens"])))
    assert not [text for text in told if PLANTED in text]
    assert not [text for text in told if "session=" in text]

    # Nor anywhere in the file, once the token is taken back and the file rewritten.
    withdraw(state, ANN, "pinterest")
    with state.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM"))
        connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    for file in Path(settings.state).parent.glob("state.sqlite*"):
        assert PLANTED.encode() not in file.read_bytes()


def look(world: World, state: State, *boards: str, due_hours: float = 0, **pinterest: Any) -> Report:
    settings = choose(world, **{"widgets": True, **pinterest})
    with Client("pinterest", state, settings, budget=100) as client:
        return widgets(ANN, boards, state, client, settings.pinterest, due_hours, silent)


def test_widgets_give_the_latest_pins_where_robots_txt_lets_them(
    world: World, ann: Account, state: State
) -> None:
    board: Board = ann.board(1, pins=60, slug="warm-rooms")

    report = look(world, state, "ann_he/warm-rooms", "ann_he/not-there")

    assert (report.status, report.new, len(report.notes)) == ("complete", 51, 1)
    assert world.paths()[0] == "/robots.txt"
    assert len(world.log) == 3
    assert {asked.authorization for asked in world.log} == {None}
    assert (pins_of(state), boards_of(state)) == ({}, {})  # no longer chosen
    assert boards_of(state, widgets=True)["ann_he/warm-rooms"]["pins"] == 50
    row = pins_of(state, widgets=True)["1059"]
    assert row["image_url"] == f"https://i.pinimg.com/564x/c6/b6/0d/{1059:032x}.jpg"
    assert (row["hop"], row["collection"], row["url"]) == (0, "Board 1", "http://example.org/1059")
    assert PLANTED not in repr(everything(state))

    world.forget()
    assert look(world, state, "ann_he/warm-rooms", due_hours=24).requests == 0
    board.remove(1059)
    look(world, state, "ann_he/warm-rooms")
    found = pins_of(state, widgets=True)
    assert found["1059"]["gone_at"] is None  # what is not among the latest may be there

    go(world, state)  # the API tells more of the same pins
    found = pins_of(state, widgets=True)
    assert found["1058"]["image_url"] == f"https://i.pinimg.com/1200x/c6/b6/0d/{1058:032x}.jpg"
    assert len(found) == 60


@pytest.mark.parametrize("robots", [DENY, 500, 403], ids=["deny", "broken", "forbidden"])
def test_widgets_are_not_asked_where_robots_txt_denies_or_cannot_be_read(
    world: World, ann: Account, state: State, robots: str | int
) -> None:
    world.robots = robots
    ann.board(1, pins=3, slug="warm-rooms")
    ann.board(2, pins=3, slug="cold-rooms")

    report = look(world, state, "ann_he/warm-rooms", "ann_he/cold-rooms")

    assert report.status == "blocked"
    assert set(world.paths()) == {"/robots.txt"}
    assert "qualia import pinterest" in report.notes[-1]
    look(world, state, "ann_he/warm-rooms")
    assert set(world.paths()) == {"/robots.txt"}
    if robots == DENY:
        assert len(world.log) == 1

    world.forget()
    assert go(world, state).status == "complete"  # the API is no web page
    assert "/robots.txt" not in world.paths()


def test_widgets_are_asked_only_where_they_are_chosen_and_agreed_to(world: World, state: State) -> None:
    state.add_user(ANN)
    assert look(world, state, "ann_he/warm-rooms").status == "blocked"
    consent(state, ANN, "pinterest")
    assert look(world, state, "ann_he/warm-rooms", widgets=False).requests == 0
    assert world.log == []


@pytest.mark.parametrize("name", ["", "a", "../../etc", "a/../b", "a/b/c", "a/b?c=1", "a/b\n", "http://x/y"])
def test_what_is_no_boards_name_is_a_reject_and_not_asked(
    world: World, ann: Account, state: State, name: str
) -> None:
    report = look(world, state, name)

    assert len(report.rejects) == 1
    assert world.log == []
