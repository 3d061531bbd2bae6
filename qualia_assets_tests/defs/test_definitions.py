"""What Dagster sees: a graph that says of itself what it holds and where it comes from."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from qualia_assets.definitions import defs
from qualia_assets.defs.catalogue import stages
from qualia_assets.defs.partitions import USERS
from qualia_assets.defs.sql import SqlFileError, column_lineage, sql_stages
from qualia_assets_tests.places import PROJECT_ROOT

HEAVY = ("torch", "umap", "hdbscan", "sklearn", "transformers")


def test_loading_the_definitions_loads_no_heavy_library() -> None:
    check = f"import sys, qualia_assets.definitions; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_workspace_file_is_valid_for_dagster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    program = Path(sys.executable).parent / "dagster"
    arguments = [str(program), "definitions", "validate", "-w", str(PROJECT_ROOT / "workspace.yaml")]
    done = subprocess.run(arguments, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SPECS = sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key.to_user_string())
def test_every_asset_is_described_owned_grouped_and_shows_its_columns(spec: dg.AssetSpec) -> None:
    assert spec.description
    assert spec.owners == ["team:qualia"]
    assert spec.group_name not in (None, "default")
    assert "parquet" in spec.kinds
    columns = spec.metadata["dagster/column_schema"].columns
    assert len({c.name for c in columns}) == len(columns) > 0


def test_what_belongs_to_a_user_is_partitioned_by_users_and_only_marts_are_not() -> None:
    graph = defs.resolve_asset_graph()
    for step in stages():
        for spec in step.specs:
            partitions = graph.get(dg.AssetKey(spec.name)).partitions_def
            assert partitions == (USERS if spec.per_user else None)
            assert spec.per_user == (step.group != "marts")


def test_the_experiment_is_a_job_of_its_own_and_no_part_of_a_users_run() -> None:
    made = {
        name: {key.to_user_string() for key in defs.resolve_job_def(name).asset_layer.selected_asset_keys}
        for name in ("user_graph", "experiment")
    }
    everything = {spec.name for step in stages() for spec in step.specs}
    assert made["experiment"] == {"experiment_trials", "experiment_results", "cluster_agreement"}
    assert made["user_graph"] == everything - made["experiment"]


def test_column_lineage_names_columns_of_direct_upstream_tables_only() -> None:
    columns = {spec.name: {c.name for c in spec.columns} for step in stages() for spec in step.specs}
    for step in stages():
        for spec in step.specs:
            for column in spec.columns:
                for source in column.derived_from:
                    table, name = source.split(".")
                    assert table in step.upstream, f"{spec.name}.{column.name} says it comes from {source}"
                    assert name in columns[table], f"{spec.name}.{column.name} says it comes from {source}"


def test_every_table_has_a_blocking_schema_check() -> None:
    checks = {
        check.asset_key.to_user_string(): check
        for asset in defs.resolve_all_asset_keys()
        for check in defs.resolve_asset_graph().get_check_keys_for_assets({asset})
    }
    assert set(checks) == {key.to_user_string() for key in defs.resolve_all_asset_keys()}


def test_a_sql_file_tells_what_it_is_made_from() -> None:
    by_name = {step.name: step for step in sql_stages()}
    assert set(by_name["user_overview"].upstream) == {
        "cluster_pairs",
        "item_overview",
        "quarantine",
        "test_figures",
    }
    overview = {c.name: set(c.derived_from) for c in by_name["user_overview"].specs[0].columns}
    assert overview["mean_match_similarity"] == {"cluster_pairs.accepted", "cluster_pairs.similarity"}


def test_lineage_follows_a_column_through_a_subquery_and_an_expression() -> None:
    query = """
        WITH a AS (SELECT x + y AS z, user FROM t)
        SELECT a.user, 2 * z AS w, count(*) AS n FROM a GROUP BY ALL
    """
    assert column_lineage(query, {"t": ["x", "y", "unused"]}) == {"user": (), "w": ("t.x", "t.y"), "n": ()}


def test_a_sql_file_that_reads_an_unknown_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "mine.sql").write_text("SELECT * FROM nowhere", encoding="utf-8")
    with pytest.raises(SqlFileError, match=r"mine\.sql reads nowhere"):
        sql_stages(tmp_path)


def test_a_file_that_is_no_sql_is_named(tmp_path: Path) -> None:
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts" / "broken.sql").write_text("SELEC * FORM artefacts", encoding="utf-8")
    with pytest.raises(SqlFileError, match=r"broken\.sql"):
        sql_stages(tmp_path)
