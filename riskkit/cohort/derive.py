"""Variables made from others, as the specification says."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.spec.expression import parse
from riskkit.spec.tables import DerivedSpec


def derive(people: pd.DataFrame, spec: DerivedSpec) -> pd.Series:
    """Work out a derived variable.

    Parameters
    ----------
    people : DataFrame, n rows
        The variables it is made from.
    spec : DerivedSpec
        One expression, or cases: the first whose condition holds counts, and its value is worked out for those people
        only. Nobody gets a value from a condition that a missing value leaves unknown.

    Returns
    -------
    Series, n rows
        float64 for numbers and flags (1 yes, 0 no), else categories with the levels in the order of the cases.

    Raises
    ------
    DataError
        If an expression leaves the numbers (a division by 0).
    """
    if spec.expression is not None:
        expression = parse(spec.expression)
        return expression.truth(people) if spec.kind == "flag" else expression.evaluate(people)
    found = np.full(len(people), np.nan, dtype=object if spec.kind == "category" else np.float64)
    waiting = np.ones(len(people), dtype=bool)
    for case in spec.cases or ():
        chosen = waiting & (parse(case.when).truth(people) == 1).to_numpy()
        if spec.kind == "number" and isinstance(case.then, str):
            found[chosen] = parse(case.then).evaluate(people[chosen])
        else:
            found[chosen] = case.then
        waiting &= ~chosen
    values = pd.Categorical(found, categories=list(spec.levels)) if spec.kind == "category" else found
    return pd.Series(values, index=people.index)
