"""Progress is reported often enough and not too often."""

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


def test_two_kinds_of_work_are_logged_apart() -> None:
    lines: list[str] = []
    report = logged(lines.append)

    report("reading", 0, 2)
    report("drawing", 0, 2)
    report("reading", 2, 2)

    assert lines == ["reading: 0 of 2", "drawing: 0 of 2", "reading: 2 of 2"]


def test_work_of_no_items_is_logged_once() -> None:
    lines: list[str] = []

    assert list(chunks([], 5, logged(lines.append), "nothing")) == []

    assert lines == ["nothing: 0 of 0"]


@given(st.integers(1, 5000), st.integers(1, 700))
def test_the_log_ends_with_the_total_and_has_at_most_five_lines(total: int, step: int) -> None:
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


def test_chunks_count_items_done_before() -> None:
    reports: list[tuple[str, int, int]] = []

    list(chunks([1, 2, 3], 2, lambda *line: reports.append(line), "embedding", total=10))

    assert reports == [("embedding", 7, 10), ("embedding", 9, 10), ("embedding", 10, 10)]


def test_an_item_is_reported_as_done_only_when_the_next_is_requested() -> None:
    reported: list[int] = []
    work = tracked("ab", lambda what, done, total: reported.append(done), "reading", 2)

    assert next(work) == "a"
    assert reported == [0]
    assert next(work) == "b"
    assert reported == [0, 1]
    with pytest.raises(StopIteration):
        next(work)
    assert reported == [0, 1, 2]
