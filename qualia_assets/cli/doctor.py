"""Checks that everything a run needs is there, and says what to do about what is not.

Creates missing folders, changes nothing else, prints no secret. Remote providers are called only where the
settings name one, and only for what costs next to nothing.
"""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from qualia_assets.errors import QualiaError
from qualia_assets.lake.store import Lake
from qualia_assets.paths import settings_file
from qualia_assets.settings import Settings
from qualia_assets.state.consent import consented
from qualia_assets.state.database import State, StateError

LEAST_FREE = 2 * 2**30
PORT = 3000


@dataclass(frozen=True)
class Finding:
    """One check. ``ok`` is None where it is no fault but worth knowing."""

    what: str
    ok: bool | None
    said: str
    mend: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Run all checks, the cheap ones first."""
    findings = [_python(), _settings(), *_folders(settings), _disk(settings), _port()]
    try:
        state = State(settings.state_url)
    except StateError as error:
        return [*findings, Finding("state", False, "cannot be opened", str(error))]
    try:
        findings.append(Finding("state", True, "can be opened"))
        findings += [_model(settings), *_providers(settings, state), *_users(settings, state)]
    finally:
        state.close()
    return findings


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 14)
    return Finding("Python", good, version, "" if good else "Use 3.11 to 3.14: make PYTHON=python3.12 ...")


def _settings() -> Finding:
    path = settings_file()
    said = f"read from {path}" if path.exists() else f"defaults: there is no {path}"
    return Finding("settings", True, said)


def _folders(settings: Settings) -> Iterator[Finding]:
    from qualia_assets.runs.execution import prepare_home

    for what, folder, setting in (
        ("lake", settings.lake, "lake"),
        ("models", settings.models, "models"),
        ("Dagster's records", prepare_home(), "DAGSTER_HOME"),
    ):
        wrong = _cannot_be_written(folder)
        mend = f"Mend its rights, or set `{setting}` to another folder." if wrong else ""
        yield Finding(what, not wrong, f"{folder}: {wrong or 'can be written'}", mend)


def _cannot_be_written(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__


def _disk(settings: Settings) -> Finding:
    there = next(p for p in (settings.lake, *settings.lake.parents) if p.exists())
    free = shutil.disk_usage(there).free
    good = free >= LEAST_FREE
    return Finding(
        "disk", good, f"{free / 2**30:,.0f} GiB free", "" if good else "Make room, or move the lake."
    )


def _port() -> Finding:
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", PORT)) == 0
    mend = "If that is not `qualia ui`: qualia ui --port 3001" if taken else ""
    return Finding(f"port {PORT}", None if taken else True, "in use" if taken else "free", mend)


def _model(settings: Settings) -> Finding:
    if settings.embedder != "local":
        return Finding("local model", None, "not used")
    from qualia_assets.embed import minilm
    from qualia_assets.embed.weights import verified

    try:
        verified(minilm.folder() / "model.safetensors", minilm.WEIGHTS_SHA256, minilm.PACKAGE)
    except Exception as error:
        return Finding("local model", False, "damaged or missing", str(error))
    return Finding("local model", True, "its hash is right")


def _providers(settings: Settings, state: State) -> Iterator[Finding]:
    from qualia_assets.annotate.providers import make_annotator
    from qualia_assets.embed.providers import make_embedder

    made: tuple[tuple[str, str, Callable[[], object]], ...] = (
        ("annotator", settings.annotator, lambda: make_annotator(settings, state)),
        ("embedder", settings.embedder, lambda: make_embedder(settings, state)),
    )
    for what, name, make in made:
        try:
            check = getattr(make(), "check", None)
            said = check() if check is not None else f"{name}: on this machine"
            yield Finding(what, True, said)
        except QualiaError as error:
            yield Finding(what, False, name, str(error))


def _users(settings: Settings, state: State) -> Iterator[Finding]:
    lake = Lake(settings.lake)
    asked = sorted(user for user in state.users() if consented(state, user))
    if asked and not settings.crawling.contact:
        mend = "Set `contact` under [crawling] in qualia.toml: nothing is fetched before."
        yield Finding("contact", False, f"missing, and {len(asked)} users agreed to visits", mend)
    damaged = [
        (user, path.parent.parent.name)
        for user in state.users()
        for path in sorted(lake.root.glob(f"*/user={user}/part-0.parquet"))
        if lake.info(path.parent.parent.name, user) is None
    ]
    for user, table in damaged:
        mend = f"Make it again: qualia run --user {user} --from {table} --force"
        yield Finding("table", False, f"{table} of {user} is damaged", mend)
    if not damaged:
        yield Finding("tables", True, f"{len(state.users())} users, no table is damaged")
    if os.environ.get("QUALIA_CRAWLING__SEND_TO") or settings.crawling.send_to:
        yield Finding("send_to", None, "requests go elsewhere than to the services", "Is that meant?")
