"""SQL reads the lake; it reads nothing else and writes nothing."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from qualia_assets.lake.specs import INT, STRING, TIME, Column, TableSpec, Vector, vector_array
from qualia_assets.lake.sql import QueryError, connect, publish, read_only
from qualia_assets.lake.store import Lake, LakeError

NOTES = TableSpec(
    "notes",
    "Notes",
    ("note",),
    (
        Column("note", STRING, ""),
        Column("made", TIME, "", nullable=True),
        Column("vector", Vector.UNIT, ""),
    ),
)
TOTALS = TableSpec("totals", "Totals over all users", (), (Column("n", INT, "How many"),), per_user=False)


def write_notes(lake: Lake, user: str, *notes: str) -> None:
    vectors = vector_array(np.tile([1.0, 0.0], (len(notes), 1)))
    times = pa.nulls(len(notes), TIME)
    lake.write(NOTES, user, pa.table({"note": list(notes), "made": times, "vector": vectors}))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_views_hold_the_rows_of_all_users_with_a_column_of_their_keys(lake: Lake) -> None:
    write_notes(lake, "ann", "a", "b")
    write_notes(lake, "bob", "a")
    lake.write(TOTALS, None, pa.table({"n": [3]}))
    rows = read_only(lake, [NOTES, TOTALS], "SELECT user, note, n FROM notes, totals ORDER BY ALL").fetchall()
    assert rows == [("ann", "a", 3), ("ann", "b", 3), ("bob", "a", 3)]


@pytest.mark.parametrize("user", ["007", "42", "2024-01-01"])
def test_a_user_key_of_digits_stays_a_string(lake: Lake, user: str) -> None:
    write_notes(lake, user, "a")
    assert read_only(lake, [NOTES], "SELECT user, typeof(user) FROM notes").fetchall() == [(user, "VARCHAR")]


def test_a_connection_for_one_user_sees_no_other(lake: Lake) -> None:
    write_notes(lake, "ann", "a")
    write_notes(lake, "bob", "b", "c")
    with connect(lake, [NOTES], user="bob", files_of=[NOTES]) as connection:
        notes = connection.sql("SELECT user, note FROM notes ORDER BY note").fetchall()
        files = connection.sql("SELECT table_name, user, rows FROM lake_files").fetchall()
    assert notes == [("bob", "b"), ("bob", "c")]
    assert files == [("notes", "bob", 2)]


def test_a_table_that_no_user_has_is_an_empty_view(lake: Lake) -> None:
    result = read_only(lake, [NOTES, TOTALS], "SELECT note, made, vector, user, n FROM notes, totals")
    assert result.fetchall() == []
    kinds = [str(column[1]) for column in result.description]
    assert kinds == ["VARCHAR", "TIMESTAMP WITH TIME ZONE", "FLOAT[1]", "VARCHAR", "BIGINT"]


def test_lake_files_lists_the_files_of_the_lake(lake: Lake) -> None:
    write_notes(lake, "ann", "a", "b")
    write_notes(lake, "bob")
    query = "SELECT user, rows, bytes, empty FROM lake_files ORDER BY user"
    sizes = [lake.path("notes", user).stat().st_size for user in ("ann", "bob")]
    expected = [("ann", 2, sizes[0], False), ("bob", 0, sizes[1], True)]
    assert read_only(lake, [NOTES], query).fetchall() == expected


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{lake}/stolen.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{lake}/stolen.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{table}' (FORMAT parquet)",
        "SELECT * FROM query('COPY (SELECT 1) TO ''{lake}/stolen.csv''')",
        "ATTACH '{lake}/other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CREATE TABLE mine AS SELECT 1",
        "CREATE OR REPLACE VIEW notes AS SELECT 1",
        "INSERT INTO totals VALUES (1)",
        "DELETE FROM totals",
        "DROP VIEW notes",
        "SET enable_external_access = true",
        "PRAGMA threads = 1",
        "CALL pragma_version()",
        "EXPORT DATABASE '{lake}/out'",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY (SELECT 1) TO '{lake}/stolen.csv'",
        "",
        "-- nothing",
    ],
)
def test_only_one_select_is_run_and_nothing_is_written(lake: Lake, tmp_path: Path, query: str) -> None:
    write_notes(lake, "ann", "a")
    before = contents(tmp_path)
    with pytest.raises(QueryError):
        read_only(lake, [NOTES, TOTALS], query.format(lake=lake.root, table=lake.path("notes", "ann")))
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_csv('{lake}/../secret.csv')",
        "SELECT * FROM read_blob('{folder}/secret.csv')",
        "IMPORT DATABASE '{folder}'",
        "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    ],
)
def test_nothing_outside_the_lake_can_be_read(lake: Lake, tmp_path: Path, query: str) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    (tmp_path / "schema.sql").write_text("SELECT 'secret';")
    (tmp_path / "load.sql").write_text("")
    write_notes(lake, "ann", "a")
    with pytest.raises(QueryError):
        read_only(lake, [NOTES], query.format(lake=lake.root, folder=tmp_path))


WAYS = ["SELECT note FROM notes", "FROM notes SELECT note", "WITH n AS (FROM notes) SELECT note FROM n"]


@pytest.mark.parametrize("query", WAYS)
def test_a_select_may_be_written_in_any_way(lake: Lake, query: str) -> None:
    write_notes(lake, "ann", "a", "b")
    assert read_only(lake, [NOTES], query).fetchall() == [("a",), ("b",)]


def test_a_mistake_in_a_query_is_reported_in_duckdbs_words(lake: Lake) -> None:
    with pytest.raises(QueryError, match="notse"):
        read_only(lake, [NOTES], "SELECT * FROM notse")


def test_the_lake_can_be_in_any_folder_and_behind_a_link(tmp_path: Path) -> None:
    there = Lake(tmp_path / "Ann's lake, 100 % hers")
    write_notes(there, "ann", "a")
    (tmp_path / "link").symlink_to(there.root)
    for lake in (there, Lake(tmp_path / "link")):
        assert read_only(lake, [NOTES], "SELECT note FROM notes").fetchall() == [("a",)]


def test_the_error_for_a_damaged_file_names_it_and_says_how_to_make_it_again(lake: Lake) -> None:
    write_notes(lake, "ann", "a")
    lake.path("notes", "ann").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(LakeError, match=r"'notes' is damaged.*user=ann.*qualia run --user USER --force"):
        read_only(lake, [NOTES], "SELECT 1")


def test_a_reader_of_the_published_file_keeps_the_old_one_while_a_new_one_is_published(lake: Lake) -> None:
    path = str(lake.root / "qualia.duckdb")
    publish(lake, {"totals": pa.table({"n": [1]})})
    with duckdb.connect(path, read_only=True) as reader:
        publish(lake, {"totals": pa.table({"n": [2]})})
        assert reader.sql("SELECT n FROM totals").fetchall() == [(1,)]
    with duckdb.connect(path, read_only=True) as reader:
        assert reader.sql("SELECT n FROM totals").fetchall() == [(2,)]


def test_publishing_that_fails_leaves_the_old_file(lake: Lake) -> None:
    size = publish(lake, {"totals": pa.table({"n": [1]})})
    path = lake.root / "qualia.duckdb"
    with pytest.raises(duckdb.Error):
        publish(lake, {"totals": pa.table({"n": [2]}), "broken": "no table"})  # type: ignore[dict-item]
    assert contents(lake.root) == {path: path.read_bytes()}
    assert path.stat().st_size == size
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.sql("SELECT n FROM totals").fetchall() == [(1,)]
