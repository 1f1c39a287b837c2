"""The main model by the design of the cohort's survey."""
