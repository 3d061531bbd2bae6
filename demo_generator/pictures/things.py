"""Things that stand about in several rooms: sprigs, cups, spoons, books, candles, bowls, vases.

Belongs here: objects that more than one subject sets down. What only one needs is beside that subject.
"""

import math

import numpy as np

from demo_generator.pictures.canvas import RGB, WHITE, Rng, either_side, mix, varied, varied_one
from demo_generator.pictures.scene import Profile, Scene
from demo_generator.pictures.shapes import (
    LEAF,
    curved,
    moved_by,
    oblong,
    open_arc,
    oval,
    placed,
    rounded,
)


def sprig(
    rng: Rng, x: float, y: float, length: float, turn: float, leaf: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A stem from (x, y), upright at turn 0, and its leaves, ``leaf`` long."""
    along = np.linspace(0, 1, 12)
    lean = rng.uniform(-0.35, 0.35)
    stem = placed(np.stack([lean * along * along, -along], axis=1), x, y, length, turn)
    leaves = []
    count = int(rng.integers(4, 8))
    slim = rng.uniform(0.22, 0.5)
    for index in range(2 * count):
        knot = min(11, 2 + round(9 * (index // 2) / count))
        out = (0.95 if index % 2 else -0.95) * rng.uniform(0.6, 1.15)
        size = leaf * rng.uniform(0.75, 1.1) * (1.1 - 0.5 * knot / 12)
        bent = turn + out + lean * knot / 12
        leaves.append(placed(LEAF * (slim, 1), stem[knot, 0], stem[knot, 1], size, bent))
    leaves.append(placed(LEAF * (slim, 1), stem[-1, 0], stem[-1, 1], leaf * 0.7, turn + lean))
    return stem, leaves


def paint_sprig(scene: Scene, rng: Rng, colour: RGB, *place: float) -> None:
    """A sprig with its shadow; ``place`` is x, y, length, turn and leaf."""
    stem, leaves = sprig(rng, *place)
    if place[4] > 14:  # smaller leaves cast nothing to be seen
        scene.shadow(*leaves, fall=(3, 4), soft=3, opacity=0.25)
    scene.stroke(mix(colour, scene.ink, 0.4), max(1.0, place[2] / 70), stem)
    scene.area(mix(colour, scene.ink, 0.15), *leaves[::2])
    scene.area(mix(colour, scene.light, 0.25), *leaves[1::2])


def _mouth(scene: Scene, colour: RGB, x: float, y: float, radius: float, tilt: float, inside: RGB) -> None:
    """The open top of a vessel: its lip, and what is in it."""
    scene.area(mix(colour, scene.light, 0.35), oval(x, y, radius, radius * tilt))
    scene.area(mix(colour, scene.ink, 0.55), oval(x, y, radius * 0.9, radius * tilt * 0.85))
    scene.area(inside, oval(x, y + radius * tilt * 0.12, radius * 0.84, radius * tilt * 0.7))


def cup(scene: Scene, rng: Rng, colour: RGB, x: float, base: float, radius: float) -> None:
    """A cup from the side, with or without a saucer, its coffee and its steam."""
    tall = radius * rng.uniform(1.05, 2.0)
    foot, belly = rng.uniform(0.45, 0.8), rng.uniform(0.8, 1.0)
    tilt = rng.uniform(0.18, 0.3)
    cast = oval(x - scene.side * radius * 0.7, base + radius * 0.1, radius * 1.9, radius * 0.36)
    scene.shadow(cast, soft=9)
    if tall < 1.6 * radius:
        scene.dish(mix(colour, scene.mid, 0.25), x, base + radius * tilt * 0.4, radius * 1.7, tilt * 0.9)
        cast = oval(x - scene.side * radius * 0.2, base + radius * 0.12, radius, radius * tilt * 0.7)
        scene.shadow(cast, soft=4)
    handle = either_side(rng)
    grip = open_arc(x + handle * radius * 0.86, base - tall * 0.55, radius * 0.55, tall * 0.3, 0, 2 * math.pi)
    scene.stroke(mix(colour, scene.ink, 0.5), radius * 0.2, grip)
    scene.stroke(colour if handle == scene.side else mix(colour, scene.deep, 0.4), radius * 0.12, grip)
    band = (mix(scene.accent, scene.mid, 0.3), tall * rng.uniform(0.3, 0.8))
    waist = (tall * 0.2, radius * belly * 0.88)
    profile: Profile = [(0.0, radius * foot), waist, (tall * 0.6, radius), (tall, radius)]
    scene.turned(colour, x, base, profile, tilt, glaze=band if rng.random() < 0.4 else None)
    coffee = mix(scene.ink, scene.accent, 0.25)
    _mouth(scene, colour, x, base - tall, radius, tilt, coffee)
    for _ in range(3):
        along = np.linspace(0, 1, 20)
        rise, sway = radius * rng.uniform(1.8, 3.8), radius * rng.uniform(0.15, 0.4)
        aside = sway * np.sin(along * rng.uniform(4, 7) + rng.uniform(0, 6)) * (0.3 + along)
        wisp = np.stack([aside, -along * rise], axis=1)
        start = (x + rng.uniform(-0.4, 0.4) * radius, base - tall)
        scene.stroke(scene.light, radius * 0.2, wisp + start, soft=radius * 0.14, opacity=0.28)


def cup_above(scene: Scene, rng: Rng, colour: RGB, x: float, y: float, radius: float) -> None:
    """A cup on its saucer looked down on, black or with milk poured in a leaf."""
    fall = (-scene.side * radius * 0.3, radius * 0.32)
    scene.shadow(oval(x + fall[0], y + fall[1], radius * 1.65, radius * 1.65), soft=radius * 0.16)
    scene.dish(mix(colour, scene.mid, rng.uniform(0, 0.35)), x, y, radius * 1.7, 1, 0.58)
    turn = rng.uniform(0, 2 * math.pi)
    grip = np.array([(math.cos(turn), math.sin(turn))]) * radius
    scene.shadow(oval(x + fall[0] * 0.8, y + fall[1] * 0.8, radius * 1.02, radius * 1.02), soft=radius * 0.1)
    scene.stroke(mix(colour, scene.ink, 0.3), radius * 0.26, grip * 0.9 + (x, y), grip * 1.4 + (x, y))
    scene.stroke(colour, radius * 0.2, moved_by(np.concatenate([grip * 0.9, grip * 1.4]), x, y))
    scene.dish(colour, x, y, radius, 1, 0.5)
    brew = mix(scene.ink, scene.accent, rng.uniform(0.2, 0.45))
    foam = mix(brew, scene.light, 0.4)
    scene.area(foam, oval(x, y, radius * 0.84, radius * 0.84))
    scene.area(brew, oval(x - scene.side, y + 1, radius * 0.79, radius * 0.79), soft=1.2)
    if rng.random() < 0.6:
        leaf, cream = rng.uniform(0, 2 * math.pi), mix(foam, scene.light, 0.7)
        for index, wide in enumerate((0.5, 0.46, 0.38, 0.28)):
            inner = wide * 0.9
            chevron = [(-wide, 0.0), (0, 0.22), (wide, 0.0), (inner, -0.14), (0, 0.06), (-inner, -0.14)]
            poured = curved(moved_by(chevron, 0, 0.3 - 0.27 * index))
            scene.area(cream, placed(poured, x, y, radius, leaf), opacity=0.9)
    rim = open_arc(x, y, radius * 0.8, radius * 0.8, 0, 2 * math.pi)
    shade = moved_by(rim, scene.side * radius * 0.04, -radius * 0.04)
    scene.stroke(scene.ink, radius * 0.08, shade, soft=radius * 0.05, opacity=0.35)
    start, end = (-math.pi / 2 + scene.side * share for share in (0.3, 1.1))
    glint = open_arc(x, y, radius * 0.66, radius * 0.66, start, end)
    scene.stroke(scene.light, radius * 0.06, glint, soft=1.2, opacity=0.6)


def spoon(scene: Scene, colour: RGB, x: float, y: float, length: float, turn: float) -> None:
    """A spoon lying, its bowl at the upper end."""
    bowl = oval(0, -0.42, 0.085, 0.13)
    shape = [placed(bowl, x, y, length, turn), placed(oblong(-0.02, -0.32, 0.02, 0.5), x, y, length, turn)]
    scene.shadow(*shape, fall=(3, 3), soft=2.5, opacity=0.4)
    scene.area(mix(colour, scene.ink, 0.2), *shape)
    gleam = placed(oval(0.01, -0.43, 0.05, 0.09), x, y, length, turn)
    scene.area(mix(colour, scene.light, 0.6), gleam, soft=1)


def _book(scene: Scene, rng: Rng, colour: RGB, x: float, base: float, width: float, thick: float) -> None:
    """A closed book lying flat, its spine or its pages towards us."""
    scene.area(colour, rounded(x, base - thick / 2, width, thick, 9, 0))
    if rng.random() < 0.5:
        side = either_side(rng) * width * 0.03
        left, right = x - width * 0.47 + side, x + width * 0.47 + side
        pages = oblong(left, base - thick * 0.82, right, base - thick * 0.18)
        scene.area(mix(scene.light, scene.mid, 0.25), pages)
        edges = (moved_by(pages[:2], 0, index * thick * 0.16) for index in (1, 2, 3))
        scene.stroke(scene.deep, 0.6, *edges)
    else:
        for at in (-0.36, -0.3, 0.3, 0.36):
            band = oblong(x + at * width, base - thick, x + at * width + 1.5, base)
            scene.area(mix(colour, scene.accent, 0.6), band)
    scene.shadow(oblong(x - width / 2, base - thick * 0.2, x + width / 2, base), soft=1.5, opacity=0.35)


def pile_of_books(scene: Scene, rng: Rng, x: float, base: float, width: float, count: int) -> float:
    """Books lying on one another; returns the height of the top."""
    scene.shadow(oval(x - scene.side * width * 0.2, base, width * 0.7, width * 0.07), soft=7)
    colours = (scene.deep, scene.accent, scene.mid, mix(scene.deep, scene.ink, 0.5))
    for _ in range(count):
        thick = width * rng.uniform(0.09, 0.19)
        long = width * rng.uniform(0.8, 1.05)
        _book(scene, rng, varied_one(rng, colours), x + rng.normal(0, width * 0.03), base, long, thick)
        base -= thick
    return base


def candle(scene: Scene, rng: Rng, x: float, base: float, tall: float, glow: float) -> None:
    """A lit candle in a low holder."""
    wax = mix(scene.light, scene.accent, 0.18)
    half = max(2.5, tall * rng.uniform(0.05, 0.12))
    scene.dish(mix(scene.deep, scene.accent, 0.3), x, base, half * 3.2, 0.24)
    socket: Profile = [(0, half * 1.3), (half * 1.6, half * 1.5)]
    scene.turned(mix(scene.deep, scene.accent, 0.35), x, base, socket)
    scene.turned(wax, x, base - half, [(0, half), (tall, half * 0.96)], 0.2)
    tip = base - half - tall
    scene.area(mix(wax, scene.light, 0.5), oval(x, tip + 1, half * 0.95, half * 0.25))
    warm = mix(scene.accent, scene.light, 0.45)
    scene.glow(mix(scene.accent, scene.light, 0.3), x, tip - half * 2, glow, 0.85)
    scene.stroke(scene.ink, 1.2, [(x, tip), (x, tip - half * 0.7)])
    flame = np.array([(0, 0.25), (-0.6, -0.3), (-0.42, -1.1), (0.05, -2.6), (0.42, -1.1), (0.6, -0.3)])
    high = half * rng.uniform(1.2, 1.5)
    scene.area(warm, placed(curved(flame), x, tip - half * 0.6, high * 1.25), soft=1.6, opacity=0.9)
    heart = placed(curved(flame), x, tip - half * 0.5, high * 0.8)
    scene.area(mix(scene.light, WHITE, 0.6), heart, soft=0.8)


def bowl_of_food(scene: Scene, rng: Rng, x: float, y: float, radius: float) -> None:
    """A bowl looked down on: soup, olives, leaves, grains or slices."""
    pale, dark = mix(scene.light, scene.mid, 0.5), mix(scene.deep, scene.ink, 0.5)
    clay = varied_one(rng, (scene.light, scene.mid, scene.deep, pale, dark))
    cast = oval(x - scene.side * radius * 0.2, y + radius * 0.22, radius, radius)
    scene.shadow(cast, soft=radius * 0.14, opacity=0.5)
    scene.dish(clay, x, y, radius, 1, 0.6)
    kind = int(rng.integers(5))
    warm, cream = mix(scene.accent, scene.mid, 0.5), mix(scene.light, scene.accent, 0.25)
    fill = varied_one(rng, (scene.accent, warm, cream, scene.deep))
    deep = radius * 0.78
    scene.area(mix(fill, scene.ink, 0.35 if kind else 0.1), oval(x, y, deep, deep))
    _food(scene, rng, kind, fill, x, y, deep)
    rim = moved_by(open_arc(x, y, deep, deep, 0, 2 * math.pi), scene.side, -1)
    scene.stroke(scene.ink, radius * 0.07, rim, soft=1.5, opacity=0.35)


def _food(scene: Scene, rng: Rng, kind: int, fill: RGB, x: float, y: float, deep: float) -> None:
    """What is in a bowl whose filling is ``deep`` in radius."""
    radius = deep / 0.78
    spots = rng.normal(0, 0.36, (26, 2)) * deep
    spots = spots[np.hypot(spots[:, 0], spots[:, 1]) < deep * 0.86] + (x, y)
    if kind == 0:  # soup with a swirl
        along = np.linspace(0, 1, 40)
        reach = deep * 0.75 * along
        swirl = np.stack([x + reach * np.cos(9 * along), y + reach * np.sin(9 * along)], axis=1)
        sheen = oval(x + scene.side * 2, y - 2, deep * 0.8, deep * 0.8)
        scene.area(mix(fill, scene.light, 0.3), sheen, soft=5, opacity=0.5)
        scene.stroke(mix(fill, scene.light, 0.75), radius * 0.06, swirl, soft=1, opacity=0.85)
    elif kind == 1:  # olives, tomatoes
        for at in spots[:14]:
            scene.ball(varied(rng, fill, 16), at[0], at[1], radius * rng.uniform(0.14, 0.2))
    elif kind == 2:  # leaves
        leaf = curved([(0, 0), (0.35, -0.4), (0.2, -0.9), (0, -1), (-0.2, -0.9), (-0.35, -0.4)])
        green = mix(scene.deep, scene.mid, rng.uniform(0.1, 0.6))
        for index in range(3):
            shapes = [placed(leaf, sx, sy, radius * 0.4, rng.uniform(0, 6)) for sx, sy in spots[index::3]]
            scene.area(mix(green, (scene.ink, scene.mid, scene.light)[index], 0.35), *shapes)
        for at in spots[:4]:
            scene.ball(scene.accent, at[0], at[1], radius * 0.11)
    elif kind == 3:  # grains
        for index, tint in enumerate((scene.light, scene.ink, scene.accent, scene.mid)):
            seeds = x + deep * np.clip(rng.normal(0, 0.4, (18, 2)), -0.62, 0.62) + (0, y - x)
            scene.area(mix(fill, tint, 0.55), *(oval(sx, sy, 1.8 + index % 2, 1.4) for sx, sy in seeds))
    else:  # slices in a ring
        turns = np.linspace(0, 2 * math.pi, 7)[:-1] + rng.uniform(0, 1)
        ring = [(x + deep * 0.5 * math.cos(turn), y + deep * 0.5 * math.sin(turn)) for turn in turns]
        slices = ((0.27, scene.ink, 0.25), (0.22, scene.light, 0.55), (0.1, scene.light, 0.25))
        for size, tint, share in slices:
            discs = (oval(across, down, radius * size, radius * size) for across, down in ring)
            scene.area(mix(fill, tint, share), *discs)


def vase(scene: Scene, rng: Rng, x: float, base: float, tall: float, stems: int) -> None:
    """A vase with stems of leaves, or standing empty."""
    pale = mix(scene.mid, scene.light, 0.4)
    clay = varied_one(rng, (scene.light, scene.deep, scene.accent, pale))
    belly, neck = tall * rng.uniform(0.22, 0.42), tall * rng.uniform(0.08, 0.16)
    scene.shadow(oval(x - scene.side * belly * 0.7, base, belly * 1.5, belly * 0.25), soft=6)
    for _ in range(stems):
        length, turn = tall * rng.uniform(0.7, 1.4), rng.normal(0, 0.35)
        green = mix(scene.deep, scene.mid, rng.uniform(0, 0.5))
        paint_sprig(scene, rng, green, x, base - tall * 0.9, length, turn, tall * 0.26)
    profile: Profile = [(0, belly * 0.6), (0.15, belly * 0.85), (0.4, belly), (0.65, belly * 0.75)]
    profile += [(0.82, neck), (1, neck * 1.3)]
    scene.turned(clay, x, base, [(h * tall, w) for h, w in profile], 0.16)
    scene.area(mix(clay, scene.ink, 0.6), oval(x, base - tall, neck * 1.2, neck * 0.22))
