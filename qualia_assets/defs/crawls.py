"""Raw stages that visit a service: with the user's consent, when a visit is due, within a budget.

Belongs here: whether to visit, and what becomes of the answers. ``sources`` knows how.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from qualia_assets.defs.resources import Run
from qualia_assets.defs.sources import reject_row
from qualia_assets.defs.stage import FreshnessCheck, Made, stage
from qualia_assets.lake.specs import TableSpec
from qualia_assets.lake.tables import (
    PINTEREST_BOARDS,
    PINTEREST_PINS,
    PINTEREST_REJECTS,
    SUBSTACK_POSTS,
    SUBSTACK_PUBLICATIONS,
    SUBSTACK_REJECTS,
)
from qualia_assets.sources.crawling import Report
from qualia_assets.state.consent import consented, token
from qualia_assets.state.crawl import Crawl, Visit, digest, last_visit, note_visit
from qualia_assets.state.database import State

if TYPE_CHECKING:
    # Loaded where it is used: the UI imports this module at every reload.
    from qualia_assets.net.client import Client

Walk = Callable[["Client"], Report]


def is_due(run: Run, source: str) -> bool:
    """Return whether a user's source may be visited now: they consented, and it is due or they named more."""
    if run.offline or source not in consented(run.state, run.user):
        return False
    visit = last_visit(run.state, run.user, source)
    if visit is None or visit.due(run.settings.crawling.due_hours, datetime.now(UTC)):
        return True
    return visit.until is None and visit.asked_for != digest(_seeds(run, source))


def next_due(state: State, user: str, hours: float) -> dict[str, datetime]:
    """Return when each source with a user's consent is due."""
    now = datetime.now(UTC)
    due = {}
    for source in sorted({"substack", "pinterest"} & set(consented(state, user))):
        visit = last_visit(state, user, source)
        due[source] = (
            now
            if visit is None or visit.due(hours, now)
            else visit.until or visit.at + timedelta(hours=hours)
        )
    return due


def _freshness(source: str) -> FreshnessCheck:
    def of(run: Run) -> tuple[bool, dict[str, str]]:
        if source not in consented(run.state, run.user):
            return True, {"visit": "not agreed to"}
        visit = last_visit(run.state, run.user, source)
        if visit is None:
            return False, {"visit": "never"}
        late = timedelta(hours=3 * run.settings.crawling.due_hours)
        in_time = datetime.now(UTC) - visit.at <= late
        return in_time and visit.status != "blocked", {"visit": visit.status, "at": visit.at.isoformat()}

    return of


def _last(source: str) -> Callable[[Run], str]:
    """Return a function that gives the time of the visit which a crawled table is from."""

    def of(run: Run) -> str:
        if source not in consented(run.state, run.user):
            return "no consent"
        visit = last_visit(run.state, run.user, source)
        return visit.at.isoformat() if visit else "never"

    return of


def visited(run: Run, source: str, walk: Walk, budget: int, gap: float | None = None) -> Report:
    """Visit a source, and record how it ended. Its notes are personal, so they are not logged: Dagster's log
    outlives a user's erasure."""
    from qualia_assets.net.client import Client

    with Client(source, run.state, run.settings, budget=budget, gap=gap) as client:
        report = walk(client)
    note_visit(
        run.state,
        run.user,
        source,
        Visit(
            datetime.now(UTC),
            report.status,
            report.requests,
            report.until,
            report.notes,
            digest(_seeds(run, source)),
        ),
    )
    run.log(f"{source}: {report.status} after {report.requests:,} requests, {report.new:,} new")
    if report.notes:
        run.log(f"{len(report.notes)} notes: `qualia user show KEY` shows them")
    return report


def visit_metadata(report: Report | None) -> dict[str, Any]:
    """Return a visit as metadata of its table: numbers only."""
    if report is None:
        return {"visit": "not asked"}
    return {
        "visit": report.status,
        "requests": report.requests,
        "new": report.new,
        "changed": report.changed,
        **({"goes_on_at": report.until.isoformat()} if report.until else {}),
    }


def _seeds(run: Run, source: str) -> list[tuple[str, str]]:
    """Return what the user named of a source, as (kind, name): handles, publications, boards."""
    noted = run.state.source(run.user, source)
    named = [("handle", noted.location)] if noted and noted.location else []
    listed = Crawl(run.state, source, run.user).rows("seed")
    return [*named, *((row["kind"], row["name"]) for row in listed.values())]


def _rejects(run: Run, spec: TableSpec, report: Report | None) -> pa.Table:
    """Return what this visit could not use; without a visit, what the last one could not."""
    if report is None:
        there = run.previous(spec.name)
        return spec.table([]) if there is None else there
    return spec.table([reject_row(reject) for reject in report.rejects])


@stage(
    SUBSTACK_PUBLICATIONS,
    SUBSTACK_POSTS,
    SUBSTACK_REJECTS,
    group="sources",
    external_version=_last("substack"),
    depends_on=lambda s: [s.substack.publications, s.substack.posts],
    has_pending=lambda run: is_due(run, "substack"),
    pool="substack",
    freshness=_freshness("substack"),
)
def substack_publications(run: Run) -> Made:
    from qualia_assets.sources.substack import crawl as substack_crawl

    chosen, crawling = run.settings.substack, run.settings.crawling
    named = _seeds(run, "substack")
    seeds = substack_crawl.Seeds(
        handles=tuple(name for kind, name in named if kind == "handle"),
        publications=tuple(name for kind, name in named if kind == "publication"),
    )

    def walk(client: "Client") -> Report:
        return substack_crawl.crawl(
            run.user, seeds, run.state, client, chosen, crawling.due_hours, run.progress
        )

    report = visited(run, "substack", walk, crawling.requests_per_run) if is_due(run, "substack") else None
    publications = substack_crawl.publication_rows(run.state, run.user, chosen)
    posts = substack_crawl.post_rows(run.state, run.user, chosen)
    return Made(
        {
            "substack_publications": SUBSTACK_PUBLICATIONS.table(publications),
            "substack_posts": SUBSTACK_POSTS.table(posts),
            "substack_rejects": _rejects(run, SUBSTACK_REJECTS, report),
        },
        visit_metadata(report),
    )


@stage(
    PINTEREST_BOARDS,
    PINTEREST_PINS,
    PINTEREST_REJECTS,
    group="sources",
    external_version=_last("pinterest"),
    depends_on=lambda s: [s.pinterest.private, s.pinterest.widgets, s.pinterest.boards, s.pinterest.pins],
    has_pending=lambda run: is_due(run, "pinterest"),
    pool="pinterest",
    freshness=_freshness("pinterest"),
)
def pinterest_boards(run: Run) -> Made:
    from qualia_assets.sources.pinterest import crawl as pinterest_crawl
    from qualia_assets.sources.pinterest.widgets import widgets

    chosen, crawling = run.settings.pinterest, run.settings.crawling
    listed = [name for kind, name in _seeds(run, "pinterest") if kind == "board"]
    with_token = token(run.state, run.user, "pinterest") is not None

    def walk(client: "Client") -> Report:
        asked = (run.state, client, chosen, crawling.due_hours, run.progress)
        if not (chosen.widgets and listed):
            return pinterest_crawl.crawl(run.user, *asked)
        by_widget = widgets(run.user, listed, *asked)
        return pinterest_crawl.crawl(run.user, *asked).after(by_widget) if with_token else by_widget

    report = visited(run, "pinterest", walk, crawling.requests_per_run) if is_due(run, "pinterest") else None
    boards = pinterest_crawl.board_rows(run.state, run.user, chosen)
    pins = pinterest_crawl.pin_rows(run.state, run.user, chosen)
    return Made(
        {
            "pinterest_boards": PINTEREST_BOARDS.table(boards),
            "pinterest_pins": PINTEREST_PINS.table(pins),
            "pinterest_rejects": _rejects(run, PINTEREST_REJECTS, report),
        },
        visit_metadata(report),
    )
