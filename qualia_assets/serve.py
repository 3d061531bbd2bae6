"""Dagster's webserver and daemon and the browser app: together for ``qualia ui``, the app alone for ``open``.

The instance is made first: started at once, both would make its SQLite schema and one would fail.
"""

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

from qualia_assets.pipeline import dagster_instance
from qualia_assets.settings import PROJECT_ROOT
from qualia_assets.state.database import State

# As in ``views.app``, which is loaded by its own process only.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TOKEN = "QUALIA_APP_TOKEN"
HOST = "127.0.0.1"
WORKSPACE = PROJECT_ROOT / "workspace.yaml"


def serve(state: State, port: int, app_port: int, say: Callable[[str], None]) -> None:
    """Run all three until one ends or the user stops them; then stop the others."""
    with dagster_instance(state):
        pass
    commands = [
        ["dagster-webserver", "-h", HOST, "-p", str(port), "-w", str(WORKSPACE)],
        ["dagster-daemon", "run", "-w", str(WORKSPACE)],
    ]
    told = f"Dagster is starting on http://{HOST}:{port}"
    if alive(HOST, app_port):
        told += f"; the app is there already, on http://{HOST}:{app_port}"
    else:
        commands.append(["python", "-m", "qualia_assets.views.app", "--port", str(app_port)])
        told += f", the app on http://{HOST}:{app_port}"
    # Runs go beside one another here, so each keeps to one thread unless the user says otherwise.
    environment = {"QUALIA_THREADS": "1", **os.environ}
    # Said outright: started in the background by a script, a process begins with Ctrl-C ignored, and
    # would hand that down to both.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for name, *arguments in commands:
            program = Path(sys.executable).parent / name
            processes.append(subprocess.Popen([str(program), *arguments], cwd=PROJECT_ROOT, env=environment))
        say(f"{told}. Stop with Ctrl-C.")
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        say("One of the processes has ended; stopping the others. Its last lines above say why.")
    except KeyboardInterrupt:
        say("Stopping.")
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()


def alive(host: str, port: int) -> bool:
    """Whether the app answers there already."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/alive", timeout=2) as answer:
            return bool(answer.read(100) == b"qualia")
    except (OSError, ValueError):
        return False


def show(host: str, port: int, path: str, browser: bool, say: Callable[[str], None]) -> None:
    """Open a page of the app in the browser; the app itself is run here, until Ctrl-C, where none is running.

    A host that other machines reach is served with a token, which is in the address that is told.
    """
    loopback = host in LOOPBACK
    token = "" if loopback else os.environ.get(TOKEN) or secrets.token_urlsafe(24)
    address = f"http://{host}:{port}{path}" + (f"?token={token}" if token else "")
    if loopback and alive(host, port):
        say(f"The app is running already: {address}")
        if browser:
            webbrowser.open(address)
        return
    command = [sys.executable, "-m", "qualia_assets.views.app", "--host", host, "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, TOKEN: token})
    try:
        while process.poll() is None and not (_listens(host, port)):
            time.sleep(0.1)
        if process.poll() is not None:
            say("The app could not start; the lines above say why. Another port: `qualia open --port 3011`.")
            return
        say(f"{address}  (Ctrl-C stops it)")
        if browser:
            webbrowser.open(address)
        process.wait()
    except KeyboardInterrupt:
        say("Stopping.")
    finally:
        process.terminate()
        process.wait()


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
