"""What it proves: performance, events, claims, verdicts and the thesis score."""
