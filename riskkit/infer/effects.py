"""From mean risks to what is asked of them: differences, ratios, time free of events, attributable fractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskkit.design.bases import Array
from riskkit.fit.limits import Scale

SCALES = {
    "risk": "log-log",
    "difference": "plain",
    "ratio": "log",
    "rmst": "plain",
    "rmst_difference": "plain",
    "years_lost": "plain",
    "years_lost_difference": "plain",
    "paf": "log-rest",
}
EFFECTS = tuple(SCALES)
OF_TIME = ("rmst", "rmst_difference", "years_lost", "years_lost_difference")
COMPARED = ("difference", "ratio", "rmst_difference", "years_lost_difference", "paf")


@dataclass(frozen=True)
class Asked:
    """One number of the answer, as a function of the base quantities (setting, target).

    Attributes
    ----------
    setting, reference : int
        Settings compared; the reference is -1 where nothing is.
    targets : tuple of int
        Targets that are added up.
    total : float
        What the sum of the targets is taken from (time free of events), else NaN.
    """

    setting: int
    reference: int
    targets: tuple[int, ...]
    total: float = float("nan")


def computed(effect: str, asked: Sequence[Asked], estimate: Array, covariance: Array) -> tuple[Array, Array]:
    """Values and standard errors of what is asked, shape (m,), by the delta method.

    Parameters
    ----------
    estimate : array, shape (L, J)
    covariance : array, shape (L J, L J)
    """
    n_settings, n_targets = estimate.shape
    value, gradient = np.empty(len(asked)), np.zeros((len(asked), n_settings, n_targets))
    for i, one in enumerate(asked):
        targets = list(one.targets)
        here = float(estimate[one.setting, targets].sum())
        there = float(estimate[one.reference, targets].sum()) if one.reference >= 0 else 0.0
        match effect:
            case "ratio":
                value[i] = here / there
                gradient[i, one.setting, targets] += 1 / there
                gradient[i, one.reference, targets] -= here / there**2
            case "paf":  # of the risk as it is (setting), the share not there under the reference
                value[i] = 1 - there / here
                gradient[i, one.setting, targets] += there / here**2
                gradient[i, one.reference, targets] -= 1 / here
            case "rmst":
                value[i] = one.total - here
                gradient[i, one.setting, targets] -= 1
            case "rmst_difference":
                value[i] = there - here
                gradient[i, one.setting, targets] -= 1
                gradient[i, one.reference, targets] += 1
            case _:
                value[i] = here - there
                gradient[i, one.setting, targets] += 1
                if one.reference >= 0:
                    gradient[i, one.reference, targets] -= 1
    flat = gradient.reshape(len(asked), -1)
    variance = np.einsum("ij,jk,ik->i", flat, covariance, flat)
    return value, np.sqrt(np.maximum(variance, 0.0))


def scale_of(effect: str, model: str) -> Scale:
    """The scale on which limits of an effect are symmetric."""
    if effect == "risk" and model != "cox":
        return Scale("logit" if model == "logistic" else "log")
    return Scale(SCALES[effect])
