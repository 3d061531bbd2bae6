"""All metrics, and the query histograms, in each space."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from qualia_assets.defs.corpora import corpus, protocol, words
from qualia_assets.defs.metadata import markdown_table
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake.specs import row_numbers, vectors
from qualia_assets.lake.tables import METRICS, QUERY_HISTOGRAMS
from qualia_assets.lake.weights import read_weights
from qualia_assets.method.adapters import apply
from qualia_assets.method.calibration import Calibration
from qualia_assets.method.corpus import Corpus
from qualia_assets.method.histograms import cosine_histogram, occurrence_histogram
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.scorecard import evaluate, recall_metrics
from qualia_assets.search.index import calibration_of

SPLITS = ("val", "test")


@dataclass(frozen=True)
class _Space:
    """One space to be evaluated: the items, their vectors in it, and the calibration of searches there."""

    name: str
    config_id: str | None
    items: Corpus
    vectors: Floats
    calibration: Calibration | None


@stage(
    METRICS,
    QUERY_HISTOGRAMS,
    group="metrics",
    code_version="4",
    depends_on=lambda s: [s.measuring.model_dump(), s.seed],
)
def metrics(
    run: Run,
    raw_embeddings: pa.Table,
    caption_embeddings: pa.Table,
    annotation_embeddings: pa.Table,
    clusters: pa.Table,
    cluster_matches: pa.Table,
    adapters: pa.Table,
) -> Made:
    chosen = protocol(run.settings)
    annotated = corpus(annotation_embeddings, clusters, cluster_matches, words(run))
    raw = corpus(raw_embeddings, clusters, cluster_matches)
    fitted = adapters.to_pylist()
    as_it_is = calibration_of(next(row for row in fitted if row["recipe"] == "identity"))

    def adapted(row: dict[str, Any]) -> _Space:
        weights = read_weights(run.lake, row["weights"])
        moved = apply(annotated.vectors, annotated.modality, weights, annotated.lexicon)
        return _Space("adapted", row["config_id"], annotated, moved, calibration_of(row))

    spaces: list[Callable[[], _Space]] = [
        lambda: _Space("raw", None, raw, raw.vectors, None),
        lambda: _Space("annotation", None, annotated, annotated.vectors, as_it_is),
        *(partial(adapted, row) for row in fitted),
    ]
    rows: list[dict[str, Any]] = []
    bars: list[dict[str, Any]] = []
    for done, of in enumerate(spaces):
        run.progress("measuring spaces", done, len(spaces))
        space = of()
        where = {"space": space.name, "config_id": space.config_id}
        for split in SPLITS:
            points = space.items.points(split, space.vectors)
            if len(points.matches):
                rows += [
                    {**where, "split": split, **asdict(f)}
                    for f in evaluate(points, chosen, space.calibration)
                ]
            else:
                run.log(f"{space.name}: no {split} matches, so nothing is measured there")
        test = space.items.points("test", space.vectors)
        for bar in (*cosine_histogram(test, chosen.k), *occurrence_histogram(test, chosen.k)):
            named = {"bin_low": bar.low, "bin_high": bar.high, "count": bar.count}
            bars.append({**where, "kind": bar.kind, "query_modality": bar.query_modality, **named})
    run.progress("measuring spaces", len(spaces), len(spaces))
    pictures, captions = captioned(raw_embeddings, caption_embeddings)
    rows += [
        {"space": "raw", "config_id": None, "split": "all", **asdict(f)}
        for f in recall_metrics(pictures, captions, chosen)
    ]
    selected = next(row["config_id"] for row in adapters.to_pylist() if row["selected"])
    return Made(
        {"metrics": METRICS.table(rows), "query_histograms": QUERY_HISTOGRAMS.table(bars)},
        dict(_summary(rows, selected)),
    )


def captioned(raw_embeddings: pa.Table, caption_embeddings: pa.Table) -> tuple[Floats, Floats]:
    """Return the vectors of captioned pins and of their captions, row by row, both of shape (pins, d)."""
    of_pin = row_numbers(raw_embeddings)
    ids = caption_embeddings["artefact_id"].to_pylist()
    keep = [i for i, item in enumerate(ids) if item in of_pin]
    return vectors(raw_embeddings)[[of_pin[ids[i]] for i in keep]], vectors(caption_embeddings)[keep]


def _summary(rows: list[dict[str, Any]], selected: str) -> Iterator[tuple[str, Any]]:
    """Yield what the UI shows: the selected adapter on test matches, beside doing nothing."""
    shown = []
    for metric in (
        "coherence",
        "cross_modal_r_precision",
        "modality_bias",
        "same_modality_share",
        "uniformity",
    ):
        line: list[Any] = [metric]
        for space, config in (("annotation", None), ("adapted", selected)):
            value = next(
                (
                    r["value"]
                    for r in rows
                    if (r["space"], r["config_id"], r["metric"], r["split"])
                    == (space, config, metric, "test")
                    and (r["gallery"], r["query_modality"], r["calibrated"]) == ("full", "all", False)
                ),
                None,
            )
            line.append(value)
        shown.append(line)
    yield "on_test", markdown_table(("test matches", "doing nothing", f"selected: {selected}"), shown)
    for metric, _, value in shown[:2]:
        if value is not None:
            yield f"test_{metric}", value
