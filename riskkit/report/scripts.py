"""The scripts of a page: what runs, and the policy by which a browser runs nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files

from riskkit.tables.table import Table

SEARCH = "templates/search.js"
LONG = 40  # rows from which on a table can be searched


def source(name: str) -> str:
    """The text of a script of this package."""
    return (files("riskkit.report") / name).read_text(encoding="utf-8")


def searching(tables: Iterable[tuple[str, Table]]) -> tuple[str, ...]:
    """The script by which long tables are searched, where there is one."""
    return (source(SEARCH),) if any(len(table.rows) >= LONG for _, table in tables) else ()


def policy(scripts: Sequence[str]) -> str:
    """What the page's Content-Security-Policy must allow: these scripts by their hashes, and no other."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return " ".join(["script-src", *(f"'sha256-{digest}'" for digest in hashes)]) if scripts else ""
