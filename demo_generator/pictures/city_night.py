"""The city awake at night: house fronts, wet windows, neon signs, empty streets.

Belongs here: streets and the windows that give on them, after dark.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from demo_generator.pictures.architecture import (
    against_the_light,
    bokeh,
    quarter_grid,
    signal,
    weathered,
    windows_at_night,
)
from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    WHITE,
    Palette,
    Point,
    Rng,
    Size,
    font,
    gradient,
    halved,
    mix,
    one_of,
    smooth_noise,
)
from demo_generator.pictures.light import (
    blended,
    bloomed,
    blurred,
    brightened,
    finished_by_night,
    screened,
    shaded,
)
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.perspective import Ground, Plane
from demo_generator.pictures.shapes import oblong

_NEON_WORDS = (
    "HOTEL", "OPEN", "BAR", "MOTEL", "JAZZ", "LATE", "24H", "NIGHT", "DINER", "CLUB", "RADIO", "SAUNA",
)  # fmt: skip


_SIGN_LINES: dict[str, list[list[Point]]] = {
    "glass": [
        [(-0.8, -0.9), (0.8, -0.9), (0, 0.05), (-0.8, -0.9)],
        [(0, 0.05), (0, 0.9)],
        [(-0.45, 0.95), (0.45, 0.95)],
        [(-0.5, -0.6), (0.5, -0.6)],
        [(0.1, -0.25), (0.75, -1.3)],
    ],
    "arrow": [
        [(-1, -0.7), (0.1, -0.7), (0.1, 0.3), (0.45, 0.3), (-0.1, 1), (-0.65, 0.3), (-0.3, 0.3)],
        [(-0.3, 0.3), (-0.3, -0.35), (-1, -0.35), (-1, -0.7)],
    ],
}


def _house_fronts(rng: Rng, size: Size, view: str, wall: RGB, glow: RGB) -> list[tuple[Plane, RGB, Size]]:
    """The walls of one view of a town at night: each its plane, its colour, its columns and rows."""
    w, h = size
    walls: list[tuple[Plane, RGB, Size]] = []
    if view == "frontal":
        top = h * one_of(rng, (-0.06, -0.02, 0.16, 0.3))
        corners = (-w * 0.04, top), (w * 1.04, top), (w * 1.03, h), (-w * 0.03, h)
        walls.append((Plane(*corners), wall, (int(rng.integers(2, 7)), int(rng.integers(3, 9)))))
    elif view == "below":
        tip, centre = h * rng.uniform(0.03, 0.15), w * rng.uniform(0.35, 0.65)
        gap = w * rng.uniform(0.06, 0.3)
        for side in (-1, 1):
            inner, outer, low = centre + side * gap * 0.6, centre + side * w * 0.55, centre + side * w * 1.6
            left, right = (outer, inner) if side < 0 else (inner, outer)
            low_left, low_right = (low, centre - gap) if side < 0 else (centre + gap, low)
            plane = Plane((left, tip), (right, tip * 1.5), (low_right, h), (low_left, h))
            walls.append((plane, mix(wall, BLACK, 0.25 * (side > 0)), (6, int(rng.integers(8, 12)))))
    elif view == "aside":
        far, drop = w * rng.uniform(0.6, 0.9), h * rng.uniform(0.15, 0.4)
        behind = Plane((far - w * 0.2, drop * 1.2), (w * 1.3, drop * 1.2), (w * 1.3, h), (far - w * 0.2, h))
        walls.append((behind, mix(wall, glow, 0.45), (7, 9)))
        near = Plane((-w * 0.03, -h * 0.2), (far, drop), (far, h * 1.05), (-w * 0.03, h * 1.3))
        walls.append((near, wall, (int(rng.integers(5, 9)), int(rng.integers(7, 10)))))
    else:
        for layer in range(3):
            x = -w * rng.uniform(0, 0.3)
            while x < w:
                wide, top = w * rng.uniform(0.25, 0.5), h * (0.14 + 0.24 * layer + rng.uniform(0, 0.22))
                block = Plane((x, top), (x + wide, top), (x + wide, h * 1.1), (x, h * 1.1))
                cells = int(rng.integers(2, 5)), max(2, min(8, int((h - top) / (w * 0.09))))
                walls.append((block, mix(glow, wall, 0.4 + 0.3 * layer), cells))
                x += wide + w * rng.uniform(0, 0.06)
    return walls


def night_facade(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """House fronts at night: face on, looked up at, receding to one side, or roof behind roof."""
    w, h = size
    glow = mix(palette.deep, palette.mid, rng.uniform(0.2, 0.6))
    sky = gradient(size, [(0, mix(palette.ink, palette.deep, 0.35)), (1, glow)])
    view, lit = one_of(rng, ("frontal", "below", "aside", "roofs")), rng.uniform(0.16, 0.38)
    wall = mix(palette.ink, palette.deep, rng.uniform(0.25, 0.65))
    walls = _house_fronts(rng, size, view, wall, glow)
    pen = Pen.over(sky)
    moon = w * rng.uniform(0.02, 0.05)
    pen.disc(w * rng.uniform(0.3, 0.7), h * rng.uniform(0.06, 0.14), moon, palette.light)
    for plane, colour, cells in walls:
        windows_at_night(pen, rng, plane, colour, palette, cells, lit)
        if view == "roofs" and rng.random() < 0.6:
            x, y = plane.at(rng.uniform(0.2, 0.8), 0)
            pen.line([(x, y), (x, y - h * rng.uniform(0.03, 0.08))], colour, 1.2)
    image = shaded(pen.drawn(), 0.82 + 0.18 * smooth_noise(rng, size, 30))
    if view == "below":
        image = blended(image, palette.ink, (quarter_grid(size)[0] / h * 0.75) ** 2)
    return finished_by_night(bloomed(image, 90, 0.8, 8, 22), rng)


def _raindrops(image: Image.Image, rng: Rng, small: Image.Image, count: int) -> None:
    """Drops on the glass, each with the town (``small``) upside down in it, put on ``image`` in place."""
    w, h = image.size
    rims, edges, glints = (Image.new("L", (32, 32)) for _ in range(3))
    for disc, opaque in ((rims, 255), (edges, 85), (glints, 170)):
        ImageDraw.Draw(disc).ellipse((1, 1, 30, 30), opaque)
    turned = brightened(small.transpose(Image.Transpose.ROTATE_180), 1.3, 16)
    radii = np.clip(rng.lognormal(0.8, 0.6, count), 1.2, 10) * w / 320
    across, down, long = rng.uniform(0, 1, count), rng.uniform(0, 1, count), rng.uniform(1.8, 2.5, count)
    for index in range(count):
        wide, x, y = max(3, int(radii[index] * 1.7)), int(across[index] * w), int(down[index] * h)
        box = wide, max(3, int(radii[index] * long[index]))
        left, top = across[index] * 0.7 * small.width, (down[index] * 0.5 + 0.1) * small.height
        part = (left, top, left + small.width * 0.3, top + small.height * 0.35)
        image.paste(BLACK, (x, y - 1), edges.resize(box, Image.Resampling.BILINEAR))
        seen = turned.resize(box, Image.Resampling.BILINEAR, part)
        image.paste(seen, (x, y), rims.resize(box, Image.Resampling.BILINEAR))
        if radii[index] > 2.5:
            glint = max(2, wide // 4)
            image.paste((245, 245, 245), (x + wide // 4, y + box[1] // 6), glints.resize((glint, glint)))


def rain_window(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A wet window at night, the town out of focus behind it; at times a bar, a sill, things on it."""
    w, h = size
    low = rng.uniform(0.4, 0.8)
    small = halved(size)
    haze = mix(palette.deep, palette.mid, rng.uniform(0.0, 0.4))
    town = gradient(small, [(0, mix(palette.ink, palette.deep, 0.5)), (low, haze), (1, palette.ink)])
    town = blended(town, palette.ink, 0.6 * (smooth_noise(rng, small, 30) > 0.55))
    town = ImageChops.screen(blurred(town, 10), bokeh(rng, small, palette, low - 0.3, low + 0.25))
    breath = smooth_noise(rng, small, 26) * rng.uniform(0.1, 0.35)
    blind = blended(blurred(town, 2.5), mix(palette.mid, palette.deep, 0.4), breath)
    behind, image = (part.resize(size, Image.Resampling.BILINEAR) for part in (town, blind))
    clear = brightened(behind, 1.25, 8)
    pen = Pen.mask(size)
    for _ in range(int(rng.integers(5, 14))):
        x, top, long = rng.uniform(0, w), h * rng.uniform(-0.3, 0.6), h * rng.uniform(0.2, 0.7)
        wobble = np.cumsum(rng.normal(0, 1.1, 14))
        run = [(x + shift, top + long * step / 13) for step, shift in enumerate(wobble)]
        pen.line(run, 255, rng.uniform(1.5, 4))
    image.paste(clear, (0, 0), pen.drawn())
    _raindrops(image, rng, town.reduce(2), int(rng.integers(50, 100)))
    frame = one_of(rng, ("none", "cross", "sill", "sill", "side"))
    if frame == "none":
        return finished_by_night(image, rng)
    pen = Pen.over(image)
    bar, dark, edge = w * rng.uniform(0.02, 0.045), palette.ink, mix(palette.ink, palette.mid, 0.4)
    x, y = w * rng.uniform(0.25, 0.75), h * rng.uniform(0.25, 0.5)
    if frame in ("cross", "side"):
        pen.box((x - bar, -1, x + bar, h), dark)
        pen.box((x - bar, -1, x - bar * 0.8, h), edge)
    if frame == "cross":
        pen.box((-1, y - bar, w, y + bar * 0.8), dark)
        pen.box((-1, y + bar * 0.7, w, y + bar), edge)
    if frame == "sill":
        sill = h * rng.uniform(0.84, 0.92)
        pen.box((-1, sill, w, h), dark)
        pen.box((-1, sill, w, sill + 2), edge)
        things = rng.permutation(["cup", "bottle", "plant", "books"])[: rng.integers(1, 4)]
        for index, kind in enumerate(things):
            x = w * (0.17 + 0.28 * index + rng.uniform(0, 0.12))
            against_the_light(pen, rng, str(kind), x, sill, w * rng.uniform(0.09, 0.12), dark)
    return finished_by_night(pen.drawn(), rng)


def _courses(rng: Rng, size: Size, brick: Size, bonded: bool) -> np.ndarray:
    """The shade of a wall of bricks or tiles: each a little its own, dark joints between."""
    w, h = size
    y, x = np.arange(h)[:, None], np.arange(w)[None, :]
    row = y // brick[1]
    shifted = x + (row % 2) * (brick[0] // 2 if bonded else 0)
    shades = rng.uniform(0.6, 1, (h // brick[1] + 1, w // brick[0] + 2))
    joints = (shifted % brick[0] < 2) | (y % brick[1] < 2)
    return np.where(joints, 0.45, shades[row, shifted // brick[0]])


def _sign_shape(kind: str, x: float, y: float, radius: float) -> list[list[Point]]:
    """The tubes of a neon figure, as lines, about (x, y)."""
    turn = np.linspace(0, 2 * pi, 49)
    lines: list[list[Point]]
    if kind == "moon":
        outer, inner = turn[4:-4], turn[9:-9][::-1]
        horns = [(cos(angle), sin(angle)) for angle in outer]
        horns += [(0.48 + 0.72 * cos(angle), 0.72 * sin(angle)) for angle in inner]
        lines = [[*horns, horns[0]]]
    elif kind == "star":
        spikes = [(0.42 if point % 2 else 1) for point in range(11)]
        lines = [
            [(reach * sin(tip * pi / 5), -reach * cos(tip * pi / 5)) for tip, reach in enumerate(spikes)]
        ]
    elif kind == "heart":
        down = [13 * cos(angle) - 5 * cos(2 * angle) - 2 * cos(3 * angle) - cos(4 * angle) for angle in turn]
        lines = [[(sin(angle) ** 3, -drop / 16) for angle, drop in zip(turn, down, strict=True)]]
    elif kind == "eye":
        lid = np.linspace(-1, 1, 25)
        lines = [[(across, side * 0.55 * cos(across * pi / 2)) for across in lid] for side in (-1, 1)]
        lines += [[(r0 * cos(angle), r0 * sin(angle)) for angle in turn] for r0 in (0.34, 0.1)]
        lashes = [(across, 0.2 * abs(across)) for across in (-0.7, -0.25, 0.25, 0.7)]
        lines += [[(across * 0.9, up - 0.62), (across * 1.15, up - 0.95)] for across, up in lashes]
    elif kind == "rings":
        lines = [[(r0 * cos(angle), r0 * sin(angle)) for angle in turn] for r0 in (1, 0.72, 0.44)]
    else:
        lines = _SIGN_LINES[kind]
    return [[(x + across * radius, y + height * radius) for across, height in line] for line in lines]


def _neon_wall(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """What a neon sign hangs on: brick, tiles, shutters or plaster."""
    w, h = size
    wall = Image.new("RGB", size, mix(palette.mid, palette.light, rng.uniform(0.2, 0.6)))
    kind = one_of(rng, ("brick", "tile", "shutter", "plaster"))
    if kind == "brick":
        return shaded(wall, _courses(rng, size, (int(w * 0.1), int(w * 0.038)), True))
    if kind == "tile":
        side = int(w * rng.uniform(0.06, 0.12))
        return shaded(wall, 0.3 + 0.7 * _courses(rng, size, (side, side), False))
    if kind == "shutter":
        y = np.arange(h)[:, None] * 2 * pi / (w * 0.055)
        return shaded(wall, np.repeat(0.72 + 0.28 * np.sin(y), w, axis=1))
    return weathered(wall, rng, 0.3)


def _neon_word(pen: Pen, word: str, points: int, at: Point, upright: bool, fill: RGB, core: RGB) -> None:
    """A word in outlined tubes, running along or letter under letter from ``at`` (its middle)."""
    factor = pen.factor
    style = font("sans-bold", points * factor)
    wide = style.getlength(word)
    x, y = at[0] * factor - wide / 2, at[1] * factor
    for index, letter in enumerate(word):
        if upright:
            spot = at[0] * factor, (at[1] + (index - (len(word) - 1) / 2) * points * 0.98) * factor
        else:
            spot = x + style.getlength(letter) / 2, y
            x += style.getlength(letter)
        for stroke, colour in ((4, fill), (3, core), (1, fill), (0, BLACK)):
            pen.draw.text(spot, letter, colour, style, "mm", stroke_width=stroke * points * factor / 110)


def _tube(pen: Pen, line: Sequence[Point], colour: RGB, wide: float) -> None:
    """A neon tube: its colour, and the white-hot gas within."""
    pen.line(line, colour, wide)
    pen.line(line, mix(colour, WHITE, 0.7), wide * 0.4)


def _neon_letters(pen: Pen, rng: Rng, size: Size, word: str, figure: str, first: RGB, second: RGB) -> None:
    """A word upright in a double frame; or along, over bars or under the ``figure`` where there is one."""
    w, h = size
    core, thick, y = mix(first, WHITE, 0.7), w * 0.018, h * rng.uniform(0.35, 0.6)
    if not figure and rng.random() < 0.5:
        x, points = w * rng.uniform(0.4, 0.6), int(min(h * 0.8 / len(word), w * 0.3))
        _neon_word(pen, word, points, (x, h / 2), True, first, core)
        for grow in (0, points * 0.1):
            half_wide, half_tall = points * 0.62 + grow, points * (len(word) * 0.49 + 0.25) + grow
            frame = oblong(x - half_wide, h / 2 - half_tall, x + half_wide, h / 2 + half_tall)
            _tube(pen, [*frame, frame[0]], second, thick)
        return
    points = int(min(w * 0.84 / len(word) / 0.8, h * 0.2))
    _neon_word(pen, word, points, (w / 2, y), False, first, core)
    if figure:
        for line in _sign_shape(figure, w / 2, y - points * 0.7 - w * 0.21, w * 0.17):
            _tube(pen, line, second, thick)
    for index in range(0 if figure else int(rng.integers(1, 4))):
        end, bar = w * (0.1 + 0.06 * index), y + points * 0.75 + index * w * 0.035
        _tube(pen, [(end, bar), (w - end, bar)], second, thick)


def neon_sign(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A neon sign on a wall: a word along or upright, a figure, or both; its light on the wall."""
    w, h = size
    wall, word = _neon_wall(rng, size, palette), one_of(rng, _NEON_WORDS)
    tubes = [palette.accent, mix(palette.accent, palette.light, 0.15), mix(palette.mid, palette.light, 0.4)]
    tubes.append(mix(palette.light, palette.accent, 0.25))
    first, second = (tubes[int(index)] for index in rng.permutation(4)[:2])
    layout = one_of(rng, ("word", "word", "figure", "both"))
    figure = one_of(rng, ("moon", "star", "heart", "glass", "arrow", "eye", "rings"))
    pen = Pen.over(Image.new("RGB", size))
    if layout == "figure":
        x = w * rng.uniform(0.42, 0.58)
        y = h * rng.uniform(0.4, 0.6)
        radius = min(w, h) * rng.uniform(0.24, 0.36)
        for line in _sign_shape(figure, x, y, radius):
            _tube(pen, line, first if rng.random() < 0.7 else second, w * 0.018)
    else:
        _neon_letters(pen, rng, size, word, figure if layout == "both" else "", first, second)
    sign = pen.drawn()
    small = sign.reduce(4)
    halo = brightened(small.filter(ImageFilter.GaussianBlur(w * 0.05)), 7)
    near = brightened(small.filter(ImageFilter.GaussianBlur(2)), 1.2)
    cast = ImageChops.screen(halo, Image.new("RGB", halo.size, mix(palette.ink, palette.deep, 0.5)))
    image = ImageChops.multiply(wall, cast.resize(size, Image.Resampling.BILINEAR))
    image.paste(BLACK, (3, 5), sign.convert("L").point(lambda value: min(130, value)))
    image = ImageChops.screen(image, near.resize(size, Image.Resampling.BILINEAR))
    return finished_by_night(ImageChops.screen(image, sign), rng, 0.4)


def _street_houses(pen: Pen, rng: Rng, ground: Ground, half: float, palette: Palette, haze: RGB) -> None:
    """Two rows of houses, from the far end to the near one, half in the haze where they are far."""
    lit, depths = rng.uniform(0.05, 0.2), (9.0, 5.6, 3.6, 2.4, 1.55, 1.0, 0.6)
    for far, near in pairwise(depths):
        for side in (-1, 1):
            tall, out = rng.uniform(1.4, 3.1), side * half * 1.35
            wall = mix(mix(palette.ink, palette.deep, rng.uniform(0.2, 0.7)), haze, min(0.6, near * 0.09))
            first, last = (far, near) if side > 0 else (near, far)
            top_left, top_right = ground.at(out, tall, first), ground.at(out, tall, last)
            plane = Plane(top_left, top_right, ground.at(out, 0, last), ground.at(out, 0, first))
            (near_x, near_y), (far_x, far_y) = ground.at(out, tall, near), ground.at(out, tall, far)
            away = side * ground.reach * 2
            roof = [(near_x, near_y), (near_x + away, near_y), (far_x + away, far_y), (far_x, far_y)]
            pen.shape(roof, mix(wall, palette.ink, 0.3))
            windows_at_night(pen, rng, plane, wall, palette, (3, max(2, int(tall * 1.7))), lit)


def _street_ground(pen: Pen, rng: Rng, ground: Ground, half: float, palette: Palette) -> None:
    """Pavements, asphalt, a dashed line, and sometimes a crossing."""
    asphalt, white = mix(palette.ink, palette.deep, 0.35), mix(palette.deep, palette.mid, 0.75)
    pen.shape(ground.strip(-half * 1.35, half * 1.35, 0.3, 9), mix(asphalt, palette.mid, 0.18))
    pen.shape(ground.strip(-half * 0.9, half * 0.9, 0.3, 12), asphalt)
    crossing = rng.uniform(0.75, 1.3) if rng.random() < 0.5 else 0.0
    if crossing:
        for index in range(9):
            x = half * (0.2 * index - 0.84)
            pen.shape(ground.strip(x, x + half * 0.11, crossing, crossing * 1.4), white)
    for depth in (0.6 * 1.45**step for step in range(8)):
        if depth > crossing * 1.4:
            pen.shape(ground.strip(-0.018, 0.018, depth, depth * 1.2), white)


def empty_street(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A street with nobody in it: houses to a vanishing point, lamps, wet asphalt, haze."""
    w, h = size
    vx, vy = w * rng.uniform(0.2, 0.8), h * rng.uniform(0.42, 0.74)
    ground, half = Ground((vx, vy), w * 0.62, 0.5), rng.uniform(0.35, 0.95)
    haze = mix(palette.mid, palette.accent, rng.uniform(0.05, 0.4))
    sky = gradient(size, [(0, palette.ink), (vy / h, mix(palette.deep, haze, 0.55)), (1, palette.ink)])
    lamp_sides: tuple[int, ...] = one_of(rng, ((-1,), (1,), (-1, 1)))
    reach_over = one_of(rng, (0.68, 0.68, 1.0))
    pen = Pen.over(sky)
    _street_houses(pen, rng, ground, half, palette, haze)
    _street_ground(pen, rng, ground, half, palette)
    for depth in (5.6, 3.2, 1.8, 1.0):
        thick, pole = max(0.8, w * 0.011 / depth), mix(palette.ink, haze, min(0.5, depth * 0.08))
        for side in lamp_sides:
            head = ground.at(side * half * reach_over, 1.8, depth)
            pen.line([ground.at(side * half, up, depth) for up in (0, 1.75)] + [head], pole, thick)
            pen.oval(*head, thick * 2.4, thick * 1.6, mix(palette.light, palette.accent, 0.25))
    if rng.random() < 0.4:
        depth, across = rng.uniform(0.9, 2.0), half * rng.choice((-0.8, 0.8))
        (x, foot), (_, top) = ground.at(across, 0, depth), ground.at(across, 1.3, depth)
        unlit = mix(palette.ink, palette.deep, 0.6)
        signal(pen, x, foot, top, w * 0.035 / depth, (palette.accent, unlit, unlit), palette.ink)
    image = bloomed(pen.drawn(), 110, 1.0, 8, 30)
    horizon = int(vy)
    above = image.crop((0, max(0, 2 * horizon - h), w, horizon)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    smeared = above.resize((w, 20), Image.Resampling.BOX).resize((w, h - horizon), Image.Resampling.BICUBIC)
    image = screened(image, brightened(smeared, 0.55), (0, horizon))
    rows, columns = quarter_grid(size)
    distance = np.hypot((columns - vx) / w, (rows - vy) / w * 1.6)
    image = blended(image, haze, 0.75 * np.exp(-distance * rng.uniform(4, 11)))
    return finished_by_night(image, rng, 0.5)
