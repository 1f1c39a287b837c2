"""Raw files into ``build/raw/<cohort>/``, from a mirror folder or from their addresses."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from requests import HTTPError, RequestException, Timeout, get
from urllib3.exceptions import HTTPError as BrokenAnswer

from riskkit.cohort.content import check_content, ends_within_a_line
from riskkit.cohort.fallback import (
    PEOPLE,
    SEED,
    data_folder,
    has_twin,
    is_simulated,
    raw_folder,
    simulate,
    simulated_sources,
)
from riskkit.cohort.files import CHUNK, find
from riskkit.cohort.lock import Source, read_lock
from riskkit.errors import DataError, DataUnavailable
from riskkit.folders import whole_file
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.tables import FileSpec

TIMEOUT = (3, 10)  # seconds to connect, and to wait for the next piece of an answer
LARGEST = 20_000_000_000  # bytes of a download; what is larger is put there by hand
SLOWEST, PATIENCE = 1_000, 60  # bytes a second, looked at from so many seconds on: what drips would never end
BY_HAND = "put there by hand"


def fetch(
    spec: CohortSpec,
    root: str | Path,
    mirror: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
    accept: bool = False,
    invent: bool = True,
) -> tuple[Source, ...]:
    """Bring the raw files of a cohort to ``<root>/build/raw/<cohort>/``; those already there are only checked.

    Where none of them is to be had and the cohort is declared to fall back on invented people, these are written to the
    folder ``simulated`` in it.

    Parameters
    ----------
    spec : CohortSpec
    root : path
        Folder of the project.
    mirror : path, optional
        A folder that has the files, in ``<mirror>/<cohort>/`` or itself; by default what RISKKIT_MIRROR names. It goes
        before the addresses.
    progress : callable, optional
        Called with one line of text for each file.
    accept : bool
        Take files that differ from the recorded ones for right, and record them instead.
    invent : bool
        Whether to simulate people where the cohort falls back on them and none have been simulated yet.

    Returns
    -------
    tuple of Source
        One for each file of the specification; ``<cohort>.lock.json`` beside it keeps them.

    Raises
    ------
    DataUnavailable
        If a file is nowhere to be had.
    DataError
        If a file is damaged, or not the recorded one.
    """
    folder, shelves, lock = raw_folder(spec, root), _shelves(spec, mirror), read_lock(spec)
    say = progress or (lambda line: None)
    if has_twin(spec) and not _any_to_be_had(spec, (folder, *shelves)):
        twin = data_folder(spec, root)
        if is_simulated(twin):
            say(f"{spec.name}: simulated people are in {twin}")
            return simulated_sources(spec, twin)
        if not invent:
            raise DataUnavailable(f"For a simulated twin of it: make {spec.name}, or riskkit simulate {spec.name}.")
        say(f"{spec.name}: no data here; simulating people instead")
        return simulate(spec, root, PEOPLE, SEED)
    sources = []
    for key, file in spec.files.items():
        path = find(folder, *file.candidates)
        if path is not None:
            say(f"{file.path}: is in {folder}")
            check_content(path, file, may_be_empty=key == spec.withdrawals)
            source = lock.check(file.path, path, BY_HAND, accept, file.sha256)
        else:
            copy = next(filter(None, (find(shelf, *file.candidates) for shelf in shelves)), None)
            packed = copy is not None and copy.suffix.casefold() == ".gz" and Path(file.path).suffix.casefold() != ".gz"
            name = copy.name if copy is not None and file.format == "table" else file.path + ".gz" * packed
            with whole_file(folder / name) as part:
                if copy is not None:
                    origin = f"mirror: {copy.relative_to(shelves[-1]).as_posix()}"
                    say(f"{file.path}: copying from {copy.parent}")
                    shutil.copyfile(copy, part)
                else:
                    origin = str(file.address)
                    say(f"{file.path}: downloading from {file.address}")
                    _download(spec, key, file, folder, part)
                try:
                    check_content(part, file, may_be_empty=key == spec.withdrawals)
                except DataError as error:
                    if copy is not None:
                        raise DataError(str(error).replace(str(part), str(copy))) from error
                    said = str(error).removeprefix(f"{part}: ").partition(". ")[0]
                    raise _unavailable(spec, key, file, folder, f"what {file.address} gives {said}") from error
                source = lock.check(file.path, part, origin, accept, file.sha256)
        lock = lock.record(source)
        sources.append(source)
    return tuple(sources)


def _any_to_be_had(spec: CohortSpec, folders: tuple[Path, ...]) -> bool:
    files = spec.files.values()
    return any(file.address or find(folder, *file.candidates) for file in files for folder in folders)


def _shelves(spec: CohortSpec, mirror: str | Path | None) -> tuple[Path, ...]:
    """Folders of the mirror to look in, the cohort's own first and the mirror itself last."""
    named = mirror or os.environ.get("RISKKIT_MIRROR")
    if not named:
        return ()
    folder = Path(named)
    if not folder.is_dir():
        raise DataError(f"the mirror '{folder}' is not a folder. Correct RISKKIT_MIRROR, or the folder given instead.")
    return folder / (spec.fetch.mirror or spec.name), folder


def _download(spec: CohortSpec, key: str, file: FileSpec, folder: Path, part: Path) -> None:
    if file.address is None:
        raise _unavailable(spec, key, file, folder, "it has no address")
    try:
        told_whole = _receive(file.address, part)
    except HTTPError as error:
        raise _unavailable(spec, key, file, folder, f"its address answers {error}") from error
    except Timeout as error:
        raise _unavailable(spec, key, file, folder, f"{file.address} does not answer") from error
    except (RequestException, BrokenAnswer) as error:
        raise _unavailable(spec, key, file, folder, f"{file.address} cannot be downloaded") from error
    except _TooSlow as error:
        reason = f"{file.address} gives fewer than {SLOWEST:,} bytes a second, which would never end"
        raise _unavailable(spec, key, file, folder, reason) from error
    except _TooLarge as error:
        reason = f"{file.address} gives more than {LARGEST:,} bytes, which are not downloaded"
        raise _unavailable(spec, key, file, folder, reason) from error
    if not told_whole and ends_within_a_line(part, file):
        reason = f"what {file.address} gives ends within a line: it was cut off"
        raise _unavailable(spec, key, file, folder, reason)


class _TooLarge(Exception):
    """An address gives more than anybody should want."""


class _TooSlow(Exception):
    """An address gives so little at a time that nobody can wait for it."""


def _receive(address: str, part: Path) -> bool:
    """Write what an address answers; return whether the server said how much that is, so that a cut is an error."""
    with get(address, stream=True, timeout=TIMEOUT) as answer:
        answer.raise_for_status()
        size, began = 0, time.monotonic()
        with part.open("wb") as out:
            # What has come, at most a chunk, and not a whole chunk: a drip would be waited for, for days.
            while piece := answer.raw.read1(CHUNK, decode_content=True):
                size += len(piece)
                waited = time.monotonic() - began
                if size > LARGEST:
                    raise _TooLarge
                if waited > PATIENCE and size < SLOWEST * waited:
                    raise _TooSlow
                out.write(piece)
        return "Content-Length" in answer.headers or answer.headers.get("Transfer-Encoding", "") == "chunked"


def _unavailable(spec: CohortSpec, key: str, file: FileSpec, folder: Path, reason: str) -> DataUnavailable:
    return DataUnavailable(
        f"{file.path} of cohort '{spec.name}' is not in {folder} nor in a mirror, and {reason}: put the file into that "
        f"folder, set RISKKIT_MIRROR to a folder that has it, or correct files.{key}.address in {spec.path}."
    )
