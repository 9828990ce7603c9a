"""What to hold: scores, expected returns, risk, limits, and the barbell itself."""
