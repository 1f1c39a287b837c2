"""Cox models of several sites that keep their rows: each answers with sums, and only those are combined."""
