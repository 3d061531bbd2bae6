"""Claude as an annotator: Anthropic's own client against a service on this machine."""

import base64
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from qualia_assets.annotate import anthropic as claude_module
from qualia_assets.annotate.anthropic import ClaudeAnnotator
from qualia_assets.annotate.base import Annotation, Subject, annotate_all
from qualia_assets.annotate.prompt import PROMPT_VERSION, SCHEMA, SYSTEM
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.net.base import BudgetSpent, Deferred
from qualia_assets.progress import silent
from qualia_assets.providers import pace
from qualia_assets.providers.base import FatalError
from qualia_assets.providers.budget import Budget
from qualia_assets.providers.requests import Outcome
from qualia_assets.settings import load_settings
from qualia_assets.state import ledger
from qualia_assets.state.database import State
from qualia_assets.state.tables import batches as batch_table
from qualia_assets_tests.emulators import anthropic as emulator
from qualia_assets_tests.emulators.anthropic import (
    KEY,
    MODEL,
    Batch,
    Fault,
    World,
    annotation,
    said,
    words_of,
)
from qualia_assets_tests.providers.fakes import Clock, until

MESSAGES, BATCHES = "POST /v1/messages", "POST /v1/messages/batches"
NAME = f"anthropic/{MODEL}"
SET_KEY = "Set QUALIA_ANTHROPIC__API_KEY, or `api_key` in [anthropic] of qualia.toml, to"
WORDS = "the-words-that-nobody-else-reads"


@dataclass(frozen=True)
class Annotating:
    """One user's annotations. Keywords are those of ``[anthropic]``, and ``model`` and ``longest_wait``."""

    url: str
    state: State

    def annotator(self, way: str = "messages", budget: Budget | None = None, **given: Any) -> ClaudeAnnotator:
        name = f"anthropic/{given.pop('model', MODEL)}"
        crawling = {"longest_wait": given.pop("longest_wait", 1.0)}
        service = {"api_key": KEY, "url": self.url, "way": way, "requests_per_minute": 1e6, "timeout": 5.0}
        settings = load_settings(annotator=name, anthropic=service | given, crawling=crawling)
        annotator = make_annotator(settings, self.state, budget)
        assert isinstance(annotator, ClaudeAnnotator)
        return annotator

    def run(self, subjects: Sequence[Subject], *args: Any, **given: Any) -> Outcome[Annotation]:
        """What one run of the stage does."""
        return annotate_all(subjects, self.annotator(*args, **given), self.state, silent)

    def budget(self, usd: float = 5.0) -> Budget:
        return Budget(self.state, "annotations", usd)

    @property
    def batches(self) -> list[Any]:
        """The rows of all batches in the state database."""
        with self.state.engine.connect() as connection:
            return list(connection.execute(sa.select(batch_table)))


@pytest.fixture(scope="module")
def server() -> Iterator[emulator.Server]:
    with emulator.serving() as running:
        yield running


@pytest.fixture
def claude(server: emulator.Server, monkeypatch: pytest.MonkeyPatch) -> World:
    """A service in which nothing has happened yet; retries take no time."""
    monkeypatch.setattr(pace, "_FIRST_WAIT", 0.01)
    return server.begin()


@pytest.fixture
def ann(claude: World, state: State) -> Annotating:
    state.add_user("ann")
    return Annotating(claude.url, state.of("ann"))


def posts(number: int, start: int = 0) -> list[Subject]:
    ids = range(start, start + number)
    return [Subject(f"{n:064x}", "text", f"Post {n}", f"{WORDS} {n}.", ()) for n in ids]


def pin(path: Path, sha256: str = "f" * 64, **changes: Any) -> Subject:
    words = {"title": "A boat", "text": "by the sea", "tags": ("rope",)}
    return Subject(sha256, "image", image=path, image_sha256="b" * 64, **(words | changes))


def answers(outcome: Outcome[Annotation]) -> list[Annotation]:
    """In the order of posts."""
    return [outcome.answers[sha] for sha in sorted(outcome.answers)]


def statuses(outcome: Outcome[Annotation]) -> list[str]:
    return [answer.status for answer in answers(outcome)]


def number_of(params: dict[str, Any]) -> int:
    """The post that a request is about."""
    return int(words_of(params).split(f"{WORDS} ")[1].split(".")[0])


def submitted(claude: World) -> list[int]:
    """The posts in all batches."""
    return [number_of(r["params"]) for batch in claude.batches.values() for r in batch.requests]


def age(user: Annotating, minutes: float) -> None:
    """Make all batches older."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    with user.state.engine.begin() as connection:
        connection.execute(sa.update(batch_table).values(submitted_at=at))


def foreign(claude: World, *sizes: int) -> None:
    """Let somebody else submit batches."""
    for size in sizes:
        requests = [{"custom_id": f"x-{n}", "params": {}} for n in range(size)]
        claude.batches[f"foreign_{size}"] = Batch(f"foreign_{size}", requests, datetime.now(UTC))


def test_a_post_is_data_in_a_message_with_the_schema(claude: World, ann: Annotating) -> None:
    outcome = ann.run(posts(1))
    (sent,) = claude.messages()
    assert sent["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert sent["thinking"] == {"type": "disabled"}
    assert set(sent) == {"model", "max_tokens", "messages", "output_config", "system", "thinking"}
    assert [message["role"] for message in sent["messages"]] == ["user"]
    assert all(words in words_of(sent) for words in (WORDS, "its main topic, argument or narrative"))
    assert sent["system"] == SYSTEM
    (answer,) = answers(outcome)
    assert (answer.status, answer.themes) == ("ok", ("solitude", "craft", "memory"))
    assert "Mood: wistful." in str(answer.as_text(ann.annotator().embedded_fields))
    assert (ann.annotator().name, ann.annotator().prompt_version) == (NAME, PROMPT_VERSION)
    ann.run(posts(1), model="claude-haiku-4-5")
    assert [sent["model"] for sent in claude.messages()] == [MODEL, "claude-haiku-4-5"]


def test_a_model_that_must_think_is_told_to_think_little(claude: World, ann: Annotating) -> None:
    claude.thinking = {"adaptive"}
    assert statuses(ann.run(posts(1))) == ["ok"]
    claude.efforts = set()
    assert statuses(ann.run(posts(2))) == ["ok", "ok"]
    low, usual = claude.messages()
    assert low["output_config"]["effort"] == "low"
    assert "effort" not in usual["output_config"]
    assert not any("thinking" in sent for sent in (low, usual))


def test_pictures_are_small_jpegs_without_exif(claude: World, ann: Annotating, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "planted-note"
    pins = []
    for mode, kind in (("RGB", "JPEG"), ("RGBA", "PNG"), ("RGB", "WEBP"), ("P", "GIF")):
        notes = {} if kind == "GIF" else {"exif": exif}
        Image.new(mode, (3000, 1500)).save(tmp_path / kind, kind, **notes)
        pins.append(pin(tmp_path / kind, kind))
    assert statuses(ann.run(pins)) == ["ok"] * 4
    for message in claude.messages():
        image, text = message["messages"][0]["content"]
        data = base64.b64decode(image["source"]["data"])
        with Image.open(io.BytesIO(data)) as sent:
            assert (sent.size, image["source"]["media_type"]) == ((1568, 784), "image/jpeg")
        assert b"planted-note" not in data
        for words in ("the objects and people", "TITLE: A boat", "by the sea"):
            assert words in text["text"]


@pytest.mark.parametrize("way", ["messages", "batches"])
def test_an_unreadable_picture_is_left_out(claude: World, ann: Annotating, tmp_path: Path, way: str) -> None:
    (tmp_path / "damaged").write_bytes(b"\xff\xd8\xff broken")
    wordless = pin(tmp_path / "damaged", "0", title=None, text=None, tags=(), collection="Boats")
    outcome = ann.run([pin(tmp_path / "damaged"), wordless], way)
    assert outcome.answers["0"] == Annotation("failed", error="has no words, and its picture cannot be read")
    sent = claude.messages() or [r["params"] for batch in claude.batches.values() for r in batch.requests]
    assert [[b["type"] for b in one["messages"][0]["content"]] for one in sent] == [["text"]]


def test_refusals_are_stored_and_cut_answers_requested_again(claude: World, ann: Annotating) -> None:
    def say(params: dict[str, Any]) -> dict[str, Any]:
        if number_of(params) == 0:
            return said("", "refusal", stop_details={"type": "refusal", "category": "bio"})
        return said(annotation(), "max_tokens" if number_of(params) == 1 else "end_turn")

    claude.say = say
    refused, cut, ok = answers(ann.run(posts(3)))
    assert refused == Annotation("refused", error="the model refused (bio)")
    assert (cut.status, cut.error, ok.status) == ("failed", "the answer was cut off at max_tokens", "ok")
    ann.run(posts(3))
    assert [number_of(sent) for sent in claude.messages()[3:]] == [1]


def test_a_rejected_request_and_a_malformed_message_fail_alone(claude: World, ann: Annotating) -> None:
    malformed: list[Any] = [
        {},
        {"content": None, "stop_reason": "end_turn"},
        {"content": ["x", {"type": "text"}], "stop_reason": "end_turn", "usage": {"input_tokens": "many"}},
        {"content": [{"type": "tool_use", "name": "send", "input": {}}], "stop_reason": "tool_use"},
        said("not json"),
        said(annotation(), stop_reason="<script>"),
    ]
    claude.say = lambda params: [*malformed, said(annotation())][number_of(params) - 3]
    claude.unwell(MESSAGES, Fault(400), Fault(how="broken"), Fault(413))
    outcome = ann.run(posts(10), concurrency=1)
    assert statuses(outcome) == [*["failed"] * 9, "ok"]
    errors = [str(answer.error) for answer in answers(outcome)]
    assert errors[:2] == [f"{NAME} could not use the request (400)", "the answer is no JSON"]
    assert not any("<" in error for error in errors)


def test_cached_tokens_are_paid_for_and_batches_at_half_the_price(claude: World, ann: Annotating) -> None:
    budget = ann.budget()
    ann.run(posts(2), budget=budget)
    assert (budget.usage.requests, budget.usage.items) == (2, 2)
    assert (budget.usage.input_tokens, budget.usage.output_tokens) == (246, 100)
    price = 246 * 0.1e-6 + 100 * 0.5e-6
    assert budget.usd == pytest.approx(price)
    ann.run(posts(2, start=2), "batches")
    claude.end()
    later = ann.budget()
    ann.run(posts(2, start=2), "batches", later)
    assert later.usd == pytest.approx(price / 2)
    (spent,) = ledger.spent(ann.state)
    assert (spent.user, spent.stage, spent.provider) == ("ann", "annotations", NAME)
    assert spent.usd == pytest.approx(1.5 * price)


def test_transient_faults_are_retried(claude: World, ann: Annotating) -> None:
    faults = [Fault(429, headers={"retry-after": "0.05"}), Fault(500), Fault(529, type="overloaded_error")]
    faults += [Fault(how="cut"), Fault(how="slow", seconds=0.7)]
    claude.unwell(MESSAGES, *faults)
    claude.unwell(f"GET /v1/models/{MODEL}", Fault(how="broken"))
    assert statuses(ann.run(posts(2), timeout=0.5, longest_wait=5)) == ["ok", "ok"]
    assert len(claude.messages()) == 2 + len(faults)


def test_a_long_retry_after_defers_the_run(claude: World, ann: Annotating) -> None:
    claude.unwell(MESSAGES, Fault(how="slow", seconds=0), Fault(429, headers={"retry-after": "300"}))
    outcome = ann.run(posts(4), concurrency=1)
    assert isinstance(outcome.reason, Deferred)
    assert outcome.reason.until - datetime.now(UTC) > timedelta(seconds=200)
    assert (statuses(outcome), outcome.waiting) == (["ok"], 3)
    assert statuses(ann.run(posts(4))) == ["ok"] * 4
    assert len(claude.messages()) == 5


def test_rate_and_concurrency_hold(claude: World, ann: Annotating, monkeypatch: pytest.MonkeyPatch) -> None:
    claude.slow = 0.05
    ann.run(posts(12), concurrency=4)
    assert claude.most_under_way == 4
    clock = Clock(frozen=True)
    monkeypatch.setattr(pace, "time", clock)
    ann.run(posts(8, start=20), requests_per_minute=1200)
    # The first turn is that of the model's record.
    assert sorted(clock.sleeps) == pytest.approx([n * 0.05 for n in range(9)])


def test_the_budget_stops_before_the_call_that_would_exceed_it(claude: World, ann: Annotating) -> None:
    budget = ann.budget(0.0008)
    outcome = ann.run(posts(20), budget=budget, concurrency=1)
    assert isinstance(outcome.reason, BudgetSpent)
    assert 0 < len(outcome.answers) < 20
    assert outcome.waiting == 20 - len(outcome.answers)
    assert budget.usd <= 0.0008
    assert len(claude.messages()) == len(outcome.answers)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("", "There is no key for {}."),
        ("sk-ant-wr0ng", "Anthropic does not accept the key for {}."),
        ("sk-ant-\u00e9-wr0ng", "The key for {} holds characters that no key has."),
        ("sk-ant-\n-wr0ng", "The key for {} holds characters that no key has."),
    ],
)
def test_a_wrong_key_is_one_line_that_does_not_show_it(
    ann: Annotating, key: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for attempt in (
        lambda: ann.run(posts(3), api_key=key),
        lambda: ann.run(posts(3), "batches", api_key=key),
        lambda: ann.annotator(api_key=key).check(),
    ):
        with pytest.raises(FatalError) as error:
            attempt()
        assert str(error.value).startswith(f"{line.format(NAME)} {SET_KEY}")
        assert "\n" not in str(error.value)
        settings = ann.annotator(api_key=key)._settings
        assert "wr0ng" not in f"{error.value!r} {error.value.__cause__!r} {caplog.text} {settings!r}"
        assert error.value.__suppress_context__ or error.value.__context__ is None
    assert ann.batches == []


def test_checking_the_key_is_free(claude: World, ann: Annotating) -> None:
    assert ann.annotator().check() == f"{NAME} answers, and the key is good."
    assert [f"{a.method} {a.path}" for a in claude.log] == [f"GET /v1/models/{MODEL}"]
    assert ledger.spent(ann.state) == []


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (Fault(403), "The key may not be used"),
        (Fault(402), "There is no credit left"),
        (Fault(400, message="Your credit balance is too low to access the API."), "There is no credit left"),
        (Fault(404), f"Anthropic does not know the model {MODEL}"),
        (Fault(405), f"{NAME} cannot be used at http"),
    ],
)
def test_a_fatal_status_is_one_line(claude: World, ann: Annotating, fault: Fault, line: str) -> None:
    claude.always[MESSAGES] = fault
    with pytest.raises(FatalError, match=line):
        ann.run(posts(3))


def test_a_debug_log_tells_nothing(claude: World, ann: Annotating, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    claude.unwell(MESSAGES, Fault(400, message=f"cannot read {WORDS}"), Fault(500))
    outcome = ann.run(posts(3))
    ann.run(posts(3, start=3), "batches")
    logged = f"{caplog.text} {[answer.error for answer in answers(outcome)]}"
    assert not any(word in logged for word in (WORDS, KEY))


def test_making_an_annotator_loads_neither_client_nor_models() -> None:
    code = (
        "import sys; import qualia_assets.annotate.providers as p;"
        "from qualia_assets.settings import load_settings; from qualia_assets.state.database import State;"
        "s = load_settings(annotator='anthropic/claude-haiku-5-5');"
        "p.make_annotator(s, State(s.state_url)).prompt_version;"
        "print([m for m in ('anthropic', 'torch', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_batch_is_submitted_once_and_collected_when_it_has_ended(claude: World, ann: Annotating) -> None:
    claude.say = lambda params: said(annotation(mood=f"mood {number_of(params)}"))
    first = ann.run(posts(20), "batches")
    assert isinstance(first.reason, Deferred)
    assert timedelta(minutes=9) < first.reason.until - datetime.now(UTC) < timedelta(minutes=11)
    assert (first.answers, first.waiting) == ({}, 20)
    assert isinstance(ann.run(posts(20), "batches").reason, Deferred)
    assert len(claude.asked(BATCHES)) == 1
    claude.end()
    last = ann.run(posts(20), "batches")
    assert [answer.mood for answer in answers(last)] == [f"mood {n}" for n in range(20)], "matched by id"
    assert last.reason is None
    before = len(claude.log)
    assert statuses(ann.run(posts(20), "batches")) == ["ok"] * 20
    assert len(claude.log) == before, "answers are stored: nothing is requested"
    assert claude.messages() == []
    (row,) = ann.batches
    assert row._mapping["keys"] == {}
    assert row.ended_at is not None


def test_with_auto_fifty_items_or_more_go_in_a_batch(claude: World, ann: Annotating) -> None:
    ann.run(posts(49), "auto")
    assert (len(claude.messages()), claude.batches) == (49, {})
    outcome = ann.run(posts(99), "auto")
    assert (len(outcome.answers), outcome.waiting) == (49, 50)
    assert (len(claude.messages()), len(claude.batches)) == (49, 1)
    more = ann.run(posts(102), "auto")
    assert (len(more.answers), more.waiting) == (52, 50), "new items do not wait for the batch"
    last, new = ann.run(posts(1, start=98), "messages"), ann.run(posts(1, start=102), "messages")
    assert (last.waiting, new.waiting, len(claude.messages())) == (1, 0, 53), (
        "in a batch: not sent as a message"
    )
    claude.end()
    assert statuses(ann.run(posts(102), "auto")) == ["ok"] * 102
    assert sorted(submitted(claude)) == list(range(49, 99))


def test_failed_items_of_a_batch_are_requested_again_by_the_next_run(claude: World, ann: Annotating) -> None:
    fates = {0: "errored", 1: "expired", 2: "canceled"}
    ann.run(posts(6), "batches")
    claude.say = lambda params: said("no json" if number_of(params) == 3 else annotation())
    claude.end(fate=lambda place, params: fates.get(number_of(params), "succeeded"))
    ended = ann.run(posts(6), "batches")
    assert (statuses(ended), ended.reason) == (["failed"] * 4 + ["ok"] * 2, None)
    assert [answer.error for answer in answers(ended)[:4]] == [
        "an error of the service (api_error)",
        "it expired before it was its turn",
        "it was canceled",
        "the answer is not as asked: no JSON",
    ]
    assert len(claude.batches) == 1
    claude.say = lambda params: said(annotation())
    ann.run(posts(6), "batches")
    assert submitted(claude)[6:] == [0, 1, 2, 3]
    claude.end()
    assert statuses(ann.run(posts(6), "batches")) == ["ok"] * 6


@pytest.mark.parametrize("how", ["gone", "archived"])
def test_a_batch_whose_results_are_gone_is_submitted_again(claude: World, ann: Annotating, how: str) -> None:
    ann.run(posts(3), "batches")
    (batch,) = claude.batches.values()
    claude.end()
    batch.archived = True
    if how == "gone":
        claude.batches = {"msgbatch_other": Batch("msgbatch_other", [], datetime.now(UTC), [])}
    assert isinstance(ann.run(posts(3), "batches").reason, Deferred)
    assert len(claude.asked(BATCHES)) == 2
    claude.end()
    assert statuses(ann.run(posts(3), "batches")) == ["ok"] * 3


def test_cut_or_malformed_results_cost_no_other_item(claude: World, ann: Annotating) -> None:
    ann.run(posts(4), "batches")
    # JSON lines end at \n only, not at other line separators.
    claude.say = lambda params: said(json.dumps(annotation(mood="line\u2028break"), ensure_ascii=False))
    claude.end()
    (batch,) = claude.batches.values()
    results = [line for line in batch.results or [] if isinstance(line, dict)]
    one, two = sorted(results, key=lambda line: int(line["custom_id"].rpartition("-")[2]))[:2]
    malformed = ["{broken", "[1]", '""', '{"custom_id": 3}']
    batch.results = [*malformed, {**one, "custom_id": "foreign"}, two, two, one]
    path = f"GET /v1/messages/batches/{batch.id}/results"
    claude.unwell(path, Fault(how="cut_after"), Fault(500), Fault(529))
    outcome = ann.run(posts(4), "batches")
    assert [answer.error for answer in answers(outcome)] == [None, None, "no result came", "no result came"]
    assert len(claude.asked(path)) == 4
    assert ledger.spent(ann.state)[0].usage.items == 2


def test_a_service_that_cannot_report_on_a_batch_defers_the_run(claude: World, ann: Annotating) -> None:
    ann.run(posts(3), "batches")
    claude.always[f"GET /v1/messages/batches/{next(iter(claude.batches))}"] = Fault(500)
    outcome = ann.run(posts(5), "batches", longest_wait=0.05)
    assert isinstance(outcome.reason, Deferred)
    assert (outcome.waiting, len(claude.asked(BATCHES))) == (5, 1)


def test_users_share_a_batch_and_its_submitter_pays(claude: World, ann: Annotating, state: State) -> None:
    state.add_user("ben")
    ben = Annotating(claude.url, state.of("ben"))
    ann.run(posts(6), "batches")
    assert ben.run(posts(6, start=3), "batches").waiting == 6
    assert submitted(claude) == list(range(9))
    claude.end(fate=lambda place, params: "errored" if number_of(params) == 5 else "succeeded")
    # Ben comes first: he takes his items from Ann's batch, and requests again what failed in it.
    assert statuses(ben.run(posts(6, start=3), "batches")) == ["ok"] * 5
    assert submitted(claude)[9:] == [5]
    assert {(s.user, s.usage.items) for s in ledger.spent(state)} == {("ben", 3)}
    hers = ann.run(posts(6), "batches")
    assert (statuses(hers), hers.waiting) == (["ok"] * 5, 1)
    claude.end()
    assert statuses(ann.run(posts(6), "batches")) == ["ok"] * 6
    assert statuses(ben.run(posts(6, start=3), "batches")) == ["ok"] * 6
    assert len(submitted(claude)) == 10
    # Ben's second batch is collected, and paid for, by his next run that requests something.
    ben.run(posts(1, start=20), "batches")
    assert {(s.user, s.usage.items) for s in ledger.spent(state)} == {("ann", 5), ("ben", 4)}


@pytest.mark.parametrize("batch_bytes", [64_000_000, 20_000], ids=["one batch", "several"])
def test_batches_are_submitted_as_far_as_the_budget_reaches(
    claude: World, ann: Annotating, monkeypatch: pytest.MonkeyPatch, batch_bytes: int
) -> None:
    monkeypatch.setattr(claude_module, "BATCH_BYTES", batch_bytes)
    budget = ann.budget(0.002)
    assert isinstance(ann.run(posts(20), "batches", budget).reason, BudgetSpent)
    part, batches = len(submitted(claude)), len(claude.batches)
    assert 0 < part < 20
    # Each item may cost 0.00015 US dollars and more, for its output alone.
    assert part <= 0.002 / 0.00015
    assert (batches > 1) == (batch_bytes == 20_000)
    assert all(len(json.dumps({"requests": b.requests})) < batch_bytes for b in claude.batches.values())
    assert budget.usd == 0
    first = next(iter(claude.batches.values()))
    claude.end(first)
    some = ann.run(posts(20), "batches")
    assert (len(some.answers), some.waiting) == (len(first.requests), 20 - len(first.requests))
    claude.end()
    assert statuses(ann.run(posts(20), "batches")) == ["ok"] * 20
    assert len(submitted(claude)) == 20
    assert isinstance(ann.run(posts(3, start=90), "batches", ann.budget(0.0)).reason, BudgetSpent)
    assert len(submitted(claude)) == 20


# Batches of which it is not certain whether they were accepted.


@pytest.mark.parametrize("status", [429, 529])
def test_a_batch_not_accepted_is_submitted_again(claude: World, ann: Annotating, status: int) -> None:
    claude.unwell(BATCHES, Fault(status))
    ann.run(posts(3), "batches")
    assert len(claude.batches) == 1
    claude.always[BATCHES] = Fault(status)
    assert isinstance(ann.run(posts(3, start=3), "batches", longest_wait=0.05).reason, Deferred)
    assert [row.batch_id for row in ann.batches] == ["msgbatch_0000"], "only what was accepted is recorded"


@pytest.mark.parametrize("fault", [Fault(500), Fault(how="cut"), Fault(how="broken")])
def test_a_lost_batch_is_submitted_again_after_a_while(claude: World, ann: Annotating, fault: Fault) -> None:
    ann.run(posts(3, start=10), "batches")
    claude.unwell(BATCHES, fault)
    for _ in range(3):
        assert isinstance(ann.run(posts(3), "batches").reason, Deferred)
    assert len(claude.asked(BATCHES)) == 2
    age(ann, minutes=11)
    ann.run(posts(3), "batches")
    assert submitted(claude) == [10, 11, 12, 0, 1, 2], "not mistaken for the other batch of its size"
    claude.end()
    assert statuses(ann.run(posts(3), "batches")) == ["ok"] * 3


def test_nothing_is_submitted_while_a_foreign_batch_may_be_ours(claude: World, ann: Annotating) -> None:
    old = datetime.now(UTC) - timedelta(days=2)
    for n in range(250):
        claude.batches[f"old_{n}"] = Batch(f"old_{n}", [{"custom_id": "x", "params": {}}] * 2, old, [])
    claude.unwell(BATCHES, Fault(500))
    ann.run(posts(2), "batches")
    age(ann, minutes=50)
    foreign(claude, 2)
    assert isinstance(ann.run(posts(2), "batches").reason, Deferred)
    assert len(claude.asked(BATCHES)) == 1
    claude.end()
    ann.run(posts(2), "batches")
    assert len(claude.asked(BATCHES)) == 2
    assert len(claude.asked("GET /v1/messages/batches")) == 2, "older batches are not searched"


CHILD = """
import sys
from qualia_assets_tests.annotate.test_anthropic import Annotating, State, posts
Annotating(sys.argv[1], State(sys.argv[2]).of("ann")).run(posts(3), "batches", timeout=60.0)
"""


@pytest.mark.parametrize(
    ("killed", "fault"),
    [
        (False, Fault(how="cut_after")),
        (False, Fault(how="held", seconds=0.6)),
        (False, Fault(how="slow", seconds=0.6)),
        (True, Fault(how="slow", seconds=0.5)),
        (True, Fault(how="held", seconds=2)),
        (True, Fault(how="slow", seconds=0)),
    ],
)
def test_a_break_or_a_kill_loses_no_batch(claude: World, ann: Annotating, killed: bool, fault: Fault) -> None:
    claude.unwell(BATCHES, fault)
    if killed:
        child = subprocess.Popen([sys.executable, "-c", CHILD, claude.url, str(ann.state.engine.url)])
        answered = not fault.seconds
        try:
            until(lambda: claude.asked(BATCHES) if fault.seconds == 0.5 else claude.batches)
            until(lambda: not answered or ann.batches[0].batch_id.startswith("msgbatch"))
        finally:
            child.kill()
            child.wait()
        with ann.state.engine.begin() as connection:
            # A killed process's claims end after a minute; ``providers`` tests that.
            connection.execute(sa.text("delete from claims"))
    else:
        ann.run(posts(3), "batches", timeout=0.4)
    assert [row.batch_id[:8] for row in ann.batches] == ["msgbatch" if fault.seconds == 0 else "intended"]
    assert isinstance(ann.run(posts(3), "batches").reason, Deferred)
    until(lambda: len(claude.batches) == 1)
    (own,) = claude.batches
    age(ann, minutes=50)
    foreign(claude, 3, 1)
    assert isinstance(ann.run(posts(3), "batches").reason, Deferred)
    claude.end()
    assert statuses(ann.run(posts(3), "batches")) == ["ok"] * 3
    assert (len(claude.asked(BATCHES)), [row.batch_id for row in ann.batches]) == (1, [own])
