"""Inference on a fit: contrasts, curves and tests, the same for every model."""
