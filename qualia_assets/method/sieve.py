"""The nearest to one query at a time, exactly, with most vectors ruled out before they are looked at in full.

A product of one query with all vectors takes as long as reading the vectors from memory. In whole numbers of
eight bits they are a quarter of that. What such a product may be wrong by is known of every vector, so of
nearly all it is certain that they are not among the nearest; the few that are left are compared in full.

Belongs here: single queries. Many at once are compared in ``neighbours``, whose products are not held up by
memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from qualia_assets.method.neighbours import Floats, Ints

# Of vectors eight bits, of a query seven: in sixteen, in which processors add, two products do not overflow.
_VECTOR_STEPS, _QUERY_STEPS = 127, 63
_QUERY_ZERO = _QUERY_STEPS + 1
"""What stands for nothing in a query, whose whole numbers have no sign."""
_ROUNDING = 1e-5
_LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True)
class Sieve:
    """Vectors to be searched, shape (n, d), unit, looked over once. Safe to use from several threads.

    ``product`` multiplies a query in whole numbers with all of them; ``error``, shape (n,), is how far each
    lies from the same in whole numbers, ``worst`` the most of it.
    """

    vectors: Floats
    error: Floats
    worst: np.float32
    product: Any

    @classmethod
    def of(cls, vectors: Floats) -> "Sieve":
        step = np.maximum(np.abs(vectors).max(axis=1, initial=0), _ROUNDING) / np.float32(_VECTOR_STEPS)
        whole = np.rint(vectors / step[:, None]).astype(np.int8)
        error = np.linalg.norm(vectors - whole * step[:, None], axis=1)
        product = _product(whole, step) if vectors.size else None
        # Rows of a mapped file are picked out quicker when it is taken for a plain array.
        return cls(np.asarray(vectors), error, error.max(initial=0), product)

    def __len__(self) -> int:
        return len(self.vectors)

    def scan(self, query: Floats) -> Floats:
        """The cosines of a query, shape (d,), nearly: shape (n,)."""
        if not self.vectors.size:
            return np.zeros(len(self), np.float32)
        step, whole = _in_whole_numbers(query)
        found: Floats = self.product.run(None, {"query": (whole + _QUERY_ZERO).astype(np.uint8)[None]})[0][0]
        found *= np.float32(step)
        return found

    def nearest(
        self, query: Floats, k: int, nearly: Floats, among: Ints | None = None
    ) -> tuple[Ints, Floats]:
        """The ``k`` nearest to a query among the vectors, or some of them.

        Args:
            query: shape (d,).
            k: neighbours wanted; there may be fewer.
            nearly: as from :meth:`scan`; the cosine of a vector that is not wanted is ``-inf``.
            among: rows of the vectors, ascending; all where they are not given.

        Returns:
            Rows and their cosines, nearest first; ties to the smaller row.
        """
        cosine = nearly if among is None else nearly[among]
        if k < 1 or not len(cosine):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        # As many as are wanted are at least as near as the last of them less what that may be wrong by.
        least = _highest(cosine, k) - 2 * wrong(query, self.worst)
        near = np.flatnonzero(cosine >= max(least, _LOWEST))
        left = near if among is None else among[near]
        # Of these few, what each may be wrong by rules out more.
        off = wrong(query, self.error[left])
        left = left[cosine[near] + off >= _highest(cosine[near] - off, k)]
        # One by one, so that copies of a vector have the same cosine.
        cosines = np.vecdot(self.vectors[left], query)
        order = np.argsort(-cosines, kind="stable")[:k]
        return left[order], cosines[order]


def wrong(query: Floats, error: Any) -> Any:
    """By how much a cosine that :meth:`Sieve.scan` gives may be wrong, where the vector's error is this."""
    step, whole = _in_whole_numbers(query)
    lost = np.linalg.norm(query - whole * np.float32(step))
    # |q x - q' x'| <= |q| |x - x'| + |q - q'| |x'|, and what floating point adds.
    return error * np.linalg.norm(query) + lost * (1 + error) + np.float32(_ROUNDING)


def _in_whole_numbers(query: Floats) -> tuple[float, Floats]:
    step = max(float(np.abs(query).max()), 1e-12) / _QUERY_STEPS
    return step, np.rint(query / step)


def _highest(values: Floats, k: int) -> Any:
    """The ``k``-th highest value; ``-inf`` where there are fewer."""
    return np.partition(values, -k)[-k] if len(values) >= k else -np.inf


def _product(whole: np.ndarray, step: Floats) -> Any:
    """Cosines of a query in whole numbers, (1, d), with vectors in whole numbers of these steps: (1, n)."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    n, d = whole.shape
    graph = helper.make_graph(
        [
            helper.make_node("MatMulInteger", ["query", "vectors", "zero"], ["product"]),
            helper.make_node("Cast", ["product"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["real", "step"], ["cosine"]),
        ],
        "sieve",
        [helper.make_tensor_value_info("query", TensorProto.UINT8, [1, d])],
        [helper.make_tensor_value_info("cosine", TensorProto.FLOAT, [1, n])],
        [
            numpy_helper.from_array(np.ascontiguousarray(whole.T), "vectors"),
            numpy_helper.from_array(np.array(_QUERY_ZERO, dtype=np.uint8), "zero"),
            numpy_helper.from_array(step.astype(np.float32), "step"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
