"""The packed points of a map: coordinates, labels and filter columns of items, and none of their words."""

import json
import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from qualia_assets.lake.snapshot import NotThere, Snapshots
from qualia_assets.lake.store import Lake
from qualia_assets.views.item_card import card
from qualia_assets.views.items import Items
from qualia_assets.views.points import NO_DAY, NONE, MapTables, ids_of, pack, pictures_of, plain, tables_of
from qualia_assets_tests.web.lakes import ORDER, item_id, spec_of, write, write_user

VIEWS = ("raw", "annotation", "adapted")


def unpacked(tables: MapTables) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the columns, read as the script does."""
    body = pack(tables).body
    (length,) = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + length])
    columns: dict[str, Any] = {}
    for name, kind, at, size in header["columns"]:
        start = 4 + length + at
        assert start % 4 == 0
        raw = body[start : start + size]
        columns[name] = raw if kind == "bytes" else np.frombuffer(raw, kind)
    return header, columns


def tables_for(lake: Lake, **how: Any) -> MapTables:
    write_user(lake, "ann", **how)
    return tables_of(Snapshots(lake).of("ann"))


def without(table: pa.Table, **values: str) -> pa.Table:
    """The rows that do not have all of these values."""
    mask = np.ones(table.num_rows, dtype=bool)
    for name, value in values.items():
        mask &= np.asarray(pc.equal(table[name], value))
    return table.filter(pa.array(~mask))


@pytest.fixture(scope="module")
def ann(tmp_path_factory: pytest.TempPathFactory) -> MapTables:
    return tables_for(Lake(tmp_path_factory.mktemp("points") / "lake"), items=60)


def test_every_item_is_packed_once_with_the_columns_of_the_filters(ann: MapTables) -> None:
    header, columns = unpacked(ann)

    assert json.loads(columns["ids"]) == ids_of(ann) == [item_id("ann", n) for n in range(60)]
    assert header["modalities"] == ["text", "image"]
    assert columns["modality"].tolist() == [n % 2 for n in range(60)]
    assert columns["hop"].tolist() == [n % 3 // 2 for n in range(60)]
    assert [header["sources"][s] for s in columns["source"]] == ["folder"] * 60
    collections = ann.artefacts["collection"].to_pylist()
    assert [header["collections"][c] for c in columns["collection"]] == collections
    first = (datetime(2024, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert columns["day"].tolist() == [first + n if n % 7 else NO_DAY for n in range(60)]


@pytest.mark.parametrize("view", VIEWS)
def test_coordinates_keep_their_shape_in_each_space(ann: MapTables, view: str) -> None:
    header, columns = unpacked(ann)

    assert [v["name"] for v in header["views"]] == list(VIEWS)
    mask = pc.and_(pc.equal(ann.projections["view"], view), pc.equal(ann.projections["method"], "umap"))
    own = ann.projections.filter(mask).sort_by("artefact_id")
    true = np.column_stack([own["x"], own["y"]])
    found = np.column_stack([columns[f"{view}.x"], columns[f"{view}.y"]]).astype(float)
    assert (found.min(), found.max()) == (0, NONE - 1)
    scale = (NONE - 1) / np.ptp(true, axis=0).max()
    centre = (found.max(axis=0) + found.min(axis=0)) / 2
    assert np.allclose(found - centre, scale * (true - (true.max(axis=0) + true.min(axis=0)) / 2), atol=2)


def test_umap_is_preferred_and_svd_stands_in(ann: MapTables) -> None:
    header, _ = unpacked(replace(ann, projections=without(ann.projections, view="raw", method="umap")))

    methods = {v["name"]: v["method"] for v in header["views"]}
    assert methods == {"raw": "svd", "annotation": "umap", "adapted": "umap"}


def test_an_item_without_coordinates_in_one_space_is_shown_in_the_others(ann: MapTables) -> None:
    projections = without(ann.projections, view="adapted", artefact_id=item_id("ann", 0))

    header, columns = unpacked(replace(ann, projections=projections))

    assert header["items"] == 60
    assert (columns["adapted.x"][0], columns["adapted.y"][0]) == (NONE, NONE)
    assert columns["raw.x"][0] != NONE
    assert NONE not in columns["adapted.x"][1:]


def test_clusters_come_largest_first_with_their_accepted_match(ann: MapTables) -> None:
    header, columns = unpacked(ann)

    assert ann.clusters is not None
    assert ann.cluster_matches is not None
    sizes = [c["size"] for c in header["clusters"]]
    assert sizes == sorted(sizes, reverse=True)
    keys = [(c["modality"], c["cluster"]) for c in header["clusters"]]
    rows = ann.clusters.sort_by("artefact_id").to_pylist()
    expected = [(r["modality"], r["cluster"]) if r["cluster"] >= 0 else None for r in rows]
    assert [keys[c] if c != NONE else None for c in columns["cluster"]] == expected
    accepted = {r["cluster_a"] for r in ann.cluster_matches.to_pylist() if r["accepted"]}
    assert accepted
    assert {c["cluster"] for c in header["clusters"] if c["match"] is not None} == accepted
    assert {c["cluster"] for c in header["clusters"]} > accepted


def test_pins_have_their_usable_pictures(ann: MapTables) -> None:
    _, columns = unpacked(ann)

    hashes = [columns["pictures"][32 * i : 32 * i + 32].hex() for i in range(len(columns["pictures"]) // 32)]
    assert hashes == pictures_of(ann)
    found = [hashes[p] if p != NONE else None for p in columns["picture"]]
    assert found == ann.artefacts.sort_by("artefact_id")["image_sha256"].to_pylist()

    assert ann.image_blobs is not None
    rows = ann.image_blobs.to_pylist()
    rows[0]["status"] = "bad_mime"
    usable = replace(ann, image_blobs=pa.Table.from_pylist(rows, ann.image_blobs.schema))
    assert set(pictures_of(usable)) == set(hashes) - {rows[0]["sha256"]}


def test_no_words_of_an_item_are_packed(lake: Lake) -> None:
    body = pack(tables_for(lake, items=20, titles=["Nobody else knows"] * 20)).body

    assert b"Nobody else" not in body
    assert b"ann.example" not in body


def test_numbered_points_hold_neither_ids_nor_hashes(ann: MapTables) -> None:
    body = pack(ann, numbered=True).body

    assert json.dumps([str(n) for n in range(60)], separators=(",", ":")).encode() in body
    assert b"folder:ann" not in body
    assert not [sha for sha in pictures_of(ann) if bytes.fromhex(sha) in body]


@pytest.mark.parametrize("modality", ["text", "image"])
def test_one_modality_alone_is_a_map(lake: Lake, modality: str) -> None:
    tables = tables_for(lake, items=12, modalities=[modality])

    packed = pack(tables)

    assert (packed.posts, packed.pins) == ((12, 0) if modality == "text" else (0, 12))
    assert {c["match"] for c in unpacked(tables)[0]["clusters"]} == {None}


def test_items_without_clusters_are_a_map(lake: Lake) -> None:
    header, columns = unpacked(tables_for(lake, items=12, tables=("image_blobs", "artefacts", "projections")))

    assert header["clusters"] == []
    assert set(columns["cluster"].tolist()) == {NONE}


def test_missing_spaces_and_missing_projections_are_named_with_what_makes_them(lake: Lake) -> None:
    projections = tables_for(lake, items=12).projections
    write(lake, "ann", "projections", projections.filter(pc.not_equal(projections["view"], "adapted")))
    tables = tables_of(Snapshots(lake).of("ann"))

    assert pack(tables).views == ("raw", "annotation")
    header, _ = unpacked(tables)
    assert list(header["why_not"]) == ["adapted"]
    assert "qualia run --user ann" in header["why_not"]["adapted"]

    lake.path("projections", "ann").unlink()
    with pytest.raises(NotThere, match="projections was not made yet"):
        tables_of(Snapshots(lake).of("ann"))


@pytest.mark.parametrize(("x", "views"), [(np.nan, ()), (3.0, VIEWS)])
def test_coordinates_may_be_nan_or_all_the_same(ann: MapTables, x: float, views: tuple[str, ...]) -> None:
    column = pa.array(np.full(ann.projections.num_rows, x, np.float32))
    projections = ann.projections.set_column(ann.projections.column_names.index("x"), "x", column)
    assert pack(replace(ann, projections=projections)).views == views


def test_labels_become_one_line_of_visible_text() -> None:
    assert plain("a\x00b\r\n  c\u202egnp.\u2066x") == "a b c gnp. x"
    assert plain("<script>") == "<script>"
    assert plain("x" * 10_000) == "x" * 119 + "…"
    assert plain("family 👩‍👩‍👧‍👦") == "family 👩‍👩‍👧‍👦"


def test_a_card_has_bounded_text_and_links_only_to_the_web(lake: Lake) -> None:
    write_user(lake, "ann", items=2, titles=["t" * 10_000], tables=ORDER[:3])
    rows = lake.read("artefacts", "ann").to_pylist()
    for url, shown in (("javascript:alert(1)", None), ("http://a.example", "http://a.example"), (None, None)):
        rows[0]["url"] = url
        items = Items(spec_of("artefacts").table(rows), lake.read("annotations", "ann"))
        made = card(items, item_id("ann", 0))
        assert made is not None
        assert made["url"] == shown
        assert len(made["title"]) == 300
        assert max(len(text) for text in made["fields"].values()) <= 1200


def test_a_card_says_why_an_item_has_no_annotation(lake: Lake) -> None:
    write_user(lake, "ann", items=2, tables=ORDER[:3])
    artefacts, refused = lake.read("artefacts", "ann"), lake.read("annotations", "ann").to_pylist()
    for row in refused:
        row.update(status="refused", summary=None, themes=[], mood=None)

    made = card(Items(artefacts, spec_of("annotations").table(refused)), item_id("ann", 0))
    assert made is not None
    assert made["why_not"] == "It has no annotation (refused)."
    assert "mood" not in made["fields"]
    made = card(Items(artefacts, None), item_id("ann", 0))
    assert made is not None
    assert made["why_not"] == "It has not been annotated yet."
    assert card(Items(artefacts, None), "folder:another") is None
