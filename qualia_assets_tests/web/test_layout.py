"""What holds for all pages in a browser: accessible in light and dark, on a phone, and clean."""

import pytest

from qualia_assets_tests.web.conftest import Client, Tab, check_accessible

PAGES = [
    "/",
    *(f"/u/{user}/{name}" for user in ("u-1", "ann") for name in ("map", "clusters", "search", "report")),
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_in_light_and_dark_and_fits_a_phone(tab: Tab, path: str) -> None:
    check_accessible(tab.go(path, scheme="light"))
    check_accessible(tab.go(path, width=400, scheme="dark"))


def test_an_unknown_user_is_a_404_that_says_what_to_do(client: Client) -> None:
    text = client.get("/u/nobody/map", 404).text()
    assert "no user 'nobody'" in text
    assert "qualia import folder" in text
