"""What Dagster loads, and nothing else.

``dagster-webserver -w workspace.yaml`` and ``dagster definitions validate -w workspace.yaml`` come
in here. torch, umap, hdbscan, sklearn and transformers stay out: they are imported where they work.
"""

import dagster as dg

from qualia_assets.defs.catalogue import stages
from qualia_assets.defs.execution import to_asset
from qualia_assets.defs.io_manager import LakeIOManager
from qualia_assets.defs.jobs import (
    EXPERIMENT,
    USER_GRAPH,
    due_users,
    sources_kept_up_with,
    users_without_partition,
    waiting_for_providers,
)
from qualia_assets.defs.resources import Qualia


def build_defs() -> dg.Definitions:
    """All assets, the jobs that take a user through them, what starts those, and what they need."""
    return dg.Definitions(
        assets=[to_asset(step) for step in stages()],
        jobs=[USER_GRAPH, EXPERIMENT],
        schedules=[due_users],
        sensors=[users_without_partition, sources_kept_up_with, waiting_for_providers],
        resources={"lake": LakeIOManager(), "qualia": Qualia()},
        # A run takes one user through the graph in one process: a process a step costs seconds of imports.
        executor=dg.in_process_executor,
    )


defs = build_defs()
