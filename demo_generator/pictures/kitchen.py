"""Food and the tables it is on: long tables laid for many, bread and bowls, fruit, jars on a shelf.

Belongs here: what is eaten and where it is kept. Breakfast is in ``mornings``.
"""

import math

import numpy as np
from PIL import Image

from demo_generator.pictures.canvas import (
    RGB,
    Palette,
    Point,
    Rng,
    Size,
    either_side,
    gradient,
    mix,
    one_of,
    varied,
    varied_one,
)
from demo_generator.pictures.perspective import Camera
from demo_generator.pictures.scene import Profile, Scene
from demo_generator.pictures.shapes import (
    curved,
    moved_by,
    oblong,
    oval,
    placed,
    rolling,
    rounded,
    shrunk,
    traced,
)
from demo_generator.pictures.surfaces import linen, plaster, table_top
from demo_generator.pictures.things import bowl_of_food, candle, paint_sprig, spoon, sprig, vase
from demo_generator.pictures.windows import fall_of_light


def _fork_and_knife(scene: Scene, colour: RGB, x: float, y: float, length: float, turn: float) -> None:
    prongs = [oblong(left, -0.5, left + 0.018, -0.28) for left in (-0.06, -0.02, 0.02)]
    fork = [*prongs, oblong(-0.06, -0.32, 0.04, -0.26), oblong(-0.025, -0.28, 0.005, 0.5)]
    scene.area(colour, *(placed(part, x, y, length, turn) for part in fork))


def _pear(scene: Scene, colour: RGB, x: float, base: float, radius: float) -> None:
    body = traced("0,40 20,75 50,95 90,100 130,82 170,52 210,42 240,30 250,5") * radius
    scene.turned(colour, x, base, body.tolist(), 0.2)
    stalk = [(x, base - 2.45 * radius), (x + radius * 0.15, base - 2.85 * radius)]
    scene.stroke(scene.ink, 1.5, stalk)


def _fruit(scene: Scene, rng: Rng, x: float, base: float, radius: float) -> None:
    """One fruit standing at (x, base): apple, orange, pear, plum, lemon or a bunch of grapes."""
    kind = int(rng.integers(6))
    scene.shadow(oval(x - scene.side * radius * 0.5, base, radius * 1.2, radius * 0.24), soft=4)
    if kind == 0:
        skin = varied(rng, mix(scene.accent, scene.mid, 0.6))
        _pear(scene, skin, x, base + radius * 0.1, radius * 0.85)
    elif kind == 1:  # grapes
        skin = mix(scene.deep, scene.accent, rng.uniform(0, 0.6))
        for row in range(4):
            for index in range(4 - row // 2):
                at = x + (index - 1.5 + 0.5 * (row % 2)) * radius * 0.46 + rng.normal(0, 1.5)
                scene.ball(varied(rng, skin), at, base - radius * (0.25 + 0.36 * row), radius * 0.3)
    elif kind == 2:
        scene.ball(varied(rng, mix(scene.mid, scene.light, 0.3)), x, base - radius * 0.7, radius, 0.74)
    else:
        dark, pale = mix(scene.accent, scene.deep, 0.5), mix(scene.accent, scene.mid, 0.5)
        skins = (scene.accent, dark, pale)
        skin = varied(rng, skins[kind - 3], 16)
        scene.ball(skin, x, base - radius * 0.9, radius, 0.93)
        dimple = oval(x, base - radius * 1.6, radius * 0.28, radius * 0.08)
        scene.area(mix(skin, scene.ink, 0.6), dimple, soft=1.5)
        scene.stroke(scene.ink, 1.6, [(x, base - radius * 1.58), (x + radius * 0.16, base - radius * 2)])
        if kind == 3:
            _, leaves = sprig(rng, x, base - radius * 1.8, radius * 0.5, scene.side * 0.9, radius * 0.8)
            scene.area(mix(scene.deep, scene.mid, 0.3), leaves[-1], leaves[4])


def _loaf(scene: Scene, rng: Rng, x: float, y: float, length: float, turn: float) -> None:
    """A loaf looked down on, long or round, scored and floured."""
    crust = varied(rng, mix(mix(scene.accent, scene.deep, 0.5), scene.mid, 0.5))
    wide = length * rng.uniform(0.36, 0.75)
    shape = rounded(x, y, length, wide, 2.4, turn)
    scene.shadow(shape, fall=(5, 6), soft=6, opacity=0.5)
    scene.area(mix(crust, scene.ink, 0.35), shape)
    scene.area(crust, rounded(x + scene.side * 2, y - 2, length * 0.9, wide * 0.86, 2.3, turn), soft=4)
    crown = rounded(x + scene.side * 4, y - 4, length * 0.6, wide * 0.5, 2, turn)
    scene.area(mix(crust, scene.light, 0.3), crown, soft=9)
    for at in np.linspace(-0.3, 0.3, int(rng.integers(3, 6))):
        slash = [(-0.05, -0.42), (0.03, -0.2), (0.05, 0.2), (-0.01, 0.42), (-0.05, 0.1)]
        cut = curved(slash) * (length, wide * 0.9)
        leaf = placed(cut, at * length, 0, 1, 0.35)
        scene.area(mix(crust, scene.ink, 0.4), placed(leaf, x - scene.side, y + 1, 1, turn), opacity=0.7)
        scene.area(mix(crust, scene.light, 0.62), placed(leaf, x + scene.side, y, 1, turn), soft=1)


def long_table(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A table laid for many, from its end in the evening or from above."""
    return _table_above(rng, size, palette) if rng.random() < 0.45 else _table_along(rng, size, palette)


def _table_above(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    width, height = size
    floor = mix(palette.mid, palette.deep, rng.uniform(0, 1))
    scene = Scene(plaster(rng, size, floor, mix(floor, palette.ink, 0.3), palette), palette, either_side(rng))
    x, turn, wide = width * rng.uniform(0.42, 0.58), rng.normal(0, 0.16), width * rng.uniform(0.56, 0.76)
    step = wide * rng.uniform(0.42, 0.52)
    cloths = (palette.light, mix(palette.deep, palette.accent, 0.2), mix(palette.light, palette.mid, 0.5))
    cloth = one_of(rng, cloths)

    def at(across: float, along: float) -> Point:
        (px, py), *_ = placed([(across * wide / 2, along)], x, height / 2, 1, turn).tolist()
        return px, py

    places = np.arange(-height * 0.6, height * 0.6, step) + rng.uniform(0, step)
    sides = [(side, float(along)) for along in places for side in (-1, 1)]
    chairs = [rounded(*at(side * 1.2, along), step * 0.62, step * 0.62, 4, turn) for side, along in sides]
    scene.shadow(*chairs, fall=(4, 5), soft=5)
    scene.area(mix(palette.deep, palette.ink, rng.uniform(0, 0.5)), *chairs)
    table = rounded(x, height / 2, wide, height * 1.5, 60, turn)
    scene.shadow(table, fall=(8, 8), soft=9, opacity=0.55)
    scene.area(cloth, table)
    runner = mix(one_of(rng, (palette.accent, palette.deep, palette.mid)), cloth, 0.25)
    scene.area(runner, rounded(x, height / 2, wide * 0.26, height * 1.5, 60, turn))
    china = varied_one(rng, (palette.light, palette.mid, palette.accent))
    for side, along in sides:
        _place_setting(scene, rng, china, at(side * 0.66, along), step * rng.uniform(0.31, 0.35), turn)
        _glass_above(scene, *at(side * 0.4, along - step * 0.4), step * 0.12)
    for along in places + step / 2:
        bx, by = at(rng.normal(0, 0.05), float(along))
        if rng.random() < 0.55:
            bowl_of_food(scene, rng, bx, by, wide * rng.uniform(0.1, 0.14))
        elif rng.random() < 0.5:
            _loaf(scene, rng, bx, by, wide * 0.26, turn + rng.normal(1.5, 0.5))
        else:
            green = mix(palette.deep, palette.mid, 0.3)
            paint_sprig(scene, rng, green, bx, by + 20, step * 0.8, rng.normal(0, 0.9), step * 0.2)
    return scene.finished(rng)


def _place_setting(scene: Scene, rng: Rng, china: RGB, at: Point, radius: float, turn: float) -> None:
    """A plate, sometimes two, and the cutlery beside it."""
    x, y = at
    scene.shadow(oval(x - scene.side * 3, y + 4, radius, radius), soft=4)
    scene.dish(china, x, y, radius, 1, 0.68)
    if rng.random() < 0.5:
        scene.dish(varied(rng, mix(scene.mid, scene.accent, 0.4)), x, y, radius * 0.6, 1, 0.5)
    metal = mix(scene.mid, scene.ink, 0.4)
    _fork_and_knife(scene, metal, x, y + radius * 1.25, radius * 1.5, turn + math.pi / 2)


def _glass_above(scene: Scene, x: float, y: float, radius: float) -> None:
    scene.shadow(oval(x - scene.side * 3, y + 3, radius, radius), soft=3, opacity=0.3)
    scene.area(mix(scene.accent, scene.ink, 0.35), oval(x, y, radius * 0.8, radius * 0.8), opacity=0.8)
    scene.stroke(scene.light, 1.2, oval(x, y, radius, radius), opacity=0.8)


def _table_along(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    width, height = size
    horizon = height * rng.uniform(0.26, 0.42)
    scene = _dusk(rng, size, palette, horizon)
    eye = (rng.uniform(-0.4, 0.4), rng.uniform(1.25, 1.6), -2.6)
    lens = (height - horizon) * rng.uniform(2.4, 3.4)
    camera = Camera(eye, 0, lens, (width * rng.uniform(0.42, 0.58) + lens * eye[0] / 4, horizon))
    top, half, end, near = 0.75, rng.uniform(0.5, 0.66), rng.uniform(4, 7), -1.4
    cloths = (palette.light, mix(palette.light, palette.mid, 0.5), mix(palette.deep, palette.accent, 0.25))
    cloth = one_of(rng, cloths)
    for z in np.arange(end, -0.9, -0.95).tolist():
        for side in (-1, 1):
            back = camera.aside(side * (half + 0.32), 0.2, 1.05, z - 0.2, z + 0.2)
            wood = mix(varied(rng, palette.deep, 8), palette.ink, 0.5 if side == scene.side else 0.15)
            scene.area(wood, back)
            scene.stroke(mix(wood, palette.light, 0.35), 1.4, back[[1, 2]], opacity=0.8)
    board = camera.level(-half, half, top, near, end)
    hems = (camera.aside(x, top - 0.28, top, near, end) for x in (-half, half))
    scene.area(mix(cloth, palette.ink, 0.4), *hems)
    scene.area(cloth, board)
    scene.area(mix(cloth, palette.ink, 0.5), moved_by(board, 0, height * 0.3), soft=40, opacity=0.4)
    for z in np.arange(end - 0.3, -0.9, -0.95).tolist():
        unit = camera.scale(0, z)
        for side in (-1, 1):
            plate = camera.spot(side * half * 0.62, top, z)
            glass = camera.spot(side * half * 0.36, top, z + 0.2)
            scene.dish(varied(rng, mix(palette.light, palette.mid, 0.35)), *plate, unit * 0.135, 0.42)
            _glass(scene, rng, *glass, unit * rng.uniform(0.16, 0.22))
        _centrepiece(scene, rng, *camera.spot(rng.normal(0, 0.05), top, z), unit)
    _strings_of_lamps(scene, rng, horizon)
    return scene.finished(rng)


def _dusk(rng: Rng, size: Size, palette: Palette, horizon: float) -> Scene:
    """An evening out of doors: sky, trees or hills fading away, dark ground."""
    width, height = size
    low = mix(palette.mid, palette.accent, 0.35)
    sky = gradient(size, [(0.0, mix(palette.deep, palette.ink, rng.uniform(0, 0.8))), (0.5, low)])
    scene = Scene(sky, palette, either_side(rng))
    glow = mix(palette.light, palette.accent, 0.2)
    scene.glow(glow, width * rng.uniform(0.2, 0.8), horizon, width * 0.8, 0.7)
    for index in range(3):
        tint = mix(mix(palette.mid, palette.accent, 0.2), palette.ink, 0.2 + 0.2 * index)
        trees = rolling(rng, size, horizon * (0.45 + 0.2 * index), 8, 16)
        scene.area(tint, trees, soft=4.5 - index, opacity=0.6)
    ground = oblong(-60, horizon + 14, width + 60, height + 60)
    scene.area(mix(palette.deep, palette.ink, 0.5), ground, soft=10)
    return scene


def _centrepiece(scene: Scene, rng: Rng, x: float, y: float, unit: float) -> None:
    """What stands along the middle of a table: a candle, a vase, a bowl of fruit; ``unit`` is a metre."""
    roll = rng.random()
    if roll < 0.35:
        candle(scene, rng, x, y, unit * rng.uniform(0.16, 0.3), unit * 0.6)
    elif roll < 0.6:
        vase(scene, rng, x, y, unit * 0.2, 2)
    else:
        scene.shadow(oval(x, y, unit * 0.16, unit * 0.06), soft=3)
        for index in range(5):
            skin = varied_one(rng, (scene.accent, mix(scene.accent, scene.mid, 0.5)), 16)
            at = (x + (index - 2) * unit * 0.05, y - unit * (0.11 + 0.03 * (index % 2)))
            scene.ball(skin, *at, unit * 0.045)
        clay = varied_one(rng, (scene.accent, scene.deep, scene.mid))
        scene.turned(clay, x, y, [(0, unit * 0.07), (unit * 0.08, unit * 0.15)], 0.12)


def _strings_of_lamps(scene: Scene, rng: Rng, horizon: float) -> None:
    width = scene.image.width
    warm = mix(scene.light, scene.accent, 0.35)
    along = np.linspace(0, 1, 14)
    for _ in range(int(rng.integers(1, 4))):
        sag, (left, right) = rng.uniform(0.1, 0.3) * horizon, rng.uniform(-0.05, 0.6, 2) * horizon
        y = left * (1 - along) + right * along + sag * 4 * along * (1 - along)
        line = np.stack([-20 + (width + 40) * along, y], axis=1)
        scene.stroke(scene.ink, 1, line, opacity=0.7)
        scene.area(warm, *(oval(across, down, 9, 9) for across, down in line), soft=6, opacity=0.5)
        bulbs = (oval(across, down + 2, 2.2, 2.8) for across, down in line)
        scene.area(mix(warm, scene.light, 0.7), *bulbs)


def _glass(scene: Scene, rng: Rng, x: float, base: float, tall: float) -> None:
    """A wine glass, or a tumbler, with something in it."""
    wine = mix(scene.accent, scene.ink, rng.uniform(0, 0.5))
    half = tall * 0.24
    stem = 0.05 * tall
    shape: Profile = [(0, half), (0.04, stem), (0.4, stem), (0.55, half)]
    shape += [(0.75, half * 1.1), (1, half * 0.85)]
    if rng.random() < 0.4:
        shape, tall = [(0, half), (1, half * 1.15)], tall * 0.6
    scaled = [(h * tall, w) for h, w in shape]
    scene.turned(scene.light, x, base, scaled, 0.16, 0.45)
    level = tall * rng.uniform(0.6, 0.85)
    heights, halves = zip(*scaled, strict=True)
    start = tall * 0.46 if len(shape) > 2 else 2
    full = [(h, float(np.interp(h, heights, halves)) * 0.9) for h in np.linspace(start, level, 5)]
    scene.turned(wine, x, base, full, 0.16, 0.85)


def bread_and_bowls(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Bread, bowls and cloths crowded on a table, from above."""
    width, height = size
    scene = Scene(table_top(rng, size, palette), palette, either_side(rng))
    at = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.2, 0.8) * height)
    cloth = rounded(*at, 210, 260, 16, rng.uniform(0, 3))
    tint = one_of(rng, (palette.light, palette.accent, mix(palette.light, palette.accent, 0.5)))
    scene.shadow(cloth, fall=(0, 5), soft=6)
    scene.area(tint, cloth)
    for share in (0.86, 0.8, 0.3):
        scene.stroke(mix(tint, palette.deep, 0.5), 1.4, shrunk(cloth, share), opacity=0.6)
    taken: list[tuple[float, float, float]] = []
    bread = (width * rng.uniform(0.25, 0.75), height * rng.uniform(0.2, 0.8), width * rng.uniform(0.24, 0.3))
    taken.append(bread)
    largest = width * rng.uniform(0.2, 0.3)
    for _ in range(90):  # put down what still finds room, the large bowls first
        radius = largest * (1 - 0.66 * len(taken) / 12) * rng.uniform(0.85, 1.1)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        clear = all(math.hypot(x - at_x, y - at_y) > (radius + reach) * 1.06 for at_x, at_y, reach in taken)
        if clear and len(taken) < 11:
            taken.append((x, y, radius))
    turn = rng.uniform(0, 3)
    if rng.random() < 0.5:
        board = rounded(bread[0], bread[1], bread[2] * 2.5, bread[2] * 1.9, 9, turn)
        scene.shadow(board, fall=(5, 7))
        scene.area(mix(palette.deep, palette.mid, 0.35), board)
        scene.area(mix(palette.deep, palette.mid, 0.55), shrunk(board, 0.96), soft=2)
    for x, y, radius in taken[1:]:
        if radius > 17 and rng.random() < 0.86:
            bowl_of_food(scene, rng, x, y, radius)
        elif rng.random() < 0.6:
            scene.shadow(oval(x - scene.side * 3, y + 4, radius * 0.5, radius * 0.5), soft=3)
            scene.ball(varied(rng, palette.accent, 18), x, y, radius * 0.55)
        else:
            _glass_above(scene, x, y, radius * 0.8)
    _loaf(scene, rng, *bread[:2], bread[2] * 2, turn)
    for _ in range(int(rng.integers(1, 3))):
        foot = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.2, 1) * height)
        paint_sprig(scene, rng, mix(palette.deep, palette.mid, 0.3), *foot, 90, rng.uniform(-1.5, 1.5), 22)
    at = (rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height)
    spoon(scene, mix(palette.mid, palette.light, 0.2), *at, 110, rng.uniform(0, 6))
    if rng.random() < 0.6:
        fall_of_light(scene, rng, palette.deep, 0.22)
    return scene.finished(rng)


def fruit_still_life(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Fruit on a ledge, in a bowl or lying, against a dark or a pale wall."""
    width, height = size
    walls = (mix(palette.ink, palette.deep, 0.35), mix(palette.mid, palette.light, 0.5), palette.deep)
    wall = one_of(rng, walls)
    scene = Scene(plaster(rng, size, mix(wall, palette.ink, 0.2), wall, palette), palette, either_side(rng))
    lamp = (width * (0.5 + 0.5 * scene.side), height * 0.3)
    scene.glow(mix(wall, palette.light, 0.6), *lamp, height * 0.7, 0.6)
    edge = height * rng.uniform(0.62, 0.76)
    table = one_of(rng, (palette.light, palette.mid, mix(palette.deep, palette.ink, 0.4)))
    scene.area(mix(table, palette.ink, 0.2), oblong(-2, edge, width + 2, height + 2))
    scene.area(table, oblong(-9, edge + 6, width + 9, edge + (height - edge) * 0.5), soft=14, opacity=0.9)
    if rng.random() < 0.6:
        _drape(scene, rng, width * rng.uniform(0.2, 0.8), edge)
    unit = width * rng.uniform(0.085, 0.12)
    line = edge + (height - edge) * 0.3
    x = width * rng.uniform(0.35, 0.65)
    behind = x + either_side(rng) * width * rng.uniform(0.24, 0.34)
    if rng.random() < 0.7:
        tall = height * rng.uniform(0.26, 0.4)
        vase(scene, rng, behind, edge + 14, tall, int(rng.integers(0, 4)))
    for _ in range(int(rng.integers(0, 3))):
        _fruit(scene, rng, rng.uniform(0.1, 0.9) * width, edge + unit * 0.5, unit)
    if rng.random() < 0.65:
        _bowl_of_fruit(scene, rng, x, line, unit)
    front = line + (height - edge) * 0.2
    for spot in np.linspace(0.1, 0.9, int(rng.integers(2, 6))) + rng.normal(0, 0.05):
        _fruit(scene, rng, float(spot) * width, front + rng.normal(0, 8), unit * rng.uniform(0.85, 1.1))
    return scene.finished(rng)


def _drape(scene: Scene, rng: Rng, x: float, edge: float) -> None:
    """A cloth lying on the ledge and hanging over its front."""
    low = scene.image.height + 40
    left = [(x - rng.uniform(60, 110), y) for y in np.linspace(low, edge + 8, 5)]
    outline = curved([*left, *((x + rng.uniform(50, 110), y) for y in np.linspace(edge + 8, low, 5))])
    scene.shadow(outline, fall=(6, 6))
    cloth = mix(scene.light, scene.mid, rng.uniform(0, 0.5))
    scene.lay(linen(rng, scene.image.size, cloth, scene.palette), outline)


def _bowl_of_fruit(scene: Scene, rng: Rng, x: float, base: float, unit: float) -> None:
    """Fruit heaped in a bowl; ``unit`` is the radius of one."""
    clay = varied_one(rng, (scene.light, scene.deep, scene.mid, scene.accent))
    deep, reach = unit * rng.uniform(1.0, 1.7), unit * rng.uniform(2.2, 2.9)
    scene.shadow(oval(x - scene.side * reach * 0.5, base, reach * 1.1, reach * 0.2), soft=9, opacity=0.55)
    for row, count in ((0, 4), (1, 3)):
        for index in range(count):
            spot = x + (index - (count - 1) / 2) * reach * 0.46
            _fruit(scene, rng, spot, base - deep * 0.86 - row * unit + unit * 0.35, unit * 0.92)
    foot = reach * rng.uniform(0.3, 0.5)
    profile: Profile = [(0, foot), (deep * 0.12, foot * 0.9), (deep * 0.5, reach * 0.78), (deep, reach)]
    scene.turned(clay, x, base, profile, 0.1)


def _jar(scene: Scene, rng: Rng, x: float, base: float, half: float, tall: float) -> None:
    """A jar of preserves, pulses or pickles with its lid and, often, its label."""
    scene.shadow(oval(x - scene.side * half * 0.8, base, half * 1.5, half * 0.3), soft=5)
    body = traced("0,88 5,100 80,100 92,78 100,78") * (tall, half)
    scene.turned(mix(scene.light, scene.mid, 0.5), x, base, body.tolist(), 0.14, 0.55)
    syrups = (mix(scene.accent, scene.mid, 0.5), mix(scene.accent, scene.deep, 0.5))
    stuffs = (scene.accent, scene.deep, scene.mid, *syrups)
    fill, level = varied_one(rng, stuffs, 14), tall * rng.uniform(0.5, 0.8)
    kind = int(rng.integers(3))
    for layer in range(4 if kind == 1 else 1):  # one thing, or layers of several
        tint = fill
        if layer:
            tint = varied_one(rng, (scene.light, scene.accent, scene.mid, scene.deep), 14)
        scene.turned(tint, x, base - 2, [(level * layer / 4, half * 0.9), (level, half * 0.92)], 0.14, 0.95)
    if kind == 2:  # round things
        for spot in rng.uniform(-0.62, 0.62, (9, 2)):
            at = (x + spot[0] * half, base - level * (0.5 + 0.62 * spot[1]))
            scene.ball(varied(rng, fill, 18), *at, min(half * 0.26, 9))
    if rng.random() < 0.5:  # a label
        y = base - tall * 0.4
        scene.area(mix(scene.light, scene.mid, 0.1), rounded(x, y, half * 1.2, tall * 0.26, 9, 0))
        written = ((0.34, -4), (0.42, 2), (0.24, 7))
        lines = [[(x - half * w, y + down), (x + half * w, y + down)] for w, down in written]
        scene.stroke(scene.ink, 1, *lines, opacity=0.6)
    shine = x + scene.side * half * 0.66
    gleam = [(shine, base - tall * 0.1), (shine, base - tall * 0.74)]
    scene.stroke(scene.light, half * 0.13, gleam, soft=1, opacity=0.65)
    lids = (scene.deep, scene.accent, scene.mid, mix(scene.deep, scene.accent, 0.5))
    lid = varied_one(rng, lids)
    if rng.random() < 0.35:  # cloth tied over
        cap = traced("0,108 9,84 20,86") * (tall, half)
        scene.turned(lid, x, base - tall * 0.84, cap.tolist(), 0.12)
        string = placed(traced("-85,-93 0,-91.5 85,-93") * (half, tall), x, base)
        scene.stroke(mix(lid, scene.light, 0.6), 1.5, string)
    else:
        scene.turned(lid, x, base - tall * 0.93, [(0, half * 0.86), (tall * 0.12, half * 0.86)], 0.14)
        scene.area(mix(lid, scene.light, 0.3), oval(x, base - tall * 1.05, half * 0.86, half * 0.12))


def jars_shelf(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """The larder: shelves of jars, with herbs and garlic hanging."""
    width, height = size
    wall = mix(palette.mid, one_of(rng, (palette.light, palette.deep, palette.ink)), rng.uniform(0.1, 0.6))
    scene = Scene(plaster(rng, size, wall, mix(wall, palette.ink, 0.2), palette), palette, either_side(rng))
    if rng.random() < 0.6:
        fall_of_light(scene, rng, wall, 0.4)
    rows = int(rng.integers(1, 4)) if height > width else int(rng.integers(1, 3))
    wood = mix(palette.deep, palette.ink, rng.uniform(0, 0.5))
    pitch = height / (rows + rng.uniform(0.1, 0.6))
    first = pitch * rng.uniform(0.85, 1.0)
    for row in range(rows):
        base = first + row * pitch
        x = rng.uniform(-20, 20)
        while x < width:
            half = min(pitch * rng.uniform(0.17, 0.26), 46)
            tall = min(pitch * rng.uniform(0.4, 0.72), half * 3.4)
            x += half * 1.1
            roll = rng.random()
            if roll < 0.8:
                _jar(scene, rng, x, base, half, tall)
            elif roll < 0.9:
                vase(scene, rng, x, base, tall, int(rng.integers(0, 2)))
            else:
                _fruit(scene, rng, x, base, half * 0.8)
            x += half * rng.uniform(1.05, 1.5)
        scene.shadow(oblong(-9, base + 10, width + 9, base + 26), soft=7, opacity=0.5)
        scene.area(mix(wood, palette.light, 0.22), oblong(-4, base, width + 4, base + 4))
        scene.area(wood, oblong(-4, base + 4, width + 4, base + 13))
    hook = first + (rows - 1) * pitch + 13
    for x in np.arange(rng.uniform(10, 60), width, rng.uniform(45, 90)):
        if height - hook < 50 or rng.random() < 0.25:
            continue
        long = min(height - hook, 130) * rng.uniform(0.6, 0.9)
        scene.stroke(palette.ink, 1, [(x, hook), (x, hook + long * 0.3)])
        for _ in range(4):
            herb = mix(palette.deep, palette.mid, rng.uniform(0, 0.6))
            paint_sprig(scene, rng, herb, x, hook + 8, long, math.pi + rng.normal(0, 0.2), 17)
    return scene.finished(rng)
