"""Covariance of a study's log ratios, which share one reference group, from published counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize

from riskkit.design.bases import Array
from riskkit.errors import FitError

StudyDesign = Literal["case-control", "incidence-rate", "cumulative-incidence"]
DESIGNS: dict[str, StudyDesign] = {
    "case-control": "case-control",
    "incidence-rate": "incidence-rate",
    "cumulative-incidence": "cumulative-incidence",
    "cc": "case-control",
    "ir": "incidence-rate",
    "ci": "cumulative-incidence",
}
STEPS = 200


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts that would have given a study's adjusted ratios, the reference group first.

    Attributes
    ----------
    cases : array, shape (n + 1,)
    others : array, shape (n + 1,)
        People at each level (with the cases), or person-time of a study of rates.
    design : {"case-control", "incidence-rate", "cumulative-incidence"}
    """

    cases: Array
    others: Array
    design: StudyDesign

    @property
    def log_ratios(self) -> Array:
        """Crude log odds, rate or risk ratios of these counts, shape (n,)."""
        below = self.others - self.cases if self.design == "case-control" else self.others
        logs = np.log(self.cases / below)
        return np.asarray(logs[1:] - logs[0])

    @property
    def parts(self) -> Array:
        """Each group's part of the variance of a log ratio, shape (n + 1,)."""
        if self.design == "case-control":
            return np.asarray(1 / self.cases + 1 / (self.others - self.cases))
        if self.design == "cumulative-incidence":
            return np.asarray(1 / self.cases - 1 / self.others)
        return np.asarray(1 / self.cases)


def covariance(log_ratio: Array, variance: Array, counts: Counts, method: str) -> Array:
    """Covariance of a study's log ratios, shape (n, n), with the published variances on its diagonal.

    Parameters
    ----------
    log_ratio, variance : array, shape (n,)
        Of the levels that are not the reference.
    counts : Counts
        As published, the reference first.
    method : {"greenland-longnecker", "hamling"}

    Raises
    ------
    FitError
        If no counts give these ratios, or the covariance is not positive definite.
    """
    if method == "greenland-longnecker":
        return greenland_longnecker(log_ratio, variance, counts)
    found = hamling(log_ratio, variance, counts)
    out = np.full((log_ratio.size, log_ratio.size), found.parts[0])
    np.fill_diagonal(out, variance)
    return out


def greenland_longnecker(log_ratio: Array, variance: Array, counts: Counts) -> Array:
    """Covariance by Greenland and Longnecker: correlations of the pseudo-counts, published variances; shape (n, n)."""
    parts = pseudo_counts(log_ratio, counts).parts
    crude = parts[1:] + parts[0]
    out = parts[0] * np.sqrt(np.outer(variance, variance) / np.outer(crude, crude))
    np.fill_diagonal(out, variance)
    return out


def pseudo_counts(log_ratio: Array, counts: Counts) -> Counts:
    """Cases by level that give the adjusted ratios with the study's own totals.

    The total of cases and the people (or person-time) at each level stay as published.

    Parameters
    ----------
    log_ratio : array, shape (n,)
        Adjusted log ratios of the levels that are not the reference.
    counts : Counts
        As published, the reference first.

    Raises
    ------
    FitError
        If Newton's steps do not find them.

    References
    ----------
    Greenland S, Longnecker MP (1992) Am J Epidemiol 135:1301; Orsini N, Bellocco R, Greenland S (2006) Stata J 6:40.
    """
    total = counts.cases.sum()
    cases = counts.cases.copy()
    top = counts.others if counts.design != "incidence-rate" else np.full(cases.size, total)
    for _ in range(STEPS):
        now = Counts(cases, counts.others, counts.design)
        gap = log_ratio - now.log_ratios
        slope = 1 / cases + (1 / (counts.others - cases) if counts.design == "case-control" else 0.0)
        step = np.linalg.solve(np.diag(slope[1:]) + slope[0], gap)
        moved = np.concatenate([[-step.sum()], step])
        while ((cases + moved <= 0) | (cases + moved >= top)).any():
            moved = moved / 2
            if np.abs(moved).max() < 1e-12 * total:
                raise FitError("no counts of cases within the study's totals give these ratios.")
        cases = cases + moved
        if np.abs(gap).max() < 1e-13 and np.abs(moved).max() < 1e-9 * total:
            return Counts(cases, counts.others, counts.design)
    raise FitError(f"the pseudo-counts of Greenland and Longnecker did not converge in {STEPS} steps.")


def hamling(log_ratio: Array, variance: Array, counts: Counts) -> Counts:
    """Counts that give the adjusted ratios and their variances exactly.

    They keep the share of people (non-cases of a case-control study, person-time of rates) in the reference group, and
    the number of them for each case.

    Parameters
    ----------
    log_ratio, variance : array, shape (n,)
    counts : Counts
        As published, the reference first.

    Raises
    ------
    FitError
        If there are none: limits narrower than so many cases can give, for instance.

    References
    ----------
    Hamling J, Lee P, Weitkunat R, Ambuhl M (2008) Stat Med 27:954.
    """
    published = counts.others - counts.cases if counts.design == "case-control" else counts.others
    share, each = published[0] / published.sum(), published.sum() / counts.cases.sum()

    def solve(logs: Array) -> tuple[Array, Array]:
        """Cases and others of all groups given the two of the reference, as logarithms; negative where none are."""
        with np.errstate(all="ignore"):  # the search may look where no counts can be
            return unknowns(*np.exp(logs))

    def unknowns(a0: float, b0: float) -> tuple[Array, Array]:
        odds = np.exp(log_ratio) * a0 / b0
        if counts.design == "case-control":
            top, left = 1 + odds, variance - 1 / a0 - 1 / b0
        elif counts.design == "cumulative-incidence":
            top, left = 1 - odds, variance - 1 / a0 + 1 / b0
        else:
            top, left = np.ones_like(odds), variance - 1 / a0
        a = np.where((top > 0) & (left > 0), top / left, -1.0)
        return np.concatenate([[a0], a]), np.concatenate([[b0], a / odds])

    def off(logs: Array) -> Array:
        a, b = solve(logs)
        if not (a > 0).all():
            return np.full(2, 1e3 + np.abs(logs).sum())
        return np.array([np.log(b[0] / b.sum() / share), np.log(b.sum() / a.sum() / each)])

    start = np.log([counts.cases[0], published[0]])
    smallest = np.log(1 / variance.min())  # below that many cases in the reference no variance could be so small
    for shift in (0.0, 0.3, 0.7, 1.2, 2.0, 3.0):
        first = np.array([max(start[0], smallest) + shift, start[1] + max(0.0, smallest - start[0]) + shift])
        found = optimize.root(off, first, method="hybr", options={"xtol": 1e-14})
        a, b = solve(found.x)
        if np.abs(off(found.x)).max() < 1e-9 and (a > 0).all():
            others = a + b if counts.design == "case-control" else b
            return Counts(a, others, counts.design)
    raise FitError(
        "no counts give these ratios and limits (Hamling's method); check them against the source, or write "
        'covariance="greenland-longnecker".'
    )
