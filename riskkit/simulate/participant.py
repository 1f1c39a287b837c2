"""The participant table: field names, encodings, special codes and gaps as the Research Analysis Platform has them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from riskkit.simulate.blood import YEARLY_CHANGE, Blood, measure_igf1
from riskkit.simulate.follow_up import FollowUp
from riskkit.simulate.onset import NEVER
from riskkit.simulate.people import DAYS_A_YEAR, REVISIT_CENTRE, People, days, pick
from riskkit.simulate.tables import column, date_column

# The reportable range of the assay, nmol/L: outside it a result is missing for reason 2 of encoding 782.
REPORTABLE = (1.3, 195.0)
OUT_OF_RANGE = 2
NO_SAMPLE_SHARE, NO_RESULT_SHARE = 0.052, 0.015
NO_RESULT_REASONS = (1, 3, 4, 8, 9)

REVISIT = ("2012-08-13", "2013-06-07")
REVISIT_CENTRES_NEAR = (10003, 11001, 11008, 11016)
REVISIT_SHARE = 0.27
REVISIT_ASSAYED_SHARE = 0.93

DO_NOT_KNOW, PREFER_NOT, LESS_THAN_ONE = -1, -3, -10
NOT_ASKED_SHARE = 0.002


def participant_columns(
    people: People, blood: Blood, follow_up: FollowUp, rng: np.random.Generator
) -> dict[str, pa.Array]:
    """Columns of the participant table but the cancer register's, in order of field.

    Parameters
    ----------
    people : People
    blood : Blood
    follow_up : FollowUp
    rng : numpy.random.Generator

    Returns
    -------
    dict
        Column by field name, such as ``p30770_i0``; each of length n.
    """
    measuring, answering, assaying, revisiting, ages = rng.spawn(5)
    born = people.birth.astype("datetime64[D]")
    month = born.astype("datetime64[M]").astype(int)
    fields = {
        "p31": column(people.male.astype(np.int8)),
        "p34": column((1970 + month // 12).astype(np.int16)),
        "p52": column((1 + month % 12).astype(np.int8)),
        "p53_i0": date_column(people.baseline),
        "p54_i0": column(people.centre.astype(np.int32)),
        "p190": column(follow_up.lost_reason.astype(np.int8), follow_up.lost_reason == 0),
        "p191": date_column(follow_up.lost),
        "p21003_i0": column(np.floor(people.age).astype(np.int16)),
        "p21022": column(np.floor(people.age).astype(np.int16)),
    }
    fields |= _measurements(people, blood, measuring)
    fields |= _answers(people, answering)
    fields |= _women(people, ages)
    fields |= _assays(people, blood, assaying)
    fields |= _revisit(people, blood, follow_up, revisiting)
    ordered = sorted(fields.items(), key=lambda item: [int(part.lstrip("pia")) for part in item[0].split("_")])
    return {"eid": column(people.eid), **dict(ordered)}


def _measurements(people: People, blood: Blood, rng: np.random.Generator) -> dict[str, pa.Array]:
    n, noise = people.n, rng.standard_normal((2, people.n))
    no_build, no_pressure = rng.random(n) < 0.006, rng.random(n) < 0.052
    waist = np.where(people.male, 97, 84) + 11 * (people.bmi - 27.5) / 5 + 4.5 * noise[0]
    hip = np.where(people.male, 103, 103.5) + 8 * (people.bmi - 27.5) / 5 + 3.5 * noise[1]
    return {
        "p48_i0": column(np.clip(waist, 50, 190).round(0), no_build),
        "p49_i0": column(np.clip(hip, 60, 190).round(0), no_build),
        "p50_i0": column(people.height, rng.random(n) < 0.005),
        "p189": column(people.townsend, rng.random(n) < 0.0013),
        "p21001_i0": column(people.bmi, no_build),
        "p21002_i0": column(people.weight, no_build),
        **_pressure("p4079_i0", blood.diastolic, no_pressure, rng),
        **_pressure("p4080_i0", blood.systolic, no_pressure, rng),
    }


def _pressure(field: str, readings: np.ndarray, missing: np.ndarray, rng: np.random.Generator) -> dict[str, pa.Array]:
    only_one = rng.random(len(readings)) < 0.05
    return {f"{field}_a0": column(readings[:, 0], missing), f"{field}_a1": column(readings[:, 1], missing | only_one)}


def _answers(people: People, rng: np.random.Generator) -> dict[str, pa.Array]:
    n, not_asked = people.n, rng.random(people.n) < NOT_ASKED_SHARE
    drinker = np.where(people.alcohol < 6, 2, np.where(rng.random(n) < 0.45, 1, 0))
    silent = rng.random(n) < 0.001
    cigarettes = np.clip(np.exp(np.log(14) + 0.55 * rng.standard_normal(n)), 1, 140).round(0)
    cigarettes = _some(cigarettes, {LESS_THAN_ONE: 0.02, DO_NOT_KNOW: 0.01, PREFER_NOT: 0.01}, rng)
    wealth = np.exp(np.outer(-0.12 * (people.townsend + 1.3) - 0.05 * (people.age - 56.5), np.arange(5) - 2))
    income = 1 + pick(rng.random(n), wealth * np.array([22, 25, 26, 20, 5]))
    return {
        "p738_i0": column(_some(income, {DO_NOT_KNOW: 0.04, PREFER_NOT: 0.10}, rng), not_asked),
        "p1558_i0": column(np.where(silent, PREFER_NOT, people.alcohol), not_asked),
        "p2443_i0": column(
            _some(people.diabetes.astype(int), {DO_NOT_KNOW: 0.0026, PREFER_NOT: 0.0008}, rng), not_asked
        ),
        "p3456_i0": column(cigarettes.astype(np.int16), (people.smoking != 2) | not_asked | (rng.random(n) < 0.3)),
        "p20116_i0": column(_some(people.smoking, {PREFER_NOT: 0.0041}, rng), not_asked),
        "p20117_i0": column(np.where(silent, PREFER_NOT, drinker), not_asked),
        "p21000_i0": column(people.ethnicity.astype(np.int16), not_asked),
        "p22032_i0": column(pick(rng.random(n), np.array([19, 41, 40])), rng.random(n) < 0.215),
    }


def _women(people: People, rng: np.random.Generator) -> dict[str, pa.Array]:
    n = people.n
    not_asked = people.male | (rng.random(n) < NOT_ASKED_SHARE)
    past = rng.random(n) < 1 / (1 + np.exp(-(people.age - 50.5) / 1.6))
    menopause = np.where(rng.random(n) < 0.115, 2, past.astype(int))
    births = pick(rng.random(n), np.array([18.5, 13.2, 43.5, 18.2, 5.0, 1.6]))
    hormones = rng.random(n) < np.where(past, 0.48, 0.08)
    return {
        "p2724_i0": column(_some(menopause, {3: 0.04, PREFER_NOT: 0.0005}, rng), not_asked),
        "p2734_i0": column(_some(births, {PREFER_NOT: 0.0005}, rng), not_asked),
        "p2814_i0": column(_some(hormones.astype(int), {DO_NOT_KNOW: 0.004, PREFER_NOT: 0.0005}, rng), not_asked),
    }


def _assays(people: People, blood: Blood, rng: np.random.Generator) -> dict[str, pa.Array]:
    n = people.n
    no_sample = rng.random(n) < NO_SAMPLE_SHARE
    levels = {
        "p30690_i0": blood.cholesterol, "p30710_i0": blood.crp, "p30750_i0": blood.hba1c, "p30760_i0": blood.hdl,
        "p30780_i0": blood.ldl, "p30830_i0": blood.shbg, "p30850_i0": blood.testosterone,
        "p30870_i0": blood.triglycerides,
    }  # fmt: skip
    shares = dict.fromkeys(levels, 0.014) | {"p30760_i0": 0.092, "p30830_i0": 0.10, "p30850_i0": 0.10}
    fields = {name: column(level, no_sample | (rng.random(n) < shares[name])) for name, level in levels.items()}
    return fields | _igf1("0", blood.igf1, no_sample, rng)


def _igf1(instance: str, measured: np.ndarray, no_sample: np.ndarray, rng: np.random.Generator) -> dict[str, pa.Array]:
    """IGF-1 and, where a sample gave no result, why not."""
    out_of_range = (measured < REPORTABLE[0]) | (measured > REPORTABLE[1])
    no_result = rng.random(len(measured)) < NO_RESULT_SHARE
    reason = rng.choice(NO_RESULT_REASONS, len(measured), p=(0.6, 0.1, 0.1, 0.15, 0.05))
    reason = np.where(out_of_range, OUT_OF_RANGE, reason)
    unreported = out_of_range | no_result
    return {
        f"p30770_i{instance}": column(measured, no_sample | unreported),
        f"p30775_i{instance}": column(reason.astype(np.int8), no_sample | ~unreported),
    }


def _revisit(people: People, blood: Blood, follow_up: FollowUp, rng: np.random.Generator) -> dict[str, pa.Array]:
    """The repeat assessment of 2012-13: those who lived near it, were alive and came."""
    first, last = (days(date) for date in REVISIT)
    date = rng.integers(first, last + 1, people.n).astype(np.int32)
    near = np.isin(people.centre, REVISIT_CENTRES_NEAR)
    seen = near & (rng.random(people.n) < REVISIT_SHARE) & (date < np.minimum(follow_up.death, follow_up.lost))
    years = (date - people.baseline) / DAYS_A_YEAR
    repeat = measure_igf1(blood.igf1_usual + YEARLY_CHANGE * years, rng)
    no_sample = ~seen | (rng.random(people.n) > REVISIT_ASSAYED_SHARE)
    return {
        "p53_i1": date_column(np.where(seen, date, NEVER)),
        "p54_i1": column(np.full(people.n, REVISIT_CENTRE, np.int32), ~seen),
        "p21003_i1": column(np.floor(people.age + years).astype(np.int16), ~seen),
        **_igf1("1", repeat, no_sample, rng),
    }


def _some(values: np.ndarray, codes: dict[int, float], rng: np.random.Generator) -> np.ndarray:
    """Values with a share of them replaced by each special code."""
    u, below = rng.random(len(values)), 0.0
    answered = values.astype(np.int16)
    for code, share in codes.items():
        answered[(u >= below) & (u < below + share)] = code
        below += share
    return answered
