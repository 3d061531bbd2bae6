"""What Dagster's UI shows of tables. Aggregates only: metadata outlives a user's erasure."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from qualia_assets.lake.specs import TableSpec, type_name


def table_metadata(spec: TableSpec) -> dict[str, Any]:
    """Return a table's columns and their lineage."""
    columns = [
        dg.TableColumn(
            c.name,
            type_name(c),
            c.description,
            constraints=dg.TableColumnConstraints(nullable=c.nullable, unique=spec.key == (c.name,)),
        )
        for c in spec.columns
    ]
    lineage = {
        c.name: [dg.TableColumnDep(*source.split(".")) for source in c.derived_from]
        for c in spec.columns
        if c.derived_from
    }
    metadata: dict[str, Any] = {"dagster/column_schema": dg.TableSchema(columns)}
    if lineage:
        metadata["dagster/column_lineage"] = dg.TableColumnLineage(lineage)
    return metadata


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> dg.MetadataValue:
    """Return a small table."""
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(map(_cell, row)) for row in rows]
    return dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines))


def _cell(value: Any) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:,.3f}"
        case int():
            return f"{value:,}"
        case _:
            return str(value)
