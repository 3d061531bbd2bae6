"""The rows of one table by item, taken out of it only as they are asked for.

Belongs here: that alone. What is made of a row is theirs who ask for it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from qualia_assets.lake.specs import rows_of


class Rows:
    """A table whose rows are found by ``artefact_id``; without one there are none."""

    def __init__(self, table: pa.Table | None) -> None:
        # In one piece, out of which single rows are taken quickly.
        self.table = None if table is None else table.combine_chunks()
        ids = [] if table is None else table["artefact_id"].to_pylist()
        self._number = {item: number for number, item in enumerate(ids)}

    def __contains__(self, item: str) -> bool:
        return item in self._number

    def of(self, items: Iterable[str], columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The rows of these items, in the given order; what is not there is left out.

        Args:
            items: ids.
            columns: which to take beside the id; all where none is named.
        """
        numbers = [self._number[item] for item in items if item in self._number]
        if self.table is None or not numbers:
            return []
        wanted = self.table.select(list(dict.fromkeys(("artefact_id", *columns)))) if columns else self.table
        return rows_of(wanted.take(pa.array(numbers, pa.int64())))

    def one(self, item: str) -> dict[str, Any] | None:
        """The row of one item; None where it has none."""
        return rows_of(self.table.slice(self._number[item], 1))[0] if self.table and item in self else None
