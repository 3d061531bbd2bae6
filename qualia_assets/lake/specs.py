"""The declaration of a table: columns, types, units, key, and the upstream columns of each.

One :class:`TableSpec` gives the Arrow schema, Dagster's column metadata and the blocking check.
The tables themselves are declared in :mod:`qualia_assets.lake.tables`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa

from qualia_assets.errors import QualiaError

STRING = pa.string()
STRINGS = pa.list_(pa.string())
INT = pa.int64()
FLOAT = pa.float64()
FLOAT32 = pa.float32()
FLOATS = pa.list_(pa.float32())
BOOL = pa.bool_()
TIME = pa.timestamp("us", tz="UTC")


class Vector(Enum):
    """Vector column types; the number of dimensions is only known with the data."""

    UNIT = "unit vector"
    FREE = "vector"


class SpecViolation(QualiaError):
    """A table that does not fit its spec; the message names the table and every fault."""


@dataclass(frozen=True)
class Column:
    """One column. ``derived_from`` lists columns of direct upstream tables as ``table.column``.

    A ``measured`` column (a duration, say) differs from run to run and is left out of the content hash.
    """

    name: str
    type: pa.DataType | Vector
    description: str
    nullable: bool = False
    derived_from: tuple[str, ...] = ()
    measured: bool = False


@dataclass(frozen=True)
class TableSpec:
    """One table: its columns in order, and its key."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    per_user: bool = True
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update({column.name: column for column in self.columns})

    def __getitem__(self, column: str) -> Column:
        return self._by_name[column]

    def schema(self, dimensions: int = 0) -> pa.Schema:
        """The Arrow schema, with vectors of ``dimensions`` entries."""
        return pa.schema(
            [
                pa.field(c.name, _arrow_type(c.type, dimensions), nullable=c.nullable, metadata=None)
                for c in self.columns
            ]
        )

    def table(self, rows: Iterable[dict[str, Any]], dimensions: int = 0) -> pa.Table:
        """Build a table from rows as dictionaries; missing values become null."""
        rows = list(rows)
        schema = self.schema(dimensions)
        unknown = {name for row in rows for name in row} - set(schema.names)
        if unknown:
            raise SpecViolation(f"{self.name}: unknown columns {sorted(unknown)}")
        arrays = [pa.array([row.get(f.name) for row in rows], type=f.type) for f in schema]
        return pa.Table.from_arrays(arrays, schema=schema)

    def conform(self, table: pa.Table) -> pa.Table:
        """Return the table with this spec's column order and types, sorted by key.

        Raises:
            SpecViolation: columns missing or too many, or values that do not fit their type.
        """
        missing = [c.name for c in self.columns if c.name not in table.column_names]
        extra = [name for name in table.column_names if name not in self._by_name]
        if missing or extra:
            raise SpecViolation(f"{self.name}: columns missing {missing}, not in the spec {extra}")
        try:
            cast = table.select([c.name for c in self.columns]).cast(self.schema(_dimensions(self, table)))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
            raise SpecViolation(f"{self.name}: {error}") from error
        if self.key and cast.num_rows:
            cast = cast.sort_by([(name, "ascending") for name in self.key])
        else:
            # A copy, as by sorting: otherwise the bytes under nulls are arbitrary and change the hash.
            cast = cast.take(pa.array(range(cast.num_rows), pa.int64()))
        return cast.combine_chunks().replace_schema_metadata(None)

    def violations(self, table: pa.Table) -> list[str]:
        """Describe the faults of a conformed table; empty where there are none."""
        faults = [
            f"column {c.name!r} has {table[c.name].null_count} empty values"
            for c in self.columns
            if not c.nullable and table[c.name].null_count
        ]
        if self.key and table.num_rows:
            distinct = table.group_by(list(self.key)).aggregate([]).num_rows
            if distinct < table.num_rows:
                faults.append(f"{table.num_rows - distinct} rows repeat the key {self.key}")
        for c in self.columns:
            if isinstance(c.type, Vector) and table.num_rows and not table[c.name].null_count:
                matrix = vectors(table, c.name)
                if not np.isfinite(matrix).all():
                    faults.append(f"column {c.name!r} holds numbers that are not finite")
                elif c.type is Vector.UNIT and np.abs(np.linalg.norm(matrix, axis=1) - 1).max() > 1e-3:
                    faults.append(f"column {c.name!r} holds vectors that are not of unit length")
        return faults


def vectors(table: pa.Table, column: str = "vector") -> np.ndarray:
    """The vectors of a table as a float32 array of shape (rows, dimensions)."""
    array = table[column].combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], type=table[column].type)
    return np.asarray(array.flatten(), dtype=np.float32).reshape(table.num_rows, array.type.list_size)


def vector_array(matrix: np.ndarray) -> pa.FixedSizeListArray:
    """An Arrow column of the rows of ``matrix``, shape (rows, dimensions), as float32."""
    flat = pa.array(np.ascontiguousarray(matrix, dtype=np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, matrix.shape[1])


def rows_of(table: pa.Table, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows as dictionaries, with some columns or all."""
    rows: list[dict[str, Any]] = (table.select(list(columns)) if columns else table).to_pylist()
    return rows


def row_numbers(table: pa.Table) -> dict[str, int]:
    """The row of each item, by its ``artefact_id``."""
    return {item: i for i, item in enumerate(table["artefact_id"].to_pylist())}


def type_name(column: Column) -> str:
    """The name of a column's type as the UI shows it."""
    return column.type.value if isinstance(column.type, Vector) else str(column.type)


def _arrow_type(kind: pa.DataType | Vector, dimensions: int) -> pa.DataType:
    return pa.list_(pa.float32(), dimensions) if isinstance(kind, Vector) else kind


def _dimensions(spec: TableSpec, table: pa.Table) -> int:
    sizes = {
        table[c.name].type.list_size
        for c in spec.columns
        if isinstance(c.type, Vector) and pa.types.is_fixed_size_list(table[c.name].type)
    }
    if len(sizes) > 1:
        raise SpecViolation(f"{spec.name}: vectors of different lengths {sorted(sizes)}")
    return sizes.pop() if sizes else 0
