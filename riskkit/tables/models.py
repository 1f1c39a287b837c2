"""Models side by side: what each says of every term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.numbers import NOTHING, count, level, measures, p_value, ratio_interval
from riskkit.tables.table import Column, Row, Table

CURVED = "A term of several columns that no single number sums up, such as a spline, has its Wald test instead."


def table(
    fits: Fit | Sequence[Fit] | Mapping[str, Fit],
    *,
    labels: Mapping[str, str] | None = None,
    confidence: float = 0.95,
    caption: str = "",
) -> Table:
    """Lay out fitted models side by side, a row for each coefficient.

    Parameters
    ----------
    fits : Fit, or sequence or mapping of name to Fit
        Models without names are called Model 1, Model 2, ...
    labels : mapping of str to str, optional
        What a reader calls a coefficient (as in `fit.params`), or the variables of a spline.
    confidence : float
        Confidence level.
    caption : str

    Returns
    -------
    Table
        Each model's ratio (of a linear model, the difference) with its interval and p value, a dash where a model has
        no such term, and under them rows, events and Akaike's criterion. Intercepts are left out.

    Raises
    ------
    SpecError
        If there is no fit, or something else than a fit.

    Notes
    -----
    Coefficients of splines and other curved codings mean nothing by themselves; their term has one row with a joint
    Wald test. Akaike's criteria compare models of the same rows only, which a note says where rows differ.
    """
    named = _named(fits)
    wording = labels or {}
    found = {name: _cells(fit, confidence) for name, fit in named.items()}
    terms = dict.fromkeys(term for cells in found.values() for term in cells)
    rows = [
        Row((wording.get(term, term), *(cell for cells in found.values() for cell in cells.get(term, (NOTHING, "")))))
        for term in terms
    ]
    rows.append(Row(("Rows", *(cell for fit in named.values() for cell in (count(fit.n), "")))))
    if any(fit.events for fit in named.values()):
        events = (count(fit.events) if fit.model != "linear" else NOTHING for fit in named.values())
        rows.append(Row(("Events", *(cell for text in events for cell in (text, "")))))
    if any(np.isfinite(fit.aic) for fit in named.values()):
        aic = (f"{fit.aic:,.1f}" if np.isfinite(fit.aic) else NOTHING for fit in named.values())
        rows.append(Row(("AIC", *(cell for text in aic for cell in (text, "")))))
    columns = [Column("", numeric=False)]
    for name, fit in named.items():
        what = "difference" if fit.model == "linear" else fit.ratio_name
        columns += [Column(f"{what.capitalize()}\n({level(confidence)} CI)", group=name), Column("p", group=name)]
    return Table(caption or "Models side by side", tuple(columns), tuple(rows), tuple(_notes(named)))


def _named(fits: Fit | Sequence[Fit] | Mapping[str, Fit]) -> dict[str, Fit]:
    if isinstance(fits, Fit):
        fits = [fits]
    named = dict(fits) if isinstance(fits, Mapping) else {f"Model {i}": fit for i, fit in enumerate(fits, start=1)}
    if not named:
        raise SpecError("table: give one fit or more.")
    for name, fit in named.items():
        if not isinstance(fit, Fit):
            raise SpecError(f"table: {name} is a {type(fit).__name__}, not a fit.")
    return named


def _cells(fit: Fit, confidence: float) -> dict[str, tuple[str, str]]:
    """Estimate and p value of each row, by the coefficient's name; of a curved term, by its variables."""
    tidy = fit.tidy(confidence).set_index("term")
    at = {name: i for i, name in enumerate(fit.recipe.names)}
    cells: dict[str, tuple[str, str]] = {}
    for term in fit.recipe.terms:
        if any(term.nonlinear):
            columns = np.arange(fit.coef.size)[term.columns]
            test = fit.wald(np.eye(fit.coef.size)[columns], fit.df(columns))
            cells[f"{term.label} (curve)"] = ("curve", p_value(test.p))
            continue
        for name in term.names:
            if at[name] >= int(fit.recipe.intercept):
                cells[name] = (_estimate(fit, tidy.loc[name]), p_value(float(tidy.loc[name, "p"])))
    return cells


def _estimate(fit: Fit, row: pd.Series) -> str:
    if fit.model != "linear":
        return ratio_interval(row["ratio"], row["low"], row["high"])
    value, low, high = measures([row["estimate"], row["difference_low"], row["difference_high"]])
    return f"{value} ({low} to {high})"


def _notes(named: Mapping[str, Fit]) -> list[str]:
    notes = [
        f"{name}: {fit.recipe.formula.text}; {fit.method}, {fit.covariance} covariance." for name, fit in named.items()
    ]
    if any(any(term.nonlinear) for fit in named.values() for term in fit.recipe.terms):
        notes.append(CURVED)
    if len({fit.n for fit in named.values()}) > 1 and any(np.isfinite(fit.aic) for fit in named.values()):
        notes.append("The models are of different rows: their AIC do not compare.")
    notes += [f"{name}: {note}" for name, fit in named.items() for note in fit.notes]
    return notes
