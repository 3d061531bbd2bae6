"""Pinterest's data download gives the user's pins, and nothing else that is in it."""

import io
import tracemalloc
import zipfile
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

HASH = "00112233445566778899aabbccddeeff"
IMAGE = f"https://i.pinimg.com/736x/00/11/22/{HASH}.jpg"
IP = "203.0.113.77"


def pin(number: Any = 1, link: str = "https://www.pinterest.com/pin/{}/", **changes: str | None) -> str:
    """One record as the download has it; a change of None leaves its line out."""
    lines = {
        "Title": "No data",
        "Details": "some text",
        "Image": HASH,
        "Is Native": "No data",
        "Board Id": "9876543210",
        "Board Name": "No data",
        "Is Video": "No data",
        "Ip Address": IP,
        "Username": "me",
        "Alt Text": "No data",
        "Canonical Link": '<a href="https://source.example/x?token=secret">https://source.example/x</a>',
        "Story Pin Media": "No data",
        "Video": "No data",
    }
    ends = {"Created at": "2017/02/13 15:35:01", "Alive": "True", "Is a repin": "True", "Private": "False"}
    given = {key.replace("_", " "): value for key, value in changes.items()}
    told = [f"{k}: {given.get(k, v)}," for k, v in lines.items() if given.get(k, v) is not None]
    told += [f"{k}: {given.get(k, v)}" for k, v in ends.items() if given.get(k, v) is not None]
    link = link.format(number)
    return f'<a href="{link}">{link}</a>\n<br>' + "\n<br>".join(told) + "<br><br>"


def download(*pins: str, after: str = "<h1 id=1234>Something else</h1>\n") -> str:
    return f'<div id="contents"><h1 id=y1bkd>Pins</h1>\n{"".join(pins)}{after}</div>'


def read(
    path: Path, *pins: str, private: bool = False, **more: str
) -> tuple[dict[str, dict[str, Any]], dict[str, Reject], tuple[str, ...]]:
    """The rows by id, the rejects by record, and the notes; rows and rejects fit their tables."""
    if pins:
        path = path / "pins.html"
        path.write_text(download(*pins, **more))
    export = PinterestExport(path, private=private)
    found = list(export.read(silent))
    rows = [f for f in found if not isinstance(f, Reject)]
    rejects = [f for f in found if isinstance(f, Reject)]
    for spec, of in (PINTEREST_EXPORT, rows), (PINTEREST_EXPORT_REJECTS, [vars(r) for r in rejects]):
        assert spec.violations(spec.conform(spec.table(of))) == []
    assert all(reject.mend for reject in rejects)
    return {row["item_id"]: row for row in rows}, {r.record: r for r in rejects}, export.notes()


# What is read


def test_a_pin_keeps_its_words_its_board_and_where_its_picture_is(tmp_path: Path) -> None:
    rows, rejects, notes = read(
        tmp_path,
        pin(1, Title="A title", Details="It says, this", Alt_Text="It shows", Board_Name="A, b &amp; c"),
    )

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


def test_no_data_is_nothing(tmp_path: Path) -> None:
    rows, _, _ = read(tmp_path, pin(1, Details="No data", Board_Id="No data", Created_at="No data"))

    nothing = ("title", "text", "collection", "board_id", "created_at")
    assert [rows["1"][key] for key in nothing] == [None] * 5


def test_words_may_hold_lines_colons_links_and_marks(tmp_path: Path) -> None:
    details = (
        'First: a "line"\nNote: &lt;b&gt; <b>bold</b> <a href="https://www.pinterest.com/pin/9/">see</a>'
    )
    rows, rejects, _ = read(tmp_path, pin(1, Details=details), pin(2))

    assert rejects == {}
    assert rows["1"]["text"] == 'First: a "line"\nNote: <b> bold see'
    assert list(rows) == ["1", "2"]


def test_what_is_said_twice_is_kept_once(tmp_path: Path) -> None:
    rows, _, _ = read(tmp_path, pin(1, Details="A cat", Alt_Text="A cat"))

    assert rows["1"]["text"] == "A cat"


def test_only_the_section_of_pins_is_read(tmp_path: Path) -> None:
    page = f"{pin(7)}<h1>Boards</h1>{pin(8)}{download(pin(1))}{pin(9)}<h1><b>PINS</b> </h1>{pin(2)}"
    (tmp_path / "all.html").write_text(page)
    rows, rejects, _ = read(tmp_path / "all.html")

    assert rejects == {}
    assert list(rows) == ["1", "2"]


@pytest.mark.parametrize(
    "link",
    [
        "http://pinterest.com/pin/{}",
        "https://www.pinterest.co.uk/pin/{}/",
        "https://de.pinterest.com/pin/{}/",
    ],
)
def test_a_pin_has_the_same_address_in_every_country(tmp_path: Path, link: str) -> None:
    rows, _, _ = read(tmp_path, pin(1, link=link))

    assert rows["1"]["url"] == "https://www.pinterest.com/pin/1/"


def test_file_folder_and_zip_give_the_same_pins(tmp_path: Path) -> None:
    folder = tmp_path / "download"
    (folder / "parts").mkdir(parents=True)
    (folder / "a.html").write_text(download(pin(1)))
    (folder / "parts" / "b.HTM").write_text(download(pin(2)))
    (folder / "boards.html").write_text("<h1>Boards</h1>")
    (folder / "picture.jpg").write_bytes(b"x")
    with zipfile.ZipFile(tmp_path / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder))

    rows, rejects, _ = read(folder)

    assert {i: row["record"] for i, row in rows.items()} == {"1": "a.html:1", "2": "parts/b.HTM:1"}
    assert rejects == {}
    assert read(tmp_path / "d.zip") == (rows, rejects, ())
    assert read(folder / "a.html")[0] == {"1": rows["1"]}


def test_a_long_file_is_read_a_part_at_a_time_and_no_pin_is_torn(tmp_path: Path) -> None:
    pins = "".join(pin(i, Details=f"é {i} " + "x" * (i % 97)) for i in range(1, 3_001))
    (tmp_path / "pins.html").write_text(download(pins))

    rows, rejects, _ = read(tmp_path)

    assert rejects == {}
    assert list(rows) == [str(i) for i in range(1, 3_001)]
    assert all(row["text"].startswith(f"é {i} ".strip()) for i, row in rows.items())


def test_an_account_without_pins_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "pins.html").write_text(download())

    assert read(tmp_path) == ({}, {}, ())


# What is left out


def test_private_pins_are_left_out_unless_told(tmp_path: Path) -> None:
    pins = (pin(1), pin(2, Private="True"), pin(3, Private="true"))

    assert (list(read(tmp_path, *pins)[0]), read(tmp_path, *pins)[2]) == (
        ["1"],
        ("2 private pins were left out; private = true under [pinterest] in qualia.toml takes them in.",),
    )
    rows, _, notes = read(tmp_path, *pins, private=True)
    assert (list(rows), notes) == (["1", "2", "3"], ())


@pytest.mark.parametrize("private", [None, "No data", "perhaps"])
def test_a_pin_that_does_not_say_whether_it_is_private_is_not_taken_for_public(
    tmp_path: Path, private: str | None
) -> None:
    rows, rejects, _ = read(tmp_path, pin(1, Private=private))

    assert rows == {}
    assert rejects["pins.html:1"].reason == "does not say whether it is private"
    assert list(read(tmp_path, pin(1, Private=private), private=True)[0]) == ["1"]


def test_removed_pins_are_left_out_and_counted(tmp_path: Path) -> None:
    rows, rejects, notes = read(tmp_path, pin(1, Alive="False"), pin(2, Alive=None))

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
def test_ip_addresses_and_user_names_and_queries_are_in_no_row_and_no_reject(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    found = read(tmp_path, pin(1, Username="someone-private", **changes))

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
        (pin(2, Image=HASH + "\n"), None),
        (pin(2, Image=HASH.upper()), None),
        (pin(2, Created_at="13.02.2017"), "Created at is no time"),
        (pin("x"), "its address holds no pin's id"),
        (pin("2" * 26), "its address holds no pin's id"),
        (pin(2, link="https://evil.example/pin/{}/"), "its address holds no pin's id"),
        (pin(2, link="https://pinterest.com.evil.example/pin/{}/"), "its address holds no pin's id"),
        (pin(2, link="https://www.pinterest.com/pin/{}/../../x"), "its address holds no pin's id"),
        (pin(1), "repeats the id of pins.html:1"),
    ],
)
def test_a_bad_pin_is_told_with_its_place_and_those_around_it_are_read(
    tmp_path: Path, bad: str, reason: str | None
) -> None:
    rows, rejects, _ = read(tmp_path, pin(1), bad, pin(3))

    if reason is None:
        assert (list(rows), rows["2"]["image_url"]) == (["1", "2", "3"], IMAGE)
        return
    assert list(rows) == ["1", "3"]
    assert list(rejects) == ["pins.html:2"]
    assert reason in rejects["pins.html:2"].reason


def test_an_odd_board_id_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, pin(1, Board_Id="../x"))[0]["1"]["board_id"] is None


@pytest.mark.parametrize("page", ["<html>Sign in</html>", "", "<h1>Boards</h1>" + pin(1), pin(1)])
def test_where_there_are_no_pins_it_says_what_is_wanted(tmp_path: Path, page: str) -> None:
    (tmp_path / "page.html").write_text(page)

    with pytest.raises(SourceError, match=r"has no section 'Pins'.*Request your data"):
        read(tmp_path / "page.html")


def test_where_there_is_no_html_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")

    with pytest.raises(SourceError, match="holds no HTML"):
        read(tmp_path)
    with pytest.raises(SourceError, match=r"notes\.txt is no zip"):
        read(tmp_path / "notes.txt")
    with pytest.raises(SourceError, match=r"There is no file or folder .*Request your data"):
        PinterestExport(tmp_path / "not-there")


@pytest.mark.parametrize(
    "page",
    ["<h1>Pins</h1>" + "x" * 3_000_000, "<!--" * 1_000_000, "<a href='" * 400_000, "<script>" * 500_000],
    ids=lambda page: page[:12],
)
def test_a_file_that_would_fill_the_memory_is_told_and_the_pins_beside_it_are_read(
    tmp_path: Path, page: str
) -> None:
    (tmp_path / "bad.html").write_text(page)

    rows, rejects, _ = read(tmp_path, pin(1), after="")
    assert list(rows) == ["1"]

    rows, rejects, _ = read(tmp_path)
    assert list(rows) == ["1"]
    assert [(r.record, r.reason) for r in rejects.values()] == [
        ("bad.html", "is not the HTML of a data download")
    ]


def test_a_bomb_is_told_and_the_memory_stays_bounded(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.html", download(pin(1)))
        archive.writestr("b.html", b"<h1>Pins</h1>" + bytes(50 * 2**20))
    (tmp_path / "d.zip").write_bytes(bomb.getvalue())

    tracemalloc.start()
    try:
        rows, rejects, _ = read(tmp_path / "d.zip")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert list(rows) == ["1"]
    assert "like a zip bomb" in rejects["b.html"].reason
    assert peak < 8 * 2**20


def test_damage_costs_only_what_comes_after_it(tmp_path: Path) -> None:
    (tmp_path / "pins.html").write_bytes(download(pin(1), pin(2)).encode()[:-400] + b"\xff\xfe")

    rows, _, _ = read(tmp_path)

    assert list(rows) == ["1"]


PARTS = [
    "<h1>Pins</h1>",
    "<h1>",
    "</h1>",
    "<br>",
    "<a href='https://www.pinterest.com/pin/5/'>",
    "</a>",
    "Private: False",
    f"Image: {HASH}",
    ",",
    "\n",
    ":",
    f"Ip Address: {IP}",
    "<",
    "&",
    "&#0;",
    "\x00",
    "Title: a",
    "<!--",
    "]]>",
]


@budget(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PARTS)).map("".join))
def test_whatever_is_in_the_page_pins_around_it_are_read_and_no_address_comes_through(
    tmp_path_factory: pytest.TempPathFactory, junk: str
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    (folder / "a.html").write_text(download(junk))
    (folder / "b.html").write_text(download(pin(1)))

    found = read(folder)

    assert "1" in found[0]
    assert IP not in str(found)


# When it has to be read again


def test_the_fingerprint_changes_with_the_file_and_with_what_is_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "pins.html"
    path.write_text(download(pin(1)))
    before = PinterestExport(path).fingerprint()

    assert PinterestExport(path).fingerprint() == before
    assert PinterestExport(path, private=True).fingerprint() != before
    path.write_text(download(pin(1), pin(2)))
    assert PinterestExport(path).fingerprint() != before
