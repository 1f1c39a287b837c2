"""Disclosure control: results as the owner of the data lets them be shown."""

from riskkit.disclosure.protect import applied, protect, read_released, rounding

__all__ = ["applied", "protect", "read_released", "rounding"]
