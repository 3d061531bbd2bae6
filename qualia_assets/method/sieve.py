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
_ROUNDING = np.float32(1e-5)


@dataclass(frozen=True)
class Sieve:
    """Vectors to be searched, shape (n, d), unit, looked over once. Safe to use from several threads.

    ``step`` is the size of a whole number in each vector, ``error`` how far the vector in whole numbers lies
    from it, ``total`` the sum of these numbers; shape (n,).
    """

    vectors: Floats
    step: Floats
    error: Floats
    total: Floats
    product: Any

    @classmethod
    def of(cls, vectors: Floats) -> "Sieve":
        step = np.maximum(np.abs(vectors).max(axis=1, initial=0), _ROUNDING) / np.float32(_VECTOR_STEPS)
        whole = np.rint(vectors / step[:, None]).astype(np.int8)
        error = np.linalg.norm(vectors - whole * step[:, None], axis=1)
        total = whole.sum(axis=1, dtype=np.int32).astype(np.float32)
        # Rows of a mapped file are picked out quicker when it is taken for a plain array.
        return cls(np.asarray(vectors), step, error, total, _product(whole) if vectors.size else None)

    def __len__(self) -> int:
        return len(self.vectors)

    def scan(self, query: Floats) -> tuple[Floats, Floats]:
        """The cosines of a query, shape (d,), at least and at most, each of shape (n,)."""
        if not self.vectors.size:
            return np.zeros(len(self), np.float32), np.zeros(len(self), np.float32)
        step = max(float(np.abs(query).max()), 1e-12) / _QUERY_STEPS
        whole = np.rint(query / step)
        wrong = np.float32(np.linalg.norm(query - whole * step))
        shifted = (whole + (_QUERY_STEPS + 1)).astype(np.uint8)
        found = self.product.run(None, {"query": shifted[None]})[0][0].astype(np.float32)
        found -= np.float32(_QUERY_STEPS + 1) * self.total
        found *= self.step * np.float32(step)
        # |q x - q' x'| <= |q| |x - x'| + |q - q'| |x'|, and what floating point adds.
        off = self.error * (np.float32(np.linalg.norm(query)) + wrong) + (wrong + _ROUNDING)
        return found - off, found + off

    def nearest(
        self, query: Floats, k: int, among: Ints, bounds: tuple[Floats, Floats]
    ) -> tuple[Ints, Floats]:
        """The ``k`` nearest to a query among some of the vectors.

        Args:
            query: shape (d,).
            k: neighbours wanted; there may be fewer.
            among: rows of the vectors, ascending.
            bounds: as from :meth:`scan`; those of a vector that is not wanted are ``-inf``.

        Returns:
            Rows and their cosines, nearest first; ties to the smaller row.
        """
        least, most = (bound[among] for bound in bounds)
        there = min(k, len(among))
        if not there:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        threshold = np.partition(least, len(least) - there)[-there]
        left = among[(most >= threshold) & (most > -np.inf)]
        # One by one, so that copies of a vector have the same cosine.
        cosines = np.vecdot(self.vectors[left], query)
        order = np.argsort(-cosines, kind="stable")[:there]
        return left[order], cosines[order]


def _product(whole: np.ndarray) -> Any:
    """What multiplies a query in whole numbers with all of them, (1, d) to (1, n)."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    n, d = whole.shape
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["query", "vectors"], ["product"])],
        "sieve",
        [helper.make_tensor_value_info("query", TensorProto.UINT8, [1, d])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [1, n])],
        [numpy_helper.from_array(np.ascontiguousarray(whole.T), "vectors")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
