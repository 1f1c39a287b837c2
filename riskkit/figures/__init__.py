"""Figures: tidy frames drawn with matplotlib, one theme."""
