"""Lists of boards, one a line, to be requested from Pinterest's widget endpoint if that is chosen.

Belongs here: reading such a list. No requests are made here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from qualia_assets.sources.base import Reject, SourceError

MAX_BYTES = 2**20
_BOARD = re.compile(
    r"(?:https://(?:[a-z]{2,3}\.)?pinterest\.[a-z.]{2,6}/)?([A-Za-z0-9_]{3,30})/([\w-]{1,60})/?", re.UNICODE
)


def read_boards(path: Path) -> Iterator[str | Reject]:
    """Boards as ``user/slug``, each once, and rejects; empty lines and comments (#) are skipped.

    Raises:
        SourceError: it cannot be read at all.
    """
    try:
        with path.open("rb") as handle:
            text = handle.read(MAX_BYTES + 1).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise SourceError(f"{path} cannot be read as UTF-8 text. Give a file with a board a line.") from None
    if len(text) > MAX_BYTES:
        raise SourceError(f"{path} is longer than a MiB. Is it a list of boards?")
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        named = f" {line}".partition(" #")[0].strip()
        board = _BOARD.fullmatch(named)
        if named and board is None:
            yield Reject(f"{path.name}:{number}", "is no board", "Write user/slug, or the board's address.")
        elif board and (name := f"{board[1]}/{board[2]}") not in seen:
            seen.add(name)
            yield name
