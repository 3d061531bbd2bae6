"""The map as a PNG: no mark hides another, matched clusters share a colour, users with few items have one."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from scipy.spatial.distance import pdist

from qualia_assets.lake.tables import CLUSTER_CARDS, CLUSTER_MATCHES, CLUSTERS, PROJECTIONS
from qualia_assets.report import png_map
from qualia_assets.report.png_map import map_figure

Tables = tuple[pa.Table, pa.Table, pa.Table, pa.Table]


def tables(
    clusters: dict[tuple[str, int], int],
    matches: Sequence[tuple[int, int, bool]] = (),
    labels: dict[tuple[str, int], str] | None = None,
    noise: int = 0,
    spread: float = 1.0,
) -> Tables:
    """A user whose clusters have as many items as given, placed along a spiral."""
    rng = np.random.default_rng(0)
    places: list[dict[str, Any]] = []
    for turn, ((kind, cluster), size) in enumerate([*clusters.items(), (("text", -1), noise)]):
        middle = spread * 5 * np.array([np.cos(2.4 * turn), np.sin(2.4 * turn)]) * np.sqrt(turn + 1)
        for x, y in middle + spread * rng.normal(size=(size, 2)):
            item = {
                "artefact_id": f"demo:{len(places)}",
                "modality": kind,
                "view": "adapted",
                "method": "umap",
            }
            places.append({**item, "x": x, "y": y, "cluster": cluster, "probability": 1.0})
    named = labels if labels is not None else {c: f"theme {c[1]}: word" for c in clusters}
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
        PROJECTIONS.table([{c.name: p[c.name] for c in PROJECTIONS.columns} for p in places]),
        CLUSTERS.table([{c.name: p[c.name] for c in CLUSTERS.columns} for p in places]),
        CLUSTER_CARDS.table(cards),
        CLUSTER_MATCHES.table(pairs),
    )


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """All lines of text that are written, each with its colour."""
    lines: list[tuple[str, str]] = []
    write = png_map._text

    def recording(axes: Any, x: float, y: float, text: str, **how: Any) -> None:
        lines.append((text, how["color"]))
        write(axes, x, y, text, **how)

    monkeypatch.setattr(png_map, "_text", recording)
    return lines


def drawn(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def test_matched_clusters_share_a_colour_and_the_heading_counts_everything(
    written: list[tuple[str, str]],
) -> None:
    names = {
        ("text", 0): "sea", ("image", 0): "tide", ("text", 1): "bread",
        ("image", 1): "feast", ("text", 2): "law", ("image", 2): "order",
    }  # fmt: skip
    made = tables(dict.fromkeys(names, 12), [(0, 0, True), (1, 1, True), (2, 2, False)], names, noise=18)
    first = map_figure(*made)
    colour = {line: colour for line, colour in written if line in names.values()}
    assert colour["sea"] == colour["tide"]
    assert colour["bread"] == colour["feast"]
    assert len({colour[name] for name in ("sea", "bread", "law", "order")}) == 4
    head = " ".join(line for line, _ in written)
    assert "54 posts and 36 pins on one map" in head
    assert "2 clusters of posts are matched with one of pins each" in head
    assert "6 of 6 clusters are named, 20% of the items are in none" in head
    assert drawn(first).width > 1600
    assert map_figure(*made) == first


def test_marks_are_moved_apart_even_if_they_coincide() -> None:
    rng = np.random.default_rng(1)
    xy = np.concatenate([np.full((40, 2), 500.0), rng.normal(700, 5, (200, 2))])
    assert pdist(png_map._apart(xy, 10.0)).min() > 9


def test_gaps_are_narrowed_and_the_order_stays() -> None:
    values = np.array([0.0, 1.0, 2.0, 500.0, 501.0, 1000.0])
    assert np.diff(png_map._closed_up(values, most=0.01)).tolist() == [1, 1, 10, 1, 10]


@pytest.mark.parametrize(
    "odd",
    [
        tables({}),
        tables({}, noise=3),
        tables({("text", 0): 1}),
        tables({("image", 0): 30}, spread=0.0),
        tables({("text", 0): 9, ("image", 0): 9}, [(0, 7, True)]),
        tables({("text", 0): 5, ("text", 1): 6}, labels={}),
    ],
    ids=["nothing", "noise only", "one item", "one place", "a match of nothing", "no cards"],
)
def test_a_user_with_little_has_a_map_too(odd: Tables) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawn(map_figure(*odd)).height > 1200


def test_hostile_labels_are_written_literally_on_one_short_line_each(
    written: list[tuple[str, str]],
) -> None:
    labels = [
        r"$\frac{1}{$ $x$", "<script>alert(1)</script>: a\nb\r\tc", "long " * 40, "%s {0} \\ ^_", ":", " ",
    ]  # fmt: skip
    clusters = {("text", c): 9 for c in range(len(labels))}
    map_figure(*tables(clusters, labels=dict(zip(clusters, labels, strict=True))))
    shown = [line for line, _ in written][: 2 * len(labels)]
    for part in (part for label in labels for part in label.partition(":")[::2]):
        text = " ".join(part.split())
        assert any(
            line == text or (line.endswith("…") and text.startswith(line[:-1]) and len(line) <= 34)
            for line in shown
        )


def test_twenty_thousand_items_and_sixty_pairs_are_drawn_in_a_small_file() -> None:
    crowd = {(kind, c): 160 for kind in ("text", "image") for c in range(60)}
    png = map_figure(*tables(crowd, [(c, c, True) for c in range(60)], noise=800))
    assert len(png) < 300_000
