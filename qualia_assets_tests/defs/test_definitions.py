"""What Dagster sees: a graph that describes what it holds and where that comes from."""

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
GRAPH = defs.resolve_asset_graph()
SPECS = [(step, spec) for step in stages() for spec in step.specs]


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


def test_every_asset_is_described_owned_grouped_checked_and_shows_its_columns() -> None:
    assert {spec.name for _, spec in SPECS} == {key.to_user_string() for key in GRAPH.get_all_asset_keys()}
    for asset in defs.resolve_all_asset_specs():
        assert asset.description
        assert asset.owners == ["team:qualia"]
        assert asset.group_name not in (None, "default")
        assert "parquet" in asset.kinds
        columns = asset.metadata["dagster/column_schema"].columns
        assert len({c.name for c in columns}) == len(columns) > 0
        schema = dg.AssetCheckKey(asset.key, "schema")
        assert schema in GRAPH.get_check_keys_for_assets({asset.key})
        assert GRAPH.get(schema).blocking


def test_all_tables_but_the_marts_are_partitioned_by_user() -> None:
    for step, spec in SPECS:
        assert spec.per_user == (step.group != "marts")
        assert GRAPH.get(dg.AssetKey(spec.name)).partitions_def == (USERS if spec.per_user else None)


def test_the_experiment_is_a_job_of_its_own_and_not_part_of_a_users_run() -> None:
    made = {
        name: {key.to_user_string() for key in defs.resolve_job_def(name).asset_layer.selected_asset_keys}
        for name in ("user_graph", "experiment")
    }
    assert made["experiment"] == {"experiment_trials", "experiment_results", "cluster_agreement"}
    assert made["user_graph"] == {spec.name for _, spec in SPECS} - made["experiment"]


def test_column_lineage_names_only_columns_of_direct_upstream_tables() -> None:
    columns = {spec.name: {c.name for c in spec.columns} for _, spec in SPECS}
    for step, spec in SPECS:
        for column in spec.columns:
            for source in column.derived_from:
                table, name = source.split(".")
                assert table in step.upstream, f"{spec.name}.{column.name} is derived from {source}"
                assert name in columns[table], f"{spec.name}.{column.name} is derived from {source}"


def test_upstream_tables_and_lineage_of_a_mart_come_from_its_sql() -> None:
    step = next(step for step in sql_stages() if step.name == "user_overview")
    assert set(step.upstream) == {"cluster_pairs", "item_overview", "quarantine", "test_figures"}
    overview = {c.name: set(c.derived_from) for c in step.specs[0].columns}
    assert overview["mean_match_similarity"] == {"cluster_pairs.accepted", "cluster_pairs.similarity"}


def test_lineage_follows_a_column_through_a_subquery_and_an_expression() -> None:
    query = """
        WITH a AS (SELECT x + y AS z, user FROM t)
        SELECT a.user, 2 * z AS w, count(*) AS n FROM a GROUP BY ALL
    """
    assert column_lineage(query, {"t": ["x", "y", "unused"]}) == {"user": (), "w": ("t.x", "t.y"), "n": ()}


@pytest.mark.parametrize(
    ("sql", "error"),
    [("SELECT * FROM nowhere", r"mine\.sql reads nowhere"), ("SELEC * FORM artefacts", r"mine\.sql")],
)
@pytest.mark.parametrize("folder", ["staging", "marts"])
def test_an_error_names_the_sql_file_with_an_unknown_table_or_a_mistake(
    tmp_path: Path, folder: str, sql: str, error: str
) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "mine.sql").write_text(sql, encoding="utf-8")
    with pytest.raises(SqlFileError, match=error):
        sql_stages(tmp_path)
