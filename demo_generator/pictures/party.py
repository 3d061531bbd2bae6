"""Glad excess: confetti and streamers, bunting, chequered floors, printed cloths that clash.

Belongs here: what is hung or thrown at a feast, and loud patterns that fill the picture.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    WHITE,
    Palette,
    Rng,
    Size,
    fraction,
    gradient,
    grid,
    mix,
    one_of,
    smooth_noise,
    turned_axes,
)
from demo_generator.pictures.light import blended, blurred, grain, relit, two_toned, vignette
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.surfaces import PRINTS, folds_light, printed_pattern


def _scrap_shapes() -> np.ndarray:
    """The outlines of paper bits, 8 points each: oblongs, a disc, a curl."""
    slip = [(-1, -0.5), (0, -0.5), (1, -0.5), (1, 0), (1, 0.5), (0, 0.5), (-1, 0.5), (-1, 0)]
    along = np.arange(8) * math.pi / 4
    disc = np.stack([np.cos(along), np.sin(along)], axis=1) * 0.7
    curl = [(-1.2, 0), (-0.4, 0.5), (0.4, -0.4), (1.2, 0.1), (1.2, 0.5), (0.4, 0), (-0.4, 0.9), (-1.2, 0.4)]
    return np.array([slip, slip, disc, curl])


def _scraps(rng: Rng, spots: np.ndarray, radius: float) -> np.ndarray:
    """Bits of paper at ``spots``, each turned its own way: outlines of shape (n, 8, 2)."""
    count = len(spots)
    shapes = _scrap_shapes()[rng.integers(0, 4, count)]
    shapes[:, :, 1] *= rng.uniform(0.25, 1.0, (count, 1))
    angle = rng.uniform(0, 2 * math.pi, count)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    return np.asarray(spots[:, None] + shapes @ turn * (radius * rng.uniform(0.7, 1.4, (count, 1, 1))))


def _streamer(rng: Rng, size: Size) -> np.ndarray:
    """The line of a paper streamer: a coil drawn out along a falling arc."""
    along = np.linspace(0, 1, 140)
    x0, x1 = rng.uniform(-0.1, 1.1, 2) * size[0]
    y0, y1 = rng.uniform(-0.3, 0.2) * size[1], rng.uniform(0.5, 1.2) * size[1]
    radius, turns = rng.uniform(8, 20), rng.uniform(5, 12)
    x = x0 + (x1 - x0) * along + np.cos(along * turns * 2 * np.pi) * radius
    y = y0 + (y1 - y0) * along**1.4 + np.sin(along * turns * 2 * np.pi) * radius * 0.8
    return np.stack([x, y], axis=1)


def _scatter(rng: Rng, size: Size, kind: str, count: int) -> np.ndarray:
    """Where paper is: thrown up in a fan, lying thickest below, or falling anywhere."""
    width, height = size
    if kind == "burst":
        angle = rng.normal(-math.pi / 2, 0.7, count)
        source = np.array([rng.uniform(0.3, 0.7) * width, rng.uniform(0.75, 1.05) * height])
        flung = (rng.random(count) ** 0.6 * height)[:, None]
        return np.asarray(source + np.stack([np.cos(angle), np.sin(angle)], 1) * flung)
    power = {"floor": 0.8, "streamers": 1.0}.get(kind, rng.uniform(0.6, 1.6))
    return np.asarray(rng.random((count, 2)) ** np.array([1, power]) * np.array(size))


def confetti(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Paper in the air or on the floor: near bits soft and large, streamers, a light behind."""
    width, height = size
    colours = [palette.accent, palette.accent, palette.light, palette.mid]
    colours += [mix(palette.accent, palette.light, 0.5), mix(palette.mid, palette.accent, 0.5), palette.deep]
    dark = mix(palette.ink, palette.deep, 0.5)
    ground = one_of(rng, (palette.light, palette.ink, palette.deep, palette.mid, dark))
    colours = [colour for colour in colours if colour != ground]
    kind = one_of(rng, ("fall", "burst", "floor", "streamers"))
    ends = mix(ground, palette.accent, rng.uniform(0, 0.4)), mix(ground, palette.deep, rng.uniform(0, 0.4))
    base = gradient(size, [(0, ends[0]), (1, ends[1])])
    x, y = grid(size)
    lx, ly = rng.uniform(0.1, 0.9) * width, rng.uniform(-0.1, 0.5) * height
    base = relit(base, 0.8 + 0.5 * np.exp(-3 / width**2 * ((x - lx) ** 2 + (y - ly) ** 2)))
    dense = rng.uniform(0.6, 1.5)
    layers = []
    for count, radius, far in ((170, 4, 0.4), (95, 7, 0)):
        spots = _scatter(rng, size, kind, int(count * dense))
        layers.append((_scraps(rng, spots, radius), far))
    hung = {"streamers": int(rng.integers(3, 6)), "fall": 1}.get(kind, 0)
    ribbons = [_streamer(rng, size) for _ in range(hung)]
    shade = mix(ground, BLACK, 0.4)
    pen = Pen.over(base)
    for shapes, far in layers:
        for shape in shapes:
            if kind == "floor":
                pen.shape(shape + 2, shade)
            pen.shape(shape, mix(one_of(rng, colours), ground, far))
    for line in ribbons:
        tone = one_of(rng, colours)
        for shift, colour, wide in ((2.0, shade, 4), (0.0, mix(tone, BLACK, 0.25), 4), (-0.8, tone, 2)):
            pen.line(line + shift, colour, wide)
    base = pen.drawn()
    if kind != "floor":
        # What flies nearest the eye is out of focus, and may as well be drawn small.
        near = Image.new("RGBA", (width // 4, height // 4))
        small = ImageDraw.Draw(near)
        spots = _scatter(rng, size, "fall", int(rng.integers(4, 12))) / 4
        for shape in _scraps(rng, spots, rng.uniform(4, 6)):
            small.polygon(shape.ravel().tolist(), (*one_of(rng, colours), 235))
        near = near.filter(ImageFilter.GaussianBlur(1)).resize(size, Image.Resampling.BICUBIC)
        base.paste(near, (0, 0), near)
    return vignette(grain(base, rng, 5), 0.3)


def _party_ground(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Where bunting hangs: a sky with clouds, a dusk over roofs, a garden, a painted wall."""
    width, height = size
    kind = one_of(rng, ("sky", "roofs", "roofs", "garden", "wall"))
    if kind == "wall":
        tone = one_of(rng, (palette.mid, palette.deep, mix(palette.light, palette.mid, 0.3), palette.accent))
        columns, rows = grid(size)
        bricks = np.abs(((columns / 34 + np.floor(rows / 15) % 2 * 0.5) % 1) - 0.5) > 0.47
        joints = (bricks | (rows % 15 < 1.5)) * (0.1 if rng.random() < 0.6 else 0.0)
        light = folds_light(rng, size, 0.06) + 0.07 * smooth_noise(rng, size, 5) - joints
        return relit(Image.new("RGB", size, tone), light)
    stops = [palette.mid, mix(palette.mid, palette.light, 0.5), palette.light]
    if rng.random() < 0.45:
        stops = [palette.ink, palette.deep, mix(palette.accent, palette.mid, 0.5)]
    base = gradient(size, list(zip((0.0, 0.5, 1.0), stops, strict=True)))
    puffs = smooth_noise(rng, size, 90) * 0.55 + smooth_noise(rng, size, 36) * 0.3
    puffs += smooth_noise(rng, size, 12) * 0.15
    cloud = np.clip((puffs - 0.45) * 2.4, 0, 0.5) * rng.uniform(0.2, 1)
    base = blended(base, mix(stops[2], palette.light, 0.7), cloud)
    if kind == "sky":
        return base
    foot = height * rng.uniform(0.68, 0.85)
    pen = Pen.over(base)
    for row in range(3):
        tone = mix(mix(stops[1], palette.deep, 0.5), palette.ink, 0.15 + 0.3 * row)
        x, y = -20.0, foot + row * height * 0.06
        while x < width:
            w, h = rng.uniform(0.1, 0.24) * width, rng.uniform(0.02, 0.12) * height
            if kind == "roofs":
                eaves = y - h * 0.5
                roof = [(x, height), (x, eaves), (x + w / 2, eaves - w * 0.3), (x + w, eaves)]
                pen.shape([*roof, (x + w, height)], tone)
                if rng.random() < 0.6:
                    pane = (x + w * 0.4, y + 2, x + w * 0.6, y + 13)
                    pen.box(pane, mix(palette.accent, palette.light, 0.5))
            else:
                pen.ellipse((x - w * 0.5, y - h * 0.7, x + w * 1.5, height * 1.4), tone)
            x += w
    return pen.drawn()


def _flag(rng: Rng, kind: str, top: np.ndarray, wide: float, lean: float) -> np.ndarray:
    """One flag's outline hanging from the cord between two points of ``top``."""
    left, right = top
    down = np.array([lean, 1.0]) * wide * rng.uniform(1.2, 1.4)
    if kind == "square":
        return np.array([left, right, right + down, left + down])
    if kind == "swallow":
        return np.array([left, right, right + down, (left + right) / 2 + down * 0.7, left + down])
    if kind == "scallop":
        along = np.linspace(0, np.pi, 12)
        curve = np.stack([np.cos(along) * wide / 2, np.sin(along) * wide * 0.5], axis=1)
        round_end = (left + right) / 2 + down * 0.6 + curve
        return np.concatenate([[left, right], round_end])
    return np.array([left, right, (left + right) / 2 + down])


@dataclass(frozen=True)
class _String:
    """One hung string: its cord, what hangs from it, how wide, how blown by the wind, how far off."""

    cord: np.ndarray
    kind: str
    wide: float
    lean: float
    far: float


def _strings(rng: Rng, size: Size) -> list[_String]:
    """Strings across the picture, the far ones first: from side to side, or all from one knot."""
    width, height = size
    count = int(rng.integers(3, 6))
    fan = rng.random() < 0.35
    across = one_of(rng, (-0.05, 1.05, rng.uniform(0.3, 0.7))) * width
    knot = np.array([across, height * rng.uniform(-0.05, 0.12)])
    found: list[_String] = []
    along = np.linspace(0, 1, 90)[:, None]
    for index in range(count):
        near = (index + 0.5) / count
        heights = height * (0.01 + 0.62 * (index + rng.random(2)) / count)
        start, end = np.array([-10.0, heights[0]]), np.array([width + 10.0, heights[1]])
        if fan:
            over = width * 1.08 if (index % 2 == 0) == (knot[0] < width * 0.7) else -width * 0.08
            start, end = knot, np.array([over, height * (0.12 + 0.5 * near)])
        sag = height * rng.uniform(0.03, 0.13)
        cord = start + (end - start) * along + np.array([0, sag]) * 4 * along * (1 - along)
        kind = one_of(rng, ("triangle", "triangle", "square", "swallow", "scallop", "lamps"))
        wide = width * rng.uniform(0.07, 0.1) * (0.6 + 0.7 * near)
        found.append(_String(cord, kind, wide, rng.uniform(-0.25, 0.25), 0.3 * (1 - near)))
    return found


def bunting(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Strings of flags, lamps or paper across a sky, a street or a wall, moving a little."""
    base = _party_ground(rng, size, palette)
    air = base.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(air, tuple)
    haze: RGB = (int(air[0]), int(air[1]), int(air[2]))
    pale = mix(palette.accent, palette.light, 0.5)
    tones = [palette.accent, palette.light, pale, palette.deep, palette.mid, palette.ink]
    chosen = [tones[index] for index in rng.permutation(len(tones))[: rng.integers(2, 5)]] + [palette.accent]
    strings = _strings(rng, size)
    lamps: list[np.ndarray] = []
    pen = Pen.over(base)
    for string in strings:
        cord, wide = string.cord, string.wide
        long = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(cord, axis=0).T))])
        pitch = wide * (1.7 if string.kind == "lamps" else 1.16)
        for index, place in enumerate(np.arange(wide * 0.3, long[-1] - wide, pitch).tolist()):
            ends = (place, place + wide)
            top = np.stack([np.interp(ends, long, cord[:, axis]) for axis in (0, 1)], axis=1)
            tone = mix(chosen[index % len(chosen)], haze, string.far)
            if string.kind == "lamps":
                at = top.mean(axis=0) + np.array([0, wide * 0.3])
                lamps.append(at)
                pen.disc(float(at[0]), float(at[1]), wide * 0.22, mix(palette.light, palette.accent, 0.2))
                continue
            flag = _flag(rng, string.kind, top, wide, string.lean + rng.normal(0, 0.1))
            pen.shape(flag, tone)
            fold = flag[0] + (flag[1] - flag[0]) * rng.uniform(0.25, 0.5)
            half = np.stack([flag[0], fold, flag[2:].mean(axis=0), flag[-1]])
            pen.shape(half, mix(tone, palette.ink, 0.16))
            pen.line(flag[:2], mix(tone, palette.light, 0.6), 2)
        pen.line(cord, mix(palette.light, haze, 0.4), 1.3)
    base = pen.drawn()
    if lamps:
        pen = Pen(Image.new("L", size), 1)
        for at in lamps:
            pen.disc(float(at[0]), float(at[1]), 13, 190)
        shine = np.asarray(blurred(pen.sheet, 14), np.float32) / 255
        base = blended(base, mix(palette.light, palette.accent, 0.35), shine)
    return vignette(grain(base, rng, 5), 0.25)


def _curtain(rng: Rng, size: Size, colour: RGB) -> Image.Image:
    """A heavy curtain's folds."""
    x, y = grid(size)
    wave = x / size[0] * rng.uniform(18, 48) + smooth_noise(rng, size, 130) * 1.2 + rng.uniform(0, 6)
    return relit(Image.new("RGB", size, colour), 0.55 + 0.5 * np.abs(np.sin(wave + 0 * y)))


def _tiles(across: np.ndarray, down: np.ndarray, sharp: np.ndarray | float) -> np.ndarray:
    """A chessboard over the plane (u, v), 0 or 1, a tile being ``sharp`` pixels wide."""
    du = (np.abs(fraction(across / 2) * 2 - 1) - 0.5) * sharp
    dv = (np.abs(fraction(down / 2) * 2 - 1) - 0.5) * sharp
    return np.asarray(0.5 + 2 * np.clip(du, -0.5, 0.5) * np.clip(dv, -0.5, 0.5), np.float32)


def checker_floor(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A chequered floor: running to a curtain or a wall with an arch, warped, or straight from above."""
    width, height = size
    x, y = grid(size)
    pairs = [(palette.light, palette.ink), (palette.light, palette.accent), (palette.accent, palette.ink)]
    pairs += [(palette.light, palette.deep), (palette.mid, palette.ink)]
    one, two = one_of(rng, pairs)
    angle = one_of(rng, (0.0, math.pi / 4, rng.uniform(-0.5, 0.5)))
    kind = one_of(rng, ("room", "room", "room", "warped", "above"))
    if kind == "room":
        return _checker_room(rng, size, palette, (one, two), angle)
    tile = width / rng.uniform(3.5, 8)
    px, py = x + 0 * y - width / 2, y + 0 * x - height / 2
    if kind == "warped":
        cx, cy = rng.uniform(-0.25, 0.25, 2) * (width, height)
        distance = np.hypot(px - cx, py - cy) / width
        swell = 1 + rng.uniform(-0.55, 1.6) * np.exp(-distance * distance * rng.uniform(4, 12))
        px, py = cx + (px - cx) / swell, cy + (py - cy) / swell
        px = px + np.sin(py / height * rng.uniform(3, 9) + rng.uniform(0, 6)) * width * rng.uniform(0.02, 0.1)
    across, down = (along / tile for along in turned_axes(px, py, angle))
    floor = two_toned(_tiles(across, down, tile), one, two)
    light = folds_light(rng, size, 0.16) * (0.9 + 0.2 * smooth_noise(rng, size, 60))
    if kind == "above":
        lean, busy = rng.uniform(-1, 1), rng.uniform(4, 8)
        panes = np.sin((x + lean * y) / width * busy + rng.uniform(0, 6))
        panes = panes * np.sin((y - lean * x * 0.3) / width * busy)
        light = light * (0.7 + 0.45 * np.clip(panes * 6 + 0.3, 0, 1))
    return vignette(grain(relit(floor, light), rng, 5), 0.35)


def _back_wall(rng: Rng, size: Size, palette: Palette, start: float) -> Image.Image:
    """What closes a room above ``start``: a curtain, a wall with an arch, or a dusk with its moon."""
    width, height = size
    x, y = grid(size)
    tone = one_of(rng, (palette.deep, palette.accent, palette.mid, palette.deep))
    back = one_of(rng, ("curtain", "curtain", "arch", "dusk"))
    if back == "curtain":
        return _curtain(rng, size, tone)
    glow = mix(palette.accent, palette.light, 0.45)
    if back == "dusk":
        sky = gradient(size, [(0, palette.deep), (start / height, glow), (1, palette.light)])
        moon = np.hypot(x - width * rng.uniform(0.2, 0.8), y - start * rng.uniform(0.3, 0.9))
        return blended(sky, palette.light, width * rng.uniform(0.08, 0.2) - moon)
    wall = gradient(size, [(0, mix(tone, WHITE, 0.06)), (1, mix(tone, BLACK, 0.4))])
    cx, radius = width * rng.uniform(0.25, 0.75), width * rng.uniform(0.13, 0.24)
    spring = start * rng.uniform(0.4, 0.6)
    hole = np.where(y > spring, radius - np.abs(x - cx), radius - np.hypot(x - cx, y - spring))
    return blended(wall, gradient(size, [(0, palette.light), (0.6, glow), (1, glow)]), hole)


def _checker_room(rng: Rng, size: Size, palette: Palette, pair: tuple[RGB, RGB], turn: float) -> Image.Image:
    """The floor in perspective, glossy towards the wall behind it; sometimes balls upon it."""
    width, height = size
    x, y = grid(size)
    horizon = height * rng.uniform(0.25, 0.6)
    start = horizon + height * rng.uniform(0.03, 0.1)
    depth = height * rng.uniform(0.5, 1.1) / np.maximum(y - horizon, 2)
    across = (x - width * rng.uniform(0.25, 0.75)) / width * depth * 2
    tiles = rng.uniform(1.2, 2.8)
    tile_x = across * math.cos(turn) + depth * math.sin(turn) * 2
    tile_y = depth * 2 * math.cos(turn) - across * math.sin(turn)
    sharp = np.clip((y - horizon) ** 2 / height * 0.5 / tiles, 0.2, 60)
    floor = two_toned(_tiles(tile_x * tiles, tile_y * tiles, sharp), *pair)
    wall = _back_wall(rng, size, palette, start)
    mirror = Image.fromarray(np.asarray(wall)[np.clip((2 * start - y[:, 0]).astype(int), 0, height - 1)])
    gloss = np.clip(1 - (y - start) / height * 2.2, 0, 1) * rng.uniform(0.15, 0.5) + 0 * x
    floor = blended(floor, mirror, gloss)
    lx, ly = width * rng.uniform(0.2, 0.8), height * rng.uniform(0.6, 0.95)
    floor = relit(floor, 0.66 + 0.5 * np.exp(-(((x - lx) / width * 1.6) ** 2) - ((y - ly) / height * 2) ** 2))
    picture = blended(wall, floor, y - start + 0 * x)
    picture = relit(picture, 1 - 0.35 * np.exp(-np.abs(y - start) / 9) + 0 * x)
    for _ in range(int(rng.integers(0, 4))):
        radius = width * rng.uniform(0.05, 0.15)
        bx, by = width * rng.uniform(0.12, 0.88), start + (height - start) * rng.uniform(0.25, 0.8)
        far = np.hypot((x - bx - radius * 0.6) / (radius * 1.5), (y - by) / (radius * 0.35))
        cast = np.clip(1.2 - far, 0, 1)
        ball = Image.new("RGB", size, one_of(rng, palette.tones))
        away = np.hypot(x - bx + radius * 0.4, y - by + radius * 1.4)
        ball = relit(ball, np.clip(1.25 - 0.75 / radius * away, 0.25, 1.25))
        picture = blended(relit(picture, 1 - 0.6 * cast), ball, radius - np.hypot(x - bx, y - by + radius))
    return vignette(grain(picture, rng, 5), 0.4)


def _regions(rng: Rng, size: Size) -> list[np.ndarray]:
    """Where each next cloth lies over those before: signed pixels from its edge."""
    width, height = size
    x, y = grid(size)
    kind = one_of(rng, ("bands", "waves", "discs", "scraps", "petals"))
    found: list[np.ndarray] = []
    if kind in ("bands", "waves"):
        angle = rng.uniform(0, math.pi)
        along, across = turned_axes(x - width / 2, y - height / 2, angle)
        span = (abs(math.cos(angle)) * width + abs(math.sin(angle)) * height) / 2
        for cut in np.linspace(-span, span, int(rng.integers(4, 7)))[1:-1].tolist():
            swing = 0.08 if kind == "waves" else 0
            wave = np.sin(across / width * rng.uniform(2, 9) + rng.uniform(0, 6)) * width * swing
            found.append(along - cut + rng.uniform(-15, 15) + wave)
    elif kind == "discs":
        for radius in np.linspace(0.62, 0.16, int(rng.integers(4, 7))).tolist():
            cx, cy = width * rng.uniform(0.1, 0.9), height * rng.uniform(0.1, 0.9)
            found.append(radius * width * rng.uniform(0.7, 1.1) - np.hypot(x - cx, y - cy))
    elif kind == "petals":
        cx = width * rng.uniform(0.35, 0.65)
        cy = height * rng.uniform(0.35, 0.65)
        petals = int(rng.integers(5, 10))
        turn = np.arctan2(y - cy, x - cx)
        for radius in np.linspace(0.72, 0.14, int(rng.integers(4, 6))).tolist():
            rim = radius * width * (1 + 0.22 * np.cos(petals * turn + rng.uniform(0, 6)))
            found.append(rim - np.hypot(x - cx, y - cy))
    else:
        for _ in range(int(rng.integers(4, 7))):
            angle = rng.uniform(-0.6, 0.6)
            cx, cy = width * rng.uniform(0.1, 0.9), height * rng.uniform(0.1, 0.9)
            turned_x, turned_y = turned_axes(x - cx, y - cy, angle)
            inside_x = width * rng.uniform(0.2, 0.4) - np.abs(turned_x)
            inside_y = height * rng.uniform(0.12, 0.3) - np.abs(turned_y)
            found.append(np.minimum(inside_x, inside_y))
    return found


def pattern_clash(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Loud printed cloths over one another, each throwing a shadow, none giving way."""
    tones = [*palette.tones, mix(palette.accent, palette.light, 0.55), mix(palette.mid, palette.accent, 0.5)]

    def printed() -> Image.Image:
        first, second = rng.choice(len(tones), 2, replace=False).tolist()
        pattern = printed_pattern(rng, size, one_of(rng, PRINTS), rng.uniform(14, 42))
        return two_toned(pattern, tones[first], tones[second])

    sheet = printed()
    for inside in _regions(rng, size):
        sheet = blended(sheet, (10, 8, 12), np.clip(1 + inside / 11, 0, 1) ** 2 * 0.5)
        sheet = blended(sheet, printed(), inside + 0.5)
    return vignette(grain(relit(sheet, folds_light(rng, size, rng.uniform(0.06, 0.16))), rng, 5), 0.2)
