"""Running stages in Dagster, said once for all assets: partitions, input tables, checks, what is kept."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from qualia_assets.defs.io_manager import NewTable, Unchanged
from qualia_assets.defs.metadata import table_metadata
from qualia_assets.defs.partitions import USERS
from qualia_assets.defs.resources import Qualia, Run
from qualia_assets.defs.stage import Made, Stage
from qualia_assets.errors import QualiaError
from qualia_assets.lake.provenance import prepare
from qualia_assets.lake.specs import SpecViolation, TableSpec
from qualia_assets.net.base import NoAnswer
from qualia_assets.progress import logged, watcher
from qualia_assets.providers.base import ProviderError
from qualia_assets.settings import SettingsError
from qualia_assets.state.database import StateError

# Dagster announces the data versions that this project is built on as beta, once for every output.
warnings.filterwarnings("ignore", message=".*data_version.*", category=dg.BetaWarning)

OWNERS = ["team:qualia"]
SCHEMA = "schema"
KEPT_UP_WITH = "kept_up_with"
_RETRY = dg.RetryPolicy(max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL)


def to_asset(step: Stage) -> dg.AssetsDefinition:
    """Return the Dagster asset of a stage, or the assets where it makes several tables."""

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
                metadata=table_metadata(spec),
            )
            for spec in step.specs
        },
        ins={table: dg.AssetIn(key=table) for table in step.inputs},
        deps=list(step.deps),
        partitions_def=USERS if step.per_user else None,
        required_resource_keys={"qualia"},
        pool=step.pool,
        retry_policy=_RETRY if step.pool else None,
        check_specs=_check_specs(step),
    )
    def materialise(context: dg.AssetExecutionContext, **tables: pa.Table) -> Iterator[Any]:
        qualia: Qualia = context.resources.qualia
        try:
            user = context.partition_key if step.per_user else ""
            run = qualia.run(user, watcher.get() or logged(context.log.info), context.log.info)
            if step.per_user and user not in run.state.users():
                raise SettingsError(
                    f"There is no user {user!r}, or no longer. `qualia user add {user}` adds one."
                )
            yield from _materialise(step, run, tables, qualia.force)
            if step.freshness:
                passed, metadata = step.freshness(run)
                yield dg.AssetCheckResult(
                    asset_key=step.name,
                    check_name=KEPT_UP_WITH,
                    passed=passed,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata=metadata,
                )
        except (ProviderError, NoAnswer) as error:
            # Without its cause: a provider's client keeps the request in it, key and contents.
            raise dg.Failure(str(error), allow_retries=False) from None
        except QualiaError as error:
            # A database that is busy now may not be in half a minute; nothing else mends itself.
            raise dg.Failure(str(error), allow_retries=isinstance(error, StateError)) from error

    return materialise


def _check_specs(step: Stage) -> list[dg.AssetCheckSpec]:
    checks = [
        dg.AssetCheckSpec(
            SCHEMA,
            asset=spec.name,
            blocking=True,
            description=f"Columns, types, empty values and the key {spec.key} are as declared",
        )
        for spec in step.specs
    ]
    if step.freshness:
        description = "The last visit is no older than three times the usual interval between visits"
        checks.append(dg.AssetCheckSpec(KEPT_UP_WITH, asset=step.name, description=description))
    return checks


def _materialise(step: Stage, run: Run, tables: Mapping[str, pa.Table], force: bool) -> Iterator[Any]:
    only_some = step.supports_only and bool(run.only)
    fresh = (only_some or not force) and step.is_fresh(run)
    if only_some and not fresh:
        raise SettingsError(
            f"The inputs of {step.name} have changed, so single rows cannot be made again: "
            "make the whole table first, without `only`."
        )
    if fresh and not only_some:
        run.log(f"{step.name}: its inputs have not changed; kept")
        yield from _kept(step, run)
        return
    yield from _made(step, run, tables)


def _kept(step: Stage, run: Run) -> Iterator[Any]:
    infos = step.infos(run)
    for spec in step.specs:
        info = infos[spec.name]
        assert info is not None, "a fresh stage has all its tables"
        yield dg.AssetCheckResult(passed=True, asset_key=spec.name, check_name=SCHEMA)
        yield _output(spec, Unchanged(), info.rows, info.content_sha256, {"kept": True})


def _made(step: Stage, run: Run, tables: Mapping[str, pa.Table]) -> Iterator[Any]:
    made, new_tables = _compute(step, run, tables)
    for new in new_tables:
        spec, table = new.prepared.spec, new.prepared.table
        faults = spec.violations(table)
        yield dg.AssetCheckResult(
            passed=not faults,
            asset_key=spec.name,
            check_name=SCHEMA,
            metadata={"faults": "; ".join(faults) or "none"},
        )
        _refuse(spec, faults)
        metadata = made.metadata if spec is step.specs[0] else {}
        yield _output(spec, new, table.num_rows, new.prepared.content_sha256, metadata)


def rebuild(step: Stage, run: Run) -> None:
    """Make a stage's tables outside a Dagster run, under the same checks.

    Raises:
        LakeError: an input table is missing or damaged.
        SpecViolation: a new table violates its spec; the old one stays.
    """
    _, new_tables = _compute(step, run, {t: run.lake.read(t, run.user or None) for t in step.inputs})
    for new in new_tables:
        _refuse(new.prepared.spec, new.prepared.spec.violations(new.prepared.table))
        run.lake.write_prepared(new.prepared, run.user or None, new.fingerprint, new.inputs)


def _compute(step: Stage, run: Run, tables: Mapping[str, pa.Table]) -> tuple[Made, list[NewTable]]:
    fingerprint = step.fingerprint(run)
    made = step.make(run, tables)
    if step.pool:
        # What it visited has another version now.
        fingerprint = step.fingerprint(run)
    inputs = step.input_hashes(run)
    prepared = [prepare(spec, made.tables[spec.name]) for spec in step.specs]
    return made, [NewTable(table, fingerprint, inputs) for table in prepared]


def _refuse(spec: TableSpec, faults: Sequence[str]) -> None:
    if faults:
        raise SpecViolation(f"{spec.name} violates its spec: {'; '.join(faults)}. The old table stays.")


def _output(
    spec: TableSpec, value: NewTable | Unchanged, rows: int, content: str, metadata: Mapping[str, Any]
) -> dg.Output[Any]:
    return dg.Output(
        value,
        output_name=spec.name,
        metadata={"dagster/row_count": rows, **table_metadata(spec), **metadata},
        data_version=dg.DataVersion(content[:16]),
    )
