"""Where things lie: in a checkout its own folders, elsewhere one folder of the person's.

Installed from a wheel, settings, lake, state and Dagster's records lie in ``home()``: ``QUALIA_HOME``, else
the platform's folder for application data (Linux: ``~/.local/share/qualia_assets``). ``qualia doctor`` says
which. Belongs here: folders and files by their role. Settings may put lake, state and models elsewhere.
"""

import os
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


@cache
def checkout() -> Path | None:
    """Return the top of the checkout that this package runs from, or None where it was installed."""
    top = PACKAGE.parent
    return top if (top / "pyproject.toml").is_file() and (top / "dbt_like_sql").is_dir() else None


def home() -> Path:
    """Return the folder that relative paths in the settings are relative to."""
    chosen = os.environ.get("QUALIA_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    top = checkout()
    if top is not None:
        return top
    from platformdirs import user_data_path

    return user_data_path("qualia_assets", appauthor=False)


def settings_file() -> Path:
    """Return the settings file: ``QUALIA_CONFIG``, else ``qualia.toml`` in :func:`home`."""
    return Path(os.environ.get("QUALIA_CONFIG") or home() / "qualia.toml").expanduser()


def dagster_home() -> Path:
    """Return Dagster's folder: ``DAGSTER_HOME``, else ``.dagster`` in :func:`home`."""
    return Path(os.environ.get("DAGSTER_HOME") or home() / ".dagster")


def dagster_yaml() -> Path:
    """Return the ``dagster.yaml`` that a new Dagster folder is given."""
    return _shipped(".dagster/dagster.yaml", "dagster.yaml")


def settings_example() -> Path:
    """Return the settings file in which every key is explained and commented out."""
    return _shipped("qualia.toml", "qualia.toml")


def sql_folder() -> Path:
    """Return the folder of SQL stages."""
    return _shipped("dbt_like_sql", "dbt_like_sql")


def dagster_target() -> list[str]:
    """Return the arguments that tell Dagster's commands where the definitions are."""
    top = checkout()
    return ["-w", str(top / "workspace.yaml")] if top else ["-m", "qualia_assets.definitions"]


def _shipped(in_checkout: str, in_package: str) -> Path:
    """Return a file that lies at the top of a checkout and inside the package in a wheel."""
    top = checkout()
    return top / in_checkout if top else PACKAGE / in_package
