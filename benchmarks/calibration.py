"""One simulated cohort with a known curve, and whether each tool tells the truth about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from riskkit.design.splines import rcs
from riskkit.errors import FitError
from riskkit.fit.cox import cox
from riskkit.fit.fit import Fit
from riskkit.infer.band import root
from riskkit.infer.bootstrap import bootstrap
from riskkit.infer.curve import curve
from riskkit.infer.linear import coded
from riskkit.infer.nadir import nadir
from riskkit.infer.select import select
from riskkit.infer.twolines import two_lines
from riskkit.infer.ushape import ushape

Array = NDArray[np.float64]
EXPOSURE = stats.lognorm(s=0.3, scale=150)  # a biomarker with a tail, median 150
SD = float(EXPOSURE.std())
MEDIAN = np.array([150.0])
KNOTS = EXPOSURE.ppf(np.array([0.05, 0.275, 0.5, 0.725, 0.95]))
LIMITS = (float(EXPOSURE.ppf(0.01)), float(EXPOSURE.ppf(0.99)))
ENDS = (float(EXPOSURE.ppf(0.05)), float(EXPOSURE.ppf(0.95)))
POINTS = EXPOSURE.ppf(np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95]))
GRID = np.linspace(*LIMITS, 101)
EVENTS = 0.2  # share of people with an event


@dataclass(frozen=True)
class Truth:
    """A log hazard ratio as a function of x, and the x where it is lowest (None: at no one place)."""

    name: str
    curve: Callable[[Array], Array]
    lowest: float | None = None


def standardised(shape: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A shape of z = (x - 150) / SD as a function of x."""
    return lambda x: shape((x - 150) / SD)


def u_shaped(name: str, shape: Callable[[Array], Array]) -> Truth:
    """The spline through a shape of z at the population's five knots: a truth that the model can represent."""
    coef = np.linalg.solve(np.column_stack([np.ones(KNOTS.size), rcs(KNOTS, KNOTS)]), standardised(shape)(KNOTS))[1:]

    def spline(values: Array) -> Array:
        return rcs(values, KNOTS) @ coef

    fine = np.linspace(*LIMITS, 20_001)
    return Truth(name, spline, float(fine[spline(fine).argmin()]))


TRUTHS = {
    truth.name: truth
    for truth in (
        Truth("flat", standardised(lambda z: 0 * z)),
        Truth("linear", standardised(lambda z: 0.25 * z), lowest=LIMITS[0]),
        Truth("saturating", standardised(lambda z: 0.5 * np.exp(-(z + 1.6) / 0.8)), lowest=LIMITS[1]),
        Truth("steep fall", standardised(lambda z: 1.2 * np.exp(-(z + 1.6) / 0.5)), lowest=LIMITS[1]),
        Truth("J: flat, then rising", standardised(lambda z: 0.12 * np.logaddexp(0, z / 0.3))),
        u_shaped("shallow U", lambda z: 0.06 * z**2),
        u_shaped("deep U", lambda z: 0.2 * z**2),
        u_shaped("off-centre U", lambda z: 0.15 * (z - 1) ** 2),
        Truth("parabola, no spline", standardised(lambda z: 0.2 * z**2), lowest=150.0),
        u_shaped("flat-bottomed U", lambda z: 0.6 * np.maximum(np.abs(z) - 0.8, 0) ** 2),
        u_shaped("lopsided U", lambda z: 0.3 * np.maximum(z - 0.5, 0) ** 2 - 0.03 * z),
    )
}


def cohort(truth: Truth, n: int, random: np.random.Generator) -> pd.DataFrame:
    """Draw n people: exponential times, censored when a fifth have had the event."""
    x = EXPOSURE.rvs(n, random_state=random)
    time = random.exponential(1, n) / np.exp(truth.curve(x))
    end = np.quantile(time, EVENTS)
    return pd.DataFrame({"x": x, "time": np.minimum(time, end), "event": (time <= end).astype(int)})


def judge(truth: Truth, n: int, seed: list[int], knots: int = 5) -> dict[str, float]:
    """Whether bands, nadir, slopes and two lines are right on one cohort; 1 for yes, and p values."""
    fit = cox(f"Surv(time, event) ~ rcs(x, {knots})", cohort(truth, n, np.random.default_rng(seed)))
    true = truth.curve(POINTS) - truth.curve(MEDIAN)
    pointwise = curve(fit, "x", reference=150.0, grid=POINTS)
    whole = curve(fit, "x", reference=150.0, grid=GRID, band="simultaneous")
    true_whole = truth.curve(GRID) - truth.curve(MEDIAN)
    out = {
        "pointwise": float(_covers(pointwise, true).mean()),
        "simultaneous": float(_covers(whole, true_whole).all()),
        "slopes": ushape(fit, "x", limits=ENDS).slopes_p,
        "two_lines": two_lines_p(fit),
    }
    if truth.lowest is not None:
        found = nadir(fit, "x", limits=LIMITS)
        out["nadir"] = float(found.low <= truth.lowest <= found.high)
        out["nadir_width"] = (found.high - found.low) / (LIMITS[1] - LIMITS[0])
        out["nadir_open"] = float(all(found.open_ends))
        low, high = _percentiles(simulated_nadirs(fit, seed))
        out["simulation"] = float(low <= truth.lowest <= high)
        out["simulation_width"] = (high - low) / (LIMITS[1] - LIMITS[0])
    return out


def judge_bootstrap(truth: Truth, n: int, seed: list[int]) -> dict[str, float]:
    """Whether the percentile interval of bootstrapped nadirs holds the truth, beside the interval of `nadir`."""
    assert truth.lowest is not None
    fit = cox("Surv(time, event) ~ rcs(x, 5)", cohort(truth, n, np.random.default_rng(seed)))
    sample = bootstrap(fit, 200, seed=seed[-1], workers=1, progress=False)
    low, high = _percentiles(sample.nadirs("x", limits=LIMITS))
    found = nadir(fit, "x", limits=LIMITS)
    return {
        "bootstrap": float(low <= truth.lowest <= high),
        "bootstrap_width": (high - low) / (LIMITS[1] - LIMITS[0]),
        "nadir": float(found.low <= truth.lowest <= found.high),
    }


def judge_knots(n: int, seed: list[int]) -> dict[str, float]:
    """P values of the association with knots chosen by AIC, when there is none."""
    fit = cox("Surv(time, event) ~ rcs(x, 5)", cohort(TRUTHS["flat"], n, np.random.default_rng(seed)))
    chosen = select(fit, "x")
    return {"reported": chosen.p_reported, "adjusted": chosen.p_adjusted}


def two_lines_p(fit: Fit) -> float:
    """P value of the two-lines test; 1 where a line cannot be fitted (no event on one side), for no U is found then."""
    try:
        return two_lines(fit, "x").p
    except FitError:
        return 1.0


def simulated_nadirs(fit: Fit, seed: list[int], draws: int = 2000) -> Array:
    """Lowest points of curves drawn from the estimates' normal distribution."""
    normal = np.random.default_rng([*seed, 1]).standard_normal((draws, fit.coef.size))
    coef = fit.coef + normal @ root(fit.vcov).T
    return np.asarray(GRID[(coef @ coded(fit, {"x": GRID}).T).argmin(axis=1)])


def _covers(frame: pd.DataFrame, true: Array) -> NDArray[np.bool_]:
    inside = (np.log(frame["low"]) - 1e-12 <= true) & (true <= np.log(frame["high"]) + 1e-12)
    return inside.to_numpy()


def _percentiles(nadirs: Array) -> tuple[float, float]:
    low, high = np.quantile(nadirs, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)
