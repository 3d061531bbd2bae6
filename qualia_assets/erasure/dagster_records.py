"""Dagster's records of a user, and their removal.

Dagster's own API leaves much behind (1.13): ``delete_run`` keeps the run's event file with its deleted pages
and the asset checks; ``wipe_assets`` removes all users' events, and SQLite cannot wipe a single partition;
neither touches ticks, backfills, or the last materialisation stored with each asset. So this works on
Dagster's tables, as declared by the pinned release. A run of several users is removed entirely.
"""

import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.scheduler.instigation import SensorInstigatorData
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    AssetKeyTable,
    DynamicPartitionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.schema import (
    BackfillTagsTable,
    BulkActionsTable,
    KeyValueStoreTable,
    RunsTable,
    RunTagsTable,
)
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.schedules.schema import AssetDaemonAssetEvaluationsTable, JobTickTable
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage

from qualia_assets.defs.partitions import USERS
from qualia_assets.erasure.receipt import EraseError, ReceiptLine, Removal
from qualia_assets.state.database import chunks

_RUNLESS = ""
"""The run id of events without a run, as reported in the UI."""
_SILENT_SECONDS = 3600
"""A run without events for this long is taken to be dead."""
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_SQLITE = b"SQLite format 3\0"


def refuse_while_running(instance: dg.DagsterInstance, user: str) -> None:
    """Check that no run of the user is under way.

    Raises:
        EraseError: one is, and would write the user's tables again.
    """
    tags = {"dagster/partition": user}
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY, tags=tags)):
        last = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
        if last and time.time() - last[0].timestamp < _SILENT_SECONDS:
            raise EraseError(
                f"A run of {user!r} is under way ({run.run_id[:8]}): wait for its end, or end it in "
                "`qualia ui`, then erase. A run that was killed counts as ended after an hour."
            )


def databases(instance: dg.DagsterInstance) -> list[Path]:
    """Every SQLite file in the instance's folder, recognised by its content."""
    below = (Path(top) / name for top, _, names in os.walk(instance.root_directory) for name in names)
    return sorted(path for path in below if _starts(path) == _SQLITE)


def _starts(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            return handle.read(len(_SQLITE))
    except OSError:
        return b""


def removals(instance: dg.DagsterInstance, user: str) -> tuple[Removal, ...]:
    """The removals from Dagster's records; runs last, as the rest is found by them.

    Raises:
        EraseError: the records are not in an SQL database.
    """
    events, runs, ticks = instance.event_log_storage, instance.run_storage, instance.schedule_storage
    if not (
        isinstance(events, SqlEventLogStorage)
        and isinstance(runs, SqlRunStorage)
        and isinstance(ticks, SqlScheduleStorage)
    ):
        raise EraseError("Dagster's records are in a storage that is no SQL database: erase them there.")
    ids = _runs_of(events, runs, user)
    return (
        _partition(instance, events, user),
        _ticks(instance, ticks, user),
        _backfills(runs, user),
        _index(events, user, ids),
        _runs(instance, events, runs, user, ids),
    )


def _runs_of(events: SqlEventLogStorage, runs: SqlRunStorage, user: str) -> list[str]:
    """Runs of the user, by their partition, by a tag that names the user, or by what they made."""
    log, checks = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    with runs.connect() as connection:
        found = set(connection.scalars(sa.select(RunsTable.c.run_id).where(RunsTable.c.partition == user)))
        tags = sa.select(RunTagsTable.c.run_id, RunTagsTable.c.value).where(
            RunTagsTable.c.key.startswith("dagster/", autoescape=True)
        )
        found |= {row.run_id for row in connection.execute(tags) if user in (row.value or "").split()}
    with events.index_connection() as connection:
        for query in (
            sa.select(log.run_id).where(log.partition == user),
            sa.select(checks.run_id).where(checks.partition == user),
        ):
            found |= set(connection.scalars(query.distinct()))
    return sorted(found - {_RUNLESS, None})


def _partition(instance: dg.DagsterInstance, events: SqlEventLogStorage, user: str) -> Removal:
    where = sa.and_(
        DynamicPartitionsTable.c.partitions_def_name == USERS.name, DynamicPartitionsTable.c.partition == user
    )
    with events.index_connection() as connection:
        number = _number(connection, DynamicPartitionsTable, where)
    return Removal(
        (ReceiptLine("partitions", number),),
        lambda: instance.delete_dynamic_partition(str(USERS.name), user),
    )


def _ticks(instance: dg.DagsterInstance, storage: SqlScheduleStorage, user: str) -> Removal:
    """Ticks that mention the user, and the state of sensors and the daemon."""
    evaluations = AssetDaemonAssetEvaluationsTable
    with storage.connect() as connection:
        ticks = _mentioning(connection, JobTickTable, "tick_body", user)
        evaluated = _mentioning(connection, evaluations, "asset_evaluation_body", user)

    def remove() -> None:
        for tick in storage.get_ticks_by_ids(ticks):
            if tick.log_key:
                instance.compute_log_manager.delete_logs(log_key=tick.log_key)
        with storage.connect() as connection:
            _delete(connection, JobTickTable.c.id, ticks)
            _delete(connection, evaluations.c.id, evaluated)
        for state in storage.all_instigator_state():
            data = state.instigator_data
            if isinstance(data, SensorInstigatorData) and any(
                _mentions(text, user) for text in (data.cursor, data.last_run_key)
            ):
                storage.update_instigator_state(
                    state.with_data(data._replace(cursor=None, last_run_key=None))
                )

    return Removal((ReceiptLine("ticks of schedules and sensors", len(ticks) + len(evaluated)),), remove)


def _backfills(storage: SqlRunStorage, user: str) -> Removal:
    with storage.connect() as connection:
        backfills = _mentioning(connection, BulkActionsTable, "body", user)
        cursors = _mentioning(connection, KeyValueStoreTable, "value", user)

    def remove() -> None:
        with storage.connect() as connection:
            for chunk in chunks(backfills):
                names = connection.scalars(
                    sa.select(BulkActionsTable.c.key).where(BulkActionsTable.c.id.in_(chunk))
                )
                _delete(connection, BackfillTagsTable.c.backfill_id, list(names))
            _delete(connection, BulkActionsTable.c.id, backfills)
            _delete(connection, KeyValueStoreTable.c.id, cursors)

    return Removal((ReceiptLine("backfills", len(backfills) + len(cursors)),), remove)


def _index(storage: SqlEventLogStorage, user: str, runs: Sequence[str]) -> Removal:
    """The records across runs: events, checks, and what is stored with each asset."""
    log, checks, assets = SqlEventLogStorageTable, AssetCheckExecutionsTable, AssetKeyTable
    with storage.index_connection() as connection:
        events = _ids(connection, log, user, runs)
        checked = _ids(connection, checks, user, runs)

    def remove() -> None:
        with storage.index_connection() as connection:
            _delete(connection, AssetEventTagsTable.c.event_id, events)
            _delete(connection, log.c.id, events)
            _delete(connection, checks.c.id, checked)
            for row in connection.execute(sa.select(assets)).all():
                if row.last_run_id in runs or _mentions(row.last_materialization, user):
                    _forget_last(connection, row.asset_key)
            # Caches which users have an asset; Dagster computes it again on demand.
            connection.execute(sa.update(assets).values(cached_status_data=None))
        if isinstance(storage, SqliteEventLogStorage) and os.path.exists(storage.path_for_shard(_RUNLESS)):
            with storage.run_connection(_RUNLESS) as connection:
                connection.execute(sa.delete(log).where(log.c.partition == user))

    return Removal((ReceiptLine("events", len(events)), ReceiptLine("asset checks", len(checked))), remove)


def _forget_last(connection: sa.Connection, asset_key: str) -> None:
    """Replace an asset's last materialisation by the latest remaining one, which Dagster looks up itself."""
    log, assets = SqlEventLogStorageTable.c, AssetKeyTable
    made = sa.select(log.run_id, log.timestamp).where(
        log.asset_key == asset_key, log.dagster_event_type == dg.DagsterEventType.ASSET_MATERIALIZATION.value
    )
    left = connection.execute(made.order_by(log.id.desc()).limit(1)).first()
    this = assets.c.asset_key == asset_key
    if left is None:
        connection.execute(sa.delete(assets).where(this))
        return
    values = {"last_materialization": None, "tags": None, "last_run_id": left.run_id}
    connection.execute(
        sa.update(assets).where(this).values(**values, last_materialization_timestamp=left.timestamp)
    )


def _runs(
    instance: dg.DagsterInstance,
    events: SqlEventLogStorage,
    storage: SqlRunStorage,
    user: str,
    runs: Sequence[str],
) -> Removal:
    """The runs themselves: logs, event files, rows and tags."""
    files = [path for run in runs for path in _shard(events, run)]
    # Where only the row of a run was deleted, as in the UI, its file remains.
    with storage.connect() as connection:
        known = set(connection.scalars(sa.select(RunsTable.c.run_id)))
    stray = [
        run
        for run in (events.get_all_run_ids() if isinstance(events, SqliteEventLogStorage) else ())
        if run not in known and run not in runs
    ]

    def remove() -> None:
        for run in (*runs, *stray):
            instance.compute_log_manager.delete_logs(prefix=[run])
            if events.supports_global_concurrency_limits:
                events.free_concurrency_slots_for_run(run)
            for path in _shard(events, run):
                path.unlink(missing_ok=True)
            storage.delete_run(run)

    size = sum(path.stat().st_size for path in files)
    return Removal((ReceiptLine("runs", len(runs), size),), remove)


def _shard(events: SqlEventLogStorage, run: str) -> list[Path]:
    """The files of a run's own event database, if any."""
    if not isinstance(events, SqliteEventLogStorage):
        return []
    shard = events.path_for_shard(run)
    return [path for end in ("", "-wal", "-shm") if (path := Path(f"{shard}{end}")).exists()]


def _ids(connection: sa.Connection, table: sa.Table, user: str, runs: Sequence[str]) -> list[int]:
    """Ids of the rows of a partition or of runs."""
    found = set(connection.scalars(sa.select(table.c.id).where(table.c.partition == user)))
    for chunk in chunks(runs):
        found |= set(connection.scalars(sa.select(table.c.id).where(table.c.run_id.in_(chunk))))
    return sorted(found)


def _mentioning(connection: sa.Connection, table: sa.Table, column: str, user: str) -> list[int]:
    """Ids of the rows whose text contains the key as a word."""
    likely = sa.select(table.c.id, table.c[column]).where(table.c[column].contains(user, autoescape=True))
    return sorted(row[0] for row in connection.execute(likely) if _mentions(row[1], user))


def _mentions(text: str | None, user: str) -> bool:
    return re.search(rf"(?<![a-z0-9_-]){re.escape(user)}(?![a-z0-9_-])", text or "") is not None


def _delete(connection: sa.Connection, column: sa.Column[object], values: Iterable[object]) -> None:
    for chunk in chunks(list(values)):
        connection.execute(sa.delete(column.table).where(column.in_(chunk)))


def _number(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0
