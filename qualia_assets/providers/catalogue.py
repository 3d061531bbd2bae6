"""Which models there are, what they cost by their list prices, and how much one request may hold.

The facts are in ``catalogue.toml``, with their date. Belongs here: reading them, and what follows from them
by arithmetic. What was spent is in the state's ledger.
"""

import math
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from qualia_assets.providers.base import Usage
from qualia_assets.settings import SettingsError

Kind = Literal["annotator", "embedder"]

_FILE = Path(__file__).parent / "catalogue.toml"
_BYTES_PER_TOKEN = 3


@dataclass(frozen=True)
class Model:
    """A model of a provider. A limit of 0 is none that is known; a price of 0 is none.

    Prices in US dollars: ``input_usd`` and ``output_usd`` for a million tokens, ``pixels_usd`` for a billion
    pixels, ``batch_share`` the share of them that is due in a batch. ``longest_side`` in pixels.
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
        """Provider and model, as the settings name it and the ledger keeps it."""
        return f"{self.provider}/{self.name}"


def model(provider: str, name: str) -> Model:
    """A model of the catalogue.

    Raises:
        SettingsError: there is none of that name; the message lists those that there are.
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


def own(provider: str, name: str, kind: Kind) -> Model:
    """A model on a server of one's own: it costs nothing, and its limits are not known."""
    return Model(provider, name, kind)


@cache
def models() -> dict[tuple[str, str], Model]:
    """All models of the catalogue by provider and name, in the order of the file."""
    found = [Model(**entry) for entry in _read()["models"]]
    return {(m.provider, m.name): m for m in found}


def dated() -> date:
    """When the prices were noted."""
    day: date = _read()["dated"]
    return day


def usd(model: Model, usage: Usage, batch: bool = False) -> float:
    """What a usage costs by the list price, in US dollars."""
    whole = (
        usage.input_tokens * model.input_usd / 1e6
        + usage.output_tokens * model.output_usd / 1e6
        + usage.pixels * model.pixels_usd / 1e9
    )
    return whole * model.batch_share if batch else whole


def estimated_tokens(text: str) -> int:
    """How many tokens a text may be, before a provider has counted: one for every three bytes of UTF-8.

    English needs about four bytes a token, so this is rather too much than too little, which is what filling
    a request and keeping to a budget need.
    """
    return math.ceil(len(text.encode(errors="replace")) / _BYTES_PER_TOKEN)


def counted_pixels(model: Model, width: int, height: int) -> int:
    """How many pixels of a picture are paid for."""
    pixels = max(width * height, model.least_pixels)
    return min(pixels, model.most_pixels) if model.most_pixels else pixels


def image_tokens(model: Model, width: int, height: int) -> int:
    """How many tokens a picture of so many pixels is counted as; 0 where the model counts none."""
    if not model.pixels_per_token:
        return 0
    return math.ceil(counted_pixels(model, width, height) / model.pixels_per_token)


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
