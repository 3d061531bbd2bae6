"""The app as a process of its own: ``python -m qualia_assets.views.app``.

The token is read from the environment, so that it is in no list of processes.
"""

import argparse
import os
import sys

import uvicorn

from qualia_assets.settings import SettingsError, load_settings
from qualia_assets.views.app.security import LOOPBACK
from qualia_assets.views.app.server import make_app

TOKEN = "QUALIA_APP_TOKEN"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m qualia_assets.views.app", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="as in the settings where it is 0")
    given = parser.parse_args()
    token = os.environ.get(TOKEN, "")
    if given.host not in LOOPBACK and not token:
        print(f"The app is shown to other machines only with a token: set {TOKEN}.", file=sys.stderr)
        return 2
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    uvicorn.run(
        make_app(settings, given.host, token),
        host=given.host,
        port=given.port or settings.app.port,
        log_level="warning",
        # Addresses hold what a person searched for: they are not written down.
        access_log=False,
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
