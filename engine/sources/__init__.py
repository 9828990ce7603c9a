"""Where prices and signals come from: simulated, documented, or your own files."""
