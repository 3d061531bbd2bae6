"""A self-hosted server with OpenAI's interface. What it shares with Voyage is in ``test_remote``."""

import logging
import traceback
from pathlib import Path

import pytest
from PIL import Image

from qualia_assets.embed.base import Content, embed_all
from qualia_assets.embed.providers import make_embedder
from qualia_assets.progress import silent
from qualia_assets.providers.base import FatalError, ProviderError
from qualia_assets.providers.budget import Budget
from qualia_assets.state.database import State
from qualia_assets_tests.embed.conftest import TEXTS, Choose, text
from qualia_assets_tests.emulators.voyage import EmbeddingServer, tokens_of

NOWHERE = "http://127.0.0.1:9/v1"


def test_a_key_is_sent_only_where_there_is_one(server: EmbeddingServer, own: Choose, state: State) -> None:
    make_embedder(own(), state).embed(TEXTS)
    assert all("authorization" not in asked.headers for asked in server.asked)
    make_embedder(own(api_key="sk-mine"), state).embed(TEXTS)
    assert server.asked[-1].headers["authorization"] == "Bearer sk-mine"


def test_the_models_task_prefix_is_put_before_a_text(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    embedder = make_embedder(own(), state)
    embedder.embed(TEXTS)
    assert server.inputs[-1] == "clustering: an invoice"
    assert embedder.name == "openai/nomic-embed-text"


def test_the_dimensions_are_requested_once_and_remembered(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    assert make_embedder(own(), state).dimensions == 768
    assert make_embedder(own(), state).dimensions == 768
    assert server.inputs == ["hello"]


def test_kept_vectors_are_found_while_the_server_is_off(own: Choose, state: State) -> None:
    with EmbeddingServer() as server:
        url = server.own_url
        embed_all(TEXTS, make_embedder(own(url=url), state), state, silent, "")
    assert len(embed_all(TEXTS, make_embedder(own(url=url), state), state, silent, "").answers) == len(TEXTS)


def test_the_version_holds_the_address_without_its_password(own: Choose, state: State) -> None:
    embedder = make_embedder(own(url="http://me:secret@127.0.0.1:9/v1"), state)
    assert embedder.version("text") == f"openai/nomic-embed-text@{NOWHERE}|clustering: |unit"
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1:9") as caught:
        embedder.check()  # type: ignore[attr-defined]
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


def test_an_answer_that_is_no_object_halves_the_batch(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    embedder = make_embedder(own(concurrency=1), state)
    assert embedder.dimensions == 768
    server.fail(lambda answer: [])  # type: ignore[arg-type, return-value]
    assert len(embed_all(TEXTS, embedder, state, silent, "").answers) == 4
    assert [len(asked.inputs) for asked in server.asked[1:]] == [4, 2, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "unheard-of"}, "could not use a request"),
        ({"url": "{root}/nowhere"}, r"status 404.*often ends in /v1"),
        ({"url": NOWHERE}, f"nothing answers in time at {NOWHERE}"),
        ({"url": "not an address"}, "is not an address of a server"),
        ({"api_key": "ünusual secret"}, "characters that no key has"),
    ],
)
def test_an_unusable_server_is_reported_in_one_line(
    server: EmbeddingServer,
    own: Choose,
    state: State,
    given: dict[str, str],
    message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    chosen = {name: value.format(root=server.own_url) for name, value in given.items()}
    with pytest.raises(ProviderError, match=message) as caught:
        make_embedder(own(**chosen), state).check()  # type: ignore[attr-defined]
    assert "\n" not in str(caught.value)
    assert "secret" not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_a_server_that_is_off_and_of_unknown_dimensions_stops_the_stage(own: Choose, state: State) -> None:
    embedder = make_embedder(own(url=NOWHERE, longest_wait=0.1), state)
    with pytest.raises(FatalError, match=r"nothing answers in time.*Is the server running"):
        embed_all(TEXTS, embedder, state, silent, "")


def test_an_answer_without_a_vector_gives_no_dimensions(
    server: EmbeddingServer, own: Choose, state: State
) -> None:
    server.fail(lambda answer: {"data": []}, times=2)
    with pytest.raises(FatalError, match="no vector"):
        make_embedder(own(), state).check()  # type: ignore[attr-defined]
    with pytest.raises(FatalError, match="no vector"):
        embed_all(TEXTS, make_embedder(own(), state), state, silent, "")
    assert embed_all(TEXTS, make_embedder(own(), state), state, silent, "").requested == len(TEXTS)


def test_the_check_reports_address_and_dimensions(server: EmbeddingServer, own: Choose, state: State) -> None:
    message = make_embedder(own(), state).check()  # type: ignore[attr-defined]
    assert message == f"openai/nomic-embed-text at {server.own_url} answers with vectors of 768 numbers."
