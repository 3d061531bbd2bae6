"""The graph on Claude and Voyage, both on this machine: what is asked, what it costs, and going on."""

from collections.abc import Iterator
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
from qualia_assets.runs.execution import RunError, dagster_instance, run_stages
from qualia_assets.runs.plan import plan_run
from qualia_assets.settings import load_settings
from qualia_assets.state.crawl import last_visit, note_visit
from qualia_assets.state.database import State
from qualia_assets_tests.collection import write_collection
from qualia_assets_tests.emulators import anthropic as anthropic_server
from qualia_assets_tests.emulators import voyage as voyage_server
from qualia_assets_tests.places import qualia

USER = "u-1"
ASKING = ("annotations", "raw_embeddings", "caption_embeddings", "annotation_embeddings")
PAID = ("sources", "artefacts", "annotations", "embeddings")


@pytest.fixture(scope="module")
def claudes() -> Iterator[anthropic_server.Server]:
    with anthropic_server.serving() as server:
        yield server


@pytest.fixture
def claude(claudes: anthropic_server.Server) -> anthropic_server.World:
    return claudes.begin()


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


def run(state: State) -> None:
    """A run up to the embeddings, and the costs of it."""
    plan = plan_run(USER, load_settings(), state)
    steps = [s for s in plan.todo if s.group in PAID or s.name == "provider_costs"]
    assert steps
    with dagster_instance(state) as instance:
        run_stages(USER, steps, instance)


def stale(state: State) -> list[str]:
    plan = plan_run(USER, load_settings(), state)
    return [s.name for s in plan.todo if s.group in PAID or s.name == "provider_costs"]


def test_every_item_is_annotated_and_embedded_once_and_the_table_of_costs_says_for_how_much(
    state: State, lake: Lake, claude: anthropic_server.World, voyage: voyage_server.EmbeddingServer
) -> None:
    run(state)

    annotations = lake.read("annotations", USER).to_pylist()
    assert len(annotations) == 24
    assert {row["status"] for row in annotations} == {"ok"}
    assert len(claude.messages()) == 24
    for table in ("raw_embeddings", "annotation_embeddings"):
        rows = lake.read(table, USER)
        assert set(rows["embedder"].to_pylist()) == {"voyage/voyage-multimodal-3"}
    costs = {row["stage"]: row for row in lake.read("provider_costs", USER).to_pylist()}
    assert set(costs) <= set(ASKING)
    assert costs["annotations"]["requests"] == 24
    assert costs["annotations"]["usd"] > 0
    assert costs["raw_embeddings"]["pixels"] > 0

    assert stale(state) == []


def test_the_estimate_asks_nobody_and_is_what_the_run_then_comes_to(
    state: State, lake: Lake, claude: anthropic_server.World, voyage: voyage_server.EmbeddingServer
) -> None:
    told = qualia("import", "folder", str(state.source(USER, "folder").location), "--user", USER)  # type: ignore[union-attr]
    assert told.exit_code == 0, told.output

    before = {line.stage: line for line in estimate(USER, load_settings(), state, lake)}

    assert (claude.messages(), voyage.inputs) == ([], [])
    assert [(before[name].items, before[name].cached, before[name].to_ask) for name in ASKING[:2]] == [
        (24, 0, 24),
        (24, 0, 24),
    ]
    assert before["annotation_embeddings"].to_ask == 24
    run(state)
    costs = {row["stage"]: row for row in lake.read("provider_costs", USER).to_pylist()}
    for name in ("annotations", "raw_embeddings"):
        assert costs[name]["usd"] / 5 < before[name].usd < costs[name]["usd"] * 20
    assert before["raw_embeddings"].pixels == costs["raw_embeddings"]["pixels"]
    after = estimate(USER, load_settings(), state, lake)
    # What is left is the common words that recipes look up, once for all users.
    assert {line.stage: line.to_ask for line in after if line.to_ask} == {"adapters": len(common_words())}
    assert 0 < sum(line.usd for line in after) < 0.05
    shown = qualia("run", "--user", USER, "--estimate")
    assert "Nothing was asked." in shown.output, shown.output


def test_a_batch_ends_the_run_and_the_sensor_goes_on_when_it_is_time(
    state: State, lake: Lake, claude: anthropic_server.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_ANTHROPIC__WAY", "batches")
    run(state)

    assert {row["status"] for row in lake.read("annotations", USER).to_pylist()} == {"waiting"}
    visit = last_visit(state, USER, "provider:annotations")
    assert visit is not None
    assert visit.status == "deferred"
    assert requested(state) == []

    claude.end()
    # Ten minutes pass.
    early = visit.__class__(**{**vars(visit), "until": datetime.now(UTC) - timedelta(seconds=1)})
    note_visit(state, USER, "provider:annotations", early)
    assert requested(state) == [USER]
    run(state)

    assert {row["status"] for row in lake.read("annotations", USER).to_pylist()} == {"ok"}
    assert len(claude.asked("POST /v1/messages/batches")) == 1
    assert requested(state) == []
    assert stale(state) == []


def requested(state: State) -> list[str | None]:
    with dagster_instance(state) as instance:
        asked = dg.build_sensor_context(instance=instance, resources={"qualia": Qualia()})
        with asked as context:
            told = list(waiting_for_providers(context) or [])
    return [one.partition_key for one in told if isinstance(one, dg.RunRequest)]


def test_a_budget_stops_the_run_and_keeps_what_is_done(
    state: State, lake: Lake, claude: anthropic_server.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_MAX_USD", "0.0")
    run(state)
    assert claude.messages() == []
    assert {row["status"] for row in lake.read("annotations", USER).to_pylist()} == {"waiting"}
    assert "annotations" in stale(state)

    monkeypatch.setenv("QUALIA_MAX_USD", "5")
    run(state)
    assert {row["status"] for row in lake.read("annotations", USER).to_pylist()} == {"ok"}


def test_a_wrong_key_ends_the_run_in_one_line_that_does_not_hold_it(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_ANTHROPIC__API_KEY", "planted-wrong-key")

    with pytest.raises(RunError, match="QUALIA_ANTHROPIC__API_KEY") as failed:
        run(state)

    assert "planted-wrong-key" not in str(failed.value)
    assert "\n" not in str(failed.value)


def test_the_doctor_asks_for_keys_and_says_what_to_do(
    state: State, claude: anthropic_server.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = {finding.what: finding for finding in examine(load_settings())}
    assert well["annotator"].ok
    assert well["embedder"].ok
    assert claude.messages() == []

    monkeypatch.setenv("QUALIA_ANTHROPIC__API_KEY", "planted-wrong-key")
    monkeypatch.setenv("QUALIA_EMBEDDER", "voyage/no-such-model")
    wrong = {finding.what: finding for finding in examine(load_settings()) if finding.ok is False}
    assert "QUALIA_ANTHROPIC__API_KEY" in wrong["annotator"].mend
    assert "voyage-multimodal-3" in wrong["embedder"].mend

    told = qualia("doctor")
    assert told.exit_code == 1
    assert "planted-wrong-key" not in told.output
    assert "Traceback" not in told.output


def test_the_doctor_finds_a_table_that_is_damaged_and_a_contact_that_is_missing(
    state: State, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_ANNOTATOR", "local")
    monkeypatch.setenv("QUALIA_EMBEDDER", "local")
    qualia("user", "consent", USER, "images", "--yes")
    broken = lake.path("artefacts", USER)
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"half a table")

    wrong = {finding.what: finding for finding in examine(load_settings()) if finding.ok is False}

    assert "artefacts of u-1 is damaged" in wrong["table"].said
    assert "--from artefacts --force" in wrong["table"].mend
    assert "contact" in wrong["contact"].mend
    assert set(wrong) == {"table", "contact"}
