"""Capital expenditure as the SEC has it, and claims about it."""
