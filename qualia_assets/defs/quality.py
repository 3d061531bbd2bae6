"""Whether the clusters can be trusted: noise, stability over seeds, and pairs that look forced."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from qualia_assets.defs.clusters import MODALITIES, graph, of_modality
from qualia_assets.defs.metadata import markdown_table
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.tables import CLUSTER_QUALITY
from qualia_assets.method import clustering
from qualia_assets.method.clustering import NOISE
from qualia_assets.method.labelling import stability
from qualia_assets.method.matching import centroids
from qualia_assets.method.projection import umap_project

STABLE = 0.5
"""Below this mean ARI between seeds, clusters say more about the seed than about the items."""
FORCED = 0.25
"""With this share of accepted pairs that are not each other's nearest, the threshold is too low."""


@stage(
    CLUSTER_QUALITY,
    group="clusters",
    kinds=["umap", "hdbscan"],
    depends_on=lambda s: [s.clustering.model_dump(), s.measuring.stability_seeds, s.seed],
)
def cluster_quality(
    run: Run,
    neighbours: pa.Table,
    annotation_embeddings: pa.Table,
    clusters: pa.Table,
    cluster_matches: pa.Table,
) -> Made:
    rows: list[dict[str, Any]] = []
    for done, modality in enumerate(MODALITIES):
        run.progress("clustering again with other seeds", done, len(MODALITIES))
        rows += _of_modality(run, modality, neighbours, annotation_embeddings, clusters)
    run.progress("clustering again with other seeds", len(MODALITIES), len(MODALITIES))
    rows += _of_pairs(annotation_embeddings, clusters, cluster_matches)
    for row in rows:
        if row["note"]:
            run.log(f"{row['modality']}: {row['note']}")
    shown = [(r["metric"], r["modality"], r["value"], r["note"]) for r in rows]
    return Made(
        {"cluster_quality": CLUSTER_QUALITY.table(rows)},
        {"quality": markdown_table(("figure", "of", "value", "note"), shown)},
    )


def _of_modality(
    run: Run, modality: str, neighbours: pa.Table, embeddings: pa.Table, clusters: pa.Table
) -> Iterator[dict[str, Any]]:
    found = of_modality(clusters, modality)["cluster"].to_numpy()
    number, noise = (
        len(np.unique(found[found != NOISE])),
        float(np.mean(found == NOISE)) if len(found) else None,
    )
    yield _row("clusters", modality, float(number), len(found))
    yield _row("noise_share", modality, noise, len(found), None if len(found) else "there are no items")
    chosen, seeds = run.settings.clustering, run.settings.measuring.stability_seeds
    if not number:
        yield _row("stability", modality, None, 0, "there are no clusters")
        return
    items = vectors(of_modality(embeddings, modality))
    # The first seed is that of the clusters themselves.
    others = []
    for seed in range(run.settings.seed + 1, run.settings.seed + seeds):
        projected = umap_project(items, graph(neighbours, modality), chosen.dimensions, chosen.epochs, seed)
        others.append(
            clustering.hdbscan_clusters(
                projected, chosen.min_cluster_size, chosen.min_samples, chosen.largest_share
            ).cluster
        )
    stable = stability([found, *others])
    note = None
    if stable is not None and stable < STABLE:
        note = (
            f"clusters differ much between seeds (mean ARI {stable:.2f}): read single ones with care; "
            "more items, or a larger clustering.min_cluster_size, makes them steadier"
        )
    yield _row("stability", modality, stable, seeds, note)


def _of_pairs(embeddings: pa.Table, clusters: pa.Table, matches: pa.Table) -> Iterator[dict[str, Any]]:
    pairs = matches.to_pylist()
    accepted = [pair for pair in pairs if pair["accepted"]]
    nothing = None if pairs else "there is no pair of clusters"
    none_accepted = None if accepted else "no pair is accepted"
    share = len(accepted) / len(pairs) if pairs else None
    yield _row("accepted_share", "pairs", share, len(pairs), nothing)
    similar = float(np.mean([p["similarity"] for p in accepted])) if accepted else None
    yield _row("accepted_similarity", "pairs", similar, len(accepted), none_accepted)
    sides = [
        centroids(vectors(of_modality(embeddings, m)), of_modality(clusters, m)["cluster"].to_numpy())[1]
        for m in MODALITIES
    ]
    every = sides[0] @ sides[1].T
    background = float(every.mean()) if every.size else None
    yield _row("background_similarity", "pairs", background, int(every.size), nothing)
    forced = [p for p in accepted if not p["mutual_best"]]
    note = none_accepted
    if accepted and len(forced) / len(accepted) >= FORCED:
        note = (
            f"{len(forced)} of {len(accepted)} accepted pairs are not each other's nearest and look forced; "
            "a higher matching.threshold would leave them out"
        )
    yield _row(
        "forced_share", "pairs", len(forced) / len(accepted) if accepted else None, len(accepted), note
    )


def _row(metric: str, modality: str, value: float | None, n: int, note: str | None = None) -> dict[str, Any]:
    return {"metric": metric, "modality": modality, "value": value, "n": n, "note": note}
