"""What was imported to make a file, told to make: it then makes the file again when any of that changes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

SAFE = re.compile(r"[A-Za-z0-9_./-]+")  # all that make and a shell take as it is


def write_dependencies(target: Path, into: Path, also: Iterable[Path] = ()) -> None:
    """Write a rule for make: `target` depends on every module of riskkit that is imported now, and on `also`.

    Parameters
    ----------
    target : path
        As the Makefile names it, relative to the folder that make runs in.
    into : path
        The file of the rule, which the Makefile includes.
    also : iterable of path
        Files that were read beside the modules, such as templates.
    """
    if not SAFE.fullmatch(str(target)):
        return  # make would read more than a name in it
    root = Path.cwd().resolve()
    modules = (getattr(module, "__file__", None) for name, module in sys.modules.items() if name.startswith("riskkit."))
    found = [path.resolve() for path in (*map(Path, filter(None, modules)), *also)]
    inside = sorted(str(path.relative_to(root)) for path in found if path.is_relative_to(root))
    named = [name for name in inside if SAFE.fullmatch(name)]
    into.parent.mkdir(parents=True, exist_ok=True)
    # A rule without a recipe for each: a module that is deleted later is then no error but a change.
    text = f"{target}: {' '.join(named)}\n" + "".join(f"{name}:\n" for name in named)
    if not into.is_file() or into.read_text(encoding="utf-8") != text:
        into.write_text(text, encoding="utf-8")
