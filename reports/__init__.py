"""The reports of a run: one HTML page and one PDF from the same figures and tables."""
