"""What a map's script is sent: places, names and numbers of the user's items, and nothing more."""

import json
import struct
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
from qualia_assets.views.points import (
    NO_DAY,
    NONE,
    MapTables,
    ids_of,
    pack,
    pictures_of,
    plain,
    tables_of,
)
from qualia_assets_tests.web.lakes import ORDER, item_id, spec_of, write, write_user


def unpacked(body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the columns, read as the script does."""
    (length,) = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + length])
    columns: dict[str, Any] = {}
    for name, kind, at, size in header["columns"]:
        start = 4 + length + at
        assert start % 4 == 0
        raw = body[start : start + size]
        columns[name] = raw if kind == "bytes" else np.frombuffer(raw, kind)
    return header, columns


def tables(lake: Lake, user: str = "ann") -> MapTables:
    return tables_of(Snapshots(lake).of(user))


@pytest.fixture
def ann(lake: Lake) -> MapTables:
    write_user(lake, "ann", items=60)
    return tables(lake)


def test_every_item_is_there_once_with_what_the_filters_ask_for(ann: MapTables) -> None:
    header, columns = unpacked(pack(ann).body)

    ids = json.loads(columns["ids"])
    assert ids == [item_id("ann", n) for n in range(60)]
    assert header["modalities"] == ["text", "image"]
    assert columns["modality"].tolist() == [n % 2 for n in range(60)]
    assert columns["hop"].tolist() == [n % 3 // 2 for n in range(60)]
    assert [header["sources"][s] for s in columns["source"]] == ["folder"] * 60
    collections = ann.artefacts["collection"].to_pylist()
    assert [header["collections"][c] for c in columns["collection"]] == collections
    first = (datetime(2024, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert columns["day"].tolist() == [first + n if n % 7 else NO_DAY for n in range(60)]


def test_places_keep_their_shape_in_each_space(ann: MapTables) -> None:
    header, columns = unpacked(pack(ann).body)

    assert [v["name"] for v in header["views"]] == ["raw", "annotation", "adapted"]
    for view in ("raw", "annotation", "adapted"):
        of = pc.and_(pc.equal(ann.projections["view"], view), pc.equal(ann.projections["method"], "umap"))
        mine = ann.projections.filter(of).sort_by("artefact_id")
        true = np.column_stack([mine["x"], mine["y"]])
        found = np.column_stack([columns[f"{view}.x"], columns[f"{view}.y"]]).astype(float)
        assert found.max() == NONE - 1
        assert found.min() == 0
        scale = (NONE - 1) / np.ptp(true, axis=0).max()
        middle = (found.max(axis=0) + found.min(axis=0)) / 2
        assert np.allclose(found - middle, scale * (true - (true.max(axis=0) + true.min(axis=0)) / 2), atol=2)


def test_umap_is_shown_where_it_is_and_the_first_axes_where_it_is_not(ann: MapTables) -> None:
    views = ann.projections["view"], ann.projections["method"]
    no_umap = pc.and_(pc.equal(views[0], "raw"), pc.equal(views[1], "umap"))
    without = ann.projections.filter(pc.invert(no_umap))

    header, _ = unpacked(pack(MapTables(ann.artefacts, without)).body)

    assert {v["name"]: v["method"] for v in header["views"]} == {
        "raw": "svd", "annotation": "umap", "adapted": "umap",
    }  # fmt: skip


def test_an_item_that_has_no_place_in_one_space_is_shown_in_the_others(ann: MapTables) -> None:
    first = item_id("ann", 0)
    gone = pc.and_(
        pc.equal(ann.projections["artefact_id"], first), pc.equal(ann.projections["view"], "adapted")
    )

    header, columns = unpacked(pack(MapTables(ann.artefacts, ann.projections.filter(pc.invert(gone)))).body)

    assert header["items"] == 60
    assert (columns["adapted.x"][0], columns["adapted.y"][0]) == (NONE, NONE)
    assert columns["raw.x"][0] != NONE
    assert NONE not in columns["adapted.x"][1:]


def test_clusters_come_the_largest_first_with_the_match_that_was_accepted(ann: MapTables) -> None:
    header, columns = unpacked(pack(ann).body)

    assert ann.clusters is not None
    assert ann.cluster_matches is not None
    sizes = [c["size"] for c in header["clusters"]]
    assert sizes == sorted(sizes, reverse=True)
    found = [
        (header["clusters"][c]["modality"], header["clusters"][c]["cluster"]) if c != NONE else None
        for c in columns["cluster"]
    ]
    rows = ann.clusters.sort_by("artefact_id").to_pylist()
    assert found == [(r["modality"], r["cluster"]) if r["cluster"] >= 0 else None for r in rows]
    accepted = {r["cluster_a"] for r in ann.cluster_matches.to_pylist() if r["accepted"]}
    assert accepted
    assert {c["cluster"] for c in header["clusters"] if c["match"] is not None} == accepted
    assert {c["cluster"] for c in header["clusters"]} > accepted


def test_pins_have_their_pictures_and_broken_ones_none(ann: MapTables) -> None:
    _, columns = unpacked(pack(ann).body)

    hashes = [columns["pictures"][32 * i : 32 * i + 32].hex() for i in range(len(columns["pictures"]) // 32)]
    assert hashes == pictures_of(ann)
    found = [hashes[p] if p != NONE else None for p in columns["picture"]]
    assert found == ann.artefacts.sort_by("artefact_id")["image_sha256"].to_pylist()

    assert ann.image_blobs is not None
    place = ann.image_blobs.column_names.index("status")
    status = pa.array(["bad_mime", *["ok"] * (ann.image_blobs.num_rows - 1)])
    broken = ann.image_blobs["sha256"][0].as_py()
    mended = MapTables(
        ann.artefacts, ann.projections, image_blobs=ann.image_blobs.set_column(place, "status", status)
    )
    assert set(pictures_of(mended)) == set(hashes) - {broken}


def test_no_title_and_no_word_of_an_item_is_in_it(lake: Lake) -> None:
    write_user(lake, "ann", items=20, titles=["Nobody else knows"] * 20)

    body = pack(tables(lake)).body

    assert b"Nobody else" not in body
    assert b"ann.example" not in body


def test_in_a_file_items_are_numbers_and_pictures_have_no_hash(ann: MapTables) -> None:
    _, columns = unpacked(pack(ann, numbered=True).body)

    assert json.loads(columns["ids"]) == [str(n) for n in range(60)]
    assert columns["pictures"] == b""
    assert b"folder:ann" not in pack(ann, numbered=True).body
    assert ids_of(ann)[3] == item_id("ann", 3)


@pytest.mark.parametrize("modality", ["text", "image"])
def test_one_modality_alone_is_a_map(lake: Lake, modality: str) -> None:
    write_user(lake, "ann", items=12, modalities=[modality])

    packed = pack(tables(lake))

    assert (packed.posts, packed.pins) == ((12, 0) if modality == "text" else (0, 12))
    header, _ = unpacked(packed.body)
    assert {c["match"] for c in header["clusters"]} == {None}


def test_without_clusters_the_items_are_there(lake: Lake) -> None:
    write_user(lake, "ann", items=12, tables=("image_blobs", "artefacts", "projections"))

    header, columns = unpacked(pack(tables(lake)).body)

    assert header["clusters"] == []
    assert set(columns["cluster"].tolist()) == {NONE}


def test_a_space_that_nobody_placed_is_told_with_what_to_do(lake: Lake) -> None:
    write_user(lake, "ann", items=12)
    placed = lake.read("projections", "ann")
    write(lake, "ann", "projections", placed.filter(pc.not_equal(placed["view"], "adapted")))

    packed = pack(tables(lake))

    assert packed.views == ("raw", "annotation")
    header, _ = unpacked(packed.body)
    assert list(header["why_not"]) == ["adapted"]
    assert "qualia run --user ann" in header["why_not"]["adapted"]


def test_without_places_there_is_no_map(lake: Lake) -> None:
    write_user(lake, "ann", items=12, tables=ORDER[:3])

    with pytest.raises(NotThere, match="projections was not made yet"):
        tables(lake)


def test_places_that_are_no_numbers_and_items_all_at_one_place_are_packed(ann: MapTables) -> None:
    place = ann.projections.column_names.index("x")
    for x in (np.nan, 3.0):
        column = pa.array(np.full(ann.projections.num_rows, x, np.float32))
        packed = pack(MapTables(ann.artefacts, ann.projections.set_column(place, "x", column)))
        assert packed.views == (() if np.isnan(x) else ("raw", "annotation", "adapted"))


def test_names_that_are_meant_to_harm_become_one_line_of_text() -> None:
    assert plain("a\x00b\r\n  c\u202egnp.\u2066x") == "a b c gnp. x"
    assert plain("<script>") == "<script>"
    assert plain("x" * 10_000) == "x" * 119 + "…"
    assert plain("family 👩‍👩‍👧‍👦") == "family 👩‍👩‍👧‍👦"


def test_a_card_holds_text_of_bounded_length_and_links_to_the_web_alone(lake: Lake) -> None:
    write_user(lake, "ann", items=2, titles=["t" * 10_000, "javascript"])
    artefacts = lake.read("artefacts", "ann")
    place = artefacts.column_names.index("url")
    for url, shown in (("javascript:alert(1)", None), ("http://a.example", "http://a.example"), (None, None)):
        named = artefacts.set_column(place, "url", pa.array([url] * 2, pa.string()))
        told = card(Items(named, lake.read("annotations", "ann")), item_id("ann", 0))
        assert told is not None
        assert told["url"] == shown
        assert len(told["title"]) == 300
        assert max(len(said) for said in told["fields"].values()) <= 1200


def test_a_card_says_why_nothing_is_said_of_an_item(lake: Lake) -> None:
    write_user(lake, "ann", items=2)
    artefacts = lake.read("artefacts", "ann")
    refused = lake.read("annotations", "ann").to_pylist()
    for row in refused:
        row.update(status="refused", summary=None, themes=[], mood=None)

    told = card(Items(artefacts, spec_of("annotations").table(refused)), item_id("ann", 0))
    assert told is not None
    assert told["why_not"] == "It has no annotation (refused)."
    assert "mood" not in told["fields"]
    assert card(Items(artefacts, None), item_id("ann", 0))["why_not"] == "It was not annotated yet."  # type: ignore[index]
    assert card(Items(artefacts, None), "folder:another") is None
