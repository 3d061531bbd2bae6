"""Nothing has changed: what a second run costs, against the first, and whether a provider was asked.

``qualia demo`` twice in an empty workspace, each in a fresh process, by the CPU of the whole process:
starting, imports and printing are in it. What is done once per machine, the image classifier's export,
is made ready before the first run and not counted, which would only make the first dearer. Every
answer of a provider is kept in the state database, so no new answer means that none was asked.
"""

import os
import re
import sqlite3
import sys
from pathlib import Path

from benchmarks.report import Line, Report
from benchmarks.timing import child
from benchmarks.workspace import workspace

MOST = 0.05
COMMAND = [sys.executable, "-c", "from qualia_assets.cli.main import main; main()", "demo"]
EXPORT = """
from qualia_assets.embed.imagenet import exported
from qualia_assets.settings import load_settings
models = load_settings().models
models.mkdir(parents=True, exist_ok=True)
exported(models)
"""
IMPORTS = "import qualia_assets.cli.main, qualia_assets.runs.pipeline, qualia_assets.definitions"


def run(quick: bool) -> Report:
    with workspace() as (folder, settings):
        environment = {**os.environ, **settings}
        child([sys.executable, "-c", EXPORT], environment)
        first = child(COMMAND, environment)
        asked = _answers(folder / "state.sqlite")
        second = child(COMMAND, environment)
        asked_again = _answers(folder / "state.sqlite")
        imports = child([sys.executable, "-c", IMPORTS], environment)
    if not sum(asked.values()):
        raise RuntimeError(f"The first run asked no provider:\n{first.output[-2000:]}")
    share = second.cpu / first.cpu
    new = sum(asked_again.values()) - sum(asked.values())
    again = re.search(r"(\d+) stages made", second.output)
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in sorted(asked.items()))
    return Report(
        "rerun: qualia demo from nothing, then with nothing changed",
        [
            Line(f"the first run (wall {first.wall:.0f} s)", (first.cpu,)),
            Line(
                f"the second run (wall {second.wall:.1f} s)",
                (second.cpu,),
                f"{share:.1%}",
                f"under {MOST:.0%} of the first",
                share < MOST,
            ),
            Line(
                f"stages made by the second: {again[1] if again else 0}",
                claim="none",
                holds=again is None,
            ),
            Line(
                f"answers of providers kept by the first: {kinds}; new with the second: {new}",
                claim="no provider call",
                holds=new == 0,
            ),
            Line("importing what a run imports, for comparison", (imports.cpu,)),
        ],
    )


def _answers(database: Path) -> dict[str, int]:
    """How many answers are kept, by kind."""
    connection = sqlite3.connect(database)
    try:
        return dict(connection.execute("SELECT kind, count(*) FROM answers GROUP BY kind"))
    finally:
        connection.close()
