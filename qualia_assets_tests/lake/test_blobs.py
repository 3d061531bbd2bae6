"""Pictures are kept once and looked at as untrusted."""

import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from PIL import Image

from qualia_assets.lake.blobs import MAX_BYTES, Picture, blob_path, inspect, keep, load_rgb
from qualia_assets.lake.store import Lake


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def a_file(tmp_path: Path, data: bytes, name: str = "picture") -> Path:
    path = tmp_path / name
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


def differing_bits(a: str | None, b: str | None) -> int:
    assert a is not None
    assert b is not None
    return (int(a, 16) ^ int(b, 16)).bit_count()


def test_a_picture_kept_twice_is_one_file_named_by_its_bytes(lake: Lake) -> None:
    data = encoded(scene(0), "JPEG")

    first, again = keep(lake, data), keep(lake, data)

    assert first == again == hashlib.sha256(data).hexdigest()
    files = [path for path in lake.root.rglob("*") if path.is_file()]
    assert files == [lake.root / "blobs" / first[:2] / first] == [blob_path(lake, first)]
    assert files[0].read_bytes() == data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_four_kinds_are_known_by_content_whatever_the_name(tmp_path: Path, kind: str) -> None:
    seen = inspect(a_file(tmp_path, encoded(scene(0), kind), "notes.txt"))

    assert (seen.status, seen.mime) == ("ok", f"image/{kind.lower()}")
    assert (seen.width, seen.height) == (96, 64)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
        ("text.png", b"I am no picture at all, whatever I am called."),
        ("empty.png", b""),
        ("scan.tiff", encoded(scene(0), "TIFF")),
        ("old.bmp", encoded(scene(0), "BMP")),
        ("half.jpg", encoded(scene(0), "JPEG")[:900]),
        ("half.png", encoded(scene(0), "PNG")[:900]),
        ("half.webp", encoded(scene(0), "WEBP")[:200]),
        ("header-only.png", png_that_claims(40, 30)),
    ],
)
def test_what_is_no_whole_picture_of_a_known_kind_is_told_apart(
    tmp_path: Path, name: str, data: bytes
) -> None:
    assert inspect(a_file(tmp_path, data, name)) == Picture("bad_mime")


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, 50_000_001), (10_200, 5_000)])
def test_a_small_file_that_claims_more_than_50_million_pixels_is_never_decoded(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    bomb = png_that_claims(*size)

    assert len(bomb) < 100
    assert inspect(a_file(tmp_path, bomb)) == Picture("bomb")


def test_fifty_million_pixels_are_the_limit(tmp_path: Path) -> None:
    whole = Image.new("1", (10_000, 5_000))
    over = Image.new("1", (10_200, 5_000))

    assert inspect(a_file(tmp_path, encoded(whole, "PNG"))).status == "ok"
    assert inspect(a_file(tmp_path, encoded(over, "PNG"))).status == "bomb"


def test_a_huge_file_is_not_even_opened(tmp_path: Path) -> None:
    path = a_file(tmp_path, encoded(scene(0), "PNG"))
    with path.open("r+b") as handle:
        handle.truncate(MAX_BYTES + 1)

    assert inspect(path) == Picture("too_big")


def test_a_blob_that_is_gone_is_told(lake: Lake) -> None:
    assert inspect(blob_path(lake, "0" * 64)) == Picture("gone")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of odd notes of cameras
@budget(max_examples=60, deadline=None)
@given(st.sampled_from(["JPEG", "WEBP", "GIF", "PNG"]), st.data())
def test_bytes_that_went_wrong_never_raise_and_what_is_called_ok_can_be_loaded(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = bytearray(encoded(scene(0, (32, 24)), kind, exif=exif))
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[position] = data.draw(st.integers(0, 255))
    path = a_file(tmp_path_factory.mktemp("blob"), bytes(whole))

    if inspect(path).status == "ok":
        assert load_rgb(path, longest=640).mode == "RGB"


def test_a_photograph_is_turned_as_the_camera_noted(tmp_path: Path) -> None:
    lying = Image.new("RGB", (40, 20), "white")
    lying.paste("red", (0, 0, 20, 20))  # left; upright, after a quarter turn clockwise, on top
    exif = Image.Exif()
    exif[0x0112] = 6
    path = a_file(tmp_path, encoded(lying, "PNG", exif=exif))

    upright = load_rgb(path)

    assert upright.size == (20, 40)
    assert (upright.getpixel((10, 5)), upright.getpixel((10, 35))) == ((255, 0, 0), (255, 255, 255))


def test_a_picture_in_printing_inks_comes_out_in_its_colours(tmp_path: Path) -> None:
    path = a_file(tmp_path, encoded(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG"))

    assert inspect(path).status == "ok"
    assert load_rgb(path, longest=640).getpixel((20, 15)) == pytest.approx((255, 0, 0), abs=3)


def test_a_scan_of_16_bits_keeps_its_greys(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(4, axis=0)
    path = a_file(tmp_path, encoded(Image.fromarray(ramp), "PNG"))

    assert inspect(path).status == "ok"
    greys = np.asarray(load_rgb(path))[0, :, 0]
    assert np.abs(greys.astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), (255, 255, 255)),
        (Image.new("LA", (8, 8), (0, 255)), (0, 0, 0)),
        (Image.new("1", (8, 8), 1), (255, 255, 255)),
        (Image.new("P", (8, 8), 0), (0, 0, 0)),
    ],
    ids=["see-through", "grey", "bits", "palette"],
)
def test_every_mode_becomes_rgb_on_white(
    tmp_path: Path, image: Image.Image, colour: tuple[int, int, int]
) -> None:
    path = a_file(tmp_path, encoded(image, "PNG"))

    assert inspect(path).status == "ok"
    assert load_rgb(path).getpixel((4, 4)) == colour


@pytest.mark.parametrize(
    ("size", "scaled"), [((800, 400), (200, 100)), ((90, 300), (60, 200)), ((80, 40), (80, 40))]
)
def test_a_long_picture_is_scaled_down_in_its_proportions(
    tmp_path: Path, size: tuple[int, int], scaled: tuple[int, int]
) -> None:
    assert load_rgb(a_file(tmp_path, encoded(scene(0, size), "PNG")), longest=200).size == scaled


def test_of_a_moving_picture_the_first_is_taken(tmp_path: Path) -> None:
    red, blue = Image.new("RGB", (30, 30), "red"), Image.new("RGB", (30, 30), "blue")
    path = a_file(tmp_path, encoded(red, "GIF", save_all=True, append_images=[blue]))

    assert inspect(path).status == "ok"
    assert load_rgb(path).getpixel((15, 15)) == (255, 0, 0)


def test_near_identical_pictures_share_most_of_their_hash_and_others_do_not(tmp_path: Path) -> None:
    def phash(image: Image.Image, kind: str, **options: object) -> str | None:
        return inspect(a_file(tmp_path, encoded(image, kind, **options))).phash

    one = phash(scene(1), "PNG")

    assert differing_bits(one, phash(scene(1), "JPEG", quality=60)) <= 4
    assert differing_bits(one, phash(scene(1).resize((48, 32)), "PNG")) <= 4
    assert min(differing_bits(one, phash(scene(other), "PNG")) for other in range(2, 8)) >= 12
