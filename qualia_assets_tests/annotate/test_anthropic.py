"""Claude as an annotator: its own client against a service on this machine."""

import base64
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from qualia_assets.annotate import anthropic as claude_module
from qualia_assets.annotate.anthropic import ClaudeAnnotator
from qualia_assets.annotate.base import Annotation, Subject, annotate_all
from qualia_assets.annotate.prompt import PROMPT_VERSION, SCHEMA
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.net.base import BudgetSpent, Deferred
from qualia_assets.progress import silent
from qualia_assets.providers.base import Fatal
from qualia_assets.providers.budget import Budget
from qualia_assets.providers.catalogue import model
from qualia_assets.providers.requests import Asked
from qualia_assets.settings import Settings, SettingsError, load_settings
from qualia_assets.state import ledger
from qualia_assets.state.database import State
from qualia_assets.state.tables import batches as batch_table
from qualia_assets_tests.annotate.injections import INJECTIONS
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

MESSAGES = "POST /v1/messages"
BATCHES = "POST /v1/messages/batches"
NAME = f"anthropic/{MODEL}"
MEND = "Set QUALIA_ANTHROPIC__API_KEY, or `api_key` in [anthropic] of qualia.toml, to"
MODELS = f"GET /v1/models/{MODEL}"
SECRET_WORDS = "the-words-that-nobody-else-reads"


@pytest.fixture
def mine(state: State) -> State:
    state.add_user("ann")
    state.add_user("ben")
    return state.of("ann")


def chosen(claude: World, way: str = "messages", max_usd: float = 5.0, **changes: Any) -> Settings:
    service = {
        "api_key": KEY,
        "url": claude.url,
        "way": way,
        "requests_per_minute": 1_000_000,
        "timeout": 5.0,
    }
    crawling = {"longest_wait": changes.pop("longest_wait", 1.0)}
    return load_settings(
        annotator=f"anthropic/{MODEL}", anthropic=service | changes, max_usd=max_usd, crawling=crawling
    )


def run(
    settings: Settings, state: State, subjects: Sequence[Subject], budget: Budget | None = None
) -> Asked[Annotation]:
    """What one run of the stage does."""
    return annotate_all(subjects, make_annotator(settings, state, budget), state, silent)


def posts(number: int, start: int = 0) -> list[Subject]:
    return [
        Subject(f"{n:064x}", "text", f"Post {n}", f"{SECRET_WORDS} {n}.", ())
        for n in range(start, start + number)
    ]


def pin(path: Path | None, **changes: Any) -> Subject:
    given = {
        "sha256": "f" * 64,
        "modality": "image",
        "title": "A boat",
        "text": "by the sea",
        "tags": ("rope",),
    }
    return Subject(**{**given, "image": path, "image_sha256": "b" * 64, **changes})


def statuses(asked: Asked[Annotation]) -> list[str]:
    return [asked.found[sha].status for sha in sorted(asked.found)]


def number_of(params: dict[str, Any]) -> int:
    """Which post a request is about."""
    return int(words_of(params).split(f"{SECRET_WORDS} ")[1].split(".")[0])


def submitted(claude: World) -> list[str]:
    """What every batch was about, request by request."""
    return [
        words_of(r["params"]).split("TITLE: ")[1].split("\n")[0]
        for b in claude.batches.values()
        for r in b.requests
    ]


def rows(state: State) -> list[Any]:
    with state.engine.connect() as connection:
        return list(connection.execute(sa.select(batch_table)))


def make_older(state: State, by: timedelta) -> None:
    with state.engine.begin() as connection:
        connection.execute(sa.update(batch_table).values(submitted_at=datetime.now(UTC) - by))


# What is sent.


def test_a_post_is_asked_about_in_the_words_of_the_paper_by_a_schema_and_nothing_that_is_refused(
    claude: World, mine: State
) -> None:
    asked = run(chosen(claude), mine, posts(1))
    (sent,) = claude.messages()
    assert sent["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert sent["thinking"] == {"type": "disabled"}
    assert set(sent) == {"model", "max_tokens", "messages", "output_config", "system", "thinking"}
    assert [m["role"] for m in sent["messages"]] == ["user"]
    assert SECRET_WORDS in words_of(sent)
    assert SECRET_WORDS not in sent["system"]
    found = asked.found[posts(1)[0].sha256]
    assert found == Annotation(
        "ok",
        "A quiet essay about the sea. It follows a harbour through one winter.",
        "Weathered and austere",
        ("solitude", "craft", "memory"),
        "wistful",
        "A slow life close to the water",
        "The turn away from the city",
    )
    assert "Mood: wistful." in str(found.as_text(make_annotator(chosen(claude), mine).embedded_fields))


def test_a_model_is_told_to_think_little_in_the_way_that_it_takes(claude: World, mine: State) -> None:
    claude.thinking = {"adaptive"}
    assert statuses(run(chosen(claude), mine, posts(1))) == ["ok"]
    claude.efforts = set()
    assert statuses(run(chosen(claude), mine, posts(2))) == ["ok", "ok"]
    first, second = claude.messages()
    assert first["output_config"]["effort"] == "low"
    assert "thinking" not in first
    assert "effort" not in second["output_config"]
    assert "thinking" not in second


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("RGBA", "PNG"), ("RGB", "WEBP"), ("P", "GIF")])
def test_a_picture_of_each_kind_is_sent_smaller_and_without_its_notes(
    claude: World, mine: State, tmp_path: Path, mode: str, kind: str
) -> None:
    path = tmp_path / "picture"
    exif = Image.Exif()
    exif[0x010E] = "planted-note"
    Image.new(mode, (3000, 1500)).save(path, kind, **({} if kind == "GIF" else {"exif": exif}))
    assert statuses(run(chosen(claude), mine, [pin(path)])) == ["ok"]
    image, text = claude.messages()[0]["messages"][0]["content"]
    data = base64.b64decode(image["source"]["data"])
    with Image.open(io.BytesIO(data)) as sent:
        assert (sent.size, image["source"]["media_type"]) == ((1568, 784), "image/jpeg")
    assert b"planted-note" not in data
    assert "the objects and people" in text["text"]
    assert "TITLE: A boat" in text["text"]
    assert "by the sea" in text["text"]


def test_of_a_picture_that_cannot_be_read_the_words_are_asked_about_and_without_words_nothing(
    claude: World, mine: State, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"\xff\xd8\xff broken")
    silent_pin = pin(damaged, sha256="0" * 64, title=None, text=None, tags=(), collection="Boats")
    asked = run(chosen(claude), mine, [pin(damaged), silent_pin])
    assert statuses(asked) == ["failed", "ok"]
    assert asked.found["0" * 64].error == "has no words, and its picture cannot be read"
    assert [b["type"] for b in claude.messages()[0]["messages"][0]["content"]] == ["text"]


def test_thirty_attacks_are_sent_as_data_and_come_back_as_six_harmless_fields_or_none(
    claude: World, mine: State
) -> None:
    obeyed = {a.name: a for a in INJECTIONS}

    def say(params: dict[str, Any]) -> dict[str, Any]:
        attack = obeyed[words_of(params).split("TAGS: ")[1].split("\n")[0]]
        text = attack.obeyed if isinstance(attack.obeyed, str) else json.dumps(attack.obeyed)
        return said(text, attack.stop_reason)

    claude.say = say
    subjects = [
        Subject(f"{n:064x}", "text", attack.title, attack.text, (attack.name,))
        for n, attack in enumerate(INJECTIONS)
    ]
    asked = run(chosen(claude), mine, subjects)
    assert len(claude.messages()) == 30
    systems = {json.dumps(sent["system"]) for sent in claude.messages()}
    assert len(systems) == 1
    assert all("tools" not in sent and len(sent["messages"]) == 1 for sent in claude.messages())
    assert (statuses(asked).count("ok"), statuses(asked).count("failed")) == (15, 15)
    everything = " ".join(str(a.as_text(("aesthetic", "mood"))) + str(a.error) for a in asked.found.values())
    assert not any(word in everything for word in ("http", "<", "[", "SECRET", "PWNED", "evil."))


# What comes back.


def test_refusals_are_kept_and_what_was_cut_off_is_asked_again(claude: World, mine: State) -> None:
    def say(params: dict[str, Any]) -> dict[str, Any]:
        if number_of(params) == 0:
            return said("", "refusal", stop_details={"type": "refusal", "category": "bio"})
        return said(annotation(), "max_tokens" if number_of(params) == 1 else "end_turn")

    claude.say = say
    first = run(chosen(claude), mine, posts(3))
    assert statuses(first) == ["refused", "failed", "ok"]
    assert [first.found[s.sha256].error for s in posts(2)] == [
        "the model refused (bio)",
        "the answer was cut off at max_tokens",
    ]
    run(chosen(claude), mine, posts(3))
    assert [number_of(m) for m in claude.messages()][3:] == [1]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"content": None, "stop_reason": "end_turn"},
        {"content": ["x", {"type": "text"}], "stop_reason": "end_turn", "usage": {"input_tokens": "many"}},
        {"content": [{"type": "tool_use", "name": "send", "input": {}}], "stop_reason": "tool_use"},
        said("not json"),
        said(annotation(), stop_reason="<script>"),
    ],
    ids=["empty", "no content", "odd blocks", "a tool", "no json", "odd reason"],
)
def test_a_message_that_is_not_as_it_should_be_is_a_failure_of_that_item_alone(
    claude: World, mine: State, message: dict[str, Any]
) -> None:
    claude.say = lambda params: message if number_of(params) == 1 else said(annotation())
    asked = run(chosen(claude), mine, posts(3))
    assert statuses(asked) == ["ok", "failed", "ok"]
    assert "<" not in str(asked.found[posts(2)[1].sha256].error)


def test_tokens_of_the_cache_are_paid_for_too_and_batches_at_half_the_price(
    claude: World, mine: State
) -> None:
    budget = Budget(mine, "annotations", 5.0)
    run(chosen(claude), mine, posts(2), budget)
    assert (budget.usage.requests, budget.usage.items) == (2, 2)
    assert (budget.usage.input_tokens, budget.usage.output_tokens) == (246, 100)
    listed = 246 * 0.1e-6 + 100 * 0.5e-6
    assert budget.usd == pytest.approx(listed)
    batches = chosen(claude, "batches")
    run(batches, mine, posts(2, start=2), Budget(mine, "annotations", 5.0))
    claude.end()
    later = Budget(mine, "annotations", 5.0)
    run(batches, mine, posts(2, start=2), later)
    assert later.usd == pytest.approx(listed / 2)
    spent = ledger.spent(mine)
    assert [(s.user, s.stage, s.provider) for s in spent] == [("ann", "annotations", f"anthropic/{MODEL}")]
    assert spent[0].usd == pytest.approx(1.5 * listed)


# Faults, one message at a time.


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, headers={"retry-after": "0.05"}, type="rate_limit_error"),
        Fault(500),
        Fault(529, type="overloaded_error"),
        Fault(how="cut"),
        Fault(how="slow", seconds=0.7),
    ],
    ids=["429", "500", "529", "cut", "timeout"],
)
def test_what_passes_is_waited_for(claude: World, mine: State, fault: Fault) -> None:
    claude.unwell(MESSAGES, fault, fault)
    asked = run(chosen(claude, timeout=0.5, longest_wait=5), mine, posts(2))
    assert statuses(asked) == ["ok", "ok"]
    assert len(claude.messages()) == 4


def test_retry_after_is_kept_to(claude: World, mine: State) -> None:
    claude.unwell(MESSAGES, Fault(429, headers={"retry-after": "0.4"}))
    run(chosen(claude, concurrency=1), mine, posts(1))
    first, second = claude.asked(MESSAGES)
    assert second.at - first.at >= 0.4


def test_a_service_that_wants_to_be_left_alone_puts_the_run_off_and_what_is_done_is_kept(
    claude: World, mine: State
) -> None:
    claude.unwell(MESSAGES, Fault(how="slow", seconds=0), Fault(429, headers={"retry-after": "300"}))
    asked = run(chosen(claude, concurrency=1), mine, posts(4))
    assert isinstance(asked.why, Deferred)
    assert asked.why.until - datetime.now(UTC) > timedelta(seconds=200)
    assert (statuses(asked), asked.waiting) == (["ok"], 3)
    assert statuses(run(chosen(claude), mine, posts(4))) == ["ok"] * 4
    assert len(claude.messages()) == 5


def test_a_request_that_is_refused_and_an_answer_that_is_no_json_fail_alone(
    claude: World, mine: State
) -> None:
    claude.unwell(MESSAGES, Fault(400), Fault(how="broken"), Fault(413))
    asked = run(chosen(claude, concurrency=1), mine, posts(5))
    assert statuses(asked) == ["failed"] * 3 + ["ok"] * 2
    errors = [asked.found[s.sha256].error for s in posts(3)]
    assert errors[0] == f"anthropic/{MODEL} could not use the request (400)"
    assert errors[1] == "the answer is no JSON"


def test_several_are_asked_at_once_and_no_more_than_set(claude: World, mine: State) -> None:
    claude.slow = 0.05
    run(chosen(claude, concurrency=4), mine, posts(12))
    assert claude.most_under_way == 4


def test_so_many_requests_a_minute_and_no_more(claude: World, mine: State) -> None:
    run(chosen(claude, requests_per_minute=1200), mine, posts(8))
    at = sorted(a.at for a in claude.asked(MESSAGES))
    assert at[-1] - at[0] >= 7 * 0.05 * 0.8


def test_the_budget_stops_before_the_call_that_would_pass_it(claude: World, mine: State) -> None:
    one = Budget(mine, "annotations", 5.0)
    run(chosen(claude), mine, posts(1), one)
    budget = Budget(mine, "annotations", 0.0008)
    asked = run(chosen(claude, concurrency=1), mine, posts(20, start=1), budget)
    assert isinstance(asked.why, BudgetSpent)
    assert 0 < len(asked.found) < 20
    assert asked.waiting == 20 - len(asked.found)
    assert budget.usd <= 0.0008
    assert len(claude.messages()) == 1 + len(asked.found)


# Keys and models.


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("", f"There is no key for {NAME}. {MEND}"),
        (
            "sk-ant-wr0ng",
            f"Anthropic does not accept the key for {NAME}. {MEND}",
        ),
        ("sk-ant-\u00e9-wr0ng", f"The key for {NAME} holds characters that no key has. {MEND}"),
        ("sk-ant-\n-wr0ng", f"The key for {NAME} holds characters that no key has. {MEND}"),
    ],
    ids=["missing", "wrong", "not ascii", "two lines"],
)
def test_a_wrong_key_ends_the_run_with_one_line_that_does_not_hold_it(
    claude: World, mine: State, key: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = chosen(claude, api_key=key)
    for attempt in (
        lambda: run(settings, mine, posts(3)),
        lambda: run(chosen(claude, "batches", api_key=key), mine, posts(3)),
        lambda: check(settings, mine),
    ):
        with pytest.raises(Fatal) as error:
            attempt()
        assert str(error.value).startswith(line)
        assert "\n" not in str(error.value)
        assert "wr0ng" not in f"{error.value!r} {error.value.__cause__!r} {caplog.text} {settings!r}"
        assert error.value.__suppress_context__ or error.value.__context__ is None
    assert rows(mine) == []


def check(settings: Settings, state: State) -> str:
    annotator = make_annotator(settings, state)
    assert isinstance(annotator, ClaudeAnnotator)
    return annotator.check()


def test_a_check_of_the_key_is_free(claude: World, mine: State) -> None:
    assert check(chosen(claude), mine) == f"anthropic/{MODEL} can be asked, and the key is good."
    assert [f"{a.method} {a.path}" for a in claude.log] == [MODELS]
    assert ledger.spent(mine) == []


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (Fault(403), "The key may not be used"),
        (Fault(402, type="billing_error"), "There is no credit left"),
        (Fault(400, message="Your credit balance is too low to access the API."), "There is no credit left"),
        (Fault(404), f"Anthropic does not know the model {MODEL}"),
        (Fault(405), f"anthropic/{MODEL} cannot be asked at http"),
    ],
    ids=["403", "402", "credit", "404", "405"],
)
def test_what_no_request_can_mend_ends_the_run_with_one_line(
    claude: World, mine: State, fault: Fault, line: str
) -> None:
    claude.always[MESSAGES] = fault
    with pytest.raises(Fatal, match=line):
        run(chosen(claude), mine, posts(3))


def test_a_model_that_is_not_in_the_catalogue_is_an_error_of_the_settings(state: State) -> None:
    with pytest.raises(SettingsError, match="claude-haiku-5-5"):
        make_annotator(load_settings(annotator="anthropic/claude-9"), state)
    with pytest.raises(SettingsError, match="anthropic/MODEL"):
        make_annotator(load_settings(annotator="anthropic/"), state)


def test_a_log_that_takes_everything_holds_neither_key_nor_words(
    claude: World, mine: State, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    claude.unwell(MESSAGES, Fault(400, message=f"cannot read {SECRET_WORDS}"), Fault(500))
    asked = run(chosen(claude), mine, posts(3))
    run(chosen(claude, "batches"), mine, posts(3, start=3))
    errors = [a.error for a in asked.found.values()]
    assert not any(word in f"{caplog.text} {errors}" for word in (SECRET_WORDS, KEY))


def test_the_client_and_its_library_are_loaded_only_when_something_is_asked() -> None:
    code = (
        "import sys; import qualia_assets.annotate.providers as p;"
        "from qualia_assets.settings import load_settings; from qualia_assets.state.database import State;"
        "s = load_settings(annotator='anthropic/claude-haiku-5-5');"
        "p.make_annotator(s, State(s.state_url)).prompt_version;"
        "print([m for m in ('anthropic', 'torch', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Batches.


def test_a_batch_is_handed_in_once_looked_at_later_and_brought_home(claude: World, mine: State) -> None:
    settings = chosen(claude, "batches")
    first = run(settings, mine, posts(5))
    assert isinstance(first.why, Deferred)
    assert timedelta(minutes=9) < first.why.until - datetime.now(UTC) < timedelta(minutes=11)
    assert (first.found, first.waiting) == ({}, 5)
    again = run(settings, mine, posts(5))
    assert isinstance(again.why, Deferred)
    assert len(claude.asked(BATCHES)) == 1
    claude.end()
    last = run(settings, mine, posts(5))
    assert (statuses(last), last.why) == (["ok"] * 5, None)
    before = len(claude.log)
    assert statuses(run(settings, mine, posts(5))) == ["ok"] * 5
    assert len(claude.log) == before, "answers are kept: nothing is asked"
    assert claude.messages() == []
    (row,) = rows(mine)
    assert row._mapping["keys"] == {}
    assert row.ended_at is not None


def test_answers_of_a_batch_are_matched_by_their_ids_and_not_by_their_order(
    claude: World, mine: State
) -> None:
    claude.say = lambda params: said(annotation(mood=f"mood {number_of(params)}"))
    settings = chosen(claude, "batches")
    run(settings, mine, posts(20))
    claude.end()
    found = run(settings, mine, posts(20)).found
    assert [found[s.sha256].mood for s in posts(20)] == [f"mood {n}" for n in range(20)]


def test_by_itself_a_few_go_one_by_one_and_from_fifty_on_in_a_batch(claude: World, mine: State) -> None:
    run(chosen(claude, "auto"), mine, posts(49))
    assert (len(claude.messages()), claude.batches) == (49, {})
    asked = run(chosen(claude, "auto"), mine, posts(99))
    assert (len(asked.found), asked.waiting) == (49, 50)
    assert (len(claude.messages()), len(claude.batches)) == (49, 1)
    few_more = run(chosen(claude, "auto"), mine, posts(102))
    assert (len(few_more.found), few_more.waiting) == (52, 50), "new ones do not wait for the batch"
    claude.end()
    assert statuses(run(chosen(claude, "auto"), mine, posts(102))) == ["ok"] * 102
    assert sorted(submitted(claude)) == sorted(f"Post {n}" for n in range(49, 99))


def test_what_is_in_a_batch_is_not_asked_for_by_message_either(claude: World, mine: State) -> None:
    run(chosen(claude, "batches"), mine, posts(3))
    asked = run(chosen(claude, "messages"), mine, posts(4))
    assert [number_of(m) for m in claude.messages()] == [3]
    assert (len(asked.found), asked.waiting) == (1, 3)


def test_errored_expired_and_canceled_items_fail_now_and_are_asked_for_by_the_next_run(
    claude: World, mine: State
) -> None:
    fates = {0: "errored", 1: "expired", 2: "canceled"}
    settings = chosen(claude, "batches")
    run(settings, mine, posts(6))
    claude.say = lambda params: said("no json" if number_of(params) == 3 else annotation())
    claude.end(fate=lambda place, params: fates.get(number_of(params), "succeeded"))
    ended = run(settings, mine, posts(6))
    assert (statuses(ended), ended.why) == (["failed"] * 4 + ["ok"] * 2, None)
    assert [ended.found[s.sha256].error for s in posts(4)] == [
        "an error of the service (api_error)",
        "it expired before it was its turn",
        "it was canceled",
        "the answer is not as asked: no JSON",
    ]
    assert len(claude.batches) == 1
    claude.say = lambda params: said(annotation())
    run(settings, mine, posts(6))
    assert submitted(claude)[6:] == [f"Post {n}" for n in range(4)]
    claude.end()
    assert statuses(run(settings, mine, posts(6))) == ["ok"] * 6


def test_a_batch_that_expired_whole_is_handed_in_anew(claude: World, mine: State) -> None:
    settings = chosen(claude, "batches")
    run(settings, mine, posts(3))
    claude.end(fate=lambda place, params: "expired")
    assert statuses(run(settings, mine, posts(3))) == ["failed"] * 3
    run(settings, mine, posts(3))
    claude.end()
    assert statuses(run(settings, mine, posts(3))) == ["ok"] * 3
    assert len(claude.batches) == 2


@pytest.mark.parametrize("how", ["gone", "archived"])
def test_a_batch_whose_results_are_gone_is_handed_in_anew(claude: World, mine: State, how: str) -> None:
    settings = chosen(claude, "batches")
    run(settings, mine, posts(3))
    (batch,) = claude.batches.values()
    claude.end()
    batch.archived = True
    if how == "gone":
        claude.batches = {"msgbatch_other": Batch("msgbatch_other", [], datetime.now(UTC), [])}
    assert isinstance(run(settings, mine, posts(3)).why, Deferred)
    assert len(claude.asked(BATCHES)) == 2
    claude.end()
    assert statuses(run(settings, mine, posts(3))) == ["ok"] * 3


def test_results_with_odd_lines_lines_of_others_and_lines_that_are_missing(
    claude: World, mine: State
) -> None:
    settings = chosen(claude, "batches")
    run(settings, mine, posts(4))
    # A line of JSON ends where the line ends, and not at what else counts as a line's end.
    claude.say = lambda params: said(json.dumps(annotation(mood="line\u2028break"), ensure_ascii=False))
    claude.end()
    (batch,) = claude.batches.values()
    results = [line for line in batch.results or [] if isinstance(line, dict)]
    results.sort(key=lambda line: int(line["custom_id"].rpartition("-")[2]))
    stranger = {**results[0], "custom_id": "somebody-elses"}
    # What is not well formed stands for the third item; the fourth has no line at all.
    batch.results = ["{broken", "[1]", '""', stranger, results[1], results[1], results[0], '{"custom_id": 3}']
    asked = run(settings, mine, posts(4))
    assert statuses(asked) == ["ok", "ok", "failed", "failed"]
    assert {asked.found[s.sha256].error for s in posts(4)[2:]} == {"no result came"}
    assert ledger.spent(mine)[0].usage.items == 2


def test_results_that_are_cut_off_are_read_again(claude: World, mine: State) -> None:
    settings = chosen(claude, "batches")
    run(settings, mine, posts(30))
    claude.end()
    path = f"GET /v1/messages/batches/{next(iter(claude.batches))}/results"
    claude.unwell(path, Fault(how="cut_after"), Fault(500), Fault(529))
    assert statuses(run(settings, mine, posts(30))) == ["ok"] * 30
    assert len(claude.asked(path)) == 4
    assert ledger.spent(mine)[0].usage.items == 30


def test_a_service_that_cannot_tell_what_became_of_a_batch_puts_the_run_off(
    claude: World, mine: State
) -> None:
    settings = chosen(claude, "batches")
    run(settings, mine, posts(3))
    claude.always[f"GET /v1/messages/batches/{next(iter(claude.batches))}"] = Fault(500)
    asked = run(chosen(claude, "batches", longest_wait=0.05), mine, posts(5))
    assert isinstance(asked.why, Deferred)
    assert asked.waiting == 5
    assert len(claude.asked(BATCHES)) == 1


def test_another_user_waits_for_the_batch_that_holds_their_items_and_asks_for_the_rest(
    claude: World, mine: State, state: State
) -> None:
    settings, ben = chosen(claude, "batches"), state.of("ben")
    run(settings, mine, posts(6))
    theirs = run(settings, ben, posts(6, start=3))
    assert theirs.waiting == 6
    assert submitted(claude) == [f"Post {n}" for n in (0, 1, 2, 3, 4, 5, 6, 7, 8)]
    claude.end(fate=lambda place, params: "errored" if number_of(params) == 5 else "succeeded")
    # Ben comes first: he takes what is his of Ann's batch, and asks for what went wrong in it.
    assert sorted(a.status for a in run(settings, ben, posts(6, start=3)).found.values()) == ["ok"] * 5
    assert submitted(claude)[9:] == ["Post 5"]
    assert {(s.user, s.usage.items) for s in ledger.spent(state)} == {("ben", 3)}
    hers = run(settings, mine, posts(6))
    assert (statuses(hers), hers.waiting) == (["ok"] * 5, 1)
    claude.end()
    assert statuses(run(settings, mine, posts(6))) == ["ok"] * 6
    assert statuses(run(settings, ben, posts(6, start=3))) == ["ok"] * 6
    assert len(submitted(claude)) == 10
    # Ben's second batch is brought home, and paid for, when he asks for something the next time.
    run(settings, ben, posts(1, start=20))
    assert {(s.user, s.usage.items) for s in ledger.spent(state)} == {("ann", 5), ("ben", 4)}


def test_of_a_batch_that_would_pass_the_budget_the_part_that_fits_is_handed_in(
    claude: World, mine: State
) -> None:
    settings = chosen(claude, "batches")
    budget = Budget(mine, "annotations", 0.001)
    asked = run(settings, mine, posts(20), budget)
    assert isinstance(asked.why, BudgetSpent)
    fitted = len(submitted(claude))
    assert 0 < fitted < 20
    assert budget.usd == 0
    claude.end()
    later = run(settings, mine, posts(20), Budget(mine, "annotations", 5.0))
    assert len(later.found) == fitted
    assert len(submitted(claude)) == 20
    with_nothing = run(settings, mine, posts(3, start=90), Budget(mine, "annotations", 0.0))
    assert isinstance(with_nothing.why, BudgetSpent)
    assert len(submitted(claude)) == 20


def test_what_does_not_fit_into_one_batch_goes_in_several_whose_costs_add_up(
    claude: World, mine: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claude_module, "BATCH_BYTES", 20_000)
    settings = chosen(claude, "batches")
    assert run(settings, mine, posts(20)).waiting == 20
    assert len(claude.batches) > 2
    assert all(len(json.dumps({"requests": b.requests})) < 20_000 for b in claude.batches.values())
    one = next(iter(claude.batches.values()))
    claude.end(one)
    some = run(settings, mine, posts(20))
    assert (len(some.found), some.waiting) == (len(one.requests), 20 - len(one.requests))
    claude.end()
    assert statuses(run(settings, mine, posts(20))) == ["ok"] * 20
    assert len(submitted(claude)) == 20
    before = len(claude.batches)
    budget = Budget(mine, "annotations", 0.002)
    asked = run(settings, mine, posts(20, start=50), budget)
    assert isinstance(asked.why, BudgetSpent)
    assert len(claude.batches) > before + 1, "the budget reached further than one batch"
    # Each may cost 0.0015 US dollars and more, for what it is answered alone.
    assert len(submitted(claude)) - 20 <= 0.02 / 0.0015


@pytest.mark.parametrize("fault", [Fault(429), Fault(529)], ids=["429", "529"])
def test_a_batch_that_was_certainly_not_taken_is_handed_in_again(
    claude: World, mine: State, fault: Fault
) -> None:
    claude.unwell(BATCHES, fault)
    run(chosen(claude, "batches"), mine, posts(3))
    assert len(claude.batches) == 1
    claude.unwell(BATCHES, *[fault] * 50)
    put_off = run(chosen(claude, "batches", longest_wait=0.05), mine, posts(3, start=3))
    assert isinstance(put_off.why, Deferred)
    assert [row.batch_id for row in rows(mine)] == ["msgbatch_0000"], "nothing is noted of what was not taken"


@pytest.mark.parametrize(
    "fault", [Fault(500), Fault(how="cut"), Fault(how="broken")], ids=["500", "cut", "broken"]
)
def test_a_batch_of_which_nothing_is_known_is_not_handed_in_again_before_a_while_has_passed(
    claude: World, mine: State, fault: Fault
) -> None:
    settings = chosen(claude, "batches")
    claude.unwell(BATCHES, fault)
    for _ in range(3):
        assert isinstance(run(settings, mine, posts(3)).why, Deferred)
    assert len(claude.asked(BATCHES)) == 1
    make_older(mine, timedelta(minutes=11))
    run(settings, mine, posts(3))
    assert len(claude.batches) == 1
    claude.end()
    assert statuses(run(settings, mine, posts(3))) == ["ok"] * 3


@pytest.mark.parametrize(
    "fault",
    [Fault(how="cut_after"), Fault(how="held", seconds=0.6), Fault(how="slow", seconds=0.6)],
    ids=["the answer was cut", "the answer came too late", "it was taken late"],
)
def test_a_batch_that_was_taken_although_no_answer_came_is_found_again(
    claude: World, mine: State, fault: Fault
) -> None:
    settings = chosen(claude, "batches", timeout=0.4)
    claude.unwell(BATCHES, fault)
    run(settings, mine, posts(3))
    until(lambda: len(claude.batches) == 1)
    (row,) = rows(mine)
    assert row.batch_id.startswith("intended-")
    make_older(mine, timedelta(minutes=50))
    for _ in range(2):
        assert isinstance(run(settings, mine, posts(3)).why, Deferred)
    # Others' batches of the same size, of another size, and one of ours that is known.
    (own,) = claude.batches.values()
    foreign = [{"custom_id": f"x-{n}", "params": own.requests[0]["params"]} for n in range(3)]
    claude.batches["msgbatch_foreign"] = Batch("msgbatch_foreign", foreign, datetime.now(UTC))
    claude.batches["msgbatch_small"] = Batch("msgbatch_small", foreign[:1], datetime.now(UTC))
    claude.end()
    assert statuses(run(settings, mine, posts(3))) == ["ok"] * 3
    assert len(claude.asked(BATCHES)) == 1
    assert [row.batch_id for row in rows(mine)] == [own.id]


def test_while_somebody_elses_batch_may_be_ours_nothing_is_handed_in(claude: World, mine: State) -> None:
    settings = chosen(claude, "batches")
    claude.unwell(BATCHES, Fault(500))
    run(settings, mine, posts(2))
    make_older(mine, timedelta(minutes=50))
    foreign = [{"custom_id": f"x-{n}", "params": {}} for n in range(2)]
    claude.batches["msgbatch_foreign"] = Batch("msgbatch_foreign", foreign, datetime.now(UTC))
    assert isinstance(run(settings, mine, posts(2)).why, Deferred)
    assert len(claude.asked(BATCHES)) == 1
    claude.end()
    run(settings, mine, posts(2))
    assert len(claude.asked(BATCHES)) == 2


def test_a_batch_that_is_known_is_taken_for_no_other(claude: World, mine: State) -> None:
    settings = chosen(claude, "batches")
    run(settings, mine, posts(2, start=10))
    claude.unwell(BATCHES, Fault(500))
    run(settings, mine, posts(2))
    make_older(mine, timedelta(minutes=50))
    run(settings, mine, posts(2))
    assert submitted(claude) == ["Post 10", "Post 11", "Post 0", "Post 1"]


def test_old_batches_of_others_are_not_looked_through(claude: World, mine: State) -> None:
    old = datetime.now(UTC) - timedelta(days=2)
    for n in range(250):
        claude.batches[f"old_{n}"] = Batch(f"old_{n}", [{"custom_id": "x", "params": {}}], old, [])
    claude.unwell(BATCHES, Fault(500))
    settings = chosen(claude, "batches")
    run(settings, mine, posts(1))
    run(settings, mine, posts(1))
    assert len(claude.asked("GET /v1/messages/batches")) == 1


CHILD = """
import sys
from qualia_assets_tests.annotate.test_anthropic import chosen, posts, run
from qualia_assets_tests.emulators.anthropic import World
from qualia_assets.state.database import State
state = State(sys.argv[2]).of("ann")
run(chosen(World(url=sys.argv[1]), "batches", timeout=60.0), state, posts(int(sys.argv[3])))
print("ended", flush=True)
"""


def until(true: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.mark.parametrize("when", ["before it arrived", "after it arrived", "after its answer"])
def test_a_run_that_is_killed_at_any_point_of_handing_in_hands_in_nothing_twice(
    claude: World, mine: State, settings: Settings, when: str
) -> None:
    if when == "before it arrived":
        claude.unwell(BATCHES, Fault(how="slow", seconds=0.5))
    elif when == "after it arrived":
        claude.unwell(BATCHES, Fault(how="held", seconds=2))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, claude.url, settings.state_url, "4"],
        stdout=subprocess.PIPE,
        env=os.environ.copy(),
    )
    try:
        if when == "after its answer":
            until(lambda: any(row.batch_id.startswith("msgbatch") for row in rows(mine)))
        elif when == "after it arrived":
            until(lambda: len(claude.batches) == 1)
        else:
            until(lambda: len(claude.asked(BATCHES)) == 1)
        child.send_signal(signal.SIGKILL)
        child.wait()
    finally:
        child.kill()
        child.stdout.close()  # type: ignore[union-attr]
    with mine.engine.begin() as connection:
        # Claims of what was killed end after a minute; that is tested where they are.
        connection.execute(sa.text("delete from claims"))
    again = chosen(claude, "batches")
    assert isinstance(run(again, mine, posts(4)).why, Deferred)
    assert len(claude.asked(BATCHES)) == 1
    until(lambda: len(claude.batches) == 1)
    claude.end()
    found = run(again, mine, posts(4))
    assert (statuses(found), len(claude.asked(BATCHES))) == (["ok"] * 4, 1)
    assert len(rows(mine)) == 1


def test_the_answers_key_holds_model_and_prompt(claude: World, mine: State) -> None:
    run(chosen(claude), mine, posts(1))
    other = chosen(claude).model_copy(update={"annotator": "anthropic/claude-haiku-4-5"})
    run(other, mine, posts(1))
    assert [m["model"] for m in claude.messages()] == [MODEL, "claude-haiku-4-5"]
    annotator = make_annotator(other, mine)
    assert (annotator.name, annotator.prompt_version) == ("anthropic/claude-haiku-4-5", PROMPT_VERSION)
    assert model("anthropic", MODEL).batch_share == 0.5
