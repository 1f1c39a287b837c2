"""A site's part: the sums of its own rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from riskkit.design.columns import check_columns
from riskkit.design.design import build
from riskkit.design.surv import Surv
from riskkit.errors import SpecError
from riskkit.fit.federated.codings import agreed
from riskkit.fit.fit import check_choice
from riskkit.fit.partial import partial_likelihood

Message = dict[str, Any]


def cox_site(request: Mapping[str, Any], data: pd.DataFrame, *, min_events: int = 10) -> Message:
    """Answer a request of `riskkit.cox_federated` with sums over a site's rows.

    Parameters
    ----------
    request : mapping
        As `cox_federated` sends it: formula, ties, coefficients.
    data : DataFrame
        The site's rows, which do not leave it.
    min_events : int
        A site with fewer events says so and nothing else. The sums of a few people can tell of each of them: choose a
        multiple of the number of coefficients.

    Returns
    -------
    dict of numbers, lists and text, which JSON can carry
        names of the p coefficients; n, events, n_missing and person_time; the log-likelihood, its gradient (p), its
        information (p x p) and the weighted squares of the covariates (p) at the coefficients, of the site as strata
        of its own. Or `refused`, why there is none.

    Raises
    ------
    SpecError
        If the request is not one, or a column is lacking.
    DataError
        If a column cannot be what the formula makes of it.
    """
    try:
        formula, ties, coef = request["formula"], request["ties"], np.array(request["coef"], dtype=float)
    except (KeyError, TypeError, ValueError):
        raise SpecError("request: not one of rk.cox_federated; it has formula, ties and coef.") from None
    check_choice("ties", ties, ("efron", "breslow"))
    if not (isinstance(min_events, int) and min_events >= 1):
        raise SpecError(f"min_events={min_events!r} must be a whole number from 1.")
    recipe = agreed(formula)
    if coef.shape != (len(recipe.names),):
        raise SpecError(f"request: {coef.size} coefficients for {len(recipe.names)} columns.")
    spec = recipe.formula
    check_columns(data, spec.columns, "cox_site")
    rows = data[data[list(spec.columns)].notna().all(axis=1).to_numpy()]
    refusal = {"refused": f"fewer than {min_events} events (min_events)"}
    if not len(rows):
        return refusal
    design = replace(build(replace(spec, terms=()), rows), recipe=recipe, x=recipe.matrix(rows))
    surv = design.response
    assert isinstance(surv, Surv)
    events = int(surv.event.sum())
    if events < min_events:
        return refusal
    likelihood = partial_likelihood(design, ties)
    with np.errstate(over="ignore", invalid="ignore"):  # of a step too long, which is then halved
        at = likelihood.evaluate(coef)
        gram = likelihood.gram(likelihood.expected(at))
    return {
        "names": list(recipe.names),
        "n": len(rows),
        "events": events,
        "n_missing": len(data) - len(rows),
        "person_time": float(surv.person_time.sum()),
        "loglik": at.loglik,
        "gradient": at.gradient.tolist(),
        "information": (gram - at.outer).tolist(),
        "squares": np.diag(gram).tolist(),
    }
