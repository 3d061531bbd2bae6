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


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("wrapped/posts.csv", POSTS)
        archive.writestr("wrapped/posts/111.first-post.html", "<p>Words of it.</p>")
        archive.writestr("wrapped/email_list.me.csv", "email\nsomebody@example.org\n")
    return path


@pytest.fixture
def download(tmp_path: Path) -> Path:
    path = tmp_path / "pins.html"
    path.write_text(PINS)
    return path


def test_an_export_of_substack_becomes_artefacts_and_its_drafts_do_not(export: Path, lake: Lake) -> None:
    told = qualia("import", "substack", str(export), "--user", "me")

    assert told.exit_code == 0, told.output
    assert "1 posts and 0 pins" in told.output
    (item,) = lake.read("artefacts", "me").to_pylist()
    assert (item["artefact_id"], item["title"]) == ("substack:post:111", "First post")
    assert "Words of it." in item["text"]


def test_a_download_of_pinterest_waits_for_its_pictures(download: Path, lake: Lake) -> None:
    told = qualia("import", "pinterest", str(download), "--user", "me")

    assert told.exit_code == 0, told.output
    assert "Pictures that wait to be fetched from where they lie: 1." in told.output
    assert "qualia user consent me images" in told.output
    (pin,) = lake.read("pinterest_export", "me").to_pylist()
    assert pin["image_url"].endswith("/736x/c6/b6/0d/c6b60d6b5f2ec04db7748d35fb1a8004.jpg")
    assert "203.0.113.9" not in str(pin)


@pytest.mark.parametrize("source", ["substack", "pinterest"])
def test_a_dry_run_writes_nothing(source: str, export: Path, download: Path, state: State) -> None:
    path = export if source == "substack" else download

    told = qualia("import", source, str(path), "--user", "me", "--dry-run")

    assert told.exit_code == 0, told.output
    assert "Would import 1 posts" in told.output or "0 posts and 1 pins" in told.output
    assert state.users() == []


def test_a_list_is_noted_and_says_what_comes_next(tmp_path: Path, state: State) -> None:
    listed = tmp_path / "reading.txt"
    listed.write_text("https://harbour.substack.com\n@somebody\n# a comment\nnot an address!\n")

    told = qualia("import", "substack", str(listed), "--user", "me")

    assert "2 publications and handles noted. Next: qualia user consent me substack" in told.output
    assert "reading.txt:4" in told.output
    assert [tuple(row.values()) for row in Crawl(state, "substack", "me").rows("seed").values()] == [
        ("handle", "somebody"),
        ("publication", "https://harbour.substack.com"),
    ]


def test_boards_for_the_widget_are_a_list_too(tmp_path: Path, state: State) -> None:
    listed = tmp_path / "boards.txt"
    listed.write_text("https://www.pinterest.com/someone/quiet-rooms/\nsomeone/quiet-rooms\nno board\n")

    told = qualia("import", "pinterest", str(listed), "--user", "me")

    assert "1 boards noted" in told.output
    assert "boards.txt:3" in told.output
    assert list(Crawl(state, "pinterest", "me").rows("seed")) == ["board someone/quiet-rooms"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "substack", "nothing.zip", "--user", "me"), "There is no file or folder"),
        (("import", "pinterest", "nothing.html", "--user", "me"), "There is no file or folder"),
        (("import", "substack", "nothing.txt", "--user", "me"), "There is no file"),
        (("import", "substack", "x.zip", "--user", "Not A Key"), "is not a user key"),
        (("user", "consent", "me", "substack", "--handle", "two words"), "is no Substack handle"),
        (("user", "consent", "me", "images", "--handle", "name"), "--handle is of substack"),
        (("user", "consent", "me", "everything"), "is not one of"),
        (("user", "consent", "me", "images", "--withdraw"), "There is no user 'me'"),
        (("user", "show", "me"), "There is no user 'me'"),
        (("user", "erase", "me"), "--dry-run to see what would go, or --yes"),
        (("user", "erase", "../me", "--yes"), "is not a user key"),
    ],
)
def test_a_mistake_is_answered_in_a_line_that_says_how_to_mend_it(
    arguments: tuple[str, ...], said: str
) -> None:
    told = qualia(*arguments)

    assert told.exit_code != 0
    assert said in " ".join(told.output.split())
    assert "Traceback" not in told.output


def test_consent_is_noted_shown_and_taken_back(state: State) -> None:
    told = qualia("user", "consent", "me", "substack", "--handle", "@somebody", "--yes")

    assert told.exit_code == 0, told.output
    assert "First set `contact` under [crawling]" in told.output
    assert state.source("me", "substack").location == "somebody"  # type: ignore[union-attr]
    shown = qualia("user", "show", "me").output
    assert "substack: agreed" in shown
    assert "images: not agreed to" in shown
    assert "substack" in qualia("user", "list").output

    assert "asked no more" in qualia("user", "consent", "me", "substack", "--withdraw").output
    assert consent.consented(state, "me") == {}


def test_a_token_is_read_from_the_input_and_never_shown(state: State) -> None:
    from click.testing import CliRunner

    from qualia_assets.cli.main import main

    arguments = ["user", "consent", "me", "pinterest", "--token-stdin"]
    told = CliRunner().invoke(main, arguments, input="pina_planted\n")

    assert told.exit_code == 0, told.output
    kept = consent.token(state, "me", "pinterest")
    assert kept is not None
    assert kept.access.get_secret_value() == "pina_planted"
    assert "pina_planted" not in told.output + qualia("user", "show", "me").output

    assert "Pinterest needs a token" in qualia("user", "consent", "you", "pinterest").output


def test_a_user_is_erased_by_command(export: Path, lake: Lake, state: State) -> None:
    qualia("import", "substack", str(export), "--user", "me")

    would = qualia("user", "erase", "me", "--dry-run")
    assert "Would go" in would.output
    assert lake.exists("artefacts", "me")

    gone = qualia("user", "erase", "me", "--yes")
    assert gone.exit_code == 0, gone.output
    assert "Gone" in gone.output
    assert not lake.exists("artefacts", "me")
    assert state.users() == []
    assert export.exists()
