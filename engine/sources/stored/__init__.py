"""What a study reads of the store: prices and signals of one vintage."""
