"""An analysis file to results: the jobs of every question through one queue."""

from riskkit.runner.run import run

__all__ = ["run"]
