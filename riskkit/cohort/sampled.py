"""A sample of a cohort: who of the files is in it, and the numbers of the cohort that it was drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskkit.cohort.outcomes import Outcome
from riskkit.cohort.read import ID, read
from riskkit.cohort.variables import decode
from riskkit.errors import DataError
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.sampling import CASE_COHORT, MATCHED
from riskkit.spec.tables import PER_YEAR

EVERYONE = ""  # the stratum of a subcohort drawn without strata
TIE = 1e-9


@dataclass(frozen=True)
class Sampled:
    """How the people of a cohort were drawn, for models and for those who read about it.

    Attributes
    ----------
    design : {"case-cohort", "nested case-control", "matched sets"}
    outcomes : tuple of str
        Those of which every case was taken.
    subcohort, strata, set, weights : str or None
        Variables, as the cohort's file names them.
    method : str
        The pseudo-likelihood of a case-cohort sample.
    matched_on : tuple of str
        In words.
    members : int
        People of the subcohort; of sets, controls.
    sets : int
        How many; 0 of a case-cohort sample.
    sizes : dict of outcome to dict of stratum to int
        People of the cohort at risk, where known; the stratum is empty where there are none.
    cases : dict of outcome to (number, number)
        Cases within the subcohort, and besides; of sets, none and all.
    person_years : dict of outcome to float
        Of the cohort, where known.
    """

    design: str
    outcomes: tuple[str, ...]
    subcohort: str | None
    strata: str | None
    set: str | None
    weights: str | None
    method: str
    matched_on: tuple[str, ...]
    members: float
    sets: float
    sizes: Mapping[str, Mapping[str, float]]
    cases: Mapping[str, tuple[float, float]]
    person_years: dict[str, float]

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Sampled:
        """Read what `dataclasses.asdict` made, before or after it was JSON."""
        return cls(
            **{
                **plain,
                "outcomes": tuple(plain["outcomes"]),
                "matched_on": tuple(plain["matched_on"]),
                "cases": {name: (inside, besides) for name, (inside, besides) in plain["cases"].items()},
            }
        )

    def compared(self, people: pd.DataFrame) -> pd.Series:
        """Who stands for the cohort (bool): the subcohort; of sets, the controls."""
        if self.subcohort is not None:
            return people[self.subcohort] == 1
        return people[self.outcomes[0]] != 1


def sampled(
    people: pd.DataFrame, followed: Mapping[str, pd.Series], outcomes: Mapping[str, Outcome], spec: CohortSpec
) -> tuple[Sampled, pd.Series]:
    """Find the sample among the people of the files.

    Returns
    -------
    sampled : Sampled
    out : Series of bool
        Whoever is of the cohort only.

    Raises
    ------
    DataError
        If the sample cannot be what is declared.
    """
    assert spec.sampling is not None
    if spec.sampling.design == CASE_COHORT:
        return _case_cohort(people, followed, outcomes, spec)
    return _sets(people, followed, outcomes, spec), pd.Series(False, index=people.index)


def refuse_strangers(spec: CohortSpec, paths: Mapping[str, Path], everyone: pd.Series) -> None:
    """Refuse a subcohort with members who are not of the cohort, where it has a file of its own.

    Raises
    ------
    DataError
        Naming the first.
    """
    assert spec.sampling is not None
    variable = spec.variables.get(str(spec.sampling.subcohort))
    if variable is None or variable.file == spec.base:
        return
    known = set(everyone.astype(str))
    for key, file in spec.parts(variable.file).items():
        records = read(paths[key], file.at(paths[key]), str(file.id or spec.id), {"member": variable})
        member = decode(records["member"], variable, f"{paths[key]}: {variable.column}")[0] == 1
        strange = records.loc[member & ~records[ID].astype(str).isin(known), ID]
        if len(strange):
            raise DataError(
                f"{paths[key]}: {len(strange):,} members of the subcohort are not in the cohort "
                f"({spec.files[spec.base].path}), first of id {strange.iloc[0]}. A subcohort is part of the cohort it "
                "was drawn from: add them, or correct id."
            )


def _case_cohort(
    people: pd.DataFrame, followed: Mapping[str, pd.Series], outcomes: Mapping[str, Outcome], spec: CohortSpec
) -> tuple[Sampled, pd.Series]:
    declared = spec.sampling
    assert declared is not None
    assert declared.subcohort is not None
    for name in (declared.subcohort, declared.strata):
        if name is not None and people[name].isna().any():
            raise DataError(
                f"'{name}' is missing for {int(people[name].isna().sum()):,} people; it must be known of everybody in "
                "the files. Correct it, or exclude them."
            )
    drawn = people[declared.subcohort] == 1
    if not drawn.any():
        raise DataError(f"'{declared.subcohort}' is 0 for everybody: there is no subcohort to compare the cases with.")
    case = {name: followed[name] == 1 for name in declared.outcomes}
    out = ~(drawn | np.logical_or.reduce(list(case.values())))
    given = declared.size is not None or declared.sizes is not None
    if given and out.any():
        raise DataError(
            f"`size` is declared, but the files have {int(out.sum()):,} people who are neither in the subcohort nor "
            "cases. If they are the whole cohort leave `size` out; otherwise exclude these people."
        )
    if not given and not out.any():
        raise DataError(
            "everybody is in the subcohort or a case, so the size of the cohort they were drawn from cannot be "
            "counted; write size = people (with strata: sizes = { level = people })."
        )
    stratum = people[declared.strata].astype(str) if declared.strata else pd.Series(EVERYONE, index=people.index)
    sizes: dict[str, dict[str, int]] = {}
    years: dict[str, float] = {}
    for name in declared.outcomes:
        at_risk = followed[outcomes[name].at_risk]
        counted = {str(level): int(n) for level, n in stratum[at_risk].value_counts(sort=False).items() if n}
        if given:
            sizes[name] = declared.sizes or {EVERYONE: int(declared.size or 0)}
            _check_sizes(name, sizes[name], counted, at_risk, declared.strata)
        else:
            sizes[name] = counted
            years[name] = float(followed[str(outcomes[name].time)][at_risk].sum()) / _per_year(spec)
        if given and declared.person_years is not None:
            years[name] = declared.person_years
    inside = {name: (int((drawn & had).sum()), int((~drawn & had).sum())) for name, had in case.items()}
    return _described(spec, int(drawn.sum()), 0, sizes, inside, years), out


def _check_sizes(
    name: str, sizes: Mapping[str, int], counted: Mapping[str, int], at_risk: pd.Series, strata: str | None
) -> None:
    if not at_risk.all():
        raise DataError(
            f"`size` counts people at risk, and {int((~at_risk).sum()):,} people of the files are not at risk of "
            f"'{name}'. Exclude them here and from the size."
        )
    for level, n in counted.items():
        if level not in sizes:
            raise DataError(f"`sizes` has no number for {strata} '{level}'; it has {', '.join(sizes)}.")
        if sizes[level] < n:
            where = f" of {strata} '{level}'" if level else ""
            raise DataError(
                f"the cohort{where} has {sizes[level]:,} people by `size`, but the files have {n:,}: a subcohort, and "
                "its cases, are part of the cohort they were drawn from. Correct the size."
            )


def _sets(
    people: pd.DataFrame, followed: Mapping[str, pd.Series], outcomes: Mapping[str, Outcome], spec: CohortSpec
) -> Sampled:
    declared = spec.sampling
    assert declared is not None
    name, number = declared.outcomes[0], str(declared.set)
    for column in (number, declared.weights):
        if column is not None and people[column].isna().any():
            raise DataError(f"'{column}' is missing for {int(people[column].isna().sum()):,} rows; exclude them.")
    if followed[name].isna().any():
        raise DataError(f"'{name}' is not known of {int(followed[name].isna().sum()):,} rows; exclude them.")
    codes, labels = pd.factorize(people[number], sort=True)
    case = (followed[name] == 1).to_numpy()
    size, cases = np.bincount(codes), np.bincount(codes, case)
    one = declared.design != MATCHED
    for wrong, what in (
        (cases == 0, "have no case"),
        ((cases > 1) & one, "have more than one case: give each case a set of its own"),
        (size == cases, "have no control"),
    ):
        if wrong.any():
            first = labels[int(np.flatnonzero(wrong)[0])]
            raise DataError(
                f"{int(wrong.sum()):,} of {size.size:,} sets of '{number}' {what}, first set {_shown(first)}. Correct "
                "the sets, or exclude them."
            )
    if one:
        _check_risk_sets(people, followed, outcomes[name], codes, labels, case)
    years = {} if declared.person_years is None else {name: declared.person_years}
    sizes = {} if declared.size is None else {name: {EVERYONE: declared.size}}
    return _described(spec, int((~case).sum()), int(size.size), sizes, {name: (0, int(case.sum()))}, years)


def _check_risk_sets(
    people: pd.DataFrame, followed: Mapping[str, pd.Series], outcome: Outcome, codes: np.ndarray, labels: Any,
    case: np.ndarray,
) -> None:  # fmt: skip
    """Refuse controls who were not at risk when their case occurred, by follow-up nor, where there is one, by age."""
    found = []
    for exit_column, entry in ((outcome.time, None), (outcome.age_exit, "age_entry")):
        if exit_column is None:
            continue
        ends = followed[exit_column].to_numpy(dtype=float)
        time = np.empty(int(codes.max()) + 1)
        time[codes[case]] = ends[case]
        at = time[codes]
        slack = TIE * np.abs(at)
        stray = ends < at - slack
        if entry is not None:
            stray |= (followed[entry].to_numpy(dtype=float) >= at - slack) & ~case
        found.append((int(stray.sum()), stray, at, ends, "age" if entry else "time"))
    count, stray, at, ends, scale = min(found, key=lambda each: each[0])
    if count:
        first = int(np.flatnonzero(stray)[0])
        raise DataError(
            f"{count:,} controls were not at risk at the {scale} of their case, first in set "
            f"{_shown(labels[codes[first]])}: the case is at {at[first]:g}, and the control (id "
            f"{people[ID].iloc[first]}) was followed until {ends[first]:g}. They are from outside the risk set; "
            "exclude them."
        )


def _described(
    spec: CohortSpec, members: int, sets: int, sizes: dict[str, dict[str, int]], cases: dict[str, tuple[int, int]],
    years: dict[str, float],
) -> Sampled:  # fmt: skip
    declared = spec.sampling
    assert declared is not None
    own = ("design", "outcomes", "subcohort", "strata", "set", "weights", "method", "matched_on")
    return Sampled(
        **{name: getattr(declared, name) for name in own},
        members=members, sets=sets, sizes=sizes, cases=cases, person_years=years,
    )  # fmt: skip


def _per_year(spec: CohortSpec) -> float:
    assert spec.follow_up is not None
    return PER_YEAR[spec.follow_up.unit]


def _shown(label: Any) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)
