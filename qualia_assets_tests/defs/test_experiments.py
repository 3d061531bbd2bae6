"""The experiment: every recipe on many splits and label sources, as tables that can be checked."""

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
from qualia_assets.settings import load_settings
from qualia_assets.sources.demo import ground_truth
from qualia_assets_tests.places import USER, in_a_run, lake_of, plan_of, qualia

SOURCES = {"matches", "view", "people:text", "people:image"}
FIGURE = ["metric", "gallery", "query_modality", "k", "calibrated"]
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
PICKS = {"selected:paper", "selected:inductive", "selected:transductive"}


@pytest.fixture
def trials(finished: Path) -> pd.DataFrame:
    return lake_of(finished).read("experiment_trials", USER).to_pandas()


@pytest.fixture
def results(finished: Path) -> pd.DataFrame:
    return lake_of(finished).read("experiment_results", USER).to_pandas()


def the_headline(rows: pd.DataFrame) -> pd.DataFrame:
    """Cross-modal R-precision of both directions on the full gallery."""
    asked = (rows["metric"] == HEADLINE) & (rows["query_modality"] == "all") & (rows["gallery"] == "full")
    return rows[asked]


def test_every_recipe_and_every_pick_is_tried_on_every_split_of_every_label_source(
    trials: pd.DataFrame,
) -> None:
    asked = trials.groupby(["labels", "split_seed"])["config_id"].agg(set).to_dict()

    assert set(asked) == set(product(SOURCES, (0, 1)))
    assert all(tried == TRIED | PICKS for tried in asked.values())


def test_only_what_saw_the_items_it_is_judged_on_is_called_transductive(trials: pd.DataFrame) -> None:
    seen = set(trials.loc[trials["kind"] == "transductive", "config_id"])

    assert seen == {"lexicon+smoothing", "selected:transductive"}


def test_a_pick_is_one_of_its_candidates_or_doing_nothing(trials: pd.DataFrame) -> None:
    candidates = {
        "selected:paper": {name for name in TRIED if name.startswith(("linear", "mlp"))},
        "selected:inductive": TRIED - {"lexicon+smoothing"},
        "selected:transductive": {"lexicon+smoothing"},
    }
    keys = ["labels", "split_seed", *FIGURE]
    for pick, allowed in candidates.items():
        mine = trials[trials["config_id"] == pick].set_index(keys)["value"]
        for (labels, seed), part in mine.groupby(["labels", "split_seed"]):
            same = [
                name
                for name in allowed | {"identity"}
                if part.equals(
                    trials[
                        (trials["config_id"] == name)
                        & (trials["labels"] == labels)
                        & (trials["split_seed"] == seed)
                    ].set_index(keys)["value"]
                )
            ]
            assert same, f"{pick} on split {seed} of {labels} is none of its candidates"


def test_results_are_means_over_splits_and_differences_to_doing_nothing_on_the_same_split(
    trials: pd.DataFrame, results: pd.DataFrame
) -> None:
    # Of the matches 0.3 are for the test, 0.4 for training; Student's t of one degree of freedom, 97.5 %.
    test_by_train, t = 0.3 / 0.4, 12.7062
    x = the_headline(trials).set_index(["labels", "config_id", "split_seed"])["value"]
    told = the_headline(results).set_index(["labels", "config_id"])

    for labels, config in product(("matches", "view"), TRIED | PICKS):
        a, b = x[labels, config, 0], x[labels, config, 1]
        gains = a - x[labels, "identity", 0], b - x[labels, "identity", 1]
        reach = t * ((1 / 2 + test_by_train) * (gains[0] - gains[1]) ** 2 / 2) ** 0.5

        row = told.loc[labels, config]
        assert row["mean"] == pytest.approx((a + b) / 2)
        assert row["std"] == pytest.approx(abs(a - b) / 2)
        assert row["difference"] == pytest.approx(sum(gains) / 2)
        assert row["difference_low"] == pytest.approx(sum(gains) / 2 - reach, abs=1e-4)
        assert row["difference_high"] == pytest.approx(sum(gains) / 2 + reach, abs=1e-4)
        assert (row["wins"], row["splits"]) == (sum(gain > 0 for gain in gains), 2)


def test_of_two_held_out_matches_half_is_found_by_chance(results: pd.DataFrame) -> None:
    of_matches = the_headline(results)[lambda rows: rows["labels"] == "matches"]

    assert of_matches["chance"].to_list() == pytest.approx([0.5] * len(TRIED | PICKS))


def test_collections_are_judged_within_one_modality(trials: pd.DataFrame) -> None:
    for labels in ("people:text", "people:image"):
        mine = trials[(trials["labels"] == labels) & trials["value"].notna()]

        coherence = mine[(mine["metric"] == "coherence") & (mine["config_id"] == "identity")]
        assert coherence["value"].between(0, 1).all()
        # Two boards of 14 items each are held out: of 27 others 13 are of the same one.
        assert coherence["chance"].to_list() == pytest.approx([13 / 27] * len(coherence))
        assert not set(mine["metric"]) & {HEADLINE, "modality_ratio", "same_modality_share"}


def test_it_is_no_part_of_a_users_run(place: Path) -> None:
    made = {step.name for step in plan_of(force=True).todo}

    assert made.isdisjoint({"experiment_trials", "cluster_agreement"})
    assert {"metrics", "figures"} <= made


def test_the_command_shows_the_headline_and_writes_a_page_with_its_pictures(place: Path) -> None:
    done = qualia("experiment", "--user", USER, "--out", str(place / "docs" / "results.md"))

    assert done.exit_code == 0, done.output
    assert f"Experiment on '{USER}'" in done.output
    for config in TRIED | PICKS:
        assert config in done.output
    assert "Written: " in done.output
    page = (place / "docs" / "results.md").read_text(encoding="utf-8")
    assert "lexicon+smoothing" in page
    assert len(list((place / "docs" / "results").glob(f"{USER}-*.png"))) == 4


def test_asked_for_again_it_is_kept_and_by_force_it_has_the_same_bytes_in_two_processes(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [
        lake_of(place).path(name, USER)
        for name in ("experiment_trials", "experiment_results", "cluster_agreement")
    ]
    before = [path.read_bytes() for path in paths]
    written = [path.stat().st_mtime_ns for path in paths]

    assert qualia("experiment", "--user", USER).exit_code == 0
    assert [path.stat().st_mtime_ns for path in paths] == written

    monkeypatch.setenv("QUALIA_THREADS", "2")
    done = qualia("experiment", "--user", USER, "--force")
    assert done.exit_code == 0, done.output
    assert [path.read_bytes() for path in paths] == before
    assert all(path.stat().st_mtime_ns > old for path, old in zip(paths, written, strict=True))


def test_labels_of_fewer_than_three_matches_are_not_split_and_the_log_says_so(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_of(place)
    inputs = {
        name: lake.read(name, USER)
        for name in ("artefacts", "annotations", "annotation_embeddings", "clusters", "cluster_matches")
    }
    few = [row | {"accepted": row["match"] < 2} for row in inputs["cluster_matches"].to_pylist()]
    inputs["cluster_matches"] = CLUSTER_MATCHES.table(few)
    nobody = pa.nulls(len(inputs["artefacts"]), pa.string())
    where = inputs["artefacts"].column_names.index("collection")
    inputs["artefacts"] = inputs["artefacts"].set_column(where, "collection", nobody)
    # No two clusters are as near as that in the view of words.
    monkeypatch.setenv("QUALIA_MATCHING__THRESHOLD", "1.0")
    said: list[str] = []

    made = in_a_run(lambda run: experiment_trials.compute(run, **inputs), said)

    for labels in ("matches", "view"):
        assert any(
            line.startswith(f"Labels from {labels}: fewer than three matches, so there is nothing")
            for line in said
        )
    assert made.tables["experiment_trials"].num_rows == made.tables["experiment_results"].num_rows == 0


def test_collections_with_too_few_items_are_no_label(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = {
        name: lake_of(place).read(name, USER)
        for name in ("artefacts", "annotations", "annotation_embeddings", "clusters", "cluster_matches")
    }
    inputs["cluster_matches"] = CLUSTER_MATCHES.table([])
    monkeypatch.setenv("QUALIA_MATCHING__THRESHOLD", "1.0")
    monkeypatch.setenv("QUALIA_ADAPTERS__ARCHITECTURES", "[]")
    monkeypatch.setenv("QUALIA_ADAPTERS__RECIPES", "[]")

    found = []
    for least in (14, 15):
        monkeypatch.setenv("QUALIA_EXPERIMENT__LEAST_COLLECTION", str(least))
        assert load_settings().experiment.least_collection == least
        made = in_a_run(lambda run: experiment_trials.compute(run, **inputs))
        found.append(set(made.tables["experiment_trials"]["labels"].to_pylist()))

    assert found == [{"people:text", "people:image"}, set()]


def test_clusters_are_held_against_what_people_called_things_and_nothing_is_planted_in_a_users_own(
    finished: Path,
) -> None:
    rows = lake_of(finished).read("cluster_agreement", USER).to_pylist()

    assert {row["labels"] for row in rows} == {"people"}
    assert {(row["space"], row["modality"], row["metric"]) for row in rows} == set(
        product(
            ("annotation", "adapted"),
            ("text", "image"),
            ("ari", "ami", "ari_without_noise", "ami_without_noise"),
        )
    )
    # Boards are themes here, and themes are what clusters are of.
    assert all(row["value"] > 0.3 for row in rows)


class Planted:
    """Demo items that lie at the corner of their theme, and their clusters: one for each theme."""

    def __init__(self, each: int = 8) -> None:
        by_theme: dict[tuple[str, str], list[str]] = {}
        for item, theme in sorted(ground_truth().items()):
            kind = "text" if item.startswith("e") else "image"
            by_theme.setdefault((theme, kind), []).append(f"demo:{item}")
        self.themes = sorted({theme for theme, _ in by_theme})
        self.items = sorted(
            (item, kind, self.themes.index(theme))
            for (theme, kind), items in by_theme.items()
            for item in items[:each]
        )

    def tables(self, pairs: list[tuple[int, int]]) -> dict[str, pa.Table]:
        ids, kinds, themes = (list(column) for column in zip(*self.items, strict=True))
        noise = np.random.default_rng(0).normal(size=(len(ids), len(self.themes)))
        corners = np.eye(len(self.themes))[themes] + 0.02 * noise
        corners /= np.linalg.norm(corners, axis=1, keepdims=True)
        items = pa.table({"artefact_id": ids, "modality": kinds})
        embedded = items.append_column("vector", vector_array(corners))
        return {
            "artefacts": items.append_column("collection", pa.nulls(len(ids), pa.string())),
            "annotation_embeddings": embedded,
            "adapted_embeddings": embedded,
            "clusters": items.append_column("cluster", pa.array(themes)),
            "cluster_matches": CLUSTER_MATCHES.table(
                {
                    "match": number,
                    "modality_a": "text",
                    "cluster_a": a,
                    "modality_b": "image",
                    "cluster_b": b,
                    "similarity": 0.9,
                    "mutual_best": True,
                    "accepted": True,
                    "split": "train",
                }
                for number, (a, b) in enumerate(pairs)
            ),
        }


def test_of_a_demo_user_it_is_known_which_themes_were_found_and_matched_to_themselves() -> None:
    planted = Planted()
    # Two themes are matched to one another, two pairs are missing.
    pairs = [(0, 1), (1, 0), *((n, n) for n in range(2, 14))]

    made = in_a_run(lambda run: cluster_agreement.compute(run, **planted.tables(pairs)))

    rows: dict[tuple[Any, ...], dict[str, Any]] = {
        (row["labels"], row["space"], row["modality"], row["metric"]): row
        for row in CLUSTER_AGREEMENT.conform(made.tables["cluster_agreement"]).to_pylist()
    }
    assert len(planted.themes) == 16
    before = rows["planted", "annotation", "pairs", "themes_matched"]
    assert (before["value"], before["n"]) == (12 / 16, 16)
    # In the adapted space clusters and matches are made anew, of items that lie in sixteen corners.
    assert rows["planted", "adapted", "pairs", "themes_matched"]["value"] == 1
    for space, modality, metric in product(("annotation", "adapted"), ("text", "image"), ("ari", "ami")):
        assert rows["planted", space, modality, metric]["value"] == pytest.approx(1)
        assert rows["planted", space, modality, metric]["n"] == 128
        # Nobody called these items anything.
        assert rows["people", space, modality, metric]["value"] is None
