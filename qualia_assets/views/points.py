"""A user's items as points on a map, packed so that a script reads them without parsing.

The format: the length of a JSON header (uint32, little-endian), the header, then the columns that it names,
each aligned to four bytes. 20,000 items take about 1.5 MB. Titles and whatever else is shown of one item at a
time are in ``item_card``.
"""

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qualia_assets.lake.snapshot import Snapshot

VIEWS = ("raw", "annotation", "adapted")
NONE = 0xFFFF
"""Stands for a missing coordinate, cluster, collection or picture."""
NO_DAY = -(2**31)
MAX_LABEL = 120
_METHODS = ("umap", "svd")
"""In order of preference."""
# Control characters, and marks that change the writing direction.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True)
class MapTables:
    """The tables that a map is made of. Optional ones are None where they are missing."""

    artefacts: pa.Table
    projections: pa.Table
    clusters: pa.Table | None = None
    cluster_cards: pa.Table | None = None
    cluster_matches: pa.Table | None = None
    image_blobs: pa.Table | None = None
    why_not: dict[str, str] = field(default_factory=dict)
    """For each missing space: why, and what to do."""


@dataclass(frozen=True)
class Pack:
    """The packed points, and what the page shows before they have loaded."""

    body: bytes
    posts: int
    pins: int
    views: tuple[str, ...]
    """The spaces that exist."""


def tables_of(snapshot: Snapshot) -> MapTables:
    """The tables of a snapshot that a map is made of.

    Raises:
        NotThere: there are no items, or no coordinates.
    """

    def optional(name: str) -> pa.Table | None:
        return snapshot.table(name) if snapshot.has(name) else None

    tables = MapTables(
        snapshot.table("artefacts"),
        snapshot.table("projections"),
        optional("clusters"),
        optional("cluster_cards"),
        optional("cluster_matches"),
        optional("image_blobs"),
    )
    there = set(tables.projections["view"].unique().to_pylist())
    why_not = {
        view: f"This space has not been laid out yet. `qualia run --user {snapshot.user}` does that."
        for view in VIEWS
        if view not in there
    }
    return replace(tables, why_not=why_not)


def pack_of(snapshot: Snapshot) -> Pack:
    """The points of a snapshot, for ``snapshot.once``."""
    return pack(tables_of(snapshot))


def pack(tables: MapTables, *, numbered: bool = False) -> Pack:
    """Pack the items that have coordinates in any space.

    Args:
        tables: what the map is made of.
        numbered: use item numbers as ids, and leave out the hashes of pictures.
    """
    items = _laid_out(tables)
    ids = items["artefact_id"]
    numbers = [str(i) for i in range(items.num_rows)]
    modality, modalities = _coded(items["modality"], first=("text", "image"))
    source, sources = _coded(items["source"])
    collection, collections = _coded(items["collection"])
    clusters, cluster = _clusters(tables, ids)
    picture, pictures = _pictures(tables, items)
    columns: dict[str, NDArray[Any] | bytes] = {}
    views = []
    for view in VIEWS:
        found = _view(tables.projections, view, ids)
        if found is None:
            continue
        method, xy = found
        views.append({"name": view, "method": method})
        columns[f"{view}.x"], columns[f"{view}.y"] = xy[:, 0], xy[:, 1]
    columns |= {
        "modality": modality.astype(np.uint8),
        "cluster": cluster,
        "source": source,
        "collection": collection,
        "hop": np.minimum(np.asarray(items["hop"]), 255).astype(np.uint8),
        "day": _days(items["created_at"]),
        "picture": picture,
        "ids": _json(numbers if numbered else ids.to_pylist()),
        "pictures": b"" if numbered else bytes.fromhex("".join(pictures)),
    }
    header = {
        "items": items.num_rows,
        "views": views,
        "why_not": tables.why_not,
        "modalities": modalities,
        "sources": sources,
        "collections": [plain(name) for name in collections],
        "clusters": clusters,
    }
    by_modality = items["modality"].to_pylist()
    return Pack(
        _packed(header, columns),
        by_modality.count("text"),
        by_modality.count("image"),
        tuple(view["name"] for view in views),
    )


def pictures_of(tables: MapTables) -> list[str]:
    """The hashes of the pictures, in the order that the column ``picture`` refers to."""
    return _pictures(tables, _laid_out(tables))[1]


def ids_of(tables: MapTables) -> list[str]:
    """The items' ids in the order of the points."""
    ids: list[str] = _laid_out(tables)["artefact_id"].to_pylist()
    return ids


def plain(text: str, limit: int = MAX_LABEL) -> str:
    """The text on one line, without invisible characters, cut to ``limit`` characters."""
    visible = " ".join(_INVISIBLE.sub(" ", text).split())
    return visible if len(visible) <= limit else visible[: limit - 1].rstrip() + "…"


def _laid_out(tables: MapTables) -> pa.Table:
    """The artefacts with coordinates in any space, sorted by id."""
    artefacts = tables.artefacts
    known = pc.is_in(artefacts["artefact_id"], value_set=tables.projections["artefact_id"].unique())
    return artefacts.filter(known).sort_by("artefact_id").combine_chunks()


def _coded(column: pa.ChunkedArray, first: Sequence[str] = ()) -> tuple[NDArray[np.uint16], list[str]]:
    """A column as indices into a list of its distinct values, the first of which may be given."""
    values = [v for v in column.unique().to_pylist() if v is not None]
    names = [*first, *sorted(v for v in values if v not in first)][:NONE]
    codes = pc.index_in(column, value_set=pa.array(names, pa.string()))
    return np.asarray(pc.fill_null(codes, NONE)).astype(np.uint16), names


def _view(projections: pa.Table, view: str, ids: pa.ChunkedArray) -> tuple[str, NDArray[np.uint16]] | None:
    """A space's projection method and the items' coordinates, shape (n, 2), 0 to 65,534; None without any."""
    mine = projections.filter(pc.equal(projections["view"], view))
    method = next((m for m in _METHODS if m in mine["method"].unique().to_pylist()), None)
    if method is None:
        return None
    mine = mine.filter(pc.equal(mine["method"], method))
    at = pc.index_in(ids, value_set=mine["artefact_id"].combine_chunks())
    there = np.asarray(pc.is_valid(at))
    rows = np.asarray(pc.fill_null(at, 0))
    xy = np.column_stack([np.asarray(mine["x"]), np.asarray(mine["y"])]).astype(np.float64)
    finite = np.asarray(np.isfinite(xy).all(axis=1), dtype=np.bool_)
    there &= finite[rows]
    if not there.any():
        return None
    low, high = xy[finite].min(axis=0), xy[finite].max(axis=0)
    longest = max(float((high - low).max()), 1e-9)
    scaled = (np.nan_to_num(xy) - (low + high) / 2) / longest + 0.5
    coordinates = np.full((len(ids), 2), NONE, np.uint16)
    coordinates[there] = np.rint(np.clip(scaled[rows[there]], 0, 1) * (NONE - 1)).astype(np.uint16)
    return method, coordinates


def _clusters(tables: MapTables, ids: pa.ChunkedArray) -> tuple[list[dict[str, Any]], NDArray[np.uint16]]:
    """The clusters, largest first, each with its accepted match; and the index of each item's cluster."""
    none = np.full(len(ids), NONE, np.uint16)
    if tables.clusters is None:
        return [], none
    grouped = tables.clusters.filter(pc.greater_equal(tables.clusters["cluster"], 0))
    keys = list(zip(grouped["modality"].to_pylist(), grouped["cluster"].to_pylist(), strict=True))
    sizes: dict[tuple[str, int], int] = {}
    for key in keys:
        sizes[key] = sizes.get(key, 0) + 1
    cards = {(r["modality"], r["cluster"]): r for r in _rows(tables.cluster_cards)}
    matches: dict[tuple[str, int], dict[str, Any]] = {}
    for row in _rows(tables.cluster_matches):
        if row["accepted"]:
            matches[row["modality_a"], row["cluster_a"]] = row
            matches[row["modality_b"], row["cluster_b"]] = row
    order = sorted(sizes, key=lambda key: (-sizes[key], key))[: NONE - 1]
    index = {key: i for i, key in enumerate(order)}
    clusters = []
    for modality, cluster in order:
        card = cards.get((modality, cluster))
        match = matches.get((modality, cluster))
        clusters.append(
            {
                "modality": modality,
                "cluster": cluster,
                "size": sizes[modality, cluster],
                "label": plain(card["label"]) if card else f"cluster {cluster}",
                "keywords": [plain(word, 40) for word in card["keywords"][:8]] if card else [],
                "match": match["match"] if match else None,
                "similarity": round(match["similarity"], 3) if match else None,
            }
        )
    of = dict(zip(grouped["artefact_id"].to_pylist(), (index.get(k, NONE) for k in keys), strict=True))
    return clusters, np.array([of.get(i, NONE) for i in ids.to_pylist()], np.uint16)


def _rows(table: pa.Table | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist() if table is not None else []
    return rows


def _pictures(tables: MapTables, items: pa.Table) -> tuple[NDArray[np.uint16], list[str]]:
    """The index of each pin's picture in a list of hashes, of usable pictures only."""
    known = pc.equal(items["modality"], "image")
    if tables.image_blobs is not None:
        usable = tables.image_blobs.filter(pc.equal(tables.image_blobs["status"], "ok"))["sha256"]
        known = pc.and_(known, pc.is_in(items["image_sha256"], value_set=usable.combine_chunks()))
    return _coded(pc.if_else(known, items["image_sha256"], None))


def _days(times: pa.ChunkedArray) -> NDArray[np.int32]:
    """Days since 1970; ``NO_DAY`` where the time is unknown."""
    seconds = pc.cast(pc.cast(times, pa.timestamp("s", tz="UTC"), safe=False), pa.int64())
    known = np.asarray(pc.is_valid(seconds))
    days = np.asarray(pc.fill_null(seconds, 0)) // 86_400
    return np.where(known, days, NO_DAY).astype(np.int32)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _packed(header: dict[str, Any], columns: dict[str, NDArray[Any] | bytes]) -> bytes:
    blocks: list[bytes] = []
    directory = []
    offset = 0
    for name, column in columns.items():
        raw = column if isinstance(column, bytes) else np.ascontiguousarray(column).tobytes()
        kind = "bytes" if isinstance(column, bytes) else column.dtype.name
        directory.append([name, kind, offset, len(raw)])
        padded = raw + b"\0" * (-len(raw) % 4)
        blocks.append(padded)
        offset += len(padded)
    head = _json({**header, "columns": directory})
    head += b" " * (-len(head) % 4)
    return b"".join((struct.pack("<I", len(head)), head, *blocks))
