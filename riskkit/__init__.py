"""riskkit: from a cohort's raw files to a report a reader can trust."""
