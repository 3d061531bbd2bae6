"""The graph on Claude and Voyage, both emulated here: requests, costs, deferrals, and the doctor's checks."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from qualia_assets.cli.doctor import examine
from qualia_assets.cli.estimate import estimate
from qualia_assets.defs.jobs import waiting_for_providers
from qualia_assets.defs.resources import Qualia
from qualia_assets.embed.lexicon import common_words
from qualia_assets.lake.store import Lake
from qualia_assets.providers import pace
from qualia_assets.runs.execution import RunError
from qualia_assets.settings import load_settings
from qualia_assets.state.crawl import last_visit, note_visit
from qualia_assets.state.database import State
from qualia_assets_tests.collection import write_collection
from qualia_assets_tests.emulators import anthropic as anthropic_server
from qualia_assets_tests.emulators import voyage as voyage_server
from qualia_assets_tests.places import USER, qualia, run, stale

FREE = ("sources", "artefacts")
PAID = ("annotations", "embeddings", "provider_costs")


@pytest.fixture
def claude() -> Iterator[anthropic_server.World]:
    with anthropic_server.serving() as server:
        yield server.begin()


@pytest.fixture
def voyage() -> Iterator[voyage_server.EmbeddingServer]:
    with voyage_server.EmbeddingServer() as server:
        yield server


@pytest.fixture(autouse=True)
def chosen(
    claude: anthropic_server.World,
    voyage: voyage_server.EmbeddingServer,
    state: State,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A user with a dozen posts and a dozen pins, and settings that choose both providers."""
    monkeypatch.setattr(pace, "_FIRST_WAIT", 0.01)
    for name, value in {
        "ANNOTATOR": f"anthropic/{anthropic_server.MODEL}",
        "EMBEDDER": "voyage/voyage-multimodal-3",
        "ANTHROPIC__API_KEY": anthropic_server.KEY,
        "ANTHROPIC__URL": claude.url,
        "ANTHROPIC__WAY": "messages",
        "ANTHROPIC__REQUESTS_PER_MINUTE": "1000000",
        "VOYAGE__API_KEY": voyage_server.KEY,
        "VOYAGE__URL": voyage.url,
        "VOYAGE__REQUESTS_PER_MINUTE": "1000000",
    }.items():
        monkeypatch.setenv(f"QUALIA_{name}", value)
    state.set_source(USER, "folder", str(write_collection(tmp_path / "mine", each=2)))


def statuses(lake: Lake) -> set[str]:
    return set(lake.read("annotations", USER)["status"].to_pylist())


def resumed_users() -> list[str | None]:
    """The users for whom the sensor requests a run."""
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, resources={"qualia": Qualia()}) as context,
    ):
        requests = list(waiting_for_providers(context) or [])
    return [request.partition_key for request in requests if isinstance(request, dg.RunRequest)]


def test_every_item_is_requested_once_at_about_the_estimated_cost(
    state: State, lake: Lake, claude: anthropic_server.World, voyage: voyage_server.EmbeddingServer
) -> None:
    run(only=FREE)
    before = {line.stage: line for line in estimate(USER, load_settings(), state, lake)}
    counted = {name: (line.items, line.cached, line.to_ask) for name, line in before.items()}

    assert (claude.messages(), voyage.inputs) == ([], [])
    assert counted["annotations"] == counted["raw_embeddings"] == (24, 0, 24)
    assert before["annotation_embeddings"].to_ask == 24

    run(only=PAID)

    assert lake.read("annotations", USER).num_rows == len(claude.messages()) == 24
    assert statuses(lake) == {"ok"}
    for table in ("raw_embeddings", "annotation_embeddings"):
        assert set(lake.read(table, USER)["embedder"].to_pylist()) == {"voyage/voyage-multimodal-3"}
    costs = {row["stage"]: row for row in lake.read("provider_costs", USER).to_pylist()}
    assert set(costs) <= {"annotations", "raw_embeddings", "caption_embeddings", "annotation_embeddings"}
    for name in ("annotations", "raw_embeddings"):
        assert costs[name]["usd"] / 5 < before[name].usd < costs[name]["usd"] * 20
    assert costs["annotations"]["requests"] == 24
    assert before["raw_embeddings"].pixels == costs["raw_embeddings"]["pixels"] > 0
    assert stale(*FREE, *PAID) == []
    # What is left is the common words that recipes look up, once for all users.
    after = estimate(USER, load_settings(), state, lake)
    assert {line.stage: line.to_ask for line in after if line.to_ask} == {
        "adapters": len(common_words(25_000))
    }
    assert 0 < sum(line.usd for line in after) < 0.05
    shown = qualia("run", "--user", USER, "--estimate")
    assert "Nothing was asked." in shown.output, shown.output


def test_a_batch_ends_the_run_and_the_sensor_resumes_it_when_it_is_time(
    state: State, lake: Lake, claude: anthropic_server.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_ANTHROPIC__WAY", "batches")
    run(only=(*FREE, *PAID))

    assert statuses(lake) == {"waiting"}
    visit = last_visit(state, USER, "provider:annotations")
    assert visit is not None
    assert visit.status == "deferred"
    assert resumed_users() == []

    claude.end()
    # Ten minutes pass.
    over = replace(visit, until=datetime.now(UTC) - timedelta(seconds=1))
    note_visit(state, USER, "provider:annotations", over)
    assert resumed_users() == [USER]
    run(only=PAID)

    assert statuses(lake) == {"ok"}
    assert len(claude.asked("POST /v1/messages/batches")) == 1
    assert resumed_users() == []
    assert stale(*FREE, *PAID) == []


def test_a_wrong_key_is_one_line_of_a_run_and_of_the_doctor_that_does_not_show_it(
    claude: anthropic_server.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {finding.what: finding.ok for finding in examine(load_settings())}
    assert right["annotator"]
    assert right["embedder"]
    assert claude.messages() == []

    monkeypatch.setenv("QUALIA_ANTHROPIC__API_KEY", "planted-wrong-key")
    monkeypatch.setenv("QUALIA_EMBEDDER", "voyage/no-such-model")
    wrong = {finding.what: finding.mend for finding in examine(load_settings()) if finding.ok is False}
    assert "QUALIA_ANTHROPIC__API_KEY" in wrong["annotator"]
    assert "voyage-multimodal-3" in wrong["embedder"]

    shown = qualia("doctor")
    assert shown.exit_code == 1
    monkeypatch.setenv("QUALIA_EMBEDDER", "voyage/voyage-multimodal-3")
    with pytest.raises(RunError, match=r"\A[^\n]*QUALIA_ANTHROPIC__API_KEY[^\n]*\Z") as failed:
        run(only=(*FREE, "annotations"))
    for said in (shown.output, str(failed.value)):
        assert "planted-wrong-key" not in said
        assert "Traceback" not in said


def test_the_doctor_finds_a_damaged_table_and_a_missing_contact(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_ANNOTATOR", "local")
    monkeypatch.setenv("QUALIA_EMBEDDER", "local")
    qualia("user", "consent", USER, "images", "--yes")
    broken = lake.path("artefacts", USER)
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"half a table")

    wrong = {finding.what: finding for finding in examine(load_settings()) if finding.ok is False}

    assert set(wrong) == {"table", "contact"}
    assert "artefacts of u-1 is damaged" in wrong["table"].said
    assert "--from artefacts --force" in wrong["table"].mend
    assert "contact" in wrong["contact"].mend
