"""Pictures, stored once each under the hash of their bytes and shared by all users of a lake.

Belongs here: storing bytes, inspecting untrusted files (format by content, size limits before decoding), and
thumbnails. Metadata is stripped by ``strip_metadata``; what a picture shows is up to ``annotate``
and ``embed``.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from PIL import Image, ImageOps

from qualia_assets.lake.store import Lake, LakeError, replacing
from qualia_assets.lake.strip_metadata import MalformedImage, strip_metadata

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
THUMBNAIL: Final = 256
"""Longest side of a thumbnail in pixels."""
MINIATURE: Final = 64
"""Longest side of the thumbnails shown on the map by the hundred, in pixels."""

BlobStatus = Literal["ok", "too_big", "bomb", "bad_mime", "gone"]
Side = Literal[64, 256, 1024]


@dataclass(frozen=True)
class Picture:
    """The result of inspecting a blob: format and size, or in ``status`` why it cannot be decoded."""

    status: BlobStatus
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    phash: str | None = None


def blob_path(lake: Lake, sha256: str) -> Path:
    return lake.root / "blobs" / sha256[:2] / sha256


def keep(lake: Lake, data: bytes) -> str:
    """Store bytes in the lake; return their sha256."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = blob_path(lake, sha256)
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    return sha256


def inspect(path: Path) -> Picture:
    """Inspect an untrusted file; it is decoded only where its size and header are within limits."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except FileNotFoundError:
        return Picture("gone")
    return inspect_bytes(data) if data is not None else Picture("too_big")


def inspect_bytes(data: bytes) -> Picture:
    """Inspect untrusted bytes; they are decoded only where their size and header are within limits."""
    if len(data) > MAX_BYTES:
        return Picture("too_big")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    return Picture("bomb")
                mime, (width, height) = Image.MIME[image.format or ""], image.size
                image.draft("RGB", (512, 512))  # decode a JPEG no larger than needed
                return Picture("ok", mime, width, height, perceptual_hash(_upright(image)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Picture("bomb")
    except Exception:
        # Decoders raise anything on hostile or broken files.
        return Picture("bad_mime")


def without_metadata(data: bytes) -> bytes:
    """Strip metadata (EXIF, XMP, IPTC, comments, location) from an inspected picture.

    A picture with an EXIF orientation is turned upright, and therefore re-encoded; any other keeps its pixels
    exactly, and one without metadata keeps its bytes. The colour profile stays. Animations are not turned.

    Raises:
        MalformedImage: the file breaks its format's structure.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            # Pillow calls a JPEG with further images behind it (a depth map, a film) MPO.
            kind = "JPEG" if image.format == "MPO" else image.format or ""
    except OSError as error:
        raise MalformedImage("a picture that cannot be opened") from error
    bare = strip_metadata(data, kind)
    if bare != data and inspect_bytes(bare).status != "ok":
        raise MalformedImage(f"a {kind} whose structure is inconsistent")
    return bare


def thumbnail_path(lake: Lake, sha256: str, side: Side = THUMBNAIL) -> Path:
    # All sizes begin with the hash, by which erasure finds them.
    name = sha256 if side == THUMBNAIL else f"{sha256}-{side}"
    return lake.root / "thumbnails" / sha256[:2] / f"{name}.webp"


def thumbnail(lake: Lake, sha256: str, side: Side = THUMBNAIL) -> Path:
    """Return the thumbnail of a blob (WebP, longest side at most ``side`` pixels), made at the first call.

    Raises:
        LakeError: there is no such blob, or it is not a usable picture.
    """
    path = thumbnail_path(lake, sha256, side)
    if path.exists():
        return path
    if side == MINIATURE:
        # From the larger one, which is quick to decode; the picture may have 50 million pixels.
        source = thumbnail(lake, sha256)
    else:
        source = blob_path(lake, sha256)
        seen = inspect(source)
        if seen.status != "ok":
            raise LakeError(f"The picture {sha256[:12]} has no thumbnail: it is {seen.status}.")
    with replacing(path) as temporary:
        _small(source, side).save(temporary, "WEBP", quality=80, method=4)
    return path


def _small(path: Path, side: Side) -> Image.Image:
    """An inspected picture as RGB on white at thumbnail size; scaled before it is copied, to save memory."""
    with Image.open(path, formats=FORMATS) as image:
        image.draft("RGB", (2 * side, 2 * side))
        upright = _upright(image)
        small = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    small.thumbnail((side, side), Image.Resampling.BICUBIC)
    if small.mode == "RGB":
        return small
    return Image.alpha_composite(Image.new("RGBA", small.size, "white"), small).convert("RGB")


def load_rgb(path: Path, longest: int | None = None) -> Image.Image:
    """An inspected picture as RGB on white, scaled down to ``longest`` pixels where it is longer."""
    with Image.open(path, formats=FORMATS) as image:
        if longest is not None:
            image.draft("RGB", (longest, longest))
        rgba = _upright(image).convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    flat = Image.alpha_composite(white, rgba).convert("RGB")
    if longest is not None:
        flat.thumbnail((longest, longest), Image.Resampling.BICUBIC)
    return flat


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation and reduce to 8 bits per channel."""
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I"):
        # Pillow would clip: all but the darkest 256 of 65,536 greys would become white.
        return Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    return image


def perceptual_hash(image: Image.Image) -> str:
    """Perceptual hash (pHash): 64 bits from the low DCT frequencies of a 32 x 32 greyscale copy, in hex."""
    from scipy.fft import dctn

    grey = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BOX), dtype=np.float64)
    low = dctn(grey, norm="ortho")[:8, :8].ravel()
    bits = low > np.median(low[1:])
    return f"{int(''.join('1' if b else '0' for b in bits), 2):016x}"
