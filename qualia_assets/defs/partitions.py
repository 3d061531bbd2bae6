"""Users as dynamic partitions. The state database knows who they are; Dagster learns it here."""

import dagster as dg

from qualia_assets.state.database import State

USERS = dg.DynamicPartitionsDefinition(name="users")


def sync_users(instance: dg.DagsterInstance, state: State) -> list[str]:
    """Add a partition for every user without one, and return the new ones."""
    known = set(instance.get_dynamic_partitions("users"))
    new = [user for user in state.users() if user not in known]
    if new:
        instance.add_dynamic_partitions("users", new)
    return new
