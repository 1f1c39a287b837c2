"""Fractional polynomials by the closed test procedure: is there an association, is it a line, which curve is it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
from scipy import special

from riskkit.design.bases import Linear
from riskkit.design.design import Design
from riskkit.design.fractional import POWERS, fractional_polynomial
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.formula import rewritten
from riskkit.infer.refit import design_of, recoded, refitted, values_used

Powers = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class FpSelection:
    """The fractional polynomial chosen for one variable.

    Attributes
    ----------
    powers : tuple of float
        () for no association, (1,) for a straight line.
    fit : Fit
        The model with the chosen powers. Its own standard errors and p values take the powers as known.
    tests : DataFrame
        The tests of the procedure in their order, up to the one that decided: test chi2 df p.
    candidates : DataFrame
        powers degree loglik of every curve compared, the best first.
    """

    powers: Powers
    fit: Fit
    tests: pd.DataFrame
    candidates: pd.DataFrame

    def sentence(self) -> str:
        """Declare the choice and the test that decided."""
        last = self.tests.iloc[-1]
        what = {(): "no association", (1.0,): "a straight line"}.get(
            self.powers, f"powers {', '.join(f'{power:g}' for power in self.powers)}"
        )
        return f"The closed test procedure chose {what} ({last['test']}: p = {last['p']:.2g})."


def select_fp(fit: Fit, variable: str, *, degree: int = 2, alpha: float = 0.05) -> FpSelection:
    """Choose a fractional polynomial of one variable, given the rest of the model.

    The best curve of the highest degree is tested against no association, then against a straight line, then against
    the best curve of a lower degree; the first test that is not significant decides for the simpler one. As a closed
    test procedure it errs towards a curve or an association with probability at most about `alpha`. Powers come from
    -2, -1, -0.5, 0 (log), 0.5, 1, 2, 3, each counting a degree of freedom of its own.

    Parameters
    ----------
    fit : Fit
        A model with the variable as itself (or as a spline), with model-based covariance; not a light one.
    variable : str
        A number without interactions.
    degree : {1, 2}
        Powers of the most complex curve.
    alpha : float
        Significance level of each test.

    Returns
    -------
    FpSelection
        The powers chosen, the tests that led to them, and the model with them.

    Raises
    ------
    SpecError
        If the fit is light, robust or penalised, the variable interacts, or an argument makes no sense.
    FitError
        If one of the models cannot be fitted.

    References
    ----------
    Royston P, Sauerbrei W (2008) Multivariable Model-Building, 4.10; Ambler G, Royston P (2001) J Stat Comput Simul
    69:89. R: mfp2::mfp2(criterion = "pvalue"), without its backfitting of several variables.
    """
    if degree not in (1, 2):
        raise SpecError(f"select_fp: degree is 1 or 2; got {degree!r}.")
    if not 0 < alpha < 1:
        raise SpecError(f"select_fp: alpha is a significance level between 0 and 1; got {alpha!r}.")
    if fit.covariance != "model-based":
        raise SpecError(
            f"select_fp needs a model-based covariance, not a {fit.covariance} one: its tests are of likelihoods."
        )
    x = values_used(fit, variable)
    design = design_of(fit)

    def coded(powers: Powers) -> Design:
        if not powers:
            return _without(design, variable)
        basis = Linear(variable) if powers == (1,) else fractional_polynomial(pd.Series(x, name=variable), powers)
        return recoded(design, variable, basis, x)

    curves = [powers for d in range(1, degree + 1) for powers in combinations_with_replacement(POWERS, d)]
    loglik = {powers: refitted(fit, coded(powers)).loglik for powers in [(), *curves]}
    best = {
        d: max((powers for powers in curves if len(powers) == d), key=loglik.__getitem__) for d in range(1, degree + 1)
    }
    simpler: list[tuple[str, Powers, int]] = [("no association", (), 2 * degree), ("a line", (1.0,), 2 * degree - 1)]
    simpler += [(f"FP{d}", best[d], 2 * (degree - d)) for d in range(1, degree)]
    chosen, tests = best[degree], []
    for name, powers, df in simpler:
        chi2 = 2 * (loglik[best[degree]] - loglik[powers])
        p = float(special.chdtrc(df, chi2))
        tests.append({"test": f"FP{degree} against {name}", "chi2": chi2, "df": df, "p": p})
        if p >= alpha:
            chosen = powers
            break
    table = pd.DataFrame({"powers": curves, "degree": [len(p) for p in curves], "loglik": [loglik[p] for p in curves]})
    table = table.sort_values("loglik", ascending=False, ignore_index=True)
    return FpSelection(chosen, refitted(fit, _told(coded(chosen), variable)), pd.DataFrame(tests), table)


def _told(design: Design, variable: str) -> Design:
    """The design with a formula that says how the variable is coded now."""
    main = [term.bases[0].label for term in design.recipe.terms if term.variables == (variable,)]
    formula = rewritten(design.recipe.formula, variable, main[0] if main else None)
    return replace(design, recipe=replace(design.recipe, formula=formula))


def _without(design: Design, variable: str) -> Design:
    """The design without the main effect of a variable."""
    keep, terms, position = np.ones(design.x.shape[1], dtype=bool), [], int(design.recipe.intercept)
    for term in design.recipe.terms:
        if term.variables == (variable,):
            keep[term.columns] = False
            continue
        width = term.columns.stop - term.columns.start
        terms.append(replace(term, columns=slice(position, position + width)))
        position += width
    return replace(design, recipe=replace(design.recipe, terms=tuple(terms)), x=np.ascontiguousarray(design.x[:, keep]))
