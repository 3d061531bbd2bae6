"""The job that takes one user through the whole graph, and the sensor that gives new users a partition."""

import dagster as dg

from qualia_assets.defs.partitions import USERS
from qualia_assets.defs.stage import Qualia

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
