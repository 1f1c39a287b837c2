"""A closer look at the outcomes that an analysis leads with: what needs the people again, not their fits alone."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.errors import RiskkitError
from riskkit.fit.cox import cox
from riskkit.fit.fit import Fit
from riskkit.infer.schoenfeld import schoenfeld_smooth
from riskkit.infer.twolines import two_lines
from riskkit.results import READABLE
from riskkit.runner.incidence import incidence_by_group
from riskkit.runner.scale import Scale
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.plan import NO_TIME
from riskkit.spec.tables import PER_YEAR

LED = 5  # outcomes of each exposure that are looked at, where there are more than can be told one by one
TOLD = {"schoenfeld": "Linear coefficient over time", "two_lines": "Two-lines test"}
KEY = ["exposure", "outcome", "time_scale", "coding", "model"]


def closer_look(
    fits: pd.DataFrame, tests: pd.DataFrame, scales: Mapping[str, Scale], spec: AnalysisSpec, cohort: Cohort
) -> dict[str, pd.DataFrame]:
    """Ask of the leading outcomes what takes the people again.

    Parameters
    ----------
    fits, tests : DataFrame
        Of the main analysis.

    Returns
    -------
    dict of frame name to DataFrame
        incidence: cumulative incidence by group; schoenfeld: the linear coefficient over time; two_lines: the two-lines
        test of every spline; failures: what could not be had, with the reason. Without rows where there are no times,
        or the fit was not made with everybody at risk.
    """
    main = fits[(fits["model"] == spec.main.name) & (fits["time_scale"] == spec.time_scales[0])] if len(fits) else fits
    rows: dict[str, list[pd.DataFrame]] = {"incidence": [], "schoenfeld": [], "two_lines": [], "failures": []}
    chosen = leading(main, tests) if spec.time_scales[0] != NO_TIME else []
    for exposure, outcome in chosen:
        if scales[exposure].cuts:
            try:
                rows["incidence"].append(incidence_by_group(exposure, outcome, scales[exposure], spec, cohort))
            except RiskkitError as error:
                keys = dict(zip(KEY, (exposure, outcome, spec.time_scales[0], "groups", spec.main.name), strict=True))
                rows["failures"].append(_failure(keys, "Cumulative incidence", error))
    for model in main[main["n_silent"] == 0].to_dict("records") if chosen else []:
        name = {"linear": "schoenfeld", "spline": "two_lines"}.get(model["coding"])
        if name and (model["exposure"], model["outcome"]) in chosen:
            keys = {key: model[key] for key in KEY}
            try:
                fit = _refitted(model, cohort)
                row = _smooth(fit, cohort, spec) if name == "schoenfeld" else _lines(fit, model["exposure"], spec)
                rows[name].append(row.assign(**keys)[[*KEY, *row.columns]])
            except RiskkitError as error:
                rows["failures"].append(_failure(keys, TOLD[name], error))
    return {name: pd.concat(found, ignore_index=True) if found else _none() for name, found in rows.items()}


def leading(main: pd.DataFrame, tests: pd.DataFrame) -> list[tuple[str, str]]:
    """Exposures with the outcomes that the report leads with: all, or of many those with the smallest p values."""
    if main.empty:
        return []
    pairs = main[["exposure", "outcome", "time_scale", "model"]].drop_duplicates()
    overall = tests[(tests["part"] == "overall") & tests["coding"].isin(["spline", "linear"])]
    smallest = overall.sort_values("coding", ascending=False).drop_duplicates(list(pairs))  # the spline's where it is
    ranked = pairs.merge(smallest[[*pairs, "p"]], how="left")
    if main["outcome"].nunique() > READABLE:
        kept = ranked.sort_values("p", kind="stable").groupby("exposure").head(LED).index
        ranked = ranked.loc[sorted(kept)]
    return list(zip(ranked["exposure"], ranked["outcome"], strict=True))


def _refitted(model: Mapping[str, object], cohort: Cohort) -> Fit:
    at_risk = cohort.data[cohort.outcomes[str(model["outcome"])].at_risk]
    return cox(str(model["formula"]), cohort.data[at_risk], time_unit=str(cohort.time_unit))


def _smooth(fit: Fit, cohort: Cohort, spec: AnalysisSpec) -> pd.DataFrame:
    smooth = schoenfeld_smooth(fit, fit.recipe.names[0], level=spec.level)
    return smooth.assign(time=smooth["time"] / PER_YEAR[str(cohort.time_unit)])


def _lines(fit: Fit, exposure: str, spec: AnalysisSpec) -> pd.DataFrame:
    found = two_lines(fit, exposure, level=spec.level)
    row = {"breakpoint": found.breakpoint, "p": found.p}
    for name, line in (("below", found.lower), ("above", found.upper)):
        row |= {f"{name}_slope": line.estimate, f"{name}_low": line.low, f"{name}_high": line.high, f"{name}_p": line.p}
    return pd.DataFrame([row])


def _failure(keys: Mapping[str, object], what: str, error: RiskkitError) -> pd.DataFrame:
    return pd.DataFrame([{**keys, "variant": what, "reason": str(error), "formula": ""}])


def _none() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=str) for name in KEY})
