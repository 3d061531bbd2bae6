"""Smoothing and retrieval of 20,000 items: how much of the CPU time is matrix products, and the memory.

10,000 + 10,000 planted items (``planted``) of 384 dimensions, k = 10: one pass of same-modality smoothing,
and what every item finds among all others, plain and calibrated. Every pair is compared, exactly, so
the matrix products of queries with galleries have to be done; all else is our own cost.

The share is measured, not estimated: in the same run, turn by turn with each of the three, the products
that it makes are made alone, of the same vectors in the same blocks into memory already at hand, and the
time of those is divided by the time of the whole. The weighted sums of smoothing are products too (of a
sparse matrix) but count as our cost. Memory is the peak of what numpy holds above the items themselves, by
``tracemalloc``, in a run that is not timed; the BLAS library's workspace, some tens of MiB, is not in it.
"""

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.planted import DIMENSIONS, MODALITIES, Floats, planted
from benchmarks.report import Line, Report
from benchmarks.timing import Stopwatch
from qualia_assets.method.metrics import Points, retrieve
from qualia_assets.method.neighbours import Gallery
from qualia_assets.method.smoothing import same_modality_smoothing

K, SHARE = 10, 0.5
LEAST_SHARE = 0.85
MOST_MEMORY = 256
MIB = 1 << 20


@dataclass(frozen=True)
class Work:
    """Something to be done, and the vectors that it has to compare, each set with itself."""

    name: str
    do: Callable[[], object]
    compared: list[Floats]


def run(quick: bool) -> Report:
    items, themes, repetitions = (2000, 12, 1) if quick else (20000, 28, 3)
    for work in works(shuffled(600, 10, seed=99)):
        work.do()
    points = shuffled(items, themes, seed=0)
    whole, products, peaks = Stopwatch(), Stopwatch(), {}
    for work in works(points):
        peaks[work.name] = peak_memory(work.do)
        blocks = [as_blocked(vectors) for vectors in work.compared]
        for _ in range(repetitions):
            with whole.time(work.name):
                work.do()
            for vectors, rows, memory in blocks:
                with products.time(work.name):
                    for block in rows:
                        np.matmul(vectors[block], vectors.T, out=memory[: block.stop - block.start])
    share, most = products.total / whole.total, max(peaks.values())
    lines = [
        Line(
            "matrix products alone / smoothing and retrieval",
            (products.total, whole.total),
            f"{share:.1%}",
            f"at least {LEAST_SHARE:.0%} of the time",
            share >= LEAST_SHARE,
        )
    ]
    for name, seconds in whole.stages.items():
        alone = products.stages[name]
        lines.append(Line(f"  {name}", (alone, seconds), f"{alone / seconds:.1%}"))
    lines.append(
        Line(
            "the most memory held above the items",
            ratio=f"{most / MIB:,.0f} MiB",
            claim=f"at most {MOST_MEMORY} MiB",
            holds=most <= MOST_MEMORY * MIB,
        )
    )
    lines += [Line(f"  {name}", ratio=f"{peak / MIB:,.0f} MiB") for name, peak in peaks.items()]
    return Report(
        f"blocks: {items:,} items of {DIMENSIONS} dimensions, k = {K}",
        lines,
        [
            f"CPU is the sum of {repetitions} runs. A matrix of all pairs would be "
            f"{items * items * 4 / MIB:,.0f} MiB."
        ],
    )


def works(points: Points) -> list[Work]:
    apart = [points.vectors[points.modality == m] for m in MODALITIES]
    return [
        Work(
            "smoothing, one pass",
            lambda: same_modality_smoothing(points.vectors, points.modality, K, SHARE, 1),
            apart,
        ),
        Work("retrieval", lambda: retrieve(points, K), [points.vectors]),
        Work("retrieval, calibrated", lambda: retrieve(points, K, calibrated=True), [points.vectors]),
    ]


def shuffled(items: int, themes: int, seed: int) -> Points:
    """Planted items of both modalities in no order, their themes as their matches."""
    data = planted(items // 2, themes, seed)
    order = np.random.default_rng(seed).permutation(items // 2 * 2)
    return Points(
        np.concatenate([data.vectors[m] for m in MODALITIES])[order],
        np.repeat(MODALITIES, items // 2)[order],
        np.concatenate([data.theme[m] for m in MODALITIES])[order],
    )


def as_blocked(vectors: Floats) -> tuple[Floats, list[slice], Floats]:
    """Vectors, the blocks of rows in which they are compared with all, and memory for the largest."""
    rows = [block for block, _ in Gallery.of(vectors).blocks(vectors)]
    return vectors, rows, np.ones((rows[0].stop, len(vectors)), dtype=np.float32)


def peak_memory(do: Callable[[], object]) -> int:
    """Bytes held at the most while something is done, above those held before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        do()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
