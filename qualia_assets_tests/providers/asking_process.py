"""A process of its own that asks about numbers, for tests of several at once.

Called with the URL of the state, a folder, how many numbers, the seconds of a claim, how, and for which user,
it waits for ``go`` in the folder, asks, notes each number that it asked the provider for in ``asked``, and
prints what came of it as JSON. Where "how" is ``hang`` it never gets an answer.
"""

import json
import sys
import time
from pathlib import Path

from qualia_assets.progress import silent
from qualia_assets.providers.requests import ask_all
from qualia_assets.state.database import State
from qualia_assets_tests.providers.squares import Number, number_provider, squares


def main(url: str, folder: Path, count: int, claim_seconds: float, how: str, user: str) -> None:
    def ask(batch: list[Number]) -> list[int | None]:
        with (folder / "asked").open("a") as log:
            log.write("".join(f"{number.sha256}\n" for number in batch))
        time.sleep(3600 if how == "hang" else 0.02)
        return squares(batch)

    state = State(url).of(user)
    provider = number_provider(ask, size=5, concurrency=2)
    print("ready", flush=True)
    while not (folder / "go").exists():
        time.sleep(0.005)
    asked = ask_all([Number(str(n)) for n in range(count)], provider, state, silent, "", claim_seconds)
    print(json.dumps({"found": asked.found, "asked": asked.asked}))


if __name__ == "__main__":
    url, folder, count, claim_seconds, how, user = sys.argv[1:]
    main(url, Path(folder), int(count), float(claim_seconds), how, user)
