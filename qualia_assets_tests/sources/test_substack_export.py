"""A writer's export gives their posts; drafts, subscribers and damage are left out."""

import csv
import io
import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.lake.tables import SUBSTACK_EXPORT, SUBSTACK_EXPORT_REJECTS
from qualia_assets.progress import silent
from qualia_assets.sources.base import Reject, SourceError
from qualia_assets.sources.substack.export import MAX_BODY, SubstackExport
from qualia_assets_tests.sources.reading import apart, fits, folder_of, zip_of

COLUMNS = (
    "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,subtitle,podcast_url"
)
IMAGE = "https://substack-post-media.s3.amazonaws.com/public/images/abc-800x600.jpeg"
FETCHED = f"https://substackcdn.com/image/fetch/w_1456/{IMAGE.replace(':', '%3A').replace('/', '%2F')}"
READER = "reader@private.example"
TRAPS = dict.fromkeys(
    (f"email_list.{READER}.csv", "email_list.csv", "posts/111.opens.csv", "posts/111.delivers.csv"),
    f"email\n{READER}\n",
)


def line(post_id: str, **changes: str) -> dict[str, str]:
    usual = {"post_id": post_id, "post_date": "2026-07-18T04:27:59.900Z", "is_published": "true"}
    return usual | {"type": "newsletter", "audience": "everyone", "title": "Title", "subtitle": ""} | changes


def posts_csv(*lines: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS.split(","))
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def export(*lines: dict[str, str], **bodies: str) -> dict[str, str]:
    """The files of an export: its list, and bodies by file name."""
    return {"posts.csv": posts_csv(*lines)} | {f"posts/{name}.html": body for name, body in bodies.items()}


FILES = export(
    line("111.first-post", title="First post", subtitle="A subtitle, with a comma\nand a line break"),
    line("222.second-post", title="Second post", audience="only_paid", post_date="2026-07-11T04:01:38Z"),
    line("333.a-draft", is_published="false", title="A draft"),
    **{
        "111.first-post": f'<p>The first body.</p><figure><img src="{FETCHED}"></figure>'
        '<p class="button-wrapper"><a class="button">Subscribe now</a></p>',
        "222.second-post": "<p>The second body.</p>",
        "333.a-draft": "<p>Never read.</p>",
    },
)


def read(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Reject], tuple[str, ...]]:
    """The rows by id, the rejects by record, and the notes; rows and rejects fit their tables."""
    source = SubstackExport(path)
    rows, rejects = apart(source.read(silent), SUBSTACK_EXPORT_REJECTS)
    assert fits(SUBSTACK_EXPORT, rows)
    return {row["item_id"]: row for row in rows}, rejects, source.notes()


# What is read


def test_posts_keep_their_words_dates_and_pictures_and_drafts_are_left_out(tmp_path: Path) -> None:
    rows, rejects, notes = read(folder_of(tmp_path, FILES))
    assert (list(rows), rejects, notes) == (["111", "222"], {}, ("1 draft was left out.",))
    assert len(rows["111"].pop("editorial_sha256")) == 64
    assert rows["111"] == {
        **dict.fromkeys(("url", "author", "collection", "publication_id", "image_sha256")),
        "item_id": "111",
        "modality": "text",
        "hop": 0,
        "title": "First post",
        "text": "A subtitle, with a comma and a line break\n\nThe first body.",
        "tags": [],
        "created_at": datetime(2026, 7, 18, 4, 27, 59, 900_000, UTC),
        "record": "posts.csv:2",
        "post_id": "111",
        "slug": "first-post",
        "audience": "everyone",
        "body_status": "full",
        "kind": "newsletter",
        "image_url": IMAGE,
    }
    assert (rows["222"]["audience"], rows["222"]["record"]) == ("only_paid", "posts.csv:3")


@pytest.mark.parametrize("wrapping", ["", "my-export/", "a/b c/é/"])
@pytest.mark.parametrize("packed", [True, False])
def test_zip_folder_and_list_give_the_same_however_they_are_wrapped(
    tmp_path: Path, wrapping: str, packed: bool
) -> None:
    plain = read(folder_of(tmp_path / "plain", FILES))
    assert read(tmp_path / "plain" / "posts.csv") == plain
    wrapped = {wrapping + name: text for name, text in (FILES | TRAPS).items()}
    other = zip_of(tmp_path / "a.zip", wrapped) if packed else folder_of(tmp_path / "b", wrapped)
    assert read(other) == plain


def test_a_body_is_found_by_its_post_id_though_the_slug_has_changed(tmp_path: Path) -> None:
    bodies = {"1.old-name": "<p>One</p>", "11.a": "<p>Two</p>", "2": "<p>Three</p>", "4.d": "<hr>"}
    lines = (line("1.new-name"), line("2"), line("3.x", subtitle="Sub"), line("4.d"))
    files = export(*lines, **bodies) | {"old/posts/4.d.html": "<p>of another folder</p>"}
    rows, rejects, _ = read(folder_of(tmp_path, files))
    assert rejects == {}
    assert [(row["slug"], row["body_status"], row["text"]) for row in rows.values()] == [
        ("new-name", "full", "One"),
        ("", "full", "Three"),
        ("x", "none", "Sub"),
        ("d", "none", None),
    ]


def test_unknown_words_become_other_and_are_counted(tmp_path: Path) -> None:
    lines = (
        line("1.a", audience="gold_circle", type="hologram"),
        line("2.b", audience="gold_circle"),
        line("3.c", audience="founding", type="podcast"),
        line("4.d", audience="", type=""),
    )
    rows, rejects, notes = read(folder_of(tmp_path, export(*lines)))
    assert rejects == {}
    assert [(row["audience"], row["kind"]) for row in rows.values()] == [
        ("other", "other"),
        ("other", "newsletter"),
        ("founding", "podcast"),
        ("unknown", None),
    ]
    assert notes == (
        "2 values of audience are new to this project, and are kept as 'other'.",
        "1 values of type are new to this project, and are kept as 'other'.",
    )


def test_an_edit_of_any_part_changes_the_editorial_hash_and_sending_it_again_does_not(tmp_path: Path) -> None:
    def hashed(body: str = "<p>x</p>", **changes: str) -> str:
        folder_of(tmp_path, export(line("1.a", **changes), **{"1.a": body}))
        return str(read(tmp_path)[0]["1"]["editorial_sha256"])

    before = hashed()
    edits = (
        hashed(title="Another"),
        hashed(subtitle="Sub"),
        hashed("<p>y</p>"),
        hashed(audience="only_paid"),
        hashed(f'<p>x</p><img src="{IMAGE}">'),
    )
    assert len({before, *edits}) == 6
    assert hashed(post_date="2026-07-19T00:00:00Z", email_sent_at="2026-07-20T00:00:00Z") == before


# What is never opened

_watching: list[list[str]] = []


@contextmanager
def opened() -> Iterator[list[str]]:
    """The paths that are opened meanwhile, by whatever way."""
    _watching.append([])
    try:
        yield _watching[-1]
    finally:
        _watching.pop()


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and _watching:
        _watching[-1].append(os.fsdecode(args[0]) if isinstance(args[0], str | bytes) else "")


sys.addaudithook(_watch)


def test_lists_of_subscribers_and_of_what_they_opened_are_never_opened_in_a_folder(tmp_path: Path) -> None:
    folder_of(tmp_path, FILES | TRAPS)
    with opened() as paths:
        found = read(tmp_path)
        SubstackExport(tmp_path).fingerprint()
    assert str(tmp_path / "posts.csv") in paths
    assert not [p for p in paths if "email_list" in p or p.endswith(("opens.csv", "delivers.csv"))]
    assert READER not in str(found)


def test_lists_of_subscribers_and_of_what_they_opened_are_never_opened_in_a_zip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    plain = zipfile.ZipFile.open

    def recorded(self: zipfile.ZipFile, member: zipfile.ZipInfo, *args: Any) -> Any:
        names.append(member.filename)
        return plain(self, member, *args)

    path = zip_of(tmp_path / "a.zip", FILES | TRAPS)
    monkeypatch.setattr(zipfile.ZipFile, "open", recorded)
    found = read(path)
    assert names == ["posts.csv", "posts/111.first-post.html", "posts/222.second-post.html"]
    assert READER not in str(found)


def test_a_bomb_among_what_is_never_opened_does_no_harm(tmp_path: Path) -> None:
    bomb = "0" * 5 * 2**20
    path = zip_of(tmp_path / "a.zip", FILES | dict.fromkeys(TRAPS, bomb) | {"posts/333.a-draft.html": bomb})
    assert read(path) == read(folder_of(tmp_path / "plain", FILES))


# What cannot be used

NO_ID = ("", "abc", "1" * 26 + ".a", "２.a", "-2.a", "2.../../etc/passwd", "2.a b")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        *((line(post_id), "post_id is not a number") for post_id in NO_ID),
        (line("2.a", is_published=""), "is_published is neither true nor false"),
        (line("2.a", is_published="maybe"), "is_published is neither true nor false"),
        (line("2.a", post_date="last May"), "post_date is not a valid time"),
        (line("2.a", post_date="0001-01-01T00:00:00+23:00"), "post_date is not a valid time"),
        (line("2.a", title="&nbsp;", subtitle=" "), "neither title nor body"),
        (line("1.again"), "repeats the id of posts.csv:2"),
    ],
    ids=lambda value: value["post_id"][:9] if isinstance(value, dict) else None,
)
def test_a_bad_line_is_reported_by_its_place_not_its_words_and_those_around_it_are_read(
    tmp_path: Path, bad: dict[str, str], reason: str
) -> None:
    lines = line("1.a"), bad | {"podcast_url": READER}, line("3.c")
    rows, rejects, _ = read(folder_of(tmp_path, export(*lines)))
    assert (list(rows), list(rejects)) == (["1", "3"], ["posts.csv:3"])
    assert reason in rejects["posts.csv:3"].reason
    assert READER not in str(rejects)


def test_rows_are_numbered_as_a_spreadsheet_does_whatever_is_in_them(tmp_path: Path) -> None:
    text = posts_csv(line("1.a", subtitle="two\nlines"), line("bad"))
    text += "\nbad,,true\r\n3.c\r\n4.d,,true,,,,,T\r\n"
    rows, rejects, _ = read(folder_of(tmp_path, {"posts.csv": text}))
    assert {row["record"] for row in rows.values()} == {"posts.csv:2", "posts.csv:7"}
    assert list(rejects) == ["posts.csv:3", "posts.csv:5", "posts.csv:6"]


def test_a_field_that_never_ends_costs_only_what_it_takes_in(tmp_path: Path) -> None:
    text = posts_csv(line("1.a")) + '2.b,"' + "x" * 200_000 + "\n" + posts_csv(line("3.c")).partition("\n")[2]
    rows, rejects, _ = read(folder_of(tmp_path, {"posts.csv": text}))
    assert list(rows) == ["1", "3"]
    assert [(r.record, r.reason) for r in rejects.values()] == [
        ("posts.csv:3", "is not CSV: is a quote missing before it?")
    ]


def test_a_body_that_is_too_long_or_a_bomb_is_a_reject_and_the_posts_around_it_are_read(
    tmp_path: Path,
) -> None:
    bodies = {"1.a": os.urandom(MAX_BODY // 2 + 1).hex(), "2.b": "<p>" * 2_000_000}
    files = export(line("1.a"), line("2.b"), line("3.c"), **bodies)
    rows, rejects, _ = read(zip_of(tmp_path / "a.zip", files))
    assert list(rows) == ["3"]
    assert {r.record: r.reason for r in rejects.values()} == {
        "posts.csv:2": "its body is longer than 20 MiB",
        "posts.csv:3": "its body unpacks to far more than it holds, like a zip bomb",
    }


def test_names_that_lead_out_of_the_zip_are_rejects_and_belong_to_no_post(tmp_path: Path) -> None:
    hostile = ["../posts/1.a.html", "x/../../posts.csv"]
    path = zip_of(tmp_path / "a.zip", export(line("1.a")) | dict.fromkeys(hostile, "<p>evil</p>"))
    rows, rejects, _ = read(path)
    assert (rows["1"]["text"], sorted(rejects)) == (None, hostile)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.zip"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"notes.txt": "x"}, r"has no posts\.csv\. In Substack: Settings > Exports"),
        ({"a/posts.csv": "", "b/posts.csv": ""}, "holds 2 exports"),
        ({"posts.csv": ""}, "has no column 'post_id'"),
        ({"posts.csv": "post_id,title\n1.a,T\n"}, "has no column 'is_published'"),
        ({"posts.csv": "x" * (20 * 2**20 + 1)}, r"posts\.csv in .* is longer than 20 MiB|zip bomb"),
        ({"posts.csv": "\udcff"}, r"posts\.csv in .* is not UTF-8"),
        (None, r"There is no file or folder .* New export"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_export_is_reported(tmp_path: Path, files: dict[str, str] | None, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read(tmp_path / "not-there.zip" if files is None else folder_of(tmp_path, files))


@budget(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
@example("../../../etc/passwd")
@example("..")
@example("a\x00b")
@example("a\nb")
@example("%2e%2e%2f")
@example("a/b.html")
@example("\u202efdp")
@example("-rf")
def test_a_slug_is_a_safe_one_or_a_reject_and_never_a_path(
    tmp_path_factory: pytest.TempPathFactory, slug: str
) -> None:
    folder = tmp_path_factory.mktemp("export")
    files = export(line(f"1.{slug}"), line("2.good"), **{"2.good": "<p>x</p>"})
    path = zip_of(folder / "a.zip", files)
    with opened() as paths:
        rows, rejects, _ = read(path)

    assert rows["2"]["text"] == "x"
    assert ("1" in rows) != ("posts.csv:2" in rejects)
    if "1" in rows:
        assert rows["1"]["slug"] == slug.strip()
        assert all(c.isalnum() or c in "_-" for c in slug.strip())
        assert slug.isascii() or not slug.strip()
    assert {p for p in paths if str(folder) in p} <= {str(path)}
    assert os.listdir(folder) == ["a.zip"]


# When it has to be read again


@pytest.mark.parametrize("name", ["posts.csv", "posts/111.first-post.html"])
def test_the_fingerprint_changes_with_what_is_read_only(tmp_path: Path, name: str) -> None:
    before = SubstackExport(folder_of(tmp_path, FILES)).fingerprint()
    assert SubstackExport(folder_of(tmp_path, TRAPS)).fingerprint() == before
    (tmp_path / name).write_text(FILES[name] + "\n")
    assert SubstackExport(tmp_path).fingerprint() != before


def test_a_second_reading_gives_and_counts_the_same(tmp_path: Path) -> None:
    source = SubstackExport(folder_of(tmp_path, FILES))
    assert [list(source.read(silent)), source.notes()] == [list(source.read(silent)), source.notes()]
