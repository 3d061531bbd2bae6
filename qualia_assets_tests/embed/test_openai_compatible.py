"""Texts by a server of one's own, against one on this machine."""

import logging
import traceback
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qualia_assets.embed.base import Content, embed_all
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.progress import silent
from qualia_assets.providers.base import FatalError, ProviderError
from qualia_assets.providers.budget import Budget
from qualia_assets.state.database import State
from qualia_assets_tests.embed.conftest import Choose
from qualia_assets_tests.emulators.voyage import (
    Change,
    EmbeddingServer,
    cut,
    malformed,
    of_vector,
    refusal,
    tokens_of,
)


def text(words: str) -> Content:
    return Content(text_sha256(words), text=words)


TEXTS = [text(words) for words in ("the grey sea", "the sea at night", "office chairs", "an invoice")]


def test_texts_get_vectors_of_unit_length_whatever_length_the_server_gives_them(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    embedder = make_embedder(own(), state)
    vectors = embed_all(TEXTS, embedder, state, silent, "").answers
    found = np.stack([vectors[c.sha256] for c in TEXTS])
    assert found.shape == (4, 768)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert found[0] @ found[1] > 0.3
    assert embedder.name == "openai/nomic-embed-text"


def test_no_key_is_needed_and_none_is_sent(server: EmbeddingServer, own: Choose, state: State) -> None:
    make_embedder(own(), state).embed(TEXTS)
    assert all("authorization" not in asked.headers for asked in server.asked)
    make_embedder(own(api_key="sk-mine"), state).embed(TEXTS)
    assert server.asked[-1].headers["authorization"] == "Bearer sk-mine"


def test_what_the_makers_ask_to_be_put_before_a_text_is_put_there(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    embedder = make_embedder(own(), state)
    embedder.embed(TEXTS)
    assert server.inputs[-1] == "clustering: an invoice"
    assert "clustering: " in embedder.version("text")


def test_the_length_of_the_vectors_is_asked_once_and_remembered(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    assert make_embedder(own(), state).dimensions == 768
    assert make_embedder(own(), state).dimensions == 768
    assert server.inputs == ["hello"]


def test_what_is_kept_is_found_while_the_server_is_off(own: Choose, state: State) -> None:
    with EmbeddingServer() as server:
        url = server.own_url
        embed_all(TEXTS, make_embedder(own(url=url), state), state, silent, "")
    assert len(embed_all(TEXTS, make_embedder(own(url=url), state), state, silent, "").answers) == len(TEXTS)


def test_the_same_model_elsewhere_is_another_space(own: Choose, state: State) -> None:
    here, there = (make_embedder(own(url=f"http://{host}/v1"), state) for host in ("here", "there"))
    assert here.version("text") != there.version("text")


def test_a_password_in_the_address_is_in_no_version_and_no_message(own: Choose, state: State) -> None:
    embedder = make_embedder(own(url="http://me:secret@127.0.0.1:9/v1"), state)
    assert embedder.version("text") == "openai/nomic-embed-text@http://127.0.0.1:9/v1|clustering: |unit"
    with pytest.raises(ProviderError) as caught:
        embedder.check()  # type: ignore[attr-defined]
    assert "127.0.0.1:9" in str(caught.value)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_pictures_and_empty_texts_have_no_vectors_and_are_not_sent(
    server: EmbeddingServer, own: Choose, state: State, tmp_path: Path
) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "p.png")
    contents = [*TEXTS, text(" "), Content("0" * 64, image=tmp_path / "p.png")]
    found = embed_all(contents, make_embedder(own(), state), state, silent, "").answers
    assert set(found) == {c.sha256 for c in TEXTS}
    assert sorted(server.inputs) == sorted(["hello", *(f"clustering: {c.text}" for c in TEXTS)])


def test_a_request_holds_what_the_strictest_servers_take(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    contents = [text(f"number {i}") for i in range(70)]
    budget = Budget(state, "raw_embeddings", 0)
    assert len(embed_all(contents, make_embedder(own(), state, budget), state, silent, "").answers) == 70
    assert sorted(len(asked.inputs) for asked in server.asked) == [1, 6, 32, 32]
    assert budget.usd == 0
    assert budget.usage.input_tokens == sum(tokens_of(one) for one in server.inputs)


@pytest.mark.parametrize(
    "change",
    [refusal(429), refusal(500, form="html"), refusal(503), refusal(529), cut],
    ids=["429", "500", "503", "529", "cut"],
)
def test_what_passes_is_waited_for(
    server: EmbeddingServer, own: Choose, state: State, change: Change
) -> None:
    embedder = make_embedder(own(), state)
    embedder.embed(TEXTS)
    server.fail(change, times=2)
    assert all(v is not None for v in embedder.embed(TEXTS))
    assert len(server.asked) == 2 + 3


def test_an_answer_that_takes_too_long_is_asked_for_again(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    server.stall(2)
    assert make_embedder(own(timeout=0.3), state).embed(TEXTS)[0] is not None
    assert len(server.asked) == 3


def test_the_server_is_left_alone_for_as_long_as_it_says(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    embedder = make_embedder(own(), state)
    embedder.embed(TEXTS)
    server.fail(refusal(503, retry_after="1"))
    embedder.embed(TEXTS)
    assert server.asked[-1].at - server.asked[-2].at >= 0.99


@pytest.mark.parametrize(
    "change",
    [malformed, refusal(400), refusal(413), lambda answer: [], lambda answer: {"data": answer["data"][1:]}],
    ids=["malformed", "400", "413", "list", "fewer"],
)
def test_an_answer_that_cannot_be_used_is_asked_for_in_smaller_parts(
    server: EmbeddingServer, own: Choose, state: State, change: Change
) -> None:
    embedder = make_embedder(own(concurrency=1), state)
    assert embedder.dimensions == 768
    server.fail(change)
    assert len(embed_all(TEXTS, embedder, state, silent, "").answers) == 4
    assert [len(asked.inputs) for asked in server.asked[1:]] == [4, 2, 2]


def test_one_poison_item_is_isolated_and_the_others_are_kept(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    contents = [text(f"number {i}") for i in range(64)]
    server.refuses = lambda one: one.endswith("number 17")
    assert len(embed_all(contents, make_embedder(own(), state), state, silent, "").answers) == 63


def test_results_out_of_order_are_put_in_order_and_a_vector_of_no_numbers_is_left_out(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    embedder = make_embedder(own(), state)
    right = embedder.embed(TEXTS)
    nan = of_vector(1, lambda v: v * np.float32(np.nan))
    server.fail(lambda answer: {"data": nan(answer)["data"][::-1]})  # type: ignore[index]
    mixed = embedder.embed(TEXTS)
    assert mixed[1] is None
    for i in (0, 2, 3):
        assert np.array_equal(mixed[i], right[i])  # type: ignore[arg-type]


def test_vectors_of_another_length_than_remembered_end_it(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    embedder = make_embedder(own(), state)
    embedder.embed(TEXTS)
    server.fail(of_vector(None, lambda v: v[:256]), times=None)
    with pytest.raises(FatalError, match="256 numbers, not 768"):
        embedder.embed(TEXTS)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "unheard-of"}, "could not use a request"),
        ({"url": "{root}/nowhere"}, r"status 404.*often ends in /v1"),
        ({"url": "http://127.0.0.1:9/v1"}, r"nothing answers in time at http://127.0.0.1:9/v1"),
        ({"url": "not an address"}, "is no address of a server"),
        ({"api_key": "ünusual secret"}, "characters that no key has"),
    ],
)
def test_a_server_that_cannot_be_asked_is_told_in_one_line(
    server: EmbeddingServer,
    own: Choose,
    state: State,
    given: dict[str, str],
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    chosen = {name: value.format(root=server.own_url) for name, value in given.items()}
    with pytest.raises(ProviderError, match=said) as caught:
        make_embedder(own(**chosen), state).check()  # type: ignore[attr-defined]
    assert "\n" not in str(caught.value)
    assert "secret" not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_a_wrong_key_is_told_and_not_printed(server: EmbeddingServer, own: Choose, state: State) -> None:
    key = "sk-secret"
    server.fail(refusal(401, f"the key {key} is wrong"), times=None)
    with pytest.raises(FatalError, match="QUALIA_OPENAI__API_KEY") as caught:
        embed_all(TEXTS, make_embedder(own(api_key=key), state), state, silent, "")
    assert key not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_is_off_and_of_which_nothing_is_known_ends_it(
    monkeypatch: pytest.MonkeyPatch, own: Choose, state: State
) -> None:
    settings = own(url="http://127.0.0.1:9/v1").model_copy(
        update={"crawling": own().crawling.model_copy(update={"longest_wait": 0.1})}
    )
    with pytest.raises(FatalError, match=r"nothing answers in time.*Is the server running"):
        embed_all(TEXTS, make_embedder(settings, state), state, silent, "")


def test_an_answer_that_is_no_vector_tells_no_length(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    server.fail(lambda answer: {"data": []}, times=2)
    with pytest.raises(FatalError, match="no vector"):
        make_embedder(own(), state).check()  # type: ignore[attr-defined]
    with pytest.raises(FatalError, match="no vector"):
        embed_all(TEXTS, make_embedder(own(), state), state, silent, "")
    assert embed_all(TEXTS, make_embedder(own(), state), state, silent, "").requested == len(TEXTS)


def test_the_check_says_what_answers(server: EmbeddingServer, own: Choose, state: State) -> None:
    said = make_embedder(own(), state).check()  # type: ignore[attr-defined]
    assert said == f"openai/nomic-embed-text at {server.own_url} answers with vectors of 768 numbers."
