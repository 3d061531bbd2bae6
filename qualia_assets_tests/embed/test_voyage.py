"""Voyage through its own client. What it shares with other servers is in ``test_remote``."""

import base64
import io
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qualia_assets.embed.base import Content, embed_all
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.embed.voyage import VoyageEmbedder
from qualia_assets.net.base import BudgetSpent
from qualia_assets.progress import silent
from qualia_assets.providers import catalogue
from qualia_assets.providers.base import FatalError, ProviderError, RejectedInput
from qualia_assets.providers.budget import Budget
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State
from qualia_assets_tests.embed.conftest import TEXTS, Choose, text
from qualia_assets_tests.emulators.voyage import (
    KEY,
    MOST_BYTES,
    MOST_TOKENS,
    EmbeddingServer,
    charged_pixels,
    malformed,
    picture_in,
    refusal,
    tokens_of,
)


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


# What is sent


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


def test_another_model_is_another_space(server: EmbeddingServer, voyage: Choose, state: State) -> None:
    embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    other = make_embedder(voyage(model="voyage-multimodal-3.5"), state)
    assert embed_all(TEXTS, other, state, silent, "").requested == len(TEXTS)
    assert other.name == "voyage/voyage-multimodal-3.5"
    assert server.asked[-1].body["model"] == "voyage-multimodal-3.5"


def test_the_version_names_model_preprocessing_input_type_dimensions_and_length(
    voyage: Choose, state: State
) -> None:
    version = make_embedder(voyage(), state).version("image")
    for part in ("voyage-multimodal-3", "image-1", "input_type=None", "1024d", "unit"):
        assert part in version
    assert version != make_embedder(voyage(), state).version("text")


def test_requests_are_filled_up_to_a_thousand_inputs(voyage: Choose, state: State) -> None:
    contents = [text(f"number {i}") for i in range(2_300)]
    batches = list(make_embedder(voyage(), state).batches(contents))
    assert [len(batch) for batch in batches] == [1_000, 1_000, 300]
    assert [content for batch in batches for content in batch] == contents


def test_requests_are_filled_up_to_the_tokens_they_may_hold(voyage: Choose, state: State) -> None:
    # 42,000 bytes are estimated to be 14,000 tokens: 22 fit. The server counts fewer.
    contents = [text(f"{i} " + "some words of a post " * 2_000) for i in range(40)]
    batches = list(make_embedder(voyage(), state).batches(contents))
    assert [len(batch) for batch in batches] == [22, 18]
    assert all(sum(tokens_of(content.text or "") for content in batch) <= MOST_TOKENS for batch in batches)


def test_a_text_longer_than_the_model_reads_is_cut(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    long = text("wordy " * 100_000)
    assert make_embedder(voyage(), state).embed([long])[0] is not None
    (sent,) = server.inputs
    assert sent == (long.text or "")[:128_000]


def test_requests_are_filled_up_to_the_bytes_they_may_hold(
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


def test_a_request_larger_than_estimated_is_split_before_it_is_sent(
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
def test_a_plain_picture_is_sent_unchanged(
    server: EmbeddingServer, voyage: Choose, state: State, tmp_path: Path, name: str
) -> None:
    content = noise(tmp_path / name, 80, 60)
    assert make_embedder(voyage(), state).embed([content])[0] is not None
    assert base64.b64decode(server.inputs[0].partition(",")[2]) == (tmp_path / name).read_bytes()


def test_a_picture_larger_than_voyage_reads_is_scaled_down(
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
    encoded = io.BytesIO()
    Image.new("P", (300, 300)).save(encoded, "PNG")
    (tmp_path / "short.png").write_bytes(encoded.getvalue()[:-40])
    good = plain(tmp_path / "good.png", 50, 50)
    bad = [picture(tmp_path / name) for name in ("damaged.png", "short.png", "gone.png")]
    embedder = make_embedder(voyage(), state)
    pictures = embedder.embed([bad[0], good, *bad[1:]])
    texts = embedder.embed([text(" \n"), text("said"), text(""), text(" ")])
    assert [[v is not None for v in some] for some in (pictures, texts)] == [[False, True, False, False]] * 2
    assert embedder.embed([*bad, text("")]) == [None] * 4
    assert len(server.inputs) == 2


# What is paid


def test_usage_is_recorded_as_voyage_counts_it(
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


def test_an_answer_without_usage_is_charged_as_estimated(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    server.fail(lambda answer: answer | {"usage": {"text_tokens": "many"}})
    budget = Budget(state, "raw_embeddings", 5)
    make_embedder(voyage(), state, budget).embed([text("nine bytes")])
    assert budget.usage.input_tokens == 4


def test_a_request_beyond_the_budget_is_not_made_and_earlier_vectors_are_kept(
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


# Keys and addresses


def test_a_missing_key_is_reported_and_nothing_is_sent(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    with pytest.raises(FatalError, match=r"There is no key.*QUALIA_VOYAGE__API_KEY"):
        embed_all(TEXTS, make_embedder(voyage(api_key=""), state), state, silent, "")
    assert server.asked == []


def test_white_space_around_a_key_is_ignored(server: EmbeddingServer, voyage: Choose, state: State) -> None:
    assert make_embedder(voyage(api_key=f" {KEY}\n"), state).embed(TEXTS)[0] is not None


def test_kept_vectors_need_no_key(server: EmbeddingServer, voyage: Choose, state: State) -> None:
    embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    asked = embed_all(TEXTS, make_embedder(voyage(api_key=""), state), state, silent, "")
    assert len(asked.answers) == len(TEXTS)


def test_a_model_that_is_not_in_the_catalogue_is_named_with_those_that_are(
    voyage: Choose, state: State
) -> None:
    with pytest.raises(SettingsError, match=r"voyage-9.*voyage/voyage-multimodal-3"):
        make_embedder(voyage(model="voyage-9"), state)


def test_a_model_unknown_to_voyage_is_requested_once(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    server.fail(refusal(400, "Model voyage-multimodal-3 is not supported. There are others."), times=None)
    with pytest.raises(FatalError, match="does not know the model"):
        embed_all(TEXTS, make_embedder(voyage(), state), state, silent, "")
    assert len(server.asked) == 1


def test_the_check_reports_a_good_key_or_why_it_cannot(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    assert "the key is valid" in make_embedder(voyage(), state).check()  # type: ignore[attr-defined]
    assert server.inputs == ["hello"]
    server.fail(refusal(503))
    with pytest.raises(ProviderError, match=r"voyage-multimodal-3 is not available just now: .*503"):
        make_embedder(voyage(), state).check()  # type: ignore[attr-defined]
    with pytest.raises(FatalError, match="does not accept the key"):
        make_embedder(voyage(api_key="other"), state).check()  # type: ignore[attr-defined]
    assert len(server.asked) == 3


def test_a_wrong_address_is_reported(server: EmbeddingServer, voyage: Choose, state: State) -> None:
    with pytest.raises(FatalError, match=r"status 404.*voyage\.url"):
        make_embedder(voyage(url=f"{server.url}/nowhere"), state).embed(TEXTS)


# Voyage's client, in a process that has not loaded it yet


def embed_elsewhere(server: EmbeddingServer, script: str, *arguments: str) -> str:
    """Output of a script that finds ``embedder`` made for it."""
    setup = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from qualia_assets.embed.base import Content
from qualia_assets.embed.providers import make_embedder
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State
settings = load_settings()
embedder = make_embedder(settings, State(settings.state_url))
"""
    environment = os.environ | {
        "QUALIA_EMBEDDER": "voyage/voyage-multimodal-3",
        "QUALIA_VOYAGE__API_KEY": KEY,
        "QUALIA_VOYAGE__URL": server.url,
        "QUALIA_VOYAGE__REQUESTS_PER_MINUTE": "600000",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    command = [sys.executable, "-c", setup + textwrap.dedent(script), *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


def test_nothing_but_the_configured_address_is_ever_connected_to(
    server: EmbeddingServer, tmp_path: Path
) -> None:
    plain(tmp_path / "p.png", 60, 60)
    script = """
        met = []
        def note(event, given):
            if event == "socket.connect":
                met.append(given[1])
            if event in ("socket.getaddrinfo", "socket.gethostbyname"):
                met.append(given[0])
        sys.addaudithook(note)
        before = "voyageai" in sys.modules
        got = embedder.embed([Content("a", text="words")])
        got += embedder.embed([Content("b", image=Path(sys.argv[1]))])
        heavy = [m for m in ("torch", "transformers", "sentence_transformers") if m in sys.modules]
        print(json.dumps([before, heavy, [v is not None for v in got], met]))
        """
    before, heavy, got, met = json.loads(embed_elsewhere(server, script, str(tmp_path / "p.png")))
    assert (before, heavy, got) == (False, [], [True, True])
    host, port = server.url.removeprefix("http://").removesuffix("/v1").split(":")
    assert met
    assert all(where in (host, [host, int(port)]) for where in met), met


def test_threads_that_embed_while_the_client_is_being_loaded_get_their_vectors(
    server: EmbeddingServer,
) -> None:
    script = """
        def embed(place):
            # Spread over the time that loading takes, during which parts of the client are there already.
            time.sleep(place / 50)
            return embedder.embed([Content(str(place), text=f"text {place}")])[0] is not None

        with ThreadPoolExecutor(50) as pool:
            print(sum(pool.map(embed, range(50))))
        """
    assert embed_elsewhere(server, script) == "50\n"


def test_an_unusable_answer_to_a_single_item_is_an_error(
    server: EmbeddingServer, voyage: Choose, state: State
) -> None:
    server.fail(malformed)
    with pytest.raises(RejectedInput, match="not JSON"):
        make_embedder(voyage(), state).embed(TEXTS[:1])
