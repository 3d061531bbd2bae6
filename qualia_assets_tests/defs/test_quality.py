"""Whether clusters can be trusted: figures that can be checked by hand, or the reason why there is none."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from qualia_assets.defs.clusters import cluster_projections, clusters
from qualia_assets.defs.quality import cluster_quality
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.tables import CLUSTER_MATCHES, CLUSTER_QUALITY
from qualia_assets.method.labelling import stability
from qualia_assets_tests.places import USER, in_a_run, lake_of

MODALITIES = ("text", "image")
Figures = dict[tuple[str, str], dict[str, Any]]


def by_figure(table: pa.Table) -> Figures:
    return {(row["metric"], row["modality"]): row for row in table.to_pylist()}


def quality(place: Path, log: list[str] | None = None, **others: pa.Table) -> Figures:
    """The figures made from the tables of a place, some of them replaced."""
    inputs = {name: lake_of(place).read(name, USER) for name in cluster_quality.inputs} | others
    made = in_a_run(lambda run: cluster_quality.compute(run, **inputs), log)
    return by_figure(CLUSTER_QUALITY.conform(made.tables["cluster_quality"]))


def all_noise(place: Path) -> pa.Table:
    table = lake_of(place).read("clusters", USER)
    noise = pa.array([-1] * len(table), pa.int64())
    return table.set_column(table.column_names.index("cluster"), "cluster", noise)


@pytest.mark.parametrize("modality", MODALITIES)
def test_clusters_and_noise_are_counted_by_modality(modality: str, finished: Path) -> None:
    lake = lake_of(finished)
    figures = by_figure(lake.read("cluster_quality", USER))

    mine = [row["cluster"] for row in lake.read("clusters", USER).to_pylist() if row["modality"] == modality]

    assert figures["clusters", modality]["value"] == len(set(mine) - {-1})
    assert figures["noise_share", modality]["value"] == mine.count(-1) / 84
    assert figures["noise_share", modality]["n"] == 84


def test_stability_is_the_agreement_with_the_clusters_of_another_seed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_of(place)
    figure = by_figure(lake.read("cluster_quality", USER))["stability", "text"]
    graph, items = (lake.read(name, USER) for name in ("neighbours", "annotation_embeddings"))

    monkeypatch.setenv("QUALIA_SEED", "1")
    again = in_a_run(lambda run: clusters.compute(run, cluster_projections.compute(run, graph, items)))

    of_seeds = [
        np.array([row["cluster"] for row in table.to_pylist() if row["modality"] == "text"])
        for table in (lake.read("clusters", USER), again.tables["clusters"])
    ]
    assert figure["value"] == pytest.approx(stability(of_seeds))
    assert figure["n"] == 2
    assert (figure["note"] is None) == (figure["value"] >= 0.5)


def test_the_similarity_of_accepted_pairs_is_beside_that_of_any_two_clusters(finished: Path) -> None:
    lake = lake_of(finished)
    figures = by_figure(lake.read("cluster_quality", USER))
    members: dict[tuple[str, int], list[Any]] = {}
    items = vectors(lake.read("annotation_embeddings", USER))
    for vector, row in zip(items, lake.read("clusters", USER).to_pylist(), strict=True):
        if row["cluster"] >= 0:
            members.setdefault((row["modality"], row["cluster"]), []).append(vector)
    middle = {key: np.sum(m, axis=0) / np.linalg.norm(np.sum(m, axis=0)) for key, m in members.items()}
    cosines = [float(middle[t] @ middle[i]) for t, i in product(middle, middle) if (t[0], i[0]) == MODALITIES]
    pairs = lake.read("cluster_matches", USER).to_pylist()
    accepted = [pair["similarity"] for pair in pairs if pair["accepted"]]

    assert figures["background_similarity", "pairs"]["n"] == len(cosines)
    assert figures["background_similarity", "pairs"]["value"] == pytest.approx(np.mean(cosines))
    assert figures["accepted_similarity", "pairs"]["value"] == pytest.approx(np.mean(accepted))
    assert figures["accepted_share", "pairs"]["value"] == len(accepted) / len(pairs)


@pytest.mark.parametrize(("one_sided", "warned"), [(0, False), (1, False), (2, True), (6, True)])
def test_many_pairs_that_are_not_each_others_nearest_look_forced(
    one_sided: int, warned: bool, finished: Path
) -> None:
    pair = lake_of(finished).read("cluster_matches", USER).to_pylist()[0] | {"accepted": True}
    pairs = CLUSTER_MATCHES.table(
        pair | {"match": n, "cluster_a": n, "cluster_b": n, "mutual_best": n >= one_sided} for n in range(6)
    )
    log: list[str] = []

    # Without clusters there is no stability, the slowest of the figures.
    figures = quality(finished, log, clusters=all_noise(finished), cluster_matches=pairs)

    forced = figures["forced_share", "pairs"]
    assert (forced["value"], forced["n"]) == (one_sided / 6, 6)
    # One of six is below a quarter of them, two are above.
    assert (forced["note"] is not None) == warned
    if warned:
        assert f"{one_sided} of 6 accepted pairs are not each other's nearest" in forced["note"]
        assert "a higher matching.threshold" in forced["note"]
        assert f"pairs: {forced['note']}" in log


def test_without_an_accepted_pair_there_is_no_similarity_but_a_reason(finished: Path) -> None:
    pairs = lake_of(finished).read("cluster_matches", USER).to_pylist()
    none = CLUSTER_MATCHES.table(pair | {"accepted": False} for pair in pairs)

    figures = quality(finished, clusters=all_noise(finished), cluster_matches=none)

    assert figures["accepted_share", "pairs"]["value"] == 0
    for name in ("accepted_similarity", "forced_share"):
        figure = figures[name, "pairs"]
        assert (figure["value"], figure["note"]) == (None, "no pair is accepted")


def test_without_clusters_or_items_there_are_no_figures_but_a_reason(finished: Path) -> None:
    lake = lake_of(finished)
    tables = {name: lake.read(name, USER) for name in ("neighbours", "annotation_embeddings")}
    tables["clusters"] = all_noise(finished)
    texts = {name: table.filter(pa.compute.field("modality") == "text") for name, table in tables.items()}

    figures = quality(finished, **texts, cluster_matches=CLUSTER_MATCHES.table([]))

    assert figures["clusters", "text"]["value"] == 0
    assert figures["noise_share", "text"]["value"] == 1
    for figure, reason in (
        (("noise_share", "image"), "there are no items"),
        (("stability", "text"), "there are no clusters"),
        (("stability", "image"), "there are no clusters"),
        (("accepted_share", "pairs"), "there is no pair of clusters"),
        (("background_similarity", "pairs"), "there is no pair of clusters"),
    ):
        assert (figures[figure]["value"], figures[figure]["note"]) == (None, reason)
