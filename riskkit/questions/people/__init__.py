"""Who was studied."""
