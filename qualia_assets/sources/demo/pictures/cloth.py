"""Surfaces that a hand has made or worn: woven, pieced and mended cloth, glaze, wood, paper in the air.

Belongs here: pictures that live by their texture and pattern. Drawn and printed things are in ``graphic``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from qualia_assets.sources.demo.pictures.canvas import (
    RGB,
    Palette,
    Size,
    antialiased,
    gradient,
    grain,
    mix,
    smooth_noise,
    vignette,
)

T = TypeVar("T")
Draw = ImageDraw.ImageDraw
Field = np.ndarray


# ---------------------------------------------------------------- small helpers


def _pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


def _flat(points: np.ndarray, k: int) -> list[float]:
    flat: list[float] = (points * k).ravel().tolist()
    return flat


def _array(image: Image.Image) -> Field:
    return np.asarray(image, np.float32)


def _mask(share: Field) -> Image.Image:
    """A mask of shares in [0, 1]."""
    return Image.fromarray((np.clip(share, 0, 1) * 255).astype(np.uint8))


def _lit(image: Image.Image, light: Field) -> Image.Image:
    """The picture with each pixel's brightness times ``light``, which is of shape (height, width)."""
    # Whole numbers (128 for 1.0) take a third of the time of floats, and grain hides the steps.
    share = (np.clip(light, 0, 1.99) * 128).astype(np.uint16)[..., None]
    return Image.fromarray(np.minimum((np.asarray(image, np.uint16) * share) >> 7, 255).astype(np.uint8))


def _grid(size: Size) -> tuple[Field, Field]:
    """The x of each column and the y of each row, to be broadcast."""
    width, height = size
    return np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]


def _blend(below: Image.Image, above: Image.Image | RGB, share: Field) -> Image.Image:
    """``above`` over ``below`` by ``share``, which is of shape (height, width)."""
    layer = above if isinstance(above, Image.Image) else Image.new("RGB", below.size, above)
    return Image.composite(layer, below, _mask(share))


def _two_toned(share: Field, none: RGB, full: RGB) -> Image.Image:
    """``none`` where ``share`` is 0, ``full`` where it is 1."""
    return ImageOps.colorize(_mask(share), none, full)


def _tones(palette: Palette) -> list[RGB]:
    return [palette.light, palette.mid, palette.deep, palette.ink, palette.accent]


def _folds(rng: np.random.Generator, size: Size, depth: float) -> Field:
    """The light on cloth that lies in soft folds: about 1, up to ``depth`` more or less."""
    half = size[0] // 2, size[1] // 2
    x, y = _grid(half)
    a = rng.uniform(0, math.pi)
    along = (x * math.cos(a) + y * math.sin(a)) / half[0]
    warped = along * rng.uniform(3, 7) + smooth_noise(rng, half, 60) * rng.uniform(1.5, 3.5)
    light = 1 + depth * (np.sin(warped) * 0.7 + np.sin(warped * 2.3 + 1) * 0.3)
    return np.asarray(Image.fromarray(light.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))


def _part(values: Field) -> Field:
    """What is after the point of each value: like ``values % 1``, in half the time."""
    return np.asarray(values - np.floor(values))


def _blurred(mask: Image.Image, radius: float) -> Image.Image:
    """A soft copy of a mask, blurred small and brought back up: quick for wide blurs."""
    small = mask.reduce(4).filter(ImageFilter.GaussianBlur(radius / 4))
    return small.resize(mask.size, Image.Resampling.BILINEAR)


def _drop_shadow(base: Image.Image, mask: Image.Image, shift: tuple[int, int], strength: float) -> None:
    """Darken ``base`` beneath what ``mask`` covers, ``shift`` pixels away."""
    soft = _blurred(mask, 7).point([int(v * strength) for v in range(256)])
    base.paste((12, 10, 14), shift, soft)


# ---------------------------------------------------------------- cloth


def _twill(rng: np.random.Generator, size: Size, colour: RGB, pitch: float) -> Image.Image:
    """Plain cloth close by: the slant of its threads, slubs, wear."""
    x, y = (v * (2 * math.pi / pitch) for v in _grid(size))
    slant = _pick(rng, (0.0, 0.8, -0.8))
    # The sine of a sum from the sines of its parts: whole rows and columns rather than every pixel.
    threads = (
        np.sin(x) * (np.cos(y) if slant else 1.0) + slant * np.cos(x) * np.sin(y) + np.sin(y * 0.9) * 0.6
    )
    slubs = smooth_noise(rng, (size[0], size[1] // 8 + 2), 5).repeat(8, axis=0)[: size[1]]
    light = 0.87 + threads * 0.045 + slubs * 0.1 + smooth_noise(rng, size, 70) * 0.2
    return _lit(Image.new("RGB", size, colour), light)


Stitch = tuple[float, float, float, float]


def _running(points: np.ndarray, long: float, gap: float) -> list[Stitch]:
    """Stitches of ``long`` with ``gap`` between along a line of points."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    at = np.concatenate([[0], np.cumsum(steps)])
    starts = np.arange(0, max(at[-1] - long, 1), long + gap)
    ends = np.minimum(starts + long, at[-1])
    x0, y0, x1, y1 = (np.interp(s, at, points[:, i]) for s in (starts, ends) for i in (0, 1))
    return [(float(a), float(b), float(c), float(d)) for a, b, c, d in zip(x0, y0, x1, y1, strict=True)]


def _sashiko(rng: np.random.Generator, box: tuple[float, float, float, float]) -> list[Stitch]:
    """A field of stitches in one of the old patterns: rows, crosses, scales, diamonds, persimmon flower."""
    left, top, right, bottom = box
    kind = _pick(rng, ("rows", "crosses", "scales", "diamonds", "rice"))
    step = rng.uniform(13, 20)
    found: list[Stitch] = []
    if kind == "rows":
        for y in np.arange(top + 5, bottom - 2, step * 0.55):
            lean = rng.uniform(-1.5, 1.5)
            found += _running(np.array([(left + 4 + rng.uniform(0, 6), y), (right - 4, y + lean)]), 7, 5)
    elif kind == "scales":
        a = np.linspace(np.pi, 2 * np.pi, 14)
        arc = _running(np.stack([np.cos(a), np.sin(a)], axis=1) * step / 2, 4.5, 2.5)
        for j, y in enumerate(np.arange(top + step, bottom, step * 0.6).tolist()):
            for x in np.arange(left + step * (1.0 if j % 2 else 0.5), right - step * 0.4, step).tolist():
                found += [(x + x0, y + y0, x + x1, y + y1) for x0, y0, x1, y1 in arc]
    elif kind == "diamonds":
        for shift in np.arange(-(bottom - top), right - left, step * 1.2):
            for slope in (1, -1):
                t = np.linspace(0, bottom - top, 40)
                line = np.stack([left + shift + t, (top + t) if slope > 0 else (bottom - t)], axis=1)
                line = line[(line[:, 0] > left + 3) & (line[:, 0] < right - 3)]
                found += _running(line, 5, 3) if len(line) > 3 else []
    else:
        for j, y in enumerate(np.arange(top + step * 0.6, bottom - 3, step)):
            for i, x in enumerate(np.arange(left + step * 0.6, right - 3, step)):
                r = step * 0.28
                found.append((float(x - r), float(y), float(x + r), float(y)))
                if kind == "crosses" or (i + j) % 2:
                    found.append((float(x), float(y - r), float(x), float(y + r)))
    return found


def _sew(image: Image.Image, stitches: list[Stitch], thread: RGB, weight: float = 1.7) -> Image.Image:
    """Draw stitches: each a thread with its shadow and its light."""
    dark, bright = mix(thread, (0, 0, 0), 0.55), mix(thread, (255, 255, 255), 0.35)

    def thread_by_thread(draw: Draw, k: int) -> None:
        w = max(2, round(weight * k))
        for colour, shift, wide in ((dark, 1.1, w), (thread, 0.0, w), (bright, -0.4, max(1, w // 3))):
            for a, b, c, d in stitches:
                draw.line(((a + shift) * k, (b + shift) * k, (c + shift) * k, (d + shift) * k), colour, wide)

    return antialiased(image, thread_by_thread)


def _patch_mask(rng: np.random.Generator, size: Size) -> Image.Image:
    """A patch of about ``size``, cut by hand and so a little crooked."""
    width, height = size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)]) + rng.normal(0, 3.5, (4, 2))
    mask = Image.new("L", (width * 2, height * 2))
    ImageDraw.Draw(mask).polygon(_flat(corners, 2), fill=255)
    return mask.reduce(2)


def _darn(
    rng: np.random.Generator,
    image: Image.Image,
    centre: tuple[float, float],
    r: float,
    yarns: tuple[RGB, RGB],
) -> Image.Image:
    """A hole woven shut: threads across threads, over one and under one, their ends running out."""
    cx, cy = centre
    pitch = 4.2
    across: list[Stitch] = []
    down: list[Stitch] = []
    reach = np.arange(-r, r, pitch).tolist()
    for i, v in enumerate(reach):
        half = math.sqrt(max(1.0, r * r - v * v)) * rng.uniform(0.95, 1.15) + 6
        across.append((cx - half, cy + v, cx + half, cy + v))
        for j, u in enumerate(reach):
            if (i + j) % 2 and abs(u) < half:
                down.append((cx + v, cy + u - pitch * 0.45, cx + v, cy + u + pitch * 0.75))
    return _sew(_sew(image, across, yarns[0], 1.5), down, yarns[1], 1.5)


def visible_mending(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Worn cloth with patches sewn on, rows of stitches, a darn: repairs that are meant to show."""
    width, height = size
    cloths = [
        palette.deep,
        mix(palette.deep, palette.ink, 0.5),
        palette.mid,
        mix(palette.mid, palette.light, 0.6),
    ]
    ground = int(rng.integers(len(cloths)))
    base = _twill(rng, size, cloths.pop(ground), rng.uniform(2.6, 5))
    threads = (
        mix(palette.light, (255, 255, 255), 0.2),
        palette.accent,
        mix(palette.light, palette.accent, 0.5),
    )
    kind = _pick(rng, ("patches", "patches", "darn", "field", "boro"))
    stitches: list[Stitch] = []
    count = {"patches": int(rng.integers(2, 4)), "darn": 1, "field": 1, "boro": 5}[kind]
    for i in range(count):
        w, h = width * rng.uniform(0.34, 0.7), height * rng.uniform(0.24, 0.5)
        x, y = (
            rng.uniform(-0.05 * width, width * 1.05 - w),
            (height * 1.04 - h) * ((i + rng.random()) / count),
        )
        tone = mix(_pick(rng, cloths), palette.accent, 0.6 if rng.random() < 0.25 else 0)
        patch = int(w), int(h)
        cloth = _twill(rng, patch, tone, rng.uniform(2.6, 5))
        if rng.random() < 0.4:
            printed = _print(
                rng, patch, _pick(rng, ("stripes", "gingham", "dots", "checks")), rng.uniform(8, 16)
            )
            cloth = _blend(cloth, _pick(rng, (palette.light, palette.ink)), printed * 0.4)
        cut = _patch_mask(rng, patch)
        mask = Image.new("L", size)
        mask.paste(cut, (int(x), int(y)))
        _drop_shadow(base, mask, (2, 4), 0.6)
        base.paste(cloth, (int(x), int(y)), cut)
        rim = np.array([(6, 6), (w - 6, 6), (w - 6, h - 6), (6, h - 6), (6, 6)]) + np.array([x, y])
        stitches += _running(rim, 6, 4.5)
        if rng.random() < 0.75:
            stitches += _sashiko(rng, (x + 10, y + 10, x + w - 10, y + h - 10))
    if kind == "field":
        m = width * rng.uniform(0.06, 0.16)
        stitches += _sashiko(rng, (m, m, width - m, height * rng.uniform(0.55, 0.95)))
    base = _sew(base, stitches, _pick(rng, threads))
    for _ in range({"darn": int(rng.integers(2, 4)), "field": 0}.get(kind, int(rng.random() < 0.4))):
        at = (width * rng.uniform(0.25, 0.75), height * rng.uniform(0.2, 0.8))
        yarns = (_pick(rng, threads), _pick(rng, (palette.accent, palette.mid, palette.light)))
        base = _darn(rng, base, at, width * rng.uniform(0.12, 0.22), yarns)
    return vignette(grain(_lit(base, _folds(rng, size, 0.14)), rng, 4), 0.3)


def _drafted(rng: np.random.Generator, rows: int, columns: int) -> Field:
    """Which thread lies on top where, true for the warp: a plain, twill, pointed or figured draft."""
    i, j = np.ogrid[:rows, :columns]
    kind = _pick(rng, ("plain", "basket", "twill", "point", "bird", "figure"))
    if kind == "plain":
        return np.asarray((i + j) % 2 == 0)
    if kind == "basket":
        return np.asarray((i // 2 + j // 2) % 2 == 0)
    if kind == "twill":
        return np.asarray((i + j) % 4 < 2)
    turn = int(rng.integers(5, 12))
    zig = np.abs((j + turn) % (2 * turn) - turn)
    if kind == "point":
        return np.asarray((i + zig) % 4 < 2)
    zag = np.abs((i + turn) % (2 * turn) - turn)
    if kind == "bird":
        return np.asarray((zag + zig) % 4 < 2)
    block = ((i // turn) % 2) ^ ((j // turn) % 2)
    return np.asarray(np.where(block == 1, (i + j) % 3 == 0, (i - j) % 3 != 0))


def _stripes(rng: np.random.Generator, count: int, palette: Palette) -> Field:
    """The colour of each of ``count`` threads, in a sequence that repeats."""
    calm, loud = [palette.light, palette.mid, palette.deep], [palette.accent, palette.ink]
    order: list[RGB] = []
    for _ in range(int(rng.integers(1, 5))):
        order += [_pick(rng, calm)] * int(rng.integers(3, 16))
        if rng.random() < 0.5:
            order += [_pick(rng, loud)] * int(rng.integers(1, 5))
    return np.array((order + order[::-1]) * (count // len(order) + 1), np.float32)[:count]


def _tapestry(rng: np.random.Generator, shape: tuple[int, int], palette: Palette) -> Field:
    """A woven picture, a colour a crossing: a sun over hills, or steps and diamonds."""
    rows, columns = shape
    i, j = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    cloth = np.empty((rows, columns, 3), np.float32)
    cloth[:] = mix(palette.light, palette.mid, rng.uniform(0, 0.5))
    if rng.random() < 0.6:
        cy, cx, r = rng.uniform(0.15, 0.4), rng.uniform(0.25, 0.75), rng.uniform(0.12, 0.26)
        cloth[((i - cy) * rows / columns) ** 2 + (j - cx) ** 2 < r * r] = palette.accent
        for n, tone in enumerate(
            (palette.mid, mix(palette.mid, palette.deep, 0.6), palette.deep, palette.ink)
        ):
            line = 0.4 + 0.16 * n + 0.09 * np.sin(j * rng.uniform(3, 9) + rng.uniform(0, 6))
            cloth[i > line] = tone
        return cloth
    bands = int(rng.integers(2, 5))
    for n in range(bands):
        middle = (n + 0.5) / bands
        d = np.abs(i - middle) * rows / columns * 2 + np.abs((j * rng.integers(2, 6)) % 1 - 0.5)
        for k, tone in enumerate((palette.deep, palette.accent, palette.light)):
            cloth[d < 0.5 - 0.14 * k] = tone
    return cloth


def weave(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Woven cloth so near that each thread is seen: a draft in two yarns, a tartan, a tapestry, a loom."""
    width, height = size
    pitch = rng.uniform(3.4, 9.0)
    rows, columns = int(height / pitch) + 3, int(width / pitch) + 3
    x, y = _grid(size)
    sway = (smooth_noise(rng, size, 60) - 0.5) * pitch * 1.4
    sag = (smooth_noise(rng, size, 60) - 0.5) * pitch * 1.4
    u, v = (x + sway + pitch) / pitch, (y + sag + pitch) / pitch
    i, j = np.clip(v.astype(int), 0, rows - 1), np.clip(u.astype(int), 0, columns - 1)
    on_top = _drafted(rng, rows, columns)
    if rng.random() < 0.4:
        weft = _tapestry(rng, (rows, columns), palette)
        warp = np.broadcast_to(np.array(mix(palette.light, palette.mid, 0.4), np.float32), weft.shape)
        on_top = (np.add.outer(np.arange(rows), np.arange(columns)) % 2 == 0) & (
            rng.random((rows, columns)) < 0.12
        )
    else:
        weft = np.repeat(_stripes(rng, rows, palette)[:, None], columns, axis=1)
        warp = np.repeat(_stripes(rng, columns, palette)[None], rows, axis=0)
    cells = np.where(on_top[..., None], warp, weft) * (0.93 + 0.14 * rng.random((rows, columns, 1)))
    over = on_top[i, j]
    round_u, round_v = np.sin(np.pi * _part(u)), np.sin(np.pi * _part(v))
    body = np.where(over, round_u * (0.72 + 0.28 * round_v), round_v * (0.72 + 0.28 * round_u))
    light = (0.42 + 0.66 * body) * _folds(rng, size, rng.uniform(0.05, 0.2))
    picture = _lit(Image.fromarray(np.clip(cells, 0, 255).astype(np.uint8)[i, j]), light)
    if rng.random() < 0.22:
        picture = _on_loom(rng, picture, palette, pitch)
    return vignette(grain(picture, rng, 4), 0.3)


def _on_loom(rng: np.random.Generator, cloth: Image.Image, palette: Palette, pitch: float) -> Image.Image:
    """The cloth half made: bare warp above it, a shuttle's thread, the dark of the room behind."""
    width, height = cloth.size
    edge = height * rng.uniform(0.25, 0.45)
    back = gradient(cloth.size, [(0, mix(palette.ink, palette.deep, 0.5)), (1, palette.ink)])
    warp = mix(palette.light, palette.mid, 0.3)
    beam = rng.random() < 0.6

    def strung(draw: Draw, k: int) -> None:
        for x in np.arange(0, width, max(5.0, pitch)):
            tone = mix(warp, palette.ink, rng.uniform(0, 0.35))
            draw.line((x * k, 0, (x + rng.normal(0, 1)) * k, edge * 1.3 * k), tone, 2)
        if beam:
            y = edge * rng.uniform(0.2, 0.5)
            for n, t in enumerate((0.45, 0.2, 0.0, 0.15, 0.5)):
                draw.rectangle(
                    (0, (y + n * 4) * k, width * k, (y + n * 4 + 4) * k), mix(palette.mid, palette.ink, t)
                )

    back = antialiased(back, strung)
    line = edge + np.cumsum(rng.normal(0, 0.5, width)) + np.sin(np.arange(width) / width * 3) * 5
    mask = Image.fromarray((np.clip(_grid(cloth.size)[1] - line[None], 0, 1) * 255).astype(np.uint8))
    _drop_shadow(back, mask, (0, -3), 0.5)
    back.paste(cloth, (0, 0), mask)
    return back


def _share(values: Field, low: float, high: float) -> Field:
    return np.asarray(np.clip(values, low, high), np.float32)


def _print(rng: np.random.Generator, size: Size, kind: str, scale: float) -> Field:
    """A printed pattern as a share in [0, 1] of its second colour, at each pixel."""
    x, y = _grid(size)
    a = _pick(rng, (0.0, math.pi / 4, -math.pi / 4, math.pi / 2))
    u, v = (x * math.cos(a) + y * math.sin(a)) / scale, (y * math.cos(a) - x * math.sin(a)) / scale
    sharp = scale * 0.5
    if kind == "stripes":
        return _share(np.sin(u * 2 * np.pi) * sharp * 0.4 + 0.5, 0, 1)
    if kind == "dots":
        w = np.floor(v) / 2
        return _share((0.3 - np.hypot(_part(u + w) - 0.5, _part(v) - 0.5)) * sharp * 2 + 0.5, 0, 1)
    if kind == "gingham":
        return (
            np.clip(np.sin(u * 2 * np.pi) * sharp + 0.5, 0, 1)
            + np.clip(np.sin(v * 2 * np.pi) * sharp + 0.5, 0, 1)
        ) / 2
    if kind == "zigzag":
        return _share(np.sin((v + np.abs(_part(u / 2) * 2 - 1) * 0.9) * 2 * np.pi) * sharp * 0.4 + 0.5, 0, 1)
    if kind == "scales":
        row = np.floor(v)
        d = np.hypot(_part(u + row / 2) - 0.5, (v - row) * 0.75)
        return _share(np.sin(d * 16) * sharp * 0.4 + 0.5, 0, 1)
    if kind == "checks":
        return _share(np.sin(u * np.pi) * np.sin(v * np.pi) * sharp + 0.5, 0, 1)
    if kind == "leopard":
        blobs = (
            smooth_noise(rng, size, max(4, int(scale * 0.7)))
            - 0.5
            + (smooth_noise(rng, size, 5) - 0.5) * 0.25
        )
        return _share(1 - np.abs(np.abs(blobs) - 0.2) * 16, 0, 1)
    if kind == "waves":
        return _share(np.sin((v + np.sin(u * 3) * 0.4) * 2 * np.pi) * sharp * 0.4 + 0.5, 0, 1)
    return _share(np.sin((u + smooth_noise(rng, size, 50) * 2.6) * 2 * np.pi) * sharp * 0.3 + 0.5, 0, 1)


_PRINTS = ("stripes", "dots", "gingham", "zigzag", "scales", "checks", "leopard", "waves", "swirls")


Piece = tuple[list[tuple[float, float]], int]


def _block(rng: np.random.Generator, kind: str, turn: int) -> list[Piece]:
    """The pieces of one quilt block in the unit square: corners, and which cloth."""
    light, dark, third = int(rng.integers(0, 3)), int(rng.integers(3, 6)), int(rng.integers(6, 8))
    pieces: list[Piece] = []
    if kind == "triangles":
        pieces = [([(0, 0), (1, 0), (0, 1)], light), ([(1, 0), (1, 1), (0, 1)], dark)]
    elif kind == "cabin":
        low, high = 0.0, 1.0
        for n in range(5):
            s = 0.1
            a, b = (light, dark) if n < 4 else (third, third)
            pieces.append(
                ([(low, low), (high, low), (high, high), (low, high)], third if n == 4 else (a + n) % 3)
            )
            pieces.append(
                (
                    [
                        (high, low),
                        (high, high),
                        (low, high),
                        (low + s, high - s),
                        (high - s, high - s),
                        (high - s, low + s),
                    ],
                    3 + (b + n) % 3 if n < 4 else third,
                )
            )
            low, high = low + s, high - s
    elif kind == "geese":
        for n in range(3):
            y0, y1 = n / 3, (n + 1) / 3
            pieces.append(([(0, y0), (1, y0), (1, y1), (0, y1)], light))
            pieces.append(([(0, y1), (0.5, y0), (1, y1)], 3 + (dark + n) % 4))
    elif kind == "star":
        pieces.append(([(0, 0), (1, 0), (1, 1), (0, 1)], light))
        for q in range(4):
            arm = [(0.5, 0.5), (0.25, 0.25), (0.5, 0.0), (0.75, 0.25)]
            c, s = round(math.cos(q * math.pi / 2)), round(math.sin(q * math.pi / 2))
            pieces.append(
                (
                    [
                        (0.5 + (x - 0.5) * c - (y - 0.5) * s, 0.5 + (x - 0.5) * s + (y - 0.5) * c)
                        for x, y in arm
                    ],
                    dark if q % 2 else third,
                )
            )
    elif kind == "nine":
        pieces = [
            (
                [(i / 3, j / 3), ((i + 1) / 3, j / 3), ((i + 1) / 3, (j + 1) / 3), (i / 3, (j + 1) / 3)],
                dark if (i + j) % 2 == 0 else light,
            )
            for i in range(3)
            for j in range(3)
        ]
    else:
        cuts = np.sort(rng.uniform(0.1, 0.9, 4)).tolist()
        edges = [0.0, *cuts, 1.0]
        pieces = [([(a, 0), (b, 0), (b, 1), (a, 1)], int(rng.integers(0, 8))) for a, b in pairwise(edges)]
    for _ in range(turn):
        pieces = [([(1 - y, x) for x, y in corners], cloth) for corners, cloth in pieces]
    return pieces


def quilt(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A pieced quilt: printed cloths in blocks, puffed between the seams, lying in folds."""
    width, height = size
    block = width / rng.uniform(2.2, 5.2)
    kinds = [
        _pick(rng, ("triangles", "cabin", "geese", "star", "nine", "strips"))
        for _ in range(int(rng.integers(1, 3)))
    ]
    angle = _pick(rng, (0.0, 0.0, math.pi / 4, rng.uniform(-0.3, 0.3)))
    turning = _pick(rng, ("same", "pinwheel", "any"))
    index = Image.new("L", (width * 2, height * 2))
    draw = ImageDraw.Draw(index)
    c, s = math.cos(angle), math.sin(angle)
    turned = np.array([[c, s], [-s, c]])
    reach = int(max(width, height) * 0.75 / block) + 1
    for j in range(-reach, reach + 1):
        for i in range(-reach, reach + 1):
            cx, cy = width / 2 + (i * c - j * s) * block, height / 2 + (i * s + j * c) * block
            if not (-block < cx < width + block and -block < cy < height + block):
                continue
            turn = {"same": 0, "pinwheel": (i % 2) + 2 * (j % 2), "any": int(rng.integers(4))}[turning]
            for corners, cloth in _block(rng, kinds[(i + j) % len(kinds)], turn):
                p = (np.array(corners) - 0.5) * block
                draw.polygon(_flat(p @ turned + np.array([cx, cy]), 2), fill=cloth * 30 + 20)
    cloths = [
        palette.light,
        mix(palette.light, palette.mid, 0.5),
        mix(palette.light, palette.accent, 0.25),
        palette.deep,
        palette.mid,
        mix(palette.deep, palette.ink, 0.6),
        palette.accent,
        mix(palette.accent, palette.deep, 0.5),
    ]
    small = np.asarray(index.resize(size, Image.Resampling.NEAREST)) // 30
    bands = [index.point([cloths[min(v // 30, 7)][c] for v in range(256)]) for c in range(3)]
    sheet = Image.merge("RGB", bands).reduce(2)
    for n, kind in enumerate(rng.choice(_PRINTS[:6], 3, replace=False).tolist()):
        here = (small == n) | (small == n + 3) | (small == (6, 7, 2)[n])
        tone = palette.ink if n == 0 else mix(palette.light, palette.mid, 0.5)
        sheet = _blend(sheet, tone, _print(rng, size, kind, rng.uniform(7, 13)) * here * 0.3)
    seams = index.reduce(2).filter(ImageFilter.FIND_EDGES).point([255 if v > 12 else 0 for v in range(256)])
    sunk = _array(seams.filter(ImageFilter.BoxBlur(1))) * 0.5 + _array(_blurred(seams, 5))
    lifted = np.roll(sunk, (2, 2), (0, 1)) - np.roll(sunk, (-2, -2), (0, 1))
    light = (1.06 - np.clip(sunk, 0, 190) / 560 + lifted / 700) * _folds(rng, size, rng.uniform(0.06, 0.2))
    return vignette(grain(_lit(sheet, light), rng, 5), 0.3)


# ---------------------------------------------------------------- clay


def _crack(
    rng: np.random.Generator, start: tuple[float, float], heading: float, long: float
) -> list[np.ndarray]:
    """A crack that wanders and forks."""
    count = max(5, int(long / 7))
    turns = heading + np.cumsum(rng.normal(0, 0.2, count))
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * long / count
    line = np.concatenate([[start], np.array(start) + np.cumsum(steps, axis=0)])
    lines = [line]
    for at in rng.integers(2, count, int(rng.integers(0, 3))).tolist():
        if long > 30:
            side = _pick(rng, (-1, 1)) * rng.uniform(0.6, 1.1)
            lines += _crack(
                rng,
                (float(line[at, 0]), float(line[at, 1])),
                float(turns[at]) + side,
                long * rng.uniform(0.35, 0.6),
            )
    return lines


def _gilded(picture: Image.Image, lines: list[np.ndarray], inside: Image.Image, gold: RGB) -> Image.Image:
    """Fill cracks with ``gold``: raised, lit from above, only where the clay is."""
    left, top, right, bottom = inside.getbbox() or (0, 0, 1, 1)
    wide = Image.new("L", ((right - left) * 2, (bottom - top) * 2))
    draw = ImageDraw.Draw(wide)
    for line in lines:
        x, y = ((line[0] - np.array([left, top])) * 2).tolist()
        draw.line(_flat(line - np.array([left, top]), 2), fill=255, width=6, joint="curve")
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=255)
    cut = ImageChops.multiply(wide.reduce(2), inside.crop((left, top, right, bottom)))
    under = ImageChops.offset(cut, 1, 2).point([v // 2 for v in range(256)])
    bright = ImageChops.subtract(cut, ImageChops.offset(cut, 1, 1))
    dull = ImageChops.subtract(cut, ImageChops.offset(cut, -1, -1))
    shades = (
        mix(gold, (20, 10, 5), 0.8),
        gold,
        mix(gold, (255, 250, 230), 0.65),
        mix(gold, (60, 30, 10), 0.5),
    )
    for shade, mask in zip(shades, (under, cut, bright, dull), strict=True):
        picture.paste(shade, (left, top), mask)
    return picture


def _thrown(rng: np.random.Generator, t: Field) -> Field:
    """The half-width of a pot from its rim (0) to its foot (1): bowl, cup, vase, jar or bottle."""
    kind = _pick(rng, ("bowl", "bowl", "cup", "vase", "jar", "bottle"))
    if kind == "bowl":
        return np.sqrt(np.clip(1 - (t * 0.97) ** rng.uniform(1.8, 2.8), 0.06, 1)).astype(np.float32)
    knots = {
        "cup": (1, 0.98, 0.95, 0.9, 0.82, 0.62),
        "vase": (0.42, 0.34, 0.4, 0.8, 1, 0.9, 0.66, 0.45),
        "jar": (0.62, 0.56, 0.85, 1, 1, 0.92, 0.75, 0.6),
        "bottle": (0.24, 0.2, 0.22, 0.3, 0.62, 0.7, 0.7, 0.66, 0.6),
    }[kind]
    soft = np.interp(t, np.linspace(0, 1, len(knots)), knots)
    kernel = np.hanning(max(5, len(t) // 14))
    padded = np.pad(soft, len(kernel), mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), "same")[len(kernel) : -len(kernel)].astype(np.float32)


def _glazed(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """The glaze of a pot: two tones that run into one another, speckles."""
    tones = [palette.light, palette.mid, palette.deep, mix(palette.deep, palette.ink, 0.5)]
    a, b = _pick(rng, tones), _pick(rng, tones)
    _, y = _grid(size)
    edge = (y / size[1] - rng.uniform(0.3, 0.8) + (smooth_noise(rng, size, 34) - 0.5) * 0.3) * 7 + 0.5
    glaze = _two_toned(edge, a, mix(a, b, 0.7))
    if rng.random() < 0.6:
        glaze = _blend(glaze, palette.ink, np.clip((smooth_noise(rng, size, 3) - 0.84) * 4, 0, 0.6))
    return glaze


Place = tuple[float, float, float, float]


def _stand(
    rng: np.random.Generator, picture: Image.Image, palette: Palette, place: Place, side: float
) -> tuple[Image.Image, Image.Image]:
    """A pot stood at ``place`` (middle, foot, half its width, height), lit from ``side``; and its mask."""
    cx, foot, half, tall = place
    size, top = picture.size, foot - tall
    x, y = _grid(size)
    t = np.clip((y - top) / tall, 0, 1)
    reach = _thrown(rng, t[:, 0]) * half
    u = np.clip((x - cx) / reach[:, None], -2, 2)
    mouth, base = float(reach[int(top)]), float(reach[int(foot) - 1])
    rim = ((x - cx) / mouth) ** 2 + ((y - top) / (mouth * 0.2)) ** 2
    under = ((x - cx) / base) ** 2 + ((y - foot) / (base * 0.14)) ** 2
    wall = np.clip((1 - np.abs(u)) * reach[:, None], 0, 1) * ((y >= top) & (y <= foot))
    body = np.maximum(wall, np.clip((1 - under) * 20, 0, 1) * (y > foot - 1))
    shadow = np.clip(
        1.3 - np.hypot((x - cx + side * half * 0.7) / (half * 1.7), (y - foot - 3) / (half * 0.3)), 0, 1
    )
    picture = _lit(picture, 1 - 0.62 * shadow * np.sqrt(shadow))
    glaze = _glazed(rng, size, palette)
    shade = 0.32 + 0.5 * np.sqrt(np.clip(1 - u * u, 0, 1)) + 0.42 * u * side
    gleam = np.exp(-(((u - side * 0.45) / 0.1) ** 2) - ((t - 0.3) / 0.16) ** 2)
    clay = _blend(_lit(glaze, np.clip(shade, 0.12, 1.3) * (1.08 - 0.32 * t)), (255, 252, 244), gleam * 0.45)
    picture = _blend(picture, clay, body)
    inner = np.clip((1 - rim) * 14, 0, 1)
    picture = _blend(
        picture, _lit(glaze, np.clip(0.42 - 0.3 * side * (x - cx) / half + 0 * y, 0.12, 0.8)), inner
    )
    lip = np.clip(1 - np.abs(rim - 1) * 9, 0, 1) * 0.45
    return _blend(picture, mix(palette.light, (255, 255, 255), 0.2), lip), _mask(np.maximum(body, inner))


def _pot_from_side(rng: np.random.Generator, size: Size, palette: Palette, gold: RGB) -> Image.Image:
    """A mended pot on a table, lit from one side, sometimes beside a whole one."""
    width, height = size
    wall, table = (
        mix(palette.light, palette.mid, rng.uniform(0, 0.9)),
        mix(palette.deep, palette.mid, rng.uniform(0, 0.8)),
    )
    if rng.random() < 0.35:
        wall, table = (
            mix(palette.ink, palette.deep, 0.4),
            mix(palette.ink, palette.deep, rng.uniform(0.0, 0.8)),
        )
    side = _pick(rng, (-1.0, 1.0))
    foot = height * rng.uniform(0.66, 0.84)
    line = (foot - height * rng.uniform(0.03, 0.12)) / height
    lit_edge = mix(table, palette.light, 0.15)
    picture = gradient(
        size, [(0, mix(wall, palette.ink, 0.2)), (line, wall), (line + 0.004, lit_edge), (1, table)]
    )
    x, y = _grid(size)
    light = 1.02 - 0.3 * np.abs(x / width - 0.5 - side * 0.35) + 0 * y
    if rng.random() < 0.5:
        pane = np.abs((x + side * y * rng.uniform(0.3, 0.7)) / width - rng.uniform(0.3, 0.7) - side * 0.2)
        bars = np.clip(9 * (0.24 - pane), 0, 1) * np.clip(9 * (pane - 0.012), 0, 1)
        light = light + 0.28 * bars * np.clip((line * 0.96 - y / height) * 12, 0, 1) * np.clip(
            y / height * 9 - 0.6, 0, 1
        )
    picture = _lit(picture, light)
    half, cx = width * rng.uniform(0.25, 0.4), width * rng.uniform(0.4, 0.6)
    if rng.random() < 0.4:
        cx = width * (0.5 - side * 0.14)
        far = (width * (0.5 + side * 0.27), foot - height * 0.02, width * rng.uniform(0.12, 0.18))
        picture, _ = _stand(rng, picture, palette, (*far, far[2] * rng.uniform(1.4, 2.6)), side)
        half *= 0.85
    tall = min(half * rng.uniform(0.9, 2.1), foot - height * 0.12)
    picture, clay = _stand(rng, picture, palette, (cx, foot, half, tall), side)
    hit = (cx + rng.uniform(-0.35, 0.35) * half, foot - tall * rng.uniform(0.4, 0.75))
    lines: list[np.ndarray] = []
    for a in np.linspace(0, 2 * math.pi, int(rng.integers(3, 6)), endpoint=False) + rng.uniform(0, 6):
        lines += _crack(rng, hit, float(a), half * rng.uniform(0.7, 1.5))
    return _gilded(picture, lines, clay, gold)


def _dish_from_above(rng: np.random.Generator, size: Size, palette: Palette, gold: RGB) -> Image.Image:
    """A mended dish seen from above on wood or cloth."""
    width, height = size
    ground = _pick(rng, (palette.deep, palette.ink, palette.mid, mix(palette.light, palette.mid, 0.5)))
    if rng.random() < 0.5:
        base = _lit(_twill(rng, size, ground, rng.uniform(3, 6)), _folds(rng, size, 0.1))
    else:
        base = _two_toned(_figure(rng, size, bool(rng.random() < 0.5)), ground, mix(ground, palette.ink, 0.5))
    x, y = _grid(size)
    r = width * rng.uniform(0.32, 0.56)
    cx, cy = width * rng.uniform(0.32, 0.68), height * rng.uniform(0.35, 0.65)
    d = np.hypot(x - cx, y - cy) / (
        r * (1 + 0.02 * np.sin(np.arctan2(y - cy, x - cx) * 3 + rng.uniform(0, 6)))
    )
    a, well = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 0.75)
    toward = ((x - cx) * math.cos(a) + (y - cy) * math.sin(a)) / r
    step = np.exp(-(((d - well) / 0.05) ** 2))
    shade = 0.95 + np.where(d > well, -0.22, 0.05) * toward - 0.3 * step * (0.5 - toward)
    shade -= 0.35 * np.clip((d - 0.93) * 14, 0, 1)
    away = np.hypot(x - cx + math.cos(a) * r * 0.12, y - cy + math.sin(a) * r * 0.12) / r
    picture = _lit(base, 1 - np.clip(1.22 - away, 0, 0.2) * 3)
    rings = np.clip(np.sin(d * rng.uniform(20, 60)) - 0.6, 0, 1) * rng.uniform(0, 0.8)
    dish = _lit(_blend(_glazed(rng, size, palette), palette.deep, rings), shade)
    dish = _blend(dish, (255, 252, 244), np.exp(-(((d - 0.85) / 0.03) ** 2)) * np.clip(toward, 0, 1) * 0.4)
    body = np.clip((1 - d) * r, 0, 1)
    hit = (cx + rng.uniform(-0.5, 0.5) * r, cy + rng.uniform(-0.5, 0.5) * r)
    lines: list[np.ndarray] = []
    for b in np.linspace(0, 2 * math.pi, int(rng.integers(3, 6)), endpoint=False) + rng.uniform(0, 6):
        lines += _crack(rng, hit, float(b), r * rng.uniform(1.0, 1.7))
    return _gilded(_blend(picture, dish, body), lines, _mask(body), gold)


def cracked_bowl(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A broken pot joined with gold: from the side on its table, or a dish from above."""
    gold = mix(mix(palette.accent, (222, 172, 84), rng.uniform(0.35, 0.8)), palette.light, 0.1)
    draw = _pot_from_side if rng.random() < 0.58 else _dish_from_above
    return vignette(grain(draw(rng, size, palette, gold), rng, 5), 0.35)


# ---------------------------------------------------------------- wood


def _figure(rng: np.random.Generator, size: Size, upright: bool) -> Field:
    """The figure of a sawn board in [0, 1]: long rings about a far pith, bent around knots."""
    width, height = size if upright else size[::-1]
    x, y = _grid((width, height))
    across = (x - width * rng.uniform(-0.3, 1.3)) / width
    along = (y - height * rng.uniform(0.1, 0.9)) / height
    depth = np.sqrt((across * rng.uniform(6, 12)) ** 2 + (along * rng.uniform(0.6, 3)) ** 2 + 0.2)
    depth = depth + (smooth_noise(rng, (width, height), 110) - 0.5) * 0.9
    for _ in range(int(rng.integers(0, 3))):
        kx, ky, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(6, 13)
        depth = depth + 3.2 * np.exp(-0.8 * np.hypot((x - kx) / r, (y - ky) / (r * 1.8)))
    rings = _part(depth * rng.uniform(1.6, 3.0))
    fibre = smooth_noise(rng, (width, height // 10 + 2), 2).repeat(10, axis=0)[:height]
    figure = rings * rings * 0.55 + fibre * 0.4 * (0.4 + rings)
    return np.asarray(figure if upright else figure.T, np.float32)


def _log_end(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """The sawn end of a trunk: its years, its checks, its bark."""
    width, height = size
    x, y = _grid(size)
    cx, cy, r = (
        width * rng.uniform(0.3, 0.7),
        height * rng.uniform(0.35, 0.65),
        width * rng.uniform(0.42, 0.8),
    )
    angle = np.arctan2(y - cy, x - cx)
    uneven = 1 + 0.05 * np.sin(angle * 2 + rng.uniform(0, 6)) + 0.03 * np.sin(angle * 5 + rng.uniform(0, 6))
    d = np.hypot(x - cx, y - cy) / (r * uneven) + smooth_noise(rng, size, 40) * 0.05
    ring = _part(d * rng.uniform(16, 34))
    pale, dark = (
        mix(palette.light, palette.mid, rng.uniform(0.2, 0.6)),
        mix(palette.deep, palette.accent, rng.uniform(0, 0.5)),
    )
    figure = ring * ring * 0.55 + 0.4 * np.clip(0.55 - d, 0, 1) + 0.14 * smooth_noise(rng, size, 3)
    wood = _two_toned(figure, pale, dark)
    wander = (smooth_noise(rng, size, 30) - 0.5) * 0.14 * r
    for a in rng.uniform(-np.pi, np.pi, int(rng.integers(2, 6))).tolist():
        aside, ahead = (
            (y - cy) * math.cos(a) - (x - cx) * math.sin(a),
            (x - cx) * math.cos(a) + (y - cy) * math.sin(a),
        )
        opened = np.clip((ahead / r - rng.uniform(0.0, 0.5)) * 6, 0, 0.85)
        wood = _blend(wood, palette.ink, np.clip(1 - np.abs(aside + wander) / 2.2, 0, 1) * opened)
    rough = _two_toned(smooth_noise(rng, size, 9), palette.ink, mix(palette.deep, palette.ink, 0.35))
    wood = _blend(wood, rough, (d - 0.95) * 30)
    behind = Image.new("RGB", size, mix(palette.deep, palette.mid, rng.uniform(0.0, 1)))
    behind = _lit(behind, 0.5 + 0.5 * np.clip(d * 2 - 2, 0, 1))
    return _blend(wood, behind, (d - 1.09) * 40)


def _parquet(rng: np.random.Generator, size: Size) -> tuple[Field, Field]:
    """A floor laid in herringbone: the figure of its blocks, and how deep in a joint each pixel is."""
    x, y = _grid(size)
    w = size[0] / rng.uniform(4, 7)
    u, v = (x + y) / w, (y - x) / w
    fu, fv = np.floor(u), np.floor(v)
    flip = (fu - fv) % 4 < 2
    across, along = np.where(flip, v, u), np.where(flip, u, v)
    block = np.where(flip, fv * 7 + np.floor((fu - fv) / 4) * 13, fu * 5 + np.floor((fu - fv) / 4) * 11 + 31)
    tint = rng.random(256, np.float32)[block.astype(int) % 256]
    grainy = np.sin(across * 19 + tint * 40 + np.sin(along * 1.7 + tint * 9) * 1.6) * 0.13
    fine = np.sin(across * 71 + tint * 90 + np.sin(along * 2.3) * 2) * 0.06
    edge = np.abs(_part(across + 0.5) - 0.5) * w / 1.4
    return 0.12 + tint * 0.55 + grainy + fine, np.clip(1.5 - edge, 0, 1)


def wood_grain(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Wood: a wide board, planks side by side, a log's sawn end, a floor laid in herringbone."""
    width, height = size
    kind = _pick(rng, ("board", "planks", "planks", "log", "log", "floor"))
    if kind == "log":
        return vignette(grain(_log_end(rng, size, palette), rng, 5), 0.3)
    warm = mix(palette.mid, palette.accent, 0.35)
    pairs = [
        (palette.light, palette.deep),
        (palette.mid, palette.deep),
        (palette.deep, palette.ink),
        (warm, palette.ink),
    ]
    pale, dark = _pick(rng, pairs)
    upright = bool(rng.random() < 0.6)
    x, y = _grid(size)
    joint: Field = np.zeros((height, width), np.float32)
    if kind == "floor":
        figure, joint = _parquet(rng, size)
    else:
        figure = _figure(rng, size, upright)
    if kind == "planks":
        wide = (width if upright else height) / int(rng.integers(2, 6))
        at = (x + 0 * y if upright else y + 0 * x) / wide + rng.random()
        plank = np.floor(at).astype(int)
        figure = np.where(plank % 2 == 0, figure, figure[::-1, ::-1]) + rng.uniform(-0.15, 0.25, 16)[plank]
        joint = np.clip(1.6 - np.abs(_part(at + 0.5) - 0.5) * wide, 0, 1)
    sheet = _blend(_two_toned(figure, pale, dark), mix(palette.ink, (0, 0, 0), 0.4), joint * 0.85)
    a = rng.uniform(0, 2 * math.pi)
    slope = (x * math.cos(a) + y * math.sin(a)) / width
    light = 1.04 + 0.24 * np.sin(slope * rng.uniform(1.2, 3.2) + rng.uniform(0, 6))
    if rng.random() < 0.4:
        bars = np.sin((x + y * rng.uniform(-0.8, 0.8)) / width * rng.uniform(7, 14) + rng.uniform(0, 6))
        light = light * (0.78 + 0.34 * np.clip(bars * 3 + 0.4, 0, 1))
    return vignette(grain(_lit(sheet, light), rng, 4), 0.3)


# ---------------------------------------------------------------- gladness


def _scrap_shapes() -> np.ndarray:
    """The outlines of paper bits, 8 points each: oblongs, a disc, a curl."""
    oblong = [(-1, -0.5), (0, -0.5), (1, -0.5), (1, 0), (1, 0.5), (0, 0.5), (-1, 0.5), (-1, 0)]
    t = np.arange(8) * math.pi / 4
    disc = np.stack([np.cos(t), np.sin(t)], axis=1) * 0.7
    curl = [(-1.2, 0), (-0.4, 0.5), (0.4, -0.4), (1.2, 0.1), (1.2, 0.5), (0.4, 0), (-0.4, 0.9), (-1.2, 0.4)]
    return np.array([oblong, oblong, disc, curl])


def _scraps(rng: np.random.Generator, spots: np.ndarray, r: float) -> np.ndarray:
    """Bits of paper at ``spots``, each turned its own way: outlines of shape (n, 8, 2)."""
    count = len(spots)
    shapes = _scrap_shapes()[rng.integers(0, 4, count)]
    shapes[:, :, 1] *= rng.uniform(0.25, 1.0, (count, 1))
    a = rng.uniform(0, 2 * math.pi, count)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]).transpose(2, 0, 1)
    return np.asarray(spots[:, None] + shapes @ turn * (r * rng.uniform(0.7, 1.4, (count, 1, 1))))


def _streamer(rng: np.random.Generator, size: Size) -> np.ndarray:
    """The line of a paper streamer: a coil drawn out along a falling arc."""
    t = np.linspace(0, 1, 140)
    x0, x1 = rng.uniform(-0.1, 1.1, 2) * size[0]
    y0, y1 = rng.uniform(-0.3, 0.2) * size[1], rng.uniform(0.5, 1.2) * size[1]
    r, turns = rng.uniform(8, 20), rng.uniform(5, 12)
    x = x0 + (x1 - x0) * t + np.cos(t * turns * 2 * np.pi) * r
    y = y0 + (y1 - y0) * t**1.4 + np.sin(t * turns * 2 * np.pi) * r * 0.8
    return np.stack([x, y], axis=1)


def _scatter(rng: np.random.Generator, size: Size, kind: str, count: int) -> np.ndarray:
    """Where paper is: thrown up in a fan, lying thickest below, or falling anywhere."""
    width, height = size
    if kind == "burst":
        a = rng.normal(-math.pi / 2, 0.7, count)
        source = np.array([rng.uniform(0.3, 0.7) * width, rng.uniform(0.75, 1.05) * height])
        return np.asarray(
            source + np.stack([np.cos(a), np.sin(a)], 1) * (rng.random(count) ** 0.6 * height)[:, None]
        )
    power = {"floor": 0.8, "streamers": 1.0}.get(kind, rng.uniform(0.6, 1.6))
    return np.asarray(rng.random((count, 2)) ** np.array([1, power]) * np.array(size))


def confetti(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Paper in the air or on the floor: near bits soft and large, streamers, a light behind."""
    width, height = size
    colours = [
        palette.accent,
        palette.accent,
        palette.light,
        palette.mid,
        mix(palette.accent, palette.light, 0.5),
    ]
    colours += [mix(palette.mid, palette.accent, 0.5), palette.deep]
    ground = _pick(
        rng, (palette.light, palette.ink, palette.deep, palette.mid, mix(palette.ink, palette.deep, 0.5))
    )
    colours = [c for c in colours if c != ground]
    kind = _pick(rng, ("fall", "burst", "floor", "streamers"))
    ends = mix(ground, palette.accent, rng.uniform(0, 0.4)), mix(ground, palette.deep, rng.uniform(0, 0.4))
    base = gradient(size, [(0, ends[0]), (1, ends[1])])
    x, y = _grid(size)
    lx, ly = rng.uniform(0.1, 0.9) * width, rng.uniform(-0.1, 0.5) * height
    base = _lit(base, 0.8 + 0.5 * np.exp(-3 / width**2 * ((x - lx) ** 2 + (y - ly) ** 2)))
    dense = rng.uniform(0.6, 1.5)
    layers = [
        (_scraps(rng, _scatter(rng, size, kind, int(n * dense)), r), far)
        for n, r, far in ((170, 4, 0.4), (95, 7, 0))
    ]
    ribbons = [
        _streamer(rng, size) for _ in range({"streamers": int(rng.integers(3, 6)), "fall": 1}.get(kind, 0))
    ]
    shade = mix(ground, (0, 0, 0), 0.4)

    def scattered(draw: Draw, k: int) -> None:
        for shapes, far in layers:
            for shape in shapes:
                if kind == "floor":
                    draw.polygon(_flat(shape + 2, k), fill=shade)
                draw.polygon(_flat(shape, k), fill=mix(_pick(rng, colours), ground, far))
        for line in ribbons:
            tone = _pick(rng, colours)
            for shift, colour, wide in (
                (2.0, shade, 4),
                (0.0, mix(tone, (0, 0, 0), 0.25), 4),
                (-0.8, tone, 2),
            ):
                draw.line(_flat(line + shift, k), colour, wide * k, joint="curve")

    base = antialiased(base, scattered)
    if kind != "floor":
        # What flies nearest the eye is out of focus, and may as well be drawn small.
        near = Image.new("RGBA", (width // 4, height // 4))
        pen = ImageDraw.Draw(near)
        for shape in _scraps(
            rng, _scatter(rng, size, "fall", int(rng.integers(4, 12))) / 4, rng.uniform(4, 6)
        ):
            pen.polygon(_flat(shape, 1), fill=(*_pick(rng, colours), 235))
        near = near.filter(ImageFilter.GaussianBlur(1)).resize(size, Image.Resampling.BICUBIC)
        base.paste(near, (0, 0), near)
    return vignette(grain(base, rng, 5), 0.3)


def _curtain(rng: np.random.Generator, size: Size, colour: RGB) -> Image.Image:
    """A heavy curtain's folds."""
    x, y = _grid(size)
    wave = x / size[0] * rng.uniform(18, 48) + smooth_noise(rng, size, 130) * 1.2 + rng.uniform(0, 6)
    return _lit(Image.new("RGB", size, colour), 0.55 + 0.5 * np.abs(np.sin(wave + 0 * y)))


def _tiles(u: Field, v: Field, sharp: Field | float) -> Field:
    """A chessboard over the plane (u, v), 0 or 1, a tile being ``sharp`` pixels wide."""
    du = (np.abs(_part(u / 2) * 2 - 1) - 0.5) * sharp
    dv = (np.abs(_part(v / 2) * 2 - 1) - 0.5) * sharp
    return np.asarray(0.5 + 2 * np.clip(du, -0.5, 0.5) * np.clip(dv, -0.5, 0.5), np.float32)


def checker_floor(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A chequered floor: running to a curtain or a wall with an arch, warped, or straight from above."""
    width, height = size
    x, y = _grid(size)
    pairs = [
        (palette.light, palette.ink),
        (palette.light, palette.accent),
        (palette.accent, palette.ink),
        (palette.light, palette.deep),
        (palette.mid, palette.ink),
    ]
    one, two = _pick(rng, pairs)
    a = _pick(rng, (0.0, math.pi / 4, rng.uniform(-0.5, 0.5)))
    kind = _pick(rng, ("room", "room", "room", "warped", "above"))
    if kind == "room":
        return _checker_room(rng, size, palette, (one, two), a)
    tile = width / rng.uniform(3.5, 8)
    px, py = x + 0 * y - width / 2, y + 0 * x - height / 2
    if kind == "warped":
        cx, cy = rng.uniform(-0.25, 0.25, 2) * (width, height)
        d = np.hypot(px - cx, py - cy) / width
        swell = 1 + rng.uniform(-0.55, 1.6) * np.exp(-d * d * rng.uniform(4, 12))
        px, py = cx + (px - cx) / swell, cy + (py - cy) / swell
        px = px + np.sin(py / height * rng.uniform(3, 9) + rng.uniform(0, 6)) * width * rng.uniform(0.02, 0.1)
    u, v = (px * math.cos(a) + py * math.sin(a)) / tile, (py * math.cos(a) - px * math.sin(a)) / tile
    floor = _two_toned(_tiles(u, v, tile), one, two)
    light = _folds(rng, size, 0.16) * (0.9 + 0.2 * smooth_noise(rng, size, 60))
    if kind == "above":
        lean, busy = rng.uniform(-1, 1), rng.uniform(4, 8)
        panes = np.sin((x + lean * y) / width * busy + rng.uniform(0, 6)) * np.sin(
            (y - lean * x * 0.3) / width * busy
        )
        light = light * (0.7 + 0.45 * np.clip(panes * 6 + 0.3, 0, 1))
    return vignette(grain(_lit(floor, light), rng, 5), 0.35)


def _back_wall(rng: np.random.Generator, size: Size, palette: Palette, start: float) -> Image.Image:
    """What closes a room above ``start``: a curtain, a wall with an arch, or a dusk with its moon."""
    width, height = size
    x, y = _grid(size)
    tone = _pick(rng, (palette.deep, palette.accent, palette.mid, palette.deep))
    back = _pick(rng, ("curtain", "curtain", "arch", "dusk"))
    if back == "curtain":
        return _curtain(rng, size, tone)
    glow = mix(palette.accent, palette.light, 0.45)
    if back == "dusk":
        sky = gradient(size, [(0, palette.deep), (start / height, glow), (1, palette.light)])
        moon = np.hypot(x - width * rng.uniform(0.2, 0.8), y - start * rng.uniform(0.3, 0.9))
        return _blend(sky, palette.light, width * rng.uniform(0.08, 0.2) - moon)
    wall = gradient(size, [(0, mix(tone, (255, 255, 255), 0.06)), (1, mix(tone, (0, 0, 0), 0.4))])
    cx, r = width * rng.uniform(0.25, 0.75), width * rng.uniform(0.13, 0.24)
    spring = start * rng.uniform(0.4, 0.6)
    hole = np.where(y > spring, r - np.abs(x - cx), r - np.hypot(x - cx, y - spring))
    return _blend(wall, gradient(size, [(0, palette.light), (0.6, glow), (1, glow)]), hole)


def _checker_room(
    rng: np.random.Generator, size: Size, palette: Palette, pair: tuple[RGB, RGB], turn: float
) -> Image.Image:
    """The floor in perspective, glossy towards the wall behind it; sometimes balls upon it."""
    width, height = size
    x, y = _grid(size)
    horizon = height * rng.uniform(0.25, 0.6)
    start = horizon + height * rng.uniform(0.03, 0.1)
    depth = height * rng.uniform(0.5, 1.1) / np.maximum(y - horizon, 2)
    across = (x - width * rng.uniform(0.25, 0.75)) / width * depth * 2
    tiles = rng.uniform(1.2, 2.8)
    u, v = (
        across * math.cos(turn) + depth * math.sin(turn) * 2,
        depth * 2 * math.cos(turn) - across * math.sin(turn),
    )
    sharp = np.clip((y - horizon) ** 2 / height * 0.5 / tiles, 0.2, 60)
    floor = _two_toned(_tiles(u * tiles, v * tiles, sharp), *pair)
    wall = _back_wall(rng, size, palette, start)
    mirror = Image.fromarray(np.asarray(wall)[np.clip((2 * start - y[:, 0]).astype(int), 0, height - 1)])
    floor = _blend(
        floor, mirror, np.clip(1 - (y - start) / height * 2.2, 0, 1) * rng.uniform(0.15, 0.5) + 0 * x
    )
    lx, ly = width * rng.uniform(0.2, 0.8), height * rng.uniform(0.6, 0.95)
    floor = _lit(floor, 0.66 + 0.5 * np.exp(-(((x - lx) / width * 1.6) ** 2) - ((y - ly) / height * 2) ** 2))
    picture = _blend(wall, floor, y - start + 0 * x)
    picture = _lit(picture, 1 - 0.35 * np.exp(-np.abs(y - start) / 9) + 0 * x)
    for _ in range(int(rng.integers(0, 4))):
        r = width * rng.uniform(0.05, 0.15)
        bx, by = width * rng.uniform(0.12, 0.88), start + (height - start) * rng.uniform(0.25, 0.8)
        cast = np.clip(1.2 - np.hypot((x - bx - r * 0.6) / (r * 1.5), (y - by) / (r * 0.35)), 0, 1)
        ball = Image.new("RGB", size, _pick(rng, _tones(palette)))
        ball = _lit(ball, np.clip(1.25 - 0.75 / r * np.hypot(x - bx + r * 0.4, y - by + r * 1.4), 0.25, 1.25))
        picture = _blend(_lit(picture, 1 - 0.6 * cast), ball, r - np.hypot(x - bx, y - by + r))
    return vignette(grain(picture, rng, 5), 0.4)


def _regions(rng: np.random.Generator, size: Size) -> list[Field]:
    """Where each next cloth lies over those before: signed pixels from its edge."""
    width, height = size
    x, y = _grid(size)
    kind = _pick(rng, ("bands", "waves", "discs", "scraps", "petals"))
    found: list[Field] = []
    if kind in ("bands", "waves"):
        a = rng.uniform(0, math.pi)
        along = (x - width / 2) * math.cos(a) + (y - height / 2) * math.sin(a)
        across = (y - height / 2) * math.cos(a) - (x - width / 2) * math.sin(a)
        span = (abs(math.cos(a)) * width + abs(math.sin(a)) * height) / 2
        for cut in np.linspace(-span, span, int(rng.integers(4, 7)))[1:-1].tolist():
            wave = (
                np.sin(across / width * rng.uniform(2, 9) + rng.uniform(0, 6))
                * width
                * (0.08 if kind == "waves" else 0)
            )
            found.append(along - cut + rng.uniform(-15, 15) + wave)
    elif kind == "discs":
        for r in np.linspace(0.62, 0.16, int(rng.integers(4, 7))).tolist():
            cx, cy = width * rng.uniform(0.1, 0.9), height * rng.uniform(0.1, 0.9)
            found.append(r * width * rng.uniform(0.7, 1.1) - np.hypot(x - cx, y - cy))
    elif kind == "petals":
        cx, cy, n = (
            width * rng.uniform(0.35, 0.65),
            height * rng.uniform(0.35, 0.65),
            int(rng.integers(5, 10)),
        )
        turn = np.arctan2(y - cy, x - cx)
        for r in np.linspace(0.72, 0.14, int(rng.integers(4, 6))).tolist():
            found.append(
                r * width * (1 + 0.22 * np.cos(n * turn + rng.uniform(0, 6))) - np.hypot(x - cx, y - cy)
            )
    else:
        for _ in range(int(rng.integers(4, 7))):
            a, cx, cy = rng.uniform(-0.6, 0.6), width * rng.uniform(0.1, 0.9), height * rng.uniform(0.1, 0.9)
            u, v = (
                (x - cx) * math.cos(a) + (y - cy) * math.sin(a),
                (y - cy) * math.cos(a) - (x - cx) * math.sin(a),
            )
            found.append(
                np.minimum(
                    width * rng.uniform(0.2, 0.4) - np.abs(u), height * rng.uniform(0.12, 0.3) - np.abs(v)
                )
            )
    return found


def pattern_clash(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Loud printed cloths over one another, each throwing a shadow, none giving way."""
    tones = [
        *_tones(palette),
        mix(palette.accent, palette.light, 0.55),
        mix(palette.mid, palette.accent, 0.5),
    ]

    def printed() -> Image.Image:
        first, second = rng.choice(len(tones), 2, replace=False).tolist()
        return _two_toned(
            _print(rng, size, _pick(rng, _PRINTS), rng.uniform(14, 42)), tones[first], tones[second]
        )

    sheet = printed()
    for inside in _regions(rng, size):
        sheet = _blend(sheet, (10, 8, 12), np.clip(1 + inside / 11, 0, 1) ** 2 * 0.5)
        sheet = _blend(sheet, printed(), inside + 0.5)
    return vignette(grain(_lit(sheet, _folds(rng, size, rng.uniform(0.06, 0.16))), rng, 5), 0.2)


def _party_ground(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Where bunting hangs: a sky with clouds, a dusk over roofs, a garden, a painted wall."""
    width, height = size
    kind = _pick(rng, ("sky", "roofs", "roofs", "garden", "wall"))
    if kind == "wall":
        tone = _pick(rng, (palette.mid, palette.deep, mix(palette.light, palette.mid, 0.3), palette.accent))
        x, y = _grid(size)
        bricks = np.abs(((x / 34 + np.floor(y / 15) % 2 * 0.5) % 1) - 0.5) > 0.47
        joints = (bricks | (y % 15 < 1.5)) * (0.1 if rng.random() < 0.6 else 0.0)
        return _lit(
            Image.new("RGB", size, tone), _folds(rng, size, 0.06) + 0.07 * smooth_noise(rng, size, 5) - joints
        )
    stops = [palette.mid, mix(palette.mid, palette.light, 0.5), palette.light]
    if rng.random() < 0.45:
        stops = [palette.ink, palette.deep, mix(palette.accent, palette.mid, 0.5)]
    base = gradient(size, list(zip((0.0, 0.5, 1.0), stops, strict=True)))
    puffs = (
        smooth_noise(rng, size, 90) * 0.55
        + smooth_noise(rng, size, 36) * 0.3
        + smooth_noise(rng, size, 12) * 0.15
    )
    base = _blend(
        base, mix(stops[2], palette.light, 0.7), np.clip((puffs - 0.45) * 2.4, 0, 0.5) * rng.uniform(0.2, 1)
    )
    if kind == "sky":
        return base
    foot = height * rng.uniform(0.68, 0.85)

    def below(draw: Draw, k: int) -> None:
        for row in range(3):
            tone = mix(mix(stops[1], palette.deep, 0.5), palette.ink, 0.15 + 0.3 * row)
            x, y = -20.0, foot + row * height * 0.06
            while x < width:
                w, h = rng.uniform(0.1, 0.24) * width, rng.uniform(0.02, 0.12) * height
                if kind == "roofs":
                    roof = [
                        (x, height),
                        (x, y - h * 0.5),
                        (x + w / 2, y - h * 0.5 - w * 0.3),
                        (x + w, y - h * 0.5),
                    ]
                    draw.polygon(_flat(np.array([*roof, (x + w, height)]), k), fill=tone)
                    if rng.random() < 0.6:
                        pane = np.array([x + w * 0.4, y + 2, x + w * 0.6, y + 13])
                        draw.rectangle(_flat(pane, k), fill=mix(palette.accent, palette.light, 0.5))
                else:
                    crown = np.array([x - w * 0.5, y - h * 0.7, x + w * 1.5, height * 1.4])
                    draw.ellipse(_flat(crown, k), fill=tone)
                x += w

    return antialiased(base, below)


def _flag(rng: np.random.Generator, kind: str, top: np.ndarray, wide: float, lean: float) -> np.ndarray:
    """One flag's outline hanging from the cord between two points of ``top``."""
    a, b = top
    down = np.array([lean, 1.0]) * wide * rng.uniform(1.2, 1.4)
    if kind == "square":
        return np.array([a, b, b + down, a + down])
    if kind == "swallow":
        return np.array([a, b, b + down, (a + b) / 2 + down * 0.7, a + down])
    if kind == "scallop":
        t = np.linspace(0, np.pi, 12)
        round_end = (
            (a + b) / 2 + down * 0.6 + np.stack([np.cos(t) * wide / 2, np.sin(t) * wide * 0.5], axis=1)
        )
        return np.concatenate([[a, b], round_end])
    return np.array([a, b, (a + b) / 2 + down])


@dataclass(frozen=True)
class _String:
    """One hung string: its cord, what hangs from it, how wide, how blown by the wind, how far off."""

    cord: np.ndarray
    kind: str
    wide: float
    lean: float
    far: float


def _strings(rng: np.random.Generator, size: Size) -> list[_String]:
    """Strings across the picture, the far ones first: from side to side, or all from one knot."""
    width, height = size
    count = int(rng.integers(3, 6))
    fan = rng.random() < 0.35
    knot = np.array(
        [_pick(rng, (-0.05, 1.05, rng.uniform(0.3, 0.7))) * width, height * rng.uniform(-0.05, 0.12)]
    )
    found: list[_String] = []
    t = np.linspace(0, 1, 90)[:, None]
    for i in range(count):
        near = (i + 0.5) / count
        heights = height * (0.01 + 0.62 * (i + rng.random(2)) / count)
        a, b = np.array([-10.0, heights[0]]), np.array([width + 10.0, heights[1]])
        if fan:
            over = width * 1.08 if (i % 2 == 0) == (knot[0] < width * 0.7) else -width * 0.08
            a, b = knot, np.array([over, height * (0.12 + 0.5 * near)])
        sag = height * rng.uniform(0.03, 0.13)
        cord = a + (b - a) * t + np.array([0, sag]) * 4 * t * (1 - t)
        kind = _pick(rng, ("triangle", "triangle", "square", "swallow", "scallop", "lamps"))
        wide = width * rng.uniform(0.07, 0.1) * (0.6 + 0.7 * near)
        found.append(_String(cord, kind, wide, rng.uniform(-0.25, 0.25), 0.3 * (1 - near)))
    return found


def bunting(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Strings of flags, lamps or paper across a sky, a street or a wall, moving a little."""
    base = _party_ground(rng, size, palette)
    air = base.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(air, tuple)
    haze: RGB = (int(air[0]), int(air[1]), int(air[2]))
    tones = [
        palette.accent,
        palette.light,
        mix(palette.accent, palette.light, 0.5),
        palette.deep,
        palette.mid,
        palette.ink,
    ]
    chosen = [tones[i] for i in rng.permutation(len(tones))[: rng.integers(2, 5)]] + [palette.accent]
    strings = _strings(rng, size)
    lamps: list[np.ndarray] = []

    def hung(draw: Draw, k: int) -> None:
        for string in strings:
            cord, wide = string.cord, string.wide
            long = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(cord, axis=0).T))])
            pitch = wide * (1.7 if string.kind == "lamps" else 1.16)
            for n, s in enumerate(np.arange(wide * 0.3, long[-1] - wide, pitch).tolist()):
                top = np.stack([np.interp((s, s + wide), long, cord[:, c]) for c in (0, 1)], axis=1)
                tone = mix(chosen[n % len(chosen)], haze, string.far)
                if string.kind == "lamps":
                    at = top.mean(axis=0) + np.array([0, wide * 0.3])
                    lamps.append(at)
                    bulb = np.concatenate([at - wide * 0.22, at + wide * 0.22])
                    draw.ellipse(_flat(bulb, k), fill=mix(palette.light, palette.accent, 0.2))
                    continue
                flag = _flag(rng, string.kind, top, wide, string.lean + rng.normal(0, 0.1))
                draw.polygon(_flat(flag, k), fill=tone)
                fold = flag[0] + (flag[1] - flag[0]) * rng.uniform(0.25, 0.5)
                half = np.stack([flag[0], fold, flag[2:].mean(axis=0), flag[-1]])
                draw.polygon(_flat(half, k), fill=mix(tone, palette.ink, 0.16))
                draw.line(_flat(flag[:2], k), fill=mix(tone, palette.light, 0.6), width=2 * k)
            draw.line(_flat(cord, k), fill=mix(palette.light, haze, 0.4), width=round(1.3 * k))

    base = antialiased(base, hung)
    if lamps:
        halo = Image.new("L", size)
        pen = ImageDraw.Draw(halo)
        for at in lamps:
            pen.ellipse((at[0] - 13, at[1] - 13, at[0] + 13, at[1] + 13), fill=190)
        base = _blend(base, mix(palette.light, palette.accent, 0.35), _array(_blurred(halo, 14)) / 255)
    return vignette(grain(base, rng, 5), 0.25)
