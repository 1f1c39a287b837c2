"""Interaction by sex and checks of robustness, made by hand for the results of `results_example`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from results_example import Z, declared, main_linear, with_frames
from study_example import EXPOSURES, asking, of_cohort, outcome

from riskkit.cohort.outcomes import Outcome
from riskkit.infer.confounding import evalue
from riskkit.results import Results

LEVELS = ("Women", "Men")
SLOPES = {"Women": 0.1, "Men": -0.2}  # of the log ratio, per standard deviation


def with_interactions(results: Results) -> Results:
    """The same results with straight curves by sex, which differ (p = 0.01) for the first outcome only.

    The three ratios of the additive contrast are 2, 3 and 6: RERI 2, its interval 0.5 to 3.5 for the first outcome, and
    from -1 for the others.
    """
    tests, curves, additive = [], [], []
    for i, key in enumerate(_keys(results, "spline")):
        _, _, centre, sd = EXPOSURES[key["exposure"]]
        modified = {**key, "modifier": "sex"}
        about = {"n": 5859, "events": 900, "person_years": 88000.0, "n_missing": 41, "formula": "made by hand"}
        p = 0.01 if i == 0 else 0.6
        tests += [
            {**modified, "test": name, "chi2": 11.3, "df": 3, "p": p, **about} for name in ("likelihood ratio", "Wald")
        ]
        for level, slope in SLOPES.items():
            z = np.linspace(-2, 2 if level == "Women" else 1, 41)
            points = pd.DataFrame({"x": centre + sd * z, "estimate": slope * z, "se": 0.1 * np.abs(z)})
            half = Z * points["se"]
            curves.append(
                points.assign(
                    **modified, level=level, n=3000, events=450, person_years=44000.0, reference=centre,
                    ratio=np.exp(points["estimate"]), low=np.exp(points["estimate"] - half),
                    high=np.exp(points["estimate"] + half),
                )
            )  # fmt: skip
        compared = {"exposed": centre - sd, "reference": centre, "exposed_level": "Men", "reference_level": "Women"}
        joint = {"exposure alone": 2.0, "modifier alone": 3.0, "both": 6.0}
        rows = [(name, "Wald", value, value - 0.5, value + 0.5, np.nan) for name, value in joint.items()]
        low = 0.5 if i == 0 else -1.0
        rows += [("RERI", "delta", 2.0, low, 3.5, 0.02), ("RERI", "MOVER", 2.0, low, 3.5, np.nan)]
        rows += [("AP", "delta", 1 / 3, 0.1, 0.6, 0.02), ("S", "delta", np.nan, np.nan, np.nan, np.nan)]
        additive += [
            {**modified, "measure": m, "interval": i, "value": v, "low": lo, "high": hi, "p": q, **compared, **about}
            for m, i, v, lo, hi, q in rows
        ]
    contrast = {"exposure": ["p10", "median"], "modifier": ["Men", "Women"]}
    variables = results.manifest.cohort.variables
    by_sex = variables | {"sex": replace(variables["sex"], levels=LEVELS)}
    return with_frames(
        results,
        of_cohort(asking(results.manifest, interactions=[{"modifier": "sex", "additive": contrast}]), variables=by_sex),
        interactions=pd.DataFrame(tests),
        interaction_curves=pd.concat(curves, ignore_index=True),
        additive=declared("additive", pd.DataFrame(additive)),
    )


def with_robustness(results: Results) -> Results:
    """The same results with every check of the first outcome, and falls as a negative control (ratio 1.2, 0.9 to 1.6).

    Without the north the ratio is 2, out of every interval; without the south the model could not be fitted.
    """
    main = main_linear(results)
    rows: list[dict[str, Any]] = []
    for key in _keys(results, "linear")[:1]:
        own = main[(main["exposure"] == key["exposure"]) & (main["outcome"] == key["outcome"])].iloc[0]
        estimate = own[["n", "events", "n_missing", "estimate", "se", "ratio", "low", "high", "p"]].to_dict()
        e = evalue(own["ratio"], own["low"], own["high"], measure="hazard ratio", rare=True)
        tipping = {"check": "tipping point", "item": "Frailty", "exposed": 0.1, "unexposed": 0.15}
        without = {"check": "left out", "item": "South", "n": 2900}
        rows += [
            {**key, "check": "main", **estimate},
            {**key, "check": "E-value", "value": e.estimate, "limit": e.limit, "note": e.scale},
            {**key, **tipping, "value": np.inf, "limit": 1.5},
            {**key, "check": "left out", "item": "North", **estimate, "ratio": 2.0, "high": 2.5, "note": ""},
            {**key, **without, "note": "the others do not differ in what is compared."},
            {**key, "check": "jackknife", **estimate, "value": 12},
            {**key, "check": "bootstrap", **estimate, "value": 1000},
            {**key, "check": "influence", "item": "17", "value": -0.19, "ratio": 0.99},
            {**key, "check": "without influential", **estimate, "value": 1},
            {**key, "outcome": "falls", "check": "negative control", **estimate, "ratio": 1.2, "low": 0.9, "high": 1.6,
             "p": 0.2, "events": 70},
        ]  # fmt: skip
    asked = {
        "evalues": True, "negative_controls": ["falls"], "leave_one_out": "sex", "bootstrap": 1000, "influence": 1,
        "confounders": [{"label": "Frailty", "prevalence": [0.1, 0.15]}],
    }  # fmt: skip
    made = asking(results.manifest, robustness=asked)
    falls = Outcome(**outcome("falls", "Death from a fall") | {"flow": ()})
    made = of_cohort(made, outcomes=made.cohort.outcomes | {"falls": falls})
    return with_frames(results, made, robustness=pd.DataFrame([{"item": "", "note": "", **row} for row in rows]))


def _keys(results: Results, coding: str) -> list[dict[str, str]]:
    """The main model's key of the first exposure with every outcome."""
    analysis = results.manifest.analysis
    key = {"exposure": next(iter(analysis.exposures)), "time_scale": analysis.time_scales[0], "coding": coding,
           "model": analysis.main.name}  # fmt: skip
    return [{**key, "outcome": name} for name in analysis.outcomes]
