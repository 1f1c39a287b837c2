"""Published estimates beside those of the analysis."""
