"""Puts into a wheel what lies at the top of a checkout and is needed at run time (qualia_assets/paths.py)."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = {
    "dbt_like_sql": "qualia_assets/dbt_like_sql",
    ".dagster/dagster.yaml": "qualia_assets/dagster.yaml",
    "qualia.toml": "qualia_assets/qualia.toml",
}


class ShipTopLevelFiles(BuildHookInterface):  # type: ignore[type-arg]
    """An editable install reads them where they lie."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            build_data["force_include"].update(SHIPPED)
