"""The known models, their list prices and the limits of a request.

The facts are in ``catalogue.toml``, with their date. Belongs here: reading them, and arithmetic on them. What
was spent is in the state's ledger.
"""

import math
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from qualia_assets.settings import SettingsError
from qualia_assets.state.usage import Usage

Kind = Literal["annotator", "embedder"]

_FILE = Path(__file__).parent / "catalogue.toml"
_BYTES_PER_TOKEN = 3


@dataclass(frozen=True)
class Model:
    """A model of a provider. A limit of 0 is unknown; a price of 0 is free.

    Prices in US dollars: ``input_usd`` and ``output_usd`` per million tokens, ``pixels_usd`` per billion
    pixels; a batch costs ``batch_share`` of them. ``longest_side`` in pixels.
    """

    provider: str
    name: str
    kind: Kind
    dimensions: int = 0
    input_usd: float = 0.0
    output_usd: float = 0.0
    pixels_usd: float = 0.0
    batch_share: float = 1.0
    context_tokens: int = 0
    inputs_per_request: int = 0
    tokens_per_request: int = 0
    bytes_per_request: int = 0
    inputs_per_batch: int = 0
    bytes_per_batch: int = 0
    longest_side: int = 0
    pixels_per_image: int = 0
    pixels_per_token: int = 0
    least_pixels: int = 0
    most_pixels: int = 0

    @property
    def full_name(self) -> str:
        """Provider and model, as in the settings and in the ledger."""
        return f"{self.provider}/{self.name}"


def model(provider: str, name: str) -> Model:
    """A model of the catalogue.

    Raises:
        SettingsError: there is no such model; the message lists the known ones.
    """
    known = models()
    if (provider, name) in known:
        return known[provider, name]
    names = ", ".join(f'"{m.full_name}"' for m in known.values() if m.provider == provider)
    if not names:
        providers = ", ".join(sorted({m.provider for m in known.values()}))
        raise SettingsError(f"There is no provider {provider!r} in the catalogue; there are {providers}.")
    setting = next(m.kind for m in known.values() if m.provider == provider)
    raise SettingsError(
        f"The model {name!r} of {provider} is not known. Set `{setting}` in qualia.toml to one of {names}."
    )


def self_hosted(provider: str, name: str, kind: Kind) -> Model:
    """A model on the user's own server: free, with unknown limits."""
    return Model(provider, name, kind)


@cache
def models() -> dict[tuple[str, str], Model]:
    """All models of the catalogue by provider and name, in the order of the file."""
    entries = [Model(**entry) for entry in _read()["models"]]
    return {(m.provider, m.name): m for m in entries}


def dated() -> date:
    """The date of the prices."""
    day: date = _read()["dated"]
    return day


def usd(model: Model, usage: Usage, batch: bool = False) -> float:
    """The list price of a usage, in US dollars."""
    price = (
        usage.input_tokens * model.input_usd / 1e6
        + usage.output_tokens * model.output_usd / 1e6
        + usage.pixels * model.pixels_usd / 1e9
    )
    return price * model.batch_share if batch else price


def estimated_tokens(text: str) -> int:
    """A high estimate of a text's tokens: one for every three bytes of UTF-8.

    English takes about four bytes a token; limits and budgets need an estimate that errs upwards.
    """
    return math.ceil(len(text.encode(errors="replace")) / _BYTES_PER_TOKEN)


def counted_pixels(model: Model, width: int, height: int) -> int:
    """How many pixels of a picture are charged."""
    pixels = max(width * height, model.least_pixels)
    return min(pixels, model.most_pixels) if model.most_pixels else pixels


def image_tokens(model: Model, width: int, height: int) -> int:
    """How many tokens a picture counts as; 0 for a model that counts none."""
    if not model.pixels_per_token:
        return 0
    return math.ceil(counted_pixels(model, width, height) / model.pixels_per_token)


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
