"""Reports: results told in words, figures and tables on one self-contained page."""
