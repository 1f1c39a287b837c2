"""Invented people where there are no data: in their own folder, so that they are never mixed with real ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from riskkit.cohort.files import find, fingerprint
from riskkit.cohort.lock import Source
from riskkit.errors import SpecError
from riskkit.simulate import simulate_ukb
from riskkit.simulate.visits import simulate_visits
from riskkit.simulate.write import MARK
from riskkit.spec.cohort import CohortSpec

FOLDER = "simulated"
PEOPLE, SEED = 50_000, 1
PROTEIN_TABLE, PROTEINS = "olink_data", 500  # of a cohort that has a panel of them
VISITS = "simulate visits"  # the fallback of a cohort of people seen again


def raw_folder(spec: CohortSpec, root: str | Path) -> Path:
    """Where the raw files of a cohort are kept in a project's folder."""
    return Path(root) / "build" / "raw" / spec.name


def data_folder(spec: CohortSpec, root: str | Path) -> Path:
    """Where the raw files are: in `raw_folder` or, while it has none of them, those of the twin in its subfolder."""
    real = raw_folder(spec, root)
    twin = real / FOLDER
    if is_simulated(twin) and not any(find(real, *file.candidates) for file in spec.files.values()):
        return twin
    return real


def has_twin(spec: CohortSpec) -> bool:
    """Whether a cohort falls back on invented people."""
    return spec.fetch.fallback is not None


def is_simulated(folder: Path) -> bool:
    """Whether a folder holds a twin."""
    return (folder / MARK).is_file()


def simulate(
    spec: CohortSpec,
    root: str | Path,
    people: int,
    seed: int,
    progress: Callable[[int, int, str], None] | None = None,
) -> tuple[Source, ...]:
    """Write a twin beside the place of the real files, over an earlier one; with proteins where the cohort has them.

    Raises
    ------
    SpecError
        If the cohort is not declared to have one, or `people` or `seed` is out of range.
    """
    if spec.fetch.fallback is None:
        raise SpecError(f"{spec.path}: has no twin; one is made of a cohort with fallback = 'simulate' in [fetch].")
    proteins = PROTEINS if any(panel.file == PROTEIN_TABLE for panel in spec.panels.values()) else 0
    folder = raw_folder(spec, root) / FOLDER
    if spec.fetch.fallback == VISITS:
        simulate_visits(folder, people, seed, progress)
        return simulated_sources(spec, folder)
    simulate_ukb(folder, people, seed, progress, proteins=proteins)
    return simulated_sources(spec, folder)


def simulated_sources(spec: CohortSpec, folder: Path) -> tuple[Source, ...]:
    """Describe the files of a twin; no lock keeps them."""
    truth = json.loads((folder / MARK).read_text(encoding="utf-8"))
    origin = f"simulated: {truth['n']:,} people, seed {truth['seed']}"
    sources = []
    for file in spec.files.values():
        path = find(folder, *file.candidates)
        if path is not None:
            content = fingerprint(path)
            sources.append(Source(file.path, content.bytes, content.sha256, origin))
    return tuple(sources)
