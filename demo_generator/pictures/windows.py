"""Windows and what comes through them: panes of light on a wall, a view, a curtain.

Belongs here: window light that more than one room needs.
"""

import numpy as np

from demo_generator.pictures.canvas import RGB, Rng, gradient, mix
from demo_generator.pictures.scene import Scene
from demo_generator.pictures.shapes import oblong, oval, rolling
from demo_generator.pictures.things import sprig


def _panes(
    rng: Rng, x: float, y: float, width: float, height: float, skew: tuple[float, float]
) -> list[np.ndarray]:
    """The panes of a window, sheared by ``skew`` (down along x, along as it goes down)."""
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    gap = rng.uniform(0.03, 0.06)
    panes = []
    for column in range(columns):
        for row in range(rows):
            left, right = column / columns + gap, (column + 1) / columns - gap
            unit = np.array(oblong(left, row / rows + gap * 0.7, right, (row + 1) / rows))
            across, down = unit[:, 0] * width, unit[:, 1] * height
            panes.append(np.stack([x + across + skew[1] * down, y + down + skew[0] * across], axis=1))
    return panes


def fall_of_light(scene: Scene, rng: Rng, shade: RGB, opacity: float = 0.6) -> None:
    """Window light cast over the picture, broken by the shadow of leaves."""
    width, height = scene.image.size
    across, down = rng.uniform(0.5, 0.95) * width, rng.uniform(0.45, 0.8) * height
    skew = (scene.side * rng.uniform(-0.5, -0.15), scene.side * rng.uniform(0.0, 0.5))
    x, y = rng.uniform(0.0, 0.9) * (width - across), rng.uniform(0.15, 0.6) * (height - down)
    panes = _panes(rng, x - skew[1] * down / 2, y - skew[0] * across / 2, across, down, skew)
    lit = mix(scene.light, scene.accent, rng.uniform(0.0, 0.15))
    scene.area(lit, *panes, soft=14, opacity=0.35)
    scene.area(lit, *panes, soft=rng.uniform(1.2, 3.5), opacity=opacity)
    for _ in range(int(rng.integers(1, 5))):
        foot = (rng.uniform(0, width), y + down * rng.uniform(0.7, 1.2))
        _, leaves = sprig(rng, *foot, down * rng.uniform(0.5, 1), rng.normal(0, 0.4), rng.uniform(26, 56))
        scene.area(shade, *leaves, soft=rng.uniform(2, 4.5), opacity=0.85 * opacity)


def hanging_curtain(scene: Scene, rng: Rng, x0: int, x1: int, top: int, bottom: int) -> None:
    """A curtain hanging between x0 and x1, letting some of the light through."""
    at = np.arange(x0, x1) / 18
    sway = np.linspace(0, 1, bottom - top)[:, None] * rng.uniform(-1.4, 1.4)
    wave = np.sin(at * 2.1 + rng.uniform(0, 6) + sway) + 0.6 * np.sin(at * 4.7 + rng.uniform(0, 6) - sway)
    tone = 0.62 + 0.2 * wave
    cover = np.full(tone.shape, rng.uniform(0.72, 0.95))
    scene.shaded(mix(scene.light, scene.mid, rng.uniform(0.1, 0.6)), tone, cover, x0, top)


def view_outside(scene: Scene, rng: Rng, x0: float, y0: float, x1: float, y1: float) -> None:
    """A window with the hazy out-of-doors in it."""
    haze = mix(scene.light, scene.accent, rng.uniform(0, 0.2))
    sky = [(0, mix(scene.light, scene.mid, 0.15)), (1, haze)]
    outside = Scene(gradient((int(x1 - x0), int(y1 - y0)), sky), scene.palette, scene.side)
    wide, tall = outside.image.size
    ground = tall * rng.uniform(0.5, 0.85)
    for index in range(3):
        hill = rolling(rng, (wide, tall), ground + index * tall * 0.09, 5, away=20)
        outside.area(mix(scene.mid, scene.deep, 0.1 + 0.35 * index), hill, soft=3, opacity=0.55)
        for _ in range(int(rng.integers(0, 3))):
            x, crown = rng.uniform(0, wide), tall * rng.uniform(0.08, 0.2)
            spots = rng.normal(0, crown * 0.4, (5, 2))
            blobs = [oval(x + dx, ground - crown + dy, crown * 0.6, crown * 0.5) for dx, dy in spots]
            trunk = oblong(x - 2, ground - crown, x + 2, ground + 9)
            green = mix(scene.deep, scene.mid, rng.uniform(0.1, 0.6))
            outside.area(green, trunk, *blobs, soft=2.5, opacity=0.45)
    outside.glow(haze, wide * rng.uniform(0.2, 0.8), tall * rng.uniform(0.1, 0.5), wide * 0.8, 0.6)
    scene.image.paste(outside.image, (int(x0), int(y0)))
    bars, rails = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    frame = mix(scene.deep, scene.mid, rng.uniform(0, 0.6))
    lines = [[(x0 + (x1 - x0) * bar / (bars + 1), y) for y in (y0, y1)] for bar in range(1, bars + 1)]
    lines += [[(x, y0 + (y1 - y0) * rail / (rails + 1)) for x in (x0, x1)] for rail in range(1, rails + 1)]
    scene.stroke(frame, 4, *lines)
    scene.stroke(frame, 8, [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
