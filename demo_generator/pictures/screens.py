"""Old screens: type that glows in the dark, a computer on its desk, a desktop of small windows.

Belongs here: what computers show.
"""

import numpy as np
from PIL import Image, ImageDraw

from demo_generator.pictures.botany import draw_plant, specimens
from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    WHITE,
    Palette,
    Rng,
    Size,
    brightness,
    font,
    gradient,
    mix,
    one_of,
)
from demo_generator.pictures.light import glowing, grain, vignette
from demo_generator.pictures.pen import Pen, around

_LINES = (
    "~ $ ls letters/",
    "draft-01  draft-02  unsent",
    "~ $ ping moon",
    "no reply yet",
    "~ $ play rain.tape",
    "> anyone still up?",
    "> only the fans",
    "uptime 41 days",
    "connected at 2400",
    "guestbook: 3 new notes",
    "saving ... ok",
    "tape 2 of 7",
    "~ $ cat diary.txt",
    "mild night. window open.",
    "~ $ echo hello",
    "hello",
    "listening on port 70",
    "signal weak, holding",
    "3f2a  00 1c 7e 66 3c",
    "3f30  18 18 7e 00 42",
    "~ $ tend garden",
    "12 pages watered",
    "last visitor: 03:14",
    "~ $ _",
)


_ART = (
    ("    _..._", "  .'     `.", " /    o    \\", " |  .   o  |", " \\    .    /", "  `._   _.'", "     ```"),
    (" /\\_/\\", "( o.o )", " > ^ <", "/|   |\\", "(_|_|_)"),
    ("     |", "   \\ | /", "  -- * --", "   / | \\", "     |", "   \\ | /", "    \\|/", "_____|_____"),
    (
        "   .      *      .",
        "        .     /\\",
        "  *    /\\    /  \\",
        "      /  \\/\\/    \\",
        "~~~~~~~~~~~~~~~~~~",
        " ~   ~ ~    ~  ~",
    ),
    ("  ____||__", " /       \\\\", "/_________\\\\", "| [ ]  _  |", "|     | | |", "|_____|_|_|"),
)


def _typed(rng: Rng, size: Size, points: int) -> Image.Image:
    """A screenful of type as a mask: some lines, a small picture of characters, a cursor."""
    mask = Image.new("L", size)
    pen, face = ImageDraw.Draw(mask), font("mono", points)
    row = points * 1.35
    rows = max(3, int(size[1] / row))
    start = int(rng.integers(len(_LINES)))
    lines = [_LINES[(start + number) % len(_LINES)] for number in range(int(rows * rng.uniform(0.35, 1.0)))]
    art = one_of(rng, _ART)
    if len(art) + 4 < rows and rng.random() < 0.75:
        at = int(rng.integers(0, 3))
        lines = [*lines[:at], "", *art, "", *lines[at:]]
    lines = lines[: rows - 1]
    for index, line in enumerate(lines):
        pen.text((0, index * row), line, fill=235 if rng.random() < 0.8 else 150, font=face)
    y = len(lines) * row
    pen.rectangle((0, y + 2, points * 0.6, y + points + 1), fill=255)
    return mask


def _phosphor(rng: Rng, size: Size, ground: RGB, light: RGB) -> Image.Image:
    """A lit tube: type that glows, scan lines, a bright middle."""
    width, height = size
    points = max(8, int(width / rng.uniform(16, 26)))
    pad = int(width * 0.08)
    mask = Image.new("L", size)
    mask.paste(_typed(rng, (width - 2 * pad, height - 2 * pad), points), (pad, pad))
    middle = mix(ground, light, 0.16)
    tube = gradient(size, [(0, ground), (rng.uniform(0.3, 0.7), middle), (1, ground)])
    tube = glowing(tube, mask, mix(light, ground, 0.2), 9, 1.5)
    tube.paste(mix(light, WHITE, 0.25), (0, 0), mask)
    dark = np.where(np.arange(height) % 3 == 0, 70, 0).astype(np.uint8)
    scan = Image.fromarray(dark[:, None].repeat(width, 1))
    tube.paste(ground, (0, 0), scan)
    return tube


def _bulged(image: Image.Image, amount: float) -> Image.Image:
    """The picture as if on the curved face of a tube."""
    width, height = image.size
    count = 7
    knots = np.stack(np.meshgrid(np.linspace(-1, 1, count), np.linspace(-1, 1, count)), axis=-1)
    pull = 1 - amount + amount * (knots**2).sum(axis=-1, keepdims=True) * 0.75
    source = (knots * pull + 1) / 2 * (width - 1, height - 1)
    xs, ys = np.linspace(0, width, count).astype(int), np.linspace(0, height, count).astype(int)
    mesh = []
    for row in range(count - 1):
        for column in range(count - 1):
            quad = [source[row + down, column + right] for down, right in ((0, 0), (1, 0), (1, 1), (0, 1))]
            box = (int(xs[column]), int(ys[row]), int(xs[column + 1]), int(ys[row + 1]))
            mesh.append((box, tuple(float(value) for point in quad for value in point)))
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def _computer(rng: Rng, size: Size, palette: Palette, light: RGB) -> Image.Image:
    """An old computer on a desk, its tube the lamp of the room."""
    width, height = size
    night = mix(palette.ink, palette.deep, rng.uniform(0.1, 0.6))
    case = mix(palette.light, palette.mid, rng.uniform(0.1, 0.6))
    shade = mix(case, palette.ink, 0.45)
    w = width * rng.uniform(0.56, 0.8)
    h = w * rng.uniform(0.8, 1.0)
    x, desk = (width - w) * rng.uniform(0.25, 0.75), height * rng.uniform(0.7, 0.82)
    y = desk - h - w * 0.06
    base = gradient(size, [(0, mix(night, BLACK, 0.3)), (desk / height, mix(night, light, 0.16))])
    glass = (x + w * 0.1, y + h * 0.09, x + w * 0.9, y + h * 0.78)
    keys = height - desk > 0.12 * height and rng.random() < 0.8

    wall = one_of(rng, ("window", "window", "plant", "prints", "none"))
    side = -1 if x + w / 2 > width / 2 else 1
    pot = (width * (0.5 + 0.4 * side), desk + 6)
    shoot = specimens(rng, "posy", (pot[0] - 40, desk - h * 0.9, pot[0] + 40, desk - 12))
    dim = mix(night, light, 0.14)
    pen = Pen.over(base)
    if wall == "window" and y > 70:
        left, right, low = width * 0.14, width * rng.uniform(0.6, 0.88), min(y - 14, height * 0.42)
        pen.box((left, 14, right, low), mix(palette.ink, palette.deep, 0.75), dim, 3)
        pen.disc(left + (right - left) * rng.uniform(0.2, 0.8), 14 + (low - 14) * 0.35, 9, palette.light)
        pen.line([((left + right) / 2, 14), ((left + right) / 2, low)], dim, 3)
    for index in range(3 if wall == "prints" else 0):
        left, tall = width * (0.1 + 0.28 * index), rng.uniform(0.09, 0.14) * height
        pen.box((left, y * 0.4 - tall / 2, left + width * 0.2, y * 0.4 + tall / 2), dim)
        pen.disc(left + width * 0.1, y * 0.4, tall * 0.24, mix(dim, palette.accent, 0.35))
    pen.box((0, desk, width, height), mix(palette.deep, palette.ink, 0.55))
    pen.box((0, desk, width, desk + 2), mix(palette.deep, light, 0.4))
    if wall == "plant":
        for plant in shoot:
            leafy = {"leaf": mix(night, palette.mid, 0.4)}
            draw_plant(pen, plant, leafy, mix(night, palette.mid, 0.55), 0.8)
        rim = [(-17, -16), (17, -16), (12, 12), (-12, 12)]
        pen.shape(np.array(rim) + np.array(pot), mix(palette.accent, night, 0.55))
    pen.box((x + w * 0.2, y + h, x + w * 0.8, desk + 4), mix(shade, palette.ink, 0.4))
    pen.box((x + 5, y + 4, x + w + 5, y + h + 4), mix(shade, palette.ink, 0.5), radius=w * 0.06)
    pen.box((x, y, x + w, y + h), mix(case, shade, 0.25), radius=w * 0.06)
    pen.box((x + 3, y + 2, x + w - 4, y + h * 0.86), case, radius=w * 0.05)
    pen.box((glass[0] - 7, glass[1] - 6, glass[2] + 7, glass[3] + 7), shade, radius=w * 0.07)
    for index in range(8):
        slot = x + w * (0.12 + index * 0.03)
        pen.line([(slot, y + h * 0.9), (slot, y + h * 0.95)], shade)
    pen.disc(x + w * 0.87, y + h * 0.92, 3, palette.accent)
    for row in range(4 if keys else 0):
        ky = desk + (height - desk) * (0.3 + row * 0.15)
        for column in range(13):
            kx = x + w * (0.02 + column * 0.074) - row * 2
            pen.box((kx, ky, kx + w * 0.06, ky + 6), mix(case, palette.ink, 0.2 + 0.1 * row), radius=3)
    base = pen.drawn()
    tube = (int(glass[2] - glass[0]), int(glass[3] - glass[1]))
    corner = Image.new("L", tube)
    ImageDraw.Draw(corner).rounded_rectangle((0, 0, tube[0] - 1, tube[1] - 1), w * 0.06, fill=255)
    lit_tube = _phosphor(rng, tube, mix(palette.ink, BLACK, 0.5), light)
    base.paste(lit_tube, (int(glass[0]), int(glass[1])), corner)
    lamp = Image.new("L", size)
    ImageDraw.Draw(lamp).rectangle(glass, fill=90)
    return vignette(glowing(base, lamp, light, 44, 0.9), 0.45)


def _desktop(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A small early desktop: a dotted ground, windows over one another."""
    width, height = size
    paper, ink = palette.light, palette.ink
    dots = (np.add.outer(np.arange(height), np.arange(width)) // 2 % 2) == 0
    grounds = ((palette.mid, palette.deep), (palette.accent, palette.deep), (palette.deep, palette.ink))
    lower, upper = one_of(rng, grounds)
    dotted = np.where(dots[..., None], np.array(lower), np.array(mix(lower, upper, 0.55)))
    base = Image.fromarray(dotted.astype(np.uint8))
    pen = ImageDraw.Draw(base)
    count = int(rng.integers(3, 6))
    for index in range(count):
        w, h = int(width * rng.uniform(0.5, 0.8)), int(height * rng.uniform(0.22, 0.42))
        x = int((width - w) * rng.uniform(0.05, 0.95))
        y = int(24 + (height - h - 40) * (index + rng.random()) / count)
        pen.rectangle((x + 4, y + 4, x + w + 4, y + h + 4), fill=mix(ink, lower, 0.2))
        pen.rectangle((x, y, x + w, y + h), fill=paper, outline=ink, width=1)
        for line in range(4, 16, 3):
            pen.line([(x + 4, y + line), (x + w - 4, y + line)], fill=ink)
        pen.rectangle((x + 9, y + 3, x + 21, y + 15), fill=paper, outline=ink)
        if rng.random() < 0.6:
            text = _typed(rng, (w - 20, h - 30), max(9, int(width / 30)))
            base.paste(ink, (x + 10, y + 24), text)
        else:
            along = np.linspace(0, 1, 60)
            for layer in range(5):
                swell = np.sin(along * rng.uniform(3, 9) + rng.uniform(0, 6)) * h * 0.1
                hills = np.stack([x + 2 + along * (w - 4), y + h * (0.5 + 0.09 * layer) - swell], 1)
                land = np.concatenate([hills, [(x + w - 2, y + h - 2), (x + 2, y + h - 2)]])
                tone = mix(palette.mid, palette.accent if layer % 2 else palette.ink, 0.2 * layer)
                pen.polygon([tuple(point) for point in land.tolist()], tone, ink)
            sun = around(x + w * rng.uniform(0.2, 0.8), y + h * 0.32, h * 0.1)
            pen.ellipse(sun, palette.accent, ink)
    pen.rectangle((0, 0, width, 15), fill=paper)
    pen.line([(0, 15), (width, 15)], fill=ink)
    for index in range(4):
        pen.rectangle((10 + index * 34, 6, 10 + index * 34 + int(rng.integers(12, 26)), 9), fill=ink)
    return base


def terminal_screen(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """An old screen: close by, on its desk at night, or as a desktop of small windows."""
    light = one_of(rng, (palette.accent, palette.light, mix(palette.accent, palette.light, 0.5)))
    if brightness(light) < 150:
        light = mix(light, WHITE, 0.4)
    view = rng.random()
    if view < 0.45:
        return grain(_computer(rng, size, palette, light), rng, 5)
    if view < 0.7:
        return grain(_desktop(rng, size, palette), rng, 4)
    tube = _phosphor(rng, size, mix(palette.ink, BLACK, 0.45), light)
    return grain(vignette(_bulged(tube, rng.uniform(0.05, 0.16)), 0.55), rng, 6)
