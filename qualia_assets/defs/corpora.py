"""From tables to the arrays that adapters are fitted to and evaluated on."""

import numpy as np
import pyarrow as pa

from qualia_assets.defs.resources import Run
from qualia_assets.embed.lexicon import lexicon
from qualia_assets.embed.providers import make_embedder
from qualia_assets.lake.specs import vectors
from qualia_assets.method.clustering import NOISE
from qualia_assets.method.corpus import NO_LEXICON, UNMATCHED, Corpus
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.scorecard import Protocol
from qualia_assets.settings import Settings


def corpus(
    embeddings: pa.Table, clusters: pa.Table, cluster_matches: pa.Table, words: Floats = NO_LEXICON
) -> Corpus:
    """Return all embedded items in order of item id, with their clusters, accepted matches and splits."""
    of_cluster = {}
    for row in cluster_matches.to_pylist():
        if row["accepted"]:
            of_cluster[row["modality_a"], row["cluster_a"]] = row["match"], row["split"]
            of_cluster[row["modality_b"], row["cluster_b"]] = row["match"], row["split"]
    cluster_of = dict(zip(clusters["artefact_id"].to_pylist(), clusters["cluster"].to_pylist(), strict=True))
    modality = embeddings["modality"].to_pylist()
    cluster = [cluster_of.get(item, NOISE) for item in embeddings["artefact_id"].to_pylist()]
    placed = [of_cluster.get((m, c), (UNMATCHED, "")) for m, c in zip(modality, cluster, strict=True)]
    return Corpus(
        vectors=vectors(embeddings),
        modality=np.array(modality, dtype=np.str_),
        cluster=np.array(cluster, dtype=np.int64),
        match=np.array([match for match, _ in placed], dtype=np.int64),
        split=np.array([split for _, split in placed], dtype=np.str_),
        lexicon=words,
    )


def words(run: Run) -> Floats:
    """Return the vectors of common words in the annotation space, shape (words, d)."""
    embedder = make_embedder(run.settings, run.state, run.budget_for("lexicon"))
    return lexicon(embedder, run.settings.adapters.lexicon_words, run.state, run.progress)


def protocol(settings: Settings) -> Protocol:
    """Return the evaluation protocol that the settings describe."""
    m = settings.measuring
    return Protocol(m.k, m.bootstrap_draws, m.balanced_draws, settings.seed)
