"""The command: runs benchmarks in turn, prints a table of each, and fails where a claim does not hold."""

import argparse
import importlib
import os
import sys

BENCHMARKS = (
    "method_pipeline",
    "grid",
    "blocks",
    "embedding",
    "pictures",
    "providers",
    "search",
    "map",
    "dagster_overhead",
    "definitions",
    "rerun",
    "soak",
)
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "QUALIA_THREADS",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all if none")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs: no verdict")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    # Read when numpy, numba and torch are imported, so before any benchmark is.
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    # Without bytecode every process would compile its imports anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    from benchmarks.report import show

    held = True
    for name in given.names or BENCHMARKS:
        report = importlib.import_module(f"benchmarks.{name}").run(given.quick)
        show(report, given.quick)
        held = held and report.holds
    # Small sizes cannot bear the claims: ratios there are not those that are claimed.
    return 0 if held or given.quick else 1


if __name__ == "__main__":
    sys.exit(main())
