"""Trained weights lie below the lake, named by their content."""

from pathlib import Path

import numpy as np
import pytest

from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.lake.weights import forget_weights, read_weights, write_weights

LINEAR = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(2, dtype=np.float32)}
OTHER = {"weight": np.ones((2, 3), dtype=np.float32)}


def test_weights_come_back_as_they_were_from_a_path_below_the_lake(lake: Lake) -> None:
    path = write_weights(lake, "ann", LINEAR)

    assert Path(path).parts[:3] == ("adapters", "user=ann", "weights")
    back = read_weights(lake, path)
    assert {name: array.tolist() for name, array in back.items()} == {
        k: v.tolist() for k, v in LINEAR.items()
    }
    assert all(array.dtype == np.float32 for array in back.values())


def test_the_same_weights_are_one_file_and_others_another(lake: Lake) -> None:
    assert write_weights(lake, "ann", LINEAR) == write_weights(lake, "ann", LINEAR)
    assert write_weights(lake, "ann", LINEAR) != write_weights(lake, "ann", OTHER)
    assert len(list(lake.root.rglob("*.safetensors"))) == 2


def test_doing_nothing_has_no_weights(lake: Lake) -> None:
    assert read_weights(lake, None) == {}


@pytest.mark.parametrize("data", [None, b"", b"half a fi"])
def test_missing_or_damaged_weights_say_how_to_train_again(lake: Lake, data: bytes | None) -> None:
    path = write_weights(lake, "ann", LINEAR)
    (lake.root / path).unlink()
    if data is not None:
        (lake.root / path).write_bytes(data)

    with pytest.raises(LakeError) as told:
        read_weights(lake, path)

    assert path in str(told.value)
    assert "--from adapters --force" in str(told.value)


def test_only_the_users_own_weights_that_are_of_no_use_are_forgotten(lake: Lake) -> None:
    used, unused = write_weights(lake, "ann", LINEAR), write_weights(lake, "ann", OTHER)
    of_bob = write_weights(lake, "bob", OTHER)

    forget_weights(lake, "ann", keep={used})

    left = sorted(path.relative_to(lake.root).as_posix() for path in lake.root.rglob("*.safetensors"))
    assert left == sorted([used, of_bob])
    assert unused not in left
