"""The experiment in the lake: every recipe on many splits and label sources, beside doing nothing."""

from dataclasses import astuple
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from qualia_assets.defs.experiments import cluster_agreement, experiment_trials
from qualia_assets.lake.specs import vector_array
from qualia_assets.lake.tables import CLUSTER_AGREEMENT, CLUSTER_MATCHES
from qualia_assets.method.experiment import summarise
from qualia_assets.sources.demo import ground_truth
from qualia_assets_tests.places import USER, in_a_run, lake_of, qualia

TABLES = ("experiment_trials", "experiment_results", "cluster_agreement")
SOURCES = {"matches", "view", "people:text", "people:image"}
HEADLINE = "cross_modal_r_precision"
TRIED = {
    "identity",
    "linear-t0.1-b0-s0",
    "mlp-t0.1-b0-s0",
    "linear-t0.1-b0.3ratio-s0",
    "mlp-t0.1-b0.3ratio-s0",
    "linear-t0.1-b1share-s0",
    "mlp-t0.1-b1share-s0",
    "distilled",
    "lexicon",
    "lexicon+smoothing",
}
SELECTIONS = {"selected:paper", "selected:inductive", "selected:transductive"}


@pytest.fixture
def trials(finished: Path) -> pd.DataFrame:
    return lake_of(finished).read("experiment_trials", USER).to_pandas()


def the_headline(rows: pd.DataFrame) -> pd.DataFrame:
    """Cross-modal R-precision of both directions on the full gallery."""
    return rows[
        (rows["metric"] == HEADLINE) & (rows["query_modality"] == "all") & (rows["gallery"] == "full")
    ]


def test_every_recipe_and_selection_is_tried_on_every_split_of_every_label_source(
    trials: pd.DataFrame,
) -> None:
    tried = trials.groupby(["labels", "split_seed"])["config_id"].agg(set).to_dict()

    assert set(tried) == set(product(SOURCES, (0, 1)))
    assert all(names == TRIED | SELECTIONS for names in tried.values())
    transductive = set(trials.loc[trials["kind"] == "transductive", "config_id"])
    assert transductive == {"lexicon+smoothing", "selected:transductive"}


def test_results_compare_each_recipe_to_doing_nothing_on_the_same_splits(
    trials: pd.DataFrame, finished: Path
) -> None:
    x = the_headline(trials).set_index(["labels", "config_id", "split_seed"])["value"].sort_index()
    results = the_headline(lake_of(finished).read("experiment_results", USER).to_pandas())
    columns = ["mean", "std", "difference", "difference_low", "difference_high", "wins", "splits"]

    for (labels, config), row in results.set_index(["labels", "config_id"]).iterrows():
        # 0.3 of the matches are for the test, 0.4 for training.
        expected = summarise(dict(x[labels, config]), dict(x[labels, "identity"]), [], 0.3 / 0.4)
        assert tuple(row[columns]) == pytest.approx(astuple(expected)[: len(columns)])
        if labels == "matches":
            # Two matches are held out.
            assert row["chance"] == pytest.approx(0.5)
    assert set(zip(results["labels"], results["config_id"], strict=True)) == set(
        product(("matches", "view"), TRIED | SELECTIONS)
    )


def test_collections_are_evaluated_within_one_modality(trials: pd.DataFrame) -> None:
    for labels in ("people:text", "people:image"):
        mine = trials[(trials["labels"] == labels) & trials["value"].notna()]

        coherence = mine[(mine["metric"] == "coherence") & (mine["config_id"] == "identity")]
        assert coherence["value"].between(0, 1).all()
        # Two boards of 14 items each are held out: of 27 others 13 are of the same one.
        assert coherence["chance"].to_list() == pytest.approx([13 / 27] * len(coherence))
        assert not set(mine["metric"]) & {HEADLINE, "modality_ratio", "same_modality_share"}


def test_an_experiment_that_is_up_to_date_is_kept_and_its_headline_shown(place: Path) -> None:
    paths = [lake_of(place).path(name, USER) for name in TABLES]
    written = [path.stat().st_mtime_ns for path in paths]

    done = qualia("experiment", "--user", USER)

    assert done.exit_code == 0, done.output
    assert [path.stat().st_mtime_ns for path in paths] == written
    assert f"Experiment on '{USER}'" in done.output
    for config in TRIED | SELECTIONS:
        assert config in done.output


def test_labels_of_fewer_than_three_matches_or_collections_are_not_split_and_the_log_says_so(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_of(place)
    matches = lake.read("cluster_matches", USER).to_pylist()
    few = CLUSTER_MATCHES.table([row | {"accepted": row["match"] < 2} for row in matches])
    named = lake.read("artefacts", USER)
    unnamed = named.drop_columns("collection").append_column("collection", pa.nulls(len(named), pa.string()))
    # In the view of words no two clusters are that near.
    monkeypatch.setenv("QUALIA_MATCHING__THRESHOLD", "1.0")
    monkeypatch.setenv("QUALIA_ADAPTERS__ARCHITECTURES", "[]")
    monkeypatch.setenv("QUALIA_ADAPTERS__RECIPES", "[]")

    for artefacts, least, labels in (
        (named, 14, {"people:text", "people:image"}),
        (named, 15, set()),
        (unnamed, 2, set()),
    ):
        monkeypatch.setenv("QUALIA_EXPERIMENT__LEAST_COLLECTION", str(least))
        log: list[str] = []
        inputs = {name: lake.read(name, USER) for name in experiment_trials.inputs}
        inputs |= {"artefacts": artefacts, "cluster_matches": few}
        made = in_a_run(lambda run, given=inputs: experiment_trials.compute(run, **given), log)
        for table in made.tables.values():
            assert set(table["labels"].to_pylist()) == labels
        for few_labels in ("matches", "view"):
            line = f"Labels from {few_labels}: fewer than three matches, so there is nothing"
            assert any(logged.startswith(line) for logged in log)


def test_clusters_are_compared_to_a_users_collections(finished: Path) -> None:
    rows = lake_of(finished).read("cluster_agreement", USER).to_pylist()

    # Themes are known only of a demo user.
    assert {row["labels"] for row in rows} == {"people"}
    metrics = ("ari", "ami", "ari_without_noise", "ami_without_noise")
    assert {(row["space"], row["modality"], row["metric"]) for row in rows} == set(
        product(("annotation", "adapted"), ("text", "image"), metrics)
    )
    # Here boards are themes, and so are clusters.
    assert all(row["value"] > 0.3 for row in rows)


def test_clusters_and_matches_of_a_demo_user_are_compared_to_its_themes() -> None:
    by_theme: dict[tuple[str, str], list[str]] = {}
    for item, theme in sorted(ground_truth().items()):
        by_theme.setdefault((theme, "text" if item.startswith("e") else "image"), []).append(f"demo:{item}")
    themes = sorted({theme for theme, _ in by_theme})
    assert len(themes) == 16
    # Eight items of each theme and modality, at the theme's corner and in its cluster.
    rows = sorted((i, kind, themes.index(t)) for (t, kind), ids in by_theme.items() for i in ids[:8])
    ids, kinds, cluster = (list(column) for column in zip(*rows, strict=True))
    corners = np.eye(16)[cluster] + 0.02 * np.random.default_rng(0).normal(size=(len(ids), 16))
    items = pa.table({"artefact_id": ids, "modality": kinds})
    embedded = items.append_column(
        "vector", vector_array(corners / np.linalg.norm(corners, axis=1, keepdims=True))
    )
    # Two themes are matched to one another, two have no match.
    pairs = [(0, 1), (1, 0), *((n, n) for n in range(2, 14))]
    match = {"modality_a": "text", "modality_b": "image", "similarity": 0.9, "split": "train"}
    match |= {"mutual_best": True, "accepted": True}

    made = in_a_run(
        lambda run: cluster_agreement.compute(
            run,
            artefacts=items.append_column("collection", pa.nulls(len(ids), pa.string())),
            annotation_embeddings=embedded,
            adapted_embeddings=embedded,
            clusters=items.append_column("cluster", pa.array(cluster)),
            cluster_matches=CLUSTER_MATCHES.table(
                match | {"match": n, "cluster_a": a, "cluster_b": b} for n, (a, b) in enumerate(pairs)
            ),
        )
    )

    found: dict[tuple[Any, ...], tuple[float | None, int]] = {
        (row["labels"], row["space"], row["modality"], row["metric"]): (row["value"], row["n"])
        for row in CLUSTER_AGREEMENT.conform(made.tables["cluster_agreement"]).to_pylist()
    }
    assert found["planted", "annotation", "pairs", "themes_matched"] == (12 / 16, 16)
    # In the adapted space clusters and matches are made anew, of items in sixteen corners.
    assert found["planted", "adapted", "pairs", "themes_matched"] == (1, 16)
    for where in product(("annotation", "adapted"), ("text", "image"), ("ari", "ami")):
        assert found["planted", *where] == (pytest.approx(1), 128)
        # Nobody named these items.
        assert found["people", *where][0] is None
