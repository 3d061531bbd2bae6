"""What stages that ask providers have in common: how an asking that ended early is noted, and goes on.

Belongs here: what the next run, the log and the UI are told of an asking. How a provider is asked is in the
package ``providers``; what is asked is for each stage.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from qualia_assets.defs.resources import Run
from qualia_assets.net.base import Deferred
from qualia_assets.providers.budget import Budget
from qualia_assets.providers.requests import Asked
from qualia_assets.state.crawl import Visit, last_visit, note_visit

ASKING = ("annotations", "raw_embeddings", "caption_embeddings", "annotation_embeddings")
"""The stages that ask providers."""


def has_pending(stage: str) -> Callable[[Run], bool]:
    """Whether a stage's last asking left items waiting that can be asked for now."""

    def of(run: Run) -> bool:
        visit = last_visit(run.state, run.user, _source(stage))
        if run.offline or visit is None or not visit.waits:
            return False
        return visit.until is None or datetime.now(UTC) >= visit.until

    return of


def waited_for(run: Run) -> dict[str, Visit]:
    """The stages whose items wait because a provider wanted it so, and whose time has come.

    Not those that ran out of their budget: a person decides whether more is spent.
    """
    found = {}
    for stage in ASKING:
        visit = last_visit(run.state, run.user, _source(stage))
        if visit is not None and visit.status == "deferred" and has_pending(stage)(run):
            found[stage] = visit
    return found


def noted(run: Run, stage: str, asked: Asked[Any], budget: Budget) -> None:
    """Note how a stage's asking ended, so that another run goes on with what waits.

    Where nothing waits and nothing did, nothing is noted.
    """
    if asked.why is None and last_visit(run.state, run.user, _source(stage)) is None:
        return
    status = "complete" if asked.why is None else "deferred" if isinstance(asked.why, Deferred) else "budget"
    until = asked.why.until if isinstance(asked.why, Deferred) else None
    notes = (str(asked.why),) if asked.why is not None else ()
    visit = Visit(datetime.now(UTC), status, budget.usage.requests, until, notes)
    note_visit(run.state, run.user, _source(stage), visit)
    if asked.why is not None:
        run.log(f"{stage}: {asked.waiting:,} items wait. {asked.why}")


def told(asked: Asked[Any], items: int, budget: Budget) -> dict[str, Any]:
    """An asking in the metadata of its table: numbers only.

    Args:
        asked: how it went.
        items: distinct ones that there were answers to be of.
        budget: that it was paid from.
    """
    used = budget.usage
    return {
        "asked": asked.asked,
        "cached": items - asked.asked - asked.waiting,
        "waiting": asked.waiting,
        "tokens": used.input_tokens + used.output_tokens,
        "pixels": used.pixels,
        "usd": round(budget.usd, 6),
    }


def _source(stage: str) -> str:
    return f"provider:{stage}"
