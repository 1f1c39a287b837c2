from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from riskkit.cohort.read import read
from riskkit.errors import DataError
from riskkit.spec.tables import FileSpec, VariableSpec

TABLE = pd.DataFrame({"ID": [3.0, 1.0], "X": [0.0, np.nan], "Name": ["a b", ""], "other": [1.0, 2.0]})


def variables(*columns: str, **fixed: tuple[int, int]) -> dict[str, VariableSpec]:
    declared = {c.lower(): VariableSpec(source=f"f.{c}", label=c, kind="number") for c in columns}
    return declared | {
        c: VariableSpec(source=f"f.{c}", label=c, kind="number", columns=positions) for c, positions in fixed.items()
    }


def fixed(record: int, shortest: int | None = None, encoding: str | None = None) -> FileSpec:
    lengths = {"record_length": record, "shortest_record": shortest}
    return FileSpec(path="f", format="fixed", id_columns=(1, 2), encoding=encoding, **lengths)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["csv", "parquet", "xpt", "dta"])
def test_every_format_gives_the_same(tmp_path: Path, kind: str, packed: bool) -> None:
    file = tmp_path / f"f.{kind}"
    if kind == "csv":
        TABLE.to_csv(file, index=False)
    elif kind == "parquet":
        TABLE.to_parquet(file)
    else:
        write = {"xpt": pyreadstat.write_xport, "dta": pyreadstat.write_dta}[kind]
        write(TABLE, file, **({"file_format_version": 5} if kind == "xpt" else {}))
    if packed:
        file = tmp_path / f"f.{kind}.gz"
        file.write_bytes(gzip.compress((tmp_path / f"f.{kind}").read_bytes()))
    frame = read(file, FileSpec(path=file.name, format=kind), "id", variables("x", "NAME"))
    assert frame.columns.tolist() == ["id", "x", "name"]
    assert frame["id"].tolist() == [3, 1]
    assert frame["id"].dtype == np.int64
    assert frame["name"].tolist() == ["a b", ""]
    if kind == "csv":
        assert frame["x"].tolist() == ["0.0", ""]
    else:
        np.testing.assert_array_equal(frame["x"], [0, np.nan])


def test_zeros_of_sas_transport_files_are_zeros(mirror: Path) -> None:
    """pandas.read_sas gives 5.4e-79 for them."""
    file = mirror / "nhanes_continuous" / "ALQ_C.XPT"
    cells = read(file, FileSpec(path=file.name, format="xpt"), "SEQN", variables("ALQ120Q"))["alq120q"]
    other = pd.read_sas(file)["ALQ120Q"]
    assert (cells == 0).sum() == ((other > 0) & (other < 1e-70)).sum() > 0
    np.testing.assert_allclose(cells, other, atol=1e-70)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_fixed_width_by_official_positions(tmp_path: Path, end: bytes) -> None:
    file = tmp_path / "f"
    file.write_bytes(end.join([b"01 12.5x", b"02 .   ", b"03"]) + end)
    frame = read(file, fixed(8, shortest=2), "", variables(v=(4, 7), last=(8, 8)))
    assert frame.to_dict("list") == {"id": [1, 2, 3], "v": ["12.5", ".", ""], "last": ["x", "", ""]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"01234567\r\n0223456\r\n03234567\r\n", r"line 2 has 7 characters where a record has 8: the file is cut off"),
        (b"01234567\r\n02234567\r\n032345", r"line 3 has 6 characters where a record has 8"),
        (b"01234567\n022345678\n", r"line 2 has 9 characters where a record has 8"),
        (b"01234567\n\n02234567\n", r"line 2 has 0 characters where a record has 8"),
        (b"", r"the file is empty"),
    ],
)
def test_fixed_width_files_of_another_length_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "f"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(file, fixed(8), "", variables(v=(3, 4)))


def test_where_blanks_were_cut_a_last_line_without_end_is_still_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"01234567\n0223\n0323")
    with pytest.raises(DataError, match="line 3 has 4 characters"):
        read(file, fixed(8, shortest=4), "", variables(v=(3, 8)))
    file.write_bytes(b"01234567\n0223\n03234567   ")
    assert read(file, fixed(8, shortest=4), "", variables(v=(3, 8)))["v"].tolist() == ["234567", "23", "234567"]


def test_the_number_of_a_faulty_line_counts_through_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskkit.cohort.fixed.BLOCK", 20)
    file = tmp_path / "f"
    lines = [f"{i:02d}{i:06d}" for i in range(1, 31)]
    file.write_text("\n".join(lines) + "\n\x1a")
    frame = read(file, fixed(8), "", variables(v=(3, 8)))
    assert frame["v"].tolist() == [f"{i:06d}" for i in range(1, 31)]
    file.write_text("\n".join([*lines[:22], "23", *lines[23:]]) + "\n")
    with pytest.raises(DataError, match="line 23 has 2 characters"):
        read(file, fixed(8), "", variables(v=(3, 8)))


def test_text_in_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes("01é\n".encode("latin-1"))
    assert read(file, fixed(3, encoding="latin-1"), "", variables(v=(3, 3)))["v"].tolist() == ["é"]
    with pytest.raises(DataError, match=r"positions 3 to 3 are not utf-8 text\. Declare its encoding"):
        read(file, fixed(3), "", variables(v=(3, 3)))
    file.write_bytes("ID;X\n1;é\n".encode("latin-1"))
    layout = FileSpec(path="f", format="csv", delimiter=";", encoding="latin-1")
    assert read(file, layout, "ID", variables("X"))["x"].tolist() == ["é"]
    with pytest.raises(DataError, match=r"cannot be read as csv: .*UTF8.* correct its format or encoding"):
        read(file, FileSpec(path="f", format="csv", delimiter=";"), "ID", variables("X"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ID,Y\n1,2\n", r"there is no column 'X'\. Known: ID, Y"),
        (b"ID,x,X\n1,2,3\n", None),
        (b"ID,X,X\n1,2,3\n", "2 columns are called 'X': X, X"),
        (b"ID,X\n1,2,3\n", "cannot be read as csv: CSV parse error: Expected 2 columns, got 3"),
        (b"ID,X\n1\n", "cannot be read as csv: CSV parse error: Expected 2 columns, got 1"),
        (b"", "cannot be read as csv: Empty CSV file"),
        (b"ID,X\n1,2\n,3\n", r"1 record\(s\) have no identifier, the first is record 2"),
        (b"ID,X\n1,2\n01,3\n", r"1 identifier\(s\) stand in more than one record, such as 1 \(2 records\)"),
    ],
)
def test_tables_that_are_not_what_they_should_be(tmp_path: Path, content: bytes, message: str | None) -> None:
    file = tmp_path / "f.csv"
    file.write_bytes(content)
    layout = FileSpec(path="f.csv", format="csv")
    if message is None:
        assert read(file, layout, "ID", variables("X"))["x"].tolist() == ["3"]
        return
    with pytest.raises(DataError, match=message):
        read(file, layout, "ID", variables("X"))


@pytest.mark.parametrize("kind", ["xpt", "dta", "sas7bdat", "parquet"])
def test_a_file_of_another_format(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"nonsense" * 100)
    with pytest.raises(DataError, match=f"cannot be read as {kind}: .*Fetch it again"):
        read(file, FileSpec(path="f", format=kind), "ID", variables("X"))


def test_a_transport_file_cut_off_in_a_record(mirror: Path, tmp_path: Path) -> None:
    whole = (mirror / "nhanes3" / "SSIGF.XPT").read_bytes()
    file = tmp_path / "SSIGF.XPT"
    file.write_bytes(whole[: len(whole) // 2 + 3])
    with pytest.raises(DataError, match="its size is not a multiple of 80 bytes: cut off"):
        read(file, FileSpec(path="f", format="xpt"), "SEQN", variables("IGP_I"))


def test_a_damaged_gz(tmp_path: Path) -> None:
    file = tmp_path / "f.gz"
    file.write_bytes(gzip.compress(b"01234567\n" * 50)[:-12])
    with pytest.raises(DataError, match=r"f\.gz: the compressed file is damaged or cut off"):
        read(file, fixed(8), "", variables(v=(3, 8)))
