"""The explorer of a page: curves drawn again in the browser from their coefficients, relative to any reference."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskkit.figures.theme import LADDERS, STRETCH
from riskkit.fit.hypothesis import t_critical
from riskkit.numbers import level, p_phrase
from riskkit.report.personal import bands, risks, z_of
from riskkit.report.scripts import source
from riskkit.results import Results
from riskkit.telling.exposure_text import exposure_text, model_label, warning
from riskkit.telling.words import TIME_SCALES, in_sentence

KEY = ["exposure", "outcome", "time_scale", "coding", "model"]
OF_GROUP = [*KEY, "kind", "by", "group"]
SCRIPTS = (
    "vendor/d3-7.9.0.min.js",
    "vendor/plot-0.6.17.min.js",
    "templates/curve.js",
    "templates/personal.js",
    "templates/figure.js",
    "templates/explorer.js",
)
LEVELS = (0.8, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class Explorer:
    """What a page with an explorer holds.

    Attributes
    ----------
    data : str
        JSON that may stand in a script element, one curve a line.
    scripts : tuple of str
        Sources of what runs, in this order.
    """

    data: str
    scripts: tuple[str, ...]


def explorer(results: Results) -> Explorer | None:
    """The explorer of the splines of an analysis; None where none was fitted."""
    fitted = results.splines.merge(results.fits, on=KEY)
    if fitted.empty:
        return None
    frames = (results.coefficients, results.covariances, results.tests)
    coefficients, covariances, tests = (dict(iter(frame.groupby(KEY))) for frame in frames)
    absolute = risks(results)
    curves = [
        _curve(row, coefficients[key], covariances[key], tests.get(key), _levels(results), _searched(results, row))
        | ({"risk": absolute[key]} if key in absolute else {})
        for row, key in zip(fitted.to_dict("records"), fitted[KEY].itertuples(index=False, name=None), strict=True)
    ]
    lines = ",\n".join(_json(curve) for curve in [*curves, *_of_groups(results)])
    data = f'{_json(_about(results, set(fitted["exposure"])))[:-1]}, "curves": [\n{lines}\n]}}'
    return Explorer(data, tuple(map(source, SCRIPTS)))


def _about(results: Results, exposures: set[str]) -> dict[str, Any]:
    """What is told of the analysis, apart from its curves: names, texts, and where things are drawn."""
    manifest = results.manifest
    analysis = manifest.analysis
    main = analysis.main.name
    return {
        "name": analysis.name,
        "mark": warning(manifest),
        "measure": asdict(manifest.measure),
        "main": {"model": main, "time_scale": analysis.time_scales[0], "level": analysis.level},
        "levels": [{"level": each, "label": level(each)} for each in _levels(results)],
        "ladders": LADDERS,
        "stretch": STRETCH,
        "percentiles": [{"percent": int(name[1:]), "z": z_of(int(name[1:]))} for name in _percentiles(results.splines)],
        "exposure": {name: _exposure(results, name) for name in manifest.exposures if name in exposures},
        "outcome": {name: _named(manifest.outcomes[name].label) for name in analysis.outcomes},
        "model": {
            model.name: {
                "label": f"{model.label} (main model)" if model.name == main else model.label,
                "name": model_label(analysis, model.name),
            }
            for model in analysis.models
        },
        "time_scale": {name: _named(TIME_SCALES[name]) for name in analysis.time_scales},
        "of": {"": _named("Everyone"), **_groups(results)},
    }


def _groups(results: Results) -> dict[str, dict[str, str]]:
    """Of whom there are more curves, by the name that their curves have."""
    analysis, variables = results.manifest.analysis, results.manifest.cohort.variables
    variants = {variant.name: variant.label for variant in analysis.variants}
    labels = {each.modifier: each.label or variables[each.modifier].label for each in analysis.asked("interactions")}
    found = {}
    for kind, by, group in results.group_splines[["kind", "by", "group"]].drop_duplicates().itertuples(index=False):
        label = {
            "weighted": "Weighted to the population",
            "variant": variants.get(by, by),
            "modifier": f"{labels.get(by, by)}: {group}",
        }[kind]
        found[_of(kind, by, group)] = _named(label)
    return found


def _of(kind: str, by: str, group: str) -> str:
    return ":".join(part for part in (kind, by, group) if part)


def _of_groups(results: Results) -> Iterator[dict[str, Any]]:
    """The curves of groups, and weighted ones: relative to any reference, without an interval of the lowest point."""
    pairs = dict(iter(results.group_covariances.groupby(OF_GROUP)))
    for row in results.group_splines.to_dict("records"):
        own = pairs[tuple(row[name] for name in OF_GROUP)]
        yield {
            **{name: row[name] for name in ("exposure", "outcome", "time_scale", "model")},
            "of": _of(row["kind"], row["by"], row["group"]),
            **{name: _known(row[name]) for name in ("n", "events", "person_years")},
            "n_missing": None,
            "tests": "",
            "coefficients": own["estimate"].dropna().tolist(),
            "covariance": own["covariance"].tolist(),
            "percentiles": [_known(row[name]) for name in _percentiles(row)],
            "nadir": {"low": None, "high": None, "interior": None, "searched": _searched(results, row)},
            "critical": [float(t_critical(np.array(row["df_resid"]), each)) for each in _levels(results)],
        }


def _exposure(results: Results, name: str) -> dict[str, Any]:
    text = exposure_text(results.manifest, name)
    bins = results.histograms[results.histograms["exposure"] == name]
    return {
        "label": text.label,
        "name": text.name,
        "axis": text.axis,
        "unit": text.unit,
        "knots": list(results.manifest.exposures[name].knots),
        "reference": text.reference_x,
        "histogram": bins[["left", "right", "n"]].dropna().to_dict("records"),
        "bands": bands(results, name),
    }


def _levels(results: Results) -> list[float]:
    """Levels of confidence to choose from, the analysis's among them."""
    return sorted({*LEVELS, results.manifest.analysis.level})


def _curve(
    row: dict[str, Any],
    own: pd.DataFrame,
    pairs: pd.DataFrame,
    tests: pd.DataFrame | None,
    levels: Sequence[float],
    searched: tuple[float, float],
) -> dict[str, Any]:
    """One spline: people, tests, coefficients, the lower triangle of their covariance, and critical values by level."""
    terms = pairs["term"].drop_duplicates()
    return {
        **{name: row[name] for name in ("exposure", "outcome", "time_scale", "model")},
        "of": "",
        **{name: _known(row[name]) for name in ("n", "events", "person_years", "n_missing")},
        "tests": _tests(tests, row["exposure"]),
        "coefficients": own.set_index("term").loc[terms, "estimate"].tolist(),
        "covariance": pairs["covariance"].tolist(),
        "percentiles": [_known(row[name]) for name in _percentiles(row)],
        "nadir": {
            "low": row["nadir_low"],
            "high": row["nadir_high"],
            "interior": row["interior"],
            "searched": searched,
        },
        "critical": [float(t_critical(np.array(row["df_resid"]), each)) for each in levels],
    }


def _searched(results: Results, row: dict[str, Any]) -> tuple[float, float]:
    """Between which levels the lowest point was looked for, or where those are withheld, may be shown."""
    coding = results.manifest.exposures[row["exposure"]]
    inside = [row[name] for name in _percentiles(row) if not math.isnan(row[name])]
    return max(coding.low, inside[0]), min(coding.high, inside[-1])


def _percentiles(columns: pd.DataFrame | dict[str, Any]) -> list[str]:
    return [str(name) for name in columns if name[0] == "p" and name[1:].isdigit()]


def _tests(tests: pd.DataFrame | None, exposure: str) -> str:
    """The tests of one spline: "any association p < 0.001, non-linear p = 0.03"."""
    if tests is None:
        return ""
    p = tests[tests["term"] == exposure].set_index("part")["p"]
    named = {"overall": "any association p", "nonlinear": "non-linear p"}
    return ", ".join(p_phrase(p[part], name) for part, name in named.items() if part in p)


def _named(label: str) -> dict[str, str]:
    return {"label": label, "name": in_sentence(label)}


def _known(value: float) -> float | None:
    """A number, or None where there is none or it is withheld."""
    return None if math.isnan(value) else value


def _json(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
