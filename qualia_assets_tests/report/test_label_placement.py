"""Names on a picture: none on another, none off the sheet, near what they name and beside what is drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualia_assets.report.label_placement import Floats, Ink, Wanted, leader_end, place, touching

SHEET = np.array([0.0, 0.0, 800.0, 600.0])


def wanted(*places: tuple[float, float], width: float = 120, height: float = 30) -> list[Wanted]:
    return [Wanted(np.array(at, dtype=float), width, height) for at in places]


def placed(names: list[Wanted], drawn: Floats | None = None, **how: float) -> list[Floats | None]:
    ink = Ink(SHEET[2], SHEET[3])
    if drawn is not None:
        ink.add(drawn, 1.0)
    return place(names, ink, SHEET, **how)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 800), st.floats(0, 600)), max_size=25))
def test_names_stay_on_the_sheet_and_off_one_another(places: list[tuple[float, float]]) -> None:
    boxes = [box for box in placed(wanted(*places)) if box is not None]
    found = np.array(boxes).reshape(-1, 4)
    assert (found[:, :2] >= SHEET[:2]).all()
    assert (found[:, 2:] <= SHEET[2:]).all()
    assert touching(found, found).sum() == len(found)


def test_a_name_alone_stands_close_to_its_place_and_not_on_it() -> None:
    (one,) = wanted((400, 300))
    (box,) = placed([one])
    assert box is not None
    assert 5 < np.linalg.norm(leader_end(one.at, box) - one.at) < 25


def test_a_name_evades_what_is_drawn_and_keeps_as_clear_of_it_as_is_asked() -> None:
    x, y = np.meshgrid(np.arange(300, 501, 8.0), np.arange(200, 401, 8.0))
    drawn = np.column_stack([x.ravel(), y.ravel()])
    for clear in (0.0, 20.0):
        (box,) = placed(wanted((400, 300)), drawn, clear=clear)
        assert box is not None
        wide = (box + np.array([-clear, -clear, clear, clear]))[None]
        assert not touching(wide, np.hstack([drawn, drawn])).any()


def test_a_name_does_not_go_far_to_evade_next_to_nothing() -> None:
    (one,) = wanted((400, 300))
    x, y = np.meshgrid(np.arange(240, 561, 8.0), np.arange(200, 401, 8.0))
    ink = Ink(SHEET[2], SHEET[3])
    ink.add(np.column_stack([x.ravel(), y.ravel()]), 0.001)
    (box,) = place([one], ink, SHEET)
    assert box is not None
    assert np.linalg.norm(leader_end(one.at, box) - one.at) < 25


def test_a_line_to_a_name_runs_through_no_other_name() -> None:
    """Two rows of places above one another: the lower names must let the lines of the upper ones pass."""
    names = wanted(*((150 + 60 * i, 280 + 40 * j) for i in range(8) for j in range(2)), width=110)
    boxes = placed(names, np.array([one.at for one in names]))
    for i, (one, box) in enumerate(zip(names, boxes, strict=True)):
        if box is not None:
            way = np.linspace(one.at, leader_end(one.at, box), 50)[:-1]
            others = np.array([b for j, b in enumerate(boxes) if j != i and b is not None])
            assert not touching(np.hstack([way, way]), others).any()


def test_a_name_without_room_is_left_out_and_the_first_ones_are_not() -> None:
    crowd = placed(wanted(*[(400, 300)] * 80, width=300, height=100))
    assert crowd[0] is not None
    assert any(box is None for box in crowd)


def test_a_name_larger_than_the_sheet_has_no_place() -> None:
    assert placed(wanted((400, 300), width=900)) == [None]


@pytest.mark.parametrize(
    "box", [(0, 0, 800, 600), (100, 100, 140, 140), (96, 96, 300, 104), (-50, -50, 0, 0)]
)
def test_the_ink_under_a_box_is_what_was_drawn_in_its_cells(box: tuple[float, ...]) -> None:
    drawn = np.random.default_rng(0).uniform([0, 0], [800, 600], (500, 2))
    ink = Ink(800, 600)
    ink.add(drawn, 2.0)
    low, high = (np.clip(np.array(edge) // 4, 0, None) for edge in (box[:2], box[2:]))
    cells = drawn // 4
    inside = ((cells >= low) & (cells <= high)).all(axis=1).sum()
    assert ink.under(np.array([box], dtype=float)) == [2.0 * inside]
