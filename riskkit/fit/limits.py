"""Confidence limits on the scale on which an estimate is nearly normal, and pooling there over imputed sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from riskkit.design.bases import Array
from riskkit.fit import rubin
from riskkit.fit.hypothesis import t_critical


@dataclass(frozen=True)
class Scale:
    """A transformation g of an estimate, named by what it is good for.

    "plain" for differences and times; "log" for ratios, rates and hazards; "logit" for a logistic model's
    probabilities; "log-log" for risks; "log-rest" for fractions below one, of which the rest is a ratio.
    """

    name: str

    def to(self, value: Array) -> Array:
        """g of estimates; NaN or infinite where the estimate lies at an end of its range."""
        with np.errstate(divide="ignore", invalid="ignore"):
            match self.name:
                case "log":
                    return np.asarray(np.log(value))
                case "logit":
                    return np.asarray(special.logit(value))
                case "log-log":
                    return np.asarray(np.log(-np.log(value)))
                case "log-rest":
                    return np.asarray(np.log1p(-value))
            return np.asarray(value, dtype=float)

    def back(self, value: Array) -> Array:
        """The inverse of g."""
        match self.name:
            case "log":
                return np.asarray(np.exp(value))
            case "logit":
                return np.asarray(special.expit(value))
            case "log-log":
                return np.asarray(np.exp(-np.exp(value)))
            case "log-rest":
                return np.asarray(-np.expm1(value))
        return np.asarray(value, dtype=float)

    def derivative(self, value: Array) -> Array:
        """g' of estimates."""
        with np.errstate(divide="ignore", invalid="ignore"):
            match self.name:
                case "log":
                    return np.asarray(1 / value)
                case "logit":
                    return np.asarray(1 / (value * (1 - value)))
                case "log-log":
                    return np.asarray(1 / (value * np.log(value)))
                case "log-rest":
                    return np.asarray(-1 / (1 - value))
            return np.ones_like(value)


def limits(value: Array, se: Array, scale: Scale, df: Array | float, level: float) -> tuple[Array, Array]:
    """Limits of estimates, shape (m,), symmetric on a scale; NaN where the scale has no value there.

    An estimate without error, as the ratio of a level to itself, is its own limit.

    Raises
    ------
    SpecError
        If the level is not between 0 and 1.
    """
    critical = t_critical(np.broadcast_to(np.asarray(df, dtype=float), value.shape), level)
    with np.errstate(invalid="ignore", over="ignore"):
        middle, half = scale.to(value), critical * se * np.abs(scale.derivative(value))
        ends = np.stack([scale.back(middle - half), scale.back(middle + half)])
    ends = np.where(se == 0, np.where(np.isfinite(middle), value, np.nan), ends)
    return ends.min(axis=0), ends.max(axis=0)


def pooled(values: Array, ses: Array, scale: Scale, df_complete: float) -> tuple[Array, Array, Array]:
    """Rubin's rules on a scale for estimates of m sets, shape (m, q): estimate, standard error, degrees of freedom.

    The standard error is of the estimate itself, by the delta method.

    References
    ----------
    Rubin DB (1987) Multiple Imputation for Nonresponse in Surveys; Barnard J, Rubin DB (1999) Biometrika 86:948-955.
    """
    m = len(values)
    moved = scale.to(values)
    within = ((ses * scale.derivative(values)) ** 2).mean(axis=0)
    between = moved.var(axis=0, ddof=1)
    middle = moved.mean(axis=0)
    value = scale.back(middle)
    se = np.sqrt(rubin.total(within, between, m)) / np.abs(scale.derivative(value))
    return value, se, rubin.barnard_rubin(within, between, m, df_complete)
