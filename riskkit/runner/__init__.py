"""An analysis file to results: plan the grid, fit it, keep every number."""

from riskkit.runner.run import run

__all__ = ["run"]
