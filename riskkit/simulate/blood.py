"""Usual and measured IGF-1, the other assays and blood pressure, with their correlations.

Usual IGF-1 given the covariates is normal, and so is the error within a person, so that regression calibration is
exact in the twin and a departure from the truth is the analysis's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskkit.simulate.people import People

# nmol/L. Reliability 4.75^2 / (4.75^2 + 2.85^2) = 0.735 given the covariates and about 0.75 without them.
RESIDUAL_SD = 4.75
WITHIN_PERSON_SD = 2.85
YEARLY_CHANGE = -0.13
LOWEST_USUAL = 2.0

# Correlations of what the covariates leave unexplained. IGF-1 has none with systolic pressure and LDL cholesterol,
# which cause vascular disease: adjusting for the covariates of `People` is enough.
ASSAYS = ("igf1", "systolic", "diastolic", "ldl", "hdl", "triglycerides", "crp", "hba1c", "testosterone", "shbg")
CORRELATIONS = {
    ("igf1", "crp"): -0.10, ("igf1", "testosterone"): 0.05, ("igf1", "shbg"): -0.20, ("igf1", "hdl"): -0.05,
    ("systolic", "diastolic"): 0.65, ("ldl", "triglycerides"): 0.20, ("hdl", "triglycerides"): -0.45,
    ("hdl", "crp"): -0.10, ("triglycerides", "crp"): 0.10, ("hdl", "shbg"): 0.20, ("triglycerides", "shbg"): -0.25,
    ("testosterone", "shbg"): 0.40, ("hba1c", "triglycerides"): 0.10, ("hba1c", "hdl"): -0.10,
}  # fmt: skip


@dataclass(frozen=True)
class Blood:
    """What a person's blood and blood pressure are, arrays of shape (n,).

    Attributes
    ----------
    igf1_usual : float
        Long-term IGF-1 at the age of baseline, nmol/L: what acts on disease.
    igf1 : float
        As measured at baseline, nmol/L.
    systolic_usual : float
        mmHg: what acts on disease.
    systolic, diastolic : float
        Two readings, shape (n, 2), mmHg.
    cholesterol, ldl, hdl, triglycerides : float
        mmol/L.
    crp : float
        mg/L.
    hba1c : float
        mmol/mol.
    testosterone, shbg : float
        nmol/L.
    """

    igf1_usual: np.ndarray
    igf1: np.ndarray
    systolic_usual: np.ndarray
    systolic: np.ndarray
    diastolic: np.ndarray
    cholesterol: np.ndarray
    ldl: np.ndarray
    hdl: np.ndarray
    triglycerides: np.ndarray
    crp: np.ndarray
    hba1c: np.ndarray
    testosterone: np.ndarray
    shbg: np.ndarray


def igf1_expected(people: People) -> np.ndarray:
    """Mean usual IGF-1 given the covariates, nmol/L, shape (n,)."""
    return (
        np.where(people.male, 22.0, 21.35)
        + YEARLY_CHANGE * (people.age - 56.5)
        - 0.35 * (people.bmi - 27.5) / 5
        + 0.5 * (people.height - np.where(people.male, 175.6, 162.4)) / 10
        - 0.15 * (people.smoking == 1)
        - 0.60 * (people.smoking == 2)
        - 0.40 * (people.alcohol == 1)
        - 0.15 * people.townsend / 3
        - 1.0 * people.diabetes
    )


def measure_igf1(usual: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Measure once: usual IGF-1 with the error within a person, nmol/L, to three decimals."""
    return (usual + WITHIN_PERSON_SD * rng.standard_normal(len(usual))).round(3)


def draw_blood(people: People, rng: np.random.Generator) -> Blood:
    """Draw blood and blood pressure given the covariates.

    Parameters
    ----------
    people : People
    rng : numpy.random.Generator

    Returns
    -------
    Blood
    """
    z = dict(
        zip(ASSAYS, np.linalg.cholesky(_correlation()) @ rng.standard_normal((len(ASSAYS), people.n)), strict=True)
    )
    usual = np.maximum(igf1_expected(people) + RESIDUAL_SD * z["igf1"], LOWEST_USUAL)
    male, older, heavier = people.male, people.age - 56.5, (people.bmi - 27.5) / 5
    systolic = np.where(male, 141, 135) + 0.75 * older + 3.5 * heavier + 15 * z["systolic"]
    diastolic = np.where(male, 84, 80.5) + 0.1 * older + 3.0 * heavier + 8.5 * z["diastolic"]
    ldl = np.maximum(np.where(male, 3.48, 3.62) + 0.01 * older - 0.6 * people.diabetes + 0.84 * z["ldl"], 0.5).round(3)
    hdl = np.exp(np.log(np.where(male, 1.25, 1.56)) - 0.09 * heavier + 0.05 * (people.alcohol == 1) + 0.21 * z["hdl"])
    triglycerides = np.exp(np.log(np.where(male, 1.66, 1.34)) + 0.16 * heavier + 0.45 * z["triglycerides"])
    hba1c = np.where(people.diabetes, 51 + 12.5 * z["hba1c"], 34.9 + 0.13 * older + 0.7 * heavier + 3.4 * z["hba1c"])
    crp = np.exp(np.log(1.32) + 0.50 * heavier + 0.25 * (people.smoking == 2) + 0.92 * z["crp"])
    testosterone = np.exp(
        np.where(male, np.log(11.6) - 0.12 * heavier + 0.29 * z["testosterone"], np.log(0.98) + 0.5 * z["testosterone"])
    )
    shbg = np.exp(
        np.log(np.where(male, 36.5, 57.0)) + np.where(male, 0.012, 0) * older - 0.16 * heavier + 0.36 * z["shbg"]
    )
    total = ldl + 0.95 * hdl + 0.30 * triglycerides + 0.25 + 0.2 * rng.standard_normal(people.n)
    readings = rng.standard_normal((4, people.n))
    return Blood(
        igf1_usual=usual,
        igf1=measure_igf1(usual, rng),
        systolic_usual=systolic,
        systolic=_two_readings(systolic, 9.0, readings[:2], 65, 268),
        diastolic=_two_readings(diastolic, 4.5, readings[2:], 32, 147),
        cholesterol=np.maximum(total, 0.7).round(3),
        ldl=ldl,
        hdl=hdl.round(3),
        triglycerides=triglycerides.round(3),
        crp=np.clip(crp, 0.08, 79.96).round(2),
        hba1c=np.clip(hba1c, 15, 515).round(1),
        testosterone=testosterone.round(3),
        shbg=shbg.round(2),
    )


def _correlation() -> np.ndarray:
    matrix = np.eye(len(ASSAYS))
    for (one, other), value in CORRELATIONS.items():
        row, column = ASSAYS.index(one), ASSAYS.index(other)
        matrix[row, column] = matrix[column, row] = value
    return matrix


def _two_readings(usual: np.ndarray, error: float, z: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip((usual + error * z).round(0), low, high).astype(np.int16).T
