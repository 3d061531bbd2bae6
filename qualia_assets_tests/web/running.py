"""The app and ``qualia`` as processes, with their output, and plain requests to them."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

APP = ("-m", "qualia_assets.web")
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
QUALIA = ("-c", "from qualia_assets.cli.main import main; main()")


@dataclass(frozen=True)
class Answer:
    """A response; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


def environment(place: Path) -> dict[str, str]:
    """The variables that point the settings at a place."""
    return {
        "QUALIA_LAKE": str(place / "lake"),
        "QUALIA_STATE": str(place / "state.sqlite"),
        "QUALIA_CONFIG": str(place / "qualia.toml"),
        "DAGSTER_HOME": str(place / "dagster"),
    }


class Process:
    """A process under test. Its output goes to a file, so that it never blocks."""

    def __init__(self, arguments: tuple[str, ...], printed: Path, more: Mapping[str, str]) -> None:
        self.printed = printed
        with printed.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                env={**os.environ, **more},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                # A process group of its own, to which Ctrl-C is sent as by a terminal.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        return self.printed.read_text(encoding="utf-8")

    def wait_until(self, true: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until a condition holds; fails if the process ends first."""
        end = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, f"it ended: {self.output}"
            assert time.monotonic() < end, f"timed out: {self.output}"
            time.sleep(0.05)

    def ends(self, seconds: float = 60) -> int:
        """Its exit status, once it ends by itself."""
        return self.process.wait(timeout=seconds)

    def ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> None:
        """Terminate it, or kill it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running(arguments: tuple[str, ...], printed: Path, **more: str) -> Iterator[Process]:
    """A process of this Python, ended on leaving."""
    process = Process(arguments, printed, more)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def app_over(place: Path, *arguments: str, **more: str) -> Iterator[tuple[str, Process]]:
    """The app over a place's lake, in a process of its own: its address once it listens, and the process."""
    port = free_port()
    command = (*APP, "--port", str(port), *arguments)
    with running(command, place / f"printed-{port}", **environment(place), **more) as process:
        process.wait_until(lambda: listens(port))
        yield f"http://127.0.0.1:{port}", process


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def listens(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
        return True
    except OSError:
        return False


def ask(
    port: int,
    path: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """One request, its path sent exactly as given."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()
