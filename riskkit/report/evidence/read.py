"""An evidence file with its tables and one's own results: everything that its report is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from riskkit.errors import DataError, SpecError
from riskkit.evidence.dose_tables import Doses, read_doses
from riskkit.evidence.ledger import Ledger, make_ledger, selection_faults
from riskkit.evidence.reference import Reference
from riskkit.evidence.side_tables import Shift, read_agents, read_levels, reference_of
from riskkit.evidence.table import Estimate, Published, read_published
from riskkit.evidence.verdicts import End
from riskkit.manifest import Manifest
from riskkit.provenance import sha256
from riskkit.report.evidence.curves import ClaimCurve, curve_ends, dose_faults, placed_curves, printed_curves
from riskkit.report.evidence.own import OwnFinding, named_analyses, own_faults, own_findings, own_levels
from riskkit.results import Results
from riskkit.spec.evidence import EvidenceSpec, load_evidence

Reader = Callable[[str], Results]


@dataclass(frozen=True, eq=False)
class Evidence:
    """An evidence file, read and judged.

    Attributes
    ----------
    path : Path
    spec : EvidenceSpec
    published : Published
    agents : tuple of Shift
    reference : Reference or None
    ledger : Ledger
    own : tuple of OwnFinding
    analyses : dict of str to Manifest
        The named analyses whose results were read.
    absent : dict of str to str
        Those that were not, with why.
    doses : Doses or None
    curves : dict of str to ClaimCurve
        Of the claims that declare one.
    """

    path: Path
    spec: EvidenceSpec
    published: Published
    agents: tuple[Shift, ...]
    reference: Reference | None
    ledger: Ledger
    own: tuple[OwnFinding, ...]
    analyses: dict[str, Manifest]
    absent: dict[str, str]
    doses: Doses | None = None
    curves: dict[str, ClaimCurve] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, str]:
        """The files that it is made from, each with its SHA-256."""
        folder = self.path.parent
        doses = self.spec.doses.table if self.spec.doses else None
        tables = [self.spec.estimates, self.spec.levels, self.spec.agents, doses]
        paths = [self.path, *(folder / name for name in tables if name)]
        return {path.relative_to(folder.parent).as_posix(): sha256(path) for path in paths}

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """Every number of the report, as tidy frames."""
        own = pd.DataFrame(
            [(each.cohort, each.outcome, each.contrast, each.level) for each in self.own],
            columns=["cohort", "outcome", "contrast", "level"],
        )
        ours = self.ledger.own.reset_index(drop=True)
        return {
            "claims": self.ledger.claims,
            "pooled": self.ledger.pooled,
            "rows": self.ledger.rows,
            "own": pd.concat([ours, own], axis=1),
            "together": self.ledger.together,
            "agents": self.ledger.agents,
            "estimates": self.published.frame.drop(columns="bias"),
        }

    def rows(self, claim: str, end: End | None = None) -> pd.DataFrame:
        """The published rows that a claim selects."""
        rows = self.ledger.rows[self.ledger.rows["claim"] == claim]
        return rows if end is None else rows[rows["end"] == end]

    def pooled(self, claim: str, end: End) -> pd.Series | None:
        """The pooled estimate of an end of a claim, if there is one."""
        rows = self.ledger.pooled
        rows = rows[(rows["claim"] == claim) & (rows["end"] == end)]
        return None if rows.empty else rows.iloc[0]

    def together(self, claim: str, end: End) -> pd.Series | None:
        """The same with real people of one's own, where there are some that compare."""
        rows = self.ledger.together
        rows = rows[(rows["claim"] == claim) & (rows["end"] == end)]
        return None if rows.empty else rows.iloc[0]

    def findings(self, claim: str, end: End | None = None) -> tuple[OwnFinding, ...]:
        """One's own estimates of a claim."""
        return tuple(e for e in self.own if e.estimate.claim == claim and end in (None, e.estimate.end))

    def estimate(self, id: str) -> Estimate:
        """The row of the table with this name."""
        return next(row for row in self.published.rows if row.id == id)


def read_evidence(path: str | Path, results: Reader) -> Evidence:
    """Read an evidence file, its tables and the results that it names, and judge its claims.

    Parameters
    ----------
    path : path
    results : callable
        Gives the results of an analysis by its name, or raises a DataError that says why there are none.

    Raises
    ------
    SpecError, DataError
        With every fault of the file or of a table.
    """
    path = Path(path)
    spec, folder = load_evidence(path), path.parent
    published = read_published(folder / spec.estimates)
    levels = read_levels(folder / spec.levels) if spec.levels else ()
    agents = read_agents(folder / spec.agents) if spec.agents else ()
    doses = read_doses(folder / spec.doses.table, spec.doses) if spec.doses else None
    faults = [*selection_faults(spec, published, agents), *dose_faults(spec, doses), *own_faults(spec, folder)]
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise SpecError("\n".join([f"{path}: {count}", *(f"  {fault}" for fault in faults)]))
    reference = reference_of(levels, spec.reference.population) if spec.reference else None
    read: dict[str, Results] = {}
    absent: dict[str, str] = {}
    for name in named_analyses(spec):
        try:
            read[name] = results(name)
        except DataError as error:
            absent[name] = str(error)
    own = own_findings(spec, read)
    levels_here = own_levels(spec, read)
    curves = printed_curves(spec, doses, levels_here)
    ledger = make_ledger(
        spec,
        published,
        agents=agents,
        reference=reference,
        own=[each.estimate for each in own],
        curves=curve_ends(spec, curves),
    )
    curves |= placed_curves(spec, published, ledger, reference, levels_here)
    manifests = {name: each.manifest for name, each in read.items()}
    return Evidence(path, spec, published, agents, reference, ledger, own, manifests, absent, doses, curves)
