"""What the user wrote, checked once and in the user's words: cohorts, analyses, and the plan of what to run."""
