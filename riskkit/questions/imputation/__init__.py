"""The main model with missing covariates imputed."""
