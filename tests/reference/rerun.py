"""Run every R script of this folder again, and note the versions of R and of the packages that each loads.

    make reference                 # all of them
    python tests/reference/rerun.py glm meta

The frozen numbers are then those of the R that is installed here: look at what `git diff` says before it is committed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FIRST = ("incidence", "glm", "infer_rms", "screen")  # what others read
TO_STDOUT = re.compile(r"Rscript (\w+)\.R > (\w+\.json)")
TABLE = ROOT / "build/cohorts/nhanes3.parquet"  # public data that are not committed
VERSIONS = """
packages <- commandArgs(TRUE)
cat(as.character(getRversion()), sapply(packages, function(p) as.character(packageVersion(p))), sep = "\\n")
"""


def packages(script: str) -> list[str]:
    """The packages that a script loads, or names as in survival::coxph."""
    loaded = re.findall(r"(?:library|require)\((\w[\w.]*)\)", script) + re.findall(r"\b([A-Za-z][\w.]*)::\w", script)
    return sorted(set(loaded) - {"base", "stats", "utils"})


def versions(script: str) -> dict[str, str]:
    """The version of R and of each package, by name.

    Raises
    ------
    CalledProcessError
        If a package is not installed, which R then says.
    """
    named = packages(script)
    asked = subprocess.run(
        ["Rscript", "--vanilla", "-e", VERSIONS, *named], capture_output=True, text=True, check=True
    ).stdout.split()
    return dict(zip(["R", *named], asked, strict=True))


def run(path: Path, folder: Path) -> None:
    """Run one script where it expects to be run, with the table or the files that it asks for."""
    script = path.read_text(encoding="utf-8")
    arguments: list[str] = []
    if "nhanes3.csv" in script:
        table = folder / "nhanes3.csv"
        if not table.is_file():
            pd.read_parquet(TABLE).to_csv(table, index=False)
        arguments = [str(table)]
    elif f"{path.stem}.R FOLDER" in script:
        arguments = [str(ROOT / "build/raw/nhanes0306")]
    to_stdout = TO_STDOUT.search(script)
    done = subprocess.run(["Rscript", path.name, *arguments], cwd=HERE, stdout=subprocess.PIPE, text=True, check=True)
    if to_stdout:
        (HERE / to_stdout[2]).write_text(done.stdout, encoding="utf-8")


def main(names: list[str]) -> None:
    """Run the scripts that are named, or all; those that cannot be run are told at the end."""
    known = sorted((path.stem for path in HERE.glob("*.R")), key=lambda name: (name not in FIRST, name))
    noted = HERE / "versions.json"
    found = json.loads(noted.read_text(encoding="utf-8")) if noted.is_file() else {}
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names or known:
            path = HERE / f"{name}.R"
            print(name, flush=True)
            try:
                run(path, Path(folder))
                found[name] = versions(path.read_text(encoding="utf-8"))
            except (subprocess.CalledProcessError, FileNotFoundError) as error:
                failed.append(f"{name}: {error}")
    noted.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n", encoding="utf-8")
    if failed:
        sys.exit("\n".join(["These could not be run:", *failed]))


if __name__ == "__main__":
    main(sys.argv[1:])
