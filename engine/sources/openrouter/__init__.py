"""Weekly tokens per model, as shares by vendor and origin."""
