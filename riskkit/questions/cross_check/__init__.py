"""A sample of the models fitted again by other software."""
