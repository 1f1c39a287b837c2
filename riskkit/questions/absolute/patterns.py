"""Risks of typical people by sex, age and level of the exposure, for a page on which a reader asks of their own level.

The baseline has a step at every event and its covariance as many squared; neither belongs in a page. Between two knots
the exposure's log hazard is a cubic, though, and the risk an analytic function of it: its values at a few of
Chebyshev's points, and those of its variance, give both everywhere between, to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.fit.fit import Fit
from riskkit.infer.absolute import absolute_risk
from riskkit.spec.plan import NO_TIME, Task
from riskkit.study.study import Study

NODES = 10  # levels between two knots, those at the knots among them
STEP = 5  # years of age between two risks
SEX = "sex"


def nodes(low: float, high: float, knots: tuple[float, ...]) -> Array:
    """Chebyshev's points (of Lobatto) of each stretch between two knots inside low and high, increasing."""
    ends = [low, *(knot for knot in knots if low < knot < high), high]
    unit = (1 - np.cos(np.pi * np.arange(NODES - 1) / (NODES - 1))) / 2
    parts = [np.append(start + (end - start) * unit, end) for start, end in pairwise(ends)]
    return np.unique(np.concatenate(parts))


def ages_of(study: Study) -> tuple[float, ...]:
    """Ages to tell risks from: those of the analysis, and every fifth year of age between them.

    Where the cohort has a rule on small numbers, those of the analysis only: the risks of two stretches of time that
    differ by a few years tell of the events in these.
    """
    asked = study.spec.asked("absolute").ages
    if study.cohort.disclosure is not None or not asked:
        return tuple(asked)
    between = np.arange(np.ceil(min(asked) / STEP) * STEP, max(asked), STEP)
    return tuple(sorted({*map(float, asked), *between.tolist()}))


def typical(people: pd.DataFrame, names: list[str], study: Study) -> dict[str, Any]:
    """The median of numbers and the commonest of other values among people, by the name of the variable."""
    out: dict[str, Any] = {}
    for name in names:
        number = study.cohort.variables[name].kind == "number"
        out[name] = float(people[name].median()) if number else people[name].mode().iloc[0]
    return out


def covariates_of(fits: Mapping[str, Fit], exposure: str) -> list[str]:
    """The variables of the models, those of their strata included, besides the exposure."""
    used = [name for fit in fits.values() for name in (*fit.recipe.inputs, *fit.recipe.formula.strata)]
    return [name for name in dict.fromkeys(used) if name != exposure]


def sexes(people: pd.DataFrame, names: list[str], study: Study) -> tuple[str, ...]:
    """The sexes whose risks differ in the models; one empty name where they know no sex."""
    if SEX not in names or study.cohort.variables[SEX].kind != "category":
        return ("",)
    return tuple(level for level in study.cohort.variables[SEX].levels if (people[SEX] == level).any())


def of_age(
    fits: Mapping[str, Fit], people: pd.DataFrame, task: Task, study: Study, x: Array, times: dict[str, Any]
) -> pd.DataFrame:
    """Risks of typical people of each sex at levels of shape (m,): sex x estimate se, a row each.

    Raises
    ------
    RiskkitError
        As `riskkit.absolute_risk` does.
    """
    names = covariates_of(fits, task.exposure)
    found = sexes(people, names, study)
    row = typical(people, names, study)
    frames = [pd.DataFrame({**row, task.exposure: x, **({SEX: sex} if sex else {})}) for sex in found]
    asked = pd.concat(frames, ignore_index=True)
    if task.time_scale == NO_TIME:
        risk = fits[task.outcome].predict(asked, kind="probability")
    else:
        risk = absolute_risk(fits, asked, cause=task.outcome, **times)
    about = {"sex": np.repeat(found, x.size), "x": np.tile(x, len(found))}
    return pd.DataFrame({**about, **{name: risk[name].to_numpy() for name in ("estimate", "se")}})


def described(fits: Mapping[str, Fit], people: pd.DataFrame, task: Task, study: Study) -> pd.DataFrame:
    """What typical people have of each covariate: variable level value, a row each."""
    names = covariates_of(fits, task.exposure)
    rows = list(_described(typical(people, names, study), sexes(people, names, study) != ("",), study))
    return pd.DataFrame(rows, columns=["variable", "level", "value"])


def _described(row: Mapping[str, Any], by_sex: bool, study: Study) -> Iterator[tuple[str, str, float]]:
    for name, value in row.items():
        if name == SEX and by_sex:
            continue
        if study.cohort.variables[name].kind == "category":
            yield name, str(value), np.nan
        else:
            yield name, "", float(value)
