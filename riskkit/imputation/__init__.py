"""Multiple imputation: what is missing drawn several times, so that estimates can say what it costs not to know it."""
