"""The configurations in the paper's Tables 1 to 3 and in those of our recipes, and what each reached.

Belongs here: rows and columns, from the lake's ``test_figures``. Layout is up to HTML, terminal and Markdown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Row = dict[str, Any]

LAYERS = {"linear": 1, "mlp": 2}
"""Layers of the paper's adapters, by architecture: Tables 2 and 3."""
KINDS = ("inductive", "transductive")
"""Of our recipes: fitted without the items that they are tested on, or with their vectors."""


@dataclass(frozen=True)
class Estimate:
    """A metric from 0 to 1 over held-out matches, with its 95 % interval and the level of chance."""

    value: float | None
    low: float | None
    high: float | None
    chance: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True)
class Configuration:
    """One row of the tables. ``row`` holds its hyper-parameters."""

    row: Row

    @property
    def name(self) -> str:
        return str(self.row["config_id"])

    @property
    def is_identity(self) -> bool:
        return bool(self.row["arch"] == "identity")

    @property
    def selected(self) -> bool:
        return bool(self.row["selected"])

    @property
    def uniformity(self) -> float | None:
        return self._value("uniformity")

    @property
    def ratio(self) -> float | None:
        """Posts retrieved for each pin retrieved."""
        return self._value("modality_ratio")

    @property
    def ratio_by_query(self) -> tuple[float | None, float | None]:
        """The same for queries that are posts, and for those that are pins."""
        return self.row["modality_ratio_text_queries"], self.row["modality_ratio_image_queries"]

    @cached_property
    def coherence(self) -> Estimate:
        return self._estimate("coherence", "coherence")

    @cached_property
    def cross_modal(self) -> Estimate:
        return self._estimate("cross_modal_r_precision", "cross_modal")

    def _value(self, column: str) -> float | None:
        value: float | None = self.row[column]
        return value

    def _estimate(self, column: str, prefix: str) -> Estimate:
        return Estimate(
            self.row[column], *(self.row[f"{prefix}_{part}"] for part in ("low", "high", "chance"))
        )


@dataclass(frozen=True)
class PaperTables:
    """All configurations that were tested.

    Attributes:
        raw: items as they are, without annotations.
        nothing: annotations without an adapter.
        selected: what was selected on validation matches; may be the identity.
        grid: the paper's adapters by architecture, by temperature, balance and seed.
        recipes: ours, by kind and name.
    """

    raw: Configuration | None
    nothing: Configuration | None
    selected: Configuration | None
    grid: Mapping[str, list[Configuration]]
    recipes: Mapping[str, list[Configuration]]

    @property
    def baseline(self) -> Configuration | None:
        """Doing nothing, where it could be measured."""
        return self.nothing if self.nothing and self.nothing.coherence.value is not None else None

    def unbalanced(self, arch: str) -> list[Configuration]:
        """Of the paper's grid, those without a balance term."""
        return [c for c in self.grid[arch] if not c.row["balance_weight"]]


def paper_tables(rows: Iterable[Row]) -> PaperTables:
    """Arrange the rows of ``test_figures`` of one user."""
    every = [Configuration(row) for row in rows]
    of_space = {
        space: next((c for c in every if c.row["space"] == space), None) for space in ("raw", "annotation")
    }
    return PaperTables(
        raw=of_space["raw"],
        nothing=of_space["annotation"],
        selected=next((c for c in every if c.selected), None),
        grid={
            arch: sorted(
                (c for c in every if (c.row["recipe"], c.row["arch"]) == ("paper", arch)),
                key=lambda c: (
                    c.row["temperature"], c.row["balance_weight"], c.row["balance_term"] or "", c.row["seed"],
                ),
            )
            for arch in LAYERS
        },
        recipes={
            kind: sorted(
                (c for c in every if c.row["kind"] == kind and c.row["recipe"] not in ("paper", "identity")),
                key=lambda c: str(c.row["recipe"]),
            )
            for kind in KINDS
        },
    )  # fmt: skip
