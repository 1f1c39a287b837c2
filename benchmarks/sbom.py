"""A software bill of materials: ``python -m benchmarks.sbom`` prints what comes with riskkit as CycloneDX JSON."""

from __future__ import annotations

import json
import re
from importlib.metadata import Distribution, distributions, requires

from riskkit.provenance import installed

NAME = re.compile(r"[A-Za-z0-9._-]+")


def bill() -> dict[str, object]:
    """Every distribution that riskkit needs, directly or by way of another, with its version and licence."""
    known = {_same(each.metadata["Name"]): each for each in distributions()}
    needed, waiting = {"riskkit"}, ["riskkit"]
    while waiting:
        name = waiting.pop()
        for line in (requires(name) if name in known else None) or ():
            found = NAME.match(line)
            other = _same(found[0]) if found else ""
            if "extra ==" not in line and other in known and other not in needed:
                needed.add(other)
                waiting.append(other)
    parts = [_component(known[name]) for name in sorted(needed - {"riskkit"})]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "riskkit", "version": installed("riskkit")}},
        "components": parts,
    }


def _component(part: Distribution) -> dict[str, object]:
    name, version = part.metadata["Name"], part.version
    licence = part.metadata.get("License-Expression") or part.metadata.get("License") or "unknown"
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{_same(name)}@{version}",
        "licenses": [{"license": {"name": licence.splitlines()[0][:100]}}],
    }


def _same(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    print(json.dumps(bill(), indent=1))
