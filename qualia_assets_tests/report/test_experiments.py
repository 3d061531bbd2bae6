"""The report of experiments: its tables and pictures, and what it keeps private."""

import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import EXPERIMENT_RESULTS, EXPERIMENT_TRIALS
from qualia_assets.method.recipes import OWN
from qualia_assets.report.experiments import experiment_table, report
from qualia_assets_tests.places import USER, lake_of

HEADLINE = "cross_modal_r_precision"
HEADINGS = {"matches": "the pipeline's matches", "view": "labels from another view"}


@pytest.fixture
def page(finished: Path, tmp_path: Path) -> str:
    report(lake_of(finished), [USER], 0.25, tmp_path / "results.md")
    return (tmp_path / "results.md").read_text(encoding="utf-8")


def cells(page: str, heading: str, name: str) -> list[str]:
    """The cells of a table's row, in the section with this heading."""
    section = page.partition(heading)[2].partition("\n### ")[0]
    (row,) = (line for line in section.splitlines() if line.startswith((f"| {name} |", f"| **{name}** |")))
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_the_page_begins_with_the_command_the_threshold_and_every_recipe(page: str) -> None:
    assert f"Made by `qualia experiment --user {USER} --out FILE`" in page
    assert "accepted from a centroid cosine of 0.25" in page
    assert all(f"- `{name}` ({own.recipe.kind}): {own.idea}" in page for name, own in OWN.items())


@pytest.mark.parametrize("labels", HEADINGS)
def test_a_row_gives_means_the_difference_with_its_interval_and_the_splits_won(
    labels: str, finished: Path, page: str
) -> None:
    results = lake_of(finished).read("experiment_results", USER).to_pandas()
    results = results[results["labels"] == labels]
    results = results[(results["gallery"] == "full") & (results["query_modality"] == "all")]
    for config in ("linear-t0.1-b0-s0", "lexicon", "lexicon+smoothing", "selected:inductive"):
        mine = results[results["config_id"] == config].set_index("metric")
        x, c = mine.loc[HEADLINE], mine.loc["parity_coherence"]
        gain, low, high = x[["difference", "difference_low", "difference_high"]]
        assert cells(page, HEADINGS[labels], config)[:4] == [
            f"{x['mean']:.3f} ± {x['std']:.3f}",
            f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]",
            f"{x['wins']} of 2",
            f"{c['mean']:.3f}",
        ]


def test_the_ratio_is_the_mean_of_calibrated_searches_of_a_balanced_gallery(
    finished: Path, page: str
) -> None:
    trials = lake_of(finished).read("experiment_trials", USER).to_pandas()
    found = trials.set_index(["labels", "config_id", "gallery", "metric"]).sort_index()
    mine = found.loc[("matches", "lexicon", "balanced", "parity_modality_ratio")]
    ratios = mine.groupby("query_modality")["value"].agg(["mean", "size"])
    assert (ratios["size"] == 2).all()
    means = ratios["mean"]
    assert cells(page, HEADINGS["matches"], "lexicon")[5] == f"{means['text']:.2f} / {means['image']:.2f}"


def test_recipes_are_grouped_by_kind_and_doing_nothing_is_first_in_each_group(page: str) -> None:
    section = page.partition(f"{HEADINGS['matches']} (threshold 0.25)")[2].partition("\n### ")[0]
    groups = re.split(r"^\*\*(.+)\*\*$", section, flags=re.MULTILINE)[1:]
    names = [re.findall(r"^\| (?:\*\*)?([a-z][^ |*]*)", rows, flags=re.MULTILINE) for rows in groups[1::2]]
    assert names[0][0] == "identity"
    assert "selected:paper" in names[0]
    assert names[1] == ["identity", "distilled", "lexicon", "selected:inductive"]
    assert names[2] == ["identity", "lexicon+smoothing", "selected:transductive"]


def test_there_are_tables_of_collections_agreement_and_cluster_quality(finished: Path, page: str) -> None:
    lake = lake_of(finished)
    results = lake.read("experiment_results", USER).to_pandas()
    key = ["labels", "config_id", "metric", "query_modality"]
    found = results[~results["calibrated"]].set_index(key).sort_index()
    mean = found.loc[("people:text", "distilled", "coherence", "all"), "mean"].item()
    assert cells(page, "### Labels by people", "distilled")[0] == f"{mean:.3f}"
    agreement = lake.read("cluster_agreement", USER).to_pandas()
    agreement = agreement.set_index(["labels", "modality", "metric", "space"])["value"]
    shown = cells(page, "### Clusters against what people called", "people, image: ari")
    assert shown == [f"{agreement['people', 'image', 'ari', s]:.3f}" for s in ("annotation", "adapted")]
    quality = lake.read("cluster_quality", USER).to_pandas().set_index(["modality", "metric"])["value"]
    shown = cells(page, "### Can the clusters be trusted", "text: noise share")
    assert shown[0] == f"{quality['text', 'noise_share']:.3f}"


def test_a_second_report_is_equal_and_still_shows_its_pictures_when_renamed(
    finished: Path, page: str, tmp_path: Path
) -> None:
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page)
    names = ("pareto", "ratio_by_temperature", "query_histograms", "gap")
    assert [Path(path).name for path in shown] == [f"{USER}-{name}.png" for name in names]
    report(lake_of(finished), [USER], 0.25, tmp_path / "new" / "draft.md")
    renamed = (tmp_path / "new" / "draft.md").rename(tmp_path / "new" / "results.md")
    assert renamed.read_text(encoding="utf-8") == page
    assert {Image.open(renamed.parent / path).format for path in shown} == {"PNG"}


def test_the_report_contains_no_title_id_collection_or_cluster_name(finished: Path, page: str) -> None:
    lake = lake_of(finished)
    items = lake.read("artefacts", USER).to_pandas()
    personal = set(items[["title", "artefact_id", "collection"]].stack())
    personal |= {*lake.read("cluster_cards", USER)["label"].to_pylist()}
    assert items["title"].nunique() > 100
    assert [words for words in personal if words and words in page] == []


def test_the_report_says_when_there_are_too_few_matches_to_split(finished: Path, lake: Lake) -> None:
    copied = "clusters cluster_matches test_figures cluster_agreement cluster_quality figures"
    for name in copied.split():
        target = lake.path(name, USER)
        target.parent.mkdir(parents=True)
        target.write_bytes(lake_of(finished).path(name, USER).read_bytes())
    for name in ("pareto", "ratio_by_temperature", "query_histograms", "gap"):
        (lake.folder("figures", USER) / f"{name}.png").write_bytes(b"")
    lake.write(EXPERIMENT_RESULTS, USER, EXPERIMENT_RESULTS.table([]))
    lake.write(EXPERIMENT_TRIALS, USER, EXPERIMENT_TRIALS.table([]))
    report(lake, [USER], 0.25, lake.root / "results.md")
    page = (lake.root / "results.md").read_text(encoding="utf-8")
    assert page.count("There are too few matches to split.") == 2
    assert "The items have no collections, or too few." in page


def test_the_terminal_shows_only_the_headline_with_transductive_recipes_last() -> None:
    def result(config: str, kind: str, mean: float, gain: float, **other: str) -> dict[str, object]:
        return {
            "labels": "matches", "config_id": config, "kind": kind, "metric": HEADLINE, "gallery": "full",
            "query_modality": "all", "mean": mean, "difference": gain, "difference_low": gain - 0.05,
            "difference_high": gain + 0.05, "wins": 3, "splits": 4, **other,
        }  # fmt: skip

    others = ({"metric": "coherence"}, {"gallery": "balanced"}, {"query_modality": "text>image"})
    results = [
        result("smoothing", "transductive", 0.8, 0.3),
        result("centring", "inductive", 0.52, 0.02),
        result("mlp-t0.1-b0-s0", "inductive", 0.37, -0.13),
        result("identity", "inductive", 0.5, 0.0),
        result("identity", "inductive", 0.41, 0.0, labels="view"),
        *(result("centring", "inductive", 0.99, 0.49, **other) for other in others),
    ]
    console = Console(width=120)
    with console.capture() as capture:
        console.print(experiment_table(pd.DataFrame(results), "ann"))
    lines = [" ".join(line.split()) for line in capture.get().splitlines()]
    assert "Experiment on 'ann'" in lines[0]
    assert [line for line in lines if line.startswith(("matches ", "view "))] == [
        "matches identity 0.500 3 of 4",
        "matches mlp-t0.1-b0-s0 0.370 -0.130 [-0.180, -0.080] 3 of 4",
        "matches centring 0.520 +0.020 [-0.030, +0.070] 3 of 4",
        "matches smoothing † 0.800 +0.300 [+0.250, +0.350] 3 of 4",
        "view identity 0.410 3 of 4",
    ]
