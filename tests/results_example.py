"""Results made by hand from closed forms, for the tests of figures, tables and reports: no model is fitted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from closer_example import closer_frames

from riskkit.infer.multiplicity import adjust
from riskkit.results import Results

EXPOSURES = {
    "igf1": ("Serum IGF-I", "ng/mL", 150.0, 60.0),
    "igfbp3": ("Serum IGFBP-3", "ng/mL", 4000.0, 900.0),
    "molar_ratio": ("IGF-I to IGFBP-3 molar ratio", None, 0.14, 0.04),
}
OUTCOMES = {
    "all_causes": ("Death from any cause", 2400),
    "cardiovascular": ("Death from cardiovascular disease", 900),
    "heart": ("Death from heart disease", 700),
    "cerebrovascular": ("Death from cerebrovascular disease", 150),
    "cancer": ("Death from cancer", 520),
}
MODELS = {
    "age-sex": ("Age and sex", ["rcs(age, 4)", "sex"]),
    "lifestyle": ("+ smoking and BMI", ["rcs(age, 4)", "sex", "smoking", "bmi"]),
    "metabolic": ("+ blood pressure and HbA1c", ["rcs(age, 4)", "sex", "smoking", "bmi", "sbp", "hba1c"]),
}
IMPUTED = (
    "imputed", "imputed_curves", "imputed_shapes", "imputed_tests", "imputations", "imputation_values",
    "imputation_trace",
)  # fmt: skip
Z = 1.959963984540054
Rows = list[dict[str, Any]]
KEY = ("exposure", "outcome", "time_scale", "model", "coding")
WEIGHTED = ("weighted", "weighted_curves", "weighted_tests")
ESTIMATE = ("term", "level", "n", "events", "person_years", "n_missing", "estimate", "se", "ratio", "low", "high", "p")
FURTHER = ("interactions", "interaction_curves", "additive", "robustness")  # without rows unless an analysis asks
SUBGROUPS = (("women", "Women", "Sex", -0.1), ("men", "Men", "Sex", 0.1))
SENSITIVITY = (("lag", "Without the first 5 years", 0.01), ("healthy", "Healthy at entry", 0.5))


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
    return Results(
        by_age_and_sex=pd.DataFrame({"exposure": pd.Series(dtype=str)}),
        missing=_missing(exposures),
        **{name: pd.DataFrame({"exposure": pd.Series(dtype=str)}) for name in IMPUTED},
        opinion=pd.DataFrame({"exposure": pd.Series(dtype=str)}),
        **{name: pd.DataFrame(columns=list(KEY), dtype=object) for name in FURTHER},
        manifest=_manifest(exposures, outcome_names, scale_names, models),
        failures=pd.DataFrame([{**failure, **reason, "formula": "Surv(age_entry, age_exit, cancer) ~ igf1"}]),
        corrected=pd.DataFrame(columns=[*KEY, "variant"], dtype=object),
        usual=pd.DataFrame(columns=list(KEY), dtype=object),
        variants=pd.DataFrame(columns=[*KEY, "variant", *ESTIMATE], dtype=object),
        variant_shapes=pd.DataFrame(columns=[*KEY, "variant"], dtype=object),
        **{name: pd.DataFrame(columns=list(KEY), dtype=object) for name in WEIGHTED},
        histograms=_histograms(exposures),
        characteristics=_characteristics(),
        **closer_frames(list(EXPOSURES)[:exposures], outcome_names, list(MODELS)[min(1, models - 1)]),
        **{name: pd.DataFrame(rows) for name, rows in frames.items()},
    )


def named_outcomes(count: int) -> dict[str, tuple[str, int]]:
    """So many outcomes with their labels and events; from the sixth on they are cancers by number."""
    sites = {f"site{i}": (f"Cancer of site {i}", 40 + 10 * i) for i in range(6, count + 1)}
    return dict([*OUTCOMES.items(), *sites.items()][:count])


def with_correction(results: Results) -> Results:
    """The same results with p values corrected over the outcomes, as a run leaves them."""
    family = ["exposure", "time_scale", "coding", "model", "term"]
    adjusted = adjust(results.estimates, family)
    return replace(results, estimates=adjusted, tests=adjust(results.tests, [*family, "part"]))


def with_variants(results: Results) -> Results:
    """The same results with subgroups, whose log ratios lie at +-0.1 of the main one, and sensitivity analyses.

    The estimate without the first years lies 0.01 off, that of the healthy 0.5, which is out of every interval. For the
    last outcome the healthy were too few.
    """
    analysis = {
        **results.manifest["analysis"],
        "subgroups": [
            {"name": name, "label": label, "by": by, "when": f"sex == '{label}'", "without": ["sex"],
             "codings": ["linear"]}
            for name, label, by, _ in SUBGROUPS
        ],
        "sensitivity": [
            {"name": "lag", "label": SENSITIVITY[0][1], "when": None, "lag": 5.0, "trim": None, "without": [],
             "codings": ["linear"]},
            {"name": "healthy", "label": SENSITIVITY[1][1], "when": "ill == 0", "lag": None, "trim": [1, 99],
             "without": [], "codings": ["linear"]},
        ],
    }  # fmt: skip
    main = main_linear(results)
    shifts = {**{name: shift for name, *_, shift in SUBGROUPS}, **{name: shift for name, _, shift in SENSITIVITY}}
    rows = []
    for name, shift in shifts.items():
        half = name in ("women", "men")
        se = main["se"] * (math.sqrt(2) if half else 1)
        moved = [_ratio(b + shift, s) for b, s in zip(main["estimate"], se, strict=True)]
        people = main.assign(n=main["n"] // (2 if half else 1), events=main["events"] // (2 if half else 1))
        rows.append(people.assign(**pd.DataFrame(moved, index=main.index), variant=name))
    last = results.manifest["analysis"]["outcomes"][-1]
    variants = pd.concat(rows, ignore_index=True)
    left_out = (variants["outcome"] == last) & (variants["variant"] == "healthy")
    failed = variants.loc[left_out, [*KEY, "variant"]].assign(
        reason="9 events, fewer than the 20 asked for.", formula=""
    )
    return replace(
        results,
        manifest={**results.manifest, "analysis": analysis},
        variants=variants[~left_out].reset_index(drop=True),
        failures=pd.concat([results.failures, failed], ignore_index=True),
    )


def with_weights(results: Results) -> Results:
    """The same results with those weighted by a survey's design: standard errors half as large again.

    Log ratios lie 0.01 above the unweighted ones, that of the last outcome 0.5, which is out of every interval.
    """
    analysis = results.manifest["analysis"]
    last = analysis["outcomes"][-1]

    def moved(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows[(rows["model"] == analysis["main_model"]) & (rows["time_scale"] == analysis["time_scales"][0])]
        shift = np.where(rows["outcome"] == last, 0.5, 0.01)
        again = [_ratio(b, 1.5 * s) for b, s in zip(rows["estimate"] + shift, rows["se"], strict=True)]
        return rows.assign(**pd.DataFrame(again, index=rows.index)).reset_index(drop=True)

    main = main_linear(results)
    tests = results.tests[results.tests["part"].isin(["overall", "nonlinear"])]
    design = {
        "weights": "w", "strata": "stratum", "psu": "psu", "nested": True, "lonely_psu": "fail", "n": 6061,
        "population": "the adults of Sweden", "note": "Made for\nthe report.",
        "units": [[1, 1], [1, 2], [2, 1], [2, 2]],
    }  # fmt: skip
    manifest = {**results.manifest, "cohort": {**results.manifest["cohort"], "design": design}}
    return replace(
        results,
        manifest=manifest,
        weighted=moved(main).assign(population=7_654_321.0, psus=4, strata=2, df_resid=2.0),
        weighted_curves=moved(results.curves).drop(columns="p"),
        weighted_tests=tests[tests["model"] == analysis["main_model"]].assign(p=0.77, df_resid=2.0),
    )


def with_repeats(results: Results) -> Results:
    """The same results with an exposure measured twice, whose dilution ratio is 0.8 (and known: its SE is 0).

    By fifths it is 0.85, and SIMEX of the first outcome reaches to 0.82.
    """
    main, analysis = main_linear(results), results.manifest["analysis"]
    ratios = {"rosner": 0.8, "macmahon-peto": 0.85, "simex": 0.82}
    corrected = []
    for method, ratio in ratios.items():
        rows = main[main["outcome"] == analysis["outcomes"][0]] if method == "simex" else main
        moved = [_ratio(b / ratio, s / ratio) for b, s in zip(rows["estimate"], rows["se"], strict=True)]
        columns = {"variant": "", "correction": method, **_dilution(0.8 if method == "simex" else ratio)}
        corrected.append(rows.assign(**pd.DataFrame(moved, index=rows.index), **columns))
    curves = results.curves
    curves = curves[(curves["model"] == analysis["main_model"]) & (curves["time_scale"] == analysis["time_scales"][0])]
    centre = curves["exposure"].map({name: mean for name, (_, _, mean, _) in EXPOSURES.items()})
    moved = curves.assign(
        x=centre + 0.8 * (curves["x"] - centre), x_measured=curves["x"], reference=centre, correction="rosner",
        **_dilution(0.8),
    )  # fmt: skip
    exposures = results.manifest["exposures"]
    simex = {name: {**each, "simex": analysis["outcomes"][:1]} for name, each in exposures.items()}
    manifest = {**results.manifest, "exposures": simex}
    return replace(
        results,
        manifest=manifest,
        corrected=pd.concat(corrected, ignore_index=True),
        usual=moved.reset_index(drop=True),
    )


def _dilution(ratio: float) -> dict[str, float]:
    columns = {"ratio": ratio, "se": 0.0, "low": ratio, "high": ratio, "n": 1700}
    return {f"dilution_{name}": value for name, value in columns.items()}


def main_linear(results: Results) -> pd.DataFrame:
    """The linear estimates of the main model on the main time scale."""
    analysis, rows = results.manifest["analysis"], results.estimates
    kept = (rows["model"] == analysis["main_model"]) & (rows["time_scale"] == analysis["time_scales"][0])
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
    x[np.argmin(abs(x - centre))] = centre
    z = (x - centre) / sd
    spline = {**key, "coding": "spline"}
    curve = [{**spline, "x": v, **_ratio(e, error * abs(d), test=False)} for v, d, e in zip(x, z, at(z), strict=True)]
    medians = np.array([-1.3, -0.55, 0.0, 0.5, 1.35])
    limits = centre + sd * np.array([-2.2, -0.8, -0.25, 0.25, 0.9, 3.0])
    shares = np.array([0.31, 0.22, 0.18, 0.15, 0.14])
    groups = [
        {
            **key, "coding": "groups", "term": key["exposure"], "level": f"Q{g + 1}", "x": centre + sd * medians[g],
            "x_low": limits[g], "x_high": limits[g + 1], "n": people // 5, "events": int(events * shares[g]),
            "person_years": 18000.0 - 200 * g, "n_missing": missing, "reference": g == 0,
            **_ratio(float(at(medians[g]) - at(medians[0])), 0.0 if g == 0 else error * 1.3),
        }
        for g in range(5)
    ]  # fmt: skip
    unit_text = f" {unit}" if unit else ""
    linear = {
        **key, "coding": "linear", "term": f"per({key['exposure']}, {sd})", "level": f"per SD ({sd:.3g}{unit_text})",
        "x": sd, "n": people, "events": events, "person_years": 88000.0, "n_missing": missing, "reference": False,
        **_ratio(slope, error * 0.6),
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
            "loglik_null": -9100.0, "aic": 18020.0, "iterations": 5, "n_silent": 0,
        }
        for coding in ("spline", "groups", "linear")
    ]  # fmt: skip
    coefficients = [{**key, "coding": "linear", "term": "sex[Male]", **_ratio(0.3, 0.04)}]
    lowest = centre - sd * slope / (2 * bend) if bend else x[0]
    shape = {
        **spline,
        "nadir": lowest,
        "nadir_low": lowest - 0.4 * sd if bend else x[0],
        "nadir_high": lowest + 0.6 * sd if bend else x[-1],
        "interior": 0.97 if bend else 0.31,
        "at_boundary": not bend,
        "lower_x": centre - 1.5 * sd,
        "upper_x": centre + 1.7 * sd,
        "nadir_sentence": f"Risk is lowest at {lowest:.0f}{unit_text}.",
        "u_p": 0.003 if bend else 0.6,
        "verdict": "Evidence for a U shape." if bend else "No evidence for a U shape.",
    }
    # The nearest that a spline of these knots comes to the curve above.
    terms = [key["exposure"] + "'" * i for i in range(3)]
    spreads = (error / sd, 0.1 * error / sd, 0.1 * error / sd)
    coefficients += [
        {**spline, "term": term, **_ratio(estimate, se)}
        for term, estimate, se in zip(terms, ((slope - 2 * bend) / sd, 4 * bend / sd, 0.0), spreads, strict=True)
    ]
    covariances = [
        {**spline, "term": terms[i], "other": terms[j], "covariance": spreads[i] ** 2 if i == j else 0.0}
        for i in range(3)
        for j in range(i + 1)
    ]
    normal = {1: -2, 5: -1.5, 10: -1.2, 25: -0.7, 50: 0, 75: 0.6, 90: 1.3, 95: 1.7, 99: 2.4}
    percentiles = {f"p{percent}": centre + sd * at_z for percent, at_z in normal.items()}
    lowest_point = {name: shape[name] for name in ("nadir", "nadir_low", "nadir_high", "interior")}
    return {
        "splines": [{**spline, **percentiles, **lowest_point, "df_resid": np.inf}],
        "covariances": covariances,
        "shapes": [shape],
        "curves": curve, "estimates": [*groups, linear], "tests": tests, "fits": fits, "coefficients": coefficients,
    }  # fmt: skip


def _ratio(estimate: float, se: float, test: bool = True) -> dict[str, float]:
    low, high = np.exp([estimate - Z * se, estimate + Z * se])
    shown = {"estimate": estimate, "se": se, "ratio": np.exp(estimate), "low": low, "high": high}
    return {**shown, "p": math.erfc(abs(estimate) / se / math.sqrt(2)) if se else np.nan} if test else shown


def _histograms(exposures: int) -> pd.DataFrame:
    frames = []
    for name in list(EXPOSURES)[:exposures]:
        _, _, centre, sd = EXPOSURES[name]
        edges = np.linspace(centre - 2.4 * sd, centre + 3 * sd, 61)
        n = np.round(400 * np.exp(-(((edges[:-1] - centre) / sd) ** 2) / 2)).astype(int)
        frames.append(pd.DataFrame({"exposure": name, "left": edges[:-1], "right": edges[1:], "n": n}))
    return pd.concat(frames, ignore_index=True)


def _missing(exposures: int) -> pd.DataFrame:
    lacking = {"sex": 0, "smoking": 12, "bmi": 33, "": 41}
    rows = [(name, name, 6061, 161) for name in list(EXPOSURES)[:exposures]]
    rows += [(name, v, 5900, n) for name in list(EXPOSURES)[:exposures] for v, n in lacking.items()]
    return pd.DataFrame(rows, columns=["exposure", "variable", "n", "n_missing"])


def _characteristics() -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    groups = ["All", "Q1", "Q2", "Q3", "Q4", "Q5"]
    for g, group in enumerate(groups):
        rows.append(("", "People", None, "people", "", group, "n", 6000 if g == 0 else 1200))
        rows.append(
            ("", "Person-years", None, "people", "", group, "person_years", 90000 if g == 0 else 18000 - 100 * g)
        )
    for g, group in enumerate(groups):
        numbers = {"n": 1200, "missing": g, "mean": 60.5 - 3 * g, "sd": 15.25, "median": 61 - 3 * g, "q1": 48, "q3": 72}
        rows += [("age", "Age", "years", "number", "", group, name, value) for name, value in numbers.items()]
    rows.append(("age", "Age", "years", "number", "", "Q5", "standardised difference", -0.79))
    for group in groups:
        rows += [("sex", "Sex", None, "category", "", group, name, v) for name, v in {"n": 1200, "missing": 0}.items()]
        for level, share in (("Female", 0.52), ("Male", 0.48)):
            rows.append(("sex", "Sex", None, "category", level, group, "count", round(1200 * share)))
            rows.append(("sex", "Sex", None, "category", level, group, "percent", 100 * share))
    rows.append(("sex", "Sex", None, "category", "", "Q5", "standardised difference", 0.12))
    return pd.DataFrame(rows, columns=["variable", "label", "unit", "kind", "level", "group", "statistic", "value"])


def _manifest(exposures: int, outcomes: list[str], scales: list[str], models: int) -> dict[str, Any]:
    names = list(MODELS)[:models]
    return {
        "analysis": {
            "name": "example", "title": "IGF-I and mortality",
            "question": "Do adults with low or high IGF-I die sooner?",
            "notes": ["IGF-I was measured once."], "level": 0.95, "measure": "hazard ratio", "time_scales": scales,
            "main_model": names[min(1, models - 1)], "outcomes": outcomes, "strata": [], "min_events": 20,
            "competing": None,
            "subgroups": [], "sensitivity": [], "published": [], "imputation": None,
            "simex": {"replicates": 10, "added_error": [0.5, 1.0, 1.5, 2.0]},
            "interactions": [], "robustness": None,
            "models": [{"name": n, "label": MODELS[n][0], "covariates": MODELS[n][1]} for n in names],
        },
        "exposures": {
            name: {
                "label": label, "unit": unit, "knots": [centre + sd * k for k in (-1.5, -0.4, 0.3, 1.7)],
                "cuts": [centre + sd * k for k in (-0.8, -0.25, 0.25, 0.9)], "per": sd,
                "per_label": f"SD ({sd:.3g}{' ' + unit if unit else ''})", "reference": centre,
                "reference_label": "median", "simex": [],
            }
            for name, (label, unit, centre, sd) in list(EXPOSURES.items())[:exposures]
        },
        "outcomes": {name: {"label": named_outcomes(99)[name][0]} for name in outcomes},
        "cohort": {
            "name": "example", "title": "The Example Cohort", "description": "Adults examined in 1988 to 1994.",
            "citation": "Example Investigators. The Example Cohort. J Ex. 1995;1:1-9.", "simulated": False, "n": 5900,
            "time_unit": "months",
            "follow_up": {"start": "examination, 1988 to 1994", "end": "death or 31 December 2019"},
            "outcomes": {name: {"label": named_outcomes(99)[name][0], "note": None} for name in outcomes}
            | {"all_causes": {"label": OUTCOMES["all_causes"][0], "note": "Any underlying cause"}},
            "flow": [
                {"label": "Serum measured in the surplus sample", "removed": 0, "remaining": 6061},
                {"label": "Not eligible for linkage to deaths", "removed": 21, "remaining": 6040},
                {"label": "No IGF-I result", "removed": 140, "remaining": 5900},
            ],
            "variables": {
                "igf1": {"label": "Serum IGF-I", "unit": "ng/mL", "kind": "number", "levels": [], "missing": {},
                         "note": "Trimmed upstream."},
                "age": {"label": "Age", "unit": "years", "kind": "number", "levels": [], "missing": {},
                        "note": "90 means 90 or older."},
                "sex": {"label": "Sex", "unit": None, "kind": "category", "levels": ["Female", "Male"], "missing": {},
                        "note": None},
                "smoking": {"label": "Smoking", "unit": None, "kind": "category", "levels": ["Never", "Current"],
                            "missing": {}, "note": None},
                "bmi": {"label": "BMI", "unit": "kg/m²", "kind": "number", "levels": [], "missing": {}, "note": None},
                "unused": {"label": "Unused", "unit": None, "kind": "number", "levels": [], "missing": {},
                           "note": "This note belongs to no model."},
            },
            "sources": [{"file": "SSIGF.XPT", "sha256": "ab" * 32, "bytes": 123456, "origin": "https://example.org/a"}],
        },
        "provenance": {
            "riskkit": "0.1.0", "python": "3.12.1", "packages": {"numpy": "2.1.0", "pandas": "2.2.3"},
            "commit": "0123456789abcdef", "dirty": False, "created": "2025-01-02T03:04:05+00:00", "seconds": 12.3,
            "spec": {"path": "analyses/example.toml", "sha256": "cd" * 32},
        },
    }  # fmt: skip
