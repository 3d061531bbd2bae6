"""Dagster's webserver and daemon together, for ``qualia ui``.

The instance is made first: started at once, both would make its SQLite schema and one would fail.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from qualia_assets.pipeline import dagster_instance
from qualia_assets.settings import PROJECT_ROOT
from qualia_assets.state.database import State

HOST = "127.0.0.1"
WORKSPACE = PROJECT_ROOT / "workspace.yaml"


def serve(state: State, port: int, say: Callable[[str], None]) -> None:
    """Run both until one ends or the user stops them; then stop the other."""
    with dagster_instance(state):
        pass
    commands = (
        ["dagster-webserver", "-h", HOST, "-p", str(port), "-w", str(WORKSPACE)],
        ["dagster-daemon", "run", "-w", str(WORKSPACE)],
    )
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
        say(f"Dagster is starting on http://{HOST}:{port}. Stop it with Ctrl-C.")
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        say("One of Dagster's processes has ended; stopping the other. Its last lines above say why.")
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
