"""The demo users: enough of everything, the same every time, and their themes kept to themselves."""

import hashlib
import itertools
import math
import os
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from PIL import Image
from sklearn.metrics import adjusted_mutual_info_score

from qualia_assets.progress import silent
from qualia_assets.sources.base import SourceError, SourceItem
from qualia_assets.sources.demo import corpus
from qualia_assets.sources.demo.corpus import BOARDS, PUBLICATIONS, DemoSource, ground_truth, themes
from qualia_assets_tests.places import PROJECT_ROOT

Items = dict[str, list[SourceItem]]


@pytest.fixture(scope="module")
def items() -> Items:
    """Every item of both users, with a dot for each picture: what is drawn plays no part here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "draw", lambda theme, subject, rng: Image.new("RGB", (1, 1)))
        read = {user: DemoSource(user).read(silent) for user in corpus.USERS}
        return {
            user: [item for item in found if isinstance(item, SourceItem)] for user, found in read.items()
        }


def of_kind(items: list[SourceItem], modality: str) -> list[SourceItem]:
    return [item for item in items if item.modality == modality]


def test_there_are_at_least_300_posts_and_300_pins_of_16_themes(items: Items) -> None:
    truth = ground_truth()

    for modality in ("text", "image"):
        some = of_kind(items["demo"], modality)
        assert len(some) >= 300
        sizes = Counter(truth[item.item_id] for item in some)
        assert len(sizes) == 16
        assert min(sizes.values()) >= 15


def test_every_item_has_words_of_its_own_and_an_id_of_its_own(items: Items) -> None:
    mine = items["demo"]

    assert len({item.item_id for item in mine}) == len(mine)
    posts = of_kind(mine, "text")
    assert len({post.text for post in posts}) == len(posts)
    assert min(len(post.text or "") for post in posts) > 300
    assert all(item.title and item.collection and item.created_at and item.created_at.tzinfo for item in mine)
    assert all(pin.image for pin in of_kind(mine, "image"))


def test_the_second_user_shares_about_a_third_of_its_items(items: Items) -> None:
    first, second = ({item.item_id for item in items[user]} for user in ("demo", "demo-2"))

    assert 0.25 <= len(first & second) / len(second) <= 0.42


def test_an_item_that_both_users_have_is_the_same(items: Items) -> None:
    first, second = ({item.item_id: item for item in items[user]} for user in ("demo", "demo-2"))

    for shared in first.keys() & second.keys():
        assert first[shared] == second[shared]


def test_the_ground_truth_covers_every_item_of_every_user(items: Items) -> None:
    truth = ground_truth()

    assert {item.item_id for user in items for item in items[user]} <= truth.keys()
    assert set(truth.values()) == {theme.slug for theme in themes()}


def test_no_field_holds_the_name_of_a_theme(items: Items) -> None:
    names = [
        name.casefold()
        for theme in themes()
        for name in (theme.slug, theme.name, theme.slug.replace("-", " "))
    ]

    for item in itertools.chain.from_iterable(items.values()):
        told = str(replace(item, image=None)).casefold()
        assert not [name for name in names if name in told], told


@pytest.mark.parametrize(("modality", "places"), [("text", PUBLICATIONS), ("image", BOARDS)])
def test_collections_run_across_themes_as_a_persons_do(
    items: Items, modality: str, places: list[str]
) -> None:
    truth = ground_truth()
    some = of_kind(items["demo"], modality)
    found = [(item.collection, truth[item.item_id]) for item in some]
    by_place: dict[str | None, Counter[str]] = defaultdict(Counter)
    for place, theme in found:
        by_place[place][theme] += 1

    # What would be shared if each theme kept to three places, ln(places) - ln(3), over the mean entropy.
    mean_entropy = (math.log(16) + math.log(len(places))) / 2
    bound = 0.8 * (math.log(len(places)) - math.log(3)) / mean_entropy
    assert adjusted_mutual_info_score(*zip(*found, strict=True)) < bound
    assert set(by_place) == set(places)
    assert all(len(here) >= 3 for here in by_place.values())
    best_guess = sum(here.most_common(1)[0][1] for here in by_place.values())
    assert best_guess / len(found) < 1 / 3


@pytest.mark.parametrize("modality", ["text", "image"])
def test_ids_and_times_tell_nothing_of_the_theme(items: Items, modality: str) -> None:
    truth = ground_truth()
    some = of_kind(items["demo"], modality)
    theme = [truth[item.item_id] for item in some]

    for label in ([item.item_id[1] for item in some], [f"{item.created_at:%Y-%m}" for item in some]):
        assert abs(adjusted_mutual_info_score(theme, label)) < 0.05
    # A record or an address says what the id and the collection say, and no more.
    assert all(item.record == f"demo/{item.item_id}" for item in some)
    assert all(item.url is not None and item.url.endswith(f"/{item.item_id}") for item in some)


FINGERPRINTS = """
import hashlib, itertools
from qualia_assets.progress import silent
from qualia_assets.sources.demo.corpus import DemoSource
for item in itertools.islice(DemoSource("demo").read(silent), 25):
    print(hashlib.sha256(repr(item).encode() + (item.image or b"")).hexdigest())
"""


def test_another_process_makes_the_same_bytes() -> None:
    here = [
        hashlib.sha256(repr(item).encode() + (item.image or b"")).hexdigest()  # type: ignore[union-attr]
        for item in itertools.islice(DemoSource("demo").read(silent), 25)
    ]

    there = subprocess.run(
        [sys.executable, "-c", FINGERPRINTS],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert there.stdout.split() == here
    assert len(set(here)) == 25


def test_pins_are_real_pictures_and_differ() -> None:
    theme = themes()[0]
    drawn = [corpus.draw(theme, pin.subject, corpus._rng(pin.title)) for pin in theme.pins[:4]]

    assert all(min(picture.size) >= 280 and picture.mode == "RGB" for picture in drawn)
    assert len({corpus.jpeg(picture) for picture in drawn}) == 4
    assert all(len(picture.getcolors(maxcolors=2**24) or []) > 500 for picture in drawn)


def test_there_are_only_the_two_demo_users() -> None:
    with pytest.raises(SourceError, match="no demo user 'ann'; there are demo, demo-2"):
        DemoSource("ann")
    assert DemoSource("demo").fingerprint() != DemoSource("demo-2").fingerprint()
    assert DemoSource("demo").fingerprint() == DemoSource("demo").fingerprint()
