"""An uploaded picture, read into memory only and within bounds.

Starlette's own form parser would write a large file to disk. The picture is decoded in ``search.query``.
"""

import asyncio
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from qualia_assets.errors import QualiaError
from qualia_assets.lake.blobs import MAX_BYTES

FIELD = "picture"
MAX_BODY_BYTES = MAX_BYTES + 16 * 1024
"""Of a form: a picture, and the multipart framing around it."""
MAX_SECONDS = 60.0
"""In which a form has to arrive."""
MAX_CONCURRENT = 4
"""Forms that are read at the same time."""
TOO_LARGE = "The file is larger than 20 MB."
_reading = asyncio.Semaphore(MAX_CONCURRENT)


class UploadError(QualiaError):
    """A form that is not accepted; the message says why. ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def picture_of(request: Request) -> bytes:
    """The file in the form's field ``picture``.

    Raises:
        UploadError: there is none, or the form is malformed, too large or too slow.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UploadError(415, "A picture has to be sent as a form (multipart/form-data).")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise UploadError(413, TOO_LARGE)
    try:
        async with _reading, asyncio.timeout(MAX_SECONDS):
            return await _read(request, boundary)
    except TimeoutError:
        raise UploadError(408, "The picture took too long to arrive.") from None
    except (FormParserError, ClientDisconnect):
        raise UploadError(400, "The form is incomplete.") from None


async def _read(request: Request, boundary: bytes) -> bytes:
    form = _Form()
    parser = MultipartParser(boundary, form.callbacks())
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise UploadError(413, TOO_LARGE)
        parser.write(chunk)
    parser.finalize()
    if not form.complete:
        raise UploadError(400, "The form is incomplete.")
    if not form.data:
        raise UploadError(400, "No picture was chosen.")
    return bytes(form.data)


class _Form:
    """Keeps the data of the first part that has the field's name."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.complete = False
        self._found = self._in_field = False
        self._header = (bytearray(), bytearray())

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._no_header,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_read,
            "on_part_data": self._part_data,
            "on_part_end": self._part_ended,
            "on_end": self._all_ended,
        }

    def _no_header(self) -> None:
        self._header = (bytearray(), bytearray())

    def _header_read(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(value))
            self._in_field = options.get(b"name") == FIELD.encode() and not self._found
            self._found |= self._in_field
        self._no_header()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_field:
            self.data += data[start:end]

    def _part_ended(self) -> None:
        self._in_field = False

    def _all_ended(self) -> None:
        self.complete = True
