"""What a report says of the rule on small numbers."""

from __future__ import annotations

from riskkit.disclosure import applied
from riskkit.numbers import NOTHING, count
from riskkit.results import Results


def disclosure_told(results: Results) -> str:
    """Which rule on small numbers was applied, and what it leaves to be seen; empty where there is none.

    Raises
    ------
    DataError
        If the cohort declares one that was not applied.
    """
    policy = applied(results.manifest)
    if policy is None:
        return ""
    few = count(policy.min_count)
    return (
        f"To protect the people studied, counts below {few}, and what rests on them or would give them away, are "
        f"withheld ({NOTHING}); other counts are rounded to the nearest {count(policy.round_to)}, so that sums need "
        f"not agree; estimates have as many digits as the events behind them carry, and those of groups are what the "
        f"rounded counts give; and ranges and curves end at levels that at least {few} people lie beyond."
    )
