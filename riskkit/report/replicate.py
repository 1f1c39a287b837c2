"""A script that remakes every estimate of the main models in R, from the analysis table, and compares.

It stands beside the page as ``replicate.R``: the formulas in R's words, what riskkit found, nothing of any person. For
whoever has the data, ``riskkit replicate NAME`` writes the table that it reads and runs it: from the results as the run
left them, also where a rule on small numbers limits what the page's script may say. Unlike the cross-check of a run,
which hands R the same design matrix, the script makes splines, groups and factors anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from riskkit import formula as language
from riskkit.cohort.cohort import Cohort
from riskkit.errors import SpecError
from riskkit.formula import Factor
from riskkit.manifest import Manifest
from riskkit.results import Results
from riskkit.spec.plan import NO_TIME
from riskkit.spec.terms import columns_of

SCRIPT = Path(__file__).parent / "templates" / "replicate.R"
KEY = ["exposure", "outcome", "coding"]


def replication(results: Results) -> str:
    """The script, with the main models of these results.

    Parameters
    ----------
    results : Results
        Of those to which a rule on small numbers was applied, no model is compared.

    Returns
    -------
    str
        R code that needs the packages survival and rms, and survey where a survey weighs people.
    """
    manifest = results.manifest
    models = [_model(each, results) for each in _main(results).itertuples()]
    parts = {
        "@title@": _comment(manifest.analysis.title),
        "@name@": manifest.analysis.name,
        "@factors@": _named("  ", _factors(results)),
        "@design@": _design(manifest),
        "@tolerance@": "1e-6",
        "@models@": ",\n".join(models),
    }
    return re.sub("|".join(parts), lambda found: parts[found[0]], SCRIPT.read_text(encoding="utf-8"))


def replication_table(results: Results, cohort: Cohort) -> pd.DataFrame:
    """The columns that the script reads, one row per person of the analysis.

    Parameters
    ----------
    results : Results
    cohort : Cohort
        As built; whom the analysis excludes are left out here.

    Returns
    -------
    DataFrame
        Truths as 1 and 0, categories by their labels.
    """
    data = cohort.without(results.manifest.analysis.exclusions).data
    wanted = [name for each in _main(results).itertuples() for name in _columns(each, results)]
    design = results.manifest.cohort.design
    if design is not None and len(results.frames["weighted_tests"]):
        wanted += [name for name in (design.weights, design.strata, design.psu) if name]
    table = data[list(dict.fromkeys(wanted))]
    return table.astype({name: "Int8" for name in table if table[name].dtype.kind == "b"})


def in_r(formula: str) -> str:
    """A formula in R's words: splines as rms has them, groups by cut, one baseline a stratum.

    Raises
    ------
    SpecError
        If R has no such term in survival, rms and splines.
    """
    parsed = language.parse(formula)
    left = ", ".join(map(_name, parsed.response))
    right = [":".join(map(_factor, term)) for term in parsed.terms]
    if parsed.strata:
        right.append(f"strata({', '.join(map(_name, parsed.strata))})")
    if parsed.offset is not None:
        named = _name(parsed.offset)
        right.append(f"offset({parsed.offset_function}({named}))" if parsed.offset_function else f"offset({named})")
    if parsed.cluster is not None:
        raise SpecError("clusters are not remade")
    return f"{f'Surv({left})' if parsed.survival else left} ~ {' + '.join(right) or '1'}"


def _factor(factor: Factor) -> str:
    options, name = dict(factor.options), _name(factor.variable)
    if factor.of:
        name = f"{factor.of}({name} + {factor.shift!r})" if factor.shift else f"{factor.of}({name})"
    if not factor.function:
        return name
    if factor.function in language.TRANSFORMS:
        return f"{factor.function}({name} + {factor.shift!r})" if factor.shift else f"{factor.function}({name})"
    if factor.function == "C" and not set(options) - {"ref"}:
        return f"relevel(factor({name}), {_text(str(options['ref']))})" if "ref" in options else f"factor({name})"
    if factor.function == "per":
        return f"I({name} / {float(options['unit'])!r})"
    if factor.function == "rcs":
        knots = options.get("knots", 5)  # a number: R too finds them in the people of the model
        return f"rms::rcs({name}, {_numbers(knots) if isinstance(knots, (list, tuple)) else int(knots)})"
    cuts = options.get("cuts", options.get("how"))
    if factor.function == "groups" and isinstance(cuts, (list, tuple)) and not set(options) - {"how", "cuts", "ref"}:
        grouped = f"cut({name}, c(-Inf, {_numbers(cuts)}, Inf))"
        return f"relevel({grouped}, {int(options.get('ref', 1))})"
    raise SpecError(f"{factor.text or factor.function} is not remade")


def _main(results: Results) -> pd.DataFrame:
    """The fits of the main model on the first time scale."""
    spec, fits = results.manifest.analysis, results.frames["fits"]
    return fits[(fits["model"] == spec.main.name) & (fits["time_scale"] == spec.time_scales[0])]


def _model(fit: Any, results: Results) -> str:
    """One model as a list of R's."""
    spec, frames = results.manifest.analysis, results.frames
    own = _rows(frames["coefficients"], fit)
    said: dict[str, str] = {"what": _text(f"{fit.exposure}, {fit.outcome}, {fit.coding}")}
    try:
        said["formula"] = in_r(str(fit.formula))
    except SpecError as error:
        return _list({**said, "skipped": _text(str(error))})
    if results.manifest.disclosed:
        return _list({**said, "skipped": _text("a rule on small numbers limits its digits; ask who has the data")})
    if fit.covariance != "model-based":
        return _list({**said, "skipped": _text(f"its covariance is {fit.covariance}")})
    outcome = results.manifest.cohort.outcomes[str(fit.outcome)]
    covariates = columns_of(spec.terms(spec.main))
    said |= {
        "family": _text("logistic" if fit.time_scale == NO_TIME else "cox"),
        "at_risk": _text(outcome.at_risk),
        "event": _text(str(fit.outcome)),
        "factors": _texts(name for name in covariates if name in _factors(results)),
        "n": str(int(fit.n)),
        "coefficients": _numbers(own["estimate"]),
        "errors": _numbers(own["se"]),
    }
    weighted, tests = (_rows(frames[name], fit) for name in ("weighted", "weighted_tests"))
    overall = tests[tests["part"] == "overall"]
    if len(overall):
        said["terms"] = str(len(weighted) or int(overall["df"].iloc[0]))
        said["weighted"] = _numbers(weighted["estimate"] if len(weighted) else overall["chi2"])
        said["weighted_errors"] = _numbers(weighted["se"]) if len(weighted) else "NULL"
    return _list(said)


def _rows(frame: pd.DataFrame, fit: Any) -> pd.DataFrame:
    keys = [name for name in (*KEY, "time_scale", "model") if name in frame]
    return frame[(frame[keys] == [getattr(fit, name) for name in keys]).all(axis=1)]


def _columns(fit: Any, results: Results) -> Iterator[str]:
    spec = results.manifest.analysis
    yield from language.parse(str(fit.formula)).columns
    yield results.manifest.cohort.outcomes[str(fit.outcome)].at_risk
    yield from columns_of(spec.terms(spec.main))


def _factors(results: Results) -> dict[str, str]:
    """The categories among the columns, with their levels in order, as R has them."""
    known = results.manifest.cohort.variables
    names = dict.fromkeys(name for each in _main(results).itertuples() for name in _columns(each, results))
    return {name: _texts(known[name].levels) for name in names if name in known and known[name].levels}


def _design(manifest: Manifest) -> str:
    design = manifest.cohort.design
    if design is None:
        return "NULL"
    strata = f"~{_name(design.strata)}" if design.strata else "NULL"
    said = {"ids": f"~{_name(design.psu)}", "strata": strata, "weights": f"~{_name(design.weights)}"}
    return _list({**said, "nest": str(design.nested).upper(), "lonely": _text(design.lonely_psu)})


def _list(said: dict[str, str]) -> str:
    return f"list({', '.join(f'{name} = {value}' for name, value in said.items())})"


def _named(indent: str, said: dict[str, str]) -> str:
    return "list(" + f",\n{indent}".join(f"{_name(name)} = {value}" for name, value in said.items()) + ")"


def _numbers(values: Iterable[Any]) -> str:
    return f"c({', '.join(repr(float(value)) for value in values)})"


def _texts(values: Iterable[str]) -> str:
    return f"c({', '.join(map(_text, values))})"


def _text(value: str) -> str:
    """A text as R reads it in any locale."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isascii() else f"\\U{{{ord(each):X}}}" for each in escaped) + '"'


def _name(value: str) -> str:
    return f"`{value}`"


def _comment(value: str) -> str:
    return " ".join(value.split())
