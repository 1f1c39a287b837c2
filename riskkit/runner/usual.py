"""What a repeat measurement adds to the models of a batch: slopes and curves of the usual level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.design.design import build
from riskkit.errors import RiskkitError
from riskkit.fit.fit import Fit
from riskkit.infer.dilution import Dilution, Method, dilution, dilution_in
from riskkit.infer.simex import simex
from riskkit.infer.usual import correct, ratio_columns, usual_curve
from riskkit.runner.model import fit_model
from riskkit.runner.people import only
from riskkit.runner.scale import Scale
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.plan import Task, is_main

REPLICATES = 10  # of SIMEX: chance leaves its estimate less than a hundredth of a standard error


@dataclass(frozen=True, eq=False)
class Fitted:
    """One model of a batch: its formula, its fit, and which rows of the batch's data it used, shape (n,)."""

    outcome: str
    formula: str
    fit: Fit
    used: np.ndarray


@dataclass(frozen=True, eq=False)
class Repeated:
    """The models of a batch whose exposure was measured twice.

    Attributes
    ----------
    task : Task
        Any of the batch.
    terms : str
        Right-hand side of the batch's formula.
    data : DataFrame
        The people of the batch.
    fitted : tuple of Fitted
    repeat : str
        Column of the second measurement.
    """

    task: Task
    terms: str
    data: pd.DataFrame
    fitted: tuple[Fitted, ...]
    repeat: str

    def given_covariates(self, level: float) -> Dilution:
        """Rosner's dilution ratio given the covariates and strata of the batch: what divides its slopes."""
        measured = self.data[self.data[self.repeat].notna()]
        design = build(f"{self.task.exposure} ~ {self.terms}", measured)
        beside = design.recipe.terms[0].columns.stop
        others = pd.DataFrame(design.x[:, beside:], index=design.index, columns=list(design.recipe.names[beside:]))
        strata = None if design.strata is None else pd.Series(design.strata, index=design.index, name="strata")
        used = measured.loc[design.index]
        return dilution(used[self.task.exposure], used[self.repeat], covariates=others, by=strata, level=level)

    def of_everybody(self, method: Method, level: float, cohort: Cohort) -> Dilution:
        """Dilution ratio of the whole cohort, within sex where it has both: what places groups and curves."""
        first, second = (cohort.data[name] for name in (self.task.exposure, self.repeat))
        sex = cohort.data["sex"] if "sex" in cohort.variables else None
        return dilution(first, second, method, by=sex, level=level)


def usual_level(
    batch: Repeated, estimates: pd.DataFrame, scale: Scale, spec: AnalysisSpec, cohort: Cohort
) -> dict[str, pd.DataFrame]:
    """Correct the models of a batch for regression dilution.

    Straight lines are divided by the dilution ratio given the covariates (Rosner). Those of the main model are also
    divided by the ratio of fifths (MacMahon and Peto) and, for the outcomes that the analysis names, extrapolated by
    SIMEX; and its splines are moved to the usual level.

    Parameters
    ----------
    batch : Repeated
    estimates : DataFrame
        The linear estimates of the batch, with their `outcome`; empty for other codings.
    scale, spec, cohort

    Returns
    -------
    dict of frame name to DataFrame
        Rows of corrected, usual, and failures: a correction that cannot be had is a row with its reason.
    """
    frame = "usual" if batch.task.coding == "spline" else "corrected"
    rows: list[pd.DataFrame] = []
    failures: list[pd.DataFrame] = []
    for models, make in _asked(batch, estimates, scale, spec, cohort):
        try:
            rows.append(make())
        except RiskkitError as error:
            reason = f"not corrected for regression dilution: {error}"
            failures += [
                pd.DataFrame({"outcome": [each.outcome], "reason": [reason], "formula": [each.formula]})
                for each in models
            ]
    return {
        name: pd.concat(found, ignore_index=True) for name, found in ((frame, rows), ("failures", failures)) if found
    }


def _asked(
    batch: Repeated, estimates: pd.DataFrame, scale: Scale, spec: AnalysisSpec, cohort: Cohort
) -> Iterator[tuple[Sequence[Fitted], Callable[[], pd.DataFrame]]]:
    """The corrections of a batch, each with the models that it is of."""
    if not batch.fitted:
        return
    main = is_main(batch.task, spec)
    if batch.task.coding == "spline" and main:
        yield batch.fitted, partial(_curves, batch, scale, spec, cohort)
    if batch.task.coding != "linear":
        return
    yield batch.fitted, lambda: _divided(estimates, batch.given_covariates(spec.level))
    if main:
        yield batch.fitted, lambda: _divided(estimates, batch.of_everybody("macmahon-peto", spec.level, cohort))
        for each in batch.fitted:
            if each.outcome in scale.simex:
                own = estimates[estimates["outcome"] == each.outcome]
                yield (each,), partial(_extrapolated, batch, each, own, spec, cohort)


def _divided(estimates: pd.DataFrame, ratio: Dilution) -> pd.DataFrame:
    both = correct(estimates.drop(columns="level"), ratio)
    return both[both["correction"] != "none"].assign(level=estimates["level"].iloc[0])


def _extrapolated(
    batch: Repeated, fitted: Fitted, estimates: pd.DataFrame, spec: AnalysisSpec, cohort: Cohort
) -> pd.DataFrame:
    """One estimate by SIMEX, which needs the design again; the p value stays that of the uncorrected line."""
    people = only(batch.data, fitted.formula, fitted.used)
    fit = fit_model(fitted.formula, people, batch.task, cohort.time_unit)
    ratio = dilution_in(fit, batch.task.exposure, batch.data[batch.repeat], spec.level)
    without_error = simex(fit, batch.task.exposure, ratio, replicates=REPLICATES).fit
    own = without_error.tidy(spec.level).iloc[fit.recipe.terms[0].columns]
    found = {name: float(own[name].iloc[0]) for name in ("estimate", "se", "ratio", "low", "high")}
    return estimates.assign(**found, correction="simex", **ratio_columns(ratio))


def _curves(batch: Repeated, scale: Scale, spec: AnalysisSpec, cohort: Cohort) -> pd.DataFrame:
    ratio = batch.of_everybody("rosner", spec.level, cohort)
    curves = []
    for each in batch.fitted:
        curve = usual_curve(each.fit, batch.task.exposure, ratio, reference=scale.reference, level=spec.level)
        curve.insert(0, "outcome", each.outcome)
        curves.append(curve.assign(correction=ratio.method, **ratio_columns(ratio)))
    return pd.concat(curves, ignore_index=True)
