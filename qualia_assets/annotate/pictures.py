"""Features of a picture without a language model: its colours, its light, words on it."""

from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from qualia_assets.embed.weights import verified

# Everyday names, with a typical sRGB value of each.
COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (20, 20, 22),
    "charcoal": (62, 64, 68),
    "grey": (128, 128, 128),
    "silver": (192, 194, 196),
    "white": (250, 250, 248),
    "cream": (244, 234, 212),
    "sand": (214, 192, 156),
    "tan": (190, 150, 110),
    "brown": (110, 74, 46),
    "rust": (168, 84, 44),
    "terracotta": (204, 110, 80),
    "red": (200, 36, 40),
    "burgundy": (100, 24, 40),
    "pink": (240, 170, 184),
    "magenta": (208, 44, 140),
    "purple": (110, 60, 140),
    "lavender": (184, 172, 214),
    "navy": (28, 40, 84),
    "blue": (50, 98, 184),
    "sky blue": (150, 196, 230),
    "teal": (32, 116, 124),
    "turquoise": (72, 196, 190),
    "forest green": (38, 80, 52),
    "green": (78, 150, 66),
    "olive": (118, 118, 58),
    "sage": (160, 176, 146),
    "lime": (178, 216, 66),
    "yellow": (244, 212, 60),
    "mustard": (204, 156, 44),
    "gold": (212, 172, 80),
    "orange": (236, 134, 44),
    "peach": (248, 198, 164),
}
_NAMES = list(COLOURS)


def dominant_colours(image: Image.Image, most: int = 3) -> list[str]:
    """Return the colours that cover most of a picture, the largest first, each at least a tenth."""
    pixels = _pixels(image)
    named = _lab(np.array(list(COLOURS.values()), dtype=np.uint8))
    distance = ((pixels[:, None, :] - named[None, :, :]) ** 2).sum(axis=2)
    shares = np.bincount(distance.argmin(axis=1), minlength=len(named)) / len(pixels)
    order = np.argsort(-shares, kind="stable")[:most]
    return [_NAMES[i] for i in order if shares[i] >= 0.1]


def light(image: Image.Image) -> str:
    """Return the light in words: brightness, contrast and warmth."""
    lab = _pixels(image)
    brightness, contrast, warmth = lab[:, 0].mean(), lab[:, 0].std(), lab[:, 2].mean()
    words = [
        "dark" if brightness < 35 else "bright" if brightness > 78 else "dim" if brightness < 50 else "clear"
    ]
    words.append("soft" if contrast < 14 else "stark" if contrast > 32 else "even")
    words.append("warm" if warmth > 12 else "cold" if warmth < -6 else "neutral")
    return f"{words[0]}, {words[1]} and {words[2]} light"


def _pixels(image: Image.Image) -> np.ndarray:
    """A small copy of a picture in CIE L*a*b*, shape (4096, 3)."""
    return _lab(np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BOX)).reshape(-1, 3))


def _lab(rgb: np.ndarray) -> np.ndarray:
    """Convert sRGB values, shape (n, 3), to CIE L*a*b* (D65), where distances are closer to perception."""
    x = rgb.astype(np.float64) / 255
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ matrix.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


class TextReader:
    """Words on pictures, by RapidOCR with the models inside its package."""

    version = "rapidocr-3.10.0-ppocrv6-small-320"
    _PACKAGE = "rapidocr==3.10.0"
    _WEIGHTS: ClassVar[dict[str, str]] = {
        "PP-OCRv6_det_small.onnx": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        "PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    }

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def read(self, image: Image.Image) -> str:
        """Return the words on a picture as one line; empty where there are none.

        Single letters and doubtful readings are dropped: drawings are full of shapes that look like letters.
        """
        pixels = np.asarray(image.convert("RGB"))[:, :, ::-1]
        result = self._engine(np.ascontiguousarray(pixels))
        lines = zip(result.txts or (), result.scores or (), strict=True)
        kept = [
            text.strip()
            for text, score in lines
            if score >= 0.8 and sum(c.isascii() and c.isalpha() for c in text) >= 3
        ]
        return " ".join(kept)

    @cached_property
    def _engine(self):  # type: ignore[no-untyped-def]
        import rapidocr

        folder = Path(rapidocr.__file__).parent / "models"
        for name, sha256 in self._WEIGHTS.items():
            verified(folder / name, sha256, self._PACKAGE)
        return rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                # Without enlarging to 736 pixels: 7 times less work.
                "Det.limit_type": "max",
                "Det.limit_side_len": 320,
                # Drawings are full of shapes a little like type; reading each would take most of the time.
                "Det.box_thresh": 0.65,
                "EngineConfig.onnxruntime.intra_op_num_threads": self._threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
