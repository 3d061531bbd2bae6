"""The command line as a person meets it: help, one line for each mistake, output for other programs."""

import json
import sys
from pathlib import Path

import pytest

from qualia_assets.lake.store import Lake
from qualia_assets_tests.collection import write_collection
from qualia_assets_tests.places import qualia

PROGRAM = str(Path(sys.executable).parent / "qualia")


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A folder with six posts and six pins."""
    return str(write_collection(tmp_path / "mine", each=1))


def test_help_shows_where_to_begin() -> None:
    shown = qualia("--help").output
    for step in ("qualia demo", "qualia import folder", "qualia run --user me", "qualia search"):
        assert step in shown
    assert "posts.jsonl" in qualia("import", "folder", "--help").output


def test_a_dry_run_says_what_would_be_imported_and_writes_nothing(source: str, tmp_path: Path) -> None:
    (tmp_path / "mine" / "posts.jsonl").open("a").write("{broken\n")
    result = qualia("import", "folder", source, "--user", "me", "--dry-run")
    assert "Would import 6 posts and 6 pins" in result.output
    assert "posts.jsonl:7" in result.output
    assert not (tmp_path / "lake").exists()
    assert not (tmp_path / "state.sqlite").exists()


def test_an_import_says_how_much_there_is_and_what_is_next_and_a_second_changes_nothing(
    source: str, lake: Lake
) -> None:
    result = qualia("import", "folder", source, "--user", "me")
    assert result.exit_code == 0, result.output
    assert "6 posts and 6 pins" in result.output
    assert "qualia run --user me" in result.output
    assert lake.read("artefacts", "me").num_rows == 12
    assert "me" in qualia("user", "list").output

    before = lake.path("artefacts", "me").stat().st_mtime_ns
    assert qualia("import", "folder", source, "--user", "me").exit_code == 0
    assert lake.path("artefacts", "me").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("command", "messages"),
    [
        ("import folder /no/such/folder --user me", ["There is no folder /no/such/folder"]),
        ("import folder . --user O'Nym", ["is not a user key", "'ann'"]),
        ("import substack nothing.zip --user me", ["There is no file or folder"]),
        ("import pinterest nothing.html --user me", ["There is no file or folder"]),
        ("import substack nothing.txt --user me", ["There is no file"]),
        ("import substack x.zip --user Me", ["is not a user key"]),
        ("user consent me substack --handle two/words", ["is no Substack handle"]),
        ("user consent me images --handle name", ["--handle is of substack"]),
        ("user consent me everything", ["is not one of"]),
        ("user consent me images --withdraw", ["There is no user 'me'"]),
        ("user show me", ["There is no user 'me'"]),
        ("user erase me", ["--dry-run to see what would go, or --yes"]),
        ("user erase ../me --yes", ["is not a user key"]),
        ("run --user bob", ["users: ann", "qualia import folder PATH --user bob"]),
        ("experiment --user ann --user bob", ["users: ann", "qualia import folder PATH --user bob"]),
        ("run --user ann --only lexicon", ["qualia run --user ann"]),
        ("run --user ann --from clustering", ["no stage 'clustering'", "cluster_matches"]),
        ("search --user ann", ["--item ID"]),
        ("search sea --user ann", ["qualia run --user ann"]),
        ("sql select+1;select+2", ["SELECT"]),
    ],
)
def test_a_mistake_is_one_message_that_says_how_to_fix_it(
    command: str, messages: list[str], lake: Lake
) -> None:
    qualia("user", "add", "ann")
    result = qualia(*(word.replace("+", " ") for word in command.split()))
    assert result.exit_code != 0
    assert result.exception is None or isinstance(result.exception, SystemExit)
    for message in messages:
        assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not lake.exists("artefacts", "ann")


def test_a_wrong_setting_is_one_message_with_key_and_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUALIA_CLUSTERING__NEIGHBOURS", "many")
    result = qualia("user", "list")
    assert isinstance(result.exception, SystemExit)
    assert "clustering.neighbours" in result.output
    assert "QUALIA_CLUSTERING__NEIGHBOURS" in result.output


def test_sql_prints_json_lines_for_other_programs(source: str) -> None:
    qualia("import", "folder", source, "--user", "me")
    query = "select user, modality, count(*) as n from artefacts group by all order by 2"
    assert [json.loads(line) for line in qualia("sql", query, "--json").output.splitlines()] == [
        {"user": "me", "modality": "image", "n": 6},
        {"user": "me", "modality": "text", "n": 6},
    ]
