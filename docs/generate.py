"""What is written from the code: docs/results.md from schemas of frames, riskkit/__init__.pyi from public names.

python docs/generate.py        # writes them; a test compares
"""

from __future__ import annotations

from pathlib import Path

import riskkit
from riskkit.frames import documented
from riskkit.results import schemas

ROOT = Path(__file__).resolve().parent.parent
RESULTS = """# Results

What a run leaves in `build/results/NAME/`, and a report beside its page in `data/`: tidy frames, one vocabulary of
columns, and `results.json`, the manifest. In Python `rk.run(...)` returns them, each as an attribute:
`results.estimates`. `estimate` and `se` are on the model's scale; `ratio`, `low` and `high` are exponentiated. Kinds:
*whole* numbers are never missing, a *flag* is true or false. This page is written from the schemas that frames are
checked against.

"""
STUB = '''"""The public names of riskkit, for type checkers; written by docs/generate.py."""

'''


def results() -> str:
    """The page of all frames."""
    return RESULTS + documented(schemas().values())


def stub() -> str:
    """The public names, each from its home."""
    lines = [f"from {home} import {name} as {name}" for home, names in riskkit._HOMES.items() for name in names]
    return STUB + "\n".join(sorted(lines)) + "\n\n__version__: str\n"


FILES = {ROOT / "docs" / "results.md": results, ROOT / "riskkit" / "__init__.pyi": stub}

if __name__ == "__main__":
    for path, written in FILES.items():
        path.write_text(written(), encoding="utf-8")
