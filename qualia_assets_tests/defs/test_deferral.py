"""Stages whose provider does not answer every item at once: what waits, what resumes, what is paid."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import numpy as np
import pytest

from qualia_assets.annotate.base import Annotation, Subject
from qualia_assets.defs import annotations, embeddings
from qualia_assets.defs.partitions import sync_users
from qualia_assets.defs.stage import Stage
from qualia_assets.embed.base import Content, Kind
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import ARTEFACTS, CAPTION_EMBEDDINGS, PICTURE_FEATURES, PICTURE_VECTORS
from qualia_assets.method.neighbours import Floats
from qualia_assets.net.base import Deferred
from qualia_assets.progress import batched
from qualia_assets.providers.budget import Account, Budget
from qualia_assets.providers.catalogue import Model
from qualia_assets.runs.execution import run_stages
from qualia_assets.settings import Settings
from qualia_assets.state.crawl import Visit, last_visit, note_visit
from qualia_assets.state.database import State
from qualia_assets.state.ledger import spent
from qualia_assets.state.usage import Usage
from qualia_assets_tests.places import USER, metadata_of, stale

ITEMS = 10
CENT_AN_ITEM = Model("anthropic", "cheap", "annotator", input_usd=10_000.0)
AN_ITEM = Usage(1, 1, input_tokens=1)
Make = Callable[..., dict[str, dict[str, Any]]]


class Service:
    """A remote annotator and embedder: answers some items, each for a cent, and then raises an error."""

    name = "voyage/cheap"
    prompt_version = "1"
    embedded_fields = ()
    dimensions = 4
    concurrency = 1
    account: Account

    def __init__(self) -> None:
        self.answers = ITEMS
        self.error: Exception = Deferred("The service is busy.", datetime.now(UTC) + timedelta(hours=1))

    def paid_from(self, settings: Settings, state: State, budget: Budget | None = None) -> "Service":
        self.account = (budget or Budget(state, "", settings.max_usd)).account(CENT_AN_ITEM)
        return self

    def version(self, kind: Kind) -> str:
        return "1"

    def batches(self, items: Sequence[Any]) -> Iterator[list[Any]]:
        return batched(items, 1)

    def annotate(self, batch: Sequence[Subject]) -> list[Annotation]:
        self.call()
        return [Annotation("ok", summary=f"What {s.sha256} says.") for s in batch]

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        self.call()
        return [np.eye(4, dtype=np.float32)[0] for _ in batch]

    def call(self) -> None:
        if not self.answers:
            raise self.error
        self.account.reserve(AN_ITEM)
        self.answers -= 1
        self.account.settle(AN_ITEM)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service, in place of the local annotator and embedder."""
    remote = Service()
    monkeypatch.setattr(annotations, "make_annotator", remote.paid_from)
    monkeypatch.setattr(embeddings, "make_embedder", remote.paid_from)
    return remote


@pytest.fixture
def make(service: Service, state: State, lake: Lake, instance: dg.DagsterInstance) -> Make:
    """Run stages of a user with ten posts; returns the metadata of each."""
    state.add_user(USER)
    sync_users(instance, state)
    post = {"modality": "text", "source": "folder", "hop": 0, "title": "Item", "text": "Words.", "tags": []}
    rows = [post | {"artefact_id": f"folder:{n}", "content_sha256": f"{n:064d}"} for n in range(ITEMS)]
    lake.write(ARTEFACTS, USER, ARTEFACTS.table(rows))
    for spec in (PICTURE_FEATURES, PICTURE_VECTORS, CAPTION_EMBEDDINGS):
        lake.write(spec, USER, spec.schema(4).empty_table())

    def of(*steps: Stage) -> dict[str, dict[str, Any]]:
        run_stages(USER, steps, instance)
        return {step.name: metadata_of(step.name, instance) for step in steps}

    return of


def statuses(lake: Lake) -> list[str]:
    found: list[str] = lake.read("annotations", USER)["status"].to_pylist()
    return found


def annotations_stale(offline: bool = False) -> bool:
    """Whether a run that starts with the annotations would make them."""
    return "annotations" in stale(start="annotations", offline=offline)


def test_a_busy_service_leaves_items_waiting_that_are_requested_once_when_it_is_time(
    state: State, lake: Lake, service: Service, make: Make
) -> None:
    service.answers = 4

    metadata = make(annotations.annotations)["annotations"]

    assert statuses(lake) == ["ok"] * 4 + ["waiting"] * 6
    counts = {"asked": 4, "cached": 0, "waiting": 6, "tokens": 4, "pixels": 0, "usd": 0.04}
    assert metadata == metadata | counts
    visit = last_visit(state, USER, "provider:annotations")
    assert visit is not None
    assert (visit.status, visit.requests, visit.notes) == ("deferred", 4, ("The service is busy.",))
    assert visit.until == service.error.until  # type: ignore[attr-defined]
    assert not annotations_stale()

    past = Visit(datetime.now(UTC), "deferred", 4, datetime.now(UTC) - timedelta(seconds=1))
    note_visit(state, USER, "provider:annotations", past)
    assert annotations_stale()
    assert not annotations_stale(offline=True)
    service.answers = 100
    metadata = make(annotations.annotations)["annotations"]

    assert (metadata["asked"], metadata["cached"], metadata["waiting"]) == (6, 4, 0)
    assert statuses(lake) == ["ok"] * ITEMS
    visit = last_visit(state, USER, "provider:annotations")
    assert visit is not None
    assert visit.status == "complete"
    assert not annotations_stale()


def test_the_next_run_resumes_one_that_spent_its_budget(
    state: State, lake: Lake, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_MAX_USD", "0.07")

    make(annotations.annotations)

    assert statuses(lake).count("ok") == 7
    assert annotations_stale()
    make(annotations.annotations)
    assert statuses(lake) == ["ok"] * ITEMS
    assert sum(line.usd for line in spent(state)) == pytest.approx(0.10)


def test_all_stages_of_a_run_share_one_budget(
    state: State, lake: Lake, service: Service, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALIA_MAX_USD", "0.14")
    service.answers = 100

    metadata = make(annotations.annotations, embeddings.annotation_embeddings)

    assert (metadata["annotations"]["usd"], metadata["annotation_embeddings"]["usd"]) == (0.10, 0.04)
    assert metadata["annotation_embeddings"]["waiting"] == 6
    assert lake.read("annotation_embeddings", USER).num_rows == 4
    by_stage = {(line.user, line.stage): line.usage.requests for line in spent(state)}
    assert by_stage == {(USER, "annotations"): 10, (USER, "annotation_embeddings"): 4}
    # Nothing is recorded of a stage that was never deferred.
    assert last_visit(state, USER, "provider:annotations") is None
