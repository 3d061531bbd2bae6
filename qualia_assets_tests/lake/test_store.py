"""Tables are replaced whole: whatever happens to a writer, a reader finds the old one or the new one."""

import os
import signal
import string
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from textwrap import dedent
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.lake.specs import FLOAT, INT, STRING, Column, SpecViolation, TableSpec
from qualia_assets.lake.store import Lake, LakeError, replacing
from qualia_assets.users import InvalidUserKey, check_user_key
from qualia_assets_tests.places import PROJECT_ROOT

COLUMNS = (
    Column("name", STRING, "Which"),
    Column("n", INT, "How many", nullable=True),
    Column("seconds", FLOAT, "How long it took, s", nullable=True, measured=True),
)
COUNTS = TableSpec("counts", "Counts", ("name",), COLUMNS)


def all_of(n: int, rows: int = 2000) -> pa.Table:
    """Many rows that all say ``n``: a mixture of two such tables would show."""
    return COUNTS.table({"name": f"row {i:05}", "n": n} for i in range(rows))


# Not imported from here, as that takes seconds.
CHILD = """
import sys
from pathlib import Path
from qualia_assets.lake.specs import INT, STRING, Column, TableSpec
from qualia_assets.lake.store import Lake, replacing
lake = Lake(Path(sys.argv[1]))
COUNTS = TableSpec("counts", "", ("name",), (Column("name", STRING, ""), Column("n", INT, "")))
def all_of(n, rows=2000):
    return COUNTS.table({"name": f"row {i:05}", "n": n} for i in range(rows))
"""


def child(lake: Lake, body: str) -> Any:
    """A process that runs ``body``, in which ``lake`` is the lake; its first line of output has been read."""
    command = [sys.executable, "-c", CHILD + dedent(body), str(lake.root)]
    process: Any = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, cwd=PROJECT_ROOT, text=True)
    assert process.stdout.readline()
    return process


def kill(process: Any) -> None:
    assert process.poll() is None
    process.kill()
    assert process.wait() == -signal.SIGKILL


def temporaries(lake: Lake) -> list[Path]:
    return sorted(lake.root.rglob(".*.tmp"))


def test_a_table_and_its_footer_are_read_as_they_were_written(lake: Lake) -> None:
    table = COUNTS.table([{"name": "b", "n": 2}, {"name": "a", "n": 1}])
    written = lake.write(COUNTS, "ann", table, "made of x")
    rows = [{"name": "a", "n": 1, "seconds": None}, {"name": "b", "n": 2, "seconds": None}]
    assert lake.read("counts", "ann").to_pylist() == rows
    assert lake.read("counts", "ann", columns=["n"]).to_pylist() == [{"n": 1}, {"n": 2}]
    path = lake.root / "counts" / "user=ann" / "part-0.parquet"
    assert (written.rows, written.fingerprint, written.bytes) == (2, "made of x", path.stat().st_size)
    assert lake.info("counts", "ann") == written


def test_the_users_of_a_table_are_sorted_and_a_table_over_all_users_has_none(lake: Lake) -> None:
    for user in ("zoe", "ann", "007"):
        lake.write(COUNTS, user, all_of(1, rows=1))
    lake.write(TableSpec("mart", "", (), COLUMNS, per_user=False), None, all_of(1, rows=1))
    assert lake.users("counts") == ["007", "ann", "zoe"]
    assert lake.users("mart") == lake.users("nothing") == []
    assert lake.read("mart", None).num_rows == 1


@budget(max_examples=20, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 6))
def test_equal_content_has_equal_bytes_and_hashes_whatever_its_order_chunks_and_encoding(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    rows = [{"name": name, "n": n} for name, n in zip("abcdef", [3, None, 0, -1, None, 9], strict=True)]
    table = COUNTS.table(rows[i] for i in order)
    parts = pa.concat_tables([table.slice(cut), table.slice(0, cut)])
    plain = lake.write(COUNTS, "plain", COUNTS.table(rows))
    mixed = lake.write(COUNTS, "mixed", parts.set_column(0, "name", parts["name"].dictionary_encode()))
    assert plain.content_sha256 == mixed.content_sha256
    assert lake.path("counts", "plain").read_bytes() == lake.path("counts", "mixed").read_bytes()


def test_a_table_that_was_read_is_written_again_byte_for_byte(lake: Lake) -> None:
    lake.write(COUNTS, "ann", all_of(1))
    before = lake.path("counts", "ann").read_bytes()
    lake.write(COUNTS, "ann", lake.read("counts", "ann"))
    assert lake.path("counts", "ann").read_bytes() == before


@pytest.mark.parametrize("key", [("name",), ()], ids=["sorted by key", "without a key"])
def test_bytes_in_memory_under_a_null_do_not_change_the_hash(lake: Lake, key: tuple[str, ...]) -> None:
    spec = TableSpec("counts", "", key, COLUMNS)
    buffers = [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([5, 999]).tobytes())]
    clean, dirty = (
        pa.table({"name": ["a", "b"], "n": n, "seconds": pa.nulls(2, pa.float64())})
        for n in (pa.array([5, None]), pa.Array.from_buffers(pa.int64(), 2, buffers))
    )
    assert clean.equals(dirty)
    assert lake.write(spec, "ann", clean).content_sha256 == lake.write(spec, "bob", dirty).content_sha256


def test_any_changed_value_changes_the_hash_except_in_measured_columns(lake: Lake) -> None:
    def content(**row: Any) -> str:
        return lake.write(COUNTS, "ann", COUNTS.table([row])).content_sha256

    first = content(name="a", n=1, seconds=0.25)
    assert content(name="a", n=1, seconds=7.5) == first
    assert lake.read("counts", "ann")["seconds"].to_pylist() == [7.5]
    assert len({first, content(name="a", n=2), content(name="b", n=1), content(name="a")}) == 4


def test_a_table_that_violates_its_spec_leaves_the_old_one(lake: Lake) -> None:
    lake.write(COUNTS, "ann", all_of(1))
    with pytest.raises(SpecViolation):
        lake.write(COUNTS, "ann", pa.table({"name": ["a"], "surprise": [1]}))
    assert lake.read("counts", "ann").equals(COUNTS.conform(all_of(1)))


def test_the_error_for_a_missing_table_says_whose_it_is_and_how_to_make_it(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"'counts' of user 'ann' yet. Make it with `qualia run --user ann`"):
        lake.read("counts", "ann")
    assert lake.info("counts", "ann") is None


def test_the_error_for_a_damaged_file_names_it_and_says_how_to_make_it_again(lake: Lake) -> None:
    lake.write(COUNTS, "ann", all_of(1))
    path = lake.path("counts", "ann")
    whole = path.read_bytes()
    for damaged in (b"", b"PAR1", whole[: len(whole) // 2], whole[:-1], b"x" * len(whole)):
        path.write_bytes(damaged)
        with pytest.raises(LakeError) as error:
            lake.read("counts", "ann")
        assert f"{path} is damaged" in str(error.value)
        assert "`qualia run --user ann --force`" in str(error.value)
        assert lake.info("counts", "ann") is None


@budget(max_examples=50, deadline=None)
@given(st.data())
def test_a_corrupted_file_gives_a_table_or_a_lake_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.write(COUNTS, "ann", all_of(1, rows=3), "made of x")
    path = lake.path("counts", "ann")
    whole = bytearray(path.read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=3)):
        whole[position] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    lake.info("counts", "ann")
    with suppress(LakeError):
        lake.read("counts", "ann")


def test_a_writer_that_fails_leaves_only_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "table"
    path.parent.mkdir()
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_killed_writer_leaves_the_old_table_and_a_temporary_file_that_is_deleted_after_an_hour(
    lake: Lake,
) -> None:
    lake.write(COUNTS, "ann", all_of(1))
    halfway = """
        with replacing(lake.path("counts", "ann")) as temporary:
            lake.write(COUNTS, "elsewhere", all_of(2))
            new = lake.path("counts", "elsewhere").read_bytes()
            with temporary.open("wb", buffering=0) as handle:
                handle.write(new[: len(new) // 2])
                print("half", flush=True)
                sys.stdin.read()
    """
    kill(child(lake, halfway))
    assert lake.read("counts", "ann").equals(COUNTS.conform(all_of(1)))
    (leftover,) = temporaries(lake)

    lake.write(COUNTS, "ann", all_of(3))
    assert lake.read("counts", "ann").equals(COUNTS.conform(all_of(3)))
    assert temporaries(lake) == [leftover], "it could be that of a writer who still lives"

    two_hours_ago = time.time() - 7200
    os.utime(leftover, (two_hours_ago, two_hours_ago))
    lake.write(COUNTS, "ann", all_of(4))
    assert temporaries(lake) == []


@pytest.mark.parametrize("writes", [0, 11])
def test_a_writer_killed_at_any_moment_leaves_one_whole_table(lake: Lake, writes: int) -> None:
    replace_forever = """
        tables = [all_of(n, rows=30_000) for n in range(3)]
        for i in range(1_000_000):
            lake.write(COUNTS, "ann", tables[i % 3])
            print(i, flush=True)
    """
    writer = child(lake, replace_forever)
    for _ in range(writes):
        writer.stdout.readline()
    kill(writer)
    found = lake.read("counts", "ann")
    assert (found.num_rows, len(set(found["n"].to_pylist()))) == (30_000, 1)


def test_a_reader_never_sees_half_a_table_while_it_is_replaced(lake: Lake) -> None:
    replace_forever = """
        for i in range(1_000_000):
            lake.write(COUNTS, "ann", all_of(i))
            print(i, flush=True) if i == 0 else None
    """
    writer = child(lake, replace_forever)
    seen: set[int] = set()
    while len(seen) < 40:
        assert writer.poll() is None
        table = lake.read("counts", "ann")
        numbers = set(table["n"].to_pylist())
        assert (table.num_rows, len(numbers)) == (2000, 1)
        seen |= numbers
    kill(writer)


@pytest.mark.parametrize(
    "key", ["", "..", "../x", "a/b", "a\\b", "/etc", "Ann", "-a", "_a", "a b", "ä", "a\n", "a" * 64]
)
def test_an_invalid_user_key_never_becomes_a_path(lake: Lake, key: str) -> None:
    with pytest.raises(InvalidUserKey, match=r"not a user key.*for example 'ann'"):
        lake.path("counts", key)
    with pytest.raises(InvalidUserKey, match="not a user key"):
        lake.write(COUNTS, key, all_of(1))
    assert not lake.root.exists()


@budget(max_examples=300, deadline=None)
@given(st.text(max_size=70) | st.text("ab09_-/.A\n", max_size=70))
def test_a_user_key_has_1_to_63_lower_case_letters_digits_hyphens_and_underscores(key: str) -> None:
    small = string.ascii_lowercase + string.digits
    allowed = 1 <= len(key) <= 63 and key[0] in small and all(c in small + "_-" for c in key)
    if allowed:
        assert check_user_key(key) == key
        assert Lake(Path("/lake")).path("t", key) == Path(f"/lake/t/user={key}/part-0.parquet")
    else:
        with pytest.raises(InvalidUserKey):
            check_user_key(key)
