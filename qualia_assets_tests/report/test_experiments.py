"""The report of experiments: what its tables hold, that its pictures are there, and what it does not tell."""

import io
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


@pytest.fixture
def page(finished: Path, tmp_path: Path) -> str:
    report(lake_of(finished), [USER], 0.25, tmp_path / "results.md")
    return (tmp_path / "results.md").read_text(encoding="utf-8")


def below(page: str, heading: str) -> str:
    """What stands between a heading and the next."""
    return page.partition(heading)[2].partition("\n### ")[0]


def cells(page: str, heading: str, name: str) -> list[str]:
    """The cells of a table's row, in the part of the page below a heading."""
    part = below(page, heading)
    (row,) = (line for line in part.splitlines() if line.startswith((f"| {name} |", f"| **{name}** |")))
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_it_says_how_to_make_it_again_what_the_threshold_was_and_what_each_recipe_does(page: str) -> None:
    assert f"Made by `qualia experiment --user {USER} --out docs/results.md`" in page
    assert "accepted from a centroid cosine of 0.25" in page
    for name, own in OWN.items():
        assert f"- `{name}` ({own.recipe.kind}): {own.idea}" in page


@pytest.mark.parametrize(
    ("labels", "heading"), [("matches", "the pipeline's matches"), ("view", "labels from another view")]
)
@pytest.mark.parametrize(
    "config", ["linear-t0.1-b0-s0", "lexicon", "lexicon+smoothing", "selected:inductive"]
)
def test_a_row_holds_the_mean_over_splits_the_difference_its_interval_and_the_wins(
    labels: str, heading: str, config: str, finished: Path, page: str
) -> None:
    found = lake_of(finished).read("experiment_results", USER).to_pandas()
    found = found[(found["labels"] == labels) & (found["config_id"] == config)]
    found = found[(found["gallery"] == "full") & (found["query_modality"] == "all")]
    x = found[found["metric"] == HEADLINE].squeeze()
    c = found[found["metric"] == "parity_coherence"].squeeze()

    shown = cells(page, heading, config)

    gain, low, high = x[["difference", "difference_low", "difference_high"]]
    assert shown[0] == f"{x['mean']:.3f} ± {x['std']:.3f}"
    assert shown[1] == f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]"
    assert shown[2] == f"{x['wins']} of 2"
    assert shown[3] == f"{c['mean']:.3f}"


def test_the_ratio_is_that_of_a_calibrated_search_of_the_balanced_gallery_in_the_mean_over_splits(
    finished: Path, page: str
) -> None:
    trials = lake_of(finished).read("experiment_trials", USER).to_pylist()
    sides = []
    for kind in ("text", "image"):
        ratios = [
            row["value"]
            for row in trials
            if (row["labels"], row["config_id"], row["gallery"]) == ("matches", "lexicon", "balanced")
            and (row["metric"], row["query_modality"]) == ("parity_modality_ratio", kind)
        ]
        assert len(ratios) == 2
        sides.append(f"{sum(ratios) / 2:.2f}")

    assert cells(page, "the pipeline's matches", "lexicon")[5] == " / ".join(sides)


def test_doing_nothing_stands_first_in_each_part_and_the_parts_are_not_mixed(page: str) -> None:
    part = below(page, "the pipeline's matches (threshold 0.25)")
    blocks = re.split(r"^\*\*(.+)\*\*$", part, flags=re.MULTILINE)[1:]
    named = {
        title: re.findall(r"^\| (?:\*\*)?([a-z][^ |*]*)", rows, flags=re.MULTILINE)
        for title, rows in zip(blocks[::2], blocks[1::2], strict=True)
    }

    assert [names[0] for names in named.values()] == ["identity"] * 3
    assert named["Ours, inductive"] == ["identity", "distilled", "lexicon", "selected:inductive"]
    assert named["Ours, transductive"] == ["identity", "lexicon+smoothing", "selected:transductive"]
    assert "selected:paper" in named["Doing nothing, and the paper's"]


def test_collections_and_the_quality_of_clusters_have_their_tables(finished: Path, page: str) -> None:
    lake = lake_of(finished)
    found = lake.read("experiment_results", USER).to_pylist()
    (publications,) = (
        row["mean"]
        for row in found
        if (row["labels"], row["config_id"], row["metric"]) == ("people:text", "distilled", "coherence")
        and (row["gallery"], row["query_modality"], row["calibrated"]) == ("full", "all", False)
    )
    assert cells(page, "### Labels by people", "distilled")[0] == f"{publications:.3f}"

    agreement = {
        (row["modality"], row["metric"], row["space"]): row["value"]
        for row in lake.read("cluster_agreement", USER).to_pylist()
    }
    shown = cells(page, "### Clusters against what people called", "people, image: ari")
    assert shown == [f"{agreement['image', 'ari', space]:.3f}" for space in ("annotation", "adapted")]

    quality = {
        (r["modality"], r["metric"]): r["value"] for r in lake.read("cluster_quality", USER).to_pylist()
    }
    shown = cells(page, "### Can the clusters be trusted", "text: noise share")
    assert shown[0] == f"{quality['text', 'noise_share']:.3f}"


def test_every_picture_it_shows_lies_beside_it_also_when_it_is_renamed(
    finished: Path, page: str, tmp_path: Path
) -> None:
    report(lake_of(finished), [USER], 0.25, tmp_path / "new" / "results_new.md")
    (tmp_path / "new" / "results_new.md").rename(tmp_path / "new" / "report.md")
    renamed = (tmp_path / "new" / "report.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page)
    assert re.findall(r"!\[[^]]+\]\(([^)]+)\)", renamed) == shown

    assert [Path(path).name for path in shown] == [
        f"{USER}-{name}.png" for name in ("pareto", "ratio_by_temperature", "query_histograms", "gap")
    ]
    for path in shown:
        for folder in (tmp_path, tmp_path / "new"):
            with Image.open(folder / path) as picture:
                assert picture.format == "PNG"


def test_it_names_no_item_nor_what_a_person_called_anything(finished: Path, page: str) -> None:
    lake = lake_of(finished)
    items = lake.read("artefacts", USER).to_pylist()
    cards = lake.read("cluster_cards", USER).to_pylist()

    titles = {row["title"] for row in items if row["title"]}
    personal = titles | {row["artefact_id"] for row in items} | {row["collection"] for row in items}
    personal |= {card["label"] for card in cards}

    assert len(titles) > 100
    assert [words for words in personal if words in page] == []


def test_written_again_it_is_the_same(finished: Path, page: str, tmp_path: Path) -> None:
    report(lake_of(finished), [USER], 0.25, tmp_path / "results.md")

    assert (tmp_path / "results.md").read_text(encoding="utf-8") == page


def test_where_nothing_could_be_split_it_says_so(place: Path, tmp_path: Path) -> None:
    lake = Lake(place / "lake")
    lake.write(EXPERIMENT_RESULTS, USER, EXPERIMENT_RESULTS.table([]))
    lake.write(EXPERIMENT_TRIALS, USER, EXPERIMENT_TRIALS.table([]))

    report(lake, [USER], 0.25, tmp_path / "results.md")

    page = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert page.count("There are too few matches to split.") == 2
    assert "The items have no collections, or too few." in page


def result(config: str, kind: str, mean: float, gain: float, labels: str = "matches") -> dict[str, object]:
    return {
        "labels": labels,
        "config_id": config,
        "kind": kind,
        "metric": HEADLINE,
        "gallery": "full",
        "query_modality": "all",
        "k": None,
        "calibrated": False,
        "mean": mean,
        "std": 0.01,
        "difference": gain,
        "difference_low": gain - 0.05,
        "difference_high": gain + 0.05,
        "wins": 3,
        "splits": 4,
        "chance": 0.1,
    }


def test_a_terminal_shows_the_headline_alone_what_saw_the_items_after_what_did_not() -> None:
    told = pd.DataFrame(
        [
            result("smoothing", "transductive", 0.8, 0.3),
            result("centring", "inductive", 0.52, 0.02),
            result("mlp-t0.1-b0-s0", "inductive", 0.37, -0.13),
            result("identity", "inductive", 0.5, 0.0),
            result("identity", "inductive", 0.41, 0.0, labels="view"),
            result("centring", "inductive", 0.99, 0.49) | {"metric": "coherence"},
            result("centring", "inductive", 0.98, 0.48) | {"gallery": "balanced"},
            result("centring", "inductive", 0.97, 0.47) | {"query_modality": "text>image"},
        ]
    )
    screen = Console(file=io.StringIO(), width=120)

    screen.print(experiment_table(told, "ann"))

    assert isinstance(screen.file, io.StringIO)
    lines = [" ".join(line.split()) for line in screen.file.getvalue().splitlines()]
    shown = [line for line in lines if line.startswith(("matches ", "view "))]
    assert shown == [
        "matches identity 0.500 3 of 4",
        "matches mlp-t0.1-b0-s0 0.370 -0.130 [-0.180, -0.080] 3 of 4",
        "matches centring 0.520 +0.020 [-0.030, +0.070] 3 of 4",
        "matches smoothing † 0.800 +0.300 [+0.250, +0.350] 3 of 4",
        "view identity 0.410 3 of 4",
    ]
    assert "Experiment on 'ann'" in lines[0]
