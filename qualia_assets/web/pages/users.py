"""Everyone in the lake: how much there is of each, how fresh it is, what was left out, what it cost.

Belongs here: figures over whole tables of each user. Of the items themselves only a few pictures are shown.
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
from qualia_assets.web.layout import face, page
from qualia_assets.web.paging import Leaf

USERS_A_PAGE = 20
PICTURES = 7
REASONS = 3
"""Of what was left out, the commonest that are said."""
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
    "embeddings": ("raw_embeddings", "caption_embeddings", "annotation_embeddings"),
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
"""The groups of the graph in its order, and the tables that a run makes for a user in each."""

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
    """One group of stages. ``at``: when the newest of its tables was made; ``faults``: those not fresh."""

    name: str
    at: datetime | None
    faults: Mapping[str, Standing]

    @property
    def standing(self) -> Standing:
        """Of the group as a whole: the worst of its tables."""
        worst: tuple[Standing, ...] = ("damaged", "out of date", "missing")
        return next((standing for standing in worst if standing in self.faults.values()), "fresh")


@dataclass(frozen=True)
class Facts:
    """What is said of one user. A figure is None where its table cannot be shown.

    ``clusters``: by modality. ``reasons``: the commonest of those left out. ``usd``: by month, as 2025-12.
    """

    groups: tuple[Group, ...]
    mend: tuple[str, ...]
    items: Mapping[str, int] | None
    clusters: Mapping[str, int] | None
    matches: int | None
    left_out: int | None
    reasons: tuple[tuple[str, int], ...]
    usd: Mapping[str, float] | None
    pictures: tuple[str, ...]

    @property
    def at(self) -> datetime | None:
        """When the newest of all tables was replaced."""
        return max((group.at for group in self.groups if group.at), default=None)


def facts_of(snapshot: Snapshot) -> Facts:
    """What is said of a user, from a few columns of their tables."""
    artefacts = _columns(snapshot, "artefacts", "modality", "image_sha256")
    clusters = _columns(snapshot, "clusters", "modality", "cluster")
    matches = _columns(snapshot, "cluster_matches", "accepted")
    left_out = _columns(snapshot, "quarantine", "reason")
    costs = _columns(snapshot, "provider_costs", "day", "usd")
    reasons = Counter(left_out["reason"].to_pylist() if left_out is not None else [])
    # Looked at last: that a table is damaged may show only as it is read.
    groups = tuple(_group(snapshot, name) for name in GROUPS)
    return Facts(
        groups,
        _mend(snapshot.user, groups),
        items=Counter(artefacts["modality"].to_pylist()) if artefacts is not None else None,
        clusters=_clusters(clusters) if clusters is not None else None,
        matches=matches["accepted"].to_pylist().count(True) if matches is not None else None,
        left_out=left_out.num_rows if left_out is not None else None,
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


def _mend(user: str, groups: tuple[Group, ...]) -> tuple[str, ...]:
    """What is not fresh, and what mends it."""
    said = [
        f"The table {table} cannot be read. `qualia run --user {user} --from {table} --force` makes it again."
        for group in groups
        for table, standing in group.faults.items()
        if standing == "damaged"
    ]
    behind, missing = _those(groups, "out of date"), _those(groups, "missing")
    told = [
        f"{kind}: {', '.join(names)}."
        for kind, names in (("Out of date", behind), ("Not made yet", missing))
        if names
    ]
    if told:
        why = "A run is under way, or was stopped; " if behind else ""
        said.append(f"{' '.join(told)} {why}`qualia run --user {user}` makes what is missing.")
    return tuple(said)


def _those(groups: tuple[Group, ...], standing: Standing) -> list[str]:
    """The tables that stand so, or their group where they are many or all of it."""
    found: list[str] = []
    for group in groups:
        tables = [table for table, has in group.faults.items() if has == standing]
        found += [group.name] if len(tables) >= min(3, len(GROUPS[group.name])) else tables
    return found


def _clusters(clusters: pa.Table) -> dict[str, int]:
    found = set(zip(clusters["modality"].to_pylist(), clusters["cluster"].to_pylist(), strict=True))
    return Counter(modality for modality, cluster in found if cluster >= 0)


def _by_month(costs: pa.Table) -> dict[str, float]:
    months: Counter[str] = Counter()
    for day, usd in zip(costs["day"].to_pylist(), costs["usd"].to_pylist(), strict=True):
        months[day[:7]] += usd
    return dict(months)


def _pictures(artefacts: pa.Table) -> tuple[str, ...]:
    """A few pictures of pins, from all over the collection."""
    pins = artefacts.filter(pc.equal(artefacts["modality"], "image"))
    found = [sha256 for sha256 in pins["image_sha256"].unique().to_pylist() if sha256]
    step = max(1, len(found) // PICTURES)
    return tuple(found[::step][:PICTURES])


def ago(at: datetime, now: datetime) -> str:
    """How long ago something was, in the largest unit of which it is at least one."""
    seconds = (now - at).total_seconds()
    for unit, length in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def cost(usd: Mapping[str, float], month: str) -> str:
    """What was paid, in all and in a month, as a sentence."""
    total = sum(usd.values())
    if not total:
        return "Nothing was paid."
    return f"Paid in all: {_dollars(total)}; this month: {_dollars(usd.get(month, 0.0))}."


def _dollars(usd: float) -> str:
    return "nothing" if not usd else "less than US$ 0.01" if usd < 0.01 else f"US$ {usd:,.2f}"


def show(request: Request) -> Response:
    snapshots, now = face(request).snapshots, datetime.now(UTC)
    everyone = snapshots.users()
    leaf = Leaf.of(len(everyone), request.query_params.get("page", ""), USERS_A_PAGE)
    found: dict[str, Facts] = {}
    for user in everyone[leaf.part]:
        with suppress(NotThere):  # erased in between
            found[user] = snapshots.compute(user, facts_of)
    given = {
        "facts": found,
        "leaf": leaf,
        "signs": SIGNS,
        "ago": lambda at: ago(at, now),
        "cost": lambda usd: cost(usd, now.strftime("%Y-%m")),
    }
    return page(request, "users.html", given, title="Everyone")


ROUTES = [Route("/", show)]
