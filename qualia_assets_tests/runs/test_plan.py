"""What a run makes: stages that are stale or start it, and what is downstream of those."""

import shutil
from pathlib import Path

import pytest

from qualia_assets.defs.catalogue import stages
from qualia_assets.web import map_file
from qualia_assets_tests.places import USER, lake_of, plan_of, qualia, run, stale

FROM_METRICS = {
    "metrics",
    "metric_history",
    "test_figures",
    "figures",
    "own_recipes",
    "paper_table_1",
    "paper_table_2",
    "paper_table_3",
    "user_overview",
    "stage_freshness",
    "published_marts",
}


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("start", "made"),
    [
        ("metrics", FROM_METRICS | {"provider_costs", "costs"}),
        ("query_histograms", FROM_METRICS),
        ("item_overview", {"item_overview", "user_overview", "published_marts"}),
        ("experiments", {"experiment_trials", "cluster_agreement", "stage_freshness", "published_marts"}),
    ],
    ids=["a group", "a table of a stage with two", "a stage", "stages on demand"],
)
def test_a_forced_run_from_a_stage_makes_it_and_what_is_downstream(start: str, made: set[str]) -> None:
    assert set(stale(start=start, force=True)) == made
    assert stale(start=start) == []


def test_with_nothing_changed_a_run_makes_nothing_and_shows_the_papers_table(place: Path) -> None:
    plan = plan_of()
    assert plan.todo == ()
    assert plan.fresh == tuple(step for step in stages() if not step.on_demand)

    done = qualia("run", "--user", USER)
    assert done.exit_code == 0
    assert "is up to date" in done.output
    for row in ("without adapter", "1 layer, 0.1", "2 layers, 0.1", "distilled", "lexicon+smoothing"):
        assert row in done.output


@pytest.mark.usefixtures("place")
def test_a_changed_setting_makes_stale_only_what_depends_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUALIA_MATCHING__THRESHOLD", "0.9")
    assert {"cluster_matches", "adapters", "metrics", "figures", "paper_table_1"} <= set(stale())
    assert {"clusters", "annotations", "annotation_embeddings", "cluster_cards"}.isdisjoint(stale())


def test_damaged_tables_and_missing_files_are_made_again(place: Path) -> None:
    lake = lake_of(place)
    cards = lake.path("cluster_cards", USER)
    cards.write_bytes(cards.read_bytes()[:100])
    weights = next((lake.folder("adapters", USER) / "weights").glob("*.safetensors"))
    gone = [weights, lake.folder("figures", USER) / "map.png", lake.root / "qualia.duckdb"]
    for path in gone:
        path.unlink()
    assert {"cluster_cards", "adapters", "figures", "published_marts"} <= set(stale())
    run()
    assert all(path.exists() for path in gone)
    assert lake.read("cluster_cards", USER).num_rows > 0
    assert stale() == []


def test_the_figures_are_stale_when_the_maps_page_changes(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = shutil.copytree(map_file.STATIC, place / "static") / "map.css"
    monkeypatch.setattr(map_file, "STATIC", style.parent)
    assert stale() == []
    style.write_text(style.read_text(encoding="utf-8") + "/* wider */", encoding="utf-8")
    assert stale()[0] == "figures"
