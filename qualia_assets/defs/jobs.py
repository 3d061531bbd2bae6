"""Jobs, what starts them (sources that are due, new users), and whether sources are kept up with."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from qualia_assets.defs.crawls import is_due
from qualia_assets.defs.partitions import USERS
from qualia_assets.defs.stage import Qualia, Run
from qualia_assets.progress import silent
from qualia_assets.state.consent import consented, erased_at
from qualia_assets.state.crawl import last_visit

# Checks by partition are announced as a preview, once for every check.
warnings.filterwarnings("ignore", message=".*partitions_def on an AssetCheckSpec.*")

_ON_DEMAND = dg.AssetSelection.groups("experiments")

USER_GRAPH = dg.define_asset_job(
    "user_graph",
    selection=dg.AssetSelection.all() - _ON_DEMAND,
    description="One user from raw items to metrics, pictures and marts. What has not changed is kept.",
    partitions_def=USERS,
)


EXPERIMENT = dg.define_asset_job(
    "experiment",
    selection=_ON_DEMAND,
    description="Every recipe on many splits and label sources, against doing nothing. Takes minutes.",
    partitions_def=USERS,
)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes a partition for each user of the state database that has none yet.",
)
def users_without_partition(context: dg.SensorEvaluationContext, qualia: Qualia) -> dg.SensorResult:
    known = set(context.instance.get_dynamic_partitions("users"))
    new = [user for user in qualia.state.users() if user not in known]
    requests = [USERS.build_add_request(new)] if new else []
    return dg.SensorResult(run_requests=[], dynamic_partitions_requests=requests)


CRAWLED = {"substack": "substack_publications", "pinterest": "pinterest_boards"}
"""The first table of each source that is asked."""
_UNDER_WAY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


@dg.schedule(
    cron_schedule="7 * * * *",
    job=USER_GRAPH,
    description="Every hour: a run through the graph for each user with a source agreed to that is due.",
)
def due_users(
    context: dg.ScheduleEvaluationContext, qualia: Qualia
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    tick = context.scheduled_execution_time
    busy = {
        run.tags.get("dagster/partition")
        for run in context.instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
    }
    due = {
        user: _due(qualia, user)
        for user in qualia.state.users()
        if user not in busy and erased_at(qualia.state, user) is None
    }
    requests = {user: sources for user, sources in due.items() if sources}
    for user, sources in requests.items():
        yield dg.RunRequest(
            run_key=f"{user} {tick:%Y-%m-%dT%H:%M}",
            partition_key=user,
            tags={"qualia/due": ", ".join(sources)},
        )
    if not requests:
        yield dg.SkipReason("No user has a source that is due.")


def _due(qualia: Qualia, user: str) -> list[str]:
    return [source for source in CRAWLED if is_due(_run(qualia, user), source)]


def _run(qualia: Qualia, user: str) -> Run:
    return Run(user, qualia.settings, qualia.lake, qualia.state, silent, lambda line: None)


def _freshness(source: str, table: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=table,
        name="kept_up_with",
        partitions_def=USERS,
        description="The last complete visit is not older than three times what is usual between visits",
    )
    def kept_up_with(context: dg.AssetCheckExecutionContext, qualia: Qualia) -> dg.AssetCheckResult:
        user = context.partition_key
        if source not in consented(qualia.state, user):
            return dg.AssetCheckResult(passed=True, metadata={"visit": "not agreed to"})
        visit = last_visit(qualia.state, user, source)
        late = timedelta(hours=3 * qualia.settings.crawling.due_hours)
        passed = visit is not None and visit.status != "blocked" and datetime.now(UTC) - visit.at <= late
        told = {"visit": visit.status, "at": visit.at.isoformat()} if visit else {"visit": "never"}
        return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, metadata=told)

    return kept_up_with


FRESHNESS = [_freshness(source, table) for source, table in CRAWLED.items()]
