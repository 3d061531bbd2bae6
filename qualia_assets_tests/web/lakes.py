"""Small users written into a lake without a run: planted themes, real pictures, footers as of a run."""

import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from qualia_assets.defs.catalogue import stages
from qualia_assets.lake import blobs, sql
from qualia_assets.lake.specs import TableSpec, vector_array
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import TABLES
from qualia_assets.method.neighbours import Floats
from qualia_assets.paths import sql_folder

DIMENSIONS = 384
THEMES = ("salt & sea", "rooms of dust", "bread and bakers", "night trains", "moss")
_COLOURS = ((40, 90, 130), (150, 140, 120), (200, 150, 80), (30, 30, 60), (70, 110, 60))
_SPLITS = ("train", "val", "test", "train")
_BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
_SQL = ("item_overview", "cluster_pairs")
ORDER = (
    "image_blobs",
    "artefacts",
    "annotations",
    "raw_embeddings",
    "annotation_embeddings",
    "neighbours",
    "cluster_projections",
    "clusters",
    "cluster_cards",
    "cluster_matches",
    "adapters",
    "adapted_embeddings",
    "projections",
    *_SQL,
)
"""The tables of a user, each after those that it is made from."""


@cache
def _upstream() -> dict[str, tuple[str, ...]]:
    return {spec.name: step.upstream for step in stages() for spec in step.specs}


@cache
def spec_of(table: str) -> TableSpec:
    """The spec of a table, including those made by SQL."""
    return TABLES.get(table) or next(s for step in stages() for s in step.specs if s.name == table)


def write(lake: Lake, user: str, name: str, table: pa.Table | Iterable[dict[str, Any]]) -> None:
    """Write one table as its stage would: the footer holds the hashes of its inputs in the lake."""
    if not isinstance(table, pa.Table):
        table = spec_of(name).table(table)
    infos = {above: lake.info(above, user) for above in _upstream()[name]}
    inputs = {above: info.content_sha256 for above, info in infos.items() if info}
    lake.write(spec_of(name), user, table, "made by a test", inputs)


def write_user(
    lake: Lake,
    user: str,
    *,
    items: int = 60,
    titles: Sequence[str] = (),
    seed: int = 0,
    modalities: Collection[str] = ("text", "image"),
    pictures: int = 20,
    tables: Collection[str] = ORDER,
) -> None:
    """Write a user with five themes, each a cluster of posts matched with one of pins.

    Every ninth item is noise, and the last match is not accepted. The identity is the selected adapter.

    Args:
        lake: to write to.
        user: the user's key.
        items: of all modalities together.
        titles: of the first items; the others are named by theme and number.
        seed: another one gives other items with other ids (``item_id``).
        modalities: of the items.
        pictures: distinct ones at most.
        tables: to write.
    """
    made = _Made(lake, user, items, titles, seed, tuple(modalities), pictures)
    for name in ORDER:
        if name in tables:
            write(lake, user, name, made.table(name))


def item_id(user: str, number: int, seed: int = 0) -> str:
    """The id of a user's item, counted from 0."""
    return f"folder:{user}-{seed}-{number:05d}"


def picture(name: str, colour: tuple[int, int, int]) -> bytes:
    """A small PNG, a different one for each name."""
    image = Image.new("RGB", (48, 32), colour)
    bits = int.from_bytes(sha256(name.encode()).digest()[:3])
    for bit in range(24):
        if bits >> bit & 1:
            image.paste(
                (250, 250, 240), (8 * (bit % 6), 8 * (bit // 6), 8 * (bit % 6) + 6, 8 * (bit // 6) + 6)
            )
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class _Made:
    """The tables of one user, each made when it is asked for."""

    def __init__(
        self,
        lake: Lake,
        user: str,
        items: int,
        titles: Sequence[str],
        seed: int,
        modalities: tuple[str, ...],
        pictures: int,
    ) -> None:
        self.lake, self.user = lake, user
        self.ids = [item_id(user, n, seed) for n in range(items)]
        self.modality = [modalities[n % len(modalities)] for n in range(items)]
        self.theme = [n // len(modalities) % len(THEMES) for n in range(items)]
        self.cluster = [-1 if n % 9 == 8 else theme for n, theme in enumerate(self.theme)]
        self.titles = [*titles[:items], *(f"{THEMES[self.theme[n]]} {n}" for n in range(len(titles), items))]
        self.content = [sha256(f"{i} {title}".encode()).hexdigest() for i, title in enumerate(self.titles)]
        pins = [n for n, m in enumerate(self.modality) if m == "image"]
        kept = [
            blobs.keep(lake, picture(f"{user} {seed} {nth}", _COLOURS[self.theme[n]]))
            for nth, n in enumerate(pins[:pictures])
        ]
        shown = {n: kept[nth % pictures] for nth, n in enumerate(pins)}
        self.picture = [shown.get(n) for n in range(items)]
        rng = np.random.default_rng([seed, *user.encode()])
        centre = rng.normal(size=(len(THEMES), DIMENSIONS))
        gap = np.where(np.array(self.modality) == "text", 1.0, -1.0)[:, None] * rng.normal(size=DIMENSIONS)
        felt = centre[self.theme] + rng.normal(size=(items, DIMENSIONS))
        self.annotated, self.raw = _unit(felt + 0.2 * gap), _unit(felt + 2 * gap)

    def table(self, name: str) -> pa.Table:
        """A table by its name: from its vectors, its rows, or its SQL."""
        if name.endswith("_embeddings"):
            vectors = self.raw if name.startswith("raw") else self.annotated
            made_by = {"embedder": "test", "version": "1"}
            return self._vectors(name, vectors, {"config_id": "identity"} if "adapted" in name else made_by)
        if name == "cluster_projections":
            return self._vectors(name, _in_two(self.annotated).astype(np.float32), {})
        rows = getattr(self, f"_{name}", None)
        return spec_of(name).table(rows()) if rows else self._by_sql(name)

    def _by_sql(self, name: str) -> pa.Table:
        step = next(step for step in stages() if step.name == name)
        query = (sql_folder() / "staging" / f"{name}.sql").read_text(encoding="utf-8")
        with sql.connect(self.lake, [spec_of(above) for above in step.upstream], self.user) as connection:
            return connection.sql(query).to_arrow_table()

    def _vectors(self, table: str, vectors: Floats, constants: dict[str, str]) -> pa.Table:
        columns = {
            "artefact_id": pa.array(self.ids),
            "modality": pa.array(self.modality),
            "vector": vector_array(vectors),
            **{name: pa.array([value] * len(self.ids)) for name, value in constants.items()},
        }
        if "content_sha256" in spec_of(table).schema().names:
            columns["content_sha256"] = pa.array(self.content)
        return pa.table(columns)

    def _items(self) -> Iterator[tuple[int, dict[str, Any], str, str]]:
        """Number, id columns, title and theme of each item."""
        for n, (name, modality) in enumerate(zip(self.ids, self.modality, strict=True)):
            yield n, {"artefact_id": name, "modality": modality}, self.titles[n], THEMES[self.theme[n]]

    def _image_blobs(self) -> Iterator[dict[str, Any]]:
        for sha in sorted({sha for sha in self.picture if sha}):
            path = blobs.blob_path(self.lake, sha)
            seen = blobs.inspect(path)
            looks = {name: getattr(seen, name) for name in ("mime", "width", "height", "phash", "status")}
            yield {"sha256": sha, "bytes": path.stat().st_size, "fetched_at": _BEGINNING, **looks}

    def _artefacts(self) -> Iterator[dict[str, Any]]:
        for n, ids, title, theme in self._items():
            text = ids["modality"] == "text"
            yield ids | {
                "source": "folder",
                "hop": n % 3 // 2,
                "title": title,
                "text": f"{title}, said at more length.",
                "tags": [theme],
                "url": f"https://{self.user}.example/{n}" if n % 4 else None,
                "author": "A. N. Author" if text else None,
                "collection": f"{'Letters' if text else 'Board'} {n % 3}",
                "image_sha256": self.picture[n],
                "created_at": _BEGINNING + timedelta(days=n) if n % 7 else None,
                "content_sha256": self.content[n],
            }

    def _annotations(self) -> Iterator[dict[str, Any]]:
        for n, ids, title, theme in self._items():
            yield ids | {
                "summary": f"Of {title}.",
                "aesthetic": f"the look of {theme}",
                "themes": [theme, "attention", "time"],
                "mood": f"the mood of {theme}",
                "lifestyle": f"a life among {theme}",
                "moment": f"why {theme} now",
                "text": f"Of {title}. {theme}.",
                "annotator": "local",
                "prompt_version": "test",
                "status": "ok",
                "content_sha256": self.content[n],
            }

    def _neighbours(self) -> Iterator[dict[str, Any]]:
        """No page reads these; other tables are made from them."""
        for _, ids, *_ in self._items():
            yield ids | {"neighbours": [ids["artefact_id"]], "distances": [0.0]}

    def _clusters(self) -> Iterator[dict[str, Any]]:
        for n, ids, *_ in self._items():
            cluster = self.cluster[n]
            yield ids | {"cluster": cluster, "probability": 0.0 if cluster < 0 else 0.9}

    def _members(self, modality: str, cluster: int) -> list[int]:
        return [n for n, c in enumerate(self.cluster) if c == cluster and self.modality[n] == modality]

    def _cluster_cards(self) -> Iterator[dict[str, Any]]:
        for modality, how in (("text", "written"), ("image", "seen")):
            for cluster, theme in enumerate(THEMES):
                if members := self._members(modality, cluster):
                    yield {
                        "modality": modality,
                        "cluster": cluster,
                        "size": len(members),
                        "label": f"{theme}, {how}",
                        "keywords": theme.split(),
                        "exemplars": [self.ids[n] for n in members[:5]],
                    }

    def _cluster_matches(self) -> Iterator[dict[str, Any]]:
        for cluster in range(len(THEMES)):
            sides = [self._members(modality, cluster) for modality in ("text", "image")]
            if all(sides):
                a, b = (_unit(self.annotated[side].mean(axis=0)) for side in sides)
                accepted = cluster < len(_SPLITS)
                yield {
                    "match": cluster,
                    "modality_a": "text",
                    "cluster_a": cluster,
                    "modality_b": "image",
                    "cluster_b": cluster,
                    "similarity": float(a @ b),
                    "mutual_best": True,
                    "accepted": accepted,
                    "split": _SPLITS[cluster] if accepted else None,
                }

    def _adapters(self) -> Iterator[dict[str, Any]]:
        yield {
            "config_id": "identity",
            "arch": "identity",
            "input": "annotation_embeddings",
            "recipe": "identity",
            "kind": "inductive",
            "seed": 0,
            "train_seconds": 0.0,
            "offset_text": 0.0,
            "offset_image": 0.0,
            "pareto": True,
            "selected": True,
        }

    def _projections(self) -> Iterator[dict[str, Any]]:
        for view, vectors in (("raw", self.raw), ("annotation", self.annotated), ("adapted", self.annotated)):
            flat = _in_two(vectors)
            for method, scale in (("svd", 1.0), ("umap", 8.0)):
                for n, ids, *_ in self._items():
                    x, y = (scale * flat[n]).tolist()
                    yield ids | {"view": view, "method": method, "x": x, "y": y}


def _unit(vectors: Floats) -> Floats:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def _in_two(vectors: Floats) -> Floats:
    """The first two principal components."""
    centred = vectors - vectors.sum(axis=0) / max(1, len(vectors))
    _, directions = np.linalg.eigh(centred.T @ centred)
    return centred @ directions[:, -2:]
