"""A table's spec gives its types, order and checks."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.lake import specs
from qualia_assets.lake.specs import INT, STRING, STRINGS, TIME, Column, SpecViolation, TableSpec, Vector

WALKS = TableSpec(
    "walks",
    "Walks that were taken",
    ("walk",),
    (
        Column("walk", STRING, "Which"),
        Column("steps", INT, "How long", nullable=True),
        Column("tags", STRINGS, "Tags", nullable=True),
        Column("at", TIME, "When", nullable=True),
        Column("vector", Vector.UNIT, "Where to"),
    ),
)
EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def walks(**columns: Any) -> pa.Table:
    """A table of two walks, some columns replaced."""
    valid = {"walk": ["b", "a"], "steps": [10, None], "tags": [["hill"], None], "at": [None, None]}
    return pa.table({**valid, "vector": specs.vector_array(np.array([EAST, NORTH])), **columns})


def heading(*second: float) -> dict[str, Any]:
    """The vector of the second walk replaced."""
    return {"vector": specs.vector_array(np.array([EAST, second]))}


def test_a_conformed_table_has_the_columns_in_order_the_types_and_the_rows_sorted_by_key() -> None:
    shuffled = walks(steps=pa.array([10, None], pa.int8())).select(["vector", "at", "steps", "tags", "walk"])
    table = WALKS.conform(shuffled)
    assert table.schema.equals(WALKS.schema(dimensions=2))
    assert table["walk"].to_pylist() == ["a", "b"]
    assert specs.vectors(table).tolist() == [NORTH, EAST]


def test_missing_and_extra_columns_are_named() -> None:
    with pytest.raises(SpecViolation, match=r"walks.*missing \['steps'\].*not in the spec \['shoes'\]"):
        WALKS.conform(walks(shoes=["old", "new"]).drop(["steps"]))


@pytest.mark.parametrize(
    "columns",
    [
        {"steps": ["many", "few"]},
        {"steps": [1.5, 2.0]},
        {"steps": [[1], [2]]},
        {"at": ["yesterday", "today"]},
        {"walk": ["a", None]},
        {"vector": [[1.0], [0.0, 1.0]]},
        {"vector": ["east", "north"]},
        {"vector": pa.array([None, NORTH], pa.list_(pa.float32(), 2))},
    ],
    # Not the values themselves: an array's text has its address in it, another in each process.
    ids="-".join,
)
def test_values_that_do_not_fit_their_type_are_refused(columns: dict[str, Any]) -> None:
    with pytest.raises(SpecViolation, match="walks"):
        WALKS.conform(walks(**columns))


def test_vectors_of_two_lengths_in_one_table_are_refused() -> None:
    spec = TableSpec("pairs", "", (), (Column("a", Vector.FREE, ""), Column("b", Vector.FREE, "")))
    table = pa.table({"a": specs.vector_array(np.ones((1, 2))), "b": specs.vector_array(np.ones((1, 3)))})
    with pytest.raises(SpecViolation, match=r"different lengths \[2, 3\]"):
        spec.conform(table)


REPEATED = "1 rows repeat the key ('walk',)"
INFINITE = "column 'vector' holds numbers that are not finite"
NOT_UNIT = "column 'vector' holds vectors that are not of unit length"


@pytest.mark.parametrize(
    ("columns", "faults"),
    [
        ({}, []),
        ({"walk": ["a", "a"]}, [REPEATED]),
        *((heading(odd, 0.0), [INFINITE]) for odd in (np.nan, np.inf, -np.inf)),
        *((heading(0.0, length), [NOT_UNIT]) for length in (0.0, 0.99, 1.01, 2.0)),
        ({"walk": ["a", "a"], **heading(3.0, 4.0)}, [REPEATED, NOT_UNIT]),
    ],
)
def test_all_violations_of_a_table_are_listed(columns: dict[str, Any], faults: list[str]) -> None:
    assert WALKS.violations(WALKS.conform(walks(**columns))) == faults


def test_an_empty_table_violates_nothing_and_empty_values_are_counted() -> None:
    assert WALKS.violations(WALKS.conform(WALKS.table([], dimensions=2))) == []
    assert WALKS.violations(walks(walk=[None, None]))[0] == "column 'walk' has 2 empty values"


def test_free_vectors_have_any_length() -> None:
    free = TableSpec("free", "", ("walk",), (WALKS["walk"], Column("vector", Vector.FREE, "")))
    assert free.violations(free.conform(walks(**heading(0.0, 2.0)).select(["walk", "vector"]))) == []


def test_only_all_columns_of_a_key_together_are_unique_and_null_is_a_value() -> None:
    columns = (Column("metric", STRING, ""), Column("k", INT, "", nullable=True))
    spec = TableSpec("figures", "", ("metric", "k"), columns)
    rows = [{"metric": "recall", "k": 1}, {"metric": "recall", "k": None}, {"metric": "gap", "k": None}]
    assert spec.violations(spec.conform(spec.table(rows))) == []
    repeated = spec.violations(spec.conform(spec.table([*rows, rows[1]])))
    assert repeated == ["1 rows repeat the key ('metric', 'k')"]


def test_missing_values_of_rows_become_null() -> None:
    table = WALKS.table([{"walk": "a", "vector": EAST, "tags": ["hill", "sea"]}], dimensions=2)
    row = {"walk": "a", "steps": None, "tags": ["hill", "sea"], "at": None, "vector": EAST}
    assert specs.rows_of(table) == [row]
    assert specs.rows_of(table, ["walk"]) == [{"walk": "a"}]


def test_rows_with_a_misspelt_column_are_refused() -> None:
    with pytest.raises(SpecViolation, match=r"walks.*\['setps'\]"):
        WALKS.table([{"walk": "a", "setps": 3, "vector": EAST}], dimensions=2)


def test_vectors_of_all_or_some_rows_are_those_that_were_stored() -> None:
    matrix = np.arange(12, dtype=np.float32).reshape(6, 2)
    parts = [pa.table({"vector": specs.vector_array(part)}) for part in (matrix[:4], matrix[4:])]
    table = pa.concat_tables(parts)
    assert specs.vectors(table).tolist() == matrix.tolist()
    assert specs.vectors(table.slice(3, 2)).tolist() == matrix[3:5].tolist()
    assert specs.vectors(table.slice(0, 0)).shape == (0, 2)


def test_types_have_names_for_the_ui() -> None:
    kinds = {Vector.UNIT: "unit vector", specs.FLOAT: "double"}
    assert {kind: specs.type_name(Column("c", kind, "")) for kind in kinds} == kinds


@budget(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=3), st.integers(-9, 9) | st.none(), max_size=8), st.randoms())
def test_a_conformed_table_does_not_depend_on_the_order_of_rows(
    rows: dict[str, int | None], random: Any
) -> None:
    columns = (Column("name", STRING, ""), Column("n", INT, "", nullable=True))
    spec = TableSpec("t", "", ("name",), columns)
    shuffled = list(rows.items())
    random.shuffle(shuffled)
    table = spec.conform(spec.table({"name": name, "n": n} for name, n in shuffled))
    # UTF-8 sorts as code points do.
    assert specs.rows_of(table) == [{"name": name, "n": rows[name]} for name in sorted(rows, key=str.encode)]
