"""Vectors that came over a network: looked at before they are believed.

Belongs here: what an answer must hold whichever service sent it. How it is asked is in the services' modules.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qualia_assets.method.neighbours import Floats
from qualia_assets.providers.base import FatalError, RejectedInput


def vectors_of(rows: Any, count: int, dimensions: int, name: str) -> list[Floats | None]:
    """The vectors of an answer in the order of what was sent, each of unit length, shape (dimensions,).

    A single vector that cannot be used (of another length, not finite, nothing but zeros) is None: its place
    is known, so the others, which were paid for, need not be asked for again.

    Args:
        rows: the answer's ``data``, in any order: an ``index`` each, and an ``embedding`` as numbers or as
            the base64 of little-endian float32.
        count: how many were sent.
        dimensions: of the space.
        name: of the provider and model, for the messages.

    Raises:
        RejectedInput: there are more or fewer than were sent, or it cannot be told which is whose.
        FatalError: several came and all are of another length: of another space, as all others would be.
    """
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise RejectedInput(f"{name} answered with something that is no list of embeddings.")
    if sorted(row["index"] for row in rows if isinstance(row.get("index"), int)) != list(range(count)):
        raise RejectedInput(
            f"{name} was sent {count} items and answered with {len(rows)}, or numbered them wrongly."
        )
    raw = {row["index"]: _numbers(row.get("embedding")) for row in rows}
    lengths = {vector.size for vector in raw.values()}
    if count > 1 and lengths.isdisjoint({0, dimensions}):
        found = ", ".join(str(length) for length in sorted(lengths))
        raise FatalError(
            f"{name} answers with vectors of {found} numbers, not {dimensions}: that is another model, "
            "or another setting of it, and its vectors are not mixed with those that there are."
        )
    return [_unit(raw[place], dimensions) for place in range(count)]


def length_of(rows: Any) -> int:
    """How many numbers the one vector of an answer has; 0 where that cannot be told."""
    match rows:
        case [{"embedding": given}]:
            return _numbers(given).size
    return 0


def _numbers(given: Any) -> Floats:
    """The numbers of one embedding; none where it is not one."""
    try:
        if isinstance(given, str):
            return np.frombuffer(base64.b64decode(given, validate=True), dtype="<f4")
        with np.errstate(over="ignore"):
            return np.asarray(given, dtype=np.float32).reshape(-1)
    except (TypeError, ValueError, OverflowError, binascii.Error):
        return np.zeros(0, dtype=np.float32)


def _unit(vector: Floats, dimensions: int) -> Floats | None:
    if vector.shape != (dimensions,) or not np.isfinite(vector).all():
        return None
    # In float64: numbers that float32 holds may have squares that it does not.
    norm = np.linalg.norm(vector.astype(np.float64))
    return np.asarray(vector / norm, dtype=np.float32) if norm > 0 else None
