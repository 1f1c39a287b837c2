"""Lists of ICD codes that say what an outcome is, and the check of a cohort's lists against each other."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from riskkit.errors import SpecError, did_you_mean
from riskkit.spec.cohort import CohortSpec

HEADER = ("system", "code", "label")
SYSTEMS = {
    "ICD-10": re.compile(r"[A-Z]([0-9]{2}[0-9X]?[0-9A-Z]{0,3})?"),
    "ICD-9": re.compile(r"([0-9]{3}|V[0-9]{2}|E[0-9]{3})[0-9]{0,2}"),
}
EXAMPLES = {"ICD-10": "C50, C50.1, C501 or, for a whole letter, C", "ICD-9": "174, 174.9 or 1749"}


@dataclass(frozen=True)
class Code:
    """A code, without dot, and what it stands for; it covers every longer code that begins with it."""

    system: str
    code: str
    label: str


@dataclass(frozen=True)
class Codelist:
    """The codes of one outcome or history."""

    name: str
    codes: tuple[Code, ...]

    def prefixes(self, system: str) -> tuple[str, ...]:
        """Codes of one system, 'ICD-10' or 'ICD-9'."""
        return tuple(code.code for code in self.codes if code.system == system)

    def covers(self, system: str, code: str) -> bool:
        """Whether a code as it stands in a record, with or without dot, is one of these or under one of these."""
        return plain(code).startswith(self.prefixes(system))


@dataclass(frozen=True)
class Overlap:
    """Codes that two outcomes both count, each the longer of the two that meet."""

    one: str
    other: str
    codes: tuple[Code, ...]


def plain(code: str) -> str:
    """Write a code without dot, blanks and small letters; a number that became a fraction (1749.0) is whole again."""
    return re.sub(r"^([0-9]{4,})\.0$", r"\1", code.strip()).replace(".", "").upper()


def read_codelist(path: Path) -> Codelist:
    """Read a list: a CSV file with the columns system (ICD-10 or ICD-9), code and label; others are for people.

    Raises
    ------
    SpecError
        With every fault of the file, each by its line: an unknown system, a code of no such form, a code that stands
        there twice or under another.
    """
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.csv"))
        raise SpecError(f"{path}: there is no such code list.{did_you_mean(path.stem, known)}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SpecError(f"{path}: cannot be read as CSV in UTF-8 ({error}). Save it so.") from error
    if not rows or any(column not in rows[0] for column in HEADER):
        raise SpecError(f"{path}: must begin with the header {','.join(HEADER)} and have a code a line.")
    codes, faults = [], []
    for line, row in enumerate(rows, start=2):
        system, written = (row["system"] or "").strip(), (row["code"] or "").strip()
        if system not in SYSTEMS:
            faults.append(f"line {line}: '{system}' is no system.{did_you_mean(system, SYSTEMS)}")
        elif not SYSTEMS[system].fullmatch(plain(written)):
            faults.append(f"line {line}: '{written}' is no code of {system}; write it as {EXAMPLES[system]}.")
        else:
            codes.append((line, Code(system, plain(written), (row["label"] or "").strip())))
    for line, code in codes:
        over = [c.code for at, c in codes if at != line and c.system == code.system and code.code.startswith(c.code)]
        if over:
            faults.append(f"line {line}: '{code.code}' is counted already, as {over[0]} stands here too. Remove one.")
    if faults:
        raise SpecError("\n".join([f"{path}: {len(faults)} fault(s)", *(f"  {fault}" for fault in faults)]))
    return Codelist(path.stem, tuple(code for _, code in codes))


def read_codelists(spec: CohortSpec) -> dict[str, Codelist]:
    """Read every list that outcomes and histories of a cohort name, from codelists/ beside its file.

    Raises
    ------
    SpecError
        With the faults of all lists.
    """
    folder, lists, faults = spec.path.parent / "codelists", {}, []
    for entry in spec.recorded.values():
        if entry.codelist is None or entry.codelist in lists:
            continue
        try:
            lists[entry.codelist] = read_codelist(folder / f"{entry.codelist}.csv")
        except SpecError as error:
            faults.append(str(error))
    if faults:
        raise SpecError("\n".join(dict.fromkeys(faults)))
    return lists


def spec_sha256(spec: CohortSpec) -> str:
    """Hash a cohort's file, the code lists and the reference rates that it names: what it is besides the raw files."""
    digest = hashlib.sha256(spec.path.read_bytes())
    for name in sorted({entry.codelist for entry in spec.recorded.values() if entry.codelist is not None}):
        path = spec.path.parent / "codelists" / f"{name}.csv"
        digest.update(hashlib.sha256(path.read_bytes() if path.is_file() else b"").digest())
    if spec.reference_rates is not None:
        path = spec.path.parent / "rates" / f"{spec.reference_rates.table}.csv"
        digest.update(hashlib.sha256(path.read_bytes() if path.is_file() else b"").digest())
    return digest.hexdigest()


def codelists_told(spec: CohortSpec) -> Iterator[str]:
    """Say, line by line, what each outcome of a cohort counts, and what two of them both count."""
    lists = read_codelists(spec)
    for name, entry in spec.recorded.items():
        yield f"{name}: {entry.label}, from {', '.join(entry.sources)}"
        if entry.codelist is None:
            yield "  every record, whatever its code"
            continue
        for code in lists[entry.codelist].codes:
            yield f"  {code.system:<6} {code.code:<6} {code.label}"
        for system in (s for s in SYSTEMS if not lists[entry.codelist].prefixes(s)):
            yield f"  no code of {system}: records in it do not count"
    found = overlaps({name: lists[o.codelist] for name, o in spec.outcomes.items() if o.codelist})
    yield f"{len(found)} pairs of outcomes share codes" if found else "No two outcomes share a code."
    for overlap in found:
        yield f"  {overlap.one} and {overlap.other}: {', '.join(code.code for code in overlap.codes)}"


def overlaps(lists: dict[str, Codelist]) -> tuple[Overlap, ...]:
    """Find what two lists both count.

    Parameters
    ----------
    lists : dict
        By the name of the outcome.

    Returns
    -------
    tuple of Overlap
        In the order of the outcomes; some are meant (a stroke is also an ischaemic one), some are not.
    """
    found = []
    for (one, first), (other, second) in combinations(lists.items(), 2):
        met = [code for code in first.codes if second.covers(code.system, code.code)]
        met += [code for code in second.codes if first.covers(code.system, code.code) and code not in met]
        longest = [
            c for c in dict.fromkeys(met) if (c.system, c.code) not in {(m.system, m.code) for m in met if m != c}
        ]
        if longest:
            found.append(Overlap(one, other, tuple(longest)))
    return tuple(found)
