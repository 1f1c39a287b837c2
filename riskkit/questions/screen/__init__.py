"""Many exposures, one at a time, with every outcome; and those that stand out, looked at as any exposure is."""
