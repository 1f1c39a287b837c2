"""Two straight lines in the place of a curve."""
