"""Exports are read where they lie, within bounds, and what is wrong with one is told."""

import os
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from qualia_assets.sources.archive import Archive, UnusableFile, existing, fingerprint
from qualia_assets.sources.base import SourceError

MiB = 2**20
NOISE = random.Random(4).randbytes(100_000)


def wanted(name: str) -> bool:
    return name.endswith(".html")


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def read(path: Path, name: str, most: int = 20 * MiB, total: int = 100 * MiB) -> bytes:
    with Archive(path, wanted, total) as archive:
        return archive.read(name, most)


def patch(path: Path, local: int, central: int, value: bytes) -> None:
    """Overwrite one field of the first file's two headers."""
    data = bytearray(path.read_bytes())
    for place in (data.index(b"PK\3\4") + local, data.index(b"PK\1\2") + central):
        data[place : place + len(value)] = value
    path.write_bytes(data)


# What is read


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_gives_its_wanted_files_by_name(tmp_path: Path, method: int) -> None:
    path = zipped(tmp_path / "a.zip", {"b/2.html": NOISE, "1.html": b"one", "c.csv": b"no"}, method)

    with Archive(path, wanted, MiB) as archive:
        assert archive.names == ["1.html", "b/2.html"]
        assert archive.rejects == []
        assert archive.size("b/2.html") == len(NOISE)
        assert archive.read("b/2.html", MiB) == NOISE


def test_a_folder_gives_the_same_as_its_zip(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "2.html").write_bytes(NOISE)
    (folder / "1.html").write_bytes(b"one")
    (folder / "c.csv").write_bytes(b"no")

    with Archive(folder, wanted, MiB) as archive:
        assert archive.names == ["1.html", "b/2.html"]
        assert archive.size("b/2.html") == len(NOISE)
        assert archive.read("b/2.html", MiB) == NOISE


def test_one_file_of_a_wanted_name_is_an_export_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "all.html").write_bytes(b"one")

    with Archive(tmp_path / "all.html", wanted, MiB) as archive:
        assert archive.names == ["all.html"]
        assert archive.read("all.html", MiB) == b"one"


def test_what_a_mac_or_windows_packs_along_is_passed_over_and_backslashes_are_folders(tmp_path: Path) -> None:
    names = ("__MACOSX/._a.html", ".hidden.html", "x/.git/a.html", "posts\\a.html", "./b.html")
    path = zipped(tmp_path / "a.zip", dict.fromkeys(names, b"x"))

    with Archive(path, wanted, MiB) as archive:
        assert archive.names == ["b.html", "posts/a.html"]
        assert archive.read("posts/a.html", MiB) == b"x"
        assert archive.rejects == []


# Names that lead out


@pytest.mark.parametrize(
    "name", ["../a.html", "x/../../a.html", "/etc/a.html", "C:/a.html", "C:a.html", "..\\..\\a.html"]
)
def test_a_name_that_leads_out_of_the_zip_is_told_and_not_read(tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.parent.rglob("*.html"))
    path = zipped(tmp_path / "a.zip", {name: b"evil", "../../other.csv": b"not wanted", "good.html": b"good"})

    with Archive(path, wanted, MiB) as archive:
        assert archive.names == ["good.html"]
        assert archive.read("good.html", MiB) == b"good"
        (reject,) = archive.rejects

    assert reject.record == name.replace("\\", "/")
    assert reject.reason == "its name leads out of the zip; it was not read"
    assert reject.mend
    assert sorted(tmp_path.parent.rglob("*.html")) == before


def test_a_name_that_cannot_be_printed_is_told_by_its_codes(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"../\x1b[31m\u202ea.html": b"evil"})

    with Archive(path, wanted, MiB) as archive:
        assert [r.record for r in archive.rejects] == [r"../\x1b[31m\u202ea.html"]


def link_out(folder: Path) -> None:
    (folder.parent / "secret.html").write_text("secret")
    (folder / "bad.html").symlink_to(folder.parent / "secret.html")


def link_to_nothing_readable(folder: Path) -> None:
    (folder / "bad.html").symlink_to("/proc/self/mem")


@pytest.mark.parametrize("make", [link_out, link_to_nothing_readable])
def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    make(folder)

    with pytest.raises(UnusableFile, match="lies outside the folder"):
        read(folder, "bad.html")


def test_a_pipe_in_the_folder_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "waits-for-ever.html")

    with Archive(tmp_path, wanted, MiB) as archive:
        assert archive.names == []


def test_names_in_a_folder_that_are_not_utf_8_are_told_with_their_odd_bytes(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.html")).write_bytes(b"x")

    assert read(tmp_path, r"caf\xe9.html") == b"x"


# Bombs and lies


def test_a_bomb_is_known_by_what_it_says_of_itself_and_not_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.html": bytes(10 * MiB)})

    with pytest.raises(UnusableFile, match="like a zip bomb"):
        read(path, "a.html")


@pytest.mark.parametrize(
    ("most", "total", "reason"),
    [(MiB, 100 * MiB, "is longer than 1 MiB"), (9 * MiB, MiB, "all files together are longer than 1 MiB")],
)
def test_a_file_is_read_no_further_than_is_allowed(
    tmp_path: Path, most: int, total: int, reason: str
) -> None:
    path = zipped(tmp_path / "a.zip", {"a.html": random.Random(1).randbytes(2 * MiB)})
    (tmp_path / "a.html").write_bytes(bytes(2 * MiB))

    for place in (path, tmp_path):
        with pytest.raises(UnusableFile, match=reason):
            read(place, "a.html", most, total)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file that never ends")
def test_a_file_that_is_longer_than_it_says_is_read_no_further_than_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "endless.html").symlink_to("/dev/zero")

    with pytest.raises(UnusableFile, match="is longer than 2 MiB"):
        read(tmp_path / "endless.html", "endless.html", 2 * MiB, 9 * MiB)


def test_all_files_together_are_bounded(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"{i}.html": NOISE * 6 for i in range(3)})

    with Archive(path, wanted, MiB) as archive:
        archive.read("0.html", MiB)
        with pytest.raises(UnusableFile, match="all files together are longer than 1 MiB"):
            archive.read("1.html", MiB)


@pytest.mark.parametrize("told", [0, 1_000, 2**31])
def test_a_zip_that_lies_about_a_length_gives_no_more_than_it_said_in_bounded_memory(
    tmp_path: Path, told: int
) -> None:
    path = zipped(tmp_path / "a.zip", {"a.html": bytes(60 * MiB)})
    patch(path, 22, 24, struct.pack("<I", told))

    tracemalloc.start()
    try:
        with pytest.raises(UnusableFile, match=r"damaged|longer|bomb"):
            read(path, "a.html")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 4 * MiB


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_cannot_be_stopped_half_way_is_not_opened(tmp_path: Path, method: int) -> None:
    path = zipped(tmp_path / "a.zip", {"a.html": bytes(20 * MiB)}, method)

    tracemalloc.start()
    try:
        with pytest.raises(UnusableFile, match="packed in an unusual way"):
            read(path, "a.html", 100 * MiB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 4 * MiB


def test_a_list_of_contents_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *(0,) * 9, 60_000, *(0,) * 6) + b"n" * 60_000
    entries = entry * (11 * MiB // len(entry))
    count = len(entries) // len(entry)
    path.write_bytes(entries + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entries), 0, 0))
    with zipfile.ZipFile(path) as plain:
        assert len(plain.infolist()) == count

    with pytest.raises(SourceError, match="holds far too many files"):
        Archive(path, wanted, MiB)


# Damage


def test_a_locked_file_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.html": NOISE})
    patch(path, 6, 8, struct.pack("<H", 1))

    with pytest.raises(UnusableFile, match="locked with a password") as told:
        read(path, "a.html")
    assert told.value.mend == "Unpack the zip and give the folder."


def test_a_damaged_file_is_told_and_those_beside_it_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.html": NOISE, "b.html": b"good"})
    data = bytearray(path.read_bytes())
    data[5_000:5_100] = bytes(100)
    path.write_bytes(data)

    with pytest.raises(UnusableFile, match="is damaged in the zip"):
        read(path, "a.html")
    assert read(path, "b.html") == b"good"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[: len(data) // 2], "is not a whole zip"),
        (lambda data: data[:-10], "is not a whole zip"),
        (lambda data: b"<html>Sign in</html>", "is no zip"),
        (lambda data: b"", "is no zip"),
    ],
)
def test_what_is_not_a_whole_zip_is_told_with_its_place_and_what_to_do(
    tmp_path: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    path = zipped(tmp_path / "mine.zip", {"a.html": NOISE})
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(SourceError, match=rf"mine\.zip {reason}\. Download it again"):
        Archive(path, wanted, MiB)


def test_any_damage_of_a_zip_is_told_as_such(tmp_path: Path) -> None:
    chance = random.Random(18)
    whole = zipped(tmp_path / "a.zip", {"posts/a.html": NOISE[:300], "b.html": b"b" * 300}).read_bytes()
    path = tmp_path / "b.zip"
    told = {"read": 0, "file": 0, "zip": 0}
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(2, len(data))] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
        path.write_bytes(data[: chance.choice((len(data), chance.randrange(3, len(data))))])
        try:
            with Archive(path, wanted, MiB) as archive:
                for name in archive.names:
                    archive.read(name, MiB)
            told["read"] += 1
        except UnusableFile:
            told["file"] += 1
        except SourceError:
            told["zip"] += 1

    assert min(told.values()) > 10


def test_where_nothing_is_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"There is no file or folder .*/not-there\. Look for it\."):
        existing(tmp_path / "not-there", "Look for it.")


# When it has to be read again


def test_the_fingerprint_of_a_folder_is_that_of_its_wanted_files(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b"one")
    before = fingerprint(tmp_path, wanted)

    (tmp_path / "c.csv").write_bytes(b"not wanted")
    assert fingerprint(tmp_path, wanted) == before

    os.utime(tmp_path / "a.html", ns=(0, 1))
    touched = fingerprint(tmp_path, wanted)
    (tmp_path / "b.html").write_bytes(b"two")
    assert len({before, touched, fingerprint(tmp_path, wanted)}) == 3


def test_the_fingerprint_of_a_zip_is_that_of_the_file(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.html": b"one"})
    before = fingerprint(path, wanted)

    zipped(path, {"a.html": b"another"})

    assert fingerprint(path, wanted) != before
