"""Charts as SVG, rendered on the server: scatter plots, histograms, whiskers, lines over runs.

Belongs here: marks, axes and label placement. Colours, fonts and line widths come from the page's style sheet
by class, so one chart serves light and dark; a chart holds no style, script or id. All text is escaped.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

MOST_DOTS = 8000
"""Dots of one chart; of more, only every nth is drawn."""
_FINE = 4
"""Dots are rounded to a grid that many times finer than the chart's units."""
_GLYPH = 6.6
"""Width of a digit in a chart's units, rounded y_scale."""


@dataclass(frozen=True)
class Cloud:
    """Dots of one look: coordinates in any units, shape (n,) each, and a class of the style sheet."""

    x: Doubles
    y: Doubles
    kind: str


@dataclass(frozen=True)
class Label:
    """A label and where it belongs among the dots."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Steps:
    """A histogram: bins as (from, to, share), and a class of the style sheet."""

    bins: Sequence[tuple[float, float, float]]
    kind: str


@dataclass(frozen=True)
class Mark:
    """A point with optional intervals on both axes, its kind, and a label beside it."""

    x: float
    y: float
    kind: str
    x_interval: tuple[float, float] | None = None
    y_interval: tuple[float, float] | None = None
    label: str = ""
    ringed: bool = False


@dataclass(frozen=True)
class Line:
    """Values over runs, None where a run has none, with their intervals, and the kind of their marks."""

    values: Sequence[float | None]
    intervals: Sequence[tuple[float, float] | None]
    kind: str


@dataclass(frozen=True)
class Strip:
    """A value, its interval, and the kind of its mark."""

    value: float
    interval: tuple[float, float] | None
    kind: str


@dataclass(frozen=True)
class _Scale:
    """A linear scale, from values to coordinates."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)


def cloud_chart(
    clouds: Sequence[Cloud],
    label: str,
    labels: Sequence[Label] = (),
    axes: tuple[str, str] | None = None,
) -> Markup:
    """Draw dots in a plane of arbitrary units: one scale for both axes, no ticks.

    Args:
        clouds: later ones lie on top.
        label: describes the chart to screen readers.
        labels: the most important first; each is put as near to its place as there is room.
        axes: the names of the axes, if they have any.
    """
    size = width, height = (420, 340)
    foot = 22 if axes else 8
    box = (foot, 8, width - 8, height - foot)
    xs = np.concatenate([c.x for c in clouds]) if clouds else np.zeros(0)
    ys = np.concatenate([c.y for c in clouds]) if clouds else np.zeros(0)
    x_scale, y_scale = _same_scale(xs, ys, box)
    stride = max(1, math.ceil(len(xs) / MOST_DOTS))
    body = [_dots(cloud, x_scale, y_scale, stride) for cloud in clouds]
    if axes:
        body += [
            _text(width / 2, height - 5, axes[0], "axis", "middle"),
            Markup('<g transform="translate(13 {}) rotate(-90)">{}</g>').format(
                _n(height / 2), _text(0, 0, axes[1], "axis", "middle")
            ),
        ]
    body += _placed([(x_scale(at.x), y_scale(at.y), at.text) for at in labels], box)
    return _svg("cloud", size, label, body)


def _same_scale(xs: Doubles, ys: Doubles, box: Box) -> tuple[_Scale, _Scale]:
    """Scales that centre all points in the box, undistorted."""
    left, top, right, bottom = box
    low_x, high_x = _range(xs)
    low_y, high_y = _range(ys)
    scale = max((high_x - low_x) / (right - left), (high_y - low_y) / (bottom - top)) * 1.06
    half_x, half_y = scale * (right - left) / 2, scale * (bottom - top) / 2
    mid_x, mid_y = (low_x + high_x) / 2, (low_y + high_y) / 2
    return (
        _Scale(mid_x - half_x, mid_x + half_x, left, right),
        _Scale(mid_y - half_y, mid_y + half_y, bottom, top),
    )


def _range(values: Doubles) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _dots(cloud: Cloud, x_scale: _Scale, y_scale: _Scale, stride: int) -> Markup:
    """All dots as one path of zero-length lines with round ends."""
    x = np.rint([_FINE * x_scale(v) for v in cloud.x[::stride]]).astype(int)
    y = np.rint([_FINE * y_scale(v) for v in cloud.y[::stride]]).astype(int)
    if not len(x):
        return Markup("")
    places = np.unique(np.stack([x, y], axis=1), axis=0)
    moves = np.diff(places, axis=0, prepend=np.zeros((1, 2), dtype=int))
    path = "".join(f"m{dx}{'' if dy < 0 else ' '}{dy}h0" for dx, dy in moves.tolist())
    return Markup('<path class="dots {}" transform="scale({})" d="{}"/>').format(
        cloud.kind, _n(1 / _FINE), path
    )


def _placed(wanted: Iterable[tuple[float, float, str]], box: Box) -> list[Markup]:
    """Labels that overlap no other; one that finds no room near its place is left out."""
    taken: list[Box] = []
    drawn = []
    left, top, right, bottom = box
    for x, y, text in wanted:
        half_w, half_h = (len(text) * _GLYPH) / 2 + 2, 7.5
        for dx, dy in _offsets():
            at = (x + dx - half_w, y + dy - half_h, x + dx + half_w, y + dy + half_h)
            inside = left <= at[0] and at[2] <= right and top <= at[1] and at[3] <= bottom
            if inside and not any(_overlap(at, other) for other in taken):
                taken.append(at)
                drawn.append(_text(x + dx, y + dy + 4, text, "name", "middle"))
                break
    return drawn


def _offsets() -> Iterator[tuple[float, float]]:
    """Offsets from a point, the nearest first."""
    yield 0.0, 0.0
    for ring in range(1, 5):
        for step in range(6 + 2 * ring):
            angle = 2 * math.pi * step / (6 + 2 * ring)
            yield 8 * ring * math.cos(angle), 7 * ring * math.sin(angle)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def steps_chart(
    steps: Sequence[Steps], label: str, extent: tuple[float, float], highest: float, axis: str
) -> Markup:
    """Draw histograms over one another, as outlines.

    Args:
        steps: each with its bins in order; bins left out are empty.
        label: describes the chart to screen readers.
        extent: the range of the x axis, the same in charts to be compared.
        highest: the top of the y axis, likewise.
        axis: the name of the x axis.
    """
    size = (420, 240)
    x_scale, y_scale = _Scale(*extent, 40, 408), _Scale(0, highest or 1.0, 196, 12)
    body = _grid(x_scale, y_scale, _ticks(*extent, 6), _ticks(0, highest or 1.0, 4), share=True)
    body.append(_text(224, 234, axis, "axis", "middle"))
    for outline in steps:
        path, end = "", None
        for low, high, share in outline.bins:
            if end is None or low > end + 1e-9:
                path += f"{'' if end is None else f'V{_n(y_scale(0))}'}M{_n(x_scale(low))} {_n(y_scale(0))}"
            path += f"V{_n(y_scale(share))}H{_n(x_scale(high))}"
            end = high
        if path:
            path += f"V{_n(y_scale(0))}"
            body.append(Markup('<path class="line {}" d="{}"/>').format(outline.kind, path))
    return _svg("steps", size, label, body)


def plane_chart(
    marks: Sequence[Mark],
    label: str,
    axes: tuple[str, str],
    front: Sequence[tuple[float, float]] = (),
    chance: float | None = None,
) -> Markup:
    """Draw points on two measured axes, with whiskers where they have intervals.

    Args:
        marks: later ones lie on top; their labels do not overlap.
        label: describes the chart to screen readers.
        axes: the names of the x and the y axis.
        front: corners of a step line, from left to right.
        chance: the chance level of y, if there is one.
    """
    size = (560, 400)
    xs = [v for m in marks for v in (m.x, *(m.x_interval or ()))]
    ys = [v for m in marks for v in (m.y, *(m.y_interval or ()))]
    # A chance level far below all values would squeeze them together: it is written instead of drawn.
    below = chance is not None and bool(ys) and chance < min(ys) - (max(ys) - min(ys))
    ys += [chance] if chance is not None and not below else []
    right, (low, high) = max(xs, default=1.0) * 1.05 or 1.0, _padded(ys)
    box = (52.0, 12.0, 548.0, 348.0)
    x_scale, y_scale = _Scale(0, right, box[0], box[2]), _Scale(low, high, box[3], box[1])
    body = _grid(x_scale, y_scale, _ticks(0, right, 6), _ticks(low, high, 6))
    body += [
        _text((box[0] + box[2]) / 2, 392, axes[0], "axis", "middle"),
        Markup('<g transform="translate(14 {}) rotate(-90)">{}</g>').format(
            _n((box[1] + box[3]) / 2), _text(0, 0, axes[1], "axis", "middle")
        ),
    ]
    if chance is not None and below:
        body.append(_text(box[2], box[3] - 6, f"chance {chance:.2f}, below ↓", "axis", "end"))
    elif chance is not None:
        body.append(_horizontal(y_scale(chance), box[0], box[2], "chance"))
        body.append(_text(box[2], y_scale(chance) - 5, "chance", "axis", "end"))
    if front:
        path = f"M{_n(x_scale(front[0][0]))} {_n(y_scale(front[0][1]))}"
        for x, y in front[1:]:
            path += f"H{_n(x_scale(x))}V{_n(y_scale(y))}"
        body.append(Markup('<path class="line front" d="{}"/>').format(path + f"H{_n(box[2])}"))
    for mark in marks:
        x, y = x_scale(mark.x), y_scale(mark.y)
        if mark.x_interval:
            body.append(_whisker(x_scale(mark.x_interval[0]), y, x_scale(mark.x_interval[1]), y))
        if mark.y_interval:
            body.append(_whisker(x, y_scale(mark.y_interval[0]), x, y_scale(mark.y_interval[1])))
        if mark.ringed:
            body.append(Markup('<circle class="ring" cx="{}" cy="{}" r="10"/>').format(_n(x), _n(y)))
        body.append(shape(mark.kind, x, y))
    places = [(x_scale(m.x), y_scale(m.y)) for m in marks]
    labels = [(x, y, m.label) for (x, y), m in zip(places, marks, strict=True) if m.label]
    # The last mark lies on top, so its label is placed first.
    return _svg("plane", size, label, body + _beside(labels[::-1], places, box))


def _beside(
    labels: Sequence[tuple[float, float, str]], marks: Sequence[tuple[float, float]], box: Box
) -> list[Markup]:
    """Labels to the right or left of their marks, not overlapping, where they hide the fewest marks."""
    drawn, taken = [], list[Box]()
    for x, y, text in labels:
        width = len(text) * _GLYPH
        free = []
        for distance, dy in enumerate((17, -9, 31, -23, 45, -37)):
            for start, anchor in ((x + 14, "start"), (x - 14 - width, "end")):
                at = (start, y + dy - 11, start + width, y + dy + 4)
                inside = box[0] <= at[0] and at[2] <= box[2] and box[1] <= at[1] and at[3] <= box[3]
                if inside and not any(_overlap(at, other) for other in taken):
                    hidden = sum(at[0] < a < at[2] and at[1] < b < at[3] for a, b in marks)
                    free.append((hidden, distance, anchor, at, dy))
        if free:
            _, _, anchor, at, dy = min(free)
            taken.append(at)
            drawn.append(_text(x + 14 if anchor == "start" else x - 14, y + dy, text, "word", anchor))
    return drawn


def runs_chart(
    lines: Sequence[Line], ticks: Sequence[str], label: str, chance: Sequence[float | None]
) -> Markup:
    """Draw values over runs, evenly spaced whatever time lay between them.

    Args:
        lines: each with one value per run.
        ticks: a label per run; the first and the last are written.
        label: describes the chart to screen readers.
        chance: the chance level of each run.
    """
    size = (420, 230)
    x_scale = _Scale(0, max(1, len(ticks) - 1), 52, 392)
    values = [v for line in lines for v in line.values if v is not None]
    values += [v for line in lines for ends in line.intervals if ends for v in ends]
    low, high = _padded([*values, *(v for v in chance if v is not None)])
    y_scale = _Scale(low, high, 192, 12)
    body = _grid(x_scale, y_scale, [], _ticks(low, high, 5), right=408, left=40)
    body.append(_text(40, 214, ticks[0], "axis", "start"))
    body.append(_text(408, 214, ticks[-1], "axis", "end"))
    body.append(
        _polyline([(x_scale(i), y_scale(v)) for i, v in enumerate(chance) if v is not None], "chance")
    )
    for place, line in enumerate(lines):
        shift = 4 * (place - (len(lines) - 1) / 2)
        points = [(x_scale(i) + shift, y_scale(v)) for i, v in enumerate(line.values) if v is not None]
        body.append(_polyline(points, line.kind))
        for i, ends in enumerate(line.intervals):
            if ends:
                x = x_scale(i) + shift
                body.append(_whisker(x, y_scale(ends[0]), x, y_scale(ends[1])))
        body += [shape(line.kind, x, y) for x, y in points]
    return _svg("runs", size, label, body)


def whisker(
    value: float, interval: tuple[float, float] | None, chance: float | None, nothing: float | None
) -> Markup:
    """Draw a value from 0 to 1 for a table cell: its interval, chance and doing nothing as upright lines.

    The value itself is written beside it, so the chart is hidden from screen readers.
    """
    x_scale = _Scale(0, 1, 3, 117)
    body = [_horizontal(9, 3, 117, "base")]
    for at, kind in ((chance, "chance"), (nothing, "nothing")):
        if at is not None:
            body.append(_vertical(x_scale(at), 1, 17, kind))
    if interval:
        body.append(_whisker(x_scale(interval[0]), 9, x_scale(interval[1]), 9))
    body.append(Markup('<circle class="value" cx="{}" cy="9" r="3.5"/>').format(_n(x_scale(value))))
    return Markup(
        '<svg class="chart whisker" width="120" height="18" viewBox="0 0 120 18" aria-hidden="true">{}</svg>'
    ).format(Markup("").join(body))


def strip(rows: Sequence[Strip | None], chance: float | None, extent: tuple[float, float]) -> Markup:
    """Draw one metric of several configurations below one another, with intervals and the chance level.

    The values themselves are written beside it, so the chart is hidden from screen readers.
    """
    height = 14 * len(rows) + 4
    x_scale = _Scale(*extent, 8, 172)
    body = [_vertical(x_scale(chance), 2, height - 2, "chance")] if chance is not None else []
    for place, row in enumerate(rows):
        y = 9 + 14 * place
        if row is None:
            continue
        if row.interval:
            body.append(_whisker(x_scale(row.interval[0]), y, x_scale(row.interval[1]), y))
        body.append(shape(row.kind, x_scale(row.value), y))
    return Markup(
        '<svg class="chart strip" width="180" height="{0}" viewBox="0 0 180 {0}" aria-hidden="true">{1}</svg>'
    ).format(height, Markup("").join(body))


def swatch(kind: str, line: bool = False) -> Markup:
    """A line or a mark for a legend."""
    drawn = Markup('<path class="line {}" d="M2 8H26"/>').format(kind) if line else shape(kind, 14, 8)
    return Markup(
        '<svg class="chart swatch" width="28" height="16" viewBox="0 0 28 16" aria-hidden="true">{}</svg>'
    ).format(drawn)


_SHAPES = {
    "circle": "M{x} {y}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "square": "M{x} {y}m-4-4h8v8h-8z",
    "triangle": "M{x} {y}m0-5.5l5 9h-10z",
    "diamond": "M{x} {y}m0-5.5l5 5.5l-5 5.5l-5-5.5z",
    "star": "M{x} {y}m0-9l2.6 5.9l6.3.6l-4.8 4.2l1.4 6.2l-5.5-3.3l-5.5 3.3l1.4-6.2l-4.8-4.2l6.3-.6z",
}
_LOOKS = {
    "one-layer": "circle",
    "two-layers": "square",
    "inductive": "triangle",
    "transductive": "diamond",
    "nothing": "star",
    "selected": "circle",
    "raw": "square",
}


def shape(kind: str, x: float, y: float) -> Markup:
    """A mark that is recognised by its shape alone, without colour."""
    path = _SHAPES[_LOOKS[kind]].format(x=_n(x), y=_n(y))
    return Markup('<path class="mark {}" d="{}"/>').format(kind, path)


def _grid(
    x_scale: _Scale,
    y_scale: _Scale,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    share: bool = False,
    left: float | None = None,
    right: float | None = None,
) -> list[Markup]:
    """Grid lines and tick labels of both axes."""
    left, right = x_scale.start if left is None else left, x_scale.end if right is None else right
    body = [_horizontal(y_scale(t), left, right, "grid") for t in y_ticks]
    body += [
        _text(left - 7, y_scale(t) + 4, f"{t:.0%}" if share else f"{t:g}", "tick", "end") for t in y_ticks
    ]
    body += [_text(x_scale(t), y_scale.start + 18, f"{t:g}", "tick", "middle") for t in x_ticks]
    body.append(_horizontal(y_scale.start, left, right, "base"))
    return body


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from low to high, at most about ``most`` of them."""
    span = high - low
    if span <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * s for s in (1, 2, 2.5, 5, 10) if span / (power * s) <= most)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _padded(values: Sequence[float]) -> tuple[float, float]:
    """The range of all values with a margin, which crosses 0 or 1 only where values do."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.06 * (high - low) or 0.1
    bottom, top = low - room, high + room
    return (max(bottom, 0.0) if low >= 0 else bottom), (min(top, 1.0) if high <= 1 else top)


def _polyline(places: Sequence[tuple[float, float]], kind: str) -> Markup:
    if len(places) < 2:
        return Markup("")
    path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in places)
    return Markup('<path class="line {}" d="{}"/>').format(kind, path)


def _whisker(x1: float, y1: float, x2: float, y2: float) -> Markup:
    """An interval with end caps."""
    a, b = (0.0, 4.0) if abs(y2 - y1) < abs(x2 - x1) else (4.0, 0.0)
    path = f"M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}"
    for x, y in ((x1, y1), (x2, y2)):
        path += f"M{_n(x - a)} {_n(y - b)}L{_n(x + a)} {_n(y + b)}"
    return Markup('<path class="interval" d="{}"/>').format(path)


def _horizontal(y: float, left: float, right: float, kind: str) -> Markup:
    return Markup('<path class="rule {}" d="M{} {}H{}"/>').format(kind, _n(left), _n(y), _n(right))


def _vertical(x: float, top: float, bottom: float, kind: str) -> Markup:
    return Markup('<path class="rule {}" d="M{} {}V{}"/>').format(kind, _n(x), _n(top), _n(bottom))


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, _n(x), _n(y), anchor, text
    )


def _svg(kind: str, size: tuple[int, int], label: str, body: Iterable[Markup]) -> Markup:
    return Markup('<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        kind, *size, label, Markup("").join(escape(part) for part in body)
    )


def _n(value: float) -> str:
    """A coordinate, rounded to hundredths."""
    return f"{round(value, 2):g}"
