"""What is kept of a run: its folder, manifest and hashes."""
