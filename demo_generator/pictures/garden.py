"""Hands in the soil: garden beds, furrows, and pots on a window sill.

Belongs here: what is grown at home. Plants drawn on paper are in ``plants``.
"""

import math
from itertools import pairwise

import numpy as np
from PIL import Image

from demo_generator.pictures.canvas import (
    RGB,
    Palette,
    Point,
    Rng,
    Size,
    either_side,
    grid,
    halved,
    mix,
    one_of,
    smoothstep,
    varied,
    varied_one,
)
from demo_generator.pictures.landscape import (
    DAY,
    DUSK,
    GREY,
    fill_land,
    glow_mask,
    ground_noise,
    layered_noise,
    nearness,
    open_sky,
    sky_colours,
    under_line,
    wandering,
)
from demo_generator.pictures.light import finished_by_day, paint
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.scene import Scene
from demo_generator.pictures.shapes import (
    LEAF,
    curved,
    oblong,
    open_arc,
    oval,
    placed,
    polar,
    traced,
)
from demo_generator.pictures.surfaces import plaster
from demo_generator.pictures.things import paint_sprig
from demo_generator.pictures.windows import hanging_curtain, view_outside


def _crop(pen: Pen, kind: int, at: Point, radius: float, tones: list[RGB]) -> None:
    """One plant from above: a cabbage, a tuft, a bush with fruit, or a young cross of leaves."""
    (x, y), turn = at, sum(at)
    dark, leaf, bright, fruit = tones
    if radius < 2.2:
        pen.disc(x, y, radius, leaf)
        return

    def leaves(count: int, out: float, size: float, tone: RGB, start: float = 0.0) -> None:
        for number in range(count):
            heading = turn + start + number * 2 * math.pi / count
            aside, down = math.cos(heading) * radius * out, math.sin(heading) * radius * out
            pen.disc(x + aside, y + down, radius * size, tone)

    if kind == 0:
        leaves(7, 0.6, 0.46, dark)
        leaves(6, 0.42, 0.36, leaf, 0.4)
        leaves(4, 0.2, 0.26, bright, 0.9)
    elif kind == 1:
        for index in range(11):
            angle, far = turn + index * 0.571, radius * (1.15 if index % 2 else 0.8)
            pen.line([(x, y), polar(x, y, far, angle)], bright if index % 3 else leaf, 0.6 + radius * 0.1)
    elif kind == 2:
        leaves(6, 0.55, 0.5, dark)
        leaves(5, 0.35, 0.42, leaf, 0.5)
        leaves(3, 0.5, 0.2, fruit, 0.2)
    else:
        for index in range(4):
            angle, far = turn + index * math.pi / 2, radius * (0.95 if index % 2 else 0.7)
            cosine, sine = math.cos(angle) * far, math.sin(angle) * far
            tip, left = (x + cosine, y + sine), (x + cosine * 0.5 - sine * 0.4, y + sine * 0.5 + cosine * 0.4)
            right = (x + cosine * 0.5 + sine * 0.4, y + sine * 0.5 - cosine * 0.4)
            pen.shape([(x, y), left, tip, right], bright if index % 2 else leaf)


def garden_beds(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A kitchen garden: raised beds from above, or furrows running away to a hedge and a shed."""
    return (_beds_above if rng.random() < 0.55 else _furrows)(rng, size, palette)


def _beds_above(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Beds in their wooden frames as on a garden plan, each with its own crop."""
    width, height = size
    path = mix(palette.light, palette.accent, rng.uniform(0.05, 0.3))
    image = Image.new("RGB", size, path)
    paint(image, mix(path, palette.deep, 0.5), layered_noise(rng, halved(size), 4, 4, 2) * 0.3)
    gap, across, down = rng.uniform(10, 26), int(rng.integers(1, 4)), int(rng.integers(1, 5))
    if rng.random() < 0.5:
        across, down = down, across
    down += 2 if across * down < 3 else 0
    xs = np.cumsum([0, *rng.dirichlet([5] * across)]) * (width - gap)
    ys = np.cumsum([0, *rng.dirichlet([5] * down)]) * (height - gap)
    boxes = [
        (left + gap, top + gap, right, bottom)
        for left, right in pairwise(xs)
        for top, bottom in pairwise(ys)
        if min(right - left, bottom - top) > gap + 18
    ]
    soil = mix(palette.ink, palette.accent, 0.24)
    frame = mix(mix(palette.mid, palette.accent, 0.35), palette.ink, 0.2)
    pace = rng.uniform(21, 36)
    pen = Pen.soft(size)
    for left, top, right, bottom in boxes:
        pen.shape(oblong(left + 6, top + 6, right + 6, bottom + 6), 255)
    paint(image, palette.ink, pen.softened(3) * 0.45)
    pen = Pen.over(image)
    for left, top, right, bottom in boxes:
        pen.shape(oblong(left, top, right, bottom), frame)
        pen.shape(oblong(left + 4, top + 4, right - 4, bottom - 4), soil)
        edge = [(left + 4, bottom - 4), (left + 4, top + 4), (right - 4, top + 4)]
        pen.line(edge, mix(soil, palette.ink, 0.8), 3)
    lit, hollow = mix(palette.deep, palette.light, rng.uniform(0.3, 0.6)), mix(soil, palette.ink, 0.7)
    leafy = [mix(palette.deep, palette.ink, 0.35), palette.deep, lit, palette.accent]
    for left, top, right, bottom in boxes:
        kind, step = int(rng.integers(4)), pace * rng.uniform(0.8, 1.3)
        tones = [mix(tone, palette.accent, 0.55) for tone in leafy] if rng.random() < 0.18 else leafy
        step = min(step, (right - left - 8) * 0.99, (bottom - top - 8) * 0.99)
        first_x = left + 4 + ((right - left - 8) % step + step) / 2
        first_y = top + 4 + ((bottom - top - 8) % step + step) / 2
        for y in np.arange(first_y, bottom - 4, step).tolist():
            for x in np.arange(first_x, right - 4, step).tolist():
                if rng.random() < 0.94:
                    radius = step * rng.uniform(0.4, 0.54)
                    pen.disc(x + radius * 0.15, y + radius * 0.2, radius * 0.95, hollow)
                    _crop(pen, kind, (x, y), radius, tones)
    return finished_by_day(pen.drawn(), rng)


def _furrows(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Rows of young plants drawn together by distance."""
    width, height = size
    hour = int(rng.choice([DAY, GREY, DUSK]))
    horizon = height * rng.uniform(0.22, 0.5)
    image = open_sky(rng, size, palette, horizon, hour)
    _, _, low = sky_colours(palette, hour)
    paint(image, palette.light, glow_mask(size, width * rng.random(), horizon * 0.8, width * 0.45) * 0.7)
    for share in (0.4, 0.75)[int(rng.integers(2)) :]:
        hedge = horizon - height * rng.uniform(0.02, 0.07) * (0.6 + wandering(rng, width, 70, 0.6))
        fill_land(image, hedge, mix(low, palette.deep, share), mix(low, palette.deep, share), 5)
    soil = mix(palette.ink, palette.accent, 0.3)
    fill_land(image, np.full(width, horizon), mix(soil, low, 0.35), mix(soil, palette.ink, 0.3), height * 0.4)
    near = nearness(size, horizon)
    vanish, rows_wide = width * rng.uniform(0.1, 0.9), rng.uniform(0.2, 0.42) * width
    columns, _ = grid(size)
    bend = rng.uniform(-0.25, 0.25) * width * near * (1 - near)
    lane = ((columns - vanish - bend) / (rows_wide * np.maximum(near, 0.02)) + 0.5) % 1 - 0.5
    ground = under_line(size, horizon)
    paint(image, palette.ink, smoothstep(np.abs(lane), 0.3, 0.5) * ground * (0.2 + 0.5 * near))
    crumbs = ground_noise(rng, (width, height - int(horizon)), 5, 2)
    paint(image, mix(soil, palette.light, 0.4), smoothstep(crumbs, 0.5, 0.9) * 0.4, int(horizon))
    fresh = mix(palette.deep, palette.light, rng.uniform(0.3, 0.6))
    tones = [mix(palette.deep, palette.ink, 0.3), palette.deep, fresh, palette.accent]
    crop, shed = int(rng.integers(3)), rng.random() < 0.5
    sx, sw = width * rng.uniform(0.1, 0.75), width * rng.uniform(0.09, 0.17)
    pen = Pen.over(image)
    if shed:
        roof = horizon - sw * 0.75
        pen.shape(oblong(sx, roof, sx + sw, horizon + 2), mix(palette.accent, palette.ink, 0.3))
        pen.shape([(sx - 4, roof), (sx + sw / 2, roof - sw * 0.4), (sx + sw + 4, roof)], palette.ink)
        pen.shape(oblong(sx + sw * 0.55, roof + sw * 0.2, sx + sw * 0.8, horizon + 2), palette.ink)
    for along in np.linspace(0.25, 1.0, 14) ** 2:
        y, wide = horizon + (height - horizon) * along, rows_wide * along
        middle = vanish + bend[int(min(y, height - 1)), 0]
        first = int(np.ceil((-middle - 10) / wide))
        for index in range(first, first + int((width + 30) / wide) + 1):
            radius = wide * 0.3 * rng.uniform(0.75, 1.1)
            at = middle + index * wide + rng.normal(0, wide * 0.03), y - radius * 0.4
            if radius > 3:
                hollow = mix(soil, palette.ink, 0.7)
                pen.oval(at[0] + radius * 0.2, at[1] + radius * 0.4, radius, radius * 0.7, hollow)
            _crop(pen, crop, at, radius, tones)
    return finished_by_day(pen.drawn(), rng)


def _potted_plant(scene: Scene, rng: Rng, x: float, base: float, tall: float) -> None:
    """What grows in a pot: leafy stems, blades, a cactus, a succulent, seedlings or a flower."""
    tint = one_of(rng, (scene.mid, scene.ink, scene.accent))
    green = varied(rng, mix(scene.deep, tint, rng.uniform(0.05, 0.4)))
    kind = int(rng.integers(6))
    if kind == 0:  # leafy stems
        for turn in rng.normal(0, 0.4, int(rng.integers(3, 6))):
            leafy, long = varied(rng, green), tall * rng.uniform(0.7, 1.1)
            paint_sprig(scene, rng, leafy, x, base, long, turn, tall * 0.2)
    elif kind == 1:  # blades
        for turn in np.sort(rng.normal(0, 0.5, 11)).tolist():
            blade = curved([(-0.05, 0), (-0.07, -0.5), (0.3 * turn, -1), (0.07, -0.5), (0.05, 0)])
            tone = mix(green, scene.light if turn * scene.side > 0 else scene.ink, 0.25)
            scene.area(varied(rng, tone, 8), placed(blade, x, base, tall * rng.uniform(0.6, 1.05), turn))
    elif kind == 2:  # cactus
        half = tall * rng.uniform(0.14, 0.22)
        body = traced("0,80 30,100 75,95 92,60 100,10") * (tall * 0.8, half)
        scene.turned(green, x, base, body.tolist(), 0.1)
        ribs = np.linspace(-0.7, 0.7, 5) * half
        lines = [[(x + rib, base - tall * 0.04), (x + rib * 0.85, base - tall * 0.7)] for rib in ribs]
        scene.stroke(mix(green, scene.light, 0.4), 1, *lines, opacity=0.6)
        scene.ball(scene.accent, x, base - tall * 0.8, half * 0.34)
    elif kind == 3:  # succulent
        for ring, reach in enumerate((0.5, 0.36, 0.22)):
            for turn in np.linspace(-1.6, 1.6, 7) + 0.2 * ring:
                tone = varied(rng, mix(green, scene.light, 0.15 + 0.2 * ring), 8)
                scene.area(tone, placed(LEAF * (0.24, 1), x, base, tall * reach, turn))
    elif kind == 4:  # seedlings
        for dx in rng.uniform(-0.24, 0.24, 6) * tall:
            top = base - tall * rng.uniform(0.25, 0.5)
            scene.stroke(green, 1.5, [(x + dx * 0.8, base), (x + dx, top)])
            pair = (oval(x + dx + 5 * side, top - 1, 6, 3, -0.4 * side) for side in (-1, 1))
            scene.area(mix(green, scene.light, 0.2), *pair)
    else:
        _flowers(scene, rng, green, x, base, tall)


def _flowers(scene: Scene, rng: Rng, green: RGB, x: float, base: float, tall: float) -> None:
    """Flowers on long stalks."""
    for turn in rng.normal(0, 0.25, 4).tolist():
        tip = (x + math.sin(turn) * tall, base - math.cos(turn) * tall * rng.uniform(0.7, 1.1))
        scene.stroke(green, 2, curved([(x, base), (x, base - tall * 0.4), tip], closed=False))
        bloom = tall * rng.uniform(0.07, 0.11)
        spokes = np.linspace(0, 5.2, 6)
        petals = [oval(*polar(*tip, bloom, angle), bloom * 0.8, bloom * 0.55, angle) for angle in spokes]
        scene.area(varied(rng, scene.accent), *petals)
        scene.ball(mix(scene.accent, scene.light, 0.6), *tip, bloom * 0.55)
    leaves = (placed(LEAF * (0.2, 1), x, base, tall * 0.45, lean) for lean in (-0.9, -0.4, 0.5, 1.0))
    scene.area(green, *leaves)


def pots_on_sill(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Pots at a window: seedlings, herbs, a cactus, and the garden hazy outside."""
    width, height = size
    wall = mix(palette.light, palette.mid, rng.uniform(0.1, 0.8))
    scene = Scene(plaster(rng, size, wall, mix(wall, palette.deep, 0.3), palette), palette, either_side(rng))
    inset = rng.uniform(-0.12, 0.16) * width
    sill = rng.uniform(0.68, 0.86) * height
    x0, x1 = inset, width - inset * rng.uniform(0.3, 1)
    view_outside(scene, rng, x0, max(-30, inset * 1.3), x1, sill)
    if rng.random() < 0.35:
        hanging_curtain(scene, rng, int(x0) - 12, int(x0 + rng.uniform(0.1, 0.3) * width), 0, int(sill))
    timber = (mix(palette.deep, palette.mid, 0.4), mix(palette.deep, palette.ink, 0.4))
    ledge = one_of(rng, (palette.light, *timber))
    scene.area(mix(ledge, palette.light, 0.2), oblong(-4, sill, width + 4, sill + 26))
    scene.area(mix(ledge, palette.ink, 0.35), oblong(-4, sill + 26, width + 4, sill + 36))
    scene.shadow(oblong(-4, sill + 36, width + 4, sill + 54), soft=8, opacity=0.35)
    count = int(rng.integers(1, 6))
    spots = (np.arange(count) + 0.5 + rng.uniform(-0.16, 0.16, count)) / count * width
    for x in spots[rng.permutation(count)]:
        half = min(width / count * rng.uniform(0.26, 0.4), 52)
        tall = half * rng.uniform(1.2, 2.3)
        base = sill + rng.uniform(8, 20)
        clays = (palette.accent, palette.accent, palette.mid, palette.light, palette.deep)
        clay = varied_one(rng, clays, 14)
        scene.shadow(oval(x - scene.side * half, base + 2, half * 1.5, half * 0.22), soft=5)
        room = (base - tall) * rng.uniform(0.4, 0.75)
        scene.area(mix(palette.ink, clay, 0.2), oval(x, base - tall, half * 0.95, half * 0.15))
        _potted_plant(scene, rng, float(x), base - tall + 2, min(room, half * rng.uniform(2.4, 4)))
        scene.turned(clay, x, base, [(0, half * rng.uniform(0.62, 0.95)), (tall * 0.78, half * 0.92)], 0.13)
        scene.turned(clay, x, base - tall * 0.77, [(0, half * 1.02), (tall * 0.22, half * 1.04)], 0.13)
        if rng.random() < 0.5:
            rim = open_arc(x, base - tall * 0.76, half * 0.9, half * 0.13, 0, math.pi)
            scene.shadow(rim, soft=1.5, opacity=0.5)
    return scene.finished(rng)
