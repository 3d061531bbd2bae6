"""SQL over the lake's Parquet files, in an in-memory DuckDB that stores nothing itself.

Every table is a view over the files of one user or of all; ``lake_files`` lists the files themselves.
Belongs here: opening such a connection, and publishing marts as one DuckDB file.
"""

from collections.abc import Iterable, Mapping

import duckdb
import pyarrow as pa

from qualia_assets.errors import QualiaError
from qualia_assets.lake.specs import BOOL, INT, STRING, TIME, Column, TableSpec
from qualia_assets.lake.store import Lake, LakeError, replacing

LAKE_FILES = TableSpec(
    "lake_files",
    "The files of the lake: one row for each table and user",
    ("table_name", "user"),
    (
        Column("table_name", STRING, "Table"),
        Column("user", STRING, "User key"),
        Column("rows", INT, "Rows"),
        Column("bytes", INT, "Size of the file"),
        Column("written_at", TIME, "When it was last replaced"),
        Column("empty", BOOL, "Whether it has no rows"),
    ),
)


class QueryError(QualiaError):
    """A query that cannot be run; the message is DuckDB's, or says what is not allowed."""


def connect(
    lake: Lake, specs: Iterable[TableSpec], user: str | None = None, files_of: Iterable[TableSpec] = ()
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB with a view of each table, of one user or of all, with a column ``user``.

    A table without any file is an empty view. ``lake_files`` lists the files of ``files_of``.

    Raises:
        LakeError: a file of the lake is damaged.
    """
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    for spec in specs:
        create_view(connection, lake, spec, user)
    register(connection, LAKE_FILES, lake_files(lake, files_of, user))
    return connection


def create_view(
    connection: duckdb.DuckDBPyConnection, lake: Lake, spec: TableSpec, user: str | None = None
) -> None:
    """Create the view of one table; empty where the lake has no file of it."""
    who = [user] if user is not None else lake.users(spec.name)
    files = (
        [lake.path(spec.name, u) for u in who if lake.exists(spec.name, u)]
        if spec.per_user
        else [path for path in [lake.path(spec.name, None)] if path.exists()]
    )
    if files:
        names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        hive = (
            "hive_partitioning = true, hive_types = {user: varchar}"
            if spec.per_user
            else "hive_partitioning = false"
        )
        query = f"SELECT * FROM read_parquet([{names}], union_by_name = true, {hive})"
        try:
            connection.execute(f'CREATE VIEW "{spec.name}" AS {query}')
        except duckdb.Error as error:
            raise LakeError(
                f"A file of table {spec.name!r} is damaged ({str(error).splitlines()[0]}). "
                "Make it with `qualia run --user USER --force`."
            ) from error
        return
    schema = spec.schema(1)
    if spec.per_user:
        schema = schema.append(pa.field("user", pa.string()))
    register(connection, spec, schema.empty_table())


def register(connection: duckdb.DuckDBPyConnection, spec: TableSpec, table: pa.Table) -> None:
    """Create a table in the connection from an Arrow table."""
    connection.register(f"_{spec.name}", table)
    connection.execute(f'CREATE TABLE "{spec.name}" AS SELECT * FROM "_{spec.name}"')
    connection.unregister(f"_{spec.name}")


def lake_files(lake: Lake, specs: Iterable[TableSpec], user: str | None = None) -> pa.Table:
    """List the files of per-user tables."""
    rows = []
    for spec in specs:
        if not spec.per_user:
            continue
        for who in lake.users(spec.name):
            info = lake.info(spec.name, who) if user in (None, who) else None
            if info is not None:
                rows.append(
                    {
                        "table_name": spec.name,
                        "user": who,
                        "rows": info.rows,
                        "bytes": info.bytes,
                        "written_at": info.written_at,
                        "empty": info.rows == 0,
                    }
                )
    return LAKE_FILES.table(rows)


def read_only(lake: Lake, specs: Iterable[TableSpec], query: str) -> duckdb.DuckDBPyConnection:
    """Run one SELECT over the lake and return the connection that holds its result.

    The query can read nothing outside the lake and write nothing anywhere.

    Raises:
        QueryError: the query is not one SELECT, or DuckDB cannot run it.
    """
    specs = list(specs)
    connection = connect(lake, specs, files_of=specs)
    try:
        # Before the query is parsed: parsing IMPORT DATABASE already reads files.
        root = str(lake.root.resolve()).replace("'", "''")
        connection.execute(f"SET allowed_directories = ['{root}']")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        statements = connection.extract_statements(query)
        # Not EXPLAIN either: EXPLAIN ANALYZE COPY writes, and the lake itself must stay readable.
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise QueryError("Only one SELECT at a time: the lake is opened read-only.")
        return connection.execute(query)
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def publish(lake: Lake, marts: Mapping[str, pa.Table]) -> int:
    """Replace ``qualia.duckdb`` with a new one of these marts; return its size in bytes.

    A process that has the old file open keeps reading that.
    """
    path = lake.root / "qualia.duckdb"
    with replacing(path) as temporary, duckdb.connect(str(temporary)) as connection:
        for name, table in marts.items():
            connection.register("_mart", table)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "_mart"')
            connection.unregister("_mart")
    return path.stat().st_size
