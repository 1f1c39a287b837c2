"""What stands in a data file nobody has described yet: kinds, levels, missing values and doubtful codes of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from riskkit.cohort.files import opened
from riskkit.cohort.fixed import read_fixed
from riskkit.cohort.read import described, read_whole
from riskkit.cohort.sentinels import MOST_LEVELS, doubtful_numbers, heaped
from riskkit.cohort.variables import DATE, NUMBER
from riskkit.errors import DataError, SpecError, did_you_mean
from riskkit.spec.tables import FileSpec, same_code

Form = Literal["number", "category", "flag", "date", "text", "empty"]
Format = Literal["fixed", "csv", "xpt", "sas7bdat", "dta", "parquet"]

FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".xpt": "xpt",
    ".sas7bdat": "sas7bdat",
    ".dta": "dta",
}
DELIMITERS = (",", ";", "\t", "|")
HEADER = 1 << 16  # bytes of a file in which its header is looked for
NOT_THERE = ("NA", "N/A", "NaN", "nan", "NULL", "null", "None", ".", "?", "missing", "unknown", "Unknown")
MOST_WORDS = 30
LONGEST = 200  # characters of a name or code
FLAGS = ({"0", "1"}, {"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"})
DECIMAL_COMMA = r"[+-]?[0-9]+,[0-9]+"


@dataclass(frozen=True)
class Column:
    """A column of a data file as it was found.

    Attributes
    ----------
    name : str
    label : str or None
        What the file itself calls it (SAS, Stata).
    kind : str
        What it seems to be; 'text' is what has too many values for a category.
    records : int
    blank : int
        Empty cells.
    absent : dict of str to int
        Texts that usually say that a value is missing, such as NA, with their counts.
    doubtful : dict of str to int
        Numbers that probably stand for missing values, such as -9 or 999, with their counts.
    heaped : dict of str to int
        Single values that many more people have than the values beside it.
    levels : dict of str to int
        Codes with their counts (category and flag).
    meanings : dict of str to str
        What the codes mean, where the file says so.
    values : array of float
        The numbers without doubtful ones (number), or days since 1970-01-01 (date).
    unique : bool
        Whether every record has a value of its own.
    remark : str
        Why riskkit cannot read it as it is; empty if it can.
    """

    name: str
    label: str | None
    kind: Form
    records: int
    blank: int
    absent: dict[str, int]
    doubtful: dict[str, int] = field(default_factory=dict)
    heaped: dict[str, int] = field(default_factory=dict)
    levels: dict[str, int] = field(default_factory=dict)
    meanings: dict[str, str] = field(default_factory=dict)
    values: np.ndarray = field(default_factory=lambda: np.empty(0))
    unique: bool = False
    remark: str = ""

    @property
    def missing(self) -> int:
        """Cells without a value, doubtful ones not counted."""
        return self.blank + sum(self.absent.values())

    @property
    def unreadable(self) -> str:
        """Why no variable can be made of it; empty if one can."""
        if not self.name or any(letter.isspace() for letter in self.name):
            return "a column's name must have no blanks: rename it in the file"
        if not all(text.isprintable() and len(text) <= LONGEST for text in (self.name, *self.levels)):
            return f"its name or a value has a character that cannot be printed, or is longer than {LONGEST}"
        return self.remark or ("no record has a value" if self.kind in ("empty", "text") else "")


@dataclass(frozen=True)
class Look:
    """A data file: how it is read, and its columns in their order."""

    path: Path
    file: FileSpec
    records: int
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """Find a column, capitals not minded.

        Raises
        ------
        SpecError
            If there is none of this name.
        """
        exact = [c for c in self.columns if c.name == name]
        alike = exact or [c for c in self.columns if c.name.casefold() == name.casefold()]
        if len(alike) != 1:
            known = did_you_mean(name, [c.name for c in self.columns])
            raise SpecError(f"{self.path}: there is no column '{name}'.{known}")
        return alike[0]


def look(path: str | Path, fields: Mapping[str, tuple[int, int]] | None = None) -> Look:
    """Read a data file and find out what its columns are.

    Parameters
    ----------
    path : path
        CSV (its delimiter and encoding are found), Parquet, SAS, Stata, plain or .gz; or a file of fixed width.
    fields : mapping of str to (first, last), optional
        Positions of the columns of a file of fixed width, counted from 1.

    Raises
    ------
    SpecError
        If there is no such file, or its format is not known.
    DataError
        If it cannot be read or has no records.
    """
    path = Path(path)
    if not path.is_file():
        near = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else []
        raise SpecError(f"{path}: there is no such file.{did_you_mean(path.name, near) if near else ''}")
    file = _file(path, fields)
    frame = read_fixed(path, file, fields) if fields else read_whole(path, file)
    if frame.empty:
        raise DataError(f"{path}: there are no records in it.")
    labels, meanings, formats = described(path, file)
    columns = tuple(
        _column(
            frame[name],
            labels.get(name),
            {same_code(code): label for code, label in meanings.get(name, {}).items()},
            formats.get(name) or "",
        )
        for name in map(str, frame.columns)
    )
    return Look(path, file, len(frame), columns)


def _file(path: Path, fields: Mapping[str, tuple[int, int]] | None) -> FileSpec:
    suffix = (path.with_suffix("") if path.suffix.casefold() == ".gz" else path).suffix.casefold()
    if fields:
        for name, (first, last) in fields.items():
            if not 1 <= first <= last:
                raise SpecError(f"the positions of '{name}' must be FIRST-LAST, counted from 1; got {first}-{last}.")
        with opened(path) as stream:
            length = max(len(line.rstrip(b"\r\n\x1a")) for line in (*stream, b""))
        length = max(length, *(last for _, last in fields.values()))
        return _declared(path, format="fixed", record_length=length, shortest_record=0)
    if suffix not in FORMATS:
        raise SpecError(
            f"{path}: the format of '{suffix or path.name}' is not known. riskkit reads {', '.join(FORMATS)} (and .gz "
            "of them), and files of fixed width with their positions: --fields id=1-5,age=6-8. Save it as CSV."
        )
    if FORMATS[suffix] != "csv":
        return _declared(path, format=FORMATS[suffix])
    return _declared(path, format="csv", delimiter=_delimiter(path), encoding=_encoding(path))


def _declared(path: Path, **said: object) -> FileSpec:
    return FileSpec.model_validate({"path": path.name, **said})


def _delimiter(path: Path) -> str:
    with opened(path) as stream:
        header = stream.readline(HEADER)
    if not header.strip():
        raise DataError(f"{path}: the file is empty, or its first line is, where the names of the columns should be.")
    return max(DELIMITERS, key=lambda each: header.count(each.encode()))


def _encoding(path: Path) -> str | None:
    """Name of an encoding other than UTF-8 that all of the file can be read in."""
    with opened(path) as stream:
        content = stream.read()
    for encoding in ("utf-8", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if encoding == "utf-8" else encoding
    return "latin-1"


def _column(cells: pd.Series, label: str | None, meanings: dict[str, str], form: str) -> Column:
    name = str(cells.name)
    if pd.api.types.is_datetime64_any_dtype(cells):
        days = (cells.dropna() - pd.Timestamp(0, tz=cells.dt.tz)) // pd.Timedelta(days=1)
        return Column(
            name, label, "date", len(cells), int(cells.isna().sum()), {}, values=days.to_numpy(np.float64),
            remark="dates with a time zone are not read: write them without" if cells.dt.tz is not None else "",
        )  # fmt: skip
    found = cells[cells != ""].value_counts()
    counts = found.groupby([same_code(cell) for cell in found.index.to_numpy()]).sum().sort_values(ascending=False)
    absent = {code: int(n) for code, n in counts.items() if code in NOT_THERE and code not in meanings}
    there = counts.drop(list(absent))
    known = Column(
        name, label, "empty", len(cells), len(cells) - int(counts.sum()), absent,
        meanings=meanings, unique=len(there) == len(cells),
    )  # fmt: skip
    if there.empty:
        return known
    codes = [str(code) for code in there.index]
    if _dated(form):
        return replace(known, kind="date", remark="a date that is written as a number here: save the file as CSV")
    if all(DATE.fullmatch(code) for code in codes):
        dates = pd.to_datetime([code[:10] for code in codes], errors="coerce").to_numpy().astype("datetime64[D]")
        if not np.isnat(dates).any():
            return replace(known, kind="date", values=np.repeat(dates.astype(np.float64), there.to_numpy()))
    if all(NUMBER.fullmatch(code) for code in codes):
        return _number(known, there)
    if pd.Series(codes).str.fullmatch(DECIMAL_COMMA + r"|[+-]?[0-9]+").all():
        return replace(known, kind="text", remark="numbers with a decimal comma: save the file with decimal points")
    if len(there) > MOST_WORDS:
        wrong = [code for code in codes if not NUMBER.fullmatch(code)]
        if len(wrong) <= MOST_LEVELS and len(wrong) < len(codes) / 4:
            return replace(
                known,
                kind="text",
                remark=f"numbers, but for {_quoted(wrong[:5])}: write numbers there, or leave these cells empty",
            )
        return replace(known, kind="text", remark="text of too many different values for a category")
    return replace(known, kind=_flag_or_category(codes), levels=_ordered(there))


def _number(known: Column, counts: pd.Series) -> Column:
    """Tell a number from a code, and find the numbers that stand for something else."""
    values = counts.groupby([float(code) for code in counts.index]).sum()  # the index sorted
    if not np.isfinite(values.index).all():
        return replace(known, kind="text", remark="a number is too large to be one")
    doubtful = doubtful_numbers(values, {float(code) for code in known.meanings if NUMBER.fullmatch(code)})
    rest = values.drop(doubtful)
    codes = [same_code(value) for value in rest.index.to_numpy()]
    doubted = {same_code(value): int(values[value]) for value in doubtful}
    whole = bool((rest.index.to_numpy() % 1 == 0).all())
    described = bool(known.meanings) and set(codes) <= set(known.meanings)
    few = whole and len(rest) <= MOST_LEVELS and len(rest) < known.records / 2
    if described or (few and not known.unique):
        levels = {same_code(value): int(n) for value, n in zip(rest.index.to_numpy(), rest, strict=True)}
        return replace(known, kind=_flag_or_category(codes), levels=levels, doubtful=doubted)
    numbers = np.repeat(rest.index.to_numpy(), rest.to_numpy())
    return replace(known, kind="number", values=numbers, doubtful=doubted, heaped=heaped(rest))


def as_number(column: Column) -> Column:
    """Take a column whose few values look like codes for the number that it is."""
    if column.kind not in ("category", "flag") or not all(NUMBER.fullmatch(code) for code in column.levels):
        return column
    values = np.repeat([float(code) for code in column.levels], list(column.levels.values()))
    return replace(column, kind="number", values=values, levels={}, meanings={})


def _dated(form: str) -> bool:
    return form.upper().startswith(("%T", "%D", "DATE", "MMDDYY", "DDMMYY", "YYMMDD", "DATETIME"))


def _flag_or_category(codes: list[str]) -> Form:
    folded = {code.casefold() for code in codes}
    return "flag" if len(codes) == 2 and folded in FLAGS else "category"


def _ordered(counts: pd.Series) -> dict[str, int]:
    """Order levels as numbers where they are, else by the alphabet."""
    by = lambda code: (0, float(code), code) if NUMBER.fullmatch(code) else (1, 0.0, code)  # noqa: E731
    return {code: int(counts[code]) for code in sorted(map(str, counts.index), key=by)}


def _quoted(codes: list[str]) -> str:
    return ", ".join(f"'{code[:30]}'" for code in codes)
