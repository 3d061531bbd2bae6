"""All stages in the order of the graph."""

from functools import cache

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
    return tuple(_in_order([*python, *sql_stages()]))


def _in_order(steps: list[Stage]) -> list[Stage]:
    """The stages, each after those it is made from, otherwise as they come."""
    makes = {spec.name: step.name for step in steps for spec in step.specs}
    done: list[Stage] = []
    waiting = list(steps)
    while waiting:
        placed = {step.name for step in done}
        step = next(s for s in waiting if all(makes[table] in placed for table in s.upstream))
        done.append(step)
        waiting.remove(step)
    return done
