"""Pictures: made small, only of one's own items, and a quiet placeholder where one is broken."""

import io
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from PIL import Image

from qualia_assets.lake import blobs
from qualia_assets.lake.store import Lake
from qualia_assets_tests.web.conftest import Visit
from qualia_assets_tests.web.lakes import item_id, write, write_user


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two users with pictures of their own; ann's first is large, her second broken since it was kept."""
    place = tmp_path_factory.mktemp("place")
    lake = Lake(place / "lake")
    for user in ("ann", "bob"):
        write_user(lake, user, items=10)
    large = io.BytesIO()
    Image.effect_noise((1600, 800), 40).convert("RGB").save(large, "PNG")
    artefacts = lake.read("artefacts", "ann").to_pylist()
    artefacts[1]["image_sha256"] = blobs.keep(lake, large.getvalue())
    write(lake, "ann", "artefacts", artefacts)
    blobs.blob_path(lake, picture_of(lake, "ann", 3)).write_bytes(b"no picture any more")
    return place


def picture_of(lake: Lake, user: str, number: int) -> str:
    rows = {row["artefact_id"]: row for row in lake.read("artefacts", user).to_pylist()}
    return str(rows[item_id(user, number)]["image_sha256"])


def refused(url: str) -> int:
    with pytest.raises(HTTPError) as error:
        urlopen(url)
    return error.value.code


@pytest.mark.parametrize(("asked", "side"), [("", 256), ("?side=64", 64), ("?side=1024", 1024)])
def test_a_picture_is_a_webp_of_the_size_that_was_asked_for(
    place: Path, known: str, asked: str, side: int
) -> None:
    sha256 = picture_of(Lake(place / "lake"), "ann", 1)
    with urlopen(f"{known}/u/ann/thumb/{sha256}{asked}") as answer:
        assert answer.headers["content-type"] == "image/webp"
        # Named by its content, it never changes.
        assert "immutable" in answer.headers["cache-control"]
        assert Image.open(io.BytesIO(answer.read())).size == (side, side // 2)


def test_a_broken_picture_is_a_placeholder_that_is_asked_for_again(place: Path, known: str) -> None:
    sha256 = picture_of(Lake(place / "lake"), "ann", 3)
    with urlopen(f"{known}/u/ann/thumb/{sha256}") as answer:
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert answer.headers["cache-control"] == "no-store"


def test_a_page_with_a_broken_picture_shows_the_placeholder_and_is_clean(visit: Visit, known: str) -> None:
    visit.url = known
    page = visit.go(f"/u/ann/item/{item_id('ann', 3)}")
    assert page.locator("figure img").evaluate("i => i.naturalWidth") > 0


def test_the_picture_of_another_user_is_not_there(place: Path, known: str) -> None:
    theirs = picture_of(Lake(place / "lake"), "bob", 1)
    assert refused(f"{known}/u/ann/thumb/{theirs}") == 404
    with urlopen(f"{known}/u/bob/thumb/{theirs}") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("name", ["..%2f..%2fartefacts", "%00", "0" * 64, "None"])
def test_what_is_no_picture_of_an_item_never_reaches_the_file_system(known: str, name: str) -> None:
    assert refused(f"{known}/u/ann/thumb/{name}") == 404


@pytest.mark.parametrize("side", ["65", "0", "-1", "huge", "256%20"])
def test_another_size_is_refused(place: Path, known: str, side: str) -> None:
    sha256 = picture_of(Lake(place / "lake"), "ann", 1)
    assert refused(f"{known}/u/ann/thumb/{sha256}?side={side}") == 404
    assert not list((place / "lake" / "thumbnails").rglob("*-65*"))
