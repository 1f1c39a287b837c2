"""Every exposure with every outcome: Cox models that share covariates, follow-up and risk sets."""
