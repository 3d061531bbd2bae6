"""Columns and helpers that tables of several domains share."""

from dataclasses import replace

from qualia_assets.lake.specs import STRING, Column

ID = Column("artefact_id", STRING, "Which item")
MODALITY = Column("modality", STRING, "text or image")


def unchanged(table: str, *columns: Column) -> tuple[Column, ...]:
    """The columns as they stand in ``table``, passed on unchanged."""
    return tuple(replace(c, derived_from=(f"{table}.{c.name}",)) for c in columns)
