"""Why a model cannot be fitted, in words: which column, in which direction, and what to do."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from riskkit.design.bases import Array
from riskkit.errors import FitError

CONSTANT = 1e-12  # share of a column's sum of squares left within risk sets
COLLINEAR = 1e-10  # share of a column's information left after the columns before it
MOVING = 0.1  # change of a linear predictor in one step that is no longer convergence
LISTED = 8  # columns that a message names
INFINITE = 100.0  # Newton steps ahead at which a monotone likelihood still does not fall
STILL, LEVERAGE = 1e-9, 1e-3  # how far nine rows in ten move, over the furthest: rounding; a few rows drown the others
FURTHEST = 300.0  # difference of linear predictors beyond which there is nothing more to see


def check_information(
    information: Array,
    gram: Array,
    names: tuple[str, ...],
    among: str = "everyone at risk at each event (within strata)",
) -> None:
    """Refuse columns that never vary among the people compared, or that others add up to.

    Parameters
    ----------
    information, gram : array, shape (p, p)
        Information at zero, and the same without the subtraction of the means of those compared.
    names : tuple of str
    among : str
        Who is compared, in words.

    Raises
    ------
    FitError
        Naming the columns.
    """
    own = np.diag(information)
    constant = [name for name, left, whole in zip(names, own, np.diag(gram), strict=True) if left <= CONSTANT * whole]
    if constant:
        raise FitError(
            f"{_columns(constant)} the same value for {among}, so nothing can be estimated. Take it out of the formula."
        )
    scale = np.sqrt(own)
    correlation = information / np.outer(scale, scale)
    factor, failed = linalg.lapack.dpotrf(correlation, lower=1)  # stops at the first pivot that is not positive
    factored = failed - 1 if failed else len(names)
    j = int(np.argmax([*(np.diag(factor)[:factored] ** 2 < COLLINEAR), True]))  # squared: what the columns before leave
    if j < len(names):
        projection, *_ = np.linalg.lstsq(correlation[:j, :j], correlation[:j, j], rcond=None)
        others = [repr(names[i]) for i in np.flatnonzero(np.abs(projection) > 1e-6)]
        raise FitError(
            f"column '{names[j]}' is a linear combination of {_listed(others)} for {among}; "
            "take one of them out of the formula."
        )


def check_separation(loglik: float, ahead: float, step: Array, x: Array, names: tuple[str, ...]) -> None:
    """Refuse a likelihood that rises for ever: some covariate pattern tells who falls ill without exception.

    Called when Newton's steps no longer shrink although they gain next to nothing, or end all of a sudden: the marks of
    a maximum at infinity.

    Parameters
    ----------
    loglik, ahead : float
        Log-likelihood here, and `INFINITE` steps ahead, or as many as part linear predictors by `FURTHEST`.
    step : array, shape (p,)
    x : array, shape (n, p)
    names : tuple of str

    Raises
    ------
    FitError
        Naming the columns whose coefficients run away, and the direction.
    """
    moves = step * np.ptp(x, axis=0)
    if not ahead >= loglik - 1e-9 * abs(loglik) or np.abs(moves).max() < MOVING:
        return
    leading = np.flatnonzero(np.abs(moves) > 0.1 * np.abs(moves).max())
    told = _listed([f"'{names[j]}' towards {'plus' if moves[j] > 0 else 'minus'} infinity" for j in leading], "; ")
    raise FitError(
        f"separation: the likelihood rises for ever as coefficients run away ({told}), because every event falls on "
        "one side of them. Merge sparse categories, choose a reference level with events, leave the term out, or fit "
        'with penalty="firth".'
    )


def check_learnt(information: Array, names: tuple[str, ...]) -> None:
    """Refuse coefficients on which there is no information, shape (p, p), where Newton's method ended (FitError)."""
    lost = [name for name, left in zip(names, np.diag(information), strict=True) if not left > 0]
    if lost:
        raise FitError(
            f"separation: {', '.join(map(repr, lost))} ran away until the data told nothing more of it. Merge sparse "
            'categories, leave the term out, or fit with penalty="firth".'
        )


def _columns(names: list[str]) -> str:
    quoted = _listed([repr(name) for name in names])
    return f"column {quoted} has" if len(names) == 1 else f"columns {quoted} have each"


def _listed(words: list[str], separator: str = ", ") -> str:
    """The first few of what may be a hundred levels."""
    more = len(words) - LISTED
    return separator.join(words[:LISTED]) + (f"{separator}and {more} more" if more > 0 else "")
