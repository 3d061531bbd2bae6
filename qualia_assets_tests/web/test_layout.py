"""What all pages share: the frame, what is not there, and that nothing is asked of anyone else."""

import pytest

from qualia_assets_tests.web.conftest import Visit, serious_findings

PAGES = [
    "/",
    *(f"/u/{user}/{name}" for user in ("demo", "demo-2") for name in ("map", "clusters", "search", "report")),
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_in_light_and_dark(visit: Visit, path: str, scheme: str) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.go(path)
    assert serious_findings(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_a_phone(visit: Visit, path: str) -> None:
    visit.page.set_viewport_size({"width": 400, "height": 800})
    page = visit.go(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_an_unknown_user_is_told_what_to_do(visit: Visit) -> None:
    page = visit.go("/u/nobody/map")
    assert "no user 'nobody'" in page.inner_text("main")
    assert "qualia import folder" in page.inner_text("main")
    visit.errors.clear()  # a 404 is written to the console, as it should be
