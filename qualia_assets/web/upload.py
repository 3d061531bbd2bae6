"""A picture that is sent with a form: read into memory, within bounds, and nowhere else.

Belongs here: taking it off the wire. Starlette's own reader would put a large file on disk. What the picture
is, is looked at in ``questions``.
"""

import asyncio
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from qualia_assets.errors import QualiaError
from qualia_assets.lake.blobs import MAX_BYTES

FIELD = "picture"
MOST_BYTES = MAX_BYTES + 16 * 1024
"""Of a whole form: a picture, and what stands around it."""
SECONDS = 60.0
"""In which a form has to arrive."""
AT_ONCE = 4
"""Forms that are read at once; others wait for their turn."""
TOO_LARGE = "The file is larger than 20 MB."
_reading = asyncio.Semaphore(AT_ONCE)


class Refused(QualiaError):
    """A form that is not taken; the message says why. ``status`` is that of the answer."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


async def picture_of(request: Request) -> bytes:
    """The file in the form's field ``picture``.

    Raises:
        Refused: there is none, or the form is too large, too slow, or no form.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Refused(415, "A picture is sent as a form, multipart/form-data.")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise Refused(413, TOO_LARGE)
    try:
        async with _reading, asyncio.timeout(SECONDS):
            return await _read(request, boundary)
    except TimeoutError:
        raise Refused(408, "The picture took too long to arrive.") from None
    except (FormParserError, ClientDisconnect):
        raise Refused(400, "The form did not arrive whole.") from None


async def _read(request: Request, boundary: bytes) -> bytes:
    form = _Form()
    parser = MultipartParser(boundary, form.callbacks())
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise Refused(413, TOO_LARGE)
        parser.write(chunk)
    parser.finalize()
    if not form.ended:
        raise Refused(400, "The form did not arrive whole.")
    if not form.data:
        raise Refused(400, "No picture was chosen.")
    return bytes(form.data)


class _Form:
    """Of a form's parts keeps the file of the first that is called as the field."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.ended = False
        self._found = self._inside = False
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
            self._inside = options.get(b"name") == FIELD.encode() and not self._found
            self._found |= self._inside
        self._no_header()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self.data += data[start:end]

    def _part_ended(self) -> None:
        self._inside = False

    def _all_ended(self) -> None:
        self.ended = True
