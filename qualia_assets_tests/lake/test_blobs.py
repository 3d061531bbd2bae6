"""Pictures are stored once each, treated as untrusted, and stripped of metadata."""

import hashlib
import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from qualia_assets.lake.blobs import (
    MAX_BYTES,
    Picture,
    Side,
    blob_path,
    inspect,
    inspect_bytes,
    keep,
    load_rgb,
    thumbnail,
    without_metadata,
)
from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.lake.strip_metadata import MalformedImage

KINDS = ["JPEG", "PNG", "WEBP", "GIF"]
SECRET = "taken at 48.8584 N, 2.2945 E by Zoe"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


RED, BLUE = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))


def a_file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "picture"
    path.write_bytes(data)
    return path


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes whose header promises a picture of any size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, body) for name, body in parts)


def scene(seed: int, size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A picture of soft blotches."""
    blotches = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return Image.fromarray(blotches).resize(size, Image.Resampling.BICUBIC)


def with_notes(image: Image.Image, kind: str, orientation: int = 1, **options: object) -> bytes:
    """A picture with all the metadata that its format can hold: EXIF, XMP, comments."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{SECRET}</x:xmpmeta>".encode()
    more: dict[str, object] = {"exif": exif, "xmp": xmp, "comment": SECRET.encode()}
    if kind == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_text("Comment", SECRET)
        words.add_itxt("XML:com.adobe.xmp", SECRET)
        more = {"exif": exif, "pnginfo": words}
    return encoded(image, kind, **more, **options)


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def test_a_picture_is_stored_once_under_the_hash_of_its_bytes(lake: Lake) -> None:
    data = encoded(scene(0), "JPEG")
    first, again = keep(lake, data), keep(lake, data)
    assert first == again == hashlib.sha256(data).hexdigest()
    files = [path for path in lake.root.rglob("*") if path.is_file()]
    assert files == [lake.root / "blobs" / first[:2] / first] == [blob_path(lake, first)]
    assert files[0].read_bytes() == data


@pytest.mark.parametrize("kind", KINDS)
def test_the_four_formats_are_recognised_by_content(tmp_path: Path, kind: str) -> None:
    seen = inspect(a_file(tmp_path, encoded(scene(0), kind)))
    assert (seen.status, seen.mime) == ("ok", f"image/{kind.lower()}")
    assert (seen.width, seen.height) == (96, 64)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', id="svg"),
        pytest.param(b"I am no picture at all, whatever I am called.", id="text"),
        pytest.param(b"", id="empty"),
        pytest.param(encoded(scene(0), "TIFF"), id="tiff"),
        pytest.param(encoded(scene(0), "BMP"), id="bmp"),
        pytest.param(encoded(scene(0), "JPEG")[:900], id="half a jpeg"),
        pytest.param(encoded(scene(0), "PNG")[:900], id="half a png"),
        pytest.param(encoded(scene(0), "WEBP")[:200], id="half a webp"),
        pytest.param(png_that_claims(40, 30), id="only a header"),
    ],
)
def test_other_formats_and_incomplete_files_are_rejected(data: bytes) -> None:
    assert inspect_bytes(data) == Picture("bad_mime")


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, 50_000_001), (10_200, 5_000)])
def test_a_small_file_that_claims_more_than_50_million_pixels_is_never_decoded(size: tuple[int, int]) -> None:
    bomb = png_that_claims(*size)
    assert len(bomb) < 100
    assert inspect_bytes(bomb) == Picture("bomb")


def test_fifty_million_pixels_are_the_limit() -> None:
    assert inspect_bytes(encoded(Image.new("1", (10_000, 5_000)), "PNG")).status == "ok"
    assert inspect_bytes(encoded(Image.new("1", (10_200, 5_000)), "PNG")).status == "bomb"


def test_a_file_of_more_than_20_megabytes_is_not_read(tmp_path: Path) -> None:
    path = a_file(tmp_path, encoded(scene(0), "PNG"))
    with path.open("r+b") as handle:
        handle.truncate(MAX_BYTES + 1)
    assert inspect(path) == Picture("too_big")


def test_a_missing_blob_is_reported(lake: Lake) -> None:
    assert inspect(blob_path(lake, "0" * 64)) == Picture("gone")


def test_similar_pictures_share_most_bits_of_their_hash_and_others_do_not() -> None:
    def bits(image: Image.Image, kind: str = "PNG", **options: object) -> int:
        return int(inspect_bytes(encoded(image, kind, **options)).phash or "", 16)

    one = bits(scene(1))
    assert (one ^ bits(scene(1), "JPEG", quality=60)).bit_count() <= 4
    assert (one ^ bits(scene(1).resize((48, 32)))).bit_count() <= 4
    assert min((one ^ bits(scene(other))).bit_count() for other in range(2, 8)) >= 12


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    lying = Image.new("RGB", (40, 20), "white")
    lying.paste("red", (0, 0, 20, 20))  # left; upright, after a quarter turn clockwise, on top
    upright = load_rgb(a_file(tmp_path, with_notes(lying, "PNG", orientation=6)))
    assert upright.size == (20, 40)
    assert (upright.getpixel((10, 5)), upright.getpixel((10, 35))) == ((255, 0, 0), (255, 255, 255))


def test_a_cmyk_picture_keeps_its_colours(tmp_path: Path) -> None:
    path = a_file(tmp_path, encoded(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG"))
    assert inspect(path).status == "ok"
    assert load_rgb(path, longest=640).getpixel((20, 15)) == pytest.approx((255, 0, 0), abs=3)


def test_a_16_bit_picture_keeps_its_greys(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(4, axis=0)
    path = a_file(tmp_path, encoded(Image.fromarray(ramp), "PNG"))
    assert inspect(path).status == "ok"
    greys = np.asarray(load_rgb(path))[0, :, 0]
    assert np.abs(greys.astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        pytest.param(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG"), "white", id="transparent"),
        pytest.param(encoded(Image.new("LA", (8, 8), (0, 255)), "PNG"), "black", id="grey"),
        pytest.param(encoded(Image.new("1", (8, 8), 1), "PNG"), "white", id="bits"),
        pytest.param(encoded(Image.new("P", (8, 8), 0), "PNG"), "black", id="palette"),
        pytest.param(encoded(RED, "GIF", save_all=True, append_images=[BLUE]), "red", id="animation"),
    ],
)
def test_every_mode_becomes_rgb_on_white(tmp_path: Path, data: bytes, colour: str) -> None:
    path = a_file(tmp_path, data)
    assert inspect(path).status == "ok"
    assert np.array_equal(np.asarray(load_rgb(path)), np.asarray(Image.new("RGB", (8, 8), colour)))


@pytest.mark.parametrize(
    ("size", "scaled"), [((800, 400), (200, 100)), ((90, 300), (60, 200)), ((80, 40), (80, 40))]
)
def test_a_large_picture_is_scaled_down_in_proportion(
    tmp_path: Path, size: tuple[int, int], scaled: tuple[int, int]
) -> None:
    assert load_rgb(a_file(tmp_path, encoded(scene(0, size), "PNG")), longest=200).size == scaled


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_is_stripped_and_pixels_stay_exactly(kind: str) -> None:
    told = with_notes(scene(0), kind)
    assert SECRET.encode() in told
    bare = without_metadata(told)
    assert SECRET.encode() not in bare
    assert np.array_equal(pixels(bare), pixels(told))
    assert without_metadata(bare) == bare
    with Image.open(io.BytesIO(bare)) as image:
        assert not image.getexif()
        assert {"exif", "xmp", "comment", "Comment"}.isdisjoint(image.info)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_without_metadata_keeps_its_bytes_but_none_after_its_end(kind: str) -> None:
    plain = encoded(scene(0), kind, icc_profile=None if kind == "GIF" else SRGB)
    assert without_metadata(plain) == plain
    assert without_metadata(plain + b"PK\x03\x04" + SECRET.encode()) == plain


@pytest.mark.parametrize("kind", KINDS)
def test_an_incomplete_picture_is_refused(kind: str) -> None:
    with pytest.raises(MalformedImage):
        without_metadata(with_notes(scene(0), kind)[:-30])


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 2}, {"quality": 100}])
def test_metadata_is_stripped_from_a_jpeg_with_many_scans_or_restarts(options: dict[str, int]) -> None:
    told = with_notes(scene(0, (640, 480)), "JPEG", **options)
    bare = without_metadata(told)
    assert SECRET.encode() not in bare
    assert np.array_equal(pixels(bare), pixels(told))


def test_comments_between_scans_and_the_thumbnail_in_the_header_are_stripped() -> None:
    plain = encoded(scene(0, (640, 480)), "JPEG", progressive=True)
    second_scan = plain.index(b"\xff\xda", plain.index(b"\xff\xda") + 2)
    comment = b"\xff\xfe" + struct.pack(">H", len(SECRET) + 2) + SECRET.encode()
    uncut = b"\x01\x01" + b"ZOE"
    header = plain[2:20]
    assert header[:4] == b"\xff\xe0\x00\x10"
    large = b"\xff\xe0" + struct.pack(">H", 16 + 3) + header[4:16] + uncut
    told = plain[:2] + large + plain[20:second_scan] + comment + plain[second_scan:]
    assert without_metadata(told) == plain


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_picture_is_turned_upright_before_its_orientation_is_stripped(kind: str, orientation: int) -> None:
    told = with_notes(scene(0), kind, orientation, quality=95, icc_profile=SRGB)
    with Image.open(io.BytesIO(told)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    bare = without_metadata(told)
    assert SECRET.encode() not in bare
    assert pixels(bare).shape == expected.shape
    assert np.abs(pixels(bare).astype(int) - expected).mean() < (0 if kind == "PNG" else 3) + 1e-9
    with Image.open(io.BytesIO(bare)) as image:
        assert image.info["icc_profile"] == SRGB


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_stays_an_animation(kind: str) -> None:
    frames = [scene(n) for n in range(3)]
    told = with_notes(frames[0], kind, 6, save_all=True, append_images=frames[1:], duration=80, loop=0)
    bare = without_metadata(told)
    assert SECRET.encode() not in bare
    with Image.open(io.BytesIO(bare)) as image:
        assert (image.n_frames, image.info["loop"]) == (3, 0)  # type: ignore[attr-defined]


def test_only_the_first_of_several_pictures_in_a_jpeg_is_kept() -> None:
    told = encoded(scene(0), "MPO", save_all=True, append_images=[scene(1)])
    bare = without_metadata(told)
    assert inspect_bytes(bare).mime == "image/jpeg"
    assert np.array_equal(pixels(bare), pixels(told))
    assert len(bare) < 0.7 * len(told)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of odd notes of cameras
@budget(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 9), st.data())
def test_a_corrupted_picture_is_rejected_or_can_be_loaded_and_stripped(
    tmp_path_factory: pytest.TempPathFactory, kind: str, orientation: int, data: st.DataObject
) -> None:
    corrupted = bytearray(with_notes(scene(0, (32, 24)), kind, orientation))
    for position in data.draw(st.lists(st.integers(0, len(corrupted) - 1), min_size=1, max_size=4)):
        corrupted[position] = data.draw(st.integers(0, 255))
    if inspect_bytes(bytes(corrupted)).status != "ok":
        return
    assert load_rgb(a_file(tmp_path_factory.getbasetemp(), bytes(corrupted)), longest=640).mode == "RGB"
    with suppress(MalformedImage):
        bare = without_metadata(bytes(corrupted))
        assert inspect_bytes(bare).status == "ok"
        assert without_metadata(bare) == bare


@pytest.mark.parametrize(
    ("size", "side", "scaled"),
    [
        ((800, 400), 256, (256, 128)),
        ((90, 900), 256, (26, 256)),
        ((80, 40), 256, (80, 40)),
        ((800, 400), 64, (64, 32)),
        ((20, 30), 64, (20, 30)),
    ],
)
def test_a_thumbnail_is_a_webp_that_is_never_larger_than_the_picture(
    lake: Lake, size: tuple[int, int], side: Side, scaled: tuple[int, int]
) -> None:
    sha256 = keep(lake, encoded(scene(0, size), "PNG"))
    with Image.open(thumbnail(lake, sha256, side)) as image:
        assert (image.format, image.size) == ("WEBP", scaled)


def test_a_thumbnail_is_made_once_and_would_be_the_same_again(lake: Lake) -> None:
    sha256 = keep(lake, encoded(scene(0, (800, 400)), "PNG"))
    path = thumbnail(lake, sha256)
    assert path == lake.root / "thumbnails" / sha256[:2] / f"{sha256}.webp"
    first, made = path.read_bytes(), path.stat().st_mtime_ns
    assert thumbnail(lake, sha256).stat().st_mtime_ns == made
    path.unlink()
    assert thumbnail(lake, sha256).read_bytes() == first


def test_the_smallest_thumbnail_is_made_from_the_larger_one_beside_it(lake: Lake) -> None:
    sha256 = keep(lake, encoded(scene(0, (800, 400)), "PNG"))
    small = thumbnail(lake, sha256, 64)
    assert small.stat().st_size < 2_000
    assert sorted(small.parent.iterdir()) == [small, thumbnail(lake, sha256)]
    made = small.read_bytes()
    blob_path(lake, sha256).unlink()
    small.unlink()
    assert thumbnail(lake, sha256, 64).read_bytes() == made


def test_a_thumbnail_of_a_transparent_picture_is_on_white(lake: Lake) -> None:
    sha256 = keep(lake, encoded(Image.new("RGBA", (600, 600), (255, 0, 0, 0)), "PNG"))
    with Image.open(thumbnail(lake, sha256)) as image:
        assert image.getpixel((9, 9)) == (255, 255, 255)


@pytest.mark.parametrize("side", get_args(Side))
@pytest.mark.parametrize("data", [None, b"no picture", png_that_claims(60_000, 60_000)])
def test_a_file_that_is_not_a_usable_picture_has_no_thumbnail(
    lake: Lake, data: bytes | None, side: Side
) -> None:
    sha256 = keep(lake, data) if data else "0" * 64
    with pytest.raises(LakeError, match="has no thumbnail"):
        thumbnail(lake, sha256, side)
    assert not (lake.root / "thumbnails").exists()
