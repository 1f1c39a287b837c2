"""Interaction on the additive scale: whether two exposures together add more to the risk than each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.hypothesis import t_p_value
from riskkit.infer.bootstrap import Bootstrap
from riskkit.infer.linear import coded, critical, estimates, standard_errors

RARE = 0.10  # share with the outcome up to which an odds ratio stands for a risk ratio


@dataclass(frozen=True, eq=False)
class AdditiveInteraction:
    """Measures of interaction on the additive scale, with the ratios they are made of.

    Attributes
    ----------
    measures : DataFrame
        measure interval estimate se low high p, one row per measure and kind of interval. Measures are "RERI" (relative
        excess risk due to interaction; 0 where effects add up), "AP" (attributable proportion, RERI over the joint
        ratio; 0) and "S" (synergy index; 1). `se` is of the measure, of S that of its logarithm. What is not defined is
        NaN, and `notes` say why.
    ratios : DataFrame
        One row for the first variable alone, the second alone, and both, relative to neither: exposed, estimate, se
        (log ratio), ratio, low, high.
    notes : tuple of str
        What a reader should know, in sentences.
    """

    measures: pd.DataFrame
    ratios: pd.DataFrame
    notes: tuple[str, ...]


def additive_interaction(
    fit: Fit,
    setting: Mapping[str, Any],
    reference: Mapping[str, Any],
    *,
    at: Mapping[str, Any] | None = None,
    level: float = 0.95,
    resampled: Bootstrap | None = None,
) -> AdditiveInteraction:
    """Measure interaction of two variables on the additive scale, for a declared contrast of each.

    Parameters
    ----------
    fit : Fit
        Of a Cox, logistic or other model with a product of the two variables, as in `rcs(igf1, 4) * C(sex)`; a light
        one will do.
    setting, reference : mapping of variable to value
        Exposed and unexposed values of the same two variables, as in `additive_interaction(fit, {"igf1": 80, "sex":
        "Men"}, {"igf1": 150, "sex": "Women"})`. The reference should be the combination with the lowest risk.
    at : mapping of variable to value, optional
        Where other variables that interact with the two stand; by default at their median or reference level.
    level : float
        Confidence level.
    resampled : Bootstrap, optional
        What `rk.bootstrap(fit)` gave: adds percentile intervals.

    Returns
    -------
    AdditiveInteraction
        Delta-method intervals of all three measures (of S on the log scale), MOVER's of RERI, which need not be
        symmetric, and the bootstrap's where asked for.

    Raises
    ------
    SpecError
        If the settings do not name the same two variables with different values, or the model has no product of them
        (it would then itself decide the answer).

    References
    ----------
    Rothman KJ (1986) Modern Epidemiology; Hosmer DW, Lemeshow S (1992) Epidemiology 3:452 (delta); Zou GY (2008) Am J
    Epidemiol 168:212 (MOVER); Knol MJ et al (2011) Eur J Epidemiol 26:433 (ratios below 1). R: epiR::epi.interaction.
    """
    first, second = _two_variables(fit, setting, reference)
    corners = {
        name: [setting[name] if exposed else reference[name] for exposed in pattern]
        for name, pattern in ((first, (1, 0, 1, 0)), (second, (0, 1, 1, 0)))
    }
    rows = coded(fit, corners, at)
    rows = rows[:3] - rows[3]
    if not rows.any(axis=1).all():
        raise SpecError(f"additive_interaction: the values of '{first}' or of '{second}' do not differ.")
    halves = critical(fit, rows, level)
    joint = estimates(fit, rows, halves)
    log_ratios = rows @ fit.coef
    found = [_delta(fit, rows, level), _mover(log_ratios, rows @ fit.vcov @ rows.T, halves)]
    notes = [*_notes(fit, np.exp(log_ratios), (first, second))]
    if resampled is not None:
        found.append(_percentiles(log_ratios, resampled.coef @ rows.T, level))
        undefined = int((~np.isfinite(synergy(np.exp(resampled.coef @ rows.T)))).sum())
        if undefined:
            notes.append(f"S is not defined in {undefined} of {len(resampled.coef)} bootstrap samples: no interval.")
    joint.insert(0, "exposed", [first, second, "both"])
    return AdditiveInteraction(pd.concat(found, ignore_index=True), joint, tuple(notes))


def reri(ratios: Array) -> Array:
    """RERI, shape (...), of the ratios for the first alone, the second alone and both, shape (..., 3)."""
    return np.asarray(ratios[..., 2] - ratios[..., 0] - ratios[..., 1] + 1)


def attributable(ratios: Array) -> Array:
    """Attributable proportion due to interaction: RERI over the ratio for both."""
    return np.asarray(reri(ratios) / ratios[..., 2])


def synergy(ratios: Array) -> Array:
    """Synergy index; NaN where the excess of both, or of the two added up, is not above zero."""
    both, apart = ratios[..., 2] - 1, ratios[..., 0] + ratios[..., 1] - 2
    return np.where((both > 0) & (apart > 0), both / np.where(apart > 0, apart, 1.0), np.nan)


def _delta(fit: Fit, rows: Array, level: float) -> pd.DataFrame:
    """All measures with delta intervals: near the estimates each is a linear combination of coefficients."""
    a, b, both = ratios = np.exp(rows @ fit.coef)
    s = float(synergy(ratios))
    excess = (a + b - 2, both - 1) if np.isfinite(s) else (np.nan, np.nan)
    gradients = np.array(
        [[-a, -b, both], [-a / both, -b / both, (a + b - 1) / both], [-a / excess[0], -b / excess[0], both / excess[1]]]
    )
    near = gradients @ rows
    se, half = standard_errors(fit, near), critical(fit, near, level)
    estimate = np.array([reri(ratios), attributable(ratios), s])
    apart = half * se
    return pd.DataFrame(
        {
            "measure": ["RERI", "AP", "S"],
            "interval": "delta",
            "estimate": estimate,
            "se": se,
            "low": [*(estimate - apart)[:2], s * np.exp(-apart[2])],
            "high": [*(estimate + apart)[:2], s * np.exp(apart[2])],
            "p": t_p_value(np.append(estimate[:2], np.log(s)) / se, fit.t_df(near)),
        }
    )


def _mover(log_ratios: Array, covariance: Array, halves: Array) -> pd.DataFrame:
    """The interval of RERI recovered from those of its three ratios, which keep their lack of symmetry."""
    ratios, se = np.exp(log_ratios), np.sqrt(np.diag(covariance))
    to_low, to_high = ratios - np.exp(log_ratios - halves * se), np.exp(log_ratios + halves * se) - ratios
    correlation = covariance / np.outer(se, se)
    sign = np.array([-1.0, -1.0, 1.0])
    below, above = (sign * np.where(sign > 0, *ends) for ends in ((to_low, to_high), (to_high, to_low)))
    estimate = float(reri(ratios))
    row = {
        "measure": "RERI",
        "interval": "MOVER",
        "estimate": estimate,
        "low": estimate - np.sqrt(below @ correlation @ below),
        "high": estimate + np.sqrt(above @ correlation @ above),
    }
    return pd.DataFrame([row])


def _percentiles(log_ratios: Array, resampled: Array, level: float) -> pd.DataFrame:
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for name, measure in (("RERI", reri), ("AP", attributable), ("S", synergy)):
        drawn = measure(np.exp(resampled))
        low, high = np.quantile(drawn, tails)
        spread = np.log(drawn) if name == "S" else drawn
        row = {"measure": name, "interval": "bootstrap", "estimate": float(measure(np.exp(log_ratios)))}
        rows.append(row | {"se": float(np.std(spread, ddof=1)), "low": float(low), "high": float(high)})
    return pd.DataFrame(rows)


def _two_variables(fit: Fit, setting: Mapping[str, Any], reference: Mapping[str, Any]) -> tuple[str, str]:
    if set(setting) != set(reference) or len(setting) != 2:
        raise SpecError(
            f"additive_interaction: name the same two variables on both sides; got {sorted(setting)} and "
            f"{sorted(reference)}. Others that interact with them go into `at`."
        )
    first, second = setting
    if not any(second in term.variables for term in fit.recipe.terms_with(first)):
        fit.recipe.terms_with(second)
        raise SpecError(
            f"additive_interaction: the model has no product of '{first}' and '{second}', and would itself decide the "
            f"answer; write {first} * {second} in the formula."
        )
    for name in (first, second):
        if not any(term.variables == (name,) for term in fit.recipe.terms):
            raise SpecError(
                f"additive_interaction: the model has no ratio of '{name}' alone, since it stands in a product "
                f"only, or in strata(); write {first} * {second} in the formula, and take it out of strata()."
            )
    return first, second


def _notes(fit: Fit, ratios: Array, names: tuple[str, str]) -> list[str]:
    notes = []
    lowest = int(ratios.argmin())
    if ratios[lowest] < 1:
        which = (f"'{names[0]}' alone", f"'{names[1]}' alone", "both")[lowest]
        notes.append(
            f"The {fit.ratio_name} with {which} is {ratios[lowest]:.2f}, below the reference's 1: AP and S are hard to "
            "read then. Take the combination with the lowest risk as reference."
        )
    if not np.isfinite(synergy(ratios)):
        notes.append("S is not defined: the excess risk of both, or of the two added up, is not above zero.")
    matched = fit.model == "clogit"  # sets have the share of cases they were chosen to have
    if fit.ratio_name == "odds ratio" and not matched and fit.n and fit.events / fit.n > RARE:
        notes.append(
            f"{100 * fit.events / fit.n:.0f}% have the outcome: odds ratios lie further from 1 than the risk ratios "
            "that these measures are about."
        )
    return notes
