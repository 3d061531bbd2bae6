"""Slow mornings: window light, the first cup, linen, breakfast on a tray.

Belongs here: bedrooms and breakfasts in early light.
"""

import math

import numpy as np
from PIL import Image, ImageFilter

from demo_generator.pictures.canvas import (
    RGB,
    Palette,
    Rng,
    Size,
    either_side,
    gradient,
    mix,
    one_of,
    varied,
    varied_one,
)
from demo_generator.pictures.light import from_pixels
from demo_generator.pictures.scene import Scene
from demo_generator.pictures.shapes import (
    curved,
    moved_by,
    oblong,
    oval,
    placed,
    rolling,
    rounded,
    shrunk,
)
from demo_generator.pictures.surfaces import linen, plaster, table_top
from demo_generator.pictures.things import (
    bowl_of_food,
    cup,
    cup_above,
    paint_sprig,
    pile_of_books,
    spoon,
    vase,
)
from demo_generator.pictures.windows import fall_of_light, hanging_curtain, view_outside


def window_light(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Morning light: fallen on a wall, on an unmade bed, or still in the window."""
    width, height = size
    wall = mix(palette.mid, palette.deep, rng.uniform(0.05, 0.45))
    shade = mix(wall, palette.ink, 0.25)
    back = plaster(rng, size, mix(wall, palette.light, 0.2), shade, palette)
    scene = Scene(back, palette, either_side(rng))
    kind = rng.integers(4)
    if kind == 0:
        _curtained_window(scene, rng, wall)
        return scene.finished(rng)
    floor = rng.uniform(0.66, 0.86) * height
    if kind == 1:
        _unmade_bed(scene, rng, floor)
    elif kind == 2:  # a table, for the vase
        top = mix(palette.deep, palette.ink, 0.3)
        scene.area(top, oblong(-2, floor, width + 2, height + 2))
        scene.area(mix(top, palette.light, 0.35), oblong(-2, floor, width + 2, floor + 3))
    elif rng.random() < 0.7:
        _picture_frame(scene, rng, rng.uniform(0.25, 0.75) * width, rng.uniform(0.25, 0.7) * height)
    fall_of_light(scene, rng, shade)
    if kind == 2:
        tall = rng.uniform(0.2, 0.34) * height
        vase(scene, rng, rng.uniform(0.25, 0.75) * width, floor + 8, tall, int(rng.integers(0, 5)))
    return scene.finished(rng)


def _curtained_window(scene: Scene, rng: Rng, wall: RGB) -> None:
    width, height = scene.image.size
    x0, y0 = rng.uniform(0.08, 0.3) * width, rng.uniform(-0.05, 0.14) * height
    x1, y1 = rng.uniform(0.72, 0.94) * width, rng.uniform(0.62, 0.8) * height
    view_outside(scene, rng, x0, y0, x1, y1)
    scene.area(mix(scene.light, wall, 0.35), oblong(x0 - 14, y1, x1 + 14, y1 + 9))
    scene.shadow(oblong(x0 - 14, y1 + 9, x1 + 14, y1 + 22), soft=6)
    vase(scene, rng, rng.uniform(x0 + 30, x1 - 30), y1 + 4, rng.uniform(40, 90), int(rng.integers(0, 4)))
    for left, right in ((x0 - 22, x0 + rng.uniform(10, 60)), (x1 - rng.uniform(10, 60), x1 + 22)):
        if rng.random() < 0.8:
            hanging_curtain(scene, rng, int(left), int(right), max(0, int(y0) - 14), height)


def _unmade_bed(scene: Scene, rng: Rng, top: float) -> None:
    width, _ = size = scene.image.size
    cloth = linen(rng, size, mix(scene.light, scene.mid, 0.15), scene.palette, 0.2)
    edge = curved(rolling(rng, size, top - 40, 5, 9))
    pillow = rounded(width * rng.uniform(0.2, 0.8), top - 48, width * 0.6, 86, 2.9, rng.normal(0, 0.1))
    scene.shadow(pillow, fall=(0, 8), soft=10)
    scene.area(mix(scene.mid, scene.light, 0.55), pillow)
    raised = moved_by(shrunk(pillow, 0.84), scene.side * 7, -6)
    scene.area(scene.light, raised, soft=8, opacity=0.6)
    scene.shadow(edge, fall=(0, -3), soft=6)
    scene.lay(cloth, edge)


def _picture_frame(scene: Scene, rng: Rng, x: float, y: float) -> None:
    """A small landscape hung on the wall."""
    wide, tall = int(rng.uniform(80, 130)), int(rng.uniform(80, 150))
    frame = oblong(x - wide / 2 - 7, y - tall / 2 - 7, x + wide / 2 + 7, y + tall / 2 + 7)
    scene.shadow(np.array(frame), fall=(6, 8), soft=6)
    scene.area(one_of(rng, (scene.ink, scene.deep, scene.light)), frame)
    sky = gradient((wide, tall), [(0, mix(scene.light, scene.mid, 0.3)), (1, scene.light)])
    small = Scene(sky, scene.palette, scene.side)
    for index in range(3):
        hill = rolling(rng, (wide, tall), tall * (0.5 + 0.16 * index), 5)
        small.area(mix(mix(scene.mid, scene.accent, 0.2), scene.deep, 0.2 + 0.3 * index), curved(hill))
    scene.image.paste(small.image, (int(x - wide / 2), int(y - tall / 2)))


def coffee_cup(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """The first cup of the day, from above on a table or from the side by the window."""
    china = varied_one(rng, (palette.light, palette.light, palette.mid, palette.deep))
    return (_coffee_above if rng.random() < 0.5 else _coffee_beside)(rng, size, palette, china)


def _coffee_above(rng: Rng, size: Size, palette: Palette, china: RGB) -> Image.Image:
    width, height = size
    scene = Scene(table_top(rng, size, palette), palette, either_side(rng))
    fall_of_light(scene, rng, palette.deep, rng.uniform(0.2, 0.5))
    x, y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.32, 0.68) * height
    radius = rng.uniform(46, 78)
    if rng.random() < 0.5:  # a book or a letter beside it
        at = (width * one_of(rng, (0.05, 0.95)), rng.uniform(0, 1) * height)
        sheet = rounded(*at, 210, 280, 40, rng.normal(0, 0.4))
        scene.shadow(sheet, fall=(4, 6))
        scene.area(one_of(rng, (palette.light, palette.accent, palette.deep)), sheet)
    for _ in range(int(rng.integers(0, 3))):
        foot = (rng.uniform(0, width), one_of(rng, (0.05, 1.0)) * height)
        paint_sprig(scene, rng, mix(palette.deep, palette.mid, 0.3), *foot, 150, rng.uniform(-1.2, 1.2), 38)
    cup_above(scene, rng, china, x, y, radius)
    if rng.random() < 0.7:
        beside = x + either_side(rng) * radius * 1.3
        spoon(scene, mix(palette.mid, palette.light, 0.4), beside, y, radius * 1.9, rng.normal(0, 0.5))
    return scene.finished(rng)


def _coffee_beside(rng: Rng, size: Size, palette: Palette, china: RGB) -> Image.Image:
    width, height = size
    wall = mix(palette.mid, palette.light, rng.uniform(0, 0.6))
    scene = Scene(plaster(rng, size, wall, mix(wall, palette.deep, 0.6), palette), palette, either_side(rng))
    base = rng.uniform(0.7, 0.84) * height
    if rng.random() < 0.4:
        left = rng.uniform(-0.2, 0.5) * width
        view_outside(scene, rng, left, -20, left + width * 0.7, base - rng.uniform(30, 120))
        scene.image = scene.image.filter(ImageFilter.BoxBlur(2))
    else:
        fall_of_light(scene, rng, mix(wall, palette.deep, 0.5), 0.5)
    table = mix(palette.deep, palette.ink, rng.uniform(0, 0.6))
    board = oblong(-2, base - 26, width + 2, height + 2)
    scene.area(table, board)
    scene.area(mix(table, palette.light, 0.4), board, soft=30, opacity=0.3)
    x, radius = rng.uniform(0.34, 0.66) * width, rng.uniform(44, 72)
    if rng.random() < 0.4:
        base = pile_of_books(scene, rng, x, base + 20, radius * 3.6, int(rng.integers(1, 4)))
        vase(scene, rng, (x + width * 0.6) % width, base - 4, rng.uniform(60, 110), 3)
    cup(scene, rng, china, x, base - radius * 0.1, radius)
    return scene.finished(rng)


def linen_folds(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Washed linen near to: its folds, its weave, sometimes a second cloth, a sprig, light."""
    width, height = size
    other = one_of(rng, (palette.mid, palette.mid, palette.accent, palette.deep))
    body = mix(palette.light, other, rng.uniform(0, 0.8))
    scene = Scene(linen(rng, size, body, palette, rng.uniform(0, 0.35)), palette, either_side(rng))
    if rng.random() < 0.45:  # another cloth over the first
        over = mix(palette.mid, palette.accent, rng.uniform(0, 0.7))
        edge = curved(rolling(rng, size, rng.uniform(0.3, 0.7) * height, 14, 12))
        scene.shadow(edge, fall=(0, -5), soft=9, opacity=0.5)
        scene.lay(linen(rng, size, over, palette), edge)
        scene.stroke(mix(body, palette.ink, 0.5), 1, moved_by(edge[8:-8], 0, 8), opacity=0.5)
    weave = rng.normal(0, 5, (1, width, 1)) + rng.normal(0, 5, (height, 1, 1))
    woven = np.asarray(scene.image, dtype=np.float32) + weave.astype(np.float32)
    scene.image = from_pixels(woven)
    if rng.random() < 0.5:
        fall_of_light(scene, rng, mix(body, palette.deep, 0.6), 0.35)
    if rng.random() < 0.4:
        foot = (rng.uniform(0.2, 0.8) * width, rng.uniform(0.6, 1) * height)
        green = mix(palette.deep, palette.mid, 0.2)
        paint_sprig(scene, rng, green, *foot, height * 0.45, rng.normal(0, 0.6), 34)
    return scene.finished(rng)


def breakfast_tray(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A tray laid with care on the bed, from above."""
    width, height = size
    bed = mix(palette.light, palette.mid, rng.uniform(0, 0.6))
    scene = Scene(linen(rng, size, bed, palette), palette, either_side(rng))
    x, y, turn = rng.uniform(0.4, 0.6) * width, rng.uniform(0.42, 0.58) * height, rng.normal(0, 0.22)
    wide, tall = rng.uniform(0.8, 1.05) * width, rng.uniform(0.55, 0.85) * height
    wood = one_of(rng, (palette.deep, palette.mid, palette.accent, palette.ink))
    power = one_of(rng, (2.0, 5.0, 12.0))
    scene.shadow(rounded(x - scene.side * 8, y + 10, wide, tall, power, turn), soft=12, opacity=0.55)
    scene.area(mix(wood, palette.light, 0.25), rounded(x, y, wide, tall, power, turn))
    scene.area(mix(wood, palette.ink, 0.4), rounded(x, y, wide - 10, tall - 10, power, turn))
    inset = rounded(x - scene.side * 3, y + 3, wide - 17, tall - 17, power, turn)
    scene.area(mix(wood, palette.mid, 0.2), inset, soft=2)
    if rng.random() < 0.6:
        cloth = rounded(x, y, wide * rng.uniform(0.4, 0.7), tall * 0.8, 20, turn + rng.normal(0, 0.3))
        scene.area(mix(palette.light, palette.mid, 0.2), cloth, opacity=0.9)
    slots = [(-0.2, -0.24), (0.22, -0.2), (-0.2, 0.2), (0.2, 0.24)]
    things = [_tray_plate, _tray_cup, _tray_egg, _tray_sprig, _tray_plate]
    for slot, index in zip(slots, rng.permutation(len(things)), strict=False):
        spot = (np.array(slot) + rng.normal(0, 0.02, 2)) * (wide, tall)
        at = placed(spot[None], x, y, 1, turn)[0]
        things[index](scene, rng, float(at[0]), float(at[1]), min(wide, tall * 0.8))
    fall_of_light(scene, rng, mix(bed, palette.deep, 0.5), 0.22)
    return scene.finished(rng)


def _tray_plate(scene: Scene, rng: Rng, x: float, y: float, span: float) -> None:
    """A plate of toast, or a croissant."""
    radius = span * rng.uniform(0.19, 0.23)
    scene.shadow(oval(x - scene.side * 4, y + 5, radius, radius), soft=5)
    scene.dish(varied(rng, mix(scene.light, scene.mid, rng.uniform(0, 0.4))), x, y, radius, 1, 0.7)
    crust = mix(mix(scene.accent, scene.deep, 0.3), scene.mid, 0.25)
    turn = rng.uniform(0, 2 * math.pi)
    if rng.random() < 0.5:
        for index, at in enumerate(np.linspace(-1.25, 1.25, 9)[[0, 8, 1, 7, 2, 6, 3, 5, 4]]):
            bow = (radius * 0.5 * math.sin(at), radius * 0.4 * math.cos(at) - radius * 0.2)
            spot = placed([bow], x, y, 1, turn)[0]
            scene.ball(varied(rng, crust, 8), spot[0], spot[1], radius * (0.13 + 0.022 * index))
    else:
        for index in range(2):
            middle = (x + (index - 0.5) * radius * 0.4, y + (index - 0.5) * radius * 0.3)
            toast = rounded(*middle, radius, radius * 0.9, 5, turn + index)
            scene.shadow(toast, fall=(2, 3), soft=3)
            scene.area(mix(crust, scene.ink, 0.2), toast)
            inner = shrunk(toast, 0.86)
            scene.area(mix(crust, scene.light, 0.6), inner)
            jam = mix(scene.accent, scene.light, 0.25 * index)
            scene.area(jam, shrunk(inner, 0.7), soft=3, opacity=0.8)


def _tray_cup(scene: Scene, rng: Rng, x: float, y: float, span: float) -> None:
    china = one_of(rng, (scene.light, scene.mid, scene.light))
    cup_above(scene, rng, varied(rng, china), x, y, span * rng.uniform(0.11, 0.14))


def _tray_egg(scene: Scene, rng: Rng, x: float, y: float, span: float) -> None:
    """An egg in its cup, or a small bowl, and a spoon."""
    radius = span * 0.1
    if rng.random() < 0.5:
        bowl_of_food(scene, rng, x, y, radius * 1.5)
    else:
        scene.shadow(oval(x - scene.side * 4, y + 5, radius * 1.2, radius * 1.2), soft=4)
        scene.dish(varied(rng, scene.accent), x, y, radius * 1.25, 1, 0.8)
        scene.ball(mix(scene.light, scene.accent, 0.15), x, y, radius * 0.85, 1.05)
    spoon(scene, mix(scene.mid, scene.light, 0.5), x + radius * 2, y, radius * 4, rng.normal(0, 0.3))


def _tray_sprig(scene: Scene, rng: Rng, x: float, y: float, span: float) -> None:
    for _ in range(3):
        turn = rng.uniform(-0.8, 0.8)
        green = mix(scene.deep, scene.mid, 0.3)
        paint_sprig(scene, rng, green, x, y + span * 0.12, span * 0.3, turn, span * 0.07)
    scene.ball(scene.accent, x, y - span * 0.08, span * 0.05)
    scene.ball(mix(scene.accent, scene.light, 0.4), x + span * 0.05, y, span * 0.04)
