"""Effect modification by declared variables."""
