"""Tasks to results: fit every model of an analysis; a model that cannot be fitted is a row with its reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.design.bases import numbers
from riskkit.design.splines import knots
from riskkit.design.surv import Surv
from riskkit.errors import FitError, RiskkitError, SpecError
from riskkit.fit.cox import cox
from riskkit.fit.fit import Fit
from riskkit.infer.anova import anova
from riskkit.infer.curve import curve
from riskkit.infer.ph import ph_test
from riskkit.provenance import provenance
from riskkit.results import Results
from riskkit.spec.analysis import AMOUNT, AnalysisSpec, ExposureSpec, load_analysis
from riskkit.spec.expression import parse
from riskkit.spec.plan import Task, plan
from riskkit.spec.tables import PER_YEAR
from riskkit.tables.characteristics import characteristics

BINS = 60
KEY = ("exposure", "outcome", "time_scale", "coding", "model")
Progress = Callable[[int, int, str], None]  # tasks done, tasks in all, what is next


@dataclass(frozen=True)
class Scale:
    """How an exposure is coded in every model of the analysis, learnt once from the whole cohort.

    Knots, cut points and the standard deviation are the same for all outcomes and models, so that their results can be
    laid side by side. Everything is in the exposure's own unit.
    """

    label: str
    unit: str | None
    knots: tuple[float, ...]
    cuts: tuple[float, ...]
    per: float
    per_label: str
    reference: float
    reference_label: str

    def term(self, task: Task) -> str:
        """The exposure's formula term."""
        match task.coding:
            case "spline":
                return f"rcs({task.exposure}, {list(self.knots)})"
            case "groups":
                return f"groups({task.exposure}, {list(self.cuts)})"
            case "linear":
                return f"per({task.exposure}, {self.per!r})"


def run(analysis: str | Path, cohort: Cohort | None = None, on_progress: Progress | None = None) -> Results:
    """Run an analysis file.

    Parameters
    ----------
    analysis : path
        A TOML file in analyses/; the cohort it names is the file of that name in cohorts/ beside that folder.
    cohort : Cohort, optional
        The cohort already built; otherwise it is built from its raw files.
    on_progress : callable, optional
        Called before each model with the number done, the number in all, and what is next.

    Returns
    -------
    Results
        Models that could not be fitted are in `failures`, each with its reason.

    Raises
    ------
    SpecError
        With every fault of the file at once.
    DataError
        If the cohort's data are not what its file says.
    """
    analysis = Path(analysis)
    started = time.perf_counter()
    spec, cohort_spec = load_analysis(analysis)
    if cohort is None:
        cohort = load_cohort(cohort_spec.path)
    if cohort.follow_up is None or cohort_spec.follow_up is None:
        raise SpecError(f"{analysis}: cohort '{spec.cohort}' has no [follow_up], which a Cox model needs.")
    scales = {name: _scale(name, coding, cohort) for name, coding in spec.exposures.items()}
    tasks = plan(spec, cohort_spec.follow_up.age)
    rows: dict[str, list[pd.DataFrame]] = {
        name: [] for name in ("estimates", "curves", "tests", "fits", "coefficients", "failures")
    }
    for done, task in enumerate(tasks):
        if on_progress:
            on_progress(done, len(tasks), f"{task.outcome} by {task.exposure}")
        for name, frame in _task_rows(task, scales[task.exposure], spec, cohort).items():
            rows[name].append(frame)
    if on_progress:
        on_progress(len(tasks), len(tasks), "done")
    manifest = _manifest(analysis, spec, scales, cohort)
    manifest["provenance"]["seconds"] = round(time.perf_counter() - started, 1)
    return Results(
        manifest=manifest,
        histograms=_histograms(scales, cohort),
        characteristics=_characteristics(spec, scales, cohort),
        **{name: _together(frames, name) for name, frames in rows.items()},
    )


def formula(task: Task, scale: Scale, time: str) -> str:
    """The formula of a task: exposure first, then the covariates; `time` is the outcome's column of follow-up."""
    exit_ = time.removesuffix("follow_up") + "age_exit"
    surv = {"age": f"Surv(age_entry, {exit_}, {task.outcome})", "follow_up": f"Surv({time}, {task.outcome})"}
    terms = [scale.term(task), *task.covariates]
    if task.strata:
        terms.append(f"strata({', '.join(task.strata)})")
    return f"{surv[task.time_scale]} ~ {' + '.join(terms)}"


def _task_rows(task: Task, scale: Scale, spec: AnalysisSpec, cohort: Cohort) -> dict[str, pd.DataFrame]:
    """Fit one task and turn it into rows of the results."""
    outcome = cohort.outcomes[task.outcome]
    text = formula(task, scale, str(outcome.time))
    people = cohort.data if outcome.only is None else cohort.data[parse(outcome.only).truth(cohort.data) == 1]
    try:
        fit = cox(text, people, time_unit=str(cohort.time_unit))
        if fit.events < spec.min_events:
            raise FitError(f"{fit.events} events, fewer than the {spec.min_events} that the analysis asks for.")
        tidy = fit.tidy(spec.level)
        rows = {
            "fits": fit.glance().drop(columns="model").assign(formula=text),
            "coefficients": tidy,
            "estimates": _estimates(fit, task, scale, tidy, cohort),
            "tests": _tests(fit, task),
        }
        if task.coding == "spline":
            rows["curves"] = curve(fit, task.exposure, reference=scale.reference, level=spec.level)
    except RiskkitError as error:
        rows = {"failures": pd.DataFrame({"reason": [str(error)], "formula": [text]})}
    key = dict(zip(KEY, task.key, strict=True))
    return {name: frame.assign(**key)[[*KEY, *frame.columns]] for name, frame in rows.items()}


def _estimates(fit: Fit, task: Task, scale: Scale, tidy: pd.DataFrame, cohort: Cohort) -> pd.DataFrame:
    """Rows of the exposure's estimates: one per group, the reference included, or one per increment."""
    if task.coding == "spline":
        return pd.DataFrame()
    assert fit.design is not None
    values = numbers(cohort.data.loc[fit.design.index, task.exposure])
    surv = fit.design.response
    assert isinstance(surv, Surv)
    own = tidy.iloc[fit.recipe.terms[0].columns].assign(reference=False)
    if task.coding == "linear":
        return own.assign(
            level=f"per {scale.per_label}", n=fit.n, events=fit.events, person_years=fit.person_years, x=scale.per
        ).assign(n_missing=fit.n_missing)
    reference = {"term": own["term"].iloc[0], "estimate": 0.0, "se": 0.0, "ratio": 1.0, "low": 1.0, "high": 1.0}
    own = pd.concat([pd.DataFrame([{**reference, "p": np.nan, "reference": True}]), own], ignore_index=True)
    group = np.searchsorted(scale.cuts, values, side="left")
    inside = [group == g for g in range(len(scale.cuts) + 1)]
    return own.assign(
        term=task.exposure,
        level=[f"Q{g + 1}" for g in range(len(inside))],
        x=[float(np.median(values[rows])) for rows in inside],
        x_low=[float(values[rows].min()) for rows in inside],
        x_high=[float(values[rows].max()) for rows in inside],
        n=[int(rows.sum()) for rows in inside],
        events=[int(surv.event[rows].sum()) for rows in inside],
        person_years=[float(surv.person_time[rows].sum() / PER_YEAR[str(cohort.time_unit)]) for rows in inside],
        n_missing=fit.n_missing,
    )


def _tests(fit: Fit, task: Task) -> pd.DataFrame:
    """Tests of the exposure, and of proportional hazards for the exposure and for the whole model."""
    found = anova(fit)
    found = found[found["term"] == task.exposure]
    if task.coding != "spline":
        return found
    hazards = ph_test(fit)
    hazards = hazards[hazards["term"].isin([task.exposure, "GLOBAL"])].assign(part="proportional hazards")
    return pd.concat([found, hazards[found.columns]], ignore_index=True)


def _scale(name: str, spec: ExposureSpec, cohort: Cohort) -> Scale:
    """Learn how an exposure is coded from everyone in the cohort who has it."""
    variable = cohort.variables[name]
    values = numbers(cohort.data[name])
    values = values[~np.isnan(values)]
    unit = f" {variable.unit}" if variable.unit else ""
    sd = float(values.std(ddof=1))
    per, per_label = sd, f"SD ({sd:.3g}{unit})"
    if isinstance(spec.per, str) and (amount := AMOUNT.fullmatch(spec.per)):
        per = float(amount["number"])
    elif isinstance(spec.per, float) and spec.per:
        per = spec.per
    if per != sd:
        per_label = f"{per:g}{unit}"
    placed: tuple[float, ...] = spec.spline if isinstance(spec.spline, tuple) else ()
    if isinstance(spec.spline, int) and spec.spline:
        placed = tuple(knots(values, spec.spline).tolist())
    cuts: tuple[float, ...] = spec.groups if isinstance(spec.groups, tuple) else ()
    if isinstance(spec.groups, int) and spec.groups:
        cuts = tuple(np.quantile(values, np.arange(1, spec.groups) / spec.groups).tolist())
    where = {"median": float(np.median(values)), "mean": float(values.mean())}
    named = isinstance(spec.reference, str)
    return Scale(
        label=variable.label,
        unit=variable.unit,
        knots=placed,
        cuts=cuts,
        per=per,
        per_label=per_label,
        reference=where[spec.reference] if isinstance(spec.reference, str) else spec.reference,
        reference_label=str(spec.reference) if named else "chosen value",
    )


def _histograms(scales: Mapping[str, Scale], cohort: Cohort) -> pd.DataFrame:
    frames = []
    for name in scales:
        values = cohort.data[name].dropna().to_numpy(dtype=float)
        counts, edges = np.histogram(values, bins=BINS, range=tuple(np.quantile(values, [0.001, 0.999])))
        frames.append(pd.DataFrame({"exposure": name, "left": edges[:-1], "right": edges[1:], "n": counts}))
    return pd.concat(frames, ignore_index=True)


def _characteristics(spec: AnalysisSpec, scales: Mapping[str, Scale], cohort: Cohort) -> pd.DataFrame:
    """Describe the cohort by groups of the first exposure."""
    name, scale = next(iter(scales.items()))
    values = cohort.data[name]
    group = pd.Series(np.searchsorted(scale.cuts, values, side="left"), index=values.index)
    labels = ("Q" + (group + 1).astype(str)).where(values.notna())
    years = cohort.data["follow_up"] / PER_YEAR[str(cohort.time_unit)]
    return characteristics(
        cohort.data, {v: cohort.variables[v] for v in spec.characteristics}, by=labels, person_years=years
    )


def _manifest(path: Path, spec: AnalysisSpec, scales: Mapping[str, Scale], cohort: Cohort) -> dict[str, Any]:
    return {
        "analysis": {
            **{field: getattr(spec, field) for field in ("name", "title", "question", "strata", "level", "min_events")},
            "time_scales": spec.time_scales,
            "main_model": spec.main.name,
            "outcomes": spec.outcomes,
            "notes": spec.notes,
            "models": [{"name": m.name, "label": m.label, "covariates": spec.covariates(m)} for m in spec.models],
        },
        "exposures": {name: asdict(scale) for name, scale in scales.items()},
        "outcomes": {name: {"label": cohort.outcomes[name].label} for name in spec.outcomes},
        "cohort": cohort.describe(),
        "provenance": provenance(path),
    }


def _together(frames: list[pd.DataFrame], name: str) -> pd.DataFrame:
    kept = [frame for frame in frames if not frame.empty]
    if kept:
        return pd.concat(kept, ignore_index=True)
    return pd.DataFrame({column: pd.Series(dtype=str) for column in (*KEY, "reason" if name == "failures" else "term")})
