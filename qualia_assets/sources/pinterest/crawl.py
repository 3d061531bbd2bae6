"""The crawl of a user's Pinterest: their boards, what their pins were saved from, boards they follow.

A crawl of all of it is a round. An interrupted round is resumed; only after a complete one another begins.
Boards whose pins have not changed since they were read to the end are skipped. An account is private to its
user, so nothing here is shared between users.

Belongs here: which requests are made, and what their answers mean. How a request is made is in ``api``, how a
list is paged in ``paging``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from qualia_assets.net.base import (
    Blocked,
    BudgetSpent,
    Deferred,
    Gone,
    NoAnswer,
    Unauthorised,
    Unusable,
)
from qualia_assets.net.client import Client
from qualia_assets.progress import Progress
from qualia_assets.settings import Pinterest
from qualia_assets.sources.base import Reject
from qualia_assets.sources.crawling import Report, Status
from qualia_assets.sources.pinterest import wire
from qualia_assets.sources.pinterest.api import SIGN_IN, Api
from qualia_assets.sources.pinterest.paging import Ending, Log, PagedList, Seen, read_list
from qualia_assets.state.consent import consented, token
from qualia_assets.state.crawl import Crawl, Payload, Row
from qualia_assets.state.database import State

SOURCE = "pinterest"
_PATIENCE = 3
"""Number of unusable answers in a row after which the service counts as out of order."""

_ROUND, _REJECTS = "round", "rejects:"
_CLOSED = ("A board of yours is not open to this app", "A board that you follow is not open to this app")
"""By hop."""


def crawl(
    user: str, state: State, client: Client, chosen: Pinterest, due_hours: float, progress: Progress
) -> Report:
    """Fetch what is new in a user's Pinterest, or resume where the last run was interrupted.

    Args:
        user: without their consent and token nothing is requested.
        state: holds rows and cursors.
        client: for the platform ``pinterest``.
        chosen: settings.
        due_hours: hours from the end of a round to the beginning of the next.
        progress: reports on boards and pins.
    """
    if SOURCE not in consented(state, user):
        return Report("blocked", 0, notes=("There is no consent for Pinterest: `qualia user consent`.",))
    signed_in = token(state, user, SOURCE)
    if signed_in is None:
        return Report("blocked", 0, notes=(f"There is no Pinterest token. {SIGN_IN}",))
    own, log, before = Crawl(state, SOURCE, user), Log(), client.requests
    if not _due(own.cursor(_ROUND), due_hours):
        return Report("complete", 0, rejects=_rejects(own))
    status: Status = "complete"
    until = None
    try:
        _Round(own, Api(user, state, client, chosen, signed_in), chosen, log, progress).run()
    except Deferred as error:
        status, until = "deferred", error.until
        log.note(str(error))
    except BudgetSpent as error:
        status, until = "budget", error.until
        log.note(str(error))
    except Unauthorised as error:
        status = "blocked"
        log.note(str(error))
    except Blocked as error:
        status = "blocked"
        log.note(f"{error} Or does the token lack a scope (boards:read, pins:read, user_accounts:read)?")
    except NoAnswer as error:
        status = "failed"
        log.note(str(error))
    return Report(
        status,
        client.requests - before,
        log.changes.new,
        log.changes.changed,
        until,
        log.lines(),
        _rejects(own),
    )


def _due(round_: Payload | None, hours: float) -> bool:
    """Whether there is something to request: the round is not over, or has been for ``hours``."""
    if round_ is None or round_["over_at"] is None:
        return True
    return datetime.now(UTC) >= datetime.fromisoformat(round_["over_at"]) + timedelta(hours=hours)


def _rejects(own: Crawl) -> tuple[Reject, ...]:
    """What could not be used when each list was last read."""
    found = [
        value["rejects"] for name, value in own.cursors().items() if name.startswith((_REJECTS, "page:"))
    ]
    each = {reject["record"]: Reject(**reject) for rejects in found for reject in rejects}
    return tuple(each[record] for record in sorted(each))


class _Round:
    """One crawl of a user's whole account, begun now or in an earlier run."""

    def __init__(self, own: Crawl, api: Api, chosen: Pinterest, log: Log, progress: Progress) -> None:
        self.own, self.api, self.chosen, self.log, self.progress = own, api, chosen, log, progress
        there = own.cursor(_ROUND)
        if there is None or there["over_at"] is not None:
            began = datetime.now(UTC).isoformat()
            there = {
                "began": began,
                "listed": False,
                "origins": 0,
                "followed": False,
                "useless": [],
                "over_at": None,
            }
            own.account(cursors={_ROUND: there})
        self.at: Payload = there
        self._useless = 0

    def run(self) -> None:
        """Make the requests that are left. Raises ``NoAnswer`` where the round cannot continue now."""
        if not self.at["listed"]:
            self._list_own()
        # Checked again here, as the setting may have changed since the list was read.
        boards = {
            key: board
            for key, board in self.own.rows("board").items()
            if self.chosen.private or board["privacy"] != "secret"
        }
        self._boards("boards", boards, hop=0)
        if self.at["origins"] is not None:
            self._origins(boards)
        if not self.at["followed"]:
            self._list_followed(boards)
        self._boards("followed boards", self.own.rows("followed"), hop=1)
        self.own.account(cursors=self._moved(over_at=datetime.now(UTC).isoformat()))

    def _moved(self, **changes: Any) -> dict[str, Payload | None]:
        self.at = {**self.at, **changes}
        return {_ROUND: self.at}

    def _wanted(self, board: wire.Board) -> bool:
        return self.chosen.private or board.seen_by != "secret"

    def _list_own(self) -> None:
        """The user's boards, and those shared with them; boards missing from a complete list are gone."""
        place = PagedList(
            "boards",
            "/boards",
            wire.Board,
            row=lambda board: Row("board", board.id, board.payload()) if self._wanted(board) else None,
            held=lambda board: None if self._wanted(board) else {"privacy": "secret"},
        )
        seen = read_list(place, self.own, self.api, self.at["began"], self.log)
        there = self.own.rows("board")
        # A board that has become secret counts as gone, and what was public of it is no longer shown.
        hidden = {key: there[key] for key in seen.held if key in there}
        lost = [*hidden]
        if seen.ending == "whole":
            lost += [key for key in there if key not in seen.ids]
        pins = self.own.rows("pin", parents=lost)
        self.own.account(
            [Row("board", key, {**payload, "privacy": "secret"}) for key, payload in hidden.items()],
            {
                **self._over("boards", seen),
                # Deleted, so that a board that comes back is read again.
                **dict.fromkeys(f"board:{key}" for key in lost),
                **self._moved(listed=True),
            },
            [*(("board", key) for key in lost), *(("pin", key) for key in pins)],
        )

    def _list_followed(self, mine: Mapping[str, Payload]) -> None:
        """Boards that the user follows, those first that most of their pins came from, then the newest."""
        there = self.own.rows("followed")
        if not self.chosen.boards:
            self.own.account(cursors=self._moved(followed=True), gone=[("followed", key) for key in there])
            return
        place = PagedList(
            "following",
            "/user_account/following/boards",
            wire.Board,
            held=lambda board: board.payload() if self._wanted(board) else None,
        )
        try:
            seen = read_list(place, self.own, self.api, self.at["began"], self.log)
        except (Blocked, Gone) as error:
            self.log.note(f"The boards that you follow could not be listed. {error}")
            self.own.account(cursors=self._moved(followed=True))
            return
        pointed = Counter(pin["board_id"] for pin in self.own.rows("origin").values())
        before = self._cursors(seen.held)
        open_ = [
            key for key in seen.held if key not in mine and before.get(key, {}).get("ending") != "refused"
        ]
        open_.sort(key=lambda key: seen.held[key]["modified_at"] or "", reverse=True)
        open_.sort(key=lambda key: -pointed[key])
        taken = open_[: self.chosen.boards]
        if len(open_) > len(taken):
            self.log.note(f"You follow {len(open_):,} boards; {len(taken):,} of them are taken in.")
        unseen = set() if seen.ending == "whole" else there.keys() - set(seen.ids)
        self.own.account(
            [Row("followed", key, seen.held[key]) for key in taken],
            {**self._over("following", seen), **self._moved(followed=True)},
            [("followed", key) for key in there if key not in taken and key not in unseen],
        )

    def _boards(self, what: str, boards: Mapping[str, Payload], hop: int) -> None:
        """Read the pins of boards, the newest boards first."""
        before = self._cursors(boards)
        order = sorted(boards, key=lambda key: boards[key]["modified_at"] or "", reverse=True)
        for number, key in enumerate(order):
            if f"board:{key}" in self.at["useless"]:
                continue
            self.progress(f"Pinterest: {what}", number, len(order))
            last, modified_at = before.get(key), boards[key]["modified_at"]
            if last is None or not self._settled(last, modified_at, hop):
                with self._skipped_if_unusable(f"board:{key}"):
                    self._board(key, modified_at, hop)
        self.progress(f"Pinterest: {what}", len(order), len(order))

    @contextmanager
    def _skipped_if_unusable(self, name: str) -> Iterator[None]:
        """Skip what has no usable answer until the next round; several in a row are the service's fault."""
        try:
            yield
        except Unusable as error:
            self._useless += 1
            self.own.account(cursors=self._moved(useless=[*self.at["useless"], name]))
            if self._useless == _PATIENCE:
                raise
            self.log.note(str(error))
        else:
            self._useless = 0

    def _settled(self, last: Payload, modified_at: str | None, hop: int) -> bool:
        """Whether a board's pins need not be read again."""
        if last["began"] == self.at["began"]:
            return True
        known = modified_at is not None and last["modified_at"] == modified_at
        return known and last["ending"] in ("whole", "capped") and last["at_most"] == self._at_most(hop)

    def _at_most(self, hop: int) -> int | None:
        return self.chosen.pins if hop else None

    def _board(self, board_id: str, modified_at: str | None, hop: int) -> None:
        """Read the pins of one board; once all are seen, set its watermark and mark missing pins as gone."""
        conclusion: Payload = {
            "began": self.at["began"],
            "modified_at": modified_at,
            "at_most": self._at_most(hop),
        }
        try:
            lists = self._lists(board_id, hop)
        except (Blocked, Gone):
            self.log.count(_CLOSED[hop])
            self.own.account(cursors={f"board:{board_id}": {**conclusion, "ending": "refused"}})
            return
        endings = {one.ending for one in lists.values()}
        ending: Ending = "stopped" if "stopped" in endings else "capped" if "capped" in endings else "whole"
        ids = {key for one in lists.values() for key in one.ids}
        there = () if ending == "stopped" else self.own.rows("pin", parents=[board_id])
        spent = {name: None for one in lists.values() for name in one.spent}
        rejects = [reject for one in lists.values() for reject in one.rejects]
        self.own.account(
            cursors={
                **spent,
                f"{_REJECTS}{board_id}": {"rejects": rejects} if rejects else None,
                f"board:{board_id}": {**conclusion, "ending": ending},
            },
            gone=[("pin", key) for key in there if key not in ids],
        )

    def _lists(self, board_id: str, hop: int) -> dict[str, Seen]:
        """The lists of a board's pins: all of them and by section for the user's own, else the newest."""
        path = f"/boards/{board_id}"

        def row(pin: wire.Pin) -> Row:
            return Row("pin", pin.id, pin.payload(f"{path}/pins", board_id), parent=board_id)

        def pins(below: str) -> Seen:
            place = PagedList(
                f"{board_id}{below}", f"{path}{below}", wire.Pin, row=row, at_most=self._at_most(hop)
            )
            return read_list(place, self.own, self.api, self.at["began"], self.log)

        if hop:
            return {"pins": pins("/pins")}
        listing = PagedList(f"{board_id}/sections", f"{path}/sections", wire.Section)
        sections = read_list(listing, self.own, self.api, self.at["began"], self.log)
        lists = {"sections": sections, "pins": pins("/pins")}
        for section in sections.ids:
            try:
                lists[section] = pins(f"/sections/{section}/pins")
            except (Blocked, Gone):
                self.log.count("A section of a board of yours is not open to this app")
                lists[section] = Seen("stopped", (), {}, [], {})
        return lists

    def _origins(self, boards: Mapping[str, Payload]) -> None:
        """The pins that most of the user's own were saved from. Each is requested only once."""
        mine = self.own.rows("pin", parents=list(boards))
        pointed = Counter(pin["parent_pin_id"] for pin in mine.values() if pin["parent_pin_id"])
        ranked = sorted((key for key in pointed if key not in mine), key=lambda key: (-pointed[key], key))
        known = self.own.rows("origin", gone=True)
        closed = {*self.own.cursors([f"origin:{key}" for key in ranked]), *self.at["useless"]}
        taken: list[str] = []
        for key in ranked:
            if len(taken) == self.chosen.pins:
                break
            if key not in known and f"origin:{key}" not in closed:
                if self.at["origins"] >= self.chosen.pins:
                    break
                self.progress("Pinterest: where pins came from", self.at["origins"], self.chosen.pins)
                with self._skipped_if_unusable(f"origin:{key}"):
                    known |= self._origin(key)
            if key in known:
                taken.append(key)
        there = self.own.rows("origin")
        back = [key for key in taken if key not in there]
        self.own.account(
            [Row("origin", key, {k: v for k, v in known[key].items() if k != "gone_at"}) for key in back],
            self._moved(origins=None),
            [("origin", key) for key in there if key not in taken],
        )

    def _origin(self, pin_id: str) -> dict[str, Payload]:
        """Request one pin. One that is missing, or hidden from this user, is never requested again."""
        try:
            pin = self.api.pin(pin_id)
        except (Blocked, Gone):
            self.log.count("A pin that one of yours was saved from is not open to this app")
            left_out = {f"origin:{pin_id}": {"status": "left out"}}
            self.own.account(cursors={**left_out, **self._moved(origins=self.at["origins"] + 1)})
            return {}
        for what in pin.unknown():
            self.log.unknown(what)
        payload = pin.payload(f"/pins/{pin_id}", pin.board_id)
        cursors = self._moved(origins=self.at["origins"] + 1)
        self.log.changes += self.own.account([Row("origin", pin_id, payload)], cursors)
        return {pin_id: payload}

    def _cursors(self, boards: Iterable[str]) -> dict[str, Payload]:
        """The conclusions about boards, by id."""
        found = self.own.cursors([f"board:{key}" for key in boards])
        return {name.removeprefix("board:"): value for name, value in found.items()}

    def _over(self, name: str, seen: Seen) -> dict[str, Payload | None]:
        """The cursors of a list that has been read: its position is deleted, its rejects are kept."""
        return {**seen.spent, f"{_REJECTS}{name}": {"rejects": seen.rejects} if seen.rejects else None}


def board_rows(state: State, user: str, chosen: Pinterest) -> list[dict[str, Any]]:
    """Rows of the table ``pinterest_boards``: the user's own, and the followed ones that are taken in."""
    own = Crawl(state, SOURCE, user)
    pins = Counter(row["board_id"] for row in pin_rows(state, user, chosen))
    concluded = own.cursors()
    rows = []
    mine, followed, widgets = _boards_of(own, chosen)
    for hop, boards in enumerate((mine, followed)):
        for key, board in boards.items():
            ending = concluded.get(f"board:{key}", {}).get("ending", "waiting")
            status = {"refused": "blocked", "waiting": "waiting"}.get(ending, "ok")
            rows.append(
                {
                    "board_id": key,
                    "hop": hop,
                    "name": board["name"],
                    "description": board["description"],
                    "owner": board["owner"],
                    "privacy": board["privacy"],
                    "url": None,
                    "status": "gone" if "gone_at" in board else status,
                    "pins": pins[key],
                    "modified_at": _moment(board["modified_at"]),
                }
            )
    for key, board in widgets.items():
        rows.append(
            {
                "board_id": key,
                "hop": 0,
                "name": board["name"],
                "description": board["description"],
                "owner": key.partition("/")[0],
                "privacy": "public",
                "url": f"https://www.pinterest.com/{key}/",
                "status": "ok",
                "pins": pins[key],
                "modified_at": None,
            }
        )
    return rows


def pin_rows(state: State, user: str, chosen: Pinterest) -> list[dict[str, Any]]:
    """Rows of the table ``pinterest_pins``, each pin once: the user's own, including removed ones; then what
    these were saved from, and the newest of the boards that they follow."""
    own = Crawl(state, SOURCE, user)
    mine, followed, widgets = _boards_of(own, chosen)
    names = {key: board["name"] for key, board in (followed | widgets | mine).items()}
    rows: dict[str, dict[str, Any]] = {}
    pins = own.rows("pin", gone=True)
    in_order = (
        (0, {key: pin for key, pin in pins.items() if pin["board_id"] in mine}),
        (0, own.rows("widget_pin", parents=list(widgets))),
        (1, own.rows("origin")),
        (1, {key: pin for key, pin in pins.items() if pin["board_id"] in followed and "gone_at" not in pin}),
    )
    for hop, found in in_order:
        for key, pin in found.items():
            rows.setdefault(key, _pin_row(key, pin, hop, names))
    return [rows[key] for key in sorted(rows)]


def _pin_row(key: str, pin: Payload, hop: int, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "item_id": key,
        "modality": "image",
        "hop": hop,
        "title": pin["title"],
        "text": pin["text"],
        "tags": [],
        "url": pin["url"] or f"https://www.pinterest.com/pin/{key}/",
        "author": None,
        "collection": names.get(pin["board_id"]),
        "image_sha256": None,
        "created_at": _moment(pin["created_at"]),
        "record": pin["record"],
        "board_id": pin["board_id"],
        "image_url": pin["image_url"],
        "parent_pin_id": pin["parent_pin_id"],
        "gone_at": _moment(pin.get("gone_at")),
    }


def _boards_of(
    own: Crawl, chosen: Pinterest
) -> tuple[dict[str, Payload], dict[str, Payload], dict[str, Payload]]:
    """The user's boards, including those gone; those they follow; those seen by widgets. Secret ones only if
    wanted, and none that was made secret later."""

    def shown(board: Payload) -> bool:
        return board["privacy"] != "secret" or (chosen.private and "gone_at" not in board)

    mine = {key: board for key, board in own.rows("board", gone=True).items() if shown(board)}
    followed = {key: board for key, board in own.rows("followed").items() if shown(board) and key not in mine}
    return mine, followed, own.rows("widget_board") if chosen.widgets else {}


def _moment(value: str | None) -> datetime | None:
    """A time from the state database, to which SQLite gives no zone."""
    if value is None:
        return None
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
