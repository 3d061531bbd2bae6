"""Voyage, by its own client, against a server on this machine that keeps to its limits."""

import base64
import io
import json
import logging
import os
import subprocess
import sys
import textwrap
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qualia_assets.embed.base import Content, embed_all
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.embed.voyage import VoyageEmbedder
from qualia_assets.net.base import BudgetSpent, Deferred
from qualia_assets.progress import silent
from qualia_assets.providers import catalogue
from qualia_assets.providers.base import FatalError, ProviderError, RejectedInput
from qualia_assets.providers.budget import Budget
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State
from qualia_assets_tests.embed.conftest import Choose
from qualia_assets_tests.emulators.voyage import (
    KEY,
    MOST_BYTES,
    MOST_TOKENS,
    Change,
    EmbeddingServer,
    charged_pixels,
    cut,
    malformed,
    of_vector,
    picture_in,
    refusal,
    tokens_of,
)


def text(words: str) -> Content:
    return Content(text_sha256(words), text=words)


def picture(path: Path) -> Content:
    return Content(text_sha256(path.name), image=path)


def noise(path: Path, width: int, height: int, seed: int = 0, mode: str = "RGB") -> Content:
    """A picture that no format can make small."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, len(mode)), dtype=np.uint8)
    Image.fromarray(pixels, mode).save(path, compress_level=1)
    return picture(path)


def plain(path: Path, width: int, height: int, colour: str = "teal", mode: str = "RGB") -> Content:
    Image.new(mode, (width, height), colour).save(path)
    return picture(path)


def limited(settings: Settings, state: State, **limits: int) -> VoyageEmbedder:
    """An embedder whose requests may hold less than those of the catalogue."""
    known = replace(catalogue.model("voyage", "voyage-multimodal-3"), **limits)
    budget = Budget(state, "raw_embeddings", settings.max_usd)
    return VoyageEmbedder(known, settings.voyage, settings.crawling.longest_wait, budget.account(known))


TEXTS = [text(words) for words in ("the grey sea", "the sea at night", "office chairs", "an invoice")]


# What is sent, and what becomes of it


def test_texts_and_pictures_get_vectors_of_unit_length_in_one_space(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    contents = [*TEXTS, plain(tmp_path / "a.png", 60, 60), plain(tmp_path / "b.png", 60, 60, "darkcyan")]
    vectors = embed_all(contents, make_embedder(voyage(), state), state, silent, "").answers
    found = np.stack([vectors[c.sha256] for c in contents])
    assert found.shape == (6, 1024)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert found[0] @ found[1] > 0.3 > found[0] @ found[3]
    assert found[4] @ found[5] > 0.9
    texts, pictures = sorted(server.asked, key=lambda asked: asked.inputs[0].startswith("data:"))
    assert {k: v for k, v in texts.body.items() if k not in ("inputs", "output_dtype")} == {
        "model": "voyage-multimodal-3",
        "input_type": None,
        "truncation": True,
        "encoding_format": "base64",
    }
    assert sorted(texts.inputs) == sorted(c.text or "" for c in TEXTS)
    assert all(one.startswith("data:image/png;base64,") for one in pictures.inputs)
    assert texts.headers["authorization"] == f"Bearer {KEY}"


def test_what_was_answered_once_is_not_asked_again(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    again = embed_all([*TEXTS, text("new")], make_embedder(voyage(), state), state, silent, "")
    assert again.requested == 1
    assert server.inputs.count("new") == 1
    assert len(server.inputs) == len(TEXTS) + 1


def test_another_model_is_another_space(server: EmbeddingServer, voyage: Choose, state: State) -> None:
    embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    other = make_embedder(voyage(model="voyage-multimodal-3.5"), state)
    assert embed_all(TEXTS, other, state, silent, "").requested == len(TEXTS)
    assert other.name == "voyage/voyage-multimodal-3.5"
    assert server.asked[-1].body["model"] == "voyage-multimodal-3.5"


def test_the_version_tells_model_preprocessing_input_type_dimensions_and_length(
    voyage: Choose, state: State
) -> None:
    version = make_embedder(voyage(), state).version("image")
    for part in ("voyage-multimodal-3", "image-1", "input_type=None", "1024d", "unit"):
        assert part in version
    assert version != make_embedder(voyage(), state).version("text")


def test_requests_are_filled_up_to_a_thousand_inputs(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    contents = [text(f"number {i}") for i in range(2_300)]
    found = embed_all(contents, make_embedder(voyage(), state), state, silent, "").answers
    assert len(found) == 2_300
    assert sorted(len(asked.inputs) for asked in server.asked) == [300, 1_000, 1_000]


def test_requests_are_filled_up_to_the_tokens_they_may_have(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    # 42,000 bytes are estimated to be 14,000 tokens: 22 fit. The server counts fewer.
    contents = [text(f"{i} " + "some words of a post " * 2_000) for i in range(40)]
    embed_all(contents, make_embedder(voyage(), state), state, silent, "")
    assert sorted(len(asked.inputs) for asked in server.asked) == [18, 22]
    assert all(sum(map(tokens_of, asked.inputs)) <= MOST_TOKENS for asked in server.asked)


def test_a_text_longer_than_the_model_reads_is_cut(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    long = text("wordy " * 100_000)
    assert make_embedder(voyage(), state).embed([long])[0] is not None
    (sent,) = server.inputs
    assert sent == (long.text or "")[:128_000]


def test_requests_are_filled_up_to_the_bytes_they_may_have(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    # About 190 kB each as they are sent: ten or eleven fit into 2 MB.
    most = MOST_BYTES // 10
    contents = [noise(tmp_path / f"{i}.png", 218, 218, seed=i) for i in range(14)]
    found = embed_all(contents, limited(voyage(), state, bytes_per_request=most), state, silent, "").answers
    assert len(found) == 14
    assert len(server.asked) == 2
    assert all(asked.size <= most for asked in server.asked)
    assert max(asked.size for asked in server.asked) > 0.8 * most
    assert catalogue.model("voyage", "voyage-multimodal-3").bytes_per_request == MOST_BYTES


def test_where_the_guess_of_bytes_was_too_small_the_request_is_split_before_it_is_sent(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    # Encoded anew, as they have a transparency: noise takes more bytes than any picture.
    contents = [noise(tmp_path / f"{i}.png", 300, 300, seed=i, mode="RGBA") for i in range(6)]
    embedder = limited(voyage(concurrency=1), state, bytes_per_request=450_000)
    assert [len(batch) for batch in embedder.batches(contents)] == [6]
    found = embed_all(contents, embedder, state, silent, "").answers
    assert len(found) == 6
    assert {asked.status for asked in server.asked} == {200}
    assert len(server.asked) > 1
    assert all(asked.size <= 450_000 for asked in server.asked)


@pytest.mark.parametrize("name", ["p.jpg", "p.png", "p.webp"])
def test_a_picture_that_says_the_same_to_everybody_goes_as_it_is(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path, name: str
) -> None:
    content = noise(tmp_path / name, 80, 60)
    assert make_embedder(voyage(), state).embed([content])[0] is not None
    assert base64.b64decode(server.inputs[0].partition(",")[2]) == (tmp_path / name).read_bytes()


def test_a_picture_larger_than_is_looked_at_is_made_smaller_first(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    content = plain(tmp_path / "vast.png", 3_000, 1_500)
    assert make_embedder(voyage(), state).embed([content])[0] is not None
    sent = picture_in(server.inputs[0])
    assert sent.format == "JPEG"
    assert sent.width / sent.height == pytest.approx(2, abs=0.01)
    assert 1_980_000 < sent.width * sent.height <= 2_000_000


def test_pictures_are_sent_upright_on_white_and_still(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    turned = Image.new("RGB", (40, 80), "navy")
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    names = ("turned.jpg", "clear.png", "moving.webp", "moving.gif")
    make_embedder(voyage(), state).embed([picture(tmp_path / name) for name in names])
    sent = [picture_in(one) for one in server.inputs]
    assert {one.format for one in sent} == {"JPEG"}
    assert sent[0].size == (80, 40)
    assert sent[1].convert("RGB").getpixel((20, 20)) == (255, 255, 255)
    for one in sent[2:]:
        red, _, blue = one.convert("RGB").getpixel((20, 20))  # type: ignore[misc]
        assert (red > 200, blue < 60) == (True, True)


def test_what_cannot_be_sent_is_left_out_and_the_others_get_their_vectors(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing of the kind")
    whole = plain(tmp_path / "whole.png", 50, 50)
    embedder = make_embedder(voyage(), state)
    pictures = embedder.embed([picture(tmp_path / "damaged.png"), whole, picture(tmp_path / "gone.png")])
    texts = embedder.embed([text(" \n"), text("said"), text("")])
    assert [[v is not None for v in some] for some in (pictures, texts)] == [[False, True, False]] * 2
    assert [v is None for v in embedder.embed([text("")])] == [True]
    assert len(server.inputs) == 2


def test_a_picture_cut_short_is_left_out(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    whole = io.BytesIO()
    Image.new("P", (300, 300)).save(whole, "PNG")
    (tmp_path / "short.png").write_bytes(whole.getvalue()[:-40])
    assert make_embedder(voyage(), state).embed([picture(tmp_path / "short.png")]) == [None]
    assert server.asked == []


# Paying


def test_what_was_used_is_written_down_as_voyage_counts_it(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    contents = [
        *TEXTS,
        plain(tmp_path / "small.png", 10, 10),
        plain(tmp_path / "large.png", 2_000, 1_500),
        plain(tmp_path / "usual.png", 600, 400),
    ]
    settings = voyage()
    budget = Budget(state.of("u"), "raw_embeddings", settings.max_usd)
    embed_all(contents, make_embedder(settings, state, budget), state, silent, "")
    texts, pictures = sorted(server.asked, key=lambda asked: asked.inputs[0].startswith("data:"))
    assert budget.usage.input_tokens == sum(tokens_of(one) for one in texts.inputs)
    sent = [charged_pixels(one) for one in pictures.inputs]
    assert budget.usage.pixels == sum(sent)
    assert sum(sent) == pytest.approx(50_000 + 2_000_000 + 240_000, rel=0.01)
    assert (budget.usage.requests, budget.usage.items) == (2, 7)
    by_hand = budget.usage.input_tokens * 0.12 / 1e6 + budget.usage.pixels * 0.60 / 1e9
    assert budget.usd == pytest.approx(by_hand)


def test_an_answer_that_does_not_say_what_was_used_is_paid_for_as_estimated(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    server.fail(lambda answer: answer | {"usage": {"text_tokens": "many"}})
    budget = Budget(state, "raw_embeddings", 5)
    make_embedder(voyage(), state, budget).embed([text("nine bytes")])
    assert budget.usage.input_tokens == 4


def test_the_call_that_would_pass_the_budget_is_not_made_and_what_is_done_is_kept(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    # Small pictures are charged as 50,000 pixels: 0.00003 dollars each.
    contents = [plain(tmp_path / f"{i}.png", 8, 8, f"#{i:06x}") for i in range(100)]
    settings = voyage(max_usd=0.002, concurrency=1)
    asked = embed_all(contents, limited(settings, state, inputs_per_request=60), state, silent, "")
    assert isinstance(asked.reason, BudgetSpent)
    assert (len(asked.answers), asked.waiting) == (60, 40)
    assert len(server.asked) == 1
    assert embed_all(contents, limited(settings, state), state, silent, "").requested == 40


# Being unwell


@pytest.mark.parametrize(
    "change",
    [
        refusal(429),
        refusal(429, retry_after="0"),
        refusal(429, form="html"),
        refusal(500),
        refusal(500, form="html"),
        refusal(502, form="html"),
        refusal(503),
        refusal(529),
        refusal(529, form="html"),
        refusal(408),
        cut,
    ],
    ids=["429", "429-now", "429-page", "500", "500-page", "502", "503", "529", "529-page", "408", "cut"],
)
def test_what_passes_is_waited_for(
    server: EmbeddingServer, voyage: Choose, state: State, change: Change
) -> None:
    server.fail(change, times=2)
    budget = Budget(state, "raw_embeddings", 5)
    vectors = make_embedder(voyage(), state, budget).embed(TEXTS)
    assert all(v is not None for v in vectors)
    assert len(server.asked) == 3
    assert budget.usage.requests == 1


def test_an_answer_that_takes_too_long_is_asked_for_again(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    server.stall(2)
    began = time.monotonic()
    assert make_embedder(voyage(timeout=0.3), state).embed(TEXTS)[0] is not None
    assert time.monotonic() - began < 1.5
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_voyage_is_left_alone_for_as_long_as_it_says(
    server: EmbeddingServer, voyage: Choose, state: State, status: int
) -> None:
    server.fail(refusal(status, retry_after="1"))
    make_embedder(voyage(), state).embed(TEXTS)
    first, second = server.asked
    assert second.at - first.at >= 0.99


def test_one_that_wants_to_be_left_alone_for_long_ends_the_asking_until_then(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    embed_all([text("before")], make_embedder(voyage(), state), state, silent, "")
    server.fail(refusal(429, retry_after="3600"))
    asked = embed_all([*TEXTS, text("before")], make_embedder(voyage(), state), state, silent, "")
    assert isinstance(asked.reason, Deferred)
    assert 3_500 < (asked.reason.until - datetime.now(UTC)).total_seconds() < 3_700
    assert (len(asked.answers), asked.waiting) == (1, 4)


@pytest.mark.parametrize(
    "change",
    [
        malformed,
        lambda answer: answer | {"data": answer["data"][:-1]},
        lambda answer: answer | {"data": [*answer["data"], answer["data"][0]]},
        lambda answer: answer | {"data": None},
        lambda answer: answer | {"data": [row | {"index": 0} for row in answer["data"]]},
        refusal(400),
        refusal(413, form="html"),
        refusal(422),
    ],
    ids=["malformed", "fewer", "more", "none", "same index", "400", "413", "422"],
)
def test_an_answer_that_cannot_be_used_is_asked_for_in_smaller_parts(
    server: EmbeddingServer, voyage: Choose, state: State, change: Change
) -> None:
    right = embed_all(TEXTS, make_embedder(voyage(), state), State("sqlite://"), silent, "").answers
    server.fail(change)
    found = embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "").answers
    assert {sha: v.tobytes() for sha, v in found.items()} == {sha: v.tobytes() for sha, v in right.items()}
    assert [len(asked.inputs) for asked in server.asked[1:]] == [4, 2, 2]


def test_results_that_are_out_of_order_are_put_in_order(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    embedder = make_embedder(voyage(), state)
    right = embedder.embed(TEXTS)
    server.fail(lambda answer: answer | {"data": [answer["data"][i] for i in (2, 0, 3, 1)]})
    mixed = embedder.embed(TEXTS)
    assert [None if v is None else v.tobytes() for v in mixed] == [
        v.tobytes() for v in right if v is not None
    ]


@pytest.mark.parametrize(
    "change",
    [lambda v: v[:-1], lambda v: v * np.float32(np.nan), lambda v: v * 0],
    ids=["size", "nan", "zero"],
)
def test_a_vector_that_cannot_be_used_is_left_out_and_asked_for_again_by_the_next_run_alone(
    server: EmbeddingServer, voyage: Choose, state: State, change: object
) -> None:
    server.fail(of_vector(2, change))  # type: ignore[arg-type]
    first = embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    assert len(first.answers) == 3
    again = embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    assert (len(again.answers), again.requested) == (4, 1)
    assert all(np.isfinite(v).all() and v.shape == (1024,) for v in again.answers.values())


def test_vectors_that_all_are_of_another_size_end_the_stage_and_none_is_kept(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    server.fail(of_vector(None, lambda v: v[:512]), times=None)
    with pytest.raises(FatalError, match="vectors of 512 numbers, not 1024"):
        embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    assert len(server.asked) == 1
    server.faults.clear()
    assert embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "").requested == len(TEXTS)


def test_one_poison_item_among_a_thousand_is_isolated_and_the_others_are_kept(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    contents = [text(f"number {i}") for i in range(1_000)]
    server.refuses = lambda one: one == "number 617"
    asked = embed_all(contents, make_embedder(voyage(), state), state, silent, "")
    assert len(asked.answers) == 999
    assert text("number 617").sha256 not in asked.answers
    assert len(server.asked) <= 2 * 10 + 1
    assert len(server.inputs) == 999


# Keys


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "There is no key"),
        ("pa-wrong-and-secret", "does not accept the key"),
        ("pa-with\nnewline-secret", "characters that no key has"),
        ("pa-with ünusual-secret", "characters that no key has"),
    ],
)
def test_a_key_that_is_missing_or_wrong_is_told_in_one_line_that_does_not_hold_it(
    server: EmbeddingServer,
    voyage: Choose,
    state: State,
    key: str,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    embedder = make_embedder(voyage(api_key=key), state)
    with pytest.raises(FatalError, match=said) as caught:
        embed_all(TEXTS, embedder, state, silent, "")
    told = str(caught.value)
    assert "QUALIA_VOYAGE__API_KEY" in told
    assert "\n" not in told
    everything = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(embedder)
    assert "secret" not in everything
    assert "grey sea" not in everything
    assert len(server.asked) == (key == "pa-wrong-and-secret")


def test_a_key_with_the_end_of_a_line_behind_it_is_the_key(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    assert make_embedder(voyage(api_key=f" {KEY}\n"), state).embed(TEXTS)[0] is not None


def test_what_is_kept_needs_no_key(server: EmbeddingServer, voyage: Choose, state: State) -> None:
    embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    asked = embed_all(TEXTS, make_embedder(voyage(api_key=""), state), state, silent, "")
    assert len(asked.answers) == len(TEXTS)


@pytest.mark.parametrize(
    "change",
    [refusal(400, "the grey sea"), refusal(404, "the grey sea"), refusal(418, "the grey sea", form="html")],
)
def test_neither_errors_nor_logs_hold_what_was_asked_about(
    server: EmbeddingServer,
    voyage: Choose,
    state: State,
    change: Change,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fail(change, times=None)
    with pytest.raises(ProviderError) as caught:
        make_embedder(voyage(), state).embed(TEXTS)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + "".join(capfd.readouterr())
    assert "grey sea" not in told
    assert KEY not in told


def test_a_model_that_is_not_in_the_catalogue_is_named_with_those_that_are(
    voyage: Choose, state: State
) -> None:
    with pytest.raises(SettingsError, match=r"voyage-9.*voyage/voyage-multimodal-3"):
        make_embedder(voyage(model="voyage-9"), state)


def test_a_model_that_voyage_does_not_know_is_asked_for_once(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    server.fail(refusal(400, "Model voyage-multimodal-3 is not supported. There are others."), times=None)
    with pytest.raises(FatalError, match="does not know the model"):
        embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    assert len(server.asked) == 1


def test_the_check_says_that_the_key_is_good_or_why_it_cannot_tell(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    assert "the key is good" in make_embedder(voyage(), state).check()  # type: ignore[attr-defined]
    assert server.inputs == ["hello"]
    server.fail(refusal(503))
    with pytest.raises(ProviderError, match=r"voyage-multimodal-3 cannot be asked just now: .*503"):
        make_embedder(voyage(), state).check()  # type: ignore[attr-defined]
    with pytest.raises(FatalError, match="does not accept the key"):
        make_embedder(voyage(api_key="other"), state).check()  # type: ignore[attr-defined]
    assert len(server.asked) == 3


def test_an_address_that_leads_nowhere_is_told(server: EmbeddingServer, voyage: Choose, state: State) -> None:
    with pytest.raises(FatalError, match=r"status 404.*voyage\.url"):
        make_embedder(voyage(url=f"{server.url}/nowhere"), state).embed(TEXTS)


# Nothing else is asked


def test_nothing_but_the_address_of_the_settings_is_ever_connected_to(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path
) -> None:
    """In a process of its own, which also loads the client; it has a hub to ask, but must not."""
    plain(tmp_path / "p.png", 60, 60)
    script = textwrap.dedent(
        """
        import json, sys
        met = []
        def note(event, given):
            if event == "socket.connect":
                met.append(given[1])
            if event in ("socket.getaddrinfo", "socket.gethostbyname"):
                met.append(given[0])
        sys.addaudithook(note)
        from pathlib import Path
        from qualia_assets.embed.base import Content
        from qualia_assets.embed.providers import make_embedder
        from qualia_assets.settings import load_settings
        from qualia_assets.state.database import State
        settings = load_settings()
        embedder = make_embedder(settings, State(settings.state_url))
        before = "voyageai" in sys.modules
        got = embedder.embed([Content("a", text="words")])
        got += embedder.embed([Content("b", image=Path(sys.argv[1]))])
        heavy = [m for m in ("torch", "transformers", "sentence_transformers") if m in sys.modules]
        print(json.dumps([before, heavy, [v is not None for v in got], met]))
        """
    )
    environment = {
        **os.environ,
        "QUALIA_EMBEDDER": "voyage/voyage-multimodal-3",
        "QUALIA_VOYAGE__API_KEY": KEY,
        "QUALIA_VOYAGE__URL": server.url,
    }
    environment.pop("HF_HUB_OFFLINE", None)
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "p.png")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    before, heavy, got, met = json.loads(ran.stdout)
    assert (before, heavy, got) == (False, [], [True, True])
    host, port = server.url.removeprefix("http://").removesuffix("/v1").split(":")
    assert met
    assert all(where in (host, [host, int(port)]) for where in met), met


def test_a_thread_that_asks_while_another_one_still_loads_the_client_gets_its_answer(
    server: EmbeddingServer, tmp_path: Path
) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from concurrent.futures import ThreadPoolExecutor
        from qualia_assets.embed.base import Content
        from qualia_assets.embed.providers import make_embedder
        from qualia_assets.settings import load_settings
        from qualia_assets.state.database import State

        embedder = make_embedder(load_settings(), State(sys.argv[1]))

        def ask(place):
            # All through the time that loading takes, wherever in it the parts are there.
            time.sleep(place / 50)
            return embedder.embed([Content(str(place), text=f"text {place}")])[0] is not None

        with ThreadPoolExecutor(50) as pool:
            print(sum(pool.map(ask, range(50))))
        """
    )
    environment = {
        **os.environ,
        "QUALIA_EMBEDDER": "voyage/voyage-multimodal-3",
        "QUALIA_VOYAGE__API_KEY": KEY,
        "QUALIA_VOYAGE__URL": server.url,
        "QUALIA_VOYAGE__REQUESTS_PER_MINUTE": "600000",
    }
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    ran = subprocess.run(
        [sys.executable, "-c", script, url], env=environment, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "50\n"), ran.stderr[-2000:]


def test_an_unusable_answer_to_one_item_alone_is_told_as_such(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    server.fail(malformed)
    with pytest.raises(RejectedInput, match="no JSON"):
        make_embedder(voyage(), state).embed(TEXTS[:1])
