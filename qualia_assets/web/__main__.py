"""The app as a process of its own: ``python -m qualia_assets.web``."""

import argparse
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from qualia_assets.web import TOKEN

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

_LAST_REQUESTS_SECONDS = 5


def main() -> int:
    # Ctrl-C ends it without a traceback, also during the imports and where the parent process ignores SIGINT.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from qualia_assets.settings import SettingsError, load_settings
    from qualia_assets.web.security import LOOPBACK
    from qualia_assets.web.server import make_app

    parser = argparse.ArgumentParser(prog="python -m qualia_assets.web", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: that of the settings")
    given = parser.parse_args()
    token = os.environ.get(TOKEN, "")
    if given.host not in LOOPBACK and not token:
        return _refuse(f"Listening on other hosts requires a token: set {TOKEN}.")
    try:
        settings = load_settings()
    except SettingsError as error:
        return _refuse(str(error))
    port = given.port or settings.app.port
    try:
        listener = bound(given.host, port)
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "there is no such port"
        return _refuse(f"The app cannot listen on {given.host}, port {port}: {why}.")
    server_of(make_app(settings, given.host, token)).run(sockets=[listener])
    return 0


def server_of(app: "Starlette") -> "uvicorn.Server":
    """The server that the app runs in."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        # Addresses contain what a person searched for, so they are not logged.
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
    )
    return uvicorn.Server(config)


def bound(host: str, port: int) -> socket.socket:
    """A socket bound for the app to listen on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":  # on Windows it would let a second app share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
    except BaseException:
        listener.close()
        raise
    return listener


def _refuse(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
