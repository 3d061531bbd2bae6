"""The walk through a user's Pinterest: their boards, what their pins were saved from, boards they follow.

A walk through all of it is a round; one that was cut short is gone on with, and only a whole one lets
another begin. Boards whose pins have not changed since they were walked to their end are passed over.
What a user's account holds is theirs alone, so nothing here is shared between users.

Belongs here: which questions are asked, and what their answers mean. How one is asked is in ``api``, how a
list is paged in ``paging``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from qualia_assets.net.base import Blocked, BudgetSpent, Deferred, Gone, NoAnswer, Unusable
from qualia_assets.net.client import Client
from qualia_assets.progress import Progress
from qualia_assets.settings import Pinterest
from qualia_assets.sources.base import Reject
from qualia_assets.sources.crawling import Report, Status
from qualia_assets.sources.pinterest import wire
from qualia_assets.sources.pinterest.api import SIGN_IN, Api, DaySpent, SignedOut
from qualia_assets.sources.pinterest.paging import Ending, Log, Place, Walked, walk
from qualia_assets.state.consent import consented, token
from qualia_assets.state.crawl import Crawl, Payload, Row
from qualia_assets.state.database import State

SOURCE = "pinterest"
_PATIENCE = 3
"""Useless answers in a row after which the service is taken to be out of order."""

_ROUND, _REJECTS = "round", "rejects:"
_CLOSED = ("A board of yours is not open to this app", "A board that you follow is not open to this app")
"""By hop."""


def crawl(
    user: str, state: State, client: Client, chosen: Pinterest, due_hours: float, progress: Progress
) -> Report:
    """Fetch what is new in a user's Pinterest, or go on where the last run was cut short.

    Args:
        user: who has consented and given a token; without either nothing is asked.
        state: where rows and cursors are.
        client: of the platform ``pinterest``.
        chosen: settings.
        due_hours: from the end of a round to the begin of the next.
        progress: told of boards and pins.
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
        _Round(own, Api(user, state, client, chosen, signed_in), chosen, log, progress).walk()
    except Deferred as error:
        status, until = "deferred", error.until
        log.note(str(error))
    except BudgetSpent as error:
        status, until = "budget", error.until if isinstance(error, DaySpent) else None
        log.note(str(error))
    except SignedOut as error:
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
    """Whether there is something to ask: a round that is not over, or one that was over long ago."""
    if round_ is None or round_["over_at"] is None:
        return True
    return datetime.now(UTC) >= datetime.fromisoformat(round_["over_at"]) + timedelta(hours=hours)


def _rejects(own: Crawl) -> tuple[Reject, ...]:
    """What could not be used when each list was last walked."""
    found = [
        value["rejects"] for name, value in own.cursors().items() if name.startswith((_REJECTS, "page:"))
    ]
    each = {reject["record"]: Reject(**reject) for rejects in found for reject in rejects}
    return tuple(each[record] for record in sorted(each))


class _Round:
    """One walk through all of a user's account, begun now or in an earlier run."""

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

    def walk(self) -> None:
        """Raises ``NoAnswer`` where the round cannot go on now."""
        if not self.at["listed"]:
            self._list_own()
        # Asked of the rows too: the choice may have been another when the list was walked.
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
        """The user's boards, and those shared with them; what a whole list lacks is gone, its pins too."""
        place = Place(
            "boards",
            "/boards",
            wire.Board,
            row=lambda board: Row("board", board.id, board.payload()) if self._wanted(board) else None,
            held=lambda board: None if self._wanted(board) else {"privacy": "secret"},
        )
        walked = walk(place, self.own, self.api, self.at["began"], self.log)
        there = self.own.rows("board")
        # A board that has become secret is as good as gone, and what was public of it is shown no more.
        hidden = {key: there[key] for key in walked.held if key in there}
        lost = [*hidden]
        if walked.ending == "whole":
            lost += [key for key in there if key not in walked.ids]
        pins = self.own.rows("pin", parents=lost)
        self.own.account(
            [Row("board", key, {**payload, "privacy": "secret"}) for key, payload in hidden.items()],
            {
                **self._over("boards", walked),
                # Forgotten, so that a board that comes back is walked again.
                **dict.fromkeys(f"board:{key}" for key in lost),
                **self._moved(listed=True),
            },
            [*(("board", key) for key in lost), *(("pin", key) for key in pins)],
        )

    def _list_followed(self, mine: Mapping[str, Payload]) -> None:
        """Boards that the user follows: those that most of their pins came from, then the newest."""
        there = self.own.rows("followed")
        if not self.chosen.boards:
            self.own.account(cursors=self._moved(followed=True), gone=[("followed", key) for key in there])
            return
        place = Place(
            "following",
            "/user_account/following/boards",
            wire.Board,
            held=lambda board: board.payload() if self._wanted(board) else None,
        )
        try:
            walked = walk(place, self.own, self.api, self.at["began"], self.log)
        except (Blocked, Gone) as error:
            self.log.note(f"The boards that you follow were not told. {error}")
            self.own.account(cursors=self._moved(followed=True))
            return
        pointed = Counter(pin["board_id"] for pin in self.own.rows("origin").values())
        before = self._cursors(walked.held)
        open_ = [
            key for key in walked.held if key not in mine and before.get(key, {}).get("ending") != "refused"
        ]
        open_.sort(key=lambda key: walked.held[key]["modified_at"] or "", reverse=True)
        open_.sort(key=lambda key: -pointed[key])
        taken = open_[: self.chosen.boards]
        if len(open_) > len(taken):
            self.log.note(f"You follow {len(open_):,} boards; {len(taken):,} of them are taken in.")
        unseen = set() if walked.ending == "whole" else there.keys() - set(walked.ids)
        self.own.account(
            [Row("followed", key, walked.held[key]) for key in taken],
            {**self._over("following", walked), **self._moved(followed=True)},
            [("followed", key) for key in there if key not in taken and key not in unseen],
        )

    def _boards(self, what: str, boards: Mapping[str, Payload], hop: int) -> None:
        """The pins of boards, the newest boards first."""
        before = self._cursors(boards)
        order = sorted(boards, key=lambda key: boards[key]["modified_at"] or "", reverse=True)
        for number, key in enumerate(order):
            if f"board:{key}" in self.at["useless"]:
                continue
            self.progress(f"Pinterest: {what}", number, len(order))
            last, modified_at = before.get(key), boards[key]["modified_at"]
            if last is None or not self._settled(last, modified_at, hop):
                with self._others_go_on(f"board:{key}"):
                    self._board(key, modified_at, hop)
        self.progress(f"Pinterest: {what}", len(order), len(order))

    @contextmanager
    def _others_go_on(self, name: str) -> Iterator[None]:
        """What gives nothing of use is left alone until the next round, so that it keeps nothing else back;
        but several such in a row are the service's fault."""
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
        """Whether there is nothing new to learn of a board's pins."""
        if last["began"] == self.at["began"]:
            return True
        known = modified_at is not None and last["modified_at"] == modified_at
        return known and last["ending"] in ("whole", "capped") and last["at_most"] == self._at_most(hop)

    def _at_most(self, hop: int) -> int | None:
        return self.chosen.pins if hop else None

    def _board(self, board_id: str, modified_at: str | None, hop: int) -> None:
        """The pins of one board. A watermark is set, and what is no longer there marked, when all is seen."""
        conclusion: Payload = {
            "began": self.at["began"],
            "modified_at": modified_at,
            "at_most": self._at_most(hop),
        }
        try:
            walks = self._walks(board_id, hop)
        except (Blocked, Gone):
            self.log.count(_CLOSED[hop])
            self.own.account(cursors={f"board:{board_id}": {**conclusion, "ending": "refused"}})
            return
        endings = {walked.ending for walked in walks.values()}
        ending: Ending = "stopped" if "stopped" in endings else "capped" if "capped" in endings else "whole"
        seen = {key for walked in walks.values() for key in walked.ids}
        there = () if ending == "stopped" else self.own.rows("pin", parents=[board_id])
        spent = {name: None for walked in walks.values() for name in walked.spent}
        rejects = [reject for walked in walks.values() for reject in walked.rejects]
        self.own.account(
            cursors={
                **spent,
                f"{_REJECTS}{board_id}": {"rejects": rejects} if rejects else None,
                f"board:{board_id}": {**conclusion, "ending": ending},
            },
            gone=[("pin", key) for key in there if key not in seen],
        )

    def _walks(self, board_id: str, hop: int) -> dict[str, Walked]:
        """The walks through a board's pins: all of them and by section of the user's own, else the newest."""
        path = f"/boards/{board_id}"

        def row(pin: wire.Pin) -> Row:
            return Row("pin", pin.id, pin.payload(f"{path}/pins", board_id), parent=board_id)

        def pins(below: str) -> Walked:
            place = Place(
                f"{board_id}{below}", f"{path}{below}", wire.Pin, row=row, at_most=self._at_most(hop)
            )
            return walk(place, self.own, self.api, self.at["began"], self.log)

        if hop:
            return {"pins": pins("/pins")}
        listing = Place(f"{board_id}/sections", f"{path}/sections", wire.Section)
        sections = walk(listing, self.own, self.api, self.at["began"], self.log)
        walks = {"sections": sections, "pins": pins("/pins")}
        for section in sections.ids:
            try:
                walks[section] = pins(f"/sections/{section}/pins")
            except (Blocked, Gone):
                self.log.count("A section of a board of yours is not open to this app")
                walks[section] = Walked("stopped", (), {}, [], {})
        return walks

    def _origins(self, boards: Mapping[str, Payload]) -> None:
        """The pins that most of the user's own were saved from. Each is asked for once, ever."""
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
                with self._others_go_on(f"origin:{key}"):
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
        """Ask for one pin. One that is not there, or not for this user, is never asked for again."""
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
        asked = self._moved(origins=self.at["origins"] + 1)
        self.log.changes += self.own.account([Row("origin", pin_id, payload)], asked)
        return {pin_id: payload}

    def _cursors(self, boards: Iterable[str]) -> dict[str, Payload]:
        """What was concluded of boards, by id."""
        found = self.own.cursors([f"board:{key}" for key in boards])
        return {name.removeprefix("board:"): value for name, value in found.items()}

    def _over(self, name: str, walked: Walked) -> dict[str, Payload | None]:
        """A list that is done with: its walk is forgotten, what could not be used is not."""
        return {**walked.spent, f"{_REJECTS}{name}": {"rejects": walked.rejects} if walked.rejects else None}


def board_rows(state: State, user: str, chosen: Pinterest) -> list[dict[str, Any]]:
    """Rows of the table ``pinterest_boards``: the user's own, and those followed that are taken in."""
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
    """Rows of the table ``pinterest_pins``, each pin once: the user's own, those they removed too; then what
    these were saved from, and the newest of the boards that they follow."""
    own = Crawl(state, SOURCE, user)
    mine, followed, widgets = _boards_of(own, chosen)
    names = {key: board["name"] for key, board in (followed | widgets | mine).items()}
    rows: dict[str, dict[str, Any]] = {}
    pins = own.rows("pin", gone=True)
    sought = (
        (0, {key: pin for key, pin in pins.items() if pin["board_id"] in mine}),
        (0, own.rows("widget_pin", parents=list(widgets))),
        (1, own.rows("origin")),
        (1, {key: pin for key, pin in pins.items() if pin["board_id"] in followed and "gone_at" not in pin}),
    )
    for hop, found in sought:
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
    """The user's boards, those that are gone too; those they follow; those seen by widgets. Secret ones only
    where they are wanted, and none that was made secret."""

    def shown(board: Payload) -> bool:
        return board["privacy"] != "secret" or (chosen.private and "gone_at" not in board)

    mine = {key: board for key, board in own.rows("board", gone=True).items() if shown(board)}
    followed = {key: board for key, board in own.rows("followed").items() if shown(board) and key not in mine}
    return mine, followed, own.rows("widget_board") if chosen.widgets else {}


def _moment(value: str | None) -> datetime | None:
    """A time of the state database, which gives them back without a zone where it is SQLite."""
    if value is None:
        return None
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
