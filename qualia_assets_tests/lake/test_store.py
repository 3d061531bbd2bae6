"""Tables are replaced whole: whatever happens to a writer, a reader finds the old one or the new one."""

import os
import signal
import string
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
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

COUNTS = TableSpec(
    "counts",
    "Counts",
    ("name",),
    (
        Column("name", STRING, "Which"),
        Column("n", INT, "How many", nullable=True),
        Column("seconds", FLOAT, "How long it took, s", nullable=True, measured=True),
    ),
)
# The same table for a process of its own; {body} uses `lake` and `table(n)`.
CHILD = """
import sys
from pathlib import Path
import pyarrow as pa
from qualia_assets.lake.store import Lake, replacing
from qualia_assets_tests.lake.test_store import COUNTS, all_of
lake = Lake(Path(sys.argv[1]))
{body}
"""


def all_of(n: int, rows: int = 2000) -> pa.Table:
    """Many rows that all say ``n``: a mixture of two such tables would show."""
    return COUNTS.table({"name": f"row {i:05}", "n": n} for i in range(rows))


def child(lake: Lake, body: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.format(body=body), str(lake.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT_ROOT,
        text=True,
    )


def temporaries(lake: Lake) -> list[Path]:
    return sorted(lake.root.rglob(".*.tmp"))


def test_what_is_written_is_read_and_the_file_tells_of_itself(lake: Lake) -> None:
    written = lake.write(
        COUNTS, "ann", COUNTS.table([{"name": "b", "n": 2}, {"name": "a", "n": 1}]), "made of x"
    )

    assert lake.read("counts", "ann").to_pylist() == [
        {"name": "a", "n": 1, "seconds": None},
        {"name": "b", "n": 2, "seconds": None},
    ]
    assert lake.read("counts", "ann", columns=["n"]).to_pylist() == [{"n": 1}, {"n": 2}]
    path = lake.root / "counts" / "user=ann" / "part-0.parquet"
    assert (written.rows, written.fingerprint, written.bytes) == (2, "made of x", path.stat().st_size)
    assert lake.info("counts", "ann") == written


def test_users_of_a_table_are_sorted_and_a_table_of_all_users_has_none(lake: Lake) -> None:
    for user in ("zoe", "ann", "007"):
        lake.write(COUNTS, user, all_of(1, rows=1))
    lake.write(TableSpec("mart", "", (), COUNTS.columns, per_user=False), None, all_of(1, rows=1))

    assert lake.users("counts") == ["007", "ann", "zoe"]
    assert lake.users("mart") == lake.users("nothing") == []
    assert lake.read("mart", None).num_rows == 1


@budget(max_examples=20, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 6))
def test_same_content_has_the_same_bytes_and_hash_whatever_the_order_and_the_parts(
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
def test_what_lies_in_memory_under_a_null_does_not_count(lake: Lake, key: tuple[str, ...]) -> None:
    spec = TableSpec("counts", "", key, COUNTS.columns)
    junk = pa.Array.from_buffers(
        pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([5, 999]).tobytes())]
    )
    clean, dirty = (
        pa.table({"name": ["a", "b"], "n": n, "seconds": pa.nulls(2, pa.float64())})
        for n in (pa.array([5, None]), junk)
    )
    assert clean.equals(dirty)

    assert lake.write(spec, "ann", clean).content_sha256 == lake.write(spec, "bob", dirty).content_sha256


def test_a_change_of_one_value_changes_the_hash_but_measured_columns_are_left_out(lake: Lake) -> None:
    def content(row: dict[str, Any]) -> str:
        return lake.write(COUNTS, "ann", COUNTS.table([row])).content_sha256

    first = content({"name": "a", "n": 1, "seconds": 0.25})

    assert content({"name": "a", "n": 1, "seconds": 7.5}) == first
    assert lake.read("counts", "ann")["seconds"].to_pylist() == [7.5]
    assert (
        len({first, content({"name": "a", "n": 2}), content({"name": "b", "n": 1}), content({"name": "a"})})
        == 4
    )


def test_a_misfit_leaves_the_old_table(lake: Lake) -> None:
    lake.write(COUNTS, "ann", all_of(1))

    with pytest.raises(SpecViolation):
        lake.write(COUNTS, "ann", pa.table({"name": ["a"], "surprise": [1]}))

    assert lake.read("counts", "ann").equals(COUNTS.conform(all_of(1)))


def test_a_missing_table_says_whose_it_is_and_how_to_make_it(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"'counts' of user 'ann' yet. Make it with `qualia run --user ann`"):
        lake.read("counts", "ann")
    assert lake.info("counts", "ann") is None


def test_a_damaged_file_says_where_it_is_and_how_to_mend_it(lake: Lake) -> None:
    lake.write(COUNTS, "ann", all_of(1))
    path = lake.path("counts", "ann")
    whole = path.read_bytes()

    for damaged in (b"", b"PAR1", whole[: len(whole) // 2], whole[:-1], b"x" * len(whole)):
        path.write_bytes(damaged)
        with pytest.raises(LakeError) as told:
            lake.read("counts", "ann")
        assert f"{path} is damaged" in str(told.value)
        assert "`qualia run --user ann --force`" in str(told.value)
        assert lake.info("counts", "ann") is None


@budget(max_examples=50, deadline=None)
@given(st.data())
def test_bytes_that_went_wrong_give_a_table_or_a_clear_error_and_nothing_else(
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


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
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


def test_a_killed_writer_leaves_the_old_table_and_its_leftovers_go_after_an_hour(lake: Lake) -> None:
    lake.write(COUNTS, "ann", all_of(1))
    writer = child(
        lake,
        """
        with replacing(lake.path("counts", "ann")) as temporary:
            lake.write(COUNTS, "elsewhere", all_of(2))
            new = lake.path("counts", "elsewhere").read_bytes()
            with temporary.open("wb", buffering=0) as handle:
                handle.write(new[: len(new) // 2])
                print("half", flush=True)
                sys.stdin.read()
        """.replace("\n        ", "\n"),
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "half\n"

    writer.kill()
    assert writer.wait() == -signal.SIGKILL

    assert lake.read("counts", "ann").equals(COUNTS.conform(all_of(1)))
    (leftover,) = temporaries(lake)

    lake.write(COUNTS, "ann", all_of(3))
    assert lake.read("counts", "ann").equals(COUNTS.conform(all_of(3)))
    assert temporaries(lake) == [leftover], "it could be that of a writer who still lives"

    two_hours_ago = time.time() - 7200
    os.utime(leftover, (two_hours_ago, two_hours_ago))
    lake.write(COUNTS, "ann", all_of(4))
    assert temporaries(lake) == []


@pytest.mark.parametrize("writes", [1, 12])
def test_a_writer_killed_at_any_moment_leaves_one_whole_table(lake: Lake, writes: int) -> None:
    writer = child(
        lake,
        """
        tables = [all_of(n, rows=30_000) for n in range(3)]
        for i in range(1_000_000):
            lake.write(COUNTS, "ann", tables[i % 3])
            print(i, flush=True)
        """.replace("\n        ", "\n"),
    )
    assert writer.stdout is not None
    for _ in range(writes):
        writer.stdout.readline()

    writer.kill()
    assert writer.wait() == -signal.SIGKILL

    found = lake.read("counts", "ann")
    assert (found.num_rows, len(set(found["n"].to_pylist()))) == (30_000, 1)


def test_a_reader_never_sees_half_a_table_while_it_is_replaced(lake: Lake) -> None:
    writer = child(
        lake,
        """
        for i in range(1_000_000):
            lake.write(COUNTS, "ann", all_of(i))
            print(i, flush=True) if i == 0 else None
        """.replace("\n        ", "\n"),
    )
    assert writer.stdout is not None
    writer.stdout.readline()

    seen: set[int] = set()
    while len(seen) < 40:
        assert writer.poll() is None
        table = lake.read("counts", "ann")
        numbers = set(table["n"].to_pylist())
        assert (table.num_rows, len(numbers)) == (2000, 1)
        seen |= numbers

    writer.kill()
    writer.wait()


@pytest.mark.parametrize(
    "key", ["", "..", "../x", "a/b", "a\\b", "/etc", "Ann", "-a", "_a", "a b", "ä", "a\n", "a" * 64]
)
def test_what_is_no_user_key_never_becomes_a_path(lake: Lake, key: str) -> None:
    with pytest.raises(InvalidUserKey, match=r"not a user key.*for example 'ann'"):
        lake.path("counts", key)
    with pytest.raises(InvalidUserKey, match="not a user key"):
        lake.write(COUNTS, key, all_of(1))
    assert not lake.root.exists()


@budget(max_examples=300, deadline=None)
@given(st.text(max_size=70) | st.text("ab09_-/.A\n", max_size=70))
def test_a_user_key_is_one_to_63_small_letters_digits_and_hyphens_and_begins_with_no_hyphen(key: str) -> None:
    small = string.ascii_lowercase + string.digits
    allowed = 1 <= len(key) <= 63 and key[0] in small and all(c in small + "_-" for c in key)

    if allowed:
        assert check_user_key(key) == key
        assert Lake(Path("/lake")).path("t", key) == Path(f"/lake/t/user={key}/part-0.parquet")
    else:
        with pytest.raises(InvalidUserKey):
            check_user_key(key)
