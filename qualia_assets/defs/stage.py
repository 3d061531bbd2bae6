"""What all assets have in common, said once: a stage is a signature and one call of a function.

From a :class:`Stage` comes the Dagster asset: its partitions, input tables, column schema and
lineage, blocking check, and the rule that what did not change is not made again. Belongs here:
policy for all assets. What a stage computes is in its own module.
"""

import hashlib
import inspect
import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import Field, PrivateAttr

from qualia_assets.defs.io_manager import NewTable, Unchanged
from qualia_assets.defs.partitions import USERS
from qualia_assets.embed.weights import WeightsError
from qualia_assets.lake.specs import SpecViolation, TableSpec, type_name
from qualia_assets.lake.store import Lake, LakeError, TableInfo
from qualia_assets.net.base import NoAnswer
from qualia_assets.progress import Progress, logged, watcher
from qualia_assets.providers.base import ProviderError
from qualia_assets.providers.budget import Budget
from qualia_assets.settings import Settings, SettingsError, load_settings
from qualia_assets.sources.base import SourceError
from qualia_assets.state.database import State

# Dagster announces the data versions that this project is built on as beta, once for every output.
warnings.filterwarnings("ignore", message=".*data_version.*", category=dg.BetaWarning)

OWNERS = ["team:qualia"]
KEPT_UP_WITH = "kept_up_with"
_TRY_AGAIN = dg.RetryPolicy(max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL)


class Qualia(dg.ConfigurableResource[None]):
    """The settings, the lake and the state that every stage works with."""

    force: bool = False
    """Make stages again although nothing that they are made from has changed."""

    only: list[str] = Field(default_factory=list)
    """Fit only these configurations of the grid again (see the table adapters); the others stay."""

    offline: bool = False
    """Ask no service, whatever is due; what was fetched before is used."""

    _settings: Settings | None = PrivateAttr(default=None)
    _state: State | None = PrivateAttr(default=None)
    _budget: Budget | None = PrivateAttr(default=None)

    @property
    def settings(self) -> Settings:
        if self._settings is None:
            self._settings = load_settings()
        return self._settings

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake)

    @property
    def state(self) -> State:
        if self._state is None:
            self._state = State(self.settings.state_url)
        return self._state

    @property
    def budget(self) -> Budget:
        """One for all stages of a run: together they stay within ``max_usd``."""
        if self._budget is None:
            self._budget = Budget(self.state, "", self.settings.max_usd)
        return self._budget

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        if self._state is not None:
            self._state.close()
            self._state = self._budget = None


@dataclass(frozen=True)
class Run:
    """What a stage may use beside its input tables. ``user`` is empty for tables over all users.

    ``budget`` is what all stages of a run pay from; a stage pays from it by ``budget_for``.
    """

    user: str
    settings: Settings
    lake: Lake
    state: State
    progress: Progress
    log: Callable[[str], None]
    only: tuple[str, ...] = ()
    offline: bool = False
    budget: Budget | None = None

    def budget_for(self, stage: str) -> Budget:
        """The run's budget for one stage; outside a run of Dagster's, a budget of its own."""
        budget = self.budget or Budget(self.state, stage, self.settings.max_usd)
        return budget.for_stage(self.state, stage)

    def previous(self, table: str) -> pa.Table | None:
        """The user's table as the last run left it, or None where there is none that can be read."""
        try:
            return self.lake.read(table, self.user)
        except LakeError:
            return None


@dataclass(frozen=True)
class Made:
    """The tables of one stage by name, and what to say of them in the UI: aggregates only."""

    tables: Mapping[str, pa.Table]
    metadata: Mapping[str, Any] = field(default_factory=dict)


Compute = Callable[..., "Made | pa.Table"]
KeptUp = Callable[[Run], tuple[bool, dict[str, str]]]
"""Whether a user's source is kept up with, and what to say of it: no words of theirs."""


def below_lake(table: str, column: str) -> Callable[[Run], list[Path]]:
    """The files that a column of the user's own table names, as paths."""

    def of(run: Run) -> list[Path]:
        found = run.previous(table)
        return [run.lake.root / path for path in found[column].to_pylist() if path] if found else []

    return of


@dataclass(frozen=True)
class Stage:
    """One step of the graph: input tables by the names of its parameters, one table out or more."""

    specs: tuple[TableSpec, ...]
    compute: Compute
    group: str
    kinds: frozenset[str]
    code_version: str
    depends_on: Callable[[Settings], Any]
    outside: Callable[[Run], str] | None = None
    goes_on: Callable[[Run], bool] | None = None
    deps: tuple[str, ...] = ()
    leaves: Callable[[Run], Iterable[Path]] | None = None
    separable: bool = False
    on_demand: bool = False
    pool: str | None = None
    kept_up: KeptUp | None = None

    @property
    def name(self) -> str:
        return self.specs[0].name

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The tables that come in as arguments."""
        return tuple(list(inspect.signature(self.compute).parameters)[1:])

    @cached_property
    def upstream(self) -> tuple[str, ...]:
        """All tables that this stage is made from, arguments or not."""
        return (*self.inputs, *self.deps)

    @property
    def per_user(self) -> bool:
        return self.specs[0].per_user

    def fingerprint(self, run: Run) -> str:
        """The hash of everything that decides what this stage gives: inputs, settings, code, outside."""
        parts = {
            "stage": self.name,
            "code": self.code_version,
            "settings": self.depends_on(run.settings),
            "inputs": {table: self._contents(run, table) for table in self.upstream},
            "outside": self.outside(run) if self.outside else None,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def made_from(self, run: Run) -> dict[str, str]:
        """The content hashes of the user's tables that this stage is made from; none for one of all users."""
        if not self.per_user:
            return {}
        found = {table: self._contents(run, table) for table in self.upstream}
        return {table: content for table, content in found.items() if content}

    def _contents(self, run: Run, table: str) -> Any:
        if self.per_user:
            info = run.lake.info(table, run.user)
            return info.content_sha256 if info else None
        found = {user: run.lake.info(table, user) for user in run.lake.users(table)}
        found[""] = run.lake.info(table, None)
        return {user: info.content_sha256 for user, info in found.items() if info}

    def present(self, run: Run) -> dict[str, TableInfo] | None:
        """What lies in the lake of this stage, or None where a table is missing."""
        infos = {spec.name: run.lake.info(spec.name, run.user or None) for spec in self.specs}
        there = {name: info for name, info in infos.items() if info is not None}
        return there if len(there) == len(infos) else None

    def is_fresh(self, run: Run) -> bool:
        """Whether all its tables lie there, made from what they would be made from now, and nothing waits."""
        present = self.present(run)
        if self.goes_on is not None and self.goes_on(run):
            return False
        if present is None or (self.leaves and not all(path.exists() for path in self.leaves(run))):
            return False
        return {info.fingerprint for info in present.values()} == {self.fingerprint(run)}


def stage(
    *specs: TableSpec,
    group: str,
    kinds: Sequence[str] = (),
    code_version: str = "1",
    depends_on: Callable[[Settings], Any] = lambda settings: None,
    outside: Callable[[Run], str] | None = None,
    goes_on: Callable[[Run], bool] | None = None,
    leaves: Callable[[Run], Iterable[Path]] | None = None,
    separable: bool = False,
    on_demand: bool = False,
    pool: str | None = None,
    kept_up: KeptUp | None = None,
) -> Callable[[Compute], Stage]:
    """Make a stage of a function ``(run, input_table, ...) -> table`` (or :class:`Made` for several).

    Args:
        specs: the tables it gives.
        group: its group in the UI, and a name that ``qualia run --from`` takes.
        kinds: badges in the UI, beside ``parquet``.
        code_version: raise it when the same inputs should give something else.
        depends_on: the settings that decide the result.
        outside: a fingerprint of what it reads that is no table (files, say).
        goes_on: whether the last run left something undone that can be done now; the stage is stale then.
        leaves: the files that its table points at; without one of them the stage is stale.
        separable: some of its rows can be made again alone (``Run.only``).
        on_demand: no part of a user's run; made when it is asked for by name.
        pool: what it asks outside this machine: so many runs at once as the pool has places, and tried
            again where it fails. Its ``outside`` speaks of the last visit, so it is read after that.
        kept_up: whether what it asks was asked in time, for a check that warns.
    """

    def of(compute: Compute) -> Stage:
        badges = frozenset({"parquet", *kinds})
        return Stage(
            specs,
            compute,
            group,
            badges,
            code_version,
            depends_on,
            outside,
            goes_on,
            leaves=leaves,
            separable=separable,
            on_demand=on_demand,
            pool=pool,
            kept_up=kept_up,
        )

    return of


def to_asset(step: Stage) -> dg.AssetsDefinition:
    """The Dagster asset (or assets, where it gives several tables) of a stage."""

    @dg.multi_asset(
        name=step.name,
        outs={
            spec.name: dg.AssetOut(
                key=spec.name,
                io_manager_key="lake",
                description=spec.description,
                group_name=step.group,
                kinds=set(step.kinds),
                owners=OWNERS,
                code_version=step.code_version,
                metadata=described(spec),
            )
            for spec in step.specs
        },
        ins={table: dg.AssetIn(key=table) for table in step.inputs},
        deps=list(step.deps),
        partitions_def=USERS if step.per_user else None,
        required_resource_keys={"qualia"},
        pool=step.pool,
        retry_policy=_TRY_AGAIN if step.pool else None,
        check_specs=[
            dg.AssetCheckSpec(
                "schema",
                asset=spec.name,
                blocking=True,
                description=f"Columns, types, empty values and the key {spec.key} are as declared",
            )
            for spec in step.specs
        ]
        + (
            [
                dg.AssetCheckSpec(
                    KEPT_UP_WITH,
                    asset=step.name,
                    description="The last visit is not older than three times what is usual between visits",
                )
            ]
            if step.kept_up
            else []
        ),
    )
    def materialise(context: dg.AssetExecutionContext, **tables: pa.Table) -> Iterator[Any]:
        qualia: Qualia = context.resources.qualia
        try:
            run = Run(
                user=context.partition_key if step.per_user else "",
                settings=qualia.settings,
                lake=qualia.lake,
                state=qualia.state.of(context.partition_key if step.per_user else ""),
                progress=watcher.get() or logged(context.log.info),
                log=context.log.info,
                only=tuple(qualia.only),
                offline=qualia.offline,
                budget=qualia.budget,
            )
            if step.per_user and run.user not in run.state.users():
                raise SettingsError(
                    f"There is no user {run.user!r}, or no longer. `qualia user add {run.user}` adds one."
                )
            yield from _materialise(step, run, tables, qualia.force)
            if step.kept_up:
                passed, told = step.kept_up(run)
                yield dg.AssetCheckResult(
                    asset_key=step.name,
                    check_name=KEPT_UP_WITH,
                    passed=passed,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata=told,
                )
        except (LakeError, SourceError, SettingsError, SpecViolation, WeightsError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        except (ProviderError, NoAnswer) as error:
            # Without its cause: a provider's client keeps the request in it, key and contents.
            raise dg.Failure(str(error), allow_retries=False) from None

    return materialise


def _materialise(step: Stage, run: Run, tables: Mapping[str, pa.Table], force: bool) -> Iterator[Any]:
    present = step.present(run)
    alone = step.separable and bool(run.only)
    if alone and not step.is_fresh(run):
        raise SettingsError(
            f"What {step.name} is made from has changed, so its rows cannot be made again one by one: "
            "make all of them first, without `only`."
        )
    if present is not None and not force and not alone and step.is_fresh(run):
        run.log(f"{step.name}: nothing it is made from has changed; kept as it is")
        for spec in step.specs:
            yield dg.AssetCheckResult(passed=True, asset_key=spec.name, check_name="schema")
            yield _output(spec, Unchanged(), present[spec.name].rows, {"kept": True}, present[spec.name])
        return
    fingerprint = step.fingerprint(run)
    made = step.compute(run, **tables)
    if step.pool:
        fingerprint = step.fingerprint(run)
    if isinstance(made, pa.Table):
        made = Made({step.name: made})
    inputs = step.made_from(run)
    for spec in step.specs:
        table = spec.conform(made.tables[spec.name])
        faults = spec.violations(table)
        yield dg.AssetCheckResult(
            passed=not faults,
            asset_key=spec.name,
            check_name="schema",
            metadata={"faults": "; ".join(faults) or "none"},
        )
        if faults:
            raise SpecViolation(
                f"{spec.name} is not what its spec says: {'; '.join(faults)}. The old table stays."
            )
        metadata = made.metadata if spec is step.specs[0] else {}
        yield _output(spec, NewTable(spec, table, fingerprint, inputs), table.num_rows, metadata, None)


def _output(
    spec: TableSpec,
    value: NewTable | Unchanged,
    rows: int,
    metadata: Mapping[str, Any],
    info: TableInfo | None,
) -> dg.Output[Any]:
    from qualia_assets.lake.store import content_sha256

    content = (
        info.content_sha256
        if info
        else content_sha256(spec, value.table)
        if isinstance(value, NewTable)
        else ""
    )
    return dg.Output(
        value,
        output_name=spec.name,
        metadata={"dagster/row_count": rows, **described(spec), **metadata},
        data_version=dg.DataVersion(content[:16]),
    )


def described(spec: TableSpec) -> dict[str, Any]:
    """A table's columns and where they come from, as the UI shows them."""
    columns = [
        dg.TableColumn(
            c.name,
            type_name(c),
            c.description,
            constraints=dg.TableColumnConstraints(nullable=c.nullable, unique=spec.key == (c.name,)),
        )
        for c in spec.columns
    ]
    lineage = {
        c.name: [dg.TableColumnDep(*source.split(".")) for source in c.derived_from]
        for c in spec.columns
        if c.derived_from
    }
    described: dict[str, Any] = {"dagster/column_schema": dg.TableSchema(columns)}
    if lineage:
        described["dagster/column_lineage"] = dg.TableColumnLineage(lineage)
    return described


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> dg.MetadataValue:
    """A small table for the UI. Aggregates only: metadata outlives a user's deletion."""
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(_cell(value) for value in row) for row in rows]
    return dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines))


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return (
        f"{value:,.3f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
