"""A report claims only what its tables support, says why a section is missing, and can leave out names."""

import base64
import hashlib
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from qualia_assets.cli.share import report as report_command
from qualia_assets.lake import sql
from qualia_assets.lake.snapshot import Snapshot, Snapshots
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import ADAPTERS, METRICS
from qualia_assets.paths import sql_folder
from qualia_assets.report.html_tables import Table
from qualia_assets.report.report import Report
from qualia_assets.report.summary import verdict
from qualia_assets.report.svg_figures import Figure, Panel
from qualia_assets.web.report_file import file_with_names, file_without_names, with_names, without_names
from qualia_assets_tests.web import lakes
from qualia_assets_tests.web.html import Html, text_of

USER = "zz-unmistakable"
HOSTILE = "</style><script>alert(1)</script>"
KINDS = {"lexicon": "inductive", "smoothing": "transductive"}
Estimates = Mapping[str | None, tuple[float | None, float | None, float | None]]
"""A value and its interval by configuration; None is doing nothing."""


def metric(config: str | None, name: str, value: float | None, **other: Any) -> dict[str, Any]:
    return {
        "space": "adapted" if config else "annotation", "config_id": config, "metric": name, "split": "test",
        "gallery": "full", "query_modality": "all", "calibrated": False, "value": value, "n": 24,
        "k": 10 if name in ("coherence", "modality_ratio") else None, "chance": 0.25, **other,
    }  # fmt: skip


def fitted(config: str, selected: str) -> dict[str, Any]:
    paper = "linear" in config
    return {
        "config_id": config, "arch": "identity" if config == "identity" else "linear" if paper else "lookup",
        "input": "annotation_embeddings", "recipe": "paper" if paper else config,
        "kind": KINDS.get(config, "inductive"), "temperature": 0.1 if paper else None,
        "balance_weight": 0.3 if config.endswith("ratio") else 0.0 if paper else None,
        "balance_term": "ratio" if config.endswith("ratio") else None, "seed": 0, "train_seconds": 0.0,
        "val_coherence": 0.6, "val_abs_bias": 0.2, "val_cross_modal_r_precision": 0.5,
        "pareto": config == selected, "selected": config == selected,
    }  # fmt: skip


def measure(lake: Lake, values: Estimates, selected: str = "smoothing", more: Sequence[Any] = ()) -> None:
    """Write adapters and their metrics, and ``test_figures`` by the project's own SQL."""
    values = {**values, "identity": values[None]}
    lakes.write(lake, USER, "adapters", ADAPTERS.table(fitted(c, selected) for c in values if c))
    for below in ("adapted_embeddings", "projections"):
        # The same tables, now made from these adapters.
        lakes.write(lake, USER, below, lake.read(below, USER))
    rows = [
        metric(config, name, value, ci_low=low, ci_high=high)
        for config, (value, low, high) in values.items()
        for name in ("cross_modal_r_precision", "coherence")
    ]
    rows += [
        metric(config, "modality_bias", 0.2, k=10, split=split, ci_low=-0.1, ci_high=0.5, chance=0.0)
        for split in ("val", "test")
        for config in values
    ]
    lakes.write(lake, USER, "metrics", METRICS.table([*rows, *more]))
    query = (sql_folder() / "staging" / "test_figures.sql").read_text(encoding="utf-8")
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
def complete(made: Path, lake: Lake) -> Lake:
    """A lake with everything of a user but histograms and a history."""
    shutil.copytree(made, lake.root)
    return lake


def snapshot_in(lake: Lake) -> Snapshot:
    return Snapshots(lake).of(USER)


def report_on(lake: Lake) -> Report:
    return snapshot_in(lake).once(with_names)


def summary_of(lake: Lake) -> str:
    return " ".join(report_on(lake).summary)


def tables_of(report: Report) -> tuple[Table, ...]:
    assert report.tables.content is not None
    return report.tables.content


def page(lake: Lake, make: Callable[[Snapshot], bytes] = file_with_names) -> Html:
    return Html(snapshot_in(lake).once(make).decode())


NEEDS_TWO = "could not be compared with doing nothing: needs two"


@pytest.mark.parametrize(
    ("ours", "nothing", "claim"),
    [
        ((0.4, 0.3, 0.5), (0.5, 0.4, 0.6), "does not beat doing nothing"),
        ((0.5, 0.4, 0.6), (0.5, 0.4, 0.6), "does not beat doing nothing"),
        ((0.6, 0.5, 0.7), (0.5, 0.4, 0.6), "one cannot conclude that it beats doing nothing"),
        ((0.9, None, None), (0.5, None, None), "one cannot conclude that it beats doing nothing"),
        ((0.9, 0.8, 1.0), (0.5, 0.4, 0.6), "The intervals do not overlap"),
        ((None, None, None), (0.5, 0.4, 0.6), NEEDS_TWO),
    ],
)
def test_the_verdict_claims_no_more_than_the_intervals_support(
    ours: tuple[float | None, ...], nothing: tuple[float | None, ...], claim: str
) -> None:
    rows = [
        {"value": value, "ci_low": low, "ci_high": high, "note": None if value else "needs two matches"}
        for value, low, high in (ours, nothing)
    ]
    sentence = verdict("smoothing", rows[0], rows[1], 3)
    claims = ("does not beat", "one cannot conclude", "do not overlap", NEEDS_TWO)
    assert [other for other in claims if other in sentence] == [c for c in claims if c in claim]
    assert claim in sentence


def test_the_summary_says_when_the_selected_adapter_does_not_beat_doing_nothing(complete: Lake) -> None:
    assert "does not beat" not in summary_of(complete)
    measure(complete, {None: (0.5, 0.4, 0.6), "smoothing": (0.45, 0.35, 0.55)})
    assert "it does not beat doing nothing: its cross-modal R-precision is 0.450" in summary_of(complete)
    assert "not above the 0.500 of doing nothing" in summary_of(complete)


def test_the_summary_says_when_doing_nothing_was_selected(complete: Lake) -> None:
    measure(complete, SURE, selected="identity")
    assert "Doing nothing was selected: on the validation matches no adapter" in summary_of(complete)
    marked = {row.name: row.marks for row in tables_of(report_on(complete))[0].rows}
    assert marked["doing nothing"] == ("doing nothing", "selected")


def test_the_summary_says_that_a_recipe_saw_the_items_and_that_matches_are_few(complete: Lake) -> None:
    assert "`smoothing` saw the vectors of the items it is tested on" in summary_of(complete)
    assert "on the 1 held-out match (24 items)" in summary_of(complete)
    assert "That is few" in summary_of(complete)
    measure(complete, SURE, selected="lexicon")
    assert "saw the vectors" not in summary_of(complete)


def test_the_summary_gives_the_experiment_and_the_modality_ratios(complete: Lake) -> None:
    ratios = [
        metric(config, "modality_ratio", value, query_modality=query, chance=0.8)
        for config, values in ((None, (2.5, 8.0, 0.36)), ("smoothing", (1.5, 2.0, 1.0)))
        for query, value in zip(("all", "text", "image"), values, strict=True)
    ]
    measure(complete, SURE, more=tuple(ratios))
    result = {
        "labels": "matches", "config_id": "selected:paper", "kind": "inductive",
        "metric": "cross_modal_r_precision", "gallery": "full", "query_modality": "all", "calibrated": False,
        "mean": 0.5, "std": 0.1, "difference": -0.04, "difference_low": -0.1, "difference_high": 0.02,
        "wins": 3, "splits": 8,
    }  # fmt: skip
    lakes.write(complete, USER, "experiment_results", [result])
    said = summary_of(complete)
    assert "−0.040 (95\u00a0%: −0.100 to +0.020) among the paper's adapters, above 0 on 3 of 8." in said
    for name, overall, posts, pins in (("Doing nothing", 2.5, 8, 0.36), ("`smoothing`", 1.5, 2, 1)):
        assert f"{name} retrieves posts {overall:.2f} times as often as pins (chance 0.80)" in said
        assert f"{posts:.2f} times for post queries, {pins:.2f} times for pin queries." in said


def test_every_table_marks_doing_nothing_and_the_selected_one(complete: Lake) -> None:
    tables = tables_of(report_on(complete))
    ours = ["Our recipes, for new items", "Our recipes, for existing items"]
    assert [table.name.split(":")[0] for table in tables] == ["Table 1", "Table 2", "Table 3", *ours]
    for table in tables:
        assert [row.name for row in table.rows if "doing nothing" in row.marks] == ["doing nothing"]
    selected = {row.name for table in tables for row in table.rows if "selected" in row.marks}
    assert selected == {"smoothing"}


def test_a_row_has_its_interval_chance_and_difference_to_doing_nothing(complete: Lake) -> None:
    one_layer = tables_of(report_on(complete))[1]
    cell = one_layer.rows[1].cross_modal
    assert (one_layer.rows[1].name, cell.value) == ("temperature 0.1", "0.300")
    assert (cell.interval, cell.difference) == ("0.20 to 0.40", "−0.200")
    assert one_layer.chance.cross_modal.value == "0.250"
    assert [row.name for row in one_layer.folded] == ["temperature 0.1, ratio × 0.3"]


def test_the_reason_for_each_missing_value_is_given(complete: Lake) -> None:
    note = metric(None, "modality_ratio", None, query_modality="text", note="no image was retrieved")
    other = metric("lexicon", "modality_ratio", None, note="no image was retrieved")
    measure(complete, SURE, more=(note, other))
    (line,) = report_on(complete).unmeasured
    assert line.startswith("No image was retrieved: modality ratio of doing nothing (post queries")
    assert "1 value of other configurations" in line


def panels_of(figure: Figure) -> tuple[Panel, ...]:
    return figure.drawing.panels if figure.drawing else ()


def test_a_figure_that_cannot_be_drawn_says_what_to_do(complete: Lake) -> None:
    figures = report_on(complete).figures
    assert [f.number for f in figures if f.drawing] == [1, 2, 3, 5]
    (line,) = figures[3].why_not
    assert line == f"The stage query_histograms was not made yet. `qualia run --user {USER}` makes it."


@pytest.mark.parametrize(
    ("selected", "title"),
    [("smoothing", "smoothing, selected"), ("identity", "smoothing, the best trained, not selected")],
)
def test_histograms_show_doing_nothing_beside_an_adapter(complete: Lake, selected: str, title: str) -> None:
    measure(complete, SURE, selected=selected)
    rows = [
        {
            "space": space, "config_id": config, "kind": "cosine", "query_modality": direction,
            "bin_low": 0.5, "bin_high": 0.525, "count": 7,
        }
        for space, config in (("annotation", None), ("adapted", "smoothing"))
        for direction in ("text>text", "image>text")
    ]  # fmt: skip
    lakes.write(complete, USER, "query_histograms", rows)
    drawing = report_on(complete).figures[3].drawing
    assert drawing
    assert [panel.title for panel in drawing.panels] == ["doing nothing", title]
    lines = [re.findall(r'class="line ([^"]+)"', panel.chart) for panel in drawing.panels]
    assert lines == [["of-text", "of-image dashed"]] * 2
    assert drawing.caption.startswith("14 cosines of held-out items")
    lakes.write(complete, USER, "query_histograms", [])
    assert "no held-out matches" in report_on(complete).figures[3].why_not[0]


def test_the_map_gives_both_sides_of_a_match_the_same_number_and_colour(complete: Lake) -> None:
    report = report_on(complete)
    posts, pins = (panel.chart for panel in panels_of(report.figures[2]))
    matches = [str(match.match) for match in report.matches.content or ()]
    assert [re.findall(r'class="name"[^>]*>(\d+)<', chart) for chart in (posts, pins)] == [matches] * 2
    assert set(re.findall(r"hue-\d", posts)) == set(re.findall(r"hue-\d", pins))


def history(run: int, value: float) -> dict[str, Any]:
    return {
        "run": run, "at": datetime(2026, 1, run, tzinfo=UTC), "space": "annotation", "metric": "coherence",
        "query_modality": "all", "k": 10, "value": value, "ci_low": value - 0.1, "ci_high": value + 0.1,
        "chance": 0.2, "n": 24, "posts": 10 * run, "pins": 20,
    }  # fmt: skip


def test_a_trend_needs_two_runs(complete: Lake) -> None:
    lakes.write(complete, USER, "metric_history", [])
    assert "No run has measured anything" in report_on(complete).trend.why_not[0]
    lakes.write(complete, USER, "metric_history", [history(1, 0.5)])
    one = report_on(complete).trend.content
    assert one is not None
    assert one.panels == ()
    assert "There is only one run so far" in text_of(page(complete, file_without_names).root)
    lakes.write(complete, USER, "metric_history", [history(1, 0.5), history(2, 0.6)])
    two = report_on(complete).trend.content
    assert two is not None
    assert len(two.panels) == 2
    assert [(run["run"], run["posts"]) for run in two.runs] == [("2", "20"), ("1", "10")]


@pytest.mark.parametrize(
    "tables",
    [
        (),
        ("artefacts", "annotations", "raw_embeddings", "annotation_embeddings", "projections"),
        tuple(name for name in lakes.ORDER if name not in ("adapters", "adapted_embeddings")),
        lakes.ORDER,
    ],
    ids=["pictures only", "no clusters", "no adapters", "no metrics"],
)
def test_each_section_whose_tables_are_missing_says_so(tables: tuple[str, ...], lake: Lake) -> None:
    lakes.write_user(lake, USER, tables=("image_blobs", *tables))
    report = report_on(lake)
    assert report.tables.why_not
    assert report.metrics.why_not
    assert report.trend.why_not
    assert all(figure.drawing or figure.why_not for figure in report.figures)
    words = text_of(page(lake).root)
    assert "The stage test_figures was not made yet" in words
    assert ("The stage artefacts was not made yet" in words) == ("artefacts" not in tables)


@pytest.mark.parametrize("modality", ["text", "image"])
def test_with_one_modality_the_report_says_that_the_other_is_missing(modality: str, lake: Lake) -> None:
    lakes.write_user(lake, USER, modalities=(modality,))
    measure(lake, {None: (None, None, None)}, selected="identity")
    report = report_on(lake)
    other = report.figures[1 if modality == "text" else 0]
    assert "`qualia import --help`" in other.why_not[0]
    assert len(panels_of(report.figures[2])) == 1
    assert "No clusters are matched" in report.matches.why_not[0]
    assert "There are no held-out matches" in report.tables.why_not[0]


def test_only_the_sections_that_need_a_damaged_table_are_missing(complete: Lake) -> None:
    path = complete.path("projections", USER)
    content = bytearray(path.read_bytes())
    content[8:200] = bytes(192)
    path.write_bytes(content)
    report = report_on(complete)
    assert all("damaged" in report.figures[place].why_not[0] for place in range(3))
    assert report.tables.content
    assert report.figures[4].drawing


def test_a_file_without_names_contains_no_word_of_the_user(complete: Lake) -> None:
    lakes.write(complete, USER, "metric_history", [history(1, 0.5), history(2, 0.6)])
    items = complete.read("artefacts", USER)
    labels = complete.read("cluster_cards", USER)["label"].to_pylist()
    columns = (items[name].to_pylist() for name in ("title", "collection", "artefact_id"))
    private = {USER, *labels, *(value for column in columns for value in column if value)}

    def leaks() -> list[str]:
        root = page(complete, file_without_names).root
        text = text_of(root) + " ".join(str(element.attrib) for element in root.iter())
        return [word for word in private if " ".join(word.split()) in text]

    assert snapshot_in(complete).once(without_names).matches.content
    assert leaks() == []
    # Nor where it says how to make missing tables.
    complete.path("clusters", USER).unlink()
    complete.path("artefacts", USER).unlink()
    assert leaks() == []
    assert "qualia run --user KEY" in text_of(page(complete, file_without_names).root)


def test_a_file_with_names_contains_them_as_text(complete: Lake) -> None:
    sides = [match.posts for match in report_on(complete).matches.content or ()]
    assert sides
    assert HOSTILE in [title for side in sides for title in side.titles]
    words = text_of(page(complete).root)
    assert all(name in words for name in (USER, HOSTILE, *(side.name for side in sides)))


@pytest.mark.parametrize("make", [file_with_names, file_without_names])
def test_a_file_loads_nothing_and_its_policy_allows_only_its_own_style(make: Any, complete: Lake) -> None:
    sent = page(complete, make)
    forbidden = {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    assert not forbidden & {element.tag for element in sent.root.iter()}
    attributes = {name for element in sent.root.iter() for name in element.attrib}
    assert not [name for name in attributes if name in ("style", "src") or name.startswith("on")]
    (style,) = ("".join(element.itertext()) for element in sent.all("style"))
    assert "url(" not in style
    assert "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    by_name = {meta.get("http-equiv"): meta.get("content") for meta in sent.all("meta")}
    policy = by_name["Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_a_file_of_many_items_is_small(complete: Lake) -> None:
    n = 20_000
    x, y = np.random.default_rng(0).normal(size=(2, n)).astype(np.float32)
    ids, modality = [f"folder:{i:05d}" for i in range(n)], ["image", "text"] * (n // 2)
    schema = lakes.spec_of("projections").schema()
    parts = [
        pa.table([ids, modality, [view] * n, [method] * n, x, y], schema=schema)
        for view, method in (("raw", "svd"), ("annotation", "umap"))
    ]
    lakes.write(complete, USER, "projections", pa.concat_tables(parts))
    drawing = report_on(complete).figures[0].drawing
    assert drawing
    assert "about 8,000 of 20,000" in drawing.caption
    assert len(snapshot_in(complete).once(file_with_names)) < 400_000


@pytest.mark.parametrize("with_names", [False, True])
def test_the_command_writes_the_file_and_says_whether_names_are_in_it(
    complete: Lake, tmp_path: Path, with_names: bool
) -> None:
    out = tmp_path / "to send" / "report.html"
    options = ["--with-names"] if with_names else []
    done = CliRunner().invoke(report_command, ["--user", USER, "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    assert ("without names" in done.output) is not with_names
    assert (USER.encode() in out.read_bytes()) is with_names
