"""What a report says, bears out by its tables; what it cannot say, it says why; what is private stays out."""

import base64
import hashlib
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from qualia_assets.cli.share import report as report_command
from qualia_assets.defs.sql import FOLDER
from qualia_assets.lake import sql
from qualia_assets.lake.snapshot import Snapshot, Snapshots
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import ADAPTERS, METRICS
from qualia_assets.report.report import Report
from qualia_assets.report.summary import verdict
from qualia_assets.report.tables import Table
from qualia_assets.web.report_file import file_with_names, file_without_names, with_names, without_names
from qualia_assets_tests.web import lakes

USER = "zz-unmistakable"
HOSTILE = "</style><script>alert(1)</script>"
KINDS = {"lexicon": "inductive", "smoothing": "transductive"}
Estimates = Mapping[str | None, tuple[float | None, float | None, float | None]]
"""By configuration (None: doing nothing), a figure and its interval."""


def figure(config: str | None, metric: str, value: float | None, **other: Any) -> dict[str, Any]:
    return {
        "space": "adapted" if config else "annotation",
        "config_id": config,
        "metric": metric,
        "split": "test",
        "gallery": "full",
        "query_modality": "all",
        "k": 10 if metric in ("coherence", "modality_ratio") else None,
        "calibrated": False,
        "value": value,
        "n": 24,
        "chance": 0.25,
        **other,
    }


def fitted(config: str, selected: str) -> dict[str, Any]:
    return {
        "config_id": config,
        "arch": "identity" if config == "identity" else "linear" if "linear" in config else "lookup",
        "input": "annotation_embeddings",
        "recipe": "paper" if "linear" in config else config,
        "kind": KINDS.get(config, "inductive"),
        "temperature": 0.1 if "linear" in config else None,
        "balance_weight": 0.3 if config.endswith("ratio") else 0.0 if "linear" in config else None,
        "balance_term": "ratio" if config.endswith("ratio") else None,
        "seed": 0,
        "train_seconds": 0.0,
        "val_coherence": 0.6,
        "val_abs_bias": 0.2,
        "val_cross_modal_r_precision": 0.5,
        "pareto": config == selected,
        "selected": config == selected,
    }


def measure(
    lake: Lake,
    crossing: Estimates,
    selected: str = "smoothing",
    more: tuple[dict[str, Any], ...] = (),
) -> None:
    """Fitted adapters and their figures, and ``test_figures`` by the project's own SQL."""
    crossing = {**crossing, "identity": crossing[None]}
    lakes.write(lake, USER, "adapters", ADAPTERS.table(fitted(c, selected) for c in crossing if c))
    for below in ("adapted_embeddings", "projections"):
        # The same again, of these adapters.
        lakes.write(lake, USER, below, lake.read(below, USER))
    rows = [
        figure(config, metric, value, ci_low=low, ci_high=high)
        for config, (value, low, high) in crossing.items()
        for metric in ("cross_modal_r_precision", "coherence")
    ]
    for split in ("val", "test"):
        for config in crossing:
            rows.append(
                figure(config, "modality_bias", 0.2, k=10, split=split, ci_low=-0.1, ci_high=0.5, chance=0.0)
            )
    lakes.write(lake, USER, "metrics", METRICS.table([*rows, *more]))
    query = (FOLDER / "staging" / "test_figures.sql").read_text(encoding="utf-8")
    with sql.connect(lake, [METRICS, ADAPTERS], USER) as connection:
        lakes.write(lake, USER, "test_figures", connection.sql(query).to_arrow_table())


SURE: Estimates = {
    None: (0.50, 0.40, 0.60),
    "smoothing": (0.80, 0.70, 0.90),
    "lexicon": (0.55, 0.45, 0.65),
    "linear-t0.1-b0": (0.30, 0.20, 0.40),
    "linear-t0.1-b0.3ratio": (0.35, 0.25, 0.45),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = Lake(tmp_path_factory.mktemp("made") / "lake")
    lakes.write_user(lake, USER, titles=(HOSTILE, "A quiet & plain title"))
    measure(lake, SURE)
    return lake.root


@pytest.fixture
def whole(made: Path, lake: Lake) -> Lake:
    """A lake with a user of whom there is everything but histograms and a history."""
    shutil.copytree(made, lake.root)
    return lake


def snapshot_in(lake: Lake) -> Snapshot:
    return Snapshots(lake).of(USER)


def told(lake: Lake) -> Report:
    return snapshot_in(lake).once(with_names)


def summary_of(lake: Lake) -> str:
    return " ".join(told(lake).summary)


def tables_of(report: Report) -> tuple[Table, ...]:
    assert report.tables.content is not None
    return report.tables.content


class _Page(HTMLParser):
    """The elements and words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(body: bytes) -> _Page:
    page = _Page()
    page.feed(body.decode())
    return page


# What is said of the selected adapter.


@pytest.mark.parametrize(
    ("ours", "nothing", "says", "says_not"),
    [
        ((0.4, 0.3, 0.5), (0.5, 0.4, 0.6), "does not beat doing nothing", "do not touch"),
        ((0.5, 0.4, 0.6), (0.5, 0.4, 0.6), "does not beat doing nothing", "higher"),
        ((0.6, 0.5, 0.7), (0.5, 0.4, 0.6), "it cannot be said that it beats", "do not touch"),
        ((0.9, 0.8, 1.0), (0.5, 0.4, 0.6), "The intervals do not touch", "cannot be said"),
        (
            (0.9, None, None),
            (0.5, None, None),
            "it cannot be said that it beats doing nothing",
            "do not touch",
        ),
        ((None, None, None), (0.5, 0.4, 0.6), "could not be held against doing nothing: needs two", "higher"),
    ],
)
def test_the_verdict_claims_no_more_than_the_intervals_bear_out(
    ours: tuple[float | None, ...], nothing: tuple[float | None, ...], says: str, says_not: str
) -> None:
    rows = [
        {"value": value, "ci_low": low, "ci_high": high, "note": None if value else "needs two matches"}
        for value, low, high in (ours, nothing)
    ]
    sentence = verdict("smoothing", rows[0], rows[1], 3)
    assert says in sentence
    assert says_not not in sentence


def test_the_summary_says_when_the_selected_adapter_does_not_beat_doing_nothing(whole: Lake) -> None:
    assert "does not beat" not in summary_of(whole)
    measure(whole, {None: (0.5, 0.4, 0.6), "smoothing": (0.45, 0.35, 0.55)})
    assert "it does not beat doing nothing: its cross-modal R-precision is 0.450" in summary_of(whole)
    assert "not above the 0.500 of doing nothing" in summary_of(whole)


def test_where_doing_nothing_was_selected_the_summary_says_that_no_adapter_did_better(whole: Lake) -> None:
    measure(whole, SURE, selected="identity")
    assert "Doing nothing is what was selected: on the validation matches no adapter" in summary_of(whole)
    marked = {row.name: row.marks for row in tables_of(told(whole))[0].rows}
    assert marked["doing nothing"] == ("doing nothing", "selected")


def test_a_recipe_that_saw_the_items_is_said_to_have_seen_them(whole: Lake) -> None:
    assert "smoothing has seen the vectors of the items that it is judged on" in summary_of(whole)
    measure(whole, SURE, selected="lexicon")
    assert "has seen the vectors" not in summary_of(whole)


def test_few_held_out_matches_are_said_to_be_few(whole: Lake) -> None:
    assert "of the 1 held-out match (24 items)" in summary_of(whole)
    assert "That is few" in summary_of(whole)


# The tables.


def test_doing_nothing_is_a_marked_row_of_every_table_and_the_selected_one_is_marked(whole: Lake) -> None:
    tables = tables_of(told(whole))
    assert [table.name.split(":")[0] for table in tables] == [
        "Table 1",
        "Table 2",
        "Table 3",
        "Our recipes, for new items",
        "Our recipes, for items that are there",
    ]
    for table in tables:
        assert [row.name for row in table.rows if "doing nothing" in row.marks] == ["doing nothing"]
    selected = {row.name for table in tables for row in table.rows if "selected" in row.marks}
    assert selected == {"smoothing"}


def test_a_row_has_its_interval_chance_and_difference_to_doing_nothing(whole: Lake) -> None:
    one_layer = tables_of(told(whole))[1]
    cell = one_layer.rows[1].crossing
    assert (one_layer.rows[1].name, cell.value) == ("temperature 0.1", "0.300")
    assert (cell.interval, cell.difference) == ("0.20 to 0.40", "−0.200")
    assert one_layer.chance.crossing.value == "0.250"
    assert [row.name for row in one_layer.more] == ["temperature 0.1, ratio × 0.3"]


def test_where_a_figure_is_missing_the_list_says_why(whole: Lake) -> None:
    note = figure(None, "modality_ratio", None, query_modality="text", note="no image was retrieved")
    other = figure("lexicon", "modality_ratio", None, note="no image was retrieved")
    measure(whole, SURE, more=(note, other))
    (line,) = told(whole).unmeasured
    assert line.startswith("No image was retrieved: modality ratio of doing nothing (posts asking")
    assert "1 figure of other configurations" in line


# Figures and runs.


def test_the_figures_that_can_be_drawn_are_and_the_others_say_what_to_do(whole: Lake) -> None:
    figures = told(whole).figures
    assert [f.number for f in figures if f.panels] == [1, 2, 3, 5]
    (line,) = figures[3].why_not
    assert line == f"The stage query_histograms was not made yet. `qualia run --user {USER}` makes it."


def test_the_map_gives_both_sides_of_a_match_the_same_number_and_colour(whole: Lake) -> None:
    posts, pins = (panel.drawn for panel in told(whole).figures[2].panels)
    for drawn in (posts, pins):
        assert re.findall(r'class="name"[^>]*>(\d+)<', drawn) == [
            str(pair.match) for pair in told(whole).pairs.content or ()
        ]
    assert set(re.findall(r"hue-\d", posts)) == set(re.findall(r"hue-\d", pins))


def history(run: int, value: float, **other: Any) -> dict[str, Any]:
    return {
        "run": run,
        "at": datetime(2026, 1, run, tzinfo=UTC),
        "space": "annotation",
        "metric": "coherence",
        "query_modality": "all",
        "k": 10,
        "value": value,
        "ci_low": value - 0.1,
        "ci_high": value + 0.1,
        "chance": 0.2,
        "n": 24,
        "posts": 10 * run,
        "pins": 20,
        **other,
    }


def test_with_one_run_there_is_no_trend_and_with_two_there_is(whole: Lake) -> None:
    lakes.write(whole, USER, "metric_history", [history(1, 0.5)])
    one = told(whole).trend.content
    lakes.write(whole, USER, "metric_history", [history(1, 0.5), history(2, 0.6)])
    two = told(whole).trend.content
    assert one is not None
    assert two is not None
    assert one.panels == ()
    assert "There is only one run so far" in snapshot_words(whole, [history(1, 0.5)])
    assert len(two.panels) == 2
    assert [run["run"] for run in two.runs] == ["2", "1"]
    assert [run["posts"] for run in two.runs] == ["20", "10"]


def snapshot_words(lake: Lake, rows: list[dict[str, Any]]) -> str:
    lakes.write(lake, USER, "metric_history", rows)
    return " ".join(" ".join(read(snapshot_in(lake).once(file_without_names)).words).split())


# What is not there.


@pytest.mark.parametrize(
    "tables",
    [
        (),
        ("artefacts",),
        ("artefacts", "annotations", "raw_embeddings", "annotation_embeddings", "projections"),
        tuple(name for name in lakes.ORDER if name not in ("adapters", "adapted_embeddings")),
        lakes.ORDER,
    ],
    ids=["pictures only", "items only", "no clusters", "no adapters", "no metrics"],
)
def test_of_a_half_made_lake_each_part_says_what_is_missing_and_none_fails(
    tables: tuple[str, ...], lake: Lake
) -> None:
    lakes.write_user(lake, USER, tables=("image_blobs", *tables))
    report = told(lake)
    assert report.tables.why_not
    assert report.measures.why_not
    assert report.trend.why_not
    assert all(figure.panels or figure.why_not for figure in report.figures)
    words = " ".join(" ".join(read(snapshot_in(lake).once(file_with_names)).words).split())
    assert "The stage test_figures was not made yet" in words
    assert ("The stage artefacts was not made yet" in words) == ("artefacts" not in tables)


@pytest.mark.parametrize("modality", ["text", "image"])
def test_with_one_modality_the_other_is_said_to_be_missing(modality: str, lake: Lake) -> None:
    lakes.write_user(lake, USER, modalities=(modality,))
    measure(lake, {None: (None, None, None)}, selected="identity")
    report = told(lake)
    other = report.figures[1 if modality == "text" else 0]
    assert "`qualia import --help`" in other.why_not[0]
    assert len(report.figures[2].panels) == 1
    assert "No clusters are matched" in report.pairs.why_not[0]
    assert "there are none" in report.tables.why_not[0]


def test_a_damaged_table_leaves_out_what_needs_it_and_nothing_else(whole: Lake) -> None:
    path = whole.path("projections", USER)
    content = bytearray(path.read_bytes())
    content[8:200] = bytes(192)
    path.write_bytes(content)
    report = told(whole)
    assert all("damaged" in report.figures[place].why_not[0] for place in range(3))
    assert report.tables.content
    assert report.figures[4].panels


# The file to send.


def names_in(lake: Lake) -> list[str]:
    """What is private: the key, titles, names of clusters, what people called their boards."""
    items = lake.read("artefacts", USER)
    found = {
        *items["title"].to_pylist(),
        *items["collection"].to_pylist(),
        *items["artefact_id"].to_pylist(),
        *lake.read("cluster_cards", USER)["label"].to_pylist(),
    }
    return [USER, *sorted(name for name in found if name)]


def test_a_file_without_names_holds_no_word_of_the_user(whole: Lake) -> None:
    lakes.write(whole, USER, "metric_history", [history(1, 0.5), history(2, 0.6)])
    private = names_in(whole)
    assert snapshot_in(whole).once(without_names).pairs.content
    assert held_in(whole, private) == []
    # Nor where things are missing, and it says what makes them.
    whole.path("clusters", USER).unlink()
    whole.path("artefacts", USER).unlink()
    assert held_in(whole, private) == []
    assert b"qualia run --user KEY" in snapshot_in(whole).once(file_without_names)


def held_in(lake: Lake, private: list[str]) -> list[str]:
    """Which of these stand in the file without names."""
    page = read(snapshot_in(lake).once(file_without_names))
    said = " ".join(page.words) + " ".join(str(attrs) for _, attrs in page.elements)
    return [name for name in private if name in said]


def test_a_file_with_names_holds_them_as_text(whole: Lake) -> None:
    body = snapshot_in(whole).once(file_with_names)
    words = " ".join(" ".join(read(body).words).split())
    assert USER in words
    labels = [pair.posts.name for pair in told(whole).pairs.content or ()]
    assert labels
    assert all(label in words for label in labels)
    titles = [title for pair in told(whole).pairs.content or () for title in pair.posts.titles]
    assert HOSTILE in titles
    assert HOSTILE in words


@pytest.mark.parametrize("make", [file_with_names, file_without_names])
def test_a_file_needs_nothing_and_its_policy_allows_its_own_style_alone(make: Any, whole: Lake) -> None:
    body = snapshot_in(whole).once(make)
    page = read(body)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    assert not [a for _, attrs in page.elements for a in attrs if a in ("style", "src") or a.startswith("on")]
    (style,) = re.findall(r"<style>(.*?)</style>", body.decode(), re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_a_file_of_many_items_is_small(whole: Lake) -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    ids = [f"folder:{i:05d}" for i in range(n)]
    modality = ["text" if i % 2 else "image" for i in range(n)]
    spec = lakes.spec_of("projections")
    parts = [
        pa.Table.from_arrays(
            [
                pa.array(column)
                for column in (
                    ids,
                    modality,
                    [view] * n,
                    [method] * n,
                    *rng.normal(size=(2, n)).astype(np.float32),
                )
            ],
            schema=spec.schema(),
        )
        for view, method in (("raw", "svd"), ("annotation", "umap"))
    ]
    lakes.write(whole, USER, "projections", pa.concat_tables(parts))
    report = told(whole)
    assert "about 8,000 of 20,000" in report.figures[0].caption
    assert len(snapshot_in(whole).once(file_with_names)) < 400_000


def test_the_command_writes_the_file_and_says_whether_names_are_in_it(whole: Lake, tmp_path: Path) -> None:
    out = tmp_path / "to send" / "report.html"
    done = CliRunner().invoke(report_command, ["--user", USER, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "without names" in done.output
    assert USER.encode() not in out.read_bytes()

    done = CliRunner().invoke(report_command, ["--user", USER, "--out", str(out), "--with-names"])
    assert done.exit_code == 0, done.output
    assert USER.encode() in out.read_bytes()
