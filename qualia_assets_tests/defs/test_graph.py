"""One user through the real graph: real materialisations, real Parquet, the local providers."""

import base64
import re
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from qualia_assets.defs.catalogue import stages
from qualia_assets.lake.specs import vectors
from qualia_assets.runs.execution import RunError, run_stages
from qualia_assets_tests.places import (
    PICTURES,
    PROJECT_ROOT,
    USER,
    answers_kept,
    lake_of,
    metadata_of,
    qualia,
    run,
)

STAGES = {step.name: step for step in stages()}
FROM_ARTEFACTS_ON = [
    spec.name
    for step in stages()
    if step.group not in ("sources", "marts") and not step.on_demand
    for spec in step.specs
]


def long_titles(place: Path) -> list[bytes]:
    titles = lake_of(place).read("artefacts", USER)["title"].to_pylist()
    return [title.encode() for title in titles if title and len(title) > 8]


def test_every_table_is_there_and_is_what_its_spec_says(finished: Path) -> None:
    lake = lake_of(finished)
    for step in stages():
        for spec in step.specs:
            table = lake.read(spec.name, USER if spec.per_user else None)
            assert spec.violations(spec.conform(table)) == []


def test_every_item_is_annotated_and_embedded(finished: Path) -> None:
    lake = lake_of(finished)
    ids = lake.read("artefacts", USER)["artefact_id"].to_pylist()
    assert len(ids) == 168
    for table in ("annotations", "raw_embeddings", "annotation_embeddings", "adapted_embeddings"):
        assert lake.read(table, USER)["artefact_id"].to_pylist() == ids
    assert vectors(lake.read("annotation_embeddings", USER)).shape == (168, 384)


def test_the_collection_is_kept_but_not_shown_to_a_provider(finished: Path) -> None:
    lake = lake_of(finished)
    collections = set(lake.read("artefacts", USER)["collection"].to_pylist())
    assert collections == {f"{kind}-{n}" for kind in ("publication", "board") for n in range(6)}
    texts = " ".join(lake.read("annotations", USER)["text"].to_pylist())
    assert [name for name in collections if name in texts] == []


def test_every_picture_is_a_small_png_that_opens(finished: Path) -> None:
    lake = lake_of(finished)
    rows = lake.read("figures", USER).to_pylist()
    assert {row["name"] for row in rows} == PICTURES
    for row in (row for row in rows if row["path"].endswith(".png")):
        path = lake.root / row["path"]
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert min(image.size) > 300
        assert path.stat().st_size == row["bytes"] < 300_000


def test_the_map_is_a_page_in_one_file_without_what_the_user_read_or_saved(finished: Path) -> None:
    lake = lake_of(finished)
    row = next(row for row in lake.read("figures", USER).to_pylist() if row["name"] == "map_page")
    assert row["path"].endswith("map.html")
    page = (lake.root / row["path"]).read_bytes()
    held = re.search(rb'id="held-points">([^<]+)<', page)
    assert held is not None
    everything = page + base64.b64decode(held[1])
    assert all(card["label"].encode() in everything for card in lake.read("cluster_cards", USER).to_pylist())
    assert [title for title in long_titles(finished) if title in everything] == []


def test_the_marts_are_published_for_all_users_as_one_duckdb_file(finished: Path) -> None:
    with duckdb.connect(str(finished / "lake" / "qualia.duckdb"), read_only=True) as connection:
        names = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert names == {
            "paper_table_1",
            "paper_table_2",
            "paper_table_3",
            "own_recipes",
            "costs",
            "user_overview",
            "stage_freshness",
        }
        users = connection.execute("SELECT user, texts, images FROM user_overview").fetchall()
        assert users == [(USER, 84, 84)]
        one_layer = connection.execute("SELECT temperature, balance_weight, balance_term FROM paper_table_2")
        assert set(one_layer.fetchall()) == {(0.1, 0.0, None), (0.1, 0.3, "ratio"), (0.1, 0.3, "share")}


def test_dagster_keeps_only_aggregates_and_nothing_that_a_user_read_or_saved(finished: Path) -> None:
    stored = b"".join(path.read_bytes() for path in (finished / "dagster").rglob("*") if path.is_file())
    assert b"by_modality" in stored
    assert [title for title in long_titles(finished) if title in stored] == []


def test_a_stage_materialised_again_is_kept_where_nothing_changed(place: Path) -> None:
    path = lake_of(place).path("clusters", USER)
    before = path.stat().st_mtime_ns
    with dg.DagsterInstance.get() as instance:
        first = metadata_of("clusters", instance)
        made = run_stages(USER, [STAGES["clusters"]], instance)
        again = metadata_of("clusters", instance)
    assert {"dagster/column_schema", "dagster/column_lineage"} <= first.keys()
    assert first["dagster/row_count"] == again["dagster/row_count"] == 168
    assert "noise share" in str(first["clusters_found"])
    assert (made, again["kept"]) == (0, True)
    assert path.stat().st_mtime_ns == before


def test_a_forced_run_gives_every_table_the_same_bytes(place: Path) -> None:
    lake = lake_of(place)
    before = {name: lake.path(name, USER).read_bytes() for name in FROM_ARTEFACTS_ON}
    answers, adapters = answers_kept(), pq.read_table(lake.path("adapters", USER))
    run(force=True)
    assert answers_kept() == answers
    changed = [name for name in FROM_ARTEFACTS_ON if lake.path(name, USER).read_bytes() != before[name]]
    # Training times are measured, and are part of no hash.
    assert changed == ["adapters"]
    again = pq.read_table(lake.path("adapters", USER))
    assert again.drop_columns(["train_seconds"]).equals(adapters.drop_columns(["train_seconds"]))


def test_a_new_item_alone_is_requested_of_providers_and_clusters_keep_their_ids(place: Path) -> None:
    lake, answers = lake_of(place), answers_kept()
    before = {r["artefact_id"]: r["cluster"] for r in lake.read("clusters", USER).to_pylist()}
    note = place / "mine" / "note.md"
    note.write_text("# Supper\n\nTwelve at the table and bread for all.\n", encoding="utf-8")
    run(only=("sources", "artefacts", "annotations", "embeddings", "clusters"))
    # One embedding each of its words and of its annotation.
    assert answers_kept() == answers + 2
    assert lake.read("artefacts", USER).num_rows == 169
    after = {r["artefact_id"]: r["cluster"] for r in lake.read("clusters", USER).to_pylist()}
    together = [(before[i], after[i]) for i in before if before[i] >= 0 and after[i] >= 0]
    assert np.mean([a == b for a, b in together]) > 0.8


def test_stages_whose_inputs_come_out_the_same_are_kept(place: Path) -> None:
    posts = place / "mine" / "posts.jsonl"
    posts.write_text(posts.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    done = qualia("run", "--user", USER)
    assert done.exit_code == 0, done.output
    # The folder has changed but not its items; only the table of freshness holds when it was read.
    assert "3 stages made" in done.output
    assert "more kept, as their inputs came out the same" in " ".join(done.output.split())


def test_for_a_second_user_with_the_same_items_providers_are_not_called(place: Path) -> None:
    answers = answers_kept()
    run(place / "mine", "u-2", only=("sources", "artefacts", "annotations", "embeddings"))
    assert answers_kept() == answers
    for table in ("annotations", "annotation_embeddings"):
        assert lake_of(place).read(table, USER).equals(lake_of(place).read(table, "u-2"))


def test_dagsters_own_command_materialises_one_stage_of_one_user(place: Path) -> None:
    shutil.rmtree(lake_of(place).folder("clusters", USER))
    program = str(Path(sys.executable).parent / "dagster")
    select = ["-m", "qualia_assets.definitions", "--select", "clusters", "--partition", USER]
    command = [program, "asset", "materialize", *select]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert lake_of(place).read("clusters", USER).num_rows == 168


def test_a_stage_without_its_input_says_what_is_missing_and_how_to_make_it(place: Path) -> None:
    shutil.rmtree(lake_of(place).folder("artefacts", USER))
    with dg.DagsterInstance.get() as instance, pytest.raises(RunError) as error:
        run_stages(USER, [STAGES["annotations"]], instance, force=True)
    assert "no table 'artefacts' of user 'u-1'" in str(error.value)
    assert f"qualia run --user {USER}" in str(error.value)


def test_without_an_accepted_match_identity_is_selected_and_the_log_says_so(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_MATCHING__THRESHOLD", "1.0")
    run(recorded=True)
    lake = lake_of(place)
    rows = lake.read("adapters", USER).to_pylist()
    assert [r["config_id"] for r in rows if r["selected"]] == ["identity"]
    # Recipes that need no labels are fitted, but cannot be evaluated.
    assert {r["recipe"] for r in rows} == {"identity", "distilled", "lexicon", "lexicon+smoothing"}
    assert {r["val_cross_modal_r_precision"] for r in rows} == {None}
    assert set(lake.read("metrics", USER)["metric"].to_pylist()) == {"recall"}
    with dg.DagsterInstance.get() as instance:
        latest = instance.get_runs(limit=1)[0]
        logged = " ".join(event.user_message for event in instance.all_logs(latest.run_id))
    assert "No accepted match" in logged
