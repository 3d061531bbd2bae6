"""Exports as services provide them: a zip, an unpacked folder, or one file, read in place.

Belongs here: access to the wanted files, within bounds. Nothing is unpacked to disk, so a name in a zip never
becomes a path, and a file that is not wanted is never opened. Parsing is for the module of each service.
"""

import hashlib
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from io import BufferedReader, FileIO
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO

from qualia_assets.errors import QualiaError
from qualia_assets.sources.base import Reject, SourceError

MiB = 2**20
CHUNK = 256 * 1024
# A central directory of this size lists about 100,000 files; all of it is held in memory.
_LONGEST_DIRECTORY = 10 * MiB
# A zip's last record with its comment, which zipfile reads to the end of the file.
_LONGEST_END = 128 * 1024
_RATIO, _SMALL = 200, MiB
_ENCRYPTED = 0x1
_DRIVE = re.compile(r"^[A-Za-z]:")
# Other methods decompress a block at a time, of unlimited length.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


class UnusableFile(QualiaError):
    """One file of an export that cannot be read: what is wrong, and how to fix it."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.reason, self.mend = reason, mend

    def reject(self, record: str) -> Reject:
        return Reject(record, self.reason, self.mend)


def existing(path: Path, mend: str) -> Path:
    """The path of an existing file or folder.

    Raises:
        SourceError: there is none; the message ends with ``mend``.
    """
    path = path.expanduser().resolve()
    if not path.is_dir() and not path.is_file():
        raise SourceError(f"There is no file or folder {path}. {mend}")
    return path


def fingerprint(path: Path, wanted: Callable[[str], bool]) -> str:
    """A digest that changes with every wanted file of a folder, or with the file itself."""
    digest = hashlib.sha256()
    for name, file in sorted(_below(path, wanted)) if path.is_dir() else [(path.name, path)]:
        try:
            stat = file.stat()
        except OSError:
            continue
        digest.update(os.fsencode(name) + f"\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


class Archive:
    """The wanted files of an open export, by name.

    ``names`` are relative, with forward slashes, sorted; ``rejects`` are wanted files whose names lead out.

    Args:
        path: a zip, a folder, or, if its own name is wanted, one file.
        wanted: whether to read a file of that name; called with names that lead nowhere else.
        most: maximum number of bytes read from all files together.

    Raises:
        SourceError: it is none of these, or incomplete.
    """

    def __init__(self, path: Path, wanted: Callable[[str], bool], most: int) -> None:
        self._rejects: dict[str, Reject] = {}
        self._left = most
        self._most = most
        self._root: Path | None = None
        self._files: dict[str, Path] = {}
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._closing = ExitStack()
        if path.is_dir():
            self._root = path.resolve()
            self._files = dict(_below(path, wanted))
        elif wanted(path.name):
            self._files = {path.name: path}
        else:
            self._zip = _opened(path, self._closing)
            for info in self._zip.infolist():
                self._admit(info, wanted)
        self.names = sorted([*self._files, *self._members])
        self.rejects = [reject for _, reject in sorted(self._rejects.items())]

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def size(self, name: str) -> int:
        """The length that the file states."""
        if name in self._members:
            return self._members[name].file_size
        try:
            return self._files[name].stat().st_size
        except OSError:
            return 0

    def read(self, name: str, most: int) -> bytes:
        """The bytes of a wanted file. Raises as :meth:`chunks` does."""
        return b"".join(self.chunks(name, most))

    def chunks(self, name: str, most: int) -> Iterator[bytes]:
        """The bytes of a wanted file, in chunks.

        Raises:
            UnusableFile: it is longer than ``most``, whatever length it states, or damaged, or locked; or
                all files together are too long.
        """
        if self.size(name) > most:
            raise _too_long(most)
        read = 0
        try:
            with self._open(name) as handle:
                while chunk := handle.read(CHUNK):
                    read += len(chunk)
                    self._left -= len(chunk)
                    if read > most:
                        raise _too_long(most)
                    if self._left < 0:
                        reason = f"all files together are longer than {self._most // MiB:,} MiB"
                        raise UnusableFile(reason, "Is it an export? Ask for a new one.")
                    yield chunk
        except _DAMAGE:
            raise UnusableFile(
                "is damaged in the zip", "Download the export again, or unpack it and give the folder."
            ) from None
        except OSError as error:
            reason = f"cannot be read: {error.strerror or 'the disk failed'}"
            raise UnusableFile(reason, "Is it there, and yours to read?") from None

    def _open(self, name: str) -> BinaryIO:
        if name not in self._members:
            path = self._files[name]
            if self._root is not None and not path.resolve().is_relative_to(self._root):
                raise UnusableFile("lies outside the folder", "Put the file itself into the folder.")
            return path.open("rb")
        info = self._members[name]
        if info.flag_bits & _ENCRYPTED:
            raise UnusableFile("is locked with a password", "Unpack the zip and give the folder.")
        if info.compress_type not in _METHODS:
            raise UnusableFile("is packed in an unusual way", "Unpack the zip and give the folder.")
        if info.file_size > max(_SMALL, info.compress_size * _RATIO):
            raise UnusableFile("unpacks to far more than it holds, like a zip bomb", "Ask for a new export.")
        return self._zip.open(info)  # type: ignore[return-value]

    def _admit(self, info: zipfile.ZipInfo, wanted: Callable[[str], bool]) -> None:
        name = info.filename.replace("\\", "/")  # as some Windows programs write it
        parts = PurePosixPath(name).parts
        inside = tuple(_DRIVE.sub("", part) for part in parts if part not in ("/", ".."))
        if info.is_dir() or _hidden(inside) or not wanted("/".join(inside)):
            return
        if inside == parts:
            self._members["/".join(parts)] = info
            return
        record = printable(name)
        reason = "its name leads out of the zip; it was not read"
        self._rejects[record] = Reject(record, reason, "Ask for a new export.")


def printable(name: str) -> str:
    """A name with every unprintable character replaced by its escape sequence."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _below(root: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Path]]:
    for path in root.rglob("*"):
        # Bytes that are not UTF-8, found in names of old archives, become \xNN.
        name = os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")
        if wanted(name) and not _hidden(name.split("/")) and path.is_file():
            yield name, path


def _hidden(parts: Iterable[str]) -> bool:
    """Whether a name is one of those that macOS adds to archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


class _ShortReads(BufferedReader):
    """A file of which no read is longer than a central directory may be, whatever length a zip states."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = _LONGEST_END
        elif size > _LONGEST_DIRECTORY:
            raise _TooManyFiles
        return super().read(size)


class _TooManyFiles(Exception):
    """A zip's central directory is longer than any export's."""


def _opened(path: Path, closing: ExitStack) -> zipfile.ZipFile:
    again = "Download it again, or unpack it and give the folder."
    with ExitStack() as stack:
        try:
            handle = stack.enter_context(_ShortReads(FileIO(path)))
            if handle.read(2) != b"PK":
                raise SourceError(f"{path} is no zip. {again}")
            opened = stack.enter_context(zipfile.ZipFile(handle))
        except _TooManyFiles:
            raise SourceError(
                f"{path} holds far too many files. Is it an export? Ask for a new one."
            ) from None
        except _DAMAGE:
            raise SourceError(f"{path} is not a whole zip. {again}") from None
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}. {again}") from None
        closing.enter_context(stack.pop_all())
    return opened


def _too_long(most: int) -> UnusableFile:
    return UnusableFile(f"is longer than {most // MiB:,} MiB", "Leave it out of the export.")
