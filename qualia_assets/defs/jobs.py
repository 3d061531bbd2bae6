"""Jobs, the schedule and the sensors that start them, and the check that sources are visited in time."""

from collections.abc import Iterator

import dagster as dg

from qualia_assets.defs.crawls import is_due, pinterest_boards, substack_publications
from qualia_assets.defs.deferral import waited_for
from qualia_assets.defs.execution import KEPT_UP_WITH
from qualia_assets.defs.partitions import USERS
from qualia_assets.defs.resources import Qualia
from qualia_assets.state.consent import erased_at

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
    description="Adds a partition for each user of the state database that has none.",
)
def users_without_partition(context: dg.SensorEvaluationContext, qualia: Qualia) -> dg.SensorResult:
    known = set(context.instance.get_dynamic_partitions("users"))
    new = [user for user in qualia.state.users() if user not in known]
    requests = [USERS.build_add_request(new)] if new else []
    return dg.SensorResult(run_requests=[], dynamic_partitions_requests=requests)


CRAWLED = {"substack": substack_publications, "pinterest": pinterest_boards}
"""The stage that visits each source."""
_UNDER_WAY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


@dg.schedule(
    cron_schedule="7 * * * *",
    job=USER_GRAPH,
    description="Hourly: a run through the graph for each user with a source that is due and consented to.",
)
def due_users(
    context: dg.ScheduleEvaluationContext, qualia: Qualia
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    tick = context.scheduled_execution_time
    busy = _users_with_a_run(context.instance)
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
    return [source for source in CRAWLED if is_due(qualia.run(user), source)]


def _users_with_a_run(instance: dg.DagsterInstance) -> set[str | None]:
    """Return the users with a run queued or under way: they get no other, as a queue would only grow."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
    return {run.tags.get("dagster/partition") for run in runs}


@dg.sensor(
    minimum_interval_seconds=120,
    default_status=dg.DefaultSensorStatus.RUNNING,
    job=USER_GRAPH,
    description="Resumes users whose items a provider deferred (a batch, a rate limit) when it is time.",
)
def waiting_for_providers(
    context: dg.SensorEvaluationContext, qualia: Qualia
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    busy = _users_with_a_run(context.instance)
    found = False
    for user in qualia.state.users():
        waited = {} if user in busy else waited_for(qualia.run(user))
        if waited:
            found = True
            times = " ".join(f"{stage} {visit.at.isoformat()}" for stage, visit in waited.items())
            yield dg.RunRequest(
                run_key=f"{user} {times}",
                partition_key=user,
                tags={"qualia/waited": ", ".join(waited)},
            )
    if not found:
        yield dg.SkipReason("Nobody's items wait for a provider, or it is not time yet.")


@dg.sensor(
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Hourly: warns of every source with a user's consent that was not visited in time.",
)
def sources_kept_up_with(context: dg.SensorEvaluationContext, qualia: Qualia) -> dg.SensorResult:
    known = set(context.instance.get_dynamic_partitions("users"))
    late = [
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(step.name),
            check_name=KEPT_UP_WITH,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            metadata=told,
            partition=user,
        )
        for user in qualia.state.users()
        for step in CRAWLED.values()
        if user in known and step.freshness
        for passed, told in [step.freshness(qualia.run(user))]
        if not passed
    ]
    return dg.SensorResult(run_requests=[], asset_events=late)
