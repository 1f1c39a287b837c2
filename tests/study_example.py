"""What results tell of the study itself, made by hand for `results_example`: its people and its manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from riskkit.manifest import Manifest
from riskkit.spec.analysis import analysis_model

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


def named_outcomes(count: int) -> dict[str, tuple[str, int]]:
    """So many outcomes with their labels and events; from the sixth on they are cancers by number."""
    sites = {f"site{i}": (f"Cancer of site {i}", 40 + 10 * i) for i in range(6, count + 1)}
    return dict([*OUTCOMES.items(), *sites.items()][:count])


def histograms(exposures: int) -> pd.DataFrame:
    frames = []
    for name in list(EXPOSURES)[:exposures]:
        _, _, centre, sd = EXPOSURES[name]
        edges = np.linspace(centre - 2.4 * sd, centre + 3 * sd, 61)
        n = np.round(400 * np.exp(-(((edges[:-1] - centre) / sd) ** 2) / 2)).astype(int)
        frames.append(pd.DataFrame({"exposure": name, "left": edges[:-1], "right": edges[1:], "n": n}))
    return pd.concat(frames, ignore_index=True)


def missing(exposures: int) -> pd.DataFrame:
    lacking = {"sex": 0, "smoking": 12, "bmi": 33, "": 41}
    rows = [(name, name, 6061, 161) for name in list(EXPOSURES)[:exposures]]
    rows += [(name, v, 5900, n) for name in list(EXPOSURES)[:exposures] for v, n in lacking.items()]
    return pd.DataFrame(rows, columns=["exposure", "variable", "n", "n_missing"])


def characteristics() -> pd.DataFrame:
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


def manifest(exposures: int, outcomes: list[str], scales: list[str], models: int) -> Manifest:
    """What a run of the example would say of itself; of the main model's covariates it describes some."""
    names = list(MODELS)[:models]
    measured = list(EXPOSURES.items())[:exposures]
    labels = {name: named_outcomes(99)[name][0] for name in outcomes} | {"all_causes": OUTCOMES["all_causes"][0]}
    return Manifest.from_dict(
        {
            "analysis": {
                "name": "example", "title": "IGF-I and mortality", "cohort": "example",
                "question": "Do adults with low or high IGF-I die sooner?",
                "notes": ["IGF-I was measured once."], "time_scales": scales,
                "main_model": names[min(1, models - 1)], "outcomes": outcomes,
                "exposures": {name: {} for name, _ in measured},
                "models": [{"name": n, "label": MODELS[n][0], "covariates": MODELS[n][1]} for n in names],
            },
            "exposures": {
                name: {
                    "label": label, "unit": unit, "knots": [centre + sd * k for k in (-1.5, -0.4, 0.3, 1.7)],
                    "cuts": [centre + sd * k for k in (-0.8, -0.25, 0.25, 0.9)], "reference_group": 1,
                    "per": sd,
                    "per_label": f"SD ({sd:.3g}{' ' + unit if unit else ''})", "reference": centre,
                    "reference_label": "median", "low": centre - 1.5 * sd, "high": centre + 1.7 * sd, "repeat": None,
                    "simex": [],
                }
                for name, (label, unit, centre, sd) in measured
            },
            "cohort": {
                "name": "example", "title": "The Example Cohort", "description": "Adults examined in 1988 to 1994.",
                "citation": "Example Investigators. The Example Cohort. J Ex. 1995;1:1-9.", "simulated": False,
                "n": 5900, "time_unit": "months",
                "follow_up": {
                    "start": "examination, 1988 to 1994", "end": "death or 31 December 2019", "unit": "months",
                    "censoring": {},
                },
                "outcomes": {
                    name: outcome(name, label, "Any underlying cause" if name == "all_causes" else None)
                    for name, label in labels.items()
                },
                "flow": [
                    {"label": "Serum measured in the surplus sample", "removed": 0, "remaining": 6061},
                    {"label": "Not eligible for linkage to deaths", "removed": 21, "remaining": 6040},
                    {"label": "No IGF-I result", "removed": 140, "remaining": 5900},
                ],
                "variables": {
                    "igf1": variable("igf1", "Serum IGF-I", "ng/mL", note="Trimmed upstream."),
                    "age": variable("age", "Age", "years", note="90 means 90 or older."),
                    "sex": variable("sex", "Sex", levels=["Female", "Male"]),
                    "smoking": variable("smoking", "Smoking", levels=["Never", "Current"]),
                    "bmi": variable("bmi", "BMI", "kg/m²"),
                    "unused": variable("unused", "Unused", note="This note belongs to no model."),
                },
                "sources": [
                    {"file": "SSIGF.XPT", "sha256": "ab" * 32, "bytes": 123456, "origin": "https://example.org/a"}
                ],
                "remarks": [], "doubts": [], "design": None, "disclosure": None, "spec_sha256": "",
                "repeats": {}, "sampled": None, "rates": None,
            },
            "remarks": [],
            "provenance": {
                "riskkit": "0.1.0", "python": "3.12.1", "packages": {"numpy": "2.1.0", "pandas": "2.2.3"},
                "commit": "0123456789abcdef", "dirty": False, "created": "2025-01-02T03:04:05+00:00", "seconds": 12.3,
                "spec_path": "analyses/example.toml", "spec_sha256": "cd" * 32,
            },
        }
    )  # fmt: skip


def variable(
    name: str, label: str, unit: str | None = None, levels: list[str] | None = None, note: str | None = None
) -> dict[str, Any]:
    """A number, or a category where it has levels."""
    return {
        "name": name, "label": label, "kind": "category" if levels else "number", "unit": unit, "levels": levels or [],
        "missing": {}, "top_coded": 0, "bottom_coded": 0, "note": note,
    }  # fmt: skip


def outcome(name: str, label: str, note: str | None = None) -> dict[str, Any]:
    """An outcome that everyone can have, with the follow-up of the cohort."""
    return {
        "name": name, "label": label, "event": name, "time": "follow_up", "age_exit": "age_exit",
        "at_risk": f"{name}_at_risk", "only": None, "note": note,
        "flow": [{"label": "People of the cohort", "removed": 0, "remaining": 5900}],
    }  # fmt: skip


def asking(made: Manifest, **fields: Any) -> Manifest:
    """The manifest of an analysis whose file says otherwise in these fields, which are validated."""
    said = made.analysis.model_dump(mode="json") | fields
    return made.replaced(analysis=analysis_model().model_validate_json(json.dumps(said)))


def of_cohort(made: Manifest, **fields: Any) -> Manifest:
    """The manifest of an analysis of a cohort that differs in these."""
    return made.replaced(cohort=replace(made.cohort, **fields))
