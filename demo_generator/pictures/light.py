"""Masks, soft light, shadows and glows laid over a picture, and the grain and dark corners of a print.

Belongs here: what changes pixels that are already there, whatever they show.
"""

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from demo_generator.pictures.canvas import BLACK, RGB, Rng, Size


def as_bytes(share: np.ndarray) -> np.ndarray:
    """Shares from 0 to 1 as bytes."""
    return np.asarray((np.clip(share, 0, 1) * 255).astype(np.uint8))


def stencil(share: np.ndarray) -> Image.Image:
    """A mask that lets through a share, 0 to 1, of each pixel."""
    return Image.fromarray(as_bytes(share))


def from_pixels(values: np.ndarray) -> Image.Image:
    """The picture of an array of brightnesses, those that cannot be shown brought to the nearest."""
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def paint(image: Image.Image, colour: RGB | Image.Image, share: np.ndarray, top: int = 0) -> None:
    """Lay a colour (or a picture) on ``image`` from row ``top`` by its ``share``, 0 to 1, of each pixel.

    A share of fewer columns than the image is enlarged: half the size does for anything soft.
    """
    cut = stencil(share)
    if cut.width < image.width:
        cut = cut.resize(image.size, Image.Resampling.BILINEAR)
    if isinstance(colour, Image.Image):
        image.paste(colour, (0, top), cut)
    else:
        image.paste(colour, (0, top, image.width, top + cut.height), cut)


def blended(below: Image.Image, above: RGB | Image.Image, share: np.ndarray) -> Image.Image:
    """A new picture: ``above`` over ``below`` as ``paint`` lays it."""
    image = below.copy()
    paint(image, above, share)
    return image


def two_toned(share: np.ndarray, none: RGB, full: RGB) -> Image.Image:
    """``none`` where ``share`` is 0, ``full`` where it is 1."""
    return ImageOps.colorize(stencil(share), none, full)


def shaded(image: Image.Image, shade: np.ndarray) -> Image.Image:
    """The picture darkened by ``shade`` (1 leaves a pixel as it is), which may be of a smaller size."""
    return _multiplied(image, stencil(shade))


def relit(image: Image.Image, light: np.ndarray) -> Image.Image:
    """The picture with each pixel's brightness times ``light``, which is of shape (height, width)."""
    # Whole numbers (128 for 1.0) take a third of the time of floats, and grain hides the steps.
    share = (np.clip(light, 0, 1.99) * 128).astype(np.uint16)[..., None]
    return Image.fromarray(np.minimum((np.asarray(image, np.uint16) * share) >> 7, 255).astype(np.uint8))


def brightened(image: Image.Image, gain: float, lift: float = 0) -> Image.Image:
    """The picture with every brightness times ``gain``, and ``lift`` grey levels more."""
    return image.point(lambda value: min(255, int(value * gain + lift)))


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """A wide blur at a quarter of the size, where it costs little."""
    small = image.reduce(4).filter(ImageFilter.GaussianBlur(radius / 4))
    return small.resize(image.size, Image.Resampling.BILINEAR)


def drop_shadow(base: Image.Image, shape: Image.Image, shift: Size, strength: float) -> None:
    """Darken ``base`` beneath what the mask ``shape`` covers, ``shift`` pixels away."""
    soft = blurred(shape, 7).point([int(value * strength) for value in range(256)])
    base.paste((12, 10, 14), shift, soft)


def glowing(
    base: Image.Image, lamp: Image.Image, colour: RGB, radius: float, gain: float = 1.0
) -> Image.Image:
    """``base`` with the light of the mask ``lamp`` in ``colour`` spread over ``radius`` pixels and added."""
    small = lamp.reduce(4).filter(ImageFilter.GaussianBlur(radius / 4))
    soft = small.point([min(255, int(value * gain)) for value in range(256)])
    spread = soft.resize(base.size, Image.Resampling.BICUBIC)
    light = ImageChops.multiply(Image.new("RGB", base.size, colour), Image.merge("RGB", [spread] * 3))
    return ImageChops.add(base, light)


def bloomed(image: Image.Image, above: int, strength: float, *radii: float) -> Image.Image:
    """Light spilling from whatever is brighter than ``above``, as far as each of ``radii``."""
    bright = image.reduce(4).point(lambda value: int(max(0, value - above) * 255 / (255 - above) * strength))
    total = Image.new("RGB", bright.size)
    for radius in radii:
        total = ImageChops.screen(total, bright.filter(ImageFilter.GaussianBlur(radius / 4)))
    return ImageChops.screen(image, total.resize(image.size, Image.Resampling.BILINEAR))


def screened(image: Image.Image, patch: Image.Image, at: Size) -> Image.Image:
    """The picture with a patch of light added, its upper left corner ``at`` a place."""
    layer = Image.new("RGB", image.size)
    layer.paste(patch, at)
    return ImageChops.screen(image, layer)


def grain(image: Image.Image, rng: Rng, amount: float = 6.0) -> Image.Image:
    """The picture with the grain of film or paper; ``amount`` in grey levels."""
    width, height = image.size
    noise = rng.normal(0, amount, (height // 2 + 1, width // 2 + 1)).astype(np.float32)
    noise = np.repeat(np.repeat(noise, 2, axis=0), 2, axis=1)[:height, :width, None]
    return from_pixels(np.asarray(image, dtype=np.float32) + noise)


def vignette(image: Image.Image, strength: float = 0.35) -> Image.Image:
    """The picture darkened towards its corners by up to ``strength``."""
    width, height = image.size
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shade = (1 - strength * np.clip((x * x + y * y) / 2, 0, 1)).astype(np.float32)
    return Image.fromarray((np.asarray(image, dtype=np.float32) * shade[..., None]).astype(np.uint8))


def finished_by_day(image: Image.Image, rng: Rng, dark: float = 0.24) -> Image.Image:
    """The print of a landscape: corners a little darker, then grain. The picture itself is painted on."""
    y, x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None], np.linspace(-1, 1, 48, dtype=np.float32)
    paint(image, BLACK, dark / 2 * (x * x + y * y))
    return grain(image, rng, 4.0)


def finished_by_night(image: Image.Image, rng: Rng, dim: float = 0.4, amount: float = 3.5) -> Image.Image:
    """The print of a building: dark corners in a circle, then grain."""
    corners = Image.radial_gradient("L").point(lambda value: int(255 * (1 - dim * (value / 255) ** 2)))
    return grain(_multiplied(image, corners), rng, amount)


def _multiplied(image: Image.Image, grey: Image.Image) -> Image.Image:
    """The picture times a grey one, which is brought to its size."""
    if grey.size != image.size:
        grey = grey.resize(image.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(image, Image.merge("RGB", (grey, grey, grey)))


def lay_sheet(base: Image.Image, sheet: Image.Image, at: tuple[int, int], strength: float = 0.55) -> None:
    """Lay an RGBA ``sheet`` on ``base`` with the soft shadow that it throws."""
    small = Image.new("L", (sheet.width // 4 + 16, sheet.height // 4 + 16))
    small.paste(sheet.getchannel("A").resize((sheet.width // 4, sheet.height // 4)), (8, 8))
    soft = small.filter(ImageFilter.GaussianBlur(2.2)).point([int(value * strength) for value in range(256)])
    soft = soft.resize((small.width * 4, small.height * 4), Image.Resampling.BILINEAR)
    base.paste((14, 12, 14), (at[0] - 27, at[1] - 24), soft)
    base.paste(sheet, at, sheet)
