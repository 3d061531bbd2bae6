"""A writer's own posts, from Substack's export: a zip, or the folder it unpacks to.

Belongs here: ``posts.csv`` and ``posts/{post_id}.{slug}.html``, joined. The lists of subscribers and of who
opened what, which lie beside them, are never opened. Drafts are left out. The export does not name its
publication, so posts have no address.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from qualia_assets.lake.tables import SUBSTACK_EXPORT
from qualia_assets.progress import Progress, tracked
from qualia_assets.sources.archive import Archive, MiB, UnusableFile, existing, fingerprint
from qualia_assets.sources.base import Reject, SourceError, clean_line
from qualia_assets.sources.substack.address import is_slug
from qualia_assets.sources.substack.html import editorial_sha256, first_image, plain_text
from qualia_assets.sources.substack.wire import Audience, Type

Row = dict[str, Any]
Fields = dict[str, str]

_EMPTY: Row = dict.fromkeys(column.name for column in SUBSTACK_EXPORT.columns)

MAX_BODY, MAX_LIST, MAX_READ = 20 * MiB, 20 * MiB, 2_048 * MiB

_LIST = "posts.csv"
_BODY = re.compile(r"(.*/)?posts/([0-9]{1,25})(\.[^/]*)?\.html", re.DOTALL)
_POST_ID = re.compile(r"([0-9]{1,25})(?:\.(.*))?", re.DOTALL)
_HOW = "In Substack: Settings > Exports > New export; give the zip that you get."
_AGAIN = "Ask Substack for a new export."


class SubstackExport:
    """The published posts of one export, as rows of the table ``substack_export``."""

    name = "substack_export"

    def __init__(self, path: Path) -> None:
        """Raises SourceError where there is no such file or folder."""
        path = existing(path, _HOW)
        self.path = path.parent if path.name == _LIST else path
        self._drafts = 0
        self._other: Counter[str] = Counter()

    def fingerprint(self) -> str:
        """A digest that changes whenever the result of :meth:`read` may have changed."""
        return fingerprint(self.path, _wanted)

    def read(self, progress: Progress) -> Iterator[Row | Reject]:
        """Every published post and every reject, in the order of posts.csv, each post once.

        Raises:
            SourceError: nothing can be read at all.
        """
        self._drafts = 0
        self._other.clear()
        with Archive(self.path, _wanted, MAX_READ) as archive:
            yield from archive.rejects
            root = _root(archive.names, self.path)
            bodies = {
                m[2]: name for name in archive.names if (m := _BODY.fullmatch(name)) and (m[1] or "") == root
            }
            listed = _list(archive, root + _LIST, self.path)
            total = sum(1 for _ in _lines(listed))
            seen: dict[str, str] = {}
            for record, fields in tracked(_lines(listed), progress, "reading posts", total):
                found = fields if isinstance(fields, Reject) else self._post(record, fields, archive, bodies)
                if isinstance(found, dict) and seen.setdefault(found["item_id"], record) != record:
                    reason = f"repeats the id of {seen[found['item_id']]}"
                    found = Reject(record, reason, "Give every post one line.")
                if found is not None:
                    yield found

    def notes(self) -> tuple[str, ...]:
        """What was left out or unknown in the last :meth:`read`."""
        drafts = f"{self._drafts:,} draft{' was' if self._drafts == 1 else 's were'} left out."
        return (drafts,) * bool(self._drafts) + tuple(
            f"{count:,} values of {field} are new to this project, and are kept as 'other'."
            for field, count in sorted(self._other.items())
        )

    def _post(
        self, record: str, fields: Fields, archive: Archive, bodies: dict[str, str]
    ) -> Row | Reject | None:
        """The row of one line, or a reject; None for a draft."""
        published = fields.get("is_published", "").lower()
        if published == "false":
            self._drafts += 1
            return None
        if published != "true":
            return Reject(record, "is_published is neither true nor false", _AGAIN)
        named = _POST_ID.fullmatch(fields.get("post_id", ""))
        if named is None or (named[2] and not is_slug(named[2])):
            return Reject(record, "post_id is not a number and a post's name in its address", _AGAIN)
        try:
            created = _time(fields.get("post_date", ""))
        except (ValueError, OverflowError):
            return Reject(record, "post_date is not a valid time", _AGAIN)
        try:
            markup = _markup(archive, bodies.get(named[1]))
        except UnusableFile as error:
            return Reject(record, f"its body {error.reason}", error.mend)
        title, subtitle = clean_line(fields.get("title")), clean_line(fields.get("subtitle"))
        body, image = (plain_text(markup) or None, first_image(markup)) if markup else (None, None)
        text = "\n\n".join(filter(None, (subtitle, body))) or None
        if not title and not text:
            return Reject(record, "neither title nor body", "Nothing to do: there is nothing in it.")
        audience = self._word("audience", fields.get("audience", ""), Audience) or "unknown"
        return {
            **_EMPTY,
            "item_id": named[1],
            "modality": "text",
            "hop": 0,
            "title": title,
            "text": text,
            "tags": [],
            "created_at": created,
            "record": record,
            "post_id": named[1],
            "slug": named[2] or "",
            "audience": audience,
            "body_status": "full" if body else "none",
            "kind": self._word("type", fields.get("type", ""), Type),
            "image_url": image,
            "editorial_sha256": editorial_sha256(title, subtitle, body, audience, image),
        }

    def _word(self, field: str, value: str, choices: Any) -> str | None:
        """The value if it is one of the choices, else ``other``, which is counted; None for no value."""
        if not value or value in get_args(choices):
            return value or None
        self._other[field] += 1
        return "other"


def _wanted(name: str) -> bool:
    return name.rpartition("/")[2] == _LIST or _BODY.fullmatch(name) is not None


def _root(names: list[str], path: Path) -> str:
    """The folder of posts.csv in the export, with a trailing slash; exports are often wrapped in one."""
    depths = {name: name.count("/") for name in names if name.rpartition("/")[2] == _LIST}
    nearest = [name for name, depth in depths.items() if depth == min(depths.values())]
    if not nearest:
        raise SourceError(f"{path} has no posts.csv. {_HOW}")
    if len(nearest) > 1:
        raise SourceError(f"{path} holds {len(nearest)} exports. Unpack it and give the folder of one.")
    return nearest[0].removesuffix(_LIST)


def _list(archive: Archive, name: str, path: Path) -> str:
    """The text of posts.csv.

    Raises:
        SourceError: it cannot be read, or lacks a required column.
    """
    try:
        text = archive.read(name, MAX_LIST).decode("utf-8-sig")
    except UnusableFile as error:
        raise SourceError(f"{_LIST} in {path} {error.reason}. {error.mend}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{_LIST} in {path} is not UTF-8. {_AGAIN}") from None
    header = next(_rows(text), None) or []
    for column in ("post_id", "is_published"):
        if column not in header:
            raise SourceError(f"{_LIST} in {path} has no column {column!r}. {_AGAIN}")
    return text


def _lines(text: str) -> Iterator[tuple[str, Fields | Reject]]:
    """The lines of posts.csv below its header, each with ``posts.csv:row`` as a spreadsheet numbers rows."""
    rows = _rows(text)
    header = next(rows) or []
    for number, row in enumerate(rows, start=2):
        record = f"{_LIST}:{number}"
        if row is None:
            yield record, Reject(record, "is not CSV: is a quote missing before it?", _AGAIN)
        elif row:
            yield record, {key: value.strip() for key, value in zip(header, row, strict=False)}


def _rows(text: str) -> Iterator[list[str] | None]:
    """The rows of a CSV, including blank ones; None for an invalid one."""
    reader = csv.reader(io.StringIO(text, newline=""))
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield None


def _markup(archive: Archive, name: str | None) -> str | None:
    """The HTML of a body; None if the export has none."""
    return None if name is None else archive.read(name, MAX_BODY).decode("utf-8-sig", "replace")


def _time(value: str) -> datetime | None:
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
