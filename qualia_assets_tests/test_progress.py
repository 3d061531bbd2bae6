"""How far work is, told often enough and not too often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualia_assets.progress import chunks, logged, silent, tracked


def test_a_log_has_a_line_at_the_start_at_every_quarter_and_at_the_end() -> None:
    lines: list[str] = []
    report = logged(lines.append)

    for done in range(1001):
        report("drawing", done, 1000)

    assert lines == [f"drawing: {n} of 1,000" for n in ("0", "250", "500", "750", "1,000")]


def test_two_kinds_of_work_are_told_apart() -> None:
    lines: list[str] = []
    report = logged(lines.append)

    report("reading", 0, 2)
    report("drawing", 0, 2)
    report("reading", 2, 2)

    assert lines == ["reading: 0 of 2", "drawing: 0 of 2", "reading: 2 of 2"]


def test_work_of_nothing_is_told_once() -> None:
    lines: list[str] = []

    assert list(chunks([], 5, logged(lines.append), "nothing")) == []

    assert lines == ["nothing: 0 of 0"]


@given(st.integers(1, 5000), st.integers(1, 700))
def test_the_log_ends_with_all_of_it_and_has_at_most_five_lines(total: int, step: int) -> None:
    lines: list[str] = []
    for _ in chunks(list(range(total)), step, logged(lines.append), "work"):
        pass

    assert lines[0] == f"work: 0 of {total:,}"
    assert lines[-1] == f"work: {total:,} of {total:,}"
    assert len(lines) <= 5


@given(st.lists(st.integers()), st.integers(1, 9))
def test_chunks_hold_every_item_once_in_order(items: list[int], size: int) -> None:
    parts = list(chunks(items, size, silent, "work"))

    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])


def test_chunks_count_what_was_done_before() -> None:
    told: list[tuple[str, int, int]] = []

    list(chunks([1, 2, 3], 2, lambda *line: told.append(line), "embedding", total=10))

    assert told == [("embedding", 7, 10), ("embedding", 9, 10), ("embedding", 10, 10)]


def test_an_item_is_told_as_done_only_when_the_next_is_asked_for() -> None:
    told: list[int] = []
    work = tracked("ab", lambda what, done, total: told.append(done), "reading", 2)

    assert next(work) == "a"
    assert told == [0]
    assert next(work) == "b"
    assert told == [0, 1]
    with pytest.raises(StopIteration):
        next(work)
    assert told == [0, 1, 2]
