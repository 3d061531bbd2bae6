"""Papers that people keep: letters by hand, timetables, the labels on a suitcase.

Belongs here: what is written, printed and pasted. The trains are in ``railway``, lines of type in ``quotes``.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    WHITE,
    Box,
    Palette,
    Point,
    Points,
    Rng,
    Size,
    either_side,
    fitted,
    font,
    gradient,
    mix,
    one_of,
    readable_on,
    smooth_noise,
    varied,
)
from demo_generator.pictures.light import from_pixels, glowing, grain, lay_sheet, vignette
from demo_generator.pictures.pen import Pen, around, down_to
from demo_generator.pictures.scene import Scene
from demo_generator.pictures.shapes import curved, moved_by, oblong, oval, placed, shrunk, traced
from demo_generator.pictures.surfaces import paper_sheet, table_top
from demo_generator.pictures.things import cup_above, paint_sprig
from demo_generator.pictures.windows import fall_of_light

_PLACES = (
    "Velmora", "Ostrin", "Aldermere", "Nordhalt", "Brimsand", "Tavelle", "Corvanne", "Eskmere", "Salterne",
    "Isola Bruna", "Vintermo", "Lindhavn", "Karsthalt", "Pelagia", "Morrowby", "Tarn Cross", "Hethmoor",
)  # fmt: skip


def _written_lines(rng: Rng, wide: float, tall: float, pitch: float) -> list[np.ndarray]:
    """Handwriting that cannot be read, as lines about the middle of a sheet."""
    strokes = []
    lean, step = rng.uniform(0.1, 0.5), 1.8
    for row in range(int((tall - pitch) / pitch)):
        start = -wide / 2 + (pitch if row % 5 == 0 else 0)
        end = wide / 2 if row % 5 < 4 else rng.uniform(-0.3, 0.3) * wide
        x = np.arange(start, end, step)
        up = np.where(np.arange(len(x)) % 2, 1, -0.35)
        rise = np.minimum(np.abs(rng.normal(0, 1, len(x))) ** 1.5 * up, 2) * pitch * 0.2
        line = np.stack([x + lean * rise, pitch * (row + 1) - tall / 2 - rise], axis=1)
        words = np.split(line, np.cumsum(rng.integers(5, 20, len(x) // 5)).clip(max=len(x)))
        strokes += [word[:-2] for word in words if len(word) > 4]
    return strokes


def _sheet(scene: Scene, rng: Rng, x: float, y: float, wide: float, tall: float, turn: float) -> None:
    """A written sheet, creased where it was folded."""
    paper = varied(rng, mix(scene.light, scene.mid, rng.uniform(0, 0.25)), 6)
    outline = placed(oblong(-wide / 2, -tall / 2, wide / 2, tall / 2), x, y, 1, turn)
    scene.shadow(outline, fall=(5, 6), soft=7, opacity=0.45)
    scene.area(paper, outline)
    folds = int(rng.integers(1, 4))
    for fold in range(1, folds + 1):
        at = -tall / 2 + tall * fold / (folds + 1)
        below = placed(oblong(-wide / 2, at, wide / 2, at + 14), x, y, 1, turn)
        scene.area(scene.deep, below, soft=4, opacity=0.16)
        crease = placed([(-wide / 2, at), (wide / 2, at)], x, y, 1, turn)
        scene.stroke(mix(paper, WHITE, 0.4), 1.4, crease, opacity=0.9)
    pitch = rng.uniform(10, 15)
    ink = mix(scene.ink, scene.accent, rng.uniform(0, 0.5))
    lines = _written_lines(rng, wide * 0.78, tall * rng.uniform(0.55, 0.84), pitch)
    scene.stroke(ink, 0.9, *(placed(line, x, y, 1, turn) for line in lines), opacity=0.75)


def _envelope(scene: Scene, rng: Rng, x: float, y: float, wide: float, turn: float) -> None:
    """An envelope, its flap and seal towards us or its stamp and address."""
    tall = wide * 0.66
    tint = one_of(rng, (scene.light, scene.accent))
    paper = varied(rng, mix(scene.mid, tint, rng.uniform(0.2, 0.6)), 8)
    ink = mix(scene.ink, paper, 0.2)

    def put(points: Points) -> np.ndarray:
        return placed(np.asarray(points) * (wide / 2, tall / 2), x, y, 1, turn)

    body = put(oblong(-1, -1, 1, 1))
    scene.shadow(body, fall=(5, 6), soft=6, opacity=0.5)
    scene.area(paper, body)
    if rng.random() < 0.5:
        scene.area(mix(paper, scene.ink, 0.12), put([(-1, 1), (0, -0.1), (1, 1)]))
        flap = put([(-1, -1), (1, -1), (0.06, 0.2), (-0.06, 0.2)])
        scene.shadow(flap, fall=(0, 3), soft=3, opacity=0.35)
        scene.area(mix(paper, scene.light, 0.2), flap)
        sx, sy = put([(0, 0.16)])[0].tolist()
        seal = curved(oval(sx, sy, 13, 12)[::5] + rng.normal(0, 1, (8, 2)))
        scene.area(mix(scene.accent, scene.ink, 0.3), seal)
        scene.dish(scene.accent, sx, sy, 9.5)
    else:
        address = ((-0.35, 0.45, 0.0), (-0.35, 0.3, 0.25), (-0.35, 0.6, 0.5))
        lines = [[(start, h), (end, h)] for start, end, h in address]
        scene.stroke(ink, 0.9, *(put(_wobbly(rng, line)) for line in lines))
        stamp = put(oblong(0.6, -0.84, 0.9, -0.3))
        scene.area(scene.light, stamp)
        scene.area(mix(scene.accent, scene.deep, rng.uniform(0, 0.6)), shrunk(stamp, 0.8))
        mx, my = put([(0.5, -0.5)])[0].tolist()
        waves = (put([(-0.1, h), (0.4, h + 0.04)]) for h in (-0.6, -0.5, -0.4))
        scene.stroke(ink, 1, oval(mx, my, 15, 15), oval(mx, my, 11, 11), *waves, opacity=0.6)


def _wobbly(rng: Rng, line: list[Point]) -> np.ndarray:
    along = np.linspace(0, 1, 34)
    (xa, ya), (xb, yb) = line
    return np.stack([xa + (xb - xa) * along, ya + (yb - ya) * along + rng.normal(0, 0.035, 34)], axis=1)


def letter(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Letters on a table, with what was kept in them."""
    width, height = size
    scene = Scene(table_top(rng, size, palette), palette, either_side(rng))
    for _ in range(int(rng.integers(0, 3))):
        at = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height)
        _envelope(scene, rng, *at, rng.uniform(0.5, 0.7) * width, rng.uniform(-0.9, 0.9))
    x, y, turn = width * rng.uniform(0.42, 0.6), height * rng.uniform(0.42, 0.58), rng.normal(0, 0.2)
    if rng.random() < 0.25:
        _bundle(scene, rng, x, y, width * rng.uniform(0.62, 0.8), turn)
    else:
        wide, tall = width * rng.uniform(0.55, 0.82), height * rng.uniform(0.5, 0.8)
        for index in range(int(rng.integers(1, 4)) - 1, -1, -1):
            _sheet(scene, rng, x + 16 * index, y - 12 * index, wide, tall, turn + 0.12 * index)
        if rng.random() < 0.35:
            _envelope(scene, rng, x - width * 0.15, y + tall * 0.5, width * 0.58, rng.normal(0, 0.4))
        if rng.random() < 0.7:
            tip = (x + wide * rng.uniform(0, 0.4), y + tall * rng.uniform(0, 0.3))
            _fountain_pen(scene, *tip, height * 0.34, rng.uniform(0.2, 1.2))
    for _ in range(int(rng.integers(0, 3))):
        foot = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.5, 1) * height)
        dried = mix(palette.deep, palette.accent, rng.uniform(0, 0.5))
        paint_sprig(scene, rng, dried, *foot, height * 0.3, rng.normal(0, 0.8), 20)
    if rng.random() < 0.25:
        at = (width * one_of(rng, (0.06, 0.94)), height * rng.uniform(0.05, 0.3))
        cup_above(scene, rng, palette.light, *at, 46)
    fall_of_light(scene, rng, palette.deep, rng.uniform(0.15, 0.4))
    return scene.finished(rng)


def _bundle(scene: Scene, rng: Rng, x: float, y: float, wide: float, turn: float) -> None:
    """Letters kept together, tied with string."""
    for _ in range(3):
        _envelope(scene, rng, x + rng.normal(0, 5), y + rng.normal(0, 5), wide, turn + rng.normal(0, 0.05))
    along, down = [(-wide / 2, 4), (wide / 2, 4)], [(6, -wide * 0.33), (6, wide * 0.33)]
    string = [placed(line, x, y, 1, turn) for line in (along, down)]
    scene.stroke(scene.ink, 2.5, *(moved_by(line, 0, 2) for line in string), soft=1.5, opacity=0.4)
    bow = curved(traced("6,4 -24,-22 -34,-4 6,4 34,-26 44,-6 6,4 30,34"), closed=False)
    scene.stroke(mix(scene.accent, scene.light, 0.2), 2.2, *string, placed(bow, x, y, 100, turn))


def _fountain_pen(scene: Scene, x: float, y: float, long: float, turn: float) -> None:
    """A fountain pen put down."""
    nib = mix(scene.accent, scene.light, 0.4)
    barrel = traced("-2.2,-50 2.2,-50 2.8,20 1.6,36 -1.6,36 -2.8,20")
    scene.shadow(placed(barrel, x - scene.side * 5, y + 6, long, turn), soft=3, opacity=0.5)
    scene.area(scene.ink, placed(barrel, x, y, long, turn))
    metal = (traced("1.6,36 0,50 -1.6,36"), traced("-2.4,-6 2.5,-6 2.5,-4 -2.4,-4"))
    scene.area(nib, *(placed(part, x, y, long, turn) for part in metal))
    scene.stroke(scene.light, 1, placed(traced("0.8,-46 1.2,15"), x, y, long, turn), soft=1, opacity=0.6)


def _departures(rng: Rng, count: int, longest: int) -> list[tuple[str, str, str]]:
    """Times in order through the night, places of at most ``longest`` letters, platforms."""
    minutes = np.sort(rng.integers(20 * 60, 30 * 60, count)) % (24 * 60)
    short = [place for place in _PLACES if len(place) <= longest]
    order = rng.permutation(len(short))
    found = []
    for index, minute in enumerate(minutes.tolist()):
        time, place = f"{minute // 60:02d}:{minute % 60:02d}", short[order[index % len(order)]]
        found.append((time, place, str(int(rng.integers(1, 13)))))
    return found


def _flaps(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A board of flaps with white letters, one row marked."""
    width, height = size
    cells = int(rng.integers(16, 20))
    pad = width * rng.uniform(0.02, 0.09)
    w = (width - 2 * pad) / cells
    h, pitch = w * 1.5, w * rng.uniform(1.75, 2.3)
    top = height * rng.uniform(0.06, 0.26)
    rows = int((height * 0.96 - top) / pitch)
    board, flap = mix(palette.ink, BLACK, 0.5), mix(palette.ink, palette.deep, rng.uniform(0.3, 0.6))
    base = gradient(size, [(0, mix(board, palette.deep, 0.4)), (1, board)])
    pen, face = ImageDraw.Draw(base), font("sans-bold", max(8, int(w * 1.05)))
    marked = int(rng.integers(rows))
    for row, (time, place, platform) in enumerate(_departures(rng, rows, cells - 9)):
        text = f"{time} {place.upper():<{cells - 9}}"[: cells - 3].ljust(cells - 3) + f"{platform:>3}"
        y = top + row * pitch
        ink = mix(palette.accent, palette.light, 0.3)
        if row != marked:
            ink = mix(palette.light, flap, 0.4 if rng.random() < 0.2 else 0.05)
        for index, letter in enumerate(text):
            x = pad + index * w
            pen.rectangle((x, y, x + w - 2, y + h), fill=mix(flap, BLACK, rng.uniform(0, 0.2)))
            pen.rectangle((x, y, x + w - 2, y + h / 2), fill=mix(flap, palette.mid, 0.12))
            if letter != " ":
                turning = rng.random() < 0.008
                at = (x + w / 2 - 1, y + h / 2 + (h * 0.3 if turning else 0))
                pen.text(at, letter, ink, face, "mm")
            pen.line([(x, y + h / 2), (x + w - 2, y + h / 2)], fill=board)
    if top > height * 0.14:
        cx, cy, radius = width * rng.uniform(0.2, 0.8), top * 0.5, top * 0.33
        hands = rng.uniform(0, 6.28, 2)
        dial = Pen.over(base)
        dial.disc(cx, cy, radius, palette.light, outline=mix(palette.mid, board, 0.4), width=2)
        for angle, long in zip(hands, (0.5, 0.8), strict=True):
            tip = (cx + math.cos(angle) * radius * long, cy + math.sin(angle) * radius * long)
            dial.line([(cx, cy), tip], palette.ink, 2)
        base = dial.drawn()
    lamp = Image.new("L", size)
    ImageDraw.Draw(lamp).ellipse(around(width * rng.uniform(0, 1), 0, width * 0.4), fill=90)
    return vignette(glowing(base, lamp, palette.mid, 50, 0.8), 0.5)


def _printed_times(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A printed page of times: stations down, trains across, some ringed by hand."""
    width, height = size
    pale, warm = mix(palette.light, palette.mid, 0.35), mix(palette.light, palette.accent, 0.18)
    ground = one_of(rng, (palette.light, pale, warm))
    ink = readable_on(ground, palette)
    base = paper_sheet(rng, size, ground, 24)
    pen = ImageDraw.Draw(base)
    points = int(rng.integers(9, 13))
    name, digits = font("serif", points), font("mono", points - 1)
    margin, top = width * 0.08, height * rng.uniform(0.14, 0.24)
    pitch = points * rng.uniform(1.7, 2.2)
    column = digits.getlength("00:00") + 9
    start = margin + points * 7.6
    trains = max(1, int((width - margin - start) / column))
    pen.rectangle((0, 0, width, top * 0.62), fill=one_of(rng, (palette.accent, palette.deep, palette.ink)))
    heading = f"{one_of(rng, _PLACES)} – {one_of(rng, _PLACES)}"
    face, lines = fitted(heading, one_of(rng, ("serif", "sans-bold")), (width - 2 * margin, top * 0.5), 30)
    head = base.getpixel((2, int(top * 0.3)))
    assert isinstance(head, tuple)
    on_band = readable_on((head[0], head[1], head[2]), palette)
    pen.text((margin, top * 0.31), "\n".join(lines), on_band, face, "lm")
    rows = int((height * 0.95 - top) / pitch)
    minutes = np.sort(rng.integers(17 * 60, 26 * 60, trains))
    ringed = (int(rng.integers(rows)), int(rng.integers(trains)))
    for row in range(rows):
        y = top + row * pitch
        if row % 2 == 0:
            pen.rectangle((margin / 2, y, width - margin / 2, y + pitch), fill=mix(ground, palette.mid, 0.22))
        station = _PLACES[(row * 7 + int(minutes[0])) % len(_PLACES)]
        pen.text((margin, y + pitch / 2), station, ink, name, "lm")
        minutes = minutes + int(rng.integers(6, 37))
        for train, at in enumerate(minutes.tolist()):
            x = start + train * column
            text = f"{at // 60 % 24:02d}:{at % 60:02d}" if rng.random() > 0.12 else "  |"
            pen.text((x, y + pitch / 2), text, fill=ink, font=digits, anchor="lm")
            if (row, train) == ringed:
                ringed_at = (x - 5, y - 1, x + column - 5, y + pitch + 1)
                pen.arc(ringed_at, 20, 372, fill=palette.accent, width=1)
    fold = np.ones(width, np.float32)
    fold[int(width * rng.uniform(0.4, 0.6)) :] = rng.uniform(0.9, 0.96)
    return Image.fromarray((np.asarray(base, np.float32) * fold[None, :, None]).astype(np.uint8))


def timetable(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Departures: a board of flaps in a dim hall, a printed page, a page lying on the seat."""
    width, height = size
    view = rng.random()
    if view < 0.5:
        return grain(_flaps(rng, size, palette), rng, 6)
    if view < 0.75:
        return vignette(grain(_printed_times(rng, size, palette), rng, 5), 0.25)
    base = paper_sheet(rng, size, mix(palette.deep, palette.ink, rng.uniform(0.2, 0.7)), 50)
    page = (int(width * rng.uniform(0.72, 0.86)), int(height * rng.uniform(0.72, 0.86)))
    sheet = _printed_times(rng, page, palette)
    turned = sheet.convert("RGBA").rotate(rng.uniform(-16, 16), Image.Resampling.BILINEAR, expand=True)
    across, down = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8)
    at = (int((width - turned.width) * across), int((height - turned.height) * down))
    lay_sheet(base, turned, at, 0.8)
    return vignette(grain(base, rng, 6), 0.5)


def _motif(rng: Rng, pen: Pen, box: Box, inks: list[RGB]) -> None:
    """A small landscape of a travel label: a peak, a sea, a town or a train, under a sun or moon."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    pen.box(box, inks[0])
    radius = wide * rng.uniform(0.09, 0.17)
    pen.disc(left + wide * rng.uniform(0.25, 0.75), top + tall * rng.uniform(0.25, 0.45), radius, inks[1])
    kind = one_of(rng, ("peak", "sea", "town", "dunes"))
    foot = top + tall * 0.72
    if kind == "peak":
        for x, h in zip(rng.uniform(0.15, 0.85, 3), (0.4, 0.55, 0.35), strict=True):
            summit = left + wide * x
            right_foot, left_foot = min(right, summit + wide * 0.35), max(left, summit - wide * 0.35)
            peak = np.array([(summit, foot - tall * h), (right_foot, foot), (left_foot, foot)])
            pen.shape(peak, inks[2])
            pen.shape(peak[0] + (peak - peak[0]) * 0.3, inks[3])
    elif kind == "town":
        for x in np.arange(0.05, 0.9, 0.15):
            h = rng.uniform(0.15, 0.5)
            pen.box((left + wide * x, foot - tall * h, left + wide * (x + 0.12), foot), inks[2])
    elif kind == "sea":
        x = left + wide * rng.uniform(0.35, 0.65)
        pen.shape(np.array([(x, foot - tall * 0.4), (x, foot - 3), (x + wide * 0.2, foot - 3)]), inks[3])
        deck, keel = foot - 2, foot + tall * 0.08
        hull = [(x - wide * 0.15, deck), (x + wide * 0.22, deck)]
        hull += [(x + wide * 0.12, keel), (x - wide * 0.08, keel)]
        pen.shape(hull, inks[2])
    along = np.linspace(0, 1, 24)
    for index in range(2):
        swell = np.sin(along * rng.uniform(4, 12) + rng.uniform(0, 6)) * tall * 0.025
        y = foot + tall * (0.02 + 0.12 * index) + swell
        line = np.stack([left + along * wide, y], axis=1)
        tone = mix(inks[2], inks[1], 0.3 + 0.3 * index) if kind == "peak" else inks[2 + index]
        pen.shape(down_to(line, bottom), tone)


def _label(rng: Rng, wide: int, palette: Palette) -> Image.Image:
    """One travel label, round, square, or a banner: a picture, a rim, the name of a place."""
    shape = one_of(rng, ("round", "card", "tall", "banner", "diamond"))
    shares = {"card": (1, 0.72), "tall": (0.76, 1), "banner": (1.15, 0.46), "diamond": (1.2, 1.2)}
    w, h = (int(wide * share) for share in shares.get(shape, (1, 1)))
    pale, dark = mix(palette.accent, palette.light, 0.5), mix(palette.deep, palette.ink, 0.5)
    colours = [palette.light, palette.accent, palette.deep, palette.mid, pale, dark]
    order = rng.permutation(6)
    inks = [colours[index] for index in order]
    band, rim = inks[4], mix(palette.light, (255, 248, 230), 0.4)
    ink = readable_on(band, palette)
    usual = (0.7, 0.9) if rng.random() < 0.6 else (0.08, 0.28)
    y0, y1 = {"banner": (0.0, 1.0), "diamond": (0.4, 0.6)}.get(shape, usual)
    pen = Pen.over(Image.new("RGB", (w, h), inks[0]))
    if shape != "banner":
        _motif(rng, pen, (0, 0, w, h), inks)
    pen.box((0, h * y0, w, h * y1), band)
    if shape in ("card", "tall", "banner"):
        pen.box((1.5, 1.5, w - 2, h - 2), outline=rim, width=3)
    elif shape == "round":
        pen.ellipse((1, 1, w - 1, h - 1), outline=rim, width=4)
    else:
        edge = [(w / 2, 2), (w - 2, h / 2), (w / 2, h - 2), (2, h / 2)]
        pen.shape(edge, outline=rim, width=4)
    sheet = pen.drawn()
    name, style = one_of(rng, _PLACES).upper(), one_of(rng, ("sans-bold", "serif"))
    face, lines = fitted(name, style, (w * 0.74, h * (y1 - y0) * 0.9), 24)
    ImageDraw.Draw(sheet).text((w / 2, h * (y0 + y1) / 2), "\n".join(lines), fill=ink, font=face, anchor="mm")
    pen = Pen.mask((w, h))
    if shape == "round":
        pen.ellipse((0, 0, w - 0.5, h - 0.5), 255)
    elif shape == "diamond":
        pen.shape([(w / 2, 0), (w, h / 2), (w / 2, h), (0, h / 2)], 255)
    else:
        pen.box((0, 0, w - 0.5, h - 0.5), 255, radius=4)
    sheet.putalpha(pen.drawn())
    return sheet.rotate(rng.uniform(-24, 24), Image.Resampling.BILINEAR, expand=True)


def _strap(pen: Pen, x: float, size: Size, buckle: float, tones: tuple[RGB, RGB]) -> None:
    """A stitched strap down the picture with its buckle at a height."""
    (width, height), (strap, brass) = size, tones
    w = width * 0.055
    pen.box((x - w + 4, 0, x + w + 5, height), mix(strap, BLACK, 0.4))
    pen.box((x - w, 0, x + w, height), strap)
    for seam in (x - w * 0.75, x + w * 0.75):
        for y in range(0, height, 9):
            pen.line([(seam, y), (seam, y + 5)], mix(strap, brass, 0.5))
    pen.box((x - w - 5, buckle, x + w + 5, buckle + w * 1.9), None, outline=brass, width=4, radius=6)
    pen.line([(x, buckle + w), (x, buckle + w * 2)], brass, 2)


def _stood_in_room(rng: Rng, leather: Image.Image, case: Box, palette: Palette, strap: RGB) -> Image.Image:
    """The ``case`` cut out of its leather, with a handle, before a wall."""
    width, height = leather.size
    wall, floor = mix(palette.mid, palette.light, rng.uniform(0.0, 0.7)), mix(palette.deep, palette.ink, 0.4)
    stops = [(0.0, mix(wall, palette.deep, 0.3)), (0.75, wall), (0.76, floor), (1.0, palette.ink)]
    room = gradient(leather.size, stops)
    pen = Pen.mask(leather.size)
    pen.box(case, 255, radius=15)
    leather.putalpha(pen.drawn())
    x, y = width / 2, case[1]
    pen = Pen.over(room)
    for radius, tone in ((0.13, mix(strap, BLACK, 0.3)), (0.122, strap)):
        bow = (x - width * radius, y - height * radius * 0.54, x + width * radius, y + height * 0.08)
        pen.arc(bow, 180, 360, fill=tone, width=8)
    room = pen.drawn()
    lay_sheet(room, leather, (0, 0), 0.9)
    return vignette(grain(room, rng, 6), 0.35)


def suitcase_labels(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A travelled suitcase, its leather worn, labels pasted over one another."""
    width, height = size
    hide = mix(one_of(rng, (palette.deep, palette.deep, palette.mid)), palette.ink, rng.uniform(0.0, 0.75))
    hide = mix(hide, palette.deep, 0.4)
    rough = (smooth_noise(rng, size, 3)[..., None] - 0.5) * 26
    skin = np.asarray(paper_sheet(rng, size, hide, 44), np.float32) + rough
    leather = from_pixels(skin)
    whole = rng.random() < 0.45
    case: Box = (-20.0, -20.0, width + 20.0, height + 20.0)
    if whole:
        case = (width * 0.06, height * rng.uniform(0.2, 0.3), width * 0.94, height * rng.uniform(0.84, 0.93))
    wide, tall = case[2] - case[0], case[3] - case[1]
    across, down = (3, 2) if whole else (2, 3)
    for cell in rng.permutation(across * down)[: rng.integers(4, 6 if whole else 7)].tolist():
        share = rng.uniform(0.24, 0.33) if whole else rng.uniform(0.34, 0.5)
        label = _label(rng, int(width * share), palette)
        x = case[0] + wide * (cell % across + rng.uniform(0.3, 0.7)) / across - label.width / 2
        y = case[1] + tall * (cell // across + rng.uniform(0.3, 0.7)) / down - label.height / 2
        lay_sheet(leather, label, (int(x), int(y)), 0.4)
    tones = mix(hide, palette.ink, 0.55), mix(palette.light, palette.accent, 0.45)
    straps = one_of(rng, ((), (0.14, 0.86), (), (0.82,), (0.18,)))
    pen = Pen.over(leather)
    for at in straps:
        _strap(pen, at * width, size, case[1] + tall * 0.3, tones)
    leather = pen.drawn()
    if whole:
        return _stood_in_room(rng, leather, case, palette, tones[0])
    return vignette(grain(leather, rng, 7), 0.5)
