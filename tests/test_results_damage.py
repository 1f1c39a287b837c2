"""Stored results that are not as they were written are refused in a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from results_example import example_results

from riskkit.errors import DataError
from riskkit.results import Results


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_results(1, 1).write(tmp_path_factory.mktemp("results") / "example").parent


def test_no_bit_flips_unseen(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(written, folder)
    assert len(Results.read(folder).estimates)
    rng = np.random.default_rng(1)
    for path in folder.iterdir():
        whole = path.read_bytes()
        for place in {0, len(whole) - 1, *rng.integers(0, len(whole), 3).tolist()}:
            content = bytearray(whole)
            content[place] ^= 1 << int(rng.integers(8))
            path.write_bytes(content)
            with pytest.raises(DataError, match=r"Run the analysis again \(riskkit run \.\.\.\)\.$"):
                Results.read(folder)
        path.write_bytes(whole)


@pytest.mark.parametrize("name", ["SHA256SUMS", "results.json", "estimates.parquet"])
@pytest.mark.parametrize("length", [0, 20])
def test_a_cut_file(written: Path, tmp_path: Path, name: str, length: int) -> None:
    folder = tmp_path / "example"
    shutil.copytree(written, folder)
    (folder / name).write_bytes((folder / name).read_bytes()[:length])
    with pytest.raises(DataError, match=r"Run the analysis again \(riskkit run \.\.\.\)\.$"):
        Results.read(folder)


def test_a_frame_of_other_results(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(written, folder)
    shutil.copy(folder / "curves.parquet", folder / "more.parquet")
    with pytest.raises(DataError, match=r"more\.parquet: is not noted in SHA256SUMS"):
        Results.read(folder)
