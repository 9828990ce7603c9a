"""A store of observations that knows what was known, and when it was stored."""
