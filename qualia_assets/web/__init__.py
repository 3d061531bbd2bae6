"""The browser app: pages made from the lake alone, on this machine.

Belongs here: what a launcher needs to know about the app without importing it.
"""

import hashlib
from pathlib import Path

TOKEN = "QUALIA_APP_TOKEN"
"""The environment variable that holds the token, which a list of processes would show as an argument."""


def served(lake: Path) -> str:
    """What the app on this lake answers at ``/alive``, by which a launcher recognises it."""
    return f"qualia {hashlib.sha256(str(lake.resolve()).encode()).hexdigest()[:12]}"
