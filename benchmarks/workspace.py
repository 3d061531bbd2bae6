"""A lake, a state and a Dagster home of a benchmark's own, in a temporary folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from qualia_assets.paths import dagster_yaml


@contextmanager
def workspace() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder, and the environment that makes the project work in it with the settings' defaults."""
    with TemporaryDirectory(prefix="qualia-bench-") as name:
        folder = Path(name)
        (folder / "qualia.toml").touch()
        home = folder / "dagster"
        home.mkdir()
        shutil.copy(dagster_yaml(), home)
        yield (
            folder,
            {
                "QUALIA_CONFIG": str(folder / "qualia.toml"),
                "QUALIA_LAKE": str(folder / "lake"),
                "QUALIA_STATE": str(folder / "state.sqlite"),
                "QUALIA_MODELS": str(folder / "models"),
                "DAGSTER_HOME": str(home),
            },
        )
