"""Profile-likelihood limits: values of a coefficient that a likelihood-ratio test would not reject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special

from riskkit.design.bases import Array
from riskkit.errors import SpecError

if TYPE_CHECKING:
    from riskkit.fit.fit import Fit

Limits = Literal["wald", "profile"]
CLOSE = 1e-8  # of a standard error
FURTHEST = 60  # steps outwards, each half as long again as the one before


def profile_limits(fit: Fit, level: float) -> tuple[Array, Array, Array]:
    """Lower and upper limits of each coefficient, and the p value of its being zero; each of shape (p,).

    The other coefficients are estimated anew at every value tried, under the same penalty if there is one. A limit is
    infinite where the likelihood does not fall that far, and missing of coefficients that are infinite themselves.

    Raises
    ------
    SpecError
        If the fit has no likelihood to profile.

    References
    ----------
    Venzon DJ, Moolgavkar SH (1988) Appl Stat 37:87; Heinze G, Schemper M (2002) Stat Med 21:2409. R: confint(glm),
    logistf::logistf(pl = TRUE).
    """
    if not 0 < level < 1:
        raise SpecError(f"a confidence level lies between 0 and 1, as in 0.95; got {level!r}.")
    if fit.covariance != "model-based" or fit.edf is not None or np.isnan(fit.loglik) or fit.model == "linear":
        raise SpecError(
            f'limits="profile" are of a likelihood, which a {fit.covariance} {fit.model} fit'
            f'{" with penalised splines" if fit.edf is not None else ""} has not; use limits="wald".'
        )
    if fit.constrained is None:
        raise SpecError('limits="profile" take the data of the fit, which light() let go of; fit again.')
    p = fit.coef.size
    low, high, tail = (np.full(p, np.nan) for _ in range(3))
    allowed = float(special.chdtri(1, 1 - level))
    endless = np.zeros(p) if fit.infinite is None else fit.infinite
    for j in np.flatnonzero(endless == 0):
        others = (np.arange(p) != j) & (endless == 0)
        profile = _Profile(fit, int(j), np.eye(p)[:, others])
        low[j], high[j] = (profile.limit(side, allowed) for side in (-1.0, 1.0))
        tail[j] = special.chdtrc(1, max(0.0, profile.deviance(0.0)))
    return low, high, tail


class _Profile:
    """Twice the fall of the log-likelihood as one coefficient moves; each value starts from the latest estimates."""

    def __init__(self, fit: Fit, j: int, basis: Array) -> None:
        self.fit, self.j, self.basis = fit, j, basis
        self.latest = fit.coef

    def deviance(self, value: float) -> float:
        assert self.fit.constrained is not None
        start = np.where(self.basis.any(axis=1), 0.0, self.fit.coef)
        start[self.j] = value
        loglik, self.latest = self.fit.constrained(start, self.basis, self.basis.T @ self.latest)
        return 2 * (self.fit.loglik - loglik)

    def limit(self, side: float, allowed: float) -> float:
        from scipy import optimize  # a tenth of a second that only profiles need

        self.latest = self.fit.coef
        centre, se = float(self.fit.coef[self.j]), float(self.fit.se[self.j])
        inside, step = 0.0, np.sqrt(allowed) * se
        for _ in range(FURTHEST):
            outside = inside + step
            if self.deviance(centre + side * outside) > allowed:
                break
            inside, step = outside, 1.5 * step
        else:
            return side * np.inf

        def excess(distance: float) -> float:
            return self.deviance(centre + side * distance) - allowed

        return centre + side * float(optimize.brentq(excess, inside, outside, xtol=CLOSE * se))
