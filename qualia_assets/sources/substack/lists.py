"""Lists of what a user reads on Substack: a feed reader's OPML, or a text with one entry a line.

Belongs here: reading either into seeds of the crawl. Titles and folders are not kept; no requests are made.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml import DefusedXmlException
from defusedxml.sax import parseString

from qualia_assets.sources.base import Reject, SourceError
from qualia_assets.sources.substack.address import is_handle, profile_handle, publication_origin

Seed = tuple[Literal["publication", "handle"], str]

MAX_BYTES = 5 * 2**20

_MEND = "Write https://name.substack.com, its own domain, or @handle."
_FEED = "Give the outline the address of a feed or a page as xmlUrl or htmlUrl."


def read_list(path: Path) -> Iterator[Seed | Reject]:
    """The publications (``https://host``) and handles that a list names, each once, and its rejects.

    Lines are addresses of publications or profiles, or handles, with or without @. Empty lines and comments
    (# at the start of a line or after a space) are skipped.

    Raises:
        SourceError: it cannot be read at all.
    """
    data = _bytes(path)
    named = (
        _outlines(data, path) if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _lines(data, path)
    )
    seen: set[Seed] = set()
    for record, address, mend in named:
        seed = _seed(address)
        if seed is None:
            yield Reject(record, "is neither an address of a publication nor a handle", mend)
        elif seed not in seen:
            seen.add(seed)
            yield seed


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise SourceError(f"There is no file {path}. Give an .opml or a .txt file.")
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise SourceError(f"{path} is longer than {MAX_BYTES // 2**20} MiB. Is it a list of publications?")
    return data


def _lines(data: bytes, path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8. Save it as UTF-8 text.") from None
    for number, line in enumerate(text.split("\n"), start=1):
        address = f" {line}".partition(" #")[0].strip()
        if address:
            yield f"{path.name}:{number}", address, _MEND


def _outlines(data: bytes, path: Path) -> Iterator[tuple[str, str, str]]:
    reader = _Outlines()
    again = "Export it from your feed reader again."
    try:
        parseString(data, reader, forbid_dtd=True)
    except DefusedXmlException:
        raise SourceError(f"{path} declares entities, which no list needs. {again}") from None
    except SAXParseException as error:
        raise SourceError(f"{path} is not well-formed XML at line {error.getLineNumber()}. {again}") from None
    except (SAXException, ValueError, LookupError):
        raise SourceError(f"{path} is not XML. {again}") from None
    if not reader.is_opml:
        raise SourceError(f"{path} is XML, but no OPML. {again}")
    return ((f"{path.name}:{line}", address, _FEED) for line, address in reader.found)


class _Outlines(ContentHandler):
    """The feeds of an OPML, each with its line."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self.is_opml = False
        self._locator: Any = None

    def setDocumentLocator(self, locator: Any) -> None:
        self._locator = locator

    def startElement(self, name: str, attrs: Any) -> None:
        self.is_opml = self.is_opml or name == "opml"
        address = attrs.get("xmlUrl") or attrs.get("htmlUrl")
        # An outline without either is a folder; one of another type is a note.
        if name == "outline" and (address or attrs.get("type") == "rss"):
            self.found.append((self._locator.getLineNumber(), address or ""))


def _seed(address: str) -> Seed | None:
    named = address.removeprefix("@")
    if named != address or "." not in named:
        return ("handle", named) if is_handle(named) else None
    handle = profile_handle(address)
    if handle is not None:
        return "handle", handle
    origin = publication_origin(address)
    return ("publication", origin) if origin is not None else None
