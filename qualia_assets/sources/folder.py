"""The user's own files: posts and pins from any directory.

These files are read, anywhere below the folder:

- ``posts.jsonl``: one post a line: ``{"id", "title", "body", "publication"?, "url"?, "author"?,
  "tags"?, "created_at"?}``
- ``*.md``: one post a file, with optional YAML front matter of the same keys
- ``pins.jsonl``: one pin a line: ``{"id", "image", "title"?, "description"?, "tags"?, "board"?,
  "creator"?, "url"?, "created_at"?}``; ``image`` is relative to the file
- pictures (JPEG, PNG, WebP, GIF) that no ``pins.jsonl`` names, their folder as board, with an
  optional ``captions.csv`` beside them: ``file, title?, description?, tags?, board?, url?``

A ``README.md`` describes the folder and is not a post; hidden files and folders are skipped.
"""

import csv
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from qualia_assets.lake.blobs import MAX_BYTES
from qualia_assets.progress import Progress, tracked
from qualia_assets.sources.base import Reject, SourceError, SourceItem, clean_line, clean_text

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".gif"}
MAX_RECORD_CHARACTERS = 5_000_000


class _Record(BaseModel):
    """The common fields of posts and pins. Strict: a number is no title."""

    model_config = ConfigDict(strict=True, extra="ignore")

    id: str = Field(min_length=1, max_length=200)
    title: str | None = None
    tags: list[str] = []
    # The bound also keeps out lone surrogates, which no table can hold.
    url: str | None = Field(None, max_length=MAX_RECORD_CHARACTERS)
    created_at: datetime | None = None

    @field_validator("created_at", mode="before")
    @classmethod
    def _time(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif value is not None and not isinstance(value, datetime) and hasattr(value, "isoformat"):
            value = datetime.fromisoformat(value.isoformat())
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return value

    @field_validator("tags", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return [] if value is None else value


class Post(_Record):
    """One line of posts.jsonl, or one Markdown file."""

    body: str | None = None
    publication: str | None = None
    author: str | None = None

    def item(self, record: str) -> SourceItem | Reject:
        title, body = clean_line(self.title), clean_text(self.body)
        if not title and not body:
            return Reject(record, "neither title nor body", "Give the post a body, or leave it out.")
        return SourceItem(
            item_id=self.id,
            modality="text",
            record=record,
            title=title,
            text=body,
            tags=tuple(filter(None, map(clean_line, self.tags))),
            url=self.url,
            author=clean_line(self.author),
            collection=clean_line(self.publication),
            created_at=self.created_at,
        )


class Pin(_Record):
    """One line of pins.jsonl, or one picture with its line of captions.csv."""

    image: str = Field(min_length=1)
    description: str | None = None
    board: str | None = None
    creator: str | None = None

    def item(self, record: str, image: bytes) -> SourceItem:
        return SourceItem(
            item_id=self.id,
            modality="image",
            record=record,
            title=clean_line(self.title),
            text=clean_text(self.description),
            tags=tuple(filter(None, map(clean_line, self.tags))),
            url=self.url,
            author=clean_line(self.creator),
            collection=clean_line(self.board),
            created_at=self.created_at,
            image=image,
        )


R = TypeVar("R", Post, Pin)


class FolderSource:
    """All posts and pins below one directory."""

    name = "folder"

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        if not self.root.is_dir():
            raise SourceError(
                f"There is no folder {self.root}. Give the path of one with posts.jsonl, Markdown files, "
                "pins.jsonl or pictures; `qualia import folder --help` shows what may be in them."
            )

    def files(self) -> list[Path]:
        """Every file below the folder that this source reads, sorted."""
        wanted = PICTURES | {".md", ".jsonl", ".csv"}
        found = (
            path
            for path in self.root.rglob("*")
            if path.suffix.lower() in wanted
            and not any(p.startswith(".") for p in path.relative_to(self.root).parts)
        )
        return sorted(path for path in found if path.is_file())

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        files = self.files()
        for path in (*files, *_named_pictures(files)):
            with suppress(OSError, ValueError):
                stat = path.stat()
                name = os.fsencode(os.path.relpath(path, self.root))
                digest.update(name + f"\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def read(self, progress: Progress) -> Iterator[SourceItem | Reject]:
        files = self.files()
        if not files:
            raise SourceError(
                f"{self.root} has nothing to import: no posts.jsonl, pins.jsonl, .md file or picture."
            )
        seen: dict[str, str] = {}
        named: set[Path] = set()
        captions = _Captions()
        # Records first, so that pictures which they name do not count as loose ones, too.
        files.sort(key=lambda p: (p.suffix.lower() != ".jsonl", p.suffix.lower() != ".csv"))
        for path in tracked(files, progress, "reading files", len(files)):
            suffix = path.suffix.lower()
            if path.name == "posts.jsonl":
                found: Iterator[SourceItem | Reject] = self._posts(path)
            elif path.name == "pins.jsonl":
                found = self._pins(path, named)
            elif path.name == "captions.csv":
                found = captions.load(path, self._name(path))
            elif suffix == ".md" and path.stem.lower() != "readme":
                found = iter([self._markdown(path)])
            elif suffix in PICTURES and path not in named:
                found = iter([self._loose_picture(path, captions)])
            else:
                continue
            for item in found:
                yield _once(item, seen)

    def _name(self, path: Path) -> str:
        # Bytes that are not UTF-8, found in names from old archives, become \xNN.
        return os.fsencode(path.relative_to(self.root).as_posix()).decode("utf-8", "backslashreplace")

    def _posts(self, path: Path) -> Iterator[SourceItem | Reject]:
        for record, parsed in _lines(path, self._name(path), Post):
            yield parsed if isinstance(parsed, Reject) else parsed.item(record)

    def _pins(self, path: Path, named: set[Path]) -> Iterator[SourceItem | Reject]:
        for record, parsed in _lines(path, self._name(path), Pin):
            if isinstance(parsed, Reject):
                yield parsed
                continue
            try:
                picture = (path.parent / parsed.image).resolve()
            except (ValueError, RuntimeError) as error:  # a zero byte; circular links
                yield Reject(record, f"its image cannot be read: {error}", "Give the path of a picture.")
                continue
            named.add(picture)
            image = self._picture(picture, record)
            yield image if isinstance(image, Reject) else parsed.item(record, image)

    def _picture(self, path: Path, record: str) -> bytes | Reject:
        if not path.is_relative_to(self.root):
            return Reject(record, "its image lies outside the folder", "Put the picture into the folder.")
        try:
            size = path.stat().st_size
            if size > MAX_BYTES:
                return Reject(record, f"its image has {size / 2**20:.0f} MiB", "Pictures may have 20 MiB.")
            return path.read_bytes()
        except OSError as error:
            return Reject(record, f"its image cannot be read: {error.strerror}", f"Is {path.name} there?")

    def _loose_picture(self, path: Path, captions: "_Captions") -> SourceItem | Reject:
        record = self._name(path)
        image = self._picture(path.resolve(), record)
        if isinstance(image, Reject):
            return image
        board = path.parent.name if path.parent != self.root else None
        caption = {"board": board, **captions.of(path)}
        parsed = _parse(Pin, {"id": record, "image": record, **caption}, record)
        return parsed if isinstance(parsed, Reject) else parsed.item(record, image)

    def _markdown(self, path: Path) -> SourceItem | Reject:
        record = self._name(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            return Reject(record, f"cannot be read as UTF-8: {error}", "Save the file as UTF-8.")
        front: Any = {}
        if text.startswith("---\n") and "\n---" in text[3:]:
            header, _, text = text[3:].partition("\n---")
            try:
                front = yaml.safe_load(header) or {}
            except (yaml.YAMLError, ValueError, RecursionError) as error:
                return Reject(record, f"front matter is not YAML: {str(error).splitlines()[0]}", "Fix it.")
        if not isinstance(front, dict):
            return Reject(record, "front matter is not `key: value` lines", "Write `title: ...` and so on.")
        heading = next((line[2:] for line in text.splitlines() if line.startswith("# ")), path.stem)
        fields = {"id": record, "title": heading, **front, "body": text}
        parsed = _parse(Post, fields, record)
        return parsed if isinstance(parsed, Reject) else parsed.item(record)


class _Captions:
    """Lines of captions.csv, by their picture."""

    def __init__(self) -> None:
        self._rows: dict[Path, dict[str, Any]] = {}

    def load(self, path: Path, name: str) -> Iterator[Reject]:
        try:
            with path.open(encoding="utf-8-sig", newline="") as handle:
                reader = csv.DictReader(handle)
                if "file" not in (reader.fieldnames or []):
                    yield Reject(
                        name, "has no column 'file'", "Head it: file,title,description,tags,board,url"
                    )
                    return
                for row in reader:
                    given = {k: v for k, v in row.items() if k and isinstance(v, str) and v and k != "file"}
                    tags = [tag.strip() for tag in given.pop("tags", "").split(",") if tag.strip()]
                    picture = path.parent / (row["file"] or "")
                    if not os.path.isfile(picture):  # False for impossible names, too
                        reason = f"there is no picture {row['file']!r}"
                        yield Reject(f"{name}:{reader.line_num}", reason, f"Put it beside {path.name}.")
                        continue
                    self._rows[picture.resolve()] = {**given, "tags": tags}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            yield Reject(name, f"cannot be read as CSV: {error}", "Save the file as UTF-8 CSV.")

    def of(self, picture: Path) -> dict[str, Any]:
        return self._rows.get(picture.resolve(), {})


def _named_pictures(files: list[Path]) -> Iterator[Path]:
    """The pictures that pins name, which may have any suffix or lie in a hidden folder."""
    for path in files:
        if path.name == "pins.jsonl":
            yield from (path.parent / pin.image for _, pin in _lines(path, "", Pin) if isinstance(pin, Pin))


def _lines(path: Path, name: str, model: type[R]) -> Iterator[tuple[str, R | Reject]]:
    """The records of a JSON-lines file, each with ``file:line``."""
    try:
        yield from _records(path, name, model)
    except OSError as error:
        yield name, Reject(name, f"cannot be read: {error.strerror}", "Is it there, and yours to read?")


def _records(path: Path, name: str, model: type[R]) -> Iterator[tuple[str, R | Reject]]:
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            record = f"{name}:{number}"
            if len(line) > MAX_RECORD_CHARACTERS:
                yield record, Reject(record, "is longer than 5 MB", "Is it one record a line?")
                continue
            if not line.strip():
                continue
            try:
                fields = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield (
                    record,
                    Reject(record, f"is not JSON: {error}", "Is the file complete, one object a line?"),
                )
                continue
            yield record, _parse(model, fields, record)


def _parse(model: type[R], fields: Any, record: str) -> R | Reject:
    if not isinstance(fields, dict):
        return Reject(record, "is not a JSON object", 'Write {"id": ..., "title": ...}.')
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        return Reject(record, f"{key}: {first['msg']}", f"Fix {key!r} in this record.")
    except (ValueError, OverflowError) as error:  # a time out of range in UTC
        return Reject(record, str(error), "Fix this record.")


def _once(item: SourceItem | Reject, seen: dict[str, str]) -> SourceItem | Reject:
    """The item, or a reject if an earlier one has its id."""
    if isinstance(item, Reject):
        return item
    first = seen.setdefault(item.item_id, item.record)
    if first != item.record:
        return Reject(item.record, f"repeats the id of {first}", "Give every record an id of its own.")
    return item
