"""From embeddings to matched clusters: neighbour graph, UMAP, HDBSCAN, names, Hungarian, split."""

from typing import Any

import numpy as np
import pyarrow as pa

from qualia_assets.defs.metadata import markdown_table
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake.specs import row_numbers, vector_array, vectors
from qualia_assets.lake.tables import (
    CLUSTER_CARDS,
    CLUSTER_MATCHES,
    CLUSTER_PROJECTIONS,
    CLUSTERS,
    NEIGHBOURS,
)
from qualia_assets.method import clustering, matching, naming
from qualia_assets.method.clustering import NOISE
from qualia_assets.method.neighbours import Floats, Ints, nearest
from qualia_assets.method.projection import umap_project

MODALITIES = ("text", "image")


def of_modality(table: pa.Table, modality: str) -> pa.Table:
    """Return the rows of one modality, in their order."""
    return table.filter(pa.compute.equal(table["modality"], modality))


@stage(NEIGHBOURS, group="clusters", depends_on=lambda s: s.clustering.neighbours)
def neighbours(run: Run, annotation_embeddings: pa.Table) -> pa.Table:
    parts = []
    for modality in MODALITIES:
        items = of_modality(annotation_embeddings, modality)
        ids = np.array(items["artefact_id"].to_pylist(), dtype=object)
        indices, distances = nearest(vectors(items), run.settings.clustering.neighbours)
        parts.append(
            pa.table(
                {
                    "artefact_id": items["artefact_id"],
                    "modality": items["modality"],
                    "neighbours": pa.array([list(ids[row]) for row in indices], pa.list_(pa.string())),
                    "distances": pa.array(list(distances), pa.list_(pa.float32())),
                }
            )
        )
    return pa.concat_tables(parts)


def graph(neighbours: pa.Table, modality: str) -> tuple[Ints, Floats]:
    """Return neighbours and distances in one modality's graph, both of shape (items, k), as row numbers."""
    items = of_modality(neighbours, modality)
    position = row_numbers(items)
    rows = items["neighbours"].to_pylist()
    indices = np.array([[position[n] for n in row] for row in rows], dtype=np.int64)
    distances = np.array(items["distances"].to_pylist(), dtype=np.float32)
    shape = (len(rows), len(rows[0]) if rows else 0)
    return indices.reshape(shape), distances.reshape(shape)


@stage(
    CLUSTER_PROJECTIONS,
    group="clusters",
    kinds=["umap"],
    depends_on=lambda s: [s.clustering.dimensions, s.clustering.epochs, s.seed],
)
def cluster_projections(run: Run, neighbours: pa.Table, annotation_embeddings: pa.Table) -> pa.Table:
    chosen = run.settings.clustering
    parts = []
    for done, modality in enumerate(MODALITIES):
        run.progress("projecting with UMAP", done, len(MODALITIES))
        items = of_modality(annotation_embeddings, modality)
        projected = umap_project(
            vectors(items), graph(neighbours, modality), chosen.dimensions, chosen.epochs, run.settings.seed
        )
        parts.append(
            items.select(["artefact_id", "modality"]).append_column("vector", vector_array(projected))
        )
    run.progress("projecting with UMAP", len(MODALITIES), len(MODALITIES))
    return pa.concat_tables(parts)


@stage(
    CLUSTERS,
    group="clusters",
    kinds=["hdbscan"],
    code_version="2",
    depends_on=lambda s: [
        s.clustering.min_cluster_size,
        s.clustering.min_samples,
        s.clustering.largest_share,
    ],
)
def clusters(run: Run, cluster_projections: pa.Table) -> Made:
    before = run.previous("clusters")
    earlier = (
        dict(zip(before["artefact_id"].to_pylist(), before["cluster"].to_pylist(), strict=True))
        if before
        else {}
    )
    chosen = run.settings.clustering
    parts, summary = [], []
    for modality in MODALITIES:
        items = of_modality(cluster_projections, modality)
        ids = items["artefact_id"].to_pylist()
        found = clustering.hdbscan_clusters(
            vectors(items), chosen.min_cluster_size, chosen.min_samples, chosen.largest_share
        )
        names = clustering.keep_ids(
            found.cluster, np.array([earlier.get(i, NOISE) for i in ids], dtype=np.int64)
        )
        parts.append(
            items.select(["artefact_id", "modality"])
            .append_column("cluster", pa.array(names))
            .append_column("probability", pa.array(found.probability))
        )
        number = len(np.unique(names[names != NOISE]))
        summary.append((modality, len(ids), number, found.noise_share))
        if ids and not number:
            run.log(
                f"No {modality} clusters: all {len(ids)} items are noise. More items, or a smaller "
                "clustering.min_cluster_size in qualia.toml, would find some."
            )
    table = markdown_table(("modality", "items", "clusters", "noise share"), summary)
    return Made({"clusters": pa.concat_tables(parts)}, {"clusters_found": table})


@stage(CLUSTER_CARDS, group="clusters")
def cluster_cards(
    run: Run, clusters: pa.Table, annotations: pa.Table, artefacts: pa.Table, annotation_embeddings: pa.Table
) -> pa.Table:
    annotated = {row["artefact_id"]: row for row in annotations.to_pylist()}
    titled = {
        row["artefact_id"]: row
        for row in artefacts.select(["artefact_id", "title", "text", "tags"]).to_pylist()
    }
    rows: list[dict[str, Any]] = []
    for modality in MODALITIES:
        items = of_modality(clusters, modality)
        ids = items["artefact_id"].to_pylist()
        labels = items["cluster"].to_numpy()
        words = naming.keywords([_words(titled[i]) for i in ids], labels)
        felt = naming.keywords([_felt(annotated[i]) for i in ids], labels)
        names = naming.distinct_labels(felt, words)
        typical = naming.exemplars(vectors(of_modality(annotation_embeddings, modality)), labels)
        rows += [
            {
                "modality": modality,
                "cluster": c,
                "size": int((labels == c).sum()),
                "label": names[c],
                "keywords": [*felt[c][:4], *words[c]],
                "exemplars": [ids[i] for i in typical[c]],
            }
            for c in names
        ]
    return CLUSTER_CARDS.table(rows)


def _words(artefact: dict[str, Any]) -> list[str]:
    return naming.words(" ".join([artefact["title"] or "", artefact["text"] or "", *artefact["tags"]]))


def _felt(annotation: dict[str, Any]) -> list[str]:
    """Return the phrases that name a feeling, mood and aesthetic first."""
    named = [annotation["mood"], annotation["aesthetic"], annotation["lifestyle"], *annotation["themes"]]
    return [phrase for phrase in named if phrase]


@stage(
    CLUSTER_MATCHES,
    group="clusters",
    depends_on=lambda s: [s.matching.model_dump(), s.seed],
)
def cluster_matches(run: Run, clusters: pa.Table, annotation_embeddings: pa.Table) -> Made:
    chosen = run.settings.matching
    sides = [
        matching.centroids(
            vectors(of_modality(annotation_embeddings, m)), of_modality(clusters, m)["cluster"].to_numpy()
        )
        for m in MODALITIES
    ]
    found = matching.hungarian(sides[0], sides[1], chosen.threshold)
    before = run.previous("cluster_matches")
    earlier = {(r["cluster_a"], r["cluster_b"]): r["match"] for r in before.to_pylist()} if before else {}
    numbers = matching.number_matches([(m.cluster_a, m.cluster_b) for m in found], earlier)
    accepted = [n for n, m in zip(numbers, found, strict=True) if m.accepted]
    splits = matching.split_matches(accepted, chosen.train_share, chosen.val_share, run.settings.seed)
    rows = [
        {
            "match": number,
            "modality_a": "text",
            "cluster_a": m.cluster_a,
            "modality_b": "image",
            "cluster_b": m.cluster_b,
            "similarity": m.similarity,
            "mutual_best": m.mutual_best,
            "accepted": m.accepted,
            "split": splits.get(number),
        }
        for number, m in zip(numbers, found, strict=True)
    ]
    if not accepted:
        run.log(
            f"No accepted match: {len(found)} pairs of clusters, none with a cosine of {chosen.threshold} "
            "or more. Without matches nothing can be trained or evaluated; the stages downstream say so."
        )
    counted = [(side, list(splits.values()).count(side)) for side in ("train", "val", "test")]
    return Made(
        {"cluster_matches": CLUSTER_MATCHES.table(rows)},
        {
            "accepted_matches": len(accepted),
            "splits": markdown_table(("split", "matches"), counted),
            "threshold": str(chosen.threshold),
        },
    )
