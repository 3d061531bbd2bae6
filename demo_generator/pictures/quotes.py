"""Lines of type: a quotation on paper, on a torn scrap, beside a picture, by night.

Belongs here: ``quote_card``, the one picture that is given words.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

from demo_generator.pictures.botany import Part, bowed, draw_plant, foliage
from demo_generator.pictures.canvas import (
    RGB,
    Box,
    Palette,
    Rng,
    Size,
    fitted,
    gradient,
    mix,
    one_of,
    readable_on,
    smooth_noise,
)
from demo_generator.pictures.light import glowing, grain, lay_sheet, vignette
from demo_generator.pictures.pen import Pen, around, down_to
from demo_generator.pictures.surfaces import paper_sheet


def _ornament(rng: Rng, pen: Pen, place: tuple[float, float, float], ink: RGB) -> None:
    """A small device at (x, y, radius): a sprig, a sun, a moon, waves, a star or a rule."""
    x, y, radius = place
    kind = one_of(rng, ("sprig", "sun", "moon", "waves", "star", "rule", "rule"))
    if kind == "sprig":
        for side in (-1, 1):
            stem = bowed((x, y), (x + side * radius * 2.2, y - radius * 0.3), side * 0.1)
            fill = foliage(rng, stem, radius * 0.75, 7, 0.45)
            parts = [Part("stem", stem), *(part for part in fill if part.role == "leaf")]
            draw_plant(pen, parts, {"leaf": ink, "stem": ink}, None, 0.7)
    elif kind == "sun":
        pen.disc(x, y, radius * 0.42, ink)
        for angle in np.arange(12) * math.pi / 6:
            cosine, sine = math.cos(angle), math.sin(angle)
            across, down = cosine * radius, sine * radius
            pen.line([(x + across * 0.6, y + down * 0.6), (x + across * 0.95, y + down * 0.95)], ink)
    elif kind == "moon":
        angle, back = np.linspace(-1.9, 1.9, 24), np.linspace(1.5, -1.5, 24)
        outer = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        inner = np.stack([np.cos(back) * 0.9 - 0.43, np.sin(back) * 0.95], axis=1)
        pen.shape(np.concatenate([outer, inner]) * radius * 0.8 + np.array([x, y]), ink)
    elif kind == "waves":
        along = np.linspace(-1, 1, 40)
        for index in range(3):
            xs = x + along * radius * (1.8 - 0.3 * index)
            ys = y + index * radius * 0.4 + np.sin(along * 12) * radius * 0.13
            line = np.stack([xs, ys], axis=1)
            pen.line(line, ink, 1)
    elif kind == "star":
        angle = np.arange(8) * math.pi / 4 - math.pi / 2
        reach = np.where(np.arange(8) % 2 == 0, 1.0, 0.22) * radius * 0.9
        pen.shape(np.stack([x + np.cos(angle) * reach, y + np.sin(angle) * reach], axis=1), ink)
    else:
        pen.line([(x - radius * 1.6, y), (x + radius * 1.6, y)], ink, 1)
        pen.disc(x, y, radius * 0.14, ink)


@dataclass(frozen=True)
class _Type:
    """How a line is set: its face, the colour of its letters and of its ornament, centred or ragged."""

    style: str
    ink: RGB
    second: RGB
    centred: bool


def _set(rng: Rng, base: Image.Image, quote: str, box: Box, look: _Type) -> Image.Image:
    """Set ``quote`` in ``box`` with room for an ornament above or below it."""
    left, top, right, bottom = box
    largest = int((right - left) / (7.0 if len(quote) < 40 else 8.5 if len(quote) < 70 else 10))
    face, lines = fitted(quote, look.style, (right - left, (bottom - top) * 0.72), largest)
    pitch = face.size * 1.42
    room = bottom - top - pitch * len(lines)
    radius = max(7.0, face.size * 0.7)
    above = rng.random() < 0.5
    y = top + room * rng.uniform(0.3, 0.7)
    y = max(y, top + 3.2 * radius) if above else min(y, bottom - 3.2 * radius - pitch * len(lines))
    pen = ImageDraw.Draw(base)
    for index, line in enumerate(lines):
        at = ((left + right) / 2 if look.centred else left, y + (index + 0.5) * pitch)
        pen.text(at, line, fill=look.ink, font=face, anchor="mm" if look.centred else "lm")
    oy = y - radius * 1.9 if above else y + pitch * len(lines) + radius * 1.9
    ox = (left + right) / 2 if look.centred else left + radius * 2.2
    device = Pen.over(base)
    _ornament(rng, device, (ox, oy, radius), look.second)
    return device.drawn()


def _torn(rng: Rng, size: Size, colour: RGB) -> Image.Image:
    """A piece of paper with torn edges and the white of its torn fibre."""
    width, height = size
    rough = smooth_noise(rng, size, 9) * 5 + smooth_noise(rng, size, 42) * 9
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inside = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y)) - rough
    sheet = np.asarray(paper_sheet(rng, size, colour, 18), np.float32).copy()
    rim = np.clip(1 - (inside - 1.5) / 2, 0, 1)[..., None]
    sheet += (np.array((250, 246, 238), np.float32) - sheet) * rim * 0.8
    alpha = np.clip(inside * 1.3, 0, 1) * 255
    return Image.fromarray(np.dstack([sheet, alpha]).astype(np.uint8), "RGBA")


def _hills(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A calm field of colour to stand above or behind type: a sky, a disc, a few hills."""
    width, height = size
    sky = [palette.light, mix(palette.mid, palette.accent, rng.uniform(0, 0.6)), palette.deep]
    if rng.random() < 0.5:
        sky.reverse()
    base = gradient(size, [(0, sky[0]), (0.55, sky[1]), (1, sky[2])])
    along = np.linspace(0, 1, 40)
    cx, cy = width * rng.uniform(0.2, 0.8), height * rng.uniform(0.15, 0.4)
    radius = width * rng.uniform(0.07, 0.2)
    count = int(rng.integers(2, 5))
    pen = Pen.over(base)
    pen.disc(cx, cy, radius, mix(palette.accent, palette.light, rng.uniform(0.1, 0.8)))
    for index in range(count):
        swell = np.sin(along * rng.uniform(2, 8) + rng.uniform(0, 6)) * height * 0.05
        y = height * (0.42 + 0.13 * index) + swell
        line = np.stack([along * width, y], axis=1)
        tone = mix(mix(palette.mid, palette.deep, index / count), palette.ink, 0.35 * index / count)
        pen.shape(down_to(line, height), tone)
    return pen.drawn()


def _on_scrap(rng: Rng, base: Image.Image, quote: str, paper: RGB, look: _Type) -> Image.Image:
    """The line on a torn scrap that lies, a little turned, on ``base``."""
    width, height = base.size
    w, h = int(width * rng.uniform(0.74, 0.86)), int(height * rng.uniform(0.5, 0.74))
    scrap = _torn(rng, (w, h), paper)
    edge = scrap.getchannel("A")
    scrap = _set(rng, scrap.convert("RGB"), quote, (w * 0.12, h * 0.1, w * 0.88, h * 0.9), look)
    scrap.putalpha(edge)
    scrap = scrap.rotate(rng.uniform(-5, 5), Image.Resampling.BILINEAR, expand=True)
    at = (width - scrap.width) // 2, int((height - scrap.height) * rng.uniform(0.3, 0.7))
    lay_sheet(base, scrap, at, 0.6)
    return vignette(grain(base, rng, 5), 0.25)


def _beside(rng: Rng, base: Image.Image, picture: Image.Image, quote: str, look: _Type) -> Image.Image:
    """The line above or below a ``picture`` of the same width as ``base``."""
    (width, height), cut = base.size, picture.height
    below = rng.random() < 0.6
    base.paste(picture, (0, 0 if below else height - cut))
    top, bottom = (cut + height * 0.04, height * 0.95) if below else (height * 0.05, height * 0.96 - cut)
    margin = width * rng.uniform(0.11, 0.16)
    return grain(_set(rng, base, quote, (margin, top, width - margin, bottom), look), rng, 5)


def _by_night(rng: Rng, size: Size, palette: Palette, quote: str, look: _Type) -> Image.Image:
    """The line in the dark, a lamp somewhere near."""
    width, height = size
    dark = mix(palette.ink, palette.deep, rng.uniform(0.1, 0.5))
    base = gradient(size, [(0, dark), (1, mix(dark, palette.deep, 0.7))])
    lamp = Image.new("L", size)
    spot = around(width * rng.uniform(0, 1), height * rng.uniform(0.0, 0.8), width * 0.3)
    ImageDraw.Draw(lamp).ellipse(spot, fill=110)
    margin = width * rng.uniform(0.11, 0.16)
    box: Box = (margin, height * 0.1, width - margin, height * 0.9)
    look = replace(look, ink=palette.light, second=mix(palette.accent, palette.light, 0.3))
    base = _set(rng, glowing(base, lamp, palette.accent, 56, 0.6), quote, box, look)
    return vignette(grain(base, rng, 7), 0.35)


def quote_card(rng: Rng, size: Size, palette: Palette, quote: str) -> Image.Image:
    """A short line set in type: on paper, on a torn scrap, beside a block of colour, by night."""
    width, height = size
    layouts = ("framed", "torn", "torn", "block", "plain", "night", "landscape", "landscape", "disc")
    layout = one_of(rng, layouts)
    style = one_of(rng, ("serif", "serif", "serif-italic", "serif-italic", "sans", "mono"))
    paper = mix(palette.light, palette.mid, rng.uniform(0, 0.2))
    tint = one_of(rng, (palette.deep, palette.mid, palette.accent))
    second = mix(palette.accent, palette.deep, 0.25)
    look = _Type(style, readable_on(paper, palette), second, bool(rng.random() < 0.55))
    if layout == "night":
        return _by_night(rng, size, palette, quote, look)
    if layout == "torn":
        base = _hills(rng, size, palette) if rng.random() < 0.4 else paper_sheet(rng, size, tint)
        return _on_scrap(rng, base, quote, paper, look)
    if layout in ("block", "landscape"):
        part = width, int(height * rng.uniform(0.36, 0.52))
        picture = _hills(rng, part, palette) if layout == "landscape" else paper_sheet(rng, part, tint)
        return _beside(rng, paper_sheet(rng, size, paper), picture, quote, look)
    ground = paper if layout == "framed" else one_of(rng, (paper, tint, mix(palette.deep, palette.ink, 0.3)))
    margin, base = width * rng.uniform(0.11, 0.16), paper_sheet(rng, size, ground)
    box: Box = (margin, height * 0.1, width - margin, height * 0.9)
    if layout == "disc":
        spoken = palette.light if ground == palette.accent else palette.accent
        behind = mix(ground, spoken, rng.uniform(0.25, 0.6))
        x, y, radius = width / 2, height * rng.uniform(0.42, 0.58), width * rng.uniform(0.42, 0.47)
        pen = Pen.over(base)
        pen.disc(x, y, radius, behind)
        base = pen.drawn()
        box, ground = (x - radius * 0.72, y - radius * 0.72, x + radius * 0.72, y + radius * 0.72), behind
    ink = readable_on(ground, palette)
    if layout == "framed":
        frame = (margin / 2, margin / 2, width - margin / 2, height - margin / 2)
        ImageDraw.Draw(base).rectangle(frame, None, mix(ground, ink, 0.6), int(rng.integers(1, 3)))
    look = replace(look, ink=ink, centred=look.centred or layout != "plain")
    if ground != paper:
        look = replace(look, second=mix(ink, ground, 0.25))
    return grain(_set(rng, base, quote, box, look), rng, 5)
