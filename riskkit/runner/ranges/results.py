"""What a run of reference ranges leaves behind, written and read whole, and made safe by each cohort's own rule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from riskkit.cohort.codelists import spec_sha256
from riskkit.cohort.facts import CohortFacts
from riskkit.disclosure.policy import Policy
from riskkit.disclosure.protect import shown_facts
from riskkit.errors import DataError
from riskkit.folders import check_sums
from riskkit.provenance import Provenance, sha256
from riskkit.results import MANIFEST, write_frames
from riskkit.runner.ranges.frames import FRAMES
from riskkit.spec.cohort import load_cohort_spec
from riskkit.spec.disclosure import DisclosureSpec
from riskkit.spec.ranges import KIND, RangesSpec


@dataclass(frozen=True, eq=False)
class RangesResults:
    """Reference ranges of one file.

    Attributes
    ----------
    spec : RangesSpec
    cohorts : dict of name to CohortFacts
        All that the cohorts say of themselves.
    provenance : Provenance
    frames : dict of name to DataFrame
        See `riskkit.runner.ranges.frames`.
    disclosed : dict of cohort to DisclosureSpec
        The rules on small numbers that were applied; empty where none was.
    """

    spec: RangesSpec
    cohorts: Mapping[str, CohortFacts]
    provenance: Provenance
    frames: Mapping[str, pd.DataFrame]
    disclosed: Mapping[str, DisclosureSpec]

    @property
    def simulated(self) -> bool:
        """Whether any of the people are invented."""
        return any(facts.simulated for facts in self.cohorts.values())

    def of(self, name: str, sample: str) -> pd.DataFrame:
        """The rows of a frame that are of one sample."""
        frame = self.frames[name]
        return frame[frame["sample"] == sample].reset_index(drop=True)

    def write(self, folder: str | Path) -> Path:
        """Write every frame as Parquet and the rest as JSON; the folder appears whole or not at all."""
        for frame in FRAMES:
            frame.check(self.frames[frame.name])
        about = {
            "kind": KIND,
            "spec": self.spec.model_dump(mode="json"),
            "cohorts": {name: facts.to_dict() for name, facts in self.cohorts.items()},
            "provenance": asdict(self.provenance),
        }
        folder = Path(folder)
        write_frames(folder, self.frames, {MANIFEST: json.dumps(about, indent=1, ensure_ascii=False) + "\n"})
        return folder / MANIFEST

    @classmethod
    def read(cls, folder: str | Path) -> RangesResults:
        """Read what `write` wrote.

        Raises
        ------
        DataError
            If a part is missing, or is not as it was written.
        """
        folder = Path(folder)
        again = "Run the analysis again (riskkit run ...)."
        if not (folder / MANIFEST).is_file():
            raise DataError(f"{folder}: there are no results. {again}")
        try:
            check_sums(folder)
            about: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            spec = RangesSpec.model_validate_json(json.dumps(about["spec"]))
            cohorts = {name: CohortFacts.from_dict(plain) for name, plain in about["cohorts"].items()}
            made = Provenance(**about["provenance"])
            frames = {frame.name: frame.check(pd.read_parquet(folder / f"{frame.name}.parquet")) for frame in FRAMES}
        except DataError as error:
            raise DataError(f"{folder}: {error} {again}") from error
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{folder}: was written by another riskkit, or is damaged ({why}). {again}") from error
        return cls(spec, cohorts, made, frames, {})


def protected(results: RangesResults) -> RangesResults:
    """The results as they may be shown: the rows of each sample by the rule of its cohort, where it has one."""
    rules = {name: facts.disclosure for name, facts in results.cohorts.items() if facts.disclosure is not None}
    if not rules or results.disclosed:
        return results
    policies = {name: Policy(rule.min_count, rule.round_to) for name, rule in rules.items()}
    of = {sample.id: policies.get(sample.cohort) for sample in results.spec.samples}
    frames = {}
    for frame in FRAMES:
        parts = []
        for sample, policy in of.items():
            rows = results.of(frame.name, sample)
            parts.append(frame.rule(rows, policy) if policy is not None and len(rows) else rows)
        whole = [part for part in parts if len(part)]
        frames[frame.name] = pd.concat(whole, ignore_index=True) if whole else frame.empty()
    cohorts = {
        name: shown_facts(facts, policies[name]) if name in policies else facts
        for name, facts in results.cohorts.items()
    }
    return replace(results, frames=frames, cohorts=cohorts, disclosed=rules)


def check_current(results: RangesResults, analysis: Path, cohorts: Path, where: Path) -> None:
    """Refuse results that the analysis file, or a cohort's file, has left behind.

    Raises
    ------
    DataError
        With what to run.
    """
    again = f"riskkit run {analysis} (or make)."
    if analysis.is_file() and sha256(analysis) != results.provenance.spec_sha256:
        raise DataError(f"{where}: these are the results of another {analysis}. Run it again: {again}")
    for name, facts in results.cohorts.items():
        path = cohorts / f"{name}.toml"
        if path.is_file() and facts.spec_sha256 not in ("", spec_sha256(load_cohort_spec(path))):
            raise DataError(
                f"{where}: these are the results of another {path}. Build the cohort and run the analysis again: "
                f"riskkit cohort {path}, then {again}"
            )
