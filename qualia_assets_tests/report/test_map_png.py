"""The map as a picture: every mark is seen, what is matched has one colour, and odd users have a map too."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from scipy.spatial.distance import pdist

from qualia_assets.lake.tables import CLUSTER_CARDS, CLUSTER_MATCHES, CLUSTERS, PROJECTIONS
from qualia_assets.report import map_png
from qualia_assets.report.map_png import map_figure
from qualia_assets_tests.places import USER, lake_of

Tables = tuple[pa.Table, pa.Table, pa.Table, pa.Table]


def tables(
    clusters: dict[tuple[str, int], int],
    matches: Sequence[tuple[int, int, bool]] = (),
    labels: dict[tuple[str, int], str] | None = None,
    noise: int = 0,
    spread: float = 1.0,
) -> Tables:
    """A user whose clusters have so many items each, on a spiral of places."""
    rng = np.random.default_rng(0)
    projections: list[dict[str, Any]] = []
    numbers: list[dict[str, Any]] = []
    wanted = [*clusters.items(), *([(("text", -1), noise)] if noise else [])]
    for turn, ((kind, cluster), size) in enumerate(wanted):
        middle = spread * 5 * np.array([np.cos(2.4 * turn), np.sin(2.4 * turn)]) * np.sqrt(turn + 1)
        for x, y in middle + spread * rng.normal(size=(size, 2)):
            item = f"demo:{len(numbers)}"
            projections.append(
                {"artefact_id": item, "modality": kind, "view": "adapted", "method": "umap", "x": x, "y": y}
            )
            numbers.append({"artefact_id": item, "modality": kind, "cluster": cluster, "probability": 1.0})
    named = labels or {c: f"theme {c[1]}: word" for c in clusters}
    cards = [
        {"modality": m, "cluster": c, "size": clusters[m, c], "label": label, "keywords": [], "exemplars": []}
        for (m, c), label in named.items()
    ]
    pairs = [
        {
            "match": i, "modality_a": "text", "cluster_a": a, "modality_b": "image", "cluster_b": b,
            "similarity": 0.5, "mutual_best": True, "accepted": accepted, "split": None,
        }
        for i, (a, b, accepted) in enumerate(matches)
    ]  # fmt: skip
    return (
        PROJECTIONS.table(projections),
        CLUSTERS.table(numbers),
        CLUSTER_CARDS.table(cards),
        CLUSTER_MATCHES.table(pairs),
    )


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """All lines of type that are written, each with its colour."""
    lines: list[tuple[str, str]] = []
    write = map_png._text

    def listening(axes: Any, x: float, y: float, text: str, **how: Any) -> None:
        lines.append((text, how["color"]))
        write(axes, x, y, text, **how)

    monkeypatch.setattr(map_png, "_text", listening)
    return lines


def drawn(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def test_a_finished_users_map_names_its_clusters_and_is_the_same_bytes_again(
    finished: Path, told: list[tuple[str, str]]
) -> None:
    lake = lake_of(finished)
    made = [lake.read(n, USER) for n in ("projections", "clusters", "cluster_cards", "cluster_matches")]
    first = map_figure(*made)
    labels = lake.read("cluster_cards", USER)["label"].to_pylist()
    written = [line for line, _ in told]
    assert labels
    assert {label.partition(":")[0] for label in labels} <= set(written)
    assert map_figure(*made) == first
    assert drawn(first).width > 1600
    assert len(first) < 300_000


def test_matched_clusters_share_a_colour_and_others_do_not(told: list[tuple[str, str]]) -> None:
    names = {
        ("text", 0): "sea", ("image", 0): "tide", ("text", 1): "bread",
        ("image", 1): "feast", ("text", 2): "law", ("image", 2): "order",
    }  # fmt: skip
    map_figure(*tables(dict.fromkeys(names, 12), [(0, 0, True), (1, 1, True), (2, 2, False)], names))
    colour = {line: colour for line, colour in told if line in names.values()}
    assert colour["sea"] == colour["tide"]
    assert colour["bread"] == colour["feast"]
    assert len({colour[name] for name in ("sea", "bread", "law", "order")}) == 4
    assert "2 clusters of posts are matched with one of pins each" in " ".join(line for line, _ in told)


def test_the_head_counts_items_pairs_names_and_what_is_in_no_cluster(told: list[tuple[str, str]]) -> None:
    map_figure(*tables({("text", 0): 30, ("image", 0): 50}, [(0, 0, True)], noise=20))
    head = " ".join(line for line, _ in told)
    assert "50 posts and 50 pins on one map" in head
    assert "2 of 2 clusters are named, 20% of the items are in none" in head


def test_no_mark_lies_on_another_even_where_items_are_in_the_very_same_place() -> None:
    rng = np.random.default_rng(1)
    xy = np.concatenate([np.full((40, 2), 500.0), rng.normal(700, 5, (200, 2))])
    apart = map_png._apart(xy, 10.0)
    assert pdist(xy).min() == 0
    assert pdist(apart).min() > 9


def test_gaps_close_up_and_nobody_passes_anybody() -> None:
    values = np.array([0.0, 1.0, 2.0, 500.0, 501.0, 1000.0])
    closed = map_png._closed_up(values, most=0.01)
    assert (np.argsort(closed) == np.arange(6)).all()
    assert np.diff(closed).tolist() == [1, 1, 10, 1, 10]


@pytest.mark.parametrize(
    "odd",
    [
        tables({}),
        tables({}, noise=3),
        tables({("text", 0): 1}),
        tables({("text", 0): 5, ("text", 1): 6}),
        tables({("image", 0): 30}, spread=0.0),
        tables({("text", 0): 9, ("image", 0): 9}, [(0, 7, True)]),
        tables({("text", 0): 9}, labels={}),
    ],
    ids=["nothing", "noise only", "one item", "posts only", "one place", "a match of nothing", "no cards"],
)
def test_a_user_with_little_has_a_map_too(odd: Tables) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawn(map_figure(*odd)).height > 1200


@pytest.mark.parametrize(
    "label",
    [r"$\frac{1}{$ $x$", "<script>alert(1)</script>: a\nb\r\tc", "long " * 40, "%s {0} \\ ^_", ":", " "],
)
def test_a_hostile_label_is_written_as_it_stands_on_one_short_line(
    label: str, told: list[tuple[str, str]]
) -> None:
    map_figure(*tables({("text", 0): 9}, labels={("text", 0): label}))
    theme, words = (line for line, _ in told[:2])
    for line, part in ((theme, label.partition(":")[0]), (words, label.partition(":")[2])):
        whole = " ".join(part.split())
        assert line == whole or (line.endswith("…") and whole.startswith(line[:-1]) and len(line) <= 34)


def test_twenty_thousand_items_and_sixty_pairs_are_drawn_in_a_small_file() -> None:
    crowd = {(kind, c): 160 for kind in ("text", "image") for c in range(60)}
    png = map_figure(*tables(crowd, [(c, c, True) for c in range(60)], noise=800))
    assert len(png) < 300_000
