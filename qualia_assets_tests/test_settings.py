"""Arguments before environment before file before defaults; one line for each mistake."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from qualia_assets.settings import Settings, SettingsError, load_settings
from qualia_assets_tests.places import PROJECT_ROOT


@pytest.fixture
def file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the test's settings file, which is missing, and nothing else in the environment."""
    for name in os.environ:
        if name.startswith("QUALIA_") and name != "QUALIA_CONFIG":
            monkeypatch.delenv(name)
    return Path(os.environ["QUALIA_CONFIG"])


def test_without_a_file_everything_is_default_and_below_the_project(file: Path) -> None:
    settings = load_settings()

    assert not file.exists()
    assert settings.lake == PROJECT_ROOT / "data_lake"
    assert settings.state_url == f"sqlite:///{PROJECT_ROOT}/.qualia/state.sqlite"
    assert settings.clustering.neighbours == 15


def test_the_environment_goes_before_the_file_and_arguments_before_both(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("seed = 1\nthreads = 1\n[clustering]\nneighbours = 20\nepochs = 100\n")
    monkeypatch.setenv("QUALIA_THREADS", "2")
    monkeypatch.setenv("QUALIA_CLUSTERING__NEIGHBOURS", "30")
    monkeypatch.setenv("QUALIA_ADAPTERS__SEEDS", "[0, 1]")
    monkeypatch.setenv("QUALIA_ADAPTERS__RECIPES", "[]")

    settings = load_settings(seed=3)

    assert (settings.seed, settings.threads) == (3, 2)
    assert (settings.clustering.neighbours, settings.clustering.epochs) == (30, 100)
    assert (settings.adapters.seeds, settings.adapters.recipes) == ((0, 1), ())


def test_an_empty_variable_is_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('lake = "elsewhere"')
    monkeypatch.setenv("QUALIA_LAKE", "")
    monkeypatch.setenv("QUALIA_THREADS", "")

    assert load_settings().lake == PROJECT_ROOT / "elsewhere"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("mine.sqlite", f"sqlite:///{PROJECT_ROOT}/mine.sqlite"),
        ("/srv/mine.sqlite", "sqlite:////srv/mine.sqlite"),
        ("~/mine.sqlite", f"sqlite:///{Path.home()}/mine.sqlite"),
        ("postgresql://ann@db/qualia", "postgresql://ann@db/qualia"),
    ],
)
def test_the_state_is_a_file_or_a_url(file: Path, given: str, url: str) -> None:
    file.write_text(f'state = "{given}"')

    assert load_settings().state_url == url


def test_threads_are_those_given_or_all_that_this_process_may_use(file: Path) -> None:
    assert load_settings(threads=3).cores == 3
    assert 1 <= load_settings().cores <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("text", "key", "variable"),
    [
        ("lakee = 1", "lakee", "QUALIA_LAKEE"),
        ("[clustering]\nneighbors = 9", "clustering.neighbors", "QUALIA_CLUSTERING__NEIGHBORS"),
        ("seed = -1", "seed", "QUALIA_SEED"),
        ("seed = 'many'", "seed", "QUALIA_SEED"),
        ("clustering = 3", "clustering", "QUALIA_CLUSTERING"),
        ("[clustering]\nneighbours = 1", "clustering.neighbours", "QUALIA_CLUSTERING__NEIGHBOURS"),
        ("[clustering]\nneighbours = 201", "clustering.neighbours", "QUALIA_CLUSTERING__NEIGHBOURS"),
        ("[matching]\nthreshold = 1.5", "matching.threshold", "QUALIA_MATCHING__THRESHOLD"),
        ("[matching]\ntrain_share = 0.9\nval_share = 0.1", "matching", "QUALIA_MATCHING"),
        ("[adapters]\ntemperatures = [0.1, 0.0]", "adapters.temperatures.1", "QUALIA_ADAPTERS__TEMPERATURES"),
        ("[adapters]\narchitectures = ['cnn']", "adapters.architectures.0", "QUALIA_ADAPTERS__ARCHITECTURES"),
        (
            "[adapters]\nbalance_terms = ['kl']",
            "adapters.balance_terms.0",
            "QUALIA_ADAPTERS__BALANCE_TERMS",
        ),
        ("[adapters]\nrecipes = ['whitening']", "adapters.recipes.0", "QUALIA_ADAPTERS__RECIPES"),
        ("[clustering]\nlargest_share = 0", "clustering.largest_share", "QUALIA_CLUSTERING__LARGEST_SHARE"),
        ("[measuring]\nk = 0", "measuring.k", "QUALIA_MEASURING__K"),
        (
            "[measuring]\nstability_seeds = 1",
            "measuring.stability_seeds",
            "QUALIA_MEASURING__STABILITY_SEEDS",
        ),
        ("[experiment]\nsplits = 1", "experiment.splits", "QUALIA_EXPERIMENT__SPLITS"),
    ],
)
def test_a_wrong_key_gives_one_line_that_names_it_the_file_and_the_variable(
    file: Path, text: str, key: str, variable: str
) -> None:
    file.write_text(text)

    with pytest.raises(SettingsError) as error:
        load_settings()

    (line,) = str(error.value).splitlines()
    assert line.startswith(f"Setting {key!r} is wrong: ")
    assert str(file) in line
    assert re.search(rf"\b{variable}\b", line)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("QUALIA_CLUSTERING__NEIGHBOURS", "1"),
        ("QUALIA_CLUSTERING__NEIGHBORS", "9"),
        ("QUALIA_ADAPTERS__SEEDS", "0, 1"),
        ("QUALIA_CLUSTERING", "tight"),
        ("QUALIA_THREADS", "all"),
    ],
)
def test_a_wrong_variable_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as error:
        load_settings()

    (line,) = str(error.value).splitlines()
    assert re.search(rf"\b{variable}\b", line)
    assert str(file) in line


@pytest.mark.parametrize("data", [b"lake = ", b'lake = "caf\xe9"', b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(file: Path, data: bytes) -> None:
    file.write_bytes(data)

    with pytest.raises(SettingsError, match=f"{re.escape(str(file))} is not valid TOML"):
        load_settings()


def test_every_key_stands_in_the_commented_file_with_its_default(file: Path) -> None:
    example = (PROJECT_ROOT / "qualia.toml").read_text(encoding="utf-8")
    # Further lines of a value are indented.
    uncommented = re.sub(r"^# ([a-z_]+ = |  )", r"\1", example, flags=re.MULTILINE)
    defaults = load_settings()

    file.write_text(uncommented, encoding="utf-8")

    read = load_settings()
    # The state's default is a path, in the file relative to the project.
    assert read.state_url == defaults.state_url
    assert read.model_dump(exclude={"state"}) == defaults.model_dump(exclude={"state"})
    assert keys(tomllib.loads(uncommented)) == keys(defaults.model_dump())
    assert all(line.startswith(("#", "[")) or not line for line in example.splitlines())


def keys(group: dict[str, Any], above: str = "") -> set[str]:
    """All keys of nested groups, with dots."""
    found = set()
    for key, value in group.items():
        found |= keys(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}"}
    return found
