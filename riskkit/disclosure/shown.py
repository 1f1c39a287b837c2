"""Estimates, curves and tests with as many digits as the events behind them carry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from riskkit.design.splines import rcs
from riskkit.disclosure import precision
from riskkit.disclosure.policy import significant
from riskkit.disclosure.small_cells import KEY, Small
from riskkit.study.coding import ExposureCoding

Columns = dict[str, np.ndarray]


def estimates(frame: pd.DataFrame, small: Small, variant: str = "") -> Columns:
    """What of the columns estimate se ratio low high p, corrected p and floating intervals may be shown.

    Estimates of groups, and of lines of two values, are first moved to where the rounded cells would have them.
    """
    behind = _behind(frame, small, variant)
    events = np.fmin(behind["fewest"], small.informing(frame, variant))
    given, error = (frame[name].to_numpy(dtype=float) for name in ("estimate", "se"))
    shift = behind["shift"].fillna(0.0).to_numpy()
    if "dilution_ratio" in frame:
        shift = shift / frame["dilution_ratio"].to_numpy(dtype=float)
    widened = error * np.sqrt(behind["spread"].fillna(1.0).to_numpy())
    se = precision.standard_errors(widened, events, small.policy)
    estimate = precision.estimates(given + shift, se, events)
    shown: Columns = {"estimate": estimate, "se": se}
    if "ratio" in frame:
        shown |= _interval(frame, estimate, se)
    shown |= _tests(frame, given, error, estimate, se, events)
    if "float_se" in frame:
        own = frame["float_se"].to_numpy(dtype=float) * np.sqrt(behind["own"].fillna(1.0).to_numpy())
        floating = precision.standard_errors(own, events, small.policy)
        wide = _critical(frame["float_low"], frame["float_high"], frame["float_se"]) * floating
        shown |= {"float_se": floating, "float_low": np.exp(estimate - wide), "float_high": np.exp(estimate + wide)}
    return shown


def _behind(frame: pd.DataFrame, small: Small, variant: str) -> pd.DataFrame:
    level = frame["level"] if "level" in frame else pd.Series("", index=frame.index)
    keys = frame[KEY].assign(variant=frame.get("variant", variant), level=level.where(frame["coding"] == "groups", ""))
    known = small.behind.drop_duplicates([*KEY, "variant", "level"])
    found = keys.merge(known, on=[*KEY, "variant", "level"], how="left").set_axis(frame.index)
    numbers = ["shift", "spread", "own", "fewest"]
    known = found[numbers].astype(float).replace([np.inf, -np.inf], np.nan)
    return known.where(known["fewest"] > 0)


def _critical(low: pd.Series, high: pd.Series, se: pd.Series) -> np.ndarray:
    """How many standard errors the half of an interval is, shape (rows,); NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (np.log(high.to_numpy(float)) - np.log(low.to_numpy(float))) / (2 * se.to_numpy(float))
    return np.asarray(np.round(np.where(np.isfinite(found), found, np.nan), 6))


def _interval(frame: pd.DataFrame, estimate: np.ndarray, se: np.ndarray) -> Columns:
    wide = _critical(frame["low"], frame["high"], frame["se"]) * se
    without = np.isnan(wide)
    return {
        "ratio": np.where(np.isnan(frame["ratio"]), np.nan, np.exp(estimate)),
        "low": np.where(without, frame["low"], np.exp(estimate - wide)),
        "high": np.where(without, frame["high"], np.exp(estimate + wide)),
    }


def _tests(
    frame: pd.DataFrame, given: np.ndarray, error: np.ndarray, estimate: np.ndarray, se: np.ndarray, events: np.ndarray
) -> Columns:
    """P values of what is shown where they were of what was given, and otherwise in steps of their own."""
    if "p" not in frame:
        return {}
    p = frame["p"].to_numpy(dtype=float)
    df = next((frame[name].to_numpy(float) for name in ("df", "df_resid") if name in frame), np.full(len(p), np.inf))
    with np.errstate(divide="ignore", invalid="ignore"):
        same = np.isclose(p, precision.two_sided(given / error, df), rtol=1e-6, atol=1e-300)
        own = precision.two_sided(estimate / se, df)
    shown = np.where(np.isnan(p), np.nan, np.where(same, own, precision.p_values(p, events)))
    corrected = {
        name: np.fmax(precision.p_values(frame[name], events), shown) for name in ("p_holm", "p_fdr") if name in frame
    }
    return {"p": shown, **{name: np.where(np.isnan(frame[name]), np.nan, each) for name, each in corrected.items()}}


def tested(frame: pd.DataFrame, small: Small) -> Columns:
    """What of the columns chi2 p, and corrected p, may be shown of tests."""
    events = small.informing(frame)
    chi2, p = precision.statistics(frame["chi2"], frame["df"], events)
    given = frame["p"].to_numpy(dtype=float)
    same = np.isclose(given, precision.chi_square.sf(frame["chi2"], frame["df"]), rtol=1e-6, atol=1e-300)
    p = np.where(np.isnan(given), np.nan, np.where(same, p, precision.p_values(given, events)))
    shown: Columns = {"chi2": chi2, "p": p}
    for name in ("p_holm", "p_fdr"):
        if name in frame:
            shown[name] = np.where(np.isnan(frame[name]), np.nan, np.fmax(precision.p_values(frame[name], events), p))
    if "statistic" in frame:
        shown["statistic"] = significant(frame["statistic"])
    return shown


def curves(frame: pd.DataFrame, small: Small, more: Sequence[str] = ()) -> Columns:
    """What of the columns estimate se ratio low high may be shown of points of splines.

    A curve moves as a whole, so that it stays smooth: at its knots it has values in steps as an estimate has them, and
    in between what the same spline has between these.
    """
    events = small.informing(frame)
    error = frame["se"].to_numpy(dtype=float)
    moved = frame["estimate"].to_numpy(dtype=float).copy()
    at = frame["x_measured" if "x_measured" in frame else "x"].to_numpy(dtype=float)
    for key, place in frame.groupby([*KEY, *more], sort=False).indices.items():
        knots = small.exposures[str(key[0])].knots
        moved[place] += curve_shift(at[place], moved[place], error[place], float(events[place].min()), knots)
    se = precision.standard_errors(error, events, small.policy)
    return {"estimate": moved, "se": se, **_interval(frame, moved, se)}


def curve_shift(
    x: np.ndarray, estimate: np.ndarray, se: np.ndarray, events: float, knots: Sequence[float]
) -> np.ndarray:
    """By how much each point of a curve moves when its values at the knots are shown in steps, shape of `x`."""
    reference = x[np.argmin(se)]
    places = _places(knots, float(reference))
    if len(places) == 0 or len(x) < len(places):
        return precision.estimates(estimate, se, np.full(len(x), events)) - estimate
    design = rcs(x, knots) - rcs(np.array([reference]), knots)
    at_places = rcs(places, knots) - rcs(np.array([reference]), knots)
    values = at_places @ np.linalg.lstsq(design, estimate - estimate[np.argmin(se)], rcond=None)[0]
    order = np.argsort(x)
    shown = precision.estimates(values, np.interp(places, x[order], se[order]), np.full(len(places), events))
    return np.asarray(design @ np.linalg.solve(at_places, shown - values))


def _places(knots: Sequence[float], reference: float) -> np.ndarray:
    """The knots but the one nearest to the reference, where every curve is 0."""
    all_knots = np.asarray(knots, dtype=float)
    return np.delete(all_knots, np.argmin(np.abs(all_knots - reference))) if len(all_knots) else all_knots


def drawn_splines(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What the splines that a frame is of are drawn from, as it is shown.

    Returns
    -------
    DataFrame
        KEY term other covariance, and of each term estimate se ratio low high p.
    """
    wanted = frame[KEY].drop_duplicates()
    pairs = small.drawn.merge(wanted, on=KEY)
    coefficients = small.coefficients.merge(wanted, on=KEY)
    events = dict(zip(wanted.itertuples(index=False, name=None), small.informing(wanted), strict=True))
    given = dict(iter(coefficients.groupby(KEY, sort=False)))
    rows = []
    for key, own in pairs.groupby(KEY, sort=False):
        names = list(own["term"].drop_duplicates())
        place = {name: i for i, name in enumerate(names)}
        row, column = (own[name].map(place).to_numpy() for name in ("term", "other"))
        covariance = np.zeros((len(names), len(names)))
        covariance[row, column] = covariance[column, row] = own["covariance"]
        known = given[key].set_index("term").loc[names]
        beta, spread = spline_coefficients(
            known["estimate"].to_numpy(dtype=float), covariance, events[key], small.exposures[str(key[0])], small
        )
        se = np.sqrt(np.diag(spread))
        wide = _critical(known["low"], known["high"], known["se"]) * se
        of_term = {
            "estimate": beta, "se": se, "ratio": np.exp(beta), "low": np.exp(beta - wide), "high": np.exp(beta + wide),
            "p": precision.two_sided(beta / se, np.inf),
        }  # fmt: skip
        rows.append(own.assign(covariance=spread[row, column], **{name: each[row] for name, each in of_term.items()}))
    return pd.concat(rows, ignore_index=True)


def spline_coefficients(
    coefficients: np.ndarray, covariance: np.ndarray, events: float, coding: ExposureCoding, small: Small
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and covariance of a spline whose curve is the one that is shown.

    At the knots the curve has values in steps, standard errors in steps, and correlations to one part in as many as
    there are events (of their Cholesky factor, so that they stay those of a covariance).
    """
    reference, knots = np.array([coding.reference]), coding.knots
    places = _places(knots, coding.reference)
    at = rcs(places, knots) - rcs(reference, knots)
    values, spread = at @ coefficients, at @ covariance @ at.T
    se = np.sqrt(np.diag(spread))
    shown = precision.estimates(values, se, np.full(len(se), events))
    wide = precision.standard_errors(se, np.full(len(se), events), small.policy)
    factor = np.linalg.cholesky(spread / np.outer(se, se))
    by = precision.step(1 / events)
    rounded = precision.to_step(factor, by)
    np.fill_diagonal(rounded, np.maximum(np.diag(rounded), by))
    rounded /= np.linalg.norm(rounded, axis=1, keepdims=True)
    back = np.linalg.inv(at)
    return back @ shown, back @ (rounded @ rounded.T * np.outer(wide, wide)) @ back.T
