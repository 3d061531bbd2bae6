"""A person's own files: what is read of them, and what is said of those that cannot be used."""

import io
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from PIL import Image

from qualia_assets.lake.blobs import MAX_BYTES
from qualia_assets.lake.tables import FOLDER_ITEMS, FOLDER_REJECTS
from qualia_assets.progress import silent
from qualia_assets.sources.base import Reject, SourceError, SourceItem
from qualia_assets.sources.folder import FolderSource


def png(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8), shade).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "mine"
    path.mkdir()
    return path


def lines(*records: Any) -> str:
    return "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records)


def read(folder: Path) -> tuple[dict[str, SourceItem], list[Reject]]:
    """The items by id, and the rejects; both fit their tables, and every reject says all it has to."""
    found = list(FolderSource(folder).read(silent))
    items = [f for f in found if isinstance(f, SourceItem)]
    rejects = [f for f in found if isinstance(f, Reject)]
    for reject in rejects:
        assert reject.record
        assert reject.reason
        assert reject.mend
    told = FOLDER_REJECTS.table([vars(reject) for reject in rejects])
    assert FOLDER_REJECTS.violations(FOLDER_REJECTS.conform(told)) == []
    kept = (
        "item_id",
        "modality",
        "hop",
        "title",
        "text",
        "url",
        "author",
        "collection",
        "created_at",
        "record",
    )
    rows = FOLDER_ITEMS.table([{k: getattr(i, k) for k in kept} | {"tags": list(i.tags)} for i in items])
    assert FOLDER_ITEMS.violations(FOLDER_ITEMS.conform(rows)) == []
    return {item.item_id: item for item in items}, rejects


# What is read


def test_a_post_keeps_its_words_and_its_publication_as_collection(folder: Path) -> None:
    post = {
        "id": "p1",
        "title": "Of &amp; on\nfog",
        "body": "First.\n\nSecond.",
        "publication": "Low Tide",
        "author": "Ada",
        "tags": ["sea", " ", "fog"],
        "url": "https://e.example/?a=1&copy=2",
        "created_at": "2024-03-01T10:00:00Z",
        "likes": 12,
    }
    (folder / "posts.jsonl").write_text(lines(post))

    items, rejects = read(folder)

    assert rejects == []
    assert items["p1"] == SourceItem(
        item_id="p1",
        modality="text",
        record="posts.jsonl:1",
        title="Of & on fog",
        text="First.\n\nSecond.",
        tags=("sea", "fog"),
        url="https://e.example/?a=1&copy=2",
        author="Ada",
        collection="Low Tide",
        created_at=datetime(2024, 3, 1, 10, tzinfo=UTC),
    )


def test_a_pin_keeps_its_picture_and_its_board_as_collection(folder: Path) -> None:
    (folder / "pics").mkdir()
    (folder / "pics" / "1.png").write_bytes(png())
    pin = {
        "id": "v1",
        "image": "pics/1.png",
        "title": "T",
        "description": "D",
        "board": "rooms",
        "creator": "C",
    }
    (folder / "pins.jsonl").write_text(lines(pin))

    items, rejects = read(folder)

    assert rejects == []
    assert list(items) == ["v1"], "a picture that a pin names is not taken a second time"
    pin_item = items["v1"]
    assert (pin_item.modality, pin_item.title, pin_item.text) == ("image", "T", "D")
    assert (pin_item.collection, pin_item.author, pin_item.image) == ("rooms", "C", png())


def test_a_markdown_file_is_a_post_with_its_front_matter(folder: Path) -> None:
    (folder / "fog.md").write_text(
        "---\ntitle: Fog\npublication: Low Tide\ntags: [sea, fog]\ncreated_at: 2024-03-01\n---\n\nIt came.\n"
    )

    items, rejects = read(folder)

    assert rejects == []
    fog = items["fog.md"]
    assert (fog.modality, fog.title, fog.text, fog.record) == ("text", "Fog", "It came.", "fog.md")
    assert (fog.collection, fog.tags) == ("Low Tide", ("sea", "fog"))
    assert fog.created_at == datetime(2024, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("# Heading\n\nBody", "Heading", "# Heading\n\nBody"),
        ("Body", "note", "Body"),
        ("---\nid: n\n---\nBody", "note", "Body"),
        ("---\n---\nBody", "note", "Body"),
        ("---\r\ntitle: Fog\r\n---\r\nBody", "Fog", "Body"),
        ("\ufeff---\ntitle: Fog\n---\nBody", "Fog", "Body"),
        ('---\ntitle: ""\n---\nBody', None, "Body"),
        ("A rule\n\n---\n\nBody", "note", "A rule\n\n---\n\nBody"),
    ],
)
def test_a_markdown_file_without_a_title_is_called_by_its_heading_or_its_name(
    folder: Path, text: str, title: str | None, body: str
) -> None:
    (folder / "note.md").write_bytes(text.encode())

    items, rejects = read(folder)

    assert rejects == []
    (note,) = items.values()
    assert (note.title, note.text) == (title, body)


def test_loose_pictures_take_their_folder_as_board_and_their_words_from_captions_csv(folder: Path) -> None:
    (folder / "rooms").mkdir()
    for name in ("a.png", "b.PNG", "c.png"):
        (folder / "rooms" / name).write_bytes(png())
    (folder / "top.png").write_bytes(png())
    (folder / "rooms" / "captions.csv").write_text(
        'file,title,description,tags,board\na.png,A room,"White, bare","light, wood",\nb.PNG,,,,attic\n'
    )

    items, rejects = read(folder)

    assert rejects == []
    a, b, c, top = (items[name] for name in ("rooms/a.png", "rooms/b.PNG", "rooms/c.png", "top.png"))
    assert (a.title, a.text, a.tags, a.collection) == ("A room", "White, bare", ("light", "wood"), "rooms")
    assert (b.title, b.collection) == (None, "attic")
    assert (c.title, c.collection) == (None, "rooms")
    assert (top.collection, top.image) == (None, png())


def test_readmes_hidden_files_and_other_kinds_are_passed_over(folder: Path) -> None:
    (folder / ".trash").mkdir()
    for name in ("README.md", ".draft.md", ".trash/old.md", "notes.txt", "other.jsonl", "kept.md"):
        (folder / name).write_text("words")

    items, rejects = read(folder)

    assert list(items) == ["kept.md"]
    assert rejects == []


def test_files_may_lie_at_any_depth_and_their_records_say_where(folder: Path) -> None:
    (folder / "2024" / "may").mkdir(parents=True)
    (folder / "2024" / "may" / "posts.jsonl").write_text(lines("", {"id": "1", "title": "T"}))

    items, _ = read(folder)

    assert items["1"].record == "2024/may/posts.jsonl:2"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-03-01", datetime(2024, 3, 1, tzinfo=UTC)),
        ("2024-03-01T10:00:00", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01T10:00:00Z", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01T10:00:00+02:00", datetime(2024, 3, 1, 8, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_time_without_a_zone_is_utc_and_one_with_a_zone_becomes_utc(
    folder: Path, written: str | None, meant: datetime | None
) -> None:
    (folder / "posts.jsonl").write_text(lines({"id": "1", "title": "T", "created_at": written}))
    front = f"created_at: {written}" if written else "title: T"
    (folder / "a.md").write_text(f"---\n{front}\n---\nBody")

    items, rejects = read(folder)

    assert rejects == []
    assert items["1"].created_at == items["a.md"].created_at == meant
    assert meant is None or items["a.md"].created_at.tzinfo is UTC  # type: ignore[union-attr]


def test_reading_twice_gives_the_same_in_the_same_order(folder: Path) -> None:
    (folder / "posts.jsonl").write_text(lines({"id": "1", "title": "T"}, "broken", {"id": "2", "body": "B"}))
    (folder / "b.png").write_bytes(png())
    (folder / "a.md").write_text("words")

    assert list(FolderSource(folder).read(silent)) == list(FolderSource(folder).read(silent))


# What cannot be used

GOOD = {"id": "good", "title": "A good one"}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ('{"id": "1", "title": ', "is not JSON"),
        ("\x00\x01", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"id": ' + "9" * 5000 + "}", "is not JSON"),
        ("[1, 2]", "is not a JSON object"),
        ("null", "is not a JSON object"),
        ("{}", "id: Field required"),
        ({"id": 7, "title": "T"}, "id: Input should be a valid string"),
        ({"id": "", "title": "T"}, "id: String should have at least 1 character"),
        ({"id": "1", "title": 1984}, "title: Input should be a valid string"),
        ({"id": "1", "title": "T", "body": ["B"]}, "body: Input should be a valid string"),
        ({"id": "1", "title": "T", "tags": "a, b"}, "tags: Input should be a valid list"),
        ({"id": "1", "title": "T", "tags": ["a", 2]}, "tags.1: Input should be a valid string"),
        ({"id": "1", "title": "T", "created_at": "last May"}, "created_at: "),
        ({"id": "1", "title": "T", "created_at": 1700000000}, "created_at: "),
        ({"id": "1", "title": "T", "created_at": "0001-01-01T00:00:00+05:00"}, "out of range"),
        ({"id": "1", "title": "T", "url": "https://e.example/\udfff"}, "url: "),
        ({"id": "1"}, "neither title nor body"),
        ({"id": "1", "title": "", "body": None}, "neither title nor body"),
        ({"id": "1", "title": " \n", "body": "&nbsp;"}, "neither title nor body"),
        (GOOD, "repeats the id of posts.jsonl:1"),
        ({"id": "1", "title": "T", "body": "x" * 5_000_001}, "longer than 5 MB"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_line_is_told_with_its_place_and_the_lines_around_it_are_read(
    folder: Path, record: Any, reason: str
) -> None:
    (folder / "posts.jsonl").write_text(lines(GOOD, record, {"id": "after", "body": "Also good"}))

    items, (reject,) = read(folder)

    assert list(items) == ["good", "after"]
    assert reject.record == "posts.jsonl:2"
    assert reason in reject.reason


def test_an_empty_title_is_no_fault_where_there_is_a_body(folder: Path) -> None:
    (folder / "posts.jsonl").write_text(
        lines({"id": "1", "title": "", "body": "B"}, {"id": "2", "title": "T", "body": ""})
    )

    items, rejects = read(folder)

    assert rejects == []
    assert [(i.title, i.text) for i in items.values()] == [(None, "B"), ("T", None)]


def test_a_half_written_last_line_costs_only_itself(folder: Path) -> None:
    whole = lines(*({"id": str(i), "title": "T"} for i in range(5)))
    (folder / "posts.jsonl").write_text(whole[:-12])

    items, (reject,) = read(folder)

    assert list(items) == ["0", "1", "2", "3"]
    assert reject.record == "posts.jsonl:5"


@budget(max_examples=40, deadline=None)
@given(
    st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line and line.strip()), max_size=6),
    st.data(),
)
def test_whatever_bytes_stand_in_a_file_every_line_is_an_item_or_a_reject(
    tmp_path_factory: pytest.TempPathFactory, junk: list[bytes], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    place = data.draw(st.integers(0, len(junk)))
    (folder / "posts.jsonl").write_bytes(
        b"\n".join([*junk[:place], json.dumps(GOOD).encode(), *junk[place:]])
    )

    items, rejects = read(folder)

    assert list(items) == ["good"]
    assert len(rejects) == len(junk)


def points_outside(folder: Path) -> None:
    (folder.parent / "secret.png").write_bytes(png())
    (folder / "bad.png").symlink_to(folder.parent / "secret.png")


def points_at_itself(folder: Path) -> None:
    (folder / "bad.png").symlink_to("bad.png")


def is_huge(folder: Path) -> None:
    with (folder / "bad.png").open("wb") as handle:
        handle.truncate(MAX_BYTES + 1)


def is_missing(folder: Path) -> None: ...


@pytest.mark.parametrize(
    ("image", "prepare", "reason"),
    [
        ("bad.png", is_missing, "its image cannot be read: No such file"),
        ("bad.png", points_outside, "outside the folder"),
        ("bad.png", points_at_itself, "its image cannot be read"),
        ("bad.png", is_huge, "its image has 20 MiB"),
        ("../secret.png", points_outside, "outside the folder"),
        ("/etc/hostname", is_missing, "outside the folder"),
        (".", is_missing, "its image cannot be read: Is a directory"),
        ("a\0b.png", is_missing, "its image cannot be read"),
        ("x" * 5000, is_missing, "its image cannot be read: File name too long"),
        ("\udc80.png", is_missing, "image: Input should be a valid string"),
        ("", is_missing, "image: String should have at least 1 character"),
        (None, is_missing, "image: Input should be a valid string"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:20]),
)
def test_a_pin_without_a_usable_picture_is_told_and_the_pins_around_it_are_read(
    folder: Path, image: str | None, prepare: Callable[[Path], None], reason: str
) -> None:
    (folder / "good.png").write_bytes(png())
    prepare(folder)
    pins = [{"id": str(i), "image": name} for i, name in enumerate(["good.png", image, "good.png"])]
    (folder / "pins.jsonl").write_text(lines(*pins))

    items, rejects = read(folder)

    assert list(items) == ["0", "2"]
    assert [r.record for r in rejects if r.record.startswith("pins")] == ["pins.jsonl:2"]
    assert reason in rejects[0].reason


def test_a_loose_picture_that_points_out_of_the_folder_or_is_huge_is_not_read(folder: Path) -> None:
    points_outside(folder)
    with (folder / "huge.png").open("wb") as handle:
        handle.truncate(MAX_BYTES + 1)
    (folder / "good.png").write_bytes(png())

    items, rejects = read(folder)

    assert list(items) == ["good.png"]
    assert [(r.record, r.reason) for r in rejects] == [
        ("bad.png", "its image lies outside the folder"),
        ("huge.png", "its image has 20 MiB"),
    ]


def test_an_id_is_given_once_in_the_whole_folder(folder: Path) -> None:
    (folder / "good.png").write_bytes(png())
    (folder / "pins.jsonl").write_text(lines({"id": "1", "image": "good.png"}))
    (folder / "posts.jsonl").write_text(lines({"id": "1", "title": "T"}, {"id": "2", "title": "T"}))
    (folder / "a.md").write_text("---\nid: '2'\n---\nBody")

    items, rejects = read(folder)

    assert {i: item.record for i, item in items.items()} == {"1": "pins.jsonl:1", "2": "posts.jsonl:2"}
    assert {r.record: r.reason for r in rejects} == {
        "posts.jsonl:1": "repeats the id of pins.jsonl:1",
        "a.md": "repeats the id of posts.jsonl:2",
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"---\ntitle: [\n---\nBody", "front matter is not YAML"),
        (b"---\ncreated_at: 2024-13-45\n---\nBody", "front matter is not YAML"),
        (b"---\n" + b"[" * 2_000 + b"\n---\nBody", "front matter is not YAML"),
        (b"---\n- a\n- b\n---\nBody", "front matter is not `key: value` lines"),
        (b"---\ntitle: 1984\n---\nBody", "title: Input should be a valid string"),
        (b"---\ntags: a, b\n---\nBody", "tags: Input should be a valid list"),
        (b"---\ncreated_at: last May\n---\nBody", "created_at: "),
        (b"caf\xe9", "cannot be read as UTF-8"),
        (b"---\ntitle: ''\n---\n", "neither title nor body"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_markdown_file_is_told_and_those_beside_it_are_read(
    folder: Path, data: bytes, reason: str
) -> None:
    (folder / "a.md").write_text("good")
    (folder / "bad.md").write_bytes(data)
    (folder / "c.md").write_text("good")

    items, (reject,) = read(folder)

    assert list(items) == ["a.md", "c.md"]
    assert reject.record == "bad.md"
    assert reason in reject.reason


@pytest.mark.parametrize(
    ("captions", "record", "reason"),
    [
        (b"name,title\na.png,T\n", "captions.csv", "has no column 'file'"),
        (b"", "captions.csv", "has no column 'file'"),
        (b"file,title\na.png,caf\xe9\n", "captions.csv", "cannot be read as CSV"),
        (b'file,title\na.png,"' + b"x" * 200_000 + b'"\n', "captions.csv", "cannot be read as CSV"),
        (b"file,title\nz.png,T\n", "captions.csv:2", "there is no picture 'z.png'"),
        (b'file,title\n"a\0.png",T\n', "captions.csv:2", "there is no picture"),
        (b"file,created_at\na.png,last May\n", "a.png", "created_at: "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_captions_are_told_and_other_pictures_are_read(
    folder: Path, captions: bytes, record: str, reason: str
) -> None:
    (folder / "a.png").write_bytes(png())
    (folder / "b.png").write_bytes(png())
    (folder / "captions.csv").write_bytes(captions)

    items, (reject,) = read(folder)

    assert "b.png" in items
    assert reject.record == record
    assert reason in reject.reason


def test_captions_after_a_line_that_names_no_picture_still_count(folder: Path) -> None:
    (folder / "a.png").write_bytes(png())
    (folder / "captions.csv").write_text("file,title\nz.png,Z\na.png,A\n")

    items, _ = read(folder)

    assert items["a.png"].title == "A"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails as it is read")
@pytest.mark.parametrize("name", ["posts.jsonl", "pins.jsonl", "captions.csv", "bad.md"])
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_read(folder: Path, name: str) -> None:
    (folder / name).symlink_to("/proc/self/mem")
    (folder / "good.md").write_text("words")

    items, (reject,) = read(folder)

    assert list(items) == ["good.md"]
    assert reject.record == name
    assert "Input/output error" in reject.reason


def test_names_that_are_not_utf_8_are_told_with_their_odd_bytes(folder: Path) -> None:
    (folder / os.fsdecode(b"\xe9t\xe9")).mkdir()
    (folder / os.fsdecode(b"\xe9t\xe9/a.png")).write_bytes(png())
    (folder / os.fsdecode(b"caf\xe9.md")).write_text("words")
    (folder / os.fsdecode(b"\xe9t\xe9/posts.jsonl")).write_text(lines("broken"))

    items, (reject,) = read(folder)

    assert sorted(items) == [r"\xe9t\xe9/a.png", r"caf\xe9.md"]
    assert reject.record == r"\xe9t\xe9/posts.jsonl:1"
    assert FolderSource(folder).fingerprint()


@pytest.mark.parametrize("empty", ["nothing", "only notes"])
def test_a_folder_with_nothing_to_import_says_what_could_be(folder: Path, empty: str) -> None:
    if empty == "only notes":
        (folder / "notes.txt").write_text("words")

    with pytest.raises(SourceError, match=r"mine has nothing to import: no posts\.jsonl, .*picture"):
        list(FolderSource(folder).read(silent))


@pytest.mark.parametrize("path", ["not-there", "a-file"])
def test_where_there_is_no_folder_it_says_so_and_what_to_give(tmp_path: Path, path: str) -> None:
    (tmp_path / "a-file").write_text("words")

    with pytest.raises(SourceError, match=r"There is no folder .*qualia import folder --help"):
        FolderSource(tmp_path / path)


# When it has to be read again


@pytest.fixture
def collection(folder: Path) -> Path:
    """One of every kind of file; the pin names a picture of an odd name in a hidden folder."""
    (folder / ".pics").mkdir()
    (folder / ".pics" / "1.jfif").write_bytes(png())
    (folder / "pins.jsonl").write_text(lines({"id": "v", "image": ".pics/1.jfif"}))
    (folder / "posts.jsonl").write_text(lines({"id": "p", "title": "T"}))
    (folder / "a.md").write_text("words")
    (folder / "b.png").write_bytes(png())
    (folder / "captions.csv").write_text("file,title\nb.png,B\n")
    return folder


@pytest.mark.parametrize(
    "name", ["posts.jsonl", "pins.jsonl", "captions.csv", "a.md", "b.png", ".pics/1.jfif"]
)
@pytest.mark.parametrize("change", ["longer", "same length", "removed"])
def test_the_fingerprint_changes_with_every_file_that_is_read(
    collection: Path, name: str, change: str
) -> None:
    before = FolderSource(collection).fingerprint()
    path = collection / name

    if change == "removed":
        path.unlink()
    else:
        stat, data = path.stat(), path.read_bytes()
        path.write_bytes(data + b"\n" if change == "longer" else data[::-1])
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))

    assert FolderSource(collection).fingerprint() != before


def test_the_fingerprint_changes_with_a_new_file_and_a_new_name(collection: Path) -> None:
    seen = {FolderSource(collection).fingerprint()}

    (collection / "c.md").write_text("words")
    seen.add(FolderSource(collection).fingerprint())
    (collection / "c.md").rename(collection / "d.md")
    seen.add(FolderSource(collection).fingerprint())

    assert len(seen) == 3


def test_the_fingerprint_stays_where_nothing_that_is_read_has_changed(collection: Path) -> None:
    before = FolderSource(collection).fingerprint()

    (collection / "notes.txt").write_text("not read")
    (collection / ".DS_Store").write_text("not read")
    list(FolderSource(collection).read(silent))

    assert FolderSource(collection).fingerprint() == before
