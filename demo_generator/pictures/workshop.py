"""Honest work: tools on their wall, the bench in the middle of a piece of work, wood near to.

Belongs here: tools, where they are used and what they are used on. Joints drawn are in ``drawings``.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    Palette,
    Rng,
    Size,
    either_side,
    fraction,
    grid,
    mix,
    one_of,
    smooth_noise,
    turned_axes,
    varied,
    varied_one,
)
from demo_generator.pictures.light import blended, grain, relit, two_toned, vignette
from demo_generator.pictures.scene import Scene
from demo_generator.pictures.shapes import blunted, curved, moved_by, oblong, oval, placed, traced
from demo_generator.pictures.surfaces import boards, plaster, sawn_figure
from demo_generator.pictures.things import cup
from demo_generator.pictures.windows import fall_of_light, view_outside

# Each tool hangs from (0, 0) down to about (0, 100): outlines of wood, metal or paint, as x,y pairs.
_TOOLS: dict[str, list[tuple[str, str]]] = {
    "hammer": [
        ("wood", "-3,10 3,10 4,50 5.5,98 -5.5,98 -4,50"),
        ("metal", "-24,6 -10,2 7,2 10,5 17,5 17,0 23,0 23,19 17,19 17,14 10,14 6,18 -6,18 -10,12"),
    ],
    "mallet": [("wood", "-3,20 3,20 4.5,98 -4.5,98"), ("paint", "-20,0 20,0 22,34 -22,34")],
    "saw": [
        ("metal", "-11,22 15,22 3,100 -10,100"),
        ("wood", "-14,0 8,0 17,6 17,26 10,26 10,9 -4,8 -5,18 4,20 4,26 -15,26 -11,14"),
    ],
    "chisel": [
        ("metal", "-3.5,45 3.5,45 5,97 -5,100"),
        ("wood", "-4.5,0 4.5,0 6,16 4,42 5.5,47 -5.5,47 -4,42 -6,16"),
    ],
    "screwdriver": [
        ("metal", "-1.6,36 1.6,36 1.6,92 3,100 -3,100 -1.6,92"),
        ("paint", "-5,0 5,0 6.5,10 6.5,30 3,38 -3,38 -6.5,30 -6.5,10"),
    ],
    "square": [("metal", "-20,10 -12,10 -12,100 -20,100"), ("wood", "-24,0 30,0 30,12 -24,12")],
    "spanner": [
        (
            "metal",
            "-10,0 -4,8 4,8 10,0 13,10 5,20 4,80 11,88 7,100 3,92 -3,92 -7,100 -11,88 -4,80 -5,20 -13,10",
        )
    ],
    "pliers": [
        ("metal", "-5,0 -1,0 0,20 1,0 5,0 8,20 4,34 -4,34 -8,20"),
        ("paint", "0,32 5,32 14,60 12,100 6,100 7,62"),
        ("paint", "0,32 -5,32 -14,60 -12,100 -6,100 -7,62"),
    ],
    "brush": [
        ("wood", "-2,0 2,0 4,20 3,40 12,50 -12,50 -3,40 -4,20"),
        ("metal", "-13,50 13,50 13,64 -13,64"),
        ("paint", "-13,64 13,64 12,98 0,100 -12,98"),
    ],
    "plane": [
        ("paint", "-16,0 16,0 16,94 10,100 -10,100 -16,94"),
        ("metal", "-9,30 9,30 9,62 -9,62"),
        ("wood", "-5,4 5,4 6,22 -6,22"),
        ("wood", "-6,72 6,72 6,84 -6,84"),
    ],
    "file": [("metal", "-3,32 3,32 4,90 0,100 -4,90"), ("wood", "-3.5,0 3.5,0 5.5,12 3,34 -3,34 -5.5,12")],
    "axe": [("wood", "-3,2 3,2 3,50 6,100 -3,100 -2,50"), ("metal", "-5,6 8,5 26,0 30,14 26,30 8,20 -5,20")],
}


def _tool_outline(kind: str, pairs: str) -> np.ndarray:
    """The outline of a tool's part, one long; hands have rounded the wood."""
    return curved(blunted(traced(pairs))) if kind == "wood" else traced(pairs)


_TOOL_OUTLINES = {
    name: [(kind, _tool_outline(kind, pairs)) for kind, pairs in parts] for name, parts in _TOOLS.items()
}


def _tool(
    scene: Scene, rng: Rng, name: str, x: float, y: float, long: float, turn: float, hung: bool = False
) -> None:
    """A tool and its shadow, its upper end at (x, y), ``hung`` there on a peg or lying."""
    flip = (either_side(rng), 1)
    parts = [(kind, placed(shape * flip, x, y, long, turn)) for kind, shape in _TOOL_OUTLINES[name]]
    scene.shadow(*(shape for _, shape in parts), fall=(6, 7), soft=4, opacity=0.5)
    timber = mix(scene.mid, one_of(rng, (scene.deep, scene.light, scene.accent)), 0.25)
    tints = {"wood": varied(rng, timber)}
    steel = mix(mix(scene.ink, scene.mid, 0.3), scene.light, rng.uniform(0.1, 0.4))
    tints["metal"] = varied(rng, steel)
    tints["paint"] = varied_one(rng, (scene.accent, scene.accent, scene.deep, scene.light))
    for kind, shape in parts:
        centre = shape.mean(axis=0)
        scene.area(mix(tints[kind], scene.ink, 0.4), shape)
        scene.area(tints[kind], (shape - centre) * 0.88 + centre + (scene.side, -1), soft=1)
        gleam = moved_by((shape - centre) * (0.4, 0.8) + centre, scene.side * 2, -1)
        scene.area(mix(tints[kind], scene.light, 0.5), gleam, soft=2, opacity=0.5)
    if hung:
        scene.area(mix(scene.light, scene.mid, 0.4), oval(x, y + 1, 2.4, 2.4))


def tool_wall(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Tools hung in their order on a board."""
    width, height = size
    tint = one_of(rng, (palette.light, palette.deep, palette.accent, palette.ink))
    body = mix(palette.mid, tint, rng.uniform(0.2, 0.7))
    kind = rng.integers(3)
    if kind == 0:
        pale, dark = mix(body, palette.light, 0.2), mix(body, palette.ink, 0.45)
        image = boards(rng, size, pale, dark, bool(rng.random() < 0.5))
    else:
        image = plaster(rng, size, mix(body, palette.light, 0.15), mix(body, palette.ink, 0.2), palette)
    scene = Scene(image, palette, either_side(rng))
    if kind == 1:  # pegboard
        pitch = int(rng.integers(14, 20))
        dots = Image.new("L", size)
        pen = ImageDraw.Draw(dots)
        for down in range(pitch // 2, height, pitch):
            for along in range(pitch // 2, width, pitch):
                pen.ellipse([along - 1.5, down - 1.5, along + 1.5, down + 1.5], fill=150)
        image.paste(mix(body, palette.ink, 0.7), (0, 0), dots)
    if rng.random() < 0.7:
        fall_of_light(scene, rng, body, 0.35)
    rows = int(rng.integers(1, 4)) if height > width else int(rng.integers(1, 3))
    pitch_y = height / rows
    names, last = list(_TOOLS), ""
    family = one_of(rng, ("", "", "", "chisel", "saw", "spanner", "brush"))
    for row in range(rows):
        long = pitch_y * rng.uniform(0.66, 0.8)
        top = row * pitch_y + (pitch_y - long) * 0.5
        own = family if row == int(rng.integers(rows)) else ""
        if rng.random() < 0.5:  # a rail to hang them from
            scene.shadow(oblong(-4, top + 8, width + 4, top + 18), soft=5)
            scene.area(mix(body, palette.ink, 0.45), oblong(-4, top - 2, width + 4, top + 9))
            scene.area(mix(body, palette.light, 0.3), oblong(-4, top - 2, width + 4, top))
        x, hung = rng.uniform(0.05, 0.14) * width, 0
        while x < width - 16:
            name = own or one_of(rng, [other for other in names if other != last])
            room = max(float(np.abs(shape[:, 0]).max()) for _, shape in _TOOL_OUTLINES[name])
            size_k = long * (1 - 0.07 * hung if own else rng.uniform(0.6, 1.0))
            if x + room * size_k < width - 4 and size_k > 0.3 * long:
                peg = (x + room * size_k * 0.6, top + 4)
                _tool(scene, rng, name, *peg, size_k, rng.normal(0, 0.025), hung=True)
            x += max(26, room * size_k * 2) + rng.uniform(6, 22)
            last, hung = name, hung + 1
    return scene.finished(rng)


def _shavings(scene: Scene, rng: Rng, x: float, y: float, spread: float, count: int) -> None:
    """Curls of wood fallen from the plane."""
    wood = mix(scene.light, scene.mid, 0.45)
    for _ in range(count):
        cx, cy, radius = x + rng.normal(0, spread), y + rng.normal(0, spread * 0.25), rng.uniform(4, 9)
        along = np.linspace(0, rng.uniform(5, 9), 26)
        spiral = np.stack([np.cos(along) + 0.12 * along, np.sin(along) * 0.8], axis=1)
        curl = placed(spiral, cx, cy, radius, rng.uniform(0, 6))
        scene.stroke(scene.ink, 3.5, moved_by(curl, -scene.side * 2, 3), soft=2, opacity=0.3)
        scene.stroke(mix(wood, scene.deep, 0.45), 3.2, curl)
        scene.stroke(varied(rng, wood), 2, moved_by(curl, 0, -0.6))


def workbench(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """The bench in the middle of a piece of work, from the front or from above."""
    return _bench_above(rng, size, palette) if rng.random() < 0.45 else _bench_front(rng, size, palette)


def _bench_above(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    width, height = size
    wood = mix(palette.mid, palette.deep, rng.uniform(0.1, 0.8))
    across = bool(rng.random() < 0.5)
    planks = boards(rng, size, mix(wood, palette.light, 0.15), mix(wood, palette.ink, 0.5), across)
    scene = Scene(planks, palette, either_side(rng))
    fall_of_light(scene, rng, wood, 0.35)
    turn = rng.uniform(-0.5, 0.5) + (math.pi / 2 if rng.random() < 0.5 else 0)
    x = rng.uniform(0.4, 0.6) * width
    y = rng.uniform(0.35, 0.65) * height
    wide = rng.uniform(70, 110)
    long = max(size) * 1.1
    plank = boards(rng, (int(long), int(wide)), mix(palette.light, palette.mid, 0.4), palette.mid, True)
    outline = placed(oblong(-long * 0.6, -wide / 2, long * 0.4, wide / 2), x, y, 1, turn)
    scene.shadow(outline, fall=(6, 8), soft=7, opacity=0.55)
    mask = Image.new("L", plank.size, 255).rotate(-math.degrees(turn), Image.Resampling.BILINEAR, expand=True)
    turned = plank.rotate(-math.degrees(turn), Image.Resampling.BILINEAR, expand=True)
    middle = outline.mean(axis=0)
    scene.image.paste(turned, (int(middle[0] - turned.width / 2), int(middle[1] - turned.height / 2)), mask)
    marks = rng.uniform(-0.4, 0.4, 2) * wide
    lines = [placed([(-long, mark), (long, mark)], x, y, 1, turn) for mark in marks]
    scene.stroke(palette.ink, 0.8, *lines, opacity=0.35)
    name = one_of(rng, ("plane", "plane", "square", "saw"))
    _tool(scene, rng, name, x, y - 40, rng.uniform(130, 180), turn + rng.normal(1.57, 0.1))
    _shavings(scene, rng, x + rng.normal(0, 40), y + rng.normal(0, 60), 60, int(rng.integers(4, 12)))
    spots = ((0.14, 0.08), (0.84, 0.62), (0.3, 0.66), (0.8, 0.1))
    for name, spot in zip(rng.permutation(list(_TOOLS)), spots, strict=False):
        if rng.random() < 0.75:
            at = (width * spot[0] + rng.normal(0, 12), height * spot[1] + rng.normal(0, 12))
            _tool(scene, rng, str(name), *at, rng.uniform(110, 170), rng.normal(0, 0.5))
    return scene.finished(rng)


def _bench_front(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    width, height = size
    wall = mix(palette.mid, one_of(rng, (palette.light, palette.deep)), rng.uniform(0.2, 0.7))
    scene = Scene(plaster(rng, size, wall, mix(wall, palette.ink, 0.3), palette), palette, either_side(rng))
    top = height * rng.uniform(0.56, 0.72)
    _over_the_bench(scene, rng, top, wall)
    wood = mix(palette.deep, palette.mid, rng.uniform(0, 0.6))
    thick = rng.uniform(22, 36)
    _under_the_bench(scene, rng, top, wood)
    pale, dark = mix(wood, palette.light, 0.15), mix(wood, palette.ink, 0.4)
    slab = boards(rng, (width + 8, int(thick)), pale, dark, True)
    scene.shadow(oblong(-9, top + thick, width + 9, top + thick + 18), soft=8, opacity=0.6)
    scene.image.paste(slab, (-4, int(top)))
    scene.area(mix(wood, palette.light, 0.45), oblong(-4, top - 5, width + 4, top + 1))
    spots = (np.arange(4) + 0.5 + rng.uniform(-0.15, 0.15, 4)) / 4 * width
    for x, kind in zip(spots.tolist(), rng.permutation(6)[:4], strict=True):
        _on_bench(scene, rng, int(kind), x, top - 2, width)
    _shavings(scene, rng, width * rng.uniform(0.3, 0.7), top - 4, 50, int(rng.integers(2, 9)))
    return scene.finished(rng)


def _over_the_bench(scene: Scene, rng: Rng, top: float, wall: RGB) -> None:
    """A window, or tools hung in the light."""
    width, height = scene.image.size
    if rng.random() < 0.5:
        left, right = width * rng.uniform(0.0, 0.4), width * rng.uniform(0.45, 0.6)
        high = height * rng.uniform(0.02, 0.1)
        view_outside(scene, rng, left, high, left + right, top * rng.uniform(0.55, 0.75))
        return
    fall_of_light(scene, rng, wall, 0.5)
    x = rng.uniform(0.06, 0.16) * width
    while x < width * 0.94:
        long = top * rng.uniform(0.36, 0.58)
        _tool(scene, rng, one_of(rng, list(_TOOLS)), x, height * 0.1, long, rng.normal(0, 0.02), hung=True)
        x += rng.uniform(40, 74)


def _under_the_bench(scene: Scene, rng: Rng, top: float, wood: RGB) -> None:
    """Legs, a low shelf, and timber put by on it."""
    width, height = scene.image.size
    dark = scene.ink
    scene.area(mix(dark, wood, 0.25), oblong(-4, top, width + 4, height + 4))
    for x in (width * rng.uniform(0.04, 0.2), width * rng.uniform(0.75, 0.95)):
        scene.area(mix(wood, dark, 0.35), oblong(x - 17, top, x + 17, height + 4))
        scene.area(mix(wood, dark, 0.1), oblong(x - 13, top, x + 4, height + 4), soft=3)
    shelf = height * rng.uniform(0.86, 0.95)
    scene.area(mix(wood, dark, 0.3), oblong(-4, shelf, width + 4, shelf + 12))
    for _ in range(int(rng.integers(1, 5))):
        y, x = shelf - rng.uniform(8, 30), rng.uniform(0, 0.6) * width
        scene.area(mix(varied(rng, scene.mid), dark, 0.4), oblong(x, y, x + width * 0.45, y + 8))


def _on_bench(scene: Scene, rng: Rng, kind: int, x: float, base: float, width: float) -> None:
    """One of what stands on a bench: plane, brushes in a tin, boards, a mug, a mallet, a stool begun."""
    wood, unit = varied(rng, mix(scene.mid, scene.light, 0.25)), width * 0.16

    def put(pairs: str) -> np.ndarray:
        return placed(traced(pairs), x, base, unit)

    scene.shadow(oval(x - scene.side * 9, base, unit * 0.9, 7), soft=5)
    if kind == 0:
        scene.area(mix(scene.deep, scene.ink, 0.4), put("-100,-30 100,-30 100,0 -100,0"))
        scene.area(wood, curved(put("-80,-30 -70,-85 -40,-80 -35,-30")))
        scene.ball(wood, x + unit * 0.65, base - unit * 0.48, unit * 0.2)
        scene.area(mix(scene.mid, scene.light, 0.6), put("-10,-30 -40,-90 -30,-92 10,-30"))
    elif kind == 1:
        for turn in rng.normal(0, 0.2, 4).tolist():
            tip, _ = placed([(0, -unit * 1.9), (0, 0)], x, base - unit * 0.2, 1, turn).tolist()
            name = one_of(rng, ("brush", "chisel", "screwdriver", "file"))
            _tool(scene, rng, name, tip[0], tip[1], unit * 1.6, turn)
        tin = varied_one(rng, (scene.accent, scene.light, scene.deep))
        scene.turned(tin, x, base, [(0, unit * 0.4), (unit * 0.9, unit * 0.42)], 0.1)
    elif kind == 2:
        for index in range(int(rng.integers(2, 6))):
            long = unit * rng.uniform(0.8, 1.3)
            plank = oblong(x - long, base - (index + 1) * 9, x + long, base - index * 9 - 1)
            scene.area(varied(rng, wood, 16), plank)
    elif kind == 3:
        cup(scene, rng, one_of(rng, (scene.light, scene.accent)), x, base, unit * 0.42)
    elif kind == 4:
        at = (x + scene.side * unit, base - unit * 0.42)
        _tool(scene, rng, "mallet", *at, unit * 1.8, scene.side * math.pi / 2)
    else:
        legs = mix(wood, scene.ink, 0.25)
        scene.stroke(legs, unit * 0.12, put("-45,-150 -60,0"), put("45,-150 60,0"))
        scene.stroke(legs, unit * 0.08, put("-52,-60 52,-60"))
        scene.turned(wood, x, base - unit * 1.42, [(0, unit * 0.7), (unit * 0.18, unit * 0.74)], 0.12)


def _log_end(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """The sawn end of a trunk: its years, its checks, its bark."""
    width, height = size
    x, y = grid(size)
    cx = width * rng.uniform(0.3, 0.7)
    cy = height * rng.uniform(0.35, 0.65)
    radius = width * rng.uniform(0.42, 0.8)
    angle = np.arctan2(y - cy, x - cx)
    uneven = 1 + 0.05 * np.sin(angle * 2 + rng.uniform(0, 6)) + 0.03 * np.sin(angle * 5 + rng.uniform(0, 6))
    distance = np.hypot(x - cx, y - cy) / (radius * uneven) + smooth_noise(rng, size, 40) * 0.05
    ring = fraction(distance * rng.uniform(16, 34))
    pale = mix(palette.light, palette.mid, rng.uniform(0.2, 0.6))
    dark = mix(palette.deep, palette.accent, rng.uniform(0, 0.5))
    figure = ring * ring * 0.55 + 0.4 * np.clip(0.55 - distance, 0, 1) + 0.14 * smooth_noise(rng, size, 3)
    wood = two_toned(figure, pale, dark)
    wander = (smooth_noise(rng, size, 30) - 0.5) * 0.14 * radius
    for turn in rng.uniform(-np.pi, np.pi, int(rng.integers(2, 6))).tolist():
        ahead, aside = turned_axes(x - cx, y - cy, turn)
        opened = np.clip((ahead / radius - rng.uniform(0.0, 0.5)) * 6, 0, 0.85)
        wood = blended(wood, palette.ink, np.clip(1 - np.abs(aside + wander) / 2.2, 0, 1) * opened)
    rough = two_toned(smooth_noise(rng, size, 9), palette.ink, mix(palette.deep, palette.ink, 0.35))
    wood = blended(wood, rough, (distance - 0.95) * 30)
    behind = Image.new("RGB", size, mix(palette.deep, palette.mid, rng.uniform(0.0, 1)))
    behind = relit(behind, 0.5 + 0.5 * np.clip(distance * 2 - 2, 0, 1))
    return blended(wood, behind, (distance - 1.09) * 40)


def _parquet(rng: Rng, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """A floor laid in herringbone: the figure of its blocks, and how deep in a joint each pixel is."""
    x, y = grid(size)
    w = size[0] / rng.uniform(4, 7)
    slant_x, slant_y = (x + y) / w, (y - x) / w
    fu, fv = np.floor(slant_x), np.floor(slant_y)
    flip = (fu - fv) % 4 < 2
    across, along = np.where(flip, slant_y, slant_x), np.where(flip, slant_x, slant_y)
    block = np.where(flip, fv * 7 + np.floor((fu - fv) / 4) * 13, fu * 5 + np.floor((fu - fv) / 4) * 11 + 31)
    tint = rng.random(256, np.float32)[block.astype(int) % 256]
    grainy = np.sin(across * 19 + tint * 40 + np.sin(along * 1.7 + tint * 9) * 1.6) * 0.13
    fine = np.sin(across * 71 + tint * 90 + np.sin(along * 2.3) * 2) * 0.06
    edge = np.abs(fraction(across + 0.5) - 0.5) * w / 1.4
    return 0.12 + tint * 0.55 + grainy + fine, np.clip(1.5 - edge, 0, 1)


def wood_grain(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Wood: a wide board, planks side by side, a log's sawn end, a floor laid in herringbone."""
    width, height = size
    kind = one_of(rng, ("board", "planks", "planks", "log", "log", "floor"))
    if kind == "log":
        return vignette(grain(_log_end(rng, size, palette), rng, 5), 0.3)
    warm = mix(palette.mid, palette.accent, 0.35)
    pairs = [(palette.light, palette.deep), (palette.mid, palette.deep)]
    pairs += [(palette.deep, palette.ink), (warm, palette.ink)]
    pale, dark = one_of(rng, pairs)
    upright = bool(rng.random() < 0.6)
    x, y = grid(size)
    joint: np.ndarray = np.zeros((height, width), np.float32)
    if kind == "floor":
        figure, joint = _parquet(rng, size)
    else:
        figure = sawn_figure(rng, size, upright)
    if kind == "planks":
        wide = (width if upright else height) / int(rng.integers(2, 6))
        at = (x + 0 * y if upright else y + 0 * x) / wide + rng.random()
        plank = np.floor(at).astype(int)
        figure = np.where(plank % 2 == 0, figure, figure[::-1, ::-1]) + rng.uniform(-0.15, 0.25, 16)[plank]
        joint = np.clip(1.6 - np.abs(fraction(at + 0.5) - 0.5) * wide, 0, 1)
    sheet = blended(two_toned(figure, pale, dark), mix(palette.ink, BLACK, 0.4), joint * 0.85)
    angle = rng.uniform(0, 2 * math.pi)
    slope = turned_axes(x, y, angle)[0] / width
    light = 1.04 + 0.24 * np.sin(slope * rng.uniform(1.2, 3.2) + rng.uniform(0, 6))
    if rng.random() < 0.4:
        bars = np.sin((x + y * rng.uniform(-0.8, 0.8)) / width * rng.uniform(7, 14) + rng.uniform(0, 6))
        light = light * (0.78 + 0.34 * np.clip(bars * 3 + 0.4, 0, 1))
    return vignette(grain(relit(sheet, light), rng, 4), 0.3)
