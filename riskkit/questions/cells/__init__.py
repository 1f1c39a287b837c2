"""What the rule on small numbers needs to know of the people behind estimates; never shown."""
