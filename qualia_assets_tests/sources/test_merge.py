"""One item that came by more than one way is one item."""

from typing import Any

from qualia_assets.sources.merge import merged_pins, merged_posts


def post(item_id: str, **given: Any) -> dict[str, Any]:
    usual = {"post_id": item_id, "slug": f"slug-{item_id}", "title": f"Title {item_id}", "hop": 0}
    return {"item_id": item_id, **usual, "body_status": "full", "text": "scraped", "url": None, **given}


def pin(item_id: str, **given: Any) -> dict[str, Any]:
    return {"item_id": item_id, "title": None, "hop": 0, "gone_at": None, "text": "words", **given}


def test_a_post_of_the_export_and_of_the_crawl_is_one_and_the_fuller_body_counts() -> None:
    (one,) = merged_posts([post("1", text="exported")], [post("1", hop=1, url="u")])
    assert one == post("1", text="scraped", hop=0, url="u")
    (one,) = merged_posts(
        [post("1", text="all, paid")], [post("1", text="a", body_status="preview", url="u")]
    )
    assert one == post("1", text="all, paid", body_status="full", url="u")


def test_a_post_met_in_a_feed_first_has_no_id_yet_and_is_matched_by_its_name() -> None:
    scraped = post("7-slug-1", post_id=None, slug="slug-1", title="Title 1")
    assert [row["item_id"] for row in merged_posts([post("1")], [scraped])] == ["1"]


def test_posts_of_one_name_in_two_publications_stay_two() -> None:
    two = [post(f"{n}-hello", post_id=None, slug="hello", title="Hi") for n in (7, 8)]
    found = merged_posts([post("1", slug="hello", title="Hi")], two)
    assert [row["item_id"] for row in found] == ["1", "8-hello"]


def test_what_came_one_way_only_stays() -> None:
    assert [row["item_id"] for row in merged_posts([post("1")], [post("2")])] == ["2", "1"]
    assert [row["item_id"] for row in merged_pins([pin("1")], [pin("2")])] == ["2", "1"]


def test_a_pin_of_the_download_and_of_the_api_is_one_and_the_newer_words_count() -> None:
    (one,) = merged_pins([pin("1", title="A chair", text="old")], [pin("1", text="new", hop=1)])
    assert one == pin("1", title="A chair", text="new", hop=0)


def test_a_pin_that_was_removed_is_gone_whatever_the_download_says() -> None:
    assert merged_pins([pin("1")], [pin("1", gone_at="2026-05-01")]) == []
