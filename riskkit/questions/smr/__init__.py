"""Events against those expected at the rates of another population."""
