"""Tables of estimates: by group, per increment, along the curve, and models side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from riskkit import numbers
from riskkit.measure import Measure
from riskkit.numbers import NOTHING, count, p_value, per_cent, ratio_interval
from riskkit.tables.table import Column, Row, Table

CORRECTIONS = {"rosner": "Rosner", "macmahon-peto": "MacMahon and Peto", "simex": "SIMEX"}
LAMBDA = (
    "λ: the dilution ratio with its interval; Rosner's is given the model's covariates, MacMahon and Peto's is of "
    "everybody within sex, and SIMEX is a check with that of the model's own people."
)
PER = 1000  # person-years of a rate
RATE = f"Rate per {count(PER)}"


def groups_table(
    estimates: pd.DataFrame,
    outcomes: Mapping[str, str],
    models: Mapping[str, str],
    main: str,
    unit: str | None,
    caption: str,
    head: str,
    measure: Measure,
) -> Table:
    """The ratio in each group of an exposure in every model, with people, events and the crude rate or prevalence.

    Parameters
    ----------
    estimates : DataFrame
        Rows of coding "groups" of one exposure and time scale; float_low and float_high are shown where known.
    outcomes, models : mapping of str to str
        Names to labels, in order.
    main : str
        The model whose people, floating intervals and p values are shown.
    unit : str or None
        Of the exposure.
    caption : str
    head : str
        The head over the columns of ratios.
    measure : Measure
        What they are.
    """
    floating = estimates["float_low"].notna().any()
    found = {(r.outcome, r.level, r.model): r for r in estimates.itertuples()}
    of_main = estimates[estimates["model"] == main]
    columns = (
        Column("Group", numeric=False),
        Column(_of("Range", unit)),
        Column(_of("Median", unit)),
        *map(Column, _counted(measure)),
        *(Column(f"{label} (main)" if name == main and len(models) > 1 else label, group=head)
          for name, label in models.items()),
        *((Column("Floating interval"),) if floating else ()),
        Column("p"),
    )  # fmt: skip
    rows: list[Row] = []
    for outcome, label in outcomes.items():
        of_outcome = of_main[of_main["outcome"] == outcome]
        if of_outcome.empty:
            continue
        rows.append(Row((label,), kind="heading"))
        for r in of_outcome.itertuples():
            cells = (
                r.level,
                _range(r.x_low, r.x_high),
                numbers.measure(r.x),
                *_counts(r, measure),
                *(_group_ratio(found.get((outcome, r.level, name))) for name in models),
                *((f"{numbers.ratio(r.float_low)}–{numbers.ratio(r.float_high)}",) if floating else ()),
                "" if r.reference else p_value(r.p),
            )
            rows.append(Row(cells, kind="indented"))
    of_whom = ("Counts, rates and p values are those of the main model.",) if len(models) > 1 else ()
    return Table(caption, columns, tuple(rows), (_crude(measure), *of_whom))


def linear_table(
    estimates: pd.DataFrame,
    corrected: pd.DataFrame,
    outcomes: Mapping[str, str],
    caption: str,
    head: str,
    measure: Measure,
) -> Table:
    """The ratio per increment of an exposure for each outcome.

    Parameters
    ----------
    estimates : DataFrame
        Rows of coding "linear" of one exposure, time scale and model.
    corrected : DataFrame
        The same corrected for regression dilution, shown beside them by method (`correction`), with the columns of the
        dilution ratio; empty where nothing was corrected.
    outcomes : mapping of str to str
    caption, head : str
        `head` is that of the column of ratios.
    measure : Measure
        What they are.
    """
    counted = _counted(measure)
    heads = (*counted, "Excluded for missing values", head, "p")
    usual = {
        (r.correction, r.outcome): f"{ratio_interval(r.ratio, r.low, r.high)}\n"
        f"λ {ratio_interval(r.dilution_ratio, r.dilution_low, r.dilution_high)}"
        for r in corrected.itertuples()
    }
    methods = [method for method in CORRECTIONS if any(method == own for own, _ in usual)]
    columns = (
        Column("Outcome", numeric=False),
        *(Column(text) for text in heads),
        *(Column(CORRECTIONS[method], group="Corrected for regression dilution") for method in methods),
    )
    found = estimates.set_index("outcome")
    rows = []
    for outcome, label in outcomes.items():
        beside = (usual.get((method, outcome), NOTHING) for method in methods)
        if outcome not in found.index:
            rows.append(Row((label, *([NOTHING] * len(counted)), NOTHING, "not estimated", NOTHING, *beside)))
            continue
        r = found.loc[outcome]
        estimate = (ratio_interval(r["ratio"], r["low"], r["high"]), p_value(r["p"]))
        rows.append(Row((label, *_counts(r, measure), count(r["n_missing"]), *estimate, *beside)))
    return Table(caption, columns, tuple(rows), (_crude(measure), *((LAMBDA,) if methods else ())))


def curve_table(
    curves: pd.DataFrame,
    outcomes: Mapping[str, str],
    at: Sequence[float],
    unit: str | None,
    caption: str,
    exposure: str,
) -> Table:
    """The curve read at some levels of the exposure, outcomes across.

    Parameters
    ----------
    curves : DataFrame
        Columns outcome x ratio low high, of one exposure, time scale and model.
    outcomes : mapping of str to str
    at : sequence of float
        Levels of the exposure; the nearest point of the curve is read.
    unit : str or None
    caption, exposure : str
    """
    columns = (Column(_of(exposure, unit), numeric=False), *(Column(label) for label in outcomes.values()))
    of_outcome = dict(iter(curves.groupby("outcome")))
    rows = []
    for x in at:
        cells = []
        for outcome in outcomes:
            if outcome not in of_outcome:
                cells.append("not estimated")
                continue
            r = nearest(of_outcome[outcome], x)
            cells.append("1 (reference)" if r["se"] == 0 else ratio_interval(r["ratio"], r["low"], r["high"]))
        rows.append(Row((numbers.measure(x), *cells), strong=all(cell == "1 (reference)" for cell in cells)))
    return Table(caption, columns, tuple(rows))


def comparison_table(
    curves: pd.DataFrame,
    outcomes: Mapping[str, str],
    series: Mapping[str, str],
    at: Sequence[float],
    unit: str | None,
    caption: str,
) -> Table:
    """The curves of several models read at the same levels of the exposure, models down.

    Parameters
    ----------
    curves : DataFrame
        Columns series outcome x ratio low high.
    outcomes, series : mapping of str to str
        Names to labels, in order.
    at : sequence of float
    unit : str or None
    caption : str
    """
    columns = (Column("Outcome and model", numeric=False), *(Column(f"At {numbers.measure(x, unit)}") for x in at))
    found = dict(iter(curves.groupby(["outcome", "series"])))
    rows = []
    for outcome, label in outcomes.items():
        rows.append(Row((label,), kind="heading"))
        for name, model in series.items():
            read = [nearest(found[outcome, name], x) for x in at] if (outcome, name) in found else []
            cells = [ratio_interval(r["ratio"], r["low"], r["high"]) for r in read] or ["not estimated"] * len(at)
            rows.append(Row((model, *cells), kind="indented"))
    return Table(caption, columns, tuple(rows))


def nearest(points: pd.DataFrame, x: float) -> pd.Series:
    """The point of a curve closest to x."""
    return points.iloc[int(np.argmin(np.abs(points["x"].to_numpy() - x)))]


def models_table(
    estimates: pd.DataFrame,
    outcomes: Mapping[str, str],
    models: Mapping[str, str],
    time_scales: Mapping[str, str],
    main: str,
    measure: Measure,
    caption: str,
) -> Table:
    """The ratio per increment in every model (across) and on every time scale (down).

    Parameters
    ----------
    estimates : DataFrame
        Rows of coding "linear" of one exposure.
    outcomes, models, time_scales : mapping of str to str
        Names to labels, in order.
    main : str
        The model the report leads with.
    measure : Measure
        What the ratios are.
    caption : str
    """
    columns = (
        Column("Outcome and time scale" if measure.timed else "Outcome", numeric=False),
        *(Column(f"{label} (main)" if name == main else label) for name, label in models.items()),
    )
    found = {(r.outcome, r.time_scale, r.model): r for r in estimates.itertuples()}
    rows = []
    for outcome, label in outcomes.items():
        if measure.timed:
            rows.append(Row((label,), kind="heading"))
        for i, (scale, scale_label) in enumerate(time_scales.items()):
            cells = []
            for model in models:
                r = found.get((outcome, scale, model))
                if r is None:
                    cells.append("not estimated")
                    continue
                cells.append(f"{ratio_interval(r.ratio, r.low, r.high)}\n{count(r.events)} / {count(r.n)}")
            row = Row((scale_label, *cells), kind="indented", strong=i == 0) if measure.timed else Row((label, *cells))
            rows.append(row)
    return Table(caption, columns, tuple(rows), (f"Under each ratio: {measure.event}s / people.",))


def _counted(measure: Measure) -> tuple[str, ...]:
    """The heads over `_counts`."""
    if measure.sampled:
        return "People", measure.events
    return ("People", measure.events, *(("Person-years", RATE) if measure.timed else ("Prevalence, %",)))


def _counts(r: Any, measure: Measure) -> tuple[str, ...]:
    """People and events, then person-years and rate where there is follow-up, or else the prevalence."""
    if measure.sampled:
        return count(r.n), count(r.events)
    if not measure.timed:
        return count(r.n), count(r.events), per_cent(100 * r.events / r.n)
    rate = f"{PER * r.events / r.person_years:.1f}" if r.person_years > 0 else NOTHING
    return count(r.n), count(r.events), count(r.person_years), rate


def _crude(measure: Measure) -> str:
    if measure.sampled:
        return "Counts are of the sample, which makes neither rates nor prevalences."
    crude = (
        f"Rates are crude: {measure.event}s per {count(PER)} person-years" if measure.timed else "Prevalences are crude"
    )
    return f"{crude}, not adjusted."


def _range(low: float, high: float) -> str:
    """The limits of a group, of which the outermost may be withheld."""
    if np.isnan(low):
        return NOTHING if np.isnan(high) else f"≤{numbers.measure(high)}"
    return f">{numbers.measure(low)}" if np.isnan(high) else f"{numbers.measure(low)} to {numbers.measure(high)}"


def _group_ratio(r: Any) -> str:
    if r is None:
        return "not estimated"
    return "1 (reference)" if r.reference else ratio_interval(r.ratio, r.low, r.high)


def _of(text: str, unit: str | None) -> str:
    return f"{text} ({unit})" if unit else text
