"""From tables to the arrays that adapters are trained and judged on: the items of accepted matches."""

import numpy as np
import pyarrow as pa

from qualia_assets.lake.specs import vectors
from qualia_assets.method.clustering import NOISE
from qualia_assets.method.grid import Matched
from qualia_assets.method.scorecard import Protocol
from qualia_assets.settings import Settings


def matched_items(embeddings: pa.Table, clusters: pa.Table, cluster_matches: pa.Table) -> Matched:
    """The embedded items whose cluster is in an accepted match, in order of item id."""
    of_cluster = {}
    for row in cluster_matches.to_pylist():
        if row["accepted"]:
            of_cluster[row["modality_a"], row["cluster_a"]] = row["match"], row["split"]
            of_cluster[row["modality_b"], row["cluster_b"]] = row["match"], row["split"]
    placed = {
        item: of_cluster[modality, cluster]
        for item, modality, cluster in zip(
            *(clusters[c].to_pylist() for c in ("artefact_id", "modality", "cluster")), strict=True
        )
        if cluster != NOISE and (modality, cluster) in of_cluster
    }
    ids = embeddings["artefact_id"].to_pylist()
    keep = np.array([i for i, item in enumerate(ids) if item in placed], dtype=np.int64)
    matches = [placed[ids[i]] for i in keep]
    return Matched(
        vectors=vectors(embeddings)[keep],
        modality=np.array(embeddings["modality"].to_pylist(), dtype=np.str_)[keep],
        match=np.array([match for match, _ in matches], dtype=np.int64),
        split=np.array([split for _, split in matches], dtype=np.str_),
    )


def protocol(settings: Settings) -> Protocol:
    """How figures are taken, from the settings."""
    m = settings.measuring
    return Protocol(m.k, m.bootstrap_draws, m.balanced_draws, settings.seed)
