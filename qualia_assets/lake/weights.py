"""Trained weights as safetensors files in the lake, named by their content."""

import hashlib

import numpy as np

from qualia_assets.lake.store import Lake, LakeError, replacing


def write_weights(lake: Lake, user: str, weights: dict[str, np.ndarray]) -> str:
    """Store weights; return the path of their file relative to the lake."""
    from safetensors.numpy import save

    data = save(weights)
    path = lake.folder("adapters", user) / "weights" / f"{hashlib.sha256(data).hexdigest()[:24]}.safetensors"
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    return path.relative_to(lake.root).as_posix()


def read_weights(lake: Lake, path: str | None) -> dict[str, np.ndarray]:
    """Read the weights of a file; empty where ``path`` is None (identity).

    Raises:
        LakeError: the file is missing or damaged.
    """
    if path is None:
        return {}
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(lake.root / path))
    except (OSError, SafetensorError) as error:
        raise LakeError(
            f"The adapter weights {path} cannot be read ({error}). "
            "Train again with `qualia run --user USER --from adapters --force`."
        ) from error


def forget_weights(lake: Lake, user: str, keep: set[str]) -> None:
    """Delete the user's weight files that are not in ``keep``."""
    for path in (lake.folder("adapters", user) / "weights").glob("*.safetensors"):
        if path.relative_to(lake.root).as_posix() not in keep:
            path.unlink(missing_ok=True)
