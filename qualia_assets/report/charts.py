"""Charts as SVG, made of numbers on the server: clouds of dots, steps, whiskers, lines over runs.

Belongs here: how numbers become marks, and where labels go. Nothing is measured here. Colours, type and line
widths come from the page's style sheet by class, so that one chart does for light and dark; a chart holds no
style, no script and no id. Every word that comes in is escaped.
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
"""Dots of one chart; of more, every so-and-so-many-th is drawn."""
_FINE = 4
"""Dots are placed on whole numbers of a grid so many times finer than the chart's units."""
_GLYPH = 6.6
"""Width of a digit in a chart's units, a little more than it is."""


@dataclass(frozen=True)
class Cloud:
    """Dots that look the same: coordinates in any units, shape (n,) each, and a class of the style sheet."""

    x: Doubles
    y: Doubles
    kind: str


@dataclass(frozen=True)
class Name:
    """A word put where it belongs among the dots."""

    x: float
    y: float
    word: str


@dataclass(frozen=True)
class Steps:
    """A histogram: bins as (from, to, share), and its class."""

    bins: Sequence[tuple[float, float, float]]
    kind: str


@dataclass(frozen=True)
class Mark:
    """A value on both axes, with the intervals that are to be drawn, its shape, and a word beside it."""

    x: float
    y: float
    shape: str
    x_interval: tuple[float, float] | None = None
    y_interval: tuple[float, float] | None = None
    word: str = ""
    ringed: bool = False


@dataclass(frozen=True)
class Line:
    """Values over runs, one for each of them or None, with their intervals, and its shape."""

    values: Sequence[float | None]
    intervals: Sequence[tuple[float, float] | None]
    shape: str


@dataclass(frozen=True)
class Strip:
    """A value, its interval, and its shape."""

    value: float
    interval: tuple[float, float] | None
    shape: str


@dataclass(frozen=True)
class _Axis:
    """From values to places, straight."""

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
    names: Sequence[Name] = (),
    axes: tuple[str, str] | None = None,
) -> Markup:
    """Dots in a plane whose units mean nothing: the same scale on both axes, no ticks.

    Args:
        clouds: the first ones lie behind.
        label: what is to be seen, in words.
        names: words among the dots, the first ones first; each as near to its place as there is room.
        axes: names of the two axes, where they have any.
    """
    size = width, height = (420, 340)
    foot = 22 if axes else 8
    box = (foot, 8, width - 8, height - foot)
    xs = np.concatenate([c.x for c in clouds]) if clouds else np.zeros(0)
    ys = np.concatenate([c.y for c in clouds]) if clouds else np.zeros(0)
    across, up = _same_scale(xs, ys, box)
    every = max(1, math.ceil(len(xs) / MOST_DOTS))
    body = [_dots(cloud, across, up, every) for cloud in clouds]
    if axes:
        body += [
            _text(width / 2, height - 5, axes[0], "axis", "middle"),
            Markup('<g transform="translate(13 {}) rotate(-90)">{}</g>').format(
                _n(height / 2), _text(0, 0, axes[1], "axis", "middle")
            ),
        ]
    body += _placed([(across(name.x), up(name.y), name) for name in names], box)
    return _svg("cloud", size, label, body)


def _same_scale(xs: Doubles, ys: Doubles, box: Box) -> tuple[_Axis, _Axis]:
    """Axes that show all of it in the middle of the box, undistorted."""
    left, top, right, bottom = box
    low_x, high_x = _reach(xs)
    low_y, high_y = _reach(ys)
    scale = max((high_x - low_x) / (right - left), (high_y - low_y) / (bottom - top)) * 1.06
    half_x, half_y = scale * (right - left) / 2, scale * (bottom - top) / 2
    mid_x, mid_y = (low_x + high_x) / 2, (low_y + high_y) / 2
    return (
        _Axis(mid_x - half_x, mid_x + half_x, left, right),
        _Axis(mid_y - half_y, mid_y + half_y, bottom, top),
    )


def _reach(values: Doubles) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _dots(cloud: Cloud, across: _Axis, up: _Axis, every: int) -> Markup:
    """One path for all dots: lines of no length with round or square ends, one after another."""
    x = np.rint([_FINE * across(v) for v in cloud.x[::every]]).astype(int)
    y = np.rint([_FINE * up(v) for v in cloud.y[::every]]).astype(int)
    if not len(x):
        return Markup("")
    places = np.unique(np.stack([x, y], axis=1), axis=0)
    moves = np.diff(places, axis=0, prepend=np.zeros((1, 2), dtype=int))
    path = "".join(f"m{dx}{'' if dy < 0 else ' '}{dy}h0" for dx, dy in moves.tolist())
    return Markup('<path class="dots {}" transform="scale({})" d="{}"/>').format(
        cloud.kind, _n(1 / _FINE), path
    )


def _placed(wanted: Iterable[tuple[float, float, Name]], box: Box) -> list[Markup]:
    """Words where no other word is; one that finds no room near its place is left out."""
    taken: list[Box] = []
    drawn = []
    left, top, right, bottom = box
    for x, y, name in wanted:
        half_w, half_h = (len(name.word) * _GLYPH) / 2 + 2, 7.5
        for dx, dy in _around():
            at = (x + dx - half_w, y + dy - half_h, x + dx + half_w, y + dy + half_h)
            inside = left <= at[0] and at[2] <= right and top <= at[1] and at[3] <= bottom
            if inside and not any(_overlap(at, other) for other in taken):
                taken.append(at)
                drawn.append(_text(x + dx, y + dy + 4, name.word, "name", "middle"))
                break
    return drawn


def _around() -> Iterator[tuple[float, float]]:
    """Places around a point, the nearest first."""
    yield 0.0, 0.0
    for ring in range(1, 5):
        for step in range(6 + 2 * ring):
            angle = 2 * math.pi * step / (6 + 2 * ring)
            yield 8 * ring * math.cos(angle), 7 * ring * math.sin(angle)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def steps_chart(
    steps: Sequence[Steps], label: str, reach: tuple[float, float], highest: float, name: str
) -> Markup:
    """Histograms over one another, as outlines.

    Args:
        steps: each with its bins in order; bins left out are empty.
        label: what is to be seen, in words.
        reach: from where to where the axis goes, so that charts side by side can be compared.
        highest: the largest share of any chart beside it.
        name: what the bins are of.
    """
    size = (420, 240)
    across, up = _Axis(*reach, 40, 408), _Axis(0, highest or 1.0, 196, 12)
    body = _grid(across, up, _ticks(*reach, 6), _ticks(0, highest or 1.0, 4), share=True)
    body.append(_text(224, 234, name, "axis", "middle"))
    for outline in steps:
        path, end = "", None
        for low, high, share in outline.bins:
            if end is None or low > end + 1e-9:
                path += f"{'' if end is None else f'V{_n(up(0))}'}M{_n(across(low))} {_n(up(0))}"
            path += f"V{_n(up(share))}H{_n(across(high))}"
            end = high
        if path:
            path += f"V{_n(up(0))}"
            body.append(Markup('<path class="line {}" d="{}"/>').format(outline.kind, path))
    return _svg("steps", size, label, body)


def plane_chart(
    marks: Sequence[Mark],
    label: str,
    names: tuple[str, str],
    front: Sequence[tuple[float, float]] = (),
    chance: float | None = None,
) -> Markup:
    """Values on two axes that mean something, with whiskers where a mark has intervals.

    Args:
        marks: the first ones lie behind; words beside them are kept apart.
        label: what is to be seen, in words.
        names: of the axes, across and up.
        front: corners of a line of steps, from left to right.
        chance: drawn across, where there is such a thing.
    """
    size = (560, 400)
    xs = [v for m in marks for v in (m.x, *(m.x_interval or ()))]
    ys = [v for m in marks for v in (m.y, *(m.y_interval or ()))]
    # A chance level far below all that was measured would press the rest together: it is told, not drawn.
    below = chance is not None and bool(ys) and chance < min(ys) - (max(ys) - min(ys))
    ys += [chance] if chance is not None and not below else []
    right, (low, high) = max(xs, default=1.0) * 1.05 or 1.0, _padded(ys)
    box = (52.0, 12.0, 548.0, 348.0)
    across, up = _Axis(0, right, box[0], box[2]), _Axis(low, high, box[3], box[1])
    body = _grid(across, up, _ticks(0, right, 6), _ticks(low, high, 6))
    body += [
        _text((box[0] + box[2]) / 2, 392, names[0], "axis", "middle"),
        Markup('<g transform="translate(14 {}) rotate(-90)">{}</g>').format(
            _n((box[1] + box[3]) / 2), _text(0, 0, names[1], "axis", "middle")
        ),
    ]
    if chance is not None and below:
        body.append(_text(box[2], box[3] - 6, f"by chance {chance:.2f}, below ↓", "axis", "end"))
    elif chance is not None:
        body.append(_across(up(chance), box[0], box[2], "chance"))
        body.append(_text(box[2], up(chance) - 5, "by chance", "axis", "end"))
    if front:
        path = f"M{_n(across(front[0][0]))} {_n(up(front[0][1]))}"
        for x, y in front[1:]:
            path += f"H{_n(across(x))}V{_n(up(y))}"
        body.append(Markup('<path class="line front" d="{}"/>').format(path + f"H{_n(box[2])}"))
    for mark in marks:
        x, y = across(mark.x), up(mark.y)
        if mark.x_interval:
            body.append(_whisker(across(mark.x_interval[0]), y, across(mark.x_interval[1]), y))
        if mark.y_interval:
            body.append(_whisker(x, up(mark.y_interval[0]), x, up(mark.y_interval[1])))
        if mark.ringed:
            body.append(Markup('<circle class="ring" cx="{}" cy="{}" r="10"/>').format(_n(x), _n(y)))
        body.append(shape(mark.shape, x, y))
    places = [(across(m.x), up(m.y)) for m in marks]
    spoken = [(x, y, m.word) for (x, y), m in zip(places, marks, strict=True) if m.word]
    # The last mark lies on top, so its word chooses first.
    return _svg("plane", size, label, body + _beside(spoken[::-1], places, box))


def _beside(
    spoken: Sequence[tuple[float, float, str]], marks: Sequence[tuple[float, float]], box: Box
) -> list[Markup]:
    """Words to the right or left of their marks, apart from another, where they hide the fewest marks."""
    drawn, taken = [], list[Box]()
    for x, y, word in spoken:
        width = len(word) * _GLYPH
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
            drawn.append(_text(x + 14 if anchor == "start" else x - 14, y + dy, word, "word", anchor))
    return drawn


def runs_chart(
    lines: Sequence[Line], ticks: Sequence[str], label: str, chance: Sequence[float | None]
) -> Markup:
    """Values over runs, which stand as far from one another whatever time lay between them.

    Args:
        lines: each with as many values as there are runs.
        ticks: a word for each run; the first and the last are written.
        label: what is to be seen, in words.
        chance: of each run.
    """
    size = (420, 230)
    across = _Axis(0, max(1, len(ticks) - 1), 52, 392)
    every = [v for line in lines for v in line.values if v is not None]
    every += [v for line in lines for ends in line.intervals if ends for v in ends]
    low, high = _padded([*every, *(v for v in chance if v is not None)])
    up = _Axis(low, high, 192, 12)
    body = _grid(across, up, [], _ticks(low, high, 5), right=408, left=40)
    body.append(_text(40, 214, ticks[0], "axis", "start"))
    body.append(_text(408, 214, ticks[-1], "axis", "end"))
    body.append(_polyline([(across(i), up(v)) for i, v in enumerate(chance) if v is not None], "chance"))
    for number, line in enumerate(lines):
        shift = 4 * (number - (len(lines) - 1) / 2)
        there = [(across(i) + shift, up(v)) for i, v in enumerate(line.values) if v is not None]
        body.append(_polyline(there, line.shape))
        for i, ends in enumerate(line.intervals):
            if ends:
                x = across(i) + shift
                body.append(_whisker(x, up(ends[0]), x, up(ends[1])))
        body += [shape(line.shape, x, y) for x, y in there]
    return _svg("runs", size, label, body)


def whisker(
    value: float, interval: tuple[float, float] | None, chance: float | None, nothing: float | None
) -> Markup:
    """A figure from 0 to 1 in a table's cell: its interval, chance as a dotted line, doing nothing as a line.

    The figure itself is written beside it, so it is hidden from those who listen.
    """
    across = _Axis(0, 1, 3, 117)
    body = [_across(9, 3, 117, "base")]
    for at, kind in ((chance, "chance"), (nothing, "nothing")):
        if at is not None:
            body.append(_upright(across(at), 1, 17, kind))
    if interval:
        body.append(_whisker(across(interval[0]), 9, across(interval[1]), 9))
    body.append(Markup('<circle class="value" cx="{}" cy="9" r="3.5"/>').format(_n(across(value))))
    return Markup(
        '<svg class="chart whisker" width="120" height="18" viewBox="0 0 120 18" aria-hidden="true">{}</svg>'
    ).format(Markup("").join(body))


def strip(rows: Sequence[Strip | None], chance: float | None, reach: tuple[float, float]) -> Markup:
    """The same figure of several, below one another, with their intervals and chance as a dotted line.

    The figures themselves are written beside it, so it is hidden from those who listen.
    """
    height = 14 * len(rows) + 4
    across = _Axis(*reach, 8, 172)
    body = [_upright(across(chance), 2, height - 2, "chance")] if chance is not None else []
    for place, row in enumerate(rows):
        y = 9 + 14 * place
        if row is None:
            continue
        if row.interval:
            body.append(_whisker(across(row.interval[0]), y, across(row.interval[1]), y))
        body.append(shape(row.shape, across(row.value), y))
    return Markup(
        '<svg class="chart strip" width="180" height="{0}" viewBox="0 0 180 {0}" aria-hidden="true">{1}</svg>'
    ).format(height, Markup("").join(body))


def swatch(kind: str, line: bool = False) -> Markup:
    """What stands for a line or a shape in a legend."""
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
    "for-new": "triangle",
    "for-seen": "diamond",
    "nothing": "star",
    "selected": "circle",
    "raw": "square",
}


def shape(kind: str, x: float, y: float) -> Markup:
    """A mark whose form says what it is, without its colour."""
    path = _SHAPES[_LOOKS[kind]].format(x=_n(x), y=_n(y))
    return Markup('<path class="mark {}" d="{}"/>').format(kind, path)


def _grid(
    across: _Axis,
    up: _Axis,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    share: bool = False,
    left: float | None = None,
    right: float | None = None,
) -> list[Markup]:
    """Lines and numbers of both axes."""
    left, right = across.start if left is None else left, across.end if right is None else right
    body = [_across(up(t), left, right, "grid") for t in y_ticks]
    body += [_text(left - 7, up(t) + 4, f"{t:.0%}" if share else f"{t:g}", "tick", "end") for t in y_ticks]
    body += [_text(across(t), up.start + 18, f"{t:g}", "tick", "middle") for t in x_ticks]
    body.append(_across(up.start, left, right, "base"))
    return body


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from low to high, about as many as asked for."""
    span = high - low
    if span <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * s for s in (1, 2, 2.5, 5, 10) if span / (power * s) <= most)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _padded(values: Sequence[float]) -> tuple[float, float]:
    """Around all of them, with a little room, and never past 0 or 1 where they are not."""
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
    """An interval with ends across it."""
    a, b = (0.0, 4.0) if abs(y2 - y1) < abs(x2 - x1) else (4.0, 0.0)
    path = f"M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}"
    for x, y in ((x1, y1), (x2, y2)):
        path += f"M{_n(x - a)} {_n(y - b)}L{_n(x + a)} {_n(y + b)}"
    return Markup('<path class="interval" d="{}"/>').format(path)


def _across(y: float, left: float, right: float, kind: str) -> Markup:
    return Markup('<path class="rule {}" d="M{} {}H{}"/>').format(kind, _n(left), _n(y), _n(right))


def _upright(x: float, top: float, bottom: float, kind: str) -> Markup:
    return Markup('<path class="rule {}" d="M{} {}V{}"/>').format(kind, _n(x), _n(top), _n(bottom))


def _text(x: float, y: float, word: str, kind: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, _n(x), _n(y), anchor, word
    )


def _svg(kind: str, size: tuple[int, int], label: str, body: Iterable[Markup]) -> Markup:
    return Markup('<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        kind, *size, label, Markup("").join(escape(part) for part in body)
    )


def _n(value: float) -> str:
    """A number as short as it can be written to a tenth of a unit."""
    return f"{round(value, 2):g}"
