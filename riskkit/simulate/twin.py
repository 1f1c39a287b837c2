"""The simulated twin from first draw to last file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa

from riskkit.errors import SpecError
from riskkit.simulate.blood import Blood, draw_blood
from riskkit.simulate.death_records import death_tables
from riskkit.simulate.diseases import DISEASES
from riskkit.simulate.follow_up import FollowUp, follow
from riskkit.simulate.hospital import hospital_tables
from riskkit.simulate.onset import onsets
from riskkit.simulate.participant import participant_columns
from riskkit.simulate.people import People, recruit
from riskkit.simulate.proteins import MOST as MOST_PROTEINS
from riskkit.simulate.proteins import describe_proteins, draw_proteins, hazards, write_proteins
from riskkit.simulate.register import find_sources, register_columns
from riskkit.simulate.truth import describe_truth
from riskkit.simulate.write import MARK, Format, twin_folder, write_table

FEWEST, MOST = 100, 2_000_000
WITHDRAWN_SHARE, FEWEST_WITHDRAWN, WITHDRAWN_STRANGERS = 0.0004, 3, 2
STEPS = ("people", "diseases and deaths", "participant table", "hospital records", "death records", "proteins", "truth")


@dataclass(frozen=True)
class Twin:
    """What was drawn, before any of it is encoded, measured with error or lost.

    Attributes
    ----------
    people : People
    blood : Blood
        With usual IGF-1, which no file has.
    onset : int32 array, shape (diseases, n)
        Date of each of `DISEASES`, days since 1970, were there no death.
    follow_up : FollowUp
    intercepts : dict
        Log hazard at age 60 of men and women, by disease and by cause of death.
    """

    people: People
    blood: Blood
    onset: np.ndarray
    follow_up: FollowUp
    intercepts: dict[str, tuple[float, float]]


def draw_people(n: int, rng: np.random.Generator) -> tuple[People, Blood]:
    """Draw people and their blood."""
    recruiting, bleeding = rng.spawn(2)
    people = recruit(n, recruiting)
    return people, draw_blood(people, bleeding)


def draw_diseases(
    people: People, blood: Blood, rng: np.random.Generator, more: Mapping[str, np.ndarray] | None = None
) -> Twin:
    """Draw what becomes of people."""
    falling_ill, dying = rng.spawn(2)
    onset, intercepts = onsets(DISEASES, people, blood, falling_ill, more)
    follow_up, deaths = follow(people, blood, onset, dying)
    return Twin(people, blood, onset, follow_up, intercepts | deaths)


def draw_twin(n: int, seed: int) -> Twin:
    """Draw a twin without writing it: what `simulate_ukb` with the same arguments encodes."""
    peopling, living, _ = np.random.default_rng(seed).spawn(3)
    return draw_diseases(*draw_people(n, peopling), living)


def simulate_ukb(
    folder: str | Path,
    n: int = 50_000,
    seed: int = 1,
    on_progress: Callable[[int, int, str], None] | None = None,
    form: Format = "parquet",
    proteins: int = 0,
) -> Path:
    """Write a simulated twin of UK Biobank: raw tables in its format, and the truth they were drawn with.

    Parameters
    ----------
    folder : path
        Where to. An earlier twin there is replaced; anything else is left alone. The folder appears whole or not at
        all.
    n : int
        Number of people, 100 to 2,000,000; UK Biobank has 502,000.
    seed : int
        The same seed, `n` and versions of NumPy and pyarrow give the same bytes.
    on_progress : callable, optional
        Called with the steps done, all the steps, and what is being made.
    form : {"parquet", "csv"}
        Of the tables; the list of withdrawals is CSV without a header, as UK Biobank sends it.
    proteins : int
        How many there are in ``olink_data``, 0 to 2,923; ten of the first 48 act on diseases, so that these are others
        than without.

    Returns
    -------
    Path
        The folder, with ``participant``, ``hesin``, ``hesin_diag``, ``death``, ``death_cause``, ``withdrawals.csv``
        and ``truth.json``; with proteins, ``olink_data`` too.

    Raises
    ------
    SpecError
        If `n`, `seed`, `form` or `proteins` is out of range.
    DataError
        If `folder` holds something else.

    Notes
    -----
    Everything assumed is in docs/simulated-ukb.md. Nobody in the twin is or resembles a participant.
    """
    check(n, seed, form, proteins)
    folder = Path(folder)
    say = on_progress or (lambda done, total, what: None)
    peopling, living, recording, bleeding = np.random.default_rng(seed).spawn(4)
    drawing, assaying = bleeding.spawn(2)
    seeing, registering, filling, admitting, certifying, withdrawing = recording.spawn(6)
    with twin_folder(folder) as part:
        say(0, len(STEPS), STEPS[0])
        people, blood = draw_people(n, peopling)
        say(1, len(STEPS), STEPS[1])
        drawn = draw_proteins(proteins, n, drawing) if proteins else None
        twin = draw_diseases(people, blood, living, hazards(drawn) if drawn else None)
        sources = find_sources(people, twin.follow_up, twin.onset, seeing)
        say(2, len(STEPS), STEPS[2])
        columns = participant_columns(people, blood, twin.follow_up, filling)
        columns |= register_columns(people, sources.registered, registering)
        write_table(pa.table(columns), part, "participant", form)
        _write_withdrawals(people, part, withdrawing)
        say(3, len(STEPS), STEPS[3])
        hesin, hesin_diag = hospital_tables(people, twin.follow_up, sources.admitted, admitting)
        write_table(hesin, part, "hesin", form)
        write_table(hesin_diag, part, "hesin_diag", form)
        say(4, len(STEPS), STEPS[4])
        death, death_cause = death_tables(people, twin.follow_up, twin.onset, certifying)
        write_table(death, part, "death", form)
        write_table(death_cause, part, "death_cause", form)
        say(5, len(STEPS), STEPS[5])
        if drawn is not None:
            write_proteins(drawn, people, blood, part, assaying, form)
        say(6, len(STEPS), STEPS[6])
        truth = describe_truth(people, blood, twin.follow_up, twin.onset, twin.intercepts, seed)
        if drawn is not None:
            truth["olink"] = describe_proteins(drawn)
        (part / MARK).write_text(json.dumps(truth, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    say(len(STEPS), len(STEPS), "done")
    return folder


def check(n: int, seed: int, form: str, proteins: int = 0) -> None:
    """Refuse numbers of people and proteins, seeds and formats that cannot be.

    Raises
    ------
    SpecError
    """
    if isinstance(proteins, bool) or not isinstance(proteins, int) or not 0 <= proteins <= MOST_PROTEINS:
        raise SpecError(f"simulate: proteins must be a whole number from 0 to {MOST_PROTEINS:,}; got {proteins!r}.")
    if isinstance(n, bool) or not isinstance(n, int) or not FEWEST <= n <= MOST:
        raise SpecError(f"simulate: n is the number of people, a whole number from {FEWEST} to {MOST:,}; got {n!r}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecError(f"simulate: seed must be a whole number from 0 on; got {seed!r}.")
    if form not in get_args(Format):
        raise SpecError(
            f"simulate: form must be {' or '.join(repr(known) for known in get_args(Format))}; got {form!r}."
        )


def _write_withdrawals(people: People, folder: Path, rng: np.random.Generator) -> None:
    """Those who withdrew after the extract was made, and some who never were in it."""
    count = max(FEWEST_WITHDRAWN, round(people.n * WITHDRAWN_SHARE))
    eids = np.append(rng.choice(people.eid, count, replace=False), 9_000_001 + np.arange(WITHDRAWN_STRANGERS))
    (folder / "withdrawals.csv").write_text("".join(f"{eid}\n" for eid in eids), encoding="utf-8")
