"""Complex survey samples: who was drawn with whom, and with what probability."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, numbers
from riskkit.errors import DataError, SpecError, did_you_mean
from riskkit.spec.expression import parse

Lonely = Literal["fail", "remove", "adjust", "average"]
LONELY: tuple[Lonely, ...] = ("fail", "remove", "adjust", "average")


@dataclass(frozen=True)
class SurveyDesign:
    """How the people of a survey were drawn: primary sampling units (PSUs) within strata, with unequal probabilities.

    The variance is that of sampling PSUs with replacement (Taylor linearisation), which needs only the first stage.
    Everyone in the data belongs to the design: people outside the subpopulation, or with a missing covariate, add
    nothing to the estimates but still count as members of their PSU, whose number the variance depends on. Give models
    the whole sample, therefore, and name the people to study in `subpopulation`.

    Attributes
    ----------
    weights : str
        Column of sampling weights: how many people of the population a person stands for. Only their ratios matter to
        the estimates.
    strata : str, optional
        Column of the strata that PSUs were drawn in.
    psu : str, optional
        Column of primary sampling units; without it, each row was drawn on its own.
    nested : bool
        Whether PSUs are numbered anew within each stratum (R: nest = TRUE).
    lonely_psu : {"fail", "remove", "adjust", "average"}
        What to do about a stratum with one PSU, whose variance cannot be known: refuse; take it as certainly drawn, so
        that it adds no variance; take its distance from the mean of the population; or give it the mean variance of
        the other strata. R: options(survey.lonely.psu).
    subpopulation : str, optional
        A condition on columns, as in `"sex == 'Female' and age < 50"`; see `riskkit.spec.expression`.
    units : tuple of tuple
        Where the data lack whole PSUs of the survey: each PSU's values of the columns `strata` (if any) and `psu`.

    Raises
    ------
    SpecError
        If an attribute is not one of its choices, or the condition cannot be understood.

    References
    ----------
    Binder DA (1983) Int Stat Rev 51:279-292; Binder DA (1992) Biometrika 79:139-147; Lumley T (2010) Complex Surveys.
    R: survey::svydesign(ids, strata, weights, nest), subset, svycoxph, svyglm.
    """

    weights: str
    strata: str | None = None
    psu: str | None = None
    nested: bool = False
    lonely_psu: Lonely = "fail"
    subpopulation: str | None = None
    units: tuple[tuple[Any, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.lonely_psu not in LONELY:
            raise SpecError(
                f"lonely_psu={self.lonely_psu!r} is not one of {', '.join(LONELY)}."
                + did_you_mean(str(self.lonely_psu), LONELY)
            )
        if self.subpopulation is not None and not parse(self.subpopulation).is_condition:
            raise SpecError(
                f"subpopulation {self.subpopulation!r} is not a condition; write one as in \"sex == 'Female'\"."
            )
        if self.nested and not (self.psu and self.strata):
            raise SpecError("nested PSUs need the names of both columns: strata=... and psu=...")
        if self.units and (self.psu is None or {len(unit) for unit in self.units} != {len(self.places)}):
            raise SpecError("units: give each PSU as its values of strata and psu, as in ((1, 1), (1, 2)).")

    @property
    def places(self) -> list[str]:
        """The columns that say where a person was drawn: strata, psu."""
        return [name for name in (self.strata, self.psu) if name]


@dataclass(frozen=True, eq=False)
class Sample:
    """Where the rows of a design were drawn.

    Attributes
    ----------
    psu : int array, shape (n,)
        PSU of each row, 0 to G - 1.
    stratum : int array, shape (G,)
        Stratum of each PSU of the survey, those without a row of the design included.
    weights : array, shape (n,)
        Sampling weight of each row.
    lonely_psu : {"fail", "remove", "adjust", "average"}
    n_sampled : int
        Rows of the whole sample.
    n_subpopulation : int
        Rows of the subpopulation, missing values or not.
    """

    psu: NDArray[np.int64]
    stratum: NDArray[np.int64]
    weights: Array
    lonely_psu: Lonely
    n_sampled: int
    n_subpopulation: int

    @property
    def n_psu(self) -> int:
        """Number of PSUs with a row of the design."""
        return int(np.unique(self.psu).size)

    @property
    def n_strata(self) -> int:
        """Number of strata with a row of the design."""
        return int(np.unique(self.stratum[self.psu]).size)

    @property
    def df(self) -> int:
        """Degrees of freedom: PSUs less strata, those with a row of the design (R: survey::degf)."""
        return self.n_psu - self.n_strata

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Sample:
        """The same survey with some of the rows (which, or their positions) in the design."""
        return replace(self, psu=self.psu[rows], weights=self.weights[rows])


def draw(survey: SurveyDesign, data: pd.DataFrame) -> tuple[Sample, NDArray[np.bool_]]:
    """Read where each row of the whole sample was drawn, and which rows are of the subpopulation.

    Returns
    -------
    Sample
        Of the rows of the subpopulation.
    bool array, shape (N,)
        Which rows those are.

    Raises
    ------
    SpecError
        If a column is not in the data.
    DataError
        If a row has no weight, stratum or PSU, a weight is not positive, a PSU lies in two strata, there is one PSU, or
        the subpopulation has no rows.
    """
    for role in ("weights", "strata", "psu"):
        name = getattr(survey, role)
        if name and name not in data.columns:
            raise SpecError(
                f"survey design: {role}='{name}' is no column of the data.{did_you_mean(name, map(str, data.columns))}"
            )
        if name and data[name].isna().any():
            raise DataError(
                f"survey design: {role} '{name}' is missing in {int(data[name].isna().sum())} of {len(data)} rows. "
                "Leave out people who are not in the sample."
            )
    weights = numbers(data[survey.weights])
    if not (weights > 0).all():
        raise DataError(
            f"survey design: weights '{survey.weights}' must be positive: {int((weights <= 0).sum())} rows have zero "
            "or less. Leave out people whom these weights do not cover."
        )
    psu, stratum = _units(survey, data)
    if stratum.size < 2:
        raise DataError(
            "survey design: there is one PSU, which leaves no variation between PSUs to estimate a variance from."
        )
    inside = np.ones(len(data), dtype=bool)
    if survey.subpopulation:
        inside = parse(survey.subpopulation).evaluate(data).to_numpy(dtype=bool)
        if not inside.any():
            raise DataError(f"survey design: no one is in the subpopulation {survey.subpopulation!r}.")
    return Sample(psu, stratum, weights, survey.lonely_psu, len(data), int(inside.sum())).take(inside), inside


def _units(survey: SurveyDesign, data: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """PSU of each row, shape (N,), and stratum of each PSU, shape (G,)."""
    n = len(data)
    named = data[survey.places]
    if survey.units:
        named = pd.concat([named, pd.DataFrame(survey.units, columns=survey.places)], ignore_index=True)
    stratum = pd.factorize(named[survey.strata])[0] if survey.strata else np.zeros(len(named), dtype=np.int64)
    unit, labels = pd.factorize(named[survey.psu]) if survey.psu else (np.arange(n), data.index)
    _, first, psu = np.unique(stratum * len(labels) + unit, return_index=True, return_inverse=True)
    if first.size > len(labels) and not survey.nested:
        repeated = labels[np.bincount(unit[first]) > 1][0]
        raise DataError(
            f"survey design: PSU {repeated} of '{survey.psu}' lies in more than one stratum of '{survey.strata}'. "
            "If PSUs are numbered anew in each stratum, write nested=True."
        )
    return psu[:n], stratum[first]
