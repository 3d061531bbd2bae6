"""Embedding must not load torch: it takes seconds and, on most machines, gigabytes."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

SCRIPT = """
import sys
from pathlib import Path
import qualia_assets.definitions
from qualia_assets.embed.base import Content
from qualia_assets.embed.imagenet import ImageNetClassifier
from qualia_assets.embed.minilm import MiniLMText
from qualia_assets.progress import silent
from qualia_assets.state.database import State

models, picture, state = Path(sys.argv[1]), Path(sys.argv[2]), State(sys.argv[3])
vector, = MiniLMText(models, 1).embed([Content("a", text="the sea")])
labels = ImageNetClassifier(models, 1, state).labels({"b": picture}, silent)
print(vector.shape, len(labels["b"]), len(list(models.glob("*.onnx"))))
print(sorted({"torch", "transformers", "sentence_transformers"} & set(sys.modules)))
"""


def test_models_are_written_and_run_without_torch(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), "navy").save(tmp_path / "p.png")
    given = [tmp_path / "models", tmp_path / "p.png", f"sqlite:///{tmp_path / 'state.sqlite'}"]
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, given)], capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines() == ["(384,) 20 2", "[]"], ran.stderr[-2000:]
