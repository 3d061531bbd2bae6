"""The command line as a person meets it: it teaches, it says what is wrong in a line, it pipes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import Result

from qualia_assets.lake.store import Lake
from qualia_assets_tests.collection import write_collection
from qualia_assets_tests.places import qualia

PROGRAM = str(Path(sys.executable).parent / "qualia")


def in_one_line(result: Result) -> str:
    """What a failed command said: an error, no stack trace."""
    assert result.exit_code != 0
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.output


def test_help_shows_where_to_begin() -> None:
    shown = qualia("--help").output
    for step in ("qualia demo", "qualia import folder", "qualia run --user me", "qualia search"):
        assert step in shown
    assert "posts.jsonl" in qualia("import", "folder", "--help").output


def test_a_dry_run_says_what_would_come_in_and_writes_nothing(tmp_path: Path) -> None:
    source = write_collection(tmp_path / "mine", each=2)
    (source / "posts.jsonl").open("a").write("{broken\n")
    result = qualia("import", "folder", str(source), "--user", "me", "--dry-run")
    assert "Would import 12 posts and 12 pins" in result.output
    assert "posts.jsonl:13" in result.output
    assert not (tmp_path / "lake").exists()
    assert not (tmp_path / "state.sqlite").exists()


def test_an_import_tells_how_many_came_in_and_what_is_next(tmp_path: Path, lake: Lake) -> None:
    source = write_collection(tmp_path / "mine", each=1)
    result = qualia("import", "folder", str(source), "--user", "me")
    assert result.exit_code == 0, result.output
    assert "6 posts and 6 pins" in result.output
    assert "qualia run --user me" in result.output
    assert lake.read("artefacts", "me").num_rows == 12
    assert "me" in qualia("user", "list").output


def test_importing_twice_changes_nothing(tmp_path: Path, lake: Lake) -> None:
    source = write_collection(tmp_path / "mine", each=1)
    qualia("import", "folder", str(source), "--user", "me")
    before = lake.path("artefacts", "me").stat().st_mtime_ns
    again = qualia("import", "folder", str(source), "--user", "me")
    assert again.exit_code == 0
    assert lake.path("artefacts", "me").stat().st_mtime_ns == before


def test_a_folder_that_is_not_there_is_named() -> None:
    said = in_one_line(qualia("import", "folder", "/no/such/folder", "--user", "me"))
    assert "There is no folder /no/such/folder" in said


def test_a_user_key_that_cannot_be_one_is_refused_with_an_example(tmp_path: Path) -> None:
    write_collection(tmp_path / "mine", each=1)
    said = in_one_line(qualia("import", "folder", str(tmp_path / "mine"), "--user", "Ann O'Nym"))
    assert "is not a user key" in said
    assert "'ann'" in said


@pytest.mark.parametrize("command", ["run", "experiment"])
def test_an_unknown_user_is_answered_with_who_there_is_and_how_to_make_one(command: str) -> None:
    assert qualia("user", "add", "ann").exit_code == 0
    said = in_one_line(qualia(command, "--user", "bob"))
    assert "users: ann" in said
    assert "qualia import folder PATH --user bob" in said


def test_of_several_users_an_experiment_begins_with_none_where_one_is_unknown(lake: Lake) -> None:
    assert qualia("user", "add", "ann").exit_code == 0
    in_one_line(qualia("experiment", "--user", "ann", "--user", "bob"))
    assert not lake.exists("artefacts", "ann")


def test_one_configuration_cannot_be_fitted_again_before_there_is_any() -> None:
    qualia("user", "add", "ann")
    said = in_one_line(qualia("run", "--user", "ann", "--only", "lexicon"))
    assert "qualia run --user ann" in said


def test_an_unknown_stage_is_answered_with_the_names_there_are() -> None:
    qualia("user", "add", "ann")
    said = in_one_line(qualia("run", "--user", "ann", "--from", "clustering"))
    assert "cluster_matches" in said


def test_a_wrong_setting_names_key_file_and_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUALIA_CLUSTERING__NEIGHBOURS", "many")
    said = in_one_line(qualia("user", "list"))
    assert "clustering.neighbours" in said
    assert "QUALIA_CLUSTERING__NEIGHBOURS" in said


@pytest.mark.parametrize(
    "query",
    [
        "drop table artefacts",
        "copy artefacts to 'x.csv'",
        "select 1; select 2",
        "select * from read_csv('/etc/passwd')",
    ],
)
def test_sql_reads_the_lake_and_nothing_else(query: str) -> None:
    in_one_line(qualia("sql", query))


def test_sql_answers_in_json_lines_for_other_programs(tmp_path: Path) -> None:
    qualia("import", "folder", str(write_collection(tmp_path / "mine", each=1)), "--user", "me")
    result = qualia(
        "sql", "select user, modality, count(*) as n from artefacts group by all order by 2", "--json"
    )
    assert [json.loads(line) for line in result.output.splitlines()] == [
        {"user": "me", "modality": "image", "n": 6},
        {"user": "me", "modality": "text", "n": 6},
    ]


def test_search_without_words_or_item_and_before_a_run_says_what_to_do() -> None:
    qualia("user", "add", "ann")
    assert "--item ID" in in_one_line(qualia("search", "--user", "ann"))
    assert "qualia run --user ann" in in_one_line(qualia("search", "the sea", "--user", "ann"))


def test_the_ui_starts_webserver_and_daemon_together_and_stops_on_ctrl_c() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        # As a script in the background would start it: with Ctrl-C ignored.
        ["sh", "-c", 'trap "" INT; exec "$0" "$@"', PROGRAM, "ui", "--port", str(port)],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            info = _answer(f"http://127.0.0.1:{port}/server_info")
            assert info["dagster_webserver_version"] == "1.13.27"
        finally:
            process.send_signal(signal.SIGINT)
            try:
                said, _ = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        assert process.returncode == 0, said


def _answer(url: str) -> dict[str, str]:
    deadline = time.monotonic() + 90
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                answer: dict[str, str] = json.load(response)
                return answer
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
