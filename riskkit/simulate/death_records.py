"""Death records: one row for each registration (death) and one for each cause on it (death_cause)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from riskkit.simulate.diseases import DISEASES
from riskkit.simulate.follow_up import FollowUp
from riskkit.simulate.onset import NEVER
from riskkit.simulate.people import SCOTLAND, People
from riskkit.simulate.tables import column, date_column

TWICE_SHARE, UNCAUSED_SHARE, MENTION_SHARE = 0.001, 0.003, 0.5
OTHER_MENTIONS = ("I10", "N189", "J189", "F03", "J449", "N179", "E119", "R54", "A419", "I48")


def death_tables(
    people: People, follow_up: FollowUp, onset: np.ndarray, rng: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    """Make death and death_cause.

    Level 1 is the underlying cause, level 2 a contributory one: a disease the person had, or something common. A few
    deaths are registered twice, a few have no cause yet, and one belongs to nobody.

    Parameters
    ----------
    people : People
    follow_up : FollowUp
    onset : int32 array, shape (diseases, n)
    rng : numpy.random.Generator

    Returns
    -------
    death, death_cause : pyarrow.Table
    """
    dead = np.flatnonzero(follow_up.death != NEVER)
    stranger = rng.integers(8_000_000, 9_000_000, 1).astype(np.int32)
    twice = dead[rng.random(len(dead)) < TWICE_SHARE]
    person = np.concatenate([dead, twice])
    ins_index = np.repeat([0, 1], [len(dead), len(twice)])
    order = np.lexsort((ins_index, person))
    person, ins_index = person[order], ins_index[order]
    last = follow_up.death[dead].max(initial=people.baseline.max() + 1)
    scottish = people.country[person] == SCOTLAND
    death = pa.table(
        {
            "eid": column(np.append(people.eid[person], stranger)),
            "ins_index": column(np.append(ins_index, 0).astype(np.int16)),
            "dsource": column(np.append(np.where(scottish, "SCOT", "E/W"), "E/W")),
            "date_of_death": date_column(np.append(follow_up.death[person], last)),
        }
    )

    caused = dead[rng.random(len(dead)) >= UNCAUSED_SHARE]
    who, what = [caused], [follow_up.underlying[caused]]
    for row, (disease, stream) in enumerate(zip(DISEASES, rng.spawn(len(DISEASES)), strict=True)):
        had = caused[(onset[row][caused] <= follow_up.death[caused]) & (stream.random(len(caused)) < MENTION_SHARE)]
        who.append(had)
        what.append(stream.choice(disease.icd10, len(had)))
    for stream in rng.spawn(2):
        mentioned = caused[stream.random(len(caused)) < MENTION_SHARE]
        who.append(mentioned)
        what.append(stream.choice(OTHER_MENTIONS, len(mentioned)))
    person, code = np.concatenate(who), np.concatenate(what)
    level = np.repeat([1, 2], [len(caused), len(person) - len(caused)])
    order = np.lexsort((level, person))
    person, code, level = person[order], code[order], level[order]
    starts = np.searchsorted(person, person)
    death_cause = pa.table(
        {
            "eid": column(people.eid[person]),
            "ins_index": column(np.zeros(len(person), np.int16)),
            "arr_index": column((np.arange(len(person)) - starts).astype(np.int16)),
            "level": column(level.astype(np.int8)),
            "cause_icd10": column(code),
        }
    )
    return death, death_cause
