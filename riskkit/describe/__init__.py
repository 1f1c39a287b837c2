"""What the people of a cohort are like: computed once, before any model."""
