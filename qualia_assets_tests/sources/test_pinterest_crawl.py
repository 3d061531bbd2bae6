"""The crawl of a user's Pinterest, against a server on this machine that answers as the API does."""

import logging
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
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
from qualia_assets_tests.emulators.pinterest import DENY, PLANTED, Account, Board, Server, World, pin

ANN = "ann"
LISTS = ["/boards", "/user_account/following/boards"]
PINS = "/boards/1/pins"
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as served:
        yield served


class Home:
    """A state database beside an empty Pinterest, and crawls for users who have signed in."""

    def __init__(self, world: World, state: State) -> None:
        self.world, self.state = world, state
        self.signed_in: dict[str, Account] = {}

    @property
    def ann(self) -> Account:
        """The account of a user who has consented and signed in, which she does when first asked for."""
        return self.signed_in.get(ANN) or self.join(ANN)

    def join(self, user: str) -> Account:
        account, access, refresh = self.world.sign_in(user)
        self.state.add_user(user)
        consent(self.state, user, "pinterest")
        keep_token(self.state, user, "pinterest", Token(SecretStr(access), SecretStr(refresh)))
        return self.signed_in.setdefault(user, account)

    def settings(self, **pinterest: Any) -> Settings:
        app = {"client_id": "app", "client_secret": f"{PLANTED}-client"}
        crawling = {"contact": "me@example.org", "gap": 0, "send_to": {"*": self.world.url}}
        return load_settings(crawling=crawling, pinterest=app | pinterest)

    def crawl(self, user: str = ANN, due_hours: float = 0, budget: int = 1000, **pinterest: Any) -> Report:
        settings = self.settings(**pinterest)
        with Client("pinterest", self.state, settings, budget=budget) as client:
            return crawl(user, self.state, client, settings.pinterest, due_hours, silent)

    def again(self, **options: Any) -> tuple[Report, list[str]]:
        """Crawl, and say which paths were requested meanwhile."""
        self.world.forget()
        return self.crawl(**options), self.world.paths()

    def widgets(self, *boards: str, due_hours: float = 0, **pinterest: Any) -> Report:
        settings = self.settings(**{"widgets": True, **pinterest})
        with Client("pinterest", self.state, settings, budget=100) as client:
            return widgets(ANN, boards, self.state, client, settings.pinterest, due_hours, silent)

    def pins(self, **chosen: Any) -> Rows:
        """The user's pins by id, as the table holds them."""
        rows = pin_rows(self.state, ANN, Pinterest(**chosen))
        assert PINTEREST_PINS.violations(PINTEREST_PINS.conform(PINTEREST_PINS.table(rows))) == []
        return {row["item_id"]: row for row in rows}

    def boards(self, **chosen: Any) -> Rows:
        rows = board_rows(self.state, ANN, Pinterest(**chosen))
        assert PINTEREST_BOARDS.violations(PINTEREST_BOARDS.conform(PINTEREST_BOARDS.table(rows))) == []
        return {row["board_id"]: row for row in rows}

    def gone(self) -> set[str]:
        return {key for key, row in self.pins().items() if row["gone_at"]}

    def token(self) -> Token:
        kept = token(self.state, ANN, "pinterest")
        assert kept is not None
        return kept

    def expire(self) -> str:
        """Make the access token expire, and return it."""
        access = self.token().access.get_secret_value()
        self.world.expire(access)
        return access


@pytest.fixture
def home(server: Server, state: State) -> Home:
    server.resume()
    return Home(server.begin(), state)


def at_hop(rows: Rows, hop: int) -> set[str]:
    return {key for key, row in rows.items() if row["hop"] == hop}


def test_boards_and_pins_become_rows(home: Home) -> None:
    home.ann.board(1, pins=2, description="Of things", owner={"username": "ann_he"})
    home.ann.boards["1"].pins[0] |= {"link": None, "alt_text": "A chair", "note": "for the hall"}
    report = home.crawl()

    assert (report.status, report.requests, report.notes, report.rejects) == ("complete", 4, (), ())
    assert home.boards() == {
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
    pins = home.pins()
    assert list(pins) == ["1000", "1001"]
    assert pins["1000"] == {
        **dict.fromkeys(("author", "image_sha256", "parent_pin_id", "gone_at")),
        "item_id": "1000",
        "modality": "image",
        "hop": 0,
        "title": "Pin 1000",
        "text": "What 1000 shows",
        "tags": [],
        "url": "http://example.org/1000",
        "collection": "Board 1",
        "created_at": datetime(2021, 6, 8, 9, 37, 30, tzinfo=UTC),
        "record": PINS,
        "board_id": "1",
        "image_url": f"https://i.pinimg.com/1200x/c6/b6/0d/{1000:032x}.jpg",
    }
    assert pins["1001"]["url"] == "https://www.pinterest.com/pin/1001/"
    assert pins["1001"]["text"] == "What 1001 shows\n\nA chair\n\nfor the hall"
    assert home.world.paths() == ["/boards", "/boards/1/sections", PINS, LISTS[1]]
    assert {asked.params.get("page_size") for asked in home.world.log} == {"250"}


def images(*sizes: str) -> dict[str, Any]:
    return {
        "images": {
            size: {"width": 1, "height": 1, "url": f"https://i.pinimg.com/{size}/a.jpg?x=1"} for size in sizes
        }
    }


FILM = {"cover_image_url": "https://i.pinimg.com/cover/a.jpg"}
INSECURE = {"1200x": None, "600x": {"url": "http://i.pinimg.com/a.jpg"}}


@pytest.mark.parametrize(
    ("media", "size"),
    [
        ({"media_type": "image", **images("600x", "originals", "400x300")}, "600x"),
        ({"media_type": "image", **images("originals", "150x150")}, "originals"),
        ({"media_type": "multiple_images", "items": [{"title": "no picture"}, images("600x")]}, "600x"),
        ({"media_type": "video", **FILM}, "cover"),
        ({"media_type": "multiple_videos", "items": [FILM]}, "cover"),
        ({"media_type": "image", "images": INSECURE}, None),
        ({"media_type": "image", "images": None}, None),
        (None, None),
    ],
)
def test_the_first_picture_of_a_good_size_is_taken(media: Any, size: str | None) -> None:
    read = wire.Pin.model_validate(pin(1, media=media)).payload("here", "1")
    assert read["image_url"] == (f"https://i.pinimg.com/{size}/a.jpg" if size else None)


def test_pins_of_sections_are_crawled_too_and_counted_once(home: Home) -> None:
    board = home.ann.board(1, pins=2)
    board.sections = {"71": [board.pins[0], pin(55, board_section_id="71")], "72": [pin(56)]}
    first, second = home.crawl(), home.crawl()

    assert set(home.pins()) == {"1000", "1001", "55", "56"}
    assert {row["board_id"] for row in home.pins().values()} == {"1"}
    assert (first.new, first.changed, second.new, second.changed) == (5, 0, 0, 0)


# Lists and their ends


@pytest.mark.parametrize("end", [None, "", ...], ids=["null", "empty", "missing"])
def test_a_list_ends_where_there_is_no_bookmark(home: Home, end: Any) -> None:
    home.world.page, home.world.end = 3, end
    home.ann.board(1, pins=7)
    assert home.crawl().status == "complete"
    assert len(home.pins()) == 7
    assert home.world.paths().count(PINS) == 3


def same_bookmark(world: World, board: Board) -> None:
    world.same_bookmark.add(PINS)


def same_page(world: World, board: Board) -> None:
    world.same_page.add(PINS)


def refused_once(world: World, board: Board) -> None:
    world.refuse_bookmarks[PINS] = 1


def refused_always(world: World, board: Board) -> None:
    world.refuse_bookmarks[PINS] = 9


def unreadable_id(world: World, board: Board) -> None:
    board.pins[0]["id"] = "../../1"


@pytest.mark.parametrize(
    ("fault", "requests", "note", "gone"),
    [
        (same_bookmark, {2, 3}, "a bookmark came twice", set()),
        (same_page, {2, 3}, "a page came twice", set()),
        (refused_once, {5}, "anew", {"1000"}),  # the first page, refused, all three pages
        (refused_always, {4}, "refused twice", set()),
        (unreadable_id, {3}, "not all of a page could be read", set()),
    ],
)
def test_a_pin_counts_as_gone_only_where_its_list_was_seen_to_the_end(
    home: Home, fault: Callable[[World, Board], None], requests: set[int], note: str, gone: set[str]
) -> None:
    home.world.page = 2
    board = home.ann.board(1, pins=5)
    home.ann.board(2, pins=1)
    home.crawl()
    board.save(pin(77))
    board.remove(1000)
    fault(home.world, board)
    report, paths = home.again()

    assert report.status == "complete"
    assert [n for n in report.notes if PINS in n and note in n]
    assert paths.count(PINS) in requests
    assert home.gone() == gone
    assert [r.record for r in report.rejects] == [f"{PINS}: number 1"] * (fault is unreadable_id)
    home.world.same_bookmark.clear()
    home.world.same_page.clear()
    home.world.refuse_bookmarks.clear()
    board.pins[0]["id"] = "77"
    assert home.crawl().notes == ()
    assert home.gone() == {"1000"}
    assert "77" in home.pins()


@pytest.mark.parametrize("body", [{"items": None}, {"rows": []}, {"items": [], "bookmark": 7}, None])
def test_no_board_counts_as_gone_where_the_list_of_boards_is_cut_short(
    home: Home, body: dict[str, Any] | None
) -> None:
    home.world.page = 1
    for number in (1, 2, 3):
        home.ann.board(number, pins=1)
    home.crawl()
    if body is None:
        home.world.same_page.add("/boards")
    else:
        home.world.instead["/boards"] = body
    report = home.crawl()
    assert report.status == ("failed" if body else "complete")
    assert any("/boards" in note for note in report.notes)
    assert (home.gone(), {row["status"] for row in home.boards().values()}) == (set(), {"ok"})


# What has changed since


def test_only_boards_whose_pins_have_changed_are_requested_again(home: Home) -> None:
    for number in range(1, 6):
        home.ann.board(number, pins=3)
    home.ann.boards["5"].changes["board_pins_modified_at"] = None  # read in each round
    home.crawl()
    home.ann.boards["4"].save(pin(77))

    report, paths = home.again()
    fifth = ["/boards/5/sections", "/boards/5/pins"]
    assert paths == ["/boards", "/boards/4/sections", "/boards/4/pins", *fifth, LISTS[1]]
    assert (report.requests, report.new, report.changed) == (6, 1, 1)
    assert "77" in home.pins()
    del home.ann.boards["5"].changes["board_pins_modified_at"]
    home.crawl()
    unchanged, paths = home.again()
    assert (paths, unchanged.new, unchanged.changed) == (LISTS, 0, 0)
    early, paths = home.again(due_hours=24)
    assert (early.status, early.requests, paths) == ("complete", 0, [])


def move(home: Home) -> None:
    old, new = home.ann.boards["1"], home.ann.boards["2"]
    moved = old.pins[0]
    old.remove(int(moved["id"]))
    new.save({**moved, "board_id": "2"})


def move_first(home: Home) -> None:
    move(home)
    home.ann.boards["2"].moved += 5  # the board that changed last is crawled first


@pytest.mark.parametrize(
    ("change", "gone", "status"),
    [
        (lambda home: home.ann.boards["2"].remove(2001), {"2001"}, "ok"),
        (lambda home: home.ann.boards.pop("2"), {"2000", "2001"}, "gone"),
        (move, set(), "ok"),
        (move_first, set(), "ok"),
    ],
    ids=["removed pin", "vanished board", "moved pin", "moved pin, new board first"],
)
def test_what_vanished_is_marked_gone_once_and_comes_back(
    home: Home, change: Callable[[Home], Any], gone: set[str], status: str
) -> None:
    first, second = home.ann.board(1, pins=3), home.ann.board(2, pins=2)
    home.crawl()
    pins = [list(first.pins), list(second.pins)]
    change(home)
    before = datetime.now(UTC)
    home.crawl()
    after = datetime.now(UTC)
    times = {key: home.pins()[key]["gone_at"] for key in gone}
    home.crawl()

    assert home.gone() == gone
    assert {key: home.pins()[key]["gone_at"] for key in gone} == times
    assert all(before <= time <= after for time in times.values())
    assert {key: row["status"] for key, row in home.boards().items()} == {"1": "ok", "2": status}
    if not gone:
        assert home.pins()["1002"]["board_id"] == "2"
    home.ann.boards["2"] = second
    for board, there in zip((first, second), pins, strict=True):
        board.pins, board.moved = there, board.moved + 1
    home.crawl()
    assert home.gone() == set()
    assert home.boards()["2"]["status"] == "ok"


# Secret boards


def test_secret_boards_and_their_pins_are_left_out_unless_they_are_wanted(home: Home) -> None:
    home.ann.board(1, pins=1)
    home.ann.board(2, pins=1, privacy="SECRET")
    home.ann.board(3, pins=1, follow=True, privacy="SECRET")
    home.crawl()
    assert (set(home.pins()), set(home.boards())) == ({"1000"}, {"1"})
    assert not any(path.startswith(("/boards/2", "/boards/3")) for path in home.world.paths())

    for _ in range(2):
        home.crawl(private=True)
        assert set(home.pins(private=True)) == {"1000", "2000", "3000"}
        assert home.boards(private=True)["2"]["privacy"] == "secret"
        assert (set(home.pins()), set(home.boards())) == ({"1000"}, {"1"})
        home.crawl()
        assert set(home.pins(private=True)) == {"1000"}


def test_a_board_that_is_or_becomes_secret_is_neither_requested_nor_shown(home: Home) -> None:
    home.world.page = 1
    board = home.ann.board(1, pins=3, privacy="SECRET")
    public = home.ann.board(2, pins=1)
    assert home.crawl(private=True, budget=3).status == "budget"
    report, paths = home.again()
    assert (report.status, PINS in paths) == ("complete", False)
    assert (set(home.pins()), set(home.boards())) == ({"2000"}, {"2"})
    board.changes["privacy"], public.changes["privacy"] = "PUBLIC", "SECRET"
    home.crawl()
    assert (set(home.boards()), "2000" in home.pins()) == ({"1"}, False)


# Followed boards, and what pins were saved from


def test_the_newest_pins_of_the_nearest_followed_boards_are_taken(home: Home) -> None:
    mine = home.ann.board(1, pins=4)
    for number in range(10, 16):
        home.ann.board(number, pins=9, follow=True).moved = number
    # Two of the user's pins came from board 12, though it is the third oldest.
    for own, origin in ((0, 12001), (1, 12002), (2, 999)):
        mine.pins[own]["parent_pin_id"] = str(origin)
    home.world.pins |= {str(n): pin(n, board_id="12") for n in (12001, 12002)}
    home.world.pins["999"] = pin(999, board_id="900")
    report = home.crawl(boards=3, pins=5)

    boards = home.boards()
    assert at_hop(boards, 1) == {"12", "15", "14"}
    assert {boards[key]["pins"] for key in ("14", "15")} == {5}
    assert any("6 boards; 3 of them" in note for note in report.notes)
    assert at_hop(home.pins(), 0) == {"1000", "1001", "1002", "1003"}
    newest = {str(board * 1000 + n) for board in (12, 14, 15) for n in range(4, 9)}
    assert at_hop(home.pins(), 1) == newest | {"12001", "12002", "999"}
    assert "/boards/12/sections" not in home.world.paths()

    home.ann.follows["15"].save(pin(77))
    assert home.again(boards=3, pins=5)[1] == ["/boards", LISTS[1], "/boards/15/pins"]
    assert home.pins().keys() & {"77", "15004"} == {"77"}  # the newer one pushed the other out
    assert home.boards()["15"]["pins"] == 5


def test_other_caps_take_in_more_or_fewer(home: Home) -> None:
    for number in range(10, 13):
        home.ann.board(number, pins=6, follow=True)
    for boards, pins, taken in ((1, 2, 2), (2, 4, 8), (2, 1, 2)):
        home.crawl(boards=boards, pins=pins)
        assert len(home.pins()) == taken
    assert home.again(boards=0)[1] == ["/boards"]
    assert (home.pins(), home.boards()) == ({}, {})


def test_a_board_that_is_followed_no_longer_takes_its_pins_along(home: Home) -> None:
    home.ann.board(10, pins=2, follow=True)
    home.crawl()
    assert len(home.pins()) == 2
    board = home.ann.follows.pop("10")
    home.crawl()
    assert (home.pins(), home.boards()) == ({}, {})
    home.ann.boards["10"] = board  # shared with the user now
    home.crawl()
    assert at_hop(home.pins(), 0) == {"10000", "10001"}


def test_where_pins_came_from_is_requested_once_most_pointed_to_first(home: Home) -> None:
    def origins() -> list[str]:
        return [path for path in home.again(pins=3)[1] if path.startswith("/pins/")]

    mine = home.ann.board(1, pins=8)
    parents = ["501", "501", "501", "502", "502", "503", "504", "1000"]
    for own, parent in zip(mine.pins, parents, strict=True):
        own["parent_pin_id"] = parent
    home.world.pins |= {key: pin(int(key), board_id="9") for key in ("502", "503")}
    home.world.refuse["/pins/501"] = [403, -1]

    assert origins() == ["/pins/501", "/pins/502", "/pins/503"]
    assert at_hop(home.pins(), 1) == {"502", "503"}
    assert origins() == ["/pins/504"]
    assert origins() == []
    mine.pins = [own for own in mine.pins if own["parent_pin_id"] != "503"]
    mine.moved += 1
    assert origins() == []
    assert at_hop(home.pins(), 1) == {"502"}


# Refusals


BOARD_2 = "/boards/2/pins"
NOT_OPEN = r"of yours is not open to this app \(1 times\)"
MINE = {"1000", "2000", "3000"}


@pytest.mark.parametrize(
    ("refuse", "status", "note", "pins", "statuses"),
    [
        ({LISTS[0]: [403, -1]}, "blocked", "qualia import pinterest.*boards:read", set(), {}),
        ({LISTS[1]: [403, -1]}, "complete", "boards that you follow", MINE, {}),
        ({"/boards/2/sections": [403, -1]}, "complete", NOT_OPEN, MINE - {"2000"}, {"2": "blocked"}),
        ({BOARD_2: [500, 500, 500, 500, -1]}, "complete", BOARD_2, MINE - {"2000"}, {"2": "waiting"}),
        ({"/boards/10/pins": [403, -1]}, "complete", "board that you follow", MINE, {"10": "blocked"}),
    ],
)
def test_a_refusal_leaves_the_other_boards_alone(
    home: Home, refuse: dict[str, list[int]], status: str, note: str, pins: set[str], statuses: dict[str, str]
) -> None:
    for number in (1, 2, 3):
        home.ann.board(number, pins=1)
    followed = home.ann.board(10, pins=1, follow=True)
    home.world.refuse |= refuse
    report = home.crawl()
    assert report.status == status
    assert re.search(note, " ".join(report.notes))
    assert at_hop(home.pins(), 0) == pins
    assert {key: home.boards()[key]["status"] for key in statuses} == statuses

    home.world.refuse.clear()
    followed.save(pin(77))
    home.crawl()
    assert at_hop(home.pins(), 0) == MINE
    # Only a followed board that is not open is left out for good.
    assert ("77" in home.pins()) == ("10" not in statuses)


def test_a_list_that_another_round_left_in_the_middle_begins_anew(home: Home) -> None:
    home.world.page = 2
    board = home.ann.board(1, pins=5)
    home.world.refuse[PINS] = [200, 500, 500, 500]
    assert home.crawl().status == "complete"
    assert len(home.pins()) == 2
    board.save(pin(77))
    # The bookmark of the first round would skip what was saved since.
    assert home.again()[1].count(PINS) == 3
    assert set(home.pins()) == {"77", *(str(1000 + n) for n in range(5))}


def test_a_service_that_fails_throughout_is_left_alone(home: Home) -> None:
    for number in range(1, 9):
        home.ann.board(number, pins=1)
        home.world.refuse[f"/boards/{number}/sections"] = [418, -1]
    reports = [home.crawl() for _ in range(3)]
    assert [report.status for report in reports] == ["failed", "failed", "complete"]
    # The list, then three boards at a time; no board is requested twice in a round.
    assert [report.requests for report in reports] == [4, 3, 3]
    assert Counter(path for path in home.world.paths() if "sections" in path).most_common(1)[0][1] == 1


def test_a_service_that_asks_for_a_long_wait_gets_it(home: Home) -> None:
    home.ann.board(1, pins=1)
    home.world.refuse[PINS] = [429]
    report = home.crawl()
    assert (report.status, report.requests) == ("deferred", 3)
    assert report.until is not None
    assert 3500 < (report.until - datetime.now(UTC)).total_seconds() <= 3600
    assert home.crawl().requests == 0


# Consent and tokens


def test_without_consent_or_token_nothing_is_requested(home: Home) -> None:
    account, access, _ = home.world.sign_in(ANN)
    account.board(1, pins=1)
    home.state.add_user(ANN)
    keep_token(home.state, ANN, "pinterest", Token(SecretStr(access)))
    no_consent = home.crawl()
    withdraw(home.state, ANN, "pinterest")
    consent(home.state, ANN, "pinterest")
    no_token = home.crawl()

    assert (no_consent.status, no_token.status, home.world.log) == ("blocked", "blocked", [])
    assert "qualia import pinterest" in no_token.notes[0]


@pytest.mark.parametrize("rotates", [True, False])
def test_a_token_that_expires_in_the_middle_is_renewed_once_and_the_request_repeated(
    home: Home, rotates: bool
) -> None:
    home.world.page, home.world.rotates = 2, rotates
    home.ann.board(1, pins=6)
    assert home.crawl(budget=4).status == "budget"
    old, before = home.expire(), datetime.now(UTC)
    report, paths = home.again()

    assert report.status == "complete"
    assert paths[:3] == [PINS, "/oauth/token", PINS]
    assert home.world.log[0].query == home.world.log[2].query
    assert paths.count("/oauth/token") == 1
    assert len(home.pins()) == 6
    kept = home.token()
    assert kept.access.get_secret_value() == f"{old}+"
    assert kept.refresh is not None
    assert kept.refresh.get_secret_value() in home.world.refreshes
    assert kept.expires_at is not None
    assert 29 < (kept.expires_at - before).days < 31


@pytest.mark.parametrize(
    ("refuse", "renewals"),
    [({"/boards": [401, -1]}, 1), ({"/boards": [401], PINS: [401, 401]}, 1)],
    ids=["the renewed token is refused", "a second renewal"],
)
def test_a_token_is_renewed_only_once_in_a_crawl(
    home: Home, refuse: dict[str, list[int]], renewals: int
) -> None:
    home.ann.board(1, pins=1)
    home.world.refuse |= refuse
    report = home.crawl()
    assert home.world.paths()[:3] == ["/boards", "/oauth/token", "/boards"]
    assert (report.status, home.world.paths().count("/oauth/token")) == ("blocked", renewals)
    assert "qualia user consent" in report.notes[-1]


@pytest.mark.parametrize("why", ["no app", "no refresh token", "refused", "expired secret"])
def test_a_token_that_cannot_be_renewed_ends_the_crawl(home: Home, why: str) -> None:
    home.ann.board(1, pins=1)
    old = home.expire()
    if why == "no refresh token":
        keep_token(home.state, ANN, "pinterest", Token(SecretStr(old)))
    elif why == "refused":
        home.world.refreshes.clear()
    app = {"no app": {"client_id": ""}, "expired secret": {"client_secret": "another"}}.get(why, {})
    report = home.crawl(**app)

    assert report.status == "blocked"
    assert "qualia import pinterest" in report.notes[-1]
    assert home.token().access.get_secret_value() == old
    assert PLANTED not in repr(report)


def test_a_crawl_continues_later_where_the_token_endpoint_fails(home: Home) -> None:
    home.ann.board(1, pins=1)
    home.expire()
    home.world.refuse["/oauth/token"] = [500]
    assert [home.crawl().status for _ in range(2)] == ["failed", "complete"]


# The day's requests


def days(state: State) -> dict[str, Any]:
    query = sa.select(crawl_cursors).where(crawl_cursors.c.name.startswith("day:"))
    with state.engine.connect() as connection:
        return {row.name: row.value for row in connection.execute(query)}


def test_the_days_requests_are_counted_for_all_users_together(home: Home) -> None:
    for account in (home.ann, home.join("ben")):
        for number in range(1, 4):
            account.board(number, pins=1)
    first, second = (home.crawl(user, requests_per_day=10) for user in (ANN, "ben"))

    assert (first.status, first.requests) == ("complete", 8)
    assert (second.status, second.requests, len(home.world.log)) == ("budget", 2, 10)
    assert second.until is not None
    assert 0 < (second.until - datetime.now(UTC)).total_seconds() <= 24 * 3600
    assert (second.until.hour, second.until.minute, second.until.second) == (0, 0, 0)
    assert home.crawl("ben", requests_per_day=10).requests == 0

    with home.state.engine.begin() as connection:
        today = crawl_cursors.c.name.startswith("day:")
        connection.execute(sa.update(crawl_cursors).where(today).values(name="day:2020-01-01"))
    third = home.crawl("ben", requests_per_day=10)
    assert (third.status, third.requests) == ("complete", 6)
    (day,) = days(home.state)
    assert day > "day:2020-01-01"


def test_retries_count_for_the_day_too(home: Home) -> None:
    assert home.ann.boards == {}
    home.world.refuse["/boards"] = [500, 500]
    report = home.crawl()
    assert [*days(home.state).values()] == [{"requests": report.requests}] == [{"requests": 4}]


def test_the_last_request_of_a_day_is_made_by_one_only(state: State) -> None:
    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(lambda _: spend(state, "pinterest", 25), range(60)))
    assert granted.count(True) == 25


# Crashes


def fill(account: Account, world: World) -> None:
    """Boards of several pages, sections, followed boards, and pins that others were saved from."""
    world.page = 2
    for number in range(1, 4):
        board = account.board(number, pins=5)
        board.sections = {f"{number}1": [pin(number * 1000 + 500), board.pins[0]]}
        board.pins[0]["parent_pin_id"] = str(80 + number)
        board.pins[1]["parent_pin_id"] = str(90 + number)
    # A round of three requests 81, and 82 and 83, which are not there.
    world.pins |= {key: pin(int(key), board_id="10") for key in ("81", "91", "93")}
    for number in range(10, 14):
        account.board(number, pins=5, follow=True)


def everything(state: State) -> Any:
    chosen = Pinterest(widgets=True)
    return board_rows(state, ANN, chosen), pin_rows(state, ANN, chosen)


@pytest.fixture
def undisturbed(home: Home, tmp_path: Path) -> tuple[Any, Counter[str]]:
    """The rows of an uninterrupted crawl of ann's, and its requests."""
    fill(home.ann, home.world)
    state = State(f"sqlite:///{tmp_path}/undisturbed.sqlite")
    state.add_user(ANN)
    consent(state, ANN, "pinterest")
    keep_token(state, ANN, "pinterest", home.token())
    assert Home(home.world, state).crawl(boards=3, pins=3).status == "complete"
    rows, requests = everything(state), Counter(request.what for request in home.world.log)
    assert len(rows[1]) == 3 * 6 + 1 + 3 * 3
    state.close()
    home.world.forget()
    return rows, requests


def test_a_crawl_cut_off_after_each_request_repeats_none_and_ends_the_same(
    home: Home, undisturbed: tuple[Any, Counter[str]]
) -> None:
    rows, requests = undisturbed
    statuses = [home.crawl(budget=1, boards=3, pins=3).status for _ in range(requests.total())]
    statuses.append(home.crawl(boards=3, pins=3, due_hours=1).status)

    assert (statuses[0], statuses[-1]) == ("budget", "complete")
    assert Counter(request.what for request in home.world.log) == requests
    assert everything(home.state) == rows


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


def test_a_killed_crawl_continues_where_it_was_and_ends_the_same(
    home: Home, server: Server, undisturbed: tuple[Any, Counter[str]]
) -> None:
    rows, requests = undisturbed
    chosen = home.settings(boards=3, pins=3).model_dump_json(
        include={"crawling", "pinterest"}, exclude={"pinterest": {"client_secret"}}
    )
    # While it waits for an answer, and while it handles one.
    stops = ((4, False), (6, True), (5, False), (5, True))
    for after, early in stops:
        halted = server.halt(after, early)
        process = subprocess.Popen([sys.executable, "-c", CRAWL, chosen], stderr=subprocess.PIPE)
        assert halted.wait(60)
        process.kill()
        assert process.wait() == -signal.SIGKILL, process.stderr.read() if process.stderr else ""
        assert everything(home.state) != rows
    server.resume()

    assert home.crawl(boards=3, pins=3).status == "complete"
    assert everything(home.state) == rows
    # Repeated is only what was answered too late: it was never written.
    twice = Counter(request.what for request in home.world.log) - requests
    assert twice.total() <= sum(early for _, early in stops)


# What cannot be read


def test_unknown_words_are_stored_as_other_and_counted(home: Home) -> None:
    home.ann.board(1, pins=3, privacy="FRIENDS")
    for own in home.ann.boards["1"].pins[:2]:
        own["media"]["media_type"] = "hologram"
    report = home.crawl()
    assert home.boards()["1"]["privacy"] == "other"
    assert len(home.pins()) == 3
    assert any("kind of a pin's media, taken as `other` (2 times)" in note for note in report.notes)
    assert any("privacy of a board, taken as `other` (1 times)" in note for note in report.notes)
    assert "hologram" not in repr(report)


def test_unreadable_records_are_rejects_and_do_not_count_as_gone(home: Home) -> None:
    first, second = home.ann.board(1, pins=3), home.ann.board(2, pins=1)
    home.crawl()
    first.save()
    first.pins[0]["title"] = {"text": PLANTED}
    first.pins[1]["created_at"] = "yesterday"
    second.changes["name"] = None
    report = home.crawl()

    assert report.status == "complete"
    assert [r.record for r in report.rejects] == [f"{PINS}: 1001", f"{PINS}: 1002", "/boards: 2"]
    assert "title" in report.rejects[1].reason
    assert PLANTED not in repr(report.rejects)
    assert home.gone() == set()
    assert home.crawl().rejects == report.rejects
    first.pins[0]["title"] = "Fixed"
    first.save()
    assert f"{PINS}: 1002" not in [reject.record for reject in home.crawl().rejects]


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
    hostile = [value, *({"id": "1", field: value} for field in ("title", "media", "created_at"))]
    for _, found in wire.read(wire.Pin, hostile, "here"):
        if isinstance(found, Reject):
            assert found.reason
        else:
            PINTEREST_PINS.table([{"item_id": "1", "title": found.title}])
            assert found.payload("here", "1")["record"] == "here"


def test_no_token_and_nothing_unneeded_is_stored_or_logged(
    home: Home, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world, state = home.world, home.state
    world.page = 2
    home.ann.board(1, pins=3).pins[0]["parent_pin_id"] = "91"
    home.ann.board(10, pins=1, follow=True)
    world.pins["91"] = pin(91)
    world.refuse |= {"/boards": [500], "/boards/10/pins": [400, -1]}
    reports = [home.crawl(budget=4)]
    home.expire()
    reports += [home.crawl(), home.crawl(user="nobody")]
    world.refreshes.clear()
    world.accounts.clear()
    reports.append(home.crawl())

    assert [report.status for report in reports] == ["budget", "complete", "blocked", "blocked"]
    assert not any("cookie" in asked.headers for asked in world.log)
    texts = [repr(reports), repr(everything(state)), caplog.text, *(r.getMessage() for r in caplog.records)]
    with state.engine.connect() as connection:
        rows = {
            table.name: repr(connection.execute(sa.select(table)).all()) for table in metadata.sorted_tables
        }
    assert PLANTED in rows.pop("tokens")
    assert not [text for text in (*texts, *rows.values()) if PLANTED in text or "session=" in text]

    # Nor anywhere in the file, once the consent is withdrawn and the file rewritten.
    withdraw(state, ANN, "pinterest")
    with state.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM"))
        connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    for file in Path(settings.state).parent.glob("state.sqlite*"):
        assert PLANTED.encode() not in file.read_bytes()


# Widgets

WARM, COLD = "ann_he/warm-rooms", "ann_he/cold-rooms"


def test_widgets_give_the_latest_pins_where_robots_txt_allows_it(home: Home) -> None:
    board = home.ann.board(1, pins=60, slug="warm-rooms")
    report = home.widgets(WARM, "ann_he/not-there")

    assert (report.status, report.new, len(report.notes)) == ("complete", 51, 1)
    assert home.world.paths()[0] == "/robots.txt"
    assert len(home.world.log) == 3
    assert not any("authorization" in asked.headers for asked in home.world.log)
    assert (home.pins(), home.boards()) == ({}, {})  # no longer chosen
    assert home.boards(widgets=True)[WARM]["pins"] == 50
    row = home.pins(widgets=True)["1059"]
    assert row["image_url"] == f"https://i.pinimg.com/564x/c6/b6/0d/{1059:032x}.jpg"
    assert (row["hop"], row["collection"], row["url"]) == (0, "Board 1", "http://example.org/1059")
    assert PLANTED not in repr(everything(home.state))

    assert home.widgets(WARM, due_hours=24).requests == 0
    board.remove(1059)
    home.widgets(WARM)
    assert home.pins(widgets=True)["1059"]["gone_at"] is None  # it may be older than the latest
    home.crawl()  # the API says more about the same pins
    rows = home.pins(widgets=True)
    assert rows["1058"]["image_url"] == f"https://i.pinimg.com/1200x/c6/b6/0d/{1058:032x}.jpg"
    assert len(rows) == 60


@pytest.mark.parametrize("robots", [DENY, 500, 403], ids=["deny", "broken", "forbidden"])
def test_widgets_are_not_requested_where_robots_txt_denies_it_or_cannot_be_read(
    home: Home, robots: str | int
) -> None:
    home.world.robots = robots
    for number, slug in enumerate(("warm-rooms", "cold-rooms"), start=1):
        home.ann.board(number, pins=3, slug=slug)
    report = home.widgets(WARM, COLD)

    assert report.status == "blocked"
    assert "qualia import pinterest" in report.notes[-1]
    home.widgets(WARM)
    assert set(home.world.paths()) == {"/robots.txt"}
    if robots == DENY:
        assert len(home.world.log) == 1
    report, paths = home.again()  # the API is no web page
    assert report.status == "complete"
    assert "/robots.txt" not in paths


def test_widgets_are_requested_only_if_chosen_and_agreed_to(home: Home) -> None:
    home.state.add_user(ANN)
    assert home.widgets(WARM).status == "blocked"
    consent(home.state, ANN, "pinterest")
    assert home.widgets(WARM, widgets=False).requests == 0
    assert home.world.log == []


@pytest.mark.parametrize("name", ["", "a", "../../etc", "a/../b", "a/b/c", "a/b?c=1", "a/b\n", "http://x/y"])
def test_an_invalid_name_of_a_board_is_a_reject_and_not_requested(home: Home, name: str) -> None:
    assert home.ann.boards == {}
    assert len(home.widgets(name).rejects) == 1
    assert home.world.log == []
