"""Plants on paper: loose line drawings, plates of an old herbal, seed packets.

Belongs here: botanical sheets. Living plants are in ``garden``.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

from demo_generator.pictures.botany import (
    Part,
    bowed,
    draw_plant,
    flower_head,
    foliage,
    leaf_outline,
    ring_outline,
    specimens,
)
from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    Palette,
    Rng,
    Size,
    brightness,
    fitted,
    halved,
    mix,
    one_of,
    readable_on,
    smooth_noise,
)
from demo_generator.pictures.light import from_pixels, grain, lay_sheet, vignette
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.shapes import scribble
from demo_generator.pictures.surfaces import paper_sheet

_SEEDS = {
    "pod": ("Broad Bean", "Garden Pea", "Runner Bean"),
    "carrot": ("Carrot", "Parsnip"),
    "beet": ("Beetroot", "Turnip"),
    "radish": ("Radish", "Spring Radish"),
    "flower": ("Meadow Mix", "Cosmos", "Field Poppy", "Sweet Herbs", "Borage", "Hedge Bloom"),
}


def botanical_line(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Plants in one loose line, their colour printed a little beside it."""
    width, height = size
    tinted = mix(palette.light, palette.mid, 0.55)
    ground = one_of(rng, (palette.light, palette.light, tinted, palette.mid, palette.ink))
    line = readable_on(ground, palette)
    dyes = (palette.deep, palette.mid, palette.accent, palette.accent)
    tints = [mix(ground, colour, 0.62) for colour in dyes]
    leaf = one_of(rng, tints[:2])
    disc = mix(ground, one_of(rng, (palette.mid, palette.accent)), rng.uniform(0.35, 0.7))
    shape = one_of(rng, ("disc", "arch", "none", "block", "none"))
    layout = one_of(rng, ("single", "posy", "posy", "bough", "rows"))
    margin = 0.1 * width
    plants = specimens(rng, layout, (margin, height * 0.05, width - margin, height * rng.uniform(0.93, 1.05)))
    shift = rng.uniform(-5, 5, 2)
    filled = rng.random() < 0.75
    cx = width * rng.uniform(0.35, 0.65)
    cy = height * rng.uniform(0.28, 0.5)
    radius = width * rng.uniform(0.24, 0.38)
    pen = Pen.over(paper_sheet(rng, size, ground))
    if shape in ("disc", "arch"):
        pen.disc(cx, cy, radius, disc)
    if shape == "arch":
        pen.box((cx - radius, cy, cx + radius, height * 0.9), disc)
    if shape == "block":
        pen.box((0, height * rng.uniform(0.6, 0.75), width, height), disc)
    for plant in plants:
        moved = [Part(part.role, part.points + shift) for part in plant]
        if filled:
            draw_plant(pen, moved, {"leaf": leaf, "petal": tints[2], "heart": tints[3]}, None)
        draw_plant(pen, plant, {}, line, 0.9)
    sheet = pen.drawn()
    return grain(sheet, rng, 5)


def _foxed(rng: Rng, size: Size, colour: RGB) -> Image.Image:
    """Old paper: brown at its edges and freckled."""
    width, height = half = halved(size)
    sheet = np.asarray(paper_sheet(rng, half, colour, 22), np.float32)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    edge = np.clip(np.maximum(np.abs(x), np.abs(y)) - 0.72, 0, 1) * (0.3 + smooth_noise(rng, half, 20))
    spots = np.clip(smooth_noise(rng, half, 4) - 0.86, 0, 1) * smooth_noise(rng, half, 45) * 2.2
    stain = np.array((56, 80, 104), np.float32)
    return from_pixels(sheet - (edge + spots)[..., None] * stain).resize(size, Image.Resampling.BILINEAR)


def botanical_plate(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A plate from an old herbal: a tinted plant with its root, details beside it, a frame around it."""
    width, height = size
    pale = mix(palette.light, (238, 222, 188), 0.35)
    lit = palette.light if brightness(palette.light) > 150 else pale
    ground, ink = mix(lit, pale, 0.5), mix(palette.ink, (50, 36, 28), 0.4)
    leaf, petal = mix(ground, mix(palette.deep, palette.mid, 0.3), 0.75), mix(ground, palette.accent, 0.72)
    margin = width * rng.uniform(0.06, 0.1)
    layout = one_of(rng, ("single", "single", "bough", "rows", "rows", "posy"))
    floor = height * (rng.uniform(0.74, 0.8) if layout != "rows" else 0.9)
    inner = (margin * 1.9, margin * 1.6, width - margin * 1.9, floor if layout != "bough" else height * 0.86)
    plants = specimens(rng, layout, inner)
    if layout == "bough":
        plants = plants[:1]
    foot = plants[0][0].points[0]
    fills = {"leaf": leaf, "petal": petal, "heart": mix(petal, ink, 0.25)}
    pen = Pen.over(_foxed(rng, size, ground))
    for inset, weight in ((margin * 0.72, 1), (margin * 0.9, 2)):
        pen.box((inset, inset, width - inset, height - inset), outline=ink, width=weight)
    if layout in ("single", "posy"):
        for end in rng.normal(0, 1, (int(rng.integers(6, 12)), 2)) * (width * 0.11, 0) + foot:
            tip = (end[0], foot[1] + height * rng.uniform(0.04, 0.11))
            pen.line(bowed(foot, tip, rng.uniform(-0.25, 0.25)), ink, 0.5)
    for plant in plants:
        draw_plant(pen, plant, fills, ink, 0.55)
        for leaf_part in (piece for piece in plant if piece.role == "leaf"):
            rim, spine = leaf_part.points[:14], (leaf_part.points[:14] + leaf_part.points[:13:-1]) / 2
            for index in (3, 5, 7, 9):
                pen.line(np.stack([spine[index], rim[index + 2]]), mix(ink, leaf, 0.4), 0.5)
    for index in range(int(rng.integers(2, 4)) if layout != "rows" else 0):
        x, y = width * (0.24 + 0.26 * index) + rng.uniform(-9, 9), height * 0.885
        kind = one_of(rng, ("daisy", "tulip", "poppy"))
        for part in flower_head(rng, kind, np.array([x, y]), -1.57, width * 0.075):
            draw_plant(pen, [part], fills, ink, 0.5)
    pen.line(scribble(rng, width * 0.36, height - margin * 1.35, width * 0.28, 5), ink, 0.5)
    plate = pen.drawn()
    return vignette(grain(plate, rng, 4), 0.2)


def _vegetable(rng: Rng, kind: str, x: float, y: float, unit: float) -> list[Part]:
    """A root or a pod with its greens, its shoulder at ``x``, ``y``."""
    top = np.array([x, y])
    parts: list[Part] = []
    if kind == "pod":
        foot, crown = top + np.array([0, 1.5]) * unit, top - np.array([rng.uniform(-0.4, 0.4), 1.6]) * unit
        stem = bowed(foot, crown, rng.uniform(-0.12, 0.12))
        parts += [Part("stem", stem), *foliage(rng, stem[8:], unit * 0.8, 5, 0.6)]
        for spread in (-0.55, 0.5, -0.15)[: rng.integers(2, 4)]:
            base = stem[int(rng.integers(5, 11))]
            pod = leaf_outline(base, 1.57 + spread, unit * 1.7, unit * 0.46, (1.0, spread * 0.2))
            spine = (pod[:14] + pod[:13:-1]) / 2
            parts.append(Part("petal", pod))
            parts += [Part("heart", ring_outline(point, unit * 0.13)) for point in spine[3:11:2]]
        return parts
    for angle in np.linspace(-0.7, 0.7, 5) - 1.57:
        tip = top + np.array([math.cos(angle), math.sin(angle)]) * unit * rng.uniform(1.2, 1.7)
        parts.append(Part("stem", bowed(top, tip, rng.uniform(-0.1, 0.1))))
        parts += [Part("leaf", leaf_outline(tip, angle + math.pi, unit * 0.95, unit * 0.42, (0.8, 0.05)))]
    roots = {"carrot": (2.0, 0.62, 0.45), "beet": (1.15, 1.1, 0.75), "radish": (0.9, 0.8, 0.7)}
    long, wide, full = roots[kind]
    shoulder = np.array([x, y - unit * 0.05])
    parts.append(Part("petal", leaf_outline(shoulder, 1.57, unit * long, unit * wide, (full, 0.02))))
    end = np.array([x, y + unit * long * 0.9])
    return [*parts, Part("stem", bowed(end, end + np.array([0.15, 0.6]) * unit, 0.15))]


def _packet(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """The front of one packet of seeds."""
    width, height = size
    paper = mix(palette.light, (250, 240, 216), 0.3)
    band = one_of(rng, (palette.accent, palette.deep, palette.mid))
    kind = one_of(rng, tuple(_SEEDS))
    ink = readable_on(paper, palette)
    panel = one_of(rng, ("oval", "box", "sun", "full"))
    tint = mix(paper, one_of(rng, (palette.mid, palette.deep, palette.accent)), 0.4)
    leaf, heart = mix(palette.deep, palette.mid, 0.35), mix(ink, palette.accent, 0.4)
    fills = {"leaf": leaf, "petal": palette.accent, "heart": heart}
    middle, unit = width / 2, width * 0.17
    if kind == "flower":
        plants = specimens(rng, "posy", (width * 0.14, height * 0.32, width * 0.86, height * 0.9))
    else:
        bunch = one_of(rng, ((0.0,), (-0.19, 0.19), (-0.24, 0.24, 0.0), (-0.12, 0.12)))
        unit *= 1.75 - 0.28 * len(bunch)
        plants = [
            _vegetable(rng, kind, middle + dx * width, height * rng.uniform(0.52, 0.6), unit) for dx in bunch
        ]
    low = bool(rng.random() < 0.3)
    pen = Pen.over(paper_sheet(rng, size, paper))
    if panel == "oval":
        pen.ellipse((width * 0.1, height * 0.3, width * 0.9, height * 0.93), tint, outline=ink)
    elif panel == "box":
        pen.box((width * 0.1, height * 0.31, width * 0.9, height * 0.92), tint)
    elif panel == "sun":
        pen.disc(middle, height * 0.6, width * 0.33, tint)
    else:
        pen.box((0, height * 0.28, width, height), tint)
    for plant in plants:
        draw_plant(pen, plant, fills, mix(ink, palette.deep, 0.3), 0.6)
    if not low:
        pen.box((0, height * 0.1, width, height * 0.27), band)
    pen.line([(0, height * 0.065), (width, height * 0.065)], mix(paper, ink, 0.35), 0.5)
    pen.box((3, 3, width - 4, height - 4), outline=mix(paper, ink, 0.5), width=0.5)
    sheet = pen.drawn()
    name = one_of(rng, _SEEDS[kind])
    style = one_of(rng, ("serif", "serif-italic", "sans-bold"))
    face, lines = fitted(name, style, (width * 0.84, height * 0.12), 26)
    colour, at = readable_on(paper if low else band, palette), (middle, height * 0.185)
    ImageDraw.Draw(sheet).text(at, "\n".join(lines), colour, face, "mm")
    return sheet


def seed_packet(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Packets of seeds on a bench, and seeds beside them."""
    width, height = size
    bench = mix(palette.deep, palette.ink, rng.uniform(0.0, 0.7)) if rng.random() < 0.6 else palette.mid
    base = paper_sheet(rng, size, bench, 46)
    streak = (smooth_noise(rng, (width, 12), 3) - 0.5).mean(axis=0) * 60
    base = from_pixels(np.asarray(base, np.float32) + streak[None, :, None])
    count = int(rng.integers(1, 4))
    wide = int(width * {1: 0.62, 2: 0.52, 3: 0.46}[count] * rng.uniform(0.95, 1.08))
    places = {1: [(0.5, 0.5)], 2: [(0.34, 0.4), (0.66, 0.62)], 3: [(0.3, 0.3), (0.72, 0.42), (0.4, 0.74)]}
    spots = places[count]
    mirrored = bool(rng.random() < 0.5)
    seeds = rng.normal((0.5, 0.82), (0.28, 0.1), (int(rng.integers(12, 46)), 2)) * (width, height)
    turns = rng.uniform(0, 3.1, len(seeds))
    pip = mix(palette.light, palette.mid, rng.uniform(0.2, 0.8))
    pen = Pen.over(base)
    for point, turn in zip(seeds, turns, strict=True):
        pen.shape(leaf_outline(point + 2.0, turn, 8, 4.6, (0.8, 0)), mix(bench, BLACK, 0.45))
        pen.shape(leaf_outline(point, turn, 8, 4.6, (0.8, 0)), pip)
    base = pen.drawn()
    for across, y in spots:
        x = 1 - across if mirrored else across
        sheet = _packet(rng, (wide, int(wide * rng.uniform(1.4, 1.55))), palette).convert("RGBA")
        sheet = sheet.rotate(rng.uniform(-13, 13), Image.Resampling.BILINEAR, expand=True)
        lay_sheet(base, sheet, (int(x * width - sheet.width / 2), int(y * height - sheet.height / 2)), 0.7)
    return vignette(grain(base, rng, 5), 0.35)
