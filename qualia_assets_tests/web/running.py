"""The app and ``qualia`` as processes of their own, with all that they print, and plain requests to them."""

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
    """What came back, its headers by name in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


def environment(place: Path) -> dict[str, str]:
    """What points the settings at a place."""
    return {
        "QUALIA_LAKE": str(place / "lake"),
        "QUALIA_STATE": str(place / "state.sqlite"),
        "QUALIA_CONFIG": str(place / "qualia.toml"),
        "DAGSTER_HOME": str(place / "dagster"),
    }


class Process:
    """A process under test. What it prints goes to a file, so that it never waits to be read."""

    def __init__(self, arguments: tuple[str, ...], printed: Path, more: Mapping[str, str]) -> None:
        self.printed = printed
        with printed.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                env={**os.environ, **more},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                # A group of its own, to which Ctrl-C is sent as a terminal would.
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.printed.read_text(encoding="utf-8")

    def wait_until(self, true: Callable[[], bool], seconds: float = 60) -> None:
        """Until something is so; fails where the process ends first."""
        end = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, f"it ended: {self.output}"
            assert time.monotonic() < end, f"it did not come to that: {self.output}"
            time.sleep(0.05)

    def ends(self, seconds: float = 60) -> int:
        """The exit status, once it ends by itself."""
        return self.process.wait(timeout=seconds)

    def ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> None:
        """Whatever is left of it and of what it started."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running(arguments: tuple[str, ...], printed: Path, **more: str) -> Iterator[Process]:
    """A process of this Python's, ended on leaving."""
    process = Process(arguments, printed, more)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def app_over(place: Path, **more: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app over a place's lake, in a process of its own: its address once it answers, and the process."""
    port = free_port()
    environ = {**os.environ, **environment(place), **more}
    process = subprocess.Popen([sys.executable, *APP, "--port", str(port)], env=environ)
    try:
        end = time.monotonic() + 60
        while not listens(port):
            assert process.poll() is None, "the app ended while it was starting"
            assert time.monotonic() < end, "the app did not answer within a minute"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(timeout=60)


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
    """One request, its path sent as it is given."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()
