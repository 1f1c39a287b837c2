"""Subgroups and sensitivity analyses."""
