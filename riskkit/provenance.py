"""Where numbers come from: software, code version and input files."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "pandas", "numba", "formulaic", "statsmodels", "lifelines", "matplotlib")


QUIET_GIT = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")


def sha256(path: str | Path) -> str:
    """Hash a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Provenance:
    """The software, the analysis file and the time behind a result.

    Attributes
    ----------
    riskkit, python : str
        Versions.
    packages : dict of package to version
    commit : str or None
        The git commit that the project is at; None outside a repository.
    dirty : bool
        Whether tracked files differ from it.
    spec_path, spec_sha256 : str
        The analysis file.
    created : str
        Moment in UTC (ISO 8601).
    seconds : float or None
        How long the models took; None before they are done.
    """

    riskkit: str
    python: str
    packages: dict[str, str]
    commit: str | None
    dirty: bool
    spec_path: str
    spec_sha256: str
    created: str
    seconds: float | None = None


def provenance(spec: str | Path) -> Provenance:
    """Describe the software and the analysis file behind a result.

    `created` is the present moment in UTC, or the one SOURCE_DATE_EPOCH names, so that a rebuild can be byte-identical.
    """
    spec = Path(spec)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return Provenance(
        riskkit=installed("riskkit"),
        python=platform.python_version(),
        packages={name: installed(name) for name in PACKAGES},
        **commit(spec.resolve().parent),
        spec_path=f"{spec.parent.name}/{spec.name}",
        spec_sha256=sha256(spec),
        created=now.isoformat(timespec="seconds"),
    )


def installed(package: str) -> str:
    """Version of an installed package, or "not installed"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def commit(folder: Path) -> dict[str, Any]:
    """The git commit a folder is at, and whether tracked files differ from it (or git cannot say); None outside one."""
    head = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
    return {"commit": head, "dirty": head is not None and changed != ""}


def _git(folder: Path, *arguments: str) -> str | None:
    """Ask git; whatever the folder's own .git says, none of its programs is run."""
    own = _ask(folder, "config", "--local", "--includes", "--null", "--name-only", "--get-regexp", r"^filter\.")
    filters = [f"{name}=" for name in (own or "").split("\0") if name.endswith((".clean", ".process", ".required"))]
    return _ask(folder, *(part for setting in filters for part in ("-c", setting)), *arguments)


def _ask(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *QUIET_GIT, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            env={**os.environ, "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"},
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None  # no git on this machine: the commit is unknown, which the report says
    return done.stdout.strip() if done.returncode == 0 else None
