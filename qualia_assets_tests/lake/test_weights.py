"""Trained weights are in the lake, in files named by their content."""

from pathlib import Path

import numpy as np
import pytest

from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.lake.weights import forget_weights, read_weights, write_weights

LINEAR = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(2, dtype=np.float32)}
OTHER = {"weight": np.ones((2, 3), dtype=np.float32)}


def test_weights_are_read_as_they_were_written_and_none_for_the_identity(lake: Lake) -> None:
    path = write_weights(lake, "ann", LINEAR)
    assert Path(path).parts[:3] == ("adapters", "user=ann", "weights")
    back = read_weights(lake, path)
    assert {name: (w.dtype, w.tolist()) for name, w in back.items()} == {
        name: (np.float32, w.tolist()) for name, w in LINEAR.items()
    }
    assert read_weights(lake, None) == {}


@pytest.mark.parametrize("data", [None, b"", b"half a fi"])
def test_missing_or_damaged_weights_say_how_to_train_again(lake: Lake, data: bytes | None) -> None:
    path = write_weights(lake, "ann", LINEAR)
    (lake.root / path).unlink()
    if data is not None:
        (lake.root / path).write_bytes(data)
    with pytest.raises(LakeError) as error:
        read_weights(lake, path)
    assert path in str(error.value)
    assert "--from adapters --force" in str(error.value)


def test_equal_weights_share_a_file_and_unused_ones_of_the_same_user_are_deleted(lake: Lake) -> None:
    used, unused = write_weights(lake, "ann", LINEAR), write_weights(lake, "ann", OTHER)
    assert write_weights(lake, "ann", LINEAR) == used != unused
    of_bob = write_weights(lake, "bob", OTHER)
    forget_weights(lake, "ann", keep={used})
    left = {path.relative_to(lake.root).as_posix() for path in lake.root.rglob("*.safetensors")}
    assert left == {used, of_bob}
