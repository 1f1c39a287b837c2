"""A cohort's table that is not as it was written is refused in a sentence, whichever bit has flipped."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from biobank import Extract

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.errors import DataError, StorageError


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    path = root / "cohort.parquet"
    load_cohort(Extract().write(root)).write(path)
    return path


def test_it_is_read_as_it_was_written_and_others_can_read_it_too(written: Path, tmp_path: Path) -> None:
    cohort = Cohort.read(written)
    assert pq.read_table(written).num_rows == len(cohort.data)
    cohort.write(tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == written.read_bytes()


def test_no_bit_flips_unseen(written: Path, tmp_path: Path) -> None:
    whole, damaged = written.read_bytes(), tmp_path / "damaged.parquet"
    rng = np.random.default_rng(1)
    places = {*rng.integers(0, len(whole), 400).tolist(), *range(8), *range(len(whole) - 64, len(whole))}
    for place in places:
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        damaged.write_bytes(content)
        with pytest.raises(DataError, match=r"damaged\.parquet: .* Build the cohort anew\.$"):
            Cohort.read(damaged)


@pytest.mark.parametrize("length", [0, 1, 100, 5000, -1, -100])
def test_a_cut_file(written: Path, tmp_path: Path, length: int) -> None:
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(written.read_bytes()[:length])
    with pytest.raises(DataError, match="Build the cohort anew"):
        Cohort.read(damaged)


def test_bytes_behind_the_end(written: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(written.read_bytes() + b"PAR1")
    with pytest.raises(DataError, match="Build the cohort anew"):
        Cohort.read(damaged)


def test_a_table_of_another_program_carries_no_checksum(tmp_path: Path, written: Path) -> None:
    path = tmp_path / "other.parquet"
    table = pq.read_table(written)
    pq.write_table(table.replace_schema_metadata({b"riskkit": table.schema.metadata[b"riskkit"]}), path)
    with pytest.raises(DataError, match="carries no checksum"):
        Cohort.read(path)


def test_a_full_disk_is_a_sentence_and_the_old_table_stays(
    written: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "cohort.parquet"
    path.write_bytes(written.read_bytes())
    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(StorageError, match=r"cohort\.parquet: the disk is full\. Free some space, and run again\."):
        Cohort.read(path).write(path)
    assert path.read_bytes() == written.read_bytes()
