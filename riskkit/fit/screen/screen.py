"""The door to screens: every exposure added to one adjusted Cox model per outcome."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from riskkit import formula as language
from riskkit.design.columns import check_columns
from riskkit.design.design import Design, build
from riskkit.errors import DataError, FitError, RiskkitError, SpecError
from riskkit.fit.cox import TIES
from riskkit.fit.fit import UNITS_PER_YEAR, check_choice
from riskkit.fit.hypothesis import t_critical
from riskkit.fit.outcomes import in_order, with_follow_up
from riskkit.fit.screen.exposures import Block, block, chosen
from riskkit.fit.screen.null import Null, null
from riskkit.fit.screen.outcome import Outcome, outcome
from riskkit.fit.screen.pairs import STATISTICS, pairs
from riskkit.fit.screen.store import Store, digest
from riskkit.fit.smoothing import smooths
from riskkit.formula import Formula

LANES = 32  # exposures fitted side by side
LANES_A_BLOCK = 2 * LANES  # exposures read, and their rows written, at a time
COLUMNS = (
    "exposure", "outcome", "n", "events", "person_years", "n_missing", "unit", "estimate", "se", "ratio", "low", "high",
    "chi2", "p", "p_score", "p_ph", "p_nonlinear", "reason",
)  # fmt: skip


def screen(
    data: pd.DataFrame,
    exposures: str | Sequence[str],
    outcomes: Mapping[str, str],
    adjust: str = "1",
    *,
    strata: str | Sequence[str] = (),
    per: str | float | None = "sd",
    knots: int = 4,
    ties: str = "efron",
    min_events: int = 10,
    level: float = 0.95,
    time_unit: str = "years",
    folder: str | Path | None = None,
    progress: Callable[[int, int], object] | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """Add every exposure, one at a time, to one adjusted Cox model per outcome.

    Each pair's estimates are those of `rk.cox(f"{outcome} ~ {adjust} + per({exposure}, {unit})")` in the people who
    have that exposure: the maximum of the partial likelihood, not one step towards it.

    Parameters
    ----------
    data : DataFrame
        One row per person, or per period of follow-up.
    exposures : str, or sequence of str
        Columns of numbers, by name or pattern: `"olink_*"`, `["crp", "olink_*"]`. A pattern leaves out the columns that
        the models use otherwise.
    outcomes : mapping of str to str
        What to call an outcome, and its follow-up: `{"mi": "Surv(age_in, mi_age, mi)"}`.
    adjust : str
        Covariates, as in a formula: `"age + C(sex) + rcs(bmi, 4)"`; "1" for none.
    strata : str, or sequence of str
        Columns whose combinations have baseline hazards of their own; `strata(...)` in `adjust` says the same.
    per : {"sd"}, number or None
        What a coefficient is per: the exposure's standard deviation over the rows complete in the covariates, a number
        of its units, or one.
    knots : int
        Knots of the restricted cubic spline whose bent part is tested, 3 to 10, placed by Harrell's percentiles in the
        rows that have covariates and exposure; 0 for no test.
    ties : {"efron", "breslow"}
    min_events : int
        Pairs with fewer events are not fitted.
    level : float
        Of the confidence limits.
    time_unit : {"days", "months", "years"}
        Unit of the time scale; only person-years depend on it.
    folder : path, optional
        Where finished blocks of exposures are kept as Parquet: the same call goes on where it was interrupted, and
        `pandas.read_parquet(folder)` reads them all.
    progress : function of (done, total), optional
        Called with numbers of pairs whenever some are finished.
    threads : int, optional
        One per processor unless given; the results are the same to rounding.

    Returns
    -------
    DataFrame
        One row per exposure and outcome: exposure outcome n events person_years n_missing unit, estimate and se per
        `unit`, ratio low high (Wald limits), chi2 and p of the likelihood-ratio test, p_score of the score test, p_ph
        of the exposure's proportional hazards (the score test of cox.zph, on the Kaplan-Meier scale), p_nonlinear of
        the score test of the spline's bent part, and reason, empty unless there is no estimate. p_nonlinear is missing
        where the exposure takes too few distinct values.

    Raises
    ------
    SpecError
        If an argument cannot be understood, or the folder holds another screen.
    DataError
        If a covariate or an exposure cannot be what it should.

    References
    ----------
    Cox DR (1972) JRSS B 34:187; Rao CR (1948) Proc Camb Phil Soc 44:50; Grambsch PM, Therneau TM (1994) Biometrika
    81:515. R: survival::coxph and cox.zph, once for each pair.
    """
    formulas = _formulas(outcomes, adjust, strata)
    _check(data, formulas, per, knots, ties, min_events, time_unit)
    critical = float(t_critical(np.array(np.inf), level))
    first = next(iter(formulas.values()))
    taken = {name for formula in formulas.values() for name in formula.columns}
    names = chosen(data, exposures, taken)
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        shared = _shared(first, data, pool)
        models = _models(shared, formulas, data, ties, pool)
        store = Store(
            None if folder is None else Path(folder),
            _fingerprint(shared, models, (per, knots, ties, min_events, level, time_unit)),
        )
        rows = shared.index.to_numpy()
        done, tables = 0, []
        for start in range(0, len(names), LANES_A_BLOCK):
            some = names[start : start + LANES_A_BLOCK]
            batches = [some[i : i + LANES] for i in range(0, len(some), LANES)]
            blocks = list(pool.map(lambda batch: block(data, batch, rows, per, knots), batches))
            key = digest([*some, *(one.values for one in blocks)])
            table = store.get(key)
            if table is None:
                jobs = [
                    pool.submit(_rows, one, at, name, model, min_events)
                    for at, one in enumerate(blocks)
                    for name, model in models.items()
                ]
                found = pd.concat([job.result() for job in jobs], ignore_index=True)
                table = found.sort_values("exposure_at", kind="stable")
                table = _finished(table, len(data), critical, time_unit)[list(COLUMNS)].reset_index(drop=True)
                store.put(key, table)
            tables.append(table)
            done += len(some) * len(models)
            if progress is not None:
                progress(done, len(names) * len(models))
    return pd.concat(tables, ignore_index=True)


def _formulas(outcomes: Mapping[str, str], adjust: str, strata: str | Sequence[str]) -> dict[str, Formula]:
    if not isinstance(outcomes, Mapping) or not outcomes:
        raise SpecError('outcomes is empty or no mapping; name at least one, as in {"mi": "Surv(age_in, mi_age, mi)"}.')
    columns = [language.quoted(name) for name in ([strata] if isinstance(strata, str) else strata)]
    terms = adjust.strip().removeprefix("~").strip() or "1"
    if columns:
        terms = f"strata({', '.join(columns)})" if terms == "1" else f"{terms} + strata({', '.join(columns)})"
    formulas = {name: language.parse(f"{response} ~ {terms}") for name, response in outcomes.items()}
    for name, formula in formulas.items():
        if not formula.survival:
            raise SpecError(f"outcome '{name}' must be Surv(time, event) or Surv(entry, exit, event).")
    return formulas


def _check(
    data: pd.DataFrame,
    formulas: Mapping[str, Formula],
    per: str | float | None,
    knots: int,
    ties: str,
    min_events: int,
    time_unit: str,
) -> None:
    check_choice("ties", ties, TIES)
    check_choice("time_unit", time_unit, tuple(UNITS_PER_YEAR))
    if not (per is None or per == "sd" or (isinstance(per, int | float) and per > 0)):
        raise SpecError(
            f'per={per!r}: write "sd", a positive number of the exposures\' units, or None; for a doubling, '
            "take log2 of the columns first."
        )
    if knots != 0 and not (isinstance(knots, int) and 3 <= knots <= 10):
        raise SpecError(f"knots={knots!r}: a restricted cubic spline takes 3 to 10 knots; 0 leaves out the test.")
    if not (isinstance(min_events, int) and min_events >= 1):
        raise SpecError(f"min_events={min_events!r} must be a whole number from 1.")
    first = next(iter(formulas.values()))
    if first.cluster:
        raise SpecError(
            "a screen has model-based covariances; leave out cluster(...), or fit the pairs of interest by rk.cox."
        )
    if any(("cuts", "noncases") in factor.options for term in first.terms for factor in term):
        raise SpecError('cuts="noncases" differ between outcomes; give the cut points.')
    for name, formula in formulas.items():
        check_columns(data, formula.response, f"outcome '{name}'")


def _shared(formula: Formula, data: pd.DataFrame, pool: ThreadPoolExecutor) -> Design:
    """The covariates of all models, about their means, in an order that suits the follow-up of the first outcome."""
    positions = data.copy(deep=False)
    positions.index = pd.RangeIndex(len(data))
    if not formula.terms and not formula.strata and not formula.offset:  # nothing in which a row could be incomplete
        formula = replace(formula, strata=())
    design = build(replace(formula, response=()), positions)
    if smooths(design.recipe, plain=True):
        raise SpecError("penalised splines (ps) are not for screens; adjust for rcs or ns.")
    design = in_order(design, formula, data, pool)
    return replace(design, x=np.ascontiguousarray(design.x - design.x.mean(axis=0)))


def _models(
    shared: Design, formulas: Mapping[str, Formula], data: pd.DataFrame, ties: str, pool: ThreadPoolExecutor
) -> dict[str, Null | RiskkitError]:
    rows = shared.index.to_numpy()

    def take(column: str) -> pd.Series:
        return pd.Series(data[column].array.take(rows), index=rows, name=column, copy=False)

    entries = lru_cache(maxsize=1)(take)

    def model(name: str) -> Null | RiskkitError:
        followed = np.logical_and.reduce([take(column).notna() for column in formulas[name].response])
        try:
            design, _ = with_follow_up(shared, formulas[name], take, entries)
        except (DataError, FitError) as error:
            return error
        found = outcome(name, design, np.asarray(followed), ties)
        return null(found) if isinstance(found, Outcome) else found

    return dict(zip(formulas, pool.map(model, formulas), strict=True))


def _rows(one: Block, at: int, name: str, model: Null | RiskkitError, min_events: int) -> pd.DataFrame:
    """One row per exposure of the block that stands at place `at`; exposure_at orders them over blocks."""
    if isinstance(model, Null):
        found = pairs(model, one, min_events)
    else:
        found = {"n": 0, "events": 0, "person_years": 0.0, "reason": f"the adjusted model: {model}"}
        found |= dict.fromkeys(STATISTICS, np.nan)
    place = {"exposure": one.names, "exposure_at": at * LANES + np.arange(len(one.names)), "outcome": name}
    bent = len(one.values) - 1
    return pd.DataFrame(place | {"unit": one.units, "bent": bent} | found)


def _finished(table: pd.DataFrame, rows: int, critical: float, time_unit: str) -> pd.DataFrame:
    """Add what follows from the statistics: ratios, limits and p values."""
    estimate, half = table["estimate"].to_numpy(), critical * table["se"].to_numpy()
    with np.errstate(over="ignore"):
        ratios = {"ratio": np.exp(estimate), "low": np.exp(estimate - half), "high": np.exp(estimate + half)}
    return table.assign(
        **ratios,
        n_missing=rows - table["n"],
        person_years=table["person_years"] / UNITS_PER_YEAR[time_unit],
        p=special.chdtrc(1, table["chi2"]),
        p_score=special.chdtrc(1, table["chi2_score"]),
        p_ph=special.chdtrc(1, table["chi2_ph"]),
        p_nonlinear=special.chdtrc(table["bent"], table["chi2_nonlinear"]),
    )


def _fingerprint(shared: Design, models: Mapping[str, Null | RiskkitError], options: tuple[Any, ...]) -> str:
    parts: list[str | NDArray[Any] | None] = [repr(options), shared.recipe.formula.text]
    parts += [shared.x, shared.strata, shared.offset, shared.index.to_numpy()]
    for name, model in models.items():
        parts += [name, "" if isinstance(model, Null) else str(model)]
        if isinstance(model, Null):
            surv = model.outcome.surv
            parts += [surv.entry, surv.exit, surv.event]
    return digest(parts)
