"""``qualia open`` and ``qualia ui`` as processes: starting, being there already, going wrong, and ending."""

import http.server
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qualia_assets.lake.store import Lake
from qualia_assets.web import served
from qualia_assets_tests.places import qualia
from qualia_assets_tests.web.lakes import write_user
from qualia_assets_tests.web.running import (
    APP,
    QUALIA,
    Process,
    ask,
    environment,
    free_port,
    listens,
    running,
)


@contextmanager
def opening(place: Path, port: int, *more: str) -> Iterator[Process]:
    """``qualia open --no-browser`` on a port."""
    command = (*QUALIA, "open", "--no-browser", "--port", str(port), *more)
    printed = place / f"opened-{len(list(place.iterdir()))}"
    with running(command, printed, **environment(place)) as process:
        yield process


def _shown(process: Process) -> None:
    process.wait_until(lambda: "Ctrl-C stops it" in process.output)


def _is_quiet(process: Process) -> bool:
    return "Traceback" not in process.output and "Error" not in process.output


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_user(Lake(tmp_path / "lake"), "ann", items=4, tables=["artefacts"])
    return tmp_path


def test_open_starts_the_app_and_a_second_open_finds_it(place: Path) -> None:
    port = free_port()
    with opening(place, port, "map", "--user", "ann") as first:
        _shown(first)
        assert f"http://127.0.0.1:{port}/u/ann/map" in first.output
        assert ask(port, "/u/ann/map").status == 200
        with opening(place, port, "clusters", "--user", "ann") as second:
            assert second.ends() == 0
            assert second.output.split() == [
                *("The", "app", "is", "running", "already:"),
                f"http://127.0.0.1:{port}/u/ann/clusters",
            ]
        assert ask(port, "/alive").text == served(place / "lake"), "the second has not ended the first"
        first.ctrl_c()
        assert first.ends(20) == 0
        assert first.output.splitlines()[-1] == "Stopping."
        assert _is_quiet(first)
    assert not listens(port)


def test_an_app_on_another_lake_is_not_taken_for_this_one(place: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    port = free_port()
    with opening(place, port) as first:
        _shown(first)
        with opening(tmp_path / "other", port) as second:
            assert second.ends() != 0
            assert str(port) in second.output
            assert "running already" not in second.output
            assert "Traceback" not in second.output


def test_open_that_is_ended_by_kill_ends_the_app_too(place: Path) -> None:
    port = free_port()
    with opening(place, port) as process:
        _shown(process)
        os.kill(process.process.pid, signal.SIGTERM)  # to it alone, unlike Ctrl-C
        assert process.ends(20) == 0
        assert _is_quiet(process)
    assert not listens(port)


def test_ctrl_c_while_it_is_starting_leaves_no_trace(place: Path) -> None:
    port = free_port()
    with running((*APP, "--port", str(port)), place / "app", **environment(place)) as process:
        process.wait_until(lambda: _has_begun(process.process.pid))
        process.ctrl_c()
        assert process.ends(20) == -signal.SIGINT
        assert process.output == ""


def _has_begun(pid: int) -> bool:
    """Whether the process has come to our own first line, by the signals that it leaves to the system."""
    told = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    caught = int(next(line for line in told.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    loaded = "pyarrow" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    return loaded and not caught >> (signal.SIGINT - 1) & 1


@contextmanager
def something_else(port: int) -> Iterator[None]:
    """Another program that answers on a port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_where_another_program_has_the_port_that_is_said_in_one_line(place: Path) -> None:
    port = free_port()
    with something_else(port):
        with running((*APP, "--port", str(port)), place / "app", **environment(place)) as process:
            assert process.ends() == 2
            assert process.output.splitlines() == [
                f"The app cannot listen on 127.0.0.1, port {port}: Address already in use."
            ]
        with opening(place, port) as process:
            assert process.ends() == 1
            assert "Address already in use" in process.output
            assert "Another port: --port" in process.output
            assert f"http://127.0.0.1:{port}" not in process.output, "it is not taken for the app"
            assert _is_quiet(process) or process.output.count("Error:") == 1


def test_without_a_lake_the_app_says_what_to_do(tmp_path: Path) -> None:
    port = free_port()
    with opening(tmp_path, port) as process:
        _shown(process)
        answer = ask(port, "/")
        assert answer.status == 200
        assert "make demo" in answer.text
        assert not (tmp_path / "lake").exists(), "looking makes nothing"


def test_settings_that_are_wrong_are_said_in_one_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "qualia.toml").write_text("[app]\nport = 0\n", encoding="utf-8")
    with running(APP, place / "wrong", **environment(place)) as process:
        assert process.ends() == 2
        (line,) = process.output.splitlines()
        assert "'app.port' is wrong" in line
    for name, value in environment(place).items():
        monkeypatch.setenv(name, value)
    answer = qualia("open", "--no-browser")
    assert answer.exit_code == 1
    assert "'app.port' is wrong" in answer.output


def test_a_key_that_is_none_is_refused_before_anything_starts() -> None:
    answer = qualia("open", "--no-browser", "--user", "../ann")
    assert answer.exit_code == 1
    assert "is not a user key" in answer.output


def test_for_other_machines_a_token_is_made_and_told(place: Path) -> None:
    port = free_port()
    with opening(place, port, "--host", "0.0.0.0") as process:
        _shown(process)
        token = process.output.split("?token=")[1].split()[0]
        assert len(token) > 24
        assert ask(port, "/").status == 401
        assert ask(port, f"/?token={token}").status == 303
        command = Path(f"/proc/{process.process.pid}/task/{process.process.pid}/children").read_text()
        for child in command.split():
            assert token.encode() not in Path(f"/proc/{child}/cmdline").read_bytes()


def test_ui_starts_the_app_beside_dagster_and_stops_it_again(place: Path) -> None:
    port, app_port = free_port(), free_port()
    (place / "qualia.toml").write_text(f"[app]\nport = {app_port}\n", encoding="utf-8")
    command = (*QUALIA, "ui", "--port", str(port))
    with running(command, place / "ui", **environment(place)) as process:
        process.wait_until(lambda: listens(app_port), 90)
        assert f"the app on http://127.0.0.1:{app_port}" in process.output
        assert ask(app_port, "/").status == 200
        assert "ann" in ask(app_port, "/").text
        process.ctrl_c()
        assert process.ends(60) == 0
        assert "Stopping." in process.output
    assert not listens(app_port)
    assert not listens(port)
