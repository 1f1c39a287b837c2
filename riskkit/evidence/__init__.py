"""What published studies say: pooled estimates, dose-response across studies, and tables of what was published."""
