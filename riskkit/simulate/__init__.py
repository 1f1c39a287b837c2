"""A simulated twin of UK Biobank: raw tables in its format, with a truth that an analysis can be judged by."""

from riskkit.simulate.twin import simulate_ukb

__all__ = ["simulate_ukb"]
