"""Worm plots: do reference ranges fit at every age? Detrended quantile plots of scores, within bands of age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import special

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.hypothesis import t_critical
from riskkit.fit.lms import LmsFit, z_scores
from riskkit.infer.centiles import Centiles


@dataclass(frozen=True, eq=False)
class Worm:
    """The numbers of worm plots.

    Attributes
    ----------
    points : DataFrame
        [by] low high (ends of the band) normal (quantile expected of a person's rank) deviation (of the person's
        score from it) band_low band_high (pointwise limits of a deviation that is chance).
    bands : DataFrame
        [by] low high n level slope curvature cubic outside: a cubic through the points (b0 to b3), and the share of
        points outside their limits. Van Buuren and Fredriks take |b0| > 0.1 for a misfit of the median, |b1| > 0.1 of
        the variance, |b2| > 0.05 of the skewness, |b3| > 0.03 of the kurtosis.
    """

    points: pd.DataFrame
    bands: pd.DataFrame


def worm(ranges: Centiles, bands: int | Sequence[float] = 4, level: float = 0.95) -> Worm:
    """Compare the scores of the people that LMS curves were learnt from with a normal distribution.

    Parameters
    ----------
    ranges : Centiles
        Of method "lms".
    bands : int, or increasing numbers
        Number of age bands with equally many people, or their ends (low < age <= high, the first with its low end).
    level : float
        Of the limits.

    Returns
    -------
    Worm
        By band of age: scores, their deviations from normal ones and limits, and the statistics of the fit.

    Raises
    ------
    SpecError
        If the model is of quantiles, or bands make no sense or have fewer than 10 people.

    References
    ----------
    van Buuren S, Fredriks M (2001) Stat Med 20:1259. R: gamlss::wp.
    """
    critical = float(t_critical(np.array(np.inf), level))
    points, rows = [], []
    for name, group in ranges.groups.items():
        if not isinstance(group.fit, LmsFit):
            raise SpecError('a model of quantiles has no scores; use method="lms".')
        score = z_scores(group.fit.parameters(group.x), group.y)
        ends = _ends(group.x, bands)
        inside = np.clip(ends.searchsorted(group.x, "left") - 1, 0, None)
        for j, (low, high) in enumerate(pairwise(ends)):
            chosen = (inside == j) & (group.x <= high) & (group.x >= low)
            if chosen.sum() < 10:
                raise SpecError(
                    f"worm: {int(chosen.sum())} people from {low:g} to {high:g}; a band needs 10. Use fewer bands."
                )
            frame = _points(score[chosen], group.weights[chosen], critical)
            cubic = np.polynomial.polynomial.polyfit(frame["normal"], frame["deviation"], 3)
            outside = (frame["deviation"] < frame["band_low"]) | (frame["deviation"] > frame["band_high"])
            head = {ranges.by: name} if ranges.by else {}
            head |= {"low": float(low), "high": float(high)}
            points.append(frame.assign(**head)[[*head, *frame.columns]])
            coefficients = dict(zip(("level", "slope", "curvature", "cubic"), cubic, strict=True))
            rows.append(head | {"n": int(chosen.sum())} | coefficients | {"outside": float(outside.mean())})
    return Worm(pd.concat(points, ignore_index=True), pd.DataFrame(rows))


def _ends(x: Array, bands: int | Sequence[float]) -> Array:
    if isinstance(bands, int):
        if bands < 1:
            raise SpecError(f"worm: ask for at least one band; got {bands}.")
        return np.unique(np.quantile(x, np.linspace(0, 1, bands + 1)))
    ends = np.asarray(list(bands), dtype=float)
    if ends.size < 2 or (np.diff(ends) <= 0).any():
        raise SpecError(f"worm: bands are a number of them, or their increasing ends; got {ends.tolist()}.")
    return ends


def _points(score: Array, weights: Array, critical: float) -> pd.DataFrame:
    order = np.argsort(score, kind="stable")
    z, w = score[order], weights[order]
    share = (np.cumsum(w) - w / 2) / w.sum()
    normal = special.ndtri(share)
    people = w.sum() ** 2 / (w**2).sum()  # as many as they count for, weights being unequal
    half = critical * np.sqrt(share * (1 - share) / people) / (np.exp(-(normal**2) / 2) / np.sqrt(2 * np.pi))
    return pd.DataFrame({"normal": normal, "deviation": z - normal, "band_low": -half, "band_high": half})
