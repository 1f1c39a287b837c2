"""Exposures that are scores: where a level stands among people of the same age (and sex)."""

from __future__ import annotations

from collections.abc import Iterator
from keyword import iskeyword

from riskkit.errors import did_you_mean
from riskkit.spec.cohort import NAME, OUTCOME_COLUMNS, OWN_COLUMNS, CohortSpec
from riskkit.spec.exposure import ExposureSpec
from riskkit.spec.expression import RESERVED
from riskkit.spec.faults import Fault

UNIT = "SDS"  # of every score: standard deviations from the median of a person's age and sex


def score_faults(name: str, exposure: ExposureSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """What is wrong with `sds_of` and `sds_for` of one exposure, for its cohort; nothing where neither is given."""
    place = ("exposures", name)
    if exposure.sds_of is None:
        if exposure.sds_for:
            yield Fault(
                (*place, "sds_for"),
                f"says what a score accounts for, and there is none: name the variable, as in sds_of = '{name}', and "
                f"give the exposure a name of its own, [exposures.{name}_sds].",
            )
        return
    if cohort.sampling is not None:
        yield Fault(
            (*place, "sds_of"),
            f"cohort '{cohort.name}' is a sample with more cases than its people have ([sampling]), from which "
            "ranges of a level cannot be learnt. Give the level itself.",
        )
    columns = cohort.columns
    taken = {*columns, *cohort.outcomes, *OWN_COLUMNS}
    taken |= {f"{outcome}_{column}" for outcome in cohort.outcomes for column in OUTCOME_COLUMNS}
    if not NAME.fullmatch(name) or name in RESERVED or iskeyword(name):
        wanted = "a letter, then letters, digits and _, and no word of the expression language"
        yield Fault(place, f"'{name}' cannot be the name of a score: use {wanted}.")
    elif name in taken:
        yield Fault(place, f"'{name}' is a name of cohort '{cohort.name}'; a score has one of its own: {name}_sds.")
    of = columns.get(exposure.sds_of)
    if of is None:
        guess = did_you_mean(exposure.sds_of, columns)
        yield Fault((*place, "sds_of"), f"cohort '{cohort.name}' has no variable '{exposure.sds_of}'.{guess}")
    elif of.kind != "number":
        yield Fault((*place, "sds_of"), f"'{exposure.sds_of}' is a {of.kind}; a score is of a number.")
    if not 1 <= len(exposure.sds_for) <= 2:
        yield Fault(
            (*place, "sds_for"),
            'is one number, or a number and a category, that ranges depend on, as in ["age", "sex"]; '
            f"got {len(exposure.sds_for)} variables.",
        )
    for j, (variable, kinds) in enumerate(zip(exposure.sds_for, (("number",), ("category", "flag")), strict=False)):
        found = columns.get(variable)
        if found is None:
            guess = did_you_mean(variable, columns)
            yield Fault((*place, "sds_for", j), f"cohort '{cohort.name}' has no variable '{variable}'.{guess}")
        elif found.kind not in kinds:
            wanted = "the first is a number, such as age" if j == 0 else "the second is a category, such as sex"
            yield Fault((*place, "sds_for", j), f"'{variable}' is a {found.kind}; {wanted}.")
        elif variable == exposure.sds_of:
            yield Fault((*place, "sds_for", j), f"'{variable}' is what the score is of.")
    for field in ("repeat", "simex"):
        if getattr(exposure, field):
            yield Fault(
                (*place, field),
                f"corrects '{exposure.sds_of}' as it was measured, not a score. Leave it out, or make "
                f"'{exposure.sds_of}' an exposure too.",
            )
