"""Taking out of a picture's file what was noted in it beside its pixels.

Files are cut at the seams of their kind (segments of a JPEG, chunks of a PNG or WebP, blocks of a GIF), and
only what is needed to show them is kept: no pixel is touched, and what lies behind the picture's end goes
too. Belongs here: how the four kinds are put together. Whether a file is a picture at all is for ``blobs``.
"""

import io
import struct
from collections.abc import Iterator

from PIL import Image, JpegImagePlugin

from qualia_assets.errors import QualiaError

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by what its camera noted."""

_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_NOTES = 0b00001100
"""The flags of a VP8X chunk which say that EXIF and XMP follow."""
_GIF_KEPT = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
"""Application blocks that say how often a moving picture repeats."""


class Damaged(QualiaError):
    """A file that ends where it should not, or has no seam where one should be."""


def without_notes(data: bytes, kind: str) -> bytes:
    """The picture alone, upright. See ``blobs.without_metadata``.

    Raises:
        Damaged: the file is not put together as its kind says.
    """
    bare = stripped(data, kind)
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
        if turn is None:
            return bare
        with Image.open(io.BytesIO(bare), formats=[kind]) as image:
            return bare if getattr(image, "is_animated", False) else _turned(image, turn, bare)
    except Exception as error:
        # Decoders raise whatever a hostile or broken file makes them raise.
        raise Damaged(f"a {kind} that cannot be turned") from error


def _turned(image: Image.Image, turn: Image.Transpose, bare: bytes) -> bytes:
    """The picture turned, encoded anew: a JPEG with the tables that it had, a lossless one without loss."""
    options: dict[str, object] = {"icc_profile": image.info.get("icc_profile")}
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        options |= {"qtables": image.quantization, "subsampling": JpegImagePlugin.get_sampling(image)}
    elif image.format == "WEBP":
        lossless = any(name == b"VP8L" for name, _ in _riff_chunks(bare))
        options |= {"lossless": lossless, "quality": 95}
    buffer = io.BytesIO()
    image.transpose(turn).save(buffer, image.format, **options)
    return buffer.getvalue()


def stripped(data: bytes, kind: str) -> bytes:
    """The file with its picture alone; the same bytes where there was nothing else in it.

    Raises:
        Damaged: it is not put together as its kind says.
    """
    cut = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif}[kind]
    try:
        return cut(data)
    except (IndexError, struct.error) as error:
        raise Damaged(f"a {kind} that ends too early") from error


def _jpeg(data: bytes) -> bytes:
    out, at = bytearray(data[:2]), 2
    while True:
        if data[at] != 0xFF:
            raise Damaged("a JPEG without a marker where one should be")
        marker = data[at + 1]
        if marker == 0xFF:  # filling before a marker
            at += 1
            continue
        if marker == 0xD9:
            return bytes(out + data[at : at + 2])
        (size,) = struct.unpack_from(">H", data, at + 2)
        segment = data[at : at + 2 + size]
        if size < 2 or len(segment) < 2 + size:
            raise Damaged("a JPEG that ends too early")
        out += _jpeg_segment(marker, segment)
        at += len(segment)
        if marker == 0xDA:
            end = _end_of_scan(data, at)
            out += data[at:end]
            at = end
            if at == len(data):
                return bytes(out)


def _jpeg_segment(marker: int, segment: bytes) -> bytes:
    """A segment as far as it is needed to show the picture."""
    body = segment[4:]
    if marker == 0xE0 and body.startswith(b"JFIF\0"):
        # A JFIF header may hold a thumbnail of the picture as it was before it was cut.
        bare = body[:12] + b"\0\0"
        return segment if body[12:14] == b"\0\0" and len(body) == 14 else _segment(0xE0, bare)
    if marker == 0xE2:
        return segment if body.startswith(b"ICC_PROFILE\0") else b""
    if marker == 0xEE:
        return segment if body.startswith(b"Adobe") else b""
    return b"" if 0xE0 <= marker <= 0xEF or marker == 0xFE else segment


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the pixels of a scan end: at a marker that is no restart, or with the file."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] not in (0x00, *range(0xD0, 0xD8)):
            return at
        at += 2


def _png(data: bytes) -> bytes:
    out, at = bytearray(data[:8]), 8
    while True:
        size, name = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + 12 + size]
        if len(chunk) < 12 + size:
            raise Damaged("a PNG that ends too early")
        if name in _PNG_KEPT:
            out += chunk
        at += len(chunk)
        if name == b"IEND":
            return bytes(out)


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies of a RIFF file's chunks."""
    (size,) = struct.unpack_from("<I", data, 4)
    at, end = 12, min(8 + size, len(data))
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) < length:
            raise Damaged("a WebP that ends too early")
        yield name, body
        at += 8 + length + length % 2


def _webp(data: bytes) -> bytes:
    out = bytearray(b"WEBP")
    for name, body in _riff_chunks(data):
        if name not in _WEBP_KEPT:
            continue
        kept = bytes([body[0] & ~_WEBP_NOTES]) + body[1:] if name == b"VP8X" else body
        out += struct.pack("<4sI", name, len(kept)) + kept + b"\0" * (len(kept) % 2)
    return struct.pack("<4sI", b"RIFF", len(out)) + bytes(out)


def _gif(data: bytes) -> bytes:
    at = 13 + _colours(data[10])
    out = bytearray(data[:at])
    while True:
        start, kind = at, data[at]
        if kind == 0x3B:
            return bytes(out) + b"\x3b"
        if kind == 0x2C:
            at += 10 + _colours(data[at + 9]) + 1
            at = _end_of_blocks(data, at)
            out += data[start:at]
        elif kind == 0x21:
            label, first = data[at + 1], data[at + 3 : at + 3 + data[at + 2]]
            at = _end_of_blocks(data, at + 2)
            if label == 0xF9 or (label == 0xFF and first in _GIF_KEPT):
                out += data[start:at]
        else:
            raise Damaged("a GIF without a block where one should be")


def _colours(flags: int) -> int:
    """Bytes of the table of colours that such flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_blocks(data: bytes, at: int) -> int:
    while size := data[at]:
        at += 1 + size
    return at + 1
