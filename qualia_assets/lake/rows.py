"""Lookup of a table's rows by item; rows are converted to Python only when requested."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from qualia_assets.lake.specs import rows_of


class Rows:
    """The rows of a table by ``artefact_id``; empty where there is no table."""

    def __init__(self, table: pa.Table | None) -> None:
        # Taking single rows is fast from one chunk.
        self.table = None if table is None else table.combine_chunks()
        ids = [] if table is None else table["artefact_id"].to_pylist()
        self._number = {item: number for number, item in enumerate(ids)}

    def __contains__(self, item: str) -> bool:
        return item in self._number

    def of(self, items: Iterable[str], columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The rows of these items in the given order; items without a row are left out.

        Args:
            items: ids.
            columns: to return besides the id; all by default.
        """
        numbers = [self._number[item] for item in items if item in self._number]
        if self.table is None or not numbers:
            return []
        wanted = self.table.select(list(dict.fromkeys(("artefact_id", *columns)))) if columns else self.table
        return rows_of(wanted.take(pa.array(numbers, pa.int64())))

    def one(self, item: str) -> dict[str, Any] | None:
        """The row of one item, or None."""
        return rows_of(self.table.slice(self._number[item], 1))[0] if self.table and item in self else None
