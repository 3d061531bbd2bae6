"""Stages whose provider does not answer all at once: what waits, what goes on, what is told and paid."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import numpy as np
import pytest

from qualia_assets.annotate.base import Annotation, Subject
from qualia_assets.defs import annotations, embeddings
from qualia_assets.defs.stage import Stage
from qualia_assets.embed.base import Content, Kind, in_chunks
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import ARTEFACTS
from qualia_assets.method.neighbours import Floats
from qualia_assets.net.base import Deferred
from qualia_assets.providers.base import FatalError
from qualia_assets.providers.budget import Account, Budget
from qualia_assets.providers.catalogue import Model
from qualia_assets.runs.execution import RunError, dagster_instance, run_stages
from qualia_assets.runs.plan import plan_run
from qualia_assets.settings import Settings, load_settings
from qualia_assets.state.crawl import Visit, last_visit, note_visit
from qualia_assets.state.database import State
from qualia_assets.state.ledger import spent
from qualia_assets.state.usage import Usage

USER = "u-1"
ITEMS = 10
CENT_AN_ITEM = Model("anthropic", "cheap", "annotator", input_usd=10_000.0)
AN_ITEM = Usage(1, 1, input_tokens=1)


class Service:
    """What a provider over the network does, from the side of the stages: each item costs a cent."""

    def __init__(self) -> None:
        self.answers = ITEMS
        self.error: Exception = Deferred("The service is busy.", datetime.now(UTC) + timedelta(hours=1))

    def ask(self, account: Account) -> None:
        if not self.answers:
            raise self.error
        account.reserve(AN_ITEM)
        self.answers -= 1
        account.settle(AN_ITEM)


class Labels:
    name = "anthropic/cheap"
    prompt_version = "1"
    embedded_fields = ()
    concurrency = 1

    def __init__(self, service: Service, account: Account) -> None:
        self.service, self.account = service, account

    def batches(self, subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
        return in_chunks(subjects, 1)

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        self.service.ask(self.account)
        return [Annotation("ok", summary=f"What {s.sha256} says.") for s in batch]


class Vectors:
    name = "voyage/cheap"
    dimensions = 4
    concurrency = 1

    def __init__(self, service: Service, account: Account) -> None:
        self.service, self.account = service, account

    def version(self, kind: Kind) -> str:
        return "1"

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return in_chunks(contents, 1)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        self.service.ask(self.account)
        return [np.eye(4, dtype=np.float32)[0] for _ in batch]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service that annotations and embeddings are asked of, in place of the local providers."""
    asked = Service()

    def paid(kind: Callable[[Service, Account], Any]) -> Callable[..., Any]:
        def make(settings: Settings, state: State, budget: Budget | None = None) -> Any:
            return kind(asked, (budget or Budget(state, "", settings.max_usd)).account(CENT_AN_ITEM))

        return make

    monkeypatch.setattr(annotations, "make_annotator", paid(Labels))
    monkeypatch.setattr(embeddings, "make_embedder", paid(Vectors))
    return asked


@pytest.fixture(autouse=True)
def _collected(state: State, lake: Lake) -> None:
    state.add_user(USER)
    rows = [
        {
            "artefact_id": f"folder:{n}",
            "modality": "text",
            "source": "folder",
            "hop": 0,
            "title": f"Item {n}",
            "text": "Words.",
            "tags": [],
            "content_sha256": f"{n:064d}",
        }
        for n in range(ITEMS)
    ]
    lake.write(ARTEFACTS, USER, ARTEFACTS.table(rows))


def stale(state: State, offline: bool = False) -> list[str]:
    """Which of the stages here a run would make, were it to begin with them."""
    plan = plan_run(USER, load_settings(), state, "annotations", offline=offline)
    return [step.name for step in plan.todo if step.name in ("annotations", "annotation_embeddings")]


def make(state: State, *steps: Stage) -> dict[str, dict[str, Any]]:
    """Run stages, and return what the UI is told of each."""
    with dagster_instance(state) as instance:
        run_stages(USER, steps, instance)
        told = {}
        for step in steps:
            event = instance.get_latest_materialization_event(dg.AssetKey(step.name))
            assert event is not None
            materialization = event.asset_materialization
            assert materialization is not None
            told[step.name] = {key: entry.value for key, entry in materialization.metadata.items()}
    return told


def statuses(lake: Lake) -> list[str]:
    found: list[str] = lake.read("annotations", USER)["status"].to_pylist()
    return found


def test_a_service_that_is_busy_leaves_items_waiting_and_ends_no_run(
    state: State, lake: Lake, service: Service
) -> None:
    service.answers = 4

    told = make(state, annotations.annotations)["annotations"]

    assert statuses(lake) == ["ok"] * 4 + ["waiting"] * 6
    assert {key: told[key] for key in ("asked", "cached", "waiting", "tokens", "pixels", "usd")} == {
        "asked": 4,
        "cached": 0,
        "waiting": 6,
        "tokens": 4,
        "pixels": 0,
        "usd": 0.04,
    }
    visit = last_visit(state, USER, "provider:annotations")
    assert visit is not None
    assert (visit.status, visit.requests, visit.notes) == ("deferred", 4, ("The service is busy.",))
    assert visit.until == service.error.until  # type: ignore[attr-defined]


def test_what_waits_is_gone_on_with_when_its_time_has_come_and_asked_once(
    state: State, lake: Lake, service: Service
) -> None:
    service.answers = 4
    make(state, annotations.annotations)
    assert stale(state)[:1] != ["annotations"]

    past = Visit(datetime.now(UTC), "deferred", 4, datetime.now(UTC) - timedelta(seconds=1))
    note_visit(state, USER, "provider:annotations", past)
    assert stale(state)[:1] == ["annotations"]
    assert "annotations" not in stale(state, offline=True)
    service.answers = 100
    told = make(state, annotations.annotations)["annotations"]

    assert (told["asked"], told["cached"], told["waiting"]) == (6, 4, 0)
    assert statuses(lake) == ["ok"] * ITEMS
    visit = last_visit(state, USER, "provider:annotations")
    assert visit is not None
    assert visit.status == "complete"
    assert stale(state)[:1] != ["annotations"]


def test_a_run_whose_budget_is_spent_is_gone_on_with_by_the_next(
    state: State, lake: Lake, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_MAX_USD", "0.07")

    make(state, annotations.annotations)

    assert statuses(lake).count("ok") == 7
    assert stale(state)[:1] == ["annotations"]
    make(state, annotations.annotations)
    assert statuses(lake) == ["ok"] * ITEMS
    assert sum(line.usd for line in spent(state)) == pytest.approx(0.10)


def test_all_stages_of_a_run_pay_from_one_budget(
    state: State, lake: Lake, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_MAX_USD", "0.14")
    service.answers = 100

    told = make(state, annotations.annotations, embeddings.annotation_embeddings)

    assert (told["annotations"]["usd"], told["annotation_embeddings"]["usd"]) == (0.10, 0.04)
    assert told["annotation_embeddings"]["waiting"] == 6
    assert lake.read("annotation_embeddings", USER).num_rows == 4
    by_stage = {(line.user, line.stage): line.usage.requests for line in spent(state)}
    assert by_stage == {(USER, "annotations"): 10, (USER, "annotation_embeddings"): 4}


def test_a_provider_that_cannot_be_asked_at_all_ends_the_stage_with_one_line_and_keeps_what_is_done(
    state: State, lake: Lake, service: Service
) -> None:
    service.answers = 3
    service.error = FatalError("The key is not accepted. Set QUALIA_ANTHROPIC__API_KEY.")

    with pytest.raises(RunError) as failed:
        make(state, annotations.annotations)

    assert str(failed.value) == "annotations: The key is not accepted. Set QUALIA_ANTHROPIC__API_KEY."
    assert lake.info("annotations", USER) is None
    service.answers = 100
    assert make(state, annotations.annotations)["annotations"]["cached"] == 3


def test_of_what_was_never_put_off_nothing_is_noted(state: State, service: Service) -> None:
    make(state, annotations.annotations)

    assert last_visit(state, USER, "provider:annotations") is None
