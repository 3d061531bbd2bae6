"""All stages in the order of the graph."""

from functools import cache
from graphlib import TopologicalSorter

from qualia_assets.defs import (
    adapters,
    annotations,
    artefacts,
    clusters,
    costs,
    crawls,
    embeddings,
    experiments,
    figures,
    history,
    metrics,
    picture_heads,
    pictures,
    projections,
    quality,
    sources,
)
from qualia_assets.defs.sql import sql_stages
from qualia_assets.defs.stage import Stage


@cache
def stages() -> tuple[Stage, ...]:
    """Every stage, each after those it is made from."""
    python = [
        step
        for module in (
            sources,
            crawls,
            pictures,
            artefacts,
            annotations,
            embeddings,
            picture_heads,
            costs,
            clusters,
            quality,
            adapters,
            projections,
            metrics,
            history,
            figures,
            experiments,
        )
        for step in vars(module).values()
        if isinstance(step, Stage)
    ]
    return _in_order([*python, *sql_stages()])


def _in_order(steps: list[Stage]) -> tuple[Stage, ...]:
    """Return the stages, each after those that it is made from."""
    makes = {table: step.name for step in steps for table in step.tables}
    by_name = {step.name: step for step in steps}
    upstream = {step.name: [makes[table] for table in step.upstream] for step in steps}
    return tuple(by_name[name] for name in TopologicalSorter(upstream).static_order())
