"""A Cox model's baseline hazard as something to differentiate: what each row moves a function of it by.

A quantity made of the coefficients and of the increments of the baseline hazard (a survival, a risk, years lost) has a
derivative by each. The chain rule through the partial likelihood then gives its derivative by the weight of every
row: the row's influence. Squares of influences, summed over people, clusters or sampling units, are a variance that
holds coefficients and baseline together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.sampling import refuse_sampling
from riskkit.errors import FitError
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Ints
from riskkit.fit.linearise import linearised
from riskkit.fit.partial import Evaluation, PartialLikelihood
from riskkit.fit.residuals import at_fit, score_blocks
from riskkit.fit.tie_steps import Steps, steps


@dataclass(frozen=True, eq=False)
class Hazards:
    """The baseline of a Cox model, on the scale of its fit.

    Attributes
    ----------
    fit : Fit
    likelihood : PartialLikelihood
    at : Evaluation
        Of the partial likelihood at the fit's coefficients.
    steps : Steps
    """

    fit: Fit
    likelihood: PartialLikelihood
    at: Evaluation
    steps: Steps

    @property
    def design(self) -> Design:
        """The design of the fit."""
        return cast(Design, self.fit.design)  # `hazards` has refused a fit without

    @property
    def increments(self) -> Array:
        """Hazard at each key of someone whose `log_relative` is zero, shape (D,)."""
        return self.at.hazard

    def log_relative(self, x: Array, offset: Array | float = 0.0) -> Array:
        """Log hazard relative to `increments`, shape (m,), of people with design columns of shape (m, p)."""
        return self.of_predictor(x @ self.fit.coef, offset)

    def of_predictor(self, predictor: Array, offset: Array | float = 0.0) -> Array:
        """Log hazard relative to `increments`, shape (m,), of people with linear predictors x'b."""
        return np.asarray(predictor + (offset - float(np.sum(self.likelihood.centre * self.fit.coef)) - self.at.shift))

    def centred(self, total: Array, weight: Array) -> Array:
        """Sums of weighted design columns, shape (M, p), of total weight (M,), taken about the likelihood's centre."""
        return np.asarray(total - np.outer(weight, np.broadcast_to(self.likelihood.centre, self.fit.coef.shape)))

    def influence(self, on_coef: Array, on_hazard: Array) -> Array:
        """What M quantities would gain, per unit of relative weight of a row.

        Parameters
        ----------
        on_coef : array, shape (M, p)
            Derivatives by the coefficients with the increments held, of `centred` columns.
        on_hazard : array, shape (D, M)
            Derivatives by the increments.

        Returns
        -------
        array, shape (n, M)

        References
        ----------
        Reid N, Crépeau H (1985) Biometrika 72:1-9; Ozenne B, Sørensen AL, Scheike T, Torp-Pedersen C, Gerds TA (2017)
        R Journal 9:440-460. R: riskRegression::iidCox.
        """
        likelihood, at, these = self.likelihood, self.at, self.steps
        rows, keys = likelihood.sets.event_rows, likelihood.sets.event_keys
        part = these.weight / these.s0
        drift = these.by_key(part[:, None] * these.mean)
        towards = (on_coef - on_hazard.T @ drift) @ self.fit.vcov_model
        weights = likelihood.case_weights
        out = np.empty((len(likelihood.x), len(on_coef)))
        for some, block in score_blocks(likelihood, at):
            out[some] = (block @ towards.T) * weights[some, None]
        lost, spared = part / these.s0, these.share * part / these.s0
        out -= at.theta[:, None] * likelihood.while_at_risk(at, these.by_key(lost)[:, None] * on_hazard)
        gained = these.by_key(1.0 / these.s0) / these.by_key(np.ones_like(these.s0))
        of_event = weights[rows] * gained[keys] + at.theta[rows] * these.by_key(spared)[keys]
        out[rows] += of_event[:, None] * on_hazard[keys]
        return out


def hazards(fit: Fit) -> Hazards:
    """Take a Cox model's baseline hazard, for estimates that need it.

    Raises
    ------
    FitError
        If the fit is not a Cox model, is penalised, of a case-cohort or nested case-control sample, or light.
    """
    refuse_penalised(fit)
    if fit.design is not None:
        refuse_sampling(
            fit.design.sampling, "the baseline hazard", "fit with weights= and robust=True (rk.ncc_weights)"
        )
    likelihood, at = at_fit(fit)
    return Hazards(fit, likelihood, at, steps(likelihood, at))


def refuse_penalised(fit: Fit) -> None:
    """Refuse estimates whose bias is part of the method: their influence functions would leave it out.

    Raises
    ------
    FitError
        If the fit has penalised splines or Firth's penalty.
    """
    if fit.edf is not None:
        raise FitError(
            "absolute risks are not for penalised splines (ps), whose smoothing biases them by more than their "
            "standard errors say; use rcs(...)."
        )
    if fit.method.startswith("Firth"):
        raise FitError('absolute risks are not for penalty="firth", whose baseline is shrunk too; fit without penalty.')


def between_units(design: Design, influence: Array) -> Array:
    """Covariance of M quantities from their rows' influences, shape (n, M): over PSUs, clusters or rows; (M, M)."""
    if design.sample is not None:
        return linearised(design.sample, by_group(influence, design.sample.psu, design.sample.stratum.size))
    if design.cluster is not None:
        influence = by_group(influence, design.cluster, int(design.cluster.max()) + 1)
    elif design.weight_kind == "frequency":  # w people of equal influence i / w
        influence = influence / np.sqrt(design.people)[:, None]
    return np.asarray(influence.T @ influence)


def by_group(values: Array, group: Ints, size: int) -> Array:
    """Sum rows of values, shape (n, M), by group; shape (size, M)."""
    return np.array([np.bincount(group, column, size) for column in values.T], dtype=float).reshape(-1, size).T
