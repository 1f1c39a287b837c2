"""Absolute risks, standardised over the people studied, and what moving everyone's level would mean."""
