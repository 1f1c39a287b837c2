"""Thousands of odd formulas, files and labels: each is answered rightly or refused in a sentence, and none hangs."""
