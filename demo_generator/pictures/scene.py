"""The scene: a picture painted shape over shape, rounded and shadowed by one light from the side.

Belongs here: how a round or flat thing takes the light, whatever it is. Things are in ``things``.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo_generator.pictures.canvas import BLACK, RGB, WHITE, Palette, Point, Points, Rng, mix
from demo_generator.pictures.light import as_bytes, grain

Profile: TypeAlias = list[tuple[float, float]]  # (height, half width) from the base upwards


# The shares of shade, body and light in a material, from tone 0 to tone 1 in 256 steps.
_RAMP = np.stack([np.interp(np.linspace(0, 1, 256), (0, 0.58, 1), share) for share in np.eye(3)], axis=1)


class Scene:
    """Paints shapes one over another onto a picture, lit from the left (-1) or the right (1).

    The colours of its palette are at hand as ``light``, ``mid``, ``deep``, ``ink`` and ``accent``.
    """

    def __init__(self, image: Image.Image, palette: Palette, side: int) -> None:
        self.image, self.palette, self.side = image, palette, side
        self.light, self.mid, self.deep, self.ink, self.accent = palette.tones

    def _stamp(
        self,
        colour: RGB,
        shapes: Sequence[np.ndarray],
        pad: float,
        soft: float,
        opacity: float,
        draw: Callable[[ImageDraw.ImageDraw, list[float], float, int], None],
    ) -> None:
        corners = np.concatenate(shapes)
        width, height = self.image.size
        margin = pad + 3 * soft + 2
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        x0, y0 = (math.floor(max(value - margin, -3 * soft - 2)) for value in (left, top))
        x1 = math.ceil(min(right + margin, width + 3 * soft))
        y1 = math.ceil(min(bottom + margin, height + 3 * soft))
        if x1 <= x0 or y1 <= y0:
            return
        box = (x1 - x0, y1 - y0)
        # Hard edges are drawn larger and soft ones smaller than they will be: smooth, and quick.
        hard = 3.0 if box[0] * box[1] < 20_000 else 2.0
        scale = next((factor for limit, factor in ((1, hard), (2, 1.0), (5, 0.5)) if soft < limit), 0.25)
        mask = Image.new("L", (math.ceil(box[0] * scale), math.ceil(box[1] * scale)))
        pen = ImageDraw.Draw(mask)
        for shape in shapes:
            draw(pen, ((shape - (x0, y0)) * scale).ravel().tolist(), scale, round(255 * opacity))
        if soft:
            mask = mask.filter(ImageFilter.GaussianBlur(soft * scale))
        if scale > 1:
            mask = mask.reduce(int(scale))
        elif scale < 1:
            mask = mask.resize(box, Image.Resampling.BILINEAR)
        self.image.paste(colour, (x0, y0), mask)

    def area(self, colour: RGB, *polygons: Points, soft: float = 0.0, opacity: float = 1.0) -> None:
        """Fill polygons, with edges blurred over ``soft`` pixels."""
        shapes = [np.asarray(polygon, dtype=float) for polygon in polygons]
        self._stamp(colour, shapes, 0, soft, opacity, lambda pen, xy, _, fill: pen.polygon(xy, fill=fill))

    def stroke(
        self, colour: RGB, width: float, *lines: Points, soft: float = 0.0, opacity: float = 1.0
    ) -> None:
        """Draw lines ``width`` pixels wide with round ends."""

        def draw(pen: ImageDraw.ImageDraw, xy: list[float], scale: float, fill: int) -> None:
            across = max(1, round(width * scale))
            pen.line(xy, fill=fill, width=across, joint="curve" if across > 3 else None)
            if across > 3:
                for x, y in (xy[:2], xy[-2:]):
                    pen.ellipse([x - across / 2, y - across / 2, x + across / 2, y + across / 2], fill=fill)

        shapes = [np.asarray(line, dtype=float) for line in lines]
        self._stamp(colour, shapes, width, soft, opacity, draw)

    def shadow(
        self, *polygons: Points, fall: Point = (0, 0), soft: float = 6.0, opacity: float = 0.4
    ) -> None:
        """A soft darkness in the shape of the polygons, fallen (away from the light, down) of them."""
        shift = np.array((-self.side * fall[0], fall[1]))
        shapes = [np.asarray(polygon, dtype=float) + shift for polygon in polygons]
        self.area(mix(self.ink, BLACK, 0.3), *shapes, soft=soft, opacity=opacity)

    def glow(self, colour: RGB, x: float, y: float, radius: float, opacity: float) -> None:
        """Light that falls off from (x, y)."""
        width, height = self.image.size
        reach = 2.4 * radius
        x0, y0 = int(max(x - reach, 0)), int(max(y - reach, 0))
        x1, y1 = math.ceil(min(x + reach, width)), math.ceil(min(y + reach, height))
        if x1 <= x0 or y1 <= y0:
            return
        rows, columns = np.ogrid[y0:y1:4, x0:x1:4]
        far = np.sqrt(((columns - x) ** 2 + (rows - y) ** 2) / radius**2 + 0.02)
        share = opacity * (np.exp(-2.2 * far) - math.exp(-2.2 * 2.4))
        mask = Image.fromarray(as_bytes(share)).resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC)
        self.image.paste(colour, (x0, y0), mask)

    def lay(self, picture: Image.Image, outline: Points) -> None:
        """Paste the part of a picture of the same size that lies within the outline."""
        cut = Scene(Image.new("RGB", self.image.size), self.palette, self.side)
        cut.area(WHITE, outline)
        self.image.paste(picture, (0, 0), cut.image.getchannel(0))

    def shaded(self, colour: RGB, tone: np.ndarray, cover: np.ndarray, left: int, top: int) -> None:
        """Paste a patch of one material: ``tone`` 0 in shade to 1 in light, ``cover`` its edge."""
        dark, lit = mix(colour, self.ink, 0.75), mix(colour, self.light, 0.6)
        patch = (_RAMP @ np.array((dark, colour, lit))).astype(np.uint8)[as_bytes(tone)]
        mask = as_bytes(cover)
        self.image.paste(Image.fromarray(patch), (left, top), Image.fromarray(mask))

    def ball(self, colour: RGB, x: float, y: float, radius: float, squash: float = 1.0) -> None:
        """A sphere, or with ``squash`` a flatter or taller one."""
        left, top = math.floor(x - radius) - 1, math.floor(y - radius * squash) - 1
        right, bottom = math.ceil(x + radius) + 2, math.ceil(y + radius * squash) + 2
        rows, columns = np.ogrid[top:bottom, left:right]
        across, down = (columns - x) / radius, (rows - y) / (radius * squash)
        off = np.sqrt(across * across + down * down)
        facing = np.sqrt(np.maximum(1 - off * off, 0))
        tone = 0.22 + 0.55 * np.maximum(0.6 * self.side * across - 0.5 * down + 0.62 * facing, 0)
        tone = tone + 0.5 * np.exp(-18 * ((across - 0.36 * self.side) ** 2 + (down + 0.38) ** 2))
        self.shaded(colour, tone, (1 - off) * radius + 0.5, left, top)

    def turned(
        self,
        colour: RGB,
        x: float,
        base: float,
        profile: Profile,
        tilt: float = 0.16,
        opacity: float = 1.0,
        glaze: tuple[RGB, float] | None = None,
    ) -> None:
        """A pot as from a wheel, seen from a little above; a glaze colours it from a height upwards."""
        at, half = [h for h, _ in profile], [w for _, w in profile]
        reach = max(half)
        left, top = math.floor(x - reach) - 1, math.floor(base - at[-1]) - 1
        bottom, right = math.ceil(base + reach * tilt) + 2, math.ceil(x + reach) + 2
        rows, columns = np.ogrid[top:bottom, left:right]
        radius = np.interp(base - rows, at, half)
        across = np.minimum(np.maximum((columns - x) / np.maximum(radius, 0.5), -1), 1)
        height = base - rows + radius * tilt * np.sqrt(1 - across * across)
        light = np.maximum(0.62 * self.side * across + 0.62 * np.sqrt(1 - across * across), 0)
        tone = 0.2 + 0.62 * light + 0.3 * np.exp(-30 * (across - 0.5 * self.side) ** 2)
        edge = np.minimum(radius - np.abs(columns - x), np.minimum(height - at[0], at[-1] - height)) + 0.5
        cover = np.minimum(np.maximum(edge, 0), 1) * opacity
        self.shaded(colour, tone, cover, left, top)
        if glaze is not None:
            self.shaded(glaze[0], tone, cover * np.minimum(np.maximum(height - glaze[1], 0), 1), left, top)

    def dish(
        self, colour: RGB, x: float, y: float, radius: float, flat: float = 1.0, rim: float = 0.62
    ) -> None:
        """A plate or bowl looked into; ``flat`` is its height to its width, ``rim`` where it lies level."""
        top, left = math.floor(y - radius * flat) - 1, math.floor(x - radius) - 1
        rows, columns = np.ogrid[top : math.ceil(y + radius * flat) + 2, left : math.ceil(x + radius) + 2]
        across, down = (columns - x) / radius, (rows - y) / (radius * flat)
        off = np.sqrt(across * across + down * down)
        slope = np.interp(off, (0, rim - 0.08, rim, 0.9, 0.94, 1), (0, 0, -1, -0.55, 0.9, 0.3))
        towards = (0.75 * self.side * across - 0.66 * down) / np.maximum(off, 0.05)
        tone = 0.68 + 0.3 * slope * towards - 0.1 * (off < rim)
        self.shaded(colour, tone, (1 - off) * radius * min(1, flat) + 0.5, left, top)

    def finished(self, rng: Rng) -> Image.Image:
        """The picture with its corners darkened and the grain of film."""
        width, height = self.image.size
        y, x = np.ogrid[-1 : 1 : height // 8 * 1j, -1 : 1 : width // 8 * 1j]
        dark = np.clip((x * x + y * y) / 2, 0, 1) * rng.uniform(60, 110)
        mask = Image.fromarray(dark.astype(np.uint8)).resize(self.image.size, Image.Resampling.BICUBIC)
        self.image.paste(mix(self.ink, BLACK, 0.5), (0, 0), mask)
        return grain(self.image, rng, rng.uniform(2.5, 4.5))
