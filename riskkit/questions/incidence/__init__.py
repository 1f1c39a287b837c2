"""Cumulative incidence by group of an exposure."""
