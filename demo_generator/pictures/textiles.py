"""Cloth that a hand made or mended: patches and darns, weaving, quilts.

Belongs here: textiles near to, stitch by stitch. Linen in its folds is in ``mornings``.
"""

import math
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageFilter

from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    WHITE,
    Box,
    Palette,
    Point,
    Rng,
    Size,
    fraction,
    gradient,
    grid,
    mix,
    one_of,
    smooth_noise,
)
from demo_generator.pictures.light import (
    blended,
    blurred,
    drop_shadow,
    from_pixels,
    grain,
    relit,
    stencil,
    vignette,
)
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.shapes import oblong
from demo_generator.pictures.surfaces import PRINTS, folds_light, printed_pattern, twill

_Piece: TypeAlias = tuple[list[Point], int]

_Stitch: TypeAlias = Box


def _running(points: np.ndarray, long: float, gap: float) -> list[_Stitch]:
    """Stitches of ``long`` with ``gap`` between along a line of points."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    at = np.concatenate([[0], np.cumsum(steps)])
    starts = np.arange(0, max(at[-1] - long, 1), long + gap)
    ends = np.minimum(starts + long, at[-1])
    x0, y0, x1, y1 = (np.interp(place, at, points[:, axis]) for place in (starts, ends) for axis in (0, 1))
    return list(zip(x0.tolist(), y0.tolist(), x1.tolist(), y1.tolist(), strict=True))


def _sashiko(rng: Rng, box: tuple[float, float, float, float]) -> list[_Stitch]:
    """A field of stitches in one of the old patterns: rows, crosses, scales, diamonds, persimmon flower."""
    left, top, right, bottom = box
    kind = one_of(rng, ("rows", "crosses", "scales", "diamonds", "rice"))
    step = rng.uniform(13, 20)
    found: list[_Stitch] = []
    if kind == "rows":
        for y in np.arange(top + 5, bottom - 2, step * 0.55):
            lean = rng.uniform(-1.5, 1.5)
            found += _running(np.array([(left + 4 + rng.uniform(0, 6), y), (right - 4, y + lean)]), 7, 5)
    elif kind == "scales":
        angle = np.linspace(np.pi, 2 * np.pi, 14)
        arc = _running(np.stack([np.cos(angle), np.sin(angle)], axis=1) * step / 2, 4.5, 2.5)
        for row, y in enumerate(np.arange(top + step, bottom, step * 0.6).tolist()):
            for x in np.arange(left + step * (1.0 if row % 2 else 0.5), right - step * 0.4, step).tolist():
                found += [(x + x0, y + y0, x + x1, y + y1) for x0, y0, x1, y1 in arc]
    elif kind == "diamonds":
        for shift in np.arange(-(bottom - top), right - left, step * 1.2):
            for slope in (1, -1):
                along = np.linspace(0, bottom - top, 40)
                down = top + along if slope > 0 else bottom - along
                line = np.stack([left + shift + along, down], axis=1)
                line = line[(line[:, 0] > left + 3) & (line[:, 0] < right - 3)]
                found += _running(line, 5, 3) if len(line) > 3 else []
    else:
        for row, y in enumerate(np.arange(top + step * 0.6, bottom - 3, step)):
            for column, x in enumerate(np.arange(left + step * 0.6, right - 3, step)):
                radius = step * 0.28
                found.append((float(x - radius), float(y), float(x + radius), float(y)))
                if kind == "crosses" or (column + row) % 2:
                    found.append((float(x), float(y - radius), float(x), float(y + radius)))
    return found


def _sew(image: Image.Image, stitches: list[_Stitch], thread: RGB, weight: float = 1.7) -> Image.Image:
    """Draw stitches: each a thread with its shadow and its light."""
    dark, bright = mix(thread, BLACK, 0.55), mix(thread, WHITE, 0.35)
    pen = Pen.over(image)
    for colour, shift, wide in ((dark, 1.1, weight), (thread, 0.0, weight), (bright, -0.4, 0.5)):
        for x0, y0, x1, y1 in stitches:
            pen.line([(x0 + shift, y0 + shift), (x1 + shift, y1 + shift)], colour, wide)
    return pen.drawn()


def _patch_mask(rng: Rng, size: Size) -> Image.Image:
    """A patch of about ``size``, cut by hand and so a little crooked."""
    width, height = size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)]) + rng.normal(0, 3.5, (4, 2))
    pen = Pen.mask(size)
    pen.shape(corners, 255)
    return pen.drawn()


def _darn(rng: Rng, image: Image.Image, centre: Point, radius: float, yarns: tuple[RGB, RGB]) -> Image.Image:
    """A hole woven shut: threads across threads, over one and under one, their ends running out."""
    cx, cy = centre
    pitch = 4.2
    across: list[_Stitch] = []
    down: list[_Stitch] = []
    reach = np.arange(-radius, radius, pitch).tolist()
    for row, aside in enumerate(reach):
        half = math.sqrt(max(1.0, radius * radius - aside * aside)) * rng.uniform(0.95, 1.15) + 6
        across.append((cx - half, cy + aside, cx + half, cy + aside))
        for column, ahead in enumerate(reach):
            if (row + column) % 2 and abs(ahead) < half:
                down.append((cx + aside, cy + ahead - pitch * 0.45, cx + aside, cy + ahead + pitch * 0.75))
    return _sew(_sew(image, across, yarns[0], 1.5), down, yarns[1], 1.5)


def visible_mending(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Worn cloth with patches sewn on, rows of stitches, a darn: repairs that are meant to show."""
    width, height = size
    dark, pale = mix(palette.deep, palette.ink, 0.5), mix(palette.mid, palette.light, 0.6)
    cloths = [palette.deep, dark, palette.mid, pale]
    ground = int(rng.integers(len(cloths)))
    base = twill(rng, size, cloths.pop(ground), rng.uniform(2.6, 5))
    threads = (mix(palette.light, WHITE, 0.2), palette.accent, mix(palette.light, palette.accent, 0.5))
    kind = one_of(rng, ("patches", "patches", "darn", "field", "boro"))
    stitches: list[_Stitch] = []
    count = {"patches": int(rng.integers(2, 4)), "darn": 1, "field": 1, "boro": 5}[kind]
    for index in range(count):
        w, h = width * rng.uniform(0.34, 0.7), height * rng.uniform(0.24, 0.5)
        x = rng.uniform(-0.05 * width, width * 1.05 - w)
        y = (height * 1.04 - h) * ((index + rng.random()) / count)
        tone = mix(one_of(rng, cloths), palette.accent, 0.6 if rng.random() < 0.25 else 0)
        patch = int(w), int(h)
        cloth = twill(rng, patch, tone, rng.uniform(2.6, 5))
        if rng.random() < 0.4:
            kind_of_print = one_of(rng, ("stripes", "gingham", "dots", "checks"))
            printed = printed_pattern(rng, patch, kind_of_print, rng.uniform(8, 16))
            cloth = blended(cloth, one_of(rng, (palette.light, palette.ink)), printed * 0.4)
        cut = _patch_mask(rng, patch)
        mask = Image.new("L", size)
        mask.paste(cut, (int(x), int(y)))
        drop_shadow(base, mask, (2, 4), 0.6)
        base.paste(cloth, (int(x), int(y)), cut)
        rim = np.array([(6, 6), (w - 6, 6), (w - 6, h - 6), (6, h - 6), (6, 6)]) + np.array([x, y])
        stitches += _running(rim, 6, 4.5)
        if rng.random() < 0.75:
            stitches += _sashiko(rng, (x + 10, y + 10, x + w - 10, y + h - 10))
    if kind == "field":
        margin = width * rng.uniform(0.06, 0.16)
        stitches += _sashiko(rng, (margin, margin, width - margin, height * rng.uniform(0.55, 0.95)))
    base = _sew(base, stitches, one_of(rng, threads))
    for _ in range({"darn": int(rng.integers(2, 4)), "field": 0}.get(kind, int(rng.random() < 0.4))):
        at = (width * rng.uniform(0.25, 0.75), height * rng.uniform(0.2, 0.8))
        yarns = (one_of(rng, threads), one_of(rng, (palette.accent, palette.mid, palette.light)))
        base = _darn(rng, base, at, width * rng.uniform(0.12, 0.22), yarns)
    return vignette(grain(relit(base, folds_light(rng, size, 0.14)), rng, 4), 0.3)


def _drafted(rng: Rng, rows: int, columns: int) -> np.ndarray:
    """Which thread lies on top where, true for the warp: a plain, twill, pointed or figured draft."""
    row, column = np.ogrid[:rows, :columns]
    kind = one_of(rng, ("plain", "basket", "twill", "point", "bird", "figure"))
    if kind == "plain":
        return np.asarray((row + column) % 2 == 0)
    if kind == "basket":
        return np.asarray((row // 2 + column // 2) % 2 == 0)
    if kind == "twill":
        return np.asarray((row + column) % 4 < 2)
    turn = int(rng.integers(5, 12))
    zig = np.abs((column + turn) % (2 * turn) - turn)
    if kind == "point":
        return np.asarray((row + zig) % 4 < 2)
    zag = np.abs((row + turn) % (2 * turn) - turn)
    if kind == "bird":
        return np.asarray((zag + zig) % 4 < 2)
    block = ((row // turn) % 2) ^ ((column // turn) % 2)
    return np.asarray(np.where(block == 1, (row + column) % 3 == 0, (row - column) % 3 != 0))


def _stripes(rng: Rng, count: int, palette: Palette) -> np.ndarray:
    """The colour of each of ``count`` threads, in a sequence that repeats."""
    calm, loud = [palette.light, palette.mid, palette.deep], [palette.accent, palette.ink]
    order: list[RGB] = []
    for _ in range(int(rng.integers(1, 5))):
        order += [one_of(rng, calm)] * int(rng.integers(3, 16))
        if rng.random() < 0.5:
            order += [one_of(rng, loud)] * int(rng.integers(1, 5))
    return np.array((order + order[::-1]) * (count // len(order) + 1), np.float32)[:count]


def _tapestry(rng: Rng, shape: tuple[int, int], palette: Palette) -> np.ndarray:
    """A woven picture, a colour a crossing: a sun over hills, or steps and diamonds."""
    rows, columns = shape
    down, across = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    cloth = np.empty((rows, columns, 3), np.float32)
    cloth[:] = mix(palette.light, palette.mid, rng.uniform(0, 0.5))
    if rng.random() < 0.6:
        cy, cx, radius = rng.uniform(0.15, 0.4), rng.uniform(0.25, 0.75), rng.uniform(0.12, 0.26)
        cloth[((down - cy) * rows / columns) ** 2 + (across - cx) ** 2 < radius * radius] = palette.accent
        hills = (palette.mid, mix(palette.mid, palette.deep, 0.6), palette.deep, palette.ink)
        for index, tone in enumerate(hills):
            line = 0.4 + 0.16 * index + 0.09 * np.sin(across * rng.uniform(3, 9) + rng.uniform(0, 6))
            cloth[down > line] = tone
        return cloth
    bands = int(rng.integers(2, 5))
    for index in range(bands):
        middle = (index + 0.5) / bands
        steps = np.abs((across * rng.integers(2, 6)) % 1 - 0.5)
        distance = np.abs(down - middle) * rows / columns * 2 + steps
        for ring, tone in enumerate((palette.deep, palette.accent, palette.light)):
            cloth[distance < 0.5 - 0.14 * ring] = tone
    return cloth


def weave(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Woven cloth so near that each thread is seen: a draft in two yarns, a tartan, a tapestry, a loom."""
    width, height = size
    pitch = rng.uniform(3.4, 9.0)
    rows, columns = int(height / pitch) + 3, int(width / pitch) + 3
    x, y = grid(size)
    sway = (smooth_noise(rng, size, 60) - 0.5) * pitch * 1.4
    sag = (smooth_noise(rng, size, 60) - 0.5) * pitch * 1.4
    across, down = (x + sway + pitch) / pitch, (y + sag + pitch) / pitch
    row, column = np.clip(down.astype(int), 0, rows - 1), np.clip(across.astype(int), 0, columns - 1)
    on_top = _drafted(rng, rows, columns)
    if rng.random() < 0.4:
        weft = _tapestry(rng, (rows, columns), palette)
        warp = np.broadcast_to(np.array(mix(palette.light, palette.mid, 0.4), np.float32), weft.shape)
        chosen = rng.random((rows, columns)) < 0.12
        on_top = (np.add.outer(np.arange(rows), np.arange(columns)) % 2 == 0) & chosen
    else:
        weft = np.repeat(_stripes(rng, rows, palette)[:, None], columns, axis=1)
        warp = np.repeat(_stripes(rng, columns, palette)[None], rows, axis=0)
    cells = np.where(on_top[..., None], warp, weft) * (0.93 + 0.14 * rng.random((rows, columns, 1)))
    over = on_top[row, column]
    round_u, round_v = np.sin(np.pi * fraction(across)), np.sin(np.pi * fraction(down))
    body = np.where(over, round_u * (0.72 + 0.28 * round_v), round_v * (0.72 + 0.28 * round_u))
    light = (0.42 + 0.66 * body) * folds_light(rng, size, rng.uniform(0.05, 0.2))
    picture = relit(from_pixels(cells[row, column]), light)
    if rng.random() < 0.22:
        picture = _on_loom(rng, picture, palette, pitch)
    return vignette(grain(picture, rng, 4), 0.3)


def _on_loom(rng: Rng, cloth: Image.Image, palette: Palette, pitch: float) -> Image.Image:
    """The cloth half made: bare warp above it, a shuttle's thread, the dark of the room behind."""
    width, height = cloth.size
    edge = height * rng.uniform(0.25, 0.45)
    back = gradient(cloth.size, [(0, mix(palette.ink, palette.deep, 0.5)), (1, palette.ink)])
    warp = mix(palette.light, palette.mid, 0.3)
    beam = rng.random() < 0.6
    pen = Pen.over(back)
    for x in np.arange(0, width, max(5.0, pitch)):
        tone = mix(warp, palette.ink, rng.uniform(0, 0.35))
        pen.line([(x, 0), (x + rng.normal(0, 1), edge * 1.3)], tone)
    if beam:
        y = edge * rng.uniform(0.2, 0.5)
        for index, share in enumerate((0.45, 0.2, 0.0, 0.15, 0.5)):
            pen.box((0, y + index * 4, width, y + index * 4 + 4), mix(palette.mid, palette.ink, share))
    back = pen.drawn()
    line = edge + np.cumsum(rng.normal(0, 0.5, width)) + np.sin(np.arange(width) / width * 3) * 5
    mask = stencil(grid(cloth.size)[1] - line[None])
    drop_shadow(back, mask, (0, -3), 0.5)
    back.paste(cloth, (0, 0), mask)
    return back


def _block(rng: Rng, kind: str, turn: int) -> list[_Piece]:
    """The pieces of one quilt block in the unit square: corners, and which cloth."""
    light, dark, third = int(rng.integers(0, 3)), int(rng.integers(3, 6)), int(rng.integers(6, 8))
    pieces: list[_Piece] = []
    if kind == "triangles":
        pieces = [([(0, 0), (1, 0), (0, 1)], light), ([(1, 0), (1, 1), (0, 1)], dark)]
    elif kind == "cabin":
        low, high = 0.0, 1.0
        for ring in range(5):
            bright, shade = ((light + ring) % 3, 3 + (dark + ring) % 3) if ring < 4 else (third, third)
            pieces.append((oblong(low, low, high, high), bright))
            inner = oblong(low + 0.1, low + 0.1, high - 0.1, high - 0.1)
            pieces.append(([(high, low), (high, high), (low, high), inner[3], inner[2], inner[1]], shade))
            low, high = low + 0.1, high - 0.1
    elif kind == "geese":
        for row in range(3):
            top, foot = row / 3, (row + 1) / 3
            pieces.append((oblong(0, top, 1, foot), light))
            pieces.append(([(0, foot), (0.5, top), (1, foot)], 3 + (dark + row) % 4))
    elif kind == "star":
        pieces.append((oblong(0, 0, 1, 1), light))
        arm = [(0.5, 0.5), (0.25, 0.25), (0.5, 0.0), (0.75, 0.25)]
        for quarter in range(4):
            pieces.append((arm, dark if quarter % 2 else third))
            arm = _quarter_turned(arm)
    elif kind == "nine":
        for column in range(3):
            for row in range(3):
                square = oblong(column / 3, row / 3, (column + 1) / 3, (row + 1) / 3)
                pieces.append((square, light if (column + row) % 2 else dark))
    else:
        edges = [0.0, *np.sort(rng.uniform(0.1, 0.9, 4)).tolist(), 1.0]
        pieces = [(oblong(start, 0, end, 1), int(rng.integers(0, 8))) for start, end in pairwise(edges)]
    for _ in range(turn):
        pieces = [(_quarter_turned(corners), cloth) for corners, cloth in pieces]
    return pieces


def _quarter_turned(corners: list[Point]) -> list[Point]:
    return [(1 - y, x) for x, y in corners]


def quilt(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A pieced quilt: printed cloths in blocks, puffed between the seams, lying in folds."""
    width, height = size
    block = width / rng.uniform(2.2, 5.2)
    blocks = ("triangles", "cabin", "geese", "star", "nine", "strips")
    kinds = [one_of(rng, blocks) for _ in range(int(rng.integers(1, 3)))]
    angle = one_of(rng, (0.0, 0.0, math.pi / 4, rng.uniform(-0.3, 0.3)))
    turning = one_of(rng, ("same", "pinwheel", "any"))
    pen = Pen.mask(size)
    cosine, sine = math.cos(angle), math.sin(angle)
    turned = np.array([[cosine, sine], [-sine, cosine]])
    reach = int(max(width, height) * 0.75 / block) + 1
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            cx = width / 2 + (column * cosine - row * sine) * block
            cy = height / 2 + (column * sine + row * cosine) * block
            if not (-block < cx < width + block and -block < cy < height + block):
                continue
            turn = {"same": 0, "pinwheel": (column % 2) + 2 * (row % 2), "any": int(rng.integers(4))}[turning]
            for corners, cloth in _block(rng, kinds[(column + row) % len(kinds)], turn):
                patch = (np.array(corners) - 0.5) * block
                pen.shape(patch @ turned + np.array([cx, cy]), cloth * 30 + 20)
    cloths = [palette.light, mix(palette.light, palette.mid, 0.5), mix(palette.light, palette.accent, 0.25)]
    cloths += [palette.deep, palette.mid, mix(palette.deep, palette.ink, 0.6)]
    cloths += [palette.accent, mix(palette.accent, palette.deep, 0.5)]
    index = pen.sheet
    small = np.asarray(index.resize(size, Image.Resampling.NEAREST)) // 30
    dyed = np.array(cloths, np.uint8)[np.minimum(np.asarray(index) // 30, 7)]
    sheet = Image.fromarray(dyed).reduce(2)
    for number, kind in enumerate(rng.choice(PRINTS[:6], 3, replace=False).tolist()):
        here = (small == number) | (small == number + 3) | (small == (6, 7, 2)[number])
        tone = palette.ink if number == 0 else mix(palette.light, palette.mid, 0.5)
        sheet = blended(sheet, tone, printed_pattern(rng, size, kind, rng.uniform(7, 13)) * here * 0.3)
    edges = index.reduce(2).filter(ImageFilter.FIND_EDGES)
    seams = edges.point([255 if value > 12 else 0 for value in range(256)])
    thread = np.asarray(seams.filter(ImageFilter.BoxBlur(1)), np.float32) * 0.5
    sunk = thread + np.asarray(blurred(seams, 5), np.float32)
    lifted = np.roll(sunk, (2, 2), (0, 1)) - np.roll(sunk, (-2, -2), (0, 1))
    puffed = 1.06 - np.clip(sunk, 0, 190) / 560 + lifted / 700
    light = puffed * folds_light(rng, size, rng.uniform(0.06, 0.2))
    return vignette(grain(relit(sheet, light), rng, 5), 0.3)
