"""Writing ONNX graphs by hand, so that no model has to be exported through torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class OnnxGraph:
    """A graph under construction: values are names, arrays become initialisers."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._initializers: list[Any] = []

    def add(self, op: str, *inputs: str | NDArray[Any] | np.generic, **attributes: Any) -> str:
        """Append a node of one output, and return that output's name."""
        from onnx import helper

        names = [value if isinstance(value, str) else self._initializer(value) for value in inputs]
        name = f"{op}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, names, [f"{name}_output"], name, **attributes))
        return f"{name}_output"

    def model(
        self,
        inputs: list[Any],
        output: Any,
        *,
        opset: int,
        ir_version: int,
        also: Mapping[str, Any] | None = None,
    ) -> Any:
        """The model. The last node's output becomes the graph's.

        Args:
            inputs: of the graph, as ``onnx.helper.make_tensor_value_info`` makes them.
            output: of the graph, likewise.
            opset: version of the operators.
            ir_version: of the file format; older runtimes refuse the newest.
            also: more outputs of the graph, likewise, by the name of the value that each is.
        """
        from onnx import helper

        self._nodes[-1].output[0] = output.name
        copies = [helper.make_node("Identity", [x], [y.name]) for x, y in (also or {}).items()]
        outputs = [output, *(also or {}).values()]
        graph = helper.make_graph([*self._nodes, *copies], "main_graph", inputs, outputs, self._initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)

    def _initializer(self, array: NDArray[Any] | np.generic) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self._initializers)}"
        self._initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name
