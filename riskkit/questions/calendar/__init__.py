"""Incidence by calendar year, standardised for age."""
