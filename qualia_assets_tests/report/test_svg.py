"""Marks are where their values say, read back from the SVG itself."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from markupsafe import Markup

from qualia_assets.report import svg
from qualia_assets.report.svg import Cloud, Label, Line, Mark, Steps, Strip

HOSTILE = '"><script>alert(1)</script><b x="'


def parsed(chart: Markup) -> ET.Element:
    """The chart as XML, without anything that a strict content security policy would refuse."""
    root = ET.fromstring(chart)
    for element in root.iter():
        assert element.tag in {"svg", "g", "path", "circle", "text"}
        assert not {"style", "id", "onload", "href"} & set(element.attrib)
    return root


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [e for e in root.iter() if name in e.get("class", "").split()]


def numbers(path: ET.Element) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d*\.?\d+", path.get("d", ""))]


def dots(root: ET.Element) -> list[list[tuple[float, float]]]:
    """Where the dots of each cloud lie, in the chart's units."""
    clouds = []
    for path in of_class(root, "dots"):
        scale = float(path.get("transform", "").removeprefix("scale(").removesuffix(")"))
        moves = np.array(re.findall(r"m(-?\d+)\s?(-?\d+)h0", path.get("d", "")), dtype=float)
        clouds.append([(float(x), float(y)) for x, y in moves.cumsum(axis=0) * scale])
    return clouds


def cloud(xs: list[float], ys: list[float]) -> Cloud:
    return Cloud(np.array(xs, dtype=np.float64), np.array(ys, dtype=np.float64), "of-text")


def test_dots_are_at_their_coordinates_with_one_scale_for_both_axes() -> None:
    (found,) = dots(parsed(svg.cloud_chart([cloud([0, 10, 10, 5], [0, 0, 10, 5])], "four")))
    (left, top), (right, bottom) = np.min(found, axis=0), np.max(found, axis=0)
    # To a step of the grid.
    assert right - left == pytest.approx(bottom - top, abs=0.5)
    middle = ((left + right) / 2, (top + bottom) / 2)
    expected = sorted([(left, bottom), (right, bottom), (right, top), middle])
    assert np.array(sorted(found)) == pytest.approx(np.array(expected), abs=0.5)


def test_dots_are_within_the_chart_whatever_their_range() -> None:
    points = np.random.default_rng(0).normal([1e6, -3], [1, 1e-4], (500, 2))
    (found,) = dots(parsed(svg.cloud_chart([Cloud(points[:, 0], points[:, 1], "of-text")], "far out")))
    assert all(0 <= x <= 420 and 0 <= y <= 340 for x, y in found)


@pytest.mark.parametrize(("items", "expected"), [(0, []), (1, [1]), (2, [1])])
def test_coincident_items_are_one_dot(items: int, expected: list[int]) -> None:
    chart = svg.cloud_chart([cloud([3.0] * items, [4.0] * items)], "few")
    assert [len(found) for found in dots(parsed(chart))] == expected


def test_too_many_dots_are_thinned_out_in_proportion() -> None:
    rng = np.random.default_rng(0)
    clouds = [Cloud(rng.normal(size=n), rng.normal(size=n), "of-text") for n in (40_000, 10_000)]
    chart = svg.cloud_chart(clouds, "many")
    counts = [len(found) for found in dots(parsed(chart))]
    assert sum(counts) <= svg.MOST_DOTS
    assert counts[0] / counts[1] == pytest.approx(4, rel=0.15)
    assert len(chart) < 100_000


def test_labels_are_within_the_chart_and_apart_and_the_first_ones_have_priority() -> None:
    labels = [Label(5.0, 5.0, str(n)) for n in range(100, 400)]
    drawn = of_class(parsed(svg.cloud_chart([cloud([0, 10], [0, 10])], "crowd", labels)), "name")
    assert drawn[0].text == "100"
    assert 5 < len(drawn) < 300
    at = [(float(text.get("x", 0)), float(text.get("y", 0))) for text in drawn]
    assert all(10 <= x <= 410 for x, _ in at)
    for i, (x, y) in enumerate(at):
        assert all(abs(x - other) >= 20 or abs(y - height) >= 14 for other, height in at[:i])


def test_text_is_escaped() -> None:
    charts = [
        svg.cloud_chart([cloud([0], [0])], HOSTILE, [Label(0, 0, HOSTILE[:12])], (HOSTILE, "y")),
        svg.plane_chart([Mark(0.1, 0.5, "nothing", label=HOSTILE)], HOSTILE, (HOSTILE, "y")),
        svg.steps_chart([], HOSTILE, (0, 1), 1, HOSTILE),
        svg.runs_chart([Line([0.1, 0.2], [None, None], "nothing")], [HOSTILE, "b"], HOSTILE, [None, None]),
    ]
    for chart in charts:
        assert "<script" not in chart
        assert parsed(chart).get("aria-label") == HOSTILE


def test_a_histogram_is_as_high_as_its_shares_and_zero_where_bins_are_missing() -> None:
    bins = [(0.0, 0.1, 0.5), (0.1, 0.2, 1.0), (0.5, 0.6, 0.25)]
    chart = parsed(svg.steps_chart([Steps(bins, "of-text"), Steps([], "none")], "two", (0, 1), 1.0, "cosine"))
    (line,) = of_class(chart, "line")
    path = line.get("d", "")
    assert path.count("M") == 2
    bottom, top = 196.0, 12.0
    assert [float(v) for v in re.findall(r"V([\d.]+)", path)] == [
        (bottom + top) / 2, top, bottom, bottom + 0.25 * (top - bottom), bottom,
    ]  # fmt: skip


def test_a_whisker_is_on_a_scale_from_zero_to_one() -> None:
    root = parsed(svg.whisker(0.5, (0.25, 0.75), 0.0, 1.0))
    assert float(of_class(root, "value")[0].get("cx", 0)) == 60
    ends = numbers(of_class(root, "interval")[0])
    assert (ends[0], ends[2]) == (31.5, 88.5)
    assert [numbers(of_class(root, kind)[0])[0] for kind in ("chance", "nothing")] == [3, 117]


def test_without_an_interval_no_whisker_is_drawn() -> None:
    assert of_class(parsed(svg.whisker(0.5, None, None, None)), "interval") == []
    strip = parsed(svg.strip([None, Strip(1.0, None, "nothing")], None, (0, 2)))
    assert (len(of_class(strip, "interval")), len(of_class(strip, "mark"))) == (0, 1)


def test_marks_differ_in_shape_not_by_colour_alone() -> None:
    kinds = ("one-layer", "two-layers", "inductive", "transductive", "nothing")
    assert len({svg.swatch(kind).split(' d="M14 8')[1] for kind in kinds}) == len(kinds)


def test_a_chance_level_near_the_marks_is_a_line_and_one_far_below_them_is_text() -> None:
    marks = [Mark(0.1, 0.90, "one-layer"), Mark(0.3, 0.95, "nothing")]
    near = parsed(svg.plane_chart(marks, "near", ("x", "y"), chance=0.88))
    far = parsed(svg.plane_chart(marks, "far", ("x", "y"), chance=0.1))
    assert [len(of_class(root, "chance")) for root in (near, far)] == [1, 0]
    assert "chance 0.10, below" in "".join(far.itertext())
    # That leaves room for the marks.
    ((lower, upper),) = pairwise(numbers(mark)[1] for mark in of_class(far, "mark"))
    assert abs(lower - upper) > 100


def test_labels_of_coincident_marks_do_not_overlap() -> None:
    labels = {"nothing": "doing nothing", "inductive": "selected: x"}
    marks = [Mark(0.5, 0.5, kind, label=label) for kind, label in labels.items()]
    drawn = of_class(parsed(svg.plane_chart(marks, "two", ("x", "y"))), "word")
    assert {text.text for text in drawn} == {*labels.values()}
    assert len({(text.get("text-anchor"), text.get("y")) for text in drawn}) == 2


def test_a_front_is_a_step_line_through_its_corners() -> None:
    corners = [(0.1, 0.2), (0.4, 0.8)]
    marks = [Mark(x, y, "one-layer", (x / 2, x), (y / 2, y)) for x, y in corners]
    root = parsed(svg.plane_chart(marks, "front", ("x", "y"), front=corners))
    first, second = (numbers(mark)[:2] for mark in of_class(root, "mark"))
    assert numbers(of_class(root, "front")[0])[:4] == pytest.approx([*first, *second])
    assert len(of_class(root, "interval")) == 4


def test_a_run_without_a_value_has_no_mark() -> None:
    line = Line([0.2, None, 0.6], [(0.1, 0.3), None, (0.5, 0.7)], "selected")
    root = parsed(svg.runs_chart([line], ["2026-01-01", "2026-01-02", "2026-01-03"], "three", [0.1] * 3))
    marks = of_class(root, "mark")
    assert len(marks) == len(of_class(root, "interval")) == 2
    assert numbers(marks[0])[0] < numbers(marks[1])[0]
    assert {"2026-01-01", "2026-01-03"} <= {text.text for text in root.iter("text")}


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0.13, 0.97), (-4, -1.5), (0, 0), (0.001, 0.0011), (3, 12_345)]
)
def test_ticks_are_few_and_lie_within_the_axis(low: float, high: float) -> None:
    ticks = svg._ticks(low, high, 6)
    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-6 <= t <= high + 1e-6 for t in ticks)
