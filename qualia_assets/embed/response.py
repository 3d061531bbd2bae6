"""Checking and parsing the answers of embedding services, whichever service sent them."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qualia_assets.method.neighbours import Floats
from qualia_assets.providers.base import FatalError, RejectedInput


def parse_embeddings(rows: Any, count: int, dimensions: int, name: str) -> list[Floats | None]:
    """Parse the vectors of an answer.

    Args:
        rows: the answer's ``data``, in any order: each with an ``index``, and an ``embedding`` as numbers or
            as base64 of little-endian float32.
        count: items sent.
        dimensions: of the space.
        name: of provider and model, for messages.

    Returns:
        float32 unit vectors of shape (dimensions,), in the order of the items sent; None for one of another
        length, with a value that is not finite, or all zeros. The others, already paid for, are kept.

    Raises:
        RejectedInput: the number of vectors is wrong, or their indices are.
        FatalError: there are several, all of another length: the server uses another model.
    """
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise RejectedInput(f"{name} answered with something other than a list of embeddings.")
    if sorted(row["index"] for row in rows if isinstance(row.get("index"), int)) != list(range(count)):
        raise RejectedInput(f"{name} answered {count} items with {len(rows)} vectors, or with wrong indices.")
    raw = {row["index"]: _parse(row.get("embedding")) for row in rows}
    lengths = {vector.size for vector in raw.values()}
    if count > 1 and lengths.isdisjoint({0, dimensions}):
        found = ", ".join(str(length) for length in sorted(lengths))
        raise FatalError(
            f"{name} answers with vectors of {found} numbers, not {dimensions}. That is another model, or "
            "another setting of it, whose vectors cannot be mixed with the existing ones."
        )
    return [_unit(raw[place], dimensions) for place in range(count)]


def parse_dimensions(rows: Any) -> int:
    """Return the length of the single vector of an answer, 0 where there is none."""
    match rows:
        case [{"embedding": given}]:
            return _parse(given).size
    return 0


def _parse(given: Any) -> Floats:
    """Return the numbers of an embedding, an empty array where it is malformed."""
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
    # In float64, because squares may overflow float32.
    norm = np.linalg.norm(vector.astype(np.float64))
    return np.asarray(vector / norm, dtype=np.float32) if norm > 0 else None
