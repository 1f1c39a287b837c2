"""Covariates whose coding is written in the formula, so that every site codes alike without a look at the others."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd

from riskkit import formula as language
from riskkit.design import margins
from riskkit.design.recipe import Recipe
from riskkit.design.surv import Surv
from riskkit.errors import SpecError
from riskkit.fit.stream.learn import needs_all
from riskkit.formula import Formula


def agreed(formula: str) -> Recipe:
    """Make the recipe of a formula without data.

    Raises
    ------
    SpecError
        If a coding would be learnt from data, or the formula says what a federated model cannot have.
    """
    spec: Formula = language.parse(formula)
    if not spec.survival:
        raise SpecError(f"formula {spec.text!r}: the outcome is Surv(time, event) or Surv(entry, exit, event).")
    if spec.cluster:
        raise SpecError("sums of sites have a model-based covariance; leave out cluster(...).")
    if not spec.terms:
        raise SpecError(f"formula {spec.text!r}: name the covariates.")
    columns: dict[str, pd.Series] = {}
    for factor in (factor for term in spec.terms for factor in term):
        options = dict(factor.options)
        if needs_all(factor) or (factor.function == "C" and "levels" not in options):
            raise SpecError(
                f"{factor.text}: its coding would differ between sites; write it out: levels as in "
                "C(smoking, levels=['never', 'ever']), knots as in rcs(x, [10, 20, 30]), cut points as in "
                "groups(x, [10, 20]), a unit as in per(x, 5)."
            )
        for name in factor.columns:
            values = options.get("levels", ()) if factor.function == "C" else ()
            columns.setdefault(name, pd.Series(list(values), name=name, dtype=None if values else float))
    nobody = Surv(None, np.empty(0), np.empty(0, dtype=bool))
    # Codings take columns by name, one at a time, and these need no values.
    return margins.recipe(spec, cast(pd.DataFrame, columns), nobody, intercept=False)
