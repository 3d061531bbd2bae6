"""Reading the state dict of a model that torch saved, without torch and without running what the file says.

Only the format before torch 1.6 is read: five pickles (magic number, protocol, machine, the state dict, the
keys of its storages), then for each key the number of its elements and the elements.
"""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


class _Tensor(NamedTuple):
    """Arguments of torch's ``_rebuild_tensor_v2``: a view into a storage, in elements."""

    storage: tuple[str, str]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    requires_grad: bool
    hooks: Any


_GLOBALS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _GLOBALS:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a state dict")
        return _GLOBALS[module, name]

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        """Key and type of a storage."""
        _, dtype, key, *_ = pid
        return key, dtype


def load_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays by the names of a model's parameters.

    Raises:
        pickle.UnpicklingError: the file is of another format, or names anything but tensors.
    """
    with path.open("rb") as file:
        if (_load(file), _load(file)) != (_MAGIC, _PROTOCOL):
            raise pickle.UnpicklingError(f"{path} is not of torch's format before 1.6")
        _load(file)
        tensors: dict[str, _Tensor] = _load(file)
        dtypes = dict(tensor.storage for tensor in tensors.values())
        storages = {}
        for key in _load(file):
            dtype = np.dtype(dtypes[key])
            count = int.from_bytes(file.read(8), "little")
            storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {name: _view(storages[tensor.storage[0]], tensor) for name, tensor in tensors.items()}


def _load(file: BinaryIO) -> Any:
    return _Unpickler(file).load()


def _view(storage: NDArray[Any], tensor: _Tensor) -> NDArray[Any]:
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return np.ndarray(tensor.shape, storage.dtype, storage, tensor.offset * storage.itemsize, strides)
