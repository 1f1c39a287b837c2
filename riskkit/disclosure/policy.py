"""The rule on small numbers, applied to counts and to what is read off a number of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Policy:
    """Counts from 1 to `min_count` - 1 are withheld, the others rounded to a multiple of `round_to`.

    What is withheld must not follow by subtraction: of two rounded counts where `min_count` is a multiple of
    `round_to`, which cohort files must see to, at least `round_to` - 1 values stay possible for the count between them.
    In a sum of more parts rounding errors can add up to leave fewer; there the next smallest part is withheld too. Zero
    is shown, as in NHS England's rules for Hospital Episode Statistics: that a criterion left out nobody is a finding.

    References
    ----------
    OpenSAFELY and ehrql (measures/disclosure_control.py) round to 5 and withhold up to 7. Griffiths E, et al. Handbook
    on Statistical Disclosure Control for Outputs. Safe Data Access Professionals, 2019.
    """

    min_count: int
    round_to: int

    def is_few(self, counts: ArrayLike) -> np.ndarray:
        """Which counts would tell of too few people, shape of `counts`."""
        values = np.asarray(counts, dtype=float)
        return (values > 0) & (values < self.min_count)

    def counts(self, counts: ArrayLike, *sums: ArrayLike) -> np.ndarray:
        """Counts as they may be shown, shape of `counts`: rounded (a half up), NaN where they are withheld.

        Parameters
        ----------
        counts : array of numbers
        *sums : arrays of int, shape of `counts`
            Parts of one sum, which may be shown too, have the same label.
        """
        values = np.asarray(counts, dtype=float)
        return np.where(self._withheld(values, [np.asarray(each) for each in sums]), np.nan, self._rounded(values))

    def _rounded(self, counts: np.ndarray) -> np.ndarray:
        return np.floor(counts / self.round_to + 0.5) * self.round_to

    def _withheld(self, counts: np.ndarray, sums: list[np.ndarray]) -> np.ndarray:
        withheld, before = self.is_few(counts), -1
        while withheld.sum() > before:
            before = withheld.sum()
            for parts in sums:
                for label in np.unique(parts[withheld]):
                    own = np.flatnonzero(parts == label)
                    shown = own[~withheld[own]]
                    if len(own) - len(shown) == 1 and counts[shown].any() and self._follows(counts[own], counts[shown]):
                        withheld[min(shown[counts[shown] > 0], key=counts.__getitem__)] = True
        return withheld

    def _follows(self, parts: np.ndarray, shown: np.ndarray) -> bool:
        """Whether a rounded sum and all of its parts but one leave too few values for that one."""
        left = self._rounded(parts.sum()) - self._rounded(shown).sum()
        slack = self.round_to // 2 * (len(shown) + 1)
        lowest, highest = max(1, left - slack), min(self.min_count - 1, left + slack)
        return bool(highest - lowest + 1 < self.round_to - 1)

    def enough_beyond(self, n: ArrayLike, percent: float) -> np.ndarray:
        """Of how many people (shape of `n`) this percentile may be shown: `min_count` of them must lie beyond it."""
        return np.asarray(n, dtype=float) * min(percent, 100 - percent) / 100 >= self.min_count

    def inside(self, counts: np.ndarray) -> np.ndarray:
        """Which bins of a histogram have `min_count` people or more on either side of them, shape of `counts`."""
        below = np.cumsum(counts) - counts
        above = counts.sum() - below - counts
        return (below >= self.min_count) & (above >= self.min_count)


def significant(values: ArrayLike) -> np.ndarray:
    """Numbers to three significant digits, as they are printed: more could tell one person from the next."""
    known = np.asarray(values, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.floor(np.log10(np.abs(known)))
    unit = 10.0 ** np.where(np.isfinite(size), size - 2, 0.0)
    return np.asarray(np.round(known / unit) * unit)
