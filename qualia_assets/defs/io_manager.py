"""How Dagster reads and writes the lake: one Parquet file per asset and user."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pyarrow as pa

from qualia_assets.lake.provenance import PreparedTable
from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.settings import load_settings
from qualia_assets.users import InvalidUserKey


@dataclass(frozen=True)
class NewTable:
    """A table to replace the old one, and what goes into its footer (``lake.provenance``)."""

    prepared: PreparedTable
    fingerprint: str
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class Unchanged:
    """The existing table stays."""


class LakeIOManager(dg.ConfigurableIOManager):
    """Reads and writes tables of the lake that the settings name."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        if isinstance(obj, NewTable):
            self._lake().write_prepared(obj.prepared, self._user(context), obj.fingerprint, obj.inputs)
        elif not isinstance(obj, Unchanged):
            raise TypeError(f"The lake keeps tables, not {type(obj).__name__}.")

    def load_input(self, context: dg.InputContext) -> pa.Table:
        try:
            return self._lake().read(context.asset_key.path[-1], self._user(context))
        except (LakeError, InvalidUserKey) as error:
            raise dg.Failure(str(error), allow_retries=False) from error

    def _lake(self) -> Lake:
        return Lake(load_settings().lake)

    def _user(self, context: dg.OutputContext | dg.InputContext) -> str | None:
        return context.asset_partition_key if context.has_asset_partitions else None
