"""What an analysis may ask beside its models, added to the results of `results_example`."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from results_example import KEY, declared, main_linear, ratio_of, with_frames
from study_example import EXPOSURES, asking, of_cohort

from riskkit.cohort.survey import Sampling
from riskkit.results import Results

SUBGROUPS = (("women", "Women", "Sex", -0.1), ("men", "Men", "Sex", 0.1))
SENSITIVITY = (("lag", "Without the first 5 years", 0.01), ("healthy", "Healthy at entry", 0.5))


def with_variants(results: Results) -> Results:
    """The same results with subgroups, whose log ratios lie at +-0.1 of the main one, and sensitivity analyses.

    The estimate without the first years lies 0.01 off, that of the healthy 0.5, which is out of every interval. For the
    last outcome the healthy were too few.
    """
    asked: dict[str, list[dict[str, Any]]] = {
        "subgroups": [
            {"name": name, "label": label, "by": by, "when": f"sex == '{label}'", "without": ["sex"]}
            for name, label, by, _ in SUBGROUPS
        ],
        "sensitivity": [
            {"name": "lag", "label": SENSITIVITY[0][1], "lag": 5.0},
            {"name": "healthy", "label": SENSITIVITY[1][1], "when": "ill == 0", "trim": [1, 99]},
        ],
    }
    main = main_linear(results)
    shifts = {**{name: shift for name, *_, shift in SUBGROUPS}, **{name: shift for name, _, shift in SENSITIVITY}}
    rows = []
    for name, shift in shifts.items():
        half = name in ("women", "men")
        se = main["se"] * (math.sqrt(2) if half else 1)
        moved = [ratio_of(b + shift, s) for b, s in zip(main["estimate"], se, strict=True)]
        people = main.assign(n=main["n"] // (2 if half else 1), events=main["events"] // (2 if half else 1))
        rows.append(people.assign(**pd.DataFrame(moved, index=main.index), variant=name))
    last = results.manifest.analysis.outcomes[-1]
    variants = pd.concat(rows, ignore_index=True)
    left_out = (variants["outcome"] == last) & (variants["variant"] == "healthy")
    failed = variants.loc[left_out, [*KEY, "variant"]].assign(
        reason="9 events, fewer than the 20 asked for.", formula=""
    )
    return with_frames(
        results,
        asking(results.manifest, **asked),
        variants=declared("variants", variants[~left_out]),
        failures=pd.concat([results.failures, failed], ignore_index=True),
    )


def with_variant_shapes(results: Results) -> Results:
    """The same results with splines of the subgroups, of which only that of women with the first outcome was fitted."""
    made = results.manifest
    splines = [each.model_dump(mode="json") | {"codings": ["linear", "spline"]} for each in made.analysis.subgroups]
    main = (results.shapes["model"] == made.analysis.main.name) & (results.shapes["time_scale"] == "age")
    women = results.shapes[main & (results.shapes["outcome"] == made.analysis.outcomes[0])].assign(variant="women")
    return with_frames(results, asking(made, subgroups=splines), variant_shapes=women)


def with_weights(results: Results) -> Results:
    """The same results with those weighted by a survey's design: standard errors half as large again.

    Log ratios lie 0.01 above the unweighted ones, that of the last outcome 0.5, which is out of every interval.
    """
    analysis = results.manifest.analysis
    last = analysis.outcomes[-1]

    def moved(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows[(rows["model"] == analysis.main.name) & (rows["time_scale"] == analysis.time_scales[0])]
        shift = np.where(rows["outcome"] == last, 0.5, 0.01)
        again = [ratio_of(b, 1.5 * s) for b, s in zip(rows["estimate"] + shift, rows["se"], strict=True)]
        return rows.assign(**pd.DataFrame(again, index=rows.index)).reset_index(drop=True)

    main = main_linear(results)
    tests = results.tests[results.tests["part"].isin(["overall", "nonlinear"])]
    design = Sampling(
        weights="w", psu="psu", strata="stratum", nested=True, lonely_psu="fail", population="the adults of Sweden",
        note="Made for\nthe report.", n=6061, units=((1, 1), (1, 2), (2, 1), (2, 2)),
    )  # fmt: skip
    weighted = moved(main).assign(population=7_654_321.0, psus=4, strata=2, df_resid=2.0)
    tested = tests[tests["model"] == analysis.main.name].assign(p=0.77, df_resid=2.0)
    return with_frames(
        results,
        of_cohort(asking(results.manifest, survey=True), design=design),
        weighted=declared("weighted", weighted),
        weighted_curves=declared("weighted_curves", moved(results.curves).assign(term="igf1")),
        weighted_tests=declared("weighted_tests", tested),
    )


def with_repeats(results: Results) -> Results:
    """The same results with an exposure measured twice, whose dilution ratio is 0.8 (and known: its SE is 0).

    By fifths it is 0.85, and SIMEX of the first outcome reaches to 0.82.
    """
    main, analysis = main_linear(results), results.manifest.analysis
    ratios = {"rosner": 0.8, "macmahon-peto": 0.85, "simex": 0.82}
    corrected = []
    for method, ratio in ratios.items():
        rows = main[main["outcome"] == analysis.outcomes[0]] if method == "simex" else main
        moved = [ratio_of(b / ratio, s / ratio) for b, s in zip(rows["estimate"], rows["se"], strict=True)]
        columns = {"variant": "", "correction": method, **_dilution(0.8 if method == "simex" else ratio)}
        corrected.append(rows.assign(**pd.DataFrame(moved, index=rows.index), **columns))
    curves = results.curves
    curves = curves[(curves["model"] == analysis.main.name) & (curves["time_scale"] == analysis.time_scales[0])]
    centre = curves["exposure"].map({name: mean for name, (_, _, mean, _) in EXPOSURES.items()})
    moved = curves.assign(
        x=centre + 0.8 * (curves["x"] - centre), x_measured=curves["x"], reference=centre, correction="rosner",
        **_dilution(0.8),
    )  # fmt: skip
    exposures = results.manifest.exposures
    simex = {name: replace(each, simex=analysis.outcomes[:1]) for name, each in exposures.items()}
    return with_frames(
        results,
        results.manifest.replaced(exposures=simex),
        corrected=declared("corrected", pd.concat(corrected)),
        usual=moved.assign(term="igf1"),
    )


def _dilution(ratio: float) -> dict[str, float]:
    columns = {"ratio": ratio, "se": 0.0, "low": ratio, "high": ratio, "n": 1700}
    return {f"dilution_{name}": value for name, value in columns.items()}
