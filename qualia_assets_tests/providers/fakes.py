"""A provider whose answer to a number is its square, also in a process of its own; and a fake clock."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qualia_assets.progress import batched, silent
from qualia_assets.providers.requests import Provider, request_all
from qualia_assets.state.database import State, answer_key


@dataclass(frozen=True)
class Number:
    sha256: str


Request = Callable[[list[Number]], Sequence[int | None]]


def squares(batch: list[Number]) -> list[int | None]:
    return [int(number.sha256) ** 2 for number in batch]


def number_provider(request: Request = squares, size: int = 10, **changes: Any) -> Provider[Number, int]:
    """Batches of ``size``; an item that is refused on its own is answered by -1, which is not stored."""
    return Provider(
        **{
            "kind": "embedding",
            "name": "squares",
            "key": lambda number: answer_key("embedding", "squares", "1", {}, number.sha256),
            "batches": lambda numbers: batched(numbers, size),
            "request": request,
            "failed": lambda reason: -1,
            "encode": lambda answer: str(answer).encode() if answer >= 0 else None,
            "decode": int,
            **changes,
        }
    )


@dataclass
class Clock:
    """In place of the module ``time``: sleeping is recorded, and advances a clock that is not ``frozen``."""

    frozen: bool = False
    now: float = 1000.0
    sleeps: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += 0 if self.frozen else seconds
        self.on_sleep()


def until(true: Callable[[], Any], seconds: float = 120.0) -> None:
    """Wait for what another process or thread does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def main(url: str, folder: Path, count: int, claim_seconds: float, how: str, user: str) -> None:
    """Request squares once there is ``go`` in the folder, log them in ``requested``, and print the outcome as
    JSON. How: ``answer``, or ``hang`` for a provider that never answers."""

    def request(batch: list[Number]) -> list[int | None]:
        with (folder / "requested").open("a") as log:
            log.write("".join(f"{number.sha256}\n" for number in batch))
        time.sleep(3600 if how == "hang" else 0.02)
        return squares(batch)

    state = State(url).of(user)
    provider = number_provider(request, size=5, concurrency=2)
    print("ready", flush=True)
    until((folder / "go").exists)
    numbers = [Number(str(n)) for n in range(count)]
    outcome = request_all(numbers, provider, state, silent, "", claim_seconds)
    print(json.dumps({"answers": outcome.answers, "requested": outcome.requested}))


if __name__ == "__main__":
    url, folder, count, claim_seconds, how, user = sys.argv[1:]
    main(url, Path(folder), int(count), float(claim_seconds), how, user)
