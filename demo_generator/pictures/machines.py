"""Machines that hum: sound made visible, circuit boards, the panels of electronic instruments.

Belongs here: electronics other than screens.
"""

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from demo_generator.pictures.botany import bowed
from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    WHITE,
    Box,
    Palette,
    Point,
    Rng,
    Size,
    brightness,
    mix,
    one_of,
    readable_on,
)
from demo_generator.pictures.light import blended, from_pixels, glowing, grain, vignette
from demo_generator.pictures.pen import Pen, around, down_to
from demo_generator.pictures.surfaces import paper_sheet

_HEADINGS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
_Chip: TypeAlias = tuple[int, int, int, int]


def _sound(rng: Rng, count: int, rough: int = 5) -> np.ndarray:
    """A sound-like curve in about [-1, 1]: a few waves under a swelling and fading envelope."""
    along = np.linspace(0, 1, count)
    wave = np.zeros(count)
    for _ in range(rough):
        wave += rng.uniform(0.3, 1) * np.sin(2 * np.pi * (rng.uniform(2, 28) * along + rng.random()))
    knots = rng.uniform(0.1, 1, 9) * np.sin(np.linspace(0.15, 3.0, 9))
    return np.asarray(wave / (0.6 * rough) * np.interp(along, np.linspace(0, 1, 9), knots))


def _ridges(rng: Rng, size: Size, pen: Pen, inks: list[RGB]) -> None:
    """Line before line, each hiding the last, like pulses plotted one under the other."""
    width, height = size
    ground, plain, spoken = inks
    count, side = int(rng.integers(18, 44)), width * rng.uniform(0.08, 0.2)
    top, bottom = height * rng.uniform(0.2, 0.3), height * rng.uniform(0.78, 0.9)
    along = np.linspace(0, 1, 90)
    peak, spread = rng.uniform(0.35, 0.65), rng.uniform(0.1, 0.22)
    tall = (bottom - top) * rng.uniform(0.12, 0.24)
    marked = int(rng.integers(count))
    for index in range(count):
        swell = np.exp(-(((along - peak - rng.normal(0, 0.03)) / spread) ** 2))
        bumps = np.abs(np.interp(along, np.linspace(0, 1, 32), rng.normal(0, 1, 32))) * swell
        y = top + (bottom - top) * index / count - bumps * tall * 0.5 - rng.normal(0, 0.5, 90)
        line = np.stack([side + along * (width - 2 * side), y], axis=1)
        pen.shape(down_to(line, bottom), ground)
        pen.line(line, spoken if index == marked else plain, 1.2)


def _bars(rng: Rng, size: Size, pen: Pen, inks: list[RGB]) -> None:
    """A recording as bars about a middle, upright or across, played up to a point."""
    width, height = size
    ground, plain, spoken = inks
    upright = rng.random() < 0.5
    long, wide = (height, width) if upright else (width, height)
    tracks, gap = (int(rng.integers(1, 3)) if upright else int(rng.integers(1, 5))), int(rng.integers(4, 9))
    for track in range(tracks):
        middle, reach = wide * (track + 0.5) / tracks, wide * rng.uniform(0.36, 0.44) / tracks
        at = np.arange(long * 0.09, long * 0.91, gap)
        loud = np.minimum(np.abs(_sound(rng, len(at))) * 1.5, 1) * reach + 2
        played = rng.uniform(0.2, 0.8) * long
        for place, h in zip(at, loud, strict=True):
            thin = gap * 0.3
            bar = (place - thin, middle - h, place + thin, middle + h)
            if upright:
                bar = (middle - h, place - thin, middle + h, place + thin)
            pen.box(bar, spoken if place < played else mix(plain, ground, 0.45), radius=thin)


def _scope(rng: Rng, size: Size, pen: Pen, inks: list[RGB]) -> None:
    """The trace of an oscilloscope, or the knot that two of them tie, on its graticule."""
    width, height = size
    ground, plain, spoken = inks
    cell = width / int(rng.integers(6, 10))
    faint = mix(ground, plain, 0.16)
    for place in np.arange(cell / 2, max(size), cell):
        pen.line([(place, 0), (place, height)], faint, 0.5)
        pen.line([(0, place), (width, place)], faint, 0.5)
    turn = np.linspace(0, 2 * np.pi, 420)
    for index in range(int(rng.integers(1, 4))):
        if rng.random() < 0.55 and index == 0:
            first, second = one_of(rng, ((1, 2), (2, 3), (3, 4), (3, 5), (4, 5), (5, 6)))
            x = width / 2 + np.sin(first * turn + rng.uniform(0.3, 1.3)) * width * 0.38
            y = height / 2 + np.sin(second * turn) * height * rng.uniform(0.26, 0.38)
        else:
            x = turn / (2 * np.pi) * width
            y = height * rng.uniform(0.3, 0.7) + _sound(rng, 420, 3) * height * rng.uniform(0.1, 0.22)
        pen.line(np.stack([x, y], axis=1), (spoken, plain)[index % 2], 2)


def _rings(rng: Rng, size: Size, pen: Pen, inks: list[RGB]) -> None:
    """Sound wound about a centre, like a record seen by its grooves."""
    width, height = size
    ground, plain, spoken = inks
    cx, cy = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.38, 0.62)
    angle = np.linspace(0, 2 * np.pi, 260)
    far = width * rng.uniform(0.38, 0.62)
    smooth = np.stack([np.sin(angle * frequency + rng.uniform(0, 6)) for frequency in rng.integers(2, 15, 5)])
    for index, radius in enumerate(np.linspace(far, far * 0.24, int(rng.integers(14, 30)))):
        ring = radius + (rng.uniform(0, 1, 5) @ smooth) * far * rng.uniform(0.012, 0.03)
        line = np.stack([cx + ring * np.cos(angle), cy + ring * np.sin(angle)], axis=1)
        pen.line(line, mix(spoken if index % 7 == 3 else plain, ground, rng.uniform(0, 0.5)), 1)
    pen.disc(cx, cy, far * 0.13, spoken)


def waveform(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A sound made visible: ridged pulses, bars, the trace of a scope, grooves."""
    paper = rng.random() < 0.35
    first, second, most = (palette.light, palette.mid, 0.4) if paper else (palette.ink, palette.deep, 0.5)
    ground = mix(first, second, rng.uniform(0, most))
    inks = [palette.ink if paper else palette.light, palette.accent]
    plot = one_of(rng, (_ridges, _bars, _scope, _rings))
    base = paper_sheet(rng, size, ground, 16)
    pen = Pen.over(base)
    plot(rng, size, pen, [ground, *inks])
    drawn = pen.drawn()
    if not paper:
        lit = ImageChops.difference(drawn, base).convert("L")
        halo = mix(palette.accent, palette.light, 0.3)
        drawn = glowing(drawn, lit, halo, rng.uniform(8, 18), rng.uniform(0.5, 1.0))
    return vignette(grain(drawn, rng, 6), 0.15 if paper else 0.4)


def _traces(rng: Rng, taken: np.ndarray, tries: int) -> list[np.ndarray]:
    """Tracks over a grid that turn by eighths, keep off ``taken`` cells and never cross."""
    rows, columns = taken.shape
    found: list[np.ndarray] = []
    full = set(zip(*(at.tolist() for at in np.nonzero(taken.T)), strict=True))
    starts = np.stack([rng.integers(0, columns, tries), rng.integers(0, rows, tries)], axis=1).tolist()
    main, bendy, reach = int(rng.integers(0, 8)), rng.uniform(0.02, 0.12), int(rng.integers(16, 46))
    for start in starts:
        x, y = start
        if (x, y) in full:
            continue
        heading = (main + 2 * int(rng.integers(0, 4))) % 8 if rng.random() < 0.3 else main
        path = [(x, y)]
        full.add((x, y))
        for turn in rng.random(int(rng.integers(5, reach))).tolist():
            drift = 1 if turn < bendy else -1 if turn < 2 * bendy else 0
            moved = False
            for way in ((heading + drift) % 8, (heading + 1) % 8, (heading - 1) % 8):
                dx, dy = _HEADINGS[way]
                nx, ny = x + dx, y + dy
                inside, crossing = 0 <= nx < columns and 0 <= ny < rows, (nx, y) in full and (x, ny) in full
                if inside and (nx, ny) not in full and not crossing:
                    x, y, heading, moved = nx, ny, way, True
                    break
            if not moved:
                break
            full.add((x, y))
            path.append((x, y))
        if len(path) > 3:
            found.append(np.array(path, float))
    return found


def _tilted(image: Image.Image, amount: float) -> Image.Image:
    """The picture as a sheet lying before the viewer, its near edge larger and its far edge out of focus."""
    width, height = image.size
    h = amount / height
    lean = (1, width / 2 * h, 0, 0, 1 + amount, 0, 0, h)
    flat = image.transform(image.size, Image.Transform.PERSPECTIVE, lean, Image.Resampling.BICUBIC)
    soft = flat.reduce(3).filter(ImageFilter.GaussianBlur(1)).resize(image.size, Image.Resampling.BICUBIC)
    focus = np.clip(np.linspace(1.7, -1.2, height), 0, 1) + np.clip(np.linspace(-4, 0.8, height), 0, 1)
    return blended(flat, soft, focus[:, None].repeat(width, 1))


def _chips(rng: Rng, taken: np.ndarray) -> list[_Chip]:
    """Places for chips on the board's grid (column, row, columns, rows), marked as ``taken``."""
    rows, columns = taken.shape
    found: list[_Chip] = []
    for _ in range(int(rng.integers(1, 5))):
        w, h = int(rng.integers(4, max(6, columns // 2))), int(rng.integers(3, max(5, rows // 3)))
        x, y = int(rng.integers(0, max(1, columns - w))), int(rng.integers(0, max(1, rows - h)))
        if not taken[max(0, y - 2) : y + h + 3, max(0, x - 2) : x + w + 3].any():
            taken[y : y + h + 1, x : x + w + 1] = True
            found.append((x, y, w, h))
    return found


def _draw_chip(pen: Pen, chip: _Chip, cell: float, metal: RGB, palette: Palette) -> None:
    """One chip with its legs, its shadow, the dot that says which way round it goes."""
    column, row, w, h = chip
    x0, y0, x1, y1 = (value * cell for value in (column + 0.6, row + 0.6, column + w + 0.4, row + h + 0.4))
    leg = cell * 0.35
    for place in np.arange(y0 + cell * 0.5, y1 - 2, cell * 0.8).tolist():
        pen.box((x0 - leg, place, x1 + leg, place + leg), mix(metal, palette.mid, 0.4))
    for place in np.arange(x0 + cell * 0.5, x1 - 2, cell * 0.8).tolist():
        pen.box((place, y0 - leg, place + leg, y1 + leg), mix(metal, palette.light, 0.4))
    pen.box((x0 + 3, y0 + 4, x1 + 3, y1 + 4), mix(palette.ink, BLACK, 0.7))
    pen.box((x0, y0, x1, y1), mix(palette.ink, BLACK, 0.35))
    pen.line([(x0, y0), (x1, y0)], mix(palette.ink, palette.light, 0.35))
    pen.disc(x0 + cell * 0.7, y0 + cell * 0.7, cell * 0.25, mix(palette.ink, palette.light, 0.25))


def circuit_lines(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """The tracks of a circuit board between its chips, in raking light or as ink on paper."""
    width, height = size
    paper = rng.random() < 0.25
    board, track = mix(palette.deep, palette.ink, rng.uniform(0.2, 0.85)), palette.mid
    if paper:
        board, track = mix(palette.light, palette.mid, 0.2), palette.ink
    track = mix(board, track, rng.uniform(0.55, 0.9))
    metal = palette.accent if rng.random() < 0.6 else mix(palette.light, palette.accent, 0.4)
    cell = rng.uniform(7.0, 17)
    taken = np.zeros((int(height / cell) + 1, int(width / cell) + 1), bool)
    chips = _chips(rng, taken)
    paths = [(path + 0.5) * cell for path in _traces(rng, taken, 320)]
    bright, thick = rng.random(len(paths)) < 0.12, cell * rng.uniform(0.22, 0.36)
    pen = Pen.over(paper_sheet(rng, size, board, 30))
    for path, lit in zip(paths, bright, strict=True):
        tone = metal if lit else track
        pen.line(path, tone, thick)
        for x, y in (path[0], path[-1]):
            pen.disc(x, y, cell * 0.36, tone)
            pen.disc(x, y, cell * 0.16, board)
    for chip in chips:
        _draw_chip(pen, chip, cell, metal, palette)
    drawn = pen.drawn()
    if rng.random() < 0.4:
        drawn = _tilted(drawn, rng.uniform(0.5, 1.3))
    if not paper:
        lamp = Image.new("L", size)
        spot = around(rng.uniform(0, width), rng.uniform(0, height * 0.6), width * 0.35)
        ImageDraw.Draw(lamp).ellipse(spot, fill=110)
        drawn = glowing(drawn, lamp, mix(palette.light, palette.accent, 0.4), 60, 0.8)
    return vignette(grain(drawn, rng, 5), 0.15 if paper else 0.5)


@lru_cache(maxsize=64)
def _turned_shades(body: RGB) -> list[RGB]:
    """The tones of a domed knob from its shaded rim to its lit crown."""
    return [mix(mix(body, BLACK, 0.35), mix(body, WHITE, 0.22), step / 5) for step in range(6)]


def _knob(pen: Pen, disc: tuple[float, float, float], turn: float, body: RGB, look: dict[str, RGB]) -> None:
    """A knob (x, y, radius) with its scale, its shadow and its pointer turned to ``turn`` in [0, 1]."""
    x, y, radius = disc
    mark, plate = look["mark"], look["plate"]
    for index in range(11):
        angle = math.radians(135 + 27 * index)
        cosine, sine = math.cos(angle), math.sin(angle)
        across, down = cosine * radius, sine * radius
        pen.line([(x + across * 1.2, y + down * 1.2), (x + across * 1.38, y + down * 1.38)], mark, 0.5)
    pen.disc(x + radius * 0.16, y + radius * 0.28, radius * 1.04, mix(plate, BLACK, 0.4))
    for index, shade in enumerate(_turned_shades(body)):
        along = index / 5
        pen.disc(x - radius * 0.1 * along, y - radius * 0.14 * along, radius * (1 - 0.32 * along), shade)
    angle = math.radians(135 + 270 * turn)
    cosine, sine = math.cos(angle), math.sin(angle)
    across, down = cosine * radius, sine * radius
    pointer = [(x + across * 0.3, y + down * 0.3), (x + across * 0.95, y + down * 0.95)]
    pen.line(pointer, mark, max(1, radius * 0.15))


def _fader(pen: Pen, x: float, ends: tuple[float, float], at: float, look: dict[str, RGB]) -> None:
    """A slider in its slot between two heights, pushed up to ``at`` in [0, 1]."""
    top, bottom = ends
    cap, mark, plate = look["cap"], look["mark"], look["plate"]
    pen.box((x - 1.5, top, x + 1.5, bottom), mix(plate, BLACK, 0.75), radius=1)
    for along in np.linspace(0, 1, 9):
        y = top + (bottom - top) * along
        pen.line([(x - 8, y), (x - 4, y)], mark, 0.5)
    y = bottom - (bottom - top) * at
    pen.box((x - 6, y - 3, x + 9, y + 10), mix(plate, BLACK, 0.45))
    pen.box((x - 7, y - 6, x + 7, y + 6), cap, radius=2)
    pen.line([(x - 7, y), (x + 7, y)], mark, 1)


def _controls(rng: Rng, pen: Pen, box: Box, look: dict[str, RGB]) -> list[Point]:
    """Fill ``box`` with one kind of control; the places of its sockets are handed back."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    kinds = ("knobs", "knobs", "knobs", "faders", "sockets", "sockets", "pads", "lamps", "grille", "scope")
    kind = one_of(rng, kinds)
    least, most = (24, 46) if kind in ("knobs", "pads") else (20, 28)
    pitch = 20 if kind == "lamps" else rng.uniform(least, most)
    columns = max(1, int(wide / pitch))
    rows = max(1, int(tall / pitch)) if kind != "faders" else 1
    if kind == "scope":
        pen.box((left + 4, top + 4, right - 4, bottom - 4), mix(look["lamp"], (8, 8, 10), 0.86), radius=5)
        along = np.linspace(0, 1, 80)
        trace = (top + bottom) / 2 + _sound(rng, 80, 3) * tall * 0.3
        pen.line(np.stack([left + 8 + along * (wide - 16), trace], axis=1), look["lamp"], 1.3)
        return []
    holes: list[Point] = []
    for index in range(columns * rows):
        x, y = left + (index % columns + 0.5) * wide / columns, top + (index // columns + 0.5) * tall / rows
        radius = min(wide / columns, tall / rows) * 0.5
        if kind == "knobs":
            turn = rng.random()
            body = look["cap"] if rng.random() < 0.85 else look["lamp"]
            _knob(pen, (x, y, radius * 0.62), turn, body, look)
        elif kind == "faders":
            _fader(pen, x, (top + 8, bottom - 8), rng.uniform(0.1, 0.95), look)
        elif kind == "sockets":
            holes.append((x, y))
            rings = ((0.5, look["mark"]), (0.38, mix(look["plate"], look["mark"], 0.4)), (0.24, (12, 11, 12)))
            for share, tone in rings:
                pen.disc(x, y, min(radius, 12) * share * 1.3, tone)
        elif kind == "pads":
            lit = rng.random() < 0.25
            pad = (x - radius * 0.78, y - radius * 0.78, x + radius * 0.78, y + radius * 0.78)
            fallen = (pad[0] + 2, pad[1] + 3, pad[2] + 2, pad[3] + 3)
            pen.box(fallen, mix(look["plate"], BLACK, 0.5), radius=6)
            pen.box(pad, look["lamp"] if lit else mix(look["cap"], look["plate"], 0.15), radius=6)
        elif kind == "lamps":
            tone = look["lamp"] if rng.random() < 0.4 else mix(look["lamp"], look["plate"], 0.7)
            pen.disc(x, y, 3.4, tone)
            pen.line([(x - 5, y + 7), (x + 5, y + 7)], look["mark"], 0.5)
        else:
            pen.box((x - radius * 0.8, y - 2.5, x + radius * 0.8, y + 2.5), (16, 14, 15), radius=4)
    return holes


def _keyboard(pen: Pen, box: Box, palette: Palette) -> None:
    """Black and white keys across ``box``."""
    left, top, right, bottom = box
    count = max(7, int((right - left) / 24))
    w = (right - left) / count
    for key in range(count):
        x = left + key * w
        pen.box((x + 0.7, top, x + w - 0.7, bottom), mix(palette.light, WHITE, 0.4), radius=4)
        pen.box((x + 0.7, bottom - 6, x + w - 0.7, bottom - 3), mix(palette.light, palette.mid, 0.5))
    for key in range(1, count):
        if key % 7 not in (3, 0):
            x = left + key * w
            for edge, long, dark in ((0.34, 0.64, 0.7), (0.26, 0.59, 0.3)):
                key_box = (x - w * 0.28, top, x + w * edge, top + (bottom - top) * long)
                pen.box(key_box, mix(palette.ink, BLACK, dark))


def synth_panel(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """The face of an electronic instrument: knobs, sliders, pads, lamps, keys, patched cables."""
    width, height = size
    dark, pale = mix(palette.deep, palette.ink, 0.5), mix(palette.light, palette.mid, 0.5)
    plates = (palette.light, palette.mid, dark, pale, palette.ink)
    plate = one_of(rng, plates)
    mark = readable_on(plate, palette)
    cap = mix(palette.ink, BLACK, 0.2) if brightness(plate) > 90 else mix(palette.light, palette.mid, 0.5)
    look = {"plate": plate, "mark": mark, "cap": cap, "lamp": palette.accent}
    keys = height * rng.uniform(0.68, 0.78) if rng.random() < 0.35 else height * 1.02
    columns, cables = int(rng.integers(1, 4)), int(rng.integers(0, 7))
    pen = Pen.over(paper_sheet(rng, size, plate))
    holes: list[Point] = []
    edges = np.linspace(0, width, columns + 1)
    for column in range(columns):
        left, right, y = edges[column], edges[column + 1], 0.0
        tint = mix(plate, one_of(rng, (palette.mid, palette.deep, plate)), 0.35)
        pen.box((left, 0, right, keys), tint)
        pen.line([(right, 0), (right, keys)], mix(tint, BLACK, 0.5), 1)
        while y < keys - 50:
            tall = min(rng.uniform(0.16, 0.34) * height, keys - y)
            room = (left + 9, y + 12, right - 9, y + tall - 4)
            holes += _controls(rng, pen, room, {**look, "plate": tint})
            y += tall
            pen.line([(left + 12, y), (right - 12, y)], mix(tint, mark, 0.4), 0.5)
    if keys < height:
        pen.box((0, keys - 3, width, height), (18, 16, 17))
        _keyboard(pen, (3, keys, width - 3, height - 5), palette)
    for _ in range(cables if len(holes) > 1 else 0):
        start = holes[int(rng.integers(len(holes)))]
        end = (rng.uniform(0, width), keys * rng.uniform(0.2, 1.0))
        sag = np.sin(np.linspace(0, np.pi, 20))[:, None] * (0, rng.uniform(20, 90))
        line = bowed(start, end, 0) + sag
        pale = mix(palette.accent, palette.light, 0.5)
        tone = one_of(rng, (palette.accent, palette.deep, pale, palette.mid))
        strands = ((5, mix(plate, BLACK, 0.45), 4), (0, mix(tone, BLACK, 0.3), 4), (-1, tone, 2))
        for shift, colour, weight in strands:
            pen.line(line + np.array([shift / 2, shift]), colour, weight)
    drawn = pen.drawn()
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    light = 1.1 - 0.42 * np.abs(x * rng.uniform(-0.6, 0.6) + y * rng.uniform(0.4, 1) - rng.uniform(0, 0.5))
    drawn = from_pixels(np.asarray(drawn, np.float32) * light[..., None])
    return grain(drawn, rng, 5)
