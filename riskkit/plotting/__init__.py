"""Figures of reports on axes of one's own."""
