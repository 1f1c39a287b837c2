"""What a repeat measurement adds to the models of a batch: slopes and curves of the usual level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from riskkit import formula as language
from riskkit.design.design import build
from riskkit.infer.dilution import Dilution, Method, dilution, dilution_in
from riskkit.infer.simex import simex
from riskkit.infer.usual import correct, ratio_columns, usual_curve
from riskkit.spec.plan import is_main
from riskkit.study.batch import Batch, Fitted
from riskkit.study.coding import ExposureCoding
from riskkit.study.eligibility import only
from riskkit.study.estimators import fit_model
from riskkit.study.study import FAILED, Rows, Running, Study

REPLICATES = 10  # of SIMEX: chance leaves its estimate less than a hundredth of a standard error


@dataclass(frozen=True, eq=False)
class Repeated:
    """The models of a batch whose exposure was measured twice; `again` is the second measurement of its people."""

    batch: Batch
    again: pd.Series
    study: Study

    @property
    def exposure(self) -> str:
        """Name of the exposure."""
        return self.batch.task.exposure

    @property
    def coding(self) -> ExposureCoding:
        """How it is coded."""
        return self.study.codings[self.exposure]

    def given_covariates(self) -> Dilution:
        """Rosner's dilution ratio given the covariates and strata of the batch: what divides its slopes."""
        measured = self.batch.data[self.again.notna()]
        design = build(language.of_covariates(self.batch.terms), measured)
        beside = design.recipe.terms[0].columns.stop
        others = pd.DataFrame(design.x[:, beside:], index=design.index, columns=list(design.recipe.names[beside:]))
        strata = None if design.strata is None else pd.Series(design.strata, index=design.index, name="strata")
        first, second = measured.loc[design.index, self.exposure], self.again.loc[design.index]
        return dilution(first, second, covariates=others, by=strata, level=self.study.spec.level)

    def of_everybody(self, method: Method) -> Dilution:
        """Dilution ratio of the whole cohort, within sex where it has both: what places groups and curves."""
        cohort = self.study.cohort
        first, second = (cohort.data[name] for name in (self.exposure, str(self.coding.repeat)))
        sex = cohort.data["sex"] if "sex" in cohort.variables else None
        return dilution(first, second, method, by=sex, level=self.study.spec.level)


def usual_level(study: Study, batch: Batch) -> Rows:
    """Correct the models of a batch for regression dilution.

    Straight lines are divided by the dilution ratio given the covariates (Rosner). Those of the main model are also
    divided by the ratio of fifths (MacMahon and Peto) and, for the outcomes that the analysis names, extrapolated by
    SIMEX; and its splines are moved to the usual level.

    Returns
    -------
    dict of frame name to DataFrame
        Rows of corrected, usual, and failures: a correction that cannot be had is a row with its reason. Nothing where
        the exposure was measured once.
    """
    repeat = study.codings[batch.task.exposure].repeat
    if repeat is None or not batch.fitted:
        return {}
    twice = Repeated(batch, study.cohort.data.loc[batch.data.index, repeat], study)
    frame = "usual" if batch.task.coding == "spline" else "corrected"
    rows: list[pd.DataFrame] = []
    failures: list[pd.DataFrame] = []
    for models, make in _asked(twice):
        try:
            rows.append(make())
        except FAILED as error:
            reason = f"not corrected for regression dilution: {error}"
            failures += [
                pd.DataFrame({"outcome": [each.task.outcome], "reason": [reason], "formula": [each.formula]})
                for each in models
            ]
    return {
        name: pd.concat(found, ignore_index=True) for name, found in ((frame, rows), ("failures", failures)) if found
    }


def _asked(twice: Repeated) -> Iterator[tuple[Sequence[Fitted], Callable[[], pd.DataFrame]]]:
    """The corrections of a batch, each with the models that it is of."""
    batch = twice.batch
    main = is_main(batch.task, twice.study.spec)
    if batch.task.coding == "spline" and main:
        yield batch.fitted, partial(_curves, twice)
    if batch.task.coding != "linear":
        return
    yield batch.fitted, lambda: _divided(batch.estimates, twice.given_covariates())
    if main:
        yield batch.fitted, lambda: _divided(batch.estimates, twice.of_everybody("macmahon-peto"))
        for each in batch.fitted:
            if each.task.outcome in twice.coding.simex:
                yield (each,), partial(_extrapolated, twice, each)


def _divided(estimates: pd.DataFrame, ratio: Dilution) -> pd.DataFrame:
    both = correct(estimates.drop(columns="level"), ratio)
    return both[both["correction"] != "none"].assign(level=estimates["level"].iloc[0])


def _extrapolated(twice: Repeated, fitted: Fitted) -> pd.DataFrame:
    """One estimate by SIMEX, which needs the design again; the p value stays that of the uncorrected line."""
    batch, level = twice.batch, twice.study.spec.level
    people = only(batch.data, fitted.formula, fitted.used)
    fit = fit_model(fitted.formula, people, batch.task, twice.study.cohort.time_unit)
    ratio = dilution_in(fit, twice.exposure, twice.again, level)
    without_error = simex(fit, twice.exposure, ratio, replicates=REPLICATES).fit
    own = without_error.tidy(level).iloc[fit.recipe.terms[0].columns]
    found = {name: float(own[name].iloc[0]) for name in ("estimate", "se", "ratio", "low", "high")}
    estimates = batch.estimates[batch.estimates["outcome"] == fitted.task.outcome]
    return estimates.assign(**found, correction="simex", **ratio_columns(ratio))


def _curves(twice: Repeated) -> pd.DataFrame:
    ratio = twice.of_everybody("rosner")
    curves = []
    for each in twice.batch.fitted:
        reference, level = twice.coding.reference, twice.study.spec.level
        curve = usual_curve(each.fit, twice.exposure, ratio, reference=reference, level=level)
        curve.insert(0, "outcome", each.task.outcome)
        curves.append(curve.assign(correction=ratio.method, **ratio_columns(ratio)))
    return pd.concat(curves, ignore_index=True)


RUNNING = Running(of_batch=usual_level)
