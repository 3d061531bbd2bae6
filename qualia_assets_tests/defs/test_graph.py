"""One user through the real graph: real materialisations, real Parquet, the embedded providers.

A user of 84 posts and 84 pins is taken through once; the tests of this file look at what came of it
or go on from a copy.
"""

import base64
import re
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from qualia_assets.definitions import defs
from qualia_assets.defs.catalogue import stages
from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.runs.execution import RunError, run_stages
from qualia_assets.runs.plan import plan_run
from qualia_assets.settings import load_settings
from qualia_assets.web import map_file
from qualia_assets_tests.places import (
    PICTURES,
    PROJECT_ROOT,
    USER,
    answers_kept,
    lake_of,
    plan_of,
    qualia,
    run,
    with_state,
)

FROM_ARTEFACTS_ON = [
    spec.name for step in stages() if step.group not in ("sources", "marts") for spec in step.specs
]


def test_every_table_is_there_and_is_what_its_spec_says(finished: Path) -> None:
    lake = lake_of(finished)
    for step in stages():
        for spec in step.specs:
            table = lake.read(spec.name, USER if spec.per_user else None)
            assert spec.violations(spec.conform(table)) == []


def test_every_item_is_annotated_and_embedded_in_unit_vectors(finished: Path) -> None:
    lake = lake_of(finished)
    ids = lake.read("artefacts", USER)["artefact_id"].to_pylist()
    assert len(ids) == 168
    for table in ("annotations", "raw_embeddings", "annotation_embeddings", "adapted_embeddings"):
        assert lake.read(table, USER)["artefact_id"].to_pylist() == ids
    matrix = vectors(lake.read("annotation_embeddings", USER))
    assert matrix.shape == (168, 384)
    assert np.allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)


def test_the_collection_is_kept_but_no_provider_has_seen_it(finished: Path) -> None:
    lake = lake_of(finished)
    collections = set(lake.read("artefacts", USER)["collection"].to_pylist())
    assert collections == {f"{kind}-{n}" for kind in ("publication", "board") for n in range(6)}
    texts = " ".join(lake.read("annotations", USER)["text"].to_pylist())
    assert [name for name in collections if name in texts] == []


def test_whole_matches_are_split_and_each_cluster_is_in_one_match_at_most(finished: Path) -> None:
    matches = lake_of(finished).read("cluster_matches", USER).to_pylist()
    assert len({m["cluster_a"] for m in matches}) == len(matches) == len({m["cluster_b"] for m in matches})
    assert {m["split"] for m in matches if m["accepted"]} == {"train", "val", "test"}


def test_where_there_is_no_figure_there_is_a_reason(finished: Path) -> None:
    assert all(
        r["value"] is not None or r["note"] for r in lake_of(finished).read("metrics", USER).to_pylist()
    )


def test_every_picture_is_a_png_that_opens_and_is_small(finished: Path) -> None:
    lake = lake_of(finished)
    rows = lake.read("figures", USER).to_pylist()
    assert {row["name"] for row in rows} == PICTURES
    for row in (row for row in rows if row["path"].endswith(".png")):
        path = lake.root / row["path"]
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert min(image.size) > 300
        assert path.stat().st_size == row["bytes"] < 300_000


def test_the_map_is_a_page_of_one_file_without_what_the_user_read_or_saved(finished: Path) -> None:
    lake = lake_of(finished)
    row = next(row for row in lake.read("figures", USER).to_pylist() if row["name"] == "map_page")
    assert row["path"].endswith("map.html")
    page = (lake.root / row["path"]).read_bytes()
    held = re.search(rb'id="held-points">([^<]+)<', page)
    assert held is not None
    whole = page + base64.b64decode(held[1])
    assert all(card["label"].encode() in whole for card in lake.read("cluster_cards", USER).to_pylist())
    titles = [t for t in lake.read("artefacts", USER)["title"].to_pylist() if len(t) > 8]
    assert [title for title in titles if title.encode() in whole] == []


def test_the_marts_cover_all_users_and_are_published_as_one_duckdb_file(finished: Path) -> None:
    import duckdb

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
        user, texts, images = (
            connection.execute("SELECT user, texts, images FROM user_overview").fetchone() or ()
        )
        assert (user, texts, images) == (USER, 84, 84)
        one_layer = connection.execute("SELECT temperature, balance_weight, balance_term FROM paper_table_2")
        assert set(one_layer.fetchall()) == {(0.1, 0.0, None), (0.1, 0.3, "ratio"), (0.1, 0.3, "share")}


def test_dagster_keeps_aggregates_only_and_nothing_that_a_user_read_or_saved(place: Path) -> None:
    titles = [t for t in lake_of(place).read("artefacts", USER)["title"].to_pylist() if t and len(t) > 8]
    stored = b"".join(path.read_bytes() for path in (place / "dagster").rglob("*") if path.is_file())
    assert b"by_modality" in stored
    assert [title for title in titles if title.encode() in stored] == []


def test_row_counts_columns_and_tables_show_in_the_ui(place: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("clusters"))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert metadata["dagster/row_count"].value == 168
    assert "dagster/column_schema" in metadata
    assert "dagster/column_lineage" in metadata
    assert "noise share" in str(metadata["clusters_found"].value)


def test_with_nothing_changed_nothing_is_made_again(place: Path) -> None:
    plan = plan_of()
    assert plan.todo == ()
    assert {step.name for step in plan.fresh} == {step.name for step in stages() if not step.on_demand}


def test_a_stage_materialised_again_in_dagster_is_kept_where_nothing_changed(place: Path) -> None:
    path = lake_of(place).path("clusters", USER)
    before = path.stat().st_mtime_ns
    job = defs.resolve_job_def("user_graph")
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance, partition_key=USER, asset_selection=[dg.AssetKey("clusters")]
        )
        event = instance.get_latest_materialization_event(dg.AssetKey("clusters"))
    assert result.success
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["kept"].value is True
    assert path.stat().st_mtime_ns == before


def test_made_again_by_force_every_table_has_the_same_bytes(place: Path) -> None:
    lake = lake_of(place)
    kept = {name: lake.path(name, USER).read_bytes() for name in FROM_ARTEFACTS_ON}
    asked = answers_kept()
    run(force=True)
    assert answers_kept() == asked
    changed = [name for name in FROM_ARTEFACTS_ON if lake.path(name, USER).read_bytes() != kept[name]]
    # Training times are measured, and are in no hash.
    assert changed == ["adapters"]
    tables = [pq.read_table(p).drop_columns(["train_seconds"]) for p in _both(kept["adapters"], lake, place)]
    assert tables[0].equals(tables[1])


def _both(old: bytes, lake: Lake, place: Path) -> tuple[Path, Path]:
    (place / "old.parquet").write_bytes(old)
    return place / "old.parquet", lake.path("adapters", USER)


def test_another_setting_makes_stale_what_depends_on_it_and_no_more(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_MATCHING__THRESHOLD", "0.9")
    stale = {step.name for step in plan_of().todo}
    assert {"cluster_matches", "adapters", "metrics", "figures", "paper_table_1"} <= stale
    assert stale.isdisjoint({"clusters", "annotations", "annotation_embeddings", "cluster_cards"})


def test_a_run_from_a_stage_by_force_takes_it_and_what_comes_after_and_nothing_before(place: Path) -> None:
    plan = with_state(lambda state: plan_run(USER, load_settings(), state, "adapters", force=True))
    todo = {step.name for step in plan.todo}
    assert {"adapters", "adapted_embeddings", "projections", "metrics", "figures", "paper_table_3"} <= todo
    assert todo.isdisjoint({"artefacts", "annotations", "clusters", "cluster_matches", "cluster_cards"})


def test_a_new_item_is_the_only_one_that_a_provider_is_asked_about(place: Path) -> None:
    asked = answers_kept()
    note = place / "mine" / "note.md"
    note.write_text("---\ntitle: Ebb\n---\nThe tide went out and took the noise with it.\n", encoding="utf-8")
    run()
    # One annotation; one embedding each of its words and of its annotation.
    assert answers_kept() == asked + 3
    assert lake_of(place).read("artefacts", USER).num_rows == 169


def test_what_comes_out_the_same_stops_the_rest_from_being_made_again(place: Path) -> None:
    posts = place / "mine" / "posts.jsonl"
    posts.write_text(posts.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    done = qualia("run", "--user", USER)
    assert done.exit_code == 0, done.output
    # The folder has changed and says the same; only the table of freshness speaks of when.
    assert "3 stages made" in done.output
    assert "more kept, as their inputs came out the same" in done.output


def test_a_second_user_with_the_same_items_asks_a_provider_nothing(place: Path) -> None:
    asked = answers_kept()
    run(source=place / "mine", user="u-2")
    assert answers_kept() == asked
    first, second = (lake_of(place).read("annotations", user) for user in (USER, "u-2"))
    assert first.equals(second)


def test_cluster_and_match_ids_stay_when_an_item_is_added(place: Path) -> None:
    lake = lake_of(place)
    before = {r["artefact_id"]: r["cluster"] for r in lake.read("clusters", USER).to_pylist()}
    (place / "mine" / "note.md").write_text(
        "# Supper\n\nTwelve at the table and bread for all.\n", encoding="utf-8"
    )
    run()
    after = {r["artefact_id"]: r["cluster"] for r in lake.read("clusters", USER).to_pylist()}
    together = [(before[i], after[i]) for i in before if before[i] >= 0 and after[i] >= 0]
    assert np.mean([a == b for a, b in together]) > 0.8


def test_one_stage_of_one_user_can_be_materialised_with_dagsters_own_command(place: Path) -> None:
    program = Path(sys.executable).parent / "dagster"
    shutil.rmtree(lake_of(place).folder("clusters", USER))
    select = ["-m", "qualia_assets.definitions", "--select", "clusters", "--partition", USER]
    done = subprocess.run(
        [str(program), "asset", "materialize", *select],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert lake_of(place).read("clusters", USER).num_rows == 168


def test_a_stage_without_its_input_says_what_is_missing_and_how_to_make_it(place: Path) -> None:
    shutil.rmtree(lake_of(place).folder("artefacts", USER))
    step = next(s for s in stages() if s.name == "annotations")
    with dg.DagsterInstance.get() as instance, pytest.raises(RunError) as error:
        run_stages(USER, [step], instance, force=True)
    assert "no table 'artefacts' of user 'u-1'" in str(error.value)
    assert f"qualia run --user {USER}" in str(error.value)


def test_a_damaged_table_is_made_again(place: Path) -> None:
    path = lake_of(place).path("cluster_cards", USER)
    path.write_bytes(path.read_bytes()[:100])
    assert "cluster_cards" in {step.name for step in plan_of().todo}
    run()
    assert lake_of(place).read("cluster_cards", USER).num_rows > 0


def test_a_picture_a_weight_file_or_the_published_marts_that_are_gone_are_made_again(place: Path) -> None:
    lake = lake_of(place)
    weights = next((lake.folder("adapters", USER) / "weights").glob("*.safetensors"))
    gone = [weights, lake.folder("figures", USER) / "map.png", lake.root / "qualia.duckdb"]
    for path in gone:
        path.unlink()
    assert {"adapters", "figures", "published_marts"} <= {step.name for step in plan_of().todo}
    run()
    assert all(path.exists() for path in gone)
    assert plan_of().todo == ()


def test_the_map_as_a_file_is_made_again_when_its_page_is_another(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = shutil.copytree(map_file.STATIC, place / "static") / "map.css"
    monkeypatch.setattr(map_file, "STATIC", style.parent)
    assert plan_of().todo == ()
    style.write_text(style.read_text(encoding="utf-8") + "/* wider */", encoding="utf-8")
    assert plan_of().todo[0].name == "figures"


def test_no_accepted_match_leaves_identity_and_says_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUALIA_MATCHING__THRESHOLD", "1.0")
    run(recorded=True)
    lake = lake_of(place)
    rows = lake.read("adapters", USER).to_pylist()
    assert [r["config_id"] for r in rows if r["selected"]] == ["identity"]
    # What needs no label is fitted all the same, and nothing can be said of how well it does.
    assert {r["recipe"] for r in rows} == {"identity", "distilled", "lexicon", "lexicon+smoothing"}
    assert {r["val_cross_modal_r_precision"] for r in rows} == {None}
    assert set(lake.read("metrics", USER)["metric"].to_pylist()) == {"recall"}
    with dg.DagsterInstance.get() as instance:
        latest = instance.get_runs(limit=1)[0]
        said = " ".join(event.user_message for event in instance.all_logs(latest.run_id))
    assert "No accepted match" in said


@pytest.mark.usefixtures("place")
def test_a_run_with_nothing_to_do_says_what_it_kept_and_shows_the_papers_table() -> None:
    done = qualia("run", "--user", USER)
    assert done.exit_code == 0
    assert "is up to date" in done.output
    for row in ("without adapter", "1 layer, 0.1", "2 layers, 0.1", "distilled", "lexicon+smoothing"):
        assert row in done.output
