"""``qualia open`` and ``qualia ui`` as processes: starting, running already, failing, and ending."""

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
def opening(place: Path, port: int, *more: str, ready: bool = False) -> Iterator[Process]:
    """``qualia open --no-browser`` on a port; with ``ready`` once it has printed its address."""
    command = (*QUALIA, "open", "--no-browser", "--port", str(port), *more)
    printed = place / f"opened-{len(list(place.iterdir()))}"
    with running(command, printed, **environment(place)) as process:
        if ready:
            process.wait_until(lambda: "Ctrl-C stops it" in process.output)
        yield process


def is_quiet(process: Process) -> bool:
    return "Traceback" not in process.output and "Error" not in process.output


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_user(Lake(tmp_path / "lake"), "ann", items=4, tables=["artefacts"])
    return tmp_path


def test_open_starts_the_app_and_a_second_open_finds_it(place: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    port = free_port()
    with opening(place, port, "map", "--user", "ann", ready=True) as first:
        assert f"http://127.0.0.1:{port}/u/ann/map" in first.output
        assert ask(port, "/u/ann/map").status == 200
        with opening(place, port, "clusters", "--user", "ann") as second:
            assert second.ends() == 0
            address = f"http://127.0.0.1:{port}/u/ann/clusters"
            assert second.output.split() == ["The", "app", "is", "running", "already:", address]
        with opening(tmp_path / "other", port) as third:
            assert third.ends() != 0, "an app on another lake is not this one"
            assert str(port) in third.output
            assert "running already" not in third.output
            assert "Traceback" not in third.output
        assert ask(port, "/alive").text == served(place / "lake"), "the others have not ended the first"
        first.ctrl_c()
        assert first.ends(20) == 0
        assert first.output.splitlines()[-1] == "Stopping."
        assert is_quiet(first)
    assert not listens(port)


def test_open_that_is_terminated_ends_the_app_too(place: Path) -> None:
    port = free_port()
    with opening(place, port, ready=True) as process:
        os.kill(process.pid, signal.SIGTERM)  # to it alone, unlike Ctrl-C
        assert process.ends(20) == 0
        assert is_quiet(process)
    assert not listens(port)


def test_ctrl_c_during_the_start_leaves_no_traceback(place: Path) -> None:
    port = free_port()
    with running((*APP, "--port", str(port)), place / "app", **environment(place)) as process:
        process.wait_until(lambda: has_begun(process.pid))
        process.ctrl_c()
        assert process.ends(20) == -signal.SIGINT
        assert process.output == ""


def has_begun(pid: int) -> bool:
    """Whether the process has reached our first line, by the signals that it no longer catches."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    loaded = "pyarrow" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    return loaded and not caught >> (signal.SIGINT - 1) & 1


@contextmanager
def another_program(port: int) -> Iterator[None]:
    """Another server on a port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_port_in_use_is_reported_in_one_line(place: Path) -> None:
    port = free_port()
    with another_program(port):
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
            assert is_quiet(process) or process.output.count("Error:") == 1


def test_wrong_settings_and_keys_are_reported_in_one_line(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is not a user key" in qualia("open", "--no-browser", "--user", "../ann").output
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


def test_for_other_machines_a_token_is_made_printed_and_kept_out_of_the_process_list(place: Path) -> None:
    port = free_port()
    with opening(place, port, "--host", "0.0.0.0", ready=True) as process:
        token = process.output.split("?token=")[1].split()[0]
        assert len(token) > 24
        assert ask(port, "/").status == 401
        assert ask(port, f"/?token={token}").status == 303
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        for child in children:
            assert token.encode() not in Path(f"/proc/{child}/cmdline").read_bytes()


def test_ui_starts_the_app_beside_dagster_and_stops_both(place: Path) -> None:
    port, app_port = free_port(), free_port()
    (place / "qualia.toml").write_text(f"[app]\nport = {app_port}\n", encoding="utf-8")
    # As a script in the background would start it: with Ctrl-C ignored.
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    command = ("-c", ignoring, *QUALIA, "ui", "--port", str(port))
    with running(command, place / "ui", **environment(place)) as process:
        process.wait_until(lambda: listens(app_port), 90)
        assert f"the app on http://127.0.0.1:{app_port}" in process.output
        answer = ask(app_port, "/")
        assert answer.status == 200
        assert "ann" in answer.text
        process.wait_until(lambda: listens(port), 90)
        assert "dagster_webserver_version" in ask(port, "/server_info").text
        process.ctrl_c()
        assert process.ends(60) == 0
        assert "Stopping." in process.output
    assert not listens(app_port)
    assert not listens(port)
