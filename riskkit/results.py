"""What a run leaves behind: tidy frames and a manifest, in one folder.

Every frame has a schema that the question which fills it declares (`riskkit.frames`); docs/results.md lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from riskkit import registry
from riskkit.errors import DataError
from riskkit.folders import check_sums, whole_folder
from riskkit.frames import Frame
from riskkit.manifest import Manifest
from riskkit.markup import shown

MANIFEST = "results.json"


@lru_cache(maxsize=1)
def schemas() -> Mapping[str, Frame]:
    """The schema of every frame, by its name, in the order of the report."""
    return MappingProxyType({frame.name: frame for frames in registry.parts("frames").values() for frame in frames})


def reported() -> tuple[str, ...]:
    """The names of the frames that a report has beside its page: all but those that are internal."""
    return tuple(name for name, frame in schemas().items() if not frame.internal)


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """The results of one analysis; every frame is an attribute too, as in ``results.estimates``.

    Attributes
    ----------
    manifest : Manifest
        What was asked, of which cohort (with its exclusion flow, variables and sources), with which software.
    frames : mapping of name to DataFrame
        See `schemas` and docs/results.md.
    """

    manifest: Manifest
    frames: Mapping[str, pd.DataFrame]

    def __repr__(self) -> str:
        filled = sum(not frame.empty for frame in self.frames.values())
        asked = self.manifest.analysis
        return f"<Results {asked.title}: {filled} of {len(self.frames)} frames have rows>"

    def _repr_html_(self) -> str:
        """The results in a notebook: what was asked of whom, and the frames that have rows, every text escaped."""
        asked, cohort = self.manifest.analysis, self.manifest.cohort
        means = {name: frame.meaning for name, frame in schemas().items()}
        rows = [(name, means.get(name, ""), f"{len(frame):,}") for name, frame in self.frames.items() if len(frame)]
        people = f"{cohort.title}: {cohort.n:,} {'simulated people, not data' if cohort.simulated else 'people'}"
        frames = pd.DataFrame(rows, columns=["frame", "holds", "rows"])
        return shown(asked.title, (asked.question, people), frames)

    @classmethod
    def of(cls, manifest: Manifest, rows: Mapping[str, list[pd.DataFrame]]) -> Results:
        """Results with these rows; frames without any have their columns."""
        return cls(manifest, {name: frame.of(rows.get(name, ())) for name, frame in schemas().items()})

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("__") or name == "frames" or name not in self.frames:
            raise AttributeError(f"results have no frame '{name}'.")
        return self.frames[name]

    def replaced(self, manifest: Manifest | None = None, **frames: pd.DataFrame) -> Results:
        """The results with another manifest, or other frames."""
        return replace(self, manifest=manifest or self.manifest, frames={**self.frames, **frames})

    def write(self, folder: str | Path) -> Path:
        """Write every frame as Parquet and the manifest as JSON; the folder appears whole or not at all.

        Returns the path of the manifest.

        Raises
        ------
        DataError
            If a frame is not as its schema says.
        """
        folder = Path(folder)
        for name, frame in schemas().items():
            frame.check(self.frames[name])
        write_frames(
            folder, {name: self.frames[name] for name in _kept(self.manifest)}, {MANIFEST: self.manifest.to_json()}
        )
        return folder / MANIFEST

    @classmethod
    def read(cls, folder: str | Path) -> Results:
        """Read what `write` wrote.

        Raises
        ------
        DataError
            If a part is missing, or is not as it was written or as its schema says.
        """
        folder = Path(folder)
        parts = {name: folder / f"{name}.parquet" for name in schemas()}
        _are_there(folder / MANIFEST, *(parts[name] for name in reported()))
        try:
            check_sums(folder)
            manifest = Manifest.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
        except DataError as error:
            raise DataError(f"{folder}: {error} Run the analysis again (riskkit run ...).") from error
        kept = _kept(manifest)
        _are_there(*(parts[name] for name in kept))
        try:
            frames = {
                name: frame.check(pd.read_parquet(parts[name])) if name in kept else frame.empty()
                for name, frame in schemas().items()
            }
        except DataError as error:
            raise DataError(f"{folder}: {error} Run the analysis again (riskkit run ...).") from error
        return cls(manifest, frames)

    def __reduce__(self) -> tuple[Any, ...]:
        return Results, (self.manifest, dict(self.frames))


def _kept(manifest: Manifest) -> tuple[str, ...]:
    """The frames that are written: what the rule on small numbers needs to know, only where there is one."""
    return tuple(schemas()) if manifest.cohort.disclosure is not None else reported()


def _are_there(*paths: Path) -> None:
    absent = [path.name for path in paths if not path.is_file()]
    if absent:
        folder = paths[0].parent
        raise DataError(f"{folder}: {', '.join(absent)} missing; run the analysis again (riskkit run ...).")


def write_frames(folder: Path, frames: Mapping[str, pd.DataFrame], texts: Mapping[str, str] | None = None) -> None:
    """Write frames as NAME.parquet, and texts under their names, to a folder that appears whole or not at all."""
    with whole_folder(folder, sums=True) as new:
        for name, frame in frames.items():
            frame.to_parquet(new / f"{name}.parquet", index=False)
        for name, text in (texts or {}).items():
            (new / name).write_text(text, encoding="utf-8")


def read_frames(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the frames that `write_frames` wrote."""
    return {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
