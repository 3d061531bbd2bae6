"""Whether clusters can be trusted: counts that can be checked by hand, and words where a figure is none."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from qualia_assets.defs.clusters import cluster_projections, clusters
from qualia_assets.defs.quality import cluster_quality
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.tables import CLUSTER_MATCHES, CLUSTER_QUALITY
from qualia_assets_tests.places import USER, in_a_run, lake_of

INPUTS = ("neighbours", "annotation_embeddings", "clusters", "cluster_matches")


def by_figure(table: pa.Table) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["metric"], row["modality"]): row for row in table.to_pylist()}


def quality(
    place: Path, others: Mapping[str, pa.Table], said: list[str] | None = None
) -> dict[tuple[str, str], dict[str, Any]]:
    """The figures, made from the tables of a place, some of them replaced."""
    inputs = {name: lake_of(place).read(name, USER) for name in INPUTS} | dict(others)
    made = in_a_run(lambda run: cluster_quality.compute(run, **inputs), said)
    return by_figure(CLUSTER_QUALITY.conform(made.tables["cluster_quality"]))


@pytest.mark.parametrize("modality", ["text", "image"])
def test_clusters_and_noise_are_counted_for_each_modality(modality: str, finished: Path) -> None:
    lake = lake_of(finished)
    found = by_figure(lake.read("cluster_quality", USER))

    mine = [row["cluster"] for row in lake.read("clusters", USER).to_pylist() if row["modality"] == modality]

    assert found["clusters", modality]["value"] == len(set(mine) - {-1})
    assert found["noise_share", modality]["value"] == mine.count(-1) / 84
    assert found["noise_share", modality]["n"] == 84


def test_stability_is_how_often_another_seed_puts_two_items_together_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_of(place)
    found = by_figure(lake.read("cluster_quality", USER))["stability", "text"]
    graph, items = (lake.read(name, USER) for name in ("neighbours", "annotation_embeddings"))
    first = lake.read("clusters", USER)

    monkeypatch.setenv("QUALIA_SEED", "1")
    again = in_a_run(lambda run: clusters.compute(run, cluster_projections.compute(run, graph, items)))

    a, b = (
        [row["cluster"] for row in table.to_pylist() if row["modality"] == "text"]
        for table in (first, again.tables["clusters"])
    )
    assert found["value"] == pytest.approx(adjusted_rand(a, b))
    assert found["n"] == 2
    assert (found["note"] is None) == (found["value"] >= 0.5)


def adjusted_rand(a: list[int], b: list[int]) -> float:
    """From all pairs of items: agreements less those by chance, by what there could be of them."""
    pairs = list(combinations(range(len(a)), 2))
    in_a = sum(a[i] == a[j] for i, j in pairs)
    in_b = sum(b[i] == b[j] for i, j in pairs)
    in_both = sum(a[i] == a[j] and b[i] == b[j] for i, j in pairs)
    by_chance = in_a * in_b / len(pairs)
    return (in_both - by_chance) / ((in_a + in_b) / 2 - by_chance)


def test_accepted_similarity_stands_beside_that_of_any_two_clusters(finished: Path) -> None:
    lake = lake_of(finished)
    found = by_figure(lake.read("cluster_quality", USER))
    items, place = lake.read("annotation_embeddings", USER), lake.read("clusters", USER).to_pylist()
    pairs = lake.read("cluster_matches", USER).to_pylist()

    members: dict[tuple[str, int], list[Any]] = {}
    for vector, row in zip(vectors(items), place, strict=True):
        members.setdefault((row["modality"], row["cluster"]), []).append(vector)
    middle = {key: np.sum(m, axis=0) / np.linalg.norm(np.sum(m, axis=0)) for key, m in members.items()}
    cosines = [
        float(middle[t] @ middle[i])
        for t in middle
        for i in middle
        if (t[0], i[0]) == ("text", "image") and t[1] >= 0 and i[1] >= 0
    ]

    assert found["background_similarity", "pairs"]["n"] == len(cosines)
    assert found["background_similarity", "pairs"]["value"] == pytest.approx(sum(cosines) / len(cosines))
    accepted = [pair["similarity"] for pair in pairs if pair["accepted"]]
    assert found["accepted_similarity", "pairs"]["value"] == pytest.approx(sum(accepted) / len(accepted))
    assert found["accepted_share", "pairs"]["value"] == len(accepted) / len(pairs)


@pytest.mark.parametrize(("one_sided", "warned"), [(0, False), (1, False), (2, True), (6, True)])
def test_pairs_that_are_not_each_others_nearest_look_forced(
    one_sided: int, warned: bool, place: Path
) -> None:
    pairs = lake_of(place).read("cluster_matches", USER).to_pylist()
    for number, pair in enumerate(pairs):
        pair["mutual_best"] = number >= one_sided
    said: list[str] = []

    found = quality(place, {"cluster_matches": CLUSTER_MATCHES.table(pairs)}, said)

    forced = found["forced_share", "pairs"]
    assert len(pairs) == 6 == forced["n"]
    assert forced["value"] == one_sided / 6
    # One of six is below a quarter of them, two are above.
    assert (forced["note"] is not None) == warned
    if warned:
        assert f"{one_sided} of 6 accepted pairs are not each other's nearest" in forced["note"]
        assert "a higher matching.threshold" in forced["note"]
        assert f"pairs: {forced['note']}" in said


def test_where_no_pair_is_accepted_there_is_no_similarity_and_a_reason(place: Path) -> None:
    pairs = [pair | {"accepted": False} for pair in lake_of(place).read("cluster_matches", USER).to_pylist()]

    found = quality(place, {"cluster_matches": CLUSTER_MATCHES.table(pairs)})

    assert found["accepted_share", "pairs"]["value"] == 0
    for figure in ("accepted_similarity", "forced_share"):
        assert (found[figure, "pairs"]["value"], found[figure, "pairs"]["note"]) == (
            None,
            "no pair is accepted",
        )


def test_without_clusters_there_is_no_figure_but_its_reason(place: Path) -> None:
    table = lake_of(place).read("clusters", USER)
    noise = table.set_column(
        table.column_names.index("cluster"), "cluster", pa.array([-1] * len(table), pa.int64())
    )

    found = quality(place, {"clusters": noise, "cluster_matches": CLUSTER_MATCHES.table([])})

    for modality in ("text", "image"):
        assert found["clusters", modality]["value"] == 0
        assert found["noise_share", modality]["value"] == 1
        steady = found["stability", modality]
        assert (steady["value"], steady["note"]) == (None, "there are no clusters")
    for figure in ("accepted_share", "background_similarity"):
        row = found[figure, "pairs"]
        assert (row["value"], row["note"]) == (None, "there is no pair of clusters")


def test_a_modality_without_items_has_no_noise(place: Path) -> None:
    lake = lake_of(place)
    texts = {
        name: (table := lake.read(name, USER)).filter(pa.compute.equal(table["modality"], "text"))
        for name in ("neighbours", "annotation_embeddings", "clusters")
    }

    found = quality(place, {**texts, "cluster_matches": CLUSTER_MATCHES.table([])})

    assert found["noise_share", "image"]["value"] is None
    assert found["noise_share", "image"]["note"] == "there are no items"
    assert found["noise_share", "text"]["value"] is not None
