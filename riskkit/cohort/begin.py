"""A first project from a data file: both files written and loaded, the data put where they are read from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from riskkit.cohort.draft import Draft, draft
from riskkit.cohort.fallback import raw_folder
from riskkit.cohort.fetch import fetch
from riskkit.cohort.files import find, fingerprint
from riskkit.cohort.lock import Source
from riskkit.cohort.look import look
from riskkit.cohort.roles import Wishes, roles
from riskkit.errors import SpecError
from riskkit.folders import scratch, whole_file
from riskkit.spec.analysis import load_analysis
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.schema import schema_text

SCHEMA = ".schema.json"


@dataclass(frozen=True)
class Begun:
    """What was written.

    Attributes
    ----------
    cohort, analysis : Path
    spec : CohortSpec
    sources : tuple of Source
        The data, in ``build/raw/NAME/``.
    remarks : tuple of str
        What was guessed or suspected, a clause each.
    """

    cohort: Path
    analysis: Path
    spec: CohortSpec
    sources: tuple[Source, ...]
    remarks: tuple[str, ...]


def begin(data: str | Path, wishes: Wishes, name: str | None = None, root: str | Path = ".") -> Begun:
    """Look at a data file with one record a person, and write its cohort file and a first analysis.

    Parameters
    ----------
    data : path
        As `look` reads it, but for files of fixed width.
    wishes : Wishes
        Which column is what.
    name : str, optional
        Of cohort and analysis; that of the file unless given.
    root : path
        Folder of the project.

    Raises
    ------
    SpecError
        If a column cannot be what it is named for, one is needed and cannot be guessed, or a file is there already.
    DataError
        If the data cannot be read.
    """
    data, root = Path(data), Path(root)
    seen = look(data)
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", data.name.partition(".")[0]).strip("-_")
    made = draft(name or plain, seen, roles(seen, wishes))
    cohort, analysis = root / "cohorts" / f"{made.name}.toml", root / "analyses" / f"{made.name}.toml"
    for path in (cohort, analysis, cohort.with_suffix(".lock.json")):
        if path.exists():
            raise SpecError(f"{path}: is there already, and stays as it is. Give another name with --name.")
    spec = _loads(made)
    there = find(raw_folder(spec, root), *seen.file.candidates)
    if there is not None and fingerprint(there) != fingerprint(data):
        raise SpecError(f"{there}: another file is there already. Give another name with --name.")
    for path, text in ((cohort, made.cohort), (analysis, made.analysis)):
        with whole_file(path) as new:
            new.write_text(text, encoding="utf-8")
    for folder, text in ((cohort.parent, schema_text("cohort")), (analysis.parent, schema_text("analysis"))):
        with whole_file(folder / SCHEMA) as new:
            new.write_text(text, encoding="utf-8")
    spec = load_analysis(analysis)[1]
    return Begun(cohort, analysis, spec, fetch(spec, root, mirror=data.resolve().parent), made.remarks)


def _loads(made: Draft) -> CohortSpec:
    """Load both files in a folder that goes: only what loads is written."""
    with scratch() as folder:
        for kind, text in (("cohorts", made.cohort), ("analyses", made.analysis)):
            (folder / kind).mkdir()
            (folder / kind / f"{made.name}.toml").write_text(text, encoding="utf-8")
        return load_analysis(folder / "analyses" / f"{made.name}.toml")[1]
