"""What would have happened: one account, traded and valued moment by moment."""
