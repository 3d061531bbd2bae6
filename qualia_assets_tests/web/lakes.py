"""Small users written straight into a lake: planted themes, real pictures, footers as a run leaves them.

Belongs here: users for tests of the pages that need no run of the graph. What a stage computes is tested in
``defs`` and ``method``; here its tables only look as they do there.
"""

import io
from collections.abc import Collection, Iterable, Sequence
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
"""What is written of a user, as a run would: each table after those that it is made from."""


@cache
def _upstream() -> dict[str, tuple[str, ...]]:
    return {spec.name: step.upstream for step in stages() for spec in step.specs}


@cache
def spec_of(table: str) -> TableSpec:
    """The spec of a table, of those that SQL files make, too."""
    return TABLES.get(table) or next(s for step in stages() for s in step.specs if s.name == table)


def write(lake: Lake, user: str, name: str, table: pa.Table | Iterable[dict[str, Any]]) -> None:
    """Write one table as its stage would: the footer says what lies in the lake of what it is made from."""
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
    """Write a user whose items lie in five themes, each a cluster of posts matched to one of pins.

    Every ninth item is noise, and the last pair is not accepted. Doing nothing is the selected adapter.

    Args:
        lake: into which.
        user: the user's key.
        items: how many, of all modalities.
        titles: of the first items, in the order of their ids; the others are named by theme and number.
        seed: another seed gives other items; it is in every id (``item_id``).
        modalities: of which items there are.
        pictures: distinct ones at most.
        tables: which to write; those that a run makes later than all of these may be left out.
    """
    made = _Made(lake, user, items, titles, seed, tuple(modalities), pictures)
    for name in ORDER:
        if name in tables:
            write(lake, user, name, made.table(name))


def item_id(user: str, number: int, seed: int = 0) -> str:
    """The id of a user's item; the first is number 0."""
    return f"folder:{user}-{seed}-{number:05d}"


def picture(name: str, colour: tuple[int, int, int]) -> bytes:
    """A small PNG; another name gives another."""
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
        self.lake, self.user, self.seed = lake, user, seed
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
        own = rng.normal(size=(items, DIMENSIONS))
        felt = centre[self.theme] + own
        self.annotated, self.raw = _unit(felt + 0.2 * gap), _unit(felt + 2 * gap)

    def table(self, name: str) -> pa.Table:
        made = getattr(self, f"_{name}", None)
        return made() if made else self._by_sql(name)

    def _by_sql(self, name: str) -> pa.Table:
        step = next(step for step in stages() if step.name == name)
        query = (sql_folder() / "staging" / f"{name}.sql").read_text(encoding="utf-8")
        with sql.connect(self.lake, [spec_of(above) for above in step.upstream], self.user) as connection:
            return connection.sql(query).to_arrow_table()

    def _each(self, **more: Iterable[Any]) -> list[dict[str, Any]]:
        """A row for each item."""
        columns = {"artefact_id": self.ids, "modality": self.modality, **more}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _image_blobs(self) -> pa.Table:
        rows = []
        for sha in sorted({sha for sha in self.picture if sha}):
            path = blobs.blob_path(self.lake, sha)
            seen = blobs.inspect(path)
            rows.append(
                {
                    "sha256": sha,
                    "mime": seen.mime,
                    "width": seen.width,
                    "height": seen.height,
                    "bytes": path.stat().st_size,
                    "phash": seen.phash,
                    "status": seen.status,
                    "fetched_at": _BEGINNING,
                }
            )
        return spec_of("image_blobs").table(rows)

    def _artefacts(self) -> pa.Table:
        numbers = range(len(self.ids))
        rows = self._each(
            source=["folder" for _ in numbers],
            hop=[n % 3 // 2 for n in numbers],
            title=self.titles,
            text=[f"{title}, said at more length." for title in self.titles],
            tags=[[THEMES[theme]] for theme in self.theme],
            url=[f"https://{self.user}.example/{n}" if n % 4 else None for n in numbers],
            author=["A. N. Author" if m == "text" else None for m in self.modality],
            collection=[
                f"{'Letters' if m == 'text' else 'Board'} {n % 3}" for n, m in enumerate(self.modality)
            ],
            image_sha256=self.picture,
            created_at=[_BEGINNING + timedelta(days=n) if n % 7 else None for n in numbers],
            content_sha256=self.content,
        )
        return spec_of("artefacts").table(rows)

    def _annotations(self) -> pa.Table:
        words = [THEMES[theme] for theme in self.theme]
        rows = self._each(
            summary=[f"Of {title}." for title in self.titles],
            aesthetic=[f"the look of {word}" for word in words],
            themes=[[word, "attention", "time"] for word in words],
            mood=[f"the mood of {word}" for word in words],
            lifestyle=[f"a life among {word}" for word in words],
            moment=[f"why {word} now" for word in words],
            text=[f"Of {title}. {word}." for title, word in zip(self.titles, words, strict=True)],
            annotator=["local" for _ in words],
            prompt_version=["test" for _ in words],
            status=["ok" for _ in words],
            content_sha256=self.content,
        )
        return spec_of("annotations").table(rows)

    def _vectors(self, table: str, vectors: Floats, **more: str) -> pa.Table:
        columns = {
            "artefact_id": pa.array(self.ids),
            "modality": pa.array(self.modality),
            "vector": vector_array(vectors),
            **{name: pa.array([value] * len(self.ids)) for name, value in more.items()},
        }
        if "content_sha256" in spec_of(table).schema().names:
            columns["content_sha256"] = pa.array(self.content)
        return pa.table(columns)

    def _raw_embeddings(self) -> pa.Table:
        return self._vectors("raw_embeddings", self.raw, embedder="test", version="1")

    def _annotation_embeddings(self) -> pa.Table:
        return self._vectors("annotation_embeddings", self.annotated, embedder="test", version="1")

    def _adapted_embeddings(self) -> pa.Table:
        return self._vectors("adapted_embeddings", self.annotated, config_id="identity")

    def _neighbours(self) -> pa.Table:
        """Nobody looks at these: they are there for what is made of them to be known by."""
        rows = self._each(neighbours=[[i] for i in self.ids], distances=[[0.0] for _ in self.ids])
        return spec_of("neighbours").table(rows)

    def _cluster_projections(self) -> pa.Table:
        return self._vectors("cluster_projections", _in_two(self.annotated).astype(np.float32))

    def _clusters(self) -> pa.Table:
        surely = [0.0 if cluster < 0 else 0.9 for cluster in self.cluster]
        return spec_of("clusters").table(self._each(cluster=self.cluster, probability=surely))

    def _members(self, modality: str, cluster: int) -> list[int]:
        return [n for n, c in enumerate(self.cluster) if c == cluster and self.modality[n] == modality]

    def _both(self) -> list[int]:
        """The clusters that both modalities have."""
        return [c for c in range(len(THEMES)) if self._members("text", c) and self._members("image", c)]

    def _cluster_cards(self) -> pa.Table:
        rows = []
        for modality in ("text", "image"):
            for cluster, theme in enumerate(THEMES):
                members = self._members(modality, cluster)
                if members:
                    rows.append(
                        {
                            "modality": modality,
                            "cluster": cluster,
                            "size": len(members),
                            "label": f"{theme}, {'written' if modality == 'text' else 'seen'}",
                            "keywords": theme.split(),
                            "exemplars": [self.ids[n] for n in members[:5]],
                        }
                    )
        return spec_of("cluster_cards").table(rows)

    def _cluster_matches(self) -> pa.Table:
        rows = []
        for cluster in self._both():
            ends = [_unit(self.annotated[self._members(m, cluster)].mean(axis=0)) for m in ("text", "image")]
            accepted = cluster < len(_SPLITS)
            rows.append(
                {
                    "match": cluster,
                    "modality_a": "text",
                    "cluster_a": cluster,
                    "modality_b": "image",
                    "cluster_b": cluster,
                    "similarity": float(ends[0] @ ends[1]),
                    "mutual_best": True,
                    "accepted": accepted,
                    "split": _SPLITS[cluster] if accepted else None,
                }
            )
        return spec_of("cluster_matches").table(rows)

    def _adapters(self) -> pa.Table:
        identity = {
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
        return spec_of("adapters").table([identity])

    def _projections(self) -> pa.Table:
        tables = []
        for view, vectors in (("raw", self.raw), ("annotation", self.annotated), ("adapted", self.annotated)):
            flat = _in_two(vectors)
            for method, scale in (("svd", 1.0), ("umap", 8.0)):
                x, y = (scale * flat).T.astype(np.float32)
                told = [pa.array([word] * len(self.ids)) for word in (view, method)]
                tables.append(
                    pa.Table.from_arrays(
                        [pa.array(self.ids), pa.array(self.modality), *told, pa.array(x), pa.array(y)],
                        schema=spec_of("projections").schema(),
                    )
                )
        return pa.concat_tables(tables)


def _unit(vectors: Floats) -> Floats:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def _in_two(vectors: Floats) -> Floats:
    """Two dimensions in which the themes lie apart: the first two principal components."""
    centred = vectors - vectors.sum(axis=0) / max(1, len(vectors))
    _, directions = np.linalg.eigh(centred.T @ centred)
    return centred @ directions[:, -2:]
