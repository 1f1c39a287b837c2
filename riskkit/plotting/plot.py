"""A figure of a report on axes of one's own: `rk.plot` knows what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from riskkit.errors import SpecError, did_you_mean
from riskkit.figures.forest import ForestRow, estimate_on
from riskkit.figures.shape import shape_on
from riskkit.figures.spline import Reference, curve_on, frame_curves
from riskkit.figures.theme import MUTED, ratio_axis, ratio_limits, styled
from riskkit.fit.fit import Fit
from riskkit.infer.curve import curve
from riskkit.infer.floating import floating
from riskkit.infer.linear import summary
from riskkit.numbers import measure, ratio_interval
from riskkit.questions.incidence.figure import LINE, incidence_on
from riskkit.questions.over_time.figure import over_time_on

NO_HISTOGRAM = pd.DataFrame({"left": [], "right": [], "n": []}, dtype=float)
NEEDED = {  # kinds of frames, by the columns that only they have; the first that fits is taken
    "curve": ("x", "ratio", "low", "high", "reference"),
    "groups": ("level", "ratio", "low", "high", "events"),
    "over time": ("time", "ratio", "low", "high"),
    "incidence": ("time", "estimate", "low", "high", "n_at_risk"),
    "forest": ("term", "ratio", "low", "high"),
}
KINDS = (
    "of rk.curve, rk.floating, rk.incidence, rk.schoenfeld_smooth or fit.tidy(), or a fit with the name of a variable"
)


@styled()
def plot(
    result: Fit | pd.DataFrame,
    variable: str | None = None,
    *,
    ax: Axes | None = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    labels: Mapping[str, str] | None = None,
    constant: float | None = None,
    level: float = 0.95,
    **options: Any,
) -> Axes:
    """Draw a result as reports do, on matplotlib axes.

    Parameters
    ----------
    result : Fit or DataFrame
        - a fit and a variable: the curve of a number (`riskkit.curve`), the groups of a factor with floating intervals
          (`riskkit.floating`);
        - a fit alone, or `fit.tidy()`: a forest of its coefficients, without the intercept;
        - the frame of `riskkit.curve`, `riskkit.floating`, `riskkit.incidence` (of several groups, concatenated with a
          column `level`) or `riskkit.schoenfeld_smooth`.
    variable : str, optional
        Of a fit, the variable to draw.
    ax : Axes, optional
        Where to draw; a new figure's unless given. Its other artists stay.
    xlabel, ylabel : str, optional
    labels : mapping of str to str, optional
        What a reader calls a term of a forest or a level of groups.
    constant : float, optional
        Of a ratio over time, the ratio that the model takes to hold throughout, drawn dashed.
    level : float
        Confidence level, where a fit is given; that of a frame is what it was made with.
    options
        Further arguments of `riskkit.curve` or `riskkit.floating`, where a fit and a variable are given.

    Returns
    -------
    Axes

    Raises
    ------
    SpecError
        If the result is of no kind that can be drawn, or an argument does not go with it.

    Notes
    -----
    Axes of ratios are logarithmic. Intervals that would stretch one too far are cut off, in a forest with an arrow. Of
    a linear model the differences are drawn in a forest; its curves and groups are refused.
    """
    if isinstance(result, Fit):
        frame, kind, own = _of_fit(result, variable, level, options)
    else:
        _refuse_options(variable, options)
        kind = _kind(result)
        frame, own = result, {"y": str(result.attrs.get("scale", {}).get("ratio", "ratio"))}
    if constant is not None and kind != "over time":
        raise SpecError(f"plot: constant belongs to a ratio over time; this is of the kind '{kind}'.")
    ax = _new() if ax is None else ax
    drawn = DRAWN[kind](ax, frame, own, dict(labels or {}), constant)
    ax.set_xlabel(drawn["x"] if xlabel is None else xlabel)
    ax.set_ylabel(drawn["y"] if ylabel is None else ylabel)
    return ax


def _of_fit(
    fit: Fit, variable: str | None, level: float, options: Mapping[str, Any]
) -> tuple[pd.DataFrame, str, dict[str, str]]:
    name = fit.ratio_name if fit.model != "linear" else "difference"
    if variable is None:
        _refuse_options(None, options)
        tidy = fit.tidy(level)
        return (
            tidy[tidy["term"] != "Intercept"],
            "forest",
            {"y": name, "linear": "yes" if fit.model == "linear" else ""},
        )
    if fit.model == "linear":
        raise SpecError("plot: curves and groups are drawn as ratios; draw the differences of rk.curve yourself.")
    own = {"x": variable, "y": name}
    if summary(fit, variable).levels:
        return floating(fit, variable, level, **options), "groups", own
    return curve(fit, variable, level=level, **options), "curve", own


def _refuse_options(variable: str | None, options: Mapping[str, Any]) -> None:
    if variable is not None:
        raise SpecError(f"plot: {variable!r} names a variable of a fit; a frame is drawn as it is.")
    if options:
        wrong = next(iter(options))
        known = ("ax", "xlabel", "ylabel", "labels", "constant", "level")
        raise SpecError(f"plot: there is no argument '{wrong}' here.{did_you_mean(wrong, known)}")


def _kind(result: object) -> str:
    if not isinstance(result, pd.DataFrame):
        raise SpecError(f"plot: a {type(result).__name__} is not drawn; give a frame {KINDS}.")
    for kind, needed in NEEDED.items():
        if set(needed) <= set(result.columns):
            if result.empty:
                raise SpecError("plot: the frame has no rows.")
            return kind
    raise SpecError(f"plot: a frame of {', '.join(map(str, result.columns))} is of no known kind; give one {KINDS}.")


def _new() -> Axes:
    from matplotlib import pyplot  # which notebooks show; only who has no axes waits for it

    return pyplot.subplots(figsize=(5.2, 3.4), layout="constrained")[1]


def _curve(ax: Axes, frame: pd.DataFrame, own: Mapping[str, str], labels: dict[str, str], _: Any) -> dict[str, str]:
    rows = frame.sort_values("x")
    at = float(rows["reference"].iloc[0])
    limits = ratio_limits(rows["ratio"], rows["low"], rows["high"])
    frame_curves(ax, NO_HISTOGRAM, limits, (rows["x"].min(), rows["x"].max()))
    curve_on(ax, rows, Reference(at, f"Reference {measure(at)}"), told=True)
    return {"x": own.get("x", ""), "y": own["y"].capitalize()}


def _groups(ax: Axes, frame: pd.DataFrame, own: Mapping[str, str], labels: dict[str, str], _: Any) -> dict[str, str]:
    rows = frame.assign(
        x=np.arange(1.0, len(frame) + 1), float_se=frame["se"], float_low=frame["low"], float_high=frame["high"],
        reference=False,
    )  # fmt: skip
    shape_on(ax, rows)
    ax.set_xticks(rows["x"], [labels.get(str(level), str(level)) for level in rows["level"]])
    return {"x": own.get("x", ""), "y": own["y"].capitalize()}


def _over_time(
    ax: Axes, frame: pd.DataFrame, own: Mapping[str, str], labels: dict[str, str], constant: Any
) -> dict[str, str]:
    constants = [] if constant is None else [constant]
    limits = ratio_limits([*frame["ratio"], *constants], frame["low"], frame["high"])
    ax.set_xlim(frame["time"].min(), frame["time"].max())
    ratio_axis(ax, "y", *limits)
    over_time_on(ax, frame, constant)
    return {"x": "Time", "y": own["y"].capitalize()}


def _incidence(ax: Axes, frame: pd.DataFrame, own: Mapping[str, str], labels: dict[str, str], _: Any) -> dict[str, str]:
    rows = frame if "level" in frame else frame.assign(level="All")
    rows = rows.assign(level=[labels.get(str(name), str(name)) for name in rows["level"]])
    groups = list(dict.fromkeys(rows["level"]))
    if rows["time"].nunique() * len(groups) != len(rows):
        raise SpecError("plot: incidences of several groups need the same times; give at= to rk.incidence.")
    incidence_on(ax, rows, groups)
    ax.xaxis.labelpad = 18 + 72 * LINE * len(groups)  # under the numbers at risk
    return {"x": "Time", "y": "Cumulative incidence"}


def _forest(ax: Axes, frame: pd.DataFrame, own: Mapping[str, str], labels: dict[str, str], _: Any) -> dict[str, str]:
    """Estimates from the top down, with their numbers at the right."""
    linear = bool(own.get("linear"))
    shown = ("estimate", "difference_low", "difference_high") if linear else ("ratio", "low", "high")
    values, lows, highs = (frame[name].to_numpy(float) for name in shown)
    at = np.arange(len(frame), dtype=float)
    if linear:
        span = (min(lows.min(), 0.0), max(highs.max(), 0.0))
        limits = (span[0] - 0.04 * np.ptp(span), span[1] + 0.04 * np.ptp(span))
        ax.set_xlim(*limits)
    else:
        limits = ratio_limits(values, lows, highs)
        ratio_axis(ax, "x", *limits)
    ax.axvline(0 if linear else 1, color=MUTED, linewidth=0.7, zorder=1, label="no difference")
    information = 1 / frame["se"].to_numpy(float) ** 2
    largest = np.nanmax(np.where(np.isfinite(information), information, np.nan))
    for y, value, low, high, weight in zip(at, values, lows, highs, information, strict=True):
        estimate_on(ax, ForestRow("", value, low, high, weight), float(y), largest, limits)
        text = (
            f"{value:.3g} ({low:.3g} to {high:.3g})".replace("-", "−") if linear else ratio_interval(value, low, high)
        )
        ax.annotate(
            text, (1, y), (6, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points", va="center", size=7,
            annotation_clip=False,
        )  # fmt: skip
    ax.set_yticks(at, [labels.get(str(term), str(term)) for term in frame["term"]])
    ax.set_ylim(len(frame) - 0.4, -0.6)
    return {"x": own["y"].capitalize(), "y": ""}


DRAWN: dict[str, Callable[..., dict[str, str]]] = {
    "curve": _curve,
    "groups": _groups,
    "over time": _over_time,
    "incidence": _incidence,
    "forest": _forest,
}
