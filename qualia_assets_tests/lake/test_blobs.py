"""Pictures are kept once and looked at as untrusted."""

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

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


SECRET = "taken at 48.8584 N, 2.2945 E by Zoe"
KINDS = ["JPEG", "PNG", "WEBP", "GIF"]


def with_notes(image: Image.Image, kind: str, orientation: int = 1, **options: object) -> bytes:
    """A picture that tells all that its kind can hold: EXIF, XMP, comments."""
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


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_noted_in_a_picture_is_taken_out_and_its_pixels_stay_to_the_bit(kind: str) -> None:
    told = with_notes(scene(0), kind)
    assert SECRET.encode() in told

    bare = without_metadata(told)

    assert SECRET.encode() not in bare
    assert np.array_equal(pixels(bare), pixels(told))
    with Image.open(io.BytesIO(bare)) as image:
        assert not image.getexif()
        assert {"exif", "xmp", "comment", "Comment"}.isdisjoint(image.info)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_without_notes_keeps_its_bytes(kind: str) -> None:
    colours = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = encoded(scene(0), kind, icc_profile=None if kind == "GIF" else colours)

    assert without_metadata(plain) == plain
    assert without_metadata(without_metadata(with_notes(scene(0), kind))) == without_metadata(
        with_notes(scene(0), kind)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_behind_the_end_of_a_picture_goes(kind: str) -> None:
    plain = encoded(scene(0), kind)

    assert without_metadata(plain + b"PK\x03\x04" + SECRET.encode()) == plain


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 2}, {"quality": 100}])
def test_a_jpeg_of_many_scans_or_restarts_is_taken_apart_at_the_right_places(options: dict[str, int]) -> None:
    told = with_notes(scene(0, (640, 480)), "JPEG", **options)

    bare = without_metadata(told)

    assert SECRET.encode() not in bare
    assert np.array_equal(pixels(bare), pixels(told))


def test_notes_between_the_scans_and_an_uncut_thumbnail_in_the_header_go_too() -> None:
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
def test_a_picture_held_sideways_is_turned_before_the_note_of_it_goes(kind: str, orientation: int) -> None:
    told = with_notes(scene(0), kind, orientation, quality=95, icc_profile=None)
    with Image.open(io.BytesIO(told)) as image:
        expected = np.asarray(load_upright(image))

    bare = without_metadata(told)

    assert SECRET.encode() not in bare
    found = pixels(bare)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected.astype(int)).mean() < (0 if kind == "PNG" else 3) + 1e-9


def load_upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image).convert("RGB")


def test_a_turned_picture_keeps_its_colour_profile() -> None:
    colours = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    bare = without_metadata(with_notes(scene(0), "JPEG", 6, icc_profile=colours))

    with Image.open(io.BytesIO(bare)) as image:
        assert image.info["icc_profile"] == colours


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_moving_picture_goes_on_moving(kind: str) -> None:
    frames = [scene(n) for n in range(3)]
    told = with_notes(frames[0], kind, 6, save_all=True, append_images=frames[1:], duration=80, loop=0)

    bare = without_metadata(told)

    assert SECRET.encode() not in bare
    with Image.open(io.BytesIO(bare)) as image:
        assert (image.n_frames, image.info["loop"]) == (3, 0)  # type: ignore[attr-defined]


def test_of_several_pictures_in_one_jpeg_the_first_is_kept() -> None:
    told = encoded(scene(0), "MPO", save_all=True, append_images=[scene(1)])

    bare = without_metadata(told)

    assert inspect_bytes(bare).mime == "image/jpeg"
    assert np.array_equal(pixels(bare), pixels(told))
    assert len(bare) < 0.7 * len(told)


@budget(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.data())
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of odd notes of cameras
def test_of_bytes_that_went_wrong_either_a_picture_without_notes_comes_out_or_nothing(
    kind: str, data: st.DataObject
) -> None:
    whole = bytearray(with_notes(scene(0, (32, 24)), kind, data.draw(st.integers(0, 9))))
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[position] = data.draw(st.integers(0, 255))
    if inspect_bytes(bytes(whole)).status != "ok":
        return
    try:
        bare = without_metadata(bytes(whole))
    except MalformedImage:
        return
    assert inspect_bytes(bare).status == "ok"
    assert without_metadata(bare) == bare


@pytest.mark.parametrize(
    ("size", "scaled"), [((800, 400), (256, 128)), ((90, 900), (26, 256)), ((80, 40), (80, 40))]
)
def test_a_thumbnail_is_a_small_webp_made_once_and_always_the_same(
    lake: Lake, size: tuple[int, int], scaled: tuple[int, int]
) -> None:
    sha256 = keep(lake, encoded(scene(0, size), "PNG"))

    path = thumbnail(lake, sha256)

    assert path == lake.root / "thumbnails" / sha256[:2] / f"{sha256}.webp"
    with Image.open(path) as image:
        assert (image.format, image.size) == ("WEBP", scaled)
    first, made = path.read_bytes(), path.stat().st_mtime_ns
    assert thumbnail(lake, sha256).stat().st_mtime_ns == made
    path.unlink()
    assert thumbnail(lake, sha256).read_bytes() == first


def test_a_miniature_lies_beside_the_thumbnail_and_is_made_of_it(lake: Lake) -> None:
    sha256 = keep(lake, encoded(scene(0, (800, 400)), "PNG"))

    small = thumbnail(lake, sha256, 64)

    with Image.open(small) as image:
        assert (image.format, image.size) == ("WEBP", (64, 32))
    assert small.stat().st_size < 2_000
    assert sorted(small.parent.iterdir()) == [small, thumbnail(lake, sha256)]
    made = small.read_bytes()
    blob_path(lake, sha256).unlink()
    small.unlink()
    assert thumbnail(lake, sha256, 64).read_bytes() == made


@pytest.mark.parametrize("side", [64, 256])
def test_a_small_picture_is_not_scaled_up(lake: Lake, side: Side) -> None:
    sha256 = keep(lake, encoded(scene(0, (20, 30)), "PNG"))

    with Image.open(thumbnail(lake, sha256, side)) as image:
        assert image.size == (20, 30)


def test_a_thumbnail_of_what_can_be_seen_through_is_on_white(lake: Lake) -> None:
    sha256 = keep(lake, encoded(Image.new("RGBA", (600, 600), (255, 0, 0, 0)), "PNG"))

    with Image.open(thumbnail(lake, sha256)) as image:
        assert image.getpixel((9, 9)) == (255, 255, 255)


@pytest.mark.parametrize("data", [None, b"no picture", png_that_claims(60_000, 60_000)])
def test_what_is_no_picture_has_no_thumbnail(lake: Lake, data: bytes | None) -> None:
    sha256 = keep(lake, data) if data else "0" * 64

    for side in get_args(Side):
        with pytest.raises(LakeError, match="has no thumbnail"):
            thumbnail(lake, sha256, side)
    assert not (lake.root / "thumbnails").exists()
