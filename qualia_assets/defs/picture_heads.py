"""Pictures in the space of texts: their features, and the head that is fitted on the captioned ones."""

from dataclasses import asdict

import numpy as np
import pyarrow as pa

from qualia_assets.defs.clusters import of_modality
from qualia_assets.defs.metadata import markdown_table
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.embed.imagenet import FEATURES, NAME, WEIGHTS_SHA256, ImageNetClassifier
from qualia_assets.embed.local import is_conse
from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.specs import row_numbers, vector_array, vectors
from qualia_assets.lake.tables import PICTURE_FEATURES, PICTURE_HEAD_FIGURES, PICTURE_VECTORS
from qualia_assets.method import picture_head
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats


@stage(PICTURE_FEATURES, group="embeddings", external_version=lambda run: WEIGHTS_SHA256)
def picture_features(run: Run, artefacts: pa.Table, raw_embeddings: pa.Table) -> pa.Table:
    own = of_modality(raw_embeddings, "image")
    conse = is_conse(own["version"][0].as_py()) if own.num_rows else True
    if not conse:
        # The embedder sees pictures itself: its vectors are the features.
        return own.select(["artefact_id", "modality", "vector"]).append_column("encoder", own["embedder"])
    items = [row for row in artefacts.to_pylist() if row["modality"] == "image"]
    classifier = ImageNetClassifier(run.settings.models, run.settings.cores, run.state)
    files = {row["image_sha256"]: blob_path(run.lake, row["image_sha256"]) for row in items}
    seen = classifier.features(files, run.progress)
    kept = [row for row in items if row["image_sha256"] in seen]
    matrix = np.array([seen[row["image_sha256"]] for row in kept], dtype=np.float32).reshape(-1, FEATURES)
    return pa.table(
        {
            "artefact_id": pa.array([row["artefact_id"] for row in kept], pa.string()),
            "modality": pa.array([row["modality"] for row in kept], pa.string()),
            "vector": vector_array(matrix),
            "encoder": pa.array([NAME] * len(kept), pa.string()),
        }
    )


@stage(
    PICTURE_VECTORS,
    PICTURE_HEAD_FIGURES,
    group="embeddings",
    depends_on=lambda s: [s.measuring.bootstrap_draws, s.seed],
)
def picture_vectors(
    run: Run, picture_features: pa.Table, raw_embeddings: pa.Table, caption_embeddings: pa.Table
) -> Made:
    seed = run.settings.seed
    ids, pictures = pictures_of(picture_features, raw_embeddings, caption_embeddings)
    chosen = picture_head.choose(pictures, seed, run.settings.measuring.bootstrap_draws)
    if chosen.note:
        run.log(f"No head is fitted on the pictures: it {chosen.note}.")
    rows = [
        {
            **{key: value for key, value in asdict(figure).items() if key not in ("recipe", "k")},
            "head": figure.recipe.name,
            "k": figure.k or 0,
            "learnt_from": chosen.learnt_from,
            "selected": figure.recipe == chosen.recipe,
        }
        for figure in chosen.figures
    ]
    if chosen.note and pictures.untouched is None:
        # Neither captions to learn from nor vectors of its own: such a picture has no place among texts.
        ids, mapped = [], np.zeros((0, 1), dtype=np.float32)
    else:
        mapped = picture_head.out_of_fold(chosen.recipe, pictures, seed)
    table = pa.table(
        {
            "artefact_id": pa.array(ids, pa.string()),
            "modality": pa.array(["image"] * len(ids), pa.string()),
            "vector": vector_array(mapped),
            "head": pa.array([chosen.recipe.name] * len(ids), pa.string()),
        }
    )
    shown = [
        (r["head"], r["direction"], r["value"], r["chance"], r["n"], "*" if r["selected"] else "")
        for r in rows
        if (r["split"], r["metric"], r["k"], r["calibrated"]) == ("test", "recall", 10, True)
    ]
    return Made(
        {"picture_vectors": table, "picture_head_figures": PICTURE_HEAD_FIGURES.table(rows)},
        {
            "head": chosen.recipe.name,
            "recall_at_10": markdown_table(("head", "direction", "recall@10", "chance", "n", ""), shown),
        },
    )


def pictures_of(
    picture_features: pa.Table, raw_embeddings: pa.Table, caption_embeddings: pa.Table
) -> tuple[list[str], picture_head.Pictures]:
    """Return the ids of a user's pictures, and what a head sees of them.

    Where the embedder gives pictures vectors at all, one without is left out.
    """
    own = of_modality(raw_embeddings, "image")
    place = row_numbers(own)
    ids: list[str] = picture_features["artefact_id"].to_pylist()
    rows = [i for i, item in enumerate(ids) if not place or item in place]
    ids = [ids[i] for i in rows]
    untouched = _centred(vectors(own)[[place[item] for item in ids]]) if place else None

    row_of = row_numbers(caption_embeddings)
    captioned = [i for i, item in enumerate(ids) if item in row_of]
    told = [row_of[ids[i]] for i in captioned]
    captions = np.zeros((len(ids), vectors(caption_embeddings).shape[1]), dtype=np.float32)
    captions[captioned] = vectors(caption_embeddings)[told]
    group = np.full(len(ids), -1, dtype=np.int64)
    # Captions in the same words share a number.
    hashes = np.array(caption_embeddings["content_sha256"].to_pylist(), dtype=np.str_)
    group[captioned] = np.unique(hashes, return_inverse=True)[1][told]
    features = picture_head.prepared(vectors(picture_features)[rows])
    return ids, picture_head.Pictures(features, untouched, captions, group)


def _centred(own: Floats) -> Floats:
    """Take off the mean that all pictures share; a vector that is nothing but the mean stays as it is."""
    less = own - own.mean(axis=0) if len(own) else own
    alike = np.linalg.norm(less, axis=1, keepdims=True) < 1e-6
    return unit(np.where(alike, own, less))
