"""The sea and its shore: open water, beaches seen from above, lighthouses, pebbles.

Belongs here: pictures that salt water is near to. Summer beaches are in ``summer``.
"""

import math
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageFilter

from demo_generator.pictures.canvas import (
    RGB,
    WHITE,
    Box,
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
)
from demo_generator.pictures.landscape import (
    DUSK,
    GREY,
    NIGHT,
    birds,
    disc_mask,
    fill_land,
    glow_mask,
    layered_noise,
    open_sea,
    open_sky,
    sky_colours,
    under_line,
    walking_figure,
    wandering,
)
from demo_generator.pictures.light import finished_by_day, from_pixels, paint
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.shapes import between, oblong

_Stone: TypeAlias = Box


def _jetty(pen: Pen, end: Point, foot: Point, colours: tuple[RGB, RGB]) -> None:
    """A landing stage running out from ``foot`` at the lower edge to ``end``: posts and planks."""
    dark, plank = colours
    steps = np.linspace(0.02, 1.05, 24) ** 2
    rungs = [(*between(end, foot, along), 3 + 42 * along) for along in steps]
    sides = [(x - half, y) for x, y, half in rungs], [(x + half, y) for x, y, half in reversed(rungs)]
    for x, y, half in rungs[::3]:
        for post in (x - half, x + half):
            pen.line([(post, y + half * 0.8), (post, y)], dark, 1 + half * 0.12)
    pen.shape([*sides[0], *sides[1]], plank)
    for x, y, half in rungs:
        pen.line([(x - half, y), (x + half, y)], dark, 0.4 + half * 0.03)
    for x, y, half in rungs[::3]:
        for post in (x - half, x + half):
            pen.line([(post, y + 1), (post, y - half * 0.55)], dark, 1 + half * 0.12)


def seascape(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Open water under a wide sky: sun or moon, far headlands, a rock, a sail, someone on the shore."""
    width, height = size
    hour = int(rng.integers(4))
    heights = (rng.uniform(0.26, 0.38), rng.uniform(0.48, 0.6), rng.uniform(0.66, 0.78))
    horizon = height * heights[rng.integers(3)]
    image = open_sky(rng, size, palette, horizon, hour)
    x, radius = width * rng.uniform(0.12, 0.88), width * rng.uniform(0.035, 0.11)
    y = horizon - rng.uniform(-0.2, 0.75) * horizon
    disc = (mix(palette.light, WHITE, 0.5), palette.light, palette.accent, palette.light)[hour]
    paint(image, mix(disc, palette.light, 0.5), glow_mask(size, x, y, width * 0.45) * 0.7)
    if hour != GREY:
        paint(image, disc, disc_mask(size, x, y, radius) * rng.uniform(0.75, 1))
    _, _, low = sky_colours(palette, hour)
    for _ in range(int(rng.integers(0, 3))):
        near, far = np.sort(rng.uniform(0.1, 0.9, 2))
        side = smoothstep(np.arange(width, dtype=np.float32) / width, near, far + 0.15)
        side = side if rng.random() < 0.5 else side[::-1]
        line = horizon - side * height * rng.uniform(0.03, 0.1) * (1 + 0.25 * wandering(rng, width, 60)) + 1
        fill_land(image, line, mix(low, palette.deep, rng.uniform(0.4, 0.8)), low, height * 0.25)
    open_sea(image, rng, palette, hour, (x, horizon))
    extra, dark = int(rng.integers(6)), mix(palette.ink, palette.deep, 0.2)
    far_plank = mix(mix(palette.mid, palette.deep, 0.5), palette.ink, (0.2, 0.3, 0.45, 0.7)[hour])
    spot, shore = width * rng.uniform(0.15, 0.85), np.zeros(0)
    if extra == 0:
        reach = bell(np.arange(width) - spot, width * rng.uniform(0.1, 0.3))
        tall = height * rng.uniform(0.05, 0.14)
        base = horizon + (height - horizon) * rng.uniform(0.1, 0.5)
        rock = base - reach * tall * (1 + 0.3 * wandering(rng, width, 50, 0.6)) + tall * 0.15
        wet = under_line(size, base + 1.5 * wandering(rng, width, 12))
        paint(image, dark, under_line(size, rock) * (1 - wet))
    elif extra < 3:
        shore = height - (height - horizon) * rng.uniform(0.12, 0.32) + 5 * wandering(rng, width, 160, 0.4)
        sand = mix(mix(palette.mid, palette.accent, 0.15), palette.ink, (0.05, 0.3, 0.45, 0.75)[hour])
        fill_land(image, shore - 3, mix(low, palette.light, 0.6), sand, 4)
        fill_land(image, shore, mix(sand, palette.ink, 0.35), sand, height * 0.1)
    pen = Pen.over(image)
    birds(pen, rng, (width - spot, horizon * 0.6), width * 0.12, mix(dark, low, 0.2))
    if extra in (1, 2):
        feet = (spot, float(shore[int(spot)]) + height * 0.025)
        walking_figure(pen, feet, height * rng.uniform(0.05, 0.1), dark)
    elif extra == 3:
        end = (spot, horizon + (height - horizon) * 0.15)
        _jetty(pen, end, (width - spot, height), (dark, far_plank))
    elif extra == 4:
        tall = height * rng.uniform(0.03, 0.1)
        foot = horizon + tall * 0.25
        pen.shape([(spot, foot - tall), (spot, foot - 2), (spot + tall * 0.5, foot - 2)], palette.light)
        jib = [(spot - 1, foot - tall * 0.9), (spot - 1, foot - 2), (spot - tall * 0.3, foot - 2)]
        pen.shape(jib, low)
        pen.shape([(spot - tall * 0.4, foot - 1), (spot + tall * 0.5, foot - 1), (spot, foot + 2)], dark)
    return finished_by_day(pen.drawn(), rng)


def tide_lines(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A beach from above: wet sand, lace of foam, old tide marks, and a walker's long shadow."""
    width, height = size
    small = halved(size)
    columns, rows = (2 * part for part in grid(small))
    angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.6)
    ax, ay = math.cos(angle), math.sin(angle)
    out = ((columns - width / 2) * ax + (rows - height / 2) * ay) / width + rng.uniform(-0.35, 0.3)
    swing = [layered_noise(rng, small, width * 0.3 * scale, width * 0.3 * scale, 2) - 0.5 for _ in range(2)]
    shore = out + swing[0] * rng.uniform(0.15, 0.5)
    dry, wet = mix(palette.light, palette.accent, rng.uniform(0, 0.22)), mix(palette.mid, palette.deep, 0.2)
    image = Image.new("RGB", size, dry)
    ripples = layered_noise(rng, small, 13 * scale, 13 * scale, 3)
    paint(image, mix(dry, palette.mid, 0.6), ripples * 0.55)
    damp, rim = np.zeros_like(shore), np.zeros_like(shore)
    for back in np.cumsum(rng.uniform(0.05, 0.18, int(rng.integers(1, 5)))).tolist():
        mark = shore + swing[1] * 0.14 + back
        damp += (mark > 0) * 0.3 * np.exp(-5 * np.abs(mark))
        rim = np.maximum(rim, bell(mark, 0.006))
    paint(image, wet, np.minimum(damp, 0.7))
    paint(image, mix(wet, palette.ink, 0.4), rim * ripples * 0.8)
    paint(image, wet, smoothstep(shore, -0.12, 0.02) * 0.75)
    water = smoothstep(shore, 0.0, rng.uniform(0.35, 0.9))
    paint(image, palette.deep, smoothstep(shore, -0.002, 0.002) * (0.35 + 0.65 * water))
    paint(image, mix(palette.deep, palette.ink, 0.7), water * water * rng.uniform(0.4, 0.95))
    mesh = 14 * scale
    lace = np.abs(layered_noise(rng, size, mesh, mesh, 2) - 0.5)
    lace = np.minimum(lace, np.abs(layered_noise(rng, size, mesh * 1.3, mesh * 1.3) - 0.5))
    reach, crest = np.zeros_like(shore), np.zeros_like(shore)
    for edge in [0.0, *np.cumsum(rng.uniform(0.1, 0.34, int(rng.integers(1, 4)))).tolist()]:
        wash = shore - edge + (swing[1] * 0.2 if edge else 0)
        behind = np.clip(1 - wash * (1 / rng.uniform(0.1, 0.26)), 0, 1) * (wash > 0)
        reach, crest = np.maximum(reach, behind), np.maximum(crest, bell(wash, 0.009))
    foam = smoothstep(enlarged(0.13 * reach * reach, size) - lace, 0, 0.04)
    paint(image, mix(palette.light, WHITE, 0.6), np.maximum(foam, enlarged(crest, size)))
    x, y = width / 2 - ax * width * 0.3, height / 2 - ay * width * 0.35
    fall = rng.uniform(14, 40) * (1 if rng.random() < 0.5 else -1)
    walkers, trail, shadow = int(rng.integers(0, 3)), rng.random() < 0.6, mix(wet, palette.ink, 0.7)
    pen = Pen.over(image)
    for step in range(1, 60 if trail and walkers else 0):
        sway = (2 if step % 2 else -2) + 10 * math.sin(step / 9)
        pen.disc(x - ay * step * 8 + ax * sway, y + ax * step * 8 + ay * sway, 1.4, shadow)
    for walker in range(walkers):
        px, py = x + ay * 13 * walker, y - ax * 13 * walker
        pen.line([(px, py), (px + fall, py + abs(fall) * 0.4)], shadow, 3)
        pen.disc(px, py, 3.4, palette.accent if walker == 0 else palette.ink)
        pen.disc(px, py, 1.6, palette.ink)
    return finished_by_day(pen.drawn(), rng, 0.2)


def _tower(pen: Pen, at: Point, tall: float, bands: int, colours: tuple[RGB, RGB, RGB, RGB]) -> None:
    """A lighthouse standing at a point: wall, bands, shade and lamp are ``colours``."""
    (x, foot), (wall, band, shade, lamp) = at, colours
    wide, narrow = tall * 0.12, tall * 0.075
    top = foot - tall * 0.8

    def level(share: float) -> tuple[float, float]:
        return wide + (narrow - wide) * share, foot + (top - foot) * share

    for course in range(max(bands, 1)):
        (r0, y0), (r1, y1) = level(course / max(bands, 1)), level((course + 1) / max(bands, 1))
        colour = band if bands and course % 2 else wall
        pen.shape([(x - r0, y0), (x + r0, y0), (x + r1, y1), (x - r1, y1)], colour)
        dim = mix(colour, shade, 0.45)
        pen.shape([(x + r0 * 0.2, y0), (x + r0, y0), (x + r1, y1), (x + r1 * 0.2, y1)], dim)
    for along in (0.25, 0.5, 0.75):
        left, low = x - 0.3 * narrow, level(along)[1]
        pen.shape(oblong(left, low - 4, left + 2, low), shade)
    pen.shape(oblong(x - narrow * 1.4, top - tall * 0.025, x + narrow * 1.4, top), shade)
    glass = tall * 0.09
    pen.shape(oblong(x - narrow * 0.65, top - glass, x + narrow * 0.65, top), lamp)
    for side in (-0.65, 0, 0.65):
        pen.line([(x + side * narrow, top), (x + side * narrow, top - glass)], shade, 1)
    eaves = top - glass
    pen.shape([(x - narrow * 0.9, eaves), (x + narrow * 0.9, eaves), (x, eaves - tall * 0.08)], shade)


def lighthouse(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A lighthouse close by on its cliff or far out on a rock, its beam lit when it is dark."""
    width, height = size
    hour = int(rng.integers(4))
    horizon = height * rng.uniform(0.55, 0.82)
    far_off = rng.random() < 0.3
    tall = height * (rng.uniform(0.14, 0.28) if far_off else rng.uniform(0.3, 0.58))
    x = width * rng.uniform(0.2, 0.8)
    foot = horizon - (2 if far_off else height * rng.uniform(-0.08, 0.1))
    tall = min(tall, foot * 0.9)
    spread = width * (rng.uniform(0.08, 0.16) if far_off else rng.uniform(0.3, 0.7))
    base = horizon + height * (0.012 if far_off else 0.5)
    lean = np.clip(1.25 - np.abs((np.arange(width) - x) / spread) ** rng.uniform(1.2, 3), -3, 1)
    line = base - (base - foot) * lean + wandering(rng, width, 40, 0.6) * (3 if far_off else 9)
    foot = float(line[int(x - tall * 0.1) : int(x + tall * 0.1)].max())
    lamp_y = foot - tall * 0.845
    image = open_sky(rng, size, palette, horizon, hour)
    if hour == NIGHT:
        stars = rng.random((height, width), dtype=np.float32)
        paint(image, palette.light, (stars - 0.998) * (stars > 0.998) * 500)
    glow = mix(palette.accent, palette.light, 0.6)
    if hour in (DUSK, NIGHT):
        columns, rows = grid(halved(size))
        rows, columns = 2 * rows - lamp_y, 2 * columns - x
        turn, away = rng.uniform(-0.5, 0.5), np.sqrt(columns**2 + rows**2) + 1
        aside = (rows * math.cos(turn) - columns * math.sin(turn)) / away
        beam = bell(aside, 0.09) * np.exp(away * (-1 / (width * 0.7)))
        paint(image, glow, beam * 0.8)
    open_sea(image, rng, palette, hour, (x, horizon))
    rock = mix(palette.ink, palette.deep, (0.45, 0.35, 0.2, 0.1)[hour])
    cliff = gradient(size, [(0.0, rock), (foot / height, mix(rock, palette.mid, 0.25)), (1.0, palette.ink)])
    face = under_line(size, line) * (1 - under_line(size, base + wandering(rng, width, 14)))
    paint(image, cliff, face)
    ledges = smoothstep(layered_noise(rng, size, 14, 40, 2), 0.55, 0.75)
    paint(image, mix(rock, palette.mid, 0.5), face * ledges * 0.5)
    bands = int(rng.choice([0, 3, 5, 7]))
    wall = mix(palette.light, palette.ink, (0.0, 0.1, 0.25, 0.5)[hour])
    lit = glow if hour in (DUSK, NIGHT) else mix(palette.mid, palette.light, 0.5)
    colours = (wall, mix(palette.accent, palette.ink, (0.0, 0.1, 0.2, 0.45)[hour]), palette.ink, lit)
    pen = Pen.over(image)
    _tower(pen, (x, foot + 1), tall, bands, colours)
    birds(pen, rng, (width - x, horizon * 0.5), 25, rock)
    image = pen.drawn()
    if hour in (DUSK, NIGHT):
        paint(image, glow, glow_mask(size, x, lamp_y, tall * 0.3) * 0.8)
    return finished_by_day(image, rng)


def _stone(canvas: np.ndarray, rng: Rng, place: _Stone, colour: RGB, vein: RGB) -> None:
    """Paint one rounded stone, (x, y, rx, ry), and its shadow on a float array of the picture."""
    x, y, rx, ry = place
    reach = int(max(rx, ry) * 1.35) + 2
    x0, y0 = max(0, int(x) - reach), max(0, int(y) - reach)
    patch = canvas[y0 : max(0, int(y) + reach), x0 : max(0, int(x) + reach)]
    if patch.size == 0:
        return
    rows = np.arange(y0, y0 + patch.shape[0], dtype=np.float32)[:, None] - y
    columns = np.arange(x0, x0 + patch.shape[1], dtype=np.float32)[None, :] - x
    bend = rng.uniform(-0.16, 0.16, 3).tolist()
    across, down = columns / rx + bend[0] * rows / ry, rows / ry + bend[1] * (columns / rx) ** 2
    square = across * across + down * down + bend[2] * across * across * down
    square = square + 0.25 * across * across * down * down
    su, sv = across - 0.1, down - 0.22
    patch *= 1 - 0.55 * np.clip(1.55 - (su * su + sv * sv), 0, 0.8)[..., None]
    dome = np.sqrt(np.clip(1 - square, 0, 1))
    light = 0.62 + 0.34 * dome - 0.16 * across - 0.24 * down
    speck = rng.random((*square.shape, 1), dtype=np.float32) * rng.uniform(2, 26) - 8
    face = np.array(colour, dtype=np.float32) * light[..., None] + speck
    if rng.random() < 0.35:
        turn, middle = rng.uniform(0, np.pi), rng.uniform(-0.4, 0.4)
        off = np.abs(across * math.cos(turn) + down * math.sin(turn) - middle + 0.06 * np.sin(5 * across))
        stripe = np.clip(1 - off / rng.uniform(0.05, 0.16), 0, 0.8)[..., None]
        face = face * (1 - stripe) + np.array(vein, dtype=np.float32) * light[..., None] * stripe
    solid = np.clip((1 - square) * min(rx, ry) * 0.5 + 0.5, 0, 1)[..., None]
    patch[:] = patch * (1 - solid) + face * solid


def _stone_places(rng: Rng, size: Size) -> list[_Stone]:
    """Where stones lie, (x, y, rx, ry): strewn, laid in rows, in a spiral, or stacked."""
    width, height = size
    kind = int(rng.choice([0, 0, 0, 1, 1, 2, 3, 3]))
    if kind == 0:
        small = rng.uniform(13, 24)
        beach = np.array([width, height])
        spots = rng.random((450, 2)) * (beach * 1.1) - beach * 0.05
        radii = np.sort(small * (1 + rng.pareto(2.6, 450).clip(0, 3)))[::-1]
        kept: list[_Stone] = []
        taken = np.empty((0, 3))
        for (x, y), radius in zip(spots, radii, strict=True):
            if np.all(np.hypot(taken[:, 0] - x, taken[:, 1] - y) > (taken[:, 2] + radius) * 0.86):
                taken = np.vstack([taken, [x, y, radius]])
                kept.append((x, y, radius * rng.uniform(0.95, 1.2), radius * rng.uniform(0.75, 1)))
        return kept
    if kind == 1:
        across, down = int(rng.integers(3, 6)), int(rng.integers(3, 7))
        cell = min(width * 0.84 / across, height * 0.84 / down)
        xs = (np.arange(across) - (across - 1) / 2) * cell + width / 2
        ys = (np.arange(down) - (down - 1) / 2) * cell + height / 2
        laid: list[_Stone] = []
        for y in ys:
            for x in xs:
                at = (x + rng.normal(0, 1.5), y + rng.normal(0, 1.5))
                laid.append((*at, cell * rng.uniform(0.2, 0.42), cell * rng.uniform(0.18, 0.4)))
        return laid
    if kind == 2:
        turns, steps, start = rng.uniform(2, 3.2), int(rng.integers(34, 60)), rng.uniform(0, 6)
        along = np.sqrt(np.linspace(0.02, 1, steps))
        angle, far = start + along * turns * 2 * np.pi, along * width * 0.42
        xs, ys = width / 2 + np.cos(angle) * far, height / 2 + np.sin(angle) * far
        return list(zip(xs, ys, 5 + far * 0.075, 4.5 + far * 0.065, strict=True))
    stack: list[_Stone] = []
    x, y, rx = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.82, 0.92), width * rng.uniform(0.2, 0.28)
    for _ in range(int(rng.integers(4, 8))):
        ry = rx * rng.uniform(0.3, 0.55)
        stack.append((x, y - ry, rx, ry))
        y, x, rx = y - ry * 1.88, x + rng.normal(0, rx * 0.09), rx * rng.uniform(0.7, 0.92)
    return stack


def pebbles(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Smooth stones: strewn over a beach, laid out in rows or a spiral, or stacked at the water."""
    width, height = size
    places = _stone_places(rng, size)
    stacked = len(places) < 9
    if stacked:
        hour = int(rng.integers(3))
        horizon = height * rng.uniform(0.35, 0.65)
        ground = open_sky(rng, size, palette, horizon, hour)
        open_sea(ground, rng, palette, hour, (width * rng.uniform(0, 1), horizon))
        ground = ground.filter(ImageFilter.GaussianBlur(3))
        shore = height * rng.uniform(0.76, 0.83) + wandering(rng, width, 120, 0.3) * 4
        fill_land(ground, shore, mix(palette.deep, palette.mid, 0.4), palette.ink, height * 0.3)
    else:
        sand = (palette.light, mix(palette.mid, palette.deep, 0.4), palette.ink)[rng.integers(3)]
        ground = Image.new("RGB", size, mix(sand, palette.mid, 0.2))
        paint(ground, mix(sand, palette.deep, 0.35), layered_noise(rng, size, 70, 70, 5) * 0.6)
    canvas = np.array(ground, dtype=np.float32)
    pale, dark = mix(palette.mid, palette.light, 0.5), mix(palette.deep, palette.ink, 0.5)
    tones = [palette.light, palette.mid, palette.deep, pale, dark]
    weights = rng.dirichlet([1.2] * len(tones))
    chosen = set(rng.integers(0, len(places), 1 + len(places) // 25).tolist())
    for index, place in enumerate(places):
        tone = tones[rng.choice(len(tones), p=weights)]
        colour = palette.accent
        if index not in chosen:
            colour = mix(tone, tones[rng.integers(len(tones))], rng.uniform(0, 0.4))
        vein = mix(colour, palette.light if sum(colour) < 380 else palette.deep, 0.6)
        _stone(canvas, rng, place, colour, vein)
    return finished_by_day(from_pixels(canvas), rng, 0.3)
