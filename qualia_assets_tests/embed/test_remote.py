"""What remote embedders have in common: retries, unusable answers, secrets kept out of messages."""

import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from qualia_assets.embed.base import Embedder, embed_all
from qualia_assets.embed.providers import make_embedder
from qualia_assets.net.base import Deferred
from qualia_assets.progress import silent
from qualia_assets.providers.base import FatalError, ProviderError
from qualia_assets.providers.budget import Budget
from qualia_assets.state.database import State
from qualia_assets_tests.embed.conftest import TEXTS, text
from qualia_assets_tests.emulators.voyage import Change, EmbeddingServer, cut, malformed, of_vector, refusal

Make = Callable[..., Embedder]


@pytest.fixture(params=["voyage", "own"])
def make(request: pytest.FixtureRequest, server: EmbeddingServer, state: State) -> Make:
    """Makes an embedder of either interface, its dimensions known; keywords are settings or a ``budget``."""
    choose = request.getfixturevalue(request.param)
    assert make_embedder(choose(), state).dimensions
    server.asked.clear()

    def embedder(budget: Budget | None = None, **given: Any) -> Embedder:
        return make_embedder(choose(**given), state, budget)

    return embedder


def test_a_text_is_sent_once_however_often_it_is_embedded(
    server: EmbeddingServer, make: Make, state: State
) -> None:
    first = embed_all(TEXTS, make(), state, silent, "").answers
    again = embed_all([*TEXTS, text("new")], make(), state, silent, "")
    assert again.requested == 1
    assert len(server.inputs) == len(TEXTS) + 1
    vectors = np.stack([first[c.sha256] for c in TEXTS])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > 0.3


@pytest.mark.parametrize(
    "change",
    [
        *(refusal(status) for status in (408, 429, 500, 503, 529)),
        *(refusal(status, form="html") for status in (429, 500, 502, 529)),
        refusal(429, retry_after="0"),
        cut,
    ],
)
def test_a_passing_failure_is_retried_and_paid_once(
    server: EmbeddingServer, make: Make, state: State, change: Change
) -> None:
    server.fail(change, times=2)
    budget = Budget(state, "raw_embeddings", 5)
    assert all(v is not None for v in make(budget).embed(TEXTS))
    assert len(server.asked) == 3
    assert budget.usage.requests == 1


def test_a_request_that_times_out_is_retried(server: EmbeddingServer, make: Make) -> None:
    server.stall(2)
    assert make(timeout=0.3).embed(TEXTS)[0] is not None
    assert len(server.asked) == 2
    assert server.asked[1].at - server.asked[0].at < 1.5


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_waits_as_long_as_the_server_asks(server: EmbeddingServer, make: Make, status: int) -> None:
    server.fail(refusal(status, retry_after="1"))
    make().embed(TEXTS)
    first, second = server.asked
    assert second.at - first.at >= 0.99


def test_a_long_wait_is_left_to_a_later_run(server: EmbeddingServer, make: Make, state: State) -> None:
    embed_all([text("before")], make(), state, silent, "")
    server.fail(refusal(429, retry_after="3600"))
    asked = embed_all([*TEXTS, text("before")], make(), state, silent, "")
    assert isinstance(asked.reason, Deferred)
    assert 3_500 < (asked.reason.until - datetime.now(UTC)).total_seconds() < 3_700
    assert (len(asked.answers), asked.waiting) == (1, 4)


@pytest.mark.parametrize(
    "change",
    [
        malformed,
        lambda answer: answer | {"data": answer["data"][:-1]},
        lambda answer: answer | {"data": None},
        refusal(400),
        refusal(413, form="html"),
        refusal(422),
    ],
    ids=["malformed", "fewer", "none", "400", "413", "422"],
)
def test_a_batch_with_an_unusable_answer_is_halved(
    server: EmbeddingServer, make: Make, state: State, change: Change
) -> None:
    expected = make().embed(TEXTS)
    server.asked.clear()
    server.fail(change)
    found = embed_all(TEXTS, make(), state, silent, "").answers
    assert np.array_equal([found[c.sha256] for c in TEXTS], expected)  # type: ignore[arg-type]
    assert [len(asked.inputs) for asked in server.asked] == [4, 2, 2]


def test_one_poison_item_is_isolated_and_the_others_are_sent_once(
    server: EmbeddingServer, make: Make, state: State
) -> None:
    contents = [text(f"number {i}") for i in range(64)]
    server.refuses = lambda one: one.endswith("number 17")
    found = embed_all(contents, make(), state, silent, "").answers
    assert set(found) == {c.sha256 for c in contents} - {text("number 17").sha256}
    assert len(server.asked) <= 2 * 6 + 1
    assert len(server.inputs) == 63


def test_an_unusable_vector_alone_is_requested_again_by_the_next_run(
    server: EmbeddingServer, make: Make, state: State
) -> None:
    server.fail(of_vector(2, lambda v: v * np.float32(np.nan)))
    assert len(embed_all(TEXTS, make(), state, silent, "").answers) == 3
    again = embed_all(TEXTS, make(), state, silent, "")
    assert (len(again.answers), again.requested) == (4, 1)


def test_vectors_all_of_another_size_stop_the_stage_and_none_is_kept(
    server: EmbeddingServer, make: Make, state: State
) -> None:
    server.fail(of_vector(None, lambda v: v[:512]), times=None)
    with pytest.raises(FatalError, match=f"vectors of 512 numbers, not {make().dimensions}"):
        embed_all(TEXTS, make(), state, silent, "")
    assert len(server.asked) == 1
    server.faults.clear()
    assert embed_all(TEXTS, make(), state, silent, "").requested == len(TEXTS)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("pa-wrong-and-secret", "accept the key"),
        ("pa-with\nnewline-secret", "characters that no key has"),
        ("pa-with ünusual-secret", "characters that no key has"),
    ],
)
def test_a_wrong_key_is_reported_in_one_line_and_printed_nowhere(
    server: EmbeddingServer,
    make: Make,
    state: State,
    key: str,
    message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    embedder = make(api_key=key)
    server.fail(refusal(401, f"the key {key} is wrong for the grey sea"), times=None)
    with pytest.raises(FatalError, match=message) as caught:
        embed_all(TEXTS, embedder, state, silent, "")
    assert "__API_KEY" in str(caught.value)
    assert "\n" not in str(caught.value)
    printed = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(embedder)
    assert "secret" not in printed
    assert "grey sea" not in printed
    assert len(server.asked) == (key == "pa-wrong-and-secret")


@pytest.mark.parametrize(
    "change",
    [refusal(400, "the grey sea"), refusal(404, "the grey sea"), refusal(418, "the grey sea", form="html")],
)
def test_neither_errors_nor_logs_hold_what_was_sent(
    server: EmbeddingServer,
    make: Make,
    change: Change,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fail(change, times=None)
    with pytest.raises(ProviderError) as caught:
        make(api_key=server.key).embed(TEXTS)
    printed = "".join(traceback.format_exception(caught.value)) + caplog.text + "".join(capfd.readouterr())
    assert "grey sea" not in printed
    assert str(server.key) not in printed
