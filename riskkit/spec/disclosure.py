"""The data owner's rule on small numbers, as a cohort file declares it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel


class DisclosureSpec(SpecModel):
    """The data owner's rule on small numbers: what may leave the place where the data are."""

    min_count: int = Field(ge=2, description="the smallest number of people, or events, that may be shown")
    round_to: int = Field(5, ge=2, description="what all other counts are rounded to; `min_count` is a multiple of it")


def disclosure_faults(rule: DisclosureSpec) -> Iterator[Fault]:
    """Subtracting rounded counts leaves round_to - 1 values or more for each withheld one only where this holds."""
    if rule.min_count % rule.round_to:
        above = (rule.min_count // rule.round_to + 1) * rule.round_to
        yield Fault(
            ("disclosure", "min_count"),
            f"must be a multiple of round_to, which is {rule.round_to}: otherwise a withheld count may follow from the "
            f"rounded ones by subtraction. Write {above}; got {rule.min_count}",
        )
