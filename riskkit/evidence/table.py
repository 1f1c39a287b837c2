"""A table of published estimates: a CSV file, one contrast a row, each with its citation and where in it it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from riskkit.evidence import contrasts
from riskkit.evidence.cells import Numbered, Row, is_number, number_faults, read_rows, repeated_ids
from riskkit.evidence.contrasts import Contrast
from riskkit.evidence.effects import impossible, misfit

MEASURES = ("hazard ratio", "odds ratio", "rate ratio", "risk ratio", "standardised incidence ratio")
DESIGNS = (
    "cohort",
    "nested case-control",
    "case-control",
    "cross-sectional",
    "pooled individual data",
    "meta-analysis",
    "mendelian randomisation",
    "patients",
    "trial",
)
MARK = "limits do not fit"
REQUIRED = ("id", "study", "year", "cohort", "design", "exposure", "outcome", "population", "contrast", "measure")
SOURCE = ("citation", "place")
NUMBERS = ("ratio", "low", "high", "n", "cases")
CHOICES = {"measure": MEASURES, "design": DESIGNS, "pool": ("yes", "no"), "corrected": ("", "yes"), "mark": ("", MARK)}
COLUMNS = (
    *REQUIRED,
    "subgroup",
    *contrasts.FIELDS,
    *NUMBERS,
    "corrected",
    "pool",
    "why",
    "mark",
    *SOURCE,
    "url",
    "notes",
)
BIAS, RISKS = "bias_", ("low", "some", "high")  # optional columns, and what they may say
ID = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Estimate:
    """One row: what was estimated in whom, and where it is printed.

    Attributes
    ----------
    id, study, cohort, design, exposure, outcome, population, subgroup : str
    year : int
        Of publication.
    contrast : Contrast
    measure : str
    ratio, low, high : float
        NaN limits where none were printed.
    n, cases : int or None
    corrected : bool
        Whether it is corrected for regression dilution.
    pool : bool
        Whether it is the row of its cohort that is pooled; if not, `why`.
    marked : bool
        Whether its limits do not fit it: such a row is shown and never pooled.
    citation, place, url, notes : str
        `place` is where in the paper, or in what else was seen of it.
    bias : tuple of pairs
        Risk of bias as judged, "low", "some" or "high", by what it is of: columns `bias_confounding` and so on.
    """

    id: str
    study: str
    year: int
    cohort: str
    design: str
    exposure: str
    outcome: str
    population: str
    subgroup: str
    contrast: Contrast
    measure: str
    ratio: float
    low: float
    high: float
    n: int | None
    cases: int | None
    corrected: bool
    pool: bool
    why: str
    marked: bool
    citation: str
    place: str
    url: str
    notes: str
    bias: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Published:
    """The rows of one file.

    Attributes
    ----------
    path : str
    rows : tuple of Estimate
    """

    path: str
    rows: tuple[Estimate, ...] = field(repr=False)

    def select(
        self,
        outcome: str | None = None,
        contrast: str | None = None,
        exposure: str | None = None,
        designs: Iterable[str] = (),
        ids: Iterable[str] = (),
    ) -> tuple[Estimate, ...]:
        """Rows with these words; `contrast` as `Contrast.words` writes it. With `ids`, the rows of those names."""
        wanted, kinds = tuple(ids), tuple(designs)
        return tuple(
            row
            for row in self.rows
            if (not wanted or row.id in wanted)
            and outcome in (None, row.outcome)
            and contrast in (None, row.contrast.words)
            and exposure in (None, row.exposure)
            and (not kinds or row.design in kinds)
        )

    @property
    def frame(self) -> pd.DataFrame:
        """One row an estimate: the columns of the file, and the contrast in `words`."""
        columns = [name for name in Estimate.__dataclass_fields__ if name != "contrast"]
        rows = [{**{name: getattr(row, name) for name in columns}, "words": row.contrast.words} for row in self.rows]
        return pd.DataFrame(rows, columns=[*columns, "words"])


def read_published(path: str | Path) -> Published:
    """Read a table of published estimates, or list all its faults at once, by line and column.

    Every row has a contrast of a closed set, a measure, a citation and the place where it stands. A row whose limits do
    not fit its estimate must say so in its column `mark`, and one that fits must not; such a row cannot be pooled. Of
    rows of the same people, outcome, exposure, subgroup and contrast, one is pooled.

    Parameters
    ----------
    path : path
        A CSV file in UTF-8 with the columns of `COLUMNS`, in any order, and any that begin with `bias_`.

    Raises
    ------
    DataError
        If there is no such file, or the table has faults.
    """
    rows = read_rows(path, COLUMNS, _row_faults, _table_faults, prefix=BIAS)
    return Published(str(path), tuple(_estimate(text) for _, text in rows))


def _row_faults(text: Row) -> Iterator[tuple[str, str]]:
    for name in (*REQUIRED, *SOURCE):
        if not text[name]:
            yield name, "is empty"
    if text["id"] and not ID.fullmatch(text["id"]):
        yield "id", f"'{text['id']}' is not made of small letters, digits and hyphens"
    if text["year"] and not (text["year"].isdigit() and 1900 <= int(text["year"]) <= 2100):
        yield "year", f"'{text['year']}' is no year of publication"
    for name, choices in CHOICES.items():
        if text[name] not in choices and (text[name] or name not in REQUIRED):
            yield name, f"'{text[name]}' is not one of {', '.join(choice or 'empty' for choice in choices)}"
    for name, value in text.items():
        if name.startswith(BIAS) and value not in ("", *RISKS):
            yield name, f"'{value}' is not one of {', '.join(RISKS)}, or empty"
    if text["contrast"]:
        yield from contrasts.faults(text)
    if text["pool"] == "no" and not text["why"]:
        yield "why", "is empty: say why this row is not pooled"
    if text["pool"] == "yes" and text["why"]:
        yield "why", "says why a row is not pooled, and this one is"
    wrong = number_faults(text, NUMBERS)
    wrong += [
        (name, f"'{text[name]}' is not a count of people")
        for name in ("n", "cases")
        if text[name] and is_number(text[name]) and not (float(text[name]) > 0 and float(text[name]).is_integer())
    ]
    if not text["ratio"]:
        wrong.append(("ratio", "is empty"))
    yield from wrong
    if text["n"] and text["cases"] and not wrong and float(text["cases"]) > float(text["n"]):
        yield "cases", f"{text['cases']} are more than n, {text['n']}"
    if not {name for name, _ in wrong} & {"ratio", "low", "high"}:
        yield from _estimate_faults(text)


def _estimate_faults(text: dict[str, str]) -> Iterator[tuple[str, str]]:
    told = impossible(*(float(text[name] or "nan") for name in ("ratio", "low", "high")))
    if told is not None:
        yield "ratio", told.split(";")[0].rstrip(".")
        return
    apart = misfit(text["ratio"], text["low"], text["high"])
    if apart is not None and text["mark"] != MARK:
        yield "mark", f"is empty, but {apart.rstrip('.')}; look at the source, or write '{MARK}'"
    if apart is None and text["mark"] == MARK:
        yield "mark", f"says '{MARK}', but they do"
    if text["pool"] == "yes" and (text["mark"] or not text["low"]):
        why = "its limits do not fit it" if text["mark"] else "it has no limits"
        yield "pool", f"a row cannot be pooled when {why}"


def _table_faults(rows: list[Numbered]) -> Iterator[str]:
    yield from repeated_ids(rows)
    pooled: dict[tuple[str, ...], int] = {}
    for line, text in rows:
        if text["pool"] != "yes":
            continue
        key = tuple(
            re.sub(r"[\W_]+", "", text[name].lower()) if name == "cohort" else text[name]
            for name in ("cohort", "exposure", "outcome", "subgroup", "contrast", *contrasts.FIELDS)
        )
        if key in pooled:
            yield (
                f"line {line}, pool: the same people ({text['cohort']}) and contrast are pooled in line {pooled[key]}; "
                "pool one of them."
            )
        pooled.setdefault(key, line)


def _estimate(text: dict[str, str]) -> Estimate:
    words = (*REQUIRED[:2], "cohort", "design", "exposure", "outcome", "population", "subgroup", "measure", "why")
    return Estimate(
        **{name: text[name] for name in (*words, *SOURCE, "url", "notes")},
        year=int(text["year"]),
        contrast=contrasts.read(text),
        ratio=float(text["ratio"]),
        low=float(text["low"] or "nan"),
        high=float(text["high"] or "nan"),
        n=int(float(text["n"])) if text["n"] else None,
        cases=int(float(text["cases"])) if text["cases"] else None,
        corrected=text["corrected"] == "yes",
        pool=text["pool"] == "yes",
        marked=text["mark"] == MARK,
        bias=tuple((k.removeprefix(BIAS), v) for k, v in text.items() if k.startswith(BIAS) and v),
    )
