"""Revisions of models on disk and on the hub, found without loading them.

They are part of a vector's version, because a name alone may mean other weights tomorrow. Packaged weights
are in ``weights``.
"""

import hashlib
from functools import cache
from pathlib import Path

from qualia_assets.embed.weights import WeightsError

_SMALL_FILES = ("modules.json", "config.json")
"""Every model has at least one of these."""


@cache
def revision_of_folder(folder: Path) -> str:
    """Hash of a folder's files, without hidden ones and Markdown. Computed once per process."""
    total = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file())
    for path in sorted(files):
        relative = path.relative_to(folder)
        if path.suffix == ".md" or any(name.startswith(".") for name in relative.parts):
            continue
        with path.open("rb") as handle:
            total.update(
                f"{relative.as_posix()} {hashlib.file_digest(handle, 'sha256').hexdigest()}\n".encode()
            )
    return total.hexdigest()[:12]


@cache
def revision_on_hub(model: str) -> str:
    """Commit of a model on the hub: that of the cached copy, else the newest, by fetching a small file.

    Raises:
        WeightsError: the model is not cached, and the hub does not know it or cannot be reached.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    # sentence-transformers completes names in this way.
    repo = model if "/" in model else f"sentence-transformers/{model}"
    try:
        for name in _SMALL_FILES:
            cached = try_to_load_from_cache(repo, name)
            if isinstance(cached, str):
                return Path(cached).parent.name
        return Path(hf_hub_download(repo, _SMALL_FILES[1])).parent.name
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"There is no model {model!r} on this disk, and it could not be fetched from the model hub "
            f"({type(error).__name__}). Give the path of a folder, or fix the name or the connection."
        ) from None
