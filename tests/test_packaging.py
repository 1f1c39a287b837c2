"""What is installed with riskkit is what it imports; what it imports at once is little."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

import riskkit as rk

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SLOW = ("matplotlib", "seaborn", "statsmodels", "lifelines", "numba", "duckdb", "joblib", "docx", "weasyprint")


def imported() -> set[str]:
    """The top-level modules that riskkit imports anywhere."""
    found = set()
    for path in (ROOT / "riskkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(str(node.module).split(".")[0])
    return found - set(sys.stdlib_module_names) - {"riskkit", "__future__"}


def test_every_import_is_declared() -> None:
    optional = [each for extra in ("cluster", "pdf") for each in PROJECT["optional-dependencies"][extra]]
    declared = {re.split(r"[\[<>=~! ]", each)[0].lower() for each in (*PROJECT["dependencies"], *optional)}
    homes = packages_distributions()
    undeclared = {
        module for module in imported() if not {each.lower() for each in homes.get(module, [module])} & declared
    }
    assert undeclared == set()


@pytest.mark.parametrize(
    "code",
    [
        "import riskkit",
        "import sys; sys.argv = ['riskkit', 'run', 'analyses/igf1-cancer.toml', '--plan']\n"
        "from riskkit.cli import app; app(standalone_mode=False)",
    ],
)
def test_neither_the_import_nor_a_plan_waits_for_what_it_does_not_need(code: str) -> None:
    told = f"{code}\nimport sys; print('IMPORTED', *sorted(m for m in {SLOW!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "IMPORTED"


def test_type_checkers_know_the_public_names(tmp_path: Path) -> None:
    checked = tmp_path / "use.py"
    checked.write_text("import riskkit as rk\nreveal_type(rk.cox)\nrk.coxx\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-incremental", "--follow-imports=silent", str(checked)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ROOT / "riskkit" / "py.typed").is_file()
    assert "-> riskkit.fit.fit.Fit" in done.stdout
    assert '"coxx"' in done.stdout


def public() -> Iterator[tuple[str, Any]]:
    """Every function and class of the public list, and the methods of the classes."""
    for name in rk.__all__:
        what = getattr(rk, name)
        yield name, what
        if inspect.isclass(what):
            yield from ((f"{name}.{k}", v) for k, v in vars(what).items() if inspect.isfunction(v) and k[0] != "_")


def test_everything_public_says_what_it_takes_and_what_it_gives() -> None:
    lacking = []
    for name, what in public():
        text = inspect.getdoc(what) or ""
        if inspect.isfunction(what):
            signature = inspect.signature(what)
            takes = set(signature.parameters) - {"self"}
            if takes and "Parameters\n---" not in text:
                lacking.append(f"{name}: Parameters")
            gives = signature.return_annotation not in (None, "None")
            if gives and takes and "Returns\n---" not in text:
                lacking.append(f"{name}: Returns")
        elif not issubclass(what, Exception) and not re.search(r"(Parameters|Attributes)\n---", text):
            lacking.append(f"{name}: Attributes")
    assert lacking == []
