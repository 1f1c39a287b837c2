"""The kinds of question an analysis can ask, a folder each; `riskkit.registry` lists them. None imports another."""
