"""Pinterest's data download gives the user's pins, and nothing else that is in it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.lake.tables import PINTEREST_EXPORT, PINTEREST_EXPORT_REJECTS
from qualia_assets.progress import silent
from qualia_assets.sources.base import Reject, SourceError
from qualia_assets.sources.pinterest.export import PinterestExport
from qualia_assets_tests.sources.reading import MiB, apart, fits, folder_of, memory_below, zip_of

HASH = "00112233445566778899aabbccddeeff"
IMAGE = f"https://i.pinimg.com/736x/00/11/22/{HASH}.jpg"
IP = "203.0.113.77"
NO_DATA = ("Is Native", "Is Video", "Story Pin Media", "Video")
LINES = {
    "Title": "No data",
    "Details": "some text",
    "Image": HASH,
    "Board Id": "9876543210",
    "Board Name": "No data",
    "Ip Address": IP,
    "Username": "me",
    "Alt Text": "No data",
    "Canonical Link": '<a href="https://source.example/x?token=secret">https://source.example/x</a>',
    **dict.fromkeys(NO_DATA, "No data"),
}
ENDS = {"Created at": "2017/02/13 15:35:01", "Alive": "True", "Is a repin": "True", "Private": "False"}


def pin(number: Any = 1, link: str = "https://www.pinterest.com/pin/{}/", **changes: str | None) -> str:
    """One record as the download has it; a change of None leaves its line out."""
    changed = {key.replace("_", " "): value for key, value in changes.items()}
    lines = [
        f"{key}: {value}{end}"
        for fields, end in ((LINES, ","), (ENDS, ""))
        for key, usual in fields.items()
        if (value := changed.get(key, usual)) is not None
    ]
    link = link.format(number)
    return f'<a href="{link}">{link}</a>\n<br>' + "\n<br>".join(lines) + "<br><br>"


def download(*pins: str, after: str = "<h1 id=1234>Something else</h1>\n") -> str:
    return f'<div id="contents"><h1 id=y1bkd>Pins</h1>\n{"".join(pins)}{after}</div>'


Found = tuple[dict[str, dict[str, Any]], dict[str, Reject], tuple[str, ...]]


def read(path: Path, private: bool = False) -> Found:
    """The rows by id, the rejects by record, and the notes; rows and rejects fit their tables."""
    export = PinterestExport(path, private=private)
    rows, rejects = apart(export.read(silent), PINTEREST_EXPORT_REJECTS)
    assert fits(PINTEREST_EXPORT, rows)
    return {row["item_id"]: row for row in rows}, rejects, export.notes()


def read_pins(folder: Path, *pins: str, private: bool = False) -> Found:
    return read(folder_of(folder, {"pins.html": download(*pins)}), private)


# What is read


def test_a_pin_keeps_its_words_its_board_and_where_its_picture_is(tmp_path: Path) -> None:
    words = {"Title": "A title", "Details": "It says, this", "Alt_Text": "It shows"}
    rows, rejects, notes = read_pins(tmp_path, pin(1, **words, Board_Name="A, b &amp; c"))
    assert (rejects, notes) == ({}, ())
    assert rows == {
        "1": {
            **dict.fromkeys(("author", "parent_pin_id", "image_sha256")),
            "item_id": "1",
            "modality": "image",
            "hop": 0,
            "title": "A title",
            "text": "It says, this\n\nIt shows",
            "tags": [],
            "url": "https://www.pinterest.com/pin/1/",
            "collection": "A, b & c",
            "created_at": datetime(2017, 2, 13, 15, 35, 1, tzinfo=UTC),
            "record": "pins.html:1",
            "board_id": "9876543210",
            "image_url": IMAGE,
        }
    }


LONG_DETAILS = (
    'First: a "line"\nNote: &lt;b&gt; <b>bold</b> <a href="https://www.pinterest.com/pin/9/">see</a>'
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Details": LONG_DETAILS}, {"text": 'First: a "line"\nNote: <b> bold see'}),
        ({"Details": "A cat", "Alt_Text": "A cat"}, {"text": "A cat"}),
        ({"Board_Id": "../x"}, {"board_id": None}),
        ({"Image": HASH.upper()}, {"image_url": IMAGE}),
        ({"Image": HASH + "\n"}, {"image_url": IMAGE}),
        (
            dict.fromkeys(("Details", "Board_Id", "Created_at"), "No data"),
            dict.fromkeys(("title", "text", "collection", "board_id", "created_at")),
        ),
        *(
            ({"link": link}, {"url": "https://www.pinterest.com/pin/1/"})
            for link in (
                "http://pinterest.com/pin/{}",
                "https://www.pinterest.co.uk/pin/{}/",
                "https://de.pinterest.com/pin/{}/",
            )
        ),
    ],
)
def test_a_pin_is_read_as(tmp_path: Path, changes: dict[str, str], expected: dict[str, Any]) -> None:
    rows, rejects, _ = read_pins(tmp_path, pin(1, **changes), pin(2))
    assert (list(rows), rejects) == (["1", "2"], {})
    assert {key: rows["1"][key] for key in expected} == expected


def test_only_the_section_of_pins_is_read(tmp_path: Path) -> None:
    page = f"{pin(7)}<h1>Boards</h1>{pin(8)}{download(pin(1))}{pin(9)}<h1><b>PINS</b> </h1>{pin(2)}"
    rows, rejects, _ = read(folder_of(tmp_path, {"all.html": page}) / "all.html")
    assert (list(rows), rejects) == (["1", "2"], {})


def test_file_folder_and_zip_give_the_same_pins(tmp_path: Path) -> None:
    files = {"a.html": download(pin(1)), "parts/b.HTM": download(pin(2))}
    files |= {"boards.html": "<h1>Boards</h1>", "picture.jpg": "x"}
    folder = folder_of(tmp_path / "download", files)
    found = read(folder)
    assert {i: row["record"] for i, row in found[0].items()} == {"1": "a.html:1", "2": "parts/b.HTM:1"}
    assert found[1:] == ({}, ())
    assert read(zip_of(tmp_path / "d.zip", files)) == found
    assert read(folder / "a.html")[0] == {"1": found[0]["1"]}


def test_a_long_file_is_read_in_chunks_and_no_pin_is_torn(tmp_path: Path) -> None:
    ids = range(1, 1_501)  # more than two chunks
    rows, rejects, _ = read_pins(tmp_path, *(pin(i, Details=f"é {i} " + "x" * (i % 97)) for i in ids))
    assert (list(rows), rejects) == ([str(i) for i in ids], {})
    assert all(row["text"].startswith(f"é {i} ".strip()) for i, row in rows.items())


def test_an_account_without_pins_is_an_empty_one(tmp_path: Path) -> None:
    assert read_pins(tmp_path) == ({}, {}, ())


# What is left out


def test_private_pins_are_left_out_unless_wanted(tmp_path: Path) -> None:
    pins = (pin(1), pin(2, Private="True"), pin(3, Private="true"))
    rows, _, notes = read_pins(tmp_path, *pins)
    how = "private = true under [pinterest] in qualia.toml takes them in"
    assert (list(rows), notes) == (["1"], (f"2 private pins were left out; {how}.",))
    rows, _, notes = read_pins(tmp_path, *pins, private=True)
    assert (list(rows), notes) == (["1", "2", "3"], ())


@pytest.mark.parametrize("private", [None, "No data", "perhaps"])
def test_a_pin_that_does_not_say_whether_it_is_private_does_not_count_as_public(
    tmp_path: Path, private: str | None
) -> None:
    rows, rejects, _ = read_pins(tmp_path, pin(1, Private=private))
    assert rows == {}
    assert rejects["pins.html:1"].reason == "does not say whether it is private"
    assert list(read_pins(tmp_path, pin(1, Private=private), private=True)[0]) == ["1"]


def test_removed_pins_are_left_out_and_counted(tmp_path: Path) -> None:
    rows, rejects, notes = read_pins(tmp_path, pin(1, Alive="False"), pin(2, Alive=None))
    assert (list(rows), rejects, notes) == (["2"], {}, ("1 removed pin was left out.",))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Image": "none"},
        {"Created_at": "never"},
        {"Private": "perhaps"},
        {"Details": f"words\nIp Address: {IP},"},
        {"Details": f"words, IP ADDRESS:{IP}"},
        {"Board_Name": f"words<p>Ip Address: {IP}</p>"},
        {"Title": f"words\nIp_Address: {IP}"},
    ],
)
def test_ip_addresses_user_names_and_queries_are_in_no_row_and_no_reject(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    found = read_pins(tmp_path, pin(1, Username="someone-private", **changes))
    assert found[0] or found[1]
    for secret in (IP, "someone-private", "token=secret", "source.example"):
        assert secret not in str(found)


# What cannot be used


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (pin(2, Image="abcdefghijklmnopqrstuvwxyz"), "has no picture"),
        (pin(2, Image="No data"), "has no picture"),
        (pin(2, Image=None), "has no picture"),
        (pin(2, Image="../" * 10 + "aa"), "has no picture"),
        (pin(2, Created_at="13.02.2017"), "Created at is not a valid time"),
        (pin("x"), "its address has no pin id"),
        (pin("2" * 26), "its address has no pin id"),
        (pin(2, link="https://evil.example/pin/{}/"), "its address has no pin id"),
        (pin(2, link="https://pinterest.com.evil.example/pin/{}/"), "its address has no pin id"),
        (pin(2, link="https://www.pinterest.com/pin/{}/../../x"), "its address has no pin id"),
        (pin(1), "repeats the id of pins.html:1"),
    ],
)
def test_a_bad_pin_is_reported_with_its_place_and_those_around_it_are_read(
    tmp_path: Path, bad: str, reason: str
) -> None:
    rows, rejects, _ = read_pins(tmp_path, pin(1), bad, pin(3))
    assert (list(rows), list(rejects)) == (["1", "3"], ["pins.html:2"])
    assert reason in rejects["pins.html:2"].reason


@pytest.mark.parametrize(
    ("files", "path", "reason"),
    [
        *(
            ({"page.html": page}, "page.html", r"has no section 'Pins'.*Request your data")
            for page in ("<html>Sign in</html>", "", "<h1>Boards</h1>" + pin(1), pin(1))
        ),
        ({"notes.txt": "x"}, ".", "holds no HTML"),
        ({"notes.txt": "x"}, "notes.txt", r"notes\.txt is no zip"),
        ({}, "not-there", r"There is no file or folder .*Request your data"),
    ],
)
def test_what_is_no_download_is_reported_with_what_is_wanted(
    tmp_path: Path, files: Mapping[str, str], path: str, reason: str
) -> None:
    with pytest.raises(SourceError, match=reason):
        read(folder_of(tmp_path, files) / path)


@pytest.mark.parametrize(
    "page",
    ["<h1>Pins</h1>" + "x" * 3_000_000, "<!--" * 1_000_000, "<a href='" * 400_000, "<script>" * 500_000],
    ids=lambda page: page[:12],
)
def test_a_file_that_would_fill_the_memory_is_a_reject_and_the_pins_beside_it_are_read(
    tmp_path: Path, page: str
) -> None:
    folder_of(tmp_path, {"bad.html": page, "pins.html": download(pin(1), after="")})
    rows, rejects, _ = read(tmp_path)
    assert list(rows) == ["1"]
    assert [(r.record, r.reason) for r in rejects.values()] == [
        ("bad.html", "is not the HTML of a data download")
    ]


def test_a_bomb_is_a_reject_and_the_memory_stays_bounded(tmp_path: Path) -> None:
    bomb = b"<h1>Pins</h1>" + bytes(50 * MiB)
    path = zip_of(tmp_path / "d.zip", {"a.html": download(pin(1)), "b.html": bomb})
    with memory_below(8 * MiB):
        rows, rejects, _ = read(path)
    assert list(rows) == ["1"]
    assert "like a zip bomb" in rejects["b.html"].reason


def test_damage_costs_only_what_comes_after_it(tmp_path: Path) -> None:
    (tmp_path / "pins.html").write_bytes(download(pin(1), pin(2)).encode()[:-400] + b"\xff\xfe")
    assert list(read(tmp_path)[0]) == ["1"]


MARKUP = ["<h1>Pins</h1>", "<h1>", "</h1>", "<br>", "<a href='https://www.pinterest.com/pin/5/'>", "</a>"]
VALUES = ["Private: False", f"Image: {HASH}", f"Ip Address: {IP}", "Title: a"]
SIGNS = [",", "\n", ":", "<", "&", "&#0;", "\x00", "<!--", "]]>"]


@budget(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(MARKUP + VALUES + SIGNS)).map("".join))
def test_whatever_is_in_a_page_pins_beside_it_are_read_and_no_ip_address_comes_through(
    tmp_path_factory: pytest.TempPathFactory, junk: str
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    found = read(folder_of(folder, {"a.html": download(junk), "b.html": download(pin(1))}))
    assert "1" in found[0]
    assert IP not in str(found)


# When it has to be read again


def test_the_fingerprint_changes_with_the_file_and_with_what_is_taken_in(tmp_path: Path) -> None:
    folder_of(tmp_path, {"pins.html": download(pin(1))})
    before = PinterestExport(tmp_path).fingerprint()
    assert PinterestExport(tmp_path).fingerprint() == before
    assert PinterestExport(tmp_path, private=True).fingerprint() != before
    folder_of(tmp_path, {"pins.html": download(pin(1), pin(2))})
    assert PinterestExport(tmp_path).fingerprint() != before
