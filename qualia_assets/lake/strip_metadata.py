"""Stripping EXIF, XMP, IPTC, comments and other metadata from image files.

Works on the containers (JPEG segments, PNG and WebP chunks, GIF blocks) and keeps only what is needed to show
the picture: pixels are not touched, and data after the end of the picture is dropped. Belongs here: the
structure of the four formats. Whether a file is a picture at all is checked in ``blobs``.
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
"""The transposition that turns a picture upright, by EXIF orientation."""

_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_METADATA = 0b00001100
"""The flags of a VP8X chunk that announce EXIF and XMP."""
_GIF_KEPT = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
"""Application blocks that hold the loop count of an animation."""


class MalformedImage(QualiaError):
    """A truncated file, or one that breaks its format's structure."""


def strip_metadata(data: bytes, kind: str) -> bytes:
    """Turn the picture upright and strip its metadata. See ``blobs.without_metadata``.

    Raises:
        MalformedImage: the file breaks its format's structure.
    """
    bare = _strip(data, kind)
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
        if turn is None:
            return bare
        with Image.open(io.BytesIO(bare), formats=[kind]) as image:
            return bare if getattr(image, "is_animated", False) else _turned(image, turn, bare)
    except Exception as error:
        # Decoders raise whatever a hostile or broken file makes them raise.
        raise MalformedImage(f"a {kind} that cannot be turned") from error


def _turned(image: Image.Image, turn: Image.Transpose, bare: bytes) -> bytes:
    """Turn and re-encode: a JPEG with its own quantisation tables, a lossless image losslessly."""
    options: dict[str, object] = {"icc_profile": image.info.get("icc_profile")}
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        options |= {"qtables": image.quantization, "subsampling": JpegImagePlugin.get_sampling(image)}
    elif image.format == "WEBP":
        lossless = any(name == b"VP8L" for name, _ in _riff_chunks(bare))
        options |= {"lossless": lossless, "quality": 95}
    buffer = io.BytesIO()
    image.transpose(turn).save(buffer, image.format, **options)
    return buffer.getvalue()


def _strip(data: bytes, kind: str) -> bytes:
    cut = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif}[kind]
    try:
        return cut(data)
    except (IndexError, struct.error) as error:
        raise MalformedImage(f"a {kind} that ends too early") from error


def _jpeg(data: bytes) -> bytes:
    out, at = bytearray(data[:2]), 2
    while True:
        if data[at] != 0xFF:
            raise MalformedImage("a JPEG without a marker where one should be")
        marker = data[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
            continue
        if marker == 0xD9:
            return bytes(out + data[at : at + 2])
        (size,) = struct.unpack_from(">H", data, at + 2)
        segment = data[at : at + 2 + size]
        if size < 2 or len(segment) < 2 + size:
            raise MalformedImage("a JPEG that ends too early")
        out += _jpeg_segment(marker, segment)
        at += len(segment)
        if marker == 0xDA:
            end = _end_of_scan(data, at)
            out += data[at:end]
            at = end
            if at == len(data):
                return bytes(out)


def _jpeg_segment(marker: int, segment: bytes) -> bytes:
    """The part of a segment that is needed to show the picture."""
    body = segment[4:]
    if marker == 0xE0 and body.startswith(b"JFIF\0"):
        # A JFIF header may hold a thumbnail of the picture before it was cropped.
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
    """The end of a scan's data: the next marker other than a restart, or the end of the file."""
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
            raise MalformedImage("a PNG that ends too early")
        if name in _PNG_KEPT:
            out += chunk
        at += len(chunk)
        if name == b"IEND":
            return bytes(out)


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and body of each chunk of a RIFF file."""
    (size,) = struct.unpack_from("<I", data, 4)
    at, end = 12, min(8 + size, len(data))
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) < length:
            raise MalformedImage("a WebP that ends too early")
        yield name, body
        at += 8 + length + length % 2


def _webp(data: bytes) -> bytes:
    out = bytearray(b"WEBP")
    for name, body in _riff_chunks(data):
        if name not in _WEBP_KEPT:
            continue
        kept = bytes([body[0] & ~_WEBP_METADATA]) + body[1:] if name == b"VP8X" else body
        out += struct.pack("<4sI", name, len(kept)) + kept + b"\0" * (len(kept) % 2)
    return struct.pack("<4sI", b"RIFF", len(out)) + bytes(out)


def _gif(data: bytes) -> bytes:
    at = 13 + _colour_table_size(data[10])
    out = bytearray(data[:at])
    while True:
        start, kind = at, data[at]
        if kind == 0x3B:
            return bytes(out) + b"\x3b"
        if kind == 0x2C:
            at += 10 + _colour_table_size(data[at + 9]) + 1
            at = _end_of_blocks(data, at)
            out += data[start:at]
        elif kind == 0x21:
            label, first = data[at + 1], data[at + 3 : at + 3 + data[at + 2]]
            at = _end_of_blocks(data, at + 2)
            if label == 0xF9 or (label == 0xFF and first in _GIF_KEPT):
                out += data[start:at]
        else:
            raise MalformedImage("a GIF without a block where one should be")


def _colour_table_size(flags: int) -> int:
    """Size in bytes of the colour table that these flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_blocks(data: bytes, at: int) -> int:
    while size := data[at]:
        at += 1 + size
    return at + 1
