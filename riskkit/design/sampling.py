"""How people were drawn from a cohort, when covariates are known for some of it only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit import formula as language
from riskkit.design.columns import check_columns, check_names
from riskkit.design.surv import indicator
from riskkit.errors import DataError, FitError, SpecError, did_you_mean

METHODS = ("prentice", "self-prentice", "lin-ying", "borgan-1", "borgan-2")
STRATIFIED = ("borgan-1", "borgan-2")


@dataclass(frozen=True)
class CaseCohort:
    """A case-cohort sample: a random subcohort, and everybody who had the event.

    Attributes
    ----------
    subcohort : str
        Column, 0/1 or boolean: whether a person was drawn into the subcohort. Whoever neither was nor had the event is
        of the cohort, not of the sample, and is counted only.
    method : {"prentice", "self-prentice", "lin-ying", "borgan-1", "borgan-2"}
        The pseudo-likelihood. Prentice's: cases outside the subcohort enter at their event; self-Prentice: they never
        enter. Lin and Ying's: cases count for themselves, others for the cohort's people without the event. Borgan's
        first and second are for a subcohort drawn within strata: weighted risk sets of the subcohort alone, and with
        all cases.
    size : int, or mapping of stratum to int, optional
        People in the cohort the subcohort was drawn from; by level of `strata` where it was drawn within strata. Left
        out where the data hold the whole cohort.
    strata : str, optional
        Column of the strata the subcohort was drawn within, for Borgan's methods.

    References
    ----------
    Prentice RL (1986) Biometrika 73:1; Self SG, Prentice RL (1988) Ann Stat 16:64; Lin DY, Ying Z (1993) JASA 88:1341;
    Borgan O, Langholz B, Samuelsen SO, Goldstein L, Pogoda J (2000) Lifetime Data Anal 6:39. R: survival::cch.
    """

    subcohort: str
    method: str = "prentice"
    size: int | Mapping[Any, int] | None = None
    strata: str | None = None

    def __post_init__(self) -> None:
        check_names(subcohort=self.subcohort, strata=self.strata)
        if self.method not in METHODS:
            raise SpecError(
                f"method={self.method!r} is not one of {', '.join(METHODS)}.{did_you_mean(str(self.method), METHODS)}"
            )
        if (self.method in STRATIFIED) != (self.strata is not None):
            raise SpecError(
                f'method="{self.method}" needs strata="column", those the subcohort was drawn within.'
                if self.strata is None
                else f'method="{self.method}" is for a subcohort drawn without strata; use "borgan-2" (or "borgan-1").'
            )
        if isinstance(self.size, Mapping) != (self.strata is not None) and self.size is not None:
            raise SpecError(
                "size is the cohort's number of people; with strata it is one for each: {level: people, ...}."
            )


@dataclass(frozen=True)
class NestedCaseControl:
    """Sampled risk sets: each case with controls drawn from whoever was at risk when the case occurred.

    Attributes
    ----------
    set : str
        Column that names the set a row belongs to; a person may stand in several.
    case : str
        Column, 0/1 or boolean: whether the row is the case of its set.
    weights : str, optional
        Column of counter-matching weights: of each row, how many in the risk set were in its sampling stratum, over how
        many of them were sampled. Whatever adds the same to all of a set cancels.

    References
    ----------
    Thomas DC (1977) JRSS A 140:483; Goldstein L, Langholz B (1992) Ann Stat 20:1903; Langholz B, Borgan O (1995)
    Biometrika 82:69 (counter-matching). R: survival::clogit(case ~ ... + strata(set) + offset(log(weight))).
    """

    set: str = "set"
    case: str = "case"
    weights: str | None = None

    def __post_init__(self) -> None:
        check_names(set=self.set, case=self.case, weights=self.weights)


@dataclass(frozen=True, eq=False)
class Subcohort:
    """A case-cohort sample's numbers, by stratum, and who of its m rows is in the subcohort.

    Attributes
    ----------
    inside : boolean array, shape (m,)
    stratum : int array, shape (m,)
    cohort, cases : int array, shape (S,)
        People of the cohort in each stratum, and those of them who had the event.
    """

    inside: NDArray[np.bool_]
    stratum: NDArray[np.int64]
    cohort: NDArray[np.int64]
    cases: NDArray[np.int64]


def subcohort(sampling: CaseCohort, data: pd.DataFrame, event: str) -> tuple[NDArray[np.bool_], Subcohort]:
    """Find the rows of a case-cohort sample, shape (n,), and its numbers.

    Raises
    ------
    SpecError
        If a column is missing, or the size of the cohort is neither given nor to be counted.
    DataError
        If a column is not 0/1, a stratum has no size, or the sample is larger than the cohort.
    """
    columns = [sampling.subcohort, event, *([sampling.strata] if sampling.strata else [])]
    check_columns(data, columns, "a case-cohort sample")
    for name in columns:
        if data[name].isna().any():
            raise DataError(
                f"a case-cohort sample: '{name}' is missing in {int(data[name].isna().sum())} rows; it must be known "
                "of everybody in the data. Correct it, or leave those rows out."
            )
    drawn = indicator(data[sampling.subcohort], "subcohort column")
    case = indicator(data[event], "event column")
    rows = drawn | case
    if not drawn.any():
        raise DataError(f"'{sampling.subcohort}' is 0 in every row: there is no subcohort to compare the cases with.")
    if sampling.strata is None:
        stratum, labels = np.zeros(len(data), dtype=np.int64), [None]
    else:
        codes, found = pd.factorize(data[sampling.strata], sort=True)
        stratum, labels = codes, list(found)
    counted = np.bincount(stratum, minlength=len(labels))
    cohort = _sizes(sampling, labels, counted, whole=not rows.all())
    small = cohort < counted
    if small.any():
        where = "" if sampling.strata is None else f" of {sampling.strata}={labels[int(np.flatnonzero(small)[0])]}"
        raise DataError(
            f"the cohort{where} has {cohort[small][0]:,} people by `size`, but the data have {counted[small][0]:,}: a "
            "subcohort, and its cases, are part of the cohort they were drawn from. Correct the size."
        )
    cases = np.bincount(stratum, case, len(labels)).astype(np.int64)
    return rows, Subcohort(drawn[rows], stratum[rows], cohort, cases)


def _sizes(sampling: CaseCohort, labels: list[Any], counted: NDArray[np.int64], *, whole: bool) -> NDArray[np.int64]:
    size = sampling.size
    if size is None:
        if not whole:
            raise SpecError(
                "every row is of the subcohort or a case, so the size of the cohort they were drawn from cannot be "
                "counted; give it: CaseCohort(..., size=people)."
            )
        return counted
    if not isinstance(size, Mapping):
        return np.array([size], dtype=np.int64)
    lacking = [label for label in labels if label not in size]
    if lacking:
        raise DataError(f"size has no number for {sampling.strata}={lacking[0]}; it has {', '.join(map(str, size))}.")
    return np.array([size[label] for label in labels], dtype=np.int64)


def refuse_sampling(sampling: str | None, what: str, instead: str) -> None:
    """Refuse what would take a sample for the cohort it was drawn from.

    Raises
    ------
    FitError
        If there is a sampling design.
    """
    if sampling is not None:
        raise FitError(f"{what} is not for a {sampling} sample, which is not the cohort; {instead}.")


def survival_formula(formula: str) -> language.Formula:
    """Parse a formula whose outcome must be Surv(...).

    Raises
    ------
    SpecError
        If it is not.
    """
    parsed = language.parse(formula)
    if not parsed.survival:
        raise SpecError(
            f"formula {parsed.text!r}: the outcome is Surv(time, event) or Surv(entry, exit, event). Matched sets "
            "without times go to riskkit.clogit, as case ~ ... + strata(set)."
        )
    return parsed
