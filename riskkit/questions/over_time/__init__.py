"""Whether a ratio changes along the time scale."""
