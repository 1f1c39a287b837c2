"""Raw files to a cohort: one row a person, with who was left out and why each value is missing."""
