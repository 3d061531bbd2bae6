"""Pinterest on this machine: its API, its token endpoint and its widgets, as far as they are read.

Shapes are those of the service's own description of its API. Fields that nobody should keep are sent along,
with a planted secret in them.
"""

import asyncio
import base64
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.responses import JSONResponse, PlainTextResponse, Response

from qualia_assets_tests.emulators import base
from qualia_assets_tests.emulators.base import Json, Worlds

API, WIDGETS = "api.pinterest.com", "widgets.pinterest.com"
OK = 200
PLANTED = "planted-secret-7f3a"
"""In every field that nobody should keep. Tokens begin with it too."""

ALLOW = "User-agent: *\nDisallow: /v3/pidgets/log/\nDisallow: /your-shop/\nAllow: /resource/*/get/\n"
DENY = (
    "User-agent: GPTBot\nDisallow: /\n\nUser-agent: facebookexternalhit\nAllow: /\n\n"
    "User-agent: *\nDisallow: /\n"
)


def picture(number: int, size: str = "1200x") -> str:
    return f"https://i.pinimg.com/{size}/c6/b6/0d/{number:032x}.jpg"


def pin(pin_id: int, **changes: Any) -> Json:
    """A pin as the API sends it."""
    sizes = {
        size: {"width": 100, "height": 80, "url": f"{picture(pin_id, size)}?{PLANTED}"}
        for size in ("150x150", "400x300", "600x", "1200x", "originals")
    }
    return {
        "id": str(pin_id),
        "title": f"Pin {pin_id}",
        "description": f"What {pin_id} shows",
        "alt_text": None,
        "note": "",
        "link": f"http://example.org/{pin_id}?session={PLANTED}",
        "media": {"media_type": "image", "images": sizes},
        "board_section_id": None,
        "parent_pin_id": None,
        "created_at": "2021-06-08T09:37:30",
        "creative_type": "REGULAR",
        "dominant_color": "#cacafe",
        "is_owner": True,
        "is_standard": True,
        "has_been_promoted": True,
        "product_tags": [],
        "board_owner": {"username": "example_user"},
        "pin_metrics": {"cookie": PLANTED},
        **changes,
    }


@dataclass
class Board:
    """A board, its pins the newest first, its sections by id with their pins."""

    id: str
    pins: list[Json] = field(default_factory=list)
    sections: dict[str, list[Json]] = field(default_factory=dict)
    changes: Json = field(default_factory=dict)
    moved: int = 0
    """How often its pins have changed."""

    def record(self) -> Json:
        return {
            "id": self.id,
            "name": f"Board {self.id}",
            "description": "",
            "privacy": "PUBLIC",
            "owner": {"username": "example_user"},
            "pin_count": len(self.pins),
            "follower_count": 2,
            "collaborator_count": 0,
            "created_at": "2021-06-08T09:37:18",
            "board_pins_modified_at": f"2021-10-25T11:17:{self.moved:02}.715000",
            "media": {"pin_thumbnail_urls": [], "image_cover_url": f"https://i.pinimg.com/{PLANTED}"},
            "is_ads_only": False,
            **self.changes,
        }

    def save(self, *pins: Json) -> None:
        """Put pins at the front."""
        self.pins[:0] = pins
        self.moved += 1

    def remove(self, pin_id: int) -> None:
        self.pins = [pin for pin in self.pins if pin["id"] != str(pin_id)]
        self.moved += 1


@dataclass
class Account:
    """What one token opens."""

    boards: dict[str, Board] = field(default_factory=dict)
    follows: dict[str, Board] = field(default_factory=dict)

    def board(self, board_id: int, pins: int = 0, follow: bool = False, **changes: Any) -> Board:
        """A new board, its pins numbered from ``board_id`` times 1,000 down."""
        made = Board(
            str(board_id),
            [pin(board_id * 1000 + n, board_id=str(board_id)) for n in reversed(range(pins))],
            changes=changes,
        )
        (self.follows if follow else self.boards)[made.id] = made
        return made


class Asked(base.Asked):
    """One request, its query parsed."""

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(self.query))

    @property
    def what(self) -> str:
        """Path and bookmark: what must not be requested twice."""
        return f"{self.path} {unquote(self.params.get('bookmark', ''))}".strip()


@dataclass
class World:
    """What there is, who may see it, and how the service behaves."""

    accounts: dict[str, Account] = field(default_factory=dict)
    """By access token."""
    refreshes: dict[str, str] = field(default_factory=dict)
    """The access token of each refresh token."""
    pins: dict[str, Json] = field(default_factory=dict)
    """Other people's, which may be requested one by one."""
    page: int = 250
    """At most so many items a page."""
    slow: float = 0.0
    robots: str | int = ALLOW
    refuse: dict[str, list[int]] = field(default_factory=dict)
    """Statuses that a path answers with, one a request, ``OK`` for an answer; -1 as the last: for ever."""
    instead: dict[str, Json] = field(default_factory=dict)
    """What a path answers with, whatever the request."""
    refuse_bookmarks: Counter[str] = field(default_factory=Counter)
    """How many bookmarks of a path are refused."""
    end: Any = None
    """The bookmark of a last page; ``...`` leaves the field out."""
    same_bookmark: set[str] = field(default_factory=set)
    """Paths that send the same bookmark with every page, and the next page all the same."""
    same_page: set[str] = field(default_factory=set)
    """Paths that send the first page again and again, always with a new bookmark."""
    rotates: bool = True
    """Whether a renewal returns a new refresh token too."""
    log: list[Asked] = field(default_factory=list)
    url: str = ""
    _given: int = 0

    def sign_in(self, name: str) -> tuple[Account, str, str]:
        """A new account, its access token and its refresh token."""
        access, refresh = f"{PLANTED}-access-{name}", f"{PLANTED}-refresh-{name}"
        self.accounts[access], self.refreshes[refresh] = Account(), access
        return self.accounts[access], access, refresh

    def expire(self, access: str) -> None:
        """The token is no longer good; its refresh token is."""
        self.accounts[f"{access}-expired"] = self.accounts.pop(access)
        for refresh, stands_for in self.refreshes.items():
            if stands_for == access:
                self.refreshes[refresh] = f"{access}-expired"

    def paths(self) -> list[str]:
        """What was requested, in order, without the API's own prefix."""
        return [asked.path.removeprefix("/v5") for asked in self.log]

    def forget(self) -> None:
        self.log.clear()

    async def respond(self, asked: base.Asked) -> Response:
        assert isinstance(asked, Asked)
        self.log.append(asked)
        await asyncio.sleep(self.slow)
        path = asked.path.removeprefix("/v5")
        if path == "/robots.txt":
            text, status = (self.robots, OK) if isinstance(self.robots, str) else ("", self.robots)
            return PlainTextResponse(text, status)
        statuses = self.refuse.get(path, [])
        if statuses:
            status = statuses[0] if statuses[1:] == [-1] else statuses.pop(0)
            if status != OK:
                return _error(status, "not now")
        if path in self.instead:
            return JSONResponse(self.instead[path])
        if asked.host == WIDGETS:
            return self._widget(path)
        if path == "/oauth/token":
            return self._token(asked)
        account = self.accounts.get(asked.bearer)
        if asked.host != API or account is None or asked.bearer.endswith("-expired"):
            return _error(401, "Authentication failed.")
        return self._api(path, account, asked)

    def _api(self, path: str, account: Account, asked: Asked) -> Response:
        seen = {**account.boards, **account.follows}
        match path.strip("/").split("/"):
            case ["boards"]:
                return self._list(path, [b.record() for b in account.boards.values()], asked)
            case ["user_account", "following", "boards"]:
                return self._list(path, [b.record() for b in account.follows.values()], asked)
            case ["boards", board_id, "pins"] if board_id in seen:
                return self._list(path, seen[board_id].pins, asked)
            case ["boards", board_id, "sections"] if board_id in account.boards:
                sections = [{"id": key, "name": f"Section {key}"} for key in seen[board_id].sections]
                return self._list(path, sections, asked)
            case ["boards", board_id, "sections", section, "pins"] if board_id in account.boards:
                return self._list(path, seen[board_id].sections[section], asked)
            case ["pins", pin_id] if pin_id in self.pins:
                return JSONResponse(self.pins[pin_id])
        return _error(404, "Not found.")

    def _list(self, path: str, items: list[Json], asked: Asked) -> Response:
        bookmark = asked.params.get("bookmark", "")
        if bookmark and self.refuse_bookmarks[path] > 0:
            self.refuse_bookmarks[path] -= 1
            return _error(400, "Invalid bookmark.")
        size = min(int(asked.params.get("page_size", 25)), self.page)
        # The bookmark names a place and not a number, so that what is saved while paging shifts nothing.
        places = [str(item["id"]) for item in items]
        place = base64.urlsafe_b64decode(bookmark).decode().rpartition("~")[2] if bookmark else ""
        start = places.index(place) if place in places and path not in self.same_page else 0
        if path in self.same_bookmark and bookmark:
            self._given += 1
            start = self._given * size
        more = start + size < len(items)
        sent: Json = {"items": items[start : start + size], "bookmark": self.end}
        if path in self.same_bookmark:
            sent["bookmark"] = base64.urlsafe_b64encode(b"always~the same").decode()
        elif more or path in self.same_page:
            self._given += path in self.same_page
            following = places[(start + size) % len(items)] if items else ""
            sent["bookmark"] = base64.urlsafe_b64encode(
                f"{self._given if path in self.same_page else ''}~{following}".encode()
            ).decode()
        elif self.end is ...:
            del sent["bookmark"]
        return JSONResponse(sent)

    def _token(self, asked: Asked) -> Response:
        form = dict(parse_qsl(asked.raw.decode()))
        wanted = "Basic " + base64.b64encode(f"app:{PLANTED}-client".encode()).decode()
        old = self.refreshes.get(form.get("refresh_token", ""))
        if asked.headers.get("authorization") != wanted or form.get("grant_type") != "refresh_token":
            return _error(401, "Authentication failed.")
        if old is None:
            return _error(400, "Invalid refresh token.")
        access = f"{old.removesuffix('-expired')}+"
        self.accounts[access] = self.accounts.pop(old)
        sent = {
            "response_type": "refresh_token",
            "access_token": access,
            "token_type": "bearer",
            "expires_in": 2592000,
            "scope": "boards:read pins:read user_accounts:read",
        }
        refresh = form["refresh_token"]
        if self.rotates:
            del self.refreshes[refresh]
            refresh += "+"
            sent |= {"refresh_token": refresh, "refresh_token_expires_in": 5184000}
        self.refreshes[refresh] = access
        return JSONResponse(sent)

    def _widget(self, path: str) -> Response:
        match path.strip("/").split("/"):
            case ["v3", "pidgets", "boards", user, slug, "pins"]:
                boards = {b.changes.get("slug"): b for a in self.accounts.values() for b in a.boards.values()}
                if slug not in boards:
                    return _error(404, "Not found.")
                board = boards[slug]
                pins = [
                    {
                        "id": pin["id"],
                        "description": pin["description"],
                        "link": pin["link"],
                        "images": {
                            size: {"width": 237, "height": 200, "url": picture(int(pin["id"]), size)}
                            for size in ("237x", "564x")
                        },
                        "pinner": {"full_name": PLANTED},
                        "repin_count": 1,
                    }
                    for pin in board.pins[:50]
                ]
                about = {"id": board.id, "name": f"Board {board.id}", "url": f"/{user}/{slug}/"}
                data = {"user": {"full_name": PLANTED}, "pins": pins, "board": about}
                return JSONResponse({"status": "success", "code": 0, "message": "ok", "data": data})
        return _error(404, "Not found.")


def _error(status: int, message: str) -> Response:
    # A cookie with each, which nobody should send back.
    headers = {"Set-Cookie": f"session={PLANTED}", "Retry-After": "3600"}
    return JSONResponse({"code": 2, "message": f"{message} {PLANTED}"}, status, headers)


class Server(Worlds[World]):
    """The service at an address of its own."""

    asked_as = Asked

    def __init__(self) -> None:
        super().__init__(World)


serving = Server
