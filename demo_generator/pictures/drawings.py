"""Ruled and measured drawings: grids, blocks, plans, rooms in perspective, joints of wood.

Belongs here: pictures made with a ruler on paper.
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from PIL import Image

from demo_generator.pictures.canvas import BLACK, RGB, Box, Palette, Point, Rng, Size, mix, one_of
from demo_generator.pictures.light import grain
from demo_generator.pictures.pen import Pen, around
from demo_generator.pictures.shapes import oblong, scribble
from demo_generator.pictures.surfaces import paper_sheet

_Face: TypeAlias = tuple[np.ndarray, float]


def _by_hand(rng: Rng, start: Point, end: Point, wobble: float) -> np.ndarray:
    """A line from one point to another as a hand draws it."""
    line = np.linspace(np.array(start, float), np.array(end, float), 9)
    return np.asarray(line + rng.normal(0, wobble, line.shape))


def _washed_rows(rng: Rng, field: Box, pen: Pen, inks: list[RGB]) -> None:
    """Bands of thin colour under pencil lines."""
    left, top, right, bottom = field
    bands = int(rng.integers(3, 9))
    edges = np.linspace(top, bottom, bands + 1)
    for band in range(bands):
        if rng.random() < 0.65:
            pen.box((left, edges[band], right, edges[band + 1]), one_of(rng, inks[1:]))
    for y in np.linspace(top, bottom, bands * int(rng.integers(3, 9)) + 1):
        pen.line(_by_hand(rng, (left, y), (right, y), 0.35), inks[0], 0.5)
    if rng.random() < 0.6:
        for x in np.linspace(left, right, int(rng.integers(6, 40))):
            pen.line(_by_hand(rng, (x, top), (x, bottom), 0.35), inks[0], 0.5)


def _hatched_cells(rng: Rng, field: Box, pen: Pen, inks: list[RGB]) -> None:
    """A grid whose cells are hatched one way, two ways, or arced."""
    left, top, right, bottom = field
    columns = int(rng.integers(3, 7))
    cell = (right - left) / columns
    rows = max(1, int((bottom - top) / cell))
    arcs, gap = rng.random() < 0.4, rng.uniform(4.0, 7.0)
    for row in range(rows):
        for column in range(columns):
            x, y = left + column * cell, top + row * cell
            way = int(rng.integers(0, 5))
            if rng.random() < 0.08:
                pen.box((x, y, x + cell, y + cell), inks[-1])
            for reach in np.arange(gap, cell * (1 if way < 2 or arcs else 2), gap):
                if arcs:
                    cx, cy, start = x + (way in (1, 2)) * cell, y + (way in (2, 3)) * cell, 90 * (way % 4)
                    pen.arc(around(cx, cy, reach), start, start + 90, fill=inks[0], width=1)
                elif way < 2:
                    across, down = (reach, 0.0) if way else (0.0, reach)
                    long_x, long_y = (0.0, cell) if way else (cell, 0.0)
                    pen.line([(x + across, y + down), (x + across + long_x, y + down + long_y)], inks[0])
                elif way < 4:
                    low, high = max(0.0, reach - cell), min(reach, cell)
                    left_x, right_x = (x + low, x + high) if way == 2 else (x + cell - low, x + cell - high)
                    pen.line([(left_x, y + high), (right_x, y + low)], inks[0])
            pen.box((x, y, x + cell, y + cell), outline=inks[0], width=0.5)


def _stacked_blocks(rng: Rng, field: Box, pen: Pen, inks: list[RGB]) -> None:
    """A mass of blocks in parallel projection, tall behind and low before."""
    left, top, right, bottom = field
    count = int(rng.integers(4, 8))
    unit = (right - left) / (2 * count * 0.87)
    cx, foot = (left + right) / 2, (top + bottom) / 2 + unit * count * 0.55
    heights = np.maximum(0, np.round(rng.gamma(1.6, 1.4, (count, count)) * rng.uniform(0.6, 1.3)))
    room = (foot - unit * count * 0.5 - top) / unit + 1
    for row in range(count):
        for column in range(count):
            z = min(float(heights[row, column]), room + (row + column) * 0.5)
            x, y = cx + (row - column) * unit * 0.87, foot + (row + column - count) * unit * 0.5
            far, near = (x, y - unit / 2), (x, y + unit / 2)
            west, east = (x - unit * 0.87, y), (x + unit * 0.87, y)
            lift = np.array([0, z * unit])
            for start, end, tone in ((west, near, inks[2]), (near, east, inks[3])):
                quad = np.array([start, end, np.array(end) - lift, np.array(start) - lift])
                pen.shape(quad, tone, outline=inks[0])
            pen.shape(np.array([far, east, near, west]) - lift, inks[1], outline=inks[0])


def _floor_plan(rng: Rng, field: Box, pen: Pen, inks: list[RGB]) -> None:
    """The plan of a house: rooms split and split again, walls, doors, a stair, dimensions."""
    rooms: list[Box] = []

    def split(room: Box, depth: int) -> None:
        left, top, right, bottom = room
        wide, tall = right - left, bottom - top
        if depth == 0 or max(wide, tall) < 80:
            rooms.append(room)
        elif wide > tall:
            cut = left + wide * rng.uniform(0.3, 0.7)
            split((left, top, cut, bottom), depth - 1)
            split((cut, top, right, bottom), depth - 1)
        else:
            cut = top + tall * rng.uniform(0.3, 0.7)
            split((left, top, right, cut), depth - 1)
            split((left, cut, right, bottom), depth - 1)

    split(field, int(rng.integers(2, 5)))
    stair = int(rng.integers(len(rooms)))
    for index, (left, top, right, bottom) in enumerate(rooms):
        if rng.random() < 0.35:
            pen.box((left, top, right, bottom), one_of(rng, inks[1:]))
        if index == stair:
            for x in np.arange(left, right, 7):
                pen.line([(x, top), (x, top + min(46, bottom - top))], inks[0], 0.5)
        pen.box((left, top, right, bottom), outline=inks[0], width=2.2)
    for left, top, right, _bottom in rooms:
        door = min(26.0, (right - left) * 0.4)
        x = left + (right - left - door) * rng.uniform(0.3, 0.7)
        pen.box((x, top - 4, x + door, top + 4), inks[-1])
        pen.arc(around(x, top, door), 0, 90, fill=inks[0], width=1)
        pen.line([(x, top), (x, top + door)], inks[0], 1)
    left, top, right, bottom = field
    y = bottom + 16
    pen.line([(left, y), (right, y)], inks[0], 0.5)
    for x in sorted({left, right, *(room[0] for room in rooms)}):
        pen.line([(x - 3, y + 3), (x + 3, y - 3)], inks[0])


def _receding_room(rng: Rng, field: Box, pen: Pen, inks: list[RGB]) -> None:
    """A bare room ruled in one-point perspective."""
    left, top, right, bottom = field
    vx, vy = left + (right - left) * rng.uniform(0.3, 0.7), top + (bottom - top) * rng.uniform(0.3, 0.65)
    far = rng.uniform(0.18, 0.4)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    back = np.array([vx, vy]) + (corners - (vx, vy)) * far
    for side, tone in enumerate((inks[1], inks[3], inks[2], inks[1])):
        following = (side + 1) % 4
        if rng.random() < 0.75:
            pen.shape(np.array([corners[side], corners[following], back[following], back[side]]), tone)
    count = int(rng.integers(5, 12))
    for side in range(4):
        rim = np.linspace(corners[side], corners[(side + 1) % 4], count)
        end = np.linspace(back[side], back[(side + 1) % 4], count)
        for outer, inner in zip(rim, end, strict=True):
            pen.line(np.stack([outer, inner]), inks[0], 1)
    for depth in 1 / np.linspace(1, 1 / far, count):
        ring = np.array([vx, vy]) + (corners - (vx, vy)) * depth
        pen.shape(ring, outline=inks[0])
    if rng.random() < 0.7:
        sill = back[2] - back[3]
        hinge, latch = back[3] + sill * 0.3, back[3] + sill * rng.uniform(0.5, 0.75)
        door = np.array([hinge, latch, latch + (back[1] - back[2]) * 0.7, hinge + (back[0] - back[3]) * 0.7])
        pen.shape(door, inks[-1], outline=inks[0])


def grid_drawing(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A spare ruled drawing on paper: bands, hatched cells, a mass of blocks, a plan, an empty room."""
    width, height = size
    dark = rng.random() < 0.15
    ground = mix(palette.ink, palette.deep, 0.3)
    if not dark:
        ground = mix(palette.light, palette.mid, rng.uniform(0.0, 0.25))
    line = palette.light if dark else mix(palette.ink, palette.deep, 0.25)
    spoken = mix(ground, palette.accent, 0.75) if rng.random() < 0.6 else ground
    washes = ((palette.mid, 0.3), (palette.mid, 0.85), (palette.deep, 0.7))
    inks = [line, *(mix(ground, colour, share) for colour, share in washes), spoken]
    side, above = width * rng.uniform(0.1, 0.2), height * rng.uniform(0.1, 0.2)
    field = (side, above, width - side, height - above * rng.uniform(0.9, 1.4))
    rule = one_of(rng, (_washed_rows, _hatched_cells, _stacked_blocks, _floor_plan, _receding_room))
    pen = Pen.over(paper_sheet(rng, size, ground))
    rule(rng, field, pen, inks)
    return grain(pen.drawn(), rng, 5)


def _prism(profile: Sequence[tuple[float, float]], y0: float, y1: float, axes: np.ndarray) -> list[_Face]:
    """The visible faces, far ones first, of an (x, z) ``profile`` drawn out from ``y0`` to ``y1``."""
    outline = np.array(profile, float)
    near = np.insert(outline, 1, y0, axis=1)
    far = np.insert(outline, 1, y1, axis=1)
    faces: list[tuple[float, np.ndarray, float]] = []
    for index in range(len(outline)):
        following = (index + 1) % len(outline)
        quad = np.array([near[index], near[following], far[following], far[index]])
        flat = quad @ axes
        side, diagonal = flat[1] - flat[0], flat[2] - flat[0]
        if side[0] * diagonal[1] - side[1] * diagonal[0] > 0:
            edge = outline[following] - outline[index]
            up = -edge[0] / (np.hypot(*edge) + 1e-9)
            middle = quad.mean(axis=0)
            faces.append((middle[0] - middle[1] + middle[2], flat, 0.62 - 0.6 * max(0.0, float(up))))
    faces.sort(key=lambda face: face[0])
    return [(flat, tone) for _, flat, tone in faces] + [(near @ axes, 0.28)]


def _dovetail(rng: Rng, axes: np.ndarray) -> list[_Face]:
    """Tails on one board, pins on the other, drawn apart; without a taper a box joint."""
    count, thick, deep = int(rng.integers(2, 6)), 0.55, 0.45
    long, gap = rng.uniform(1.4, 2.2), rng.uniform(0.75, 1.2)
    taper, pitch = one_of(rng, (0.0, 0.07, 0.09)), rng.uniform(0.42, 0.6)
    w0 = pitch * 0.27
    w1 = w0 + taper
    high = count * pitch
    tails: list[tuple[float, float]] = [(-long, 0), (0, 0)]
    cuts: list[tuple[float, float]] = [(0, 0)]
    for index in range(count):
        middle = (index + 0.5) * pitch
        tails += [(0, middle - w0), (thick, middle - w1), (thick, middle + w1), (0, middle + w0)]
        cuts += [(middle - w0, middle - w1), (middle + w0, middle + w1)]
    faces = _prism([*tails, (0, high), (-long, high)], 0, deep, axes)
    faces += _prism([(gap, 0), (gap + thick, 0), (gap + thick, high), (gap, high)], deep, deep + long, axes)
    cuts.append((high, high))
    for (low0, low1), (up0, up1) in zip(cuts[::2], cuts[1::2], strict=True):
        faces += _prism([(gap, low0), (gap + thick, low1), (gap + thick, up1), (gap, up0)], 0, deep, axes)
    return faces


def _mortise(rng: Rng, axes: np.ndarray) -> list[_Face]:
    """A rail's tenon before the hole in a post."""
    w, deep, h, long = rng.uniform(0.5, 0.7), 0.6, rng.uniform(0.7, 1.1), rng.uniform(1.3, 2.0)
    gap, over, tongue = rng.uniform(0.75, 1.0), rng.uniform(0.6, 1.1), rng.uniform(0.4, 0.6)
    faces = _prism([(-w, -over), (0, -over), (0, h + over), (-w, h + over)], 0, deep, axes)
    hole = np.array([(0, deep * y, h * z) for y, z in ((0.3, 0.15), (0.7, 0.15), (0.7, 0.85), (0.3, 0.85))])
    faces.append((hole @ axes, 0.95))
    x = gap
    faces += _prism(oblong(x, h * 0.15, x + tongue, h * 0.85), deep * 0.3, deep * 0.7, axes)
    x += tongue
    return faces + _prism([(x, 0), (x + long, 0), (x + long, h), (x, h)], 0, deep, axes)


def _scarf(rng: Rng, axes: np.ndarray) -> list[_Face]:
    """Two beams hooked end to end, or halved."""
    overlap = rng.uniform(0.8, 1.6)
    long = rng.uniform(0.9, 1.5)
    deep = rng.uniform(0.5, 0.9)
    gap = rng.uniform(0.15, 0.5)
    hooked = [(0.0, 0.18), (0.5, 0.38), (0.5, 0.62), (1.0, 0.82)]
    steps = one_of(rng, (hooked, hooked, [(0.0, 0.5), (1.0, 0.5)], [(0.0, 0.12), (1.0, 0.88)]))
    cut = [(x * overlap, z) for x, z in steps]
    x1 = overlap + gap
    right = [(x + x1, z) for x, z in cut]
    faces = _prism([(-long, 0), (0, 0), *cut, (overlap, 1), (-long, 1)], 0, deep, axes)
    beam = [(x1, 0), (x1 + overlap + long, 0), (x1 + overlap + long, 1), (x1 + overlap, 1), *right[::-1]]
    return faces + _prism(beam, 0, deep, axes)


def _fit(faces: list[_Face], box: Box) -> list[_Face]:
    """The faces moved and scaled into ``box``."""
    every = np.concatenate([face for face, _ in faces])
    low, high = every.min(axis=0), every.max(axis=0)
    scale = min((box[2] - box[0]) / (high[0] - low[0]), (box[3] - box[1]) / (high[1] - low[1]))
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    return [((face - (low + high) / 2) * scale + centre, tone) for face, tone in faces]


def _measure(pen: Pen, start: Sequence[float], end: Sequence[float], ink: RGB) -> None:
    """A dimension line between two points, a stroke at each end."""
    pen.line([(start[0], start[1]), (end[0], end[1])], ink, 0.5)
    for x, y in (start, end):
        pen.line([(x - 3, y + 3), (x + 3, y - 3)], ink, 1)


def joinery_drawing(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A workshop sheet: a joint of wood drawn apart, measured, with its elevation."""
    width, height = size
    blue = rng.random() < 0.3
    ground, ink = mix(palette.deep, palette.ink, 0.5), palette.light
    lit, dim = mix(ground, ink, 0.32), mix(ground, BLACK, 0.3)
    if not blue:
        ground, ink = mix(palette.light, palette.mid, rng.uniform(0, 0.3)), palette.ink
        lit, dim = mix(ground, palette.mid, 0.2), mix(palette.deep, palette.mid, 0.4)
        if rng.random() < 0.5:
            dim = mix(dim, palette.accent, 0.5)
    left_slope, right_slope = rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.6)
    left_axis = (math.cos(left_slope), math.sin(left_slope))
    right_axis = (math.cos(right_slope), -math.sin(right_slope))
    axes = np.array([left_axis, right_axis, (0, -1.0)])
    front = np.array([(1.0, 0), (0, 0), (0, -1.0)])
    joints = [_dovetail, _mortise, _scarf]
    count = 2 if height > 1.35 * width and rng.random() < 0.5 else 1
    margin = width * 0.1
    cuts = np.linspace(margin, height * 0.8, count + 1)
    drawn: list[_Face] = []
    for index in range(count):
        joint, seed = joints.pop(int(rng.integers(len(joints)))), int(rng.integers(1 << 30))
        room = (margin, cuts[index] + 12, width - margin, cuts[index + 1] - 12)
        drawn += _fit(joint(np.random.default_rng(seed), axes), room)
    room = (margin, height * 0.83, width * rng.uniform(0.45, 0.6), height * 0.93)
    plan = _fit(joint(np.random.default_rng(seed), front), room)
    squared = rng.random() < 0.5
    pen = Pen.over(paper_sheet(rng, size, ground, 18))
    if squared:
        for place in np.arange(margin / 2, max(size), 13.0):
            for ends in ([(place, 0), (place, height)], [(0, place), (width, place)]):
                pen.line(ends, mix(ground, ink, 0.1), 0.5)
    for flat, tone in drawn + plan:
        pen.shape(flat, mix(lit, dim, tone))
        pen.line([*flat, *flat[:1]], ink, 1.2)
        if tone > 0.5:
            for along in np.linspace(0.12, 0.9, 7):
                start = flat[0] + (flat[1] - flat[0]) * along
                end = flat[3 % len(flat)] + (flat[2] - flat[3 % len(flat)]) * along
                pen.line(np.stack([start, end]), mix(dim, ink, 0.4), 0.5)
    every = np.concatenate([face for face, _ in drawn])
    low, high = every.min(axis=0), every.max(axis=0)
    _measure(pen, (low[0], high[1] + 9), (high[0], high[1] + 9), palette.accent)
    _measure(pen, (low[0] - 9, low[1]), (low[0] - 9, high[1]), palette.accent)
    for line in range(3):
        y = height * (0.86 + 0.03 * line)
        pen.line(scribble(rng, width * 0.68, y, width * rng.uniform(0.1, 0.22), 5), ink, 0.5)
    pen.box((margin / 2, margin / 2, width - margin / 2, height - margin / 2), outline=ink, width=0.5)
    return grain(pen.drawn(), rng, 5)
