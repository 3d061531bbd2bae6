"""The pen: smooth-edged lines, shapes and boxes, given in the picture's own pixels.

Belongs here: drawing flat shapes, and the small outlines that only a pen needs. Shapes rounded by light
are painted by ``scene``.
"""

from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo_generator.pictures.canvas import RGB, Box, Points, Size, halved

Ink: TypeAlias = RGB | int
_OVERSAMPLING = 2


class Pen:
    """Draws on a sheet ``factor`` times as large as the picture, whose pixels all coordinates are."""

    def __init__(self, sheet: Image.Image, factor: float) -> None:
        self.sheet, self.factor = sheet, factor
        self.draw = ImageDraw.Draw(sheet)

    @classmethod
    def over(cls, picture: Image.Image) -> "Pen":
        """A pen that draws over a picture; ``drawn`` has the new one."""
        width, height = picture.size
        large = picture.resize((width * _OVERSAMPLING, height * _OVERSAMPLING), Image.Resampling.NEAREST)
        return cls(large, _OVERSAMPLING)

    @classmethod
    def mask(cls, size: Size) -> "Pen":
        """A pen for a mask, to be drawn in 255."""
        return cls.over(Image.new("L", size))

    @classmethod
    def soft(cls, size: Size) -> "Pen":
        """A pen for a mask that will be ``softened``, to be drawn in 255."""
        return cls(Image.new("L", halved(size)), 0.5)

    def drawn(self) -> Image.Image:
        """What is drawn, at the picture's size and so with smooth edges."""
        return self.sheet.reduce(_OVERSAMPLING)

    def softened(self, blur: float) -> np.ndarray:
        """What is drawn as shares from 0 to 1 at half the size, softened by ``blur`` pixels."""
        return np.asarray(self.sheet.filter(ImageFilter.GaussianBlur(blur / 2)), dtype=np.float32) / 255

    def shape(
        self, points: Points, fill: Ink | None = None, outline: Ink | None = None, width: float = 0.5
    ) -> None:
        """A polygon, filled or outlined or both."""
        corners = self._scaled(points)
        if fill is not None:
            self.draw.polygon(corners, fill)
        if outline is not None:
            self.draw.line(corners + corners[:4], outline, self._wide(width), "curve")

    def line(self, points: Points, fill: Ink, width: float = 1.0) -> None:
        """A line through points."""
        self.draw.line(self._scaled(points), fill, self._wide(width), "curve")

    def box(
        self,
        box: Box,
        fill: Ink | None = None,
        outline: Ink | None = None,
        width: float = 0.5,
        *,
        radius: float = 0,
    ) -> None:
        """An upright rectangle, with ``radius`` of rounded corners."""
        x0, y0, x1, y1 = (value * self.factor for value in box)
        corners = (x0, y0, max(x0, x1), max(y0, y1))
        if radius:
            self.draw.rounded_rectangle(corners, radius * self.factor, fill, outline, self._wide(width))
        else:
            self.draw.rectangle(corners, fill, outline, self._wide(width))

    def oval(self, x: float, y: float, across: float, down: float, fill: Ink) -> None:
        """An ellipse about (x, y), ``across`` and ``down`` its half axes."""
        self.ellipse((x - across, y - down, x + across, y + down), fill)

    def disc(
        self, x: float, y: float, radius: float, fill: Ink, outline: Ink | None = None, width: float = 0.5
    ) -> None:
        """A circle about (x, y)."""
        self.ellipse((x - radius, y - radius, x + radius, y + radius), fill, outline, width)

    def ellipse(
        self, box: Box, fill: Ink | None = None, outline: Ink | None = None, width: float = 0.5
    ) -> None:
        """The ellipse that fills a box."""
        self.draw.ellipse([value * self.factor for value in box], fill, outline, self._wide(width))

    def arc(self, box: Box, start: float, end: float, *, fill: Ink, width: float = 1.0) -> None:
        """A part of the ellipse that fills a box, clockwise in degrees from the right."""
        self.draw.arc([value * self.factor for value in box], start, end, fill, self._wide(width))

    def _scaled(self, points: Points) -> list[float]:
        if isinstance(points, np.ndarray):
            flat: list[float] = (points * self.factor).ravel().tolist()
            return flat
        return [value * self.factor for point in points for value in point]

    def _wide(self, width: float) -> int:
        return max(1, round(width * self.factor))


def around(x: float, y: float, radius: float) -> Box:
    """The box about a circle."""
    return x - radius, y - radius, x + radius, y + radius


def down_to(line: np.ndarray, floor: float) -> np.ndarray:
    """The shape between a line and a level ``floor`` under it."""
    return np.concatenate([line, [(line[-1, 0], floor), (line[0, 0], floor)]])
