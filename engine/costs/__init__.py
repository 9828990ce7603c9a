"""What trading costs: one model for the optimiser and the ledger."""
