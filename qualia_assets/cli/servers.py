"""Dagster's webserver and daemon and the browser app: together for ``qualia ui``, the app alone for ``open``.

The instance is made first: started at once, both would make its SQLite schema and one would fail.
"""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from qualia_assets.errors import QualiaError
from qualia_assets.paths import dagster_target
from qualia_assets.web import TOKEN, served

if TYPE_CHECKING:
    from qualia_assets.state.database import State

ANY = ("0.0.0.0", "::")
# As in ``views.app.security``, which is loaded by the app's own process only.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HOST = "127.0.0.1"


def serve(state: "State", lake: Path, port: int, app_port: int, say: Callable[[str], None]) -> None:
    """Run all three until one ends or the user stops them; then stop the others."""
    # Dagster takes seconds to load, for which ``open`` need not wait.
    from qualia_assets.runs.execution import dagster_instance

    with dagster_instance(state):
        pass
    commands = [
        ["dagster-webserver", "-h", HOST, "-p", str(port), *dagster_target()],
        ["dagster-daemon", "run", *dagster_target()],
    ]
    told = f"Dagster is starting on http://{HOST}:{port}"
    if alive(lake, HOST, app_port):
        told += f"; the app is there already, on http://{HOST}:{app_port}"
    else:
        commands.append(["python", "-m", "qualia_assets.web", "--port", str(app_port)])
        told += f", the app on http://{HOST}:{app_port}"
    # Runs go beside one another here, so each keeps to one thread unless the user says otherwise.
    environment = {"QUALIA_THREADS": "1", **os.environ}
    _end_when_told()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for name, *arguments in commands:
            program = Path(sys.executable).parent / name
            processes.append(subprocess.Popen([str(program), *arguments], env=environment))
        say(f"{told}. Stop with Ctrl-C.")
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        say("One of the processes has ended; stopping the others. Its last lines above say why.")
    except KeyboardInterrupt:
        say("Stopping.")
    finally:
        _stop(processes)


class ServeError(QualiaError):
    """What was to be served could not be; the message says what to do."""


def show(lake: Path, host: str, port: int, path: str, browser: bool, say: Callable[[str], None]) -> None:
    """Open a page of the app in the browser; the app itself is run here, until Ctrl-C, where none is running.

    A host that other machines reach is served with a token, which is in the address that is told.

    Raises:
        ServeError: the app could not start; it said why itself.
    """
    loopback = host in LOOPBACK
    token = "" if loopback else os.environ.get(TOKEN) or secrets.token_urlsafe(24)
    name = socket.gethostname() if host in ANY else host
    address = _address(name, port) + path + (f"?{urlencode({'token': token})}" if token else "")
    if loopback and alive(lake, host, port):
        say(f"The app is running already: {address}")
        if browser:
            webbrowser.open(address)
        return
    _end_when_told()
    command = [sys.executable, "-m", "qualia_assets.web", "--host", host, "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, TOKEN: token})
    try:
        while process.poll() is None and not alive(lake, host, port, token):
            time.sleep(0.1)
        if process.poll() is not None:
            raise ServeError("The app could not start; the line above says why. Another port: --port 3011.")
        say(f"{address}  (Ctrl-C stops it)")
        if browser:
            webbrowser.open(address)
        process.wait()
    except KeyboardInterrupt:
        say("Stopping.")
    finally:
        _stop([process])


def alive(lake: Path, host: str, port: int, token: str = "") -> bool:
    """Whether an app on this lake answers there already."""
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        asked = urllib.request.Request(f"{_address(host, port)}/alive", headers=_as_utf8(bearer))
        # Past any proxy that the environment names: it is this machine that is asked.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=2) as answer:
            return bool(answer.read(100) == served(lake).encode())
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _as_utf8(headers: dict[str, str]) -> dict[str, str]:
    """As they are sent: a header is bytes, which urllib takes as Latin-1."""
    return {name: value.encode().decode("latin-1") for name, value in headers.items()}


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _end_when_told() -> None:
    """End by Ctrl-C, by ``kill`` and with the terminal, so that what was started is stopped, too.

    Said outright: started in the background by a script, a process begins with Ctrl-C ignored, and would
    hand that down to what it starts.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is heard already
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
