"""The cancer register (fields 40005 to 40013, one column for each tumour of a person), and who saw a tumour first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskkit.simulate.codes import choose, vocabulary
from riskkit.simulate.diseases import DISEASES
from riskkit.simulate.follow_up import (
    CANCER_END,
    CANCER_START,
    HOSPITAL_END,
    HOSPITAL_START,
    FollowUp,
    by_country,
)
from riskkit.simulate.onset import NEVER
from riskkit.simulate.people import DAYS_A_YEAR, People, days
from riskkit.simulate.tables import code_column, column, count_within, date_column

ICD10_START = "1995-01-01"
INSTANCES, INSTANCES_ICD9 = 22, 15

UNREGISTERED_SHARE, NOT_ADMITTED_SHARE, HOSPITAL_FIRST_SHARE = 0.04, 0.12, 0.40
DUPLICATE_SHARE, UNDATED_SHARE, NO_HISTOLOGY_SHARE = 0.02, 0.001, 0.03


@dataclass(frozen=True)
class Sources:
    """When each register first has a disease: int32 arrays of shape (diseases, n), `NEVER` where it does not."""

    registered: np.ndarray
    admitted: np.ndarray


def find_sources(people: People, follow_up: FollowUp, onset: np.ndarray, rng: np.random.Generator) -> Sources:
    """Say when the cancer register and the hospitals first have each disease.

    The earlier of the two is the onset, whichever it is. Heart disease and stroke from before a country's hospital
    records began are in a later admission before baseline, as a history of the disease.
    """
    registered = np.full_like(onset, NEVER)
    admitted = np.full_like(onset, NEVER)
    hospital_start = by_country(HOSPITAL_START, people)
    hospital_end = follow_up.until(HOSPITAL_END, people)
    cancer_start, cancer_end = by_country(CANCER_START, people), by_country(CANCER_END, people)
    alive_until = np.minimum(follow_up.death, follow_up.lost)
    for row, (disease, stream) in enumerate(zip(DISEASES, rng.spawn(len(DISEASES)), strict=True)):
        person = np.flatnonzero(onset[row] <= alive_until)
        person = person[onset[row][person] != NEVER]
        date = onset[row][person]
        start = hospital_start[person]
        u = stream.random((2, len(person)))
        delay = np.floor(stream.standard_exponential((2, len(person))) * [[30], [60]]).astype(np.int32)
        if disease.kind == "vascular":
            history = start + np.floor(u[0] * (people.baseline[person] - start)).astype(np.int32)
            admission = np.where(date < start, history, date)
        else:
            hospital_first = (u[0] < HOSPITAL_FIRST_SHARE) & (date >= start)
            hospital_only = (u[1] < UNREGISTERED_SHARE) & (date >= start)
            register_only = ~hospital_only & ~hospital_first & (u[1] > 1 - NOT_ADMITTED_SHARE)
            entry = np.minimum(date + np.where(hospital_first, 1 + delay[0], 0), alive_until[person])
            seen = ~hospital_only & (entry >= cancer_start[person]) & (entry <= cancer_end[person])
            registered[row, person[seen]] = entry[seen]
            admission = date + np.where(hospital_first | hospital_only, 0, delay[1])
            admission[register_only] = NEVER
        seen = (admission >= start) & (admission <= hospital_end[person])
        admitted[row, person[seen]] = admission[seen]
    return Sources(registered, admitted)


def register_columns(people: People, registered: np.ndarray, rng: np.random.Generator) -> dict[str, pa.Array]:
    """The register's fields as columns of the participant table.

    One person's tumours are in order of date. Some stand there twice, a few have no date or no histology, and those
    from before 1995 are in ICD-9, as in a real extract.
    """
    row, person = np.nonzero(registered != NEVER)
    date = registered[row, person]
    again = np.flatnonzero(rng.random(len(row)) < DUPLICATE_SHARE)
    row, person, date = (np.append(values, values[again]) for values in (row, person, date))
    order = np.lexsort((row, date, person))
    row, person, date = row[order], person[order], date[order]
    instance = count_within(person)

    u = rng.random((3, len(row)))
    place10, place9 = choose("icd10", row, u[0]), choose("icd9", row, u[0])
    icd10, icd9 = vocabulary("icd10"), vocabulary("icd9")
    modern = date >= days(ICD10_START)
    shown_date = np.where(u[1] < UNDATED_SHARE, NEVER, date)
    histology = np.array([d.histology for d in DISEASES])[row]
    behaviour = np.array([d.behaviour for d in DISEASES])[row]
    age = ((date - people.birth[person]) / DAYS_A_YEAR).round(1)
    undescribed = (u[2] < NO_HISTOLOGY_SHARE) | ~modern

    columns: dict[str, pa.Array] = {}
    for i in range(min(INSTANCES, int(instance.max(initial=-1)) + 1)):
        here = np.flatnonzero(instance == i)
        entry = np.full(people.n, -1)
        entry[person[here]] = here
        none = entry < 0
        columns[f"p40005_i{i}"] = date_column(np.where(none, NEVER, shown_date[entry]))
        columns[f"p40006_i{i}"] = code_column(icd10, np.where(none | ~modern[entry], -1, place10[entry]))
        columns[f"p40008_i{i}"] = column(age[entry], none | (shown_date[entry] == NEVER))
        columns[f"p40011_i{i}"] = column(histology[entry], none | undescribed[entry])
        columns[f"p40012_i{i}"] = column(behaviour[entry], none | undescribed[entry])
        if i < INSTANCES_ICD9:
            columns[f"p40013_i{i}"] = code_column(icd9, np.where(none | modern[entry], -1, place9[entry]))
    return dict(sorted(columns.items(), key=_field_order))


def _field_order(item: tuple[str, pa.Array]) -> tuple[int, int]:
    field, instance = item[0].removeprefix("p").split("_i")
    return int(field), int(instance)
