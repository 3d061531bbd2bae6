"""A user's pins, from the data download that Pinterest sends: HTML, in one file, a folder or a zip.

Belongs here: its section ``Pins``. A pin is a link followed by lines of ``Key: value``. Only the keys named
here are kept, so the user's IP addresses are dropped while reading. The download holds no pictures, but
hashes from which their addresses follow.
"""

import codecs
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from qualia_assets.lake.tables import PINTEREST_EXPORT
from qualia_assets.progress import Progress
from qualia_assets.sources.archive import Archive, MiB, UnusableFile, existing, fingerprint, printable
from qualia_assets.sources.base import Reject, SourceError, clean_line, clean_text

Row = dict[str, Any]
Fields = dict[str, str]
Pin = tuple[str, Fields]

_EMPTY: Row = dict.fromkeys(column.name for column in PINTEREST_EXPORT.columns)

MAX_READ = 200 * MiB

_HOW = "In Pinterest: Settings > Privacy and data > Request your data; give what it sends."
_AGAIN = "Ask Pinterest for a new download."
_ADDRESS = re.compile(r"https?://(?:[a-z0-9-]+\.)*pinterest\.[a-z.]{2,6}/pin/([0-9]{1,25})/?")
_ID = re.compile(r"[0-9]{1,25}")
_HASH = re.compile(r"[0-9a-f]{32}")
_LINE = re.compile(r"\s*([A-Za-z][A-Za-z ]{0,40})\s*:(.*)", re.DOTALL)
_KEYS = frozenset(
    {"title", "details", "image", "board id", "board name", "alt text", "created at", "alive", "private"}
)
# Where the end of a line is missing, the IP address on the next one must not be taken with it.
_IP = re.compile(r"ip[\s_]*address", re.IGNORECASE)
# The parser searches what it buffers (an incomplete tag) again with every chunk.
_MOST_BUFFERED = 2 * MiB


class PinterestExport:
    """The pins of a data download, as rows of the table ``pinterest_export``."""

    name = "pinterest_export"

    def __init__(self, path: Path, private: bool = False) -> None:
        """Raises SourceError where there is no such file or folder.

        Args:
            path: an HTML file, a folder or a zip.
            private: whether to take in pins that only the user sees.
        """
        self.path = existing(path, _HOW)
        self.private = private
        self._secret = 0
        self._removed = 0

    def fingerprint(self) -> str:
        """A string that changes whenever the result of :meth:`read` may have changed."""
        return f"{fingerprint(self.path, _wanted)}-{'all' if self.private else 'public'}"

    def read(self, progress: Progress) -> Iterator[Row | Reject]:
        """Every pin with a picture and every reject, in the order of the files, each pin once.

        Raises:
            SourceError: nothing can be read at all.
        """
        self._secret = self._removed = 0
        met = False
        seen: dict[str, str] = {}
        with Archive(self.path, _wanted, MAX_READ) as archive:
            if not archive.names:
                raise SourceError(f"{self.path} holds no HTML. {_HOW}")
            yield from archive.rejects
            reading = _Reading(progress, sum(archive.size(name) for name in archive.names))
            for name in archive.names:
                reader, record = _Pins(), printable(name)
                try:
                    for number, (address, fields) in enumerate(
                        _read(archive, name, reader, reading), start=1
                    ):
                        found = self._pin(f"{record}:{number}", address, fields, seen)
                        if found is not None:
                            yield found
                except UnusableFile as error:
                    met = True
                    yield error.reject(record)
                met = met or reader.met
        if not met:
            raise SourceError(f"{self.path} has no section 'Pins'. Is it Pinterest's data download? {_HOW}")

    def notes(self) -> tuple[str, ...]:
        """What was left out, as of the last :meth:`read`."""
        return tuple(
            f"{count:,} {kind} pin{' was' if count == 1 else 's were'} left out{how}."
            for count, kind, how in (
                (self._secret, "private", "; private = true under [pinterest] in qualia.toml takes them in"),
                (self._removed, "removed", ""),
            )
            if count
        )

    def _pin(self, record: str, address: str, fields: Fields, seen: dict[str, str]) -> Row | Reject | None:
        """The row of one pin, or a reject; None where it is left out."""
        private = fields.get("private", "").lower()
        if private == "true" and not self.private:
            self._secret += 1
            return None
        if fields.get("alive", "").lower() == "false":
            self._removed += 1
            return None
        named = _ADDRESS.fullmatch(address)
        if named is None:
            return Reject(record, "its address has no pin id", _AGAIN)
        if private not in ("true", "false") and not self.private:
            return Reject(
                record, "does not say whether it is private", "Set private = true under [pinterest]."
            )
        picture = fields.get("image", "").lower()
        if not _HASH.fullmatch(picture):
            return Reject(record, "has no picture: Image is not 32 hexadecimal digits", "Nothing to do here.")
        try:
            created = _time(fields.get("created at", ""))
        except (ValueError, OverflowError):
            return Reject(record, "Created at is not a valid time", _AGAIN)
        if seen.setdefault(named[1], record) != record:
            return Reject(record, f"repeats the id of {seen[named[1]]}", "Give one download, not several.")
        words = dict.fromkeys(filter(None, (clean_text(fields.get(key)) for key in ("details", "alt text"))))
        board = fields.get("board id", "")
        return {
            **_EMPTY,
            "item_id": named[1],
            "modality": "image",
            "hop": 0,
            "title": clean_line(fields.get("title")),
            "text": "\n\n".join(words) or None,
            "tags": [],
            "url": f"https://www.pinterest.com/pin/{named[1]}/",
            "collection": clean_line(fields.get("board name")),
            "created_at": created,
            "record": record,
            "board_id": board if _ID.fullmatch(board) else None,
            "image_url": f"https://i.pinimg.com/736x/{picture[:2]}/{picture[2:4]}/{picture[4:6]}/{picture}.jpg",
        }


class _Reading:
    """How much of the download has been read."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        progress("reading bytes of pins", 0, total)

    def more(self, size: int) -> None:
        self._done += size
        self._progress("reading bytes of pins", min(self._done, self._total), self._total)


class _Pins(HTMLParser):
    """The records below headings ``Pins``: links to pins with their lines. ``met``: there was a heading."""

    def __init__(self) -> None:
        super().__init__()
        self.met = False
        self._done: list[Pin] = []
        self._inside = False
        self._heading: list[str] | None = None
        self._line: list[str] = []
        self._blank = True
        self._pin: Pin | None = None

    @property
    def buffered(self) -> int:
        """Number of characters that wait for more."""
        return len(self.rawdata) + sum(map(len, self._line)) + sum(map(len, self._heading or ()))

    def taken(self) -> list[Pin]:
        """The pins completed since the last call, each as address and fields."""
        pins, self._done = self._done, []
        return pins

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "h1":
            self.end()
            self._heading = []
        elif tag == "br":
            self._end_line()
        elif tag == "a" and self._inside and self._blank:
            # A link after a key is a value; one at the start of a line begins a pin.
            address = dict(attrs).get("href") or ""
            if "/pin/" in address:
                self.end()
                self._pin = (address.strip(), {})

    def handle_endtag(self, tag: str) -> None:
        if tag == "h1" and self._heading is not None:
            self._inside = "".join(self._heading).strip().casefold() == "pins"
            self.met = self.met or self._inside
            self._heading = None

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading.append(data)
        elif self._inside:
            self._line.append(data)
            self._blank = self._blank and data.isspace()

    def end(self) -> None:
        """Complete the current pin."""
        self._end_line()
        if self._pin is not None:
            self._done.append(self._pin)
            self._pin = None

    def _end_line(self) -> None:
        match = _LINE.fullmatch("".join(self._line))
        self._line.clear()
        self._blank = True
        if self._pin is None or match is None:
            return
        key, value = match[1].strip().casefold(), match[2].strip().removesuffix(",").rstrip()
        if key in _KEYS and value != "No data":
            self._pin[1][key] = _IP.split(value)[0].rstrip()


def _wanted(name: str) -> bool:
    return name.lower().endswith((".html", ".htm"))


def _read(archive: Archive, name: str, reader: _Pins, reading: _Reading) -> Iterator[Pin]:
    """The pins of one file, while it is read. Raises UnusableFile, after the pins before the damage."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    for chunk in archive.chunks(name, MAX_READ):
        reader.feed(decoder.decode(chunk))
        if reader.buffered > _MOST_BUFFERED:
            raise UnusableFile("is not the HTML of a data download", _AGAIN)
        reading.more(len(chunk))
        yield from reader.taken()
    reader.close()
    reader.end()
    yield from reader.taken()


def _time(value: str) -> datetime | None:
    return datetime.strptime(value, "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC) if value else None
