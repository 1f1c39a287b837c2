"""How far linear estimates could be due to bias, or to a few people."""
