"""Thumbnails: only of the user's own items, in three sizes, and a placeholder where a picture is broken."""

import io

import pytest
from PIL import Image

from qualia_assets.lake import blobs
from qualia_assets.lake.store import Lake
from qualia_assets_tests.web.conftest import Client, Tab
from qualia_assets_tests.web.lakes import item_id, write, write_user


@pytest.fixture(scope="module", autouse=True)
def users(lake: Lake) -> None:
    """Of a user's pictures one is large and one was damaged after it was kept."""
    write_user(lake, "sees", items=10)
    large = io.BytesIO()
    Image.effect_noise((1600, 800), 40).convert("RGB").save(large, "PNG")
    artefacts = lake.read("artefacts", "sees").to_pylist()
    artefacts[1]["image_sha256"] = blobs.keep(lake, large.getvalue())
    write(lake, "sees", "artefacts", artefacts)
    blobs.blob_path(lake, picture_of(lake, 3)).write_bytes(b"no picture any more")


def picture_of(lake: Lake, number: int) -> str:
    rows = {row["artefact_id"]: row for row in lake.read("artefacts", "sees").to_pylist()}
    return str(rows[item_id("sees", number)]["image_sha256"])


@pytest.mark.parametrize(("query", "side"), [("", 256), ("?side=64", 64), ("?side=1024", 1024)])
def test_a_picture_is_a_webp_of_the_requested_size(lake: Lake, client: Client, query: str, side: int) -> None:
    response = client.http.get(f"/u/sees/thumb/{picture_of(lake, 1)}{query}")
    assert response.headers["content-type"] == "image/webp"
    # Addressed by its content, it never changes.
    assert "immutable" in response.headers["cache-control"]
    assert Image.open(io.BytesIO(response.content)).size == (side, side // 2)


def test_a_broken_picture_is_a_placeholder_that_is_not_cached(lake: Lake, client: Client, tab: Tab) -> None:
    response = client.http.get(f"/u/sees/thumb/{picture_of(lake, 3)}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("image/svg+xml")
    assert response.headers["cache-control"] == "no-store"
    page = tab.go(f"/u/sees/item/{item_id('sees', 3)}")
    assert page.locator("figure img").evaluate("i => i.naturalWidth") > 0


@pytest.mark.parametrize("name", ["..%2f..%2fartefacts", "%00", "0" * 64, "None"])
def test_what_is_not_a_picture_of_an_item_is_not_found(client: Client, name: str) -> None:
    client.get(f"/u/sees/thumb/{name}", 404)


@pytest.mark.parametrize("side", ["65", "0", "-1", "huge", "256%20"])
def test_other_sizes_are_not_made(lake: Lake, client: Client, side: str) -> None:
    client.get(f"/u/sees/thumb/{picture_of(lake, 1)}?side={side}", 404)
    assert not list((lake.root / "thumbnails").rglob("*-65*"))
