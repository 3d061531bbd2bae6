"""The SQL files of ``dbt_like_sql`` as stages: what they are made from is read off the SQL itself.

``staging/*.sql`` run for each user, ``marts/*.sql`` over all; ``qualia_duckdb`` publishes the marts.
A file's leading comment is its description.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import cast

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope
from sqlglot.schema import MappingSchema

from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, Stage
from qualia_assets.errors import QualiaError
from qualia_assets.lake import sql
from qualia_assets.lake.specs import (
    BOOL,
    FLOAT,
    FLOAT32,
    FLOATS,
    INT,
    STRING,
    STRINGS,
    TIME,
    Column,
    TableSpec,
    Vector,
)
from qualia_assets.lake.tables import TABLES
from qualia_assets.paths import sql_folder

_ARROW_TYPES: dict[pa.DataType, str] = {
    STRING: "VARCHAR",
    STRINGS: "VARCHAR[]",
    INT: "BIGINT",
    FLOAT: "DOUBLE",
    FLOAT32: "FLOAT",
    FLOATS: "FLOAT[]",
    BOOL: "BOOLEAN",
    TIME: "TIMESTAMP WITH TIME ZONE",
}
_DUCKDB_TYPES = {str(kind): name for kind, name in _ARROW_TYPES.items()} | {str(v): "FLOAT[]" for v in Vector}


class SqlFileError(QualiaError):
    """A SQL file that cannot be a stage; the message names the file and the fault."""


@dataclass(frozen=True)
class SqlFile:
    """One SELECT in a file, and what its text says of where it comes from."""

    path: Path
    query: str
    description: str
    tables: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    @classmethod
    def read(cls, path: Path) -> "SqlFile":
        text = path.read_text(encoding="utf-8")
        try:
            tree = sqlglot.parse_one(text, dialect="duckdb")
        except sqlglot.errors.ParseError as error:
            raise SqlFileError(f"{path} is not one DuckDB SELECT: {error}") from error
        own = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
        tables = sorted({table.name for table in tree.find_all(exp.Table)} - own)
        comment = " ".join(re.findall(r"^--\s?(.*)$", text.split("\n\n")[0], re.MULTILINE))
        return cls(path, text, comment or path.stem, tuple(tables))


PUBLISHED = TableSpec(
    "published_marts",
    "The marts that qualia.duckdb holds; the file is built aside and renamed, so readers never wait",
    ("mart",),
    (
        Column("mart", STRING, "Table in qualia.duckdb"),
        Column("rows", INT, "Rows"),
    ),
    per_user=False,
)


def sql_stages(folder: Path | None = None) -> list[Stage]:
    """A stage for each SQL file, in an order in which each comes after what it reads, and the publishing.

    Raises:
        SqlFileError: a file is no SELECT, or reads a table that there is not.
    """
    files = [SqlFile.read(path) for path in sorted((folder or sql_folder()).glob("*/*.sql"))]
    by_name = {file.name: file for file in files}
    for file in files:
        unknown = sorted(set(file.tables) - {*TABLES, *by_name, sql.LAKE_FILES.name})
        if unknown:
            names = ", ".join(unknown)
            raise SqlFileError(f"{file.path} reads {names}, which is neither a table nor a SQL file.")
    upstream = {file.name: [table for table in file.tables if table in by_name] for file in files}
    specs = dict(TABLES)
    stages: list[Stage] = []
    connection = duckdb.connect(":memory:")
    for spec in (*TABLES.values(), sql.LAKE_FILES):
        _declare(connection, spec)
    for name in TopologicalSorter(upstream).static_order():
        file = by_name[name]
        spec = _spec(connection, file, specs, per_user=file.path.parent.name == "staging")
        _declare(connection, spec)
        specs[spec.name] = spec
        stages.append(_stage(file, spec, specs))
    marts = [s.specs[0] for s in stages if not s.per_user]
    return [*stages, _publishing(marts)]


def _stage(file: SqlFile, spec: TableSpec, specs: Mapping[str, TableSpec]) -> Stage:
    reads_files = sql.LAKE_FILES.name in file.tables
    every_table = tuple(TABLES) if reads_files else ()
    known = dict(specs)

    def compute(run: Run) -> pa.Table:
        wanted = [known[t] for t in file.tables if t in known]
        with sql.connect(
            run.lake, wanted, run.user or None, known.values() if reads_files else ()
        ) as connection:
            return connection.sql(file.query).to_arrow_table()

    def outside(run: Run) -> str:
        written = sql.lake_files(run.lake, TABLES.values()).to_pylist() if reads_files else ""
        return f"{file.query}{written}"

    deps = tuple(dict.fromkeys([*(t for t in file.tables if t in known), *every_table]))
    return Stage(
        specs=(spec,),
        compute=compute,
        group="staging" if spec.per_user else "marts",
        kinds=frozenset({"parquet", "duckdb", "sql"}),
        code_version="1",
        depends_on=lambda settings: None,
        external_version=outside,
        deps=deps,
    )


def _publishing(marts: list[TableSpec]) -> Stage:
    def compute(run: Run) -> Made:
        tables = {spec.name: run.lake.read(spec.name, None) for spec in marts}
        size = sql.publish(run.lake, tables)
        rows = [{"mart": name, "rows": table.num_rows} for name, table in tables.items()]
        return Made({PUBLISHED.name: PUBLISHED.table(rows)}, {"file": "qualia.duckdb", "bytes": str(size)})

    return Stage(
        specs=(PUBLISHED,),
        compute=compute,
        group="marts",
        kinds=frozenset({"parquet", "duckdb"}),
        code_version="1",
        depends_on=lambda settings: None,
        deps=tuple(spec.name for spec in marts),
        files=lambda run: [run.lake.root / "qualia.duckdb"],
    )


def _declare(connection: duckdb.DuckDBPyConnection, spec: TableSpec) -> None:
    """An empty table of a spec's columns, to ask DuckDB for the types of a query over it.

    By DDL: handing DuckDB an Arrow table makes it import pandas, which loading the definitions need not.
    """
    columns = [f'"{c.name}" {_DUCKDB_TYPES[str(c.type)]}' for c in spec.columns]
    if spec.per_user and all(c.name != "user" for c in spec.columns):
        columns.append('"user" VARCHAR')
    connection.execute(f'CREATE TABLE "{spec.name}" ({", ".join(columns)})')


def _spec(
    connection: duckdb.DuckDBPyConnection, file: SqlFile, specs: Mapping[str, TableSpec], per_user: bool
) -> TableSpec:
    """The table that a SQL file gives: types by asking DuckDB, lineage by sqlglot."""
    try:
        described = connection.execute(f"DESCRIBE {file.query}").fetchall()
    except duckdb.Error as error:
        raise SqlFileError(f"{file.path}: {error}") from error
    tables = {name: [c.name for c in spec.columns] for name, spec in specs.items()}
    derived = column_lineage(file.query, tables)
    columns = tuple(
        Column(
            name,
            _arrow_type(kind),
            _lineage_description(derived[name]),
            nullable=True,
            derived_from=derived[name],
        )
        for name, kind, *_ in described
    )
    return TableSpec(file.name, file.description, (), columns, per_user)


def _arrow_type(duckdb_type: str) -> pa.DataType:
    return next(kind for kind, name in _ARROW_TYPES.items() if name == duckdb_type)


def _lineage_description(derived_from: tuple[str, ...]) -> str:
    return f"From {', '.join(derived_from)}" if derived_from else ""


def column_lineage(query: str, tables: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """For each output column of a SELECT, the ``table.column`` that its text says it comes from."""
    tree = sqlglot.parse_one(query, dialect="duckdb")
    read = {table.name for table in tree.find_all(exp.Table)} & set(tables)
    columns: dict[str, object] = {name: dict.fromkeys([*tables[name], "user"], "unknown") for name in read}
    schema = MappingSchema(columns, dialect="duckdb")
    # Qualified once for all columns: by itself lineage() would do it again for each.
    qualified = cast(
        exp.Query,
        qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False, identify=False),
    )
    scope = build_scope(qualified)
    found: dict[str, tuple[str, ...]] = {}
    for column in qualified.named_selects:
        leaves = set()
        for node in lineage(
            column, tree, schema, scope=scope, dialect="duckdb", trim_selects=False, copy=False
        ).walk():
            if isinstance(node.expression, exp.Table) and node.expression.name in read:
                leaves.add(f"{node.expression.name}.{node.name.split('.')[-1].strip(chr(34))}")
        found[column] = tuple(sorted(leaf for leaf in leaves if not leaf.endswith(".user")))
    return found
