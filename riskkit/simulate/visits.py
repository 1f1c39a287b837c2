"""A second twin: people of UK Biobank seen every two years, whose IGF-1 drifts, and falls before a cancer is found.

What acts on the cancer is the level of two years before. Between visits it is taken to stay, so that a model of the
last value at least two years before is exactly the one the twin was drawn with: a departure from the truth is the
analysis's own. The level at the start goes stale, and the last value is partly the tumour's doing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from riskkit.simulate.blood import RESIDUAL_SD, YEARLY_CHANGE, igf1_expected
from riskkit.simulate.codes import choose, vocabulary
from riskkit.simulate.diseases import DISEASES, NADIR
from riskkit.simulate.follow_up import CANCER_END, OTHER_CAUSES, by_country
from riskkit.simulate.onset import NEVER, REFERENCE_AGE
from riskkit.simulate.people import DAYS_A_YEAR, People, recruit
from riskkit.simulate.tables import code_column, column, date_column
from riskkit.simulate.twin import check
from riskkit.simulate.write import MARK, Format, twin_folder, write_table

LAST_VISIT, EVERY, JITTER, COMES = 10.0, 2.0, 0.25, 0.85  # years, years, years, share of those invited
YEARLY_CORRELATION = 0.88  # of a person's departures from what covariates tell, one year apart
LAG = 2.0  # years: what acts is the level of so long before; a tumour changes it no earlier
LARGEST_FALL = 0.30  # of the level, at diagnosis; in proportion to the time left, before
LOG_RATIO = float(np.log(1.35))  # per 5 nmol/L
RATE, SLOPE = 0.0035, 0.075  # hazard at 60 and NADIR nmol/L, a year; its rise by year of age
DEATH_RATE, DEATH_SLOPE, DEATH_AFTER = 0.006, 0.095, 0.12  # of other causes at 60; of the cancer, a year
COLORECTAL = next(i for i, disease in enumerate(DISEASES) if disease.name == "colorectal")
STEPS = ("people and visits", "cancers and deaths", "tables")


@dataclass(frozen=True)
class VisitsTwin:
    """What was drawn; days are since 1970, `NEVER` where there is none.

    Attributes
    ----------
    people : People
    day : int32 array, shape (n, visits)
        Of each visit, the first at baseline; `NEVER` of those that did not take place.
    level : float array, shape (n, visits)
        What acts, nmol/L: it drifts.
    measured : float array, shape (n, visits)
        The same, lowered where a cancer is about to be found.
    cancer, death : int32 array, shape (n,)
        As the registers have them.
    of_cancer : bool array, shape (n,)
        Whether the cancer was the cause of death.
    """

    people: People
    day: np.ndarray
    level: np.ndarray
    measured: np.ndarray
    cancer: np.ndarray
    death: np.ndarray
    of_cancer: np.ndarray


def draw_visits(n: int, seed: int) -> VisitsTwin:
    """Draw people, visits, cancers and deaths."""
    recruiting, coming, drifting, falling_ill, dying = np.random.default_rng([seed, 2]).spawn(5)
    people = recruit(n, recruiting)
    years, day = _schedule(people, coming)
    level = _levels(people, years, day, drifting)
    cancer = _onset(people, years, day, level, falling_ill)
    death, of_cancer = _deaths(people, cancer, dying)
    end = by_country(CANCER_END, people)
    cancer = np.where(cancer <= np.minimum(death, end), cancer, NEVER).astype(np.int32)
    death = np.where(death <= end, death, NEVER).astype(np.int32)
    seen = day <= np.minimum(np.minimum(death, cancer), end)[:, None]
    day = np.where(seen, day, NEVER).astype(np.int32)
    left = np.where(cancer != NEVER, cancer, NEVER)[:, None] / DAYS_A_YEAR - day / DAYS_A_YEAR
    fall = LARGEST_FALL * np.clip(1 - left / LAG, 0, 1)
    return VisitsTwin(people, day, level, (level * (1 - fall)).round(3), cancer, death, of_cancer)


def simulate_visits(
    folder: str | Path,
    n: int = 50_000,
    seed: int = 1,
    on_progress: Callable[[int, int, str], None] | None = None,
    form: Format = "parquet",
) -> Path:
    """Write a twin with repeat visits: participant, visits, death and death_cause, and truth.json.

    Parameters
    ----------
    folder : path
        Where to. An earlier twin there is replaced; anything else is left alone.
    n, seed : int
        People, 100 to 2,000,000; the same arguments give the same bytes.
    on_progress : callable, optional
        Called with the steps done, all the steps, and what is being made.
    form : {"parquet", "csv"}

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    SpecError
        If `n`, `seed` or `form` is out of range.
    DataError
        If `folder` holds something else.
    """
    check(n, seed, form)
    say = on_progress or (lambda done, total, what: None)
    folder = Path(folder)
    with twin_folder(folder) as part:
        say(0, len(STEPS), STEPS[0])
        twin = draw_visits(n, seed)
        say(2, len(STEPS), STEPS[2])
        coding, causing = np.random.default_rng([seed, 3]).spawn(2)
        write_table(_participant(twin, coding), part, "participant", form)
        write_table(_visits(twin), part, "visits", form)
        for name, table in zip(("death", "death_cause"), _death(twin, causing), strict=True):
            write_table(table, part, name, form)
        truth = json.dumps(_truth(twin, seed), indent=2, allow_nan=False)
        (part / MARK).write_text(truth + "\n", encoding="utf-8")
    say(len(STEPS), len(STEPS), "done")
    return folder


def _schedule(people: People, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Years from baseline and day of each visit; who does not come has none."""
    planned = np.arange(0, LAST_VISIT + EVERY / 2, EVERY)
    shape = (people.n, planned.size)
    years = planned + np.where(planned > 0, rng.uniform(-JITTER, JITTER, shape), 0.0)
    comes = (rng.random(shape) < COMES) | (planned == 0)
    day = people.baseline[:, None] + np.round(years * DAYS_A_YEAR).astype(np.int32)
    return (day - people.baseline[:, None]) / DAYS_A_YEAR, np.where(comes, day, NEVER).astype(np.int32)


def _levels(people: People, years: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The level at each visit: an autoregressive drift around what covariates and age tell."""
    noise = rng.standard_normal(years.shape)
    departure = np.empty(years.shape)
    departure[:, 0] = noise[:, 0]
    for k in range(1, years.shape[1]):
        kept = YEARLY_CORRELATION ** (years[:, k] - years[:, k - 1])
        departure[:, k] = kept * departure[:, k - 1] + np.sqrt(1 - kept**2) * noise[:, k]
    expected = igf1_expected(people)[:, None] + YEARLY_CHANGE * years
    return np.maximum(expected + RESIDUAL_SD * departure, 2.0)


def _onset(
    people: People, years: np.ndarray, day: np.ndarray, level: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Day of the cancer: the hazard rises with age, and steps with the level `LAG` years after each visit."""
    wanted = rng.standard_exponential(people.n)
    age = people.age
    log_base = np.log(RATE) + SLOPE * (age - REFERENCE_AGE)
    known = level[:, 0].copy()
    since = np.zeros(people.n)  # years from baseline at which the level now at work began to
    onset = np.full(people.n, np.inf)
    for k in range(1, years.shape[1] + 1):
        last = k == years.shape[1]
        until = np.full(people.n, 200.0) if last else np.where(day[:, k] != NEVER, years[:, k] + LAG, since)
        rate = np.exp(log_base + LOG_RATIO * (known - NADIR) / 5)
        grown = rate / SLOPE * (np.exp(SLOPE * until) - np.exp(SLOPE * since))
        here = np.isinf(onset) & (wanted <= grown)
        onset[here] = np.log(np.exp(SLOPE * since[here]) + wanted[here] * SLOPE / rate[here]) / SLOPE
        wanted = wanted - grown
        since = until
        if not last:
            known = np.where(day[:, k] != NEVER, level[:, k], known)
    days_on = np.ceil(onset * DAYS_A_YEAR)
    return np.where(days_on < 40_000, people.baseline + days_on, NEVER).astype(np.int64)


def _deaths(people: People, cancer: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Day of death of other causes or, after its diagnosis, of the cancer; and whether of the latter."""
    other, ill = rng.standard_exponential((2, people.n))
    rate = DEATH_RATE * np.exp(DEATH_SLOPE * (people.age - REFERENCE_AGE))
    lived = np.log1p(other * DEATH_SLOPE / rate) / DEATH_SLOPE
    death = people.baseline + np.ceil(lived * DAYS_A_YEAR)
    killed = np.where(cancer == NEVER, np.inf, cancer + np.ceil(ill / DEATH_AFTER * DAYS_A_YEAR))
    return np.minimum(death, killed).astype(np.int64), killed < death


def _participant(twin: VisitsTwin, rng: np.random.Generator) -> pa.Table:
    people = twin.people
    month = people.birth.astype("datetime64[D]").astype("datetime64[M]").astype(int)
    ill = twin.cancer != NEVER
    place = np.full(people.n, -1)
    place[ill] = choose("icd10", np.full(int(ill.sum()), COLORECTAL), rng.random(int(ill.sum())))
    return pa.table(
        {
            "eid": column(people.eid),
            "p31": column(people.male.astype(np.int8)),
            "p34": column((1970 + month // 12).astype(np.int16)),
            "p50_i0": column(people.height),
            "p52": column((1 + month % 12).astype(np.int8)),
            "p53_i0": date_column(people.baseline),
            "p54_i0": column(people.centre.astype(np.int32)),
            "p20116_i0": column(people.smoking.astype(np.int8)),
            "p21001_i0": column(people.bmi),
            "p21022": column(np.floor(people.age).astype(np.int16)),
            "p30770_i0": column(twin.measured[:, 0]),
            "p40005_i0": date_column(twin.cancer),
            "p40006_i0": code_column(vocabulary("icd10"), place),
            "p40012_i0": column(np.full(people.n, 3, np.int8), ~ill),
        }
    )


def _visits(twin: VisitsTwin) -> pa.Table:
    """One row a visit, that at the start among them, by person and date."""
    person, visit = np.nonzero(twin.day != NEVER)
    return pa.table(
        {
            "eid": column(twin.people.eid[person]),
            "date": date_column(twin.day[person, visit]),
            "igf1": column(twin.measured[person, visit]),
        }
    )


def _death(twin: VisitsTwin, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    dead = np.flatnonzero(twin.death != NEVER)
    cause = np.where(twin.of_cancer[dead], "C189", rng.choice(OTHER_CAUSES, len(dead)))
    first = np.zeros(len(dead), np.int16)
    death = {"eid": column(twin.people.eid[dead]), "ins_index": column(first)}
    causes = {"level": column(first.astype(np.int8) + 1), "cause_icd10": column(cause)}
    return pa.table({**death, "date_of_death": date_column(twin.death[dead])}), pa.table({**death, **causes})


def _truth(twin: VisitsTwin, seed: int) -> dict[str, object]:
    return {
        "simulated": True,
        "n": twin.people.n,
        "seed": seed,
        "igf1": {
            "field": "p30770",
            "unit": "nmol/L",
            "yearly_change": YEARLY_CHANGE,
            "yearly_correlation": YEARLY_CORRELATION,
            "fall_before_cancer": LARGEST_FALL,
            "fall_years": LAG,
            "adjust_for": ["p31", "p50_i0", "p20116_i0", "p21001_i0"],
        },
        "outcomes": {
            "colorectal": {
                "shape": "linear",
                "exact": True,
                "lag_years": LAG,
                "log_hazard_ratio_per_5": LOG_RATIO,
                "hazard_ratio_per_5": float(np.exp(LOG_RATIO)),
            }
        },
    }
