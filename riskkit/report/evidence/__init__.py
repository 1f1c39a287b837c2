"""The report of published evidence: a ledger of claims, and each claim with its studies."""
