"""Hospital records: one row for each episode (hesin) and one for each of its diagnoses (hesin_diag)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskkit.simulate.codes import choose, vocabulary
from riskkit.simulate.follow_up import HOSPITAL_END, HOSPITAL_START, FollowUp, by_country
from riskkit.simulate.onset import NEVER
from riskkit.simulate.people import People, days
from riskkit.simulate.tables import code_column, column, count_within, date_column

ICD10_START = "1996-04-01"
SOURCES = ["HES", "SMR", "PEDW"]

EPISODES_A_PERSON = 8.0
EXTRA_DIAGNOSES = 2.2
LATER_ADMISSIONS = 0.8
SECONDARY_SHARE = 0.25

DUPLICATE_SHARE, UNDATED_SHARE, NO_START_SHARE = 0.005, 0.0005, 0.01
UNKNOWN_SHARE, ORPHAN_SHARE, PADDED_SHARE, LAST_DAY_SHARE = 0.0001, 0.0001, 0.01, 0.0002

# Other reasons to be in hospital, with a weight; none is on an outcome's list.
BACKGROUND = (
    ("I10", 90), ("E780", 45), ("Z864", 25), ("K573", 20), ("J459", 25), ("K219", 25), ("M179", 20), ("Z921", 15),
    ("Z501", 5), ("F171", 15), ("Z867", 15), ("I48", 20), ("K449", 22), ("K297", 20), ("H269", 30), ("M169", 12),
    ("K635", 18), ("K409", 12), ("N390", 18), ("R074", 25), ("R104", 20), ("Z080", 10), ("D649", 18), ("E039", 22),
    ("F329", 20), ("G560", 10), ("I839", 12), ("J189", 16), ("J449", 16), ("K590", 14), ("M545", 14), ("N179", 12),
    ("R55", 12), ("Z530", 8), ("Z538", 10), ("K802", 14), ("L720", 6), ("M199", 12), ("H409", 8), ("D125", 12),
    ("E669", 16), ("Z966", 14), ("R31", 10), ("K649", 12), ("D509", 12), ("Z880", 14), ("M819", 8), ("S525", 6),
)  # fmt: skip
DIABETES = "E119"

# Every code of the table: the diseases' in ICD-10 and in ICD-9, the other reasons, then ICD-10 again as some hospitals
# spell it ('C61X', 'I219D').
ICD10, ICD9 = vocabulary("icd10"), vocabulary("icd9")
OTHER = [DIABETES, *(code for code, _ in BACKGROUND)]
VOCABULARY = ICD10 + ICD9 + OTHER + [code + ("X" if len(code) == 3 else "D") for code in ICD10]
FIRST_ICD9 = len(ICD10)
DIABETES_PLACE = FIRST_ICD9 + len(ICD9)
FIRST_BACKGROUND = DIABETES_PLACE + 1
FIRST_PADDED = DIABETES_PLACE + len(OTHER)


@dataclass(frozen=True)
class Episodes:
    """Stays in hospital, ordered by person and date; arrays of shape (episodes,).

    Attributes
    ----------
    person : int
        Place in `People`.
    date : int32
        Days since 1970.
    code : int
        Place in `VOCABULARY` of the code the stay is for, -1 where it is any of `BACKGROUND`.
    position : int
        Place of that code among the diagnoses: 0 the primary one.
    """

    person: np.ndarray
    date: np.ndarray
    code: np.ndarray
    position: np.ndarray


def hospital_tables(
    people: People, follow_up: FollowUp, admitted: np.ndarray, rng: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    """Make hesin and hesin_diag.

    Parameters
    ----------
    people : People
    follow_up : FollowUp
    admitted : int32 array, shape (diseases, n)
        First admission with each disease, `NEVER` for none.
    rng : numpy.random.Generator

    Returns
    -------
    hesin, hesin_diag : pyarrow.Table
        With duplicated diagnoses, episodes without a date, identifiers nobody has, diagnoses without their episode
        and padded codes, as real extracts have them.
    """
    staying, coding, messing = rng.spawn(3)
    episodes = _episodes(people, follow_up, admitted, staying)
    episode, place, code = _diagnoses(episodes, coding)
    code[(coding.random(len(code), np.float32) < PADDED_SHARE) & (code < FIRST_ICD9)] += FIRST_PADDED

    n = len(episodes.person)
    background = episodes.code < 0
    eid = people.eid[episodes.person]
    unknown = background & (messing.random(n) < max(UNKNOWN_SHARE, 5 / max(n, 1)))
    eid[unknown] = messing.integers(7_000_000, 8_000_000, int(unknown.sum()))
    ins_index = count_within(episodes.person).astype(np.int32)
    undated = messing.random(n) < UNDATED_SHARE
    start = np.where(undated, NEVER, episodes.date)
    stay = messing.geometric(0.35, n).astype(np.int32) - 1
    end = np.minimum(episodes.date + stay, follow_up.until(HOSPITAL_END, people)[episodes.person])
    no_start = messing.random(n) < NO_START_SHARE
    kept = np.flatnonzero(~(background & (messing.random(n) < ORPHAN_SHARE)))
    hesin = pa.table(
        {
            "eid": column(eid[kept]),
            "ins_index": column(ins_index[kept]),
            "dsource": code_column(SOURCES, people.country[episodes.person[kept]]),
            "epistart": date_column(np.where(no_start, NEVER, start)[kept]),
            "epiend": date_column(np.where(undated, NEVER, end)[kept]),
            "admidate": date_column(start[kept]),
            "disdate": date_column(np.where(undated, NEVER, end)[kept]),
        }
    )
    again = np.flatnonzero(messing.random(len(code), np.float32) < DUPLICATE_SHARE)
    rows = np.sort(np.concatenate([np.arange(len(code)), again]))
    episode, place, code = episode[rows], place[rows], code[rows]
    icd9 = (code >= FIRST_ICD9) & (code < DIABETES_PLACE)
    hesin_diag = pa.table(
        {
            "eid": column(eid[episode]),
            "ins_index": column(ins_index[episode]),
            "arr_index": column(place.astype(np.int16)),
            "level": column(np.where(place == 0, 1, 2).astype(np.int8)),
            "diag_icd9": code_column(VOCABULARY, np.where(icd9, code, -1)),
            "diag_icd10": code_column(VOCABULARY, np.where(icd9, -1, code)),
        }
    )
    return hesin, hesin_diag


def _episodes(people: People, follow_up: FollowUp, admitted: np.ndarray, rng: np.random.Generator) -> Episodes:
    until = follow_up.until(HOSPITAL_END, people)
    start = by_country(HOSPITAL_START, people)
    row, person = np.nonzero(admitted != NEVER)
    date = admitted[row, person]
    times = rng.poisson(LATER_ADMISSIONS, len(row))
    later = np.repeat(date, times) + np.ceil(rng.standard_exponential(times.sum()) * 700).astype(np.int32)
    row, person = np.append(row, np.repeat(row, times)), np.append(person, np.repeat(person, times))
    date = np.append(date, later)
    u = rng.random(len(row))
    code = np.where(date < days(ICD10_START), FIRST_ICD9 + choose("icd9", row, u), choose("icd10", row, u))

    diabetic = np.flatnonzero(people.diabetes)
    diabetic = np.repeat(diabetic, rng.poisson(2.5, len(diabetic)))
    rate = EPISODES_A_PERSON * np.exp(0.02 * (people.age - 56.5)) * rng.gamma(1.2, 1 / 1.2, people.n)
    other = np.repeat(np.arange(people.n), rng.poisson(rate))
    unplanned = np.concatenate([diabetic, other])
    # More often in later years: the power draws dates towards the end of what the records cover.
    # Some fall on the very last day.
    share = rng.random(len(unplanned)) ** 0.6
    share[rng.random(len(unplanned)) < LAST_DAY_SHARE] = 1
    span = np.maximum(until - start, 0)[unplanned] * share
    date = np.concatenate([date, start[unplanned] + np.floor(span).astype(np.int32)]).astype(np.int32)
    person = np.concatenate([person, unplanned])
    code = np.concatenate([code, np.full(len(diabetic), DIABETES_PLACE), np.full(len(other), -1)]).astype(np.int16)
    position = ((code == DIABETES_PLACE) | (rng.random(len(code)) < SECONDARY_SHARE)).astype(np.int8)

    kept = np.flatnonzero((date <= until[person]) & (date >= start[person]))
    kept = kept[np.lexsort((kept, date[kept], person[kept]))]
    return Episodes(person[kept], date[kept], code[kept], position[kept])


def _diagnoses(episodes: Episodes, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Episode, place (0 the primary one) and code of every diagnosis, in the episodes' order."""
    count = 1 + rng.poisson(EXTRA_DIAGNOSES, len(episodes.person))
    declared = episodes.code >= 0
    count = np.where(declared, np.maximum(count, episodes.position + 1), count)
    first = np.cumsum(count) - count
    episode = np.repeat(np.arange(len(count), dtype=np.int32), count)
    place = np.arange(len(episode)) - first[episode]
    # A pack of cards, each code as often as its weight: drawing from it is ten times as fast as from probabilities.
    deck = np.repeat(FIRST_BACKGROUND + np.arange(len(BACKGROUND)), [weight for _, weight in BACKGROUND])
    code = deck.astype(np.int16)[rng.integers(0, len(deck), len(episode), dtype=np.int16)]
    code[(first + episodes.position)[declared]] = episodes.code[declared]
    return episode, place, code
