"""Every test has its own lake, state database and Dagster instance."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from qualia_assets.lake.store import Lake
from qualia_assets.settings import Settings, load_settings
from qualia_assets.state.database import State
from qualia_assets_tests.collection import write_collection
from qualia_assets_tests.places import USER, made_once, qualia, run, settle, with_state


@pytest.fixture(autouse=True)
def settings(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings with lake and state in the test's own folder; exported models are shared."""
    monkeypatch.setenv("QUALIA_CONFIG", str(tmp_path / "qualia.toml"))
    monkeypatch.setenv("QUALIA_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("QUALIA_STATE", str(tmp_path / "state.sqlite"))
    monkeypatch.setenv("QUALIA_MODELS", str(tmp_path_factory.getbasetemp().parent / "models"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("COLUMNS", "160")
    return load_settings()


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings.lake)


@pytest.fixture
def state(settings: Settings) -> Iterator[State]:
    database = State(settings.state_url)
    yield database
    database.close()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A place where a user of 84 posts and 84 pins went through the complete graph and the experiment.

    Made once, by the first test process; the others wait for it. Not to be changed.
    """
    with made_once(tmp_path_factory, worker_id, "finished") as (place, missing):
        if missing:
            run(source=write_collection(place / "mine"), recorded=True)
            done = qualia("experiment", "--user", USER)
            assert done.exit_code == 0, done.output
    return place


@pytest.fixture(scope="session", autouse=True)
def beforehand(request: pytest.FixtureRequest, worker_id: str) -> None:
    """Make the finished place in the first process at once, so that the others need not wait for it."""
    if worker_id == "gw0" and any("finished" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("finished")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what needs no finished place, which is being made; the longest file first of all."""
    waiting = {item.path for item in items if "finished" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: (item.path.name != "test_wheel.py", item.path in waiting))


@pytest.fixture
def place(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished place, which may be changed."""
    copy = tmp_path / "place"
    shutil.copytree(finished, copy)
    settle(monkeypatch, copy)
    with_state(lambda state: state.set_source(USER, "folder", str(copy / "mine")))
    return copy


@pytest.fixture
def fresh(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with an empty lake; the embeddings of vocabularies and common words are cached."""
    shutil.copyfile(finished / "state.sqlite", tmp_path / "state.sqlite")
    settle(monkeypatch, tmp_path)
    return tmp_path
