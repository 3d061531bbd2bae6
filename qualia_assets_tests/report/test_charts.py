"""Charts are where their numbers say: read back from the SVG itself."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from markupsafe import Markup

from qualia_assets.report import charts
from qualia_assets.report.charts import Cloud, Line, Mark, Name, Steps, Strip

HOSTILE = '"><script>alert(1)</script><b x="'


def parsed(svg: Markup) -> ET.Element:
    """The chart as XML, which holds nothing that a strict policy would refuse."""
    root = ET.fromstring(svg)
    for element in root.iter():
        assert element.tag in {"svg", "g", "path", "circle", "text"}
        assert not {"style", "id", "onload", "href"} & set(element.attrib)
    return root


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [e for e in root.iter() if name in e.get("class", "").split()]


def numbers(path: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d*\.?\d+", path)]


def dots(path: ET.Element) -> list[tuple[float, float]]:
    """Where the dots of a path lie, in the chart's units."""
    (scale,) = numbers(path.get("transform", ""))
    x = y = 0.0
    found = []
    for dx, dy in re.findall(r"m(-?\d+)\s?(-?\d+)h0", path.get("d", "")):
        x, y = x + float(dx), y + float(dy)
        found.append((x * scale, y * scale))
    return found


def cloud(xs: list[float], ys: list[float], kind: str = "of-text") -> Cloud:
    return Cloud(np.array(xs, dtype=np.float64), np.array(ys, dtype=np.float64), kind)


def test_every_dot_lies_where_its_coordinates_say_up_being_more() -> None:
    root = parsed(charts.cloud_chart([cloud([0, 10, 10, 5], [0, 0, 10, 5])], "four"))
    found = dots(of_class(root, "dots")[0])
    left, right = min(x for x, _ in found), max(x for x, _ in found)
    top, bottom = min(y for _, y in found), max(y for _, y in found)
    # The same scale on both axes: as far across as up, to a step of the grid.
    assert right - left == pytest.approx(bottom - top, abs=0.5)
    middle = ((left + right) / 2, (top + bottom) / 2)
    expected = sorted([(left, bottom), (right, bottom), (right, top), middle])
    assert np.array(sorted(found)) == pytest.approx(np.array(expected), abs=0.5)


def test_all_dots_are_within_the_chart_however_they_lie() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal([1e6, -3], [1, 1e-4], (500, 2))
    root = parsed(charts.cloud_chart([Cloud(points[:, 0], points[:, 1], "of-text")], "far out"))
    assert all(0 <= x <= 420 and 0 <= y <= 340 for x, y in dots(of_class(root, "dots")[0]))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_chart_of_next_to_nothing_is_still_a_chart(n: int) -> None:
    root = parsed(charts.cloud_chart([cloud([3.0] * n, [4.0] * n)], "few"))
    # Two at one place are one dot to look at.
    assert [len(dots(path)) for path in of_class(root, "dots")] == ([1] if n else [])


def test_of_too_many_dots_some_are_drawn_of_each_cloud_in_proportion() -> None:
    rng = np.random.default_rng(0)
    clouds = [Cloud(rng.normal(size=n), rng.normal(size=n), "of-text") for n in (40_000, 10_000)]
    svg = charts.cloud_chart(clouds, "many")
    counts = [len(dots(path)) for path in of_class(parsed(svg), "dots")]
    assert sum(counts) <= charts.MOST_DOTS
    assert counts[0] / counts[1] == pytest.approx(4, rel=0.15)
    assert len(svg) < 100_000


def test_names_stay_within_the_chart_and_apart_and_what_finds_no_room_is_left_out() -> None:
    names = [Name(5.0, 5.0, str(n)) for n in range(100, 400)]
    root = parsed(charts.cloud_chart([cloud([0, 10], [0, 10])], "crowd", names))
    boxes = [
        (
            float(t.get("x", 0)) - 10,
            float(t.get("y", 0)) - 11,
            float(t.get("x", 0)) + 10,
            float(t.get("y", 0)) + 3,
        )
        for t in of_class(root, "name")
    ]
    assert 5 < len(boxes) < 300
    assert of_class(root, "name")[0].text == "100"
    for i, a in enumerate(boxes):
        assert a[0] >= 0
        assert a[2] <= 420
        for b in boxes[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_words_that_come_in_stay_text() -> None:
    drawn = [
        charts.cloud_chart([cloud([0], [0])], HOSTILE, [Name(0, 0, HOSTILE[:12])], (HOSTILE, "y")),
        charts.plane_chart([Mark(0.1, 0.5, "nothing", word=HOSTILE)], HOSTILE, (HOSTILE, "y")),
        charts.steps_chart([], HOSTILE, (0, 1), 1, HOSTILE),
        charts.runs_chart([Line([0.1, 0.2], [None, None], "nothing")], [HOSTILE, "b"], HOSTILE, [None, None]),
    ]
    for svg in drawn:
        assert "<script" not in svg
        assert parsed(svg).get("aria-label") == HOSTILE


def test_a_histogram_reaches_up_to_its_shares_and_falls_to_nothing_where_bins_are_missing() -> None:
    bins = [(0.0, 0.1, 0.5), (0.1, 0.2, 1.0), (0.5, 0.6, 0.25)]
    root = parsed(charts.steps_chart([Steps(bins, "of-text")], "two", (0, 1), 1.0, "cosine"))
    (line,) = of_class(root, "line")
    path = line.get("d", "")
    assert path.count("M") == 2
    floor, top = 196.0, 12.0
    assert [float(v) for v in re.findall(r"V([\d.]+)", path)] == [
        (floor + top) / 2, top, floor, floor + 0.25 * (top - floor), floor,
    ]  # fmt: skip


def test_a_whisker_stands_on_a_scale_from_nothing_to_one() -> None:
    root = parsed(charts.whisker(0.5, (0.25, 0.75), 0.0, 1.0))
    (value,) = of_class(root, "value")
    assert float(value.get("cx", 0)) == 60
    ends = numbers(of_class(root, "interval")[0].get("d", ""))
    assert (ends[0], ends[2]) == (31.5, 88.5)
    chance, nothing = (numbers(of_class(root, kind)[0].get("d", ""))[0] for kind in ("chance", "nothing"))
    assert (chance, nothing) == (3, 117)


def test_without_an_interval_no_whisker_is_drawn() -> None:
    assert of_class(parsed(charts.whisker(0.5, None, None, None)), "interval") == []
    strip = parsed(charts.strip([None, Strip(1.0, None, "nothing")], None, (0, 2)))
    assert of_class(strip, "interval") == []
    assert len(of_class(strip, "mark")) == 1


def test_marks_that_are_to_be_told_apart_differ_in_form_and_not_by_colour_alone() -> None:
    kinds = ("one-layer", "two-layers", "for-new", "for-seen", "nothing")
    forms = {charts.swatch(kind).split(' d="M14 8')[1] for kind in kinds}
    assert len(forms) == len(kinds)


def test_a_chance_level_near_the_marks_is_drawn_and_one_far_below_is_told() -> None:
    marks = [Mark(0.1, 0.90, "one-layer"), Mark(0.3, 0.95, "nothing")]
    near = parsed(charts.plane_chart(marks, "near", ("x", "y"), chance=0.88))
    far = parsed(charts.plane_chart(marks, "far", ("x", "y"), chance=0.1))
    assert [len(of_class(root, "chance")) for root in (near, far)] == [1, 0]
    assert "by chance 0.10, below" in "".join(far.itertext())
    # Which leaves the marks the room.
    apart = [
        abs(a - b)
        for root in (near, far)
        for a, b in pairwise(numbers(m.get("d", ""))[1] for m in of_class(root, "mark"))
    ]
    assert apart[1] > 100


def test_two_words_at_one_place_do_not_lie_on_one_another_and_are_both_there() -> None:
    marks = [
        Mark(0.5, 0.5, "nothing", word="doing nothing"),
        Mark(0.5, 0.5, "for-new", word="selected: mine"),
    ]
    drawn = of_class(parsed(charts.plane_chart(marks, "two", ("x", "y"))), "word")
    assert {w.text for w in drawn} == {"doing nothing", "selected: mine"}
    places = {(w.get("text-anchor"), w.get("y")) for w in drawn}
    assert len(places) == 2


def test_a_front_is_a_line_of_steps_through_its_corners() -> None:
    marks = [Mark(x, y, "one-layer") for x, y in ((0.1, 0.2), (0.4, 0.8))]
    root = parsed(charts.plane_chart(marks, "front", ("x", "y"), front=[(0.1, 0.2), (0.4, 0.8)]))
    path = of_class(root, "front")[0].get("d", "")
    places = [numbers(m.get("d", ""))[:2] for m in of_class(root, "mark")]
    assert numbers(path)[:4] == pytest.approx([*places[0], *reversed(places[1])][:2] + places[1])


def test_over_runs_a_figure_that_is_missing_leaves_out_its_mark_and_no_other() -> None:
    line = Line([0.2, None, 0.6], [(0.1, 0.3), None, (0.5, 0.7)], "selected")
    root = parsed(
        charts.runs_chart([line], ["2026-01-01", "2026-01-02", "2026-01-03"], "three", [0.1, 0.1, 0.1])
    )
    marks = of_class(root, "mark")
    assert len(marks) == len(of_class(root, "interval")) == 2
    (first, _), (last, _) = (numbers(m.get("d", ""))[:2] for m in marks)
    assert first < last
    texts = [t.text for t in root.iter("text")]
    assert "2026-01-01" in texts
    assert "2026-01-03" in texts


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0.13, 0.97), (-4, -1.5), (0, 0), (0.001, 0.0011), (3, 12_345)]
)
def test_ticks_are_few_and_lie_within_the_axis(low: float, high: float) -> None:
    ticks = charts._ticks(low, high, 6)
    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-6 <= t <= high + 1e-6 for t in ticks)
