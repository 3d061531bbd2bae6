"""Labels on a picture: within the sheet, not over one another, and near what they label."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualia_assets.report.label_placement import Floats, Ink, Label, leader_end, overlapping, place

SHEET = np.array([0.0, 0.0, 800.0, 600.0])
CENTRE = (400, 300)


def labels(*places: tuple[float, float], width: float = 120, height: float = 30) -> list[Label]:
    return [Label(np.array(at, dtype=float), width, height) for at in places]


def placed(
    wanted: list[Label], drawn: Floats | None = None, weight: float = 1.0, clear: float = 0.0
) -> list[Floats | None]:
    ink = Ink(SHEET[2], SHEET[3])
    if drawn is not None:
        ink.add(drawn, weight)
    return place(wanted, ink, SHEET, clear)


def distance(label: Label, box: Floats | None) -> float:
    assert box is not None
    return float(np.linalg.norm(leader_end(label.at, box) - label.at))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 800), st.floats(0, 600)), max_size=25))
def test_labels_are_within_the_sheet_and_do_not_overlap(places: list[tuple[float, float]]) -> None:
    boxes = np.array([box for box in placed(labels(*places)) if box is not None]).reshape(-1, 4)
    assert (boxes[:, :2] >= SHEET[:2]).all()
    assert (boxes[:, 2:] <= SHEET[2:]).all()
    assert overlapping(boxes, boxes).sum() == len(boxes)


def grid(left: float, right: float, bottom: float, top: float) -> Floats:
    x, y = np.meshgrid(np.arange(left, right, 8.0), np.arange(bottom, top, 8.0))
    return np.column_stack([x.ravel(), y.ravel()])


def test_a_single_label_is_close_to_its_point_but_not_on_it_and_hardly_moved_by_faint_ink() -> None:
    (one,) = labels(CENTRE)
    assert 5 < distance(one, placed([one])[0]) < 25
    assert distance(one, placed([one], grid(240, 561, 200, 401), weight=0.001)[0]) < 25


@pytest.mark.parametrize("clear", [0.0, 20.0])
def test_a_label_keeps_the_requested_distance_from_what_is_drawn(clear: float) -> None:
    drawn = grid(300, 501, 200, 401)
    (box,) = placed(labels(CENTRE), drawn, clear=clear)
    assert box is not None
    wide = (box + np.array([-clear, -clear, clear, clear]))[None]
    assert not overlapping(wide, np.hstack([drawn, drawn])).any()


def test_no_leader_line_runs_through_another_label() -> None:
    """Two rows of points, one above the other: the lower labels must let the lines of the upper ones pass."""
    wanted = labels(*((150 + 60 * i, 280 + 40 * j) for i in range(8) for j in range(2)), width=110)
    boxes = placed(wanted, np.array([one.at for one in wanted]))
    for i, (one, box) in enumerate(zip(wanted, boxes, strict=True)):
        if box is not None:
            line = np.linspace(one.at, leader_end(one.at, box), 50)[:-1]
            others = np.array([b for j, b in enumerate(boxes) if j != i and b is not None])
            assert not overlapping(np.hstack([line, line]), others).any()


def test_labels_without_room_are_left_out_but_not_the_first() -> None:
    crowd = placed(labels(*[CENTRE] * 80, width=300, height=100))
    assert crowd[0] is not None
    assert any(box is None for box in crowd)
    assert placed(labels(CENTRE, width=900)) == [None]


@pytest.mark.parametrize(
    "box", [(0, 0, 800, 600), (100, 100, 140, 140), (96, 96, 300, 104), (-50, -50, 0, 0)]
)
def test_the_ink_under_a_box_is_what_was_drawn_in_its_cells(box: tuple[float, ...]) -> None:
    drawn = np.random.default_rng(0).uniform([0, 0], [800, 600], (500, 2))
    ink = Ink(800, 600)
    ink.add(drawn, 2.0)
    low, high = (np.clip(np.array(edge) // 4, 0, None) for edge in (box[:2], box[2:]))
    inside = ((drawn // 4 >= low) & (drawn // 4 <= high)).all(axis=1).sum()
    assert ink.under(np.array([box], dtype=float)) == [2.0 * inside]
