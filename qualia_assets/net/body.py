"""Reads a response's body within bounds and checks that it is of the requested kind.

Belongs here: bytes. How a bad body affects the rate of requests is in ``client``.
"""

import re
import time
import zlib
from collections.abc import Iterator

import httpx2

from qualia_assets.net.base import Kind, Unusable

MOST_BYTES: dict[Kind, int] = {
    "json": 10_000_000,
    "feed": 8_000_000,
    "image": 20_000_000,
    "text": 1_000_000,
}
"""After decoding."""

ACCEPTED = "gzip"
"""The only content coding that ``read`` decodes: piece by piece, so that a bomb stops at the cap."""

_GZIP = zlib.MAX_WBITS | 16
_PIECE = 65_536
_PICTURE = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP", re.DOTALL)
_FEED = re.compile(rb"<(rss|feed|rdf:RDF)[\s>]")
_JSON_STARTS = b'{["-0123456789tfn'
_BLANK = b" \t\r\n"
_UTF8_MARK = b"\xef\xbb\xbf"


class Damaged(Exception):
    """A body that is incomplete or does not decode; a retry may succeed."""


class Poison(Unusable):
    """A refusal or a challenge with status 200: the service gets too many requests."""


def read(response: httpx2.Response, most: int, seconds: float) -> bytes:
    """The decoded body of a streamed response.

    Args:
        response: must not have been read from.
        most: maximum number of bytes, both decoded and on the wire.
        seconds: maximum duration.

    Raises:
        Unusable: it is longer, or has a content coding that was not requested.
        Damaged: it is incomplete, took longer, or does not decode.
        httpx2.TransportError: the connection broke.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in (ACCEPTED, "x-gzip", "identity", ""):
        raise Unusable("coded in a way that was not requested")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise Unusable(f"longer than {most:,} bytes", "too_big")
    raw = _in_time(response.iter_raw(), seconds)
    body = bytearray()
    for piece in _unzipped(raw, most + 1) if coding in (ACCEPTED, "x-gzip") else raw:
        body += piece
        if len(body) > most:
            raise Unusable(f"longer than {most:,} bytes", "too_big")
    return bytes(body)


def check(kind: Kind, body: bytes) -> None:
    """Check that a body is of the requested kind.

    Raises:
        Poison: it is a web page or a refusal.
        Unusable: it is of another kind.
    """
    start = body[:4096].removeprefix(_UTF8_MARK).lstrip(_BLANK)
    if len(body) <= 512 and b"too many requests" in body.lower():
        raise Poison("a refusal came with the status of an answer")
    if kind == "text":
        return
    if kind == "image":
        if _PICTURE.match(body):
            return
        if _is_page(start):
            raise Poison("a web page came in place of a picture", "bad_mime")
        raise Unusable("not a JPEG, PNG, WebP or GIF", "bad_mime")
    if _is_page(start):
        raise Poison(f"a web page came in place of {'JSON' if kind == 'json' else 'a feed'}")
    if kind == "json" and (not start or start[0] not in _JSON_STARTS):
        raise Unusable("not JSON", "bad_mime")
    if kind == "feed" and not _FEED.search(start):
        raise Unusable("not a feed", "bad_mime")


def _is_page(start: bytes) -> bool:
    head = start.lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return True
    return head.startswith(b"<") and b"<html" in head and not _FEED.search(start)


def _in_time(pieces: Iterator[bytes], seconds: float) -> Iterator[bytes]:
    end = time.monotonic() + seconds
    for piece in pieces:
        if time.monotonic() > end:
            raise Damaged("it came too slowly")
        yield piece


def _unzipped(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Decompress piece by piece, so that a small piece never becomes a large one in memory."""
    decoder = zlib.decompressobj(_GZIP)
    taken = 0
    for piece in pieces:
        taken += len(piece)
        if taken > most:
            raise Unusable(f"longer than {most - 1:,} bytes", "too_big")
        left = piece
        while left:
            try:
                decoded = decoder.decompress(left, _PIECE)
            except zlib.error:
                raise Damaged("it does not decode") from None
            yield decoded
            left = decoder.unconsumed_tail
            if decoder.eof and decoder.unused_data:
                left = decoder.unused_data
                decoder = zlib.decompressobj(_GZIP)
    if taken and not decoder.eof:
        raise Damaged("it broke off")
