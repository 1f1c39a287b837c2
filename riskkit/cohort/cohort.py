"""A cohort: one row a person, and everything a reader must know about it, in memory and in one Parquet file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskkit.cohort.flow import FlowStep, exclude
from riskkit.cohort.lock import Source
from riskkit.cohort.outcomes import FollowUp, Outcome
from riskkit.cohort.seal import BLANK, check_seal, seal
from riskkit.cohort.survey import Sampling
from riskkit.cohort.variables import Variable
from riskkit.errors import DataError
from riskkit.folders import told, whole_file
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
    design : Sampling or None
        How people were drawn, where they are the sample of a survey.
    disclosure : DisclosureSpec or None
        The data owner's rule on small numbers, which reports keep.
    simulated : bool
        Whether these people are invented.
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
    design: Sampling | None = None
    disclosure: DisclosureSpec | None = None

    def __repr__(self) -> str:
        kind = "simulated people" if self.simulated else "people"
        counts = f"{len(self.variables)} variables, {len(self.outcomes)} outcomes"
        return f"<Cohort {self.name}: {len(self.data):,} {kind}, {counts}>"

    @property
    def time_unit(self) -> str | None:
        """Unit of follow_up, age_entry and age_exit: days, months or years."""
        return self.follow_up.unit if self.follow_up else None

    def describe(self) -> dict[str, Any]:
        """All but the data, as plain dicts, lists, text and numbers (ready for JSON), with ``n`` and ``time_unit``."""
        plain = {
            **{field: getattr(self, field) for field in ("name", "title", "description", "citation", "simulated")},
            "n": len(self.data),
            "time_unit": self.time_unit,
            "follow_up": asdict(self.follow_up) if self.follow_up else None,
            "flow": [asdict(step) for step in self.flow],
            "variables": {name: asdict(variable) for name, variable in self.variables.items()},
            "outcomes": {name: asdict(outcome) for name, outcome in self.outcomes.items()},
            "sources": [asdict(source) for source in self.sources],
            "remarks": list(self.remarks),
            "design": asdict(self.design) if self.design else None,
            "disclosure": self.disclosure.model_dump() if self.disclosure else None,
        }
        return json.loads(json.dumps(plain))

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
    variables = {}
    for name, variable in about["variables"].items():
        variables[name] = Variable(**{**variable, "levels": tuple(variable["levels"])})
        if variable["kind"] == "category":  # Parquet keeps the levels that occur only
            data[name] = pd.Categorical(data[name], categories=variable["levels"])
    return Cohort(
        **{field: about[field] for field in ("name", "title", "description", "citation", "simulated")},
        data=data,
        flow=tuple(FlowStep(**step) for step in about["flow"]),
        variables=variables,
        outcomes={
            name: Outcome(**{**outcome, "flow": tuple(FlowStep(**step) for step in outcome["flow"])})
            for name, outcome in about["outcomes"].items()
        },
        follow_up=FollowUp(**about["follow_up"]) if about["follow_up"] else None,
        sources=tuple(Source(**source) for source in about["sources"]),
        remarks=tuple(about["remarks"]),
        design=_sampling(about["design"]),
        disclosure=DisclosureSpec(**about["disclosure"]) if about["disclosure"] else None,
    )


def _sampling(about: dict[str, Any] | None) -> Sampling | None:
    return Sampling(**{**about, "units": tuple(tuple(unit) for unit in about["units"])}) if about else None
