"""Exports are read where they lie, within bounds, and what is wrong with one is reported."""

import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from qualia_assets.sources.archive import Archive, UnusableFile, existing, fingerprint
from qualia_assets.sources.base import SourceError
from qualia_assets_tests.sources.reading import MiB, folder_of, memory_below, zip_of

NOISE = random.Random(4).randbytes(100_000)
FILES = {"b/2.html": NOISE, "1.html": b"one", "c.csv": b"no"}


def wanted(name: str) -> bool:
    return name.endswith(".html")


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


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, None])
def test_a_zip_or_a_folder_gives_its_wanted_files_by_name(tmp_path: Path, method: int | None) -> None:
    path = folder_of(tmp_path, FILES) if method is None else zip_of(tmp_path / "a.zip", FILES, method)
    with Archive(path, wanted, MiB) as archive:
        assert archive.names == ["1.html", "b/2.html"]
        assert archive.rejects == []
        assert archive.size("b/2.html") == len(NOISE)
        assert archive.read("b/2.html", MiB) == NOISE


def test_one_file_of_a_wanted_name_is_an_export_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "all.html").write_bytes(b"one")
    with Archive(tmp_path / "all.html", wanted, MiB) as archive:
        assert archive.names == ["all.html"]
        assert archive.read("all.html", MiB) == b"one"


def test_what_a_mac_or_windows_packs_along_is_skipped_and_backslashes_are_folders(tmp_path: Path) -> None:
    names = ("__MACOSX/._a.html", ".hidden.html", "x/.git/a.html", "posts\\a.html", "./b.html")
    with Archive(zip_of(tmp_path / "a.zip", dict.fromkeys(names, b"x")), wanted, MiB) as archive:
        assert archive.names == ["b.html", "posts/a.html"]
        assert archive.read("posts/a.html", MiB) == b"x"
        assert archive.rejects == []


# Names that lead out


@pytest.mark.parametrize(
    "name", ["../a.html", "x/../../a.html", "/etc/a.html", "C:/a.html", "C:a.html", "..\\..\\a.html"]
)
def test_a_name_that_leads_out_of_the_zip_is_a_reject_and_not_read(tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.parent.rglob("*.html"))
    path = zip_of(tmp_path / "a.zip", {name: b"evil", "../../other.csv": b"unwanted", "good.html": b"good"})
    with Archive(path, wanted, MiB) as archive:
        assert archive.names == ["good.html"]
        assert archive.read("good.html", MiB) == b"good"
        (reject,) = archive.rejects
    assert reject.record == name.replace("\\", "/")
    assert reject.reason == "its name leads out of the zip; it was not read"
    assert reject.mend
    assert sorted(tmp_path.parent.rglob("*.html")) == before


def test_an_unprintable_name_is_reported_by_its_codes(tmp_path: Path) -> None:
    with Archive(zip_of(tmp_path / "a.zip", {"../\x1b[31m\u202ea.html": b"evil"}), wanted, MiB) as archive:
        assert [r.record for r in archive.rejects] == [r"../\x1b[31m\u202ea.html"]


@pytest.mark.parametrize("target", ["secret.html", "/proc/self/mem"])
def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path, target: str) -> None:
    (tmp_path / "secret.html").write_text("secret")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "bad.html").symlink_to(tmp_path / target)
    with pytest.raises(UnusableFile, match="lies outside the folder"):
        read(tmp_path / "export", "bad.html")


def test_a_pipe_in_the_folder_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "waits-for-ever.html")
    with Archive(tmp_path, wanted, MiB) as archive:
        assert archive.names == []


def test_names_in_a_folder_that_are_not_utf_8_are_shown_with_their_odd_bytes(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.html")).write_bytes(b"x")
    assert read(tmp_path, r"caf\xe9.html") == b"x"


# Bombs and lies


def test_a_bomb_is_recognised_by_the_length_it_states_and_not_unpacked(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="like a zip bomb"):
        read(zip_of(tmp_path / "a.zip", {"a.html": bytes(10 * MiB)}), "a.html")


@pytest.mark.parametrize(
    ("most", "total", "reason"),
    [(MiB, 100 * MiB, "is longer than 1 MiB"), (9 * MiB, MiB, "all files together are longer than 1 MiB")],
)
def test_a_file_is_read_no_further_than_allowed(tmp_path: Path, most: int, total: int, reason: str) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.html": random.Random(1).randbytes(2 * MiB)})
    (tmp_path / "a.html").write_bytes(bytes(2 * MiB))
    for place in (path, tmp_path):
        with pytest.raises(UnusableFile, match=reason):
            read(place, "a.html", most, total)


def test_a_file_that_is_longer_than_it_states_is_read_no_further_than_allowed(tmp_path: Path) -> None:
    (tmp_path / "endless.html").symlink_to("/dev/zero")
    with pytest.raises(UnusableFile, match="is longer than 2 MiB"):
        read(tmp_path / "endless.html", "endless.html", 2 * MiB, 9 * MiB)


def test_all_files_together_are_bounded(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {f"{i}.html": NOISE * 6 for i in range(3)})
    with Archive(path, wanted, MiB) as archive:
        archive.read("0.html", MiB)
        with pytest.raises(UnusableFile, match="all files together are longer than 1 MiB"):
            archive.read("1.html", MiB)


@pytest.mark.parametrize("stated", [0, 1_000, 2**31])
def test_a_zip_that_lies_about_a_length_is_read_in_bounded_memory(tmp_path: Path, stated: int) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.html": bytes(60 * MiB)})
    patch(path, 22, 24, struct.pack("<I", stated))
    with memory_below(4 * MiB), pytest.raises(UnusableFile, match=r"damaged|longer|bomb"):
        read(path, "a.html")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_cannot_be_stopped_half_way_is_not_opened(tmp_path: Path, method: int) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.html": bytes(20 * MiB)}, method)
    with memory_below(4 * MiB), pytest.raises(UnusableFile, match="packed in an unusual way"):
        read(path, "a.html", 100 * MiB)


def test_a_directory_of_a_zip_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *(0,) * 9, 60_000, *(0,) * 6) + b"n" * 60_000
    count = 11 * MiB // len(entry)
    entries = entry * count
    path.write_bytes(entries + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entries), 0, 0))
    with zipfile.ZipFile(path) as plain:
        assert len(plain.infolist()) == count
    with pytest.raises(SourceError, match="holds far too many files"):
        Archive(path, wanted, MiB)


# Damage


def test_a_locked_file_is_reported(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.html": NOISE})
    patch(path, 6, 8, struct.pack("<H", 1))
    with pytest.raises(UnusableFile, match="locked with a password") as caught:
        read(path, "a.html")
    assert caught.value.mend == "Unpack the zip and give the folder."


def test_a_damaged_file_is_reported_and_those_beside_it_are_read(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.html": NOISE, "b.html": b"good"})
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
def test_an_incomplete_zip_is_reported_with_its_place_and_what_to_do(
    tmp_path: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    path = zip_of(tmp_path / "mine.zip", {"a.html": NOISE})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SourceError, match=rf"mine\.zip {reason}\. Download it again"):
        Archive(path, wanted, MiB)


def test_any_damage_of_a_zip_is_reported_as_such(tmp_path: Path) -> None:
    chance = random.Random(18)
    intact = zip_of(tmp_path / "a.zip", {"posts/a.html": NOISE[:300], "b.html": b"b" * 300}).read_bytes()
    path = tmp_path / "b.zip"
    outcomes = {"read": 0, "file": 0, "zip": 0}
    for _ in range(400):
        data = bytearray(intact)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(2, len(data))] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
        path.write_bytes(data[: chance.choice((len(data), chance.randrange(3, len(data))))])
        try:
            with Archive(path, wanted, MiB) as archive:
                for name in archive.names:
                    archive.read(name, MiB)
            outcomes["read"] += 1
        except UnusableFile:
            outcomes["file"] += 1
        except SourceError:
            outcomes["zip"] += 1
    assert min(outcomes.values()) > 10


def test_a_missing_export_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"There is no file or folder .*/not-there\. Look for it\."):
        existing(tmp_path / "not-there", "Look for it.")


# When it has to be read again


def test_the_fingerprint_is_that_of_a_folders_wanted_files_or_of_the_zip(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b"one")
    before = fingerprint(tmp_path, wanted)
    (tmp_path / "c.csv").write_bytes(b"not wanted")
    assert fingerprint(tmp_path, wanted) == before
    os.utime(tmp_path / "a.html", ns=(0, 1))
    touched = fingerprint(tmp_path, wanted)
    (tmp_path / "b.html").write_bytes(b"two")
    assert len({before, touched, fingerprint(tmp_path, wanted)}) == 3

    path = zip_of(tmp_path / "a.zip", {"a.html": b"one"})
    before = fingerprint(path, wanted)
    zip_of(path, {"a.html": b"another"})
    assert fingerprint(path, wanted) != before
