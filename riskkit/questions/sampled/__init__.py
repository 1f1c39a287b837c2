"""People who are a sample of a cohort: how they were drawn, in words."""
