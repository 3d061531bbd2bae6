"""The hush of a church: arches, rose windows, icons on gold leaf, candles.

Belongs here: old stone, and what is looked at inside it. The candles of a desk or a table are in ``things``.
"""

from itertools import pairwise
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from demo_generator.pictures.architecture import (
    arch,
    bokeh,
    person,
    quarter_grid,
    ridge_line,
    weathered,
)
from demo_generator.pictures.canvas import (
    RGB,
    Palette,
    Point,
    Rng,
    Size,
    Tones,
    gradient,
    halved,
    mix,
    one_of,
    smooth_noise,
)
from demo_generator.pictures.light import (
    blended,
    bloomed,
    blurred,
    brightened,
    finished_by_night,
    screened,
    shaded,
    stencil,
)
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.perspective import Plane
from demo_generator.pictures.shapes import polar, tapered

# Halos need some real gold in them, or a palette with a blue accent gives no icon.
_GOLD: RGB = (206, 164, 78)


def _arches_nested(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Arch behind arch, each paler, to a bright end."""
    w, h = size
    count = int(rng.integers(4, 8))
    point = one_of(rng, (1.0, 1.0, 1.35, 1.7))
    shrink = rng.uniform(0.66, 0.8)
    ex, ey = w * rng.uniform(0.3, 0.7), h * rng.uniform(0.55, 0.7)
    half, foot, spring = w * rng.uniform(0.4, 0.52), h * 1.02 - ey, h * rng.uniform(0.12, 0.26)
    lit_left = rng.random() < 0.5
    near, far = mix(palette.ink, palette.deep, 0.25), mix(palette.light, palette.mid, 0.1)
    stops = [(0, mix(palette.mid, palette.light, 0.4)), (ey / h, palette.light), (1, palette.mid)]
    light = gradient(size, stops)

    def outline(scale: float, shift: float) -> list[Point]:
        cx = ex + (w / 2 - ex) * scale + shift
        return arch(cx - half * scale, cx + half * scale, ey - spring * scale, ey + foot * scale, point)

    pen = Pen.over(light)
    pen.box((-1, -1, w, h), near)
    for index in range(count):
        share, scale = (index + 1) / count, shrink**index
        reveal = mix(near, far, min(1, share * 0.8 + 0.28))
        pen.shape(outline(scale, 0), reveal if index % 2 == 0 else mix(reveal, palette.mid, 0.3))
        side = (1 if lit_left else -1) * half * scale * 0.14
        inner = [(x, y) for x, y in outline(scale * 0.97, side)]
        wall = mix(near, far, share) if index < count - 1 else palette.light
        pen.shape(inner, mix(wall, palette.deep, 0.18 * (1 - share)))
        ahead = ey + foot * scale * shrink
        sill = [(ex + (corner[0] - ex) * shrink, ahead) for corner in (inner[-1], inner[0])]
        pen.shape([inner[0], inner[-1], *sill], mix(wall, far, 0.35))
    last = ey + foot * shrink ** (count - 1) * 0.9
    if rng.random() < 0.65:
        tall = max(h * 0.05, (spring + foot) * shrink ** (count - 1) * 0.45)
        at = ex + w * rng.uniform(-0.02, 0.02)
        person(pen, at, last, tall, mix(palette.ink, palette.accent, rng.choice((0.0, 0.8))))
    return pen.drawn()


def _arches_row(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """An arcade face on: the sky and a far land through it, its light lying over the floor."""
    w, h = size
    count, point = int(rng.integers(1, 5)), one_of(rng, (1.0, 1.0, 1.4))
    floor, top = h * rng.uniform(0.68, 0.84), h * rng.uniform(0.08, 0.2)
    pitch = w * rng.uniform(0.85, 1.15) / count
    first, pier = w * rng.uniform(-0.1, 0.1), pitch * rng.uniform(0.12, 0.22)
    low = mix(palette.light, palette.accent, rng.uniform(0, 0.25))
    sky = gradient(size, [(0, palette.mid), (floor / h, low), (1, palette.mid)])
    wall, slant = mix(palette.deep, palette.mid, rng.uniform(0.0, 0.5)), w * rng.uniform(-0.5, 0.5)
    piers = [first + index * pitch for index in range(-1, count + 2)]
    holes = [(left + pier, right - pier) for left, right in pairwise(piers)]
    spring = top + (holes[0][1] - holes[0][0]) / 2 * point + h * 0.03
    spring = min(spring, floor - h * 0.2)
    pen = Pen.over(sky)
    disc = w * rng.uniform(0.05, 0.11)
    x, y = w * rng.uniform(0.2, 0.8), floor - h * rng.uniform(0.1, 0.35)
    pen.disc(x, y, disc, mix(palette.accent, palette.light, 0.2))
    for index in range(2):
        tone = mix(palette.light, palette.mid, 0.6 + 0.4 * index)
        pen.shape(ridge_line(rng, size, floor - h * (0.1 - 0.06 * index), h * 0.02), tone)
    image = pen.drawn()
    pen = Pen.mask(size)
    pen.box((0, 0, w, h), 255)
    for left, right in holes:
        pen.shape(arch(left, right, spring, floor, point), 0)
    image.paste(Image.new("RGB", size, wall), (0, 0), pen.drawn())
    pen = Pen.over(image)
    pen.box((-1, floor, w, h), mix(wall, palette.ink, 0.35))
    for left, right in holes:
        outline = arch(left, right, spring, floor, point)
        thick = pier * 0.5 * (1 if slant > 0 else -1)
        reveal = [corner for corner in outline if (corner[0] < (left + right) / 2) == (slant > 0)]
        pen.shape(reveal + [(x + thick, y) for x, y in reveal[::-1]], mix(wall, palette.ink, 0.45))
        cast = [(x + slant * (floor - y) / h * 1.1, floor + (floor - y) * 0.55) for x, y in outline]
        pen.shape(cast, mix(palette.light, palette.mid, 0.3))
    if rng.random() < 0.5:
        person(pen, w * rng.uniform(0.2, 0.8), floor + h * 0.04, h * rng.uniform(0.09, 0.14), palette.ink)
    return pen.drawn()


def _arches_aisle(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A cloister walk along its arcade, the light of the arches fallen across the flags."""
    w, h = size
    count, point = int(rng.integers(4, 7)), one_of(rng, (1.0, 1.4))
    ex, ey, end = w * rng.uniform(0.62, 0.76), h * rng.uniform(0.46, 0.58), rng.uniform(0.1, 0.2)
    flip = rng.random() < 0.5

    def corner(x: float, y: float) -> Point:
        return ex + (x - ex) * end, ey + (y - ey) * end

    tl = (-w * 0.25, -h * 0.12)
    tr = (w * 1.25, -h * 0.12)
    br = (w * 1.25, h * 1.12)
    bl = (-w * 0.25, h * 1.12)
    far = [corner(*near) for near in (tl, tr, br, bl)]
    arcade, blank = Plane(tl, far[0], far[3], bl), Plane(far[1], tr, br, far[2])
    floor = Plane(bl, far[3], far[2], br)
    outside = mix(palette.light, palette.accent, rng.uniform(0, 0.2))
    stone = mix(palette.deep, palette.mid, 0.35)
    pen = Pen.over(Image.new("RGB", size, palette.light))
    pen.shape([tl, far[0], far[1], tr], mix(stone, palette.ink, 0.55))
    pen.shape(floor.box(0, 0, 1, 1), mix(stone, palette.ink, 0.4))
    pen.shape(blank.box(0, 0, 1, 1), mix(stone, palette.ink, 0.2))
    pen.shape(arcade.box(0, 0, 1, 1), mix(stone, palette.ink, 0.3))
    pen.shape(far, mix(stone, palette.light, 0.25))
    end_arch = arch(far[0][0], far[1][0], ey, far[2][1], point)
    pen.shape([(ex + (x - ex) * 0.7, ey + (y - ey) * 0.7 + h * 0.02) for x, y in end_arch], outside)
    for index in range(count):
        u0, u1 = (index + 0.12) / count, (index + 0.82) / count
        half = (u1 - u0) / 2
        curve = arch(u0, u1, 0.42, 0.42, point)
        head = [(across, 0.42 + (down - 0.42) * 0.2 / half / point) for across, down in curve]
        shape = [(u0, 0.97), *head[1:-1], (u1, 0.97)]
        reveal = [(across + 0.05 / count, down) for across, down in shape]
        pen.shape(arcade.seen(reveal), mix(stone, palette.light, 0.35))
        pen.shape(arcade.seen(shape), outside)
        patch = [(across + 0.14 * (0.97 - down), 0.08 + (0.97 - down) * 1.0) for across, down in shape]
        pen.shape(floor.seen(patch), mix(outside, stone, 0.25))
    if rng.random() < 0.5:
        x, y = floor.at(rng.uniform(0.6, 0.8), 0.6)
        person(pen, x, y, (y - ey) * 0.95, palette.ink)
    image = pen.drawn()
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image


def arches(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Arches in stone and light: one behind the other, in a row, or along a cloister walk."""
    view = one_of(rng, (_arches_nested, _arches_row, _arches_aisle))
    image = weathered(view(rng, size, palette), rng, 0.14)
    return finished_by_night(bloomed(image, 170, 0.7, 26), rng, 0.35, 3.5)


def _petal(angle: float, inner: float, outer: float, wide: float, bulge: float) -> list[Point]:
    """One lobe of a rose window along ``angle``; ``bulge`` moves its widest place outwards."""
    along = np.linspace(0, 1, 13)
    radius, swell = inner + (outer - inner) * along, wide * np.sin(pi * along**bulge) ** 0.75
    right = list(zip(radius.tolist(), swell.tolist(), strict=True))
    sides = [*right, *((out, -aside) for out, aside in reversed(right))]
    cosine, sine = cos(angle), sin(angle)
    return [(out * cosine - aside * sine, out * sine + aside * cosine) for out, aside in sides]


def _tracery(pen: Pen, rng: Rng, cx: float, cy: float, radius: float, folds: int) -> None:
    """The openings of a rose window, white: a heart, then rings of lobes, roundels or lancets."""
    heart, spin = rng.uniform(0.1, 0.2), one_of(rng, (0.0, pi / folds))
    if rng.random() < 0.5:
        for turn in np.arange(6) * pi / 3 + spin:
            pen.disc(*polar(cx, cy, heart * radius * 0.55, turn), heart * radius * 0.5, 255)
    else:
        pen.disc(cx, cy, heart * radius, 255)
    inner = heart + 0.05
    while inner < 0.86:
        outer = min(0.98, inner + rng.uniform(0.22, 0.4))
        outer = 0.98 if outer > 0.84 else outer
        kind = one_of(rng, ("lobe", "lancet", "roundel"))
        many = folds * (2 if inner > 0.5 and folds < 11 else 1)
        spin += one_of(rng, (0.0, pi / many))
        for index in range(many):
            angle, middle = index * 2 * pi / many + spin, (inner + outer) / 2
            gap = pi * outer / many
            if kind == "roundel":
                size = min((outer - inner) / 2, pi * middle / many) * 0.86
                pen.disc(*polar(cx, cy, middle * radius, angle), size * radius, 255)
            else:
                wide, bulge = (gap * 0.86, 1.5) if kind == "lobe" else (gap * 0.7, 2.4)
                petal = _petal(angle, inner, outer, wide, bulge)
                pen.shape([(cx + x * radius, cy + y * radius) for x, y in petal], 255)
        if outer < 0.9:
            for index in range(many):
                angle, small = (index + 0.5) * 2 * pi / many + spin, pi * outer / many * 0.3
                pen.disc(*polar(cx, cy, outer * radius, angle), small * radius, 255)
        inner = outer + 0.025


def _stained(rng: Rng, size: Size, palette: Palette, cx: float, cy: float, folds: int) -> Image.Image:
    """Coloured glass about a centre: pieces in rings and sectors, lead between, light in it."""
    pitch, sectors = size[0] * 0.06, folds * 4
    y, x = np.mgrid[0 : size[1] : 2, 0 : size[0] : 2].astype(np.float32)
    radius, angle = np.hypot(x - cx, y - cy) / np.float32(pitch), np.arctan2(y - cy, x - cx)
    sector = ((angle / (2 * pi) + 0.5) * sectors).astype(np.int32) % sectors
    cells = (radius.astype(np.int32) % 16) * sectors + sector
    colours = [palette.accent, palette.light, palette.mid, palette.deep]
    colours.append(mix(palette.accent, palette.light, 0.4))
    colours += [mix(palette.mid, palette.accent, 0.4), mix(palette.deep, palette.mid, 0.5)]
    rings = np.array(colours)[rng.integers(0, len(colours), (16, 2))]
    table = np.tile(np.concatenate([rings, rings[:, ::-1]], axis=1), (1, folds, 1)).reshape(-1, 3)
    table = np.clip(table * rng.uniform(0.75, 1.15, (16 * sectors, 1)), 0, 255).astype(np.uint8)
    lead = np.clip((0.5 - np.abs(radius % 1 - 0.5)) * pitch / 1.2, 0.25, 1)
    light = lead * (0.72 + 0.28 * smooth_noise(rng, (x.shape[1], x.shape[0]), 20))
    glass = shaded(Image.fromarray(np.take(table, cells, axis=0)), light)
    return glass.resize(size, Image.Resampling.BILINEAR)


def _nave(pen: Pen, cx: float, size: Size, palette: Palette) -> None:
    """Dark piers to both sides and rows of pews, for a window far above them."""
    w, h = size
    for index in range(4):
        out, dark = w * (0.5 - 0.07 * index), mix(palette.ink, palette.deep, 0.08 + 0.14 * index)
        for side in (-1, 1):
            pen.box((cx + side * out - w * 0.035, h * 0.1 * index, cx + side * out + w * 0.035, h), dark)
    for index in range(5):
        y, broad = h * (0.84 + 0.035 * index), w * (0.3 + 0.06 * index)
        for middle in (cx - broad * 0.6, cx + broad * 0.6):
            wood = mix(palette.ink, palette.deep, 0.5 - 0.1 * index)
            pen.box((middle - broad * 0.4, y, middle + broad * 0.4, y + h * 0.02), wood)


def _fallen_light(
    image: Image.Image, rng: Rng, cx: float, cy: float, radius: float, palette: Palette
) -> Image.Image:
    """The window's colours lying on the floor, and the beam between."""
    h = image.height
    round_about = image.crop((int(cx - radius), int(cy - radius), int(cx + radius), int(cy + radius)))
    layer = Image.new("RGB", image.size)
    floor = int(cx - radius * rng.uniform(0.7, 1.3)), int(h * 0.93 - radius * 0.4)
    layer.paste(round_about.resize((int(radius * 2), int(radius * 0.7))), floor)
    y, x = quarter_grid(image.size)
    beam = np.exp(-(((x - cx) / (radius * (0.5 + 0.7 * y / h))) ** 2)) * np.clip((y - cy) / h * 2, 0, 1) * 0.3
    beam *= np.clip((h - y) / (h * 0.3), 0, 1)
    lit = ImageChops.screen(image, blurred(layer, 9))
    return blended(lit, mix(palette.light, palette.accent, 0.4), beam)


def rose_window(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A round window of stained glass from inside: close, cut by the frame, or far over a dark nave."""
    w, h = size
    view, folds = one_of(rng, ("close", "cut", "nave", "lancets")), int(rng.integers(6, 15))
    reach = {"close": (0.4, 0.48), "cut": (0.65, 0.95), "nave": (0.2, 0.3), "lancets": (0.33, 0.4)}
    smallest, largest = reach[view]
    radius, cx, cy = min(w, h * 0.9) * rng.uniform(smallest, largest), w / 2, h * rng.uniform(0.42, 0.55)
    if view == "cut":
        cx, cy = w * rng.uniform(0.0, 1.0), h * rng.uniform(0.2, 0.9)
    elif view != "close":
        cy = max(radius * 1.15, h * rng.uniform(0.28, 0.34))
    stone = gradient(size, [(0, mix(palette.ink, palette.deep, 0.5)), (1, palette.ink)])
    pen = Pen.over(weathered(stone, rng, 0.3))
    moulding = mix(palette.deep, palette.mid, 0.4)
    for grow, share in ((1.13, 0.9), (1.09, 0.35), (1.05, 0.9), (1.02, 0.35)):
        pen.disc(cx, cy, radius * grow, mix(palette.ink, moulding, share))
    if view == "nave":
        _nave(pen, cx, size, palette)
    image = pen.drawn()
    glass = _stained(rng, size, palette, cx, cy, folds)
    pen = Pen.mask(size)
    _tracery(pen, rng, cx, cy, radius, folds)
    many, top, gap = int(rng.integers(3, 6)), cy + radius * 1.32, radius * 0.05
    for index in range(many if view == "lancets" else 0):
        left, right = (cx - radius + 2 * radius * number / many for number in (index, index + 1))
        pen.shape(arch(left + gap, right - gap, top + radius / many, h * 0.93, 1.3), 255)
    image.paste(glass, (0, 0), pen.drawn())
    image = bloomed(image, 70, 0.9, w * 0.05)
    if view == "nave":
        image = _fallen_light(image, rng, cx, cy, radius, palette)
    return finished_by_night(image, rng, 0.45)


def _gold_leaf(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Gold leaf laid in squares: seams, a slow shimmer, the red ground where it has worn through."""
    w, h = size
    gold = mix(palette.accent, _GOLD, 0.6)
    bole = mix(mix(palette.accent, palette.deep, 0.5), (120, 40, 24), 0.45)
    sheet = int(w * rng.uniform(0.2, 0.32))
    bright, middle = mix(gold, (255, 244, 208), 0.5), mix(gold, (255, 236, 180), 0.25)
    leaf = gradient(size, [(0, bright), (0.55, middle), (1, mix(gold, palette.deep, 0.4))])
    y, x = np.arange(h)[:, None], np.arange(w)[None, :]
    row, column = y // sheet, (x + (y // sheet % 2) * sheet // 3) // sheet
    tones = rng.uniform(0.86, 1.0, (h // sheet + 1, w // sheet + 2))
    fine = smooth_noise(rng, size, 3)
    shade = tones[row, column] * (0.84 + 0.16 * smooth_noise(rng, size, 60)) * (0.9 + 0.1 * fine)
    near_seam = ((x + (row % 2) * sheet // 3) % sheet < 2) | (y % sheet < 2)
    worn = np.clip((smooth_noise(rng, size, 26) * 0.6 + fine * 0.4 - rng.uniform(0.68, 0.76)) * 9, 0, 0.7)
    return blended(shaded(leaf, shade), bole, np.maximum(worn, near_seam * fine * 0.5))


def _holy_figure(pen: Pen, x: float, y: float, radius: float, low: float, robe: Tones, tilt: float) -> None:
    """A veiled figure without a face: head of a ``radius`` about (x, y), its mantle down to ``low``."""
    cloth, fold, skin = robe
    wide, neck = radius * 2.5, y + radius * 1.0
    turn = np.linspace(pi * 0.5, 0, 12)
    out, down = x + wide * 0.36, neck + radius * 1.6
    right = [(out + wide * 0.64 * cos(angle), down - radius * 1.3 * sin(angle)) for angle in turn]
    left = [(2 * x - px, py) for px, py in right]
    pen.shape([*left[::-1], *right, (x + wide * 1.12, low), (x - wide * 1.12, low)], cloth)
    hx = x + radius * tilt
    pen.oval(hx, y, radius * 1.22, radius * 1.42, cloth)
    pen.shape(tapered(hx, y, radius * 1.2, x, neck + radius, wide * 0.5), cloth)
    pen.oval(hx, y + radius * 0.08, radius * 0.92, radius * 1.14, fold)
    throat = tapered(hx, y + radius, radius * 0.3, x, y + radius * 1.6, radius * 0.36)
    pen.shape(throat, mix(skin, fold, 0.35))
    pen.oval(hx, y + radius * 0.1, radius * 0.74, radius * 0.98, skin)
    for place in (-1.0, -0.62, -0.25, 0.2, 0.55, 0.9):
        lean, crown = radius * 0.5 * tilt, neck + radius * (0.6 + 0.25 * abs(place))
        bend = [
            (x + place * radius * (0.75 + 1.7 * along) + lean * sin(3 * along), crown + (low - neck) * along)
            for along in np.linspace(0.03, 1, 8)
        ]
        pen.line(bend, fold, radius * 0.07)


def _halo(pen: Pen, rng: Rng, x: float, y: float, radius: float, tones: Tones) -> None:
    """A halo pressed into the gold: rings, punched dots, at times rays."""
    bright, line, dot = tones
    pen.disc(x, y, radius * 1.05, line)
    pen.disc(x, y, radius * 1.02, bright)
    rays, dots = one_of(rng, (0, 0, 24, 36, 48)), int(rng.integers(20, 40))
    for ray in range(rays):
        angle = ray * 2 * pi / rays
        long = 0.86 if ray % 2 else 0.7
        pen.line([polar(x, y, radius * 0.4, angle), polar(x, y, radius * long, angle)], line, radius * 0.012)
    for ray in range(dots):
        angle = ray * 2 * pi / dots
        pen.disc(x + radius * 0.93 * cos(angle), y + radius * 0.93 * sin(angle), radius * 0.03, dot)


def _wings(pen: Pen, x: float, y: float, radius: float, size: Size, feather: RGB, gold: RGB) -> None:
    """Folded wings to both sides of a figure, feather over feather."""
    w, h = size
    for side in (-1, 1):
        for index in range(6, -1, -1):
            root = x + side * radius * 1.2, y + radius * (2.6 - 0.1 * index)
            tip_x, tip_y = x + side * w * (0.28 + 0.045 * index), y + h * (0.62 - 0.095 * index)
            shoulder = tip_x - side * w * 0.02, y + radius * 1.3 - h * 0.02 * index
            vane = [root, shoulder, (tip_x + side * w * 0.05, (tip_y + y) / 2), (tip_x, tip_y)]
            pen.shape(vane, mix(feather, gold, 0.12 * index))
            pen.line([root, (tip_x, tip_y)], gold, 0.8)


def _bare_halo(pen: Pen, rng: Rng, x: float, y: float, radius: float, tones: Tones, dark: RGB) -> None:
    """A halo about nobody: rings, a dark heart, a star of twelve points."""
    for index in range(5, 0, -1):
        pen.disc(x, y, radius * 0.24 * index, tones[index % 2])
    _halo(pen, rng, x, y, radius, tones)
    pen.disc(x, y, radius * 0.53, dark)
    for angle in np.arange(12) * pi / 6:
        ray = ((0.47, 0), (0.1, 0.2), (0.1, -0.2))
        pen.shape([polar(x, y, radius * reach, angle + aside) for reach, aside in ray], tones[0])


def _icon_people(pen: Pen, rng: Rng, kind: str, size: Size, robes: list[Tones], tones: Tones) -> None:
    """Who is on the icon: ``one``, an ``angel``, ``two`` that lean together, or ``three``."""
    w, h = size
    x, y, lean = w * rng.uniform(0.46, 0.54), h * rng.uniform(0.3, 0.4), float(rng.choice((-1, 1)))
    radius, low = min(w, h * 0.75) * rng.uniform(0.085, 0.13), h * 1.02
    if kind == "three":
        x, radius = w / 2, radius * 0.82
        for side in (-1, 1):
            _halo(pen, rng, x + side * w * 0.29, y + h * 0.1, radius * 1.8, tones)
            _holy_figure(pen, x + side * w * 0.29, y + h * 0.1, radius * 0.88, low, robes[2], -0.25 * side)
    if kind == "angel":
        _wings(pen, x, y, radius, size, robes[1][0], tones[0])
    _halo(pen, rng, x, y, radius * 2.25, tones)
    _holy_figure(pen, x, y, radius, low, robes[0], 0.35 * lean if kind == "two" else 0.0)
    if kind == "two":
        child_x, child_y = x + lean * radius * 1.7, y + radius * 2.6
        _halo(pen, rng, child_x, child_y, radius * 1.25, tones)
        _holy_figure(pen, child_x, child_y, radius * 0.58, child_y + radius * 4.2, robes[2], -0.6 * lean)
    elif kind != "three":
        held = y + radius * 4.6
        pen.disc(x, held, radius * 0.8, tones[1])
        pen.disc(x, held, radius * 0.72, tones[0])
        for long, broad in ((0.6, 0.14), (0.14, 0.6)):
            star = [(0, -long), (broad, 0), (0, long), (-broad, 0)]
            pen.shape([(x + across * radius, held + down * radius) for across, down in star], tones[1])


def gold_icon(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """An icon on gold leaf: one faceless figure, two that lean together, an angel, or a bare halo."""
    w, h = size
    kind = one_of(rng, ("one", "two", "angel", "halo", "three"))
    leaf, gold = _gold_leaf(rng, size, palette), mix(palette.accent, _GOLD, 0.6)
    tones = mix(gold, palette.light, 0.4), mix(gold, palette.ink, 0.45), mix(gold, palette.ink, 0.3)
    cloths = [palette.deep, mix(palette.deep, palette.ink, 0.5), mix(palette.accent, palette.ink, 0.5)]
    cloths.append(mix(palette.mid, palette.deep, 0.4))
    skin = mix(mix(palette.light, _GOLD, 0.45), palette.deep, 0.18)
    robes = [(cloths[which], mix(cloths[which], gold, 0.6), skin) for which in rng.permutation(4)]
    border, niche = w * rng.uniform(0.02, 0.06), rng.random() < 0.5
    pen = Pen.over(leaf)
    if niche:
        edge = border * 2.4
        outline = arch(edge, w - edge, edge + w * 0.45, h * 1.1, one_of(rng, (1.0, 1.3)))
        pen.line(outline, mix(tones[1], robes[1][0], 0.5), w * 0.022)
        pen.line(outline, tones[0], w * 0.005)
    if kind == "halo":
        x = w * rng.uniform(0.44, 0.56)
        y = h * rng.uniform(0.36, 0.55)
        radius = min(w, h) * rng.uniform(0.24, 0.38)
        _bare_halo(pen, rng, x, y, radius, tones, robes[0][0])
    else:
        _icon_people(pen, rng, kind, size, robes, tones)
    frame = mix(robes[3][0], palette.ink, 0.3)
    corners = [(border, border), (w - border, border), (w - border, h - border), (border, h - border)]
    pen.line([(0, 0), (w, 0), (w, h), (0, h), (0, 0)], frame, border * 2)
    pen.line([*corners, corners[0]], mix(gold, palette.light, 0.25), 1.4)
    painted = pen.drawn()
    worn = smooth_noise(rng, size, 20) * 0.5 + smooth_noise(rng, size, 4) * 0.5
    painted.paste(leaf, (0, 0), stencil(np.clip((worn - 0.66) * 5, 0, 0.4)))
    return finished_by_night(painted, rng, 0.4, 4)


def _candle(pen: Pen, rng: Rng, at: Point, wide: float, tall: float, palette: Palette, near: float) -> None:
    """One burning candle, lit from its own top; ``near`` from 0 far to 1 close."""
    x, top = at[0], at[1] - tall
    wax, glow = mix(palette.mid, palette.light, 0.55), mix(palette.light, palette.accent, 0.25)
    wax = mix(wax, palette.accent, 0.25)
    slices = max(5, min(18, int(tall / 7)))
    for index in range(slices):
        dark = min(0.78, 0.08 + 0.9 * index / slices + 0.2 * (1 - near))
        y = top + tall * (index / slices) ** 1.3
        pen.box((x - wide / 2, y, x + wide / 2, at[1]), mix(wax, palette.ink, dark) if index else glow)
    pen.oval(x, top, wide / 2, wide * 0.12, glow)
    flame, sway = min(wide * rng.uniform(1.3, 1.8), 34) * (0.7 if wide > 16 else 1.0), rng.uniform(-0.1, 0.1)
    pen.line([(x, top), (x, top - flame * 0.25)], palette.ink, max(0.8, wide * 0.06))
    along = np.linspace(0, 1, 12)
    swell, bend = flame * 0.23 * np.sin(pi * along**0.62) ** 1.1, x + sway * flame * along**2
    middle = mix(palette.accent, palette.light, 0.6)
    for grow, colour in ((1.0, palette.accent), (0.78, middle), (0.5, (255, 252, 240))):
        y = top - flame * 0.12 - flame * 1.25 * grow * along
        right, left = bend + swell * grow, bend - swell * grow
        outline = np.concatenate([np.stack([right, y], axis=1), np.stack([left, y], axis=1)[::-1]])
        pen.shape(outline.tolist(), colour)


def _candle_holder(
    pen: Pen, kind: str, at: Point, wide: float, tall: float, palette: Palette, near: float
) -> None:
    """A coloured glass about a votive, a saucer under a taper."""
    x, y = at
    if kind == "votives":
        glass, half = mix(palette.accent, palette.ink, 0.35 + 0.3 * (1 - near)), wide * 0.62
        shine = mix(glass, palette.light, 0.45)
        pen.box((x - half, y - tall * 0.82, x + half, y + tall * 0.06), glass, radius=wide * 0.12)
        pen.box((x - wide * 0.48, y - tall * 0.78, x + wide * 0.48, y - tall * 0.3), shine, radius=wide * 0.2)
    elif kind == "tapers":
        metal = mix(palette.ink, palette.mid, 0.35)
        pen.box((x - wide * 0.8, y - wide * 0.6, x + wide * 0.8, y + wide * 0.2), metal, radius=2)
        pen.oval(x, y + wide * 0.3, wide * 1.5, wide * 0.32, mix(palette.ink, palette.mid, 0.25))


def _candle_rows(pen: Pen, rng: Rng, kind: str, size: Size, ground: float, palette: Palette) -> None:
    """All the candles, the far rows first."""
    w, h = size
    tiers, votives = int(rng.integers(2, 5)), int(rng.integers(2, 4))
    rows = {"tapers": 1, "thick": 2, "tiers": tiers, "votives": votives}[kind]
    for row in range(rows):
        near = (row + 1) / rows
        foot = ground + (h - ground) * (0.25 + 0.3 * row if rows > 1 else 0.35)
        if kind == "tiers":
            foot, many = h * (0.4 + 0.5 * near), int(rng.integers(5, 9))
            wide, tall = w * (0.028 + 0.022 * near), h * (0.1 + 0.06 * near)
            shelf = mix(palette.ink, palette.mid, 0.25 * (1 + near))
            pen.box((w * 0.06, foot, w * 0.94, foot + h * 0.016), shelf)
        elif kind == "thick":
            many, wide, tall = int(rng.integers(2, 4)), w * (0.13 + 0.05 * near), h * 0.26
        elif kind == "votives":
            many, wide, tall = 5 - row, w * (0.05 + 0.05 * near), h * (0.07 + 0.03 * near)
            foot -= (h - ground) * 0.3
        else:
            many = int(rng.integers(3, 8))
            wide = w * rng.uniform(0.03, 0.055)
            tall = h * rng.uniform(0.26, 0.42)
        start = rng.uniform(0.3, 0.7)
        for index in range(many):
            if kind == "tiers" and rng.random() < 0.15:
                continue
            at = w * (0.06 + 0.88 * (index + start) / many) + rng.normal(0, w * 0.008), foot
            high = tall if kind == "votives" else tall * rng.uniform(0.55, 1.25)
            _candle(pen, rng, at, wide, high, palette, near)
            _candle_holder(pen, kind, at, wide, high, palette, near)


def candles_row(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Candles in the dark: a few tapers, thick ones, a tiered stand, or votives in glasses."""
    w, h = size
    kind = one_of(rng, ("tapers", "thick", "tiers", "votives"))
    backdrop = one_of(rng, ("none", "alcove", "lights"))
    ground, warm = h * rng.uniform(0.74, 0.88), mix(palette.deep, palette.accent, rng.uniform(0.05, 0.3))
    stops = [(0, palette.ink), (ground / h * 0.8, mix(palette.ink, warm, 0.75)), (1, palette.ink)]
    image = gradient(size, stops)
    if backdrop == "lights" and kind != "tiers":
        far = brightened(bokeh(rng, halved(size), palette, 0.2, 0.6), 0.5)
        image = ImageChops.screen(image, far.resize(size, Image.Resampling.BILINEAR))
    pen = Pen.over(image)
    if backdrop == "alcove":
        side = w * rng.uniform(0.06, 0.2)
        pen.shape(arch(side, w - side, h * 0.12 + w * 0.4, ground, 1.0), mix(palette.ink, warm, 0.35))
    if kind != "tiers":
        pen.box((-1, ground, w, h), mix(palette.ink, palette.deep, 0.35))
    _candle_rows(pen, rng, kind, size, ground, palette)
    image = pen.drawn()
    if kind != "tiers":
        depth, edge = int(h - ground) - 1, int(ground)
        flipped = image.crop((0, edge - depth, w, edge)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        image = screened(image, brightened(flipped.filter(ImageFilter.BoxBlur(3)), 0.4), (0, edge))
    return finished_by_night(bloomed(image, 115, 0.9, 10, w * 0.14), rng, 0.5)
