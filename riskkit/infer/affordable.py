"""How much of a curve the events can carry."""

from __future__ import annotations

from typing import Literal

from riskkit.errors import SpecError

Affordable = Literal["spline", "linear", "too few"]

PER_DF = 10.0


def affordable(events: float, df: int, *, per_df: float = PER_DF) -> Affordable:
    """Say what the events can carry: the spline asked for, a straight line alone, or neither.

    A spline of k knots spends k - 1 degrees of freedom on the exposure. With fewer than about ten events for each, its
    coefficients are biased away from zero, their intervals miss the truth too often, and its shape is noise.

    Parameters
    ----------
    events : float
        Events of the model; where every row is a case or not, the fewer of the two.
    df : int
        Degrees of freedom of the exposure: knots less one.
    per_df : float
        Events asked for each.

    Returns
    -------
    Affordable
        What can be fitted, and the events per degree of freedom behind it.

    Raises
    ------
    SpecError
        If a number is out of its range.

    References
    ----------
    Peduzzi P et al (1995) J Clin Epidemiol 48:1503-1510; Peduzzi P et al (1996) J Clin Epidemiol 49:1373-1379; Harrell
    FE, Regression Modeling Strategies (2nd ed.), 4.4.
    """
    if events < 0 or df < 1 or not per_df > 0:
        raise SpecError(
            f"affordable: events are 0 or more, df 1 or more, per_df above 0; got {events!r}, {df!r}, {per_df!r}."
        )
    if events >= per_df * df:
        return "spline"
    return "linear" if events >= per_df else "too few"
