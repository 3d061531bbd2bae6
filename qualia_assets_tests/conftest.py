"""A lake, a state database and a Dagster instance of its own for every test."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from qualia_assets.lake.store import Lake
from qualia_assets.settings import Settings, load_settings
from qualia_assets.state.database import State

# Nothing may be fetched, and tests run beside one another: one thread each.
os.environ.update(
    HF_HUB_OFFLINE="1", QUALIA_THREADS="1", OMP_NUM_THREADS="1", DAGSTER_DISABLE_TELEMETRY="yes"
)


@pytest.fixture(autouse=True)
def settings(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings whose lake and state lie in the test's own folder; exported models are shared."""
    monkeypatch.setenv("QUALIA_CONFIG", str(tmp_path / "qualia.toml"))
    monkeypatch.setenv("QUALIA_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("QUALIA_STATE", str(tmp_path / "state.sqlite"))
    monkeypatch.setenv("QUALIA_MODELS", str(tmp_path_factory.getbasetemp().parent / "models"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "dagster").mkdir()
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
