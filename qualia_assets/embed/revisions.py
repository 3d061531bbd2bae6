"""Which revision of a model is on this disk: a name alone may mean other weights tomorrow.

Belongs here: finding that out, without loading a model. Packaged weights are in ``weights``.
"""

import hashlib
from functools import cache
from pathlib import Path

from qualia_assets.embed.weights import WeightsError

_TELLS = ("modules.json", "config.json")
"""Small files of which every model has at least one."""


@cache
def revision_of_folder(folder: Path) -> str:
    """Of what a folder holds: all its files but hidden ones and texts about it. Read once a process."""
    whole = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file())
    for path in sorted(files):
        part = path.relative_to(folder)
        if path.suffix == ".md" or any(name.startswith(".") for name in part.parts):
            continue
        with path.open("rb") as handle:
            whole.update(f"{part.as_posix()} {hashlib.file_digest(handle, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()[:12]


@cache
def revision_on_hub(model: str) -> str:
    """The commit of a model of the hub: of the copy on this disk, so that it stays the same until that copy
    is removed; where there is none, the newest, of which a small file is fetched.

    Raises:
        WeightsError: there is none on this disk, and the hub does not know it or cannot be asked.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    # As sentence-transformers completes a name.
    repo = model if "/" in model else f"sentence-transformers/{model}"
    try:
        for name in _TELLS:
            kept = try_to_load_from_cache(repo, name)
            if isinstance(kept, str):
                return Path(kept).parent.name
        return Path(hf_hub_download(repo, _TELLS[1])).parent.name
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"There is no model {model!r} on this disk, and none came from the model hub "
            f"({type(error).__name__}). Give the path of a folder, or mend the name or the connection."
        ) from None
