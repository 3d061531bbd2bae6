"""The demo users as they are shipped: complete, the same every time, their themes planted evenly."""

import hashlib
import io
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from qualia_assets.progress import silent
from qualia_assets.sources import demo
from qualia_assets.sources.base import SourceError, SourceItem
from qualia_assets.sources.demo import DemoSource, ground_truth


@pytest.fixture(scope="module")
def items() -> dict[str, list[SourceItem]]:
    return {user: list(DemoSource(user).read(silent)) for user in demo.USERS}


@pytest.mark.parametrize("modality", ["text", "image"])
def test_there_are_at_least_300_items_of_a_modality_of_16_themes(
    items: dict[str, list[SourceItem]], modality: str
) -> None:
    truth = ground_truth()
    sizes = Counter(truth[item.item_id] for item in items["demo"] if item.modality == modality)

    assert sizes.total() >= 300
    assert len(sizes) == 16
    assert min(sizes.values()) >= 15


def test_every_item_is_complete_and_has_an_id_and_words_of_its_own(
    items: dict[str, list[SourceItem]],
) -> None:
    for mine in items.values():
        assert len({item.item_id for item in mine}) == len(mine)
        assert all(item.title and item.collection for item in mine)
        assert all(item.created_at and item.created_at.tzinfo for item in mine)
        posts = [item.text or "" for item in mine if item.modality == "text"]
        assert len(set(posts)) == len(posts)
        assert min(map(len, posts)) > 300


def test_the_second_user_shares_about_a_third_of_its_items(items: dict[str, list[SourceItem]]) -> None:
    first, second = ({item.item_id: item for item in items[user]} for user in demo.USERS)
    shared = first.keys() & second.keys()

    assert 0.25 <= len(shared) / len(second) <= 0.42
    assert all(first[item] == second[item] for item in shared)
    assert first.keys() | second.keys() == ground_truth().keys()


def test_every_pin_has_a_picture_of_its_own_and_of_the_hash_in_its_line(
    items: dict[str, list[SourceItem]],
) -> None:
    pins = {i.item_id: i.image for mine in items.values() for i in mine if i.modality == "image"}

    assert {path.stem for path in demo.PINS.iterdir()} == pins.keys()
    assert len(set(pins.values())) == len(pins)
    lines = demo.ITEMS.read_text(encoding="utf-8")
    for picture in pins.values():
        assert picture is not None
        assert f'"image_sha256": "{hashlib.sha256(picture).hexdigest()}"' in lines
        with Image.open(io.BytesIO(picture)) as opened:
            assert (opened.format, opened.mode) == ("WEBP", "RGB")
            assert min(opened.size) >= 280


def test_the_data_take_at_most_eight_megabytes() -> None:
    sizes = [path.stat().st_size for path in demo.ITEMS.parent.rglob("*") if path.is_file()]

    assert sum(sizes) <= 8e6


def test_the_fingerprint_is_a_users_and_changes_with_the_items(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = DemoSource("demo").fingerprint()
    assert DemoSource("demo").fingerprint() == before != DemoSource("demo-2").fingerprint()

    monkeypatch.setattr(demo, "ITEMS", tmp_path / "items.jsonl")
    demo.ITEMS.write_text("{}\n", encoding="utf-8")
    assert DemoSource("demo").fingerprint() != before


def test_there_are_only_the_two_demo_users() -> None:
    with pytest.raises(SourceError, match="no demo user 'ann'; there are demo, demo-2"):
        DemoSource("ann")
