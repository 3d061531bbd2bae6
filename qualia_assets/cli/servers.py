"""Starting Dagster's webserver and daemon and the browser app (``qualia ui``), or the app alone (``open``).

Dagster's instance is created first, or its two processes would race to create the SQLite schema.
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
# As a person writes them; ``web.security`` also knows how browsers do, and only the app's process loads it.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HOST = "127.0.0.1"


def serve(state: "State", lake: Path, port: int, app_port: int, say: Callable[[str], None]) -> None:
    """Run all three until one ends or the user stops them, then stop the others."""
    # Dagster takes seconds to load, and ``open`` does without it.
    from qualia_assets.runs.execution import dagster_instance

    with dagster_instance(state):
        pass
    commands = [
        ["dagster-webserver", "-h", HOST, "-p", str(port), *dagster_target()],
        ["dagster-daemon", "run", *dagster_target()],
    ]
    message = f"Dagster is starting on http://{HOST}:{port}"
    if alive(lake, HOST, app_port):
        message += f"; the app is already running on http://{HOST}:{app_port}"
    else:
        commands.append(["python", "-m", "qualia_assets.web", "--port", str(app_port)])
        message += f", the app on http://{HOST}:{app_port}"
    # Runs are concurrent here, so each keeps to one thread unless the user says otherwise.
    environment = {"QUALIA_THREADS": "1", **os.environ}
    _exit_on_signals()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for name, *arguments in commands:
            program = Path(sys.executable).parent / name
            processes.append(subprocess.Popen([str(program), *arguments], env=environment))
        say(f"{message}. Stop with Ctrl-C.")
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        say("One of the processes has ended; stopping the others. Its last lines above say why.")
    except KeyboardInterrupt:
        say("Stopping.")
    finally:
        _stop(processes)


def show(lake: Path, host: str, port: int, path: str, browser: bool, say: Callable[[str], None]) -> None:
    """Open a page of the app in the browser, and run the app until Ctrl-C where none is running.

    A host that other machines reach needs a token, which is in the address that is printed.

    Raises:
        QualiaError: the app could not start; it printed why.
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
    _exit_on_signals()
    command = [sys.executable, "-m", "qualia_assets.web", "--host", host, "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, TOKEN: token})
    try:
        while process.poll() is None and not alive(lake, host, port, token):
            time.sleep(0.1)
        if process.poll() is not None:
            raise QualiaError("The app could not start; the line above says why. Another port: --port 3011.")
        say(f"{address}  (Ctrl-C stops it)")
        if browser:
            webbrowser.open(address)
        process.wait()
    except KeyboardInterrupt:
        say("Stopping.")
    finally:
        _stop([process])


def alive(lake: Path, host: str, port: int, token: str = "") -> bool:
    """Return whether an app on this lake answers there already."""
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        asked = urllib.request.Request(f"{_address(host, port)}/alive", headers=_as_utf8(bearer))
        # Bypasses any proxy of the environment: this is about this machine.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=2) as answer:
            return bool(answer.read(100) == served(lake).encode())
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _as_utf8(headers: dict[str, str]) -> dict[str, str]:
    """Return headers as urllib takes them: bytes decoded as Latin-1."""
    return {name: value.encode().decode("latin-1") for name, value in headers.items()}


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _exit_on_signals() -> None:
    """Exit on Ctrl-C, on ``kill`` and with the terminal, so that child processes are stopped, too.

    Set explicitly: a script's background process starts with Ctrl-C ignored, and so would its children.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # stopping already
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
