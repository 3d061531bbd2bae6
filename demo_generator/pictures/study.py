"""The candlelit study: shelves of books, a desk by night, a vaulted library.

Belongs here: rooms for reading.
"""

import math
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from PIL import Image

from demo_generator.pictures.canvas import (
    RGB,
    Palette,
    Point,
    Points,
    Rng,
    Size,
    either_side,
    mix,
    one_of,
    varied,
    varied_one,
)
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.perspective import Camera, Place
from demo_generator.pictures.scene import Profile, Scene
from demo_generator.pictures.shapes import (
    curved,
    moved_by,
    oblong,
    open_arc,
    oval,
    placed,
    rounded,
    tapered,
    traced,
)
from demo_generator.pictures.surfaces import plaster
from demo_generator.pictures.things import candle, pile_of_books, vase

_Shape: TypeAlias = tuple[Points, RGB]
_Light: TypeAlias = tuple[RGB, RGB, float, int]  # stone, what falls in, how far off, from which side


def _shelf_of_books(
    rng: Rng, palette: Palette, x0: float, x1: float, base: float, tall: float
) -> list[_Shape]:
    """Spines standing (a few leaning, a few lying) between x0 and x1, as coloured polygons."""
    tints = (palette.deep, palette.accent, palette.mid, palette.ink, mix(palette.deep, palette.accent, 0.5))
    shapes: list[_Shape] = []
    x = x0 + rng.uniform(0, 6)
    run = tall * rng.uniform(0.7, 0.9)
    while x < x1 - 6:
        roll = rng.random()
        colour = varied_one(rng, tints, 14)
        if roll < 0.04:  # a gap
            x += rng.uniform(8, 30)
            run = tall * rng.uniform(0.62, 0.9)
            continue
        if roll < 0.1 and x < x1 - tall * 0.8:  # a few lying
            level, long = base, tall * rng.uniform(0.6, 0.8)
            for _ in range(int(rng.integers(2, 5))):
                thick, colour = tall * rng.uniform(0.08, 0.15), varied_one(rng, tints, 14)
                shapes.append((oblong(x, level - thick, x + long, level - 0.6), colour))
                low_edge = oblong(x, level - thick * 0.3, x + long, level - 0.6)
                shapes.append((low_edge, mix(colour, palette.ink, 0.4)))
                level -= thick
            x += long + 1
            continue
        wide, high = tall * rng.uniform(0.08, 0.24), min(tall * 0.95, run * rng.uniform(0.88, 1.1))
        lean = high * 0.2 if roll > 0.95 else 0.0
        top = base - high
        for start, end, tone in ((0, 1, 0.0), (0.55, 1, 0.28), (0.82, 1, 0.5)):
            left, right = x + start * wide, x + end * wide
            strip = [(left, base), (right, base), (right + lean, top), (left + lean, top)]
            shapes.append((strip, mix(colour, palette.ink, tone)))
        gilt = mix(colour, one_of(rng, (palette.light, palette.accent)), 0.55)
        for at in rng.choice((0.1, 0.16, 0.3, 0.72, 0.8, 0.9), 3, replace=False):
            y, shift = base - high * at, lean * at
            shapes.append((oblong(x + shift + 0.8, y - 1.1, x + shift + wide - 1, y), gilt))
        if rng.random() < 0.35 and not lean:
            shapes.append((oblong(x + wide * 0.2, top + high * 0.2, x + wide * 0.8, top + high * 0.36), gilt))
        x += wide + lean + 0.8
    return shapes


def bookshelf(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Shelves of old books by lamplight, near or from across the room."""
    width, height = size
    wood = mix(palette.deep, palette.ink, rng.uniform(0.2, 0.6))
    back = mix(wood, palette.ink, 0.65)
    rows = int(rng.integers(2, 6))
    tall, board = height / (rows + rng.uniform(-0.25, 0.35)), rng.uniform(6, 12)
    bases = [rng.uniform(0.35, 0.95) * tall + index * tall for index in range(rows + 1)]
    posts = [width * rng.uniform(0.25, 0.75)] if rng.random() < 0.4 else []
    ends = [-10.0, *posts, width + 10.0]
    shapes: list[_Shape] = []
    bare = (int(rng.integers(rows)), rng.uniform(0.1, 0.65) * width)
    for row, base in enumerate(bases):
        for x0, x1 in pairwise(ends):
            spans = [(x0, x1)]
            if row == bare[0] and x0 < bare[1] < x1 - tall * 0.7:
                spans = [(x0, bare[1]), (bare[1] + tall * 0.7, x1)]
            for left, right in spans:
                shapes += _shelf_of_books(rng, palette, left + 4, right - 4, base, tall - board)
        shapes.append((oblong(-4, base, width + 4, base + board), wood))
        shapes.append((oblong(-4, base, width + 4, base + 1.6), mix(wood, palette.light, 0.3)))
    shapes += [(oblong(x - 5, -4, x + 5, height + 4), wood) for x in posts]
    pen = Pen.over(Image.new("RGB", size, back))
    for outline, colour in shapes:
        pen.shape(outline, colour)
    scene = Scene(pen.drawn(), palette, either_side(rng))
    tops = [oblong(-20, base + board, width + 20, base + board + tall * 0.14) for base in bases]
    scene.shadow(*tops, soft=6, opacity=0.6)
    _keepsake(scene, rng, bare[1] + tall * 0.35, bases[bare[0]], (tall - board) * 0.72)
    scene.shadow(oblong(-40, -40, width + 40, height + 40), soft=1, opacity=rng.uniform(0.1, 0.35))
    lamp = (rng.uniform(-0.1, 1.1) * width, rng.uniform(0.0, 0.9) * height)
    scene.glow(mix(palette.accent, palette.light, 0.5), *lamp, height * rng.uniform(0.5, 1.0), 0.55)
    return scene.finished(rng)


def _keepsake(scene: Scene, rng: Rng, x: float, base: float, tall: float) -> None:
    """Something that stands among books: a vase, a globe, a candle or an hourglass."""
    kind = int(rng.integers(4))
    if kind == 0:
        vase(scene, rng, x, base, tall * 0.7, int(rng.integers(0, 3)))
    elif kind == 1:
        radius = tall * 0.36
        stand: Profile = [(0, radius * 0.6), (tall * 0.06, radius * 0.5), (tall * 0.1, 3), (tall * 0.25, 3)]
        scene.turned(mix(scene.accent, scene.deep, 0.4), x, base, stand)
        meridian = open_arc(x, base - tall * 0.58, radius * 1.14, radius * 1.14, -1.2, 2.0)
        scene.stroke(mix(scene.accent, scene.mid, 0.4), 2.5, meridian)
        scene.ball(mix(scene.mid, scene.accent, 0.2), x, base - tall * 0.58, radius)
        for _ in range(4):
            spot = rng.normal(0, 0.34, 2) * radius + (x, base - tall * 0.58)
            isle = curved(spot + rng.normal(0, radius * 0.2, (7, 2)))
            scene.area(mix(scene.deep, scene.mid, 0.4), isle, soft=1, opacity=0.7)
    elif kind == 2:
        candle(scene, rng, x, base - 3, tall * 0.55, tall * 2.2)
    else:
        half = tall * 0.2
        sand: Profile = [(0, half), (0.2, half * 0.9), (0.46, 2), (0.54, 2), (0.8, half * 0.9), (1, half)]
        glass = [(h * tall * 0.9, w) for h, w in sand]
        scene.turned(mix(scene.light, scene.mid, 0.4), x, base - 4, glass, 0.1, 0.75)
        heap: Profile = [(0, half * 0.85), (tall * 0.16, half * 0.8), (tall * 0.3, 1)]
        scene.turned(scene.accent, x, base - 5, heap, 0.1)
        for at in (0.0, tall * 0.9):
            cap: Profile = [(0, half * 1.25), (6, half * 1.25)]
            scene.turned(mix(scene.deep, scene.accent, 0.2), x, base - at, cap, 0.1)


def _open_book(scene: Scene, rng: Rng, x: float, y: float, width: float) -> None:
    """A book lying open on the desk, seen from the chair, its lines too small to read."""
    page, half = mix(scene.light, scene.accent, 0.12), width / 2
    low = width * rng.uniform(0.2, 0.34)
    scene.shadow(oblong(x - half * 1.2, y - low * 0.4, x + half * 1.2, y + low * 0.75), soft=8, opacity=0.6)
    cover = tapered(x, y - low * 0.5, half * 0.86, x, y + low * 0.5, half * 1.06)
    scene.area(mix(scene.accent, scene.ink, 0.55), cover)
    for side in (-1, 1):
        along = np.linspace(0, 1, 14)
        swell = low * 0.2 * np.sin(np.pi * along**0.6)
        far = np.stack([x + side * half * 0.84 * along, y - low * 0.5 - swell * 0.8], axis=1)
        near = np.stack([x + side * half * along, y + low * 0.46 - swell], axis=1)
        shade = 0.1 if side == scene.side else 0.35
        scene.area(mix(page, scene.mid, shade), np.concatenate([far, near[::-1]]))
        rows = []
        for share in np.linspace(0.14, 0.9, 9):
            line = far * (1 - share) + near * share
            rows.append(line[2 : int(rng.integers(9, 13))])
        scene.stroke(mix(scene.deep, page, 0.3), 1, *rows, opacity=0.7)
        reach, top = side * half, y - low * 0.5
        gutter = [(x, top), (x + reach * 0.2, y - low * 0.6), (x + reach * 0.22, y + low * 0.3)]
        scene.shadow([*gutter, (x, y + low * 0.46)], soft=4, opacity=0.35)


def candle_desk(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A desk late at night: candles, an open book, what stands about."""
    width, height = size
    dark = mix(palette.ink, palette.deep, rng.uniform(0.05, 0.4))
    wall = plaster(rng, size, mix(dark, palette.ink, 0.5), mix(dark, palette.deep, 0.4), palette)
    flame = either_side(rng)
    scene = Scene(wall, palette, flame)
    edge = rng.uniform(0.56, 0.78) * height
    _behind_desk(scene, rng, edge, dark)
    desk = mix(palette.deep, palette.accent, 0.15)
    scene.area(mix(desk, palette.ink, 0.35), oblong(-2, edge, width + 2, height + 2))
    scene.area(desk, oblong(-2, edge + 8, width + 2, edge + (height - edge) * 0.6), soft=22, opacity=0.8)
    scene.stroke(mix(desk, palette.light, 0.25), 1.5, [(-4, edge), (width + 4, edge)])
    x = width * (0.5 + flame * rng.uniform(0.12, 0.34))
    if rng.random() < 0.8:
        pile, wide = width * (0.5 - flame * rng.uniform(0.2, 0.36)), width * rng.uniform(0.32, 0.44)
        top = pile_of_books(scene, rng, pile, edge + 18, wide, int(rng.integers(2, 7)))
        if rng.random() < 0.6:
            _keepsake(scene, rng, pile, top + 2, rng.uniform(50, 80))
    low = edge + (height - edge) * rng.uniform(0.5, 0.7)
    _open_book(scene, rng, width * rng.uniform(0.36, 0.6), low, width * rng.uniform(0.5, 0.72))
    for index in range(int(rng.integers(1, 4))):
        tall, glow = rng.uniform(40, 130), width * (0.75 if index == 0 else 0.3)
        candle(scene, rng, x + flame * 30 * index, edge + 16 + 14 * index, tall, glow)
    return scene.finished(rng)


def _behind_desk(scene: Scene, rng: Rng, edge: float, dark: RGB) -> None:
    """The wall over the desk: night in a window, a row of books, or drawings pinned up."""
    width = scene.image.width
    kind = rng.integers(3)
    if kind == 0:
        x0, tall = rng.uniform(0.08, 0.45) * width, edge * rng.uniform(0.55, 0.8)
        x1, y1 = x0 + width * rng.uniform(0.34, 0.5), edge - rng.uniform(20, 70)
        frame = mix(scene.deep, scene.ink, 0.4)
        scene.area(frame, oblong(x0 - 6, y1 - tall - 6, x1 + 6, y1 + 6))
        scene.area(mix(scene.ink, scene.deep, 0.7), oblong(x0, y1 - tall, x1, y1))
        moon = (rng.uniform(x0 + 20, x1 - 20), y1 - tall * rng.uniform(0.5, 0.85))
        scene.glow(mix(scene.mid, scene.light, 0.4), *moon, 90, 0.5)
        scene.area(scene.light, oval(*moon, 10, 10), soft=1)
        middle = (x0 + x1) / 2
        rails = [[(x0, y1 - tall * third / 3), (x1, y1 - tall * third / 3)] for third in (1, 2)]
        scene.stroke(frame, 4, [(middle, y1 - tall), (middle, y1)], *rails)
    elif kind == 1:
        for outline, colour in _shelf_of_books(
            rng, scene.palette, -10, width + 10, edge, rng.uniform(90, 140)
        ):
            scene.area(mix(colour, scene.ink, 0.45), outline)
    else:
        for _ in range(int(rng.integers(2, 6))):
            x, y = rng.uniform(0.05, 0.95) * width, rng.uniform(0.08, 0.6) * edge
            tint = mix(scene.mid, dark, rng.uniform(0.3, 0.7))
            scene.area(tint, rounded(x, y, 70, 92, 40, rng.normal(0, 0.07)))
            scrawl = curved(moved_by(rng.normal(0, 15, (7, 2)), x, y))
            scene.stroke(mix(dark, scene.ink, 0.3), 1, scrawl, oval(x, y, 14, 22))


def _vault(half: float, spring: float, pointed: float, z: float) -> np.ndarray:
    """An arch across a hall ``half`` wide each way, springing at a height; ``pointed`` 1 is round."""
    at = np.linspace(math.pi, 0, 25)
    lift = np.sin(at) ** (1.0 if pointed == 1 else 0.8) * half * pointed
    across = half * np.sign(np.cos(at)) * np.abs(np.cos(at)) ** (1.0 if pointed == 1 else 1.25)
    return np.stack([across, spring + lift, np.full(25, z)], axis=1)


def arched_library(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A long vaulted library, bay behind bay, with light at its end."""
    width, height = size
    half, spring = rng.uniform(1.6, 3.0), rng.uniform(2.4, 4.6)
    pointed, bays = one_of(rng, (1.0, 1.0, 1.5, 0.6)), int(rng.integers(5, 9))
    centre = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.52, 0.78))
    eye = (rng.uniform(-0.4, 0.4) * half, rng.uniform(1.2, 2.6), -1.0)
    camera = Camera(eye, 0.0, height * rng.uniform(0.42, 0.62), centre)
    light = mix(palette.light, palette.accent, rng.uniform(0.1, 0.35))
    stone, lean = mix(palette.mid, palette.deep, rng.uniform(0.2, 0.8)), either_side(rng)
    edges = [bay * rng.uniform(1.8, 2.6) for bay in range(bays + 1)]
    edges = sorted({0.1, *edges})
    shapes: list[_Shape] = []
    end = _vault(half, spring, pointed, edges[-1])
    foot = np.array([(half, 0, edges[-1]), (-half, 0, edges[-1])])
    shapes.append((np.concatenate([end, foot]), mix(stone, light, 0.35)))
    inner = rng.uniform(0.35, 0.8)
    window = np.concatenate([end, foot + np.array((0, spring * rng.uniform(0, 0.6), 0))])
    shapes.append(((window - (0, spring * 0.5, 0)) * (inner, 0.9, 1) + (0, spring * 0.45, 0), light))
    for far, near in zip(edges[:0:-1], edges[-2::-1], strict=True):
        lit = (stone, light, near / edges[-1], lean)
        _library_bay(rng, shapes, palette, (half, spring, pointed), (near, far), lit)
    seen = camera.see(np.concatenate([outline for outline, _ in shapes]))
    parts = np.split(seen, np.cumsum([len(outline) for outline, _ in shapes])[:-1])
    pen = Pen.over(Image.new("RGB", size, mix(stone, palette.ink, 0.8)))
    for outline, (_, colour) in zip(parts, shapes, strict=True):
        pen.shape(outline, colour)
    scene = Scene(pen.drawn(), palette, lean)
    scene.glow(light, *camera.spot(0, spring * 0.7, edges[-1]), height * rng.uniform(0.35, 0.6), 0.8)
    runner = [(-half * 0.5, 0, 30), (half * 0.5, 0, 30), (half * 0.6, 0, 1), (-half * 0.3, 0, 1)]
    scene.area(light, camera.see(runner), soft=12, opacity=0.25)
    for z in edges[1:-1]:
        if pointed != 1.5 and rng.random() < 0.75:
            _hanging_lamp(scene, camera, spring + half * pointed, spring * 0.82, z, light)
    if rng.random() < 0.6:
        x, y = camera.spot(rng.uniform(-0.5, 0.5), 0, edges[-2])
        _reader(scene, x, y, camera.scale(0, edges[-2]) * 1.7, mix(palette.ink, stone, 0.15))
    return scene.finished(rng)


def _hanging_lamp(scene: Scene, camera: Camera, ceiling: float, low: float, z: float, light: RGB) -> None:
    x, y = camera.spot(0, low, z)
    metre = camera.scale(0, z)
    scene.stroke(mix(scene.deep, scene.ink, 0.7), 1, [camera.spot(0, ceiling, z), (x, y)])
    scene.glow(mix(scene.accent, scene.light, 0.4), x, y, metre * 0.9, 0.6)
    scene.area(mix(light, scene.light, 0.7), oval(x, y, metre * 0.1, metre * 0.1), soft=1)


def _reader(scene: Scene, x: float, y: float, tall: float, dark: RGB) -> None:
    """Someone small, standing far down the hall."""
    body = traced("-16,0 -17,-50 -10,-80 10,-80 17,-50 16,0")
    scene.area(dark, placed(body, x, y, tall), oval(x, y - tall * 0.9, tall * 0.075, tall * 0.09))


def _library_bay(
    rng: Rng, shapes: list[_Shape], palette: Palette, hall: Place, depth: Point, light: _Light
) -> None:
    """One bay of the library: floor, books on both sides, vault and rib; ``light`` dims it nearer."""
    (half, spring, pointed), (near, far), (stone, bright, away, lean) = hall, depth, light
    haze = 0.55 * away**1.4

    def tint(colour: RGB, shade: float) -> RGB:
        return mix(mix(colour, palette.ink, shade), bright, haze)

    floor = [(-half, 0, far), (half, 0, far), (half, 0, near), (-half, 0, near)]
    shapes.append((np.array(floor), tint(mix(stone, palette.deep, 0.6), 0.35)))
    bands = _vault(half, spring, pointed, far), _vault(half, spring, pointed, near)
    for index in range(24):
        quad = np.array([bands[0][index], bands[0][index + 1], bands[1][index + 1], bands[1][index]])
        shapes.append((quad, tint(stone, 0.25 + 0.35 * abs(index - 12 + 5 * lean) / 17)))
    bindings = (palette.deep, palette.accent, palette.mid, palette.ink) * 2
    spines = [tint(varied(rng, colour, 10), 0.2) for colour in bindings]
    rows, count = 6, max(5, round(20 - 17 * away))
    for side in (-1, 1):
        x, dim = side * half, 0.15 if side == lean else 0.0
        wall = [(x, 0, near), (x, 0, far), (x, spring, far), (x, spring, near)]
        shapes.append((np.array(wall), tint(mix(palette.deep, palette.ink, 0.5), 0.4)))
        books = [mix(colour, palette.ink, dim) for colour in spines]
        picks, highs = rng.integers(0, 8, (rows, count)), rng.uniform(0.65, 1, (rows, count))
        steps = np.linspace(near + 0.25, far - 0.05, count + 1).tolist()
        for row in range(rows):
            base, top = spring * (row + 0.1) / rows, spring * (row + 0.9) / rows
            for index, (z0, z1) in enumerate(pairwise(steps)):
                high = base + (top - base) * highs[row, index]
                quad = np.array([(x, base, z0), (x, base, z1), (x, high, z1), (x, high, z0)])
                shapes.append((quad, books[int(picks[row, index])]))
        post = [(x, 0, near), (x - side * 0.28, 0, near), (x - side * 0.28, spring, near), (x, spring, near)]
        shapes.append((np.array(post), tint(stone, 0.3 + dim)))
    thick = _vault(half - 0.28, spring, pointed, near)
    shapes.append((np.concatenate([bands[1], thick[::-1]]), tint(stone, 0.2)))
