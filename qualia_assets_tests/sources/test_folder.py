"""A person's own files: what is read, and what is reported of those that cannot be used."""

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
from qualia_assets.sources.base import SourceError, SourceItem
from qualia_assets.sources.folder import FolderSource
from qualia_assets_tests.sources.reading import apart, fits, folder_of


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


PNG = png()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def lines(*records: Any) -> str:
    return "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records)


def read(folder: Path, files: dict[str, str | bytes] | None = None) -> tuple[dict[str, SourceItem], Any]:
    """The items by id, and the reasons of rejects by record; both fit their tables."""
    found = FolderSource(folder_of(folder, files or {})).read(silent)
    items, rejects = apart(found, FOLDER_REJECTS)
    columns = {column.name for column in FOLDER_ITEMS.columns}
    rows = [{k: v for k, v in vars(item).items() if k in columns} for item in items]
    assert fits(FOLDER_ITEMS, [row | {"tags": list(row["tags"])} for row in rows])
    return {item.item_id: item for item in items}, {k: reject.reason for k, reject in rejects.items()}


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
    expected = SourceItem(
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
    assert read(folder, {"posts.jsonl": lines(post)}) == ({"p1": expected}, {})


def test_a_pin_keeps_its_picture_and_its_board_as_collection(folder: Path) -> None:
    pin = {"id": "v1", "image": "pics/1.png", "title": "T", "description": "D", "board": "rooms"}
    items, rejects = read(folder, {"pics/1.png": PNG, "pins.jsonl": lines(pin | {"creator": "C"})})
    assert (list(items), rejects) == (["v1"], {}), "a picture that a pin names is not taken a second time"
    one = items["v1"]
    assert (one.modality, one.title, one.text) == ("image", "T", "D")
    assert (one.collection, one.author, one.image) == ("rooms", "C", PNG)


def test_a_markdown_file_is_a_post_with_its_front_matter(folder: Path) -> None:
    front = "title: Fog\npublication: Low Tide\ntags: [sea, fog]\ncreated_at: 2024-03-01"
    items, rejects = read(folder, {"fog.md": f"---\n{front}\n---\n\nIt came.\n"})
    fog = items["fog.md"]
    assert (fog.modality, fog.title, fog.text, fog.record) == ("text", "Fog", "It came.", "fog.md")
    assert (fog.collection, fog.tags, rejects) == ("Low Tide", ("sea", "fog"), {})
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
def test_a_markdown_file_without_a_title_takes_its_heading_or_its_name(
    folder: Path, text: str, title: str | None, body: str
) -> None:
    items, rejects = read(folder, {"note.md": text})
    assert [(note.title, note.text) for note in items.values()] == [(title, body)]
    assert rejects == {}


def test_loose_pictures_take_their_folder_as_board_and_their_words_from_captions_csv(folder: Path) -> None:
    captions = "file,title,description,tags,board\nz.png,,,,\n"
    captions += 'a.png,A room,"White, bare","light, wood",\nb.PNG,,,,attic\n'
    pictures = dict.fromkeys(("rooms/a.png", "rooms/b.PNG", "rooms/c.png", "top.png"), PNG)
    items, rejects = read(folder, {**pictures, "rooms/captions.csv": captions})

    assert list(rejects) == ["rooms/captions.csv:2"], "the lines after it still count"
    a, b, c, top = (items[name] for name in pictures)
    assert (a.title, a.text, a.tags, a.collection) == ("A room", "White, bare", ("light", "wood"), "rooms")
    assert (b.title, b.collection) == (None, "attic")
    assert (c.title, c.collection) == (None, "rooms")
    assert (top.collection, top.image) == (None, PNG)


def test_readmes_hidden_files_and_other_kinds_are_skipped(folder: Path) -> None:
    names = ("README.md", ".draft.md", ".trash/old.md", "notes.txt", "other.jsonl", "kept.md")
    items, rejects = read(folder, dict.fromkeys(names, "words"))
    assert (list(items), rejects) == (["kept.md"], {})


def test_files_may_lie_at_any_depth_and_their_records_say_where(folder: Path) -> None:
    items, _ = read(folder, {"2024/may/posts.jsonl": lines("", {"id": "1", "title": "T"})})
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
    front = f"created_at: {written}" if written else "title: T"
    post = {"id": "1", "title": "T", "created_at": written}
    items, rejects = read(folder, {"posts.jsonl": lines(post), "a.md": f"---\n{front}\n---\nBody"})
    assert rejects == {}
    for item in items.values():
        assert item.created_at == meant
        assert item.created_at is None or item.created_at.tzinfo is UTC


def test_reading_twice_gives_the_same_in_the_same_order(folder: Path) -> None:
    posts = lines({"id": "1", "title": "T"}, "broken", {"id": "2", "body": "B"})
    folder_of(folder, {"posts.jsonl": posts, "b.png": PNG, "a.md": "words"})
    assert list(FolderSource(folder).read(silent)) == list(FolderSource(folder).read(silent))


# What cannot be used

GOOD = {"id": "good", "title": "A good one"}


def one(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "title": "T", **fields}


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
        (one(id=7), "id: Input should be a valid string"),
        (one(id=""), "id: String should have at least 1 character"),
        (one(title=1984), "title: Input should be a valid string"),
        (one(body=["B"]), "body: Input should be a valid string"),
        (one(tags="a, b"), "tags: Input should be a valid list"),
        (one(tags=["a", 2]), "tags.1: Input should be a valid string"),
        (one(created_at="last May"), "created_at: "),
        (one(created_at=1700000000), "created_at: "),
        (one(created_at="0001-01-01T00:00:00+05:00"), "out of range"),
        (one(url="https://e.example/\udfff"), "url: "),
        ({"id": "1"}, "neither title nor body"),
        (one(title="", body=None), "neither title nor body"),
        (one(title=" \n", body="&nbsp;"), "neither title nor body"),
        (GOOD, "repeats the id of posts.jsonl:1"),
        (one(body="x" * 5_000_001), "longer than 5 MB"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_line_is_reported_with_its_place_and_the_lines_around_it_are_read(
    folder: Path, record: Any, reason: str
) -> None:
    after = {"id": "after", "title": "", "body": "Good, too"}
    items, rejects = read(folder, {"posts.jsonl": lines(GOOD, record, after)})
    assert [(i.item_id, i.title, i.text) for i in items.values()] == [
        ("good", "A good one", None),
        ("after", None, "Good, too"),
    ]
    assert list(rejects) == ["posts.jsonl:2"]
    assert reason in rejects["posts.jsonl:2"]


def test_a_half_written_last_line_costs_only_itself(folder: Path) -> None:
    text = lines(*({"id": str(i), "title": "T"} for i in range(5)))
    items, rejects = read(folder, {"posts.jsonl": text[:-12]})
    assert (list(items), list(rejects)) == (["0", "1", "2", "3"], ["posts.jsonl:5"])


@budget(max_examples=40, deadline=None)
@given(
    st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line and line.strip()), max_size=6),
    st.data(),
)
def test_every_line_of_arbitrary_bytes_is_an_item_or_a_reject(
    tmp_path_factory: pytest.TempPathFactory, junk: list[bytes], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(junk)))
    text = b"\n".join([*junk[:place], json.dumps(GOOD).encode(), *junk[place:]])
    items, rejects = read(tmp_path_factory.mktemp("junk"), {"posts.jsonl": text})
    assert (list(items), len(rejects)) == (["good"], len(junk))


def points_outside(folder: Path) -> None:
    (folder.parent / "secret.png").write_bytes(PNG)
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
def test_a_pin_without_a_usable_picture_is_reported_and_the_pins_around_it_are_read(
    folder: Path, image: str | None, prepare: Callable[[Path], None], reason: str
) -> None:
    prepare(folder)
    pins = [{"id": str(i), "image": name} for i, name in enumerate(["good.png", image, "good.png"])]
    items, rejects = read(folder, {"good.png": PNG, "pins.jsonl": lines(*pins)})
    assert list(items) == ["0", "2"]
    assert [record for record in rejects if record.startswith("pins")] == ["pins.jsonl:2"]
    assert reason in rejects["pins.jsonl:2"]


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [(points_outside, "its image lies outside the folder"), (is_huge, "its image has 20 MiB")],
)
def test_a_loose_picture_that_points_out_of_the_folder_or_is_huge_is_not_read(
    folder: Path, prepare: Callable[[Path], None], reason: str
) -> None:
    prepare(folder)
    items, rejects = read(folder, {"good.png": PNG})
    assert (list(items), rejects) == (["good.png"], {"bad.png": reason})


def test_an_id_is_used_once_in_the_whole_folder(folder: Path) -> None:
    files: dict[str, str | bytes] = {
        "good.png": PNG,
        "pins.jsonl": lines({"id": "1", "image": "good.png"}),
        "posts.jsonl": lines({"id": "1", "title": "T"}, {"id": "2", "title": "T"}),
        "a.md": "---\nid: '2'\n---\nBody",
    }
    items, rejects = read(folder, files)
    assert {i: item.record for i, item in items.items()} == {"1": "pins.jsonl:1", "2": "posts.jsonl:2"}
    assert rejects == {
        "posts.jsonl:1": "repeats the id of pins.jsonl:1",
        "a.md": "repeats the id of posts.jsonl:2",
    }


def front(header: str) -> bytes:
    return f"---\n{header}\n---\nBody".encode()


@pytest.mark.parametrize(
    ("name", "data", "record", "reason"),
    [
        ("bad.md", front("title: ["), "bad.md", "front matter is not YAML"),
        ("bad.md", front("created_at: 2024-13-45"), "bad.md", "front matter is not YAML"),
        ("bad.md", front("[" * 2_000), "bad.md", "front matter is not YAML"),
        ("bad.md", front("- a\n- b"), "bad.md", "front matter is not `key: value` lines"),
        ("bad.md", front("title: 1984"), "bad.md", "title: Input should be a valid string"),
        ("bad.md", front("tags: a, b"), "bad.md", "tags: Input should be a valid list"),
        ("bad.md", front("created_at: last May"), "bad.md", "created_at: "),
        ("bad.md", b"caf\xe9", "bad.md", "cannot be read as UTF-8"),
        ("bad.md", b"---\ntitle: ''\n---\n", "bad.md", "neither title nor body"),
        ("captions.csv", b"name,title\na.png,T\n", "captions.csv", "has no column 'file'"),
        ("captions.csv", b"", "captions.csv", "has no column 'file'"),
        ("captions.csv", b"file,title\na.png,caf\xe9\n", "captions.csv", "cannot be read as CSV"),
        ("captions.csv", b'file\n"' + b"x" * 200_000 + b'"\n', "captions.csv", "cannot be read as CSV"),
        ("captions.csv", b"file,title\nz.png,T\n", "captions.csv:2", "there is no picture 'z.png'"),
        ("captions.csv", b'file,title\n"a\0.png",T\n', "captions.csv:2", "there is no picture"),
        ("captions.csv", b"file,created_at\na.png,last May\n", "a.png", "created_at: "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_markdown_and_captions_are_reported_and_the_files_beside_them_are_read(
    folder: Path, name: str, data: bytes, record: str, reason: str
) -> None:
    items, rejects = read(folder, {"a.md": "good", "c.md": "good", "a.png": PNG, "b.png": PNG, name: data})
    assert items.keys() == {"a.md", "c.md", "a.png", "b.png"} - {record}
    assert list(rejects) == [record]
    assert reason in rejects[record]


@pytest.mark.parametrize("name", ["posts.jsonl", "pins.jsonl", "captions.csv", "bad.md"])
def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_read(folder: Path, name: str) -> None:
    (folder / name).symlink_to("/proc/self/mem")
    items, rejects = read(folder, {"good.md": "words"})
    assert (list(items), list(rejects)) == (["good.md"], [name])
    assert "Input/output error" in rejects[name]


def test_names_that_are_not_utf_8_are_shown_with_their_odd_bytes(folder: Path) -> None:
    odd = os.fsdecode(b"\xe9t\xe9")
    files = {f"{odd}/a.png": PNG, os.fsdecode(b"caf\xe9.md"): "words", f"{odd}/posts.jsonl": lines("broken")}
    items, rejects = read(folder, files)
    assert sorted(items) == [r"\xe9t\xe9/a.png", r"caf\xe9.md"]
    assert list(rejects) == [r"\xe9t\xe9/posts.jsonl:1"]
    assert FolderSource(folder).fingerprint()


@pytest.mark.parametrize("files", [{}, {"notes.txt": "words"}])
def test_a_folder_with_nothing_to_import_says_what_could_be(folder: Path, files: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match=r"mine has nothing to import: no posts\.jsonl, .*picture"):
        read(folder, files)


@pytest.mark.parametrize("path", ["not-there", "a-file"])
def test_a_missing_folder_is_reported_with_what_to_give(tmp_path: Path, path: str) -> None:
    (tmp_path / "a-file").write_text("words")
    with pytest.raises(SourceError, match=r"There is no folder .*qualia import folder --help"):
        FolderSource(tmp_path / path)


# When it has to be read again


@pytest.fixture
def collection(folder: Path) -> Path:
    """One of every kind of file; the pin names a picture of an odd name in a hidden folder."""
    files: dict[str, str | bytes] = {
        ".pics/1.jfif": PNG,
        "pins.jsonl": lines({"id": "v", "image": ".pics/1.jfif"}),
        "posts.jsonl": lines({"id": "p", "title": "T"}),
        "a.md": "words",
        "b.png": PNG,
        "captions.csv": "file,title\nb.png,B\n",
    }
    return folder_of(folder, files)


@pytest.mark.parametrize(
    "name", ["posts.jsonl", "pins.jsonl", "captions.csv", "a.md", "b.png", ".pics/1.jfif"]
)
def test_the_fingerprint_changes_with_every_file_that_is_read(collection: Path, name: str) -> None:
    path = collection / name
    stat, data = path.stat(), path.read_bytes()
    prints = {FolderSource(collection).fingerprint()}
    for number, changed in enumerate((data + b"\n", data[::-1]), start=1):
        path.write_bytes(changed)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + number * 1_000_000))
        prints.add(FolderSource(collection).fingerprint())
    path.unlink()
    prints.add(FolderSource(collection).fingerprint())
    assert len(prints) == 4


def test_the_fingerprint_changes_with_a_new_file_and_a_new_name_only(collection: Path) -> None:
    prints = [FolderSource(collection).fingerprint()]
    folder_of(collection, {"notes.txt": "not read", ".DS_Store": "not read"})
    list(FolderSource(collection).read(silent))
    prints.append(FolderSource(collection).fingerprint())
    assert prints[0] == prints[1]
    (collection / "c.md").write_text("words")
    prints.append(FolderSource(collection).fingerprint())
    (collection / "c.md").rename(collection / "d.md")
    prints.append(FolderSource(collection).fingerprint())
    assert len(set(prints)) == 3
