"""Exact nearest neighbours of a single query, with an int8 product to rule most vectors out first.

The product of one query with all vectors is bound by reading them from memory, and int8 vectors are a quarter
of the size. Each approximate cosine has a known error bound, so nearly all vectors are certain not to be
among the nearest; only the rest are compared in float32.

Batches of queries belong in ``neighbours``: their products are not bound by memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from qualia_assets.method.neighbours import Floats, Ints

# Vectors get 8 bits and queries 7: the sum of two products must fit in the int16 that processors accumulate
# in.
_VECTOR_STEPS, _QUERY_STEPS = 127, 63
_QUERY_ZERO = _QUERY_STEPS + 1
"""The zero point of a quantised query, which is unsigned."""
_ROUNDING = 1e-5
_LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True)
class QuantizedIndex:
    """An int8 index over unit vectors, shape (n, d). Safe to use from several threads.

    ``product`` multiplies a quantised query with all quantised vectors. ``error``, shape (n,), is each
    vector's distance from its quantised form, and ``max_error`` the largest.
    """

    vectors: Floats
    error: Floats
    max_error: np.float32
    product: Any

    @classmethod
    def of(cls, vectors: Floats) -> "QuantizedIndex":
        """Quantise vectors, shape (n, d), each with a scale of its own."""
        scale = np.maximum(np.abs(vectors).max(axis=1, initial=0), _ROUNDING) / np.float32(_VECTOR_STEPS)
        quantized = np.rint(vectors / scale[:, None]).astype(np.int8)
        error = np.linalg.norm(vectors - quantized * scale[:, None], axis=1)
        product = _product(quantized, scale) if vectors.size else None
        # Rows are picked from a memory-mapped file faster through a plain array.
        return cls(np.asarray(vectors), error, error.max(initial=0), product)

    def __len__(self) -> int:
        return len(self.vectors)

    def approximate_scores(self, query: Floats) -> Floats:
        """Return the approximate cosines, shape (n,), of a query, shape (d,), with all vectors.

        Each is within :func:`error_bound` of the exact cosine.
        """
        if not self.vectors.size:
            return np.zeros(len(self), np.float32)
        scale, quantized = _quantize(query)
        unsigned = (quantized + _QUERY_ZERO).astype(np.uint8)[None]
        scores: Floats = self.product.run(None, {"query": unsigned})[0][0]
        scores *= np.float32(scale)
        return scores

    def nearest(self, query: Floats, k: int, scores: Floats, rows: Ints | None = None) -> tuple[Ints, Floats]:
        """Find the ``k`` nearest vectors to a query, exactly.

        Args:
            query: shape (d,).
            k: neighbours wanted; there may be fewer.
            scores: shape (n,), from :meth:`approximate_scores`; ``-inf`` excludes a vector.
            rows: candidate rows, ascending; all rows if not given.

        Returns:
            Rows and their cosines, nearest first; ties go to the smaller row.
        """
        cosine = scores if rows is None else scores[rows]
        if k < 1 or not len(cosine):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        # At least k vectors are certain to be as near as the k-th score less its error. Its own error and
        # that of the vector compared with it are each at most the largest error.
        least = _kth_highest(cosine, k) - 2 * error_bound(query, self.max_error)
        near = np.flatnonzero(cosine >= max(least, _LOWEST))
        left = near if rows is None else rows[near]
        # Among these few, the bound of each vector itself rules out more.
        bound = error_bound(query, self.error[left])
        left = left[cosine[near] + bound >= _kth_highest(cosine[near] - bound, k)]
        # One dot product a row, so that copies of a vector get the same cosine.
        cosines = np.vecdot(self.vectors[left], query)
        order = np.argsort(-cosines, kind="stable")[:k]
        return left[order], cosines[order]


def error_bound(query: Floats, error: Any) -> Any:
    """Bound the error of :meth:`QuantizedIndex.approximate_scores`.

    ``|q x - q' x'| <= |q| |x - x'| + |q - q'| |x'|`` for quantised ``q'`` and ``x'``, plus float rounding.

    Args:
        query: shape (d,).
        error: ``|x - x'|`` of a vector or of several, shape (m,).

    Returns:
        The bound, in the shape of ``error``.
    """
    scale, quantized = _quantize(query)
    query_error = np.linalg.norm(query - quantized * np.float32(scale))
    return error * np.linalg.norm(query) + query_error * (1 + error) + np.float32(_ROUNDING)


def _quantize(query: Floats) -> tuple[float, Floats]:
    scale = max(float(np.abs(query).max()), 1e-12) / _QUERY_STEPS
    return scale, np.rint(query / scale)


def _kth_highest(values: Floats, k: int) -> Any:
    """Return the ``k``-th highest value, ``-inf`` where there are fewer."""
    return np.partition(values, -k)[-k] if len(values) >= k else -np.inf


def _product(quantized: np.ndarray, scale: Floats) -> Any:
    """Build the ONNX model that multiplies a query, (1, d), with quantised vectors, giving (1, n)."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    n, d = quantized.shape
    graph = helper.make_graph(
        [
            helper.make_node("MatMulInteger", ["query", "vectors", "zero"], ["product"]),
            helper.make_node("Cast", ["product"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["real", "scale"], ["cosine"]),
        ],
        "quantized_index",
        [helper.make_tensor_value_info("query", TensorProto.UINT8, [1, d])],
        [helper.make_tensor_value_info("cosine", TensorProto.FLOAT, [1, n])],
        [
            numpy_helper.from_array(np.ascontiguousarray(quantized.T), "vectors"),
            numpy_helper.from_array(np.array(_QUERY_ZERO, dtype=np.uint8), "zero"),
            numpy_helper.from_array(scale.astype(np.float32), "scale"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
