"""Rooms that nobody is in: bare walls and the light on them, one chair left standing.

Belongs here: emptiness indoors, and the chair that stands out in the snow.
"""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from demo_generator.pictures.canvas import (
    RGB,
    Palette,
    Rng,
    Size,
    either_side,
    gradient,
    mix,
    one_of,
)
from demo_generator.pictures.perspective import Camera, Place
from demo_generator.pictures.scene import Scene
from demo_generator.pictures.shapes import (
    blunted,
    curved,
    moved_by,
    oblong,
    oval,
    placed,
    rolling,
    rounded,
    traced,
)
from demo_generator.pictures.surfaces import mottle, plaster
from demo_generator.pictures.things import vase
from demo_generator.pictures.windows import fall_of_light, hanging_curtain, view_outside


def _patch_on_floor(
    opening: np.ndarray, sun: Place, half: float, depth: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where light through an opening falls: on the floor, and on the side wall it may climb."""
    fall = opening[:, 1:2] / -sun[1]
    floor = opening + fall * np.array(sun)
    reach = np.where(sun[0] > 0, half, -half)
    climb = opening + np.abs((reach - opening[:, 0:1]) / sun[0]) * np.array(sun)
    floor[:, 0] = np.clip(floor[:, 0], -half, half)
    floor[:, 2] = np.clip(floor[:, 2], 0.1, depth)
    climb[:, 1] = np.maximum(climb[:, 1], 0)
    climb[:, 2] = np.clip(climb[:, 2], 0.1, depth)
    return floor, climb


def empty_room(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A bare room with hardly anything in it but the light from an opening."""
    width, height = size
    half, tall, depth = rng.uniform(1.4, 3.2), rng.uniform(2.4, 4.6), rng.uniform(3.5, 7)
    centre = (width * rng.uniform(0.32, 0.68), height * rng.uniform(0.48, 0.66))
    eye = (rng.uniform(-0.5, 0.5) * half, rng.uniform(1.1, 1.8), rng.uniform(-2.2, -0.6))
    camera = Camera(eye, rng.normal(0, 0.12), width * rng.uniform(0.75, 1.1), centre)
    side, room = either_side(rng), (half, tall, depth)
    wall = mix(palette.light, palette.mid, rng.uniform(0.3, 1.0))
    scene = Scene(plaster(rng, size, wall, mix(wall, palette.deep, 0.3), palette), palette, side)
    _bare_walls(scene, camera, room, wall)
    mottle(scene.image, rng, palette.ink, 60, 0.07)
    if rng.random() < 0.25:
        _rooms_beyond(scene, rng, camera, room, wall)
        return scene.finished(rng)
    _light_through(scene, rng, camera, room, wall)
    roll = rng.random()
    if roll < 0.35:
        foot = camera.spot(-side * half * 0.6, 0, depth - 0.6)
        vase(scene, rng, *foot, camera.scale(0, depth) * rng.uniform(0.5, 1), 2)
    elif roll < 0.6:  # a bench or a block
        x, z, long = rng.uniform(-0.5, 0.3) * half, depth * 0.7, rng.uniform(0.5, 1.2)
        scene.shadow(camera.level(x - side * 0.3, x + long - side * 0.3, 0, z, z + 0.4), soft=5)
        scene.area(mix(wall, palette.ink, 0.45), camera.across(x, x + long, 0, 0.42, z))
        scene.area(mix(wall, palette.light, 0.4), camera.level(x, x + long, 0.42, z, z + 0.4))
    return scene.finished(rng)


def _bare_walls(scene: Scene, camera: Camera, room: Place, wall: RGB) -> None:
    """Floor, ceiling and side walls, dusky where they meet the far one."""
    half, tall, depth = room
    near = -0.4
    scene.area(mix(wall, scene.deep, 0.55), camera.level(-half, half, 0, near, depth))
    scene.area(mix(wall, scene.deep, 0.22), camera.level(-half, half, tall, near, depth))
    for end, tone in ((-scene.side, 0.18), (scene.side, 0.6)):
        scene.area(mix(wall, scene.deep, tone), camera.aside(end * half, 0, tall, near, depth))
        scene.shadow(camera.aside(end * half, 0, tall, depth - 0.8, depth), soft=12, opacity=0.16)
    for y in (0.0, tall):
        scene.stroke(scene.ink, 9, camera.see([(-half, y, depth), (half, y, depth)]), soft=7, opacity=0.22)


def _rooms_beyond(scene: Scene, rng: Rng, camera: Camera, room: Place, wall: RGB) -> None:
    """Doorways one behind another, lighter as they go."""
    half, tall, depth = room
    light = mix(scene.light, scene.accent, rng.uniform(0, 0.12))
    x, wide, high = rng.uniform(-0.4, 0.4) * half, rng.uniform(0.45, 0.8), tall * rng.uniform(0.6, 0.85)
    for index in range(int(rng.integers(2, 5))):
        z, reach = depth + 1.7 * index, wide * (1 - 0.06 * index)
        dim = mix(wall, scene.deep, 0.55)
        scene.area(mix(dim, light, 0.3 * index), camera.across(x - reach, x + reach, 0, high, z))
        cheek = camera.aside(x - scene.side * wide, 0, high, z, z + 0.4)
        scene.area(mix(wall, scene.ink, 0.35 - 0.07 * index), cheek)
        scene.area(mix(dim, light, 0.25 * index + 0.1), camera.level(x - wide, x + wide, 0, z, z + 1.6))
        x += rng.normal(0, 0.15)
    scene.glow(light, *camera.spot(x, high * 0.5, depth + 5), scene.image.width * 0.4, 0.6)
    path = [(x - wide, 0, depth), (x + wide, 0, depth), (x + wide * 1.8, 0, 0.6), (x - wide * 0.8, 0, 0.6)]
    scene.area(light, camera.see(path), soft=9, opacity=0.4)


def _light_through(scene: Scene, rng: Rng, camera: Camera, room: Place, wall: RGB) -> None:
    """Windows, slits or doors in one wall, and the light they let fall on the floor."""
    half, tall, depth = room
    light = mix(scene.light, scene.accent, rng.uniform(0, 0.12))
    count, span = int(rng.integers(1, 4)), one_of(rng, (rng.uniform(0.25, 0.9), rng.uniform(0.5, 1.6)))
    door, back = bool(rng.random() < 0.3), bool(rng.random() < 0.3)
    low = 0.0 if door else tall * rng.uniform(0.25, 0.45)
    high = tall * rng.uniform(0.65, 0.92)
    sun = (-scene.side * rng.uniform(0.5, 1.2), -rng.uniform(0.5, 1.1), rng.normal(0, 0.3))
    if back:
        sun = (scene.side * rng.uniform(0.1, 0.5), -rng.uniform(0.4, 0.8), -1.0)
    for index in range(count):
        at = (index - (count - 1) / 2) * span * 1.7 + (rng.normal(0, 0.1) if back else depth * 0.55)
        (start, end), x = (at - span / 2, at + span / 2), scene.side * half
        corners = ((start, low), (start, high), (end, high), (end, low))
        opening = np.array([(edge, y, depth) if back else (x, y, edge) for edge, y in corners])
        floor, climb = _patch_on_floor(opening, sun, half, depth)
        seen, shapes = camera.see(opening), [camera.see(floor)]
        if not back and high / -sun[1] * abs(sun[0]) > 2 * half:
            shapes.append(camera.see(climb))
        scene.area(mix(wall, scene.ink, 0.3), moved_by(seen, scene.side * -4, 3))
        scene.area(mix(light, scene.light, 0.8), seen)
        scene.area(light, seen, soft=16, opacity=0.5)
        for shape in shapes:
            scene.area(light, shape, soft=12, opacity=0.3)
            scene.area(light, shape, soft=1.5, opacity=0.72)
            scene.area(light, np.concatenate([seen[[1, 2]], shape[[2, 1]]]), soft=14, opacity=0.12)


def _chair_parts(rng: Rng) -> tuple[list[list[Place]], float]:
    """The rails, posts and spindles of one chair about the origin, back to the far side, and its seat."""
    seat, back, deep = 0.45, rng.uniform(0.85, 1.15), 0.21
    lean, splay = rng.uniform(0.02, 0.12), rng.uniform(0, 0.05)
    parts = []
    for x in (-0.21, 0.21):
        parts.append([(x * 1.05, 0.0, deep + splay), (x, seat, deep), (x, back, deep + lean)])
        parts.append([(x * (1 + splay), 0.0, -deep - splay), (x, seat, -deep)])
        parts.append([(x, 0.2, deep), (x, 0.2, -deep)])
    kind = rng.integers(3)
    if kind == 0:  # ladder back
        for share in np.linspace(0.45, 1, int(rng.integers(2, 5))):
            y, z = seat + (back - seat) * share, deep + lean * share
            parts.append([(-0.21, y, z), (0.0, y + 0.02, z + 0.03), (0.21, y, z)])
    else:  # spindles, or a hoop of them
        hoop = 0.08 if kind == 2 else 0
        top = [(x, back + hoop * math.cos(x * 7), deep + lean) for x in (-0.21, -0.1, 0.0, 0.1, 0.21)]
        parts.append(top)
        spindles = np.linspace(-0.15, 0.15, int(rng.integers(3, 6))).tolist()
        parts += [[(x, seat, deep), (x, back, deep + lean)] for x in spindles]
    parts.append([(-0.21, 0.26, -deep), (0.21, 0.26, -deep)])
    return parts, seat


def _chair(scene: Scene, rng: Rng, camera: Camera, x: float, z: float, wood: RGB) -> None:
    """A chair standing at (x, z), turned any way, with the shadow that low light gives it."""
    parts, seat = _chair_parts(rng)
    turn, sun = rng.uniform(-2.6, 2.6), (-scene.side * rng.uniform(0.6, 1.3), rng.normal(0, 0.35))
    cosine, sine = math.cos(turn), math.sin(turn)

    def stood(points: Sequence[Place]) -> np.ndarray:
        at = np.array(points)
        away = z - at[:, 0] * sine + at[:, 2] * cosine
        return np.stack([x + at[:, 0] * cosine + at[:, 2] * sine, at[:, 1], away], axis=1)

    def fallen(points: np.ndarray) -> np.ndarray:
        across, up, away = points.T
        return camera.see(np.stack([across + up * sun[0], 0 * up, away + up * sun[1]], axis=1))

    thick = camera.scale(x, z) * 0.032
    lines = [stood(part) for part in parts]
    top = stood([(-0.23, seat, -0.23), (0.23, seat, -0.23), (0.22, seat, 0.23), (-0.22, seat, 0.23)])
    flat = [fallen(shape) for shape in (*lines, top)]
    scene.stroke(mix(scene.ink, wood, 0.2), thick, *flat[:-1], soft=2.2, opacity=0.42)
    scene.shadow(flat[-1], soft=2.5, opacity=0.4)
    lines.sort(key=lambda shape: -float(shape[:, 2].mean()))
    middle = float(top[:, 2].mean())
    for behind in (True, False):
        for line in lines:
            if (line[:, 2].mean() > middle) == behind:
                seen = camera.see(line)
                scene.stroke(mix(wood, scene.ink, 0.45), thick, seen)
                gleam = moved_by(seen, scene.side * thick * 0.22, 0)
                scene.stroke(mix(wood, scene.light, 0.25), thick * 0.35, gleam, opacity=0.7)
        if behind:
            under = camera.see(top - (0, 0.035, 0))
            scene.area(mix(wood, scene.ink, 0.5), under, moved_by(camera.see(top), 0, thick * 0.5))
            scene.area(mix(wood, scene.light, 0.2), camera.see(top))


def empty_chair(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """One chair that nobody sits on: in a room, before a window, or out in the snow."""
    width, height = size
    horizon, foot = height * rng.uniform(0.3, 0.46), height * rng.uniform(0.78, 0.92)
    metre = min(width, height * 0.8) * rng.uniform(0.36, 0.66)
    z = rng.uniform(2.2, 3.6)
    camera = Camera((0.0, (foot - horizon) / metre, 0.0), 0.0, metre * z, (width / 2, horizon))
    x = rng.uniform(-0.26, 0.26) * width / metre
    wood = one_of(rng, (palette.ink, palette.deep, mix(palette.deep, palette.accent, 0.4)))
    snow = rng.random() < 0.25
    scene = _snowfield(rng, size, palette, horizon) if snow else _chair_room(rng, size, palette, camera, x, z)
    _chair(scene, rng, camera, x, z, wood)
    if snow:
        flecks = (rng.random((35, 3)) * (width, height, 1.4)).tolist()
        flakes = [oval(fx, fy, 0.8 + radius, 0.8 + radius) for fx, fy, radius in flecks]
        scene.area(palette.light, *flakes, opacity=0.85)
    return scene.finished(rng)


def _snowfield(rng: Rng, size: Size, palette: Palette, horizon: float) -> Scene:
    low, high = mix(palette.mid, palette.light, 0.6), mix(palette.mid, palette.deep, 0.35)
    scene = Scene(gradient(size, [(0, high), (0.5, low), (1, palette.light)]), palette, either_side(rng))
    for index in range(3):
        wood = rolling(rng, size, horizon * (0.74 + 0.1 * index), 6, 30)
        scene.area(mix(palette.mid, palette.deep, 0.2 + 0.25 * index), wood, soft=5 - index, opacity=0.5)
    scene.area(mix(palette.light, palette.mid, 0.12), rolling(rng, size, horizon, 3, 9), soft=2)
    mottle(scene.image, rng, palette.mid, 50, 0.3)
    return scene


def _chair_room(rng: Rng, size: Size, palette: Palette, camera: Camera, x: float, z: float) -> Scene:
    """A room with a boarded floor; a window, light, a coat or a lost picture on its wall."""
    width, height = size
    back, kind = z + rng.uniform(0.5, 1.2), int(rng.integers(4))
    line = float(camera.see([(0, 0, back)])[0, 1])
    wall = mix(palette.mid, one_of(rng, (palette.light, palette.deep)), rng.uniform(0.1, 0.7))
    image = plaster(rng, size, mix(wall, palette.light, 0.2), mix(wall, palette.deep, 0.25), palette)
    scene = Scene(image, palette, either_side(rng))
    floor = mix(wall, palette.deep, rng.uniform(0.4, 0.8))
    scene.area(floor, oblong(-4, line, width + 4, height + 4))
    gaps = np.arange(-3, 3, rng.uniform(0.16, 0.4)).tolist()
    seams = (camera.see([(gap, 0, back), (gap, 0, 0.9)]) for gap in gaps)
    scene.stroke(mix(floor, palette.ink, 0.5), 1, *seams, opacity=0.5)
    scene.area(mix(wall, palette.light, 0.35), oblong(-4, line - 12, width + 4, line))
    scene.stroke(palette.ink, 6, [(-9, line), (width + 9, line)], soft=5, opacity=0.3)
    at = width * rng.uniform(0.25, 0.75)
    if kind == 0:
        left = width * rng.uniform(0.1, 0.4)
        top, sill = line * rng.uniform(0.02, 0.2), line * rng.uniform(0.66, 0.8)
        view_outside(scene, rng, left, top, left + width * rng.uniform(0.4, 0.55), sill)
        if rng.random() < 0.6:
            hanging_curtain(scene, rng, int(left - 26), int(left + 16), 0, int(line))
        shine = [(x - 0.5, 0, back - 0.1), (x + 0.7, 0, back - 0.1), (x + 1.1, 0, 1.2), (x - 0.9, 0, 1.2)]
        scene.area(palette.light, camera.see(shine), soft=12, opacity=0.4)
    elif kind == 1:
        fall_of_light(scene, rng, wall, 0.6)
    elif kind == 2:  # where a picture hung, the wall is paler
        patch = rounded(at, line * 0.36, 90, 116, 60, 0)
        scene.area(mix(wall, palette.light, 0.4), patch, soft=1.5, opacity=0.7)
        scene.stroke(palette.ink, 2, [(at, line * 0.36 - 66), (at, line * 0.36 - 62)])
    else:
        _coat(scene, at, line * 0.14, line * 0.6)
    return scene


def _coat(scene: Scene, x: float, y: float, tall: float) -> None:
    """A coat left hanging on a hook."""
    right = traced("4,0 11,5 23,9 29,36 32,64 23,65 20,36 21,100")
    cut = np.concatenate([right, right[::-1] * (-1, 1)])
    shape = placed(curved(blunted(cut)), x, y, tall)
    scene.shadow(shape, fall=(9, 7), soft=7)
    scene.area(mix(scene.deep, scene.accent, 0.3), shape)
    top, hem = y + tall * 0.1, y + tall * 0.96
    creases = [[(x + at * tall * 0.5, top), (x + at * tall * 1.3, hem)] for at in (-0.1, 0.03, 0.14)]
    scene.stroke(scene.ink, 4, *creases, soft=3, opacity=0.4)
