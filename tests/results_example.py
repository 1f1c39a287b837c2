"""Results made by hand from closed forms, for the tests of figures, tables and reports: no model is fitted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from closer_example import closer_frames
from made_verdict import made_verdict
from study_example import EXPOSURES, MODELS, characteristics, histograms, manifest, missing, named_outcomes

from riskkit.infer.multiplicity import adjust
from riskkit.manifest import Manifest
from riskkit.results import Results, schemas

Z = 1.959963984540054
Rows = list[dict[str, Any]]
KEY = ("exposure", "outcome", "time_scale", "model", "coding")


def example_results(exposures: int = 1, outcomes: int = 2, scales: int = 2, models: int = 3) -> Results:
    """An analysis of so many exposures, outcomes, time scales and models.

    The log hazard ratio is a + b z^2 in standard deviations z from the reference, with a standard error of s |z|. The
    first outcome has a clearly bent association with every exposure, the last has none, those between a straight one.
    """
    names = ("estimates", "curves", "splines", "covariances", "shapes", "tests", "fits", "coefficients")
    frames: dict[str, Rows] = {name: [] for name in names}
    outcome_names = list(named_outcomes(outcomes))
    scale_names = ["age", "follow_up"][:scales]
    for exposure in list(EXPOSURES)[:exposures]:
        for i, outcome in enumerate(outcome_names):
            for scale in scale_names:
                for j, model in enumerate(list(MODELS)[:models]):
                    slope, bend = (-0.05, 0.08) if i == 0 else (0.0, 0.0) if i == outcomes - 1 else (-0.15, 0.0)
                    key = {"exposure": exposure, "outcome": outcome, "time_scale": scale, "model": model}
                    shift = 0.02 * j + (0.01 if scale == "follow_up" else 0.0)
                    for name, rows in _rows(key, slope + shift, bend).items():
                        frames[name].extend(rows)
    failure = {"exposure": "igf1", "outcome": outcome_names[-1], "time_scale": "age", "coding": "groups", "variant": ""}
    reason = {"model": list(MODELS)[models - 1], "reason": "12 events, fewer than the 20 that the analysis asks for."}
    made = {
        **{name: pd.DataFrame(rows) for name, rows in frames.items()},
        **closer_frames(list(EXPOSURES)[:exposures], outcome_names, list(MODELS)[min(1, models - 1)]),
        "failures": pd.DataFrame([{**failure, **reason, "formula": "Surv(age_entry, age_exit, cancer) ~ igf1"}]),
        "histograms": histograms(exposures),
        "characteristics": characteristics(),
        "missing": missing(exposures),
    }
    about = manifest(exposures, outcome_names, scale_names, models)
    return Results.of(about, {name: [frame] for name, frame in made.items()})


def with_frames(results: Results, made: Manifest | None = None, **frames: pd.DataFrame) -> Results:
    """The same results with other frames, laid out by their schemas, and another manifest."""
    return results.replaced(made, **{name: schemas()[name].of([frame]) for name, frame in frames.items()})


def declared(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of another frame without what this one does not have."""
    return rows[[column.name for column in schemas()[name].columns if column.name in rows]]


def with_correction(results: Results) -> Results:
    """The same results with p values corrected over the outcomes, as a run leaves them."""
    family = ["exposure", "time_scale", "coding", "model", "term"]
    adjusted = adjust(results.estimates, family)
    return with_frames(results, estimates=adjusted, tests=adjust(results.tests, [*family, "part"]))


def without_fits(results: Results) -> Results:
    """The same results of an analysis of which no model could be fitted."""
    names = ("estimates", "curves", "tests", "fits", "coefficients")
    return results.replaced(**{name: getattr(results, name).iloc[:0] for name in names})


def main_linear(results: Results) -> pd.DataFrame:
    """The linear estimates of the main model on the main time scale."""
    analysis, rows = results.manifest.analysis, results.estimates
    kept = (rows["model"] == analysis.main.name) & (rows["time_scale"] == analysis.time_scales[0])
    return rows[kept & (rows["coding"] == "linear")].drop(columns=["reference", "x", "x_low", "x_high"])


def _rows(key: dict[str, str], slope: float, bend: float) -> dict[str, Rows]:
    _, unit, centre, sd = EXPOSURES[key["exposure"]]
    events = named_outcomes(99)[key["outcome"]][1]
    missing = {"age-sex": 8, "lifestyle": 41, "metabolic": 388}[key["model"]]
    people = 5900 - missing
    error = 1.6 / np.sqrt(events)

    def at(z: np.ndarray) -> np.ndarray:
        return slope * z + bend * z**2

    x = np.linspace(centre - 2 * sd, centre + 2.4 * sd, 200)
    for level in (centre, centre - 1.5 * sd, centre + 1.7 * sd):
        x[np.argmin(abs(x - level))] = level
    z = (x - centre) / sd
    spline = {**key, "coding": "spline"}
    curve = [
        {**spline, "x": v, "reference": centre, **ratio_of(e, error * abs(d), test=False)}
        for v, d, e in zip(x, z, at(z), strict=True)
    ]
    medians = np.array([-1.3, -0.55, 0.0, 0.5, 1.35])
    limits = centre + sd * np.array([-2.2, -0.8, -0.25, 0.25, 0.9, 3.0])
    shares = np.array([0.31, 0.22, 0.18, 0.15, 0.14])
    groups = [
        {
            **key, "coding": "groups", "term": key["exposure"], "level": f"Q{g + 1}", "x": centre + sd * medians[g],
            "x_low": limits[g], "x_high": limits[g + 1], "n": people // 5, "events": int(events * shares[g]),
            "person_years": 18000.0 - 200 * g, "n_missing": missing, "reference": g == 0,
            **ratio_of(float(at(medians[g]) - at(medians[0])), 0.0 if g == 0 else error * 1.3),
        }
        for g in range(5)
    ]  # fmt: skip
    unit_text = f" {unit}" if unit else ""
    linear = {
        **key, "coding": "linear", "term": f"per({key['exposure']}, {sd})", "level": f"per SD ({sd:.3g}{unit_text})",
        "x": sd, "n": people, "events": events, "person_years": 88000.0, "n_missing": missing, "reference": False,
        **ratio_of(slope, error * 0.6),
    }  # fmt: skip
    straight, bent = 0.2 if slope > -0.1 else 0.0004, 0.0004 if bend else 0.41
    tests = [
        {**spline, "term": key["exposure"], "part": "overall", "chi2": 12.0, "df": 3, "p": min(straight, bent)},
        {**spline, "term": key["exposure"], "part": "nonlinear", "chi2": 4.0, "df": 2, "p": bent},
        {**spline, "term": key["exposure"], "part": "proportional hazards", "chi2": 2.0, "df": 3, "p": 0.57},
        {**spline, "term": "GLOBAL", "part": "proportional hazards", "chi2": 31.0, "df": 9, "p": 0.003},
        {**key, "coding": "groups", "term": key["exposure"], "part": "overall", "chi2": 11.0, "df": 4, "p": 0.027},
        {**key, "coding": "linear", "term": key["exposure"], "part": "overall", "chi2": 1.6, "df": 1, "p": straight},
    ]
    fits = [
        {
            **key, "coding": coding, "formula": f"Surv(age_entry, age_exit, {key['outcome']}) ~ {key['exposure']}",
            "n": people, "events": events, "person_years": 88000.0, "n_missing": missing, "loglik": -9000.0,
            "loglik_null": -9100.0, "aic": 18020.0, "iterations": 5, "n_without_events": 0,
        }
        for coding in ("spline", "groups", "linear")
    ]  # fmt: skip
    coefficients = [{**key, "coding": "linear", "term": "sex[Male]", **ratio_of(0.3, 0.04)}]
    ends = [(centre + sd * end, float(at(np.array(end)))) for end in (-1.5, 1.7)]
    turn = -slope / (2 * bend) if bend else 1.7 if slope < 0 else -1.5
    lowest, bottom = centre + sd * turn, float(at(np.array(turn)))
    against = [(level, max(height - bottom, 0.0)) for level, height in ends]
    verdict = made_verdict(*against, lowest, se=error if bend else 0.2, width=0.5 * sd)
    shape = {
        **spline, **verdict.row(), "slopes_p": 0.004 if bend else 0.6,
        **{f"{side}_x": level for side, (level, _) in zip(("lower", "upper"), ends, strict=True)},
        **{f"{side}_slope{part}": sign * value for side, sign in (("lower", -1), ("upper", 1))
           for part, value in (("", 0.2 / sd), ("_low", (0.2 - 0.1 * sign) / sd), ("_high", (0.2 + 0.1 * sign) / sd))},
        "lower_p": 0.004, "upper_p": 0.003,
    }  # fmt: skip
    # The nearest that a spline of these knots comes to the curve above.
    terms = [key["exposure"] + "'" * i for i in range(3)]
    spreads = (error / sd, 0.1 * error / sd, 0.1 * error / sd)
    coefficients += [
        {**spline, "term": term, **ratio_of(estimate, se)}
        for term, estimate, se in zip(terms, ((slope - 2 * bend) / sd, 4 * bend / sd, 0.0), spreads, strict=True)
    ]
    covariances = [
        {**spline, "term": terms[i], "other": terms[j], "covariance": spreads[i] ** 2 if i == j else 0.0}
        for i in range(3)
        for j in range(i + 1)
    ]
    normal = {1: -2, 5: -1.5, 10: -1.2, 25: -0.7, 50: 0, 75: 0.6, 90: 1.3, 95: 1.7, 99: 2.4}
    percentiles = {f"p{percent}": centre + sd * at_z for percent, at_z in normal.items()}
    lowest_point = {"nadir": verdict.x, "nadir_low": verdict.low, "nadir_high": verdict.high}
    lowest_point["interior"] = 0.97 if bend else 0.31
    return {
        "splines": [{**spline, **percentiles, **lowest_point, "df_resid": np.inf}],
        "covariances": covariances,
        "shapes": [shape],
        "curves": curve, "estimates": [*groups, linear], "tests": tests, "fits": fits, "coefficients": coefficients,
    }  # fmt: skip


def ratio_of(estimate: float, se: float, test: bool = True) -> dict[str, float]:
    """A log ratio, its standard error and what follows from them; without its p value where no test is meant."""
    low, high = np.exp([estimate - Z * se, estimate + Z * se])
    shown = {"estimate": estimate, "se": se, "ratio": np.exp(estimate), "low": low, "high": high}
    return {**shown, "p": math.erfc(abs(estimate) / se / math.sqrt(2)) if se else np.nan} if test else shown
