"""A cross-check: a sample of the models fitted again by other software, and how far the answers lie apart."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib.metadata import version

import numpy as np
import pandas as pd

from riskkit.design.design import Design, build
from riskkit.design.surv import Surv
from riskkit.errors import FitError
from riskkit.fit import cox, logistic
from riskkit.fit.fit import Fit
from riskkit.frames import MODEL
from riskkit.questions.cross_check.r import ask_r
from riskkit.spec.plan import NO_TIME
from riskkit.study.leading import main_fits
from riskkit.study.study import Frames, Job, Rows, Running, Study

STEPS = {"precision": 1e-9, "max_steps": 100}
CHECKED = 3  # models of an analysis
COLUMNS = (
    *MODEL, "software", "version", "n", "events", "of_n", "of_events", "terms", "converged", "max_difference_se",
    "max_se_difference", "formula",
)  # fmt: skip


def after(study: Study, frames: Frames) -> Iterator[Job]:
    """A job for each of a few models of the main analysis, evenly spread, of those fitted to everybody at risk."""
    main = main_fits(study, frames)
    chosen = spread(main[main["n_without_events"] == 0])
    for *key, formula in chosen[[*MODEL, "formula"]].itertuples(index=False, name=None):
        yield Job(compared, (tuple(key), formula), f"{key[0]}, {key[1]}, cross-check", 10)


def spread(fits: pd.DataFrame, models: int = CHECKED) -> pd.DataFrame:
    """So many rows, evenly spread over all."""
    return fits.iloc[np.unique(np.linspace(0, len(fits) - 1, min(models, len(fits))).round().astype(int))]


def compared(study: Study, key: tuple[str, ...], formula: str) -> Rows:
    """Fit one model of the analysis again with other software: rows of cross_check."""
    model = pd.Series({**dict(zip(MODEL, key, strict=True)), "formula": formula})
    return {"cross_check": cross_check(pd.DataFrame([model]), study.cohort.data)}


def cross_check(fits: pd.DataFrame, data: pd.DataFrame, *, rows: int = 5_000, seed: int = 1) -> pd.DataFrame:
    """Fit models again: Cox models with lifelines (Efron's ties, delayed entry, strata), logistic models of prevalent
    outcomes with statsmodels (Logit); and both with R (coxph, glm) where it is installed.

    All fit the same design matrix to the same rows. lifelines starts half-way between zero and riskkit's estimates:
    its Newton steps from zero can diverge where a covariate is strong, and a start at the estimates would prove little.

    Parameters
    ----------
    fits : DataFrame
        The models, with exposure outcome time_scale coding model formula.
    data : DataFrame
        The cohort's data, one row per person.
    rows : int
        How many people, at most; lifelines takes some 2 s for a model of 5,000. Of more, those with an event are taken
        first, up to half, and the others at random.
    seed : int
        Of that choice.

    Returns
    -------
    DataFrame, one row per model and software
        The model's keys, software, version, n and events compared, of_n and of_events the model has, terms (the number
        of coefficients), converged (whether it did), max_difference_se (the largest absolute difference of two
        coefficients, in standard errors), max_se_difference (the largest relative difference of two standard errors),
        formula. Differences are missing where it did not converge.

    Raises
    ------
    DataError
        If a model cannot be built on these rows.
    """
    found = [row for _, model in fits.iterrows() for row in _compared(model, data, rows, seed)]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _compared(model: pd.Series, data: pd.DataFrame, rows: int, seed: int) -> Iterator[dict[str, object]]:
    """Compare one model; nothing when fewer people than it was fitted to leave a coefficient without an estimate."""
    formula, has_time = str(model["formula"]), model["time_scale"] != NO_TIME
    whole = build(formula, data, intercept=not has_time)
    event = _event(whole)
    design = whole
    if len(event) > rows:
        design = build(formula, data.loc[_some(whole, rows, seed)], intercept=not has_time)
    try:
        fit = (cox if has_time else logistic).fit_design(design)
    except FitError:
        return
    software, ask = ("lifelines", _lifelines) if has_time else ("statsmodels", _statsmodels)
    se = np.sqrt(np.diag(fit.cov))
    for name, its_version, coefficients, errors in filter(
        None, ((software, version(software), *ask(design, fit)), ask_r(design))
    ):
        yield {
            **{key: model[key] for key in MODEL},
            "software": name,
            "version": its_version,
            "n": fit.n,
            "events": fit.events,
            "of_n": len(event),
            "of_events": int(event.sum()),
            "terms": len(fit.coef),
            "converged": bool(np.isfinite(coefficients).all()),
            "max_difference_se": float(np.max(np.abs(coefficients - fit.coef) / se)),
            "max_se_difference": float(np.max(np.abs(errors / se - 1))),
            "formula": model["formula"],
        }


def _some(design: Design, rows: int, seed: int) -> pd.Index:
    """Rows of the data to compare on, in their order: at most half with an event, the others without."""
    generator = np.random.default_rng(seed)
    event = _event(design)
    with_event, without = np.flatnonzero(event), np.flatnonzero(~event)
    cases = generator.permutation(with_event)[: rows // 2]
    others = generator.permutation(without)[: rows - len(cases)]
    return design.index[np.sort(np.concatenate([cases, others]))]


def _lifelines(design: Design, fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and standard errors, in the design's units; missing where the steps did not converge."""
    from lifelines import CoxPHFitter  # imported here: a second that only this takes
    from lifelines.exceptions import ConvergenceWarning

    followed = design.response
    assert isinstance(followed, Surv)
    scale = design.x.std(axis=0, ddof=1)
    names = [f"x{i}" for i in range(design.x.shape[1])]
    frame = pd.DataFrame((design.x - design.x.mean(axis=0)) / scale, columns=names)
    frame = frame.assign(exit=followed.exit, event=followed.event)
    if followed.entry is not None:
        frame["entry"] = followed.entry
    if design.strata is not None:
        frame["stratum"] = design.strata
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = CoxPHFitter().fit(
            frame,
            "exit",
            "event",
            entry_col="entry" if followed.entry is not None else None,
            strata=["stratum"] if design.strata is not None else None,
            initial_point=fit.coef * scale / 2,
            fit_options=STEPS,
        )
    if any("converge" in str(each.message) for each in caught if issubclass(each.category, ConvergenceWarning)):
        missing = np.full(len(names), np.nan)
        return missing, missing
    return fitted.params_.to_numpy() / scale, fitted.standard_errors_.to_numpy() / scale


def _statsmodels(design: Design, fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and standard errors of statsmodels' Newton steps from zero; missing where they did not converge."""
    import statsmodels.api as sm  # imported here: a second that only this takes

    scale = np.where(design.x.std(axis=0) > 0, design.x.std(axis=0), 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sm.tools.sm_exceptions.ConvergenceWarning)
        fitted = sm.Logit(_event(design), design.x / scale).fit(disp=0, maxiter=STEPS["max_steps"])
    if not fitted.mle_retvals["converged"]:
        missing = np.full(len(fit.coef), np.nan)
        return missing, missing
    return fitted.params / scale, fitted.bse / scale


def _event(design: Design) -> np.ndarray:
    """Who of the rows has the outcome, shape (n,)."""
    return design.response.event if isinstance(design.response, Surv) else np.asarray(design.response, dtype=float) == 1


RUNNING = Running(after=after)
