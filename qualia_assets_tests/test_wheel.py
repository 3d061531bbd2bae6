"""The wheel works without a checkout: built, installed into an empty environment, used in an empty folder."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from qualia_assets_tests.collection import write_collection
from qualia_assets_tests.places import PROJECT_ROOT, SETTINGS


def command(*arguments: str | Path, folder: Path, **environment: str) -> str:
    """Run a command as someone who has set nothing but ``environment``, and return what it printed."""
    kept = {name: os.environ[name] for name in ("PATH", "NUMBA_CACHE_DIR", "LANG") if name in os.environ}
    done = subprocess.run(
        [str(a) for a in arguments],
        cwd=folder,
        env={**kept, "HOME": str(folder), "COLUMNS": "160", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run(build, cwd=PROJECT_ROOT, capture_output=True, check=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel, and what it depends on as it is in this environment."""
    where = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(where)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(where / "bin" / "python"), "install", "--no-deps"]
    subprocess.run([*pip, "--quiet", str(wheel)], capture_output=True, check=True)
    # A .pth is not followed from here, so this environment's own editable install stays out.
    packages = next((where / "lib").glob("python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return where / "bin"


def test_a_wheel_holds_what_is_read_at_run_time_and_nothing_of_a_developers(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sql = {path.relative_to(PROJECT_ROOT).as_posix() for path in PROJECT_ROOT.glob("dbt_like_sql/*/*.sql")}
    assert {f"qualia_assets/{name}" for name in (*sql, "dagster.yaml", "qualia.toml")} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"qualia_assets"}
    assert not [name for name in names if "__pycache__" in name]


def test_a_small_user_goes_through_the_graph_without_a_checkout(
    installed: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    models = str(tmp_path_factory.getbasetemp().parent / "models")
    home, mine = tmp_path / "home", write_collection(tmp_path / "mine", each=1)
    home.mkdir()

    def qualia(*arguments: str | Path) -> str:
        return command(installed / "qualia", *arguments, folder=home, QUALIA_MODELS=models)

    shown = qualia("doctor")
    place = home / ".local/share/qualia_assets"
    assert str(place) in shown.replace("\n", "")
    assert place.stat().st_mode & 0o077 == 0
    (place / "qualia.toml").write_text(SETTINGS, encoding="utf-8")
    qualia("import", "folder", mine, "--user", "me")
    qualia("run", "--user", "me")
    assert (place / "data_lake/metrics/user=me/part-0.parquet").exists()
    assert '"n": 1' in qualia(
        "sql", "--json", "select count(*) as n from user_overview where \"user\" = 'me'"
    )
    validate = ("definitions", "validate", "-m", "qualia_assets.definitions")
    command(installed / "python", "-m", "dagster", *validate, folder=home)
    # Nor do libraries leave anything (onnxruntime's telemetry would), but for matplotlib's cache of fonts.
    files = [path for path in home.rglob("*") if path.is_file() and "matplotlib" not in path.parts]
    assert [path for path in files if place not in path.parents] == []
