"""A cohort: one row a person, and everything a reader must know about it, in memory and in one Parquet file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskkit.cohort.doubts import Doubt
from riskkit.cohort.facts import CohortFacts
from riskkit.cohort.flow import FlowStep, exclude
from riskkit.cohort.lock import Source
from riskkit.cohort.outcomes import FollowUp, Outcome
from riskkit.cohort.rates import ReferenceRates
from riskkit.cohort.repeats import Repeats
from riskkit.cohort.sampled import Sampled
from riskkit.cohort.seal import BLANK, check_seal, seal
from riskkit.cohort.survey import Sampling
from riskkit.cohort.variables import Variable
from riskkit.errors import DataError
from riskkit.folders import told, whole_file
from riskkit.markup import shown
from riskkit.spec.disclosure import DisclosureSpec
from riskkit.spec.tables import ExclusionSpec

METADATA, SEAL = b"riskkit", b"riskkit.sha256"


@dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """People, their variables, their follow-up and what happened to them.

    Attributes
    ----------
    data : DataFrame, one row a person
        ``id``; the variables (float64 for numbers and flags, categories in their declared order); ``follow_up``,
        ``age_entry`` and ``age_exit`` in `time_unit`; the columns that each `Outcome` names.
    flow : tuple of FlowStep
        From the first raw file to the people in `data`.
    variables, outcomes : dict by name
    follow_up : FollowUp or None
    sources : tuple of Source
        The raw files.
    remarks : tuple of str
        What was found in the raw files that a reader should know.
    doubts : tuple of Doubt
        What about the data is probably wrong, with how many people it is of.
    design : Sampling or None
        How people were drawn, where they are the sample of a survey.
    disclosure : DisclosureSpec or None
        The data owner's rule on small numbers, which reports keep.
    rates : ReferenceRates or None
        The rates of another population that the cohort's file declares.
    spec_sha256 : str
        Of the cohort's file with its code lists, by which what was made from another is known; empty of one made by
        hand.
    simulated : bool
        Whether these people are invented.
    repeats : dict by variable
        What was measured again; `riskkit.cohort.repeats.visits_of` has the values.
    sampled : Sampled or None
        How these people were drawn from a larger cohort, where they were.
    """

    name: str
    title: str
    description: str
    citation: str
    simulated: bool
    data: pd.DataFrame
    flow: tuple[FlowStep, ...]
    variables: dict[str, Variable]
    outcomes: dict[str, Outcome]
    follow_up: FollowUp | None
    sources: tuple[Source, ...]
    remarks: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    design: Sampling | None = None
    disclosure: DisclosureSpec | None = None
    rates: ReferenceRates | None = None
    spec_sha256: str = ""
    repeats: dict[str, Repeats] = field(default_factory=dict)
    sampled: Sampled | None = None

    def __repr__(self) -> str:
        kind = "simulated people" if self.simulated else "people"
        counts = f"{len(self.variables)} variables, {len(self.outcomes)} outcomes"
        return f"<Cohort {self.name}: {len(self.data):,} {kind}, {counts}>"

    def _repr_html_(self) -> str:
        """The cohort in a notebook: its flow, outcomes and variables, every text escaped."""
        flow = [(step.label, f"{step.removed:,}", f"{step.remaining:,}") for step in self.flow]
        about = [
            (v.name, v.label, v.kind, v.unit or "", f"{sum(v.missing.values()):,}") for v in self.variables.values()
        ]
        events = [(o.name, o.label, f"{int(self.data[o.event].sum()):,}") for o in self.outcomes.values()]
        people = f"{len(self.data):,} {'simulated people, not data' if self.simulated else 'people'}"
        parts = [
            shown(self.title, (people,), pd.DataFrame(flow, columns=["Step", "Left out", "Remain"])),
            shown("Outcomes", (), pd.DataFrame(events, columns=["name", "label", "events"])),
            shown(
                "Variables", (), pd.DataFrame(about, columns=["name", "label", "kind", "unit", "missing"]), self.remarks
            ),
        ]
        return "\n".join(parts)

    @property
    def time_unit(self) -> str | None:
        """Unit of follow_up, age_entry and age_exit: days, months or years."""
        return self.follow_up.unit if self.follow_up else None

    @property
    def facts(self) -> CohortFacts:
        """All but the data."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "data"}
        own["doubts"] = tuple(replace(doubt, ids=()) for doubt in self.doubts)
        return CohortFacts(**own, n=len(self.data), time_unit=self.time_unit)

    def describe(self) -> dict[str, Any]:
        """All but the data, as plain dicts, lists, text and numbers (ready for JSON), with ``n`` and ``time_unit``."""
        return json.loads(json.dumps(self.facts.to_dict()))

    def without(self, exclusions: tuple[ExclusionSpec, ...]) -> Cohort:
        """The cohort after further steps of its flow.

        Of an outcome's flow this keeps who is at risk only, and variables keep the counts of the whole cohort.

        Raises
        ------
        DataError
            If nobody remains.
        """
        if not exclusions:
            return self
        people, flow = exclude(self.data, self.flow, exclusions)
        outcomes = {}
        for name, outcome in self.outcomes.items():
            possible = int(people[outcome.at_risk].sum())
            steps = (("People of the analysis", len(people)), ("Not at risk of the outcome", possible))
            left = tuple(FlowStep(label, len(people) - remaining, remaining) for label, remaining in steps)
            outcomes[name] = replace(outcome, flow=left)
        return replace(self, data=people.reset_index(drop=True), flow=flow, outcomes=outcomes)

    def write(self, path: str | Path) -> None:
        """Write one Parquet file; what is not data goes into its schema's metadata, as JSON under the key ``riskkit``.

        The same cohort gives the same bytes, which carry their own checksum.
        """
        table = pa.Table.from_pandas(self.data, preserve_index=False)
        about = json.dumps(self.describe(), ensure_ascii=False).encode()
        metadata = {**(table.schema.metadata or {}), METADATA: about, SEAL: BLANK}
        with whole_file(path) as part:
            pq.write_table(table.replace_schema_metadata(metadata), part)
            seal(part)

    @classmethod
    def read(cls, path: str | Path) -> Cohort:
        """Read what `write` wrote.

        Raises
        ------
        DataError
            If the file is not a cohort, or not as it was written.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError(f"{path}: there is no such file. Build the cohort first.")
        try:
            with told(path):
                metadata = pq.read_metadata(path).metadata or {}
                about = metadata[METADATA]
                check_seal(path, metadata.get(SEAL))
                return _from_parquet(pq.read_table(path).to_pandas(), json.loads(about))
        except DataError as error:
            raise DataError(f"{error} Build the cohort anew.") from error
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            why = " ".join(str(error).split())
            raise DataError(f"{path}: is not a cohort this riskkit wrote ({why}). Build the cohort anew.") from error


def _from_parquet(data: pd.DataFrame, about: dict[str, Any]) -> Cohort:
    facts = CohortFacts.from_dict(about)
    for name, variable in facts.variables.items():
        if variable.kind == "category":  # Parquet keeps the levels that occur only
            data[name] = pd.Categorical(data[name], categories=variable.levels)
    own = {each.name: getattr(facts, each.name) for each in fields(facts)}
    return Cohort(data=data, **{name: value for name, value in own.items() if name not in ("n", "time_unit")})
