"""What stages that ask providers have in common: how an asking that ended early is noted, and goes on.

Belongs here: what the next run, the log and the UI are told of an asking. How a provider is asked is in the
package ``providers``; what is asked is for each stage.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from qualia_assets.defs.stage import Run
from qualia_assets.net.base import Deferred
from qualia_assets.providers.budget import Budget
from qualia_assets.providers.requests import Outcome
from qualia_assets.state.crawl import Visit, last_visit, note_visit

ASKING = ("annotations", "raw_embeddings", "caption_embeddings", "annotation_embeddings")
"""The stages that ask providers."""


def goes_on(stage: str) -> Callable[[Run], bool]:
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
        if visit is not None and visit.status == "deferred" and goes_on(stage)(run):
            found[stage] = visit
    return found


def noted(run: Run, stage: str, asked: Outcome[Any], budget: Budget) -> None:
    """Note how a stage's asking ended, so that another run goes on with what waits.

    Where nothing waits and nothing did, nothing is noted.
    """
    if asked.reason is None and last_visit(run.state, run.user, _source(stage)) is None:
        return
    status = (
        "complete" if asked.reason is None else "deferred" if isinstance(asked.reason, Deferred) else "budget"
    )
    until = asked.reason.until if isinstance(asked.reason, Deferred) else None
    notes = (str(asked.reason),) if asked.reason is not None else ()
    visit = Visit(datetime.now(UTC), status, budget.usage.requests, until, notes)
    note_visit(run.state, run.user, _source(stage), visit)
    if asked.reason is not None:
        run.log(f"{stage}: {asked.waiting:,} items wait. {asked.reason}")


def told(asked: Outcome[Any], items: int, budget: Budget) -> dict[str, Any]:
    """An asking in the metadata of its table: numbers only.

    Args:
        asked: how it went.
        items: distinct ones that there were answers to be of.
        budget: that it was paid from.
    """
    used = budget.usage
    return {
        "asked": asked.requested,
        "cached": items - asked.requested - asked.waiting,
        "waiting": asked.waiting,
        "tokens": used.input_tokens + used.output_tokens,
        "pixels": used.pixels,
        "usd": round(budget.usd, 6),
    }


def _source(stage: str) -> str:
    return f"provider:{stage}"
