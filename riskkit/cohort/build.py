"""From raw files and a specification to a cohort."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from riskkit.cohort.codelists import read_codelists, spec_sha256
from riskkit.cohort.cohort import Cohort
from riskkit.cohort.dated_outcomes import (
    add_histories,
    birth_days,
    calendar,
    dated_follow_up,
    dated_outcome,
    definitions,
    leave_out_unfollowed,
)
from riskkit.cohort.derive import derive
from riskkit.cohort.doubts import doubtful_ends, doubtful_values, impossible_follow_up, impossible_values, raise_all
from riskkit.cohort.events import FirstDates, first_dates
from riskkit.cohort.fallback import data_folder, is_simulated, simulated_sources
from riskkit.cohort.fetch import BY_HAND, fetch
from riskkit.cohort.files import find
from riskkit.cohort.flow import FlowStep, exclude, leave_out
from riskkit.cohort.join import join
from riskkit.cohort.lock import Source, read_lock
from riskkit.cohort.outcomes import FollowUp, Outcome, follow_up, outcome, state
from riskkit.cohort.panels import read_panel
from riskkit.cohort.rates import read_rates
from riskkit.cohort.read import ID
from riskkit.cohort.repeats import Repeats, read_repeats
from riskkit.cohort.sampled import Sampled, refuse_strangers, sampled
from riskkit.cohort.survey import sampling
from riskkit.cohort.variables import summarise
from riskkit.cohort.withdrawals import withdraw
from riskkit.errors import DataError, DataUnavailable
from riskkit.spec.cohort import CohortSpec, load_cohort_spec
from riskkit.spec.tables import DescribedSpec

NO_RESULT = "no result"

OF_THE_COHORT = "Of the cohort, neither in the subcohort nor a case"


def load_cohort(path: str | Path, raw_dir: str | Path | None = None) -> Cohort:
    """Build the cohort a TOML file declares, fetching its raw files first where they are missing.

    Parameters
    ----------
    path : path
        The cohort's TOML file.
    raw_dir : path, optional
        Folder of the raw files, nothing being fetched; by default ``build/raw/<cohort>/`` in the folder of the project:
        the one that holds the folder ``cohorts`` of the file, or else the file itself.

    Returns
    -------
    Cohort
        Everybody of it, with the codebook and the flow.

    Raises
    ------
    SpecError
        If the file has faults; all are listed.
    DataUnavailable
        If a raw file is nowhere to be had.
    DataError
        If the data are not what the file says.
    """
    spec = load_cohort_spec(path)
    if raw_dir is not None:
        return build(spec, raw_dir)
    here = spec.path.resolve().parent
    root = here.parent if here.name == "cohorts" else here
    folder = data_folder(spec, root)
    if any(find(folder, *file.candidates) is None for file in spec.files.values()):
        fetch(spec, root)
    return build(spec, data_folder(spec, root))


def build(spec: CohortSpec, raw_dir: str | Path) -> Cohort:
    """Build a cohort: read, join, decode, derive, exclude, and work out follow-up and outcomes.

    Parameters
    ----------
    spec : CohortSpec
    raw_dir : path
        Folder of the raw files. Where the cohort has a lock, they must be the files it records; invented people have
        none, and the cohort of them is marked as simulated.

    Raises
    ------
    DataUnavailable
        If a raw file is not there.
    DataError
        If the data are not what the specification says; the message begins with the specification's file.
    """
    folder, paths = Path(raw_dir), {}
    for key, file in spec.files.items():
        path = find(folder, *file.candidates)
        if path is None:
            raise DataUnavailable(
                f"{folder / ' or '.join(file.candidates)}: there is no such file. Put it there, or run "
                f"'riskkit fetch {spec.name}'."
            )
        paths[key] = path
    if is_simulated(folder):
        sources = simulated_sources(spec, folder)
    else:
        lock = read_lock(spec)
        sources = tuple(
            lock.check(file.path, paths[key], BY_HAND, declared=file.sha256) for key, file in spec.files.items()
        )
    with _within(str(spec.path)):
        return _build(spec, paths, sources, spec.simulated or is_simulated(folder))


def _build(spec: CohortSpec, paths: dict[str, Path], sources: tuple[Source, ...], simulated: bool) -> Cohort:
    lists, rates = read_codelists(spec), read_rates(spec)
    joined = join(spec, paths)
    people, reasons, flow = joined.people, joined.reasons, joined.flow
    everyone = people[ID]
    remarks: tuple[str, ...] = ()
    first: FirstDates | None = None
    if spec.follow_up is not None and spec.follow_up.baseline is not None:
        first = first_dates(spec, paths, people, birth_days(people, spec), definitions(spec, lists))
        remarks = first.remarks
        people = add_histories(people, spec, first.days)
    people, flow, items = _with_panels(people, flow, spec, paths)
    if spec.withdrawals is not None:
        people, flow, said = withdraw(people, flow, paths[spec.withdrawals])
        remarks += said
    for name, derived in spec.derived.items():
        with _within(f"derived.{name}"):
            people[name] = derive(people, derived)
    with _within("design"):
        design = sampling(people, spec.design) if spec.design else None
    people, flow = exclude(people, flow, spec.exclusions)
    faults = list(impossible_values(people, spec))
    try:
        people, flow, columns, outcomes = _followed(people, flow, spec, first)
    except DataError as error:
        raise_all([*faults, str(error)])
        raise
    raise_all([*faults, *impossible_follow_up(people, columns, spec)])
    doubts = (*joined.doubts, *doubtful_values(people, spec), *doubtful_ends(people, columns, spec))
    drawn: Sampled | None = None
    if spec.sampling is not None:
        with _within("sampling"):
            refuse_strangers(spec, paths, everyone)
            drawn, out = sampled(people, columns, outcomes, spec)
        if out.any():
            people, flow = leave_out(people, flow, OF_THE_COHORT, out)
            columns = {name: values[~out] for name, values in columns.items()}
    repeats: dict[str, Repeats] = {}
    for name in spec.repeats:
        with _within(f"repeats.{name}"):
            found = read_repeats(name, spec, paths, people, columns, outcomes, everyone)
        repeats[name], visits, said = found
        columns, remarks = columns | visits, remarks + said
    variables = {
        name: summarise(name, declared, people[name], reasons[name].loc[people.index] if name in reasons else None)
        for name, declared in spec.columns.items()
    }
    for name, item in items.items():
        values = people[name]
        variables[name] = summarise(name, item, values, pd.Series(NO_RESULT, index=values.index).where(values.isna()))
    dates = [name for name, variable in spec.variables.items() if variable.kind == "date"]
    data = pd.concat([people.drop(columns=dates), pd.DataFrame(columns, copy=False)], axis=1, copy=False)
    data.index = pd.RangeIndex(len(data))
    declared = spec.follow_up
    ends = {
        key: {"version": censoring.version, **{level: day.isoformat() for level, day in censoring.dates.items()}}
        for key, censoring in spec.censoring.items()
    }
    return Cohort(
        name=spec.name,
        title=spec.title,
        description=spec.description,
        citation=spec.citation,
        simulated=simulated,
        data=data,
        flow=flow,
        variables=variables,
        outcomes=outcomes,
        follow_up=FollowUp(declared.start, declared.end, declared.unit, ends) if declared else None,
        sources=sources,
        remarks=remarks,
        doubts=doubts,
        design=design,
        disclosure=spec.disclosure,
        rates=rates,
        spec_sha256=spec_sha256(spec),
        repeats=repeats,
        sampled=drawn,
    )


def _with_panels(
    people: pd.DataFrame, flow: tuple[FlowStep, ...], spec: CohortSpec, paths: dict[str, Path]
) -> tuple[pd.DataFrame, tuple[FlowStep, ...], dict[str, DescribedSpec]]:
    """Add the numbers of panels; people without any are left out where the panel's file says so."""
    items: dict[str, DescribedSpec] = {}
    for name, panel in spec.panels.items():
        file, path = spec.files[panel.file], paths[panel.file]
        with _within(f"panels.{name}"):
            columns, own = read_panel(name, panel, path, file, str(spec.id), people)
        items |= own
        people = pd.concat([people, columns], axis=1)
        if file.join == "inner":
            out = columns.isna().all(axis=1)
            people, flow = leave_out(people, flow, f"No result in {file.label or file.path}", out)
    return people, flow, items


def _followed(
    people: pd.DataFrame, flow: tuple[FlowStep, ...], spec: CohortSpec, first: FirstDates | None
) -> tuple[pd.DataFrame, tuple[FlowStep, ...], dict[str, pd.Series], dict[str, Outcome]]:
    """Work out follow-up and outcomes, from times or from dates; those without any follow-up are left out."""
    outcomes = {}
    if first is None:
        columns = follow_up(people, spec)
        for name, declared in spec.outcomes.items():
            outcomes[name], own = (state if declared.state else outcome)(people, spec, name)
            columns |= own
        return people, flow, columns, outcomes
    dates = calendar(people, spec, first.days.loc[people.index])
    people, flow = leave_out_unfollowed(people, flow, spec, dates)
    dates, days = dates.of(people.index), first.days.loc[people.index]
    columns = dated_follow_up(spec, dates)
    for name, declared in spec.outcomes.items():
        with _within(f"outcomes.{name}"):
            made = state(people, spec, name) if declared.state else dated_outcome(people, spec, name, dates, days)
            outcomes[name] = made[0]
            columns |= made[1]
    return people, flow, columns, outcomes


@contextmanager
def _within(place: str) -> Iterator[None]:
    """Say in which part of the specification a fault of the data came up."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
