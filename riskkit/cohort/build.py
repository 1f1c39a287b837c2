"""From raw files and a specification to a cohort."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from riskkit.cohort.cohort import Cohort
from riskkit.cohort.derive import derive
from riskkit.cohort.fetch import BY_HAND, fetch, raw_folder
from riskkit.cohort.files import find
from riskkit.cohort.flow import exclude
from riskkit.cohort.join import join
from riskkit.cohort.lock import Source, read_lock
from riskkit.cohort.outcomes import FollowUp, follow_up, outcome
from riskkit.cohort.variables import summarise
from riskkit.errors import DataError, DataUnavailable
from riskkit.spec.cohort import CohortSpec, load_cohort_spec


def load_cohort(path: str | Path, raw_dir: str | Path | None = None) -> Cohort:
    """Build the cohort a TOML file declares, fetching its raw files first where they are missing.

    Parameters
    ----------
    path : path
        The cohort's TOML file.
    raw_dir : path, optional
        Folder of the raw files, nothing being fetched; by default ``build/raw/<cohort>/`` in the folder of the project:
        the one that holds the folder ``cohorts`` of the file, or else the file itself.

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
    folder = raw_folder(spec, root)
    if any(find(folder, file.path) is None for file in spec.files.values()):
        fetch(spec, root)
    return build(spec, folder)


def build(spec: CohortSpec, raw_dir: str | Path) -> Cohort:
    """Build a cohort: read, join, decode, derive, exclude, and work out follow-up and outcomes.

    Parameters
    ----------
    spec : CohortSpec
    raw_dir : path
        Folder of the raw files. Where the cohort has a lock, they must be the files it records.

    Raises
    ------
    DataUnavailable
        If a raw file is not there.
    DataError
        If the data are not what the specification says; the message begins with the specification's file.
    """
    lock, paths, sources = read_lock(spec), {}, []
    for key, file in spec.files.items():
        path = find(Path(raw_dir), file.path)
        if path is None:
            raise DataUnavailable(
                f"{Path(raw_dir) / file.path}: there is no such file. Put it there, or run 'riskkit fetch {spec.name}'."
            )
        paths[key] = path
        sources.append(lock.check(file.path, path, BY_HAND))
    with _within(str(spec.path)):
        return _build(spec, paths, tuple(sources))


def _build(spec: CohortSpec, paths: dict[str, Path], sources: tuple[Source, ...]) -> Cohort:
    people, reasons, flow = join(spec, paths)
    for name, derived in spec.derived.items():
        with _within(f"derived.{name}"):
            people[name] = derive(people, derived)
    people, flow = exclude(people, flow, spec.exclusions)
    columns = follow_up(people, spec)
    outcomes = {}
    for name in spec.outcomes:
        outcomes[name], own = outcome(people, spec, name)
        columns |= own
    variables = {
        name: summarise(name, declared, people[name], reasons[name].loc[people.index] if name in reasons else None)
        for name, declared in (spec.variables | spec.derived).items()
    }
    declared = spec.follow_up
    return Cohort(
        name=spec.name,
        title=spec.title,
        description=spec.description,
        citation=spec.citation,
        simulated=spec.simulated,
        data=people.assign(**columns).reset_index(drop=True),
        flow=flow,
        variables=variables,
        outcomes=outcomes,
        follow_up=FollowUp(declared.start, declared.end, declared.unit) if declared else None,
        sources=sources,
    )


@contextmanager
def _within(place: str) -> Iterator[None]:
    """Say in which part of the specification a fault of the data came up."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
