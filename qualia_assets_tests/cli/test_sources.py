"""Commands about users and where their items come from, as a person types them."""

import zipfile
from pathlib import Path

import pytest

from qualia_assets.lake.store import Lake
from qualia_assets.state import consent
from qualia_assets.state.crawl import Crawl
from qualia_assets.state.database import State
from qualia_assets_tests.places import qualia

POSTS = (
    "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,subtitle,podcast_url\n"
    '111.first-post,2026-07-18T04:27:59.900Z,true,,,newsletter,everyone,First post,"One, two\nthree",\n'
    "333.a-draft,2026-07-11T04:01:38.043Z,false,,,newsletter,everyone,A draft,,\n"
)
PINS = """<div id="contents"><h1 id=a>Pins</h1>
<a href="https://www.pinterest.com/pin/123456789/">https://www.pinterest.com/pin/123456789/</a>
<br>Title: A chair,
<br>Details: by the window,
<br>Image: c6b60d6b5f2ec04db7748d35fb1a8004,
<br>Ip Address: 203.0.113.9,
<br>Board Name: rooms,
<br>Created at: 2017/02/13 15:35:01
<br>Alive: True
<br>Private: False<br><br></div>
"""


@pytest.fixture(autouse=True)
def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the working directory: exports of both services, and lists with one line that cannot be used."""
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("export.zip", "w") as archive:
        archive.writestr("wrapped/posts.csv", POSTS)
        archive.writestr("wrapped/posts/111.first-post.html", "<p>Words of it.</p>")
        archive.writestr("wrapped/email_list.me.csv", "email\nsomebody@example.org\n")
    Path("pins.html").write_text(PINS)
    Path("reading.txt").write_text("https://harbour.substack.com\n@somebody\n# a comment\nnot an address!\n")
    Path("boards.txt").write_text(
        "https://www.pinterest.com/someone/quiet-rooms/\nsomeone/quiet-rooms\nno board\n"
    )


def test_an_export_of_substack_becomes_artefacts_without_its_drafts(lake: Lake) -> None:
    result = qualia("import", "substack", "export.zip", "--user", "me")

    assert result.exit_code == 0, result.output
    assert "1 posts and 0 pins" in result.output
    (item,) = lake.read("artefacts", "me").to_pylist()
    assert (item["artefact_id"], item["title"]) == ("substack:post:111", "First post")
    assert "Words of it." in item["text"]


def test_a_download_of_pinterest_waits_for_its_pictures(lake: Lake) -> None:
    result = qualia("import", "pinterest", "pins.html", "--user", "me")

    assert result.exit_code == 0, result.output
    assert "Pictures that wait to be fetched from where they lie: 1." in result.output
    assert "qualia user consent me images" in result.output
    (pin,) = lake.read("pinterest_export", "me").to_pylist()
    assert pin["image_url"].endswith("/736x/c6/b6/0d/c6b60d6b5f2ec04db7748d35fb1a8004.jpg")
    assert "203.0.113.9" not in str(pin)


@pytest.mark.parametrize(
    ("source", "file", "message"),
    [
        ("substack", "export.zip", "Would import 1 posts"),
        ("pinterest", "pins.html", "0 posts and 1 pins"),
        ("substack", "reading.txt", "Would note 2 publications and handles."),
    ],
)
def test_a_dry_run_writes_nothing(source: str, file: str, message: str, state: State) -> None:
    result = qualia("import", source, file, "--user", "me", "--dry-run")

    assert result.exit_code == 0, result.output
    assert message in result.output
    assert state.users() == []


@pytest.mark.parametrize(
    ("source", "file", "messages", "seeds"),
    [
        (
            "substack",
            "reading.txt",
            ["2 publications and handles noted. Next: qualia user consent me substack", "reading.txt:4"],
            ["handle somebody", "publication https://harbour.substack.com"],
        ),
        ("pinterest", "boards.txt", ["1 boards noted", "boards.txt:3"], ["board someone/quiet-rooms"]),
    ],
)
def test_a_list_is_recorded_and_what_comes_next_is_said(
    source: str, file: str, messages: list[str], seeds: list[str], state: State
) -> None:
    result = qualia("import", source, file, "--user", "me")

    for message in messages:
        assert message in result.output
    recorded = Crawl(state, source, "me").rows("seed")
    assert list(recorded) == [f"{row['kind']} {row['name']}" for row in recorded.values()] == seeds


def test_consent_is_recorded_shown_and_withdrawn(state: State) -> None:
    result = qualia("user", "consent", "me", "substack", "--handle", "@somebody", "--yes")

    assert result.exit_code == 0, result.output
    assert "First set `contact` under [crawling]" in result.output
    assert state.source("me", "substack").location == "somebody"  # type: ignore[union-attr]
    shown = qualia("user", "show", "me").output
    assert "substack: agreed" in shown
    assert "images: not agreed to" in shown
    assert "substack" in qualia("user", "list").output

    assert "asked no more" in qualia("user", "consent", "me", "substack", "--withdraw").output
    assert consent.consented(state, "me") == {}


def test_a_token_is_read_from_standard_input_and_never_shown(state: State) -> None:
    result = qualia("user", "consent", "me", "pinterest", "--token-stdin", stdin="pina_planted\n")

    assert result.exit_code == 0, result.output
    kept = consent.token(state, "me", "pinterest")
    assert kept is not None
    assert kept.access.get_secret_value() == "pina_planted"
    assert "pina_planted" not in result.output + qualia("user", "show", "me").output

    assert "Pinterest needs a token" in qualia("user", "consent", "you", "pinterest").output


def test_a_user_is_erased_by_command(lake: Lake, state: State) -> None:
    qualia("import", "substack", "export.zip", "--user", "me")

    assert "Would go" in qualia("user", "erase", "me", "--dry-run").output
    assert lake.exists("artefacts", "me")

    gone = qualia("user", "erase", "me", "--yes")
    assert gone.exit_code == 0, gone.output
    assert "Gone" in gone.output
    assert not lake.exists("artefacts", "me")
    assert state.users() == []
    assert Path("export.zip").exists()
