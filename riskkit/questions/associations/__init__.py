"""The models of the analysis: every exposure with every outcome."""
