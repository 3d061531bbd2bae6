"""Summers long ago: kites, deckchairs and beaches, pools, ice lollies.

Belongs here: bright holiday things out of doors.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo_generator.pictures.canvas import (
    RGB,
    WHITE,
    Palette,
    Point,
    Rng,
    Size,
    bell,
    enlarged,
    gradient,
    grid,
    halved,
    mix,
    smoothstep,
    turned_axes,
)
from demo_generator.pictures.landscape import (
    DAY,
    DUSK,
    GREY,
    birds,
    disc_mask,
    fill_land,
    glow_mask,
    ground_noise,
    layered_noise,
    open_sea,
    open_sky,
    under_line,
    walking_figure,
    wandering,
)
from demo_generator.pictures.light import finished_by_day, paint
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.shapes import between, oblong, polar

_AIRBED = ((-0.55, -1.4), (0.55, -1.4), (0.55, 1.4), (-0.55, 1.4))


def _kite(pen: Pen, rng: Rng, middle: Point, tall: float, colours: list[RGB]) -> Point:
    """A kite with its tail; answers where its string is tied."""
    tilt = rng.uniform(-0.7, 0.7)
    cosine, sine = np.cos(tilt), np.sin(tilt)

    def at(across: float, down: float) -> Point:
        aside, below = across * cosine - down * sine, across * sine + down * cosine
        return middle[0] + aside * tall, middle[1] + below * tall

    top, left, right, tip, heart = at(0, -0.55), at(-0.42, -0.1), at(0.42, -0.1), at(0, 0.75), at(0, -0.1)
    for corners, colour in zip(((top, left), (top, right), (tip, left), (tip, right)), colours, strict=False):
        pen.shape([*corners, heart], colour)
    pen.line([top, tip], colours[-1], 0.8)
    pen.line([left, right], colours[-1], 0.8)
    phase, length = rng.uniform(0, 6), rng.uniform(1.5, 3)
    hang = np.linspace(0, length, 30)
    tail = [at(0.16 * np.sin(w * 3.2 + phase) * w + 0.06, 0.75 + w * 0.8) for w in hang]
    pen.line(tail, colours[-1], 0.9)
    for index, (px, py) in enumerate(tail[5::5]):
        bow = tall * 0.1
        high, low = py - bow * 0.6, py + bow * 0.6
        ribbon = [(px - bow, high), (px - bow, low), (px + bow, high), (px + bow, low)]
        pen.shape(ribbon, colours[index % 3])
    return heart


def kite_field(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Kites over a meadow, their strings running down to small people in the grass."""
    width, height = size
    hour = int(rng.choice([DAY, DAY, GREY, DUSK]))
    ground = height * rng.uniform(0.7, 1.02)
    image = open_sky(rng, size, palette, ground, hour)
    white = mix(palette.light, WHITE, 0.6)
    across, down = width * rng.uniform(0.15, 0.3), width * rng.uniform(0.07, 0.15)
    cloud = layered_noise(rng, halved(size), across, down, 4)
    paint(image, white, smoothstep(cloud, 0.52, 0.68) * 0.75)
    sun = glow_mask(size, width * rng.random(), height * rng.uniform(0, 0.5), width * 0.4)
    paint(image, white, sun * 0.6)
    grass = mix(palette.deep, palette.mid, rng.uniform(0.1, 0.6))
    hill = ground
    line = np.full(width, ground)
    for depth in (0.3, 0.65, 1.0)[int(rng.integers(0, 3)) :]:
        slope = rng.uniform(-0.16, 0.16) * (np.arange(width) - width / 2)
        roll = height * 0.03 * wandering(rng, width, width * 0.9, 0.25)
        line = hill + slope + height * 0.05 * (depth - 0.6) - roll
        tone = mix(mix(palette.light, grass, 0.4 + 0.5 * depth), palette.ink, 0.12 * depth)
        fill_land(image, line, mix(tone, palette.light, 0.25), mix(tone, palette.ink, 0.25), height * 0.3)
        first = min(max(0, int(line.min())), height - 1)
        blades = layered_noise(rng, (width, height - first), 3, 14)
        grown = under_line((width, height - first), line - first) * smoothstep(blades, 0.55, 0.95) * 0.4
        paint(image, mix(tone, palette.light, 0.6), grown, first)
        hill += height * rng.uniform(0.04, 0.09)
    pale = mix(palette.accent, palette.light, 0.5)
    bright = [palette.accent, palette.light, palette.deep, pale, palette.mid]
    count = int(rng.choice([1, 1, 2, 3, 5]))
    big = height * (rng.uniform(0.1, 0.24) if count == 1 else rng.uniform(0.05, 0.11))
    ink = mix(palette.ink, palette.deep, 0.2)
    pen = Pen.over(image)
    for index in range(count):
        x = width * (index + rng.uniform(0.2, 0.8)) / count
        y = ground * rng.uniform(0.14, 0.55)
        feet = float(np.clip(width - x + rng.normal(0, width * 0.12), 12, width - 12))
        base, tall = float(line[int(feet)]) + 5, height * rng.uniform(0.045, 0.085)
        order = rng.permutation(len(bright))
        colours = [bright[order[0]], bright[order[1]], bright[order[2]], bright[order[0]], ink]
        hand = (feet + tall * 0.12, base - tall * 0.75)
        if index == 0:
            colours[0] = palette.accent
        heart = _kite(pen, rng, (x, y), big * rng.uniform(0.75, 1.2), colours)
        along, sag = np.linspace(0, 1, 24), rng.uniform(0.06, 0.2) * height
        xs = heart[0] + (hand[0] - heart[0]) * along
        ys = heart[1] + (hand[1] - heart[1]) * along + sag * along * (1 - along) * 2
        pen.line(np.stack([xs, ys], axis=1), mix(ink, palette.light, 0.3), 0.6)
        walking_figure(pen, (feet, base), tall, ink, rng.uniform(0.05, 0.16))
        pen.line([(feet, base - tall * 0.72), hand], ink, tall * 0.06)
    for _ in range(int(rng.choice([0, 40, 120]))):
        fx = int(rng.integers(width))
        fy = float(line[fx]) + (height - float(line[fx])) * rng.random()
        pen.oval(fx, fy, 1.4, 1.2, bright[int(rng.integers(2))])
    return finished_by_day(pen.drawn(), rng, 0.22)


def _stripes(pen: Pen, corners: tuple[Point, Point, Point, Point], colours: list[RGB], count: int) -> None:
    """Lengthwise stripes on the quadrilateral top left, top right, bottom right, bottom left."""
    top_left, top_right, low_right, low_left = corners
    for index in range(count):
        start, end = index / count, (index + 1) / count
        top = [between(top_left, top_right, share) for share in (start, end)]
        foot = [between(low_left, low_right, share) for share in (end, start)]
        pen.shape([*top, *foot], colours[index % len(colours)])


def _deckchair(
    pen: Pen, feet: Point, tall: float, *, lean: float, cloth: list[RGB], wood: RGB, count: int
) -> None:
    """A deckchair from behind; ``lean`` skews it to one side, ``count`` stripes are on it."""
    x, y = feet
    half, rail = tall * 0.34, tall * 0.05
    top_l, top_r = (x - half + lean * tall, y - tall), (x + half + lean * tall, y - tall)
    low_l, low_r = (x - half * 0.9 - lean * tall * 0.3, y), (x + half * 0.9 - lean * tall * 0.3, y)
    for (ax, ay), (bx, by) in ((top_l, low_l), (top_r, low_r)):
        pen.line([(ax, ay), (bx, by)], wood, rail)
        knee = (ax * 0.55 + bx * 0.45, ay * 0.55 + by * 0.45)
        pen.line([knee, (bx + lean * tall * 0.9, by + tall * 0.14)], wood, rail)
    shift, low = lean * tall * 0.85, y + tall * 0.12
    pen.line([(low_l[0] + shift, low), (low_r[0] + shift, low)], wood, rail)
    inset = rail * 0.9
    foot_y = y - tall * 0.22
    slide = lean * tall * 0.28
    right, left = (low_r[0] - inset + slide, foot_y), (low_l[0] + inset + slide, foot_y)
    sling = ((top_l[0] + inset, top_l[1]), (top_r[0] - inset, top_r[1]), right, left)
    _stripes(pen, sling, cloth, count)
    middle, half_seat = (right[0] + left[0]) / 2, (right[0] - left[0]) / 2
    pen.oval(middle, foot_y, half_seat, tall * 0.05, mix(cloth[0], wood, 0.5))
    pen.line([top_l, top_r], wood, rail * 1.2)


def _parasol_above(pen: Pen, at: Point, radius: float, colours: list[RGB], ink: RGB) -> None:
    (x, y), turn = at, sum(at)
    for index in range(12):
        angle = turn + index * np.pi / 6
        arc = [polar(x, y, radius, rim) for rim in np.linspace(angle, angle + np.pi / 6, 4)]
        shade = 0.16 * (1 + np.sin(angle)) / 2
        pen.shape([(x, y), *arc], mix(colours[index % len(colours)], ink, shade))
    pen.disc(x, y, radius * 0.06, ink)


@dataclass(frozen=True)
class _Beach:
    """The colours of a summer's day: pairs for stripes, the sand, the wood and the darkest."""

    pairs: list[list[RGB]]
    sand: RGB
    wood: RGB
    ink: RGB


def deckchairs(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Striped deckchairs looking out to sea, or a beach of parasols and towels seen from above."""
    white = mix(palette.light, WHITE, 0.6)
    pink, dusk = mix(palette.accent, palette.light, 0.35), mix(palette.deep, palette.mid, 0.5)
    pairs = [[palette.accent, white], [palette.deep, white], [pink, palette.light]]
    pairs += [[palette.mid, white, palette.accent, white], [dusk, palette.light]]
    beach = _Beach(
        pairs=pairs,
        sand=mix(palette.light, palette.accent, rng.uniform(0.04, 0.16)),
        wood=mix(mix(palette.accent, palette.light, 0.4), palette.ink, 0.45),
        ink=mix(palette.ink, palette.deep, 0.3),
    )
    return (_beach_above if rng.random() < 0.35 else _beach_front)(rng, size, palette, beach)


def _beach_front(rng: Rng, size: Size, palette: Palette, beach: _Beach) -> Image.Image:
    """Chairs on the sand from behind, with the sea in front of them."""
    width, height = size
    horizon = height * rng.uniform(0.25, 0.5)
    shore = horizon + height * rng.uniform(0.06, 0.2)
    hour = int(rng.choice([DAY, DAY, DUSK]))
    image = open_sky(rng, size, palette, horizon, hour)
    open_sea(image, rng, palette, hour, (width * rng.random(), horizon))
    line = shore + wandering(rng, width, width * 0.8, 0.3) * 4
    fill_land(image, line - 4, mix(palette.light, WHITE, 0.7), beach.sand, 4)
    fill_land(image, line, mix(beach.sand, palette.mid, 0.45), beach.sand, height * 0.1)
    first = int(line.max())
    ripples = ground_noise(rng, (width, height - first), 12, 2) * 0.35
    paint(image, mix(beach.sand, palette.deep, 0.5), ripples, first)
    count = int(rng.choice([1, 2, 2, 3, 5]))
    tall = min(height * 0.36, width * 0.95 / count) * rng.uniform(0.75, 0.95)
    lean, step = rng.uniform(-0.22, 0.22), rng.uniform(-0.04, 0.04) * height
    aside = rng.uniform(-0.2, 0.2) * width if count == 1 else 0
    xs = width * (0.5 + (np.arange(count) - (count - 1) / 2) / (count + 0.25)) + aside
    ys = height * rng.uniform(0.8, 0.9) + step * np.arange(count)
    reach = rng.uniform(-0.9, 0.9)
    pen = Pen.soft(size)
    for x, y in zip(xs, ys, strict=True):
        near, end = [(x - tall * 0.32, y), (x + tall * 0.32, y + 4)], x + tall * reach
        pen.shape([*near, (end + tall * 0.3, y + tall * 0.3), (end - tall * 0.3, y + tall * 0.3)], 255)
    paint(image, mix(beach.sand, palette.ink, 0.6), pen.softened(2) * 0.65)
    parasol, first = rng.random() < 0.45, int(rng.integers(len(beach.pairs)))
    px, py, pr = xs[0] - tall * 0.5, ys[0] - tall * 1.45, tall * 0.8
    pen = Pen.over(image)
    if parasol:
        pen.line([(px, py), (px + 6, ys[0] - 4)], beach.wood, 3)
        for index in range(8):
            start, end = np.pi * index / 8, np.pi * (index + 1) / 8
            rim = [(px - np.cos(angle) * pr, py + np.sin(angle) * pr * 0.12) for angle in (start, end)]
            pen.shape([(px, py - pr * 0.45), *rim], beach.pairs[first][index % 2])
    for index, (x, y) in enumerate(zip(xs, ys, strict=True)):
        cloth = beach.pairs[(first + index * int(rng.integers(0, 2))) % len(beach.pairs)]
        stripes = int(rng.integers(5, 10))
        _deckchair(pen, (x, y), tall, lean=lean, cloth=cloth, wood=beach.wood, count=stripes)
    birds(pen, rng, (width * rng.random(), horizon * 0.5), 20, beach.ink)
    return finished_by_day(pen.drawn(), rng, 0.22)


def _beach_above(rng: Rng, size: Size, palette: Palette, beach: _Beach) -> Image.Image:
    """Parasols, towels and chairs as a gull would see them."""
    width, height = size
    columns, rows = (2 * part for part in grid(halved(size)))
    image = Image.new("RGB", size, beach.sand)
    paint(image, mix(beach.sand, palette.deep, 0.4), layered_noise(rng, halved(size), 10, 10, 3) * 0.45)
    turn = rng.uniform(0, 2 * np.pi)
    out = turned_axes(columns - width / 2, rows - height / 2, turn)[0]
    out = out - width * rng.uniform(0.05, 0.55) + (layered_noise(rng, halved(size), 70, 70, 2) - 0.5) * 60
    water = mix(palette.deep, palette.mid, 0.4)
    paint(image, mix(beach.sand, palette.deep, 0.4), smoothstep(out, -22, -2) * 0.6)
    paint(image, water, smoothstep(out, -1, 1) * np.clip(0.55 + out / 200, 0, 1))
    lace = layered_noise(rng, halved(size), 30, 30)
    paint(image, WHITE, bell(out, 3) + 0.7 * bell(out - 22 + 12 * lace, 2.5))
    cell = rng.uniform(58, 105)
    spots = [
        (x + rng.normal(0, cell * 0.13), y + rng.normal(0, cell * 0.13))
        for y in np.arange(cell * 0.4, height + cell / 2, cell)
        for x in np.arange(cell * 0.4, width + cell / 2, cell)
    ]
    keep = rng.random(len(spots)) < 0.8
    low, right = len(out) - 1, out.shape[1] - 1
    dry = [out[min(max(int(y / 2), 0), low), min(max(int(x / 2), 0), right)] for x, y in spots]
    spots = [at for at, kept, away in zip(spots, keep, dry, strict=True) if kept and away < -cell * 0.35]
    fall = (rng.uniform(-0.3, 0.3) * cell, rng.uniform(0.1, 0.3) * cell)
    radius = cell * rng.uniform(0.28, 0.36)
    pen = Pen.soft(size)
    for x, y in spots:
        pen.disc(x + fall[0], y + fall[1], radius, 255)
    paint(image, mix(beach.sand, palette.ink, 0.7), pen.softened(1.5) * 0.5)
    pen = Pen.over(image)
    for x, y in spots:
        angle, pair = rng.uniform(-0.4, 0.4) + turn, beach.pairs[int(rng.integers(len(beach.pairs)))]
        cosine, sine, far = np.cos(angle) * radius, np.sin(angle) * radius, rng.uniform(0.5, 1)
        towel = ((1, -0.4), (1, 0.4), (2.4, 0.4), (2.4, -0.4))
        reach, rise = cosine * far, sine * far
        corners = [(x + reach * out - sine * down, y + rise * out + cosine * down) for out, down in towel]
        _stripes(pen, (corners[0], corners[1], corners[2], corners[3]), pair, 5)
    for x, y in spots:
        _parasol_above(pen, (x, y), radius, beach.pairs[int(rng.integers(len(beach.pairs)))], beach.ink)
    return finished_by_day(pen.drawn(), rng, 0.2)


def _swim_ring(image: Image.Image, rng: Rng, at: Point, radius: float, colours: tuple[RGB, RGB, RGB]) -> None:
    """A swimming ring and its shadow under water; ``colours`` are the two of the ring and the dark one."""
    corner = max(0, int(at[0] - 1.1 * radius)), max(0, int(at[1] - 1.1 * radius))
    right, low = min(image.width, int(at[0] + 1.6 * radius)), min(image.height, int(at[1] + 1.8 * radius))
    patch = image.crop((*corner, right, low))
    columns, rows = grid(patch.size)
    dx, dy = columns + corner[0] - at[0], rows + corner[1] - at[1]

    def from_rim(shift: float) -> np.ndarray:
        x, y = dx - shift * 0.7 * radius, dy - shift * radius
        return np.asarray(np.sqrt(x * x + y * y) - radius * 0.72, dtype=np.float32)

    def band(rim: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(radius * 0.28 - np.abs(rim) + 0.5, 0, 1))

    paint(patch, colours[2], band(from_rim(0.45)) * 0.3)
    rim = from_rim(0)
    ring, wedges = band(rim), np.sin(np.arctan2(dy, dx) * int(rng.integers(3, 7)) + rng.uniform(0, 6))
    paint(patch, colours[0], ring)
    paint(patch, colours[1], ring * smoothstep(wedges, -0.05, 0.05))
    paint(patch, colours[2], ring * smoothstep(np.abs(rim) / radius, 0.1, 0.32) * 0.3)
    paint(patch, WHITE, ring * bell(from_rim(-0.1), radius * 0.06) * 0.7)
    image.paste(patch, corner)


def pool_water(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A swimming pool in the sun: nets of light, wavering tiles, a ladder, a float or lane ropes."""
    width, height = size
    blue = mix(palette.mid, palette.deep, rng.uniform(0.1, 0.55))
    shallow = mix(blue, palette.light, rng.uniform(0.2, 0.5))
    far = mix(blue, palette.deep, rng.uniform(0, 0.6))
    image = gradient(size, [(0.0, shallow), (1.0, far)])
    mesh, turn, kind = rng.uniform(16, 42), rng.uniform(-0.5, 0.5), int(rng.integers(5))
    cosine, sine, lane = math.cos(turn), math.sin(turn), width * 0.42
    warp = [layered_noise(rng, halved(size), mesh, mesh, 2) - 0.5 for _ in range(4)]
    columns, rows = grid(size)
    tile, sway, edge = rng.uniform(18, 44), rng.uniform(8, 26), -height * rng.uniform(0.2, 0.42)
    across, down = turned_axes(columns - width / 2, rows - height / 2, turn)
    across, down = across + enlarged(warp[0] * sway, size), down + enlarged(warp[1] * sway, size)
    joint = np.minimum(np.abs(across * (1 / tile) % 1 - 0.5), np.abs(down * (1 / tile) % 1 - 0.5)) * tile
    paint(image, mix(blue, palette.light, 0.5), np.clip(1.6 - joint, 0, 1) * rng.uniform(0.1, 0.6))
    if kind == 1:
        lanes = np.clip(9 - np.abs(across / lane % 1 - 0.5) * lane, 0, 1) * 0.75
        paint(image, mix(palette.deep, palette.ink, 0.4), lanes)
    net = np.minimum(np.abs(warp[2] + warp[0] * 0.6), np.abs(warp[3] + warp[1] * 0.6))
    white = mix(palette.light, WHITE, 0.8)
    paint(image, white, np.exp(enlarged(net, size) * -rng.uniform(18, 44)) * rng.uniform(0.55, 0.95))
    paint(image, mix(blue, palette.deep, 0.6), smoothstep(net, 0.12, 0.3) * 0.4)
    deck = mix(palette.light, palette.accent, rng.uniform(0.05, 0.35))

    def place(along: float, out: float) -> Point:
        """From the pool's own axes (along its edge, out into the water) to the picture."""
        away = out + edge
        return width / 2 + along * cosine - away * sine, height / 2 + along * sine + away * cosine

    at = (width * rng.uniform(0.25, 0.75), height * rng.uniform(0.5, 0.78))
    radius = width * rng.uniform(0.12, 0.24)
    lie = rng.uniform(0, math.pi)
    lie_x, lie_y = math.cos(lie), math.sin(lie)
    ends = [(lie_x * along - lie_y * out, lie_y * along + lie_x * out) for along, out in _AIRBED]
    bed = [(at[0] + radius * along, at[1] + radius * out) for along, out in ends]
    pen = Pen.soft(size)
    if kind != 3:
        pen.shape([place(*corner) for corner in oblong(-width, 0, width, 16)], 255)
    if kind == 2:
        pen.shape([(along + radius * 0.3, out + radius * 0.45) for along, out in bed], 255)
    paint(image, mix(palette.deep, palette.ink, 0.5), pen.softened(5) * 0.45)
    if kind in (0, 3):
        _swim_ring(image, rng, at, radius, (palette.accent, white, palette.ink))
    pen = Pen.over(image)
    if kind == 1:
        for along in np.arange(-2, 3) * lane:
            for index in range(int(height * 1.5 / 7)):
                bead = palette.accent if index // 4 % 2 else white
                pen.disc(*place(along, index * 7 + 4), 3.2, bead)
    if kind == 2:
        _stripes(pen, (bed[0], bed[1], bed[2], bed[3]), [palette.accent, white], 7)
        sides = zip(bed[1::-1], bed[2:], strict=True)
        head = [(top[0] * 0.8 + foot[0] * 0.2, top[1] * 0.8 + foot[1] * 0.2) for top, foot in sides]
        pen.shape([bed[0], bed[1], *head], mix(palette.accent, palette.light, 0.5))
    if kind != 3:
        pen.shape([place(*corner) for corner in oblong(-width, 0, width, -height)], deck)
        pen.line([place(-width, -7), place(width, -7)], white, 14)
        for along in np.arange(-width, width, tile):
            pen.line([place(along, 0), place(along, -14)], mix(deck, palette.ink, 0.25), 0.7)
    if kind in (0, 2, 4):
        along = width * rng.uniform(-0.3, 0.3)
        for side in (-16, 16):
            under = [place(along + side + 9, 6), place(along + side + 9, 52)]
            pen.line(under, mix(blue, palette.ink, 0.45), 3)
            pen.line([place(along + side, -34), place(along + side, 48)], white, 4.5)
            shade = [place(along + side + 1, -34), place(along + side + 1, 48)]
            pen.line(shade, mix(palette.mid, palette.ink, 0.3))
        for out in (18, 34):
            pen.line([place(along - 16, out), place(along + 16, out)], white, 3)
    return finished_by_day(pen.drawn(), rng, 0.2)


def _lolly(rng: Rng, wide: int, palette: Palette, kind: int) -> Image.Image:
    """One ice lolly upright on a clear ground, about ``wide`` pixels wide: plain, dipped, banded, twin."""
    scale = 2
    w, tall, pad = wide * scale, int(wide * rng.uniform(1.7, 2.2)) * scale, 8
    image = Image.new("RGBA", (w + 2 * pad, int(tall * 1.5) + pad))
    draw = ImageDraw.Draw(image)
    white = mix(palette.light, WHITE, 0.6)
    pale, dusk = mix(palette.accent, palette.light, 0.5), mix(palette.deep, palette.mid, 0.4)
    flavours = [palette.accent, pale, palette.mid, white, dusk]
    order = rng.permutation(len(flavours))
    base, other, third = (flavours[index] for index in order[:3])
    wood = mix(white, palette.accent, 0.3)
    for centre in (0.28, 0.72) if kind == 3 else (0.5,):
        x = pad + w * centre
        draw.rounded_rectangle((x - w * 0.08, tall * 0.9, x + w * 0.08, tall * 1.45), w * 0.08, fill=wood)
        edge = (x + w * 0.05, tall * 0.95, x + w * 0.05, tall * 1.4)
        draw.line(edge, mix(wood, palette.ink, 0.25), 3)
    body = Image.new("L", image.size)
    pen = ImageDraw.Draw(body)
    pen.rounded_rectangle((pad, pad, pad + w, pad + tall), w * 0.46, fill=255)
    pen.rounded_rectangle((pad, tall * 0.5, pad + w, pad + tall), w * 0.08, fill=255)
    for _ in range(int(rng.integers(0, 4))):
        drip, length = pad + w * rng.uniform(0.12, 0.88), tall * rng.uniform(0.04, 0.2)
        trickle = (drip - w * 0.05, tall * 0.9, drip + w * 0.05, pad + tall + length)
        pen.rounded_rectangle(trickle, w * 0.05, 255)
    if rng.random() < 0.5:
        side = pad if rng.random() < 0.5 else pad + w
        for dx, dy, radius in ((0, 0.03, 0.3), (0.22, -0.02, 0.24), (-0.02, 0.16, 0.22)):
            bx, by, br = side + (dx if side == pad else -dx) * w, pad + (dy + 0.02) * tall, radius * w
            pen.ellipse((bx - br, by - br, bx + br, by + br), fill=0)
    columns, rows = grid(halved(image.size))
    across, down = (2 * columns - pad) / w, (2 * rows - pad) / tall
    wave = 0.03 * np.sin(across * 9 + rng.uniform(0, 6)) + 0.02 * np.sin(across * 17)
    ice = Image.new("RGB", image.size, base)
    if kind == 1:
        dipped = np.clip((rng.uniform(0.35, 0.6) + wave * 1.6 - down) * tall, 0, 1)
        paint(ice, mix(palette.deep, palette.ink, 0.3), dipped)
    elif kind == 2:
        paint(ice, other, np.clip((down - 0.34 + wave * 0.4) * tall, 0, 1))
        paint(ice, third, np.clip((down - 0.66 + wave * 0.4) * tall, 0, 1))
    elif rng.random() < 0.6:
        paint(ice, other, smoothstep(down + 0 * across, 0.2, 0.95))
    inside = (down > 0.16) & (down < 0.88)
    dark, lit = 0.25 * smoothstep(across, 0.75, 1.05), 0.55 * bell(across - 0.13, 0.045)
    for groove in (0.5,) if kind == 3 else (0.34, 0.66):
        dark = dark + 0.22 * bell(across - groove, 0.05)
        lit = lit + 0.35 * bell(across - groove - 0.07, 0.035)
    paint(ice, palette.ink, dark * inside)
    paint(ice, WHITE, lit * inside)
    if kind == 1:
        top = ImageDraw.Draw(ice)
        for _ in range(26):
            sx, sy, angle = pad + w * rng.random(), pad + tall * 0.34 * rng.random(), rng.uniform(0, 3)
            crumb = (sx, sy, sx + np.cos(angle) * 9, sy + np.sin(angle) * 9)
            top.line(crumb, flavours[int(rng.integers(5))], 4)
    image.paste(ice, (0, 0), body)
    return image


def ice_lolly(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Ice lollies laid out in hard summer light: one large, a fan of a few, or a whole pattern."""
    width, height = size
    columns, rows = grid(size)
    pale, pink = mix(palette.mid, palette.light, 0.4), mix(palette.accent, palette.light, 0.65)
    tones = [palette.light, pale, pink, palette.mid]
    first, second = (tones[number] for number in rng.permutation(4)[:2])
    image = gradient(size, [(0.0, mix(first, WHITE, 0.15)), (1.0, first)])
    slant, ground = rng.uniform(-0.8, 0.8), int(rng.integers(4))
    across = (columns - width / 2) * slant + rows
    if ground == 0:
        paint(image, second, np.clip(across - height * rng.uniform(0.35, 0.7), 0, 1))
    elif ground == 1:
        paint(image, second, np.clip(np.abs((across / rng.uniform(34, 80)) % 1 - 0.5) * 60 - 15, 0, 1) * 0.7)
    elif ground == 2:
        tile = rng.uniform(26, 52)
        joint = np.minimum(np.abs(columns / tile % 1 - 0.5), np.abs(rows / tile % 1 - 0.5)) * tile
        paint(image, mix(second, palette.deep, 0.15), np.clip(1.4 - joint, 0, 1) * 0.8)
    else:
        middle = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.35, 0.6))
        paint(image, second, disc_mask(size, *middle, width * rng.uniform(0.3, 0.48)))
    count = int(rng.choice([1, 1, 2, 3, 6]))
    share = {1: 0.36, 2: 0.24, 3: 0.2, 6: 0.15}[count]
    wide = int(min(width * share, height * share * (0.62 if count == 6 else 0.8)))
    kinds = rng.integers(0, 4, 2)
    sprites = [_lolly(rng, wide, palette, int(kind)) for kind in kinds[: 1 if count == 1 else 2]]
    lean, drop = rng.uniform(-28, 28), rng.uniform(0.08, 0.3) * wide
    for index in range(count):
        if count == 6:
            x = width * (0.25 + 0.5 * (index % 2))
            y = height * (0.19 + 0.31 * (index // 2))
            angle = lean + 180 * ((index + index // 2) % 2)
        else:
            x = width * (index + 0.5 + 0.25 * (count > 1)) / (count + 0.5 * (count > 1))
            y = height * 0.5 + rng.normal(0, 0.03) * height
            angle = lean - 14 * (index - (count - 1) / 2)
        sprite = sprites[index % len(sprites)].rotate(angle, Image.Resampling.BILINEAR, expand=True)
        sprite = sprite.resize((sprite.width // 2, sprite.height // 2), Image.Resampling.BOX)
        at = (round(x - sprite.width / 2), round(y - sprite.height / 2))
        shadow = sprite.getchannel("A").point(lambda value: value * 0.38).filter(ImageFilter.BoxBlur(2))
        fallen = (at[0] + round(drop), at[1] + round(drop * 1.2))
        image.paste(mix(palette.deep, palette.ink, 0.5), fallen, shadow)
        image.paste(sprite, at, sprite)
    if rng.random() < 0.5:
        slats = np.sin((columns * rng.uniform(0.4, 1) + rows * rng.uniform(-0.6, 0.6)) / rng.uniform(14, 34))
        bars = smoothstep(slats, -0.2, 0.15)
        paint(image, mix(palette.deep, palette.ink, 0.3), bars * 0.16)
    return finished_by_day(image, rng, 0.18)
