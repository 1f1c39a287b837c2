"""The report of reference ranges: charts, tables, their fit, and comparisons."""
