"""Lists of what a user reads become seeds, and whatever else is in them is reported by its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.sources.base import Reject, SourceError
from qualia_assets.sources.substack.lists import MAX_BYTES, Seed, read_list

NEITHER = "is neither an address of a publication nor a handle"


def read(path: Path, data: str | bytes) -> tuple[list[Seed], dict[str, str]]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    found = list(read_list(path))
    rejects = [f for f in found if isinstance(f, Reject)]
    assert all(r.mend for r in rejects)
    return [f for f in found if not isinstance(f, Reject)], {r.record: r.reason for r in rejects}


def opml(*outlines: str) -> str:
    return "\n".join(['<?xml version="1.0"?><opml version="2.0"><body>', *outlines, "</body></opml>"])


def test_a_list_has_publications_and_handles_one_a_line(tmp_path: Path) -> None:
    written = """\ufeff# what I read
https://name.substack.com/p/a-post?utm_source=x
own-domain.example   # a domain of its own

@someone
another_one
https://substack.com/@third?utm=1
https://open.substack.com/pub/fourth\r
@with.dot
"""
    seeds, rejects = read(tmp_path / "mine.txt", written)
    assert rejects == {}
    assert seeds == [
        ("publication", "https://name.substack.com"),
        ("publication", "https://own-domain.example"),
        ("handle", "someone"),
        ("handle", "another_one"),
        ("handle", "third"),
        ("publication", "https://fourth.substack.com"),
        ("handle", "with.dot"),
    ]


def test_each_seed_comes_once(tmp_path: Path) -> None:
    seeds, _ = read(tmp_path / "mine.txt", "a.example\nhttps://a.example/feed\n@b\nb\n@a.example\n")
    assert seeds == [("publication", "https://a.example"), ("handle", "b"), ("handle", "a.example")]


@pytest.mark.parametrize(
    "line",
    [
        "me@example.org",
        "two words",
        "@",
        "../../etc/passwd",
        "https://user:secret@a.example",
        "https://127.0.0.1/feed",
        "javascript:alert(1)",
        "https://substack.com/inbox",
        "x" * 5_000,
    ],
)
def test_a_bad_line_is_reported_by_its_number_not_its_words_and_those_around_it_are_read(
    tmp_path: Path, line: str
) -> None:
    seeds, rejects = read(tmp_path / "mine.txt", f"a.example\n\n{line}\nb.example\n")
    assert seeds == [("publication", "https://a.example"), ("publication", "https://b.example")]
    assert rejects == {"mine.txt:3": NEITHER}


def test_an_opml_gives_the_feeds_of_all_its_folders_that_have_an_address(tmp_path: Path) -> None:
    written = opml(
        '<outline text="Folder">',
        '<outline type="rss" text="A" xmlUrl="https://a.substack.com/feed" htmlUrl="https://a.substack.com"/>',
        '<outline type="rss" text="B" htmlUrl="https://b.example/"/>',
        "</outline>",
        '<outline text="A note without an address"/>',
        '<outline type="rss" text="A feed without an address"/>',
        '<outline xmlUrl="https://10.0.0.1/feed"/>',
    )
    seeds, rejects = read(tmp_path / "feeds.opml", written)
    assert seeds == [("publication", "https://a.substack.com"), ("publication", "https://b.example")]
    assert rejects == dict.fromkeys(("feeds.opml:7", "feeds.opml:8"), NEITHER)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><opml><body>&b;</body></opml>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><opml><outline xmlUrl="&a;"/></opml>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB, "declares entities"),
        (OUTSIDE, "declares entities"),
        ("<!DOCTYPE opml><opml/>", "declares entities"),
        (opml("<outline>"), "is not well-formed XML at line 3"),
        ("<html><body>Sign in</body></html>", "is XML, but no OPML"),
        (b"<?xml version='1.0' encoding='nonsense'?><opml/>", "XML"),
        (b"caf\xe9.example", "is not UTF-8"),
        (b"#" * (MAX_BYTES + 1), "is longer than 5 MiB"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_is_no_list_is_reported_with_its_fault(
    tmp_path: Path, data: str | bytes, reason: str
) -> None:
    with pytest.raises(SourceError, match=rf"feeds\.opml .*{reason}"):
        read(tmp_path / "feeds.opml", data)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no file"):
        list(read_list(tmp_path / "not-there.txt"))


@budget(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_every_line_of_a_list_is_a_canonical_seed_or_a_reject(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("list") / "mine.txt"
    seeds, rejects = read(path, "first.example\n" + "\n".join(lines))
    assert seeds[0] == ("publication", "https://first.example")
    assert all(name.isascii() and name.isprintable() for _, name in seeds)
    assert all(record.startswith("mine.txt:") for record in rejects)
