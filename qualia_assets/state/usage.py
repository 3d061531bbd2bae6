"""What a provider counted for some calls: a leaf that the ledger and the providers share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """What some calls used, as the provider counts it."""

    requests: int = 0
    items: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    pixels: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.requests + other.requests,
            self.items + other.items,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.pixels + other.pixels,
        )
