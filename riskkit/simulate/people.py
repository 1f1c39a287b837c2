"""Who is in the twin: birth, assessment, habits and build, with UK Biobank's marginals and confounding in mind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DAYS_A_YEAR = 365.25
FIRST_DAY = np.datetime64("2007-03-13")
LAST_DAY = np.datetime64("2010-09-30")

ENGLAND, SCOTLAND, WALES = 0, 1, 2
COUNTRIES = ("England", "Scotland", "Wales")

# Assessment centre (encoding 10), country, and thousands seen there: rounded from the Showcase's counts of field 54.
CENTRES = (
    (10003, ENGLAND, 3.8), (11001, ENGLAND, 13.9), (11002, ENGLAND, 14.1), (11003, WALES, 17.9),
    (11004, SCOTLAND, 18.6), (11005, SCOTLAND, 17.2), (11006, ENGLAND, 19.4), (11007, ENGLAND, 29.4),
    (11008, ENGLAND, 28.3), (11009, ENGLAND, 37.0), (11010, ENGLAND, 44.2), (11011, ENGLAND, 43.0),
    (11012, ENGLAND, 12.6),
    (11013, ENGLAND, 33.9), (11014, ENGLAND, 30.4), (11016, ENGLAND, 32.8), (11017, ENGLAND, 21.3),
    (11018, ENGLAND, 28.9), (11020, ENGLAND, 27.4), (11021, ENGLAND, 25.5), (11022, WALES, 2.3), (11023, WALES, 0.6),
)  # fmt: skip
REVISIT_CENTRE = 11024

# Encoding 1001 and percentages, rounded from the Showcase's counts of field 21000; -1 and -3 are answers too.
ETHNICITIES = (
    (1001, 88.2), (1002, 2.6), (1003, 3.2), (2001, 0.12), (2002, 0.08), (2003, 0.16), (2004, 0.2), (3001, 1.14),
    (3002, 0.35), (3003, 0.05), (3004, 0.35), (4001, 0.86), (4002, 0.65), (4003, 0.02), (5, 0.31), (6, 0.87),
    (-1, 0.04), (-3, 0.32), (1, 0.11), (2, 0.01), (3, 0.01), (4, 0.01),
)  # fmt: skip


@dataclass(frozen=True)
class People:
    """The true attributes of everybody, arrays of shape (n,).

    Attributes
    ----------
    eid : int32
        Seven digits, unique, ascending.
    male : bool
    birth, baseline : int32
        Days since 1970.
    age : float
        Years at baseline, to the day.
    centre, country : int
        Code of the assessment centre; 0 England, 1 Scotland, 2 Wales.
    ethnicity : int
        Encoding 1001, with the answers -1 and -3.
    townsend : float
    height, weight, bmi : float
        cm, kg, kg/m2, as they are recorded.
    smoking : int
        0 never, 1 previous, 2 current.
    alcohol : int
        Frequency, encoding 100402: 1 daily or almost daily ... 6 never.
    diabetes : bool
        Diagnosed before baseline.
    """

    eid: np.ndarray
    male: np.ndarray
    birth: np.ndarray
    baseline: np.ndarray
    age: np.ndarray
    centre: np.ndarray
    country: np.ndarray
    ethnicity: np.ndarray
    townsend: np.ndarray
    height: np.ndarray
    weight: np.ndarray
    bmi: np.ndarray
    smoking: np.ndarray
    alcohol: np.ndarray
    diabetes: np.ndarray

    @property
    def n(self) -> int:
        """Number of people."""
        return len(self.eid)


def days(date: str) -> int:
    """Days since 1970 of an ISO date."""
    return int(np.datetime64(date).astype(int))


def pick(uniform: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Category numbers by inverting each row's cumulative chances; `chances` has shape (n, k) or (k,), any scale."""
    cumulative = np.cumsum(chances, axis=-1)
    return (uniform[:, None] * cumulative[..., -1:] > cumulative[..., :-1]).sum(axis=1)


def recruit(n: int, rng: np.random.Generator) -> People:
    """Draw the people.

    Parameters
    ----------
    n : int
        How many.
    rng : numpy.random.Generator

    Returns
    -------
    People
    """
    eid = np.sort(rng.choice(5_000_000, n, replace=False) + 1_000_000).astype(np.int32)
    male = rng.random(n) < 0.456
    age = 40 + 30 * rng.beta(1.36, 1.05, n)
    baseline = rng.integers(FIRST_DAY.astype(int), LAST_DAY.astype(int) + 1, n).astype(np.int32)
    birth = (baseline - np.floor(age * DAYS_A_YEAR)).astype(np.int32)
    age = (baseline - birth) / DAYS_A_YEAR

    codes, countries, seen = (np.array(column) for column in zip(*CENTRES, strict=True))
    place = pick(rng.random(n), seen)
    ethnic_codes, ethnic_shares = (np.array(column) for column in zip(*ETHNICITIES, strict=True))
    ethnicity = ethnic_codes[pick(rng.random(n), ethnic_shares)]

    townsend = np.clip(rng.gamma(2.0, 2.18, n) - 5.65, -6.26, 11.0).round(2)
    smoking = _smoking(male, townsend, rng)
    alcohol = 1 + pick(rng.random(n), _alcohol_chances(male, townsend))
    height = (np.where(male, 175.6, 162.4) - 0.1 * (age - 56.5) + np.where(male, 6.7, 6.2) * rng.standard_normal(n)) * 2
    height = np.clip(height.round(0) / 2, 125, 209)
    log_bmi = (
        np.log(np.where(male, 27.6, 26.7))
        + 0.002 * (age - 56.5)
        + 0.008 * townsend
        - 0.03 * (smoking == 2)
        + 0.03 * (smoking == 1)
        - 0.02 * (alcohol == 1)
        + np.where(male, 0.145, 0.18) * rng.standard_normal(n)
    )
    weight = (np.exp(log_bmi) * (height / 100) ** 2).round(1)
    bmi = (weight / (height / 100) ** 2).round(4)
    diabetes = rng.random(n) < _expit(
        -3.4 + 0.45 * male + 0.06 * (age - 56.5) + 0.5 * (bmi - 27.5) / 5 + 0.15 * townsend / 3 + 0.2 * (smoking > 0)
    )
    return People(
        eid, male, birth, baseline, age, codes[place], countries[place], ethnicity, townsend, height, weight, bmi,
        smoking, alcohol, diabetes,
    )  # fmt: skip


def _expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _smoking(male: np.ndarray, townsend: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    previous = np.where(male, 0.78, 0.53)
    current = np.where(male, 0.24, 0.145) * np.exp(0.13 * (townsend + 1.3))
    return pick(rng.random(len(male)), np.stack([np.ones(len(male)), previous, current], axis=1))


def _alcohol_chances(male: np.ndarray, townsend: np.ndarray) -> np.ndarray:
    men = np.array([25.5, 26.5, 26.5, 9.0, 7.0, 5.5])
    women = np.array([16.0, 20.5, 25.5, 13.0, 15.5, 9.5])
    tilt = np.exp(np.outer(townsend + 1.3, np.array([-0.04, -0.04, 0.0, 0.0, 0.05, 0.09])))
    return np.where(male[:, None], men, women) * tilt
