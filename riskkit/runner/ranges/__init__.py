"""A file of reference ranges to results: curves, tables, fit and comparisons of each sample, as tidy frames."""

from riskkit.runner.ranges.results import RangesResults
from riskkit.runner.ranges.run import run_ranges

__all__ = ["RangesResults", "run_ranges"]
