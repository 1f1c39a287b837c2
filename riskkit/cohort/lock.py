"""The record of a cohort's raw files, kept beside its specification: the same files tomorrow as today."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from riskkit.cohort.files import fingerprint
from riskkit.errors import DataError
from riskkit.folders import whole_file
from riskkit.spec.cohort import CohortSpec


@dataclass(frozen=True)
class Source:
    """A raw file a cohort was made from.

    Attributes
    ----------
    file : str
        Its name in the specification.
    bytes, sha256
        Of its content, a .gz taken uncompressed.
    origin : str
        The address it came from, or where in a mirror it was.
    """

    file: str
    bytes: int
    sha256: str
    origin: str


@dataclass(frozen=True)
class Lock:
    """What is recorded of the raw files of one cohort, by name."""

    path: Path
    cohort: str
    sources: dict[str, Source]

    def check(self, file: str, path: Path, origin: str, accept: bool = False, declared: str | None = None) -> Source:
        """Read a file through and compare it with the record.

        Parameters
        ----------
        file : str
            Its name in the specification.
        path : Path
            Where it is.
        origin : str
            Where it came from, unless the record of the same content knows.
        accept : bool
            Whether another content than the recorded, or declared, is right.
        declared : str, optional
            SHA-256 of the publisher's file; what was recorded before goes first.

        Raises
        ------
        DataError
            If it is damaged, or not the recorded file.
        """
        found, known = fingerprint(path), self.sources.get(file)
        if known is None and declared is not None and not accept and found.sha256 != declared:
            raise DataError(
                f"{path.with_name(file)} is not the publisher's file: it has sha256 {found.sha256[:12]}..., the cohort "
                f"file declares {declared[:12]}.... Fetch it again; or, if this file is right all the same, run "
                f"'riskkit fetch {self.cohort} --accept'."
            )
        if known is None or (accept and known.sha256 != found.sha256):
            return Source(file, found.bytes, found.sha256, origin)
        if known.sha256 != found.sha256:
            raise DataError(
                f"{path.with_name(file)} is not the file recorded in {self.path}: it has {found.bytes:,} bytes with "
                f"sha256 {found.sha256[:12]}..., recorded are {known.bytes:,} with {known.sha256[:12]}... (origin: "
                f"{known.origin}). If this file is right, run 'riskkit fetch {self.cohort} --accept'; if the recorded "
                "one is, delete this one and fetch again."
            )
        return known

    def record(self, source: Source) -> Lock:
        """Return the lock with this source, written to its file where it is news."""
        if self.sources.get(source.file) == source:
            return self
        lock = replace(self, sources={**self.sources, source.file: source})
        entries = {name: asdict(lock.sources[name]) for name in sorted(lock.sources)}
        with whole_file(self.path) as part:
            part.write_text(json.dumps({"sources": list(entries.values())}, indent=2) + "\n", encoding="utf-8")
        return lock


def read_lock(spec: CohortSpec) -> Lock:
    """Read ``<cohort>.lock.json`` beside the specification; an empty record where there is none.

    Raises
    ------
    DataError
        If it is not what riskkit writes.
    """
    path = spec.path.with_name(f"{spec.path.stem}.lock.json")
    if not path.is_file():
        return Lock(path, spec.name, {})
    try:
        sources = [Source(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))["sources"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error!r}). Delete it to record the raw files anew.") from error
    return Lock(path, spec.name, {source.file: source for source in sources})
