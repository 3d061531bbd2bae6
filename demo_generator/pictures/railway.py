"""Night trains: tracks to the horizon, and carriage windows from inside and from the platform.

Belongs here: what moves on rails. Timetables and suitcases are in ``travel``.
"""

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo_generator.pictures.architecture import (
    against_the_light,
    quarter_grid,
    ridge_line,
    signal,
    windows_at_night,
)
from demo_generator.pictures.canvas import (
    RGB,
    WHITE,
    Palette,
    Rng,
    Size,
    Tones,
    gradient,
    mix,
    one_of,
    smooth_noise,
)
from demo_generator.pictures.light import (
    blended,
    bloomed,
    brightened,
    finished_by_night,
    screened,
    shaded,
    stencil,
)
from demo_generator.pictures.pen import Ink, Pen
from demo_generator.pictures.perspective import Ground, Plane


def _far_town(pen: Pen, rng: Rng, size: Size, y: float, low: RGB, palette: Palette, night: bool) -> None:
    """What stands at the end of a plain: two ridges, then trees and sheds, or lit blocks at night."""
    w, h = size
    shade, lamp = mix(low, palette.ink, 0.55), mix(palette.accent, palette.light, 0.4)
    for index in range(2):
        ridge = ridge_line(rng, size, y - h * (0.06 - 0.05 * index), h * rng.uniform(0.012, 0.045))
        pen.shape(ridge, mix(low, palette.deep, 0.4 + 0.3 * index))
    for x in np.cumsum(rng.uniform(0.02, 0.12, 16)) * w:
        tall = h * rng.uniform(0.01, 0.05)
        if night or rng.random() < 0.5:
            pen.box((x, y - tall, x + w * 0.05, y + 2), shade)
            if night:
                pen.box((x + 3, y - tall * 0.7, x + 5, y - tall * 0.7 + 2), lamp)
        else:
            pen.oval(x, y - tall * 0.4, w * 0.035, tall * 0.8, shade)


def _track(pen: Pen, ground: Ground, x: float, bed: RGB, tie: RGB, shine: RGB) -> None:
    """One track: its bed, the sleepers getting lost in it, two rails with light along them."""
    depths = [0.5 * 1.16**index for index in range(27)]
    for far, near in pairwise(depths[::-1]):
        pen.shape(ground.strip(x - 0.85, x + 0.85, near, far), bed)
    for z in np.arange(9, 0.5, -0.22).tolist():
        pen.shape(ground.strip(x - 0.62, x + 0.62, z - 0.1, z), mix(tie, bed, min(0.9, z / 9)))
    for rail in (x - 0.36, x + 0.36):
        for half, colour in ((0.045, tie), (0.018, shine)):
            left = [ground.at(rail - half, 0.04, z) for z in depths]
            pen.shape(left + [ground.at(rail + half, 0.04, z) for z in depths[::-1]], colour)


def _overhead(pen: Pen, ground: Ground, outer: float, dark: RGB, haze: RGB) -> None:
    """Masts beside the line at ``outer``, an arm on each, the wires over the track."""
    for z in (9.0, 6.2, 4.2, 2.8, 1.8, 1.1):
        thick, colour = max(0.7, ground.reach * 0.016 / z), mix(dark, haze, min(0.6, z * 0.06))
        pen.line([ground.at(outer, 0, z), ground.at(outer, 2.3, z)], colour, thick)
        pen.line([ground.at(outer, 2.1, z), ground.at(-outer * 0.1, 2.1, z)], colour, thick * 0.6)
        pen.line([ground.at(outer, 1.75, z), ground.at(outer * 0.4, 2.1, z)], colour, thick * 0.4)
    for x, up in ((0.0, 2.1), (0.0, 1.9), (outer, 2.3)):
        pen.line([ground.at(x, up, 0.6 * 1.16**index) for index in range(26)], dark, 0.8)


def _hour(rng: Rng, palette: Palette) -> tuple[str, RGB, RGB]:
    """A time of day: its name, the colour of the sky above, and at the horizon."""
    hours = (
        ("night", palette.ink, mix(palette.deep, palette.mid, rng.uniform(0.1, 0.5))),
        ("dusk", palette.deep, mix(palette.accent, palette.light, 0.35)),
        ("pale", palette.mid, palette.light),
    )
    return one_of(rng, hours)


def railway_tracks(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Rails to the horizon, straight or bending away: masts, wires, a signal, weather."""
    w, h = size
    vx, vy = w * rng.uniform(0.25, 0.75), h * rng.uniform(0.36, 0.62)
    hour, top, low = _hour(rng, palette)
    sky = gradient(size, [(0, top), (vy / h * 0.6, mix(top, low, 0.45)), (vy / h, low), (1, low)])
    soil = mix(palette.deep, palette.ink if hour == "night" else palette.mid, rng.uniform(0.2, 0.6))
    bend = float(rng.choice((0, 0, 0.02, -0.02, 0.035, -0.035)))
    ground = Ground((vx, vy), w * rng.uniform(0.75, 1.1), 0.9, bend)
    tracks: tuple[float, ...] = one_of(rng, ((0.0,), (0.0,), (-0.9, 0.9), (0.0, 1.9), (-1.9, 0.0, 1.9)))
    beside = float(rng.choice((-1, 1))) * (max(abs(x) for x in tracks) + 1)
    stretched = smooth_noise(rng, (w // 12, h // 4), 5).repeat(3, axis=1) ** 2
    cover = stretched * np.linspace(1, 0.2, h // 4)[:, None] * rng.uniform(0.2, 1)
    pen = Pen.over(blended(sky, mix(low, palette.light, 0.35), cover))
    disc, moon = w * rng.uniform(0.03, 0.09), mix(palette.light, palette.accent, 0.4 * (hour == "dusk"))
    pen.disc(w * rng.uniform(0.15, 0.85), vy * rng.uniform(0.3, 0.9), disc, moon)
    _far_town(pen, rng, size, vy, low, palette, hour == "night")
    pen.box((-1, vy, w, h), soil)
    bed = mix(soil, palette.mid if hour == "night" else palette.ink, 0.25)
    for x in tracks:
        _track(pen, ground, x, bed, mix(palette.ink, palette.deep, 0.25), mix(low, palette.light, 0.5))
    if rng.random() < 0.7:
        _overhead(pen, ground, beside, mix(palette.ink, low, 0.12), low)
    if rng.random() < 0.6:
        z = rng.uniform(1.6, 3.4)
        (x, foot), (_, head) = ground.at(-beside, 0, z), ground.at(-beside, 1.7, z)
        lamps = (palette.accent, mix(palette.ink, palette.deep, 0.6))
        signal(pen, x, foot, head, w * 0.07 / z, lamps, palette.ink)
    image = pen.drawn()
    stones = 0.72 + 0.28 * smooth_noise(rng, size, 3)
    stones[: int(vy)] = 1
    mist = 0.6 * np.exp(-np.abs(quarter_grid(size)[0] - vy) / h * rng.uniform(9, 24))
    return finished_by_night(bloomed(blended(shaded(image, stones), low, mist), 150, 0.6, 14), rng, 0.4)


def _country(pen: Pen, rng: Rng, size: Size, land: str, y: float, tones: Tones, palette: Palette) -> None:
    """The far country below a horizon at ``y``: ``hills``, ``woods``, a ``town`` or the ``sea``."""
    w, h = size
    low, ground, lamp = tones
    if land == "sea":
        pen.box((-1, y, w, h), mix(low, ground, 0.4))
        for _ in range(40):
            x, swell = rng.uniform(0, w), y + h * 0.16 * rng.random() ** 1.5
            pen.box((x, swell, x + w * rng.uniform(0.02, 0.12), swell + 1), mix(low, palette.light, 0.3))
        return
    for index in range(3):
        ridge = ridge_line(rng, size, y + h * (0.05 * index - 0.04), h * 0.02 * (index + 1))
        pen.shape(ridge, mix(low, ground, 0.3 + 0.25 * index))
    for _ in range(int(rng.integers(6, 16))):
        x, shade = rng.uniform(-0.1, 1.05) * w, mix(low, ground, rng.uniform(0.5, 0.95))
        if land == "hills":
            pen.oval(x, y + h * rng.uniform(0, 0.1), 1.3, 1.1, lamp)
        elif land == "woods":
            pen.box((x, -1, x + w * rng.uniform(0.012, 0.05), h), shade)
        elif rng.random() < 0.6:
            wide, top = w * rng.uniform(0.1, 0.22), y - h * rng.uniform(0.08, 0.3)
            block = Plane((x, top), (x + wide, top), (x + wide, h), (x, h))
            windows_at_night(pen, rng, block, shade, palette, (3, 9), 0.3)


def _passing(rng: Rng, size: Size, palette: Palette) -> tuple[Image.Image, bool]:
    """Country seen from a moving train, the nearer the more smeared; and whether it is night."""
    w, h = size
    land, (hour, top, low) = one_of(rng, ("hills", "sea", "woods", "town")), _hour(rng, palette)
    horizon, disc = h * rng.uniform(0.4, 0.65), w * rng.uniform(0.03, 0.08)
    ground, lamp = palette.ink if hour == "night" else palette.deep, mix(palette.accent, palette.light, 0.4)
    pen = Pen.over(gradient(size, [(0, top), (horizon / h, low), (1, low)]))
    x, y = w * rng.uniform(0.2, 0.8), horizon - h * rng.uniform(0.08, 0.25)
    pen.disc(x, y, disc, mix(palette.light, palette.accent, 0.25))
    _country(pen, rng, size, land, horizon, (low, ground, lamp), palette)
    image = pen.drawn()
    if land in ("woods", "town"):
        narrow = image.resize((max(1, w // 14), h), Image.Resampling.BOX)
        rushing = narrow.resize(size, Image.Resampling.BILINEAR)
        image = Image.blend(image, rushing, rng.uniform(0.35, 0.85))
    near = Image.new("RGB", (12, h), ground)
    draw = ImageDraw.Draw(near)
    for _ in range(26):
        y, x = horizon + h * (0.12 + 0.5 * rng.random()), int(rng.integers(-2, 11))
        colour = one_of(rng, (palette.mid, palette.deep, palette.ink, palette.accent))
        streak = (x, y, x + int(rng.integers(2, 8)), y)
        draw.line(streak, mix(ground, colour, rng.uniform(0.2, 0.6)), int(rng.integers(1, 4)))
    below = (quarter_grid(size)[0] - horizon) / h
    rush = near.resize(size, Image.Resampling.BILINEAR)
    return Image.composite(rush, image, stencil((below - 0.1) * 7).resize(size)), hour == "night"


def _curtain(pen: Pen, start: float, wide: float, top: float, low: float, cloth: RGB, ink: RGB) -> None:
    """A drawn curtain hanging in folds."""
    for index in range(8):
        x = start + wide * index / 8
        pen.box((x, top, x + wide / 8, low), mix(cloth, ink, 0.22 * (index % 3)))


def _before_the_window(pen: Pen, rng: Rng, size: Size, wall: RGB, palette: Palette) -> None:
    """A folding table with things on it, or the backs of two seats."""
    w, h = size
    if rng.random() < 0.65:
        table = h * rng.uniform(0.86, 0.93)
        pen.box((w * 0.12, table, w * 0.88, table + h * 0.02), mix(wall, palette.mid, 0.5), radius=3)
        pen.box((w * 0.47, table + h * 0.02, w * 0.53, h), mix(wall, palette.ink, 0.4))
        things = rng.permutation(["cup", "bottle", "books"])[: rng.integers(1, 3)]
        for index, kind in enumerate(things):
            x = w * (0.28 + 0.36 * index + rng.uniform(-0.05, 0.1))
            shade = mix(palette.accent if kind == "bottle" else palette.light, wall, 0.37)
            against_the_light(pen, rng, str(kind), x, table, w * 0.085, shade)
    else:
        seat = mix(mix(palette.accent, palette.deep, 0.5), palette.ink, 0.35)
        for x in (0.0, float(w)):
            pen.box((x - w * 0.24, h * 0.6, x + w * 0.24, h * 1.1), seat, radius=w * 0.07)
            rest = (x - w * 0.2, h * 0.61, x + w * 0.2, h * 0.68)
            pen.box(rest, mix(seat, palette.light, 0.2), radius=w * 0.04)


def _passenger(pen: Pen, x: float, y: float, radius: float, low: float, fill: Ink) -> None:
    """Somebody in their seat, in outline: a head, a neck, shoulders down to ``low``."""
    pen.oval(x, y, radius * 0.8, radius, fill)
    coat = [(-0.4, 0), (0.4, 0), (0.5, 1.3), (1.7, 2), (1.9, 9), (-1.9, 9), (-1.7, 2), (-0.5, 1.3)]
    pen.shape([(x + across * radius, min(low, y + down * radius)) for across, down in coat], fill)


def _train_inside(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """From a seat: the country in the window, its frame, and at night somebody's reflection."""
    w, h = size
    image, night = _passing(rng, size, palette)
    wall, dark = mix(palette.ink, palette.deep, rng.uniform(0.1, 0.7)), palette.ink
    left, right = w * rng.uniform(-0.2, 0.14), w * rng.uniform(0.86, 1.2)
    top, sill, radius = h * rng.uniform(0.06, 0.16), h * rng.uniform(0.66, 0.82), w * rng.uniform(0.03, 0.1)
    bar = w * rng.uniform(0.3, 0.7) if rng.random() < 0.35 else -w
    empty = Image.new("L", size)
    if night:
        pen = Pen.over(empty)
        x, head, lamp = w * rng.uniform(0.2, 0.8), w * rng.uniform(0.07, 0.11), w * rng.uniform(0.1, 0.7)
        _passenger(pen, x, sill - head * rng.uniform(2.4, 3.6), head, h, 60)
        pen.box((lamp, top + h * 0.05, lamp + w * 0.22, top + h * 0.062), 120, radius=2)
        ghost = pen.drawn().filter(ImageFilter.BoxBlur(1))
        image.paste(mix(palette.mid, palette.light, 0.3), (0, 0), ghost)
    stops = [(0, mix(wall, dark, 0.4)), (sill / h, mix(wall, palette.mid, 0.2)), (1, mix(wall, dark, 0.5))]
    pen = Pen.over(empty)
    pen.box((0, 0, w, h), 255)
    pen.box((left, top, right, sill), 0, radius=radius)
    pen.box((bar - w * 0.025, top, bar + w * 0.025, sill), 255)
    image.paste(gradient(size, stops), (0, 0), pen.drawn())
    pen = Pen.over(image)
    pen.box((-1, sill + h * 0.012, w, sill + h * 0.022), mix(wall, palette.mid, 0.35))
    wide, cloth = w * rng.uniform(0.12, 0.22), mix(palette.accent, dark, 0.45)
    for start in one_of(rng, ((), (max(0.0, left),), (min(w, right) - wide,))):
        _curtain(pen, start, wide, top - h * 0.02, sill, cloth, dark)
    _before_the_window(pen, rng, size, wall, palette)
    return pen.drawn()


def _train_outside(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """From the platform: a lit carriage in the dark, strangers in its windows."""
    w, h = size
    body, count = mix(palette.deep, palette.ink, rng.uniform(0.1, 0.6)), int(rng.integers(1, 4))
    roof, rail = h * rng.uniform(0.1, 0.28), h * rng.uniform(0.8, 0.9)
    top, sill = roof + (rail - roof) * 0.2, roof + (rail - roof) * rng.uniform(0.55, 0.68)
    first, pitch = w * rng.uniform(-0.25, 0.05), w * rng.uniform(0.95, 1.25) / count
    sky = [(0, palette.ink), (roof / h, mix(palette.ink, palette.deep, 0.7)), (1, palette.ink)]
    room, tall = mix(palette.light, palette.accent, rng.uniform(0.15, 0.5)), sill - top
    pen = Pen.over(gradient(size, sky))
    pen.box((-1, roof, w, rail), body)
    pen.box((-1, roof, w, roof + h * 0.02), mix(body, palette.mid, 0.4))
    pen.box((-1, sill + h * 0.05, w, sill + h * 0.075), palette.accent)
    pen.box((-1, rail, w, h), mix(palette.ink, palette.deep, 0.2))
    for index in range(count + 2):
        x0, wide = first + index * pitch + pitch * 0.1, pitch * 0.82
        pen.box((x0 - 3, top - 3, x0 + wide + 3, sill + 3), mix(body, palette.ink, 0.5), radius=w * 0.035)
        pen.box((x0, top, x0 + wide, sill), room, radius=w * 0.03)
        pen.box((x0, top + tall * 0.12, x0 + wide, top + tall * 0.17), mix(room, WHITE, 0.5))
        pen.box((x0, top + tall * 0.62, x0 + wide, sill), mix(room, body, 0.3), radius=w * 0.02)
        for _ in range(int(rng.integers(0, 3))):
            x, radius = x0 + wide * rng.uniform(0.25, 0.75), min(wide, tall) * 0.11
            figure = mix(body, palette.ink, rng.uniform(0.2, 0.8))
            _passenger(pen, x, sill - radius * rng.uniform(3.2, 4.4), radius, sill, figure)
    image, depth = pen.drawn(), int(h - rail) - 1
    spill = image.crop((0, int(sill) - depth, w, int(sill))).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    smeared = brightened(spill.resize((w, 6)).resize((w, depth), Image.Resampling.BICUBIC), 0.4)
    image = screened(image, smeared, (0, int(rail)))
    if rng.random() < 0.4:
        moving = image.resize((w // 10, h)).resize(size, Image.Resampling.BILINEAR)
        image = Image.blend(image, moving, 0.7)
    return image


def train_window(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A train's window: from the seat beside it, or lit up in the dark from the platform."""
    inside = rng.random() < 0.68
    image = (_train_inside if inside else _train_outside)(rng, size, palette)
    return finished_by_night(bloomed(image, 150, 0.6, 16), rng, 0.4)
