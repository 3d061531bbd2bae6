"""Concrete in hard light: stairs and fronts.

Belongs here: bare modern buildings by day.
"""

from math import cos, log, pi, sin

import numpy as np
from PIL import Image

from demo_generator.pictures.architecture import Pane, person, weathered
from demo_generator.pictures.canvas import (
    RGB,
    Palette,
    Point,
    Rng,
    Size,
    colour_ramp,
    gradient,
    mix,
    one_of,
)
from demo_generator.pictures.light import as_bytes, blended, finished_by_night
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.perspective import Plane


def _stairs_ahead(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A flight going up ahead between two walls, a shadow kinked over its steps."""
    w, h = size
    count, top = int(rng.integers(8, 17)), h * rng.uniform(0.16, 0.42)
    foot_x, head_x = w * rng.uniform(0.35, 0.65), w * rng.uniform(0.3, 0.7)
    foot_half, head_half = w * rng.uniform(0.42, 0.75), w * rng.uniform(0.13, 0.3)
    steps = 1 - 0.86 ** np.arange(count + 1)
    steps = steps / steps[-1]
    tread, shadow, slant = rng.uniform(0.3, 0.6), rng.uniform(-0.2, 0.9), rng.uniform(-0.09, 0.09)
    stops = [(0, mix(palette.mid, palette.light, 0.3)), (top / h, palette.light), (1, palette.mid)]
    sky = gradient(size, stops)
    bright_left = rng.random() < 0.5

    def edge(along: float, across: float) -> Point:
        middle, half = foot_x + (head_x - foot_x) * along, foot_half + (head_half - foot_half) * along
        return middle + half * (2 * across - 1), h * 1.03 + (top - h * 1.03) * along

    pen = Pen.over(sky)
    if rng.random() < 0.4:
        pen.disc(head_x + w * rng.uniform(-0.1, 0.1), top * rng.uniform(0.6, 1), w * 0.07, palette.accent)
    for side, lit in ((0, bright_left), (1, not bright_left)):
        near, far, out = edge(0, side), edge(1, side), (2 * side - 1) * w
        rise = far[1] * rng.uniform(0.35, 1.2)
        shade = mix(palette.mid, palette.light, 0.35) if lit else mix(palette.deep, palette.mid, 0.25)
        wall = [near, far, (far[0], far[1] - rise), (far[0] + out, -h * 0.9), (near[0] + out, near[1])]
        pen.shape(wall, shade)
    for index in range(count):
        t0, t1 = float(steps[index]), float(steps[index + 1])
        lip = t0 + (t1 - t0) * (1 - tread)
        split, onward = (min(1.0, max(0.0, shadow + slant * step)) for step in (index, index + 1))
        riser = mix(palette.mid, palette.deep, 0.35)
        flat = mix(palette.light, palette.mid, 0.12 + 0.2 * t0)
        pen.shape([edge(t0, 0), edge(t0, 1), edge(lip, 1), edge(lip, 0)], riser)
        pen.shape([edge(lip, 0), edge(lip, 1), edge(t1, 1), edge(t1, 0)], flat)
        hidden = [edge(t0, split), edge(t0, 1), edge(lip, 1), edge(lip, split)]
        pen.shape(hidden, mix(riser, palette.ink, 0.35))
        dark = mix(flat, palette.ink, 0.45)
        pen.shape([edge(lip, split), edge(lip, 1), edge(t1, 1), edge(t1, onward)], dark)
    if rng.random() < 0.35:
        person(pen, *edge(1, rng.uniform(0.3, 0.7)), h * rng.uniform(0.05, 0.08), palette.ink)
    return pen.drawn()


def _stairs_aside(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Flights seen from the side against a bright wall, one over the other, with their shadows."""
    w, h = size
    bright = mix(palette.light, palette.mid, rng.uniform(0, 0.4))
    wall = gradient(size, [(0, bright), (1, mix(palette.mid, palette.light, 0.3))])
    flights, rightward = int(rng.integers(2, 4)), rng.random() < 0.5
    count, thick = int(rng.integers(6, 11)), h * rng.uniform(0.05, 0.09)
    cast = w * rng.uniform(0.05, 0.14)

    def profile(low: float, rise: float, right: bool) -> tuple[list[Point], list[Point]]:
        x = np.linspace(-0.08, 1.08, count + 1) * w
        x = x if right else w - x
        levels = [(step, low - rise * (step + 1) / count) for step in range(count)]
        tops = [(float(x[place]), y) for step, y in levels for place in (step, step + 1)]
        return tops, [(float(x[-1]), low - rise + thick * 1.3), (float(x[0]), low + thick * 0.9)]

    pen = Pen.over(wall)
    panel = w * rng.uniform(0.3, 0.5)
    for index in range(1, int(w / panel) + 1):
        pen.line([(index * panel, 0), (index * panel, h)], mix(palette.mid, palette.deep, 0.2), 0.7)
    for index in range(1, int(h / panel) + 1):
        pen.line([(0, index * panel), (w, index * panel)], mix(palette.mid, palette.deep, 0.15), 0.7)
    right = rightward
    for index in range(flights):
        low = h * (0.5 + 0.52 * (index + 1)) / (0.5 + 0.52 * flights)
        rise = h * rng.uniform(0.3, 0.55) * (1.2 - 0.15 * flights)
        tops, under = profile(low, rise, right)
        grounded = [*tops, (tops[-1][0], h * 1.2), (tops[0][0], h * 1.2)]
        outline = tops + under if index < flights - 1 else grounded
        pen.shape([(x + cast, y + cast * 1.1) for x, y in outline], mix(palette.mid, palette.deep, 0.55))
        body = mix(palette.deep, palette.ink, 0.2 + 0.6 * index / flights)
        pen.shape(outline, body)
        pen.line(tops, mix(palette.mid, palette.light, 0.5), 1.3)
        rail = [(x, y - h * 0.1) for x, y in (tops[1], tops[-1])]
        if rng.random() < 0.6:
            pen.line(rail, palette.accent, 2)
            for x, y in tops[1::2]:
                pen.line([(x, y), (x, y - h * 0.1)], mix(body, palette.mid, 0.2), 0.8)
        right = not right
    return pen.drawn()


def _stairs_winding(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A stairwell looked down into: the steps wind towards a bright or a dark floor."""
    w, h = size
    cx, cy = w * rng.uniform(0.35, 0.65), h * rng.uniform(0.35, 0.65)
    shrink, turn = rng.uniform(0.45, 0.66), one_of(rng, (-1, 1))
    count, start = int(rng.integers(16, 30)), rng.uniform(0, 1)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    dx, dy = x - cx, (y - cy) * rng.uniform(0.75, 1.15)
    radius = np.hypot(dx, dy) + 0.5
    angle = (turn * np.arctan2(dy, dx) / (2 * pi) + start).astype(np.float32) % 1
    level = np.log(radius / (0.95 * max(w, h))) / log(shrink) + angle
    depth, across = np.floor(level), level % 1
    pixel = 1 / (radius * abs(log(shrink)))
    step, soft = angle * count % 1, count / (2 * pi * radius)
    riser = np.clip((0.16 - np.abs(step - 0.08)) / soft, 0, 1) * 0.38
    tread = 0.95 - riser - 0.14 * np.cos((angle - start) * 2 * pi) - 0.1 * step
    parapet = np.clip((across - 0.62) / pixel + 0.5, 0, 1)
    tone = tread * (1 - parapet) + parapet * (0.28 + 0.9 * np.clip(across - 0.72, 0, 1))
    lit_below = rng.random() < 0.5
    away = depth + across
    fall = 0.45 + 0.55 * (1 - np.exp(-away * 0.5)) if lit_below else np.exp(-away * 0.28)
    tone = np.where(radius < w * 0.035, 1.1 if lit_below else 0.05, tone * fall)
    ramp = colour_ramp([(0, palette.ink), (0.3, palette.deep), (0.62, palette.mid), (1, palette.light)])
    handrail = np.clip(1.2 - np.abs(across - 0.62) / pixel / np.maximum(0.6, radius / w * 5), 0, 1)
    image = Image.fromarray(ramp[as_bytes(tone)])
    return blended(image, palette.accent, handrail * np.clip(radius / w * 5, 0, 0.9))


def concrete_stairs(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Bare stairs in hard light: a flight ahead, flights from the side, or a well looked down into."""
    view = one_of(rng, (_stairs_ahead, _stairs_ahead, _stairs_aside, _stairs_winding))
    return finished_by_night(weathered(view(rng, size, palette), rng, 0.13), rng, 0.25, 3)


def _opening(
    pen: Pen, plane: Plane, pane: Pane, kind: str, sun: float, tones: tuple[RGB, RGB, RGB, RGB]
) -> None:
    """One deep opening of a concrete front; the sun comes from above on the side of ``sun``'s sign."""
    lit, shade, glass, gleam = tones
    u0, v0, u1, v1 = pane
    wide, tall = u1 - u0, v1 - v0
    if kind == "porthole":
        u, v, turn = (u0 + u1) / 2, (v0 + v1) / 2, np.linspace(0, 2 * pi, 28)
        for grow, shift, colour in ((1, 0, shade), (0.8, 0.1, lit), (0.72, 0.06, glass)):
            ring = [(grow * cos(angle) + shift * sun, grow * sin(angle) + shift) for angle in turn]
            ring = [(u + wide / 2 * across, v + tall / 2 * down) for across, down in ring]
            pen.shape(plane.seen(ring), colour)
        return
    pen.shape(plane.box(*pane), shade)
    inset = wide * 0.2 * (1 if sun > 0 else -1)
    inner = (u0 + max(0, inset), v0 + tall * 0.2, u1 + min(0, inset), v1)
    if kind == "hood":
        top, low, lean = v0 - tall * 0.05, v0 + tall * 0.3, wide * 0.12 * sun
        hood = [(u0, top), (u1, top), (u1 + lean, low), (u0 + lean, low)]
        pen.shape(plane.box(*inner), glass)
        pen.shape(plane.seen(hood), lit)
    elif kind == "balcony":
        pen.shape(plane.box(u0, v0 + tall * 0.1, u1, v1), glass)
        pen.shape(plane.box(u0 - wide * 0.06, v0 + tall * 0.62, u1 + wide * 0.06, v1 + tall * 0.1), lit)
        pen.shape(plane.box(u0 - wide * 0.06, v1 + tall * 0.1, u1 + wide * 0.06, v1 + tall * 0.2), shade)
    else:
        far = u1 if sun > 0 else u0
        reveal = [(far, v0 + tall * 0.3), (far, v1), (far - inset, v1), (far - inset, v0 + tall * 0.45)]
        pen.shape(plane.box(*inner), glass)
        pen.shape(plane.seen(reveal), lit)
        glare = [(inner[0], v1 - tall * 0.3), (inner[2], v0 + tall * 0.5), (inner[2], v1), (inner[0], v1)]
        pen.shape(plane.seen(glare), gleam)


def _masses(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Plain blocks standing behind one another, each with a face in the sun and one in the shade."""
    w, h = size
    sky = gradient(size, [(0, mix(palette.mid, palette.light, 0.35)), (1, palette.light)])
    sun_left, count = rng.random() < 0.5, int(rng.integers(3, 6))
    pen = Pen.over(sky)
    if rng.random() < 0.5:
        radius = w * rng.uniform(0.06, 0.13)
        x, y = w * rng.uniform(0.15, 0.85), h * rng.uniform(0.1, 0.3)
        pen.disc(x, y, radius, mix(palette.accent, palette.light, 0.1))
    for index in range(count):
        near = index / count
        x, wide = w * rng.uniform(-0.15, 0.75), w * rng.uniform(0.28, 0.55)
        top, fold = h * (0.12 + 0.5 * near + rng.uniform(0, 0.14)), rng.uniform(0.3, 0.7)
        drop, corner = h * 0.05 * rng.uniform(0.3, 1.6), x + wide * fold
        lit = mix(mix(palette.light, palette.mid, 0.3 + 0.35 * near), palette.light, 0.25 * (1 - near))
        dark = mix(mix(palette.mid, palette.deep, 0.3 + 0.5 * near), palette.light, 0.3 * (1 - near))
        left, right = (lit, dark) if sun_left else (dark, lit)
        pen.shape([(x, top + drop), (corner, top), (corner, h), (x, h)], left)
        pen.shape([(corner, top), (x + wide, top + drop * 1.4), (x + wide, h), (corner, h)], right)
        slits, face = int(rng.integers(0, 6)), one_of(rng, (0, 1))
        for slit in range(slits):
            start, share = (x, fold) if face == 0 else (corner, 1 - fold)
            slit_x = start + wide * share * (0.2 + 0.13 * slit)
            cut = (slit_x, top + h * 0.09, slit_x + w * 0.012, top + h * (0.16 + 0.1 * near))
            pen.box(cut, mix(dark, palette.ink, 0.6))
        edge = mix(right, palette.ink, 0.15)
        ledge = top + h * 0.05
        eaves = [(x, top + drop + h * 0.05), (corner, ledge), (x + wide, top + drop * 1.4 + h * 0.05)]
        pen.line(eaves, edge, 0.8)
    if rng.random() < 0.6:
        person(pen, w * rng.uniform(0.15, 0.85), h * 0.975, h * 0.065, palette.ink)
    return pen.drawn()


def concrete_facade(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Brutalist fronts: deep openings in rows, cut by the sun, or plain masses against the sky."""
    w, h = size
    if rng.random() < 0.25:
        return finished_by_night(weathered(_masses(rng, size, palette), rng, 0.15), rng, 0.2, 3)
    sun, kind = one_of(rng, (-1.0, 1.0)), one_of(rng, ("deep", "deep", "porthole", "hood", "balcony"))
    columns, rows = int(rng.integers(2, 7)), int(rng.integers(3, 9))
    front = mix(palette.light, palette.mid, rng.uniform(0.25, 0.7))
    sunlit, shade = mix(front, palette.light, 0.55), mix(front, palette.ink, 0.5)
    glass, gleam = mix(palette.deep, palette.ink, 0.5), mix(palette.deep, palette.mid, 0.4)
    sky = gradient(size, [(0, mix(palette.mid, palette.light, rng.uniform(0.1, 0.5))), (1, palette.light)])
    view = one_of(rng, ("flat", "flat", "aside", "corner"))
    if view == "flat":
        top = h * one_of(rng, (-0.05, 0.14, 0.3))
        planes = [Plane((-w * 0.05, top), (w * 1.05, top), (w * 1.05, h * 1.05), (-w * 0.05, h * 1.05))]
    else:
        edge, roof = w * rng.uniform(0.62, 0.9), h * rng.uniform(0.12, 0.35)
        planes = [Plane((-w * 0.05, -h * 0.15), (edge, roof), (edge, h * 1.02), (-w * 0.05, h * 1.3))]
        if view == "corner":
            edge, roof = w * rng.uniform(0.35, 0.65), h * rng.uniform(0.04, 0.12)
            planes = [Plane((-w * 0.1, roof * 3.2), (edge, roof), (edge, h * 1.25), (-w * 0.1, h * 1.05))]
            planes.append(Plane((edge, roof), (w * 1.1, roof * 3.4), (w * 1.1, h * 1.05), (edge, h * 1.25)))
    accent_at = int(rng.integers(columns * rows))
    pen = Pen.over(sky)
    for number, plane in enumerate(planes):
        darker = 0.45 if number else 0.0
        pen.shape(plane.box(0, 0, 1, 1), mix(front, palette.deep, darker))
        pen.shape(plane.box(0, 0, 1, 0.018), mix(sunlit, palette.deep, darker))
        mine = (mix(sunlit, palette.deep, darker), mix(shade, palette.ink, darker / 2), glass, gleam)
        for index in range(columns * rows):
            row, column = divmod(index, columns)
            left, head = column / columns, 0.04 + 0.96 * row / rows
            pane = (left + 0.16 / columns, head + 0.18 / rows, left + 0.84 / columns, head + 0.76 / rows)
            own = mine
            if index == accent_at:
                own = (mine[0], mine[1], palette.accent, mix(palette.accent, palette.light, 0.3))
            _opening(pen, plane, pane, kind, sun, own)
            seam = 0.004
            joint = plane.box(left, head, left + 1 / columns, head + seam)
            pen.shape(joint, mix(front, palette.deep, 0.3 + darker))
    image = pen.drawn()
    if rng.random() < 0.45:
        pen = Pen.mask(size)
        x, lean = w * rng.uniform(0.2, 0.9), h * rng.uniform(0.3, 0.9)
        pen.shape([(x - lean * sun, 0), (x, h), (-w * sun * 9, h), (-w * sun * 9, 0)], 120)
        image.paste(mix(palette.deep, palette.ink, 0.5), (0, 0), pen.drawn())
    return finished_by_night(weathered(image, rng, 0.16), rng, 0.22, 3)
