"""Loading the definitions, what every Dagster process does first: seconds, and what stays unimported.

``import qualia_assets.definitions`` in fresh processes, from the interpreter's start to the end of the
import, median of 5. Bytecode is there: a process that is not counted goes before. The claim is held
against CPU time; wall time is shown, and on a machine with other work to do it is longer.
"""

import json
import os
import statistics
import sys

from benchmarks.report import Line, Report
from benchmarks.timing import child

LIMIT = 2.0
HEAVY = ("torch", "umap", "hdbscan", "sklearn", "transformers")
REPETITIONS = 5
SCRIPT = f"""
import time
started = time.perf_counter()
import qualia_assets.definitions
import json, sys
cpu, wall = time.process_time(), time.perf_counter() - started
print(json.dumps([cpu, wall, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def run(quick: bool) -> Report:
    command, environment = [sys.executable, "-c", SCRIPT], dict(os.environ)
    child(command, environment)
    runs = [json.loads(child(command, environment).output) for _ in range(2 if quick else REPETITIONS)]
    cpus, walls, loaded = zip(*runs, strict=True)
    cpu, wall = statistics.median(cpus), statistics.median(walls)
    found = sorted({name for names in loaded for name in names})
    return Report(
        "definitions: loading qualia_assets.definitions in a fresh process",
        [
            Line(
                f"CPU, median of {len(runs)} ({min(cpus):.2f} to {max(cpus):.2f})",
                (cpu,),
                claim=f"under {LIMIT:.0f} s",
                holds=cpu < LIMIT,
            ),
            Line(f"wall, median of {len(runs)}: {wall:.2f} s ({min(walls):.2f} to {max(walls):.2f})"),
            Line(
                f"of {', '.join(HEAVY)}: {', '.join(found) or 'none'} imported",
                claim="none imported",
                holds=not found,
            ),
        ],
    )
