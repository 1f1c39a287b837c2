"""Models: a design in, a frozen fit out."""
