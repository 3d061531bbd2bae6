"""The latest pins of public boards, from the endpoint of Pinterest's widgets for other web pages.

Used only if the user chooses it and its robots.txt allows it. It needs no sign-in and shows no more than the
latest 50 pins of a board, so a missing pin may still exist.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from qualia_assets.net.base import Blocked, BudgetSpent, Deferred, Disallowed, Gone, NoAnswer, Unusable
from qualia_assets.net.client import Client
from qualia_assets.progress import Progress, tracked
from qualia_assets.settings import Pinterest
from qualia_assets.sources.base import Reject
from qualia_assets.sources.crawling import Report, Status
from qualia_assets.sources.pinterest import wire
from qualia_assets.state.consent import consented
from qualia_assets.state.crawl import Changes, Crawl, Row
from qualia_assets.state.database import State

LATEST = 50
_BOARD = re.compile(r"[A-Za-z0-9_]{1,64}/[\w-]{1,128}")


def widgets(
    user: str,
    boards: Sequence[str],
    state: State,
    client: Client,
    chosen: Pinterest,
    due_hours: float,
    progress: Progress,
) -> Report:
    """Fetch the latest pins of boards that were not requested within ``due_hours``.

    Args:
        user: whose boards they are; without their consent nothing is requested.
        boards: each as ``user/slug``, as in the board's address.
        state: holds rows and cursors.
        client: for the platform ``pinterest``.
        chosen: settings; without ``widgets`` nothing is requested.
        due_hours: hours between requests for a board.
        progress: reports on boards.
    """
    if not chosen.widgets:
        return Report("complete", 0)
    if "pinterest" not in consented(state, user):
        return Report("blocked", 0, notes=("There is no consent for Pinterest: `qualia user consent`.",))
    own, before = Crawl(state, "pinterest", user), client.requests
    rejects = [
        Reject(f"board {number}", "is not the name of a board", "Write user/slug, as in the board's address.")
        for number, board in enumerate(boards, start=1)
        if not _BOARD.fullmatch(board)
    ]
    good = list(dict.fromkeys(board for board in boards if _BOARD.fullmatch(board)))
    due = _due(own, good, due_hours)
    status: Status = "complete"
    until, notes, changes = None, [], Changes()
    try:
        for board in tracked(due, progress, "Pinterest: widgets", len(due)):
            try:
                changes += _board(own, board, client, chosen, rejects)
            except (Gone, Unusable) as error:
                notes.append(str(error))
    except Deferred as error:
        status, until = "deferred", error.until
        notes.append(str(error))
    except BudgetSpent as error:
        status = "budget"
        notes.append(str(error))
    except (Blocked, Disallowed) as error:
        status = "blocked"
        notes.append(f"{error} Pinterest's data download needs no permission: `qualia import pinterest`.")
    except NoAnswer as error:
        status = "failed"
        notes.append(str(error))
    return Report(
        status,
        client.requests - before,
        changes.new,
        changes.changed,
        until,
        tuple(notes),
        tuple(rejects),
    )


def _due(own: Crawl, boards: list[str], hours: float) -> list[str]:
    """The boards that are due."""
    checked = own.cursors([_cursor(board) for board in boards])
    late = datetime.now(UTC) - timedelta(hours=hours)
    return [
        board
        for board in boards
        if (at := checked.get(_cursor(board))) is None or datetime.fromisoformat(at["checked_at"]) <= late
    ]


def _board(own: Crawl, board: str, client: Client, chosen: Pinterest, rejects: list[Reject]) -> Changes:
    path = f"/v3/pidgets/boards/{quote(board)}/pins/"
    answer = client.get(f"{chosen.widgets_url}{path}", "json")
    sent = wire.parsed(wire.Widget, answer.body)
    if sent is None:
        raise Unusable(f"Pinterest sent something other than was requested at {path}.")
    about = sent.data.board or wire.WidgetBoard()
    rows = [Row("widget_board", board, {"name": about.name, "description": about.description})]
    for _, pin in wire.read(wire.WidgetPin, sent.data.pins[:LATEST], path):
        if isinstance(pin, Reject):
            rejects.append(pin)
        else:
            rows.append(Row("widget_pin", pin.id, pin.payload(path, board), parent=board))
    return own.account(rows, {_cursor(board): {"checked_at": datetime.now(UTC).isoformat()}})


def _cursor(board: str) -> str:
    return f"widget:{board}"
