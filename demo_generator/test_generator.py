"""What is drawn and written now is what the package ships, and no item gives its theme away."""

import math
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import adjusted_mutual_info_score

from demo_generator.corpus import BOARDS, PUBLICATIONS, Generated, corpus, themes
from qualia_assets.progress import silent
from qualia_assets.sources.base import SourceItem
from qualia_assets.sources.demo import PINS, USERS, DemoSource, ground_truth


@pytest.fixture(scope="module")
def generated() -> list[Generated]:
    return corpus()


@pytest.mark.parametrize("user", USERS)
def test_exactly_the_items_that_are_generated_are_shipped(user: str, generated: list[Generated]) -> None:
    shipped = [replace(item, image=None) for item in DemoSource(user).read(silent)]

    assert shipped == [made.item for made in generated if user in made.users]
    assert ground_truth() == {made.item.item_id: made.theme for made in generated}


def test_pins_are_drawn_as_they_are_shipped(generated: list[Generated]) -> None:
    # Machines differ in the last digits, and WebP loses little in the means of 4 x 4 pixels.
    for made in [made for made in generated if made.draw is not None][::4]:
        assert made.draw is not None
        with Image.open(PINS / f"{made.item.item_id}.webp") as shipped:
            drawn, shown = (np.asarray(image.reduce(4), dtype=float) for image in (made.draw(), shipped))
        assert drawn.shape == shown.shape
        assert np.abs(drawn - shown).mean() < 3, made.item.item_id


def test_no_field_holds_the_name_of_a_theme(generated: list[Generated]) -> None:
    names = [name.casefold() for t in themes() for name in (t.slug, t.name, t.slug.replace("-", " "))]

    for made in generated:
        fields = str(made.item).casefold()
        assert not [name for name in names if name in fields]


def of_demo(generated: list[Generated], modality: str) -> tuple[list[SourceItem], list[str]]:
    """The first user's items of a modality, and their themes."""
    mine = [made for made in generated if "demo" in made.users and made.item.modality == modality]
    return [made.item for made in mine], [made.theme for made in mine]


@pytest.mark.parametrize(("modality", "places"), [("text", PUBLICATIONS), ("image", BOARDS)])
def test_collections_run_across_themes_as_a_persons_do(
    generated: list[Generated], modality: str, places: list[str]
) -> None:
    items, of_theme = of_demo(generated, modality)
    by_place: dict[str | None, Counter[str]] = defaultdict(Counter)
    for item, theme in zip(items, of_theme, strict=True):
        by_place[item.collection][theme] += 1

    # What would be shared if each theme kept to three places, ln(places) - ln(3), over the mean entropy.
    mean_entropy = (math.log(16) + math.log(len(places))) / 2
    bound = 0.8 * (math.log(len(places)) - math.log(3)) / mean_entropy
    assert adjusted_mutual_info_score([item.collection for item in items], of_theme) < bound
    assert set(by_place) == set(places)
    assert all(len(here) >= 3 for here in by_place.values())
    best_guess = sum(here.most_common(1)[0][1] for here in by_place.values())
    assert best_guess / len(items) < 1 / 3


@pytest.mark.parametrize("modality", ["text", "image"])
def test_ids_and_times_are_independent_of_the_theme(generated: list[Generated], modality: str) -> None:
    items, of_theme = of_demo(generated, modality)

    for label in ([item.item_id[1] for item in items], [f"{item.created_at:%Y-%m}" for item in items]):
        assert abs(adjusted_mutual_info_score(of_theme, label)) < 0.05
    # A record or an address says what the id and the collection say, and no more.
    assert all(item.record == f"demo/{item.item_id}" for item in items)
    assert all(item.url is not None and item.url.endswith(f"/{item.item_id}") for item in items)
