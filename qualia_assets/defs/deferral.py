"""What stages that call providers have in common: recording that some items were deferred, and resuming.

The package ``providers`` knows how a provider is called; each stage knows with what.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from qualia_assets.defs.resources import Run
from qualia_assets.net.base import Deferred
from qualia_assets.providers.budget import Budget
from qualia_assets.providers.requests import Outcome
from qualia_assets.state.crawl import Visit, last_visit, note_visit

ASKING = ("annotations", "raw_embeddings", "caption_embeddings", "annotation_embeddings")
"""The stages that call providers."""


def has_pending(stage: str) -> Callable[[Run], bool]:
    """Return whether a stage's last requests left items waiting that can be requested now."""

    def of(run: Run) -> bool:
        visit = last_visit(run.state, run.user, _source(stage))
        if run.offline or visit is None or not visit.waits:
            return False
        return visit.until is None or datetime.now(UTC) >= visit.until

    return of


def waited_for(run: Run) -> dict[str, Visit]:
    """Return the stages whose items a provider deferred, where the time to resume has come.

    Not those that ran out of budget: a person decides whether more is spent.
    """
    found = {}
    for stage in ASKING:
        visit = last_visit(run.state, run.user, _source(stage))
        if visit is not None and visit.status == "deferred" and has_pending(stage)(run):
            found[stage] = visit
    return found


def record_outcome(run: Run, stage: str, outcome: Outcome[Any], budget: Budget) -> None:
    """Record how a stage's requests ended, so that another run resumes with what waits.

    Nothing is recorded where nothing waits and nothing did.
    """
    if outcome.reason is None and last_visit(run.state, run.user, _source(stage)) is None:
        return
    status = (
        "complete"
        if outcome.reason is None
        else "deferred"
        if isinstance(outcome.reason, Deferred)
        else "budget"
    )
    until = outcome.reason.until if isinstance(outcome.reason, Deferred) else None
    notes = (str(outcome.reason),) if outcome.reason is not None else ()
    visit = Visit(datetime.now(UTC), status, budget.usage.requests, until, notes)
    note_visit(run.state, run.user, _source(stage), visit)
    if outcome.reason is not None:
        run.log(f"{stage}: {outcome.waiting:,} items wait. {outcome.reason}")


def request_metadata(outcome: Outcome[Any], items: int, budget: Budget) -> dict[str, Any]:
    """Return a stage's requests as metadata of its table: numbers only.

    Args:
        outcome: of the requests.
        items: number of distinct items.
        budget: what the requests were paid from.
    """
    used = budget.usage
    return {
        "asked": outcome.requested,
        "cached": items - outcome.requested - outcome.waiting,
        "waiting": outcome.waiting,
        "tokens": used.input_tokens + used.output_tokens,
        "pixels": used.pixels,
        "usd": round(budget.usd, 6),
    }


def _source(stage: str) -> str:
    return f"provider:{stage}"
