"""The browser app: pages made from the lake alone, on this machine.

Belongs here: what those who start it have to know of it, without loading it.
"""

import hashlib
from pathlib import Path

TOKEN = "QUALIA_APP_TOKEN"
"""The variable that holds the token, so that it is in no list of processes."""


def served(lake: Path) -> str:
    """What an app on this lake answers at ``/alive``, so that it is known again and taken for no other."""
    return f"qualia {hashlib.sha256(str(lake.resolve()).encode()).hexdigest()[:12]}"
