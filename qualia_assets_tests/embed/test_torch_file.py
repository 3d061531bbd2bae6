"""Files of torch are read as torch reads them, and nothing in them is run."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qualia_assets.embed.torch_file import load_state_dict


def save(content: Any, path: Path, zipped: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def test_tensors_are_read_as_torch_reads_them(tmp_path: Path) -> None:
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    given = OrderedDict(
        plain=base,
        transposed=base.permute(2, 0, 1),
        part=base[1, :, 1:3],
        count=torch.tensor(7),
        empty=torch.zeros(0, 5),
    )
    read = load_state_dict(save(given, tmp_path / "model.pth"))
    assert list(read) == list(given)
    for name, tensor in given.items():
        assert read[name].dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(read[name], tensor.numpy())


class _Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("made",)


def test_a_file_that_names_anything_but_tensors_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="mkdir"):
        load_state_dict(save({"w": _Evil()}, tmp_path / "evil.pth"))
    assert not (tmp_path / "made").exists()


def test_torchs_zip_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError):
        load_state_dict(save({"w": torch.zeros(1)}, tmp_path / "zip.pth", zipped=True))
