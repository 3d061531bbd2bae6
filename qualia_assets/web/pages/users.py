"""All users of the lake: their items and clusters, freshness, rejected records, and costs.

Belongs here: figures over complete tables. Of the items themselves only a few pictures are shown.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qualia_assets.lake.snapshot import NotThere, Snapshot, Standing
from qualia_assets.web.layout import context_of, page
from qualia_assets.web.paging import Page

USERS_PER_PAGE = 20
PICTURES = 7
REASONS = 3
"""Shown of those for which records were rejected, the commonest."""
GROUPS: Mapping[str, tuple[str, ...]] = {
    "sources": (
        "folder_items",
        "folder_rejects",
        "demo_items",
        "substack_export",
        "substack_export_rejects",
        "pinterest_export",
        "pinterest_export_rejects",
        "substack_publications",
        "substack_posts",
        "substack_rejects",
        "pinterest_boards",
        "pinterest_pins",
        "pinterest_rejects",
        "image_blobs",
        "image_refs",
    ),
    "artefacts": ("artefacts",),
    "annotations": ("annotations",),
    "embeddings": (
        "raw_embeddings",
        "caption_embeddings",
        "picture_features",
        "picture_vectors",
        "picture_head_figures",
        "annotation_embeddings",
    ),
    "clusters": (
        "neighbours",
        "cluster_projections",
        "clusters",
        "cluster_cards",
        "cluster_matches",
        "cluster_quality",
    ),
    "adapters": ("adapters", "adapted_embeddings"),
    "projections": ("projections",),
    "metrics": ("provider_costs", "metrics", "query_histograms", "metric_history"),
    "staging": ("cluster_pairs", "item_overview", "quarantine", "test_figures"),
    "figures": ("figures",),
}
"""The groups of the asset graph in its order, and the tables that a run makes for a user in each."""

SIGNS: Mapping[Standing, str] = {"fresh": "✓", "out of date": "↻", "missing": "○", "damaged": "✗"}
_UNITS = (
    ("year", 365 * 86400),
    ("month", 30 * 86400),
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
)


@dataclass(frozen=True)
class Group:
    """A group of stages. ``at``: when its newest table was written; ``faults``: tables that are not fresh."""

    name: str
    at: datetime | None
    faults: Mapping[str, Standing]

    @property
    def standing(self) -> Standing:
        """The worst of its tables' standings."""
        worst: tuple[Standing, ...] = ("damaged", "out of date", "missing")
        return next((standing for standing in worst if standing in self.faults.values()), "fresh")


@dataclass(frozen=True)
class UserSummary:
    """What the page shows of one user. A figure is None where its table cannot be shown.

    ``items`` and ``clusters`` are by modality, ``usd`` by month (2025-12); ``reasons`` are of rejections.
    """

    groups: tuple[Group, ...]
    advice: tuple[str, ...]
    items: Mapping[str, int] | None
    clusters: Mapping[str, int] | None
    matches: int | None
    rejected: int | None
    reasons: tuple[tuple[str, int], ...]
    usd: Mapping[str, float] | None
    pictures: tuple[str, ...]

    @property
    def at(self) -> datetime | None:
        """When the newest of all tables was written."""
        return max((group.at for group in self.groups if group.at), default=None)


def summary_of(snapshot: Snapshot) -> UserSummary:
    """The summary of a user, from a few columns of their tables."""
    artefacts = _columns(snapshot, "artefacts", "modality", "image_sha256")
    clusters = _columns(snapshot, "clusters", "modality", "cluster")
    matches = _columns(snapshot, "cluster_matches", "accepted")
    rejected = _columns(snapshot, "quarantine", "reason")
    costs = _columns(snapshot, "provider_costs", "day", "usd")
    reasons = Counter(rejected["reason"].to_pylist() if rejected is not None else [])
    # Last, since a damaged table may be noticed only when it is read.
    groups = tuple(_group(snapshot, name) for name in GROUPS)
    return UserSummary(
        groups,
        _advice(snapshot.user, groups),
        items=Counter(artefacts["modality"].to_pylist()) if artefacts is not None else None,
        clusters=_clusters(clusters) if clusters is not None else None,
        matches=matches["accepted"].to_pylist().count(True) if matches is not None else None,
        rejected=rejected.num_rows if rejected is not None else None,
        reasons=tuple(reasons.most_common(REASONS)),
        usd=_by_month(costs) if costs is not None else None,
        pictures=_pictures(artefacts) if artefacts is not None else (),
    )


def _columns(snapshot: Snapshot, name: str, *columns: str) -> pa.Table | None:
    try:
        return snapshot.part(name, columns)
    except NotThere:
        return None


def _group(snapshot: Snapshot, name: str) -> Group:
    written = [snapshot.infos[table].written_at for table in GROUPS[name] if snapshot.has(table)]
    faults = {table: snapshot.standing(table) for table in GROUPS[name] if not snapshot.has(table)}
    return Group(name, max(written, default=None), faults)


def _advice(user: str, groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Which tables are not fresh, and which command fixes that."""
    advice = [
        f"The table {table} cannot be read. `qualia run --user {user} --from {table} --force` makes it again."
        for group in groups
        for table, standing in group.faults.items()
        if standing == "damaged"
    ]
    stale, missing = _names(groups, "out of date"), _names(groups, "missing")
    lists = [
        f"{kind}: {', '.join(names)}."
        for kind, names in (("Out of date", stale), ("Not made yet", missing))
        if names
    ]
    if lists:
        why = "A run is in progress or was interrupted; " if stale else ""
        advice.append(f"{' '.join(lists)} {why}`qualia run --user {user}` makes what is missing.")
    return tuple(advice)


def _names(groups: tuple[Group, ...], standing: Standing) -> list[str]:
    """The tables of a standing, or their group where they are at least three or all of it."""
    names: list[str] = []
    for group in groups:
        tables = [table for table, has in group.faults.items() if has == standing]
        names += [group.name] if len(tables) >= min(3, len(GROUPS[group.name])) else tables
    return names


def _clusters(clusters: pa.Table) -> dict[str, int]:
    found = set(zip(clusters["modality"].to_pylist(), clusters["cluster"].to_pylist(), strict=True))
    return Counter(modality for modality, cluster in found if cluster >= 0)


def _by_month(costs: pa.Table) -> dict[str, float]:
    months: Counter[str] = Counter()
    for day, usd in zip(costs["day"].to_pylist(), costs["usd"].to_pylist(), strict=True):
        months[day[:7]] += usd
    return dict(months)


def _pictures(artefacts: pa.Table) -> tuple[str, ...]:
    """A few pictures of pins, spread over the collection."""
    pins = artefacts.filter(pc.equal(artefacts["modality"], "image"))
    found = [sha256 for sha256 in pins["image_sha256"].unique().to_pylist() if sha256]
    step = max(1, len(found) // PICTURES)
    return tuple(found[::step][:PICTURES])


def ago(at: datetime, now: datetime) -> str:
    """How long ago a time was, in its largest unit."""
    seconds = (now - at).total_seconds()
    for unit, length in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def cost(usd: Mapping[str, float], month: str) -> str:
    """The costs in total and in a month, as a sentence."""
    total = sum(usd.values())
    if not total:
        return "No costs so far."
    return f"Costs in total: {_dollars(total)}; this month: {_dollars(usd.get(month, 0.0))}."


def _dollars(usd: float) -> str:
    return "nothing" if not usd else "less than US$ 0.01" if usd < 0.01 else f"US$ {usd:,.2f}"


def show(request: Request) -> Response:
    snapshots, now = context_of(request).snapshots, datetime.now(UTC)
    users = snapshots.users()
    part = Page.of(len(users), request.query_params.get("page", ""), USERS_PER_PAGE)
    summaries: dict[str, UserSummary] = {}
    for user in users[part.indices]:
        with suppress(NotThere):  # erased in between
            summaries[user] = snapshots.compute(user, summary_of)
    values = {
        "summaries": summaries,
        "part": part,
        "signs": SIGNS,
        "ago": lambda at: ago(at, now),
        "cost": lambda usd: cost(usd, now.strftime("%Y-%m")),
    }
    return page(request, "users.html", values, title="Users")


ROUTES = [Route("/", show)]
