"""CPU time: of this process by named stages, and of a child process as a whole."""

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


def cpu_seconds() -> float:
    """User and system time of this process, all its threads, and of children it has waited for."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


@dataclass
class Stopwatch:
    """CPU seconds by stage, added up over repetitions."""

    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        started = cpu_seconds()
        yield
        self.stages[stage] = self.stages.get(stage, 0.0) + cpu_seconds() - started

    @property
    def total(self) -> float:
        return sum(self.stages.values())


@dataclass(frozen=True)
class Child:
    """What a child process used and said."""

    cpu: float
    wall: float
    output: str


def child(command: Sequence[str], environment: Mapping[str, str]) -> Child:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; the message holds the end of what it said.
    """
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
        # wait4 and not wait: it tells what this child used, and those that it waited for.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed ({process.returncode}):\n{output[-2000:]}")
    return Child(usage.ru_utime + usage.ru_stime, wall, output)
