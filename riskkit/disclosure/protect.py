"""Results made safe to show, by a rule for each frame; reports take their results from here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from riskkit.cohort.facts import CohortFacts
from riskkit.cohort.flow import FlowStep
from riskkit.cohort.sampled import Sampled
from riskkit.cohort.variables import Variable
from riskkit.disclosure.policy import Policy, significant
from riskkit.disclosure.small_cells import find_small
from riskkit.errors import DataError
from riskkit.manifest import Manifest
from riskkit.results import Results, schemas


def read_released(folder: str | Path) -> Results:
    """Read results as they may be shown; whatever a reader sees is made from these.

    Raises
    ------
    DataError
        If a part is missing.
    """
    return protect(Results.read(folder))


def protect(results: Results) -> Results:
    """Apply the rule on small numbers that the cohort's file declares, if it does.

    Returns
    -------
    Results
        Those given where no rule is declared or it has been applied already. Otherwise every frame, by the rule of its
        schema, and the flow, without what rests on too few people: counts are NaN where they are withheld, and rounded
        elsewhere. The manifest says under `disclosed` which rule was applied.
    """
    manifest = results.manifest
    declared = manifest.cohort.disclosure
    if declared is None or manifest.disclosed is not None:
        return results
    policy = Policy(declared.min_count, declared.round_to)
    small = find_small(results, policy)
    frames = {name: frame.rule(results.frames[name], small).reset_index(drop=True) for name, frame in schemas().items()}
    return Results(manifest.replaced(cohort=shown_facts(manifest.cohort, policy), disclosed=declared), frames)


def applied(manifest: Manifest) -> Policy | None:
    """The rule that was applied to results; None where the cohort declares none.

    Raises
    ------
    DataError
        If one is declared and was not applied.
    """
    declared = manifest.cohort.disclosure
    if declared is not None and manifest.disclosed is None:
        raise DataError(
            f"The cohort '{manifest.cohort.name}' has a rule on small numbers, which was not applied to these "
            "results. Report what riskkit.disclosure.protect makes of them."
        )
    return Policy(declared.min_count, declared.round_to) if declared is not None else None


def rounding(manifest: Manifest) -> int:
    """What the counts of results are rounded to; 1 where they are exact."""
    policy = applied(manifest)
    return policy.round_to if policy else 1


def _sampled(drawn: Sampled, policy: Policy) -> Sampled:
    """The counts of a sample: rounded, and cases within and outside the subcohort withheld together."""

    def shown(count: float) -> float:
        return float(policy.counts(count))

    cases = {name: policy.counts(list(each), np.zeros(2)) for name, each in drawn.cases.items()}
    sizes = {
        name: {
            level: float(n) for level, n in zip(own, policy.counts(list(own.values()), np.zeros(len(own))), strict=True)
        }
        for name, own in drawn.sizes.items()
    }
    return replace(
        drawn,
        members=shown(drawn.members),
        sets=shown(drawn.sets),
        sizes=sizes,
        cases={name: (float(inside), float(besides)) for name, (inside, besides) in cases.items()},
        person_years={name: float(significant(years)) for name, years in drawn.person_years.items()},
    )


def shown_facts(cohort: CohortFacts, policy: Policy) -> CohortFacts:
    """What is told of the cohort; remarks on its raw files are left out, since they count records."""

    def shown(count: float) -> float:
        return float(policy.counts(count))

    def steps(flow: tuple[FlowStep, ...]) -> tuple[FlowStep, ...]:
        removed = policy.counts([step.removed for step in flow], np.zeros(len(flow)))
        return tuple(
            replace(step, removed=float(out), remaining=shown(step.remaining))
            for step, out in zip(flow, removed, strict=True)
        )

    def variable(each: Variable) -> Variable:
        missing = {reason: shown(n) for reason, n in each.missing.items()}
        coded = {name: shown(getattr(each, name)) for name in ("top_coded", "bottom_coded")}
        return replace(each, missing=missing, **coded)

    design = cohort.design
    return replace(
        cohort,
        n=shown(cohort.n),
        flow=steps(cohort.flow),
        variables={name: variable(each) for name, each in cohort.variables.items()},
        outcomes={name: replace(each, flow=steps(each.flow)) for name, each in cohort.outcomes.items()},
        design=replace(design, n=shown(design.n)) if design else None,
        remarks=(),
        sampled=_sampled(cohort.sampled, policy) if cohort.sampled else None,
        doubts=tuple(replace(doubt, n=shown(doubt.n)) for doubt in cohort.doubts),
    )
