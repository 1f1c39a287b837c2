"""Cox models of more rows than memory holds: the same likelihood, summed over partitions."""
