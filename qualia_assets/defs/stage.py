"""A stage's declaration: a signature, one call of a function, and what decides whether it is stale.

``resources`` holds what a stage works with, ``execution`` turns it into a Dagster asset and runs it.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from qualia_assets.defs.resources import Run
from qualia_assets.lake import provenance
from qualia_assets.lake.provenance import TableInfo
from qualia_assets.lake.specs import TableSpec
from qualia_assets.settings import Settings


@dataclass(frozen=True)
class Made:
    """The tables of one stage by name, and metadata for the UI: aggregates only, as it outlives erasure."""

    tables: Mapping[str, pa.Table]
    metadata: Mapping[str, Any] = field(default_factory=dict)


Compute = Callable[..., "Made | pa.Table"]
FreshnessCheck = Callable[[Run], tuple[bool, dict[str, str]]]
"""Whether a user's source was visited in time, and metadata about it: no words of theirs."""


def lake_files(table: str, column: str) -> Callable[[Run], list[Path]]:
    """Return a function that gives the files which a column of the user's table names."""

    def of(run: Run) -> list[Path]:
        rows = run.previous(table)
        return [run.lake.root / path for path in rows[column].to_pylist() if path] if rows else []

    return of


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of the graph: input tables by the names of its parameters, one or more tables out.

    Args:
        specs: the tables it makes.
        compute: ``(run, input_table, ...) -> table``, or :class:`Made` for several tables.
        group: its group in the UI, and a name that ``qualia run --from`` takes.
        kinds: badges in the UI.
        code_version: raise it when the same inputs should give another result.
        depends_on: the settings that decide the result.
        external_version: the version of whatever it reads that is no table (files, a service's answers).
        has_pending: whether the last run left work that can be done now; the stage is stale then.
        deps: tables that it reads by itself rather than as arguments.
        files: the files that its table points at; the stage is stale without one of them.
        supports_only: single rows can be made again (``Run.only``).
        on_demand: no part of a user's run; made when it is asked for by name.
        pool: Dagster's concurrency pool, for a stage that asks a service. It is retried when it fails, and
            its ``external_version`` is read after the visit.
        freshness: an asset check that warns where a source was not visited in time.
    """

    specs: tuple[TableSpec, ...]
    compute: Compute
    group: str
    kinds: frozenset[str] = frozenset({"parquet"})
    code_version: str = "1"
    depends_on: Callable[[Settings], Any] = lambda settings: None
    external_version: Callable[[Run], str] | None = None
    has_pending: Callable[[Run], bool] | None = None
    deps: tuple[str, ...] = ()
    files: Callable[[Run], Iterable[Path]] | None = None
    supports_only: bool = False
    on_demand: bool = False
    pool: str | None = None
    freshness: FreshnessCheck | None = None

    @property
    def name(self) -> str:
        return self.specs[0].name

    @property
    def per_user(self) -> bool:
        return self.specs[0].per_user

    @cached_property
    def tables(self) -> frozenset[str]:
        """The names of the tables it makes."""
        return frozenset(spec.name for spec in self.specs)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The tables that come in as arguments."""
        return tuple(list(inspect.signature(self.compute).parameters)[1:])

    @cached_property
    def upstream(self) -> tuple[str, ...]:
        """All tables that it is made from, as arguments or not."""
        return (*self.inputs, *self.deps)

    def make(self, run: Run, tables: Mapping[str, pa.Table]) -> Made:
        """Compute the tables from the input tables."""
        made = self.compute(run, **tables)
        return Made({self.name: made}) if isinstance(made, pa.Table) else made

    def fingerprint(self, run: Run) -> str:
        """Return the hash of everything that decides the result: inputs, settings, code, what is external."""
        parts = {
            "stage": self.name,
            "code": self.code_version,
            "settings": self.depends_on(run.settings),
            "inputs": self._contents(run),
            # The key's name is part of every fingerprint in existing lakes.
            "outside": self.external_version(run) if self.external_version else None,
        }
        return provenance.fingerprint(parts)

    def input_hashes(self, run: Run) -> dict[str, str]:
        """Return the content hashes of the user's tables that it is made from; none for a mart."""
        if not self.per_user:
            return {}
        hashes = provenance.content_hashes(run.lake, self.upstream, run.user)
        return {table: content for table, content in hashes.items() if content}

    def _contents(self, run: Run) -> Mapping[str, Any]:
        if self.per_user:
            return provenance.content_hashes(run.lake, self.upstream, run.user)
        return provenance.content_hashes_of_all_users(run.lake, self.upstream)

    def infos(self, run: Run) -> dict[str, TableInfo | None]:
        """Return what the lake holds of each of its tables: None for one that is missing or damaged."""
        return {spec.name: run.lake.info(spec.name, run.user or None) for spec in self.specs}

    def is_fresh(self, run: Run) -> bool:
        """Return whether all its tables and files are there, made from what they would be made from now."""
        if self.has_pending and self.has_pending(run):
            return False
        infos = self.infos(run).values()
        if None in infos or (self.files and not all(path.exists() for path in self.files(run))):
            return False
        return provenance.is_current(infos, self.fingerprint(run))


def stage(*specs: TableSpec, kinds: Sequence[str] = (), **declared: Any) -> Callable[[Compute], Stage]:
    """Make a stage of a function; ``declared`` are the other arguments of :class:`Stage`."""

    def of(compute: Compute) -> Stage:
        return Stage(specs=specs, compute=compute, kinds=frozenset({"parquet", *kinds}), **declared)

    return of
