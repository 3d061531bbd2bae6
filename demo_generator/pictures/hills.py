"""Hills and the ways over them: mountain ridges, walking maps, tents under stars, footpaths.

Belongs here: what is seen on a long walk inland.
"""

import math

import numpy as np
from PIL import Image

from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    WHITE,
    Palette,
    Point,
    Rng,
    Size,
    bell,
    enlarged,
    font,
    gradient,
    grid,
    halved,
    mix,
    smoothstep,
)
from demo_generator.pictures.landscape import (
    DAY,
    DUSK,
    birds,
    disc_mask,
    fill_land,
    glow_mask,
    layered_noise,
    open_sky,
    sky_colours,
    walking_figure,
    wandering,
)
from demo_generator.pictures.light import finished_by_day, paint
from demo_generator.pictures.pen import Pen, around


def _pine(pen: Pen, x: float, foot: float, tall: float, colour: RGB) -> None:
    for tier in range(4):
        y, half = foot - tall * (0.1 + 0.22 * tier), tall * (0.2 - 0.04 * tier)
        pen.shape([(x - half, y), (x + half, y), (x, y - tall * 0.36)], colour)
    pen.line([(x, foot), (x, foot - tall * 0.2)], colour, max(1, tall * 0.05))


def ridge_layers(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Mountains behind mountains, each paler than the one before it, with mist in the valleys."""
    width, height = size
    hour, layers = int(rng.integers(4)), int(rng.integers(4, 9))
    top, bottom = height * rng.uniform(0.2, 0.5), height * rng.uniform(0.8, 1.0)
    image = open_sky(rng, size, palette, (top + bottom) / 2, hour)
    sun_x, sun_y = width * rng.uniform(0.15, 0.85), top * rng.uniform(0.35, 1.15)
    disc = palette.accent if hour in (DAY, DUSK) else palette.light
    paint(image, mix(disc, palette.light, 0.6), glow_mask(size, sun_x, sun_y, width * 0.5) * 0.7)
    if rng.random() < 0.7:
        paint(image, disc, disc_mask(size, sun_x, sun_y, width * rng.uniform(0.04, 0.15)) * 0.9)
    _, _, low = sky_colours(palette, hour)
    rough = (0.3, 0.4, 0.5, 0.55)[int(rng.integers(4))]
    valley, lean = width * rng.uniform(0.2, 0.8), rng.uniform(-0.25, 0.45)
    x = np.arange(width)
    line = x * 0.0
    for layer in range(layers):
        depth = layer / (layers - 1)
        high = height * rng.uniform(0.05, 0.12) * (1.3 - 0.6 * depth)
        open_up = np.abs(x - valley) / width * height * lean * depth
        roll = high * wandering(rng, width, width * rng.uniform(0.35, 0.7), rough)
        line = top + (bottom - top) * depth**1.15 - roll
        line = line - open_up + height * lean * 0.25 * depth
        colour = mix(mix(low, palette.deep, 0.3 + 0.5 * depth), palette.ink, depth**2 * 0.85)
        haze = mix(colour, low, 0.75 * (1 - 0.6 * depth))
        fill_land(image, line, colour, haze, height * rng.uniform(0.15, 0.3))
        if rough >= 0.5 and depth < 0.5:
            top_row = max(0, int(line.min()))
            below = grid((width, min(height - top_row, int(height * 0.22))))[1] + top_row - line
            snow = layered_noise(rng, (width, len(below)), 16, 30, 3)
            snow = snow - below / (height * rng.uniform(0.14, 0.3))
            cap = smoothstep(snow, 0.3, 0.42) * np.clip(below, 0, 1) * 0.75 * (1 - depth)
            paint(image, mix(palette.light, disc, 0.2), cap, top_row)
    woods, front = rng.random() < 0.6, mix(palette.ink, palette.deep, 0.1)
    pen = Pen.over(image)
    birds(pen, rng, (width - sun_x, top * 0.7), 22, mix(low, palette.ink, 0.6))
    tall = height * rng.uniform(0.03, 0.11)
    for foot in np.sort(rng.integers(0, width, int(rng.integers(8, 45)) if woods else 0)):
        _pine(pen, float(foot), float(line[foot]) + 3, tall * rng.uniform(0.5, 1.1), front)
    return finished_by_day(pen.drawn(), rng)


def topographic_map(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A sheet of a walking map: contours, tints, a lake, spot heights and a dashed route."""
    width, height = size
    columns, rows = grid(halved(size))
    blob = width * rng.uniform(0.18, 0.4)
    field = layered_noise(rng, halved(size), blob, blob, 3)
    peaks = (rng.uniform(0.12, 0.88, (int(rng.integers(1, 4)), 2)) * np.array([width, height])).tolist()
    for px, py in peaks:
        away = np.hypot(columns * 2 - px, (rows * 2 - py) * rng.uniform(0.7, 1.4))
        field += rng.uniform(0.4, 0.9) * np.exp(away * (-3.2 / width))
    field = (field - field.min()) / (field.max() - field.min())
    dark = rng.random() < 0.35
    paper, line = palette.light, palette.deep
    if dark:
        paper, line = palette.ink, mix(palette.mid, palette.light, 0.4)
    image = Image.new("RGB", size, mix(paper, palette.mid, 0.08))
    paint(image, mix(paper, palette.deep if dark else palette.mid, 0.8), field * rng.uniform(0.2, 0.95))
    slope_y, slope_x = np.gradient(field)
    relief = (slope_x + slope_y) * width * 0.5 * rng.uniform(0.05, 0.16)
    paint(image, palette.ink, np.clip(relief, 0, 0.5))
    paint(image, mix(paper, WHITE, 0.5), np.clip(-relief, 0, 0.5) * (0.25 if dark else 1))
    lake = rng.uniform(0.0, 0.2)
    levels = rng.uniform(18, 44)
    steps = enlarged(field, size) * levels
    steep = enlarged(np.maximum(np.hypot(slope_x, slope_y) * (levels / 2), 1e-3), size)
    gap = np.abs(steps - np.round(steps)) / steep
    heavy = np.round(steps) % 5 == 0
    paint(image, line, np.clip(np.where(heavy, 1.15, 0.75) - gap, 0, 1) * np.where(heavy, 0.95, 0.6))
    water = mix(palette.deep, palette.mid, rng.uniform(0.2, 0.9))
    paint(image, water, smoothstep(lake * levels - steps, -0.05, 0.1))
    (ax, ay), (bx, by) = rng.uniform(0.03, 0.97, 2) * size, peaks[0]
    along = np.linspace(0, 1, 61)
    sway = wandering(rng, 61, 22, 0.35) * np.sin(np.pi * along) * rng.uniform(0.12, 0.3)
    xs = ax + (bx - ax) * along + (by - ay) * sway
    ys = ay + (by - ay) * along - (bx - ax) * sway
    route = list(zip(xs.tolist(), ys.tolist(), strict=True))
    every = int(rng.integers(60, 130)) if rng.random() < 0.6 else 9999
    margin = min(size) * rng.uniform(0.05, 0.09) if rng.random() < 0.4 else 0.0
    title = f"SHEET {int(rng.integers(2, 96))}"
    mark, small = mix(line, palette.ink, 0.0 if dark else 0.5), font("serif-italic", 18)
    pen = Pen.over(image)
    for at in range(every // 2, max(size), every):
        pen.line([(at, 0), (at, height)], mix(paper, line, 0.45), 0.5)
        pen.line([(0, at), (width, at)], mix(paper, line, 0.45), 0.5)
    for start, middle, end in zip(route[::3], route[1::3], route[2::3], strict=False):
        pen.line([start, middle, end], palette.accent, 2.2)
    for px, py in peaks:
        pen.shape([(px - 4, py + 3), (px + 4, py + 3), (px, py - 4)], mark)
        metres = f"{int(rng.integers(780, 2990))}"
        pen.draw.text(((px + 7) * pen.factor, (py - 6) * pen.factor), metres, fill=mark, font=small)
    pen.disc(*route[0], 4.5, palette.accent)
    pen.disc(*route[0], 2.2, paper)
    if margin:
        pen.box((0, 0, width, height), outline=paper, width=margin)
        pen.box((margin, margin, width - margin, height - margin), outline=mark, width=1)
        pen.draw.text((margin * 2, (height - margin) * 2 + 4), title, fill=mark, font=font("sans", 14))
    return finished_by_day(pen.drawn(), rng, 0.15)


def _tent(pen: Pen, at: Point, tall: float, cloth: tuple[RGB, RGB, RGB], dome: bool) -> None:
    """A tent lit from within, its door ajar; ``cloth`` is bright, dim and dark."""
    (x, foot), (bright, dim, dark) = at, cloth
    if dome:
        arc = np.linspace(0, np.pi, 24)
        across, up = np.cos(arc) * tall, np.sin(arc) * tall
        pen.shape(np.stack([x - across * 1.1, foot - up * 0.85], axis=1), dim)
        pen.shape(np.stack([x - across * 0.62 - tall * 0.1, foot - up * 0.84], axis=1), bright)
        pen.line(np.stack([x + up * 0.1 - across * 0.55, foot - up * 0.85], axis=1), dim)
    else:
        peak, back = (x - tall * 0.15, foot - tall), (x + tall * 0.95, foot - tall * 0.88)
        flank = (x + tall * 1.35, foot - tall * 0.05)
        pen.shape([(x - tall * 0.75, foot), peak, back, flank, (x + tall * 0.4, foot)], dim)
        pen.shape([(x - tall * 0.75, foot), peak, (x + tall * 0.42, foot)], bright)
        pen.line([(x - tall * 1.0, foot + 2), peak, back, (x + tall * 1.6, foot)], dark, 0.7)
    pen.shape([(x - tall * 0.32, foot), (x - tall * 0.15, foot - tall * 0.62), (x - tall * 0.02, foot)], dark)


def tent_stars(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A lit tent under the night: the milky way or turning stars over peaks, pines or a lake."""
    width, height = size
    ground = height * rng.uniform(0.62, 0.9)
    low = mix(palette.deep, palette.mid, rng.uniform(0.1, 0.6))
    night = mix(palette.ink, BLACK, 0.25)
    middle = mix(palette.ink, palette.deep, 0.4)
    image = gradient(size, [(0.0, night), (0.45, middle), (ground / height, low), (1.0, low)])
    glow = mix(palette.light, palette.accent, 0.45)
    dusk = glow_mask(size, width * rng.uniform(0, 1), ground, width * 0.5)
    paint(image, glow, dusk * rng.uniform(0.1, 0.5))
    trails, lake = rng.random() < 0.3, rng.random() < 0.4
    if not trails:
        turn, shift = rng.uniform(0.4, 2.7), rng.uniform(-0.3, 0.3) * width
        columns, rows = (2 * part for part in grid(halved(size)))
        off = (columns - width / 2) * math.sin(turn) - (rows - height * 0.35) * math.cos(turn) + shift
        cloud = layered_noise(rng, halved(size), 28, 28, 4)
        band = bell(off, width * rng.uniform(0.15, 0.32))
        milk = band * (0.25 + 0.75 * smoothstep(cloud, 0.3, 0.8))
        paint(image, mix(palette.mid, palette.light, 0.4), milk * rng.uniform(0.3, 0.55))
        paint(image, night, bell(off, width * 0.05) * smoothstep(cloud, 0.6, 0.35) * 0.5)
        dust = rng.random((height, width), dtype=np.float32)
        paint(image, palette.light, (dust - 0.992) * (dust > 0.992) * 125)
    pole = (width * rng.uniform(0.2, 0.8), height * rng.uniform(0.1, 0.45))
    x, tall = width * rng.uniform(0.25, 0.7), height * (0.04, 0.06, 0.09, 0.15)[int(rng.integers(4))]
    pen = Pen.over(image)
    turned = rng.uniform(15, 50)
    for _ in range(110 if trails else 70):
        sx, sy, bright = width * rng.random(), ground * rng.random(), rng.random() ** 2
        tone = mix(low, palette.light if rng.random() < 0.85 else palette.accent, 0.35 + 0.65 * bright)
        if trails:
            radius = np.hypot(sx - pole[0], sy - pole[1]) * 1.5
            start = rng.uniform(0, 360)
            circle, width_of = around(*pole, radius), 1.0 if bright > 0.5 else 0.5
            pen.arc(circle, start, start + turned, fill=tone, width=width_of)
        else:
            pen.disc(sx, sy, 0.5 + bright, tone)
    image = pen.drawn()
    peaks = rng.uniform(0.45, 0.6)
    for depth in (0.0, 0.5)[: int(rng.integers(0, 3))]:
        roll = height * 0.08 * wandering(rng, width, width * 0.5, peaks)
        far = ground - height * (0.1 - 0.07 * depth) - roll
        tone = mix(low, palette.ink, 0.45 + 0.4 * depth)
        fill_land(image, far, tone, mix(tone, low, 0.5), height * 0.25)
    if lake:
        bank = int(ground - height * 0.03)
        above = image.crop((0, max(0, 2 * bank - height), width, bank))
        mirror = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        image.paste(Image.blend(mirror, Image.new("RGB", mirror.size, palette.ink), 0.35), (0, bank))
        ground += (height - ground) * rng.uniform(0.4, 0.7)
    line = ground - height * rng.uniform(0.0, 0.05) * wandering(rng, width, width * 0.6, 0.35)
    fill_land(image, line, mix(palette.ink, palette.deep, 0.12), night, height * 0.2)
    foot = float(line[int(x)]) + tall * 0.25
    paint(image, glow, glow_mask(size, x, foot - tall * 0.3, tall * 2) * 0.55)
    cloth = (mix(palette.accent, palette.light, 0.55), palette.accent, mix(palette.ink, palette.accent, 0.35))
    dome, pines = rng.random() < 0.5, int(rng.choice([0, 4, 14, 30]))
    pen = Pen.over(image)
    for at in rng.integers(0, width, pines):
        _pine(pen, float(at), float(line[at]) + 3, height * rng.uniform(0.06, 0.2), night)
    _tent(pen, (x, foot), tall, cloth, dome)
    image = pen.drawn()
    paint(image, glow, glow_mask(size, x, foot - tall * 0.3, tall * 1.2) * 0.35)
    return finished_by_day(image, rng, 0.35)


def footpath(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A path winding over one hill after another, sometimes with a walker, a fence or trees."""
    width, height = size
    hour, hills = int(rng.integers(4)), int(rng.integers(2, 6))
    top = height * rng.uniform(0.22, 0.55)
    image = open_sky(rng, size, palette, top, hour)
    _, _, low = sky_colours(palette, hour)
    paint(image, palette.light, glow_mask(size, width * rng.uniform(0, 1), top, width * 0.5) * 0.6)
    rise = height * rng.uniform(0.03, 0.12)
    far = top - rise * (1 + wandering(rng, width, width * 0.5, rng.uniform(0.3, 0.55)))
    fill_land(image, far, mix(low, palette.deep, 0.4), low, height * 0.2)
    crossing = width * rng.uniform(0.2, 0.8)
    sand = mix(palette.light, palette.accent, rng.uniform(0, 0.3))
    sand = mix(sand, palette.deep, (0, 0.05, 0.1, 0.5)[hour])
    grass = mix(palette.deep, palette.accent, rng.uniform(0, 0.3))
    blades = layered_noise(rng, size, 3, 9)
    crests = []
    for share in np.arange(hills) / hills:
        roll = height * (0.03 + 0.05 * share) * wandering(rng, width, width * 0.9, 0.25)
        crests.append(top + (height - top) * share**1.3 - roll)
    spots: list[tuple[float, float, float]] = []
    for index, crest in enumerate(crests):
        depth = index / hills
        tone = mix(mix(low, grass, 0.5 + 0.45 * depth), palette.ink, 0.35 * depth)
        hollow = mix(tone, low if index < hills - 1 else palette.ink, 0.4)
        fill_land(image, crest, mix(tone, palette.light, 0.12), hollow, height * 0.2)
        leave = width * rng.uniform(0.12, 0.88)
        start, first = float(crest[int(crossing)]), max(0, int(crest.min()) - 1)
        end = float(crests[index + 1][int(leave)]) + 6 if index < hills - 1 else height
        last = min(height, int(crests[index + 1].max()) + 2) if index < hills - 1 else height
        columns, rows = grid((width, max(last - first, 1)))
        along = np.clip((rows + first - start) / max(end - start, 8), 0, 1)
        swing = np.sin(along * along * (3 - 2 * along) * math.pi * rng.uniform(1, 2.2))
        bend = swing * (1 - along) * rng.uniform(-0.2, 0.2) * width
        half = width * (0.005 + 0.1 * np.clip((rows + first - top) / (height - top), 0, 1) ** 1.8)
        ragged = blades[first : first + len(rows)]
        away = np.abs(columns - crossing - (leave - crossing) * along - bend)
        field = np.clip(rows + first - crest + 0.5, 0, 1)
        tufts = field * smoothstep(ragged, 0.5, 0.9) * (0.15 + 0.3 * depth)
        paint(image, mix(tone, palette.light, 0.5), tufts, first)
        lane = np.clip((half * (0.8 + 0.4 * ragged) - away) / (1 + 2 * depth) + 0.5, 0, 1) * field
        paint(image, mix(sand, mix(low, tone, 0.4), 0.5 * (1 - depth)), lane, first)
        paint(image, mix(sand, palette.ink, 0.35), lane * smoothstep(away / half, 0.2, 1.0) * 0.5, first)
        spots.append((crossing, start + 3, height * (0.03 + 0.12 * depth)))
        crossing = leave
    walker, posts, trees = rng.random() < 0.55, rng.random() < 0.4, int(rng.choice([0, 0, 3, 9]))
    pen = Pen.over(image)
    for number, crest in enumerate(crests):
        near = number / hills
        dark = mix(mix(low, grass, 0.6), palette.ink, 0.4 + 0.5 * near)
        for at in rng.integers(0, width, trees):
            tall = height * (0.03 + 0.09 * near) * rng.uniform(0.7, 1.2)
            _pine(pen, float(at), float(crest[at]) + 2, tall, dark)
    crest = crests[-1]
    for at in range(4, width, 26) if posts else []:
        tall = height * 0.05 * rng.uniform(0.8, 1.1)
        top_end = (at + rng.normal(0, 1.5), float(crest[at]) - tall)
        pen.line([(at, float(crest[at]) + 4), top_end], palette.ink, 2)
    if walker:
        x, y, tall = spots[int(rng.integers(len(spots)))]
        walking_figure(pen, (x, y), tall, mix(palette.ink, palette.accent, 0.15), 0.1)
    return finished_by_day(pen.drawn(), rng)
