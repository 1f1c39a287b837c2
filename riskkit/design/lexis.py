"""Follow-up cut into bands of age, time and calendar period: one row a person becomes one row a person and band."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit import formula as language
from riskkit.design.bases import Array, numbers
from riskkit.design.columns import check_columns, check_names
from riskkit.design.surv import NUMBERED, TIE, Surv, surv
from riskkit.errors import DataError, SpecError, did_you_mean

Rows = NDArray[np.int64]


def split(
    data: pd.DataFrame,
    at: Iterable[float] | Mapping[str, Iterable[float]],
    *,
    follow_up: str = "Surv(entry, exit, event)",
    scale: str = "time",
    scales: Mapping[str, str] | None = None,
    id: str | None = None,
) -> pd.DataFrame:
    """Split follow-up at cut points of one time scale or of several (a Lexis diagram).

    Parameters
    ----------
    data : DataFrame, shape (n, ...)
        One row per person, or per period of a person's follow-up.
    at : increasing numbers, or mapping of scale to increasing numbers
        Where to cut; numbers alone are on `scale`. All scales run in the unit of the follow-up times.
    follow_up : str
        Columns of the follow-up: "Surv(entry, exit, event)", or "Surv(time, event)" when everyone starts at 0.
    scale : str
        What the follow-up times are: "time", "age", "calendar", or a name of your own.
    scales : mapping of scale to column, optional
        Further scales, each with the column that holds its value when the row's follow-up starts: the age, or the
        year, at entry. Scales without cut points are carried along.
    id : str, optional
        Column of the person. Rows of one person that overlap are then an error.

    Returns
    -------
    DataFrame
        The columns of `data`, in its order, the pieces of a row one after the other under its index label. Entry and
        exit are those of the piece, `event` is 0 but in a row's last piece, a further scale's column holds its value
        at the start of the piece, and `<scale>_from` is the lower end of the band a piece lies in (-inf below the
        first cut point), for each scale with cut points. With "Surv(time, event)", the start is in a new column,
        `<time>_start`: fit with "Surv(time_start, time, event)".

    Raises
    ------
    SpecError
        If a scale is unknown, cut points do not increase, or a new column's name is taken.
    DataError
        If times are missing, not numbers or out of order, or rows of a person overlap.

    References
    ----------
    Lexis WHA (1875); Clayton D, Hills M (1993) Statistical Models in Epidemiology, chapter 6. R: Epi::splitMulti,
    survival::survSplit.
    """
    check_names(id=id)
    response = _columns(follow_up, "split")
    further = dict(scales or {})
    if scale in further:
        raise SpecError(f"split: '{scale}' is the scale of the follow-up times; leave it out of `scales`.")
    check_columns(data, [*response, *further.values(), *([id] if id else [])], "split")
    cuts = {
        name: _checked(name, values, scale, further)
        for name, values in (at if isinstance(at, Mapping) else {scale: at}).items()
    }
    *entry, exit_, event = response
    start_column = entry[0] if entry else f"{exit_}_start"
    for name in [*(f"{scale}_from" for scale in cuts), *([] if entry else [start_column])]:
        if name in data.columns:
            raise SpecError(f"split: the data have a column '{name}' already, which would be overwritten; rename it.")
    follow, _ = read_follow_up(data, follow_up, "split")
    begins = follow.entry if follow.entry is not None else np.zeros(len(data))
    ahead = {scale: np.zeros(len(data))}  # what to add to a follow-up time to have the other scale
    for name, column in further.items():
        ahead[name] = _present(data[column]) - begins
    if id:
        refuse_overlaps(data[id], begins, follow.exit, "split")
    row, start, stop = np.arange(len(data)), begins, follow.exit
    for name, points in cuts.items():
        row, start, stop = _pieces(row, start, stop, points, ahead[name][row])
    last = np.append(row[1:] != row[:-1], True) if row.size else np.empty(0, dtype=bool)
    out = data.take(row)
    # A piece that nothing was cut off keeps its entry and exit to the last bit, and a column its kind.
    out[exit_] = stop
    out[start_column] = start
    out[event] = pd.Series(follow.event[row] & last, index=out.index).astype(data[event].dtype)
    for name, column in further.items():
        out[column] = start + ahead[name][row]
    middle = (start + stop) / 2  # of a piece, lies within its band whatever rounding did to its ends
    for name, points in cuts.items():
        edges = np.concatenate([[-np.inf], points])
        out[f"{name}_from"] = edges[points.searchsorted(middle + ahead[name][row])]
    return out


def _columns(follow_up: str, what: str) -> tuple[str, ...]:
    parsed = language.parse(f"{follow_up} ~ 1")
    if not parsed.survival:
        raise SpecError(f"{what}: follow_up is Surv(entry, exit, event) or Surv(time, event); got {follow_up!r}.")
    return parsed.response


def _checked(name: str, values: Iterable[float], scale: str, further: Mapping[str, str]) -> Array:
    if name != scale and name not in further:
        hint = did_you_mean(name, [scale, *further])
        raise SpecError(
            f"split: no scale '{name}'.{hint} Name the column that holds it at entry, as in "
            f'scales={{"{name}": "{name}_at_entry"}}, or scale="{name}" if follow-up times are on it.'
        )
    points = np.asarray(list(values), dtype=float)
    if not points.size or not np.isfinite(points).all() or (np.diff(points) <= 0).any():
        raise SpecError(f"split: cut points of '{name}' must be finite, increasing numbers; got {points.tolist()}.")
    return points


def read_follow_up(data: pd.DataFrame, follow_up: str, what: str) -> tuple[Surv, tuple[str, ...]]:
    """Read the follow-up that "Surv(...)" names, and its columns; `what` starts the message of an error.

    Raises
    ------
    SpecError, DataError
        If it is no follow-up, or a column is missing, or missing for somebody, or out of order.
    """
    columns = _columns(follow_up, what)
    check_columns(data, columns, what)
    for name in columns:
        if data[name].isna().any():
            raise DataError(f"{what}: '{name}' is missing in {int(data[name].isna().sum())} rows; leave those out.")
    *entry, exit_, event = columns
    return surv(data[entry[0]] if entry else None, data[exit_], data[event]), columns


def _present(values: pd.Series) -> Array:
    out = numbers(values, NUMBERED)
    if np.isnan(out).any():
        raise DataError(f"split: '{values.name}' is missing in {int(np.isnan(out).sum())} rows; leave those out.")
    return out


def refuse_overlaps(person: pd.Series, start: Array, stop: Array, what: str) -> None:
    """Refuse rows of one person that overlap in time.

    Raises
    ------
    DataError
        Naming the first.
    """
    code = pd.factorize(person, use_na_sentinel=False)[0]
    order = np.lexsort((start, code))
    same = code[order][1:] == code[order][:-1]
    slack = TIE * np.abs(stop[order][:-1])
    over = same & (start[order][1:] < stop[order][:-1] - slack)
    if over.any():
        first = int(np.flatnonzero(over)[0])
        raise DataError(
            f"{what}: {int(over.sum())} rows start before the row before them of the same '{person.name}' has ended, "
            f"first '{person.iloc[order[first]]}' at {start[order][first + 1]:g} < {stop[order][first]:g}. Nobody is "
            "at risk twice at a time; correct the periods."
        )


def _pieces(row: Rows, start: Array, stop: Array, points: Array, ahead: Array) -> tuple[Rows, Array, Array]:
    """Cut (start, stop] at points of a scale that is `ahead` of the follow-up time; cuts at an end cut nothing."""
    slack = TIE * np.maximum(np.abs(stop), np.abs(stop + ahead))
    first = points.searchsorted(start + slack + ahead, "right")
    count = np.maximum(points.searchsorted(stop - slack + ahead, "left") - first, 0)
    origin = np.repeat(np.arange(row.size), count + 1)
    piece = np.arange(origin.size) - np.repeat(np.cumsum(count + 1) - (count + 1), count + 1)
    starts, stops = start[origin], stop[origin]
    later, earlier = piece > 0, piece < count[origin]
    at_cut = points[np.minimum(first[origin] + piece, points.size - 1)] - ahead[origin]
    stops[earlier] = at_cut[earlier]
    starts[later] = stops[np.flatnonzero(later) - 1]
    return row[origin], starts, stops
